/* SPDX-License-Identifier: Apache-2.0 */
/* config.example.toml: every key that a configuration may have, with its help and its default or an example.
 * A key is commented out with a bare #, prose with # and a blank. */
#include <string.h>

#include "base/checked.h"
#include "cli/config.h"
#include "cli/recipe_keys.h"

#define LINE_COLUMNS 100

/* Prose, a # in front of each line. */
static void print_prose(struct cm_printer *printer, const char *text)
{
    size_t column = 0;

    while (*text != 0) {
        size_t word_bytes = strcspn(text, " ");

        if (column > 0 && column + 1 + word_bytes > LINE_COLUMNS) {
            cm_printer_text(printer, "\n");
            column = 0;
        }
        cm_printer_text(printer, column == 0 ? "# " : " ");
        cm_printer_bytes(printer, text, word_bytes);
        column += (column == 0 ? 2 : 1) + word_bytes;
        text += word_bytes;
        text += strspn(text, " ");
    }
    cm_printer_text(printer, "\n");
}

/* "info, stats" */
static void list_commands(unsigned commands, char *text, size_t text_bytes)
{
    size_t used = 0;

    text[0] = 0;
    for (size_t i = 0; i < cm_n_commands && used < text_bytes; i++) {
        if ((commands & (1u << cm_commands[i].id)) != 0)
            used += (size_t)snprintf(text + used, text_bytes - used, "%s%s", used == 0 ? "" : ", ",
                                     cm_commands[i].name);
    }
}

static const char *sample_of(const struct cm_option *option)
{
    return option->sample != NULL ? option->sample : option->kind == CM_VALUE_FLAG ? "false" : "\"\"";
}

/* Keys that a file is most often written for stand there, the others are commented out. */
static bool is_shown(const struct cm_option *option)
{
    return strcmp(option->name, "output") == 0;
}

static void print_option(struct cm_printer *printer, const struct cm_option *option, unsigned commands)
{
    char key[CM_OPTION_KEY_BYTES], list[64], prose[1024];
    size_t used = (size_t)snprintf(prose, sizeof(prose), "%s.", option->help);

    if (option->default_text != NULL && used < sizeof(prose))
        used += (size_t)snprintf(prose + used, sizeof(prose) - used, " Default: %s.", option->default_text);
    if (option->commands != commands && used < sizeof(prose)) {
        list_commands(option->commands, list, sizeof(list));
        snprintf(prose + used, sizeof(prose) - used, " For %s.", list);
    }
    print_prose(printer, prose);
    cm_printer_format(printer, "%s%s = %s\n", is_shown(option) ? "" : "#", cm_option_key(option, key),
                      sample_of(option));
}

static const struct {
    enum cm_section section;
    const char *about, *behind; /* what stands before its options and after them */
} sections[] = {
    {CM_SECTION_FILTER,
     "Which packets are kept: those for which every key holds; of a key's values one is enough.",
     "# What is not kept, whatever the keys above say.\n#[filter.not]\n#port = 22\n\n"
     "# With negate = true in its place, the keys of [filter] themselves are exclusions.\n\n"
     "# Further rules, each of which must hold too. op tells how the keys and rules in one belong\n"
     "# together: \"and\" (the default), \"or\", or \"not\" for the opposite of \"and\". Rules nest.\n"
     "#[[filter.rules]]\n#op = \"or\"\n#proto = \"icmp\"\n\n"
     "#[[filter.rules.rules]]\n#src_ip = \"10.0.0.0/8\"\n#dst_port = 53\n\n"
     "#[[filter.rules.rules]]\n#negate = true\n#tcp_flags = \"ACK\"\n"},
    {CM_SECTION_TRANSFORM, "What is changed in packets that are written, in this order.",
     "# Payload of some packets is cut elsewhere: the first rule whose protocol and port match counts,\n"
     "# and max_payload_bytes above where none does.\n"
     "#[[transform.truncate]]\n#protocol = \"tcp\"\n#port = 80\n#max_payload_bytes = 128\n\n"
     "#[[transform.truncate]]\n#protocol = \"udp\"\n#port = 53\n#max_payload_bytes = 64\n"},
    {CM_SECTION_OUTPUT, "Where and how results are written.",
     "# As other programs have them: further outputs of export, each with what -o says in words.\n"
     "#[[export.outputs]]\n#path = \"packets.parquet\"\n#format = \"parquet\"\n#codec = \"zstd\"\n"
     "#rows = \"packets\"\n#compress_payload = false\n"},
    {CM_SECTION_TABLE, "What is in tables (Parquet, Avro, JSON lines), and how they are laid out in files.",
     NULL},
    {CM_SECTION_SORT,
     "Order of time. As other programs have it, enabled = true also stands for command = \"sort\" where no "
     "command is named, and slice for that of [output].",
     NULL},
    {CM_SECTION_STATS, "What info and stats show.", NULL},
    {CM_SECTION_GENERATE, "What generate makes: keys of a recipe, with _ for - (docs/generate.md).", NULL},
    {CM_SECTION_RUN, "How the work is done and what is said about it.", NULL},
};

/* What most options of a section belong to; only the others say theirs. */
static unsigned commands_of(enum cm_section section)
{
    static const unsigned commands[CM_N_SECTIONS] = {
        [CM_SECTION_FILTER] = CM_FOR_READING,    [CM_SECTION_TRANSFORM] = CM_FOR_CHANGING,
        [CM_SECTION_OUTPUT] = CM_FOR_TABLES,     [CM_SECTION_TABLE] = CM_FOR_TABLES,
        [CM_SECTION_SORT] = CM_FOR_TABLES,       [CM_SECTION_STATS] = CM_FOR_STATS,
        [CM_SECTION_GENERATE] = CM_FOR_GENERATE, [CM_SECTION_RUN] = CM_FOR_ALL,
    };

    return commands[section];
}

static void print_section(struct cm_printer *printer, enum cm_section section)
{
    for (const struct cm_option *option = cm_option_next(NULL); option != NULL;
         option = cm_option_next(option)) {
        bool is_recipe_line = section == CM_SECTION_GENERATE && option->kind != CM_VALUE_FILE;
        if (option->section == section && !option->typed_only && !is_recipe_line)
            print_option(printer, option, commands_of(section));
    }
}

static void print_recipe_keys(struct cm_printer *printer)
{
    for (size_t i = 0; i < cm_n_recipe_keys; i++) {
        char key[CM_OPTION_KEY_BYTES];

        snprintf(key, sizeof(key), "%s", cm_recipe_keys[i].name);
        for (char *p = key; *p != 0; p++)
            *p = *p == '-' ? '_' : *p;
        cm_printer_format(printer, "# %s.\n#%s = %s\n", cm_recipe_keys[i].help, key,
                          cm_recipe_keys[i].sample);
    }
}

void cm_config_print_example(struct cm_printer *printer)
{
    cm_printer_text(
        printer,
        "# A configuration of capmill with every key there is: capmill --config config.example.toml\n"
        "# (this text: capmill --example-config). Keys that are commented out show their default or an\n"
        "# example. What is given on the command line replaces the same key here.\n\n"
        "# info, stats, sort, export or generate; a command on the command line counts instead.\n"
        "command = \"sort\"\n\n"
        "# Captures, globs or folders, as one string or an array; this block may be repeated. Names are\n"
        "# relative to the folder that capmill is started in.\n"
        "[[input]]\npath = \"capture.pcap\"\n\n"
        "#[[input]]\n#path = [\"more/*.pcapng\", \"/data/captures\"]\n");
    for (size_t i = 0; i < CM_ARRAY_COUNT(sections); i++) {
        cm_printer_text(printer, "\n");
        print_prose(printer, sections[i].about);
        cm_printer_format(printer, "[%s]\n", cm_section_names[sections[i].section]);
        print_section(printer, sections[i].section);
        if (sections[i].section == CM_SECTION_GENERATE)
            print_recipe_keys(printer);
        if (sections[i].behind != NULL)
            cm_printer_format(printer, "\n%s", sections[i].behind);
    }
}

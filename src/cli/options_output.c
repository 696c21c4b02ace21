/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the option table: where and in what form the commands that write something write it. */
#include <string.h>

#include "base/checked.h"
#include "base/quantity.h"
#include "cli/option_tables.h"
#include "cli/output_words.h"

static CM_SETTER(set_output)
{
    struct capmill_output output;
    enum capmill_status status = cm_output_parse(setting, &output, error);

    if (status == CAPMILL_OK)
        typed->outputs[typed->n_outputs++] = output;
    return status;
}

static CM_SETTER(set_format)
{
    int index;

    if (cm_format_of_word(setting->value, strlen(setting->value), &typed->format))
        return CAPMILL_OK;
    return cm_setting_choice(setting, &index, error); /* which refuses it */
}

static CM_SETTER(set_slice)
{
    struct cm_text_fault fault;

    if (!cm_duration_parse(setting->value, &typed->slice_ns, &fault))
        return cm_setting_refuse(setting, &fault, error);
    /* the files are named by whole seconds, so shorter slices would take each other's names */
    if (typed->slice_ns == 0 || typed->slice_ns % UINT64_C(1000000000) != 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%.300s '%s': expected a whole number of seconds, at least 1", setting->origin,
                            setting->value);
    return CAPMILL_OK;
}

static CM_SETTER(set_resolution)
{
    int index;
    enum capmill_status status = cm_setting_choice(setting, &index, error);

    if (status == CAPMILL_OK)
        typed->resolution = index == 0 ? CM_RESOLUTION_US : CM_RESOLUTION_NS;
    return status;
}

static CM_SETTER(set_recipe)
{
    if (setting->value[0] == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s: expected the name of a file",
                            setting->origin);
    typed->recipe_path = setting->value;
    typed->recipe_origin = setting->origin;
    return CAPMILL_OK;
}

static void add_recipe_line(const struct cm_setting *setting, struct cm_typed *typed, const char *key,
                            size_t key_bytes, const char *value)
{
    typed->recipe_lines[typed->n_recipe_lines++] =
        (struct cm_recipe_line){key, key_bytes, value, setting->origin};
}

static CM_SETTER(set_key)
{
    const char *value = setting->value;
    size_t key_bytes = strcspn(value, "=");

    if (value[key_bytes] == 0 || key_bytes == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s '%.80s': expected KEY=VALUE", setting->origin,
                            value);
    if (strpbrk(value, "\r\n#") != NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%.300s '%.*s': neither # nor a line break may be in it", setting->origin,
                            (int)strcspn(value, "\r\n"), value);
    add_recipe_line(setting, typed, value, key_bytes, value + key_bytes + 1);
    return CAPMILL_OK;
}

static CM_SETTER(set_recipe_size)
{
    uint64_t bytes;
    enum capmill_status status = cm_setting_size(setting, &bytes, error);

    if (status == CAPMILL_OK)
        add_recipe_line(setting, typed, setting->option->name, strlen(setting->option->name), setting->value);
    return status;
}

static CM_SETTER(set_recipe_count)
{
    uint64_t count;
    enum capmill_status status = cm_setting_count(setting, 0, UINT64_MAX, &count, error);

    if (status == CAPMILL_OK)
        add_recipe_line(setting, typed, setting->option->name, strlen(setting->option->name), setting->value);
    return status;
}

#define OUTPUT(for_) .section = CM_SECTION_OUTPUT, .commands = for_, .group = CM_GROUP_OUTPUT
#define RECIPE       .section = CM_SECTION_GENERATE, .commands = CM_FOR_GENERATE, .group = CM_GROUP_OUTPUT

static const struct cm_option rows[] = {
    {CM_NAMED("output"), .letter = 'o', .repeatable = true, .argument = "[FORMAT[:WORD...]=]PATH",
     .kind = CM_VALUE_FILE, OUTPUT(CM_FOR_WRITING), .key = "path", .sample = "\"sorted.pcap\"",
     .help = "Write to PATH; - is standard output. FORMAT is pcap, pcapng, parquet, avro or jsonl (generate: "
             "pcap or pcapng); without it the extension of PATH decides, and where that does not tell the "
             "first input does. WORD is a table's codec or rows: parquet:zstd:flows=PATH. sort and export "
             "take several outputs",
     .set = set_output},
    {CM_NAMED("format"), .argument = CM_FORMAT_WORDS, .kind = CM_VALUE_CHOICE, OUTPUT(CM_FOR_TABLES),
     .sample = "\"pcapng\"", .help = "Format of outputs that do not name one", .set = set_format},
    {CM_NAMED("sort"), .section = CM_SECTION_SORT, .key = "enabled", .commands = CM_FOR_EXPORT,
     .group = CM_GROUP_OUTPUT, .sample = "true",
     .help = "Put packets in order of time first, as capmill sort does, instead of keeping their order",
     CM_FLAG(by_time)},
    {CM_NAMED("slice"), .argument = "DURATION", .kind = CM_VALUE_REAL, OUTPUT(CM_FOR_TABLES),
     .sample = "\"1h\"",
     .help = "Write one file for each DURATION, aligned to whole multiples in UTC and named by its start: "
             "PATH_YYYYMMDDTHHMMSSZ.EXT",
     .set = set_slice},
    {CM_NAMED("resolution"), .argument = "us|ns", .kind = CM_VALUE_CHOICE, OUTPUT(CM_FOR_TABLES),
     .default_text = "the finest of the inputs", .sample = "\"ns\"",
     .help = "Write the times of a pcap output in microseconds (finer digits are cut) or nanoseconds; in "
             "pcapng each interface keeps its own",
     .set = set_resolution},
    {CM_NAMED("recipe"), .argument = "FILE", .kind = CM_VALUE_FILE, RECIPE,
     .sample = "\"datasets/imix.recipe\"", .help = "Read the recipe from FILE; - is standard input",
     .set = set_recipe},
    {CM_NAMED("set"), .repeatable = true, .typed_only = true, .argument = "KEY=VALUE", .kind = CM_VALUE_MAP,
     RECIPE, .help = "Set a key of the recipe, after the file; the last one counts", .set = set_key},
    {CM_NAMED("size"), .argument = "SIZE", .kind = CM_VALUE_COUNT, RECIPE,
     .help = "Same as --set size=SIZE: size of the capture", .set = set_recipe_size},
    {CM_NAMED("packets"), .argument = "N", .kind = CM_VALUE_COUNT, RECIPE,
     .help = "Same as --set packets=N: number of packets, in place of a size", .set = set_recipe_count},
    {CM_NAMED("flows"), .argument = "N", .kind = CM_VALUE_COUNT, RECIPE,
     .help = "Same as --set flows=N: number of flows", .set = set_recipe_count},
    {CM_NAMED("seed"), .argument = "N", .kind = CM_VALUE_COUNT, RECIPE,
     .help = "Same as --set seed=N: another capture of the same kind", .set = set_recipe_count},
    {CM_NAMED("force"), .letter = 'f', OUTPUT(CM_FOR_WRITING),
     .help = "Replace an output that exists; without this it is refused", CM_FLAG(force)},
    {CM_NAMED("durable"), OUTPUT(CM_FOR_WRITING),
     .help = "Flush outputs to the disk before they get their names", CM_FLAG(durable)},
};
const struct cm_option_table cm_output_options = {rows, CM_ARRAY_COUNT(rows)};

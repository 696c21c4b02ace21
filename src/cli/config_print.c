/* SPDX-License-Identifier: Apache-2.0 */
/* What is in force as a configuration file: every key that was given, with where its value comes from, so that
 * loading the text again gives the same job; with --verbose the defaults of all others too. */
#include <stdarg.h>
#include <string.h>

#include "base/checked.h"
#include "base/utf8.h"
#include "cli/config.h"
#include "cli/recipe_keys.h"

/* The longest name of a table: "filter" and ".rules" for each level, and ".not". */
#define TABLE_BYTES (16 + 6 * CAPMILL_FILTER_DEPTH)

struct writer {
    const struct cm_typed *typed;
    struct cm_printer *printer;
    const char *table;                    /* whose keys come next; "": its name is printed already */
    size_t n_defaults;                    /* keys that were not given */
    const char *not_utf8;                 /* origin of the first value that TOML cannot hold */
    const struct cm_recipe_line *unknown; /* the last line whose key no recipe has, and so no file either */
};

/* A table's name is printed with its first key, so that a table without keys is left out. */
static void begin_key(struct writer *w)
{
    if (w->table[0] != 0)
        cm_printer_format(w->printer, "\n[%s]\n", w->table);
    w->table = "";
}

/* A basic string (TOML v1.0.0, "String"): the escapes that it has to have, and the text as it is. */
static void print_string(struct writer *w, const char *text, const char *origin)
{
    const unsigned char *p = (const unsigned char *)text;

    cm_printer_text(w->printer, "\"");
    while (*p != 0) {
        size_t length = cm_utf8_length(p);
        if (length == 0) {
            w->not_utf8 = w->not_utf8 != NULL ? w->not_utf8 : origin;
            return;
        }
        if (*p == '"' || *p == '\\')
            cm_printer_format(w->printer, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            cm_printer_format(w->printer, "\\u%04x", *p);
        else if (cm_utf8_is_control(p)) /* U+0080 to U+009f, which a terminal would obey */
            cm_printer_format(w->printer, "\\u00%02x", p[1]);
        else
            cm_printer_bytes(w->printer, (const char *)p, length);
        p += length;
    }
    cm_printer_text(w->printer, "\"");
}

/* Whether TOML has it as an integer that is written the same way. */
static bool is_plain_integer(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= 18 && text[digits] == 0 && (text[0] != '0' || digits == 1);
}

static void print_value(struct writer *w, enum cm_value_kind kind, const char *text, const char *origin)
{
    bool may_be_integer = kind == CM_VALUE_COUNT || kind == CM_VALUE_REAL || kind == CM_VALUE_TIME;

    if (may_be_integer && is_plain_integer(text))
        cm_printer_text(w->printer, text);
    else
        print_string(w, text, origin);
}

/* Behind a value: where it comes from. The last word of a file's origin is the key, which stands there already.
 */
static void print_origin(struct writer *w, const char *origin, bool in_file)
{
    const char *key = in_file ? strrchr(origin, ' ') : NULL;

    cm_printer_text(w->printer, "  # ");
    if (key == NULL) {
        cm_printer_foreign(w->printer, origin);
    } else {
        char place[512];
        snprintf(place, sizeof(place), "%.*s", (int)(key - origin), origin);
        cm_printer_foreign(w->printer, place);
    }
    cm_printer_text(w->printer, "\n");
}

static void print_assignment(struct writer *w, const char *key, enum cm_value_kind kind, const char *value,
                             const char *origin, bool in_file)
{
    begin_key(w);
    cm_printer_format(w->printer, "%s = ", key);
    print_value(w, kind, value, origin);
    print_origin(w, origin, in_file);
}

/* What a list is printed from: its values one by one. */
struct list {
    const char *key;
    enum cm_value_kind kind;
    size_t n;
    /* The value of number `at`. */
    void (*get)(const void *context, size_t at, const char **value_ret, const char **origin_ret,
                bool *in_file_ret);
    const void *context;
};

static void print_list(struct writer *w, const struct list *list)
{
    const char *value, *origin;
    bool in_file;

    if (list->n == 1) {
        list->get(list->context, 0, &value, &origin, &in_file);
        print_assignment(w, list->key, list->kind, value, origin, in_file);
        return;
    }
    begin_key(w);
    cm_printer_format(w->printer, "%s = [\n", list->key);
    for (size_t i = 0; i < list->n; i++) {
        list->get(list->context, i, &value, &origin, &in_file);
        cm_printer_text(w->printer, "    ");
        print_value(w, list->kind, value, origin);
        cm_printer_text(w->printer, ",");
        print_origin(w, origin, in_file);
    }
    cm_printer_text(w->printer, "]\n");
}

/* --- options --- */

/* The settings of one option, exclusions or others. */
struct chosen {
    const struct cm_typed *typed;
    const struct cm_option *option;
    bool negate;
};

static const struct cm_setting *chosen_at(const struct chosen *chosen, size_t at)
{
    for (size_t i = 0; i < chosen->typed->n_settings; i++) {
        const struct cm_setting *setting = &chosen->typed->settings[i];
        if (setting->option == chosen->option && setting->negate == chosen->negate && at-- == 0)
            return setting;
    }
    return NULL;
}

static void get_chosen(const void *context, size_t at, const char **value_ret, const char **origin_ret,
                       bool *in_file_ret)
{
    const struct cm_setting *setting = chosen_at(context, at);

    *value_ret = setting->value;
    *origin_ret = setting->origin;
    *in_file_ret = setting->in_file;
}

static void print_default(struct writer *w, const struct cm_option *option, const char *key)
{
    w->n_defaults++;
    if (!w->typed->verbose)
        return;
    begin_key(w);
    if (option->kind == CM_VALUE_FLAG)
        cm_printer_format(w->printer, "%s = false  # default\n", key);
    else if (option->kind == CM_VALUE_CHOICE && option->default_text != NULL &&
             strspn(option->default_text, "abcdefghijklmnopqrstuvwxyz") == strlen(option->default_text))
        cm_printer_format(w->printer, "%s = \"%s\"  # default\n", key, option->default_text);
    else
        cm_printer_format(w->printer, "# %s: %s\n", key,
                          option->default_text != NULL ? option->default_text : "not given");
}

static void print_option(struct writer *w, const struct cm_option *option, bool negate)
{
    struct chosen chosen = {w->typed, option, negate};
    char key[CM_OPTION_KEY_BYTES];
    struct list list = {cm_option_key(option, key), option->kind, 0, get_chosen, &chosen};
    const struct cm_setting *last;

    while (chosen_at(&chosen, list.n) != NULL)
        list.n++;
    if (list.n == 0) {
        if (!negate)
            print_default(w, option, key);
        return;
    }
    last = chosen_at(&chosen, list.n - 1);
    if (option->repeatable) {
        print_list(w, &list);
    } else if (option->kind == CM_VALUE_FLAG) {
        begin_key(w);
        cm_printer_format(w->printer, "%s = %s", key, last->off ? "false" : "true");
        print_origin(w, last->origin, last->in_file);
    } else {
        print_assignment(w, key, option->kind, last->value, last->origin, last->in_file);
    }
}

/* Options of a section that the command has; those of the recipe are print_recipe's. */
static void print_options(struct writer *w, enum cm_section section, bool negate)
{
    for (const struct cm_option *option = cm_option_next(NULL); option != NULL;
         option = cm_option_next(option)) {
        bool is_recipe_line = section == CM_SECTION_GENERATE && option->kind != CM_VALUE_FILE;
        if (option->section == section && (option->commands & (1u << w->typed->command->id)) != 0 &&
            (option->negatable || !negate) && !is_recipe_line)
            print_option(w, option, negate);
    }
}

/* --- groups of rules --- */

struct group_rules {
    const struct capmill_filter_group *group;
    size_t field;
    bool negate;
};

static const struct capmill_filter_rule *group_rule(const struct group_rules *rules, size_t at)
{
    for (size_t i = 0; i < rules->group->n_rules; i++) {
        const struct capmill_filter_rule *rule = &rules->group->rules[i];
        if (rule->field == rules->field && rule->negate == rules->negate && at-- == 0)
            return rule;
    }
    return NULL;
}

static void get_group_rule(const void *context, size_t at, const char **value_ret, const char **origin_ret,
                           bool *in_file_ret)
{
    const struct capmill_filter_rule *rule = group_rule(context, at);

    *value_ret = rule->value;
    *origin_ret = rule->origin;
    *in_file_ret = true;
}

/* False where there are none. */
static bool print_group_rules(struct writer *w, const struct capmill_filter_group *group, bool negate,
                              const char *table)
{
    bool any = false;

    for (const struct cm_option *option = cm_option_next(NULL); option != NULL;
         option = cm_option_next(option)) {
        struct group_rules rules = {group, option->what, negate};
        char key[CM_OPTION_KEY_BYTES];
        struct list list = {cm_option_key(option, key), option->kind, 0, get_group_rule, &rules};

        if (option->section != CM_SECTION_FILTER || !option->negatable)
            continue;
        while (group_rule(&rules, list.n) != NULL)
            list.n++;
        if (list.n == 0)
            continue;
        if (negate && !any)
            cm_printer_format(w->printer, "[%s.not]\n", table);
        any = true;
        print_list(w, &list);
    }
    return any;
}

/* Calls itself once a level: CAPMILL_FILTER_DEPTH at most. */
static void print_groups(struct writer *w, const struct capmill_filter_group *groups, size_t n,
                         const char *parent)
{
    static const char *const ops[] = {"and", "or", "not"};
    char table[TABLE_BYTES];

    snprintf(table, sizeof(table), "%s.rules", parent);
    for (size_t i = 0; i < n; i++) {
        cm_printer_format(w->printer, "\n[[%s]]\nop = \"%s\"", table, ops[groups[i].op]);
        print_origin(w, groups[i].origin, true);
        print_group_rules(w, &groups[i], false, table);
        print_group_rules(w, &groups[i], true, table);
        print_groups(w, groups[i].groups, groups[i].n_groups, table);
    }
}

/* --- tables --- */

static void print_truncate(struct writer *w, const struct capmill_truncate_rule *rule)
{
    const struct {
        const char *key;
        const struct capmill_word *word;
    } rows[] = {{"protocol", &rule->protocol},
                {"port", &rule->port},
                {"max_payload_bytes", &rule->max_payload_bytes}};

    cm_printer_text(w->printer, "\n[[transform.truncate]]\n");
    for (size_t i = 0; i < CM_ARRAY_COUNT(rows); i++) {
        if (rows[i].word->value != NULL)
            print_assignment(w, rows[i].key, CM_VALUE_COUNT, rows[i].word->value, rows[i].word->origin, true);
    }
}

static bool same_key(const struct cm_recipe_line *a, const struct cm_recipe_line *b)
{
    return a->key_bytes == b->key_bytes && memcmp(a->key, b->key, a->key_bytes) == 0;
}

static bool is_of_file(const struct cm_typed *typed, const char *origin)
{
    for (size_t i = 0; i < typed->n_settings; i++) {
        if (typed->settings[i].origin == origin)
            return typed->settings[i].in_file;
    }
    return false;
}

static bool is_recipe_key(const char *key)
{
    for (size_t i = 0; i < cm_n_recipe_keys; i++) {
        const char *name = cm_recipe_keys[i].name;
        size_t n = 0;
        while (name[n] != 0 && (name[n] == key[n] || (name[n] == '-' && key[n] == '_')))
            n++;
        if (name[n] == key[n])
            return true;
    }
    return false;
}

/* The last line of each key: the one that counts. */
static void print_recipe(struct writer *w)
{
    const struct cm_typed *typed = w->typed;

    for (size_t i = 0; i < typed->n_recipe_lines; i++) {
        const struct cm_recipe_line *line = &typed->recipe_lines[i];
        char key[CM_OPTION_KEY_BYTES];
        bool is_last = true;

        for (size_t k = i + 1; k < typed->n_recipe_lines; k++)
            is_last = is_last && !same_key(line, &typed->recipe_lines[k]);
        if (!is_last)
            continue;
        snprintf(key, sizeof(key), "%.*s", (int)line->key_bytes, line->key);
        for (char *p = key; *p != 0; p++)
            *p = *p == '-' ? '_' : *p;
        if (!is_recipe_key(key))
            w->unknown = line;
        print_assignment(w, key, CM_VALUE_COUNT, line->value, line->origin, is_of_file(typed, line->origin));
    }
}

static void print_inputs(struct writer *w)
{
    for (size_t i = 0; i < w->typed->n_inputs && w->typed->command->takes_inputs; i++) {
        bool in_file = w->typed->input_origins != NULL;
        cm_printer_text(w->printer, "\n[[input]]\n");
        print_assignment(w, "path", CM_VALUE_FILE, w->typed->inputs[i],
                         in_file ? w->typed->input_origins[i] : "command line", in_file);
    }
}

static bool has_options(const struct cm_command *command, enum cm_section section)
{
    for (const struct cm_option *option = cm_option_next(NULL); option != NULL;
         option = cm_option_next(option)) {
        if (option->section == section && (option->commands & (1u << command->id)) != 0)
            return true;
    }
    return false;
}

static void print_section(struct writer *w, enum cm_section section)
{
    const struct cm_typed *typed = w->typed;
    const struct cm_config *config = typed->config;

    w->table = cm_section_names[section];
    print_options(w, section, false);
    if (section == CM_SECTION_GENERATE)
        print_recipe(w);
    if (section == CM_SECTION_FILTER) {
        w->table = "filter.not";
        print_options(w, section, true);
    }
    w->table = ""; /* groups and rules of truncation have names of their own */
    if (section == CM_SECTION_FILTER && config != NULL)
        print_groups(w, config->groups, config->n_groups, "filter");
    for (size_t i = 0; section == CM_SECTION_TRANSFORM && config != NULL && i < config->n_truncate; i++)
        print_truncate(w, &config->truncate[i]);
}

static void print_all(struct writer *w)
{
    const struct cm_typed *typed = w->typed;

    print_assignment(w, "command", CM_VALUE_WORD, typed->command->name,
                     typed->command_origin != NULL ? typed->command_origin : "command line",
                     typed->command_origin != NULL);
    print_inputs(w);
    for (int section = CM_SECTION_NONE + 1; section < CM_N_SECTIONS; section++) {
        if (has_options(typed->command, (enum cm_section)section))
            print_section(w, (enum cm_section)section);
    }
    if (!typed->verbose)
        cm_printer_format(w->printer, "\n# not given: %zu keys, which --verbose shows with their defaults\n",
                          w->n_defaults);
}

enum capmill_status cm_config_print(const struct cm_typed *typed, struct cm_printer *printer,
                                    struct cm_error *error)
{
    struct cm_printer nowhere;
    struct writer trial = {.typed = typed, .printer = &nowhere, .table = ""};
    struct writer w = {.typed = typed, .printer = printer, .table = ""};

    /* once for nothing: half a configuration, loaded as if it were whole, would be another job */
    cm_printer_init(&nowhere, NULL);
    print_all(&trial);
    if (trial.not_utf8 != NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%.300s: its value is no UTF-8 text, which a configuration cannot hold",
                            trial.not_utf8);
    if (trial.unknown != NULL)
        return cm_error_set(
            error, CAPMILL_E_USAGE, 0, "%.300s: there is no recipe key '%.*s'", trial.unknown->origin,
            trial.unknown->key_bytes < 80 ? (int)trial.unknown->key_bytes : 80, trial.unknown->key);
    print_all(&w);
    return CAPMILL_OK;
}

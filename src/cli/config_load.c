/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a configuration: its tables, one after the other. Values are config_values.c, filters
 * config_filter.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/nearest.h"
#include "cli/config_int.h"
#include "cli/recipe_keys.h"
#include "cli/text_file.h"

/* Of one table, that may have been meant. */
#define MOST_KEYS 64

/* Further names of keys, as other programs' files have them. */
static const struct {
    const char *table, *key, *option;
} aliases[] = {
    {"sort", "slice", "slice"},
    {"stats", "unidirectional", "unidirectional"},
};

static const struct cm_option *find_alias(const char *table, const char *key)
{
    for (size_t i = 0; i < CM_ARRAY_COUNT(aliases); i++) {
        if (strcmp(aliases[i].table, table) == 0 && strcmp(aliases[i].key, key) == 0)
            return cm_option_find(aliases[i].option, strlen(aliases[i].option));
    }
    return NULL;
}

/* A recipe's key as a file has it. */
static const char *recipe_key_text(const char *name, char text_ret[CM_OPTION_KEY_BYTES])
{
    snprintf(text_ret, CM_OPTION_KEY_BYTES, "%s", name);
    for (char *p = text_ret; *p != 0; p++)
        *p = *p == '-' ? '_' : *p;
    return text_ret;
}

/* `extra`: names that the table knows beside options, up to NULL. */
static enum capmill_status refuse_key(const struct cm_config *config, const struct cm_toml_value *item,
                                      enum cm_section section, const char *name, const char *const *extra,
                                      struct cm_error *error)
{
    char table[32], keys[MOST_KEYS][CM_OPTION_KEY_BYTES];
    struct cm_nearest nearest;
    size_t n = 0;
    enum capmill_status status;

    snprintf(table, sizeof(table), "[%s]", name);
    status = cm_config_check_home(config, item, table, error);
    if (status < 0)
        return status;
    cm_nearest_init(&nearest, item->key, strlen(item->key));
    for (; *extra != NULL; extra++)
        cm_nearest_offer(&nearest, *extra);
    for (size_t i = 0; i < cm_n_recipe_keys && section == CM_SECTION_GENERATE; i++)
        cm_nearest_offer(&nearest, recipe_key_text(cm_recipe_keys[i].name, keys[n++]));
    for (const struct cm_option *option = cm_option_next(NULL); option != NULL && n < MOST_KEYS;
         option = cm_option_next(option)) {
        if (option->section == section && section != CM_SECTION_NONE && !option->typed_only)
            cm_nearest_offer(&nearest, cm_option_key(option, keys[n++]));
    }
    return cm_config_refuse_key(config, item, table, nearest.name, error);
}

/* --- [[input]] --- */

static enum capmill_status add_input(struct cm_config *config, const struct cm_toml_value *value,
                                     struct cm_error *error)
{
    if (value->type != CM_TOML_STRING)
        return cm_config_refuse_type(config, value, "path", "a string", error);
    if (value->text[0] == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s:%u:%u path: expected the name of a capture",
                            config->path, value->line, value->column);
    config->input_origins[config->n_inputs] = cm_config_origin(config, value, "path", error);
    config->inputs[config->n_inputs++] = value->text;
    return config->input_origins[config->n_inputs - 1] != NULL ? CAPMILL_OK : CAPMILL_E_MEMORY;
}

static enum capmill_status read_input(struct cm_config *config, const struct cm_toml_value *table,
                                      struct cm_error *error)
{
    static const char *const keys[] = {"path", NULL};
    const struct cm_toml_value *path = cm_toml_get(table, "path");
    enum capmill_status status = CAPMILL_OK;

    for (size_t i = 0; i < table->n_items; i++) {
        if (&table->items[i] != path)
            return refuse_key(config, &table->items[i], CM_SECTION_NONE, "[input]", keys, error);
    }
    if (path == NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s:%u:%u: [[input]] without a path", config->path,
                            table->line, table->column);
    if (path->type != CM_TOML_ARRAY)
        return add_input(config, path, error);
    for (size_t i = 0; i < path->n_items && status >= 0; i++)
        status = add_input(config, &path->items[i], error);
    return status;
}

static size_t count_paths(const struct cm_toml_value *table)
{
    const struct cm_toml_value *path = table->type == CM_TOML_TABLE ? cm_toml_get(table, "path") : NULL;

    return path == NULL ? 0 : path->type == CM_TOML_ARRAY ? path->n_items : 1;
}

static enum capmill_status read_inputs(struct cm_config *config, const struct cm_toml_value *item,
                                       struct cm_error *error)
{
    const struct cm_toml_value *tables = item->type == CM_TOML_ARRAY ? item->items : item;
    size_t n_tables = item->type == CM_TOML_ARRAY ? item->n_items : 1, n_paths = 0;
    enum capmill_status status = CAPMILL_OK;

    for (size_t i = 0; i < n_tables; i++) {
        if (tables[i].type != CM_TOML_TABLE)
            return cm_config_refuse_type(config, &tables[i], "input", "a table: [[input]]", error);
        n_paths += count_paths(&tables[i]);
    }
    config->inputs = cm_config_alloc(config, n_paths, sizeof(*config->inputs), error);
    config->input_origins = cm_config_alloc(config, n_paths, sizeof(*config->input_origins), error);
    if (config->inputs == NULL || config->input_origins == NULL)
        return CAPMILL_E_MEMORY;
    for (size_t i = 0; i < n_tables && status >= 0; i++)
        status = read_input(config, &tables[i], error);
    return status;
}

/* --- [transform] --- */

static enum capmill_status read_truncate_rule(struct cm_config *config, const struct cm_toml_value *table,
                                              struct capmill_truncate_rule *rule, struct cm_error *error)
{
    const struct {
        const char *key;
        struct capmill_word *word;
    } rows[] = {{"protocol", &rule->protocol},
                {"port", &rule->port},
                {"max_payload_bytes", &rule->max_payload_bytes}};

    if (table->type != CM_TOML_TABLE)
        return cm_config_refuse_type(config, table, "truncate", "a table: [[transform.truncate]]", error);
    for (size_t i = 0; i < table->n_items; i++) {
        const struct cm_toml_value *item = &table->items[i];
        struct cm_nearest nearest;
        size_t row = 0;
        enum capmill_status status;

        cm_nearest_init(&nearest, item->key, strlen(item->key));
        while (row < CM_ARRAY_COUNT(rows) && strcmp(rows[row].key, item->key) != 0)
            cm_nearest_offer(&nearest, rows[row++].key);
        if (row == CM_ARRAY_COUNT(rows))
            return cm_config_refuse_key(config, item, "[[transform.truncate]]", nearest.name, error);
        status = cm_config_text(config, CM_VALUE_COUNT, item, item->key, &rows[row].word->value,
                                &rows[row].word->origin, error);
        if (status < 0)
            return status;
    }
    if (rule->max_payload_bytes.value == NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%.300s:%u:%u: [[transform.truncate]] without max_payload_bytes", config->path,
                            table->line, table->column);
    rule->origin = cm_config_origin(config, table, "truncate", error);
    return rule->origin != NULL ? CAPMILL_OK : CAPMILL_E_MEMORY;
}

static enum capmill_status read_truncate(struct cm_config *config, const struct cm_toml_value *item,
                                         struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    if (item->type != CM_TOML_ARRAY)
        return cm_config_refuse_type(config, item, "truncate", "an array of tables: [[transform.truncate]]",
                                     error);
    config->truncate = cm_config_alloc(config, item->n_items, sizeof(*config->truncate), error);
    if (config->truncate == NULL)
        return CAPMILL_E_MEMORY;
    config->n_truncate = item->n_items;
    for (size_t i = 0; i < item->n_items && status >= 0; i++)
        status = read_truncate_rule(config, &item->items[i], &config->truncate[i], error);
    return status;
}

/* --- [generate] --- */

/* A key of the recipe that is no option of its own: what --set would have had. */
static enum capmill_status read_recipe_key(struct cm_config *config, const struct cm_toml_value *item,
                                           struct cm_error *error)
{
    const struct cm_option *option = cm_option_find("set", 3);
    struct cm_setting setting = {.option = option, .in_file = true};
    size_t bytes;
    char *text;

    if (item->type == CM_TOML_TABLE || item->type == CM_TOML_ARRAY || item->type == CM_TOML_BOOLEAN)
        return cm_config_refuse_type(config, item, item->key, "a string, a number or a date and time", error);
    bytes = strlen(item->key) + strlen(item->text) + 2;
    text = cm_config_alloc(config, bytes, 1, error);
    setting.origin = cm_config_origin(config, item, item->key, error);
    if (text == NULL || setting.origin == NULL)
        return CAPMILL_E_MEMORY;
    snprintf(text, bytes, "%s=%s", item->key, item->text);
    for (char *p = text; *p != '='; p++)
        *p = *p == '_' ? '-' : *p;
    setting.value = text;
    return cm_config_add_setting(config, &setting, error);
}

static bool is_recipe_key(const char *key)
{
    for (size_t i = 0; i < cm_n_recipe_keys; i++) {
        char own[CM_OPTION_KEY_BYTES];
        if (strcmp(recipe_key_text(cm_recipe_keys[i].name, own), key) == 0)
            return true;
    }
    return false;
}

/* --- tables --- */

/* enabled of [sort]: export --sort; and, as the configuration of pcap-toolkit has it, command = "sort" where no
 * command is named. */
static enum capmill_status read_enabled(struct cm_config *config, const struct cm_toml_value *item,
                                        struct cm_error *error)
{
    bool enabled = false;
    enum capmill_status status = cm_config_boolean(config, item, &enabled, error);

    if (status >= 0 && !enabled && config->command != NULL && config->command->id == CAPMILL_SORT)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s:%u:%u enabled: false, but the command is sort",
                            config->path, item->line, item->column);
    if (status >= 0)
        status = cm_config_add(config, cm_config_option(CM_SECTION_SORT, item->key), item, false, error);
    if (status >= 0 && enabled && config->command == NULL) {
        config->command = cm_command_find("sort");
        config->command_origin = cm_config_origin(config, item, item->key, error);
        status = config->command_origin != NULL ? CAPMILL_OK : CAPMILL_E_MEMORY;
    }
    return status;
}

static enum capmill_status read_section(struct cm_config *config, const struct cm_toml_value *table,
                                        enum cm_section section, struct cm_error *error)
{
    static const char *const extras[CM_N_SECTIONS][3] = {[CM_SECTION_TRANSFORM] = {"truncate"},
                                                         [CM_SECTION_STATS] = {"unidirectional"},
                                                         [CM_SECTION_SORT] = {"slice"}};
    enum capmill_status status = CAPMILL_OK;

    for (size_t i = 0; i < table->n_items && status >= 0; i++) {
        const struct cm_toml_value *item = &table->items[i];
        const struct cm_option *option = cm_config_option(section, item->key);

        if (option == NULL)
            option = find_alias(cm_section_names[section], item->key);
        if (section == CM_SECTION_SORT && strcmp(item->key, "enabled") == 0)
            status = read_enabled(config, item, error);
        else if (option != NULL)
            status = cm_config_add(config, option, item, false, error);
        else if (section == CM_SECTION_TRANSFORM && strcmp(item->key, "truncate") == 0)
            status = read_truncate(config, item, error);
        else if (section == CM_SECTION_GENERATE && is_recipe_key(item->key))
            status = read_recipe_key(config, item, error);
        else
            status = refuse_key(config, item, section, cm_section_names[section], extras[section], error);
    }
    return status;
}

static enum capmill_status read_command(struct cm_config *config, const struct cm_toml_value *item,
                                        struct cm_error *error)
{
    struct cm_nearest nearest;

    if (item->type != CM_TOML_STRING)
        return cm_config_refuse_type(config, item, "command", "a string", error);
    config->command = cm_command_find(item->text);
    config->command_origin = cm_config_origin(config, item, "command", error);
    if (config->command != NULL)
        return config->command_origin != NULL ? CAPMILL_OK : CAPMILL_E_MEMORY;
    cm_nearest_init(&nearest, item->text, strlen(item->text));
    for (size_t i = 0; i < cm_n_commands; i++)
        cm_nearest_offer(&nearest, cm_commands[i].name);
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s:%u:%u: there is no command '%.80s'%s%s%s",
                        config->path, item->line, item->column, item->text,
                        nearest.name != NULL ? "; did you mean '" : "",
                        nearest.name != NULL ? nearest.name : "", nearest.name != NULL ? "'?" : "");
}

static enum capmill_status refuse_root_key(const struct cm_config *config, const struct cm_toml_value *item,
                                           struct cm_error *error)
{
    struct cm_nearest nearest;
    enum capmill_status status = cm_config_check_home(config, item, "the file itself", error);

    if (status < 0)
        return status;
    cm_nearest_init(&nearest, item->key, strlen(item->key));
    cm_nearest_offer(&nearest, "command");
    cm_nearest_offer(&nearest, "input");
    cm_nearest_offer(&nearest, "export");
    for (int section = CM_SECTION_NONE + 1; section < CM_N_SECTIONS; section++)
        cm_nearest_offer(&nearest, cm_section_names[section]);
    return cm_config_refuse_key(config, item, "a configuration", nearest.name, error);
}

static enum capmill_status read_root_item(struct cm_config *config, const struct cm_toml_value *item,
                                          struct cm_error *error)
{
    enum cm_section section = CM_SECTION_NONE;

    if (strcmp(item->key, "command") == 0)
        return CAPMILL_OK; /* read before the others */
    if (strcmp(item->key, "input") == 0)
        return read_inputs(config, item, error);
    for (int i = CM_SECTION_NONE + 1; i < CM_N_SECTIONS; i++) {
        if (strcmp(cm_section_names[i], item->key) == 0)
            section = (enum cm_section)i;
    }
    if (section == CM_SECTION_NONE && strcmp(item->key, "export") != 0)
        return refuse_root_key(config, item, error);
    if (item->type != CM_TOML_TABLE)
        return cm_config_refuse_type(config, item, item->key, "a table", error);
    if (section == CM_SECTION_NONE)
        return cm_config_export(config, item, error);
    if (section == CM_SECTION_FILTER)
        return cm_config_filter(config, item, error);
    return read_section(config, item, section, error);
}

static enum capmill_status read_root(struct cm_config *config, struct cm_error *error)
{
    const struct cm_toml_value *command = cm_toml_get(config->root, "command");
    enum capmill_status status = command != NULL ? read_command(config, command, error) : CAPMILL_OK;

    for (size_t i = 0; i < config->root->n_items && status >= 0; i++)
        status = read_root_item(config, &config->root->items[i], error);
    return status;
}

enum capmill_status cm_config_load(const char *path, struct cm_config **config_ret, struct cm_error *error)
{
    struct cm_config *config = calloc(1, sizeof(*config));
    char *text = NULL;
    size_t n_bytes = 0;
    enum capmill_status status;

    if (config == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a configuration");
    config->path = strcmp(path, "-") == 0 ? "standard input" : path;
    status = cm_text_file_read(path, "configuration", "--config", CM_TOML_MAX_BYTES, &text, &n_bytes, error);
    if (status >= 0) {
        config->root = cm_toml_parse(text, n_bytes, config->path, error);
        status = config->root == NULL ? error->status : read_root(config, error);
    }
    free(text);
    if (status < 0) {
        cm_config_destroy(config);
        return status;
    }
    *config_ret = config;
    return CAPMILL_OK;
}

void cm_config_destroy(struct cm_config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < config->n_owned; i++)
        free(config->owned[i]);
    free(config->owned);
    free(config->settings);
    cm_toml_free(config->root);
    free(config);
}

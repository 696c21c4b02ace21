/* SPDX-License-Identifier: Apache-2.0 */
/* From a value of TOML to the text that an option would have had on the command line, and its origin. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/config_int.h"

void *cm_config_alloc(struct cm_config *config, size_t n, size_t bytes, struct cm_error *error)
{
    void **owned = realloc(config->owned, (config->n_owned + 1) * sizeof(*owned));
    void *memory = NULL;

    if (owned != NULL) {
        config->owned = owned;
        memory = calloc(n > 0 ? n : 1, bytes);
    }
    if (memory == NULL)
        cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for what %.300s says", config->path);
    else
        owned[config->n_owned++] = memory;
    return memory;
}

const char *cm_config_origin(struct cm_config *config, const struct cm_toml_value *value, const char *key,
                             struct cm_error *error)
{
    size_t bytes = strlen(config->path) + strlen(key) + 32;
    char *text = cm_config_alloc(config, bytes, 1, error);

    if (text != NULL)
        snprintf(text, bytes, "%s:%u:%u %s", config->path, value->line, value->column, key);
    return text;
}

enum capmill_status cm_config_refuse_type(const struct cm_config *config, const struct cm_toml_value *value,
                                          const char *key, const char *expected, struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s:%u:%u %.80s: expected %s, found %s", config->path,
                        value->line, value->column, key, expected, cm_toml_type_name(value->type));
}

enum capmill_status cm_config_refuse_key(const struct cm_config *config, const struct cm_toml_value *item,
                                         const char *table, const char *nearest, struct cm_error *error)
{
    if (nearest != NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%.300s:%u:%u: there is no key '%.80s' in %s; did you mean '%s'?", config->path,
                            item->key_line, item->key_column, item->key, table, nearest);
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s:%u:%u: there is no key '%.80s' in %s",
                        config->path, item->key_line, item->key_column, item->key, table);
}

enum capmill_status cm_config_refuse_empty(const struct cm_config *config, const struct cm_toml_value *value,
                                           const char *key, const char *lacking, struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_USAGE, 0,
                        "%.300s:%u:%u %.80s: empty, which could mean every packet or none; leave it out, or "
                        "give a %s",
                        config->path, value->line, value->column, key, lacking);
}

enum capmill_status cm_config_boolean(const struct cm_config *config, const struct cm_toml_value *item,
                                      bool *boolean_ret, struct cm_error *error)
{
    if (item->type != CM_TOML_BOOLEAN)
        return cm_config_refuse_type(config, item, item->key, "true or false", error);
    *boolean_ret = item->boolean;
    return CAPMILL_OK;
}

static const struct {
    const char *expected;
    unsigned types; /* 1 << enum cm_toml_type */
} kinds[] = {
#define STRING (1u << CM_TOML_STRING)
    [CM_VALUE_FLAG] = {"true or false", 0},
    [CM_VALUE_CHOICE] = {"a string", STRING},
    [CM_VALUE_COUNT] = {"an integer or a string", STRING | 1u << CM_TOML_INTEGER},
    [CM_VALUE_REAL] = {"a number or a string", STRING | 1u << CM_TOML_INTEGER | 1u << CM_TOML_FLOAT},
    [CM_VALUE_TIME] = {"a date and time, a string or milliseconds since 1970",
                       STRING | 1u << CM_TOML_INTEGER | 1u << CM_TOML_DATE_TIME},
    [CM_VALUE_WORD] = {"a string", STRING},
    [CM_VALUE_MAP] = {"a string or a table", STRING},
    [CM_VALUE_FILE] = {"a string", STRING},
    [CM_VALUE_FOLDER] = {"a string", STRING},
#undef STRING
};

enum capmill_status cm_config_text(struct cm_config *config, enum cm_value_kind kind,
                                   const struct cm_toml_value *value, const char *key, const char **text_ret,
                                   const char **origin_ret, struct cm_error *error)
{
    if ((kinds[kind].types & (1u << value->type)) == 0)
        return cm_config_refuse_type(config, value, key, kinds[kind].expected, error);
    *text_ret = value->text;
    *origin_ret = cm_config_origin(config, value, key, error);
    return *origin_ret != NULL ? CAPMILL_OK : CAPMILL_E_MEMORY;
}

static enum capmill_status take_one(struct cm_config *config, const struct cm_option *option,
                                    const struct cm_toml_value *value, const char *key,
                                    struct cm_config_taker taker, struct cm_error *error)
{
    const char *text = NULL, *origin = NULL;
    enum capmill_status status = cm_config_text(config, option->kind, value, key, &text, &origin, error);

    return status < 0 ? status : taker.take(taker.context, text, origin, error);
}

/* { "10.0.0.0/8" = "192.0.2.0/24" } as "10.0.0.0/8=192.0.2.0/24". */
static enum capmill_status take_entry(struct cm_config *config, const struct cm_toml_value *entry,
                                      const char *key, struct cm_config_taker taker, struct cm_error *error)
{
    const char *origin;
    size_t bytes;
    char *text;

    if (entry->type != CM_TOML_STRING && entry->type != CM_TOML_INTEGER)
        return cm_config_refuse_type(config, entry, key, "a string or an integer for each name", error);
    bytes = strlen(entry->key) + strlen(entry->text) + 2;
    text = cm_config_alloc(config, bytes, 1, error);
    origin = cm_config_origin(config, entry, key, error);
    if (text == NULL || origin == NULL)
        return CAPMILL_E_MEMORY;
    snprintf(text, bytes, "%s=%s", entry->key, entry->text);
    return taker.take(taker.context, text, origin, error);
}

enum capmill_status cm_config_texts(struct cm_config *config, const struct cm_option *option,
                                    const struct cm_toml_value *item, struct cm_config_taker taker,
                                    struct cm_error *error)
{
    bool is_map = item->type == CM_TOML_TABLE && option->kind == CM_VALUE_MAP;
    enum capmill_status status = CAPMILL_OK;

    if (!is_map && !(item->type == CM_TOML_ARRAY && option->repeatable))
        return take_one(config, option, item, item->key, taker, error);
    /* a list that some program filled and left empty: nobody could say whether it means everything or nothing */
    if (item->n_items == 0 && option->section == CM_SECTION_FILTER)
        return cm_config_refuse_empty(config, item, item->key, "value", error);
    for (size_t i = 0; i < item->n_items && status >= 0; i++) {
        if (is_map)
            status = take_entry(config, &item->items[i], item->key, taker, error);
        else
            status = take_one(config, option, &item->items[i], item->key, taker, error);
    }
    return status;
}

enum capmill_status cm_config_add_setting(struct cm_config *config, const struct cm_setting *setting,
                                          struct cm_error *error)
{
    if (config->n_settings == config->capacity) {
        size_t capacity = config->capacity > 0 ? 2 * config->capacity : 64;
        struct cm_setting *settings = realloc(config->settings, capacity * sizeof(*settings));
        if (settings == NULL)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for what %.300s says", config->path);
        config->settings = settings;
        config->capacity = capacity;
    }
    config->settings[config->n_settings++] = *setting;
    return CAPMILL_OK;
}

struct adding {
    struct cm_config *config;
    const struct cm_option *option;
    bool negate;
};

static enum capmill_status take_setting(void *context, const char *text, const char *origin,
                                        struct cm_error *error)
{
    struct adding *adding = context;
    struct cm_setting setting = {
        .option = adding->option, .value = text, .origin = origin, .negate = adding->negate, .in_file = true};

    return cm_config_add_setting(adding->config, &setting, error);
}

/* A key that has two places in a file ([output] slice and [sort] slice) may stand in one of them. */
static enum capmill_status check_once(const struct cm_config *config, const struct cm_option *option,
                                      const struct cm_toml_value *item, struct cm_error *error)
{
    for (size_t i = 0; i < config->n_settings && !option->repeatable; i++) {
        if (config->settings[i].option == option)
            return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s:%u:%u %s: given before, at %.300s",
                                config->path, item->line, item->column, item->key,
                                config->settings[i].origin);
    }
    return CAPMILL_OK;
}

enum capmill_status cm_config_add(struct cm_config *config, const struct cm_option *option,
                                  const struct cm_toml_value *item, bool negate, struct cm_error *error)
{
    struct adding adding = {config, option, negate};
    struct cm_config_taker taker = {take_setting, &adding};
    struct cm_setting flag = {.option = option, .in_file = true};
    bool on = false;
    enum capmill_status status = check_once(config, option, item, error);

    if (status < 0 || option->kind != CM_VALUE_FLAG)
        return status < 0 ? status : cm_config_texts(config, option, item, taker, error);
    status = cm_config_boolean(config, item, &on, error);
    if (status < 0)
        return status;
    flag.off = !on;
    flag.origin = cm_config_origin(config, item, item->key, error);
    return flag.origin == NULL ? CAPMILL_E_MEMORY : cm_config_add_setting(config, &flag, error);
}

const struct cm_option *cm_config_option(enum cm_section section, const char *key)
{
    char own[CM_OPTION_KEY_BYTES];

    for (const struct cm_option *option = cm_option_next(NULL); option != NULL;
         option = cm_option_next(option)) {
        if (option->section == section && !option->typed_only && strcmp(cm_option_key(option, own), key) == 0)
            return option;
    }
    return NULL;
}

enum capmill_status cm_config_check_home(const struct cm_config *config, const struct cm_toml_value *item,
                                         const char *where, struct cm_error *error)
{
    for (int section = CM_SECTION_NONE + 1; section < CM_N_SECTIONS; section++) {
        if (cm_config_option((enum cm_section)section, item->key) != NULL)
            return cm_error_set(
                error, CAPMILL_E_USAGE, 0, "%.300s:%u:%u: '%s' belongs into [%s], not into %s", config->path,
                item->key_line, item->key_column, item->key, cm_section_names[section], where);
    }
    return CAPMILL_OK;
}

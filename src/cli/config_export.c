/* SPDX-License-Identifier: Apache-2.0 */
/* [[export.outputs]], as the configuration of pcap-toolkit has them: each becomes the --output that says the
 * same, so that everything behind this knows one kind of outputs. */
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/nearest.h"
#include "cli/config_int.h"
#include "cli/output_words.h"

static bool is_format(const char *word)
{
    enum capmill_format format;

    return cm_format_of_word(word, strlen(word), &format);
}

static bool is_codec(const char *word)
{
    enum capmill_codec codec;

    return cm_codec_of_word(word, strlen(word), &codec);
}

static bool is_rows(const char *word)
{
    enum capmill_rows rows;

    return cm_rows_of_word(word, strlen(word), &rows);
}

/* Keys whose value is a word of an output. */
static const struct word_key {
    const char *key, *choices;
    bool (*is_known)(const char *word);
} word_keys[] = {
    {"format", CM_FORMAT_WORDS, is_format},
    {"codec", CM_CODEC_WORDS, is_codec},
    {"rows", CM_ROWS_WORDS, is_rows},
};

/* One entry as it is read. */
struct entry {
    const struct cm_toml_value *path;
    const char *words[CM_ARRAY_COUNT(word_keys)]; /* NULL: not given */
    bool compress_payload;
};

static enum capmill_status refuse_key(const struct cm_config *config, const struct cm_toml_value *item,
                                      struct cm_error *error)
{
    struct cm_nearest nearest;

    cm_nearest_init(&nearest, item->key, strlen(item->key));
    cm_nearest_offer(&nearest, "path");
    cm_nearest_offer(&nearest, "compress_payload");
    for (size_t i = 0; i < CM_ARRAY_COUNT(word_keys); i++)
        cm_nearest_offer(&nearest, word_keys[i].key);
    return cm_config_refuse_key(config, item, "[[export.outputs]]", nearest.name, error);
}

static enum capmill_status read_word(const struct cm_config *config, const struct cm_toml_value *item,
                                     struct entry *entry, struct cm_error *error)
{
    size_t at = 0;

    while (at < CM_ARRAY_COUNT(word_keys) && strcmp(word_keys[at].key, item->key) != 0)
        at++;
    if (at == CM_ARRAY_COUNT(word_keys))
        return refuse_key(config, item, error);
    if (item->type != CM_TOML_STRING)
        return cm_config_refuse_type(config, item, item->key, "a string", error);
    if (!word_keys[at].is_known(item->text))
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s:%u:%u %s '%.80s': expected one of %s",
                            config->path, item->line, item->column, item->key, item->text,
                            word_keys[at].choices);
    entry->words[at] = item->text;
    return CAPMILL_OK;
}

static enum capmill_status read_key(const struct cm_config *config, const struct cm_toml_value *item,
                                    struct entry *entry, struct cm_error *error)
{
    if (strcmp(item->key, "compress_payload") == 0)
        return cm_config_boolean(config, item, &entry->compress_payload, error);
    if (strcmp(item->key, "path") != 0)
        return read_word(config, item, entry, error);
    entry->path = item;
    if (item->type != CM_TOML_STRING)
        return cm_config_refuse_type(config, item, "path", "a string", error);
    if (item->text[0] == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s:%u:%u path: expected a file name or -",
                            config->path, item->line, item->column);
    return CAPMILL_OK;
}

/* "parquet:zstd=PATH"; a path is a path here, whatever it looks like. NULL: no memory. */
static const char *output_text(struct cm_config *config, const struct entry *entry, struct cm_error *error)
{
    const char *words[CM_ARRAY_COUNT(word_keys) + 1];
    size_t n = 0, used = 0;
    char head[128] = "";
    char *text;

    for (size_t i = 0; i < CM_ARRAY_COUNT(word_keys); i++) {
        if (entry->words[i] != NULL)
            words[n++] = entry->words[i];
    }
    if (entry->compress_payload)
        words[n++] = CM_COMPRESS_PAYLOAD_WORD;
    for (size_t i = 0; i < n; i++)
        used += (size_t)snprintf(head + used, sizeof(head) - used, "%s%s", words[i], i + 1 < n ? ":" : "=");
    if (n == 0 && cm_output_words_bytes(entry->path->text) > 0)
        used = (size_t)snprintf(head, sizeof(head), "./");
    text = cm_config_alloc(config, used + strlen(entry->path->text) + 1, 1, error);
    if (text != NULL)
        snprintf(text, used + strlen(entry->path->text) + 1, "%s%s", head, entry->path->text);
    return text;
}

static enum capmill_status read_output(struct cm_config *config, const struct cm_toml_value *table,
                                       struct cm_error *error)
{
    struct cm_setting setting = {
        .option = cm_option_find("output", strlen("output")), .in_file = true, .commands = CM_FOR_EXPORT};
    struct entry entry = {0};
    enum capmill_status status = CAPMILL_OK;

    if (table->type != CM_TOML_TABLE)
        return cm_config_refuse_type(config, table, "outputs", "a table: [[export.outputs]]", error);
    for (size_t i = 0; i < table->n_items && status >= 0; i++)
        status = read_key(config, &table->items[i], &entry, error);
    if (status < 0)
        return status;
    if (entry.path == NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s:%u:%u: [[export.outputs]] without a path",
                            config->path, table->line, table->column);
    setting.value = output_text(config, &entry, error);
    setting.origin = cm_config_origin(config, entry.path, "path", error);
    if (setting.value == NULL || setting.origin == NULL)
        return CAPMILL_E_MEMORY;
    return cm_config_add_setting(config, &setting, error);
}

enum capmill_status cm_config_export(struct cm_config *config, const struct cm_toml_value *table,
                                     struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    for (size_t i = 0; i < table->n_items; i++) {
        const struct cm_toml_value *item = &table->items[i];

        if (strcmp(item->key, "outputs") != 0) {
            status = cm_config_check_home(config, item, "[export]", error);
            return status < 0 ? status : cm_config_refuse_key(config, item, "[export]", "outputs", error);
        }
        if (item->type != CM_TOML_ARRAY)
            return cm_config_refuse_type(config, item, "outputs", "an array of tables: [[export.outputs]]",
                                         error);
        for (size_t k = 0; k < item->n_items && status >= 0; k++)
            status = read_output(config, &item->items[k], error);
        if (status < 0)
            return status;
    }
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The option table as a whole: its parts in order, looking rows up, and the setters that several rows share.
 * A new option is one row in options_*.c, one field of struct cm_typed and its use in job_args.c; usage, man
 * pages, completions, keys of configuration files and refusals follow by themselves. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/quantity.h"
#include "cli/option_tables.h"

const char *const cm_option_group_titles[CM_N_OPTION_GROUPS] = {
    [CM_GROUP_RESULT] = "Results",      [CM_GROUP_FILTER] = "Filters",       [CM_GROUP_CHANGE] = "Changes",
    [CM_GROUP_OUTPUT] = "Outputs",      [CM_GROUP_TABLE] = "Tables",         [CM_GROUP_INPUT] = "Inputs",
    [CM_GROUP_RESOURCES] = "Resources", [CM_GROUP_CONFIG] = "Configuration", [CM_GROUP_MESSAGES] = "Messages",
};

const char *const cm_section_names[CM_N_SECTIONS] = {
    [CM_SECTION_NONE] = "",         [CM_SECTION_FILTER] = "filter",     [CM_SECTION_TRANSFORM] = "transform",
    [CM_SECTION_OUTPUT] = "output", [CM_SECTION_TABLE] = "table",       [CM_SECTION_SORT] = "sort",
    [CM_SECTION_STATS] = "stats",   [CM_SECTION_GENERATE] = "generate", [CM_SECTION_RUN] = "run",
};

static const struct cm_option_table *const tables[] = {
    &cm_result_options, &cm_filter_options, &cm_change_options,
    &cm_output_options, &cm_export_options, &cm_run_options,
};

const struct cm_option *cm_option_next(const struct cm_option *option)
{
    if (option == NULL)
        return tables[0]->rows;
    for (size_t i = 0; i < CM_ARRAY_COUNT(tables); i++) {
        const struct cm_option_table *table = tables[i];
        if (option == &table->rows[table->n - 1])
            return i + 1 < CM_ARRAY_COUNT(tables) ? tables[i + 1]->rows : NULL;
    }
    return option + 1;
}

bool cm_option_can_be_off(const struct cm_option *option)
{
    return option->argument == NULL && option->section != CM_SECTION_NONE;
}

const struct cm_option *cm_option_find(const char *name, size_t name_bytes)
{
    for (const struct cm_option *option = cm_option_next(NULL); option != NULL;
         option = cm_option_next(option)) {
        if (strncmp(option->name, name, name_bytes) == 0 && option->name[name_bytes] == 0)
            return option;
    }
    return NULL;
}

const struct cm_option *cm_option_find_letter(char letter)
{
    for (const struct cm_option *option = cm_option_next(NULL); option != NULL;
         option = cm_option_next(option)) {
        if (option->letter != 0 && option->letter == letter)
            return option;
    }
    return NULL;
}

const char *cm_option_key(const struct cm_option *option, char text_ret[CM_OPTION_KEY_BYTES])
{
    snprintf(text_ret, CM_OPTION_KEY_BYTES, "%s", option->key != NULL ? option->key : option->name);
    for (char *p = text_ret; *p != 0; p++) {
        if (*p == '-')
            *p = '_';
    }
    return text_ret;
}

/* --- setters --- */

CM_SETTER(cm_set_flag)
{
    *(bool *)((char *)typed + setting->option->what) = !setting->off;
    return CAPMILL_OK;
}

CM_SETTER(cm_add_word)
{
    size_t list = setting->option->what;

    (void)error;
    typed->word_lists[list][typed->n_words[list]++] = (struct capmill_word){setting->value, setting->origin};
    return CAPMILL_OK;
}

enum capmill_status cm_setting_refuse(const struct cm_setting *setting, const struct cm_text_fault *fault,
                                      struct cm_error *error)
{
    const char *value = setting->value;

    if (value[fault->at] == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s '%.80s': %s, at its end", setting->origin,
                            value, fault->what);
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s '%.80s': %s, at '%.20s'", setting->origin, value,
                        fault->what, value + fault->at);
}

int cm_choice_index(const char *choices, const char *value, size_t value_bytes)
{
    for (int index = 0;; index++) {
        size_t word_bytes = strcspn(choices, "|");
        if (word_bytes == value_bytes && memcmp(choices, value, word_bytes) == 0)
            return index;
        if (choices[word_bytes] == 0)
            return -1;
        choices += word_bytes + 1;
    }
}

enum capmill_status cm_setting_choice(const struct cm_setting *setting, int *index_ret,
                                      struct cm_error *error)
{
    *index_ret = cm_choice_index(setting->option->argument, setting->value, strlen(setting->value));
    if (*index_ret < 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s '%.80s': expected one of %s", setting->origin,
                            setting->value, setting->option->argument);
    return CAPMILL_OK;
}

enum capmill_status cm_setting_count(const struct cm_setting *setting, uint64_t least, uint64_t most,
                                     uint64_t *count_ret, struct cm_error *error)
{
    struct cm_text_fault fault;
    uint64_t count;

    if (!cm_count_parse(setting->value, &count, &fault))
        return cm_setting_refuse(setting, &fault, error);
    if (count < least || count > most)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%.300s %" PRIu64 ": expected a number from %" PRIu64 " to %" PRIu64,
                            setting->origin, count, least, most);
    *count_ret = count;
    return CAPMILL_OK;
}

enum capmill_status cm_setting_size(const struct cm_setting *setting, uint64_t *bytes_ret,
                                    struct cm_error *error)
{
    struct cm_text_fault fault;

    if (!cm_size_parse(setting->value, bytes_ret, &fault))
        return cm_setting_refuse(setting, &fault, error);
    return CAPMILL_OK;
}

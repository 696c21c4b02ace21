/* SPDX-License-Identifier: Apache-2.0 */
/* Settings into struct cm_typed. How a single value is read is its option's matter (options_*.c). */
#include "cli/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/config.h"

/* "sort, generate" */
static const char *list_commands(unsigned commands, char *text, size_t text_bytes)
{
    size_t used = 0;

    text[0] = 0;
    for (size_t i = 0; i < cm_n_commands && used < text_bytes; i++) {
        if ((commands & (1u << cm_commands[i].id)) != 0)
            used += (size_t)snprintf(text + used, text_bytes - used, "%s%s", used == 0 ? "" : ", ",
                                     cm_commands[i].name);
    }
    return text;
}

static enum capmill_status check_belongs(const struct cm_typed *typed, struct cm_error *error)
{
    char list[128];

    for (size_t i = 0; i < typed->n_settings; i++) {
        const struct cm_option *option = typed->settings[i].option;
        if ((option->commands & (1u << typed->command->id)) == 0)
            return cm_error_set(error, CAPMILL_E_USAGE, 0, "--%s is no option of %s; it belongs to %s",
                                option->name, typed->command->name,
                                list_commands(option->commands, list, sizeof(list)));
    }
    if (!typed->command->takes_inputs && typed->n_inputs > 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s takes no INPUT, but '%.80s' was given",
                            typed->command->name, typed->inputs[0]);
    return CAPMILL_OK;
}

/* Where an option was given last. */
static const char *origin_of(const struct cm_typed *typed, const char *name)
{
    for (size_t i = typed->n_settings; i > 0; i--) {
        if (strcmp(typed->settings[i - 1].option->name, name) == 0)
            return typed->settings[i - 1].origin;
    }
    return name;
}

static enum capmill_status refuse_pair(const struct cm_typed *typed, const char *first, const char *second,
                                       struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s and %.300s exclude each other",
                        origin_of(typed, first), origin_of(typed, second));
}

/* The setting that an output comes from. */
static const struct cm_setting *setting_of_output(const struct cm_typed *typed, size_t at)
{
    for (size_t i = 0; i < typed->n_settings; i++) {
        if (strcmp(typed->settings[i].option->name, "output") == 0 && at-- == 0)
            return &typed->settings[i];
    }
    return NULL;
}

/* The library would refuse these too, but knows no place in a file. */
static enum capmill_status check_output(const struct cm_typed *typed, size_t at, struct cm_error *error)
{
    const struct capmill_output *output = &typed->outputs[at];
    const struct cm_setting *setting = setting_of_output(typed, at);

    if (typed->command->id == CAPMILL_GENERATE && at > 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s '%.300s': generate writes one capture",
                            setting->origin, setting->value);
    if (typed->command->id == CAPMILL_GENERATE &&
        (output->format >= CAPMILL_FORMAT_PARQUET || output->codec != 0 || output->rows != 0 ||
         output->compress_payload))
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%.300s '%.300s': generate writes a capture, pcap or pcapng, no table",
                            setting->origin, setting->value);
    for (size_t i = 0; i < at; i++) {
        if (strcmp(typed->outputs[i].path, output->path) == 0)
            return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s '%.300s': %s is an output already",
                                setting->origin, setting->value,
                                strcmp(output->path, "-") == 0 ? "standard output" : "the same file");
    }
    return CAPMILL_OK;
}

static enum capmill_status check_outputs(const struct cm_typed *typed, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    for (size_t i = 0; i < typed->n_outputs && status >= 0; i++)
        status = check_output(typed, i, error);
    return status;
}

/* What single options cannot tell. */
static enum capmill_status check_together(const struct cm_typed *typed, struct cm_error *error)
{
    const struct cm_command *command = typed->command;

    if (typed->quiet && typed->verbose)
        return refuse_pair(typed, "quiet", "verbose", error);
    if (typed->json && typed->csv)
        return refuse_pair(typed, "json", "csv", error);
    if (typed->strict && typed->skip_unreadable)
        return refuse_pair(typed, "strict", "skip-unreadable", error);
    if (command->takes_inputs && typed->n_inputs == 0 && !typed->print_config)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s needs an INPUT: a file, a glob, a folder or -",
                            command->name);
    if (command->needs_output && typed->n_outputs == 0 && !typed->print_config)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s needs --output PATH", command->name);
    for (size_t i = 0; i < typed->n_outputs && typed->json; i++) {
        if (strcmp(typed->outputs[i].path, "-") == 0)
            return cm_error_set(error, CAPMILL_E_USAGE, 0,
                                "%.300s and %.300s - exclude each other: both write to standard output",
                                origin_of(typed, "json"), origin_of(typed, "output"));
    }
    return typed->print_config ? CAPMILL_OK : check_outputs(typed, error);
}

/* Whether the command line has this option too: then the file's is replaced, with all that it lists. Keys of a
 * recipe stand in a list of their own, in which a later one replaces an earlier one. */
static bool is_replaced(const struct cm_typed *typed, const struct cm_setting *of_file)
{
    for (size_t i = 0; i < typed->n_settings && !of_file->option->typed_only; i++) {
        if (typed->settings[i].option == of_file->option)
            return true;
    }
    return false;
}

static enum capmill_status merge_inputs(struct cm_typed *typed, struct cm_error *error)
{
    const struct cm_config *config = typed->config;

    if (!typed->command->takes_inputs || typed->n_inputs > 0 || config->n_inputs == 0)
        return CAPMILL_OK;
    free(typed->inputs);
    typed->inputs = calloc(config->n_inputs, sizeof(*typed->inputs));
    typed->input_origins = calloc(config->n_inputs, sizeof(*typed->input_origins));
    if (typed->inputs == NULL || typed->input_origins == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for what %.300s says", config->path);
    for (size_t i = 0; i < config->n_inputs; i++) {
        typed->inputs[i] = config->inputs[i];
        typed->input_origins[i] = config->input_origins[i];
    }
    typed->n_inputs = config->n_inputs;
    return CAPMILL_OK;
}

static bool belongs(const struct cm_setting *setting, const struct cm_command *command)
{
    unsigned commands = setting->commands != 0 ? setting->commands : setting->option->commands;

    return (commands & (1u << command->id)) != 0;
}

/* The file's settings, without those of other commands (one file may serve several) and those that the command
 * line replaces, and then the command line's. */
static enum capmill_status merge_config(struct cm_typed *typed, struct cm_error *error)
{
    const struct cm_config *config = typed->config;
    struct cm_setting *merged = calloc(config->n_settings + typed->n_settings + 1, sizeof(*merged));
    size_t n = 0;

    if (merged == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for what %.300s says", config->path);
    for (size_t i = 0; i < config->n_settings; i++) {
        const struct cm_setting *setting = &config->settings[i];
        if (belongs(setting, typed->command) && !is_replaced(typed, setting))
            merged[n++] = *setting;
    }
    memcpy(merged + n, typed->settings, typed->n_settings * sizeof(*merged));
    n += typed->n_settings;
    free(typed->settings);
    typed->settings = merged;
    typed->n_settings = n;
    return merge_inputs(typed, error);
}

/* No setting adds more than one to any list. */
static enum capmill_status make_lists(struct cm_typed *typed, struct cm_error *error)
{
    size_t capacity = typed->n_settings + 1;
    bool have_all;

    typed->outputs = calloc(capacity, sizeof(*typed->outputs));
    typed->recipe_lines = calloc(capacity, sizeof(*typed->recipe_lines));
    typed->rules = calloc(capacity, sizeof(*typed->rules));
    have_all = typed->outputs != NULL && typed->recipe_lines != NULL && typed->rules != NULL;
    for (size_t i = 0; i < CM_N_WORD_LISTS; i++) {
        typed->word_lists[i] = calloc(capacity, sizeof(*typed->word_lists[i]));
        have_all = have_all && typed->word_lists[i] != NULL;
    }
    if (!have_all)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the options");
    return CAPMILL_OK;
}

enum capmill_status cm_settings_apply(struct cm_typed *typed, struct cm_error *error)
{
    enum capmill_status status = check_belongs(typed, error);

    if (status == CAPMILL_OK && typed->config != NULL)
        status = merge_config(typed, error);
    if (status == CAPMILL_OK)
        status = make_lists(typed, error);
    for (size_t i = 0; i < typed->n_settings && status == CAPMILL_OK; i++)
        status = typed->settings[i].option->set(&typed->settings[i], typed, error);
    return status == CAPMILL_OK ? check_together(typed, error) : status;
}

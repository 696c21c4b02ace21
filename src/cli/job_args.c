/* SPDX-License-Identifier: Apache-2.0 */
/* Filling struct capmill_job from what was typed. Whether the job makes sense is the library's to say. */
#include "cli/job_args.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/config.h"
#include "cli/text_file.h"

/* Recipes are some hundred bytes; a file beyond this is something else, taken for a recipe by mistake. */
#define RECIPE_FILE_BYTES ((size_t)1 << 20)

/* What a line of the recipe needs: KEY = VALUE and a line break. */
static size_t line_bytes(const struct cm_recipe_line *line)
{
    return line->key_bytes + strlen(line->value) + sizeof(" = \n");
}

/* The file's text, then the keys that were given otherwise: a later line replaces an earlier one. */
static enum capmill_status make_recipe(struct cm_job_args *args, const struct cm_typed *typed,
                                       struct cm_error *error)
{
    char *file_text = NULL, *text;
    size_t used = 0, capacity;
    enum capmill_status status;

    if (typed->recipe_path != NULL) {
        status = cm_text_file_read(typed->recipe_path, "recipe", typed->recipe_origin, RECIPE_FILE_BYTES,
                                   &file_text, &used, error);
        if (status >= 0 && memchr(file_text, 0, used) != NULL)
            status = cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s %.400s: not a text file",
                                  typed->recipe_origin, typed->recipe_path);
        if (status < 0) {
            free(file_text);
            return status;
        }
    }
    capacity = used + 2;
    for (size_t i = 0; i < typed->n_recipe_lines; i++)
        capacity += line_bytes(&typed->recipe_lines[i]);
    text = realloc(file_text, capacity);
    if (text == NULL) {
        free(file_text);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a recipe of %" PRIu64 " bytes",
                            (uint64_t)capacity);
    }
    args->recipe_text = text;
    if (used > 0)
        text[used++] = '\n';
    text[used] = 0;
    for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
        args->n_file_lines++;
    for (size_t i = 0; i < typed->n_recipe_lines; i++) {
        const struct cm_recipe_line *line = &typed->recipe_lines[i];
        used += (size_t)snprintf(text + used, capacity - used, "%.*s = %s\n", (int)line->key_bytes, line->key,
                                 line->value);
    }
    return CAPMILL_OK;
}

static void set_filter(struct cm_job_args *args, const struct cm_typed *typed)
{
    args->job.filter = (struct capmill_filter){
        .rules = {.op = CAPMILL_FILTER_AND,
                  .rules = typed->rules,
                  .n_rules = typed->n_rules,
                  .groups = typed->config != NULL ? typed->config->groups : NULL,
                  .n_groups = typed->config != NULL ? typed->config->n_groups : 0},
        .min_flow_packets = typed->min_flow_packets,
        .decap = typed->decap,
    };
}

static void set_transform(struct cm_job_args *args, const struct cm_typed *typed)
{
    struct capmill_transform *transform = &args->job.transform;

    *transform = typed->transform;
    transform->replace_ip = typed->word_lists[CM_REPLACE_IP];
    transform->n_replace_ip = typed->n_words[CM_REPLACE_IP];
    transform->replace_mac = typed->word_lists[CM_REPLACE_MAC];
    transform->n_replace_mac = typed->n_words[CM_REPLACE_MAC];
    transform->replace_vlan = typed->word_lists[CM_REPLACE_VLAN];
    transform->n_replace_vlan = typed->n_words[CM_REPLACE_VLAN];
    transform->replace_port = typed->word_lists[CM_REPLACE_PORT];
    transform->n_replace_port = typed->n_words[CM_REPLACE_PORT];
    if (typed->config != NULL) {
        transform->truncate = typed->config->truncate;
        transform->n_truncate = typed->config->n_truncate;
    }
}

static void set_table(struct cm_job_args *args, const struct cm_typed *typed)
{
    struct capmill_table *table = &args->job.table;

    *table = typed->table;
    table->columns = typed->word_lists[CM_COLUMNS];
    table->n_columns = typed->n_words[CM_COLUMNS];
    table->flow_columns = typed->word_lists[CM_FLOW_COLUMNS];
    table->n_flow_columns = typed->n_words[CM_FLOW_COLUMNS];
    args->job.by_time = typed->by_time;
}

enum capmill_status cm_job_args_init(struct cm_job_args *args, struct cm_typed *typed,
                                     struct cm_messages *messages, struct cm_error *error)
{
    struct capmill_job *job = &args->job;

    *args = (struct cm_job_args){0};
    capmill_job_init(job, typed->command->id);
    for (size_t i = 0; i < typed->n_outputs; i++) {
        if (typed->outputs[i].format == CAPMILL_FORMAT_AUTO)
            typed->outputs[i].format = typed->format;
    }
    job->inputs = typed->inputs;
    job->n_inputs = typed->n_inputs;
    job->outputs = typed->outputs;
    job->n_outputs = typed->n_outputs;
    job->n_threads = typed->n_threads;
    job->memory_bytes = typed->memory_bytes;
    job->temp_dir = typed->temp_dir;
    job->io = typed->io;
    job->strict = typed->strict;
    job->skip_unreadable = typed->skip_unreadable;
    job->force = typed->force;
    job->durable = typed->durable;
    job->approximate = typed->approximate;
    if (typed->command->takes_inputs)
        set_filter(args, typed);
    if (typed->command->takes_inputs && typed->command->needs_output) {
        set_transform(args, typed);
        set_table(args, typed);
    }
    job->unidirectional = typed->unidirectional;
    job->slice_ns = typed->slice_ns;
    job->nanoseconds = typed->resolution == CM_RESOLUTION_NS;
    job->microseconds = typed->resolution == CM_RESOLUTION_US;
    job->on_message = cm_messages_on_message;
    job->message_context = messages;
    if (messages->progress_on_terminal || messages->progress_as_json) {
        job->on_progress = cm_messages_on_progress;
        job->progress_context = messages;
    }
    if (typed->command->id == CAPMILL_GENERATE) {
        enum capmill_status status = make_recipe(args, typed, error);
        if (status < 0)
            return status;
        job->recipe = args->recipe_text;
    }
    return CAPMILL_OK;
}

void cm_job_args_explain(const struct cm_job_args *args, const struct cm_typed *typed, char *text,
                         size_t text_bytes)
{
    static const char begins[] = "recipe line ";
    char rest[CM_ERROR_TEXT_BYTES];
    unsigned long line;
    char *end;

    if (args->recipe_text == NULL || strncmp(text, begins, sizeof(begins) - 1) != 0)
        return;
    line = strtoul(text + sizeof(begins) - 1, &end, 10);
    if (line <= args->n_file_lines || line - args->n_file_lines > typed->n_recipe_lines)
        return;
    snprintf(rest, sizeof(rest), "%s", end);
    snprintf(text, text_bytes, "%s%s", typed->recipe_lines[line - args->n_file_lines - 1].origin, rest);
}

void cm_job_args_fini(struct cm_job_args *args)
{
    free(args->recipe_text);
    *args = (struct cm_job_args){0};
}

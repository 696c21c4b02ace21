/* SPDX-License-Identifier: Apache-2.0 */
/* Filling struct capmill_job from what was typed. Whether the job makes sense is the library's to say. */
#include "cli/job_args.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Recipes are some hundred bytes; a file beyond this is something else, taken for a recipe by mistake. */
#define RECIPE_FILE_BYTES ((size_t)1 << 20)

/* The whole file into `text` (RECIPE_FILE_BYTES + 1). */
static enum capmill_status read_recipe_file(const char *path, char *text, size_t *n_bytes_ret,
                                            struct cm_error *error)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "rb");
    bool failed;
    int code;

    if (file == NULL) {
        code = errno;
        return cm_error_set(error,
                            code == ENOENT   ? CAPMILL_E_NOT_FOUND
                            : code == EACCES ? CAPMILL_E_PERMISSION
                                             : CAPMILL_E_IO,
                            code, "cannot open recipe %.400s: %s", path, strerror(code));
    }
    errno = 0;
    *n_bytes_ret = fread(text, 1, RECIPE_FILE_BYTES + 1, file);
    failed = ferror(file) != 0;
    code = errno;
    if (!is_stdin)
        fclose(file);
    if (failed)
        return cm_error_set(error, CAPMILL_E_IO, code, "cannot read recipe %.400s: %s", path, strerror(code));
    if (*n_bytes_ret > RECIPE_FILE_BYTES)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "--recipe %.400s: too large for a recipe", path);
    if (memchr(text, 0, *n_bytes_ret) != NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "--recipe %.400s: not a text file", path);
    text[*n_bytes_ret] = 0;
    return CAPMILL_OK;
}

/* The file's text, then the keys of the command line: a later line replaces an earlier one. */
static enum capmill_status make_recipe(const struct cm_typed *typed, char **text_ret, struct cm_error *error)
{
    size_t capacity = RECIPE_FILE_BYTES + 2;
    size_t used = 0;
    char *text;

    for (size_t i = 0; i < typed->n_recipe_lines; i++)
        capacity += typed->recipe_lines[i].key_bytes + strlen(typed->recipe_lines[i].value) + sizeof(" = \n");
    text = malloc(capacity);
    if (text == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a recipe of %" PRIu64 " bytes",
                            (uint64_t)capacity);
    *text_ret = text;
    text[0] = 0;
    if (typed->recipe_path != NULL) {
        enum capmill_status status = read_recipe_file(typed->recipe_path, text, &used, error);
        if (status < 0)
            return status;
        text[used++] = '\n';
        text[used] = 0;
    }
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
        .rules = {.op = CAPMILL_FILTER_AND, .rules = typed->rules, .n_rules = typed->n_rules},
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
    set_filter(args, typed);
    set_transform(args, typed);
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
        enum capmill_status status = make_recipe(typed, &args->recipe_text, error);
        if (status < 0)
            return status;
        job->recipe = args->recipe_text;
    }
    return CAPMILL_OK;
}

void cm_job_args_fini(struct cm_job_args *args)
{
    free(args->recipe_text);
    *args = (struct cm_job_args){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of one file in order, gathered so that the system is called for many at once. */
#include "sink/ordered_file.h"

#include <stdlib.h>
#include <string.h>

/* Encoders put headers of some bytes and pages of a MiB; what is shorter than this waits for company. */
#define BUFFER_BYTES (64u * 1024)

struct cm_ordered_file {
    char *path;
    struct cm_output_rules rules;
    struct cm_output *output; /* NULL for streams */
    struct cm_file *stream;
    bool is_resting;
    uint64_t n_bytes;   /* put */
    uint64_t n_written; /* of those, given to the system */
    uint8_t *buffer;    /* NULL: none yet, or the file rests */
    size_t used;
};

enum capmill_status cm_output_refuse_input(const struct cm_output_rules *rules, const char *path,
                                           const struct cm_file_facts *facts, struct cm_error *error)
{
    bool standard_output = strcmp(path, "-") == 0;

    if (rules->is_input != NULL && rules->is_input(rules->context, facts))
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%s%s is one of the inputs, and inputs are never written to; choose another path",
                            standard_output ? "" : "output ", standard_output ? "standard output" : path);
    return CAPMILL_OK;
}

bool cm_output_is_stream(const char *path)
{
    struct cm_file_facts facts;

    return strcmp(path, "-") == 0 || (cm_path_facts(path, &facts, NULL) == CAPMILL_OK &&
                                      facts.type != CM_FILE_REGULAR && facts.type != CM_FILE_FOLDER);
}

static enum capmill_status open_stream(struct cm_ordered_file *file, struct cm_error *error)
{
    struct cm_file_facts facts;
    enum capmill_status status = strcmp(file->path, "-") == 0
                                     ? cm_file_open_stdout(&file->stream, error)
                                     : cm_file_open_device(file->path, &file->stream, error);

    /* a regular file behind standard output is written as it is, and may be what is read */
    if (status == CAPMILL_OK && cm_file_facts(file->stream, &facts, NULL) == CAPMILL_OK &&
        facts.type == CM_FILE_REGULAR)
        status = cm_output_refuse_input(&file->rules, file->path, &facts, error);
    if (status == CAPMILL_OK && file->rules.stop != NULL)
        cm_file_stop_writes(file->stream, file->rules.stop);
    return status;
}

static enum capmill_status open_output(struct cm_ordered_file *file, bool unswept, struct cm_error *error)
{
    struct cm_file_facts facts;

    if (cm_path_facts(file->path, &facts, NULL) == CAPMILL_OK) {
        enum capmill_status status = cm_output_refuse_input(&file->rules, file->path, &facts, error);

        if (status < 0)
            return status;
        if (facts.type == CM_FILE_FOLDER)
            return cm_error_set(error, CAPMILL_E_USAGE, 0, "output %s is a folder; name a file in it",
                                file->path);
    }
    return unswept ? cm_output_create_unswept(file->path, file->rules.replace, &file->output, error)
                   : cm_output_create(file->path, file->rules.replace, &file->output, error);
}

enum capmill_status cm_ordered_file_open(const char *path, const struct cm_output_rules *rules, bool unswept,
                                         struct cm_ordered_file **file_ret, struct cm_error *error)
{
    struct cm_ordered_file *file = calloc(1, sizeof(*file));
    size_t n_path = strlen(path) + 1;
    enum capmill_status status;

    if (file != NULL)
        file->path = malloc(n_path);
    if (file == NULL || file->path == NULL) {
        cm_ordered_file_close(file);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for output %s", path);
    }
    memcpy(file->path, path, n_path);
    file->rules = *rules;
    status = cm_output_is_stream(path) ? open_stream(file, error) : open_output(file, unswept, error);
    if (status < 0)
        cm_ordered_file_close(file);
    else
        *file_ret = file;
    return status < 0 ? status : CAPMILL_OK;
}

void cm_ordered_file_close(struct cm_ordered_file *file)
{
    if (file == NULL)
        return;
    cm_output_destroy(file->output);
    cm_file_close(file->stream);
    free(file->buffer);
    free(file->path);
    free(file);
}

static enum capmill_status write_out(struct cm_ordered_file *file, const void *bytes, size_t n,
                                     struct cm_error *error)
{
    enum capmill_status status;

    if (n == 0)
        return CAPMILL_OK;
    if (file->stream != NULL) {
        status = cm_file_write(file->stream, bytes, n, error);
    } else {
        status = file->is_resting ? cm_output_wake(file->output, error) : CAPMILL_OK;
        if (status < 0)
            return status;
        file->is_resting = false;
        status = cm_file_write_at(cm_output_file(file->output), file->n_written, bytes, n, error);
    }
    file->n_written += n;
    return status;
}

enum capmill_status cm_ordered_file_flush(struct cm_ordered_file *file, struct cm_error *error)
{
    size_t used = file->used;

    file->used = 0;
    return write_out(file, file->buffer, used, error);
}

enum capmill_status cm_ordered_file_put(struct cm_ordered_file *file, const void *bytes, size_t n,
                                        struct cm_error *error)
{
    file->n_bytes += n;
    if (n > BUFFER_BYTES - file->used) {
        enum capmill_status status = cm_ordered_file_flush(file, error);

        if (status < 0)
            return status;
        if (n > BUFFER_BYTES)
            return write_out(file, bytes, n, error);
    }
    if (file->buffer == NULL)
        file->buffer = malloc(BUFFER_BYTES);
    if (file->buffer == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for output %s", file->path);
    if (n > 0)
        memcpy(file->buffer + file->used, bytes, n);
    file->used += n;
    return CAPMILL_OK;
}

uint64_t cm_ordered_file_bytes(const struct cm_ordered_file *file)
{
    return file->n_bytes;
}

const char *cm_ordered_file_path(const struct cm_ordered_file *file)
{
    return file->path;
}

enum capmill_status cm_ordered_file_rest(struct cm_ordered_file *file, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    if (file->stream != NULL)
        return CAPMILL_OK;
    status = cm_ordered_file_flush(file, error);
    free(file->buffer);
    file->buffer = NULL;
    if (status < 0 || file->is_resting)
        return status;
    status = cm_output_rest(file->output, error);
    file->is_resting = status >= 0;
    return status;
}

enum capmill_status cm_ordered_file_commit(struct cm_ordered_file *file, struct cm_error *error)
{
    enum capmill_status status = cm_ordered_file_flush(file, error);

    return status < 0 || file->stream != NULL ? status
                                              : cm_output_commit(file->output, file->rules.durable, error);
}

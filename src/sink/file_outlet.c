/* SPDX-License-Identifier: Apache-2.0 */
/* Places in output files: reserved in order, written by any thread, named all together at the end. */
#include "sink/file_outlet.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/time_text.h"
#include "os/thread.h"
#include "sink/ordered_file.h"
#include "sink/reunite.h"

#define SECOND_NS UINT64_C(1000000000)

struct target { /* one file */
    char *path;
    struct cm_output *output; /* NULL for streams */
    uint64_t slice;           /* number of its slice */
    uint64_t reserved;
    bool complete; /* nothing more is reserved in it */
    _Atomic uint64_t written;
};

struct cm_file_outlet {
    struct cm_file_outlet_options options;
    bool is_folder; /* the slices go into it */
    char *slice_prefix;
    const char *slice_suffix;
    struct cm_file *stream;
    struct cm_reunite *reunite;
    struct target **targets;
    size_t n_targets, targets_capacity;
    const char **paths;
    struct target *current;
    struct cm_mutex lock; /* guards resting of complete slices */
    _Atomic uint64_t n_bytes;
    _Atomic bool aborted;
};

static enum capmill_status write_target(struct cm_file_outlet *outlet, struct target *target, uint64_t offset,
                                        const void *bytes, size_t n, struct cm_error *error)
{
    enum capmill_status status;

    if (outlet->stream == NULL)
        status = cm_file_write_at(cm_output_file(target->output), offset, bytes, n, error);
    else if (outlet->reunite != NULL)
        status = cm_reunite_put(outlet->reunite, offset, bytes, n, error);
    else
        status = cm_file_write(outlet->stream, bytes, n, error);
    if (status < 0)
        return status;
    atomic_fetch_add_explicit(&outlet->n_bytes, n, memory_order_relaxed);
    /* acquire-release: who sees the last byte written, sees that no thread uses the file any more */
    atomic_fetch_add_explicit(&target->written, n, memory_order_acq_rel);
    return CAPMILL_OK;
}

/* Thousands of slices must not keep thousands of files open. */
static enum capmill_status rest_when_done(struct cm_file_outlet *outlet, struct target *target,
                                          struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    if (outlet->options.slice_ns == 0)
        return CAPMILL_OK;
    cm_mutex_lock(&outlet->lock);
    if (target->complete &&
        atomic_load_explicit(&target->written, memory_order_acquire) == target->reserved &&
        cm_output_file(target->output) != NULL)
        status = cm_output_rest(target->output, error);
    cm_mutex_unlock(&outlet->lock);
    return status;
}

static enum capmill_status refuse_input(struct cm_file_outlet *outlet, const char *path,
                                        const struct cm_file_facts *facts, struct cm_error *error)
{
    const struct cm_output_rules rules = {.is_input = outlet->options.is_input,
                                          .context = outlet->options.context};

    return cm_output_refuse_input(&rules, path, facts, error);
}

static struct target *add_target(struct cm_file_outlet *outlet, char *path, struct cm_error *error)
{
    struct target *target = calloc(1, sizeof(*target));

    if (path == NULL || target == NULL ||
        !CM_GROW_BOTH(outlet->targets, outlet->paths, outlet->targets_capacity, outlet->n_targets + 1, 16)) {
        free(path);
        free(target);
        cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for an output");
        return NULL;
    }
    target->path = path;
    outlet->paths[outlet->n_targets] = path;
    outlet->targets[outlet->n_targets++] = target;
    return target;
}

static enum capmill_status create_target(struct cm_file_outlet *outlet, char *path,
                                         struct target **target_ret, struct cm_error *error)
{
    struct target *target = add_target(outlet, path, error);
    struct cm_file_facts facts;
    enum capmill_status status = CAPMILL_OK;

    if (target == NULL)
        return CAPMILL_E_MEMORY;
    if (cm_path_facts(target->path, &facts, NULL) == CAPMILL_OK)
        status = refuse_input(outlet, target->path, &facts, error);
    if (status == CAPMILL_OK)
        status =
            outlet->options.slice_ns == 0
                ? cm_output_create(target->path, outlet->options.replace, &target->output, error)
                : cm_output_create_unswept(target->path, outlet->options.replace, &target->output, error);
    *target_ret = target;
    return status;
}

static char *copy_text(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = malloc(n);

    if (copy != NULL)
        memcpy(copy, text, n);
    return copy;
}

/* What the names of slices begin and end with: NAME_ and .EXT around the time, or FOLDER/STEM_ and the
 * extension of the options. */
static bool name_slices(struct cm_file_outlet *outlet)
{
    const char *path = outlet->options.path;
    const char *stem = outlet->options.slice_stem != NULL ? outlet->options.slice_stem : "capture";
    const char *extension = outlet->options.slice_extension != NULL ? outlet->options.slice_extension : "";
    size_t n_path = strlen(path);
    size_t n_prefix;

    if (outlet->is_folder) {
        n_prefix = n_path + strlen(stem) + 3;
        outlet->slice_prefix = malloc(n_prefix);
        if (outlet->slice_prefix != NULL)
            snprintf(outlet->slice_prefix, n_prefix, "%s%s%s_", path,
                     n_path > 0 && path[n_path - 1] == '/' ? "" : "/", stem);
    } else {
        size_t n_stem = n_path;
        size_t dot = n_path;

        /* either separator: a system that has the second in names loses no more than an extension */
        while (dot > 0 && path[dot - 1] != '.' && path[dot - 1] != '/' && path[dot - 1] != '\\')
            dot--;
        if (dot > 1 && path[dot - 1] == '.' && path[dot - 2] != '/' && path[dot - 2] != '\\')
            n_stem = dot - 1;
        extension = path + n_stem;
        n_prefix = n_stem + 2;
        outlet->slice_prefix = malloc(n_prefix);
        if (outlet->slice_prefix != NULL)
            snprintf(outlet->slice_prefix, n_prefix, "%.*s_", (int)n_stem, path);
    }
    outlet->slice_suffix = extension;
    return outlet->slice_prefix != NULL;
}

/* NAME_YYYYMMDDTHHMMSSZ.EXT; slices shorter than a second, or not of whole seconds, carry the fraction
 * too. */
static char *slice_path(const struct cm_file_outlet *outlet, uint64_t start_ns)
{
    char stamp[CM_TIME_TEXT_BYTES];
    char fraction[16] = "";
    size_t n;
    char *whole;

    cm_time_slice_text(start_ns, stamp);
    if (outlet->options.slice_ns % SECOND_NS != 0) {
        stamp[strlen(stamp) - 1] = 0; /* the Z comes last */
        snprintf(fraction, sizeof(fraction), ".%09" PRIu64 "Z", start_ns % SECOND_NS);
    }
    n = strlen(outlet->slice_prefix) + sizeof(stamp) + sizeof(fraction) + strlen(outlet->slice_suffix) + 1;
    whole = malloc(n);
    if (whole != NULL)
        snprintf(whole, n, "%s%s%s%s", outlet->slice_prefix, stamp, fraction, outlet->slice_suffix);
    return whole;
}

static enum capmill_status put_header(struct cm_file_outlet *outlet, struct target *target,
                                      struct cm_error *error)
{
    const uint8_t *bytes = NULL;
    size_t n = 0;
    enum capmill_status status;

    if (outlet->options.header == NULL)
        return CAPMILL_OK;
    status = outlet->options.header(outlet->options.context, &bytes, &n, error);
    if (status < 0)
        return status;
    target->reserved = n;
    return write_target(outlet, target, 0, bytes, n, error);
}

/* Make the target ready that takes a packet of this time. */
static enum capmill_status prepare(void *context, uint64_t time_ns, struct cm_error *error)
{
    struct cm_file_outlet *outlet = context;
    uint64_t slice = outlet->options.slice_ns == 0 ? 0 : time_ns / outlet->options.slice_ns;
    struct target *target = outlet->current;
    enum capmill_status status;

    if (target != NULL && target->slice == slice && (target->reserved > 0 || outlet->options.header == NULL))
        return CAPMILL_OK;
    if (target == NULL || target->slice != slice) {
        if (target != NULL) {
            cm_mutex_lock(&outlet->lock);
            target->complete = true;
            cm_mutex_unlock(&outlet->lock);
            status = rest_when_done(outlet, target, error);
            if (status < 0)
                return status;
        }
        status = create_target(outlet, slice_path(outlet, slice * outlet->options.slice_ns), &target, error);
        if (status < 0)
            return status;
        target->slice = slice;
        outlet->current = target;
    }
    return put_header(outlet, target, error);
}

static enum capmill_status reserve(void *context, uint64_t time_ns, uint64_t n_bytes,
                                   struct cm_place *place_ret, struct cm_error *error)
{
    struct cm_file_outlet *outlet = context;
    enum capmill_status status = prepare(context, time_ns, error);

    if (status < 0)
        return status;
    *place_ret = (struct cm_place){outlet->current, outlet->current->reserved, n_bytes};
    outlet->current->reserved += n_bytes;
    return CAPMILL_OK;
}

static enum capmill_status write_place(void *context, struct cm_place *place, const void *bytes, size_t n,
                                       struct cm_error *error)
{
    struct cm_file_outlet *outlet = context;
    enum capmill_status status;

    if (n > place->n_left)
        return cm_error_set(error, CAPMILL_E_INTERNAL, 0, "more bytes than were reserved at offset %" PRIu64,
                            place->offset);
    status = write_target(outlet, place->file, place->offset, bytes, n, error);
    if (status < 0)
        return status;
    place->offset += n;
    place->n_left -= n;
    return place->n_left == 0 ? rest_when_done(outlet, place->file, error) : CAPMILL_OK;
}

static uint64_t slice_end(void *context, uint64_t time_ns)
{
    struct cm_file_outlet *outlet = context;
    uint64_t slice = time_ns / outlet->options.slice_ns;
    uint64_t end;

    return __builtin_mul_overflow(slice + 1, outlet->options.slice_ns, &end) ? UINT64_MAX : end;
}

struct cm_outlet cm_file_outlet_table(struct cm_file_outlet *outlet)
{
    return (struct cm_outlet){.context = outlet,
                              .prepare = prepare,
                              .reserve = reserve,
                              .write = write_place,
                              .slice_end = outlet->options.slice_ns == 0 ? NULL : slice_end};
}

struct cm_place cm_file_outlet_place(struct cm_file_outlet *outlet, uint64_t offset, uint64_t n_bytes)
{
    return (struct cm_place){outlet->current, offset, n_bytes};
}

static enum capmill_status open_stream(struct cm_file_outlet *outlet, bool standard_output,
                                       struct cm_error *error)
{
    struct cm_file_facts facts;
    enum capmill_status status = standard_output
                                     ? cm_file_open_stdout(&outlet->stream, error)
                                     : cm_file_open_device(outlet->options.path, &outlet->stream, error);

    /* a regular file behind standard output is written as it is, and may be what is read */
    if (status == CAPMILL_OK && cm_file_facts(outlet->stream, &facts, NULL) == CAPMILL_OK &&
        facts.type == CM_FILE_REGULAR)
        status = refuse_input(outlet, outlet->options.path, &facts, error);
    if (status == CAPMILL_OK && outlet->options.stop != NULL)
        cm_file_stop_writes(outlet->stream, outlet->options.stop);
    if (status == CAPMILL_OK && outlet->options.n_threads > 1)
        status = cm_reunite_create(outlet->stream, &outlet->reunite, error);
    if (status == CAPMILL_OK) {
        outlet->current = add_target(outlet, copy_text(outlet->options.path), error);
        status = outlet->current == NULL ? CAPMILL_E_MEMORY : CAPMILL_OK;
    }
    return status;
}

enum capmill_status cm_file_outlet_create(const struct cm_file_outlet_options *options,
                                          struct cm_file_outlet **outlet_ret, struct cm_error *error)
{
    struct cm_file_outlet *outlet = calloc(1, sizeof(*outlet));
    bool standard_output = strcmp(options->path, "-") == 0;
    struct cm_file_facts facts;
    bool exists;
    enum capmill_status status = CAPMILL_OK;

    if (outlet == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for an output");
    outlet->options = *options;
    cm_mutex_init(&outlet->lock);
    exists = !standard_output && cm_path_facts(options->path, &facts, NULL) == CAPMILL_OK;
    if (standard_output || (exists && facts.type != CM_FILE_REGULAR && facts.type != CM_FILE_FOLDER)) {
        if (options->slice_ns != 0)
            status = cm_error_set(error, CAPMILL_E_USAGE, 0,
                                  "%s cannot be cut into slices: name a file or a folder",
                                  standard_output ? "standard output" : options->path);
        else
            status = open_stream(outlet, standard_output, error);
    } else if (exists && facts.type == CM_FILE_FOLDER) {
        outlet->is_folder = true;
        if (options->slice_ns == 0)
            status = cm_error_set(error, CAPMILL_E_USAGE, 0, "output %s is a folder; name a file in it",
                                  options->path);
    } else if (options->slice_ns == 0) {
        status = create_target(outlet, copy_text(options->path), &outlet->current, error);
    }
    if (status == CAPMILL_OK && options->slice_ns != 0) {
        if (name_slices(outlet))
            cm_output_sweep(outlet->slice_prefix); /* once for all of them */
        else
            status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the names of slices");
    }
    if (status < 0) {
        cm_file_outlet_destroy(outlet);
        return status;
    }
    *outlet_ret = outlet;
    return CAPMILL_OK;
}

void cm_file_outlet_destroy(struct cm_file_outlet *outlet)
{
    if (outlet == NULL)
        return;
    cm_reunite_destroy(outlet->reunite);
    cm_file_close(outlet->stream);
    for (size_t i = 0; i < outlet->n_targets; i++) {
        cm_output_destroy(outlet->targets[i]->output);
        free(outlet->targets[i]->path);
        free(outlet->targets[i]);
    }
    free(outlet->targets);
    free(outlet->paths);
    free(outlet->slice_prefix);
    cm_mutex_fini(&outlet->lock);
    free(outlet);
}

enum capmill_status cm_file_outlet_commit(struct cm_file_outlet *outlet, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    /* an output without packets is still a capture */
    if (outlet->current != NULL)
        status = prepare(outlet, outlet->current->slice * outlet->options.slice_ns, error);
    if (status == CAPMILL_OK && outlet->reunite != NULL)
        status = cm_reunite_finish(outlet->reunite, error);
    if (outlet->stream != NULL)
        return status;
    for (size_t i = 0; i < outlet->n_targets && status >= 0; i++)
        status = cm_output_commit(outlet->targets[i]->output, outlet->options.durable, error);
    return status;
}

void cm_file_outlet_abort(struct cm_file_outlet *outlet)
{
    if (outlet->reunite != NULL)
        cm_reunite_abort(outlet->reunite);
}

uint64_t cm_file_outlet_bytes(const struct cm_file_outlet *outlet)
{
    return atomic_load_explicit(&outlet->n_bytes, memory_order_relaxed);
}

size_t cm_file_outlet_paths(const struct cm_file_outlet *outlet, const char *const **paths_ret)
{
    *paths_ret = outlet->paths;
    return outlet->n_targets;
}

bool cm_file_outlet_is_stream(const struct cm_file_outlet *outlet)
{
    return outlet->stream != NULL;
}

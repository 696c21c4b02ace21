/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted runs in scratch files and their merge. Not for what the records mean (their owners say that in the
 * shape). */
#include "flow/runs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/grow.h"
#include "flow/key.h"
#include "flow/record_sort.h"
#include "os/file.h"

/* How many runs are merged at once: with the least memory each still reads 8 KiB at a time. */
#define FAN_IN 64u
/* Beyond this longer reads gain nothing: scratch files were written in pieces of this size and lie in
 * sequence. */
#define BUFFER_BYTES ((size_t)256 << 10)

/* Files taken over from others before runs are copied instead: enough that the threads of one summary hand
 * theirs over at no cost, few enough that thousands of summaries do not use up the process's descriptors. */
#define FILES_MAX 16u

struct run {
    struct cm_file *file;
    uint64_t offset; /* bytes */
    uint64_t n_records;
};

struct cm_runs {
    const struct cm_run_shape *shape;
    const char *temp_dir;
    struct run *runs;
    size_t n_runs, runs_capacity;
    struct cm_file **files; /* all that `runs` point to */
    size_t n_files, files_capacity;
    struct cm_file *writing; /* the one that new runs go to; one of `files` */
    uint64_t written_bytes;  /* of `writing` */
    uint8_t *buffer;         /* of the run being written */
    size_t buffer_used;
};

static size_t record_bytes(const struct cm_runs *runs)
{
    return runs->shape->n_words * sizeof(uint64_t);
}

static enum capmill_status no_memory(struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for spilled flows");
}

struct cm_runs *cm_runs_create(const struct cm_run_shape *shape, const char *temp_dir)
{
    struct cm_runs *runs = calloc(1, sizeof(*runs));

    if (runs != NULL) {
        runs->shape = shape;
        runs->temp_dir = temp_dir;
    }
    return runs;
}

static void forget_runs(struct cm_runs *runs)
{
    for (size_t i = 0; i < runs->n_files; i++)
        cm_file_close(runs->files[i]);
    runs->n_files = 0;
    runs->n_runs = 0;
    runs->writing = NULL;
    runs->written_bytes = 0;
}

void cm_runs_destroy(struct cm_runs *runs)
{
    if (runs == NULL)
        return;
    forget_runs(runs);
    free(runs->runs);
    free(runs->files);
    free(runs->buffer);
    free(runs);
}

size_t cm_runs_count(const struct cm_runs *runs)
{
    return runs->n_runs;
}

static bool reserve(struct cm_runs *runs, size_t n_more_runs, size_t n_more_files)
{
    return CM_GROW(runs->runs, runs->runs_capacity, runs->n_runs + n_more_runs, 8) &&
           CM_GROW(runs->files, runs->files_capacity, runs->n_files + n_more_files, 8);
}

enum capmill_status cm_runs_begin(struct cm_runs *runs, struct cm_error *error)
{
    if (!reserve(runs, 1, 1))
        return no_memory(error);
    if (runs->buffer == NULL && (runs->buffer = malloc(BUFFER_BYTES)) == NULL)
        return no_memory(error);
    if (runs->writing == NULL) {
        enum capmill_status status = cm_file_open_scratch(runs->temp_dir, &runs->writing, error);

        if (status != CAPMILL_OK)
            return cm_error_context(error, "flows exceed --memory and cannot be spilled");
        runs->files[runs->n_files++] = runs->writing;
        runs->written_bytes = 0;
    }
    runs->runs[runs->n_runs] = (struct run){.file = runs->writing, .offset = runs->written_bytes};
    runs->buffer_used = 0;
    return CAPMILL_OK;
}

static enum capmill_status write_buffer(struct cm_runs *runs, struct cm_error *error)
{
    enum capmill_status status =
        cm_file_write_at(runs->writing, runs->written_bytes, runs->buffer, runs->buffer_used, error);

    if (status != CAPMILL_OK)
        return cm_error_context(error, "cannot spill flows");
    runs->written_bytes += runs->buffer_used;
    runs->buffer_used = 0;
    return CAPMILL_OK;
}

enum capmill_status cm_runs_put(struct cm_runs *runs, const uint64_t *records, size_t n,
                                struct cm_error *error)
{
    const size_t n_bytes = record_bytes(runs);

    for (size_t i = 0; i < n; i++) {
        if (runs->buffer_used + n_bytes > BUFFER_BYTES) {
            enum capmill_status status = write_buffer(runs, error);

            if (status != CAPMILL_OK)
                return status;
        }
        memcpy(runs->buffer + runs->buffer_used, records + i * runs->shape->n_words, n_bytes);
        runs->buffer_used += n_bytes;
    }
    runs->runs[runs->n_runs].n_records += n;
    return CAPMILL_OK;
}

enum capmill_status cm_runs_end(struct cm_runs *runs, struct cm_error *error)
{
    enum capmill_status status = write_buffer(runs, error);

    if (status == CAPMILL_OK && runs->runs[runs->n_runs].n_records > 0)
        runs->n_runs++;
    return status;
}

static enum capmill_status read_records(const struct run *run, uint8_t *buffer, size_t n_bytes,
                                        struct cm_error *error)
{
    size_t got;
    enum capmill_status status = cm_file_read_at(run->file, run->offset, buffer, n_bytes, &got, error);

    if (status == CAPMILL_END || (status == CAPMILL_OK && got != n_bytes))
        return cm_error_set(error, CAPMILL_E_INTERNAL, 0, "a scratch file of spilled flows ends too early");
    return status == CAPMILL_OK ? CAPMILL_OK : cm_error_context(error, "cannot read spilled flows");
}

/* Append a run of another to the file being written. */
static enum capmill_status copy_run(struct cm_runs *into, struct run run, struct cm_error *error)
{
    const uint64_t n_records = run.n_records;
    uint64_t n_bytes = n_records * record_bytes(into);
    enum capmill_status status = cm_runs_begin(into, error);

    while (status == CAPMILL_OK && n_bytes > 0) {
        const size_t n = (size_t)cm_min_u64(n_bytes, BUFFER_BYTES);

        status = read_records(&run, into->buffer, n, error);
        into->buffer_used = n;
        if (status == CAPMILL_OK)
            status = write_buffer(into, error);
        run.offset += n;
        n_bytes -= n;
    }
    if (status == CAPMILL_OK)
        into->runs[into->n_runs++].n_records = n_records;
    return status;
}

enum capmill_status cm_runs_move(struct cm_runs *into, struct cm_runs *from, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    if (from->n_runs == 0)
        return CAPMILL_OK;
    if (into->n_files + from->n_files > FILES_MAX) {
        for (size_t i = 0; i < from->n_runs && status == CAPMILL_OK; i++)
            status = copy_run(into, from->runs[i], error);
        if (status == CAPMILL_OK)
            forget_runs(from);
        return status;
    }
    if (!reserve(into, from->n_runs, from->n_files))
        return no_memory(error);
    memcpy(into->runs + into->n_runs, from->runs, from->n_runs * sizeof(*from->runs));
    memcpy(into->files + into->n_files, from->files, from->n_files * sizeof(struct cm_file *));
    into->n_runs += from->n_runs;
    into->n_files += from->n_files;
    from->n_files = 0;
    forget_runs(from);
    return CAPMILL_OK;
}

/* --- merging --- */

struct reader {
    struct run run; /* what is still to be read from the file */
    uint8_t *buffer;
    const uint8_t *at, *end; /* records in the buffer */
};

struct cm_run_walk {
    const struct cm_run_shape *shape;
    struct reader *readers;
    size_t n_readers;
    size_t buffer_bytes; /* of each reader: whole records */
    uint8_t *buffers;
    struct reader **heap; /* least record first */
    size_t n_heap;
    uint64_t record[CM_RECORD_WORDS_MAX];
};

/* Buffers are byte arrays aligned for words: each starts at a multiple of the record's size. */
static const uint64_t *reader_record(const struct reader *reader)
{
    return (const uint64_t *)(const void *)reader->at;
}

static int compare_keys(const uint64_t *a, const uint64_t *b, unsigned n_key_words)
{
    uint64_t last_a, last_b;

    for (unsigned i = 0; i + 1 < n_key_words; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    last_a = a[n_key_words - 1] >> CM_FLOW_KEY_SPARE_BITS;
    last_b = b[n_key_words - 1] >> CM_FLOW_KEY_SPARE_BITS;
    return last_a == last_b ? 0 : last_a < last_b ? -1 : 1;
}

/* The next record; CAPMILL_END at the end of the run. */
static enum capmill_status reader_advance(struct reader *reader, const struct cm_run_walk *walk,
                                          struct cm_error *error)
{
    const size_t n_bytes = walk->shape->n_words * sizeof(uint64_t);
    uint64_t wanted = reader->run.n_records * n_bytes;
    enum capmill_status status;

    if (reader->at != reader->end && (reader->at += n_bytes) != reader->end)
        return CAPMILL_OK;
    if (reader->run.n_records == 0)
        return CAPMILL_END;
    if (wanted > walk->buffer_bytes)
        wanted = walk->buffer_bytes;
    status = read_records(&reader->run, reader->buffer, (size_t)wanted, error);
    if (status != CAPMILL_OK)
        return status;
    reader->run.offset += wanted;
    reader->run.n_records -= wanted / n_bytes;
    reader->at = reader->buffer;
    reader->end = reader->buffer + wanted;
    return CAPMILL_OK;
}

static bool heap_less(const struct cm_run_walk *walk, size_t a, size_t b)
{
    return compare_keys(reader_record(walk->heap[a]), reader_record(walk->heap[b]),
                        walk->shape->n_key_words) < 0;
}

static void heap_sink(struct cm_run_walk *walk, size_t at)
{
    for (;;) {
        size_t least = at, child = 2 * at + 1;
        struct reader *moving = walk->heap[at];

        if (child < walk->n_heap && heap_less(walk, child, least))
            least = child;
        if (child + 1 < walk->n_heap && heap_less(walk, child + 1, least))
            least = child + 1;
        if (least == at)
            return;
        walk->heap[at] = walk->heap[least];
        walk->heap[least] = moving;
        at = least;
    }
}

static enum capmill_status walk_open(const struct cm_run_shape *shape, const struct run *runs, size_t n_runs,
                                     size_t memory_bytes, struct cm_run_walk **walk_ret,
                                     struct cm_error *error)
{
    const size_t n_bytes = shape->n_words * sizeof(uint64_t);
    struct cm_run_walk *walk = calloc(1, sizeof(*walk));
    enum capmill_status status = CAPMILL_OK;

    *walk_ret = NULL;
    if (walk == NULL)
        return no_memory(error);
    walk->shape = shape;
    walk->n_readers = n_runs;
    walk->buffer_bytes =
        (memory_bytes < CM_RUNS_MEMORY_MIN ? CM_RUNS_MEMORY_MIN : memory_bytes) / (n_runs + 1);
    if (walk->buffer_bytes > BUFFER_BYTES)
        walk->buffer_bytes = BUFFER_BYTES;
    walk->buffer_bytes -= walk->buffer_bytes % n_bytes;
    walk->readers = calloc(n_runs + 1, sizeof(*walk->readers));
    walk->heap = calloc(n_runs + 1, sizeof(*walk->heap));
    walk->buffers = malloc((n_runs + 1) * walk->buffer_bytes);
    if (walk->readers == NULL || walk->heap == NULL || walk->buffers == NULL) {
        status = no_memory(error);
        goto cleanup;
    }
    for (size_t i = 0; i < n_runs; i++) {
        struct reader *reader = &walk->readers[i];

        reader->run = runs[i];
        reader->at = reader->end = reader->buffer = walk->buffers + i * walk->buffer_bytes;
        status = reader_advance(reader, walk, error);
        if (status < 0)
            goto cleanup;
        if (status == CAPMILL_OK)
            walk->heap[walk->n_heap++] = reader;
    }
    for (size_t i = walk->n_heap / 2; i-- > 0;)
        heap_sink(walk, i);
    *walk_ret = walk;
    return CAPMILL_OK;

cleanup:
    cm_run_walk_close(walk);
    return status;
}

void cm_run_walk_close(struct cm_run_walk *walk)
{
    if (walk == NULL)
        return;
    free(walk->readers);
    free(walk->heap);
    free(walk->buffers);
    free(walk);
}

/* Step past the least record. */
static enum capmill_status heap_advance(struct cm_run_walk *walk, struct cm_error *error)
{
    enum capmill_status status = reader_advance(walk->heap[0], walk, error);

    if (status < 0)
        return status;
    if (status == CAPMILL_END)
        walk->heap[0] = walk->heap[--walk->n_heap];
    if (walk->n_heap > 0)
        heap_sink(walk, 0);
    return CAPMILL_OK;
}

enum capmill_status cm_run_walk_next(struct cm_run_walk *walk, const uint64_t **record_ret,
                                     struct cm_error *error)
{
    const struct cm_run_shape *shape = walk->shape;
    enum capmill_status status;

    if (walk->n_heap == 0)
        return CAPMILL_END;
    memcpy(walk->record, reader_record(walk->heap[0]), shape->n_words * sizeof(uint64_t));
    status = heap_advance(walk, error);
    while (status == CAPMILL_OK && walk->n_heap > 0 &&
           compare_keys(reader_record(walk->heap[0]), walk->record, shape->n_key_words) == 0) {
        shape->merge(walk->record, reader_record(walk->heap[0]));
        status = heap_advance(walk, error);
    }
    *record_ret = walk->record;
    return status;
}

/* Merge `n` runs into one at the end of `to`. */
static enum capmill_status merge_some(const struct run *runs, size_t n, size_t memory_bytes,
                                      struct cm_runs *to, struct cm_error *error)
{
    struct cm_run_walk *walk = NULL;
    const uint64_t *record;
    enum capmill_status status = walk_open(to->shape, runs, n, memory_bytes, &walk, error);

    if (status != CAPMILL_OK)
        return status;
    status = cm_runs_begin(to, error);
    while (status == CAPMILL_OK && (status = cm_run_walk_next(walk, &record, error)) == CAPMILL_OK)
        status = cm_runs_put(to, record, 1, error);
    if (status == CAPMILL_END)
        status = cm_runs_end(to, error);
    cm_run_walk_close(walk);
    return status;
}

/* One pass over everything: every FAN_IN runs become one, in a new scratch file. */
static enum capmill_status merge_pass(struct cm_runs *runs, size_t memory_bytes, struct cm_error *error)
{
    struct cm_runs *fewer = cm_runs_create(runs->shape, runs->temp_dir);
    enum capmill_status status = CAPMILL_OK;

    if (fewer == NULL)
        return no_memory(error);
    for (size_t i = 0; i < runs->n_runs && status == CAPMILL_OK; i += FAN_IN)
        status = merge_some(runs->runs + i, runs->n_runs - i < FAN_IN ? runs->n_runs - i : FAN_IN,
                            memory_bytes, fewer, error);
    if (status == CAPMILL_OK) {
        forget_runs(runs);
        status = cm_runs_move(runs, fewer, error);
    }
    cm_runs_destroy(fewer);
    return status;
}

enum capmill_status cm_run_walk_open(struct cm_runs *runs, size_t memory_bytes, struct cm_run_walk **walk_ret,
                                     struct cm_error *error)
{
    *walk_ret = NULL;
    while (runs->n_runs > FAN_IN) {
        enum capmill_status status = merge_pass(runs, memory_bytes, error);

        if (status != CAPMILL_OK)
            return status;
    }
    return walk_open(runs->shape, runs->runs, runs->n_runs, memory_bytes, walk_ret, error);
}

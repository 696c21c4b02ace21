/* SPDX-License-Identifier: Apache-2.0 */
/* Restoring the order of finished bytes in front of a stream. Not for files, where every thread writes its
 * own place. */
#include "sink/reunite.h"

#include <stdlib.h>
#include <string.h>

#include "os/thread.h"

/* Bytes that may lie ahead of the stream's end: with pieces of half a MiB, some for each of many threads. */
#define AHEAD_BYTES (32u * 1024 * 1024)

struct piece {
    uint64_t place;
    size_t n;
    size_t capacity;
    struct piece *next;
    uint8_t bytes[];
};

struct cm_reunite {
    struct cm_file *file;
    struct cm_thread *writer;
    struct cm_mutex lock; /* guards everything below */
    struct cm_condition arrived;
    struct cm_condition written;
    struct piece *waiting; /* by place */
    struct piece *spare;
    uint64_t end; /* bytes of the stream that are written */
    bool closing;
    bool aborted;
    struct cm_error failure;
};

static void write_in_order(void *context)
{
    struct cm_reunite *reunite = context;

    cm_mutex_lock(&reunite->lock);
    for (;;) {
        struct piece *piece = reunite->waiting;
        struct cm_error error = {0};

        if (reunite->aborted || reunite->failure.status < 0 || (reunite->closing && piece == NULL))
            break;
        if (reunite->closing && piece->place != reunite->end) {
            cm_error_set(&reunite->failure, CAPMILL_E_INTERNAL, 0,
                         "bytes of %s before the last were never put", cm_file_path(reunite->file));
            break;
        }
        if (piece == NULL || piece->place != reunite->end) {
            cm_condition_wait(&reunite->arrived, &reunite->lock);
            continue;
        }
        reunite->waiting = piece->next;
        cm_mutex_unlock(&reunite->lock);
        cm_file_write(reunite->file, piece->bytes, piece->n, &error);
        cm_mutex_lock(&reunite->lock);
        if (error.status < 0)
            reunite->failure = error;
        reunite->end += piece->n;
        piece->next = reunite->spare;
        reunite->spare = piece;
        cm_condition_wake_all(&reunite->written);
    }
    cm_condition_wake_all(&reunite->written);
    cm_mutex_unlock(&reunite->lock);
}

enum capmill_status cm_reunite_create(struct cm_file *file, struct cm_reunite **reunite_ret,
                                      struct cm_error *error)
{
    struct cm_reunite *reunite = calloc(1, sizeof(*reunite));
    enum capmill_status status;

    if (reunite == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to write %s", cm_file_path(file));
    reunite->file = file;
    cm_mutex_init(&reunite->lock);
    cm_condition_init(&reunite->arrived);
    cm_condition_init(&reunite->written);
    status = cm_thread_start("cm-writer", write_in_order, reunite, &reunite->writer, error);
    if (status < 0) {
        cm_reunite_destroy(reunite);
        return status;
    }
    *reunite_ret = reunite;
    return CAPMILL_OK;
}

void cm_reunite_destroy(struct cm_reunite *reunite)
{
    if (reunite == NULL)
        return;
    cm_reunite_abort(reunite);
    cm_thread_join(reunite->writer);
    while (reunite->waiting != NULL) {
        struct piece *piece = reunite->waiting;

        reunite->waiting = piece->next;
        free(piece);
    }
    while (reunite->spare != NULL) {
        struct piece *piece = reunite->spare;

        reunite->spare = piece->next;
        free(piece);
    }
    cm_condition_fini(&reunite->arrived);
    cm_condition_fini(&reunite->written);
    cm_mutex_fini(&reunite->lock);
    free(reunite);
}

static enum capmill_status failure_of(const struct cm_reunite *reunite, struct cm_error *error)
{
    if (reunite->failure.status < 0) {
        if (error != NULL && error->status >= 0)
            *error = reunite->failure;
        return reunite->failure.status;
    }
    return cm_error_set(error, CAPMILL_E_INTERRUPTED, 0, "writing %s was given up",
                        cm_file_path(reunite->file));
}

enum capmill_status cm_reunite_put(struct cm_reunite *reunite, uint64_t place, const void *bytes, size_t n,
                                   struct cm_error *error)
{
    struct piece *piece;
    struct piece **link;
    enum capmill_status status = CAPMILL_OK;

    cm_mutex_lock(&reunite->lock);
    while (!reunite->aborted && reunite->failure.status >= 0 && place != reunite->end &&
           place + n > reunite->end + AHEAD_BYTES)
        cm_condition_wait(&reunite->written, &reunite->lock);
    if (reunite->aborted || reunite->failure.status < 0) {
        status = failure_of(reunite, error);
        cm_mutex_unlock(&reunite->lock);
        return status;
    }
    piece = reunite->spare;
    if (piece != NULL)
        reunite->spare = piece->next;
    cm_mutex_unlock(&reunite->lock);

    if (piece == NULL || piece->capacity < n) {
        free(piece);
        piece = malloc(sizeof(*piece) + n);
        if (piece == NULL)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for %zu bytes to be written", n);
        piece->capacity = n;
    }
    piece->place = place;
    piece->n = n;
    memcpy(piece->bytes, bytes, n);

    cm_mutex_lock(&reunite->lock);
    link = &reunite->waiting;
    while (*link != NULL && (*link)->place < place)
        link = &(*link)->next;
    piece->next = *link;
    *link = piece;
    cm_condition_wake_one(&reunite->arrived);
    cm_mutex_unlock(&reunite->lock);
    return CAPMILL_OK;
}

enum capmill_status cm_reunite_finish(struct cm_reunite *reunite, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    cm_mutex_lock(&reunite->lock);
    reunite->closing = true;
    cm_condition_wake_one(&reunite->arrived);
    cm_mutex_unlock(&reunite->lock);
    cm_thread_join(reunite->writer);
    reunite->writer = NULL;
    if (reunite->aborted || reunite->failure.status < 0)
        status = failure_of(reunite, error);
    return status;
}

void cm_reunite_abort(struct cm_reunite *reunite)
{
    cm_mutex_lock(&reunite->lock);
    reunite->aborted = true;
    cm_condition_wake_all(&reunite->arrived);
    cm_condition_wake_all(&reunite->written);
    cm_mutex_unlock(&reunite->lock);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Reads in flight by a pool of threads that read at a position: what every system can do. Slower than the
 * system's own queue by two wake-ups a read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/aio_int.h"
#include "os/thread.h"

/* More threads than this do not make a disk faster; deeper queues wait in line. */
enum { max_threads = 32 };

struct slot {
    struct slot *next;
    struct cm_file *file;
    uint64_t offset;
    void *buffer;
    size_t n;
    struct cm_aio_done done;
};

/* First in, first out. */
struct slot_list {
    struct slot *first;
    struct slot **last;
};

struct thread_aio {
    struct cm_aio aio;
    struct cm_mutex mutex; /* guards all below but `idle` and `n_in_flight`, which are the owner's */
    struct cm_condition work_came;
    struct cm_condition work_done;
    struct slot_list waiting;
    struct slot_list finished;
    bool stopping;
    struct slot *idle;
    unsigned n_in_flight; /* submitted and not popped */
    unsigned n_threads;
    struct cm_thread *threads[max_threads];
    struct slot slots[];
};

static void append(struct slot_list *list, struct slot *slot)
{
    slot->next = NULL;
    *list->last = slot;
    list->last = &slot->next;
}

static struct slot *take_first(struct slot_list *list)
{
    struct slot *slot = list->first;

    if (slot != NULL) {
        list->first = slot->next;
        if (list->first == NULL)
            list->last = &list->first;
    }
    return slot;
}

static void read_slot(struct slot *slot)
{
    struct cm_error error = {0};
    size_t n = 0;
    enum capmill_status status = cm_file_read_at(slot->file, slot->offset, slot->buffer, slot->n, &n, &error);

    slot->done.n_bytes = status < 0 ? 0 : n;
    slot->done.system_code = status >= 0 ? 0 : error.system_code != 0 ? error.system_code : EIO;
}

static void serve(void *context)
{
    struct thread_aio *pool = context;

    cm_mutex_lock(&pool->mutex);
    for (;;) {
        struct slot *slot = take_first(&pool->waiting);

        if (slot != NULL) {
            cm_mutex_unlock(&pool->mutex);
            read_slot(slot);
            cm_mutex_lock(&pool->mutex);
            append(&pool->finished, slot);
            cm_condition_wake_one(&pool->work_done);
        } else if (pool->stopping) {
            break;
        } else {
            cm_condition_wait(&pool->work_came, &pool->mutex);
        }
    }
    cm_mutex_unlock(&pool->mutex);
}

/* Threads finish what waits before they go: buffers are the caller's again when this returns. */
static void pool_close(struct cm_aio *aio)
{
    struct thread_aio *pool = (struct thread_aio *)aio;

    cm_mutex_lock(&pool->mutex);
    pool->stopping = true;
    cm_condition_wake_all(&pool->work_came);
    cm_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->n_threads; i++)
        cm_thread_join(pool->threads[i]);
    cm_condition_fini(&pool->work_done);
    cm_condition_fini(&pool->work_came);
    cm_mutex_fini(&pool->mutex);
    free(pool);
}

static enum capmill_status pool_read(struct cm_aio *aio, struct cm_file *file, uint64_t offset, void *buffer,
                                     size_t n, uint64_t tag, struct cm_error *error)
{
    struct thread_aio *pool = (struct thread_aio *)aio;
    struct slot *slot = pool->idle;

    if (slot == NULL)
        return CAPMILL_AGAIN;
    pool->idle = slot->next;
    pool->n_in_flight++;
    slot->file = file;
    slot->offset = offset;
    slot->buffer = buffer;
    slot->n = n;
    slot->done = (struct cm_aio_done){.tag = tag};
    cm_mutex_lock(&pool->mutex);
    append(&pool->waiting, slot);
    cm_condition_wake_one(&pool->work_came);
    cm_mutex_unlock(&pool->mutex);
    return CAPMILL_OK;
}

static size_t pool_wait(struct cm_aio *aio, struct cm_aio_done *done, size_t capacity)
{
    struct thread_aio *pool = (struct thread_aio *)aio;
    struct slot *slot;
    size_t n = 0;

    if (pool->n_in_flight == 0)
        return 0;
    cm_mutex_lock(&pool->mutex);
    while (pool->finished.first == NULL)
        cm_condition_wait(&pool->work_done, &pool->mutex);
    while (n < capacity && (slot = take_first(&pool->finished)) != NULL) {
        done[n++] = slot->done;
        slot->next = pool->idle;
        pool->idle = slot;
    }
    cm_mutex_unlock(&pool->mutex);
    pool->n_in_flight -= (unsigned)n;
    return n;
}

static bool pool_available(void)
{
    return true;
}

static enum capmill_status pool_open(unsigned depth, void *buffers, size_t buffers_bytes,
                                     struct cm_aio **aio_ret, struct cm_error *error)
{
    static const struct cm_aio_calls calls = {pool_close, pool_read, pool_wait};
    struct thread_aio *pool = calloc(1, sizeof(*pool) + depth * sizeof(struct slot));
    unsigned n_threads = depth < max_threads ? depth : max_threads;

    if (pool == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, ENOMEM, "no memory for %u reads in flight", depth);
    pool->aio.calls = &calls;
    cm_mutex_init(&pool->mutex);
    cm_condition_init(&pool->work_came);
    cm_condition_init(&pool->work_done);
    pool->waiting.last = &pool->waiting.first;
    pool->finished.last = &pool->finished.first;
    for (unsigned i = 0; i < depth; i++) {
        pool->slots[i].next = pool->idle;
        pool->idle = &pool->slots[i];
    }
    for (unsigned i = 0; i < n_threads; i++) {
        /* Fewer threads than wished for are slower, none at all is a failure. */
        enum capmill_status status =
            cm_thread_start("read", serve, pool, &pool->threads[i], pool->n_threads == 0 ? error : NULL);

        if (status < 0 && pool->n_threads == 0) {
            pool_close(&pool->aio);
            return status;
        }
        if (status < 0)
            break;
        pool->n_threads++;
    }
    *aio_ret = &pool->aio;
    return CAPMILL_OK;
}

const struct cm_aio_backend cm_aio_threads_backend = {pool_available, pool_open};

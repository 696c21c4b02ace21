/* SPDX-License-Identifier: Apache-2.0 */
/* A queue by number and the thread that works it off. Not for what the work is. */
#include "sink/turns.h"

#include <stdlib.h>
#include <string.h>

#include "os/thread.h"

struct turn {
    void *item;
    uint64_t n_bytes;
    bool is_there;
};

struct cm_turns {
    struct cm_turns_options options;
    struct cm_thread *thread;
    struct cm_mutex lock; /* guards everything below */
    struct cm_condition arrived;
    struct cm_condition worked;
    struct turn *ring; /* by number; a power of two */
    size_t capacity;
    uint64_t next; /* whose turn it is */
    uint64_t n_waiting;
    uint64_t waiting_bytes;
    bool closing;
    bool aborted;
    struct cm_error failure;
};

static struct turn *turn_at(struct cm_turns *turns, uint64_t sequence)
{
    return &turns->ring[sequence & (turns->capacity - 1)];
}

/* Under the lock. */
static bool make_room(struct cm_turns *turns, uint64_t sequence)
{
    size_t capacity = turns->capacity;
    struct turn *ring;

    if (sequence - turns->next < capacity)
        return true;
    while (sequence - turns->next >= capacity)
        if (__builtin_mul_overflow(capacity, (size_t)2, &capacity))
            return false;
    ring = calloc(capacity, sizeof(*ring));
    if (ring == NULL)
        return false;
    for (size_t i = 0; i < turns->capacity; i++)
        ring[(turns->next + i) & (capacity - 1)] = *turn_at(turns, turns->next + i);
    free(turns->ring);
    turns->ring = ring;
    turns->capacity = capacity;
    return true;
}

static bool is_over(const struct cm_turns *turns)
{
    return turns->aborted || turns->failure.status < 0;
}

static void work_off(void *context)
{
    struct cm_turns *turns = context;

    cm_mutex_lock(&turns->lock);
    while (!is_over(turns)) {
        struct turn *turn = turn_at(turns, turns->next);
        struct cm_error error = {0};
        enum capmill_status status = CAPMILL_OK;
        void *item = turn->item;
        uint64_t n_bytes = turn->n_bytes;

        if (!turn->is_there) {
            if (turns->closing) /* all that will come has come */
                break;
            cm_condition_wait(&turns->arrived, &turns->lock);
            continue;
        }
        *turn = (struct turn){0};
        turns->next++;
        turns->n_waiting--;
        cm_mutex_unlock(&turns->lock);
        if (item != NULL)
            status = turns->options.work(turns->options.context, item, &error);
        cm_mutex_lock(&turns->lock);
        /* what is worked on counts as waiting: its memory is still held */
        turns->waiting_bytes -= n_bytes;
        if (status < 0)
            turns->failure = error;
        cm_condition_wake_all(&turns->worked);
    }
    cm_condition_wake_all(&turns->worked);
    cm_mutex_unlock(&turns->lock);
}

enum capmill_status cm_turns_create(const struct cm_turns_options *options, struct cm_turns **turns_ret,
                                    struct cm_error *error)
{
    struct cm_turns *turns = calloc(1, sizeof(*turns));
    enum capmill_status status = CAPMILL_OK;

    if (turns == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for an output");
    turns->options = *options;
    turns->capacity = 16;
    turns->ring = calloc(turns->capacity, sizeof(*turns->ring));
    cm_mutex_init(&turns->lock);
    cm_condition_init(&turns->arrived);
    cm_condition_init(&turns->worked);
    if (turns->ring == NULL)
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for an output");
    else if (options->own_thread)
        status = cm_thread_start(options->name, work_off, turns, &turns->thread, error);
    if (status < 0)
        cm_turns_destroy(turns);
    else
        *turns_ret = turns;
    return status < 0 ? status : CAPMILL_OK;
}

void cm_turns_destroy(struct cm_turns *turns)
{
    if (turns == NULL)
        return;
    cm_turns_abort(turns);
    cm_thread_join(turns->thread);
    for (size_t i = 0; i < turns->capacity && turns->ring != NULL; i++) {
        if (turns->ring[i].item != NULL)
            turns->options.discard(turns->options.context, turns->ring[i].item);
    }
    free(turns->ring);
    cm_condition_fini(&turns->arrived);
    cm_condition_fini(&turns->worked);
    cm_mutex_fini(&turns->lock);
    free(turns);
}

/* Under the lock. */
static enum capmill_status failure_of(const struct cm_turns *turns, struct cm_error *error)
{
    if (turns->failure.status < 0) {
        if (error != NULL && error->status >= 0)
            *error = turns->failure;
        return turns->failure.status;
    }
    return cm_error_set(error, CAPMILL_E_INTERRUPTED, 0, "an output was given up");
}

static enum capmill_status work_at_once(struct cm_turns *turns, void *item, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    if (is_over(turns)) {
        if (item != NULL)
            turns->options.discard(turns->options.context, item);
        return failure_of(turns, error);
    }
    turns->next++;
    if (item != NULL)
        status = turns->options.work(turns->options.context, item, error);
    if (status < 0)
        turns->failure = *error;
    return status;
}

enum capmill_status cm_turns_put(struct cm_turns *turns, uint64_t sequence, void *item, uint64_t n_bytes,
                                 struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    if (turns->thread == NULL)
        return work_at_once(turns, item, error);
    cm_mutex_lock(&turns->lock);
    while (!is_over(turns) && sequence != turns->next &&
           turns->waiting_bytes + n_bytes > turns->options.limit_bytes)
        cm_condition_wait(&turns->worked, &turns->lock);
    if (is_over(turns)) {
        status = failure_of(turns, error);
    } else if (!make_room(turns, sequence)) {
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for blocks that wait for their turn");
    } else {
        *turn_at(turns, sequence) = (struct turn){item, n_bytes, true};
        turns->n_waiting++;
        turns->waiting_bytes += n_bytes;
        item = NULL;
        cm_condition_wake_one(&turns->arrived);
    }
    cm_mutex_unlock(&turns->lock);
    if (item != NULL)
        turns->options.discard(turns->options.context, item);
    return status;
}

enum capmill_status cm_turns_finish(struct cm_turns *turns, struct cm_error *error)
{
    cm_mutex_lock(&turns->lock);
    turns->closing = true;
    cm_condition_wake_one(&turns->arrived);
    cm_mutex_unlock(&turns->lock);
    cm_thread_join(turns->thread);
    turns->thread = NULL;
    if (is_over(turns))
        return failure_of(turns, error);
    return turns->n_waiting == 0
               ? CAPMILL_OK
               : cm_error_set(error, CAPMILL_E_INTERNAL, 0, "a block before the last was never put");
}

void cm_turns_abort(struct cm_turns *turns)
{
    cm_mutex_lock(&turns->lock);
    turns->aborted = true;
    cm_condition_wake_all(&turns->arrived);
    cm_condition_wake_all(&turns->worked);
    cm_mutex_unlock(&turns->lock);
}

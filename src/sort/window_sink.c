/* SPDX-License-Identifier: Apache-2.0 */
/* The window as a sink for several threads: chunks are filled and ordered by the thread that read them, let
 * into the window in input order under one lock, and what leaves it is copied out by whichever thread caused
 * it to leave. */
#include "sort/sort.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "os/thread.h"
#include "sort/chunk.h"
#include "sort/emit.h"
#include "sort/order.h"
#include "sort/window.h"

struct shared {
    struct cm_encoder encoder;
    struct cm_outlet outlet;
    const uint64_t *sequence_base;
    struct cm_chunk_pool chunks;

    struct cm_mutex lock; /* guards everything below, and the outlet's reserve and the encoder's event */
    struct cm_window *window;
    struct cm_waiting_events waiting;
    struct cm_chunk **early; /* chunks that came before their turn: ring of `early_capacity`, by number */
    size_t early_capacity;
    uint64_t next_number;
    struct cm_group *free_groups;
    bool late;
    bool rest_settled;
    uint64_t last_ns; /* of the last packet that left, where slices ask for it; else of one near it */
    uint64_t n_packets;
};

struct local {
    struct cm_chunk *chunk;
    struct cm_ordered_packet *scratch;
    size_t scratch_capacity;
    struct cm_emitter emitter;
    bool is_thin; /* the filter kept little of this thread's last range */
};

/* Less than a fourth is worth copying out: what is held of a block otherwise is mostly what nobody wants. */
#define THIN_SHARE 4u

static enum capmill_status open_local(void *context, unsigned thread, void **local_ret,
                                      struct cm_error *error)
{
    struct shared *shared = context;
    struct local *local = calloc(1, sizeof(*local));
    enum capmill_status status;

    if (local == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for thread %u", thread);
    status = cm_emitter_init(&local->emitter, &shared->encoder, error);
    if (status < 0)
        free(local);
    else
        *local_ret = local;
    return status;
}

static bool keep_early(struct shared *shared, uint64_t number, struct cm_chunk *chunk)
{
    if (number - shared->next_number >= shared->early_capacity) {
        size_t capacity = shared->early_capacity == 0 ? 16 : shared->early_capacity;
        struct cm_chunk **early;

        while (number - shared->next_number >= capacity)
            capacity *= 2;
        early = calloc(capacity, sizeof(struct cm_chunk *));
        if (early == NULL)
            return false;
        for (size_t i = 0; i < shared->early_capacity; i++)
            early[(shared->next_number + i) & (capacity - 1)] =
                shared->early[(shared->next_number + i) & (shared->early_capacity - 1)];
        free(shared->early);
        shared->early = early;
        shared->early_capacity = capacity;
    }
    shared->early[number & (shared->early_capacity - 1)] = chunk;
    return true;
}

/* Under the lock: let in all chunks whose turn it is. */
static enum capmill_status let_in(struct shared *shared, struct cm_error *error)
{
    for (;;) {
        struct cm_chunk **turn;
        struct cm_chunk *chunk;
        enum capmill_status status;

        if (shared->early_capacity == 0)
            return CAPMILL_OK;
        turn = &shared->early[shared->next_number & (shared->early_capacity - 1)];
        if (*turn == NULL)
            return CAPMILL_OK;
        chunk = *turn;
        *turn = NULL;
        shared->next_number++;
        status = cm_window_accept(shared->window, chunk, error);
        if (status == CAPMILL_AGAIN)
            shared->late = true;
        if (status != CAPMILL_OK)
            return status;
    }
}

/* Under the lock; lets go of it while bytes are copied. Until nothing more may leave. */
static enum capmill_status let_out(struct shared *shared, struct local *local, struct cm_error *error)
{
    for (;;) {
        struct cm_group *group = shared->free_groups;
        enum capmill_status status;
        enum capmill_status let = CAPMILL_OK;

        if (shared->late)
            return CAPMILL_AGAIN;
        if (group != NULL)
            shared->free_groups = group->next;
        else
            group = cm_group_create();
        if (group == NULL)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a group of packets");
        let = status = cm_window_next(shared->window, group, &shared->waiting, error);
        if (status == CAPMILL_OK)
            status = cm_group_settle(group, &shared->waiting, &shared->encoder, &shared->outlet, error);
        if (status == CAPMILL_END && !shared->rest_settled) {
            shared->rest_settled = true;
            status = cm_group_settle_rest(group, &shared->waiting, shared->last_ns, &shared->encoder,
                                          &shared->outlet, error);
        }
        if (group->n > 0)
            shared->last_ns = group->entries[group->n - 1].time_ns;
        shared->n_packets += group->n;
        cm_mutex_unlock(&shared->lock);
        if (status >= 0 && group->n_pieces > 0)
            status = cm_group_emit(group, &local->emitter, &shared->outlet, error);
        for (size_t i = 0; i < group->n_chunks; i++)
            cm_chunk_release(&shared->chunks, group->chunks[i]);
        cm_group_reset(group);
        cm_mutex_lock(&shared->lock);
        group->next = shared->free_groups;
        shared->free_groups = group;
        if (status < 0)
            return status;
        if (let != CAPMILL_OK)
            return let;
    }
}

static enum capmill_status submit(struct shared *shared, struct local *local, uint64_t number,
                                  struct cm_error *error)
{
    struct cm_chunk *chunk = local->chunk;
    enum capmill_status status = CAPMILL_OK;

    local->chunk = NULL;
    local->is_thin = chunk->n * THIN_SHARE < chunk->n_seen;
    if (chunk->n > local->scratch_capacity) {
        free(local->scratch);
        local->scratch_capacity = chunk->capacity;
        local->scratch = malloc(local->scratch_capacity * sizeof(*local->scratch));
        if (local->scratch == NULL) {
            local->scratch_capacity = 0;
            cm_chunk_release(&shared->chunks, chunk);
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to put a range in order");
        }
    }
    cm_sort_window_entries(chunk->entries, local->scratch, chunk->n);
    status = cm_chunk_compact(chunk, error);
    if (status < 0) {
        cm_chunk_release(&shared->chunks, chunk);
        return status;
    }
    chunk->n_bytes += chunk->n * sizeof(*chunk->entries);
    cm_mutex_lock(&shared->lock);
    if (!keep_early(shared, number, chunk)) {
        cm_chunk_release(&shared->chunks, chunk);
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for ranges that came early");
    }
    if (status == CAPMILL_OK)
        status = let_in(shared, error);
    if (status == CAPMILL_OK)
        status = let_out(shared, local, error);
    if (status >= 0)
        status = shared->late ? CAPMILL_AGAIN : CAPMILL_OK;
    cm_mutex_unlock(&shared->lock);
    return status;
}

static enum capmill_status consume(void *context, void *local_context, struct cm_batch *batch,
                                   struct cm_error *error)
{
    struct shared *shared = context;
    struct local *local = local_context;
    enum capmill_status status;

    if (local->chunk == NULL) {
        local->chunk = cm_chunk_acquire(&shared->chunks);
        if (local->chunk == NULL)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the packets of a range");
        local->chunk->copies = local->is_thin;
    }
    status = cm_chunk_append(local->chunk, &shared->chunks, batch, &shared->encoder, error);
    if (status < 0 || !batch->last_of_sequence)
        return status;
    return submit(shared, local, shared->sequence_base[batch->input] + batch->sequence, error);
}

static enum capmill_status drain(void *context, void *local_context, struct cm_error *error)
{
    struct shared *shared = context;
    enum capmill_status status;

    cm_mutex_lock(&shared->lock);
    cm_window_end(shared->window);
    status = let_out(shared, local_context, error);
    cm_mutex_unlock(&shared->lock);
    return status == CAPMILL_END ? CAPMILL_OK : status;
}

static enum capmill_status combine(void *context, void *local_context, struct cm_error *error)
{
    struct shared *shared = context;
    struct local *local = local_context;

    (void)error;
    if (local == NULL)
        return CAPMILL_OK;
    if (local->chunk != NULL)
        cm_chunk_release(&shared->chunks, local->chunk);
    free(local->scratch);
    cm_emitter_fini(&local->emitter);
    free(local);
    return CAPMILL_OK;
}

static void close_shared(void *context)
{
    struct shared *shared = context;

    cm_window_destroy(shared->window);
    for (size_t i = 0; i < shared->early_capacity; i++)
        cm_chunk_release(&shared->chunks, shared->early[i]);
    free(shared->early);
    cm_waiting_events_fini(&shared->waiting);
    while (shared->free_groups != NULL) {
        struct cm_group *group = shared->free_groups;

        shared->free_groups = group->next;
        cm_group_destroy(group);
    }
    cm_chunk_pool_fini(&shared->chunks);
    cm_mutex_fini(&shared->lock);
    free(shared);
}

enum capmill_status cm_window_sink_create(const struct cm_sort_options *options, struct cm_sink *sink_ret,
                                          struct cm_error *error)
{
    struct shared *shared = calloc(1, sizeof(*shared));

    if (shared == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a sort");
    shared->encoder = *options->encoder;
    shared->outlet = *options->outlet;
    shared->sequence_base = options->sequence_base;
    cm_mutex_init(&shared->lock);
    if (cm_chunk_pool_init(&shared->chunks))
        shared->window = cm_window_create(options->memory_bytes, options->read_once, &shared->chunks);
    if (shared->window == NULL) {
        close_shared(shared);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a sort");
    }
    *sink_ret = (struct cm_sink){.name = "sort window",
                                 .shared = shared,
                                 .open = open_local,
                                 .consume = consume,
                                 .drain = drain,
                                 .combine = combine,
                                 .close = close_shared};
    return CAPMILL_OK;
}

void cm_window_sink_read_facts(const struct cm_sink *sink, struct cm_window_sink_facts *facts_ret)
{
    struct shared *shared = sink->shared;
    struct cm_window_facts window;

    cm_mutex_lock(&shared->lock);
    cm_window_read_facts(shared->window, &window);
    *facts_ret = (struct cm_window_sink_facts){.n_packets = shared->n_packets,
                                               .max_depth = window.max_depth,
                                               .peak_bytes = window.peak_bytes,
                                               .late = shared->late,
                                               .late_place = window.late_place};
    cm_mutex_unlock(&shared->lock);
}

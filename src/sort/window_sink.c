/* SPDX-License-Identifier: Apache-2.0 */
/* The window as a sink for several threads: chunks are filled and ordered by the thread that read them, let
 * into the window in input order under one lock, and what leaves it is copied out by whichever thread caused
 * it to leave. */
#include "sort/sort.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "os/thread.h"
#include "sort/arrivals.h"
#include "sort/blocks.h"
#include "sort/chunk.h"
#include "sort/emit.h"
#include "sort/order.h"
#include "sort/window.h"

struct shared {
    struct cm_encoder encoder;
    struct cm_outlet outlet;
    struct cm_taker taker; /* in place of those two where `to_taker` */
    bool to_taker;
    bool as_read; /* `arrivals` in place of the window */
    const uint64_t *sequence_base;
    struct cm_chunk_pool chunks;

    struct cm_mutex lock; /* guards everything below, and the outlet's reserve, the encoder's event, and the
                             taker's settle */
    struct cm_window *window;
    struct cm_arrivals arrivals;
    uint32_t
        numbered_input; /* of the latest chunk that was let in, and how many packets it has seen so far */
    uint64_t n_numbered;
    struct cm_group *pending; /* a block that is not full; NULL: none */
    uint64_t n_blocks;
    bool told_first; /* to the taker */
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
    void *taker_local;
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
    status = shared->to_taker ? shared->taker.open(shared->taker.context, &local->taker_local, error)
                              : cm_emitter_init(&local->emitter, &shared->encoder, error);
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

/* How many packets of the input came before the chunk's, kept or not. */
static void number_packets(struct shared *shared, struct cm_chunk *chunk)
{
    if (chunk->input != shared->numbered_input)
        shared->n_numbered = 0;
    shared->numbered_input = chunk->input;
    chunk->number_base = shared->n_numbered;
    shared->n_numbered += chunk->n_seen;
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
        number_packets(shared, chunk);
        status = shared->as_read ? cm_arrivals_accept(&shared->arrivals, chunk)
                                 : cm_window_accept(shared->window, chunk, error);
        if (status == CAPMILL_AGAIN)
            shared->late = true;
        if (status != CAPMILL_OK)
            return status;
    }
}

/* The two below are called under the lock. NULL: no memory. */
static struct cm_group *get_group(struct shared *shared)
{
    struct cm_group *group = shared->free_groups;

    if (group == NULL)
        return cm_group_create();
    shared->free_groups = group->next;
    group->next = NULL;
    return group;
}

static void put_group(struct shared *shared, struct cm_group *group)
{
    group->next = shared->free_groups;
    shared->free_groups = group;
}

/* Without the lock: nothing of the group is needed any more. */
static void let_go(struct shared *shared, struct cm_group *group)
{
    for (size_t i = 0; i < group->n_chunks; i++)
        cm_chunk_release(&shared->chunks, group->chunks[i]);
    cm_group_reset(group);
}

static enum capmill_status no_memory_for_group(struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a group of packets");
}

/* Under the lock. */
static enum capmill_status next_group(struct shared *shared, struct cm_group *group, struct cm_error *error)
{
    return shared->as_read ? cm_arrivals_next(&shared->arrivals, group, &shared->waiting, error)
                           : cm_window_next(shared->window, group, &shared->waiting, error);
}

/* Into one capture: settle the group's places under the lock, copy it out without. */
static enum capmill_status write_group(struct shared *shared, struct local *local, struct cm_group *group,
                                       enum capmill_status let, struct cm_error *error)
{
    enum capmill_status status = let;

    if (status == CAPMILL_OK)
        status = cm_group_settle(group, &shared->waiting, &shared->encoder, &shared->outlet, error);
    if (status == CAPMILL_END && !shared->rest_settled) {
        shared->rest_settled = true;
        status = cm_group_settle_rest(group, &shared->waiting, shared->last_ns, &shared->encoder,
                                      &shared->outlet, error);
    }
    cm_mutex_unlock(&shared->lock);
    if (status >= 0 && group->n_pieces > 0)
        status = cm_group_emit(group, &local->emitter, &shared->outlet, error);
    let_go(shared, group);
    cm_mutex_lock(&shared->lock);
    put_group(shared, group);
    return status;
}

/* Under the lock: the group's packets into blocks; those that are full, and at the end the last, are settled and
 * strung together at `*full_ret`. */
static enum capmill_status cut_blocks(struct shared *shared, const struct cm_group *group, bool end,
                                      struct cm_group **full_ret, struct cm_error *error)
{
    struct cm_group **last = full_ret;
    size_t from = 0;
    enum capmill_status status = CAPMILL_OK;

    *full_ret = NULL;
    while (status >= 0 && (from < group->n || (end && !shared->rest_settled))) {
        struct cm_group *block = shared->pending;

        if (block == NULL)
            block = shared->pending = get_group(shared);
        if (block == NULL)
            return no_memory_for_group(error);
        status = cm_block_fill(block, group, &from, error);
        if (status < 0 || (!cm_block_full(block) && !end))
            break;
        shared->rest_settled = end && from == group->n;
        status = cm_block_settle(block, &shared->waiting, shared->rest_settled, shared->n_blocks,
                                 &shared->taker, error);
        if (status < 0)
            break;
        shared->n_blocks++;
        shared->pending = NULL;
        *last = block;
        last = &block->next;
    }
    return status;
}

/* Under the lock. A block may be all of packets without a time; a group goes up to one that has, as a rule. */
static void tell_first(struct shared *shared, const struct cm_group *group)
{
    if (shared->told_first || group->n == 0)
        return;
    shared->told_first = true;
    if (shared->taker.first != NULL)
        shared->taker.first(shared->taker.context, cm_group_earliest(group));
}

/* To a taker: the group becomes blocks under the lock, those that are full are taken without. */
static enum capmill_status hand_on_group(struct shared *shared, struct local *local, struct cm_group *group,
                                         enum capmill_status let, struct cm_error *error)
{
    struct cm_group *blocks = NULL;
    struct cm_group *used = group;
    enum capmill_status status = let < 0 ? let : CAPMILL_OK;

    if (status >= 0 && !group->sorted)
        cm_sort_window_entries(group->entries, group->scratch, group->n);
    if (status >= 0)
        tell_first(shared, group);
    if (status >= 0 && let != CAPMILL_AGAIN)
        status = cut_blocks(shared, group, let == CAPMILL_END, &blocks, error);
    cm_mutex_unlock(&shared->lock);
    let_go(shared, group);
    group->next = NULL;
    while (blocks != NULL) {
        struct cm_group *block = blocks;

        blocks = block->next;
        if (status >= 0)
            status = cm_block_take(block, &shared->taker, local->taker_local, error);
        else
            cm_block_drop(block, &shared->taker);
        let_go(shared, block);
        block->next = used;
        used = block;
    }
    cm_mutex_lock(&shared->lock);
    while (used != NULL) {
        struct cm_group *next = used->next;

        put_group(shared, used);
        used = next;
    }
    return status;
}

/* Under the lock; lets go of it while bytes are copied. Until nothing more may leave. */
static enum capmill_status let_out(struct shared *shared, struct local *local, struct cm_error *error)
{
    for (;;) {
        struct cm_group *group;
        enum capmill_status status;
        enum capmill_status let;

        if (shared->late)
            return CAPMILL_AGAIN;
        group = get_group(shared);
        if (group == NULL)
            return no_memory_for_group(error);
        let = next_group(shared, group, error);
        if (group->n > 0)
            shared->last_ns = group->entries[group->n - 1].time_ns;
        shared->n_packets += group->n;
        status = shared->to_taker ? hand_on_group(shared, local, group, let, error)
                                  : write_group(shared, local, group, let, error);
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
    if (!shared->as_read && chunk->n > local->scratch_capacity) {
        free(local->scratch);
        local->scratch_capacity = chunk->capacity;
        local->scratch = malloc(local->scratch_capacity * sizeof(*local->scratch));
        if (local->scratch == NULL) {
            local->scratch_capacity = 0;
            cm_chunk_release(&shared->chunks, chunk);
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to put a range in order");
        }
    }
    if (!shared->as_read)
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
        local->chunk->numbered = shared->to_taker;
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
    if (shared->as_read)
        cm_arrivals_end(&shared->arrivals);
    else
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
    if (shared->to_taker)
        shared->taker.close(shared->taker.context, local->taker_local);
    cm_emitter_fini(&local->emitter);
    free(local);
    return CAPMILL_OK;
}

static void close_shared(void *context)
{
    struct shared *shared = context;

    cm_window_destroy(shared->window);
    cm_arrivals_fini(&shared->arrivals);
    if (shared->pending != NULL) {
        let_go(shared, shared->pending);
        cm_group_destroy(shared->pending);
    }
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

/* What shows where the time goes: encoding for a taker is nearly all of it. */
static const char *sink_name(const struct shared *shared)
{
    if (shared->to_taker)
        return shared->as_read ? "encode" : "sort and encode";
    return shared->as_read ? "order as read" : "sort window";
}

enum capmill_status cm_window_sink_create(const struct cm_sort_options *options, struct cm_sink *sink_ret,
                                          struct cm_error *error)
{
    struct shared *shared = calloc(1, sizeof(*shared));

    if (shared == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a sort");
    shared->to_taker = options->taker != NULL;
    shared->as_read = options->order == CM_SORT_AS_READ;
    if (shared->to_taker) {
        shared->taker = *options->taker;
    } else {
        shared->encoder = *options->encoder;
        shared->outlet = *options->outlet;
    }
    shared->sequence_base = options->sequence_base;
    cm_mutex_init(&shared->lock);
    shared->arrivals.chunks = &shared->chunks;
    if (cm_chunk_pool_init(&shared->chunks))
        shared->window = cm_window_create(options->memory_bytes, options->read_once, &shared->chunks);
    if (shared->window == NULL) {
        close_shared(shared);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a sort");
    }
    *sink_ret = (struct cm_sink){.name = sink_name(shared),
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

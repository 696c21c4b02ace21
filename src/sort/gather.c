/* SPDX-License-Identifier: Apache-2.0 */
/* The second read of a sort by index: pieces of the output, each brought together from wherever its packets
 * lie. Threads take pieces in output order, settle their places under the lock, and read, copy and write
 * without it. */
#include "sort/sort.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "os/thread.h"
#include "sort/blocks.h"
#include "sort/emit.h"
#include "sort/index_int.h"
#include "sort/order.h"

/* A piece of the output: small enough that what is read for it stays in cache until it is copied, large
 * enough that reads of neighbours pay. */
#define PIECE_BYTES (1024u * 1024)
/* And of no more packets than this, for each may bring READ_GAP_BYTES along: 32 MiB at worst, where they
 * lie just so far apart. */
#define PIECE_PACKETS 2048u
/* Bytes between two packets that are read along rather than starting another read: what 16 KiB cost to copy
 * is about what a system call costs. */
#define READ_GAP_BYTES (16u * 1024)

struct cm_gather {
    struct cm_index *index;
    struct cm_encoder encoder;
    struct cm_outlet outlet;
    struct cm_taker taker; /* in place of those two where `to_taker` */
    bool to_taker;
    struct cm_refetch refetch;
    struct cm_mutex lock; /* guards everything below, and the outlet's reserve, the encoder's event, and the
                             taker's settle */
    struct cm_waiting_events waiting;
    uint64_t next; /* entry */
    uint64_t n_blocks;
    bool rest_settled;
    bool failed;
    _Atomic uint64_t n_written;
};

struct staging {
    uint8_t *bytes;
    size_t capacity;
    struct cm_index_entry *by_place; /* `time_ns` is the place, `flags` the number in the group */
    struct cm_index_entry *scratch;
    size_t entries_capacity;
};

struct cm_gather *cm_gather_create(struct cm_index *index, const struct cm_sort_options *options,
                                   const struct cm_refetch *refetch)
{
    struct cm_gather *gather = calloc(1, sizeof(*gather));
    bool good;

    if (gather == NULL)
        return NULL;
    gather->index = index;
    gather->to_taker = options->taker != NULL;
    if (gather->to_taker) {
        gather->taker = *options->taker;
    } else {
        gather->encoder = *options->encoder;
        gather->outlet = *options->outlet;
    }
    gather->refetch = *refetch;
    cm_mutex_init(&gather->lock);
    good = cm_waiting_events_add(&gather->waiting, index->events);
    index->events = NULL;
    if (!good) {
        cm_gather_destroy(gather);
        return NULL;
    }
    return gather;
}

void cm_gather_destroy(struct cm_gather *gather)
{
    if (gather == NULL)
        return;
    cm_waiting_events_fini(&gather->waiting);
    cm_mutex_fini(&gather->lock);
    free(gather);
}

uint64_t cm_gather_packets(const struct cm_gather *gather)
{
    return atomic_load_explicit(&gather->n_written, memory_order_relaxed);
}

static bool piece_is_full(const struct cm_gather *gather, uint64_t n, uint64_t n_bytes)
{
    return gather->to_taker ? cm_block_is_full((size_t)n, n_bytes)
                            : n >= PIECE_PACKETS || n_bytes >= PIECE_BYTES;
}

/* Of packets in order of time the first that has one; those that keep the order of their inputs know it before. */
static void tell_first(const struct cm_gather *gather)
{
    const struct cm_index *index = gather->index;
    uint64_t i = 0;

    while (i < index->n && (index->entries[i].flags & CM_ORDERED_UNTIMED) != 0)
        i++;
    if (index->n > 0)
        gather->taker.first(gather->taker.context, i < index->n ? index->entries[i].time_ns : 0);
}

static enum capmill_status settle(struct cm_gather *gather, struct cm_group *group, bool rest,
                                  struct cm_error *error)
{
    const struct cm_index *index = gather->index;

    if (gather->to_taker)
        return cm_block_settle(group, &gather->waiting, rest, gather->n_blocks++, &gather->taker, error);
    if (!rest)
        return cm_group_settle(group, &gather->waiting, &gather->encoder, &gather->outlet, error);
    return cm_group_settle_rest(group, &gather->waiting,
                                index->n > 0 ? index->entries[index->n - 1].time_ns : 0, &gather->encoder,
                                &gather->outlet, error);
}

/* Under the lock: the next piece's entries, and their places. CAPMILL_END when there is nothing left. */
static enum capmill_status take_piece(struct cm_gather *gather, struct cm_group *group,
                                      struct cm_error *error)
{
    const struct cm_index *index = gather->index;
    uint64_t first = gather->next;
    uint64_t end = first;
    uint64_t n_bytes = 0;
    bool rest;

    if (gather->failed || gather->rest_settled)
        return CAPMILL_END;
    for (; end < index->n && !piece_is_full(gather, end - first, n_bytes); end++)
        n_bytes += gather->to_taker ? index->entries[end].record_bytes : index->entries[end].written_bytes;
    if (!cm_group_grow(group, (size_t)(end - first)))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a piece of the output");
    for (uint64_t i = first; i < end; i++) {
        const struct cm_index_entry *entry = &index->entries[i];

        group->entries[group->n++] = (struct cm_ordered_packet){.time_ns = entry->time_ns,
                                                                .place = entry->place,
                                                                .record_bytes = entry->record_bytes,
                                                                .written_bytes = entry->written_bytes,
                                                                .interface = entry->interface,
                                                                .flags = entry->flags};
    }
    group->sorted = true;
    if (gather->to_taker) /* what settles places counts what it reserves */
        group->n_bytes = n_bytes;
    gather->next = end;
    if (first == 0 && gather->to_taker && gather->taker.first != NULL)
        tell_first(gather);
    /* a taker gets what is left with the last block, as it does from a window */
    rest = gather->to_taker ? end == index->n : end == first;
    gather->rest_settled = rest;
    return settle(gather, group, rest, error);
}

static bool make_room(struct staging *staging, size_t n_bytes, size_t n_entries)
{
    if (n_bytes > staging->capacity) {
        free(staging->bytes);
        staging->capacity = cm_align_up(n_bytes, 65536);
        staging->bytes = malloc(staging->capacity);
        if (staging->bytes == NULL) {
            staging->capacity = 0;
            return false;
        }
    }
    if (n_entries > staging->entries_capacity) {
        free(staging->by_place);
        free(staging->scratch);
        staging->entries_capacity = n_entries + n_entries / 2;
        staging->by_place = malloc(staging->entries_capacity * sizeof(*staging->by_place));
        staging->scratch = malloc(staging->entries_capacity * sizeof(*staging->scratch));
        if (staging->by_place == NULL || staging->scratch == NULL) {
            staging->entries_capacity = 0;
            return false;
        }
    }
    return true;
}

/* How far the read goes that begins with by_place[first]: answers the first packet that is not in it. */
static size_t extent(const struct cm_index_entry *by_place, size_t first, size_t n, uint64_t *stop_ret)
{
    uint64_t stop = by_place[first].time_ns + by_place[first].record_bytes;
    size_t next = first + 1;

    while (next < n && by_place[next].time_ns <= stop + READ_GAP_BYTES &&
           cm_place_input(by_place[next].time_ns) == cm_place_input(by_place[first].time_ns)) {
        stop = cm_max_u64(stop, by_place[next].time_ns + by_place[next].record_bytes);
        next++;
    }
    *stop_ret = stop;
    return next;
}

/* Bring the bytes of a group's packets. Nearly ordered inputs: one read of the stretch that holds them all.
 * Others: their places in order, neighbours together. */
static enum capmill_status load(struct cm_gather *gather, struct cm_group *group, struct staging *staging,
                                struct cm_error *error)
{
    uint64_t least = UINT64_MAX;
    uint64_t end = 0;
    uint64_t n_bytes = 0;
    size_t n_staged = 0;
    size_t used = 0;
    size_t i = 0;

    for (size_t e = 0; e < group->n; e++) {
        const struct cm_ordered_packet *entry = &group->entries[e];

        least = cm_min_u64(least, entry->place);
        end = cm_max_u64(end, entry->place + entry->record_bytes);
        n_bytes += entry->record_bytes;
    }
    if (cm_place_input(least) == cm_place_input(end - 1) && end - least <= 2 * n_bytes + READ_GAP_BYTES) {
        enum capmill_status status;

        if (!make_room(staging, (size_t)(end - least), 0))
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to gather packets in");
        status = gather->refetch.read(gather->refetch.context, cm_place_input(least), cm_place_offset(least),
                                      staging->bytes, (size_t)(end - least), error);
        for (size_t e = 0; e < group->n; e++)
            group->entries[e].record = staging->bytes + (group->entries[e].place - least);
        return status;
    }

    if (!make_room(staging, 0, group->n))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to gather packets in");
    for (size_t e = 0; e < group->n; e++)
        staging->by_place[e] = (struct cm_index_entry){.time_ns = group->entries[e].place,
                                                       .record_bytes = group->entries[e].record_bytes,
                                                       .flags = (uint32_t)e};
    cm_sort_index_entries(staging->by_place, staging->scratch, group->n);
    for (size_t e = 0; e < group->n;) {
        uint64_t stop;
        size_t next = extent(staging->by_place, e, group->n, &stop);

        n_staged += (size_t)(stop - staging->by_place[e].time_ns);
        e = next;
    }
    if (!make_room(staging, n_staged, 0))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to gather packets in");
    while (i < group->n) {
        uint64_t place = staging->by_place[i].time_ns;
        uint64_t stop;
        size_t next = extent(staging->by_place, i, group->n, &stop);
        enum capmill_status status =
            gather->refetch.read(gather->refetch.context, cm_place_input(place), cm_place_offset(place),
                                 staging->bytes + used, (size_t)(stop - place), error);

        if (status < 0)
            return status;
        for (; i < next; i++)
            group->entries[staging->by_place[i].flags].record =
                staging->bytes + used + (staging->by_place[i].time_ns - place);
        used += (size_t)(stop - place);
    }
    return CAPMILL_OK;
}

enum capmill_status cm_gather_work(struct cm_gather *gather, bool (*go_on)(void *context, uint64_t n_bytes),
                                   void *context, struct cm_error *error)
{
    struct cm_group *group = cm_group_create();
    struct staging staging = {0};
    struct cm_emitter emitter = {0};
    void *taker_local = NULL;
    enum capmill_status status = CAPMILL_OK;
    bool going = true;

    if (group == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to gather packets in");
    status = gather->to_taker ? gather->taker.open(gather->taker.context, &taker_local, error)
                              : cm_emitter_init(&emitter, &gather->encoder, error);
    if (status < 0) {
        cm_group_destroy(group);
        return status;
    }
    while (going) {
        cm_mutex_lock(&gather->lock);
        status = take_piece(gather, group, error);
        /* at once: nobody settles what comes behind a piece that could not be */
        gather->failed = gather->failed || status < 0;
        cm_mutex_unlock(&gather->lock);
        if (status != CAPMILL_OK)
            break;
        if (group->n > 0)
            status = load(gather, group, &staging, error);
        if (gather->to_taker && status >= 0)
            status = cm_block_take(group, &gather->taker, taker_local, error);
        else if (gather->to_taker)
            cm_block_drop(group, &gather->taker);
        else if (status == CAPMILL_OK && group->n_pieces > 0)
            status = cm_group_emit(group, &emitter, &gather->outlet, error);
        if (status < 0)
            break;
        atomic_fetch_add_explicit(&gather->n_written, group->n, memory_order_relaxed);
        going = go_on == NULL || go_on(context, group->n_bytes);
        cm_group_reset(group);
    }
    if (status < 0) {
        cm_mutex_lock(&gather->lock);
        gather->failed = true;
        cm_mutex_unlock(&gather->lock);
    }
    cm_mutex_lock(&gather->lock); /* the encoder counts under it */
    cm_emitter_fini(&emitter);
    if (gather->to_taker)
        gather->taker.close(gather->taker.context, taker_local);
    cm_mutex_unlock(&gather->lock);
    cm_group_destroy(group);
    free(staging.bytes);
    free(staging.by_place);
    free(staging.scratch);
    return status < 0 ? status : CAPMILL_OK;
}

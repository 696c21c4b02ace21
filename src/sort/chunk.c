/* SPDX-License-Identifier: Apache-2.0 */
/* Filling and recycling chunks. */
#include "sort/chunk.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/grow.h"

struct cm_sort_event *cm_sort_event_create(uint32_t input, const struct cm_event *event)
{
    size_t n_block = event->record == NULL ? 0 : (size_t)event->n_bytes;
    struct cm_sort_event *copy = malloc(sizeof(*copy) + n_block);

    if (copy == NULL)
        return NULL;
    copy->event = *event;
    copy->place = cm_place_of(input, event->place);
    copy->input = input;
    copy->next = NULL;
    if (n_block > 0)
        memcpy(copy->block, event->record, n_block);
    copy->event.record = n_block > 0 ? copy->block : NULL;
    return copy;
}

void cm_sort_events_free(struct cm_sort_event *list)
{
    while (list != NULL) {
        struct cm_sort_event *next = list->next;

        free(list);
        list = next;
    }
}

/* Of a segment that copies go to: as many kept packets as are worth a call, and little where one chunk has few.
 */
#define COPIES_BYTES (64u * 1024)

bool cm_chunk_pool_init(struct cm_chunk_pool *pool)
{
    cm_mutex_init(&pool->lock);
    pool->free_list = NULL;
    pool->copies = cm_segment_pool_create(0, COPIES_BYTES);
    return pool->copies != NULL;
}

static void destroy(struct cm_chunk *chunk)
{
    free(chunk->entries);
    free(chunk->segments);
    free(chunk);
}

void cm_chunk_pool_fini(struct cm_chunk_pool *pool)
{
    while (pool->free_list != NULL) {
        struct cm_chunk *chunk = pool->free_list;

        pool->free_list = chunk->next;
        destroy(chunk);
    }
    cm_segment_pool_destroy(pool->copies);
    cm_mutex_fini(&pool->lock);
}

struct cm_chunk *cm_chunk_acquire(struct cm_chunk_pool *pool)
{
    struct cm_chunk *chunk;

    cm_mutex_lock(&pool->lock);
    chunk = pool->free_list;
    if (chunk != NULL)
        pool->free_list = chunk->next;
    cm_mutex_unlock(&pool->lock);
    if (chunk == NULL)
        chunk = calloc(1, sizeof(*chunk));
    if (chunk == NULL)
        return NULL;
    chunk->n = 0;
    chunk->cursor = 0;
    chunk->min_ns = UINT64_MAX;
    chunk->max_ns = 0;
    chunk->n_bytes = 0;
    chunk->n_segments = 0;
    chunk->copies = false;
    chunk->copy_left = 0;
    chunk->n_seen = 0;
    chunk->numbered = false;
    chunk->number_base = 0;
    chunk->events = NULL;
    chunk->last_event = &chunk->events;
    chunk->next = NULL;
    atomic_init(&chunk->references, 1);
    return chunk;
}

void cm_chunk_release(struct cm_chunk_pool *pool, struct cm_chunk *chunk)
{
    /* acquire-release: the last holder sees that all others are through with the bytes before it gives them
     * back */
    if (chunk == NULL || atomic_fetch_sub_explicit(&chunk->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < chunk->n_segments; i++)
        cm_segment_release(chunk->segments[i]);
    cm_sort_events_free(chunk->events);
    chunk->n_segments = 0;
    chunk->events = NULL;
    cm_mutex_lock(&pool->lock);
    chunk->next = pool->free_list;
    pool->free_list = chunk;
    cm_mutex_unlock(&pool->lock);
}

/* Room for `n` bytes of a record among the copies; NULL: no memory. */
static uint8_t *room_for_copy(struct cm_chunk *chunk, struct cm_chunk_pool *pool, uint32_t n)
{
    uint8_t *at;

    if (n > chunk->copy_left) {
        size_t n_bytes = n > COPIES_BYTES ? n : COPIES_BYTES;
        struct cm_segment *segment;

        if (!CM_GROW(chunk->segments, chunk->segments_capacity, chunk->n_segments + 1, 16))
            return NULL;
        segment = n > COPIES_BYTES ? cm_segment_create(0, n) : cm_segment_pool_acquire(pool->copies);
        if (segment == NULL)
            return NULL;
        segment->n_bytes = n_bytes;
        chunk->segments[chunk->n_segments++] = segment;
        chunk->n_bytes += n_bytes;
        chunk->copy_at = segment->bytes;
        chunk->copy_left = n_bytes;
    }
    at = chunk->copy_at;
    chunk->copy_at += n;
    chunk->copy_left -= n;
    return at;
}

static bool hold_segments(struct cm_chunk *chunk, const struct cm_batch *batch)
{
    for (uint32_t i = 0; i < batch->n_segments; i++) {
        struct cm_segment *segment = batch->segments[i];

        if (chunk->n_segments > 0 && chunk->segments[chunk->n_segments - 1] == segment)
            continue;
        if (!CM_GROW(chunk->segments, chunk->segments_capacity, chunk->n_segments + 1, 16))
            return false;
        cm_segment_acquire(segment);
        chunk->segments[chunk->n_segments++] = segment;
        chunk->n_bytes += segment->n_bytes + segment->headroom_bytes;
    }
    return true;
}

enum capmill_status cm_chunk_append(struct cm_chunk *chunk, struct cm_chunk_pool *pool,
                                    const struct cm_batch *batch, const struct cm_encoder *encoder,
                                    struct cm_error *error)
{
    uint32_t n = cm_batch_n_selected(batch);
    struct cm_ordered_packet *entries;

    for (uint32_t i = 0; i < batch->n_events; i++) {
        struct cm_sort_event *event;

        if (batch->events[i].type == CM_EVENT_DAMAGE)
            continue;
        event = cm_sort_event_create(batch->input, &batch->events[i]);
        if (event == NULL)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a block of the input");
        *chunk->last_event = event;
        chunk->last_event = &event->next;
    }
    chunk->input = batch->input;
    chunk->n_seen += batch->n_packets;
    if (n == 0)
        return CAPMILL_OK;
    if (!chunk->copies && !hold_segments(chunk, batch))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to hold on to a segment");
    if (!CM_GROW(chunk->entries, chunk->capacity, chunk->n + n, 8192))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the packets of a range");
    entries = chunk->entries + chunk->n;
    for (uint32_t i = 0; i < n; i++) {
        const struct cm_packet *packet = &batch->packets[cm_batch_selected(batch, i)];

        entries[i] = (struct cm_ordered_packet){.time_ns = packet->time_ns,
                                                .place = cm_place_of(batch->input, packet->place),
                                                .record = cm_packet_record(packet),
                                                .record_bytes = packet->record_bytes,
                                                .written_bytes = packet->record_bytes,
                                                .interface = packet->interface,
                                                .flags = cm_ordered_flags(packet)};
        chunk->min_ns = packet->time_ns < chunk->min_ns ? packet->time_ns : chunk->min_ns;
        chunk->max_ns = packet->time_ns > chunk->max_ns ? packet->time_ns : chunk->max_ns;
    }
    for (uint32_t i = 0; i < n && chunk->copies; i++) {
        uint8_t *copy = room_for_copy(chunk, pool, entries[i].record_bytes);

        if (copy == NULL)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the packets of a range");
        memcpy(copy, entries[i].record, entries[i].record_bytes);
        entries[i].record = copy;
    }
    for (uint32_t i = 0; i < n && chunk->numbered; i++)
        cm_number_split(chunk->n_seen - batch->n_packets + cm_batch_selected(batch, i) + 1,
                        &entries[i].written_bytes, &entries[i].flags);
    if (!chunk->numbered && !encoder->verbatim) {
        for (uint32_t i = 0; i < n; i++) {
            struct cm_record record = {entries[i].record, entries[i].time_ns, entries[i].record_bytes,
                                       entries[i].interface, batch->input};

            entries[i].written_bytes = (uint32_t)encoder->length(encoder->context, &record);
        }
    }
    chunk->n += n;
    return CAPMILL_OK;
}

void cm_chunk_copy_entries(const struct cm_chunk *chunk, size_t from, size_t to,
                           struct cm_ordered_packet *out)
{
    if (from == to) /* an empty chunk has no entries, and its taker no room for them */
        return;
    memcpy(out, chunk->entries + from, (to - from) * sizeof(*out));
    for (size_t i = 0; i < to - from && chunk->numbered; i++)
        cm_number_split(chunk->number_base + cm_ordered_number(&out[i]), &out[i].written_bytes,
                        &out[i].flags);
}

/* A block holds 4 MiB and may be resident as a whole, whatever was read into it; a sixteenth of that is worth
 * a copy. So is what a filter left over, while it is less than a quarter: the copy costs less than the bytes
 * in between do by being held, and by being fetched again after all the cache was run through. */
#define COMPACT_BYTES (256u * 1024)
#define COMPACT_SHARE 4u

enum capmill_status cm_chunk_compact(struct cm_chunk *chunk, struct cm_error *error)
{
    struct cm_segment *compact;
    struct cm_ordered_packet *entries;
    uint64_t limit = cm_max_u64(COMPACT_BYTES, chunk->n_bytes / COMPACT_SHARE);
    uint64_t n_bytes = 0;
    uint8_t *at;

    for (size_t i = 0; i < chunk->n && n_bytes <= limit; i++)
        n_bytes += chunk->entries[i].record_bytes;
    if (chunk->copies || chunk->n_segments == 0 || n_bytes > limit)
        return CAPMILL_OK;
    compact = cm_segment_create(0, (size_t)n_bytes);
    if (compact == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the packets of a range");
    at = compact->bytes;
    for (size_t i = 0; i < chunk->n; i++) {
        struct cm_ordered_packet *entry = &chunk->entries[i];

        memcpy(at, entry->record, entry->record_bytes);
        entry->record = at;
        at += entry->record_bytes;
    }
    compact->n_bytes = (size_t)n_bytes;
    for (size_t i = 0; i < chunk->n_segments; i++)
        cm_segment_release(chunk->segments[i]);
    entries = realloc(chunk->entries, chunk->n * sizeof(*entries));
    if (entries != NULL) {
        chunk->entries = entries;
        chunk->capacity = chunk->n;
    }
    chunk->segments[0] = compact;
    chunk->n_segments = 1;
    chunk->n_bytes = n_bytes;
    return CAPMILL_OK;
}

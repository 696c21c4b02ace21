/* SPDX-License-Identifier: Apache-2.0 */
/* Settling groups of packets and copying them out in order. Not for deciding which packets form a group. */
#include "sort/emit.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/grow.h"
#include "os/memory.h"
#include "sort/order.h"

#define LEAST 16u /* elements of the first array: most groups have more, and never give it back */

struct cm_group *cm_group_create(void)
{
    return calloc(1, sizeof(struct cm_group));
}

void cm_group_destroy(struct cm_group *group)
{
    if (group == NULL)
        return;
    free(group->entries);
    free(group->scratch);
    free(group->pieces);
    free(group->events);
    free(group->event_bytes);
    free(group->chunks);
    free(group->ordered_events);
    cm_sort_events_free(group->held_events);
    free(group);
}

void cm_group_reset(struct cm_group *group)
{
    group->n = 0;
    group->sorted = false;
    group->n_pieces = 0;
    group->n_events = 0;
    group->n_event_bytes = 0;
    group->n_chunks = 0;
    group->n_bytes = 0;
    group->n_ordered_events = 0;
    cm_sort_events_free(group->held_events);
    group->held_events = NULL;
}

bool cm_group_grow(struct cm_group *group, size_t n)
{
    return CM_GROW_BOTH(group->entries, group->scratch, group->capacity, n, LEAST);
}

bool cm_group_add_chunk(struct cm_group *group, struct cm_chunk *chunk)
{
    if (!CM_GROW(group->chunks, group->chunks_capacity, group->n_chunks + 1, LEAST))
        return false;
    /* relaxed: the window holds a reference while it hands out this one */
    atomic_fetch_add_explicit(&chunk->references, 1, memory_order_relaxed);
    group->chunks[group->n_chunks++] = chunk;
    return true;
}

bool cm_group_add_event(struct cm_group *group, const struct cm_sort_event *event, const uint8_t *bytes,
                        size_t n)
{
    if (!CM_GROW(group->events, group->events_capacity, group->n_events + 1, LEAST) ||
        !CM_GROW(group->event_bytes, group->event_bytes_capacity, group->n_event_bytes + n, LEAST))
        return false;
    memcpy(group->event_bytes + group->n_event_bytes, bytes, n);
    group->events[group->n_events++] = (struct cm_group_event){event->place, group->n_event_bytes, n};
    group->n_event_bytes += n;
    return true;
}

/* Does any packet of the group come after an event that waits? Most groups of a long run have none, while
 * some events (statistics at the end of an input) wait for all of it. */
static bool any_due(const struct cm_group *group, const struct cm_waiting_events *waiting)
{
    for (size_t i = 0; i < group->n && waiting->n_events > 0; i++) {
        if (cm_waiting_due(waiting, &group->entries[i]) != NULL)
            return true;
    }
    return false;
}

/* The first event of a queue becomes bytes, and is gone. */
static enum capmill_status settle_event(struct cm_group *group, struct cm_waiting_events *waiting,
                                        struct cm_waiting_queue *queue, const struct cm_encoder *encoder,
                                        struct cm_error *error)
{
    struct cm_sort_event *event = cm_waiting_take(waiting, queue);
    const uint8_t *bytes = NULL;
    size_t n = 0;
    enum capmill_status status =
        encoder->event(encoder->context, event->input, &event->event, &bytes, &n, error);

    if (status >= 0 && n > 0 && !cm_group_add_event(group, event, bytes, n))
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a block of the output");
    cm_sort_events_free(event);
    return status < 0 ? status : CAPMILL_OK;
}

/* Take out of `waiting`, in output order, what comes before a packet of the sorted group's [first, end). */
static enum capmill_status settle_events(struct cm_group *group, size_t first, size_t end,
                                         struct cm_waiting_events *waiting, const struct cm_encoder *encoder,
                                         struct cm_error *error)
{
    for (size_t i = first; i < end && waiting->n_events > 0; i++) {
        struct cm_waiting_queue *queue;

        while ((queue = cm_waiting_due(waiting, &group->entries[i])) != NULL) {
            enum capmill_status status = settle_event(group, waiting, queue, encoder, error);

            if (status < 0)
                return status;
        }
    }
    return CAPMILL_OK;
}

/* The time that a packet is written with. */
static uint64_t written_time(const struct cm_encoder *encoder, uint64_t time_ns)
{
    return encoder->time == NULL ? time_ns : encoder->time(encoder->context, time_ns);
}

/* `time_ns`: that of the first packet, as written. */
static enum capmill_status add_piece(struct cm_group *group, size_t first, size_t n, uint64_t n_bytes,
                                     uint64_t time_ns, const struct cm_outlet *outlet, struct cm_error *error)
{
    struct cm_group_piece *piece;

    if (!CM_GROW(group->pieces, group->pieces_capacity, group->n_pieces + 1, LEAST))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a piece of the output");
    piece = &group->pieces[group->n_pieces++];
    piece->first = first;
    piece->n = n;
    group->n_bytes += n_bytes;
    return outlet->reserve(outlet->context, time_ns, n_bytes, &piece->place, error);
}

uint64_t cm_group_earliest(const struct cm_group *group)
{
    uint64_t timed_ns = UINT64_MAX;
    bool any_timed = false;

    for (size_t i = 0; i < group->n; i++) {
        if (group->entries[i].flags & CM_ORDERED_UNTIMED)
            continue;
        any_timed = true;
        timed_ns = cm_min_u64(timed_ns, group->entries[i].time_ns);
    }
    return any_timed ? timed_ns : 0;
}

/* The first entry from `first` on, which is in the slice, that is written at `slice_end` or later. */
static size_t end_of_slice(const struct cm_group *group, size_t first, uint64_t slice_end,
                           const struct cm_encoder *encoder)
{
    size_t before = first;
    size_t end = group->n;

    while (end - before > 1) {
        size_t middle = before + (end - before) / 2;

        if (written_time(encoder, group->entries[middle].time_ns) < slice_end)
            before = middle;
        else
            end = middle;
    }
    return end;
}

enum capmill_status cm_group_settle(struct cm_group *group, struct cm_waiting_events *waiting,
                                    const struct cm_encoder *encoder, const struct cm_outlet *outlet,
                                    struct cm_error *error)
{
    uint64_t n_bytes = 0;
    size_t next_event = 0;
    size_t first = 0;
    enum capmill_status status;

    if (group->n == 0)
        return CAPMILL_OK;
    if (encoder->time != NULL)
        encoder->first(encoder->context, cm_group_earliest(group));
    if (outlet->slice_end == NULL && !any_due(group, waiting)) {
        /* the usual case: only the sum matters now, the order can wait until the lock is let go, and there is
         * one file for all times */
        for (size_t i = 0; i < group->n; i++)
            n_bytes += group->entries[i].written_bytes;
        return add_piece(group, 0, group->n, n_bytes, 0, outlet, error);
    }
    if (!group->sorted)
        cm_sort_window_entries(group->entries, group->scratch, group->n);
    group->sorted = true;
    while (first < group->n) {
        uint64_t first_ns = written_time(encoder, group->entries[first].time_ns);
        uint64_t slice_end =
            outlet->slice_end == NULL ? UINT64_MAX : outlet->slice_end(outlet->context, first_ns);
        size_t end = slice_end == UINT64_MAX ? group->n : end_of_slice(group, first, slice_end, encoder);

        status = outlet->prepare(outlet->context, first_ns, error);
        if (status >= 0)
            status = settle_events(group, first, end, waiting, encoder, error);
        if (status < 0)
            return status;
        n_bytes = 0;
        for (; next_event < group->n_events; next_event++)
            n_bytes += group->events[next_event].n;
        for (size_t i = first; i < end; i++)
            n_bytes += group->entries[i].written_bytes;
        status = add_piece(group, first, end - first, n_bytes, first_ns, outlet, error);
        if (status < 0)
            return status;
        first = end;
    }
    return CAPMILL_OK;
}

enum capmill_status cm_group_settle_rest(struct cm_group *group, struct cm_waiting_events *waiting,
                                         uint64_t time_ns, const struct cm_encoder *encoder,
                                         const struct cm_outlet *outlet, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    if (waiting->n_events > 0) {
        time_ns = written_time(encoder, time_ns);
        status = outlet->prepare(outlet->context, time_ns, error);
    }
    for (size_t input = 0; input < waiting->n_queues && status >= 0; input++) {
        while (waiting->queues[input].first != NULL && status >= 0)
            status = settle_event(group, waiting, &waiting->queues[input], encoder, error);
    }
    if (status < 0 || group->n_event_bytes == 0)
        return status;
    if (!CM_GROW(group->pieces, group->pieces_capacity, group->n_pieces + 1, LEAST))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a piece of the output");
    group->pieces[group->n_pieces] = (struct cm_group_piece){.first = 0, .n = 0};
    group->n_bytes += group->n_event_bytes;
    return outlet->reserve(outlet->context, time_ns, group->n_event_bytes,
                           &group->pieces[group->n_pieces++].place, error);
}

enum capmill_status cm_emitter_init(struct cm_emitter *emitter, const struct cm_encoder *encoder,
                                    struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    *emitter =
        (struct cm_emitter){.capacity = CM_EMIT_BUFFER_BYTES, .buffer = cm_memory_map(CM_EMIT_BUFFER_BYTES)};
    if (emitter->buffer == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the bytes on their way out");
    if (encoder->open != NULL)
        status = encoder->open(encoder->context, &emitter->encoder_local, error);
    if (status >= 0)
        emitter->encoder = encoder;
    else
        cm_emitter_fini(emitter);
    return status;
}

void cm_emitter_fini(struct cm_emitter *emitter)
{
    if (emitter->encoder != NULL && emitter->encoder->close != NULL)
        emitter->encoder->close(emitter->encoder->context, emitter->encoder_local);
    emitter->encoder = NULL;
    if (emitter->buffer != NULL)
        cm_memory_unmap(emitter->buffer, emitter->capacity);
    emitter->buffer = NULL;
}

/* Bytes on their way to one place. */
struct outgoing {
    struct cm_emitter *emitter;
    const struct cm_outlet *outlet;
    struct cm_place *place;
    struct cm_error *error;
    size_t used;
};

static enum capmill_status flush(struct outgoing *out)
{
    enum capmill_status status = CAPMILL_OK;

    if (out->used > 0)
        status =
            out->outlet->write(out->outlet->context, out->place, out->emitter->buffer, out->used, out->error);
    out->used = 0;
    return status;
}

static enum capmill_status put(struct outgoing *out, const uint8_t *bytes, size_t n)
{
    if (n > out->emitter->capacity - out->used) {
        enum capmill_status status = flush(out);

        if (status < 0)
            return status;
        if (n > out->emitter->capacity) /* long enough to go as it is */
            return out->outlet->write(out->outlet->context, out->place, bytes, n, out->error);
    }
    memcpy(out->emitter->buffer + out->used, bytes, n);
    out->used += n;
    return CAPMILL_OK;
}

static enum capmill_status put_encoded(struct outgoing *out, const struct cm_ordered_packet *entry)
{
    const struct cm_encoder *encoder = out->emitter->encoder;
    struct cm_record record = {entry->record, entry->time_ns, entry->record_bytes, entry->interface,
                               cm_place_input(entry->place)};
    enum capmill_status status = CAPMILL_OK;
    uint8_t *large = NULL;
    uint8_t *at;

    if (entry->written_bytes > out->emitter->capacity - out->used)
        status = flush(out);
    if (status < 0)
        return status;
    if (entry->written_bytes > out->emitter->capacity) {
        large = malloc(entry->written_bytes);
        if (large == NULL)
            return cm_error_set(out->error, CAPMILL_E_MEMORY, 0, "no memory for a packet of %u bytes",
                                entry->written_bytes);
    }
    at = large != NULL ? large : out->emitter->buffer + out->used;
    if (encoder->verbatim)
        memcpy(at, entry->record, entry->written_bytes);
    else
        status = encoder->encode(encoder->context, out->emitter->encoder_local, &record, entry->written_bytes,
                                 at, out->error);
    if (status >= 0 && large != NULL)
        status =
            out->outlet->write(out->outlet->context, out->place, large, entry->written_bytes, out->error);
    else if (status >= 0)
        out->used += entry->written_bytes;
    free(large);
    return status < 0 ? status : CAPMILL_OK;
}

/* Neighbours in the output that are neighbours in memory go as one copy. */
static enum capmill_status put_verbatim(struct outgoing *out, const struct cm_ordered_packet *entries,
                                        size_t n)
{
    size_t i = 0;

    while (i < n) {
        const uint8_t *begin = entries[i].record;
        const uint8_t *end = begin + entries[i].record_bytes;
        enum capmill_status status;

        i++;
        while (i < n && entries[i].record == end && (size_t)(end - begin) < CM_EMIT_BUFFER_BYTES / 8) {
            end += entries[i].record_bytes;
            i++;
        }
        status = put(out, begin, (size_t)(end - begin));
        if (status < 0)
            return status;
    }
    return CAPMILL_OK;
}

enum capmill_status cm_group_emit(struct cm_group *group, struct cm_emitter *emitter,
                                  const struct cm_outlet *outlet, struct cm_error *error)
{
    const struct cm_encoder *encoder = emitter->encoder;
    size_t next_event = 0;
    enum capmill_status status = CAPMILL_OK;

    if (!group->sorted && group->n > 0)
        cm_sort_window_entries(group->entries, group->scratch, group->n);
    group->sorted = true;
    for (size_t p = 0; p < group->n_pieces && status >= 0; p++) {
        struct cm_group_piece *piece = &group->pieces[p];
        struct outgoing out = {emitter, outlet, &piece->place, error, 0};
        size_t end = piece->first + piece->n;

        if (encoder->verbatim && group->n_events == 0) {
            status = put_verbatim(&out, group->entries + piece->first, piece->n);
        } else {
            for (size_t i = piece->first; i < end && status >= 0; i++) {
                const struct cm_ordered_packet *entry = &group->entries[i];

                while (next_event < group->n_events && status >= 0 &&
                       cm_event_comes_before(group->events[next_event].before_place, entry)) {
                    status = put(&out, group->event_bytes + group->events[next_event].offset,
                                 group->events[next_event].n);
                    next_event++;
                }
                if (status >= 0)
                    status = put_encoded(&out, entry);
            }
        }
        /* events behind the last packet have a piece of their own, without packets */
        while (piece->n == 0 && next_event < group->n_events && status >= 0) {
            status =
                put(&out, group->event_bytes + group->events[next_event].offset, group->events[next_event].n);
            next_event++;
        }
        if (status >= 0)
            status = flush(&out);
        if (status >= 0 && piece->place.n_left != 0)
            status =
                cm_error_set(error, CAPMILL_E_INTERNAL, 0, "%llu bytes of a reserved place were not written",
                             (unsigned long long)piece->place.n_left);
    }
    return status;
}

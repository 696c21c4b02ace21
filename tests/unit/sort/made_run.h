/* SPDX-License-Identifier: Apache-2.0 */
/* A run of made-up packets and events, what a plain stable sort makes of it, and an outlet in memory that
 * tells whether places follow one another and are written once. Not a test. */
#ifndef CM_TESTS_DRAWN_RUN_H
#define CM_TESTS_DRAWN_RUN_H

#include <stdlib.h>

#include "base/endian.h"
#include "core/batch.h"
#include "os/thread.h"
#include "sort/sort.h"
#include "unit/check.h"
#include "unit/sort/drawn.h"

/* Each record is 16 bytes of time and place, and some more. An event is 24: all ones, then the same. */
struct made_item {
    uint64_t time_ns;
    uint64_t offset; /* in its input */
    uint32_t input;
    uint32_t n_bytes;
    uint32_t number; /* of a packet in its input, from 1 */
    bool is_event;
    bool is_dropped; /* by a filter */
};

struct made_run {
    struct made_item *items; /* in input order */
    size_t n;
    uint32_t n_inputs;
    uint8_t *bytes[4]; /* of each input */
    uint64_t sizes[4];
    uint64_t range_bytes;
    uint64_t sequence_base[5];
    uint32_t max_bytes;   /* of a record */
    bool has_own_dropped; /* a filter drops packets of the run, in place of such as are none of it */
};

static inline void made_run_free(struct made_run *run)
{
    free(run->items);
    for (uint32_t i = 0; i < 4; i++)
        free(run->bytes[i]);
    memset(run, 0, sizeof(*run));
}

static inline void made_run_create_of(struct made_run *run, uint64_t *seed, uint32_t n_inputs, size_t n_items,
                                      uint64_t lateness_ns, uint64_t range_bytes, unsigned events_in_100,
                                      uint32_t max_bytes)
{
    memset(run, 0, sizeof(*run));
    run->max_bytes = max_bytes;
    run->items = calloc(n_items * n_inputs, sizeof(*run->items));
    run->n_inputs = n_inputs;
    run->range_bytes = range_bytes;
    for (uint32_t input = 0; input < n_inputs; input++) {
        uint64_t offset = 24;
        uint32_t number = 0;

        run->bytes[input] = calloc(n_items + 1, max_bytes + 100);
        for (size_t i = 0; i < n_items; i++) {
            struct made_item *item = &run->items[run->n++];
            bool is_event = drawn_in(seed, 0, 99) < events_in_100;
            uint64_t time_ns = 1000000 + i * 10 + input * n_items * 10;

            if (lateness_ns > 0 && drawn_in(seed, 0, 4) == 0)
                time_ns -= cm_min_u64(time_ns, drawn_in(seed, 0, lateness_ns));
            *item = (struct made_item){.time_ns = time_ns / 20 * 20, /* equal times are common */
                                       .offset = offset,
                                       .input = input,
                                       .n_bytes = is_event ? 24 : (uint32_t)drawn_in(seed, 16, max_bytes),
                                       .is_event = is_event};
            item->number = is_event ? 0 : ++number;
            memset(run->bytes[input] + offset, is_event ? 0xff : (int)(i & 0x7f), item->n_bytes);
            cm_store_u64_as(run->bytes[input] + offset + (is_event ? 8 : 0), item->time_ns, false);
            cm_store_u64_as(run->bytes[input] + offset + (is_event ? 16 : 8),
                            (uint64_t)input << 44 | item->offset, false);
            offset += item->n_bytes;
        }
        run->sizes[input] = offset;
        run->sequence_base[input + 1] = run->sequence_base[input] + offset / range_bytes + 1;
    }
}

static inline void made_run_create(struct made_run *run, uint64_t *seed, uint32_t n_inputs, size_t n_items,
                                   uint64_t lateness_ns, uint64_t range_bytes, unsigned events_in_100)
{
    made_run_create_of(run, seed, n_inputs, n_items, lateness_ns, range_bytes, events_in_100, 300);
}

static inline int made_compare(const void *a, const void *b)
{
    const struct made_item *left = a, *right = b;

    if (left->time_ns != right->time_ns)
        return left->time_ns < right->time_ns ? -1 : 1;
    if (left->input != right->input)
        return left->input < right->input ? -1 : 1;
    return left->offset < right->offset ? -1 : 1;
}

/* --- the outlet --- */

struct made_slice {
    uint64_t number;
    uint8_t *bytes;
    uint64_t n_reserved;
    uint64_t n_written;
};

struct made_outlet {
    struct cm_outlet table;
    struct made_slice slices[200];
    size_t n_slices;
    uint64_t slice_ns; /* 0: one */
    uint64_t capacity;
    struct cm_mutex lock; /* of what concurrent writers count */
};

static inline enum capmill_status made_prepare(void *context, uint64_t time_ns, struct cm_error *error)
{
    struct made_outlet *outlet = context;
    uint64_t number = outlet->slice_ns == 0 ? 0 : time_ns / outlet->slice_ns;
    struct made_slice *slice;

    (void)error;
    if (outlet->n_slices > 0 && outlet->slices[outlet->n_slices - 1].number == number)
        return CAPMILL_OK;
    cm_check_that(outlet->n_slices == 0 || outlet->slices[outlet->n_slices - 1].number < number,
                  "slice %" PRIu64 " is made ready again", number);
    cm_check(outlet->n_slices < CM_ARRAY_COUNT(outlet->slices));
    slice = &outlet->slices[outlet->n_slices++];
    *slice = (struct made_slice){.number = number, .bytes = malloc(outlet->capacity)};
    memcpy(slice->bytes, "HEADER", 6);
    slice->n_reserved = slice->n_written = 6;
    return CAPMILL_OK;
}

static inline enum capmill_status made_reserve(void *context, uint64_t time_ns, uint64_t n_bytes,
                                               struct cm_place *place_ret, struct cm_error *error)
{
    struct made_outlet *outlet = context;
    struct made_slice *slice;

    made_prepare(context, time_ns, error);
    slice = &outlet->slices[outlet->n_slices - 1];
    *place_ret = (struct cm_place){slice, slice->n_reserved, n_bytes};
    slice->n_reserved += n_bytes;
    cm_check(slice->n_reserved <= outlet->capacity);
    return CAPMILL_OK;
}

static inline enum capmill_status made_write(void *context, struct cm_place *place, const void *bytes,
                                             size_t n, struct cm_error *error)
{
    struct made_outlet *outlet = context;
    struct made_slice *slice = place->file;

    (void)error;
    cm_check(n <= place->n_left);
    memcpy(slice->bytes + place->offset, bytes, n);
    place->offset += n;
    place->n_left -= n;
    cm_mutex_lock(&outlet->lock);
    slice->n_written += n;
    cm_mutex_unlock(&outlet->lock);
    return CAPMILL_OK;
}

static inline uint64_t made_slice_end(void *context, uint64_t time_ns)
{
    struct made_outlet *outlet = context;

    return (time_ns / outlet->slice_ns + 1) * outlet->slice_ns;
}

static inline void made_outlet_init(struct made_outlet *outlet, const struct made_run *run, uint64_t slice_ns)
{
    memset(outlet, 0, sizeof(*outlet));
    outlet->slice_ns = slice_ns;
    outlet->capacity = 1000;
    for (size_t i = 0; i < run->n; i++)
        outlet->capacity += run->items[i].n_bytes + 2;
    cm_mutex_init(&outlet->lock);
    outlet->table = (struct cm_outlet){.context = outlet,
                                       .prepare = made_prepare,
                                       .reserve = made_reserve,
                                       .write = made_write,
                                       .slice_end = slice_ns == 0 ? NULL : made_slice_end};
}

static inline void made_outlet_fini(struct made_outlet *outlet)
{
    for (size_t i = 0; i < outlet->n_slices; i++)
        free(outlet->slices[i].bytes);
    cm_mutex_fini(&outlet->lock);
}

/* --- the encoder: a byte in front of each record, or none --- */

static inline size_t made_length(void *context, const struct cm_record *record)
{
    return record->n_bytes + (context != NULL);
}

static inline enum capmill_status made_encode(void *context, void *local, const struct cm_record *record,
                                              size_t n, uint8_t *out, struct cm_error *error)
{
    (void)local;
    (void)error;
    cm_check_eq(n, record->n_bytes + (context != NULL));
    if (context != NULL)
        *out++ = 'R';
    memcpy(out, record->bytes, record->n_bytes);
    return CAPMILL_OK;
}

static inline enum capmill_status made_event(void *context, uint32_t input, const struct cm_event *event,
                                             const uint8_t **bytes_ret, size_t *n_ret, struct cm_error *error)
{
    (void)context;
    (void)input;
    (void)error;
    *bytes_ret = event->record;
    *n_ret = (size_t)event->n_bytes;
    return CAPMILL_OK;
}

static inline struct cm_encoder made_encoder(bool verbatim)
{
    static char changes[1];

    return (struct cm_encoder){.context = verbatim ? NULL : changes,
                               .verbatim = verbatim,
                               .length = made_length,
                               .encode = made_encode,
                               .event = made_event};
}

/* --- the model --- */

static inline void made_put(struct made_outlet *expected, uint64_t time_ns, const uint8_t *bytes, size_t n,
                            bool mark)
{
    struct cm_place place;
    struct cm_error error;

    made_reserve(expected, time_ns, n + mark, &place, &error);
    if (mark)
        made_write(expected, &place, "R", 1, &error);
    made_write(expected, &place, bytes, n, &error);
}

/* Packets in stable order; each event right in front of the first packet, in that order, that comes after it
 * in its input; what is left over behind all. */
static inline void made_expect(const struct made_run *run, struct made_outlet *expected, bool verbatim)
{
    struct made_item *sorted = malloc((run->n + 1) * sizeof(*sorted));
    size_t next_event[4] = {0};
    size_t n = 0;
    uint64_t last_ns = 0;

    for (size_t i = 0; i < run->n; i++) {
        if (!run->items[i].is_event)
            sorted[n++] = run->items[i];
    }
    qsort(sorted, n, sizeof(*sorted), made_compare);
    for (size_t i = 0; i <= n; i++) {
        for (uint32_t input = 0; input < run->n_inputs; input++) {
            size_t *event = &next_event[input];

            if (i < n && sorted[i].input != input)
                continue;
            for (; *event < run->n; ++*event) {
                const struct made_item *item = &run->items[*event];

                if (!item->is_event || item->input != input)
                    continue;
                if (i < n && item->offset > sorted[i].offset)
                    break;
                made_put(expected, i < n ? sorted[i].time_ns : last_ns, run->bytes[input] + item->offset,
                         item->n_bytes, false);
            }
        }
        if (i < n) {
            last_ns = sorted[i].time_ns;
            made_put(expected, last_ns, run->bytes[sorted[i].input] + sorted[i].offset, sorted[i].n_bytes,
                     !verbatim);
        }
    }
    free(sorted);
}

static inline void made_check(const struct made_outlet *actual, const struct made_outlet *expected,
                              uint64_t seed)
{
    cm_check_that(actual->n_slices == expected->n_slices, "seed %" PRIu64 ": %zu slices, expected %zu", seed,
                  actual->n_slices, expected->n_slices);
    for (size_t i = 0; i < actual->n_slices; i++) {
        const struct made_slice *a = &actual->slices[i], *e = &expected->slices[i];

        cm_check_that(a->number == e->number && a->n_reserved == e->n_reserved &&
                          a->n_written == a->n_reserved,
                      "seed %" PRIu64 ", slice %zu: %" PRIu64 " bytes of %" PRIu64 ", expected %" PRIu64,
                      seed, i, a->n_written, a->n_reserved, e->n_reserved);
        cm_check_that(memcmp(a->bytes, e->bytes, e->n_reserved) == 0,
                      "seed %" PRIu64 ", slice %zu: bytes differ", seed, i);
    }
}

/* --- batches --- */

static inline void made_free_segment(struct cm_segment *segment)
{
    memset(segment->bytes, 0xdd, segment->n_bytes); /* whoever still needs them shall miss them */
    free(segment);
}

/* A packet that a filter has dropped: nobody may look at it. */
static inline void made_dropped(struct cm_batch *batch)
{
    batch->packets[batch->n_packets++] =
        (struct cm_packet){.time_ns = batch->n_packets % 2 == 0 ? 1 : UINT64_MAX,
                           .place = 1,
                           .caplen = 1,
                           .record_bytes = UINT32_MAX};
}

/* Hand range `sequence` of an input to a sink, in batches of at most `batch_packets`; every other batch has
 * been narrowed, and the packets dropped from it are none of the run's. */
static inline enum capmill_status made_consume(const struct made_run *run, const struct cm_sink *sink,
                                               void *local, struct cm_batch *batch, uint32_t input,
                                               uint64_t sequence, uint32_t batch_packets,
                                               struct cm_error *error)
{
    uint64_t begin = sequence * run->range_bytes, end = begin + run->range_bytes;
    uint64_t beyond = run->max_bytes + 100;
    uint64_t n_bytes = cm_min_u64(run->range_bytes + beyond, run->sizes[input] + beyond - begin);
    struct cm_segment *segment = malloc(sizeof(*segment) + n_bytes);
    uint32_t part = 0;
    enum capmill_status status = CAPMILL_OK;
    size_t i = 0;

    cm_check(2 * batch_packets <= CM_BATCH_CAPACITY);
    memset(segment, 0, sizeof(*segment));
    segment->bytes = (uint8_t *)(segment + 1);
    segment->n_bytes = (size_t)cm_min_u64(n_bytes, run->sizes[input] - begin);
    memcpy(segment->bytes, run->bytes[input] + begin, segment->n_bytes);
    segment->release = made_free_segment;
    atomic_init(&segment->references, 1);
    while (i < run->n && (run->items[i].input != input || run->items[i].offset < begin))
        i++;
    do {
        cm_batch_reset(batch);
        batch->input = input;
        batch->sequence = sequence;
        batch->part = part++;
        batch->selected_all = !run->has_own_dropped && (sequence + part) % 2 == 0;
        cm_batch_rest_on(batch, segment);
        for (; i < run->n && run->items[i].input == input && run->items[i].offset < end; i++) {
            const struct made_item *item = &run->items[i];
            const uint8_t *bytes = segment->bytes + (item->offset - begin);

            if (batch->n_selected == batch_packets || batch->n_packets + 2 > CM_BATCH_CAPACITY ||
                batch->n_events == CM_BATCH_EVENTS)
                break;
            if (!batch->selected_all && !run->has_own_dropped)
                made_dropped(batch);
            if (item->is_event)
                batch->events[batch->n_events++] = (struct cm_event){.type = CM_EVENT_METADATA,
                                                                     .before_packet = batch->n_packets,
                                                                     .place = item->offset,
                                                                     .record = bytes,
                                                                     .n_bytes = item->n_bytes};
            else {
                if (!item->is_dropped)
                    batch->selection[batch->n_selected++] = (uint16_t)batch->n_packets;
                batch->packets[batch->n_packets++] = (struct cm_packet){.data = bytes + 4,
                                                                        .time_ns = item->time_ns,
                                                                        .place = item->offset,
                                                                        .caplen = item->n_bytes - 4,
                                                                        .record_bytes = item->n_bytes,
                                                                        .record_before = 4};
            }
        }
        batch->last_of_sequence = i == run->n || run->items[i].input != input || run->items[i].offset >= end;
        status = sink->consume(sink->shared, local, batch, error);
    } while (status == CAPMILL_OK && !batch->last_of_sequence);
    cm_batch_reset(batch);
    cm_segment_release(segment);
    return status;
}

#endif

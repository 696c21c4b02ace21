/* SPDX-License-Identifier: Apache-2.0 */
/* A source over bytes in memory, and framing with it in every way that decode/ offers. Each packet is held
 * against the bytes of the capture one batch later, so that bytes given back too early are missed. Not a
 * test. */
#ifndef CM_TESTS_MEMORY_SOURCE_H
#define CM_TESTS_MEMORY_SOURCE_H

#include "base/checked.h"
#include "core/batch.h"
#include "decode/framer.h"
#include "decode/seams.h"
#include "unit/format/capture_bytes.h"

static inline uint64_t drawn(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* A number from..to. */
static inline uint64_t drawn_in(uint64_t *seed, uint64_t from, uint64_t to)
{
    return from + drawn(seed) % (to - from + 1);
}

struct memory_source {
    struct cm_source base;
    const uint8_t *bytes;
    uint64_t n;
    uint64_t offset;
    size_t least_bytes, most_bytes; /* of a segment */
    size_t headroom_bytes;
    bool mapped; /* segments point into `bytes` */
    uint64_t seed;
    int n_out; /* segments not released yet */
};

struct memory_segment {
    struct cm_segment segment; /* first */
    struct memory_source *source;
    uint8_t bytes[];
};

static inline void memory_release(struct cm_segment *segment)
{
    ((struct memory_segment *)segment)->source->n_out--;
    free(segment);
}

static inline enum capmill_status memory_next(struct cm_source *base, struct cm_segment **segment_ret,
                                              struct cm_error *error)
{
    struct memory_source *source = (struct memory_source *)base;
    struct memory_segment *made;
    size_t n = (size_t)drawn_in(&source->seed, source->least_bytes, source->most_bytes);

    (void)error;
    if (source->offset == source->n)
        return CAPMILL_END;
    n = (size_t)cm_min_u64(n, source->n - source->offset);
    made = malloc(sizeof(*made) + (source->mapped ? 0 : source->headroom_bytes + n));
    cm_check(made != NULL);
    memset(made, 0, sizeof(*made));
    made->source = source;
    made->segment.n_bytes = n;
    made->segment.offset = source->offset;
    made->segment.release = memory_release;
    atomic_init(&made->segment.references, 1);
    if (source->mapped) {
        made->segment.bytes = (uint8_t *)(uintptr_t)(source->bytes + source->offset);
    } else {
        made->segment.headroom_bytes = source->headroom_bytes;
        made->segment.bytes = made->bytes + source->headroom_bytes;
        memcpy(made->segment.bytes, source->bytes + source->offset, n);
    }
    source->n_out++;
    source->offset += n;
    *segment_ret = &made->segment;
    return CAPMILL_OK;
}

static inline void memory_source_init(struct memory_source *source, const uint8_t *bytes, size_t n,
                                      uint64_t offset, uint64_t seed)
{
    static const size_t mosts[] = {1, 50, 3000, 40000, 400000};
    static const size_t headrooms[] = {0, 20, 5000, 264 * 1024};

    *source = (struct memory_source){.base = {.name = "memory", .next = memory_next},
                                     .bytes = bytes,
                                     .n = n,
                                     .offset = offset,
                                     .least_bytes = 1,
                                     .seed = seed};
    /* bytes one by one for small captures only */
    source->most_bytes = mosts[drawn_in(&source->seed, n > 20000 ? 2 : 0, 4)];
    source->headroom_bytes = headrooms[drawn_in(&source->seed, 0, 3)];
    source->mapped = drawn_in(&source->seed, 0, 3) == 0;
    if (n > 20000)
        source->least_bytes = source->most_bytes / 2;
}

/* What framing found. */
struct framed {
    struct cm_packet *packets; /* `data` is not to be followed */
    size_t n, capacity;
    uint64_t n_damages; /* events of damage in band, and of the others */
    uint64_t n_events;
};

static inline void framed_free(struct framed *framed)
{
    free(framed->packets);
    memset(framed, 0, sizeof(*framed));
}

static inline void framed_take(struct framed *framed, const struct cm_batch *batch, const uint8_t *bytes,
                               size_t n_bytes)
{
    cm_check(batch->selected_all && batch->n_selected == batch->n_packets);
    if (framed->n + batch->n_packets > framed->capacity) {
        framed->capacity = 2 * (framed->n + batch->n_packets);
        framed->packets = realloc(framed->packets, framed->capacity * sizeof(*framed->packets));
        cm_check(framed->packets != NULL);
    }
    for (uint32_t i = 0; i < batch->n_packets; i++) {
        const struct cm_packet *packet = &batch->packets[i];

        cm_check(packet->place + packet->record_bytes <= n_bytes);
        cm_check(packet->record_before + packet->caplen <= packet->record_bytes);
        cm_check_mem(cm_packet_record(packet), bytes + packet->place, packet->record_bytes);
        cm_check(framed->n == 0 || framed->packets[framed->n - 1].place < packet->place);
        framed->packets[framed->n] = *packet;
        framed->packets[framed->n++].data = NULL;
    }
    for (uint32_t i = 0; i < batch->n_events; i++) {
        const struct cm_event *event = &batch->events[i];

        cm_check(event->before_packet <= batch->n_packets);
        if (event->type == CM_EVENT_DAMAGE) {
            cm_check(event->reason != NULL);
            framed->n_damages++;
        } else {
            cm_check_mem(event->record, bytes + event->place, event->n_bytes);
            framed->n_events++;
        }
    }
}

/* Frame one range to its end. */
static inline void framed_range(struct framed *framed, struct cm_framer *framer, uint64_t sequence,
                                const uint8_t *bytes, size_t n_bytes)
{
    struct cm_batch *batches[2] = {cm_batch_create(0), cm_batch_create(0)};
    struct cm_error error = {0};
    enum capmill_status status = CAPMILL_OK;
    unsigned turn = 0;
    uint32_t part = 0;
    uint64_t n_before = framed->n;

    cm_check(batches[0] != NULL && batches[1] != NULL);
    while (status == CAPMILL_OK) {
        struct cm_batch *batch = batches[turn];

        status = cm_framer_next(framer, batch, &error);
        cm_check_that(status >= 0, "%s", error.text);
        cm_check_eq(batch->sequence, sequence);
        cm_check_eq(batch->part, part++);
        cm_check_eq(batch->last_of_sequence, status == CAPMILL_END);
        turn = 1 - turn;
        framed_take(framed, batches[turn], bytes, n_bytes);
        cm_batch_reset(batches[turn]);
    }
    framed_take(framed, batches[1 - turn], bytes, n_bytes);
    cm_check_eq(cm_framer_result(framer)->n_packets, framed->n - n_before);
    cm_batch_destroy(batches[0]);
    cm_batch_destroy(batches[1]);
}

/* As one chain in ranges of `range_bytes`. False: not a capture. */
static inline bool framed_as_chain(struct framed *framed, struct cm_seams *seams, const uint8_t *bytes,
                                   size_t n, uint64_t range_bytes, uint64_t seed)
{
    struct cm_framer *framer = cm_framer_create();
    struct cm_interfaces interfaces;
    struct cm_layout layout = {.interfaces = &interfaces};
    struct memory_source source;
    struct cm_error error = {0};
    size_t header_bytes;
    uint64_t sequence = 0;
    bool good;

    memset(framed, 0, sizeof(*framed));
    cm_interfaces_init(&interfaces);
    good = cm_layout_open(&layout, "made", bytes, n, true, &header_bytes, &error) == CAPMILL_OK;
    if (good) {
        memory_source_init(&source, bytes, n, 0, seed);
        cm_framer_begin_chain(framer, &layout, header_bytes, &source.base, 0, range_bytes);
        for (;;) {
            framed_range(framed, framer, sequence, bytes, n);
            /* a chain proves itself */
            cm_check(cm_seams_add(seams, sequence, cm_framer_result(framer)));
            if (cm_framer_result(framer)->end_of_input)
                break;
            sequence++;
            cm_framer_next_range(framer, (sequence + 1) * range_bytes);
        }
        cm_framer_let_go(framer);
        cm_check_eq(source.n_out, 0);
        cm_seams_finish(seams, n);
    }
    cm_framer_destroy(framer);
    cm_interfaces_fini(&interfaces);
    return good;
}

/* Each range apart, in a drawn order, with the head looked at in `look_bytes`. False: a seam was disproved,
 * and `framed` holds nothing. */
static inline bool framed_apart(struct framed *framed, struct cm_seams *seams, const uint8_t *bytes, size_t n,
                                size_t look_bytes, uint64_t range_bytes, uint64_t seed)
{
    size_t n_ranges = n == 0 ? 1 : (size_t)((n + range_bytes - 1) / range_bytes);
    struct framed *parts = calloc(n_ranges, sizeof(*parts));
    size_t *order = calloc(n_ranges, sizeof(*order));
    struct cm_framer *framer = cm_framer_create();
    struct cm_interfaces interfaces, private;
    struct cm_layout layout = {.interfaces = &private};
    struct cm_head head;
    struct memory_source source;
    struct cm_error error = {0};
    size_t header_bytes;
    bool proved = true;

    cm_check(parts != NULL && order != NULL);
    memset(framed, 0, sizeof(*framed));
    cm_interfaces_init(&interfaces);
    cm_interfaces_init(&private);
    look_bytes = (size_t)cm_min_u64(look_bytes, n);
    cm_check_eq(cm_layout_open(&layout, "made", bytes, n, true, &header_bytes, &error), CAPMILL_OK);
    if (layout.kind == CM_CAPTURE_PCAP)
        cm_interfaces_append(&interfaces, cm_interfaces_get(&private, 0), NULL, 0, &error);
    cm_check_that(cm_head_frame(&head, &layout, header_bytes, bytes, cm_max_u64(look_bytes, header_bytes),
                                look_bytes == n, &interfaces, &error) == CAPMILL_OK,
                  "%s", error.text);
    for (size_t i = 0; i < n_ranges; i++)
        order[i] = i;
    for (size_t i = n_ranges; i > 1; i--) {
        size_t other = (size_t)drawn_in(&seed, 0, i - 1);
        size_t swap = order[i - 1];

        order[i - 1] = order[other];
        order[other] = swap;
    }
    for (size_t i = 0; i < n_ranges; i++) {
        uint64_t begin = order[i] * range_bytes;
        uint64_t end = begin + range_bytes;

        memory_source_init(&source, bytes, n, begin, drawn(&seed));
        cm_framer_begin_range(framer, &head, &source.base, 0, order[i], begin, end >= n ? UINT64_MAX : end);
        framed_range(&parts[order[i]], framer, order[i], bytes, n);
        proved = cm_seams_add(seams, order[i], cm_framer_result(framer)) && proved;
        cm_framer_let_go(framer);
        cm_check_eq(source.n_out, 0);
    }
    cm_check_eq(proved, !cm_seams_disproved(seams));
    cm_seams_finish(seams, n);
    for (size_t i = 0; i < n_ranges; i++) {
        if (proved && parts[i].n > 0) {
            framed->packets = realloc(framed->packets, (framed->n + parts[i].n) * sizeof(*framed->packets));
            cm_check(framed->packets != NULL);
            memcpy(framed->packets + framed->n, parts[i].packets, parts[i].n * sizeof(*framed->packets));
            framed->n += parts[i].n;
        }
        framed->n_damages += parts[i].n_damages;
        framed->n_events += parts[i].n_events;
        framed_free(&parts[i]);
    }
    free(parts);
    free(order);
    cm_framer_destroy(framer);
    cm_interfaces_fini(&interfaces);
    cm_interfaces_fini(&private);
    return proved;
}

#endif

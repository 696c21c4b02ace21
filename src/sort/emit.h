/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of packets whose places in the output are settled, and writing them there: shared by the window and
 * the gather. */
#ifndef CM_SORT_EMIT_H
#define CM_SORT_EMIT_H

#include "core/outlet.h"
#include "sort/chunk.h"
#include "sort/waiting.h"

/* Bytes of events that go in front of a packet. */
struct cm_group_event {
    uint64_t before_place; /* in front of the first entry, in output order, that comes after this place in its
                              input */
    size_t offset;         /* in `event_bytes` */
    size_t n;
};

/* A stretch of the output within one slice. */
struct cm_group_piece {
    size_t first, n; /* entries */
    struct cm_place place;
};

struct cm_group {
    struct cm_ordered_packet *entries;
    struct cm_ordered_packet *scratch; /* as large */
    size_t n, capacity;
    bool sorted;
    struct cm_group_piece *pieces;
    size_t n_pieces, pieces_capacity;
    struct cm_group_event *events;
    size_t n_events, events_capacity;
    uint8_t *event_bytes;
    size_t n_event_bytes, event_bytes_capacity;
    struct cm_chunk **chunks; /* references that keep the bytes */
    size_t n_chunks, chunks_capacity;
    uint64_t n_bytes; /* written; of a block (blocks.h): of its records */
    /* of a block */
    struct cm_ordered_event *ordered_events;
    size_t n_ordered_events, ordered_events_capacity;
    struct cm_sort_event *held_events; /* what those point to */
    struct cm_ordered_block block;
    struct cm_group *next;
};

struct cm_group *cm_group_create(void);
void cm_group_destroy(struct cm_group *group);
void cm_group_reset(struct cm_group *group); /* chunks must have been released */
/* Room for n entries, and as much scratch. */
bool cm_group_grow(struct cm_group *group, size_t n);
bool cm_group_add_chunk(struct cm_group *group, struct cm_chunk *chunk); /* takes a reference */
bool cm_group_add_event(struct cm_group *group, const struct cm_sort_event *event, const uint8_t *bytes,
                        size_t n);

/* The least time of a group, of the packets that have one where any has. */
uint64_t cm_group_earliest(const struct cm_group *group);
/* Settle a group whose entries are all there: sort if events or slices demand to know the order now, turn the
 * events that come before its packets into bytes, and reserve its places. In output order, one caller at a
 * time. */
enum capmill_status cm_group_settle(struct cm_group *group, struct cm_waiting_events *waiting,
                                    const struct cm_encoder *encoder, const struct cm_outlet *outlet,
                                    struct cm_error *error);
/* What waits at the end of everything goes behind the last packet, which had this time. */
enum capmill_status cm_group_settle_rest(struct cm_group *group, struct cm_waiting_events *waiting,
                                         uint64_t time_ns, const struct cm_encoder *encoder,
                                         const struct cm_outlet *outlet, struct cm_error *error);

/* A thread's buffer for the bytes on their way out. */
struct cm_emitter {
    uint8_t *buffer;
    size_t capacity;
    const struct cm_encoder *encoder;
    void *encoder_local;
};
/* 512 KiB: what was gathered is still in the second-level cache when the system copies it out; smaller costs
 * calls. */
#define CM_EMIT_BUFFER_BYTES (512u * 1024)
/* The encoder outlives it. Zeroed is as good as finished. */
enum capmill_status cm_emitter_init(struct cm_emitter *emitter, const struct cm_encoder *encoder,
                                    struct cm_error *error);
/* One thread at a time. */
void cm_emitter_fini(struct cm_emitter *emitter);
/* Write a settled group to its places. Any thread. */
enum capmill_status cm_group_emit(struct cm_group *group, struct cm_emitter *emitter,
                                  const struct cm_outlet *outlet, struct cm_error *error);

#endif

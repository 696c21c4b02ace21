/* SPDX-License-Identifier: Apache-2.0 */
/* A batch: up to some hundreds of packets of one input in file order, with their selection, the segments they
 * rest on, and what happened between them. One owner at a time; read-only once several readers share it. */
#ifndef CM_CORE_BATCH_H
#define CM_CORE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/packet.h"
#include "core/segment.h"

/* 512 descriptors are 24 KiB: with their headers beside them they stay in a second-level cache while stages
 * pass over them, and the cost of a call per batch vanishes. Fewer than 128 showed in profiles as calls; more
 * gains nothing. */
#define CM_BATCH_CAPACITY 512
/* A batch rests on the segment it was framed from; a straddling record sits in headroom, so one is the
 * rule. */
#define CM_BATCH_SEGMENTS 2

/* What happened in the input just before a packet. In band, so that it keeps its place through parallel
 * work. */
enum cm_event_type {
    CM_EVENT_SECTION = 1,   /* pcapng section header; the record is the block */
    CM_EVENT_INTERFACE = 2, /* interface description block; `interface` is its index */
    /* name resolution, decryption secrets, interface statistics, custom, unknown blocks */
    CM_EVENT_METADATA = 3,
    CM_EVENT_DAMAGE = 4, /* bytes that are no record; skipped */
};

struct cm_event {
    enum cm_event_type type;
    uint32_t before_packet; /* index in the batch of the packet it comes before; n_packets: after the last */
    uint64_t place;         /* offset in the input */
    const uint8_t *record;  /* the block's bytes, borrowed like packet data; NULL for damage */
    uint64_t n_bytes;       /* of the block, or skipped */
    uint32_t interface;     /* INTERFACE: its index. METADATA: the section's number */
    const char *reason;     /* DAMAGE: what was found, a static text; NULL otherwise */
};

#define CM_BATCH_EVENTS 16

struct cm_batch {
    /* origin and order: batches of one sequence number come one after the other, from one thread */
    uint32_t input;        /* input number, from 0 */
    uint32_t part;         /* counts the batches of one sequence number from 0 */
    uint64_t sequence;     /* of the range within its input */
    bool last_of_sequence; /* nothing more of this sequence number follows (the batch may be empty) */
    uint64_t watermark_ns; /* no earlier packet will follow from this input; 0 when nothing is known */

    uint32_t n_packets;
    uint32_t n_events;
    uint32_t n_segments;
    bool selected_all; /* every packet stays: `selection` is not filled */
    uint32_t n_selected;
    struct cm_segment *segments[CM_BATCH_SEGMENTS]; /* one reference each, dropped by cm_batch_reset */
    struct cm_event events[CM_BATCH_EVENTS];
    uint16_t selection[CM_BATCH_CAPACITY]; /* indices of the packets that stay, ascending */
    struct cm_packet packets[CM_BATCH_CAPACITY];
    /* one per packet (wire/headers.h), filled by the decode operator for those that stay; NULL where the plan
     * has none. The memory belongs to the batch's creator. */
    struct cm_headers *headers;
};

/* `headers_bytes`: size of one headers element, 0 for none (core knows no packet headers). NULL: no
 * memory. */
struct cm_batch *cm_batch_create(size_t headers_bytes);
void cm_batch_destroy(struct cm_batch *batch); /* NULL accepted; drops segments */
/* Empty it for reuse: drops the segment references, zeroes counts, origin and order, and selects all; packets
 * and headers are left as they are. A new batch is in the same state. */
void cm_batch_reset(struct cm_batch *batch);
/* Take a reference to `segment` until the batch is reset; one is enough, asking again changes nothing. False
 * where CM_BATCH_SEGMENTS others are held already. */
bool cm_batch_rest_on(struct cm_batch *batch, struct cm_segment *segment);

/* How many packets stay, and which is the i-th of them (i below that): what every stage behind a filter goes
 * over. */
static inline uint32_t cm_batch_n_selected(const struct cm_batch *batch)
{
    return batch->selected_all ? batch->n_packets : batch->n_selected;
}
static inline uint32_t cm_batch_selected(const struct cm_batch *batch, uint32_t i)
{
    return batch->selected_all ? i : batch->selection[i];
}

/* Batches from and back to a free list; any thread. */
struct cm_batch_pool;
struct cm_batch_pool *cm_batch_pool_create(size_t headers_bytes);
/* All batches must be back. NULL accepted. */
void cm_batch_pool_destroy(struct cm_batch_pool *pool);
/* Empty (see reset); NULL when memory cannot be had. */
struct cm_batch *cm_batch_pool_acquire(struct cm_batch_pool *pool);
void cm_batch_pool_release(struct cm_batch_pool *pool, struct cm_batch *batch); /* resets it */

#endif

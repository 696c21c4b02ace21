/* SPDX-License-Identifier: Apache-2.0 */
/* What a table says of a packet's addresses and ports, made once for many packets: addresses as text, flow id,
 * Community ID. A cache of one thread, asked for packets in bursts. Not a flow table: it forgets, it counts
 * nothing, and the two directions of a flow are two tuples of it. */
#ifndef CM_SINK_TUPLE_CACHE_H
#define CM_SINK_TUPLE_CACHE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/packet.h"
#include "flow/community_id.h"
#include "flow/key.h"
#include "format/table_encoder.h"
#include "wire/headers.h"

/* What is asked for; the rest is not made. */
enum cm_tuple_want {
    CM_TUPLE_ADDRESSES = 1,
    CM_TUPLE_FLOW_ID = 2,
    CM_TUPLE_COMMUNITY_ID = 4,
    CM_TUPLE_DIRECTION = 8,
};

/* One way of a flow. `text` holds the source's address and the destination's, as they stand in the packet, then
 * the Community ID, without zeros between. */
struct cm_tuple {
    uint64_t key[CM_FLOW_KEY_WORDS]; /* the cache's own; IPv4 uses the first two */
    uint64_t flow_id;
    uint32_t last_call; /* 0: nothing is here */
    uint8_t direction;  /* enum cm_flow_direction */
    uint8_t src_bytes, dst_bytes, community_id_bytes;
    char text[];
};
static_assert(sizeof(struct cm_tuple) == 56, "a lookup that hits reads one cache line");

static inline struct cm_span cm_tuple_src(const struct cm_tuple *tuple)
{
    return (struct cm_span){(const uint8_t *)tuple->text, tuple->src_bytes};
}

static inline struct cm_span cm_tuple_dst(const struct cm_tuple *tuple)
{
    return (struct cm_span){(const uint8_t *)tuple->text + tuple->src_bytes, tuple->dst_bytes};
}

static inline struct cm_span cm_tuple_community_id(const struct cm_tuple *tuple)
{
    return (struct cm_span){(const uint8_t *)tuple->text + tuple->src_bytes + tuple->dst_bytes,
                            tuple->community_id_bytes};
}

struct cm_tuple_cache;

/* `wants`: enum cm_tuple_want, or-ed. NULL: no memory. */
struct cm_tuple_cache *cm_tuple_cache_create(unsigned wants, bool unidirectional);
void cm_tuple_cache_destroy(struct cm_tuple_cache *cache); /* NULL accepted */

/* A new call begins: tuples given since the last one may be forgotten from now on, and not before. */
void cm_tuple_cache_begin(struct cm_tuple_cache *cache);

/* Packets of one look-up: their keys are made and their places prefetched before the first is compared, and
 * what is remembered of them stays in a first-level cache. */
#define CM_TUPLE_BURST 256u

/* The tuple of each of `n` packets, at most CM_TUPLE_BURST, and NULL for packets without addresses. Two packets
 * of one tuple mostly get the same pointer. False: no memory. */
bool cm_tuple_cache_look_up(struct cm_tuple_cache *cache, const struct cm_packet *packets,
                            const struct cm_headers *headers, uint32_t n, const struct cm_tuple **tuples_ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the sort knows of a packet. The order is (time, input, place in the input): equal times keep input
 * order, so every run gives the same bytes. */
#ifndef CM_SORT_ENTRY_H
#define CM_SORT_ENTRY_H

#include <assert.h>
#include <stdint.h>

#include "core/packet.h"

/* Input number and offset in one word that sorts as both: a million inputs of 16 TiB. The plan refuses
 * more. */
#define CM_PLACE_OFFSET_BITS 44
#define CM_PLACE_MAX_INPUTS  (1u << (64 - CM_PLACE_OFFSET_BITS))
#define CM_PLACE_MAX_BYTES   (UINT64_C(1) << CM_PLACE_OFFSET_BITS)

static inline uint64_t cm_place_of(uint32_t input, uint64_t offset)
{
    return (uint64_t)input << CM_PLACE_OFFSET_BITS | offset;
}

static inline uint32_t cm_place_input(uint64_t place)
{
    return (uint32_t)(place >> CM_PLACE_OFFSET_BITS);
}

static inline uint64_t cm_place_offset(uint64_t place)
{
    return place & (CM_PLACE_MAX_BYTES - 1);
}

enum cm_entry_flag {
    CM_ENTRY_UNTIMED = 1, /* neither its record nor one before it in its section says a time: time_ns is 0 */
};

static inline uint32_t cm_entry_flags(const struct cm_packet *packet)
{
    return (packet->flags & CM_PACKET_NO_TIME) != 0 && packet->time_ns == 0 ? CM_ENTRY_UNTIMED : 0;
}

/* A packet whose bytes are not at hand. */
struct cm_index_entry {
    uint64_t time_ns;
    uint64_t place;
    uint32_t record_bytes;
    uint32_t written_bytes;
    uint32_t interface;
    uint32_t flags; /* enum cm_entry_flag */
};
static_assert(sizeof(struct cm_index_entry) == 32, "the memory that an index takes is planned with this");

/* A packet whose bytes are held in memory. */
struct cm_window_entry {
    uint64_t time_ns;
    uint64_t place;
    const uint8_t *record;
    uint32_t record_bytes;
    uint32_t written_bytes;
    uint32_t interface;
    uint32_t flags; /* enum cm_entry_flag */
};
static_assert(sizeof(struct cm_window_entry) == 40, "window entries are moved whole when they are sorted");

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Packets in output order: what a stage that decides the order (sort/) gives to whoever makes outputs of them
 * (pipeline/fan_out.c), in blocks that several threads work on at once. Where there is one capture to write,
 * outlet.h is the shorter way. */
#ifndef CM_CORE_ORDERED_H
#define CM_CORE_ORDERED_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/batch.h"

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

/* A packet whose bytes are held in memory, or (record NULL) will be. */
struct cm_ordered_packet {
    uint64_t time_ns;
    uint64_t place;        /* with its input */
    const uint8_t *record; /* the whole record or block */
    uint32_t record_bytes;
    /* One capture is written: its record's length there. Several outputs are: low half of its number, see
     * cm_ordered_number. */
    uint32_t written_bytes;
    uint32_t interface;
    uint32_t flags; /* enum cm_ordered_flag, and above CM_ORDERED_FLAG_BITS the high part of its number */
};
static_assert(sizeof(struct cm_ordered_packet) == 40, "ordered packets are moved whole when they are sorted");

enum cm_ordered_flag {
    /* neither its record nor one before it in its section says a time: time_ns is 0 */
    CM_ORDERED_UNTIMED = 1,
};
#define CM_ORDERED_FLAG_BITS 8

static inline uint32_t cm_ordered_flags(const struct cm_packet *packet)
{
    return (packet->flags & CM_PACKET_NO_TIME) != 0 && packet->time_ns == 0 ? CM_ORDERED_UNTIMED : 0;
}

/* Numbers of packets in their input, counted from 1 over all of them, kept or not; 56 bits hold what 16 TiB
 * can. Both halves lie where a single capture needs something else. */
static inline uint64_t cm_number_join(uint32_t low, uint32_t flags)
{
    return (uint64_t)(flags >> CM_ORDERED_FLAG_BITS) << 32 | low;
}

static inline void cm_number_split(uint64_t number, uint32_t *low, uint32_t *flags)
{
    *low = (uint32_t)number;
    *flags = (*flags & ((1u << CM_ORDERED_FLAG_BITS) - 1)) | (uint32_t)(number >> 32) << CM_ORDERED_FLAG_BITS;
}

static inline uint64_t cm_ordered_number(const struct cm_ordered_packet *packet)
{
    return cm_number_join(packet->written_bytes, packet->flags);
}

/* What happened in an input before a packet. Borrowed as long as its block. */
struct cm_ordered_event {
    size_t before; /* index in the block of the packet that it comes before; n_packets: after the last */
    uint32_t input;
    const struct cm_event *event;
};

/* A stretch of the output order. Where blocks are cut follows from the packets alone: outputs whose bytes depend
 * on it are the same for any number of threads. */
#define CM_BLOCK_PACKETS 4096u
/* 2 MiB: enough for a page of a column, and two threads' worth stays in a second-level cache. */
#define CM_BLOCK_BYTES (2u * 1024 * 1024)
struct cm_ordered_block {
    uint64_t sequence; /* from 0, without gaps */
    const struct cm_ordered_packet *packets;
    size_t n_packets;                      /* at most CM_BLOCK_PACKETS; none: events alone */
    const struct cm_ordered_event *events; /* in output order */
    size_t n_events;
    void *ticket; /* of whoever takes it: set by `settle`, read by `take` */
};

static inline bool cm_block_is_full(size_t n_packets, uint64_t n_bytes)
{
    return n_packets >= CM_BLOCK_PACKETS || n_bytes >= CM_BLOCK_BYTES;
}

/* Whoever makes outputs of ordered packets. */
struct cm_taker {
    void *context;
    enum capmill_status (*open)(void *context, void **local_ret, struct cm_error *error);
    void (*close)(void *context, void *local); /* one thread at a time; NULL accepted */
    /* Once, before the first packets are settled: the earliest time of those that come first, of those that have
     * one where any has; where packets come in order of time, of all. Same caller as settle. NULL: nobody asks. */
    void (*first)(void *context, uint64_t time_ns);
    /* What must be done in order, one caller at a time: quick, the caller holds a lock. The bytes of packets
     * may not be at hand yet (record is NULL then). */
    enum capmill_status (*settle)(void *context, struct cm_ordered_block *block, struct cm_error *error);
    /* The rest, with the bytes at hand. Any thread, blocks in any order; each thread takes those that it
     * settled in their order, so that the earliest of all can always go on while others wait for it. */
    enum capmill_status (*take)(void *context, void *local, struct cm_ordered_block *block,
                                struct cm_error *error);
    /* A block that was settled and will not be taken, after a failure. */
    void (*drop)(void *context, struct cm_ordered_block *block);
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A packet's descriptor: where its bytes are and what its record said. It owns nothing; the segment behind
 * `data` does. What the headers inside the packet say stands in a column of its own (wire/headers.h): many
 * plans never need it. */
#ifndef CM_CORE_PACKET_H
#define CM_CORE_PACKET_H

#include <assert.h>
#include <stdint.h>

struct cm_packet {
    const uint8_t *data; /* first captured byte, link header first; borrowed from the batch's segments */
    /* since 1970; saturated where the record's own time does not fit (the record keeps it) */
    uint64_t time_ns;
    uint64_t place;         /* offset of the record in its input, in bytes: the order within one input */
    uint32_t caplen;        /* bytes at `data` */
    uint32_t origlen;       /* bytes on the wire */
    uint32_t record_bytes;  /* the whole record or block, from `data - record_before` */
    uint16_t record_before; /* bytes of record in front of `data` */
    uint16_t flags;         /* enum cm_packet_flag */
    uint32_t interface;     /* index into the input's interface table (format/interfaces.h) */
    uint16_t link_type;     /* LINKTYPE_ value, as registered by tcpdump.org */
    uint16_t reserved;
};

/* 48 bytes: a batch of 512 stays in a first-level cache beside its headers. */
static_assert(sizeof(struct cm_packet) == 48, "cm_packet grew: batches no longer stay in cache");

enum cm_packet_flag {
    /* time_ns is 0 or UINT64_MAX in place of a time before 1970 or after 2554 */
    CM_PACKET_TIME_SATURATED = 1,
    CM_PACKET_NO_TIME = 2, /* the record carries no time (pcapng simple packet block): it takes the time of
                              the packet before it in its section, 0 when it is the first */
};

static inline const uint8_t *cm_packet_record(const struct cm_packet *packet)
{
    return packet->data - packet->record_before;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* File headers, records and blocks of synthetic captures. Not for their contents (frame.c). */
#include "synth/container.h"

#include <string.h>

#include "base/endian.h"
#include "wire/numbers.h"

#define NS_PER_S UINT64_C(1000000000)

/* pcap: a record header of 16 bytes. pcapng, section 4.3: an enhanced packet block has 28 bytes before the
 * packet, which is padded to 4 bytes, and the block's length again after it. */
#define PCAP_BEFORE 16
#define EPB_BEFORE  28
#define EPB_AFTER   4

static uint32_t captured_bytes(const struct cm_synth_container *container, uint32_t frame_bytes)
{
    return frame_bytes < container->snaplen ? frame_bytes : container->snaplen;
}

uint32_t cm_synth_container_before(const struct cm_synth_container *container)
{
    return container->pcapng ? EPB_BEFORE : PCAP_BEFORE;
}

uint32_t cm_synth_container_record_bytes(const struct cm_synth_container *container, uint32_t frame_bytes)
{
    uint32_t captured = captured_bytes(container, frame_bytes);

    return container->pcapng ? EPB_BEFORE + ((captured + 3) & ~3u) + EPB_AFTER : PCAP_BEFORE + captured;
}

static size_t pcap_header(const struct cm_synth_container *container, uint8_t *out)
{
    bool big = container->big_endian;

    memset(out, 0, 24);
    cm_store_u32_as(out, container->nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, big);
    cm_store_u16_as(out + 4, 2, big);
    cm_store_u16_as(out + 6, 4, big);
    cm_store_u32_as(out + 16, container->snaplen, big);
    cm_store_u32_as(out + 20, CM_LINK_ETHERNET, big);
    return 24;
}

/* A section header block of unknown section length, and one interface description with if_tsresol (option
 * 9). */
static size_t pcapng_header(const struct cm_synth_container *container, uint8_t *out)
{
    bool big = container->big_endian;
    uint8_t *idb = out + 28;

    memset(out, 0, 28 + 32);
    cm_store_u32_as(out, 0x0a0d0d0a, big);
    cm_store_u32_as(out + 4, 28, big);
    cm_store_u32_as(out + 8, 0x1a2b3c4d, big);
    cm_store_u16_as(out + 12, 1, big);
    cm_store_u64_as(out + 16, UINT64_MAX, big);
    cm_store_u32_as(out + 24, 28, big);
    cm_store_u32_as(idb, 1, big);
    cm_store_u32_as(idb + 4, 32, big);
    cm_store_u16_as(idb + 8, CM_LINK_ETHERNET, big);
    cm_store_u32_as(idb + 12, container->snaplen, big);
    cm_store_u16_as(idb + 16, 9, big);
    cm_store_u16_as(idb + 18, 1, big);
    idb[20] = container->nanoseconds ? 9 : 6;
    cm_store_u32_as(idb + 28, 32, big); /* after opt_endofopt, four zeros */
    return 28 + 32;
}

size_t cm_synth_container_header(const struct cm_synth_container *container,
                                 uint8_t header_ret[CM_SYNTH_HEADER_CAPACITY])
{
    return container->pcapng ? pcapng_header(container, header_ret) : pcap_header(container, header_ret);
}

static uint32_t wrap_pcap(const struct cm_synth_container *container, uint64_t time_ns, uint32_t frame_bytes,
                          uint8_t *record)
{
    bool big = container->big_endian;
    uint32_t captured = captured_bytes(container, frame_bytes);
    uint32_t fraction_ns = (uint32_t)(time_ns % NS_PER_S);

    cm_store_u32_as(record, (uint32_t)(time_ns / NS_PER_S), big);
    cm_store_u32_as(record + 4, container->nanoseconds ? fraction_ns : fraction_ns / 1000, big);
    cm_store_u32_as(record + 8, captured, big);
    cm_store_u32_as(record + 12, frame_bytes, big);
    return PCAP_BEFORE + captured;
}

static uint32_t wrap_pcapng(const struct cm_synth_container *container, uint64_t time_ns,
                            uint32_t frame_bytes, uint8_t *record)
{
    bool big = container->big_endian;
    uint32_t captured = captured_bytes(container, frame_bytes);
    uint32_t padded = (captured + 3) & ~3u;
    uint32_t total = EPB_BEFORE + padded + EPB_AFTER;
    uint64_t ticks = container->nanoseconds ? time_ns : time_ns / 1000;

    cm_store_u32_as(record, 6, big);
    cm_store_u32_as(record + 4, total, big);
    cm_store_u32_as(record + 8, 0, big);
    cm_store_u32_as(record + 12, (uint32_t)(ticks >> 32), big);
    cm_store_u32_as(record + 16, (uint32_t)ticks, big);
    cm_store_u32_as(record + 20, captured, big);
    cm_store_u32_as(record + 24, frame_bytes, big);
    memset(record + EPB_BEFORE + captured, 0, padded - captured);
    cm_store_u32_as(record + EPB_BEFORE + padded, total, big);
    return total;
}

uint32_t cm_synth_container_wrap(const struct cm_synth_container *container, uint64_t time_ns,
                                 uint32_t frame_bytes, uint8_t *record)
{
    if (container->pcapng)
        return wrap_pcapng(container, time_ns, frame_bytes, record);
    return wrap_pcap(container, time_ns, frame_bytes, record);
}

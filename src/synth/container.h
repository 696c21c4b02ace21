/* SPDX-License-Identifier: Apache-2.0 */
/* The pcap and pcapng forms that synthetic captures are written in: one Ethernet interface, no options beyond
 * what its times need. Not for general writing of captures (format/), which synth/ is too low to use. */
#ifndef CM_SYNTH_CONTAINER_H
#define CM_SYNTH_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synth/synth.h"

struct cm_synth_container {
    bool pcapng;
    bool nanoseconds;
    bool big_endian;
    uint32_t snaplen;
};

/* Bytes in front of a record's packet, and of a whole record of a frame of that length on the wire. */
uint32_t cm_synth_container_before(const struct cm_synth_container *container);
uint32_t cm_synth_container_record_bytes(const struct cm_synth_container *container, uint32_t frame_bytes);

size_t cm_synth_container_header(const struct cm_synth_container *container,
                                 uint8_t header_ret[CM_SYNTH_HEADER_CAPACITY]);
/* Write what belongs around a frame that stands already at record + cm_synth_container_before(). Answers the
 * record's bytes. */
uint32_t cm_synth_container_wrap(const struct cm_synth_container *container, uint64_t time_ns,
                                 uint32_t frame_bytes, uint8_t *record);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Counting into a flow's counts. Sums, least and greatest only: any order of packets and any division among
 * threads gives the same. For files of this room only. */
#ifndef CM_FLOW_COUNTS_H
#define CM_FLOW_COUNTS_H

#include <string.h>

#include "flow/table.h"

static inline void cm_flow_counts_init(struct cm_flow_counts *counts)
{
    memset(counts, 0, sizeof(*counts));
    counts->first_ns = counts->first_place = UINT64_MAX;
    counts->first_input = UINT32_MAX;
}

/* Whether a packet comes before the first known so far. */
static inline bool cm_flow_counts_precede(uint64_t time_ns, uint32_t input, uint64_t place,
                                          const struct cm_flow_counts *counts)
{
    if (time_ns != counts->first_ns)
        return time_ns < counts->first_ns;
    if (input != counts->first_input)
        return input < counts->first_input;
    return place < counts->first_place;
}

static inline void cm_flow_counts_add(struct cm_flow_counts *counts, const struct cm_packet *packet,
                                      const struct cm_headers *headers, uint32_t input, unsigned direction)
{
    const bool timed = !(packet->flags & CM_PACKET_NO_TIME);
    const uint64_t time_ns = timed ? packet->time_ns : UINT64_MAX;

    counts->n_packets[direction]++;
    counts->n_bytes[direction] += packet->origlen;
    if (headers->flags & CM_HEADERS_TCP_FLAGS)
        counts->tcp_flags |= headers->tcp_flags;
    if (timed && time_ns > counts->last_ns)
        counts->last_ns = time_ns;
    if (cm_flow_counts_precede(time_ns, input, packet->place, counts)) {
        const bool icmp = (headers->flags & CM_HEADERS_ICMP) != 0;

        counts->first_ns = time_ns;
        counts->first_input = input;
        counts->first_place = packet->place;
        counts->first = (uint8_t)((direction == CM_FLOW_FROM_HIGH ? CM_FLOW_FIRST_FROM_HIGH : 0) |
                                  (icmp ? CM_FLOW_FIRST_ICMP : 0));
        counts->icmp_type = icmp ? headers->icmp_type : 0;
        counts->icmp_code = icmp ? headers->icmp_code : 0;
    }
}

static inline void cm_flow_counts_merge(struct cm_flow_counts *into, const struct cm_flow_counts *from)
{
    for (unsigned direction = 0; direction < 2; direction++) {
        into->n_packets[direction] += from->n_packets[direction];
        into->n_bytes[direction] += from->n_bytes[direction];
    }
    into->tcp_flags |= from->tcp_flags;
    if (from->last_ns > into->last_ns)
        into->last_ns = from->last_ns;
    if (cm_flow_counts_precede(from->first_ns, from->first_input, from->first_place, into)) {
        into->first_ns = from->first_ns;
        into->first_input = from->first_input;
        into->first_place = from->first_place;
        into->first = from->first;
        into->icmp_type = from->icmp_type;
        into->icmp_code = from->icmp_code;
    }
}

#endif

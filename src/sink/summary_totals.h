/* SPDX-License-Identifier: Apache-2.0 */
/* What is simply added up: packets, bytes, lengths, packets per interface, per protocol and per size,
 * damages. Once per thread, then united. For the summary sink only. */
#ifndef CM_SINK_SUMMARY_TOTALS_H
#define CM_SINK_SUMMARY_TOTALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/batch.h"
#include "sink/summary_sink.h"

#define CM_SUMMARY_SIZES 10u

struct cm_summary_pair {
    uint64_t n_packets, n_bytes;
};

/* Packets by interface of one input. */
struct cm_summary_interfaces {
    uint32_t input;
    size_t n; /* interfaces with a counter */
    uint64_t *n_packets;
};

/* Zeroed has seen nothing. */
struct cm_summary_totals {
    uint64_t n_packets, captured_bytes, original_bytes;
    uint32_t min_length, max_length; /* of n_packets > 0 */
    uint64_t n_damages, damaged_bytes;
    struct cm_summary_interfaces *inputs; /* ascending by input */
    size_t n_inputs, inputs_capacity;
    /* stats */
    uint64_t sizes[CM_SUMMARY_SIZES];
    struct cm_summary_pair protocols[256]; /* by IP protocol */
    struct cm_summary_pair
        *eth_types[256]; /* of packets that are not IP: by high byte, then low; NULL until needed */
};

void cm_summary_totals_fini(struct cm_summary_totals *totals); /* forgets all: as new */
/* False: no memory. */
bool cm_summary_totals_add(struct cm_summary_totals *totals, const struct cm_batch *batch, bool stats);
bool cm_summary_totals_merge(struct cm_summary_totals *into, const struct cm_summary_totals *from);
uint64_t cm_summary_totals_interface(const struct cm_summary_totals *totals, uint32_t input,
                                     uint32_t interface);

#endif

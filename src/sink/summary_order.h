/* SPDX-License-Identifier: Apache-2.0 */
/* Times and order of packets, per range of an input: what one thread saw of a range, folded in file order at
 * the end, says the same as one thread that saw everything. For the summary sink only. */
#ifndef CM_SINK_SUMMARY_ORDER_H
#define CM_SINK_SUMMARY_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/batch.h"

/* The packets of one (input, sequence number) that have a time. */
struct cm_summary_range {
    uint32_t input;
    bool any; /* else the rest is unset */
    uint64_t sequence;
    uint64_t head_ns, tail_ns; /* first and last in the file */
    uint64_t min_ns, max_ns;
    uint64_t n_out_of_order; /* earlier than the one before, from the second on */
    uint64_t max_late_ns;    /* greatest distance behind the latest before, within the range */
};

/* See the selected packets of a batch, the next of this range. */
void cm_summary_range_add(struct cm_summary_range *range, const struct cm_batch *batch);
/* `left` comes before `right` in the file: `left` becomes both. */
void cm_summary_range_join(struct cm_summary_range *left, const struct cm_summary_range *right);

/* A growing list; zeroed is empty. */
struct cm_summary_ranges {
    struct cm_summary_range *items;
    size_t n, capacity;
};
/* The range of the batch: the last one where it goes on, else a new one. NULL: no memory. */
struct cm_summary_range *cm_summary_ranges_for(struct cm_summary_ranges *ranges,
                                               const struct cm_batch *batch);
bool cm_summary_ranges_append(struct cm_summary_ranges *to, const struct cm_summary_ranges *from);
/* Bring them into file order and join those of each input: one range per input is left. */
void cm_summary_ranges_fold(struct cm_summary_ranges *ranges);

#endif

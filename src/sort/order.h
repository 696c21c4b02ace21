/* SPDX-License-Identifier: Apache-2.0 */
/* Putting arrays of entries in order of time. Stable: entries come in input order, so equal times keep it.
 * Knows arrays only. `scratch` has room for n entries and holds nothing of value before or after. */
#ifndef CM_SORT_ORDER_H
#define CM_SORT_ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include "sort/entry.h"

void cm_sort_window_entries(struct cm_ordered_packet *entries, struct cm_ordered_packet *scratch, size_t n);
void cm_sort_index_entries(struct cm_index_entry *entries, struct cm_index_entry *scratch, size_t n);

/* First position whose time is greater than `time_ns`, in entries[from..n) that are in order. */
size_t cm_sort_upper_bound(const struct cm_ordered_packet *entries, size_t from, size_t n, uint64_t time_ns);

#endif

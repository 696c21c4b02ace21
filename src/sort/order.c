/* SPDX-License-Identifier: Apache-2.0 */
/* The sorting loops, made for each type of entry from order_template.h. */
#include "sort/order.h"

#include <stdint.h>
#include <string.h>

/* 11 bits: 2048 counters of 8 bytes fill half of a first-level cache and six passes cover any 64 bits; 8 bits
 * took a third more passes on the times of real captures, 16 bits overflow the cache. */
#define DIGIT_BITS  11
#define DIGIT_COUNT (1u << DIGIT_BITS)

#define ENTRY   cm_ordered_packet
#define NAME(x) window_##x
#include "sort/order_template.h"
#undef ENTRY
#undef NAME

#define ENTRY   cm_index_entry
#define NAME(x) index_##x
#include "sort/order_template.h"
#undef ENTRY
#undef NAME

void cm_sort_window_entries(struct cm_ordered_packet *entries, struct cm_ordered_packet *scratch, size_t n)
{
    window_order(entries, scratch, n);
}

void cm_sort_index_entries(struct cm_index_entry *entries, struct cm_index_entry *scratch, size_t n)
{
    index_order(entries, scratch, n);
}

size_t cm_sort_upper_bound(const struct cm_ordered_packet *entries, size_t from, size_t n, uint64_t time_ns)
{
    while (from < n) {
        size_t middle = from + (n - from) / 2;

        if (entries[middle].time_ns <= time_ns)
            from = middle + 1;
        else
            n = middle;
    }
    return from;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The first of many rows in some order, without keeping the others. What rows are is the caller's. */
#ifndef CM_SINK_GREATEST_H
#define CM_SINK_GREATEST_H

#include <stdbool.h>
#include <stddef.h>

/* Keeps the `limit` rows that come first by `compare`, as a heap with the last of them in front. Set limit,
 * row_bytes and compare, and zero the rest; `rows` is freed by whoever owns this. */
struct cm_greatest {
    char *rows;
    size_t n, capacity, limit, row_bytes;
    int (*compare)(const void *a, const void *b); /* below 0: `a` comes first */
    bool failed;                                  /* for want of memory */
};

/* The row is copied, or not wanted. Sets `failed` where there is no memory for it; then no more are taken. */
void cm_greatest_offer(struct cm_greatest *greatest, const void *row);
/* From a heap to rows in order; nothing is offered afterwards. */
void cm_greatest_sort(struct cm_greatest *greatest);

static inline void *cm_greatest_row(const struct cm_greatest *greatest, size_t at)
{
    return greatest->rows + at * greatest->row_bytes;
}

#endif

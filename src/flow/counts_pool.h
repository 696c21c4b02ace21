/* SPDX-License-Identifier: Apache-2.0 */
/* The counts of flows, by number from 0, at addresses that never move. For files of this room only. */
#ifndef CM_FLOW_COUNTS_POOL_H
#define CM_FLOW_COUNTS_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/table.h"

/* Blocks of 64, 64, 128, 256 ... counts: each doubles what there is, so that nothing is ever copied, a small
 * capture needs 4 KiB, and a large one has its counts on large pages. */
#define CM_COUNTS_POOL_FIRST_BITS 6u
#define CM_COUNTS_POOL_BLOCKS     30u

struct cm_counts_pool {
    struct cm_flow_counts *blocks[CM_COUNTS_POOL_BLOCKS];
    unsigned n_blocks;
    size_t n; /* counts in use */
};

void cm_counts_pool_fini(struct cm_counts_pool *pool); /* zeroed memory is an empty pool */
/* Forget all; keeps the first blocks. */
void cm_counts_pool_clear(struct cm_counts_pool *pool);
/* Room for `n_more`. False where memory cannot be had. */
bool cm_counts_pool_reserve(struct cm_counts_pool *pool, size_t n_more);
/* Bytes it would hold with room for `n_more`. */
size_t cm_counts_pool_bytes(const struct cm_counts_pool *pool, size_t n_more);

static inline struct cm_flow_counts *cm_counts_pool_at(const struct cm_counts_pool *pool, size_t number)
{
    const size_t scaled = number >> CM_COUNTS_POOL_FIRST_BITS;
    const unsigned block = scaled == 0 ? 0 : 64 - (unsigned)__builtin_clzll(scaled);
    const size_t begin = block == 0 ? 0 : (size_t)1 << (CM_COUNTS_POOL_FIRST_BITS + block - 1);

    return pool->blocks[block] + (number - begin);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the counts pool. */
#include "flow/counts_pool.h"

#include <stdlib.h>
#include <string.h>

#include "os/memory.h"

#define MAPPED_BYTES ((size_t)1 << 20) /* as in key_set.c */
#define KEPT_BLOCKS  5u                /* 1,024 counts: 64 KiB */

static size_t block_bytes(unsigned block)
{
    return sizeof(struct cm_flow_counts) << (CM_COUNTS_POOL_FIRST_BITS + (block == 0 ? 0 : block - 1));
}

static void drop_blocks(struct cm_counts_pool *pool, unsigned n_kept)
{
    while (pool->n_blocks > n_kept) {
        unsigned block = --pool->n_blocks;

        if (block_bytes(block) >= MAPPED_BYTES)
            cm_memory_unmap(pool->blocks[block], block_bytes(block));
        else
            free(pool->blocks[block]);
        pool->blocks[block] = NULL;
    }
}

void cm_counts_pool_fini(struct cm_counts_pool *pool)
{
    drop_blocks(pool, 0);
    pool->n = 0;
}

void cm_counts_pool_clear(struct cm_counts_pool *pool)
{
    drop_blocks(pool, KEPT_BLOCKS);
    pool->n = 0;
}

/* All blocks before `n_blocks` together are as large as the last but one more would be. */
static size_t pool_capacity(unsigned n_blocks)
{
    return n_blocks == 0 ? 0 : (size_t)1 << (CM_COUNTS_POOL_FIRST_BITS + n_blocks - 1);
}

bool cm_counts_pool_reserve(struct cm_counts_pool *pool, size_t n_more)
{
    while (pool_capacity(pool->n_blocks) < pool->n + n_more) {
        size_t n_bytes = block_bytes(pool->n_blocks);
        struct cm_flow_counts *block;

        if (pool->n_blocks == CM_COUNTS_POOL_BLOCKS)
            return false;
        block = n_bytes >= MAPPED_BYTES ? cm_memory_map(n_bytes) : malloc(n_bytes);
        if (block == NULL)
            return false;
        pool->blocks[pool->n_blocks++] = block;
    }
    return true;
}

size_t cm_counts_pool_bytes(const struct cm_counts_pool *pool, size_t n_more)
{
    unsigned n_blocks = pool->n_blocks;

    while (n_blocks < CM_COUNTS_POOL_BLOCKS && pool_capacity(n_blocks) < pool->n + n_more)
        n_blocks++;
    return pool_capacity(n_blocks) * sizeof(struct cm_flow_counts);
}

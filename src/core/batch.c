/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: making, emptying and pooling them. Not for filling them (decode/). */
#include "core/batch.h"

#include <assert.h>
#include <stdlib.h>

#include "base/checked.h"
#include "os/thread.h"

/* What the creator keeps beside a batch. */
struct boxed_batch {
    struct cm_batch batch; /* first: a batch's address is its box's */
    struct boxed_batch *next;
};

struct cm_batch_pool {
    struct cm_mutex lock; /* guards the rest */
    struct boxed_batch *free;
    size_t n_free;
    size_t n_batches; /* that exist */
    size_t headers_bytes;
};

struct cm_batch *cm_batch_create(size_t headers_bytes)
{
    struct boxed_batch *box = calloc(1, sizeof(*box));

    if (box == NULL)
        return NULL;
    if (headers_bytes > 0) {
        box->batch.headers = calloc(CM_BATCH_CAPACITY, headers_bytes);
        if (box->batch.headers == NULL) {
            free(box);
            return NULL;
        }
    }
    box->batch.selected_all = true;
    return &box->batch;
}

void cm_batch_destroy(struct cm_batch *batch)
{
    if (batch == NULL)
        return;
    cm_batch_reset(batch);
    free(batch->headers);
    free(batch);
}

void cm_batch_reset(struct cm_batch *batch)
{
    for (uint32_t i = 0; i < batch->n_segments; i++) {
        cm_segment_release(batch->segments[i]);
        batch->segments[i] = NULL;
    }
    batch->n_segments = 0;
    batch->n_packets = 0;
    batch->n_events = 0;
    batch->n_selected = 0;
    batch->selected_all = true;
    batch->input = 0;
    batch->part = 0;
    batch->sequence = 0;
    batch->last_of_sequence = false;
    batch->watermark_ns = 0;
}

bool cm_batch_rest_on(struct cm_batch *batch, struct cm_segment *segment)
{
    /* the newest first: packets come segment by segment */
    for (uint32_t i = batch->n_segments; i > 0; i--)
        if (batch->segments[i - 1] == segment)
            return true;
    if (batch->n_segments == CM_BATCH_SEGMENTS)
        return false;
    cm_segment_acquire(segment);
    batch->segments[batch->n_segments++] = segment;
    return true;
}

struct cm_batch_pool *cm_batch_pool_create(size_t headers_bytes)
{
    struct cm_batch_pool *pool = calloc(1, sizeof(*pool));

    if (pool == NULL)
        return NULL;
    cm_mutex_init(&pool->lock);
    pool->headers_bytes = headers_bytes;
    return pool;
}

void cm_batch_pool_destroy(struct cm_batch_pool *pool)
{
    struct boxed_batch *box;

    if (pool == NULL)
        return;
    assert(pool->n_free == pool->n_batches);
    while ((box = pool->free) != NULL) {
        pool->free = box->next;
        cm_batch_destroy(&box->batch);
    }
    cm_mutex_fini(&pool->lock);
    free(pool);
}

struct cm_batch *cm_batch_pool_acquire(struct cm_batch_pool *pool)
{
    struct boxed_batch *box;
    struct cm_batch *batch;

    /* A lock per batch is a lock per some hundreds of packets: 5 ns where nobody else holds it. */
    cm_mutex_lock(&pool->lock);
    box = pool->free;
    if (box != NULL) {
        pool->free = box->next;
        pool->n_free--;
    } else {
        pool->n_batches++;
    }
    cm_mutex_unlock(&pool->lock);
    if (box != NULL)
        return &box->batch;

    batch = cm_batch_create(pool->headers_bytes);
    if (batch == NULL) {
        cm_mutex_lock(&pool->lock);
        pool->n_batches--;
        cm_mutex_unlock(&pool->lock);
    }
    return batch;
}

void cm_batch_pool_release(struct cm_batch_pool *pool, struct cm_batch *batch)
{
    struct boxed_batch *box = (struct boxed_batch *)batch;

    cm_batch_reset(batch); /* outside the lock: it may give segments back, which take a lock of their own */
    cm_mutex_lock(&pool->lock);
    box->next = pool->free;
    pool->free = box;
    pool->n_free++;
    cm_mutex_unlock(&pool->lock);
}

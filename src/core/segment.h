/* SPDX-License-Identifier: Apache-2.0 */
/* A segment: contiguous bytes of one input, with a counted reference and the hook that gives the memory
 * back. */
#ifndef CM_CORE_SEGMENT_H
#define CM_CORE_SEGMENT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* In front of `bytes` lie `headroom_bytes` that the framer may write: the part of a record that began in the
 * segment before is copied there, so that every record is contiguous. Written by the one thread that frames,
 * before any other thread sees the segment; read-only from then on. */
struct cm_segment {
    uint8_t *bytes;
    size_t n_bytes;
    size_t headroom_bytes;
    uint64_t offset; /* of bytes[0] in the input */
    _Atomic uint32_t references;
    void (*release)(struct cm_segment *segment); /* called by the last cm_segment_release, on any thread */
    void *owner;                                 /* for `release` */
    struct cm_segment *next; /* for free lists of the owner, and lists of whoever holds it */
};

static inline void cm_segment_acquire(struct cm_segment *segment)
{
    /* relaxed: who acquires holds a reference already, so the segment cannot go away meanwhile */
    atomic_fetch_add_explicit(&segment->references, 1, memory_order_relaxed);
}

static inline void cm_segment_release(struct cm_segment *segment)
{
    /* release half: our reads and writes of the bytes come before the count that lets them be reused. acquire
     * half: who drops the last reference sees what all other holders did, by the release half of their own
     * call, before it gives the memory back. (One operation in place of release and a fence: ThreadSanitizer
     * does not model fences.) */
    if (atomic_fetch_sub_explicit(&segment->references, 1, memory_order_acq_rel) == 1)
        segment->release(segment);
}

/* A pool of equal segments, given out last-in first-out so that the warmest memory is used next. Any thread
 * may acquire and release. Memory is taken when first needed and kept until the pool is destroyed. */
struct cm_segment_pool;
struct cm_segment_pool *cm_segment_pool_create(size_t headroom_bytes, size_t n_bytes);
/* All segments must be back. NULL accepted. */
void cm_segment_pool_destroy(struct cm_segment_pool *pool);
/* One reference, n_bytes 0, room for the pool's size at `bytes`. NULL when memory cannot be had. */
struct cm_segment *cm_segment_pool_acquire(struct cm_segment_pool *pool);
/* How many segments exist, in use or free. */
size_t cm_segment_pool_count(const struct cm_segment_pool *pool);
/* A single segment outside any pool, freed by its last release: for records larger than the headroom. NULL
 * when memory cannot be had. `bytes` lies on a page boundary here and in pools. */
struct cm_segment *cm_segment_create(size_t headroom_bytes, size_t n_bytes);

#endif

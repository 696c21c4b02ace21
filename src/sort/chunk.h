/* SPDX-License-Identifier: Apache-2.0 */
/* A chunk: the packets of one range of an input, with their bytes held in memory and their entries in order
 * of time. */
#ifndef CM_SORT_CHUNK_H
#define CM_SORT_CHUNK_H

#include <stdatomic.h>

#include "base/error.h"
#include "core/batch.h"
#include "core/outlet.h"
#include "os/thread.h"
#include "sort/entry.h"

/* An event that waits for the first packet after it. Its block is copied: events outlive segments. */
struct cm_sort_event {
    struct cm_event event; /* `record` points to `block` */
    uint64_t place;        /* with its input */
    uint32_t input;
    struct cm_sort_event *next;
    uint8_t block[];
};

struct cm_chunk {
    struct cm_ordered_packet *entries;
    size_t n;
    size_t capacity;
    size_t cursor; /* first entry that no group has taken */
    uint64_t min_ns, max_ns;
    uint64_t n_bytes; /* of the segments it holds */
    struct cm_segment **segments;
    size_t n_segments, segments_capacity;
    /* A filter keeps little: records are copied together and segments let go at once, so that the blocks they
     * were read into are used again while they are in cache. Set by the owner of an empty chunk. */
    bool copies;
    uint8_t *copy_at; /* room in the last segment */
    size_t copy_left;
    uint64_t n_seen; /* packets of its batches, kept or not */
    uint32_t input;
    bool
        numbered; /* packets know their number in the chunk, in place of a written length. Set by the owner of
                      an empty chunk */
    uint64_t number_base; /* of the packets of the input before it; set when the chunk's turn comes */
    struct cm_sort_event *events, **last_event;
    _Atomic uint32_t references; /* the window's, and one for each group that copies from it */
    struct cm_chunk *next;       /* in free lists */
};

struct cm_sort_event *cm_sort_event_create(uint32_t input,
                                           const struct cm_event *event); /* NULL: no memory */
void cm_sort_events_free(struct cm_sort_event *list);

/* A free list of chunks; any thread. */
struct cm_chunk_pool {
    struct cm_mutex lock;
    struct cm_chunk *free_list;
    struct cm_segment_pool *copies;
};
bool cm_chunk_pool_init(struct cm_chunk_pool *pool); /* false: no memory */
void cm_chunk_pool_fini(struct cm_chunk_pool *pool);
struct cm_chunk *cm_chunk_acquire(struct cm_chunk_pool *pool); /* one reference; NULL: no memory */
void cm_chunk_release(struct cm_chunk_pool *pool, struct cm_chunk *chunk);

/* Append the selected packets of a batch, its events, and references to its segments, or copies. `encoder` is
 * not asked where packets are numbered, and may be NULL then. */
enum capmill_status cm_chunk_append(struct cm_chunk *chunk, struct cm_chunk_pool *pool,
                                    const struct cm_batch *batch, const struct cm_encoder *encoder,
                                    struct cm_error *error);

/* Copy entries [from, to) to `out`, with their numbers in the input where they have them. */
void cm_chunk_copy_entries(const struct cm_chunk *chunk, size_t from, size_t to,
                           struct cm_ordered_packet *out);

/* Where a chunk's few packets hold on to much larger segments, copy them together and let the segments go:
 * thousands of small inputs must not keep a block each. */
enum capmill_status cm_chunk_compact(struct cm_chunk *chunk, struct cm_error *error);

#endif

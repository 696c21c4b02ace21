/* SPDX-License-Identifier: Apache-2.0 */
/* Segments in pools and single ones: where their memory comes from and goes to. Not for filling them
 * (source/). */
#include "core/segment.h"

#include <assert.h>
#include <stdlib.h>

#include "base/checked.h"
#include "os/memory.h"
#include "os/thread.h"

/* One mapping holds the whole segment: this header, the headroom, and from a page boundary on (reads past the
 * page cache want it) the bytes. */
#define PAGE_BYTES 4096

#if defined(__SANITIZE_ADDRESS__)
#define CM_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CM_ADDRESS_SANITIZER 1
#endif
#endif

/* Mapped memory has no red zones of its own: tell the sanitizer which bytes nobody may touch, so that a use
 * after the last release, or past the end, stops a test as it would with malloc. */
#ifdef CM_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#define RED_ZONE_BYTES 64
static void forbid(const void *memory, size_t n_bytes)
{
    ASAN_POISON_MEMORY_REGION(memory, n_bytes);
}
static void allow(const void *memory, size_t n_bytes)
{
    ASAN_UNPOISON_MEMORY_REGION(memory, n_bytes);
}
#else
#define RED_ZONE_BYTES 0
static void forbid(const void *memory, size_t n_bytes)
{
    (void)memory;
    (void)n_bytes;
}
static void allow(const void *memory, size_t n_bytes)
{
    (void)memory;
    (void)n_bytes;
}
#endif

struct mapped_segment {
    struct cm_segment segment;
    size_t mapped_bytes;
    size_t capacity_bytes;
};

struct cm_segment_pool {
    struct cm_mutex lock; /* guards `free` and `n_free` */
    struct cm_segment *free;
    size_t n_free;
    size_t headroom_bytes;
    size_t n_bytes;
    _Atomic size_t n_segments; /* that exist; not under the lock */
};

static struct mapped_segment *map_segment(size_t headroom_bytes, size_t n_bytes)
{
    struct mapped_segment *mapped;
    size_t front;
    size_t whole;

    if (__builtin_add_overflow(headroom_bytes, sizeof(*mapped) + PAGE_BYTES - 1, &front))
        return NULL;
    front &= ~(size_t)(PAGE_BYTES - 1);
    if (__builtin_add_overflow(front, n_bytes, &whole) ||
        __builtin_add_overflow(whole, RED_ZONE_BYTES, &whole))
        return NULL;
    mapped = cm_memory_map(whole);
    if (mapped == NULL)
        return NULL;
    mapped->mapped_bytes = whole;
    mapped->capacity_bytes = n_bytes;
    mapped->segment.bytes = (uint8_t *)mapped + front;
    mapped->segment.headroom_bytes = headroom_bytes;
    forbid(mapped + 1, whole - sizeof(*mapped));
    return mapped;
}

static void unmap_segment(struct mapped_segment *mapped)
{
    size_t whole = mapped->mapped_bytes;

    allow(mapped, whole); /* the addresses may come back as somebody else's memory */
    cm_memory_unmap(mapped, whole);
}

static void hand_out(struct mapped_segment *mapped)
{
    struct cm_segment *segment = &mapped->segment;

    allow(segment->bytes - segment->headroom_bytes, segment->headroom_bytes + mapped->capacity_bytes);
    segment->n_bytes = 0;
    segment->offset = 0;
    segment->next = NULL;
    /* relaxed: nobody else knows the segment yet; whatever hands it to another thread orders this as well */
    atomic_store_explicit(&segment->references, 1, memory_order_relaxed);
}

static void take_back(struct cm_segment *segment)
{
    struct mapped_segment *mapped = (struct mapped_segment *)segment;
    struct cm_segment_pool *pool = segment->owner;

    forbid(segment->bytes - segment->headroom_bytes, segment->headroom_bytes + mapped->capacity_bytes);
    cm_mutex_lock(&pool->lock);
    segment->next = pool->free;
    pool->free = segment;
    pool->n_free++;
    cm_mutex_unlock(&pool->lock);
}

static void free_single(struct cm_segment *segment)
{
    unmap_segment((struct mapped_segment *)segment);
}

struct cm_segment_pool *cm_segment_pool_create(size_t headroom_bytes, size_t n_bytes)
{
    struct cm_segment_pool *pool = calloc(1, sizeof(*pool));

    if (pool == NULL)
        return NULL;
    cm_mutex_init(&pool->lock);
    pool->headroom_bytes = headroom_bytes;
    pool->n_bytes = n_bytes;
    return pool;
}

void cm_segment_pool_destroy(struct cm_segment_pool *pool)
{
    struct cm_segment *segment;

    if (pool == NULL)
        return;
    assert(pool->n_free == atomic_load_explicit(&pool->n_segments, memory_order_relaxed));
    while ((segment = pool->free) != NULL) {
        pool->free = segment->next;
        unmap_segment((struct mapped_segment *)segment);
    }
    cm_mutex_fini(&pool->lock);
    free(pool);
}

struct cm_segment *cm_segment_pool_acquire(struct cm_segment_pool *pool)
{
    struct mapped_segment *mapped;

    /* A lock is enough: it is taken once per some hundreds of KiB, which cost a hundred times as much to
     * fill. */
    cm_mutex_lock(&pool->lock);
    mapped = (struct mapped_segment *)pool->free;
    if (mapped != NULL) {
        pool->free = mapped->segment.next;
        pool->n_free--;
    }
    cm_mutex_unlock(&pool->lock);

    if (mapped == NULL) {
        mapped = map_segment(pool->headroom_bytes, pool->n_bytes);
        if (mapped == NULL)
            return NULL;
        mapped->segment.release = take_back;
        mapped->segment.owner = pool;
        /* relaxed: a count for reports and for destroy, which by contract comes after every other use */
        atomic_fetch_add_explicit(&pool->n_segments, 1, memory_order_relaxed);
    }
    hand_out(mapped);
    return &mapped->segment;
}

size_t cm_segment_pool_count(const struct cm_segment_pool *pool)
{
    return atomic_load_explicit(&pool->n_segments, memory_order_relaxed);
}

struct cm_segment *cm_segment_create(size_t headroom_bytes, size_t n_bytes)
{
    struct mapped_segment *mapped = map_segment(headroom_bytes, n_bytes);

    if (mapped == NULL)
        return NULL;
    mapped->segment.release = free_single;
    hand_out(mapped);
    return &mapped->segment;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Several reads of one file in flight, yielded in order: for cold files and disks that want a queue. */
#include "source/source.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "os/memory.h"
#include "os/thread.h"

/* Registered segments beyond the reads in flight: what the consumers may hold before unregistered memory is
 * used. */
#define REGISTERED_SLACK 8u

struct slot { /* one read: in flight, or done and waiting for its turn */
    struct cm_segment *segment;
    uint64_t offset;
    size_t wanted;
    size_t n_read;
    int system_code;
    bool done;
};

/* Outlives the source while segments of it are out: they hold a reference. */
struct arena {
    _Atomic uint32_t references;
    struct cm_mutex lock; /* guards `free_list` */
    struct cm_segment *free_list;
    struct cm_segment *segments;
    uint8_t *memory;
    size_t memory_bytes;
};

struct aio_source {
    struct cm_source base;
    struct cm_aio *aio;
    struct arena *arena;
    struct cm_segment_pool *pool;
    struct cm_file *file;
    size_t block_bytes;
    unsigned depth;
    uint64_t size;
    uint64_t next_read; /* offset of the next read to submit */
    uint64_t n_submitted;
    uint64_t n_yielded;
    struct slot *slots; /* depth of them; read number i uses slot i % depth */
};

static void arena_release(struct arena *arena)
{
    /* acquire-release: the last one out sees every segment's last use before the memory goes */
    if (atomic_fetch_sub_explicit(&arena->references, 1, memory_order_acq_rel) != 1)
        return;
    cm_memory_unmap(arena->memory, arena->memory_bytes);
    cm_mutex_fini(&arena->lock);
    free(arena->segments);
    free(arena);
}

static void release_segment(struct cm_segment *segment)
{
    struct arena *arena = segment->owner;

    cm_mutex_lock(&arena->lock);
    segment->next = arena->free_list;
    arena->free_list = segment;
    cm_mutex_unlock(&arena->lock);
    arena_release(arena);
}

static struct arena *arena_create(unsigned n_segments, size_t block_bytes)
{
    size_t stride = CM_SOURCE_HEADROOM_BYTES + block_bytes;
    struct arena *arena = calloc(1, sizeof(*arena));

    if (arena == NULL)
        return NULL;
    atomic_init(&arena->references, 1);
    cm_mutex_init(&arena->lock);
    arena->memory_bytes = stride * n_segments;
    arena->memory = cm_memory_map(arena->memory_bytes);
    arena->segments = calloc(n_segments, sizeof(*arena->segments));
    if (arena->memory == NULL || arena->segments == NULL) {
        arena_release(arena);
        return NULL;
    }
    for (unsigned i = 0; i < n_segments; i++) {
        struct cm_segment *segment = &arena->segments[i];

        segment->bytes = arena->memory + i * stride + CM_SOURCE_HEADROOM_BYTES;
        segment->headroom_bytes = CM_SOURCE_HEADROOM_BYTES;
        segment->release = release_segment;
        segment->owner = arena;
        segment->next = arena->free_list;
        arena->free_list = segment;
    }
    return arena;
}

/* A registered segment while there is one, else one of the pool: consumers that hold on to many must not stop
 * us. */
static struct cm_segment *take_segment(struct aio_source *source)
{
    struct arena *arena = source->arena;
    struct cm_segment *segment;

    cm_mutex_lock(&arena->lock);
    segment = arena->free_list;
    if (segment != NULL)
        arena->free_list = segment->next;
    cm_mutex_unlock(&arena->lock);
    if (segment == NULL)
        return cm_segment_pool_acquire(source->pool);
    /* relaxed: our own reference keeps the arena alive while we add one */
    atomic_fetch_add_explicit(&arena->references, 1, memory_order_relaxed);
    atomic_store_explicit(&segment->references, 1, memory_order_relaxed);
    segment->n_bytes = 0;
    segment->next = NULL;
    return segment;
}

static enum capmill_status submit_more(struct aio_source *source, struct cm_error *error)
{
    while (source->next_read < source->size && source->n_submitted - source->n_yielded < source->depth) {
        struct slot *slot = &source->slots[source->n_submitted % source->depth];
        struct cm_segment *segment = take_segment(source);
        size_t wanted = (size_t)cm_min_u64(source->block_bytes, source->size - source->next_read);
        enum capmill_status status;

        if (segment == NULL)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0,
                                "no memory for a block of %zu bytes to read %s into", source->block_bytes,
                                cm_file_path(source->file));
        *slot = (struct slot){.segment = segment, .offset = source->next_read, .wanted = wanted};
        /* always whole blocks: a direct read wants an aligned length, and the file's end shortens the last
         * one */
        status = cm_aio_read(source->aio, source->file, slot->offset, segment->bytes, source->block_bytes,
                             source->n_submitted, error);
        if (status != CAPMILL_OK) {
            cm_segment_release(segment);
            slot->segment = NULL;
            return status == CAPMILL_AGAIN ? CAPMILL_OK : status;
        }
        source->n_submitted++;
        source->next_read += wanted;
    }
    return CAPMILL_OK;
}

static enum capmill_status next(struct cm_source *base, struct cm_segment **segment_ret,
                                struct cm_error *error)
{
    struct aio_source *source = (struct aio_source *)base;
    struct cm_aio_done done[16];
    struct slot *slot;
    enum capmill_status status = submit_more(source, error);

    if (status < 0)
        return status;
    if (source->n_yielded == source->n_submitted)
        return CAPMILL_END;
    slot = &source->slots[source->n_yielded % source->depth];
    while (!slot->done) {
        size_t n = cm_aio_wait(source->aio, done, CM_ARRAY_COUNT(done));

        if (n == 0)
            return cm_error_set(error, CAPMILL_E_INTERNAL, 0, "a read of %s got lost",
                                cm_file_path(source->file));
        for (size_t i = 0; i < n; i++) {
            struct slot *finished = &source->slots[done[i].tag % source->depth];

            finished->done = true;
            finished->n_read = done[i].n_bytes;
            finished->system_code = done[i].system_code;
        }
    }
    if (slot->system_code != 0)
        return cm_error_set(error, CAPMILL_E_IO, slot->system_code,
                            "cannot read %s at offset %" PRIu64 ": system error %d",
                            cm_file_path(source->file), slot->offset, slot->system_code);
    if (slot->n_read < slot->wanted)
        return cm_error_set(error, CAPMILL_E_CHANGED, 0,
                            "%s shrank while it was read: it had %" PRIu64 " bytes and now ends at %" PRIu64
                            "; run again when nobody writes to it",
                            cm_file_path(source->file), source->size, slot->offset + slot->n_read);
    *segment_ret = slot->segment;
    (*segment_ret)->n_bytes = slot->wanted;
    (*segment_ret)->offset = slot->offset;
    slot->segment = NULL;
    source->n_yielded++;
    return CAPMILL_OK;
}

static void close_aio(struct cm_source *base)
{
    struct aio_source *source = (struct aio_source *)base;

    cm_aio_close(source->aio); /* waits: from here on nobody writes into the segments */
    for (unsigned i = 0; source->slots != NULL && i < source->depth; i++) {
        if (source->slots[i].segment != NULL)
            cm_segment_release(source->slots[i].segment);
    }
    free(source->slots);
    if (source->arena != NULL)
        arena_release(source->arena);
    free(source);
}

enum capmill_status cm_aio_source_create(enum cm_aio_engine engine, unsigned depth,
                                         struct cm_segment_pool *pool, size_t block_bytes,
                                         struct cm_file *file, uint64_t size, struct cm_source **source_ret,
                                         struct cm_error *error)
{
    struct aio_source *source = calloc(1, sizeof(*source));
    enum capmill_status status;

    if (source == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to read %s", cm_file_path(file));
    source->base = (struct cm_source){.name = "aio", .next = next, .close = close_aio};
    source->pool = pool;
    source->file = file;
    source->block_bytes = block_bytes;
    source->depth = depth;
    source->size = size;
    source->slots = calloc(depth, sizeof(*source->slots));
    source->arena = arena_create(depth + REGISTERED_SLACK, block_bytes);
    if (source->slots == NULL || source->arena == NULL) {
        close_aio(&source->base);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for %u reads of %zu bytes in flight",
                            depth, block_bytes);
    }
    status =
        cm_aio_open(engine, depth, source->arena->memory, source->arena->memory_bytes, &source->aio, error);
    if (status < 0) {
        close_aio(&source->base);
        return status;
    }
    *source_ret = &source->base;
    return CAPMILL_OK;
}

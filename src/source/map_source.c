/* SPDX-License-Identifier: Apache-2.0 */
/* Segments that point into a mapped file: nothing is copied, the page faults are the price (`--io mmap`). What is
 * mapped counts as resident until the run ends, as large as the file is. */
#include "source/source.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"

/* What is handed out was brought into the cache as a stream just before. Framing follows the length in one record
 * to the next, which no CPU foresees: it waits for memory at each record where nobody was there before. 256 KiB
 * stay in a second-level cache until they were gone over; 64 to 1024 KiB measure alike where that holds 2 MiB. */
#define BLOCK_BYTES (256u * 1024)
/* Of a cache. Where lines are longer, each is asked for twice; where they are shorter, every other is waited for. */
#define LINE_BYTES 64u

struct map_source {
    struct cm_source base;
    const struct cm_file_map *map;
    const uint8_t *bytes;
    const char *path;
    size_t block_bytes;
    uint64_t offset;
    uint64_t end;
    uint64_t size;
};

/* Loads, as a prefetch does nothing for a page that is not mapped yet. */
static void bring_in(const uint8_t *bytes, size_t n)
{
    const volatile uint8_t *at = bytes;

    for (size_t i = 0; i < n; i += LINE_BYTES)
        (void)at[i];
}

static void release(struct cm_segment *segment)
{
    free(segment);
}

static enum capmill_status next(struct cm_source *source, struct cm_segment **segment_ret,
                                struct cm_error *error)
{
    struct map_source *mapped = (struct map_source *)source;
    struct cm_segment *segment;
    uint64_t wanted = mapped->block_bytes;

    /* a page of a file that shrank reads as zeros: say so before anybody believes them */
    if (cm_file_map_broken(mapped->map))
        return cm_error_set(error, CAPMILL_E_CHANGED, 0,
                            "%s shrank while it was read: it had %" PRIu64
                            " bytes; run again when nobody writes to it",
                            mapped->path, mapped->size);
    if (mapped->offset == mapped->size)
        return CAPMILL_END;
    if (mapped->offset < mapped->end && mapped->offset + wanted >= mapped->end)
        wanted = mapped->end - mapped->offset + CM_SOURCE_OVERREAD_BYTES;
    wanted = cm_min_u64(wanted, mapped->size - mapped->offset);

    segment = calloc(1, sizeof(*segment));
    if (segment == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a segment of %s", mapped->path);
    /* No headroom: nobody writes to a mapping. The framer sees that what is left of the segment before lies
     * right in front. */
    segment->bytes = (uint8_t *)(uintptr_t)(mapped->bytes + mapped->offset);
    segment->n_bytes = (size_t)wanted;
    segment->offset = mapped->offset;
    segment->release = release;
    atomic_init(&segment->references, 1);
    mapped->offset += wanted;
    bring_in(segment->bytes, segment->n_bytes);
    *segment_ret = segment;
    return CAPMILL_OK;
}

static void close_map(struct cm_source *source)
{
    free(source);
}

struct cm_source *cm_map_source_create(size_t block_bytes)
{
    struct map_source *mapped = calloc(1, sizeof(*mapped));

    if (mapped == NULL)
        return NULL;
    mapped->base = (struct cm_source){.name = "mmap", .next = next, .close = close_map};
    mapped->block_bytes = (size_t)cm_min_u64(block_bytes, BLOCK_BYTES);
    return &mapped->base;
}

void cm_map_source_start(struct cm_source *source, const struct cm_file_map *map, const uint8_t *bytes,
                         uint64_t begin, uint64_t end, uint64_t size, const char *path)
{
    struct map_source *mapped = (struct map_source *)source;

    mapped->map = map;
    mapped->bytes = bytes;
    mapped->path = path;
    mapped->offset = cm_min_u64(begin, size);
    mapped->end = cm_min_u64(end, size);
    mapped->size = size;
}

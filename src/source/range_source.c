/* SPDX-License-Identifier: Apache-2.0 */
/* Positioned reads of claimed ranges into small reused blocks. Not for cold disks: one read at a time
 * (aio_source.c). */
#include "source/source.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"

/* Past the end of the range reads are as small as this: enough to finish a record that the over-read did
 * not. */
#define EXTENSION_BYTES (64u * 1024)

struct range_source {
    struct cm_source base; /* first: the contract's handle is a pointer to it */
    struct cm_segment_pool *pool;
    size_t block_bytes;
    struct cm_file *file;
    uint64_t offset;
    uint64_t end;
    uint64_t size;
};

static enum capmill_status next(struct cm_source *source, struct cm_segment **segment_ret,
                                struct cm_error *error)
{
    struct range_source *range = (struct range_source *)source;
    struct cm_segment *segment;
    uint64_t left = range->size - range->offset;
    size_t wanted;
    size_t n_read = 0;
    enum capmill_status status;

    if (left == 0)
        return CAPMILL_END;
    if (range->offset + range->block_bytes < range->end)
        wanted = range->block_bytes;
    else if (range->offset < range->end)
        wanted = (size_t)(range->end - range->offset) + CM_SOURCE_OVERREAD_BYTES;
    else
        wanted = (size_t)cm_min_u64(EXTENSION_BYTES, range->block_bytes);
    wanted = (size_t)cm_min_u64(wanted, left);

    segment = cm_segment_pool_acquire(range->pool);
    if (segment == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a block of %zu bytes to read %s into",
                            range->block_bytes, cm_file_path(range->file));
    status = cm_file_read_at(range->file, range->offset, segment->bytes, wanted, &n_read, error);
    if (status < 0) {
        cm_segment_release(segment);
        return status;
    }
    if (n_read < wanted) {
        cm_segment_release(segment);
        return cm_error_set(error, CAPMILL_E_CHANGED, 0,
                            "%s shrank while it was read: it had %" PRIu64 " bytes and now ends at %" PRIu64
                            "; run again when nobody writes to it",
                            cm_file_path(range->file), range->size, range->offset + n_read);
    }
    segment->n_bytes = n_read;
    segment->offset = range->offset;
    range->offset += n_read;
    *segment_ret = segment;
    return CAPMILL_OK;
}

static void close_range(struct cm_source *source)
{
    free(source);
}

struct cm_source *cm_range_source_create(struct cm_segment_pool *pool, size_t block_bytes)
{
    struct range_source *range = calloc(1, sizeof(*range));

    if (range == NULL)
        return NULL;
    range->base = (struct cm_source){.name = "read", .next = next, .close = close_range};
    range->pool = pool;
    range->block_bytes = block_bytes;
    return &range->base;
}

void cm_range_source_start(struct cm_source *source, struct cm_file *file, uint64_t begin, uint64_t end,
                           uint64_t size)
{
    struct range_source *range = (struct range_source *)source;

    range->file = file;
    range->offset = cm_min_u64(begin, size);
    range->end = cm_min_u64(end, size);
    range->size = size;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Plain reads in order from a pipe, a device or a file. Blocks are filled before they go on, however slowly
 * the pipe is written; only the last may be short. Not for live input, whose readers want the first bytes at
 * once. */
#include "source/source.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

struct stream_source {
    struct cm_source base;
    struct cm_segment_pool *pool;
    size_t block_bytes;
    struct cm_file *file;
    struct cm_segment *first;
    const _Atomic int *stop;
    uint64_t offset;
};

/* How often an empty pipe lets us look whether to stop. */
#define LOOK_NS UINT64_C(100000000)

static bool stopped(const struct stream_source *stream)
{
    return stream->stop != NULL && atomic_load_explicit(stream->stop, memory_order_relaxed) != 0;
}

static enum capmill_status next(struct cm_source *source, struct cm_segment **segment_ret,
                                struct cm_error *error)
{
    struct stream_source *stream = (struct stream_source *)source;
    struct cm_segment *segment;
    size_t n_read = 0;
    enum capmill_status status;

    if (stream->first != NULL) {
        *segment_ret = stream->first;
        stream->first = NULL;
        return CAPMILL_OK;
    }
    segment = cm_segment_pool_acquire(stream->pool);
    if (segment == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a block of %zu bytes to read %s into",
                            stream->block_bytes, cm_file_path(stream->file));
    /* A pipe gives at most its own size, often 64 KiB: fill the block from several reads, so that what
     * follows works on blocks of a useful size. A reader of a live pipe would rather have the first bytes at
     * once; live input has a source of its own. */
    status = CAPMILL_OK;
    while (segment->n_bytes < stream->block_bytes) {
        while (!cm_file_wait_readable(stream->file, LOOK_NS)) {
            if (stopped(stream)) {
                cm_segment_release(segment);
                return cm_error_set(error, CAPMILL_E_INTERRUPTED, 0, "stopped on request");
            }
        }
        status = cm_file_read_some(stream->file, segment->bytes + segment->n_bytes,
                                   stream->block_bytes - segment->n_bytes, &n_read, error);
        if (status != CAPMILL_OK)
            break;
        segment->n_bytes += n_read;
    }
    if (status < 0 || segment->n_bytes == 0) {
        cm_segment_release(segment);
        return status;
    }
    segment->offset = stream->offset;
    stream->offset += segment->n_bytes;
    *segment_ret = segment;
    return CAPMILL_OK;
}

static void close_stream(struct cm_source *source)
{
    struct stream_source *stream = (struct stream_source *)source;

    if (stream->first != NULL)
        cm_segment_release(stream->first);
    free(stream);
}

struct cm_source *cm_stream_source_create(struct cm_segment_pool *pool, size_t block_bytes,
                                          struct cm_file *file, struct cm_segment *first,
                                          const _Atomic int *stop)
{
    struct stream_source *stream = calloc(1, sizeof(*stream));

    if (stream == NULL)
        return NULL;
    stream->base = (struct cm_source){.name = "stream", .next = next, .close = close_stream};
    stream->pool = pool;
    stream->block_bytes = block_bytes;
    stream->file = file;
    stream->first = first;
    stream->stop = stop;
    stream->offset = first == NULL ? 0 : first->offset + first->n_bytes;
    return &stream->base;
}

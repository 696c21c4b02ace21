/* SPDX-License-Identifier: Apache-2.0 */
/* The door of stage 1: bytes of one input, as segments in order of offset. Knows no capture format. Each
 * source is used by one thread at a time; the segments it yields may be released by any thread. */
#ifndef CM_SOURCE_SOURCE_H
#define CM_SOURCE_SOURCE_H

#include "core/stage.h"
#include "os/aio.h"
#include "os/file.h"

/* Headroom of every segment: the part of a record that began in the segment before. The greatest believed
 * packet is 256 KiB; with its record header and a page of slack every such record fits, longer ones are
 * assembled apart. A multiple of 4096 so that the bytes behind it are aligned for direct reads. */
#define CM_SOURCE_HEADROOM_BYTES (264u * 1024)

/* A range owner reads on past its end to finish the record that crosses it. 16 KiB finish any Ethernet frame,
 * jumbo frames included, in the same read; longer records cost another one. */
#define CM_SOURCE_OVERREAD_BYTES (16u * 1024)

/* Positioned reads by whoever claims ranges: for files in the page cache. `block_bytes` at a time, into
 * segments of `pool` (whose room must be at least block_bytes + CM_SOURCE_OVERREAD_BYTES). NULL: no
 * memory. */
struct cm_source *cm_range_source_create(struct cm_segment_pool *pool, size_t block_bytes);
/* Begin a range: next yields [begin, ...) in blocks up to `end` and a little further, then, as long as it is
 * asked, small blocks up to `size` (the file's size when the run began; a file found shorter is
 * CAPMILL_E_CHANGED). */
void cm_range_source_start(struct cm_source *source, struct cm_file *file, uint64_t begin, uint64_t end,
                           uint64_t size);

/* Plain reads in order, of pipes and everything else that has no places. `first` (may be NULL) is a segment
 * with bytes that were read before from the same file; the source takes the reference. While a pipe is empty,
 * *stop (may be NULL) is looked at some times a second: not zero is CAPMILL_E_INTERRUPTED. */
struct cm_source *cm_stream_source_create(struct cm_segment_pool *pool, size_t block_bytes,
                                          struct cm_file *file, struct cm_segment *first,
                                          const _Atomic int *stop);

/* Several reads in flight, in blocks of `block_bytes` (a multiple of 4096) up to `size`, yielded in order of
 * offset. While the consumers keep up, segments come from memory registered with the kernel; when they hold
 * on to all of it, from `pool` (room at least block_bytes). */
enum capmill_status cm_aio_source_create(enum cm_aio_engine engine, unsigned depth,
                                         struct cm_segment_pool *pool, size_t block_bytes,
                                         struct cm_file *file, uint64_t size, struct cm_source **source_ret,
                                         struct cm_error *error);

/* A mapped file, without copying: segments point into the mapping, which must outlive them, and are in the
 * cache when they are yielded, so they may be smaller than `block_bytes`. start as for ranges. */
struct cm_source *cm_map_source_create(size_t block_bytes);
void cm_map_source_start(struct cm_source *source, const struct cm_file_map *map, const uint8_t *bytes,
                         uint64_t begin, uint64_t end, uint64_t size, const char *path);

#endif

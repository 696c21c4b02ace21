/* SPDX-License-Identifier: Apache-2.0 */
/* Every source yields the bytes of its file, all of them, in order, at their offsets. */
#include "source/source.h"

#include "base/checked.h"
#include "os/thread.h"
#include "unit/os/temporary_folder.h"

#define POOL_ROOM(block_bytes) ((block_bytes) + CM_SOURCE_OVERREAD_BYTES)

/* Take all segments; answers the first status that is not CAPMILL_OK. *at is the offset to begin at and to
 * end at. */
static enum capmill_status take_all(struct cm_source *source, const unsigned char *expected, uint64_t *at,
                                    size_t most_bytes, struct cm_error *error)
{
    for (;;) {
        struct cm_segment *segment = NULL;
        enum capmill_status status = source->next(source, &segment, error);

        if (status != CAPMILL_OK)
            return status;
        cm_check_eq(segment->offset, *at);
        cm_check(segment->n_bytes > 0 && segment->n_bytes <= most_bytes);
        cm_check_mem(segment->bytes, expected + *at, segment->n_bytes);
        *at += segment->n_bytes;
        cm_segment_release(segment);
    }
}

static struct cm_file *open_made(struct temporary_folder *folder, const unsigned char *bytes, size_t n)
{
    struct cm_error error = {0};
    struct cm_file *file = NULL;

    temporary_write(temporary_path(folder, "bytes"), bytes, n);
    cm_check_that(cm_file_open_read(temporary_path(folder, "bytes"), 0, &file, &error) == CAPMILL_OK, "%s",
                  error.text);
    return file;
}

static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 65536, 200000, 262144};

CM_TEST(sources, ranges_and_mappings_from_any_begin_to_the_end_of_the_file)
{
    for (size_t s = 0; s < CM_ARRAY_COUNT(sizes); s++) {
        size_t size = sizes[s];
        struct temporary_folder folder;
        unsigned char *bytes = temporary_pattern(size);
        struct cm_segment_pool *pool = cm_segment_pool_create(CM_SOURCE_HEADROOM_BYTES, POOL_ROOM(4096));
        struct cm_source *range = cm_range_source_create(pool, 4096);
        struct cm_source *map = cm_map_source_create(4096);
        struct cm_error error = {0};
        struct cm_file_map *mapping = NULL;
        const uint8_t *mapped = NULL;
        struct cm_file *file;
        size_t n_mapped;

        temporary_open(&folder);
        file = open_made(&folder, bytes, size);
        if (size > 0)
            cm_check_eq(cm_file_map_open(file, &mapped, &n_mapped, &mapping, &error), CAPMILL_OK);
        for (uint64_t begin = 0; begin <= size; begin += size / 3 + 1) {
            for (uint64_t end = begin; end <= size + 10000; end += size / 5 + 777) {
                uint64_t at = begin;

                cm_range_source_start(range, file, begin, end, size);
                cm_check_eq(take_all(range, bytes, &at, POOL_ROOM(4096), &error), CAPMILL_END);
                cm_check_eq(at, size);
                if (mapping == NULL)
                    continue;
                at = begin;
                cm_map_source_start(map, mapping, mapped, begin, end, size, "bytes");
                cm_check_eq(take_all(map, bytes, &at, POOL_ROOM(4096), &error), CAPMILL_END);
                cm_check_eq(at, size);
            }
        }
        range->close(range);
        map->close(map);
        cm_file_map_close(mapping);
        cm_file_close(file);
        cm_segment_pool_destroy(pool);
        temporary_close(&folder);
        free(bytes);
    }
}

/* The block that reaches the end of a range brings what finishes an everyday record along. */
CM_TEST(sources, the_end_of_a_range_is_read_over)
{
    struct temporary_folder folder;
    unsigned char *bytes = temporary_pattern(300000);
    struct cm_segment_pool *pool = cm_segment_pool_create(CM_SOURCE_HEADROOM_BYTES, POOL_ROOM(65536));
    struct cm_source *range = cm_range_source_create(pool, 65536);
    struct cm_segment *segment;
    struct cm_error error = {0};
    struct cm_file *file;

    temporary_open(&folder);
    file = open_made(&folder, bytes, 300000);
    cm_range_source_start(range, file, 100, 100100, 300000);
    cm_check_eq(range->next(range, &segment, &error), CAPMILL_OK);
    cm_check_eq(segment->n_bytes, 65536);
    cm_check_eq(segment->headroom_bytes, CM_SOURCE_HEADROOM_BYTES);
    cm_segment_release(segment);
    cm_check_eq(range->next(range, &segment, &error), CAPMILL_OK);
    cm_check_eq(segment->offset + segment->n_bytes, 100100 + CM_SOURCE_OVERREAD_BYTES);
    cm_segment_release(segment);
    range->close(range);
    cm_file_close(file);
    cm_segment_pool_destroy(pool);
    temporary_close(&folder);
    free(bytes);
}

static struct cm_source *open_aio(enum cm_aio_engine engine, unsigned depth, struct cm_segment_pool *pool,
                                  struct cm_file *file, uint64_t size)
{
    struct cm_source *source = NULL;
    struct cm_error error = {0};

    cm_check_that(cm_aio_source_create(engine, depth, pool, 4096, file, size, &source, &error) == CAPMILL_OK,
                  "%s", error.text);
    return source;
}

static const enum cm_aio_engine engines[] = {CM_AIO_URING, CM_AIO_IOCP, CM_AIO_THREADS};

/* A file that is shorter than it was when the run began is told by name, by every way of reading. */
CM_TEST(sources, a_file_that_shrank)
{
    struct temporary_folder folder;
    unsigned char *bytes = temporary_pattern(200000);
    struct cm_segment_pool *pool = cm_segment_pool_create(CM_SOURCE_HEADROOM_BYTES, POOL_ROOM(4096));
    struct cm_file *file;

    temporary_open(&folder);
    file = open_made(&folder, bytes, 100000);
    for (size_t way = 0; way <= CM_ARRAY_COUNT(engines); way++) {
        for (uint64_t size = 100001; size < 200000; size += 33333) {
            struct cm_error error = {0};
            struct cm_source *source;
            uint64_t at = 0;

            if (way < CM_ARRAY_COUNT(engines)) {
                if (!cm_aio_available(engines[way]))
                    continue;
                source = open_aio(engines[way], 5, pool, file, size);
            } else {
                source = cm_range_source_create(pool, 4096);
                cm_range_source_start(source, file, 0, size, size);
            }
            cm_check_eq(take_all(source, bytes, &at, POOL_ROOM(4096), &error), CAPMILL_E_CHANGED);
            cm_check(at <= 100000 && strstr(error.text, "100000") != NULL);
            source->close(source);
        }
    }
    cm_file_close(file);
    cm_segment_pool_destroy(pool);
    temporary_close(&folder);
    free(bytes);
}

struct releaser {
    struct cm_segment *segments[100];
    size_t n;
    const unsigned char *bytes;
    struct cm_thread *thread;
};

static void release_all(void *context)
{
    struct releaser *releaser = context;

    for (size_t i = 0; i < releaser->n; i++) {
        cm_check_mem(releaser->segments[i]->bytes, releaser->bytes + releaser->segments[i]->offset,
                     releaser->segments[i]->n_bytes);
        cm_segment_release(releaser->segments[i]);
    }
}

/* With `hold` all segments are kept until the source is closed, then given back by other threads: more than
 * are registered. */
static void read_by_aio(enum cm_aio_engine engine, size_t size, unsigned depth, bool hold)
{
    struct temporary_folder folder;
    unsigned char *bytes = temporary_pattern(size);
    struct cm_segment_pool *pool = cm_segment_pool_create(CM_SOURCE_HEADROOM_BYTES, POOL_ROOM(4096));
    struct releaser releasers[2] = {{.bytes = bytes}, {.bytes = bytes}};
    struct cm_error error = {0};
    struct cm_source *source;
    struct cm_file *file;
    uint64_t at = 0;

    temporary_open(&folder);
    file = open_made(&folder, bytes, size);
    source = open_aio(engine, depth, pool, file, size);
    if (!hold) {
        cm_check_eq(take_all(source, bytes, &at, 4096, &error), CAPMILL_END);
    } else {
        struct cm_segment *segment;

        for (size_t i = 0; source->next(source, &segment, &error) == CAPMILL_OK; i++) {
            cm_check_eq(segment->offset, at);
            at += segment->n_bytes;
            releasers[i % 2].segments[releasers[i % 2].n++] = segment;
        }
    }
    cm_check_eq(at, size);
    source->close(source);
    cm_file_close(file);
    for (unsigned i = 0; i < 2; i++)
        cm_check_eq(cm_thread_start("releaser", release_all, &releasers[i], &releasers[i].thread, &error),
                    CAPMILL_OK);
    for (unsigned i = 0; i < 2; i++)
        cm_thread_join(releasers[i].thread);
    cm_segment_pool_destroy(pool);
    temporary_close(&folder);
    free(bytes);
}

CM_TEST(sources, reads_in_flight)
{
    for (size_t e = 0; e < CM_ARRAY_COUNT(engines); e++) {
        if (!cm_aio_available(engines[e]))
            continue;
        for (size_t s = 0; s < CM_ARRAY_COUNT(sizes); s++) {
            read_by_aio(engines[e], sizes[s], 1, false);
            read_by_aio(engines[e], sizes[s], 16, false);
            read_by_aio(engines[e], sizes[s], 3, true);
        }
    }
}

/* Closed amid its reads: what is in flight comes back before the memory goes. */
CM_TEST(sources, reads_in_flight_are_waited_for)
{
    struct temporary_folder folder;
    unsigned char *bytes = temporary_pattern(262144);
    struct cm_segment_pool *pool = cm_segment_pool_create(CM_SOURCE_HEADROOM_BYTES, POOL_ROOM(4096));
    struct cm_file *file;

    temporary_open(&folder);
    file = open_made(&folder, bytes, 262144);
    for (size_t e = 0; e < CM_ARRAY_COUNT(engines); e++) {
        for (unsigned n = 0; n < 20 && cm_aio_available(engines[e]); n++) {
            struct cm_source *source = open_aio(engines[e], 8, pool, file, 262144);
            struct cm_segment *segment = NULL;
            struct cm_error error = {0};

            for (unsigned i = 0; i < n; i++) {
                if (segment != NULL)
                    cm_segment_release(segment);
                cm_check_eq(source->next(source, &segment, &error), CAPMILL_OK);
            }
            source->close(source);
            if (segment != NULL) {
                cm_check_mem(segment->bytes, bytes + segment->offset, segment->n_bytes);
                cm_segment_release(segment);
            }
        }
    }
    cm_file_close(file);
    cm_segment_pool_destroy(pool);
    temporary_close(&folder);
    free(bytes);
}

/* Plain reads, with bytes that were read before. */
CM_TEST(sources, streams_go_on_behind_the_first_bytes)
{
    for (size_t s = 0; s < CM_ARRAY_COUNT(sizes); s++) {
        struct temporary_folder folder;
        unsigned char *bytes = temporary_pattern(sizes[s]);
        struct cm_segment_pool *pool = cm_segment_pool_create(CM_SOURCE_HEADROOM_BYTES, POOL_ROOM(4096));
        struct cm_segment *first = NULL;
        struct cm_error error = {0};
        struct cm_source *look, *source;
        struct cm_file *file;
        uint64_t at = 0;
        enum capmill_status status;

        temporary_open(&folder);
        file = open_made(&folder, bytes, sizes[s]);
        look = cm_stream_source_create(pool, 1000, file, NULL, NULL);
        status = look->next(look, &first, &error);
        cm_check_eq(status, sizes[s] == 0 ? CAPMILL_END : CAPMILL_OK);
        look->close(look);
        source = cm_stream_source_create(pool, 4096, file, first, NULL);
        cm_check_eq(take_all(source, bytes, &at, 4096, &error), CAPMILL_END);
        cm_check_eq(at, sizes[s]);
        source->close(source);
        cm_file_close(file);
        cm_segment_pool_destroy(pool);
        temporary_close(&folder);
        free(bytes);
    }
}

#ifdef CAPMILL_TESTS_HAVE_FIFO
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct feeder {
    char path[1024];
    const unsigned char *bytes;
    size_t n;
    struct cm_thread *thread;
};

static void feed_slowly(void *context)
{
    struct feeder *feeder = context;
    int fd = open(feeder->path, O_WRONLY | O_CLOEXEC);

    cm_check(fd >= 0);
    for (size_t at = 0, step = 1; at < feeder->n; at += step, step = step * 2 + 1) {
        if (step > feeder->n - at)
            step = feeder->n - at;
        cm_check_eq(write(fd, feeder->bytes + at, step), step);
        usleep(2000);
    }
    close(fd);
}

CM_TEST(sources, a_pipe_that_is_fed_slowly)
{
    struct temporary_folder folder;
    unsigned char *bytes = temporary_pattern(100000);
    struct cm_segment_pool *pool = cm_segment_pool_create(CM_SOURCE_HEADROOM_BYTES, POOL_ROOM(30000));
    struct feeder feeder = {.bytes = bytes, .n = 100000};
    struct cm_error error = {0};
    struct cm_source *source;
    struct cm_file *file;
    uint64_t at = 0;

    temporary_open(&folder);
    snprintf(feeder.path, sizeof(feeder.path), "%s", temporary_path(&folder, "pipe"));
    cm_check_eq(mkfifo(feeder.path, 0600), 0);
    cm_check_eq(cm_thread_start("feeder", feed_slowly, &feeder, &feeder.thread, &error), CAPMILL_OK);
    cm_check_eq(cm_file_open_read(feeder.path, 0, &file, &error), CAPMILL_OK);
    source = cm_stream_source_create(pool, 30000, file, NULL, NULL);
    cm_check_eq(take_all(source, bytes, &at, 30000, &error), CAPMILL_END);
    cm_check_eq(at, 100000);
    source->close(source);
    cm_file_close(file);
    cm_thread_join(feeder.thread);
    cm_segment_pool_destroy(pool);
    cm_path_remove(feeder.path, NULL);
    temporary_close(&folder);
    free(bytes);
}

static void stop_soon(void *context)
{
    usleep(50000);
    atomic_store((_Atomic int *)context, 1);
}

/* Whether nothing came at all, or half a block. */
CM_TEST(sources, a_stop_interrupts_an_empty_pipe)
{
    for (unsigned n_before = 0; n_before < 2; n_before++) {
        struct temporary_folder folder;
        struct cm_segment_pool *pool = cm_segment_pool_create(CM_SOURCE_HEADROOM_BYTES, POOL_ROOM(4096));
        struct cm_thread *thread;
        struct cm_segment *segment = NULL;
        struct cm_error error = {0};
        struct cm_source *source;
        struct cm_file *file;
        _Atomic int stop = 0;
        char path[1024];
        int fd;

        temporary_open(&folder);
        snprintf(path, sizeof(path), "%s", temporary_path(&folder, "pipe"));
        cm_check_eq(mkfifo(path, 0600), 0);
        fd = open(path, O_RDWR | O_CLOEXEC); /* a writer that writes nothing more */
        cm_check(fd >= 0);
        cm_check_eq(write(fd, "half", 4 * n_before), 4 * n_before);
        cm_check_eq(cm_file_open_read(path, 0, &file, &error), CAPMILL_OK);
        source = cm_stream_source_create(pool, 4096, file, NULL, &stop);
        cm_check_eq(cm_thread_start("stopper", stop_soon, &stop, &thread, &error), CAPMILL_OK);
        cm_check_eq(source->next(source, &segment, &error), CAPMILL_E_INTERRUPTED);
        cm_thread_join(thread);
        source->close(source);
        cm_file_close(file);
        close(fd);
        cm_segment_pool_destroy(pool);
        cm_path_remove(path, NULL);
        temporary_close(&folder);
    }
}
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Reads in flight through every engine that this system has: the same bytes, short ends, full queues,
 * failures. */
#include "unit/os/temporary_folder.h"

#include "os/aio.h"
#include "os/memory.h"
#include "os/thread.h"

enum { depth = 24, block_bytes = 16384, n_blocks = 200, tail_bytes = 777 };
static const size_t file_bytes = (size_t)n_blocks * block_bytes + tail_bytes;

static const enum cm_aio_engine engines[] = {CM_AIO_URING, CM_AIO_IOCP, CM_AIO_THREADS};

/* Read the whole file with `depth` reads in flight and compare. */
static void read_whole(enum cm_aio_engine engine, struct cm_file *file, const unsigned char *bytes,
                       bool registered)
{
    unsigned char *buffers = cm_memory_map((size_t)depth * block_bytes);
    struct cm_aio_done done[5];
    struct cm_aio *aio;
    struct cm_error error = {0};
    unsigned idle[depth], n_idle = depth, in_flight = 0;
    size_t next = 0, n_read = 0;
    bool full_seen = false;

    cm_check(buffers != NULL);
    cm_check_that(cm_aio_open(engine, depth, registered ? buffers : NULL,
                              registered ? (size_t)depth * block_bytes : 0, &aio, &error) == CAPMILL_OK,
                  "%s", error.text);
    for (unsigned i = 0; i < depth; i++)
        idle[i] = i;
    cm_check_eq(cm_aio_wait(aio, done, 5), 0);
    while (next < file_bytes || in_flight > 0) {
        while (next < file_bytes && n_idle > 0) {
            unsigned block = idle[--n_idle];

            cm_check_eq(cm_aio_read(aio, file, next, buffers + (size_t)block * block_bytes, block_bytes,
                                    (uint64_t)next << 8 | block, &error),
                        CAPMILL_OK);
            next += block_bytes;
            in_flight++;
        }
        if (in_flight == depth) {
            cm_check_eq(cm_aio_read(aio, file, 0, buffers, 1, 0, &error), CAPMILL_AGAIN);
            full_seen = true;
        }
        size_t n = cm_aio_wait(aio, done, 5);
        cm_check(n > 0 && n <= 5 && n <= in_flight);
        for (size_t i = 0; i < n; i++) {
            unsigned block = done[i].tag & 0xff;
            size_t at = (size_t)(done[i].tag >> 8);

            cm_check_eq(done[i].system_code, 0);
            cm_check_eq(done[i].n_bytes, file_bytes - at < block_bytes ? file_bytes - at : block_bytes);
            cm_check_mem(buffers + (size_t)block * block_bytes, bytes + at, done[i].n_bytes);
            n_read += done[i].n_bytes;
            idle[n_idle++] = block;
            in_flight--;
        }
    }
    cm_check_eq(n_read, file_bytes);
    cm_check(full_seen);
    cm_check_eq(cm_aio_wait(aio, done, 5), 0);

    /* Behind the end: nothing, and no failure. */
    cm_check_eq(cm_aio_read(aio, file, (file_bytes + 65536) & ~(size_t)4095, buffers, block_bytes, 42, NULL),
                CAPMILL_OK);
    cm_check_eq(cm_aio_wait(aio, done, 5), 1);
    cm_check(done[0].tag == 42 && done[0].n_bytes == 0 && done[0].system_code == 0);

    /* Closed with reads in flight: it waits for them. */
    for (unsigned i = 0; i < depth; i++)
        cm_check_eq(cm_aio_read(aio, file, 0, buffers + (size_t)i * block_bytes, block_bytes, i, NULL),
                    CAPMILL_OK);
    cm_aio_close(aio);
    for (unsigned i = 0; i < depth; i++)
        cm_check_mem(buffers + (size_t)i * block_bytes, bytes, block_bytes);
    cm_memory_unmap(buffers, (size_t)depth * block_bytes);
}

CM_TEST(aio, threads_are_always_there_and_each_system_has_its_own)
{
    cm_check(cm_aio_available(CM_AIO_THREADS));
    cm_check(!(cm_aio_available(CM_AIO_URING) && cm_aio_available(CM_AIO_IOCP)));
#ifdef _WIN32
    cm_check(cm_aio_available(CM_AIO_IOCP));
#endif
}

CM_TEST(aio, absent_engine_is_refused_in_a_sentence)
{
    struct cm_aio *aio = (struct cm_aio *)1;
    struct cm_error error = {0};
    enum cm_aio_engine absent = cm_aio_available(CM_AIO_IOCP) ? CM_AIO_URING : CM_AIO_IOCP;

    cm_check_eq(cm_aio_open(absent, 4, NULL, 0, &aio, &error), CAPMILL_E_UNSUPPORTED);
    cm_check(aio == NULL);
    cm_check(error.text[0] != 0);
}

CM_TEST(aio, every_engine_reads_the_same_bytes)
{
    struct temporary_folder folder;
    unsigned char *bytes = temporary_pattern(file_bytes);

    temporary_open(&folder);
    temporary_write(temporary_path(&folder, "a"), bytes, file_bytes);
    for (size_t i = 0; i < 3; i++) {
        for (unsigned flags = 0; flags <= CM_FILE_DIRECT; flags += CM_FILE_DIRECT) {
            struct cm_file *file;

            if (!cm_aio_available(engines[i]))
                continue;
            cm_check_eq(cm_file_open_read(temporary_path(&folder, "a"), flags, &file, NULL), CAPMILL_OK);
            read_whole(engines[i], file, bytes, false);
            read_whole(engines[i], file, bytes, true);
            cm_file_close(file);
        }
    }
    temporary_close(&folder);
    free(bytes);
}

/* More files than a queue has slots, opened and closed in turn at addresses that are used again. */
CM_TEST(aio, many_files_in_turn_are_not_mixed_up)
{
    struct temporary_folder folder;
    char name[16];

    temporary_open(&folder);
    for (unsigned i = 0; i < 12; i++) {
        snprintf(name, sizeof(name), "file %02u", i);
        temporary_write(temporary_path(&folder, name), name, 7);
    }
    for (size_t e = 0; e < 3; e++) {
        struct cm_aio *aio;

        if (!cm_aio_available(engines[e]))
            continue;
        cm_check_eq(cm_aio_open(engines[e], 2, NULL, 0, &aio, NULL), CAPMILL_OK);
        for (unsigned i = 0; i < 36; i++) {
            struct cm_aio_done done;
            struct cm_file *file;
            char got[64] = "";

            snprintf(name, sizeof(name), "file %02u", i % 12);
            cm_check_eq(cm_file_open_read(temporary_path(&folder, name), 0, &file, NULL), CAPMILL_OK);
            cm_check_eq(cm_aio_read(aio, file, 0, got, sizeof(got), i, NULL), CAPMILL_OK);
            cm_check_eq(cm_aio_wait(aio, &done, 1), 1);
            cm_check_eq(done.n_bytes, 7);
            cm_check_str(got, name);
            cm_file_close(file);
        }
        cm_aio_close(aio);
    }
    cm_aio_close(NULL);
    temporary_close(&folder);
}

/* Two queues on one file at once, each by its own thread. */
struct reader {
    enum cm_aio_engine engine;
    struct cm_file *file;
    const unsigned char *bytes;
    _Atomic int n_wrong;
};

static void read_in_thread(void *context)
{
    struct reader *reader = context;
    unsigned char *got = malloc(block_bytes);
    struct cm_aio_done done;
    struct cm_aio *aio;

    if (cm_aio_open(reader->engine, 4, NULL, 0, &aio, NULL) != CAPMILL_OK) {
        reader->n_wrong = 1;
        free(got);
        return;
    }
    for (size_t i = 0; i < n_blocks; i++) {
        size_t at = i * block_bytes;

        if (cm_aio_read(aio, reader->file, at, got, block_bytes, at, NULL) != CAPMILL_OK ||
            cm_aio_wait(aio, &done, 1) != 1 || done.tag != at || done.n_bytes != block_bytes ||
            memcmp(got, reader->bytes + at, block_bytes) != 0)
            reader->n_wrong++;
    }
    cm_aio_close(aio);
    free(got);
}

CM_TEST(aio, several_queues_share_a_file)
{
    struct temporary_folder folder;
    unsigned char *bytes = temporary_pattern(file_bytes);
    struct cm_file *file;

    temporary_open(&folder);
    temporary_write(temporary_path(&folder, "a"), bytes, file_bytes);
    cm_check_eq(cm_file_open_read(temporary_path(&folder, "a"), 0, &file, NULL), CAPMILL_OK);
    for (size_t e = 0; e < 3; e++) {
        struct reader readers[3] = {{0}};
        struct cm_thread *threads[3];

        if (!cm_aio_available(engines[e]))
            continue;
        for (int i = 0; i < 3; i++) {
            readers[i].engine = engines[e];
            readers[i].file = file;
            readers[i].bytes = bytes;
            cm_check_eq(cm_thread_start("reader", read_in_thread, &readers[i], &threads[i], NULL),
                        CAPMILL_OK);
        }
        for (int i = 0; i < 3; i++) {
            cm_thread_join(threads[i]);
            cm_check_eq(readers[i].n_wrong, 0);
        }
    }
    cm_file_close(file);
    temporary_close(&folder);
    free(bytes);
}

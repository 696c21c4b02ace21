/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces that are put in any order by several threads come out of a pipe in order; failures and giving up
 * reach whoever waits. On systems with FIFOs; the same through the outlet. */
#include "sink/reunite.h"

#include "sink/file_outlet.h"
#include "unit/os/temporary_folder.h"
#include "unit/pipeline/fifo.h"

static struct cm_file *open_device(const char *path)
{
    struct cm_file *file = NULL;
    struct cm_error error = {0};

    cm_check_that(cm_file_open_device(path, &file, &error) == CAPMILL_OK, "%s", error.text);
    return file;
}

static struct cm_reunite *create(struct cm_file *file)
{
    struct cm_reunite *reunite = NULL;
    struct cm_error error = {0};

    cm_check_that(cm_reunite_create(file, &reunite, &error) == CAPMILL_OK, "%s", error.text);
    return reunite;
}

static void begin(struct temporary_folder *folder, struct fifo *fifo)
{
    temporary_open(folder);
    memset(fifo, 0, sizeof(*fifo));
    snprintf(fifo->path, sizeof(fifo->path), "%s/fifo", folder->path);
    fifo->limit = SIZE_MAX;
}

CM_TEST(reunite, pieces_come_out_in_the_order_of_their_places)
{
    struct temporary_folder folder;
    struct fifo fifo;
    struct cm_reunite *reunite;
    struct cm_file *file;
    struct cm_error error = {0};

    begin(&folder, &fifo);
    fifo_open(&fifo, fifo_take_main);
    file = open_device(fifo.path);
    reunite = create(file);
    cm_check_eq(cm_reunite_put(reunite, 6, "ghi", 3, &error), CAPMILL_OK);
    cm_check_eq(cm_reunite_put(reunite, 3, "def", 3, &error), CAPMILL_OK);
    cm_check_eq(cm_reunite_put(reunite, 0, "abc", 3, &error), CAPMILL_OK);
    cm_check_eq(cm_reunite_put(reunite, 9, "j", 1, &error), CAPMILL_OK);
    cm_check_eq(cm_reunite_finish(reunite, &error), CAPMILL_OK);
    cm_reunite_destroy(reunite);
    cm_file_close(file);
    fifo_close(&fifo);
    cm_check_eq(fifo.n_taken, 10);
    cm_check_mem(fifo.taken, "abcdefghij", 10);
    free(fifo.taken);
    cm_reunite_destroy(NULL);
    temporary_close(&folder);
}

/* --- several writers, more bytes than may lie ahead --- */

#define N_PIECES    3000u
#define PIECE_BYTES 40000u /* 120 MB: the writers have to wait for the reader */

struct writers {
    struct cm_reunite *reunite;
    _Atomic uint32_t next;
    _Atomic int status; /* the last failure */
};

static void write_pieces(void *context)
{
    struct writers *writers = context;
    uint32_t *piece = malloc(PIECE_BYTES);

    for (;;) {
        uint32_t i = atomic_fetch_add(&writers->next, 1);
        struct cm_error error = {0};
        uint32_t place;

        if (i >= N_PIECES || piece == NULL)
            break;
        place = i ^ 1; /* neighbours the wrong way round */
        for (size_t k = 0; k < PIECE_BYTES / 4; k++)
            piece[k] = place;
        if (cm_reunite_put(writers->reunite, (uint64_t)place * PIECE_BYTES, piece, PIECE_BYTES, &error) < 0) {
            atomic_store(&writers->status, (int)error.status);
            break;
        }
    }
    free(piece);
}

static void start_writers(struct writers *writers, struct cm_thread *threads[3])
{
    struct cm_error error = {0};

    for (int i = 0; i < 3; i++)
        cm_check_eq(cm_thread_start("writer", write_pieces, writers, &threads[i], &error), CAPMILL_OK);
}

CM_TEST(reunite, writers_that_are_ahead_wait)
{
    struct temporary_folder folder;
    struct fifo fifo;
    struct writers writers = {0};
    struct cm_thread *threads[3];
    struct cm_file *file;
    struct cm_error error = {0};
    const uint32_t *words;

    begin(&folder, &fifo);
    fifo_open(&fifo, fifo_take_main);
    file = open_device(fifo.path);
    writers.reunite = create(file);
    start_writers(&writers, threads);
    for (int i = 0; i < 3; i++)
        cm_thread_join(threads[i]);
    cm_check_eq(cm_reunite_finish(writers.reunite, &error), CAPMILL_OK);
    cm_check_eq(atomic_load(&writers.status), 0);
    cm_reunite_destroy(writers.reunite);
    cm_file_close(file);
    fifo_close(&fifo);
    cm_check_eq(fifo.n_taken, (size_t)N_PIECES * PIECE_BYTES);
    words = (const uint32_t *)(const void *)fifo.taken;
    for (size_t i = 0; i < fifo.n_taken / 4; i++)
        cm_check_that(words[i] == i / (PIECE_BYTES / 4), "word %zu is of piece %u", i, words[i]);
    free(fifo.taken);
    temporary_close(&folder);
}

CM_TEST(reunite, giving_up_wakes_whoever_waits)
{
    struct temporary_folder folder;
    struct fifo fifo;
    struct writers writers = {0};
    struct cm_thread *threads[3];
    struct cm_file *file;
    struct cm_error error = {0};

    begin(&folder, &fifo);
    fifo_open(&fifo, fifo_take_main);
    file = open_device(fifo.path);
    writers.reunite = create(file);
    /* the first bytes never come: all the others wait for them */
    atomic_store(&writers.next, 2);
    start_writers(&writers, threads);
    poll(NULL, 0, 50);
    cm_check_eq(atomic_load(&writers.status), 0);
    cm_reunite_abort(writers.reunite);
    for (int i = 0; i < 3; i++)
        cm_thread_join(threads[i]);
    cm_check_eq(atomic_load(&writers.status), CAPMILL_E_INTERRUPTED);
    cm_check_eq(cm_reunite_put(writers.reunite, 0, "x", 1, &error), CAPMILL_E_INTERRUPTED);
    cm_check_eq(cm_reunite_finish(writers.reunite, &error), CAPMILL_E_INTERRUPTED);
    cm_reunite_destroy(writers.reunite);
    cm_file_close(file);
    fifo_close(&fifo);
    cm_check_eq(fifo.n_taken, 0);
    free(fifo.taken);
    temporary_close(&folder);
}

CM_TEST(reunite, a_closed_pipe_reaches_the_writers)
{
    struct temporary_folder folder;
    struct fifo fifo;
    struct writers writers = {0};
    struct cm_thread *threads[3];
    struct cm_file *file;
    struct cm_error error = {0};

    begin(&folder, &fifo);
    fifo.limit = 100000;
    fifo_open(&fifo, fifo_take_main);
    file = open_device(fifo.path);
    writers.reunite = create(file);
    start_writers(&writers, threads);
    for (int i = 0; i < 3; i++)
        cm_thread_join(threads[i]);
    cm_check_eq(atomic_load(&writers.status), CAPMILL_E_CLOSED);
    cm_check_eq(cm_reunite_finish(writers.reunite, &error), CAPMILL_E_CLOSED);
    cm_reunite_destroy(writers.reunite);
    cm_file_close(file);
    fifo_close(&fifo);
    free(fifo.taken);
    temporary_close(&folder);
}

/* --- the outlet in front of a stream --- */

static enum capmill_status header(void *context, const uint8_t **bytes_ret, size_t *n_ret,
                                  struct cm_error *error)
{
    (void)context;
    (void)error;
    *bytes_ret = (const uint8_t *)"HEAD";
    *n_ret = 4;
    return CAPMILL_OK;
}

CM_TEST(reunite, an_outlet_writes_a_stream_in_order)
{
    for (unsigned n_threads = 1; n_threads <= 2; n_threads++) {
        struct temporary_folder folder;
        struct fifo fifo;
        struct cm_file_outlet_options options = {.header = header, .n_threads = n_threads};
        struct cm_file_outlet *outlet;
        struct cm_outlet table;
        struct cm_place places[2];
        const char *const *paths;
        struct cm_error error = {0};

        begin(&folder, &fifo);
        fifo_open(&fifo, fifo_take_main);
        options.path = fifo.path;
        cm_check_that(cm_file_outlet_create(&options, &outlet, &error) == CAPMILL_OK, "%s", error.text);
        cm_check(cm_file_outlet_is_stream(outlet));
        table = cm_file_outlet_table(outlet);
        for (int i = 0; i < 2; i++)
            cm_check_eq(table.reserve(table.context, 0, 3, &places[i], &error), CAPMILL_OK);
        /* one thread alone writes in order: there is nobody to wait for */
        for (int i = 0; i < 2; i++) {
            int k = n_threads == 1 ? i : 1 - i;

            cm_check_eq(table.write(table.context, &places[k], k == 0 ? "abc" : "def", 3, &error),
                        CAPMILL_OK);
        }
        cm_check_that(cm_file_outlet_commit(outlet, &error) == CAPMILL_OK, "%s", error.text);
        cm_check_eq(cm_file_outlet_bytes(outlet), 10);
        cm_check_eq(cm_file_outlet_paths(outlet, &paths), 1);
        cm_check_str(paths[0], fifo.path);
        cm_file_outlet_destroy(outlet);
        fifo_close(&fifo);
        cm_check_eq(fifo.n_taken, 10);
        cm_check_mem(fifo.taken, "HEADabcdef", 10);
        free(fifo.taken);
        temporary_close(&folder);
    }
}

CM_TEST(reunite, an_outlet_without_packets_writes_its_header_and_a_full_device_says_so)
{
    static const char *const devices[] = {"/dev/null", "/dev/full"};

    for (unsigned i = 0; i < 4; i++) {
        struct cm_file_outlet_options options = {
            .path = devices[i / 2], .header = header, .n_threads = 1 + i % 2};
        struct cm_file_outlet *outlet;
        struct cm_error error = {0};

        if (access(options.path, W_OK) != 0)
            continue;
        cm_check_eq(cm_file_outlet_create(&options, &outlet, &error), CAPMILL_OK);
        cm_check_eq(cm_file_outlet_commit(outlet, &error), i / 2 == 0 ? CAPMILL_OK : CAPMILL_E_NO_SPACE);
        cm_file_outlet_destroy(outlet);
    }
}

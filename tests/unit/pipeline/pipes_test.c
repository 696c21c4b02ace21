/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes as inputs and outputs, and files that change while they are read: the same bytes, or a clear failure
 * and no output. */
#include <fcntl.h>

#include "unit/pipeline/fifo.h"
#include "unit/pipeline/made_captures.h"

static const unsigned thread_counts[] = {1, 2, 3, 8};
#define N_THREAD_COUNTS (sizeof(thread_counts) / sizeof(thread_counts[0]))

struct bench { /* what every test here needs */
    struct temporary_folder folder;
    struct made made, expected, actual;
    char in[1024], out[1024];
    const char *inputs[1];
    struct capmill_output output;
    struct capmill_job job;
    struct ran ran;
};

static void begin(struct bench *bench)
{
    memset(bench, 0, sizeof(*bench));
    temporary_open(&bench->folder);
    snprintf(bench->in, sizeof(bench->in), "%s/in.pcap", bench->folder.path);
    snprintf(bench->out, sizeof(bench->out), "%s/out.pcap", bench->folder.path);
    bench->inputs[0] = bench->in;
    bench->output.path = bench->out;
    sort_job(&bench->job, bench->inputs, 1, &bench->output);
    made_pcap(&bench->made, 1);
}

static void end(struct bench *bench)
{
    made_free(&bench->made);
    made_free(&bench->expected);
    made_free(&bench->actual);
    temporary_close(&bench->folder);
}

static void make_displaced(struct made *made, size_t n_bytes, uint32_t packet_bytes)
{
    for (uint32_t i = 0; made->n < n_bytes; i++)
        made_record(made, START_S * 1000000 + (i ^ 5), packet_bytes + i % 7, i);
}

static void add_late(struct made *made)
{
    for (uint32_t i = 0; i < 3; i++)
        made_record(made, (START_S - 1000) * 1000000 - i, 60, 1000000 + i);
}

CM_TEST(pipes, a_fifo_is_sorted_and_summed_up_as_a_file_is)
{
    struct bench bench;
    struct fifo fifo = {.limit = SIZE_MAX};
    size_t n;

    begin(&bench);
    make_displaced(&bench.made, 9u << 20, 700);
    n = model_sort(&bench.made, 1, &bench.expected);
    memcpy(fifo.path, bench.in, sizeof(fifo.path));
    fifo.bytes = bench.made.bytes;
    fifo.n = bench.made.n;
    for (size_t i = 0; i < N_THREAD_COUNTS; i++) {
        struct capmill_job info;

        bench.job.n_threads = thread_counts[i];
        fifo_open(&fifo, fifo_feed_main);
        ran_job(&bench.job, &bench.ran, NULL, NULL);
        fifo_close(&fifo);
        cm_check_that(bench.ran.status == CAPMILL_OK, "%s", bench.ran.text);
        file_read(bench.out, &bench.actual);
        check_same_bytes(&bench.actual, &bench.expected, "from a FIFO");
        cm_check_eq(bench.ran.report.bytes_read, bench.made.n);
        cm_check_eq(bench.ran.report.packets_written, n);

        capmill_job_init(&info, CAPMILL_STATS);
        info.inputs = bench.inputs;
        info.n_inputs = 1;
        info.n_threads = thread_counts[i];
        fifo_open(&fifo, fifo_feed_main);
        ran_job(&info, &bench.ran, NULL, NULL);
        fifo_close(&fifo);
        cm_check_that(bench.ran.status == CAPMILL_OK, "%s", bench.ran.text);
        cm_check_eq(bench.ran.report.bytes_read, bench.made.n);
        cm_check_eq(bench.ran.report.packets_read, n);
    }
    end(&bench);
}

static void keep_total(struct capmill_run *run, void *context)
{
    cm_check(capmill_run_total(run) != NULL);
    *(uint64_t *)context = capmill_run_total(run)->file_bytes;
}

CM_TEST(pipes, the_bytes_of_a_fifo_are_in_the_total)
{
    struct bench bench;
    struct fifo fifo = {.limit = SIZE_MAX};
    char file[1024];
    const char *inputs[2] = {file, bench.in};

    begin(&bench);
    make_displaced(&bench.made, 1u << 20, 700);
    snprintf(file, sizeof(file), "%s/file.pcap", bench.folder.path);
    temporary_write(file, bench.made.bytes, bench.made.n);
    memcpy(fifo.path, bench.in, sizeof(fifo.path));
    fifo.bytes = bench.made.bytes;
    fifo.n = bench.made.n;
    for (int command = CAPMILL_INFO; command <= CAPMILL_STATS; command++) {
        struct capmill_job job;
        uint64_t total_bytes = 0;

        capmill_job_init(&job, (enum capmill_command)command);
        job.inputs = inputs;
        job.n_inputs = 2;
        fifo_open(&fifo, fifo_feed_main);
        ran_job(&job, &bench.ran, keep_total, &total_bytes);
        fifo_close(&fifo);
        cm_check_that(bench.ran.status == CAPMILL_OK, "%s", bench.ran.text);
        cm_check_eq(total_bytes, 2 * bench.made.n);
        cm_check_eq(bench.ran.report.bytes_read, 2 * bench.made.n);
    }
    end(&bench);
}

/* Among many inputs files are closed between the look at them and their turn; a stream must not be. */
CM_TEST(pipes, a_fifo_among_many_inputs_loses_nothing)
{
    struct bench bench;
    struct fifo fifo = {.limit = SIZE_MAX};
    char files[70][1024];
    const char *inputs[70];
    size_t n;

    begin(&bench);
    make_displaced(&bench.made, 1u << 20, 700);
    n = model_sort(&bench.made, 1, &bench.expected);
    bench.actual.n = 0;
    made_pcap(&bench.actual, 1);
    for (size_t i = 0; i < 70; i++) {
        snprintf(files[i], sizeof(files[i]), "%s/file%zu.pcap", bench.folder.path, i);
        inputs[i] = files[i];
        if (i != 3)
            temporary_write(files[i], bench.actual.bytes, bench.actual.n);
    }
    memcpy(fifo.path, files[3], sizeof(fifo.path));
    fifo.bytes = bench.made.bytes;
    fifo.n = bench.made.n;
    bench.job.inputs = inputs;
    bench.job.n_inputs = 70;
    fifo_open(&fifo, fifo_feed_main);
    ran_job(&bench.job, &bench.ran, NULL, NULL);
    fifo_close(&fifo);
    cm_check_that(bench.ran.status == CAPMILL_OK, "%s", bench.ran.text);
    cm_check_eq(bench.ran.report.packets_written, n);
    file_read(bench.out, &bench.actual);
    check_same_bytes(&bench.actual, &bench.expected, "a FIFO among many");
    end(&bench);
}

CM_TEST(pipes, an_empty_fifo_is_no_capture)
{
    struct bench bench;
    struct fifo fifo = {.limit = SIZE_MAX};

    begin(&bench);
    memcpy(fifo.path, bench.in, sizeof(fifo.path));
    fifo_open(&fifo, fifo_feed_main);
    ran_job(&bench.job, &bench.ran, NULL, NULL);
    fifo_close(&fifo);
    cm_check_eq(bench.ran.status, CAPMILL_E_FORMAT);
    cm_check(!file_is_there(bench.out));
    end(&bench);
}

CM_TEST(pipes, a_fifo_that_would_need_more_memory_fails_and_says_so)
{
    struct bench bench;
    struct fifo fifo = {.limit = SIZE_MAX};

    begin(&bench);
    for (uint32_t i = 0; bench.made.n < 44u << 20; i++)
        made_record(&bench.made, START_S * 1000000 + i, 60000, i);
    add_late(&bench.made);
    memcpy(fifo.path, bench.in, sizeof(fifo.path));
    fifo.bytes = bench.made.bytes;
    fifo.n = bench.made.n;
    for (unsigned n_threads = 1; n_threads <= 3; n_threads += 2) {
        bench.job.memory_bytes = 16u << 20;
        bench.job.n_threads = n_threads;
        fifo_open(&fifo, fifo_feed_main);
        ran_job(&bench.job, &bench.ran, NULL, NULL);
        fifo_close(&fifo);
        cm_check_eq(bench.ran.status, CAPMILL_E_UNSUPPORTED);
        cm_check_that(strstr(bench.ran.text, "--memory") != NULL, "%s", bench.ran.text);
        cm_check_eq(temporary_count(&bench.folder), 0);
    }
    end(&bench);
}

/* What was written cannot be taken back: neither a late packet nor a disproved seam may find part of it
 * gone. */
CM_TEST(pipes, late_packets_do_not_spoil_a_fifo)
{
    struct bench bench;
    struct fifo fifo = {.limit = SIZE_MAX};

    begin(&bench);
    for (uint32_t i = 0; bench.made.n < 44u << 20; i++)
        made_record(&bench.made, START_S * 1000000 + i, 60000, i);
    add_late(&bench.made);
    model_sort(&bench.made, 1, &bench.expected);
    temporary_write(bench.in, bench.made.bytes, bench.made.n);
    memcpy(fifo.path, bench.out, sizeof(fifo.path));
    for (unsigned n_threads = 1; n_threads <= 3; n_threads += 2) {
        struct made taken;

        bench.job.memory_bytes = 16u << 20;
        bench.job.n_threads = n_threads;
        fifo_open(&fifo, fifo_take_main);
        ran_job(&bench.job, &bench.ran, NULL, NULL);
        fifo_close(&fifo);
        cm_check_that(bench.ran.status == CAPMILL_OK, "%s", bench.ran.text);
        taken = (struct made){fifo.taken, fifo.n_taken, fifo.n_taken};
        check_same_bytes(&taken, &bench.expected, "into a FIFO");
        free(fifo.taken);
    }
    end(&bench);
}

CM_TEST(pipes, a_reader_that_goes_away_ends_the_run)
{
    struct bench bench;
    struct fifo fifo = {.limit = 100000};

    begin(&bench);
    make_displaced(&bench.made, 9u << 20, 700);
    temporary_write(bench.in, bench.made.bytes, bench.made.n);
    memcpy(fifo.path, bench.out, sizeof(fifo.path));
    for (size_t i = 0; i < N_THREAD_COUNTS; i++) {
        bench.job.n_threads = thread_counts[i];
        fifo_open(&fifo, fifo_take_main);
        ran_job(&bench.job, &bench.ran, NULL, NULL);
        fifo_close(&fifo);
        cm_check_that(bench.ran.status == CAPMILL_E_CLOSED, "%d %s", bench.ran.status, bench.ran.text);
        free(fifo.taken);
    }
    end(&bench);
}

struct stopper {
    struct capmill_run *run;
};

static void stop_soon(void *context)
{
    struct stopper *stopper = context;

    poll(NULL, 0, 150);
    capmill_run_stop(stopper->run);
}

static void stop_at_a_standstill(struct bench *bench)
{
    struct stopper stopper;
    struct cm_thread *thread;
    struct cm_error error = {0};
    char text[256] = "";
    enum capmill_status status = capmill_run_create(&bench->job, &stopper.run, text, sizeof(text));

    cm_check_that(status == CAPMILL_OK, "%s", text);
    cm_check_eq(cm_thread_start("stopper", stop_soon, &stopper, &thread, &error), CAPMILL_OK);
    status = capmill_run_execute(stopper.run, text, sizeof(text));
    cm_thread_join(thread);
    capmill_run_destroy(stopper.run);
    cm_check_that(status == CAPMILL_E_INTERRUPTED, "%d %s", status, text);
}

CM_TEST(pipes, a_stop_ends_the_wait_for_input_and_for_a_reader)
{
    struct bench bench;
    struct fifo in = {.limit = SIZE_MAX, .stays_open = true};
    struct fifo out = {.limit = SIZE_MAX, .reads_nothing = true};

    begin(&bench);
    make_displaced(&bench.made, 5u << 20, 700);
    memcpy(in.path, bench.in, sizeof(in.path));
    memcpy(out.path, bench.out, sizeof(out.path));
    in.bytes = bench.made.bytes;
    in.n = bench.made.n;
    for (size_t i = 0; i < N_THREAD_COUNTS; i++) {
        bench.job.n_threads = thread_counts[i];
        fifo_open(&in, fifo_feed_main);
        stop_at_a_standstill(&bench);
        fifo_close(&in);
        cm_check_eq(temporary_count(&bench.folder), 0);

        temporary_write(bench.in, bench.made.bytes, bench.made.n);
        fifo_open(&out, fifo_take_main);
        stop_at_a_standstill(&bench);
        fifo_close(&out);
        free(out.taken);
        cm_path_remove(bench.in, NULL);
    }
    end(&bench);
}

CM_TEST(pipes, devices)
{
    struct bench bench;
    size_t n;

    begin(&bench);
    make_displaced(&bench.made, 1u << 20, 700);
    n = model_sort(&bench.made, 1, &bench.expected);
    temporary_write(bench.in, bench.made.bytes, bench.made.n);
    for (unsigned n_threads = 1; n_threads <= 3; n_threads += 2) {
        bench.job.n_threads = n_threads;
        bench.output.path = "/dev/null";
        ran_job(&bench.job, &bench.ran, NULL, NULL);
        cm_check_that(bench.ran.status == CAPMILL_OK, "%s", bench.ran.text);
        cm_check_eq(bench.ran.report.packets_written, n);
        cm_check_eq(bench.ran.report.bytes_written, bench.expected.n);
        bench.output.path = "/dev/full";
        if (access("/dev/full", W_OK) == 0) {
            ran_job(&bench.job, &bench.ran, NULL, NULL);
            cm_check_that(bench.ran.status == CAPMILL_E_NO_SPACE, "%d %s", bench.ran.status, bench.ran.text);
        }
        bench.output.path = "/dev/null";
        bench.job.slice_ns = 1000000000;
        ran_job(&bench.job, &bench.ran, NULL, NULL);
        cm_check_eq(bench.ran.status, CAPMILL_E_USAGE);
        bench.job.slice_ns = 0;
    }
    end(&bench);
}

/* --- files that change --- */

static enum capmill_status execute_after(struct bench *bench, off_t new_size)
{
    struct capmill_run *run;
    char text[256] = "";
    enum capmill_status status = capmill_run_create(&bench->job, &run, text, sizeof(text));

    cm_check_that(status == CAPMILL_OK, "%s", text);
    cm_check_eq(truncate(bench->in, new_size), 0);
    status = capmill_run_execute(run, text, sizeof(text));
    if (status == CAPMILL_E_CHANGED)
        cm_check_that(strstr(text, "shrank") != NULL && strstr(text, bench->in) != NULL, "%s", text);
    capmill_run_destroy(run);
    return status;
}

CM_TEST(pipes, a_file_that_shrank_is_told_and_one_that_grew_is_read_as_it_was)
{
    struct bench bench;

    begin(&bench);
    make_displaced(&bench.made, 9u << 20, 700);
    model_sort(&bench.made, 1, &bench.expected);
    for (size_t w = 0; w < N_WAYS; w++) {
        if (!way_is_there(&ways[w]))
            continue;
        bench.job.io = ways[w].io;
        bench.job.n_threads = ways[w].n_threads;
        temporary_write(bench.in, bench.made.bytes, bench.made.n);
        cm_check_eq(execute_after(&bench, 5 << 20), CAPMILL_E_CHANGED);
        cm_check_eq(temporary_count(&bench.folder), 1);
        temporary_write(bench.in, bench.made.bytes, bench.made.n);
        cm_check_eq(execute_after(&bench, (off_t)bench.made.n + 1000), CAPMILL_OK);
        file_read(bench.out, &bench.actual);
        check_same_bytes(&bench.actual, &bench.expected, "grown");
        cm_path_remove(bench.out, NULL);
    }
    end(&bench);
}

struct shrinker {
    const char *path;
    _Atomic bool go;
    unsigned after_us;
};

static void shrink(void *context)
{
    struct shrinker *shrinker = context;

    usleep(shrinker->after_us);
    (void)!truncate(shrinker->path, 1 << 20);
}

/* Whenever it happens: the whole, or a failure that leaves nothing. */
CM_TEST(pipes, a_file_that_shrinks_meanwhile_gives_all_or_nothing)
{
    struct bench bench;

    begin(&bench);
    make_displaced(&bench.made, 24u << 20, 700);
    model_sort(&bench.made, 1, &bench.expected);
    for (unsigned round = 0; round < 24; round++) {
        const struct way *way = &ways[round % N_WAYS];
        char what[64];
        struct shrinker shrinker = {.path = bench.in, .after_us = round * 2500};
        struct cm_thread *thread;
        struct cm_error error = {0};

        if (!way_is_there(way))
            continue;
        temporary_write(bench.in, bench.made.bytes, bench.made.n);
        bench.job.io = way->io;
        bench.job.n_threads = way->n_threads;
        cm_check_eq(cm_thread_start("shrinker", shrink, &shrinker, &thread, &error), CAPMILL_OK);
        ran_job(&bench.job, &bench.ran, NULL, NULL);
        cm_thread_join(thread);
        if (bench.ran.status == CAPMILL_OK && bench.ran.report.bytes_read == bench.made.n) {
            file_read(bench.out, &bench.actual);
            snprintf(what, sizeof(what), "shrunk meanwhile, way %u", round % (unsigned)N_WAYS);
            check_same_bytes(&bench.actual, &bench.expected, what);
        } else if (bench.ran.status == CAPMILL_OK) {
            /* it had shrunk before it was looked at: a capture that is cut */
            cm_check_eq(bench.ran.report.bytes_read, 1 << 20);
            cm_check_eq(bench.ran.report.n_damages, 1);
        } else {
            cm_check_that(bench.ran.status == CAPMILL_E_CHANGED, "%d %s", bench.ran.status, bench.ran.text);
            cm_check_eq(temporary_count(&bench.folder), 1);
        }
        cm_path_remove(bench.out, NULL);
    }
    end(&bench);
}

/* --- inputs that change between the two reads --- */

struct change {
    const char *path;
    size_t at;
    uint32_t word;
};

static void change_the_input(void *context, enum capmill_message_level level, const char *text)
{
    struct change *change = context;
    FILE *file = fopen(change->path, "r+b");

    (void)level;
    (void)text;
    cm_check(file != NULL);
    cm_check(fseek(file, (long)change->at, SEEK_SET) == 0);
    cm_check(fwrite(&change->word, sizeof(change->word), 1, file) == 1);
    fclose(file);
}

/* The message about the damage comes between the first read and the second. A simple packet block's length is
 * in its body: the place reserved for it is too small for what it says the second time. */
CM_TEST(pipes, a_packet_that_grows_between_two_reads_is_no_overrun)
{
    struct temporary_folder folder;
    struct made made = {0};
    struct change change = {0};
    char paths[2][1024];
    const char *inputs[2] = {paths[0], paths[1]};
    char out[1024];
    struct capmill_output output = {.path = out};
    struct capmill_job job;
    struct ran ran;
    size_t at;

    temporary_open(&folder);
    snprintf(out, sizeof(out), "%s/out.pcapng", folder.path);
    snprintf(paths[0], sizeof(paths[0]), "%s/a.pcapng", folder.path);
    snprintf(paths[1], sizeof(paths[1]), "%s/b.pcapng", folder.path);
    for (size_t k = 0; k < 2; k++) {
        made.n = 0;
        made_pcapng(&made);
        made_interface(&made, 1);
        made_packet(&made, 0, (START_S - k) * 1000000, 60, 1);
        at = made_block_begin(&made, 3);
        change.at = made.n;
        made_u32(&made, 4);
        made_add(&made, NULL, 200000);
        made_block_end(&made, at);
        /* damage that is remarked upon: the two lengths of a block differ */
        at = made.n;
        made_packet(&made, 0, (START_S - k) * 1000000, 60, 2);
        made.bytes[made.n - 4] ^= 4;
        made_packet(&made, 0, (START_S - k) * 1000000, 60, 3);
        made_packet(&made, 0, (START_S - k) * 1000000, 60, 4);
        temporary_write(paths[k], made.bytes, made.n);
    }
    change.path = paths[1];
    change.word = 200000;
    sort_job(&job, inputs, 2, &output);
    ran_job(&job, &ran, NULL, NULL);
    cm_check_that(ran.status == CAPMILL_OK, "%s", ran.text);
    cm_check_str(ran.report.method, "index");
    cm_check(ran.n_messages > 0);
    job.on_message = change_the_input;
    job.message_context = &change;
    ran_job(&job, &ran, NULL, NULL);
    cm_check_that(ran.status == CAPMILL_E_CHANGED, "%d %s", ran.status, ran.text);
    made_free(&made);
    temporary_close(&folder);
}

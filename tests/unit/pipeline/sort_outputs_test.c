/* SPDX-License-Identifier: Apache-2.0 */
/* What a sort leaves behind: slices that can each be read, the format that the inputs ask for, and nothing at
 * all where it failed, was strict or was stopped. */
#include "os/thread.h"
#include "unit/pipeline/made_captures.h"

/* --- slices --- */

struct walked {
    uint32_t n_interfaces, n_packets, n_statistics;
    uint64_t first_us, last_us;
};

/* A pcapng file in which every packet is of an interface described before it, in order of time. */
static void walk_pcapng(const struct made *file, struct walked *walked)
{
    memset(walked, 0, sizeof(*walked));
    for (size_t at = 0; at < file->n;) {
        uint32_t words[7] = {0};
        size_t left = file->n - at;

        memcpy(words, file->bytes + at, left < sizeof(words) ? left : sizeof(words));
        cm_check(words[1] >= 12 && words[1] <= left && words[1] % 4 == 0);
        cm_check(memcmp(file->bytes + at + words[1] - 4, &words[1], 4) == 0);
        cm_check((at == 0) == (words[0] == 0x0a0d0d0a));
        if (words[0] == 1) {
            walked->n_interfaces++;
        } else if (words[0] == 6) {
            uint64_t time_us = (uint64_t)words[3] << 32 | words[4];

            cm_check(words[2] < walked->n_interfaces);
            cm_check(time_us >= walked->last_us);
            if (walked->n_packets++ == 0)
                walked->first_us = time_us;
            walked->last_us = time_us;
        } else if (words[0] == 5) {
            cm_check(words[2] < walked->n_interfaces);
            walked->n_statistics++;
        }
        at += words[1];
    }
}

struct slices {
    uint32_t n_files, n_packets, n_statistics;
};

static void look_at_slices(struct capmill_run *run, void *context)
{
    const struct capmill_report *report = capmill_run_report(run);
    struct slices *slices = context;
    struct made file = {0};
    uint64_t before_us = 0;

    memset(slices, 0, sizeof(*slices));
    for (size_t i = 0; i < report->n_outputs; i++) {
        struct walked walked;

        file_read(report->outputs[i], &file);
        walk_pcapng(&file, &walked);
        cm_check(walked.n_packets > 0);
        cm_check(walked.first_us / 1000000 > before_us / 1000000);
        cm_check_eq(walked.first_us / 1000000, walked.last_us / 1000000);
        before_us = walked.last_us;
        slices->n_files++;
        slices->n_packets += walked.n_packets;
        slices->n_statistics += walked.n_statistics;
        cm_check(walked.n_statistics == 0 || i + 1 == report->n_outputs);
    }
    made_free(&file);
}

/* Two interfaces, the second described in mid-file, statistics behind everything, as dumpcap writes it. */
static void make_sliceable(struct made *made, uint32_t n, uint32_t packet_bytes, uint32_t n_seconds)
{
    made_pcapng(made);
    made_interface(made, 1);
    for (uint32_t i = 0; i < n; i++) {
        if (i == n / 2)
            made_interface(made, 101);
        /* neighbours are the wrong way round */
        made_packet(made, i >= n / 2 ? i % 2 : 0,
                    START_S * 1000000 + (uint64_t)(i ^ 1) * n_seconds * 1000000 / n, packet_bytes, i);
    }
    made_statistics(made, 0, START_S * 1000000);
    made_statistics(made, 1, START_S * 1000000);
}

static void slice_in_all_ways(uint32_t n, uint32_t packet_bytes, uint32_t n_seconds, bool twice)
{
    struct temporary_folder folder;
    struct made made = {0};
    char in[1024];
    char out[1024];
    const char *inputs[2] = {in, in};
    struct capmill_output output = {.path = out};

    temporary_open(&folder);
    snprintf(in, sizeof(in), "%s/in.pcapng", folder.path);
    snprintf(out, sizeof(out), "%s/out.pcapng", folder.path);
    make_sliceable(&made, n, packet_bytes, n_seconds);
    temporary_write(in, made.bytes, made.n);
    for (size_t w = 0; w < N_WAYS; w++) {
        struct capmill_job job;
        struct slices slices;
        struct ran ran;

        if (!way_is_there(&ways[w]))
            continue;
        sort_job(&job, inputs, twice ? 2 : 1, &output);
        job.slice_ns = 1000000000;
        job.io = ways[w].io;
        job.n_threads = ways[w].n_threads;
        job.force = w > 0;
        ran_job(&job, &ran, look_at_slices, &slices);
        cm_check_that(ran.status == CAPMILL_OK, "way %zu: %s", w, ran.text);
        cm_check_eq(slices.n_files, n_seconds);
        cm_check_eq(slices.n_packets, n * (twice ? 2 : 1));
        cm_check_eq(slices.n_statistics, twice ? 4 : 2);
        cm_check_eq(temporary_count(&folder), n_seconds + 1);
    }
    made_free(&made);
    temporary_close(&folder);
}

CM_TEST(sort_outputs, every_slice_of_a_pcapng_can_be_read)
{
    slice_in_all_ways(400, 60, 7, false);
}

CM_TEST(sort_outputs, slices_over_several_ranges)
{
    slice_in_all_ways(6000, 1500, 40, false);
}

CM_TEST(sort_outputs, slices_of_inputs_in_parallel)
{
    slice_in_all_ways(400, 60, 3, true);
}

CM_TEST(sort_outputs, thousands_of_slices)
{
    enum { N = 1500 };
    struct temporary_folder folder;
    struct made made = {0};
    const char *inputs[1];
    struct capmill_output output = {.path = NULL};
    struct capmill_job job;
    struct slices slices;
    struct ran ran;

    temporary_open(&folder);
    make_sliceable(&made, N, 60, N);
    inputs[0] = made_file(&folder, "in.pcapng", &made);
    output.path = folder.path; /* a folder: the slices have a name of their own */
    sort_job(&job, inputs, 1, &output);
    job.slice_ns = 1000000000;
    job.n_threads = 3;
    ran_job(&job, &ran, look_at_slices, &slices);
    cm_check_that(ran.status == CAPMILL_OK, "%s", ran.text);
    cm_check_eq(slices.n_files, N);
    cm_check_eq(slices.n_packets, N);
    made_free(&made);
    temporary_close(&folder);
}

/* --- formats --- */

CM_TEST(sort_outputs, mixed_link_types_need_pcapng)
{
    struct temporary_folder folder;
    struct made made = {0};
    struct made file = {0};
    struct walked walked;
    char out[1024];
    const char *inputs[2];
    struct capmill_output output = {.path = out};
    struct capmill_job job;
    struct ran ran;

    temporary_open(&folder);
    snprintf(out, sizeof(out), "%s/out", folder.path);
    made_pcap(&made, 1);
    made_record(&made, START_S * 1000000 + 1, 60, 1);
    inputs[0] = made_file(&folder, "a.pcap", &made);
    made.n = 0;
    made_pcap(&made, 101);
    made_record(&made, START_S * 1000000, 60, 2);
    inputs[1] = made_file(&folder, "b.pcap", &made);

    sort_job(&job, inputs, 2, &output);
    ran_job(&job, &ran, NULL, NULL);
    cm_check_that(ran.status == CAPMILL_OK, "%s", ran.text);
    file_read(out, &file);
    walk_pcapng(&file, &walked);
    cm_check_eq(walked.n_interfaces, 2);
    cm_check_eq(walked.n_packets, 2);

    output.format = CAPMILL_FORMAT_PCAP;
    ran_job(&job, &ran, NULL, NULL);
    cm_check(ran.status < 0);
    cm_check_that(strstr(ran.text, "link type") != NULL, "%s", ran.text);
    made.n = 0;
    file_read(out, &made);
    check_same_bytes(&made, &file, "the output of before");
    made_free(&made);
    made_free(&file);
    temporary_close(&folder);
}

/* --- nothing --- */

CM_TEST(sort_outputs, strict_leaves_nothing_and_keeps_what_was_there)
{
    struct temporary_folder folder;
    struct made made = {0};
    struct made file = {0};
    char out[1024];
    char expected[64];
    const char *inputs[1];
    struct capmill_output output = {.path = out};

    temporary_open(&folder);
    snprintf(out, sizeof(out), "%s/out.pcap", folder.path);
    made_pcap(&made, 1);
    for (uint32_t i = 0; i < 100; i++)
        made_record(&made, START_S * 1000000 + i, 100, i);
    snprintf(expected, sizeof(expected), "offset %zu", made.n);
    memset(made_add(&made, NULL, 50), 0xf3, 50);
    inputs[0] = made_file(&folder, "in.pcap", &made);
    for (size_t w = 0; w < N_WAYS; w++) {
        struct capmill_job job;
        struct ran ran;

        if (!way_is_there(&ways[w]))
            continue;
        sort_job(&job, inputs, 1, &output);
        job.io = ways[w].io;
        job.n_threads = ways[w].n_threads;
        job.strict = true;
        ran_job(&job, &ran, NULL, NULL);
        cm_check_eq(ran.status, CAPMILL_E_DAMAGED);
        cm_check_that(strstr(ran.text, expected) != NULL, "%s", ran.text);
        cm_check_eq(temporary_count(&folder), 1);
    }
    temporary_write(out, "old", 3);
    {
        struct capmill_job job;
        struct ran ran;

        sort_job(&job, inputs, 1, &output);
        job.strict = true;
        ran_job(&job, &ran, NULL, NULL);
        cm_check_eq(ran.status, CAPMILL_E_DAMAGED);
        job.strict = false;
        job.force = false;
        ran_job(&job, &ran, NULL, NULL);
        cm_check_eq(ran.status, CAPMILL_E_EXISTS);
        file_read(out, &file);
        cm_check(file.n == 3 && memcmp(file.bytes, "old", 3) == 0);
    }
    made_free(&made);
    made_free(&file);
    temporary_close(&folder);
}

CM_TEST(sort_outputs, unreadable_inputs_are_skipped_on_request_and_never_replaced)
{
    struct temporary_folder folder;
    struct made made = {0};
    struct made file = {0};
    char good[1024];
    char bad[1024];
    char absent[1024];
    char out[1024];
    const char *inputs[3] = {bad, good, absent};
    struct capmill_output output = {.path = out};
    struct capmill_job job;
    struct ran ran;

    temporary_open(&folder);
    snprintf(good, sizeof(good), "%s/good.pcap", folder.path);
    snprintf(bad, sizeof(bad), "%s/bad.pcap", folder.path);
    snprintf(absent, sizeof(absent), "%s/absent.pcap", folder.path);
    snprintf(out, sizeof(out), "%s/out.pcap", folder.path);
    made_pcap(&made, 1);
    made_record(&made, START_S * 1000000, 60, 1);
    temporary_write(good, made.bytes, made.n);
    temporary_write(bad, "no capture at all", 17);

    sort_job(&job, inputs, 3, &output);
    ran_job(&job, &ran, NULL, NULL);
    cm_check_eq(ran.status, CAPMILL_E_FORMAT);
    cm_check(!file_is_there(out));
    job.skip_unreadable = true;
    ran_job(&job, &ran, NULL, NULL);
    cm_check_that(ran.status == CAPMILL_OK, "%s", ran.text);
    cm_check_eq(ran.report.n_inputs, 3);
    cm_check_eq(ran.report.n_inputs_skipped, 2);
    cm_check_eq(ran.n_messages, 2);
    file_read(out, &file);
    check_same_bytes(&file, &made, "the readable input");

    output.path = bad;
    ran_job(&job, &ran, NULL, NULL);
    cm_check_eq(ran.status, CAPMILL_E_USAGE);
    output.path = good;
    ran_job(&job, &ran, NULL, NULL);
    cm_check_eq(ran.status, CAPMILL_E_USAGE);
    file_read(bad, &file);
    cm_check_eq(file.n, 17);

    inputs[1] = bad;
    output.path = out;
    ran_job(&job, &ran, NULL, NULL);
    cm_check_eq(ran.status, CAPMILL_E_FORMAT);
    made_free(&made);
    made_free(&file);
    temporary_close(&folder);
}

struct stopper {
    struct capmill_run *run;
    uint64_t after_packets;
    _Atomic bool done;
};

static void stop_after_packets(void *context)
{
    struct stopper *stopper = context;
    struct capmill_progress progress = {0};

    do {
        capmill_run_progress(stopper->run, &progress);
        cm_thread_yield();
    } while (progress.packets_done < stopper->after_packets && !atomic_load(&stopper->done));
    capmill_run_stop(stopper->run);
}

CM_TEST(sort_outputs, a_stop_from_another_thread_leaves_nothing)
{
    struct temporary_folder folder;
    struct made made = {0};
    const char *inputs[1];
    char out[1024];
    struct capmill_output output = {.path = out};
    unsigned n_interrupted = 0;

    temporary_open(&folder);
    snprintf(out, sizeof(out), "%s/out.pcap", folder.path);
    made_pcap(&made, 1);
    for (uint32_t i = 0; made.n < 24u << 20; i++)
        made_record(&made, START_S * 1000000 + (i ^ 7), 1400, i);
    inputs[0] = made_file(&folder, "in.pcap", &made);
    for (size_t w = 0; w < N_WAYS; w++) {
        struct capmill_job job;
        struct stopper stopper = {.after_packets = w * 1000};
        struct cm_thread *thread;
        struct cm_error error = {0};
        char text[256] = "";
        enum capmill_status status;

        if (!way_is_there(&ways[w]))
            continue;
        sort_job(&job, inputs, 1, &output);
        job.io = ways[w].io;
        job.n_threads = ways[w].n_threads;
        cm_check_eq(capmill_run_create(&job, &stopper.run, text, sizeof(text)), CAPMILL_OK);
        cm_check_eq(cm_thread_start("stopper", stop_after_packets, &stopper, &thread, &error), CAPMILL_OK);
        if (w == 0) /* once for certain */
            capmill_run_stop(stopper.run);
        status = capmill_run_execute(stopper.run, text, sizeof(text));
        atomic_store(&stopper.done, true);
        cm_thread_join(thread);
        capmill_run_destroy(stopper.run);
        cm_check(status == CAPMILL_OK || status == CAPMILL_E_INTERRUPTED);
        cm_check_eq(temporary_count(&folder), status == CAPMILL_OK ? 2 : 1);
        n_interrupted += status == CAPMILL_E_INTERRUPTED;
        if (status == CAPMILL_OK)
            cm_path_remove(out, NULL);
    }
    cm_check(n_interrupted >= 1);
    made_free(&made);
    temporary_close(&folder);
}

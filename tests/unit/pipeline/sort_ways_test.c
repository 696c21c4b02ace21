/* SPDX-License-Identifier: Apache-2.0 */
/* A sort gives the bytes that a plain stable sort of the records gives, whatever way it takes: any number of
 * threads, any way of reading, window or index, ranges or one chain. */
#include "unit/pipeline/made_captures.h"

static void sort_and_compare(struct temporary_folder *folder, const struct made *made, size_t n_inputs,
                             const char *method, uint64_t memory_bytes)
{
    struct made expected = {0};
    struct made actual = {0};
    size_t n_records = model_sort(made, n_inputs, &expected);
    char paths[8][1024];
    const char *inputs[8];
    char out[1024];
    struct capmill_output output = {.path = out};
    uint64_t n_bytes = 0;

    cm_check(n_inputs <= 8);
    for (size_t i = 0; i < n_inputs; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/in%zu.pcap", folder->path, i);
        temporary_write(paths[i], made[i].bytes, made[i].n);
        inputs[i] = paths[i];
        n_bytes += made[i].n;
    }
    snprintf(out, sizeof(out), "%s/out.pcap", folder->path);
    for (size_t w = 0; w < N_WAYS; w++) {
        struct capmill_job job;
        struct ran ran;
        char what[64];

        if (!way_is_there(&ways[w]))
            continue;
        snprintf(what, sizeof(what), "way %zu", w);
        sort_job(&job, inputs, n_inputs, &output);
        job.io = ways[w].io;
        job.n_threads = ways[w].n_threads;
        job.memory_bytes = memory_bytes;
        ran_job(&job, &ran, NULL, NULL);
        cm_check_that(ran.status == CAPMILL_OK, "%s: %s", what, ran.text);
        file_read(out, &actual);
        check_same_bytes(&actual, &expected, what);
        cm_check_eq(ran.report.packets_read, n_records);
        cm_check_eq(ran.report.packets_written, n_records);
        cm_check_eq(ran.report.bytes_read, n_bytes);
        cm_check_eq(ran.report.bytes_written, expected.n);
        cm_check_eq(ran.report.n_inputs, n_inputs);
        cm_check_eq(ran.report.n_damages, 0);
        if (method != NULL)
            cm_check_str(ran.report.method, method);
        cm_check(ran.n_progress >= 1);
        cm_check_eq(ran.progress.packets_done, n_records);
        cm_check_eq(ran.progress.bytes_done, n_bytes);
        cm_check_eq(ran.progress.bytes_total, n_bytes);
    }
    made_free(&expected);
    made_free(&actual);
}

static uint64_t draw(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return *state >> 33;
}

/* `n_bytes` of records, 10 microseconds apart, one in ten late by up to `late_us`, some of equal time. */
static void make_displaced(struct made *made, size_t n_bytes, uint64_t begin_us, uint64_t late_us)
{
    uint64_t state = begin_us | 1;
    uint32_t number = 0;

    made_pcap(made, 1);
    while (made->n < n_bytes) {
        uint64_t time_us = begin_us + number / 2 * 10;

        if (late_us > 0 && draw(&state) % 10 == 0)
            time_us -= draw(&state) % late_us;
        made_record(made, time_us, 60 + (uint32_t)(draw(&state) % 1400), number++);
    }
}

CM_TEST(sort_ways, nothing_one_and_few)
{
    struct temporary_folder folder;
    struct made made[2] = {{0}, {0}};

    temporary_open(&folder);
    made_pcap(&made[0], 1);
    sort_and_compare(&folder, made, 1, NULL, 0);
    made_record(&made[0], START_S * 1000000, 60, 1);
    sort_and_compare(&folder, made, 1, "window", 0);
    made_record(&made[0], START_S * 1000000 - 5, 0, 2);
    made_record(&made[0], 0, 1, 3);
    made_record(&made[0], UINT32_MAX * UINT64_C(1000000) + 999999, 2, 4);
    sort_and_compare(&folder, made, 1, "window", 0);
    made_pcap(&made[1], 1);
    sort_and_compare(&folder, made, 2, "window", 0);
    made_record(&made[1], START_S * 1000000, 60, 5);
    sort_and_compare(&folder, made, 2, NULL, 0);
    made_free(&made[0]);
    made_free(&made[1]);
    temporary_close(&folder);
}

CM_TEST(sort_ways, window_over_several_ranges)
{
    struct temporary_folder folder;
    struct made made = {0};

    temporary_open(&folder);
    make_displaced(&made, 13u << 20, START_S * 1000000, 5000);
    sort_and_compare(&folder, &made, 1, "window", 0);
    made_free(&made);
    temporary_close(&folder);
}

CM_TEST(sort_ways, chained_inputs_by_window_reversed_ones_by_index)
{
    struct temporary_folder folder;
    struct made made[4] = {{0}, {0}, {0}, {0}};
    struct made turn;

    temporary_open(&folder);
    for (uint64_t i = 0; i < 4; i++)
        make_displaced(&made[i], (2u << 20) + i * 700000, (START_S + i) * 1000000, 5000);
    sort_and_compare(&folder, made, 4, "window", 0);
    turn = made[0];
    made[0] = made[3];
    made[3] = turn;
    sort_and_compare(&folder, made, 4, "index", 0);
    for (size_t i = 0; i < 4; i++)
        made_free(&made[i]);
    temporary_close(&folder);
}

/* In order of time, and at its end three packets that belong at the beginning, too far back for 16 MiB
 * whoever is slow: four ranges of 4 MiB are more than may wait, and eight threads may be ten ranges ahead of
 * the oldest of them. */
static void make_late(struct made *made)
{
    made_pcap(made, 1);
    for (uint32_t i = 0; made->n < (4 + 10 + 1) * (4u << 20); i++)
        made_record(made, START_S * 1000000 + i, 60000, i);
    for (uint32_t i = 0; i < 3; i++)
        made_record(made, (START_S - 1000) * 1000000 - i, 60, 1000000 + i);
}

CM_TEST(sort_ways, late_packets_begin_again_with_an_index)
{
    struct temporary_folder folder;
    struct made made = {0};

    temporary_open(&folder);
    make_late(&made);
    sort_and_compare(&folder, &made, 1, "index", 16u << 20);
    made_free(&made);
    temporary_close(&folder);
}

/* Packets filled with records of other captures, longer than the search for a record looks ahead: ranges that
 * begin inside one find the wrong chain, and their seams tell. */
CM_TEST(sort_ways, disproved_seams_are_framed_again)
{
    struct temporary_folder folder;
    struct made made = {0};
    struct made inner = {0};

    temporary_open(&folder);
    for (uint32_t i = 0; inner.n < 262144 - 2 * 116; i++)
        made_record(&inner, (START_S - 1000) * 1000000 + i, 100, i);
    made_record(&inner, (START_S - 1000) * 1000000, (uint32_t)(262144 - inner.n - PCAP_RECORD_BYTES), 0);
    cm_check_eq(inner.n, 262144);
    made_pcap(&made, 1);
    for (uint32_t i = 0; made.n < 10u << 20; i++) {
        size_t at = made.n + PCAP_RECORD_BYTES;

        made_record(&made, START_S * 1000000 - i, 262144, i);
        memcpy(made.bytes + at, inner.bytes, inner.n);
    }
    sort_and_compare(&folder, &made, 1, "window", 0);
    made_free(&made);
    made_free(&inner);
    temporary_close(&folder);
}

CM_TEST(sort_ways, thousands_of_inputs)
{
    enum { N = 2000, EACH = 3 };
    struct temporary_folder folder;
    struct made made = {0};
    struct made all = {0};
    struct made expected = {0};
    struct made actual = {0};
    char in[1024];
    char out[1024];
    const char *inputs[1] = {in};
    struct capmill_output output = {.path = out};

    temporary_open(&folder);
    snprintf(in, sizeof(in), "%s/in*.pcap", folder.path);
    snprintf(out, sizeof(out), "%s/out.pcap", folder.path);
    made_pcap(&all, 1);
    for (uint32_t i = 0; i < N; i++) {
        char name[32];

        made.n = 0;
        made_pcap(&made, 1);
        for (uint32_t k = 0; k < EACH; k++)
            made_record(&made, START_S * 1000000 + (i % 2 == 0 ? i : N - i) * 10 + k * 7, 60, i * EACH + k);
        made_add(&all, made.bytes + PCAP_HEADER_BYTES, made.n - PCAP_HEADER_BYTES);
        snprintf(name, sizeof(name), "in%04u.pcap", i);
        made_file(&folder, name, &made);
    }
    model_sort(&all, 1, &expected);
    for (size_t w = 0; w < N_WAYS; w++) {
        struct capmill_job job;
        struct ran ran;

        if (!way_is_there(&ways[w]) || (ways[w].n_threads != 1 && ways[w].n_threads != 3))
            continue;
        sort_job(&job, inputs, 1, &output);
        job.io = ways[w].io;
        job.n_threads = ways[w].n_threads;
        ran_job(&job, &ran, NULL, NULL);
        cm_check_that(ran.status == CAPMILL_OK, "%s", ran.text);
        file_read(out, &actual);
        check_same_bytes(&actual, &expected, "2,000 inputs");
        cm_check_eq(ran.report.n_inputs, N);
        cm_check_eq(ran.report.packets_read, N * EACH);
        cm_check_eq(ran.report.bytes_read, N * (PCAP_HEADER_BYTES + EACH * (PCAP_RECORD_BYTES + 60)));
    }
    made_free(&made);
    made_free(&all);
    made_free(&expected);
    made_free(&actual);
    temporary_close(&folder);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What counting flows costs per packet whose headers are in cache: the tally of `info`, the flow table of
 * `stats`, and the whole summary sink, with a thousand and a million flows; the first time the flows are seen
 * and again; and what uniting two threads costs per flow. Prints one JSON object, nanoseconds. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "core/batch.h"
#include "flow/table.h"
#include "flow/tally.h"
#include "os/clock.h"
#include "sink/summary_sink.h"
#include "wire/headers.h"

#define ROUNDS      5
#define PACKETS     1620000u /* of 1 GiB of IMIX */
#define FRAME_BYTES 64

/* One batch, filled again and again outside the time that is measured: what a decoder leaves behind. */
struct workload {
    struct cm_batch batch;
    struct cm_headers headers[CM_BATCH_CAPACITY];
    uint8_t bytes[CM_BATCH_CAPACITY][FRAME_BYTES];
    uint32_t n_flows;
    uint64_t state;
    uint64_t time_ns;
};

/* What is timed: all take a batch. */
struct target {
    const char *name;
    bool stats;
    bool sink; /* the whole sink, not the table alone */
    struct cm_tally *tally;
    struct cm_flow_table *table;
    struct cm_summary *summary;
    void *local;
};

static void stop(const char *what)
{
    fprintf(stderr, "flow_bench: %s\n", what);
    exit(1);
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Every flow as likely as any other, either way: the worst order for caches. */
static void fill(struct workload *work)
{
    work->batch.n_packets = CM_BATCH_CAPACITY;
    work->batch.selected_all = true;
    work->batch.headers = work->headers;
    for (unsigned i = 0; i < CM_BATCH_CAPACITY; i++) {
        const uint64_t random = next_random(&work->state);
        const uint32_t flow = (uint32_t)(random % work->n_flows), back = random >> 63;
        uint8_t *bytes = work->bytes[i];

        cm_store_be32(bytes + 14 + (back ? 16 : 12), 0x0a000000 + flow % 40000);
        cm_store_be32(bytes + 14 + (back ? 12 : 16), 0xac100000 + flow % 9973);
        work->headers[i] =
            (struct cm_headers){.eth_type = 0x0800,
                                .l3_offset = 14,
                                .ip_version = 4,
                                .protocol = 6,
                                .tcp_flags = 0x10,
                                .src_port = back ? 443 : (uint16_t)(flow / 64),
                                .dst_port = back ? (uint16_t)(flow / 64) : 443,
                                .flags = CM_HEADERS_ADDRESSES | CM_HEADERS_PORTS | CM_HEADERS_TCP_FLAGS};
        work->batch.packets[i] = (struct cm_packet){.data = bytes,
                                                    .time_ns = work->time_ns += 500,
                                                    .place = work->time_ns,
                                                    .caplen = 660,
                                                    .origlen = 660};
    }
}

static void open_target(struct target *target, unsigned thread)
{
    static const struct cm_flow_seed seed = {{3, 0x9e3779b97f4a7c15, 7, 0xdeadbeefcafef00d, 5, 999999937}};
    const struct cm_tally_options tally = {.memory_bytes = SIZE_MAX / 4, .seed = &seed};
    const struct cm_flow_table_options table = {.memory_bytes = SIZE_MAX / 4, .seed = &seed};
    const struct cm_summary_options summary = {.level = target->stats ? CM_SUMMARY_STATS : CM_SUMMARY_INFO,
                                               .memory_bytes = UINT64_MAX / 4,
                                               .n_threads = 2,
                                               .seed = &seed};
    struct cm_error error = {0};
    enum capmill_status status;

    if (target->sink) {
        status = target->summary == NULL ? cm_summary_create(&summary, &target->summary, &error) : CAPMILL_OK;
        if (status == CAPMILL_OK)
            status = cm_summary_sink(target->summary)->open(target->summary, thread, &target->local, &error);
    } else if (target->stats) {
        status = cm_flow_table_create(&table, &target->table, &error);
    } else {
        status = cm_tally_create(&tally, &target->tally, &error);
    }
    if (status != CAPMILL_OK)
        stop(error.text);
}

static void consume(struct target *target, struct cm_batch *batch)
{
    struct cm_error error = {0};
    enum capmill_status status;

    if (target->sink)
        status = cm_summary_sink(target->summary)->consume(target->summary, target->local, batch, &error);
    else if (target->stats)
        status = cm_flow_table_add(target->table, batch, &error);
    else
        status = cm_tally_add(target->tally, batch, &error);
    if (status != CAPMILL_OK)
        stop(error.text);
}

#define BATCHES ((PACKETS + CM_BATCH_CAPACITY - 1) / CM_BATCH_CAPACITY)

static int compare_times(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

/* Nanoseconds per packet of one pass: of all batches together, growing included, or of the median batch,
 * which tells the steady state also on a machine that does other things. */
static void pass(struct target *target, struct workload *work, uint64_t first_random, double *mean_ret,
                 double *median_ret)
{
    static uint64_t times[BATCHES];
    uint64_t sum = 0;

    work->state = first_random;
    for (unsigned n = 0; n < BATCHES; n++) {
        uint64_t start;

        fill(work);
        start = cm_clock_monotonic_ns();
        consume(target, &work->batch);
        times[n] = cm_clock_monotonic_ns() - start;
        sum += times[n];
    }
    qsort(times, BATCHES, sizeof(times[0]), compare_times);
    *mean_ret = (double)sum / (double)(BATCHES * CM_BATCH_CAPACITY);
    *median_ret = (double)times[BATCHES / 2] / CM_BATCH_CAPACITY;
}

/* Two threads' worth, united: milliseconds, after a check that nothing was lost. */
static double unite(struct target *target, struct target *other, uint32_t n_flows)
{
    const uint64_t start = cm_clock_monotonic_ns();
    struct cm_tally_counts counts = {0};
    struct cm_summary_counts sums = {0};
    struct cm_error error = {0};
    enum capmill_status status;
    double took_ms;

    if (target->sink) {
        const struct cm_sink *sink = cm_summary_sink(target->summary);

        status = sink->combine(sink->shared, target->local, &error);
        if (status == CAPMILL_OK)
            status = sink->combine(sink->shared, other->local, &error);
        if (status == CAPMILL_OK)
            status = sink->finish(sink->shared, &error);
        cm_summary_read_counts(target->summary, &sums);
        counts.n_flows = sums.n_flows;
    } else if (target->stats) {
        status = cm_flow_table_absorb(target->table, other->table, &error);
        if (status == CAPMILL_OK)
            status = cm_flow_table_sort(target->table, &error);
        counts.n_flows = n_flows;
    } else {
        status = cm_tally_absorb(target->tally, other->tally, &error);
        if (status == CAPMILL_OK)
            status = cm_tally_count(target->tally, &counts, &error);
    }
    took_ms = (double)(cm_clock_monotonic_ns() - start) / 1e6;
    if (status != CAPMILL_OK)
        stop(error.text);
    if (counts.n_flows > n_flows || counts.n_flows < n_flows - n_flows / 25)
        stop("flows were lost, or made up");
    return took_ms;
}

static void close_target(struct target *target)
{
    cm_tally_destroy(target->tally);
    cm_flow_table_destroy(target->table);
    cm_summary_destroy(target->summary);
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static void measure(struct target kind, struct workload *work, uint32_t n_flows, bool last)
{
    double first = 1e9, again = 1e9, united = 1e9;

    work->n_flows = n_flows;
    for (int round = 0; round < ROUNDS; round++) {
        struct target one = kind, other = kind;

        double mean, median;

        open_target(&one, 0);
        pass(&one, work, 1, &mean, &median);
        first = least(first, mean);
        pass(&one, work, 1, &mean, &median);
        again = least(again, median);
        other.summary = one.summary;
        open_target(&other, 1);
        pass(&other, work, 2, &mean, &median);
        united = least(united, unite(&one, &other, n_flows));
        if (kind.sink)
            other.summary = NULL;
        close_target(&one);
        close_target(&other);
    }
    printf("  \"%s_%u\": {\"first_ns\": %.2f, \"again_ns\": %.2f, \"unite_ms\": %.2f}%s\n", kind.name,
           n_flows, first, again, united, last ? "" : ",");
    fflush(stdout);
}

int main(void)
{
    static const struct target kinds[] = {{.name = "tally"},
                                          {.name = "table", .stats = true},
                                          {.name = "sink_info", .sink = true},
                                          {.name = "sink_stats", .stats = true, .sink = true}};
    struct workload *work = calloc(1, sizeof(*work));

    if (work == NULL)
        stop("no memory");
    printf("{\n");
    for (unsigned i = 0; i < 4; i++) {
        measure(kinds[i], work, 1000, false);
        measure(kinds[i], work, 1000000, i == 3);
    }
    printf("}\n");
    free(work);
    return 0;
}

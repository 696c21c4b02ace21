/* SPDX-License-Identifier: Apache-2.0 */
/* What a table of packets costs per packet before anything is encoded: decoded packets become columns, the default
 * ones and all there are; and flows: making updates, adding them, and each flow that ends becoming a row. With a
 * thousand and a million flows, every flow as likely as any other. Prints one JSON object, nanoseconds: of the median
 * call, and over all calls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "os/clock.h"
#include "sink/flow_rows.h"
#include "sink/packet_columns.h"
#include "wire/headers.h"
#include "wire/numbers.h"

#define ROWS        4096u /* of a call */
#define CALLS       400u
#define FRAME_BYTES 64u

struct workload {
    struct cm_packet packets[ROWS];
    struct cm_headers headers[ROWS];
    uint32_t inputs[ROWS];
    uint64_t numbers[ROWS];
    const struct cm_flow_facts *flows[ROWS];
    uint8_t bytes[ROWS][FRAME_BYTES];
    uint32_t n_flows;
    uint64_t state, time_ns;
};

static void stop(const char *what)
{
    fprintf(stderr, "columns_bench: %s\n", what);
    exit(1);
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* TCP over IPv4 with 10 bytes of payload, either way of the flow. */
static void make_frame(uint8_t *bytes, uint32_t flow, bool back)
{
    static const uint8_t front[] = {0x02, 0,    0, 0, 0,  1, 0x02, 0,    0, 0,  0, 2, 0x08,
                                    0,    0x45, 0, 0, 50, 0, 7,    0x40, 0, 64, 6, 0, 0};
    const uint16_t port = (uint16_t)(flow / 64 + 1024);

    memset(bytes, 0, FRAME_BYTES);
    memcpy(bytes, front, sizeof(front));
    cm_store_be32(bytes + 14 + (back ? 16 : 12), 0x0a000000 + flow % 40000);
    cm_store_be32(bytes + 14 + (back ? 12 : 16), 0xac100000 + flow % 9973);
    cm_store_be16(bytes + 34, back ? 443 : port);
    cm_store_be16(bytes + 36, back ? port : 443);
    bytes[46] = 0x50;
    bytes[47] = 0x10;
}

/* The next call's packets, as a decoder leaves them. */
static void make_packets(struct workload *work)
{
    static const struct cm_flow_facts facts = {.n_packets = 10, .n_bytes = 1000, .first_ns = 1, .last_ns = 2};

    for (uint32_t i = 0; i < ROWS; i++) {
        const uint64_t random = next_random(&work->state);

        make_frame(work->bytes[i], (uint32_t)(random % work->n_flows), random >> 63);
        work->packets[i] = (struct cm_packet){.data = work->bytes[i],
                                              .time_ns = work->time_ns += 500,
                                              .place = work->time_ns,
                                              .caplen = FRAME_BYTES,
                                              .origlen = FRAME_BYTES,
                                              .link_type = CM_LINK_ETHERNET};
        cm_wire_decode(CM_LINK_ETHERNET, work->bytes[i], FRAME_BYTES, &work->headers[i]);
        work->numbers[i] = work->time_ns / 500;
        work->flows[i] = &facts;
    }
}

static struct cm_packet_rows rows_of(const struct workload *work)
{
    return (struct cm_packet_rows){.n = ROWS,
                                   .packets = work->packets,
                                   .headers = work->headers,
                                   .inputs = work->inputs,
                                   .numbers = work->numbers,
                                   .flows = work->flows};
}

static int compare_times(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

static void print_times(const char *name, uint32_t n_flows, uint64_t *times, bool last)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < CALLS; i++)
        sum += times[i];
    qsort(times, CALLS, sizeof(times[0]), compare_times);
    printf("  \"%s_%u\": {\"median_ns\": %.1f, \"mean_ns\": %.1f, \"best_ns\": %.1f}%s\n", name, n_flows,
           (double)times[CALLS / 2] / ROWS, (double)sum / CALLS / ROWS, (double)times[0] / ROWS,
           last ? "" : ",");
    fflush(stdout);
}

/* --- columns --- */

static const char *path_of(void *context, uint32_t input)
{
    return "capture.pcapng";
}

static const char *interface_of(void *context, uint32_t input, uint32_t interface)
{
    return "eth0";
}

static struct cm_packet_columns *open_columns(const char *const *names, size_t n_names)
{
    const struct cm_packet_columns_options options = {
        .names = names, .n_names = n_names, .input_path = path_of, .interface_name = interface_of};
    struct cm_packet_columns *columns = NULL;
    struct cm_error error = {0};

    if (cm_packet_columns_create(&options, &columns, &error) != CAPMILL_OK)
        stop(error.text);
    return columns;
}

static struct cm_packet_columns *open_all(void)
{
    const char *names[64];
    const struct cm_column *column;
    bool is_default;
    size_t n = 0;

    for (; n < 64 && (column = cm_packet_column_known(n, &is_default)) != NULL; n++)
        names[n] = column->name;
    return open_columns(names, n);
}

static void measure_columns(const char *name, struct cm_packet_columns *columns, struct workload *work,
                            uint32_t n_flows)
{
    struct cm_packet_columns_local *local = cm_packet_columns_local_create(columns);
    const struct cm_packet_rows packets = rows_of(work);
    uint64_t times[CALLS];

    if (local == NULL)
        stop("no memory");
    work->n_flows = n_flows;
    for (unsigned call = 0; call < CALLS; call++) {
        struct cm_error error = {0};
        struct cm_table_rows rows;
        uint64_t start;

        make_packets(work);
        start = cm_clock_monotonic_ns();
        if (cm_packet_columns_fill(columns, local, &packets, &rows, &error) != CAPMILL_OK)
            stop(error.text);
        times[call] = cm_clock_monotonic_ns() - start;
        if (rows.n_rows != ROWS || rows.columns[0].numbers[ROWS - 1] != work->time_ns)
            stop("rows were lost");
    }
    print_times(name, n_flows, times, false);
    cm_packet_columns_local_destroy(local);
}

/* --- flows --- */

static struct cm_flow_rows *open_flows(void)
{
    const struct cm_flow_rows_options options = {.idle_ns = UINT64_C(60000000000),
                                                 .active_ns = UINT64_C(300000000000),
                                                 .memory_bytes = UINT64_C(1) << 30};
    struct cm_flow_rows *flows = NULL;
    struct cm_error error = {0};

    if (cm_flow_rows_create(&options, &flows, &error) != CAPMILL_OK)
        stop(error.text);
    return flows;
}

/* All flows end. Nanoseconds per row. */
static double end_flows(struct cm_flow_rows *flows, uint64_t *n_rows_ret)
{
    const uint64_t start = cm_clock_monotonic_ns();
    struct cm_error error = {0};
    struct cm_table_rows rows;

    if (cm_flow_rows_add(flows, NULL, &error) != CAPMILL_OK)
        stop(error.text);
    for (*n_rows_ret = 0; cm_flow_rows_next(flows, &rows, &error) == CAPMILL_OK;)
        *n_rows_ret += rows.n_rows;
    return (double)(cm_clock_monotonic_ns() - start) / (double)*n_rows_ret;
}

static void measure_flows(struct workload *work, uint32_t n_flows, bool last)
{
    const struct cm_packet_rows packets = rows_of(work);
    struct cm_flow_rows *flows = open_flows();
    uint64_t make_times[CALLS], add_times[CALLS], n_rows;
    double row_ns;

    work->n_flows = n_flows;
    for (unsigned call = 0; call < CALLS; call++) {
        struct cm_flow_updates *updates = NULL;
        struct cm_error error = {0};
        uint64_t start, made;

        make_packets(work);
        start = cm_clock_monotonic_ns();
        if (cm_flow_updates_make(flows, &packets, &updates, &error) != CAPMILL_OK)
            stop(error.text);
        made = cm_clock_monotonic_ns();
        if (cm_flow_rows_add(flows, updates, &error) != CAPMILL_OK)
            stop(error.text);
        add_times[call] = cm_clock_monotonic_ns() - made;
        make_times[call] = made - start;
        free(updates);
    }
    print_times("flow_make", n_flows, make_times, false);
    print_times("flow_add", n_flows, add_times, false);
    row_ns = end_flows(flows, &n_rows);
    if (n_rows > n_flows || n_rows < n_flows / 2)
        stop("flows were lost, or made up");
    printf("  \"flow_row_%u\": {\"mean_ns\": %.1f}%s\n", n_flows, row_ns, last ? "" : ",");
    cm_flow_rows_destroy(flows);
}

int main(void)
{
    struct workload *work = calloc(1, sizeof(*work));
    struct cm_packet_columns *usual = open_columns(NULL, 0), *all = open_all();

    if (work == NULL)
        stop("no memory");
    printf("{\n");
    measure_columns("default", usual, work, 1000);
    measure_columns("default", usual, work, 1000000);
    measure_columns("all", all, work, 1000);
    measure_columns("all", all, work, 1000000);
    measure_flows(work, 1000, false);
    measure_flows(work, 1000000, true);
    printf("}\n");
    cm_packet_columns_destroy(usual);
    cm_packet_columns_destroy(all);
    free(work);
    return 0;
}

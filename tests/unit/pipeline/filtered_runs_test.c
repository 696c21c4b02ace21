/* SPDX-License-Identifier: Apache-2.0 */
/* Filters and changes on their way through the machine: whatever the threads, the way of reading and the way of
 * sorting, what is kept and what becomes of it is what a plain loop over the packets makes. What single rules and
 * changes mean is tested with their rooms. */
#include "unit/pipeline/made_captures.h"

#define N_FLOWS 100u
/* Flows from here on have few packets. */
#define FIRST_SMALL_FLOW 50u
#define FRAME_BYTES      90u
#define PAYLOAD_AT       42u
/* 20 MiB: some ranges for each of several threads. */
#define N_PACKETS 200000u

struct made_flow_packet {
    uint64_t time_us;
    uint32_t flow;
    uint32_t number;
};

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint32_t sum16(const uint8_t *bytes, size_t n)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < n; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    return sum;
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint32_t pseudo_sum(const uint8_t *ip, unsigned udp_bytes)
{
    return sum16(ip + 12, 8) + 17 + udp_bytes;
}

/* Sums of the IPv4 header and of UDP, where 0 is written as all ones (RFC 768). */
static void fill_sums(uint8_t *frame)
{
    uint8_t *ip = frame + 14;
    uint8_t *udp = ip + 20;
    uint16_t sum;

    put16(ip + 10, 0);
    put16(ip + 10, fold(sum16(ip, 20)));
    put16(udp + 6, 0);
    sum = fold(sum16(udp, FRAME_BYTES - 34) + pseudo_sum(ip, FRAME_BYTES - 34));
    put16(udp + 6, sum == 0 ? 0xffff : sum);
}

/* Ethernet, IPv4, UDP: flow f is 10.0.0.f:(1000 + f) to 10.1.0.1:53, with right sums. */
static void make_frame(uint8_t *frame, uint32_t flow, uint32_t number)
{
    uint8_t *ip = frame + 14;
    uint8_t *udp = ip + 20;

    memset(frame, 0, FRAME_BYTES);
    memset(frame, 2, 12);
    put16(frame + 12, 0x0800);
    ip[0] = 0x45;
    put16(ip + 2, FRAME_BYTES - 14);
    ip[8] = 64;
    ip[9] = 17;
    memcpy(ip + 12, (const uint8_t[]){10, 0, 0, (uint8_t)flow, 10, 1, 0, 1}, 8);
    put16(udp, 1000 + flow);
    put16(udp + 2, 53);
    put16(udp + 4, FRAME_BYTES - 34);
    memcpy(udp + 8, &number, sizeof(number));
    fill_sums(frame);
}

static void add_record(struct made *made, uint64_t time_us, const uint8_t *frame, uint32_t n)
{
    made_u32(made, (uint32_t)(time_us / 1000000));
    made_u32(made, (uint32_t)(time_us % 1000000));
    made_u32(made, n);
    made_u32(made, FRAME_BYTES);
    made_add(made, frame, n);
}

/* Every tenth packet is a little late; with `far` one of them by all of the capture. */
static struct made_flow_packet packet_at(uint32_t i, bool far)
{
    struct made_flow_packet packet = {
        .time_us = START_S * 1000000 + 1000 + UINT64_C(10) * i, .flow = i % N_FLOWS, .number = i};

    if (i % 10 == 7)
        packet.time_us -= 35;
    if (far && i == N_PACKETS - 2)
        packet.time_us = START_S * 1000000;
    if (packet.flow >= FIRST_SMALL_FLOW && i >= 10 * N_FLOWS)
        packet.flow -= FIRST_SMALL_FLOW;
    return packet;
}

/* What is kept, as the tests ask for it. */
typedef bool (*keeps)(const struct made_flow_packet *packet);
/* What becomes of a kept packet: its bytes, whose number is answered, and its time. */
typedef uint32_t (*changes)(uint8_t *frame, uint64_t *time_us, uint64_t first_us);

static void make_capture(struct made *made, bool far, keeps keep)
{
    uint8_t frame[FRAME_BYTES];

    made->n = 0;
    made_pcap(made, 1);
    for (uint32_t i = 0; i < N_PACKETS; i++) {
        struct made_flow_packet packet = packet_at(i, far);

        if (keep != NULL && !keep(&packet))
            continue;
        make_frame(frame, packet.flow, packet.number);
        add_record(made, packet.time_us, frame, FRAME_BYTES);
    }
}

/* The kept packets, in order, changed. */
static size_t make_model(struct made *made, bool far, keeps keep, changes change)
{
    struct made kept = {0};
    struct made sorted = {0};
    size_t n;
    uint64_t first_us = 0;

    make_capture(&kept, far, keep);
    n = model_sort(&kept, 1, &sorted);
    made->n = 0;
    made_add(made, sorted.bytes, PCAP_HEADER_BYTES);
    for (size_t at = PCAP_HEADER_BYTES; at < sorted.n; at += PCAP_RECORD_BYTES + FRAME_BYTES) {
        uint8_t frame[FRAME_BYTES];
        uint32_t head[2];
        uint64_t time_us;

        memcpy(head, sorted.bytes + at, sizeof(head));
        memcpy(frame, sorted.bytes + at + PCAP_RECORD_BYTES, FRAME_BYTES);
        time_us = head[0] * UINT64_C(1000000) + head[1];
        if (at == PCAP_HEADER_BYTES)
            first_us = time_us;
        if (change == NULL) {
            add_record(made, time_us, frame, FRAME_BYTES);
        } else {
            uint32_t n_frame = change(frame, &time_us, first_us);

            add_record(made, time_us, frame, n_frame);
        }
    }
    made_free(&kept);
    made_free(&sorted);
    return n;
}

struct expectation {
    keeps keep;
    changes change;
    void (*wish)(struct capmill_job *job);
};

/* By every way of reading, by window and by index, the output is the model's, byte for byte. */
static void check_all_ways(const struct expectation *expected)
{
    struct temporary_folder folder;
    const char *in;
    const char *out;

    temporary_open(&folder);
    in = temporary_path(&folder, "in.pcap");
    out = temporary_path(&folder, "out.pcap");
    for (int far = 0; far <= 1; far++) {
        struct made capture = {0};
        struct made model = {0};
        struct made written = {0};
        const char *inputs[] = {in};
        struct capmill_output output = {.path = out, .format = CAPMILL_FORMAT_AUTO};
        size_t n_kept;

        make_capture(&capture, far != 0, NULL);
        n_kept = make_model(&model, far != 0, expected->keep, expected->change);
        temporary_write(in, capture.bytes, capture.n);
        for (size_t w = 0; w < N_WAYS; w++) {
            struct capmill_job job;
            struct ran ran;

            if (!way_is_there(&ways[w]))
                continue;
            sort_job(&job, inputs, 1, &output);
            job.io = ways[w].io;
            job.n_threads = ways[w].n_threads;
            job.memory_bytes = far ? 16u << 20 : 64u << 20;
            expected->wish(&job);
            ran_job(&job, &ran, NULL, NULL);
            cm_check_str(ran.text, "");
            cm_check_eq(ran.status, CAPMILL_OK);
            cm_check_eq(ran.report.packets_read, N_PACKETS);
            cm_check_eq(ran.report.packets_kept, n_kept);
            cm_check_eq(ran.report.packets_written, n_kept);
            file_read(out, &written);
            cm_check_eq(written.n, model.n);
            cm_check(memcmp(written.bytes, model.bytes, model.n) == 0);
        }
        made_free(&capture);
        made_free(&model);
        made_free(&written);
    }
    temporary_close(&folder);
}

/* --- rules --- */

static bool is_flow_of_ten(const struct made_flow_packet *packet)
{
    return packet->flow < 10;
}

static const struct capmill_filter_rule ten_ports[] = {
    {CAPMILL_FILTER_SRC_PORT, false, "1000-1009", "--src-port"}};

static void wish_ten_ports(struct capmill_job *job)
{
    job->filter.rules.rules = ten_ports;
    job->filter.rules.n_rules = 1;
}

CM_TEST(filtered_runs, ports_are_kept_by_every_way)
{
    check_all_ways(&(struct expectation){is_flow_of_ten, NULL, wish_ten_ports});
}

static bool is_flow_5(const struct made_flow_packet *packet)
{
    return packet->flow == 5;
}

static const struct capmill_filter_rule expression_5[] = {
    {CAPMILL_FILTER_EXPRESSION, false, "udp and src port 1005", "--filter"}};

static void wish_expression(struct capmill_job *job)
{
    job->filter.rules.rules = expression_5;
    job->filter.rules.n_rules = 1;
}

static bool has_expressions(void)
{
    return strstr(capmill_build_feature(2), ": yes") != NULL;
}

CM_TEST(filtered_runs, an_expression_is_kept_by_every_way)
{
    if (!has_expressions())
        cm_skip("no libpcap in this build");
    check_all_ways(&(struct expectation){is_flow_5, NULL, wish_expression});
}

static bool is_large_flow(const struct made_flow_packet *packet)
{
    return packet->flow < FIRST_SMALL_FLOW;
}

static void wish_large_flows(struct capmill_job *job)
{
    job->filter.min_flow_packets = 11;
}

CM_TEST(filtered_runs, small_flows_are_left_out_by_every_way)
{
    check_all_ways(&(struct expectation){is_large_flow, NULL, wish_large_flows});
}

/* Flows are counted after all other rules: the length rule below keeps no packet of any flow. */
static const struct capmill_filter_rule too_long[] = {{CAPMILL_FILTER_MIN_LEN, false, "91", "--min-len"}};

static void wish_nothing(struct capmill_job *job)
{
    job->filter.rules.rules = too_long;
    job->filter.rules.n_rules = 1;
    job->filter.min_flow_packets = 2;
}

static bool is_none(const struct made_flow_packet *packet)
{
    (void)packet;
    return false;
}

CM_TEST(filtered_runs, a_filter_that_keeps_nothing_leaves_a_capture_without_packets)
{
    check_all_ways(&(struct expectation){is_none, NULL, wish_nothing});
}

/* --- changes --- */

static uint32_t start_in_2020(uint8_t *frame, uint64_t *time_us, uint64_t first_us)
{
    (void)frame;
    *time_us = *time_us - first_us + UINT64_C(1577836800) * 1000000;
    return FRAME_BYTES;
}

static void wish_start(struct capmill_job *job)
{
    wish_ten_ports(job);
    job->transform.timestamp_start = (struct capmill_word){"2020-01-01T00:00:00Z", "--timestamp-start"};
}

CM_TEST(filtered_runs, the_earliest_kept_packet_gets_the_time_asked_for)
{
    check_all_ways(&(struct expectation){is_flow_of_ten, start_in_2020, wish_start});
}

static uint32_t map_to_172(uint8_t *frame, uint64_t *time_us, uint64_t first_us)
{
    uint8_t *ip = frame + 14;

    (void)time_us;
    (void)first_us;
    ip[12] = 172;
    ip[13] = 16;
    fill_sums(frame);
    return FRAME_BYTES;
}

static const struct capmill_word map_172[] = {{"10.0.0.0/16=172.16.0.0/16", "--replace-ip"}};

static void wish_map(struct capmill_job *job)
{
    job->transform.replace_ip = map_172;
    job->transform.n_replace_ip = 1;
}

CM_TEST(filtered_runs, addresses_are_mapped_by_every_way)
{
    check_all_ways(&(struct expectation){NULL, map_to_172, wish_map});
}

static uint32_t cut_payload(uint8_t *frame, uint64_t *time_us, uint64_t first_us)
{
    (void)frame;
    (void)time_us;
    (void)first_us;
    return PAYLOAD_AT + 8;
}

static const struct capmill_filter_rule fifty[] = {{CAPMILL_FILTER_MAX_LEN, false, "50", "--max-len"}};

/* The length that a rule looks at is the one after truncation: all stay. */
static void wish_cut(struct capmill_job *job)
{
    job->transform.max_payload_bytes = (struct capmill_word){"8", "--max-payload-bytes"};
    job->filter.rules.rules = fifty;
    job->filter.rules.n_rules = 1;
}

CM_TEST(filtered_runs, payload_is_cut_by_every_way_and_rules_see_the_length_after_it)
{
    check_all_ways(&(struct expectation){NULL, cut_payload, wish_cut});
}

/* --- slices --- */

static void keep_paths(struct capmill_run *run, void *context)
{
    const struct capmill_report *report = capmill_run_report(run);
    char *names = context;

    names[0] = 0;
    for (size_t i = 0; i < report->n_outputs; i++) {
        const char *name = strrchr(report->outputs[i], '/');

        strcat(names, name != NULL ? name + 1 : report->outputs[i]);
        strcat(names, " ");
    }
}

CM_TEST(filtered_runs, slices_are_cut_by_the_times_that_are_written)
{
    struct temporary_folder folder;
    const char *in;
    const char *out;
    struct made capture = {0};

    temporary_open(&folder);
    in = temporary_path(&folder, "in.pcap");
    out = temporary_path(&folder, "out.pcap");
    make_capture(&capture, false, NULL); /* two seconds */
    temporary_write(in, capture.bytes, capture.n);
    for (unsigned n_threads = 1; n_threads <= 3; n_threads += 2) {
        const char *inputs[] = {in};
        struct capmill_output output = {.path = out, .format = CAPMILL_FORMAT_AUTO};
        struct capmill_job job;
        struct ran ran;
        char names[512];

        sort_job(&job, inputs, 1, &output);
        job.n_threads = n_threads;
        job.slice_ns = UINT64_C(1000000000);
        job.transform.timestamp_start = (struct capmill_word){"2020-01-01T00:00:00.5Z", "--timestamp-start"};
        ran_job(&job, &ran, keep_paths, names);
        cm_check_eq(ran.status, CAPMILL_OK);
        cm_check_str(names, "out_20200101T000000Z.pcap out_20200101T000001Z.pcap out_20200101T000002Z.pcap ");
    }
    made_free(&capture);
    temporary_close(&folder);
}

/* --- other commands, and what cannot be --- */

CM_TEST(filtered_runs, info_counts_what_is_kept)
{
    struct temporary_folder folder;
    const char *in;
    struct made capture = {0};
    const char *inputs[1];

    temporary_open(&folder);
    in = inputs[0] = temporary_path(&folder, "in.pcap");
    make_capture(&capture, false, NULL);
    temporary_write(in, capture.bytes, capture.n);
    for (size_t w = 0; w < N_WAYS; w++) {
        struct capmill_job job;
        struct ran ran;

        if (!way_is_there(&ways[w]))
            continue;
        capmill_job_init(&job, CAPMILL_INFO);
        job.inputs = inputs;
        job.n_inputs = 1;
        job.io = ways[w].io;
        job.n_threads = ways[w].n_threads;
        wish_ten_ports(&job);
        wish_large_flows(&job);
        ran_job(&job, &ran, NULL, NULL);
        cm_check_eq(ran.status, CAPMILL_OK);
        cm_check_eq(ran.report.packets_read, N_PACKETS);
        cm_check_eq(ran.report.packets_kept, N_PACKETS / 5 - 100);
    }
    made_free(&capture);
    temporary_close(&folder);
}

CM_TEST(filtered_runs, wrong_rules_are_refused_before_inputs_are_looked_for)
{
    static const struct capmill_filter_rule bad[] = {{CAPMILL_FILTER_PORT, false, "70000", "--port"}};
    const char *inputs[] = {"/nowhere/at/all.pcap"};
    struct capmill_job job;
    struct ran ran;

    capmill_job_init(&job, CAPMILL_INFO);
    job.inputs = inputs;
    job.n_inputs = 1;
    job.filter.rules.rules = bad;
    job.filter.rules.n_rules = 1;
    ran_job(&job, &ran, NULL, NULL);
    cm_check_eq(ran.status, CAPMILL_E_USAGE);
    cm_check(strstr(ran.text, "--port") == ran.text);
}

CM_TEST(filtered_runs, an_expression_for_no_link_type_of_the_inputs_is_refused)
{
    static const struct capmill_filter_rule wireless[] = {
        {CAPMILL_FILTER_EXPRESSION, false, "wlan type mgt", "--filter"}};
    struct temporary_folder folder;
    const char *in;
    const char *inputs[1];
    struct made capture = {0};
    struct capmill_job job;
    struct ran ran;

    if (!has_expressions())
        cm_skip("no libpcap in this build");
    temporary_open(&folder);
    in = inputs[0] = temporary_path(&folder, "in.pcap");
    make_capture(&capture, false, is_flow_5);
    temporary_write(in, capture.bytes, capture.n);
    capmill_job_init(&job, CAPMILL_INFO);
    job.inputs = inputs;
    job.n_inputs = 1;
    job.filter.rules.rules = wireless;
    job.filter.rules.n_rules = 1;
    ran_job(&job, &ran, NULL, NULL);
    cm_check_eq(ran.status, CAPMILL_E_USAGE);
    cm_check(strstr(ran.text, "--filter") == ran.text);
    made_free(&capture);
    temporary_close(&folder);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* generate makes the same bytes, info and stats the same results, whatever the number of threads and the way
 * of reading; and what damage there is, is found once and where it is. */
#include <stdarg.h>

#include "unit/pipeline/made_captures.h"

static const char recipe[] = "size = 17M\nflows = 500\nprotocols = tcp:60,udp:30,icmp:10\norder = displaced\n"
                             "displaced = 10%\ndisplaced-by = 1ms\n";

static void generate(const char *path, unsigned n_threads, struct ran *ran)
{
    struct capmill_output output = {.path = path};
    struct capmill_job job;

    capmill_job_init(&job, CAPMILL_GENERATE);
    job.outputs = &output;
    job.n_outputs = 1;
    job.recipe = recipe;
    job.n_threads = n_threads;
    job.force = true;
    ran_job(&job, ran, NULL, NULL);
    cm_check_that(ran->status == CAPMILL_OK, "%s", ran->text);
}

CM_TEST(summary_ways, generated_bytes_do_not_depend_on_threads)
{
    static const unsigned counts[] = {1, 2, 3, 8};
    struct temporary_folder folder;
    struct made expected = {0};
    struct made actual = {0};
    char path[1024];

    temporary_open(&folder);
    snprintf(path, sizeof(path), "%s/made.pcap", folder.path);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct ran ran;

        generate(path, counts[i], &ran);
        file_read(path, i == 0 ? &expected : &actual);
        cm_check_eq(ran.report.bytes_written, expected.n);
        cm_check(ran.report.packets_written > 10000);
        cm_check_eq(ran.progress.packets_done, ran.report.packets_written);
        if (i > 0)
            check_same_bytes(&actual, &expected, "generated");
    }
    made_free(&expected);
    made_free(&actual);
    temporary_close(&folder);
}

/* All that a run says of its inputs, as one text. */
struct told {
    char *text;
    size_t n, capacity;
};

CM_PRINTF(2, 3) static void tell(struct told *told, const char *format, ...)
{
    char line[512];
    va_list arguments;
    size_t n;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    n = strlen(line);
    if (told->n + n + 1 > told->capacity) {
        told->capacity = 2 * (told->n + n + 1);
        told->text = realloc(told->text, told->capacity);
        cm_check(told->text != NULL);
    }
    memcpy(told->text + told->n, line, n + 1);
    told->n += n;
}

static void tell_capture(struct told *told, const struct capmill_capture_info *info)
{
    tell(told,
         "%s %s %" PRIu64 " packets %" PRIu64 " %" PRIu64 " bytes %u-%u long %" PRIu64 "-%" PRIu64 " %" PRIu64
         " late %" PRIu64 " hosts %" PRIu64 " %" PRIu64 " flows %" PRIu64 " damages %" PRIu64 " %" PRIu64
         "\n",
         info->format, info->variant, info->n_packets, info->captured_bytes, info->original_bytes,
         info->min_length, info->max_length, info->first_ns, info->last_ns, info->n_out_of_order,
         info->max_late_ns, info->n_src_addresses, info->n_dst_addresses, info->n_flows, info->n_damages,
         info->damaged_bytes);
    tell(told, "%" PRIu64 "\n", info->file_bytes);
    for (size_t i = 0; i < info->n_interfaces; i++)
        tell(told, "  %u:%u %s %" PRIu64 "\n", info->interfaces[i].section, info->interfaces[i].id,
             info->interfaces[i].link_type_name, info->interfaces[i].n_packets);
}

static bool tell_flow(void *context, const struct capmill_flow *flow)
{
    tell(context,
         "%016" PRIx64 " %u %" PRIu64 "/%" PRIu64 " %" PRIu64 "/%" PRIu64 " %" PRIu64 "-%" PRIu64 " %x\n",
         flow->flow_id, flow->protocol, flow->n_packets[0], flow->n_packets[1], flow->n_bytes[0],
         flow->n_bytes[1], flow->first_ns, flow->last_ns, flow->tcp_flags);
    return true;
}

static void tell_run(struct capmill_run *run, void *context)
{
    struct told *told = context;
    const struct capmill_capture_info *captures;
    const struct capmill_protocol_count *protocols;
    const struct capmill_host_count *hosts;
    const struct capmill_size_count *sizes;
    const struct capmill_report *report = capmill_run_report(run);
    size_t n = capmill_run_captures(run, &captures);
    char text[256] = "";

    for (size_t i = 0; i < n; i++)
        tell_capture(told, &captures[i]);
    if (capmill_run_total(run) != NULL)
        tell_capture(told, capmill_run_total(run));
    if (capmill_run_protocols(run, &protocols) > 0)
        cm_check_that(capmill_run_flows(run, CAPMILL_FLOWS_BY_ID, 0, tell_flow, told, text, sizeof(text)) ==
                          CAPMILL_OK,
                      "%s", text);
    n = capmill_run_protocols(run, &protocols);
    for (size_t i = 0; i < n; i++)
        tell(told, "%s %" PRIu64 " %" PRIu64 "\n", protocols[i].name, protocols[i].n_packets,
             protocols[i].n_bytes);
    n = capmill_run_hosts(run, &hosts);
    for (size_t i = 0; i < n; i++)
        tell(told, "%u.%u.%u.%u %" PRIu64 " %" PRIu64 "\n", hosts[i].address[0], hosts[i].address[1],
             hosts[i].address[2], hosts[i].address[3], hosts[i].n_packets_sent, hosts[i].n_bytes_received);
    n = capmill_run_sizes(run, &sizes);
    for (size_t i = 0; i < n; i++)
        tell(told, "%u-%u %" PRIu64 "\n", sizes[i].from, sizes[i].to, sizes[i].n_packets);
    tell(told,
         "read %" PRIu64 " bytes, %" PRIu64 " packets; %" PRIu64 " inputs, %" PRIu64 " skipped; %" PRIu64
         " damages, %" PRIu64 " bytes\n",
         report->bytes_read, report->packets_read, report->n_inputs, report->n_inputs_skipped,
         report->n_damages, report->damaged_bytes);
}

/* Every way says the same; answers what. */
static struct told tell_in_all_ways(enum capmill_command command, const char *const *inputs, size_t n_inputs,
                                    struct ran *last)
{
    struct told first = {0};

    for (size_t w = 0; w < N_WAYS; w++) {
        struct told told = {0};
        struct capmill_job job;

        if (!way_is_there(&ways[w]))
            continue;
        capmill_job_init(&job, command);
        job.inputs = inputs;
        job.n_inputs = n_inputs;
        job.io = ways[w].io;
        job.n_threads = ways[w].n_threads;
        ran_job(&job, last, tell_run, &told);
        cm_check_that(last->status == CAPMILL_OK, "way %zu: %s", w, last->text);
        cm_check(last->n_progress >= 1);
        if (first.text == NULL) {
            first = told;
            continue;
        }
        cm_check_that(strcmp(told.text, first.text) == 0, "way %zu says\n%s\nand the first way\n%s", w,
                      told.text, first.text);
        free(told.text);
    }
    return first;
}

CM_TEST(summary_ways, one_and_several_inputs)
{
    struct temporary_folder folder;
    struct made small = {0};
    struct told told;
    char big_path[1024];
    char small_path[1024];
    const char *inputs[3] = {big_path, small_path, big_path};
    struct ran ran;
    uint64_t big_bytes;
    uint64_t big_packets;

    temporary_open(&folder);
    snprintf(big_path, sizeof(big_path), "%s/big.pcap", folder.path);
    snprintf(small_path, sizeof(small_path), "%s/small.pcapng", folder.path);
    generate(big_path, 2, &ran);
    big_bytes = ran.report.bytes_written;
    big_packets = ran.report.packets_written;
    made_pcapng(&small);
    made_interface(&small, 1);
    made_interface(&small, 101);
    for (uint32_t i = 0; i < 1000; i++)
        made_packet(&small, i % 2, START_S * 1000000 + i, 60 + i % 9, i);
    made_statistics(&small, 0, START_S * 1000000);
    temporary_write(small_path, small.bytes, small.n);

    for (int command = CAPMILL_INFO; command <= CAPMILL_STATS; command++) {
        for (size_t n = 1; n <= 3; n++) {
            told = tell_in_all_ways((enum capmill_command)command, inputs, n, &ran);
            cm_check_eq(ran.report.bytes_read, big_bytes * ((n + 1) / 2) + (n > 1 ? small.n : 0));
            cm_check_eq(ran.report.packets_read, big_packets * ((n + 1) / 2) + (n > 1 ? 1000 : 0));
            cm_check_eq(ran.progress.packets_done, ran.report.packets_read);
            free(told.text);
        }
    }
    made_free(&small);
    temporary_close(&folder);
}

CM_TEST(summary_ways, nothing_and_one_packet)
{
    struct temporary_folder folder;
    struct made made = {0};
    char path[1024];
    const char *inputs[1] = {path};
    struct told told;
    struct ran ran;

    temporary_open(&folder);
    snprintf(path, sizeof(path), "%s/in.pcap", folder.path);
    made_pcap(&made, 1);
    temporary_write(path, made.bytes, made.n);
    told = tell_in_all_ways(CAPMILL_STATS, inputs, 1, &ran);
    cm_check(strncmp(told.text, "pcap  0 packets 0 0 bytes", 24) == 0);
    free(told.text);
    made_record(&made, START_S * 1000000, 60, 1);
    temporary_write(path, made.bytes, made.n);
    told = tell_in_all_ways(CAPMILL_INFO, inputs, 1, &ran);
    cm_check(strncmp(told.text, "pcap  1 packets 60 60 bytes 60-60", 33) == 0);
    cm_check_eq(ran.report.bytes_read, 24 + 16 + 60);
    free(told.text);
    made_free(&made);
    temporary_close(&folder);
}

/* Bytes of which none can be a record's length. */
static void add_damage(struct made *made, size_t n)
{
    memset(made_add(made, NULL, n), 0xf3, n);
}

CM_TEST(summary_ways, damage_over_a_border_of_ranges_is_told_once_and_where_it_is)
{
    struct temporary_folder folder;
    struct made made = {0};
    char path[1024];
    const char *inputs[1] = {path};
    char out[1024];
    char expected[256];
    struct told told;
    struct ran ran;
    size_t places[2];
    uint32_t number = 0;

    temporary_open(&folder);
    snprintf(path, sizeof(path), "%s/in.pcap", folder.path);
    snprintf(out, sizeof(out), "%s/out.pcap", folder.path);
    made_pcap(&made, 1);
    /* over 4 MiB, where ranges of a sort end, and over 8 MiB, where those of a summary do */
    for (size_t k = 0; k < 2; k++) {
        while (made.n < (k + 1) * (4u << 20) - 3000)
            made_record(&made, START_S * 1000000 + number, 1000, number), number++;
        places[k] = made.n;
        add_damage(&made, 7000);
    }
    while (made.n < 10u << 20)
        made_record(&made, START_S * 1000000 + number, 1000, number), number++;
    temporary_write(path, made.bytes, made.n);

    told = tell_in_all_ways(CAPMILL_INFO, inputs, 1, &ran);
    cm_check_eq(ran.report.n_damages, 2);
    cm_check_eq(ran.report.damaged_bytes, 14000);
    cm_check_eq(ran.report.packets_read, number);
    cm_check_eq(ran.n_messages, 2);
    for (size_t k = 0; k < 2; k++) {
        snprintf(expected, sizeof(expected), "offset %zu:", places[k]);
        cm_check_that(strstr(ran.messages, expected) != NULL, "%s is not in %s", expected, ran.messages);
    }
    free(told.text);

    for (size_t w = 0; w < N_WAYS; w++) {
        struct capmill_output output = {.path = out};
        struct capmill_job job;

        if (!way_is_there(&ways[w]))
            continue;
        sort_job(&job, inputs, 1, &output);
        job.io = ways[w].io;
        job.n_threads = ways[w].n_threads;
        ran_job(&job, &ran, NULL, NULL);
        cm_check_that(ran.status == CAPMILL_OK, "%s", ran.text);
        cm_check_eq(ran.report.n_damages, 2);
        cm_check_eq(ran.report.damaged_bytes, 14000);
        cm_check_eq(ran.report.packets_written, number);
        cm_check_eq(ran.report.bytes_written, made.n - 14000);
        snprintf(expected, sizeof(expected), "offset %zu:", places[0]);
        cm_check(strstr(ran.messages, expected) != NULL);
    }
    made_free(&made);
    temporary_close(&folder);
}

/* As in sort_ways_test.c, for ranges of a summary. */
CM_TEST(summary_ways, disproved_seams_are_framed_again_and_counted_once)
{
    struct temporary_folder folder;
    struct made made = {0};
    struct made inner = {0};
    char path[1024];
    const char *inputs[2] = {path, path};
    struct told told;
    struct ran ran;
    uint32_t n = 0;

    temporary_open(&folder);
    snprintf(path, sizeof(path), "%s/in.pcap", folder.path);
    for (uint32_t i = 0; inner.n < 262144 - 2 * 116; i++)
        made_record(&inner, (START_S - 1000) * 1000000 + i, 100, i);
    made_record(&inner, (START_S - 1000) * 1000000, (uint32_t)(262144 - inner.n - PCAP_RECORD_BYTES), 0);
    made_pcap(&made, 1);
    for (; made.n < 18u << 20; n++) {
        size_t at = made.n + PCAP_RECORD_BYTES;

        made_record(&made, START_S * 1000000 + n, 262144, n);
        memcpy(made.bytes + at, inner.bytes, inner.n);
    }
    temporary_write(path, made.bytes, made.n);
    for (size_t k = 1; k <= 2; k++) {
        for (int command = CAPMILL_INFO; command <= CAPMILL_STATS; command++) {
            told = tell_in_all_ways((enum capmill_command)command, inputs, k, &ran);
            cm_check_eq(ran.report.packets_read, n * k);
            cm_check_eq(ran.report.bytes_read, made.n * k);
            cm_check_eq(ran.report.n_damages, 0);
            free(told.text);
        }
    }
    made_free(&made);
    made_free(&inner);
    temporary_close(&folder);
}

static bool no_flow(void *context, const struct capmill_flow *flow)
{
    (void)context;
    (void)flow;
    return true;
}

static void ask_wrongly(struct capmill_run *run, void *context)
{
    char text[256] = "";

    (void)context;
    cm_check_eq(capmill_run_flows(run, (enum capmill_flow_order)7, 1, no_flow, NULL, text, sizeof(text)),
                CAPMILL_E_USAGE);
    cm_check_str(text, "there is no flow order number 7");
    cm_check_eq(capmill_run_flows(run, CAPMILL_FLOWS_BY_BYTES, 1000001, no_flow, NULL, text, sizeof(text)),
                CAPMILL_E_USAGE);
}

CM_TEST(summary_ways, wrong_questions_are_refused)
{
    struct temporary_folder folder;
    struct made made = {0};
    const char *inputs[1];
    struct capmill_job job;
    struct ran ran;

    temporary_open(&folder);
    made_pcap(&made, 1);
    inputs[0] = made_file(&folder, "in.pcap", &made);
    capmill_job_init(&job, CAPMILL_STATS);
    job.inputs = inputs;
    job.n_inputs = 1;
    ran_job(&job, &ran, ask_wrongly, NULL);
    cm_check_eq(ran.status, CAPMILL_OK);
    job.n_threads = 1025;
    ran_job(&job, &ran, NULL, NULL);
    cm_check_eq(ran.status, CAPMILL_E_USAGE);
    job.n_threads = 0;
    job.struct_bytes--;
    ran_job(&job, &ran, NULL, NULL);
    cm_check_eq(ran.status, CAPMILL_E_USAGE);
    made_free(&made);
    temporary_close(&folder);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A summary says the same for every number of threads, in memory and spilled, one capture at a time or
 * together; and it says what a walk over the packets in file order says. */
#include "sink/summary_sink.h"

#include "unit/flow/made_packets.h"

#define PLENTY ((uint64_t)1 << 30)

static struct cm_summary *summary_create(enum cm_summary_level level, unsigned n_threads,
                                         uint64_t memory_bytes, bool unidirectional, bool approximate)
{
    const struct cm_summary_options options = {.level = level,
                                               .unidirectional = unidirectional,
                                               .approximate = approximate,
                                               .memory_bytes = memory_bytes,
                                               .n_threads = n_threads};
    struct cm_summary *summary = NULL;
    struct cm_error error = {0};

    cm_check_that(cm_summary_create(&options, &summary, &error) == CAPMILL_OK, "%s", error.text);
    return summary;
}

/* Damage is put before packets whose place is a multiple of this. */
#define DAMAGE_EVERY 37u

static void put_damages(struct made_batch *made, const struct made_packet *packets)
{
    for (uint32_t i = 0; i < made->batch.n_packets && made->batch.n_events < CM_BATCH_EVENTS; i++)
        if (packets[i].place % DAMAGE_EVERY == 0)
            made->batch.events[made->batch.n_events++] =
                (struct cm_event){.type = CM_EVENT_DAMAGE,
                                  .before_packet = i,
                                  .place = packets[i].place,
                                  .n_bytes = packets[i].place % 100 + 1,
                                  .reason = "test"};
}

/* Each sequence goes to some thread; the threads work interleaved, as they would. */
static void run(struct cm_summary *summary, unsigned n_threads, const struct made_packet *packets, size_t n)
{
    const struct cm_sink *sink = cm_summary_sink(summary);
    struct made_batch *made = made_batch_create();
    struct cm_error error = {0};
    uint64_t state = n_threads;
    void *locals[8] = {NULL};

    for (unsigned i = 0; i < n_threads; i++)
        cm_check_eq(sink->open(sink->shared, i, &locals[i], &error), CAPMILL_OK);
    for (size_t at = 0, begin = 0; made_batch_fill(made, packets, n, &at, 1 + made_below(&state, 512));
         begin = at) {
        const unsigned thread = (packets[begin].sequence * 2654435761u >> 7) % n_threads;

        put_damages(made, packets + begin);
        cm_check_that(sink->consume(sink->shared, locals[thread], &made->batch, &error) == CAPMILL_OK, "%s",
                      error.text);
    }
    for (unsigned i = n_threads; i-- > 0;)
        cm_check_that(sink->combine(sink->shared, locals[i], &error) == CAPMILL_OK, "%s", error.text);
    cm_check_that(sink->finish(sink->shared, &error) == CAPMILL_OK, "%s", error.text);
    sink->close(sink->shared);
    free(made);
}

/* The counts by a plain walk in file order. Batches hold at most CM_BATCH_EVENTS damages, and made_batch_fill
 * decides where batches end; so damages are checked apart. */
static void expected_counts(const struct made_packet *packets, size_t n, bool unidirectional,
                            struct cm_summary_counts *expected)
{
    size_t n_flows, n_hosts;
    struct model_flow *flows = model_flows(packets, n, unidirectional, &n_flows);
    struct model_host *hosts = model_hosts(packets, n, &n_hosts);
    uint64_t before = 0, latest = 0;
    uint32_t input = UINT32_MAX;

    *expected =
        (struct cm_summary_counts){.n_flows = n_flows, .first_ns = UINT64_MAX, .min_length = UINT32_MAX};
    for (size_t i = 0; i < n_hosts; i++) {
        expected->n_src_addresses += hosts[i].n_packets_sent > 0;
        expected->n_dst_addresses += hosts[i].n_packets_received > 0;
    }
    for (size_t i = 0; i < n; i++) {
        const struct made_packet *packet = &packets[i];

        if (packet->input != input) {
            input = packet->input;
            before = latest = 0;
        }
        if (packet->dropped)
            continue;
        expected->n_packets++;
        expected->captured_bytes += packet->caplen;
        expected->original_bytes += packet->origlen;
        if (packet->caplen < expected->min_length)
            expected->min_length = packet->caplen;
        if (packet->caplen > expected->max_length)
            expected->max_length = packet->caplen;
        if (packet->packet_flags & CM_PACKET_NO_TIME)
            continue;
        expected->has_times = true;
        if (packet->time_ns < expected->first_ns)
            expected->first_ns = packet->time_ns;
        if (packet->time_ns > expected->last_ns)
            expected->last_ns = packet->time_ns;
        expected->n_out_of_order += packet->time_ns < before;
        before = packet->time_ns;
        if (packet->time_ns > latest)
            latest = packet->time_ns;
        if (latest - packet->time_ns > expected->max_late_ns)
            expected->max_late_ns = latest - packet->time_ns;
    }
    free(flows);
    free(hosts);
}

static void check_counts(const struct cm_summary *summary, const struct cm_summary_counts *expected)
{
    struct cm_summary_counts counts;

    cm_summary_read_counts(summary, &counts);
    cm_check_eq(counts.n_packets, expected->n_packets);
    cm_check_eq(counts.captured_bytes, expected->captured_bytes);
    cm_check_eq(counts.original_bytes, expected->original_bytes);
    cm_check_eq(counts.min_length, expected->min_length);
    cm_check_eq(counts.max_length, expected->max_length);
    cm_check_eq(counts.has_times, expected->has_times);
    cm_check_eq(counts.first_ns, expected->first_ns);
    cm_check_eq(counts.last_ns, expected->last_ns);
    cm_check_eq(counts.n_out_of_order, expected->n_out_of_order);
    cm_check_eq(counts.max_late_ns, expected->max_late_ns);
    cm_check_eq(counts.n_flows, expected->n_flows);
    cm_check_eq(counts.n_src_addresses, expected->n_src_addresses);
    cm_check_eq(counts.n_dst_addresses, expected->n_dst_addresses);
}

static void check_interfaces(const struct cm_summary *summary, const struct made_packet *packets, size_t n,
                             uint32_t n_inputs)
{
    for (uint32_t input = 0; input <= n_inputs; input++)
        for (uint32_t interface = 0; interface < 7; interface++) {
            uint64_t expected = 0;

            for (size_t i = 0; i < n; i++)
                expected +=
                    !packets[i].dropped && packets[i].input == input && packets[i].interface == interface;
            cm_check_eq(cm_summary_interface_packets(summary, input, interface), expected);
        }
}

/* --- flows --- */

struct flow_list {
    struct cm_summary_flow *flows;
    size_t n, limit;
};

static bool list_flow(void *context, const struct cm_summary_flow *flow)
{
    struct flow_list *list = context;

    list->flows[list->n++] = *flow;
    return list->n < list->limit;
}

/* By the order asked for; ties by flow id. The model's flows are sorted by id. */
static enum cm_summary_flow_order wanted_order;

static int compare_model_sizes(const void *left, const void *right)
{
    const struct model_flow *a = left, *b = right;
    const bool by_bytes = wanted_order == CM_SUMMARY_FLOWS_BY_BYTES;
    const uint64_t size_a = by_bytes ? a->n_bytes[0] + a->n_bytes[1] : a->n_packets[0] + a->n_packets[1];
    const uint64_t size_b = by_bytes ? b->n_bytes[0] + b->n_bytes[1] : b->n_packets[0] + b->n_packets[1];

    if (size_a != size_b && wanted_order != CM_SUMMARY_FLOWS_BY_ID)
        return size_a > size_b ? -1 : 1;
    return a->flow_id < b->flow_id ? -1 : a->flow_id > b->flow_id;
}

static void check_endpoint(const uint8_t *expected, unsigned n, uint8_t version, const uint8_t address[16],
                           uint16_t port)
{
    uint8_t bytes[18];

    cm_check_eq(model_endpoint(version, address, port, bytes), n);
    cm_check_mem(bytes, expected, n);
}

static void check_flow(const struct cm_summary_flow *flow, const struct model_flow *expected)
{
    const unsigned n_high = expected->n_bytes_hashed - 1u - expected->n_low, high = expected->first_from_high;
    const uint8_t *low_bytes = expected->bytes, *high_bytes = expected->bytes + expected->n_low;

    cm_check(flow->flow_id == expected->flow_id);
    cm_check_eq(flow->ip_version, expected->n_bytes_hashed == 13 ? 4 : 6);
    check_endpoint(high ? high_bytes : low_bytes, high ? n_high : expected->n_low, flow->ip_version,
                   flow->src, flow->src_port);
    check_endpoint(high ? low_bytes : high_bytes, high ? expected->n_low : n_high, flow->ip_version,
                   flow->dst, flow->dst_port);
    cm_check_eq(flow->protocol, expected->protocol);
    cm_check_eq(flow->tcp_flags, expected->tcp_flags);
    cm_check_eq(flow->has_icmp, expected->has_icmp);
    cm_check_eq(flow->icmp_type, expected->icmp_type);
    cm_check_eq(flow->icmp_code, expected->icmp_code);
    for (unsigned way = 0; way < 2; way++) {
        cm_check_eq(flow->n_packets[way], expected->n_packets[high ? 1 - way : way]);
        cm_check_eq(flow->n_bytes[way], expected->n_bytes[high ? 1 - way : way]);
    }
    cm_check_eq(flow->first_ns, expected->first_ns);
    cm_check_eq(flow->last_ns, expected->last_ns);
}

static void check_flows(struct cm_summary *summary, const struct made_packet *packets, size_t n,
                        bool unidirectional)
{
    static const enum cm_summary_flow_order orders[] = {CM_SUMMARY_FLOWS_BY_ID, CM_SUMMARY_FLOWS_BY_BYTES,
                                                        CM_SUMMARY_FLOWS_BY_PACKETS};
    struct flow_list list = {0};
    struct cm_error error = {0};
    struct model_flow *expected;
    size_t n_flows;

    expected = model_flows(packets, n, unidirectional, &n_flows);
    list.flows = calloc(n_flows + 1, sizeof(*list.flows));
    for (unsigned i = 0; i < 3; i++) {
        const size_t limits[] = {orders[i] == CM_SUMMARY_FLOWS_BY_ID ? 0 : n_flows + 5, 10, 1};

        wanted_order = orders[i];
        qsort(expected, n_flows, sizeof(*expected), compare_model_sizes);
        for (unsigned j = 0; j < 3; j++) {
            list.n = 0;
            list.limit = SIZE_MAX;
            cm_check_that(cm_summary_flows(summary, orders[i], limits[j], list_flow, &list, &error) ==
                              CAPMILL_OK,
                          "%s", error.text);
            cm_check_eq(list.n, limits[j] == 0 || limits[j] > n_flows ? n_flows : limits[j]);
            for (size_t k = 0; k < list.n; k++)
                check_flow(&list.flows[k], &expected[k]);
        }
        list.n = 0;
        list.limit = 3; /* the callback ends it */
        cm_check_eq(cm_summary_flows(summary, orders[i], 10, list_flow, &list, &error), CAPMILL_OK);
        cm_check_eq(list.n, 3);
    }
    free(list.flows);
    free(expected);
}

/* --- rows --- */

static int compare_host_rows(const void *left, const void *right)
{
    const struct model_host *a = left, *b = right;
    const uint64_t bytes_a = a->n_bytes_sent + a->n_bytes_received,
                   bytes_b = b->n_bytes_sent + b->n_bytes_received;
    const uint64_t packets_a = a->n_packets_sent + a->n_packets_received;
    const uint64_t packets_b = b->n_packets_sent + b->n_packets_received;

    if (bytes_a != bytes_b)
        return bytes_a > bytes_b ? -1 : 1;
    return packets_a > packets_b ? -1 : packets_a < packets_b;
}

static void check_hosts(const struct cm_summary *summary, const struct made_packet *packets, size_t n)
{
    const struct cm_summary_host *rows = NULL;
    size_t n_hosts, n_rows = cm_summary_hosts(summary, &rows);
    struct model_host *expected = model_hosts(packets, n, &n_hosts);
    struct model_host *by_size = calloc(n_hosts + 1, sizeof(*by_size));

    memcpy(by_size, expected, n_hosts * sizeof(*by_size));
    qsort(by_size, n_hosts, sizeof(*by_size), compare_host_rows);
    cm_check_eq(n_rows, n_hosts);
    for (size_t i = 0; i < n_rows; i++) {
        struct model_host key = {.n = rows[i].ip_version == 4 ? 4 : 16};
        const struct model_host *same;

        cm_check_eq(compare_host_rows(&by_size[i],
                                      &(struct model_host){.n_packets_sent = rows[i].n_packets_sent,
                                                           .n_bytes_sent = rows[i].n_bytes_sent,
                                                           .n_packets_received = rows[i].n_packets_received,
                                                           .n_bytes_received = rows[i].n_bytes_received}),
                    0);
        memcpy(key.bytes, rows[i].address, key.n);
        same = bsearch(&key, expected, n_hosts, sizeof(key), model_compare_hosts);
        cm_check(same != NULL);
        cm_check_eq(same->n_bytes_sent, rows[i].n_bytes_sent);
        cm_check_eq(same->n_packets_received, rows[i].n_packets_received);
    }
    free(by_size);
    free(expected);
}

static void check_protocol(const struct cm_summary *summary, const struct made_packet *packets, size_t n,
                           const char *name, uint8_t version, uint8_t protocol, uint16_t eth_type)
{
    const struct cm_summary_protocol *rows = NULL;
    const size_t n_rows = cm_summary_protocols(summary, &rows);
    uint64_t n_packets = 0, n_bytes = 0;
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        bool same = version == 0 ? packets[i].ip_version == 0 && packets[i].eth_type == eth_type
                                 : packets[i].ip_version != 0 && packets[i].protocol == protocol;

        if (packets[i].dropped || !same)
            continue;
        n_packets++;
        n_bytes += packets[i].origlen;
    }
    while (at < n_rows && strcmp(rows[at].name, name) != 0)
        at++;
    cm_check_that(at < n_rows, "no row %s", name);
    cm_check_eq(rows[at].n_packets, n_packets);
    cm_check_eq(rows[at].n_bytes, n_bytes);
    for (size_t i = 1; i < n_rows; i++)
        cm_check(rows[i - 1].n_bytes >= rows[i].n_bytes);
}

static void check_protocols(const struct cm_summary *summary, const struct made_packet *packets, size_t n)
{
    const struct cm_summary_protocol *rows = NULL;

    cm_check_eq(cm_summary_protocols(summary, &rows), 10); /* 7 of IP, 3 not */
    check_protocol(summary, packets, n, "tcp", 4, 6, 0);
    check_protocol(summary, packets, n, "udp", 4, 17, 0);
    check_protocol(summary, packets, n, "sctp", 4, 132, 0);
    check_protocol(summary, packets, n, "arp", 0, 0, 0x0806);
    check_protocol(summary, packets, n, "other", 0, 0, 0);
}

static void check_sizes(const struct cm_summary *summary, const struct made_packet *packets, size_t n)
{
    static const uint32_t edges[] = {0, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120};
    const struct cm_summary_size *rows = NULL;

    cm_check_eq(cm_summary_sizes(summary, &rows), 10);
    for (unsigned i = 0; i < 10; i++) {
        uint64_t expected = 0;

        cm_check_eq(rows[i].from, edges[i]);
        cm_check_eq(rows[i].to, i < 9 ? edges[i + 1] - 1 : UINT32_MAX);
        for (size_t j = 0; j < n; j++)
            expected +=
                !packets[j].dropped && packets[j].origlen >= rows[i].from && packets[j].origlen <= rows[i].to;
        cm_check_eq(rows[i].n_packets, expected);
    }
}

static void check_all(struct cm_summary *summary, enum cm_summary_level level,
                      const struct made_packet *packets, size_t n, uint32_t n_inputs, bool unidirectional)
{
    struct cm_summary_counts expected;

    expected_counts(packets, n, unidirectional, &expected);
    check_counts(summary, &expected);
    check_interfaces(summary, packets, n, n_inputs);
    if (level == CM_SUMMARY_INFO)
        return;
    check_flows(summary, packets, n, unidirectional);
    check_hosts(summary, packets, n);
    check_protocols(summary, packets, n);
    check_sizes(summary, packets, n);
}

CM_TEST(summary, the_same_for_any_number_of_threads)
{
    static const unsigned numbers[] = {1, 2, 3, 7};
    struct made_packet *packets = made_capture(20000, 3, 300, 4);

    for (unsigned level = CM_SUMMARY_INFO; level <= CM_SUMMARY_STATS; level++)
        for (unsigned i = 0; i < 4; i++) {
            struct cm_summary *summary =
                summary_create((enum cm_summary_level)level, numbers[i], PLENTY, i % 2 == 1, false);

            run(summary, numbers[i], packets, 20000);
            check_all(summary, (enum cm_summary_level)level, packets, 20000, 3, i % 2 == 1);
            cm_summary_destroy(summary);
        }
    free(packets);
}

CM_TEST(summary, spilling_changes_nothing)
{
    struct made_packet *packets = made_capture(120000, 1, 40000, 4);
    struct cm_summary_counts counts;

    for (unsigned level = CM_SUMMARY_INFO; level <= CM_SUMMARY_STATS; level++) {
        struct cm_summary *summary = summary_create((enum cm_summary_level)level, 2, 0, false, false);

        run(summary, 2, packets, 120000);
        /* far more than the least memory of a table, 1 MiB, holds */
        cm_summary_read_counts(summary, &counts);
        cm_check(counts.n_flows > 60000);
        check_all(summary, (enum cm_summary_level)level, packets, 120000, 1, false);
        cm_summary_destroy(summary);
    }
    free(packets);
}

CM_TEST(summary, resetting_and_absorbing_equal_one_pass)
{
    const size_t n = 24000, n_inputs = 4, part = n / n_inputs;
    struct made_packet *packets = made_capture(n, (uint32_t)n_inputs, 300, 4);

    for (unsigned level = CM_SUMMARY_INFO; level <= CM_SUMMARY_STATS; level++) {
        struct cm_summary *one = summary_create((enum cm_summary_level)level, 2, PLENTY, false, false);
        struct cm_summary *total = summary_create((enum cm_summary_level)level, 2, PLENTY, false, false);
        struct cm_error error = {0};

        for (size_t i = 0; i < n_inputs; i++) {
            run(one, 2, packets + i * part, part);
            check_all(one, (enum cm_summary_level)level, packets + i * part, part, 0, false);
            cm_check_eq(cm_summary_absorb(total, one, &error), CAPMILL_OK);
            /* asked in between as well */
            if (i == 1) {
                cm_check_eq(cm_summary_finish(total, &error), CAPMILL_OK);
                check_all(total, (enum cm_summary_level)level, packets, 2 * part, (uint32_t)n_inputs, false);
            }
        }
        cm_check_eq(cm_summary_finish(total, &error), CAPMILL_OK);
        check_all(total, (enum cm_summary_level)level, packets, n, (uint32_t)n_inputs, false);
        cm_summary_destroy(one);
        cm_summary_destroy(total);
    }
    free(packets);
}

CM_TEST(summary, damages_are_counted)
{
    struct made_packet *packets = made_capture(60000, 2, 300, 4);
    struct cm_summary *summary = summary_create(CM_SUMMARY_INFO, 3, PLENTY, false, false);
    struct cm_summary_counts counts;
    uint64_t n_expected = 0, bytes_expected = 0, state = 3;
    struct made_batch *made = made_batch_create();

    for (size_t at = 0, begin = 0; made_batch_fill(made, packets, 60000, &at, 1 + made_below(&state, 512));
         begin = at) {
        put_damages(made, packets + begin);
        n_expected += made->batch.n_events;
        for (uint32_t i = 0; i < made->batch.n_events; i++)
            bytes_expected += made->batch.events[i].n_bytes;
    }
    run(summary, 3, packets, 60000); /* batches as above: the same random numbers */
    cm_summary_read_counts(summary, &counts);
    cm_check_eq(counts.n_damages, n_expected);
    cm_check_eq(counts.damaged_bytes, bytes_expected);
    cm_check(n_expected > 1000);
    cm_summary_reset(summary);
    cm_summary_read_counts(summary, &counts);
    cm_check_eq(counts.n_damages, 0);
    cm_check_eq(counts.damaged_bytes, 0);
    cm_summary_destroy(summary);
    free(made);
    free(packets);
}

CM_TEST(summary, nothing_seen_is_all_zero)
{
    struct cm_summary *summary = summary_create(CM_SUMMARY_STATS, 1, PLENTY, false, false);
    const struct cm_summary_protocol *protocols = NULL;
    const struct cm_summary_host *hosts = NULL;
    struct cm_summary_counts zero = {0}, counts;

    run(summary, 1, NULL, 0);
    check_counts(summary, &zero);
    cm_summary_read_counts(summary, &counts);
    cm_check(!counts.has_times);
    cm_check_eq(cm_summary_protocols(summary, &protocols), 0);
    cm_check_eq(cm_summary_hosts(summary, &hosts), 0);
    cm_summary_destroy(summary);
    cm_summary_destroy(NULL);
}

CM_TEST(summary, packets_without_time_do_not_make_one)
{
    struct made_packet *packets = made_capture(500, 1, 30, 4);
    struct cm_summary *summary = summary_create(CM_SUMMARY_STATS, 1, PLENTY, false, false);
    struct cm_summary_counts counts;

    for (size_t i = 0; i < 500; i++)
        packets[i].packet_flags = CM_PACKET_NO_TIME;
    run(summary, 1, packets, 500);
    cm_summary_read_counts(summary, &counts);
    cm_check(!counts.has_times);
    cm_check_eq(counts.first_ns + counts.last_ns + counts.n_out_of_order + counts.max_late_ns, 0);
    check_flows(summary, packets, 500, false); /* times 0, first packets by place */
    cm_summary_destroy(summary);
    free(packets);
}

CM_TEST(summary, approximate_has_estimates_and_no_flows)
{
    struct made_packet *packets = made_capture(40000, 1, 20000, 4);
    struct cm_summary *summary = summary_create(CM_SUMMARY_STATS, 2, PLENTY, false, true);
    struct cm_summary_counts counts, expected;
    const struct cm_summary_host *hosts = NULL;
    struct cm_error error = {0};

    run(summary, 2, packets, 40000);
    cm_summary_read_counts(summary, &counts);
    expected_counts(packets, 40000, false, &expected);
    cm_check(counts.approximate);
    cm_check(llabs((long long)(counts.n_flows - expected.n_flows)) * 1000 < 25 * (long long)expected.n_flows);
    cm_check_eq(cm_summary_flows(summary, CM_SUMMARY_FLOWS_BY_ID, 0, list_flow, NULL, &error),
                CAPMILL_E_UNSUPPORTED);
    cm_check_eq(cm_summary_hosts(summary, &hosts), 0);
    check_protocols(summary, packets, 40000);
    check_sizes(summary, packets, 40000);
    cm_summary_destroy(summary);
    free(packets);
}

CM_TEST(summary, wrong_questions_are_refused)
{
    struct cm_summary *info = summary_create(CM_SUMMARY_INFO, 1, PLENTY, false, false);
    struct cm_summary *stats = summary_create(CM_SUMMARY_STATS, 1, PLENTY, false, false);
    const struct cm_sink *sink = cm_summary_sink(info);
    struct cm_error error = {0};
    void *local = NULL;

    run(info, 1, NULL, 0);
    run(stats, 1, NULL, 0);
    cm_check_eq(cm_summary_flows(info, CM_SUMMARY_FLOWS_BY_ID, 0, list_flow, NULL, &error), CAPMILL_E_USAGE);
    cm_check_eq(cm_summary_flows(stats, CM_SUMMARY_FLOWS_BY_BYTES, 0, list_flow, NULL, &error),
                CAPMILL_E_USAGE);
    cm_check_eq(cm_summary_flows(stats, CM_SUMMARY_FLOWS_BY_PACKETS, CM_SUMMARY_FLOWS_LIMIT + 1, list_flow,
                                 NULL, &error),
                CAPMILL_E_USAGE);
    cm_check_eq(cm_summary_absorb(info, stats, &error), CAPMILL_E_INTERNAL);
    cm_check_eq(sink->open(sink->shared, 1, &local, &error), CAPMILL_E_INTERNAL);
    cm_summary_destroy(info);
    cm_summary_destroy(stats);
}

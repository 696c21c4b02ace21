/* SPDX-License-Identifier: Apache-2.0 */
/* The flow table, the tally and the host table find what the model finds: in memory and spilled, by one
 * thread and by several, with any placement of keys. */
#include "flow/table.h"

#include "flow/host_table.h"
#include "flow/tally.h"
#include "unit/flow/made_packets.h"

#define PLENTY ((size_t)1 << 30)

static const struct cm_flow_seed usual_seed = {
    {1234567, 0x9e3779b97f4a7c15, 77, 0xdeadbeefcafef00d, 5, 999999937}};
/* Annuls every product: all keys want slot 0, so that every search is a walk over all that came before. */
static const struct cm_flow_seed worst_seed = {{0}};

static struct cm_flow_table *table_create(bool unidirectional, size_t memory_bytes,
                                          const struct cm_flow_seed *seed)
{
    const struct cm_flow_table_options options = {unidirectional, memory_bytes, NULL, seed};
    struct cm_flow_table *table = NULL;
    struct cm_error error = {0};

    cm_check_that(cm_flow_table_create(&options, &table, &error) == CAPMILL_OK, "%s", error.text);
    return table;
}

static struct cm_tally *tally_create(bool unidirectional, size_t memory_bytes,
                                     const struct cm_flow_seed *seed, bool approximate)
{
    const struct cm_tally_options options = {unidirectional, approximate, memory_bytes, NULL, seed};
    struct cm_tally *tally = NULL;
    struct cm_error error = {0};

    cm_check_that(cm_tally_create(&options, &tally, &error) == CAPMILL_OK, "%s", error.text);
    return tally;
}

/* Give the packets to `n_tables` tables in turns, a sequence at a time, and unite those in the first. */
static void fill_tables(struct cm_flow_table **tables, struct cm_tally **tallies, unsigned n_tables,
                        const struct made_packet *packets, size_t n)
{
    struct made_batch *made = made_batch_create();
    struct cm_error error = {0};
    uint64_t state = 1;
    unsigned turn = 0;

    for (size_t at = 0, before = 0; made_batch_fill(made, packets, n, &at, 1 + made_below(&state, 512));
         before = at) {
        if (before > 0 && packets[before].sequence != packets[before - 1].sequence)
            turn = (turn + 1) % n_tables;
        if (tables != NULL)
            cm_check_that(cm_flow_table_add(tables[turn], &made->batch, &error) == CAPMILL_OK, "%s",
                          error.text);
        if (tallies != NULL)
            cm_check_that(cm_tally_add(tallies[turn], &made->batch, &error) == CAPMILL_OK, "%s", error.text);
    }
    for (unsigned i = 1; i < n_tables; i++) {
        if (tables != NULL)
            cm_check_that(cm_flow_table_absorb(tables[0], tables[i], &error) == CAPMILL_OK, "%s", error.text);
        if (tallies != NULL)
            cm_check_that(cm_tally_absorb(tallies[0], tallies[i], &error) == CAPMILL_OK, "%s", error.text);
    }
    free(made);
}

static void check_flow(const struct cm_flow_record *record, const struct model_flow *expected)
{
    const struct cm_flow_counts *counts = &record->counts;
    struct cm_flow_endpoints endpoints;

    cm_check(record->flow_id == expected->flow_id);
    cm_flow_key_split(&record->key, &endpoints);
    cm_check_eq(endpoints.protocol, expected->protocol);
    if (endpoints.ip_version == 4)
        cm_check_mem(endpoints.low, expected->bytes, 4);
    else if (expected->n_low == 18)
        cm_check_mem(endpoints.low, expected->bytes, 16);
    else
        cm_check_mem(endpoints.low + 12, expected->bytes, 4);
    for (unsigned way = 0; way < 2; way++) {
        cm_check_eq(counts->n_packets[way], expected->n_packets[way]);
        cm_check_eq(counts->n_bytes[way], expected->n_bytes[way]);
    }
    cm_check_eq(counts->tcp_flags, expected->tcp_flags);
    cm_check_eq(counts->first_ns <= counts->last_ns, expected->timed);
    if (expected->timed) {
        cm_check_eq(counts->first_ns, expected->first_ns);
        cm_check_eq(counts->last_ns, expected->last_ns);
    }
    cm_check_eq(counts->first_place, expected->rank_place);
    cm_check_eq(counts->first_input, expected->rank_input);
    cm_check_eq((counts->first & CM_FLOW_FIRST_FROM_HIGH) != 0, expected->first_from_high);
    cm_check_eq((counts->first & CM_FLOW_FIRST_ICMP) != 0, expected->has_icmp);
    cm_check_eq(counts->icmp_type, expected->icmp_type);
    cm_check_eq(counts->icmp_code, expected->icmp_code);
}

static void check_table(struct cm_flow_table *table, const struct model_flow *flows, size_t n_flows)
{
    const struct cm_flow_record *record = NULL;
    struct cm_flow_walk *walk = NULL;
    struct cm_error error = {0};

    cm_check_that(cm_flow_table_sort(table, &error) == CAPMILL_OK, "%s", error.text);
    for (unsigned round = 0; round < 2; round++) { /* a table may be walked again */
        cm_check_that(cm_flow_walk_open(table, &walk, &error) == CAPMILL_OK, "%s", error.text);
        for (size_t i = 0; i < n_flows; i++) {
            cm_check_eq(cm_flow_walk_next(walk, &record, &error), CAPMILL_OK);
            check_flow(record, &flows[i]);
        }
        cm_check_eq(cm_flow_walk_next(walk, &record, &error), CAPMILL_END);
        cm_flow_walk_close(walk);
    }
}

/* A whole round: tables of so much memory each, united, against the model. */
static void check_round(const struct made_packet *packets, size_t n, unsigned n_tables, size_t memory_bytes,
                        const struct cm_flow_seed *seed, bool unidirectional, bool spills)
{
    struct cm_flow_table *tables[8] = {NULL};
    struct model_flow *flows;
    size_t n_flows;

    flows = model_flows(packets, n, unidirectional, &n_flows);
    for (unsigned i = 0; i < n_tables; i++)
        tables[i] = table_create(unidirectional, memory_bytes, seed);
    fill_tables(tables, NULL, n_tables, packets, n);
    cm_check_eq(cm_flow_table_spills(tables[0]) > 0, spills);
    check_table(tables[0], flows, n_flows);
    /* what was absorbed is empty, and fit to be filled again */
    if (n_tables > 1) {
        fill_tables(&tables[1], NULL, 1, packets, n);
        check_table(tables[1], flows, n_flows);
    }
    for (unsigned i = 0; i < n_tables; i++)
        cm_flow_table_destroy(tables[i]);
    free(flows);
}

CM_TEST(flow_table, equals_the_model_for_any_number_of_tables)
{
    static const unsigned numbers[] = {1, 2, 3, 7};
    struct made_packet *packets = made_capture(30000, 3, 300, 4);

    for (size_t i = 0; i < 4; i++) {
        check_round(packets, 30000, numbers[i], PLENTY, &usual_seed, false, false);
        check_round(packets, 30000, numbers[i], PLENTY, &usual_seed, true, false);
    }
    free(packets);
}

CM_TEST(flow_table, spilling_changes_nothing)
{
    struct made_packet *packets = made_capture(30000, 2, 300, 4);

    check_round(packets, 30000, 1, 1 << 20, &usual_seed, false, true);
    check_round(packets, 30000, 3, 300 << 10, &usual_seed, false, true);
    /* less than the smallest tables: a run per chunk, more runs than are merged at once */
    check_round(packets, 30000, 2, 0, &usual_seed, true, true);
    free(packets);
}

CM_TEST(flow_table, colliding_keys_are_still_told_apart)
{
    struct made_packet *packets = made_capture(3000, 1, 20, 3);

    check_round(packets, 3000, 2, PLENTY, &worst_seed, false, false);
    check_round(packets, 3000, 2, 60 << 10, &worst_seed, false, true);
    free(packets);
}

CM_TEST(flow_table, tables_of_different_seeds_unite)
{
    struct made_packet *packets = made_capture(9000, 1, 100, 4);
    struct cm_flow_table *tables[2] = {table_create(false, PLENTY, &usual_seed),
                                       table_create(false, PLENTY, &worst_seed)};
    struct model_flow *flows;
    size_t n_flows;

    flows = model_flows(packets, 9000, false, &n_flows);
    fill_tables(tables, NULL, 2, packets, 9000);
    check_table(tables[0], flows, n_flows);
    cm_flow_table_destroy(tables[0]);
    cm_flow_table_destroy(tables[1]);
    free(flows);
    free(packets);
}

CM_TEST(flow_table, sorted_tables_can_be_united)
{
    struct made_packet *packets = made_capture(12000, 1, 100, 4);
    struct cm_flow_table *one = table_create(false, PLENTY, &usual_seed),
                         *sum = table_create(false, PLENTY, &usual_seed);
    struct cm_error error = {0};
    struct model_flow *flows;
    size_t n_flows;

    for (unsigned part = 0; part < 3; part++) {
        fill_tables(&one, NULL, 1, packets + part * 4000, 4000);
        cm_check_eq(cm_flow_table_sort(one, &error), CAPMILL_OK);
        cm_check_eq(cm_flow_table_absorb(sum, one, &error), CAPMILL_OK);
        flows = model_flows(packets, (part + 1) * 4000, false, &n_flows);
        check_table(sum, flows, n_flows); /* sorts it as well */
        free(flows);
    }
    cm_flow_table_destroy(one);
    cm_flow_table_destroy(sum);
    free(packets);
}

CM_TEST(flow_table, empty_and_cleared_tables_have_no_flows)
{
    struct made_packet *packets = made_capture(1000, 1, 100, 4);
    struct cm_flow_table *table = table_create(false, 0, &usual_seed);

    check_table(table, NULL, 0);
    cm_flow_table_clear(table);
    fill_tables(&table, NULL, 1, packets, 1000);
    cm_flow_table_clear(table);
    check_table(table, NULL, 0);
    cm_flow_table_destroy(table);
    cm_flow_table_destroy(NULL);
    free(packets);
}

CM_TEST(flow_table, a_missing_temp_dir_is_a_located_failure)
{
    const struct cm_flow_table_options options = {false, 0, "/nonexistent/folder", &usual_seed};
    struct made_packet *packets = made_capture(1000, 1, 1000, 4);
    struct made_batch *made = made_batch_create();
    struct cm_flow_table *table = NULL;
    struct cm_error error = {0};
    enum capmill_status status = CAPMILL_OK;

    cm_check_eq(cm_flow_table_create(&options, &table, &error), CAPMILL_OK);
    for (size_t at = 0; status == CAPMILL_OK && made_batch_fill(made, packets, 1000, &at, 512);)
        status = cm_flow_table_add(table, &made->batch, &error);
    cm_check(status < 0);
    cm_check_that(strstr(error.text, "/nonexistent/folder") != NULL, "%s", error.text);
    cm_flow_table_destroy(table);
    free(made);
    free(packets);
}

/* --- the tally --- */

static void expected_counts(const struct made_packet *packets, size_t n, bool unidirectional,
                            struct cm_tally_counts *counts_ret)
{
    size_t n_flows, n_hosts;
    struct model_flow *flows = model_flows(packets, n, unidirectional, &n_flows);
    struct model_host *hosts = model_hosts(packets, n, &n_hosts);

    *counts_ret = (struct cm_tally_counts){.n_flows = n_flows};
    for (size_t i = 0; i < n_hosts; i++) {
        counts_ret->n_src_addresses += hosts[i].n_packets_sent > 0;
        counts_ret->n_dst_addresses += hosts[i].n_packets_received > 0;
    }
    free(flows);
    free(hosts);
}

static void check_tally(const struct made_packet *packets, size_t n, unsigned n_tallies, size_t memory_bytes,
                        const struct cm_flow_seed *seed, bool unidirectional, bool spills)
{
    struct cm_tally_counts expected, counts;
    struct cm_tally *tallies[8];
    struct cm_error error = {0};

    expected_counts(packets, n, unidirectional, &expected);
    for (unsigned i = 0; i < n_tallies; i++)
        tallies[i] = tally_create(unidirectional, memory_bytes, seed, false);
    fill_tables(NULL, tallies, n_tallies, packets, n);
    for (unsigned round = 0; round < 2; round++) {
        cm_check_eq(cm_tally_count(tallies[0], &counts, &error), CAPMILL_OK);
        cm_check_eq(counts.n_flows, expected.n_flows);
        cm_check_eq(counts.n_src_addresses, expected.n_src_addresses);
        cm_check_eq(counts.n_dst_addresses, expected.n_dst_addresses);
        /* the same packets again are nothing new */
        fill_tables(NULL, tallies, 1, packets, n);
    }
    cm_check_eq(cm_tally_spills(tallies[0]) > 0, spills);
    cm_tally_clear(tallies[0]);
    cm_check_eq(cm_tally_count(tallies[0], &counts, &error), CAPMILL_OK);
    cm_check_eq(counts.n_flows + counts.n_src_addresses + counts.n_dst_addresses, 0);
    for (unsigned i = 0; i < n_tallies; i++)
        cm_tally_destroy(tallies[i]);
}

CM_TEST(tally, equals_the_model_for_any_number_of_tallies)
{
    static const unsigned numbers[] = {1, 2, 3, 7};
    /* few packets per address, so that many are only sources or only destinations */
    struct made_packet *packets = made_capture(30000, 3, 20000, 2);

    for (size_t i = 0; i < 4; i++) {
        check_tally(packets, 30000, numbers[i], PLENTY, &usual_seed, false, false);
        check_tally(packets, 30000, numbers[i], PLENTY, &usual_seed, true, false);
    }
    free(packets);
}

CM_TEST(tally, spilling_changes_nothing)
{
    struct made_packet *packets = made_capture(30000, 3, 20000, 2);

    check_tally(packets, 30000, 1, 200 << 10, &usual_seed, false, true);
    check_tally(packets, 30000, 3, 100 << 10, &usual_seed, true, true);
    check_tally(packets, 30000, 2, 0, &usual_seed, false, true);
    free(packets);
}

CM_TEST(tally, colliding_keys_are_still_told_apart)
{
    struct made_packet *packets = made_capture(3000, 1, 300, 2);

    check_tally(packets, 3000, 2, PLENTY, &worst_seed, false, false);
    free(packets);
}

CM_TEST(tally, estimates_are_close_and_the_same_for_any_number)
{
    struct made_packet *packets = made_capture(60000, 1, 50000, 2);
    struct cm_tally_counts expected, counts[2];
    struct cm_error error = {0};

    expected_counts(packets, 60000, false, &expected);
    for (unsigned run = 0; run < 2; run++) {
        struct cm_tally *tallies[3];

        for (unsigned i = 0; i < 3; i++)
            tallies[i] = tally_create(false, 0, run == 0 ? &usual_seed : &worst_seed, true);
        fill_tables(NULL, tallies, run == 0 ? 1 : 3, packets, 60000);
        cm_check_eq(cm_tally_count(tallies[0], &counts[run], &error), CAPMILL_OK);
        for (unsigned i = 0; i < 3; i++)
            cm_tally_destroy(tallies[i]);
    }
    cm_check_eq(counts[0].n_flows, counts[1].n_flows);
    cm_check_eq(counts[0].n_src_addresses, counts[1].n_src_addresses);
    cm_check_eq(counts[0].n_dst_addresses, counts[1].n_dst_addresses);
    /* three standard errors */
    cm_check(llabs((long long)(counts[0].n_flows - expected.n_flows)) * 1000 <
             25 * (long long)expected.n_flows);
    cm_check(llabs((long long)(counts[0].n_src_addresses - expected.n_src_addresses)) * 1000 <
             25 * (long long)expected.n_src_addresses);
    cm_check(llabs((long long)(counts[0].n_dst_addresses - expected.n_dst_addresses)) * 1000 <
             25 * (long long)expected.n_dst_addresses);
    free(packets);
}

/* --- hosts --- */

struct host_check {
    const struct model_host *hosts;
    size_t n_hosts, n_seen;
};

static void check_host(void *context, const struct cm_host_record *record)
{
    struct host_check *check = context;
    struct model_host key = {.n = 16};
    const struct model_host *expected;

    cm_store_be64(key.bytes, record->address[0]);
    cm_store_be64(key.bytes + 8, record->address[1]);
    if (cm_flow_words_are_mapped(record->address[0], record->address[1])) {
        memmove(key.bytes, key.bytes + 12, 4);
        memset(key.bytes + 4, 0, 12);
        key.n = 4;
    }
    expected = bsearch(&key, check->hosts, check->n_hosts, sizeof(key), model_compare_hosts);
    cm_check(expected != NULL);
    cm_check_eq(record->counts.n_packets_sent, expected->n_packets_sent);
    cm_check_eq(record->counts.n_bytes_sent, expected->n_bytes_sent);
    cm_check_eq(record->counts.n_packets_received, expected->n_packets_received);
    cm_check_eq(record->counts.n_bytes_received, expected->n_bytes_received);
    check->n_seen++;
}

CM_TEST(host_table, equals_the_model_in_memory_and_spilled)
{
    struct made_packet *packets = made_capture(20000, 1, 3000, 4);
    struct cm_flow_table *table = table_create(false, PLENTY, &usual_seed);
    struct host_check check = {0};
    struct cm_error error = {0};
    struct model_host *hosts = model_hosts(packets, 20000, &check.n_hosts);

    check.hosts = hosts;
    fill_tables(&table, NULL, 1, packets, 20000);
    cm_check_eq(cm_flow_table_sort(table, &error), CAPMILL_OK);
    for (size_t memory_bytes = 0; memory_bytes <= PLENTY; memory_bytes += PLENTY / 2) {
        const struct cm_flow_record *record = NULL;
        struct cm_host_table *host_table = NULL;
        struct cm_flow_walk *walk = NULL;

        check.n_seen = 0;
        cm_check_eq(cm_host_table_create(memory_bytes, NULL, &usual_seed, &host_table, &error), CAPMILL_OK);
        cm_check_eq(cm_flow_walk_open(table, &walk, &error), CAPMILL_OK);
        while (cm_flow_walk_next(walk, &record, &error) == CAPMILL_OK)
            cm_check_eq(cm_host_table_add(host_table, record, &error), CAPMILL_OK);
        cm_flow_walk_close(walk);
        cm_check_eq(cm_host_table_each(host_table, check_host, &check, &error), CAPMILL_OK);
        cm_check_eq(check.n_seen, check.n_hosts);
        cm_host_table_destroy(host_table);
    }
    cm_flow_table_destroy(table);
    free(hosts);
    free(packets);
}

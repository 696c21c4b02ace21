/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of `stats`: flows in three orders, hosts, protocols, sizes; made from the united tables. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "flow/host_table.h"
#include "flow/key.h"
#include "sink/greatest.h"
#include "sink/summary_int.h"
#include "wire/names.h"

static enum capmill_status no_memory(struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for the rows of a summary");
}

/* --- flows --- */

static int descending(uint64_t a, uint64_t b)
{
    return a > b ? -1 : a < b;
}

static int compare_ids(const struct cm_flow_record *a, const struct cm_flow_record *b)
{
    if (a->flow_id != b->flow_id)
        return a->flow_id < b->flow_id ? -1 : 1;
    for (unsigned i = 0; i < CM_FLOW_KEY_WORDS; i++)
        if (a->key.words[i] != b->key.words[i])
            return a->key.words[i] < b->key.words[i] ? -1 : 1;
    return 0;
}

static int compare_flows_by_bytes(const void *left, const void *right)
{
    const struct cm_flow_record *a = left, *b = right;
    int order =
        descending(a->counts.n_bytes[0] + a->counts.n_bytes[1], b->counts.n_bytes[0] + b->counts.n_bytes[1]);

    return order != 0 ? order : compare_ids(a, b);
}

static int compare_flows_by_packets(const void *left, const void *right)
{
    const struct cm_flow_record *a = left, *b = right;
    int order = descending(a->counts.n_packets[0] + a->counts.n_packets[1],
                           b->counts.n_packets[0] + b->counts.n_packets[1]);

    return order != 0 ? order : compare_ids(a, b);
}

/* From low and high to source and destination. */
static void flow_row(const struct cm_flow_record *record, struct cm_summary_flow *flow_ret)
{
    const struct cm_flow_counts *counts = &record->counts;
    const bool high_first = (counts->first & CM_FLOW_FIRST_FROM_HIGH) != 0;
    struct cm_flow_endpoints endpoints;

    cm_flow_key_split(&record->key, &endpoints);
    memset(flow_ret, 0, sizeof(*flow_ret));
    flow_ret->ip_version = endpoints.ip_version;
    flow_ret->protocol = endpoints.protocol;
    memcpy(flow_ret->src, high_first ? endpoints.high : endpoints.low, sizeof(flow_ret->src));
    memcpy(flow_ret->dst, high_first ? endpoints.low : endpoints.high, sizeof(flow_ret->dst));
    flow_ret->src_port = high_first ? endpoints.high_port : endpoints.low_port;
    flow_ret->dst_port = high_first ? endpoints.low_port : endpoints.high_port;
    flow_ret->tcp_flags = counts->tcp_flags;
    flow_ret->has_icmp = (counts->first & CM_FLOW_FIRST_ICMP) != 0;
    flow_ret->icmp_type = counts->icmp_type;
    flow_ret->icmp_code = counts->icmp_code;
    flow_ret->flow_id = record->flow_id;
    for (unsigned way = 0; way < 2; way++) {
        flow_ret->n_packets[way] = counts->n_packets[high_first ? 1 - way : way];
        flow_ret->n_bytes[way] = counts->n_bytes[high_first ? 1 - way : way];
    }
    if (counts->first_ns <= counts->last_ns) {
        flow_ret->first_ns = counts->first_ns;
        flow_ret->last_ns = counts->last_ns;
    }
}

static enum capmill_status flows_by_id(struct cm_summary *summary, size_t limit,
                                       bool (*each)(void *context, const struct cm_summary_flow *flow),
                                       void *context, struct cm_error *error)
{
    struct cm_flow_walk *walk = NULL;
    const struct cm_flow_record *record;
    struct cm_summary_flow row;
    enum capmill_status status = cm_flow_walk_open(summary->whole.flows, &walk, error);

    for (size_t n = 0; status == CAPMILL_OK && (limit == 0 || n < limit); n++) {
        status = cm_flow_walk_next(walk, &record, error);
        if (status != CAPMILL_OK)
            break;
        flow_row(record, &row);
        if (!each(context, &row))
            break;
    }
    cm_flow_walk_close(walk);
    return status == CAPMILL_END ? CAPMILL_OK : status;
}

static enum capmill_status flows_by_size(struct cm_summary *summary, struct cm_greatest *greatest,
                                         bool (*each)(void *context, const struct cm_summary_flow *flow),
                                         void *context, struct cm_error *error)
{
    struct cm_flow_walk *walk = NULL;
    const struct cm_flow_record *record;
    struct cm_summary_flow row;
    enum capmill_status status = cm_flow_walk_open(summary->whole.flows, &walk, error);

    while (status == CAPMILL_OK && (status = cm_flow_walk_next(walk, &record, error)) == CAPMILL_OK)
        cm_greatest_offer(greatest, record);
    cm_flow_walk_close(walk);
    if (status < 0)
        return status;
    if (greatest->failed)
        return no_memory(error);
    cm_greatest_sort(greatest);
    for (size_t i = 0; i < greatest->n; i++) {
        flow_row(cm_greatest_row(greatest, i), &row);
        if (!each(context, &row))
            break;
    }
    return CAPMILL_OK;
}

enum capmill_status cm_summary_flows(struct cm_summary *summary, enum cm_summary_flow_order order,
                                     size_t limit,
                                     bool (*each)(void *context, const struct cm_summary_flow *flow),
                                     void *context, struct cm_error *error)
{
    struct cm_greatest greatest = {.limit = limit, .row_bytes = sizeof(struct cm_flow_record)};
    enum capmill_status status;

    if (summary->options.approximate)
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0, "there is no flow table with --approximate");
    if (summary->whole.flows == NULL || !summary->finished)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "there is no flow table: it is made by stats");
    if (order == CM_SUMMARY_FLOWS_BY_ID)
        return flows_by_id(summary, limit, each, context, error);
    if (limit == 0 || limit > CM_SUMMARY_FLOWS_LIMIT)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "flows by size need a limit of 1 to %u, not %zu",
                            CM_SUMMARY_FLOWS_LIMIT, limit);
    greatest.compare = order == CM_SUMMARY_FLOWS_BY_BYTES ? compare_flows_by_bytes : compare_flows_by_packets;
    status = flows_by_size(summary, &greatest, each, context, error);
    free(greatest.rows);
    return status;
}

/* --- hosts --- */

static int compare_hosts(const void *left, const void *right)
{
    const struct cm_host_record *a = left, *b = right;
    int order = descending(a->counts.n_bytes_sent + a->counts.n_bytes_received,
                           b->counts.n_bytes_sent + b->counts.n_bytes_received);

    if (order == 0)
        order = descending(a->counts.n_packets_sent + a->counts.n_packets_received,
                           b->counts.n_packets_sent + b->counts.n_packets_received);
    for (unsigned i = 0; i < 2 && order == 0; i++)
        order = a->address[i] < b->address[i] ? -1 : a->address[i] > b->address[i];
    return order;
}

struct host_walk {
    struct cm_summary *summary;
    struct cm_greatest greatest;
};

static void see_host(void *context, const struct cm_host_record *host)
{
    struct host_walk *walk = context;

    walk->summary->counts.n_src_addresses += host->counts.n_packets_sent > 0;
    walk->summary->counts.n_dst_addresses += host->counts.n_packets_received > 0;
    cm_greatest_offer(&walk->greatest, host);
}

static void host_row(const struct cm_host_record *record, struct cm_summary_host *host_ret)
{
    memset(host_ret, 0, sizeof(*host_ret));
    if (cm_flow_words_are_mapped(record->address[0], record->address[1])) {
        host_ret->ip_version = 4;
        cm_store_be32(host_ret->address, (uint32_t)record->address[1]);
    } else {
        host_ret->ip_version = 6;
        cm_store_be64(host_ret->address, record->address[0]);
        cm_store_be64(host_ret->address + 8, record->address[1]);
    }
    host_ret->n_packets_sent = record->counts.n_packets_sent;
    host_ret->n_bytes_sent = record->counts.n_bytes_sent;
    host_ret->n_packets_received = record->counts.n_packets_received;
    host_ret->n_bytes_received = record->counts.n_bytes_received;
}

/* Count flows, and what each address had of them. */
static enum capmill_status fill_hosts(struct cm_summary *summary, struct cm_host_table *hosts,
                                      struct cm_error *error)
{
    struct cm_flow_walk *walk = NULL;
    const struct cm_flow_record *record;
    enum capmill_status status = cm_flow_walk_open(summary->whole.flows, &walk, error);

    while (status == CAPMILL_OK && (status = cm_flow_walk_next(walk, &record, error)) == CAPMILL_OK) {
        summary->counts.n_flows++;
        status = cm_host_table_add(hosts, record, error);
    }
    cm_flow_walk_close(walk);
    return status == CAPMILL_END ? CAPMILL_OK : status;
}

static enum capmill_status make_hosts(struct cm_summary *summary, struct cm_error *error)
{
    struct host_walk walk = {summary,
                             {.limit = CM_SUMMARY_HOSTS, .row_bytes = sizeof(struct cm_host_record)}};
    const uint64_t memory = cm_max_u64(summary->options.memory_bytes / 4, (uint64_t)1 << 20);
    struct cm_host_table *hosts = NULL;
    enum capmill_status status;

    walk.greatest.compare = compare_hosts;
    status = cm_host_table_create((size_t)cm_min_u64(memory, SIZE_MAX), summary->options.temp_dir,
                                  &summary->seed, &hosts, error);
    if (status == CAPMILL_OK)
        status = fill_hosts(summary, hosts, error);
    if (status == CAPMILL_OK)
        status = cm_host_table_each(hosts, see_host, &walk, error);
    if (status == CAPMILL_OK && walk.greatest.failed)
        status = no_memory(error);
    if (status == CAPMILL_OK && walk.greatest.n > 0) {
        summary->hosts = malloc(walk.greatest.n * sizeof(*summary->hosts));
        if (summary->hosts == NULL)
            status = no_memory(error);
    }
    if (status == CAPMILL_OK) {
        cm_greatest_sort(&walk.greatest);
        for (size_t i = 0; i < walk.greatest.n; i++)
            host_row(cm_greatest_row(&walk.greatest, i), &summary->hosts[i]);
        summary->n_hosts = walk.greatest.n;
    }
    free(walk.greatest.rows);
    cm_host_table_destroy(hosts);
    return status;
}

/* --- protocols and sizes --- */

static int compare_protocols(const void *left, const void *right)
{
    const struct cm_summary_protocol *a = left, *b = right;
    int order = descending(a->n_bytes, b->n_bytes);

    if (order == 0)
        order = descending(a->n_packets, b->n_packets);
    return order != 0 ? order : strcmp(a->name, b->name);
}

static void put_name(struct cm_summary_protocol *row, const char *name, const char *otherwise,
                     unsigned number)
{
    if (name != NULL)
        snprintf(row->name, sizeof(row->name), "%s", name);
    else
        snprintf(row->name, sizeof(row->name), otherwise, number);
}

/* Ethernet type 0 stands for everything that has none: see cm_headers. */
static void eth_type_row(struct cm_summary_protocol *row, unsigned eth_type)
{
    if (eth_type == 0)
        put_name(row, "other", NULL, 0);
    else
        put_name(row, cm_wire_eth_type_name((uint16_t)eth_type), "eth type 0x%04x", eth_type);
}

static void add_protocol(struct cm_summary *summary, const struct cm_summary_pair *pair, unsigned protocol,
                         bool is_eth_type)
{
    struct cm_summary_protocol *row = &summary->protocols[summary->n_protocols];

    if (pair->n_packets == 0)
        return;
    if (is_eth_type)
        eth_type_row(row, protocol);
    else
        put_name(row, cm_wire_protocol_name((uint8_t)protocol), "ip protocol %u", protocol);
    row->n_packets = pair->n_packets;
    row->n_bytes = pair->n_bytes;
    summary->n_protocols++;
}

static enum capmill_status make_protocols(struct cm_summary *summary, struct cm_error *error)
{
    const struct cm_summary_totals *totals = &summary->whole.totals;
    size_t n = 256;

    for (unsigned i = 0; i < 256; i++)
        n += totals->eth_types[i] != NULL ? 256 : 0;
    summary->protocols = malloc(n * sizeof(*summary->protocols));
    if (summary->protocols == NULL)
        return no_memory(error);
    for (unsigned i = 0; i < 256; i++) {
        add_protocol(summary, &totals->protocols[i], i, false);
        for (unsigned j = 0; j < 256 && totals->eth_types[i] != NULL; j++)
            add_protocol(summary, &totals->eth_types[i][j], i << 8 | j, true);
    }
    qsort(summary->protocols, summary->n_protocols, sizeof(*summary->protocols), compare_protocols);
    return CAPMILL_OK;
}

static void make_sizes(struct cm_summary *summary)
{
    uint32_t from = 0, to = 19;

    for (unsigned i = 0; i < CM_SUMMARY_SIZES; i++) {
        summary->sizes[i] = (struct cm_summary_size){from, i + 1 < CM_SUMMARY_SIZES ? to : UINT32_MAX,
                                                     summary->whole.totals.sizes[i]};
        from = to + 1;
        to = 2 * from - 1;
    }
}

/* --- */

void cm_summary_drop_rows(struct cm_summary *summary)
{
    free(summary->protocols);
    free(summary->hosts);
    summary->protocols = NULL;
    summary->hosts = NULL;
    summary->n_protocols = 0;
    summary->n_hosts = 0;
}

enum capmill_status cm_summary_make_rows(struct cm_summary *summary, struct cm_error *error)
{
    enum capmill_status status;

    cm_summary_drop_rows(summary);
    make_sizes(summary);
    if ((status = make_protocols(summary, error)) != CAPMILL_OK || summary->whole.flows == NULL)
        return status;
    if ((status = cm_flow_table_sort(summary->whole.flows, error)) != CAPMILL_OK)
        return status;
    return make_hosts(summary, error);
}

size_t cm_summary_protocols(const struct cm_summary *summary, const struct cm_summary_protocol **rows_ret)
{
    *rows_ret = summary->protocols;
    return summary->n_protocols;
}

size_t cm_summary_hosts(const struct cm_summary *summary, const struct cm_summary_host **rows_ret)
{
    *rows_ret = summary->hosts;
    return summary->n_hosts;
}

size_t cm_summary_sizes(const struct cm_summary *summary, const struct cm_summary_size **rows_ret)
{
    *rows_ret = summary->sizes;
    return summary->options.level == CM_SUMMARY_STATS && summary->finished ? CM_SUMMARY_SIZES : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Protocols, sizes, hosts and flows: tables of text, JSON, or the flow table as CSV. */
#include <inttypes.h>

#include "base/quantity.h"
#include "cli/packet_words.h"
#include "cli/show.h"

#define DEFAULT_TOP 10

static uint64_t top_of(const struct cm_typed *typed)
{
    return typed->has_top ? typed->top : DEFAULT_TOP;
}

static size_t least(size_t n_rows, uint64_t top)
{
    return n_rows < top ? n_rows : (size_t)top;
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : 100 * (double)part / (double)whole;
}

static void print_protocols(const struct capmill_run *run, struct cm_printer *printer)
{
    const struct capmill_protocol_count *rows;
    size_t n_rows = capmill_run_protocols(run, &rows);
    uint64_t all_bytes = 0;
    char packets[CM_QUANTITY_TEXT_BYTES], bytes[CM_QUANTITY_TEXT_BYTES];

    if (n_rows == 0)
        return;
    for (size_t i = 0; i < n_rows; i++)
        all_bytes += rows[i].n_bytes;
    cm_printer_format(printer, "\n%-24s %16s %20s %8s\n", "Protocol", "packets", "bytes", "share");
    for (size_t i = 0; i < n_rows; i++)
        cm_printer_format(printer, "%-24s %16s %20s %6.1f %%\n", rows[i].name,
                          cm_count_text(rows[i].n_packets, packets), cm_count_text(rows[i].n_bytes, bytes),
                          percent(rows[i].n_bytes, all_bytes));
}

static void print_sizes(const struct capmill_run *run, struct cm_printer *printer)
{
    const struct capmill_size_count *rows;
    size_t n_rows = capmill_run_sizes(run, &rows);
    uint64_t all_packets = 0;
    char packets[CM_QUANTITY_TEXT_BYTES], range[CM_QUANTITY_TEXT_BYTES];

    if (n_rows == 0)
        return;
    for (size_t i = 0; i < n_rows; i++)
        all_packets += rows[i].n_packets;
    cm_printer_format(printer, "\n%-24s %16s %8s\n", "Size on the wire", "packets", "share");
    for (size_t i = 0; i < n_rows; i++) {
        if (rows[i].to == UINT32_MAX)
            snprintf(range, sizeof(range), "%" PRIu32 " and more", rows[i].from);
        else
            snprintf(range, sizeof(range), "%" PRIu32 " to %" PRIu32, rows[i].from, rows[i].to);
        cm_printer_format(printer, "%-24s %16s %6.1f %%\n", range, cm_count_text(rows[i].n_packets, packets),
                          percent(rows[i].n_packets, all_packets));
    }
}

static void print_hosts(const struct capmill_run *run, uint64_t top, struct cm_printer *printer)
{
    const struct capmill_host_count *rows;
    size_t n_all_rows = capmill_run_hosts(run, &rows);
    size_t n_rows = least(n_all_rows, top);
    char address[CM_ADDRESS_TEXT_BYTES], sent[CM_QUANTITY_TEXT_BYTES], sent_bytes[CM_QUANTITY_TEXT_BYTES];
    char received[CM_QUANTITY_TEXT_BYTES], received_bytes[CM_QUANTITY_TEXT_BYTES];

    if (n_rows == 0)
        return;
    cm_printer_format(printer, "\n%-39s %14s %12s %14s %12s\n", "Host", "sent packets", "sent",
                      "recv packets", "received");
    for (size_t i = 0; i < n_rows; i++)
        cm_printer_format(printer, "%-39s %14s %12s %14s %12s\n",
                          cm_address_text(rows[i].ip_version, rows[i].address, address),
                          cm_count_text(rows[i].n_packets_sent, sent),
                          cm_size_text(rows[i].n_bytes_sent, sent_bytes),
                          cm_count_text(rows[i].n_packets_received, received),
                          cm_size_text(rows[i].n_bytes_received, received_bytes));
}

static bool print_flow(void *context, const struct capmill_flow *flow)
{
    struct cm_printer *printer = context;
    char src[CM_ENDPOINT_TEXT_BYTES], dst[CM_ENDPOINT_TEXT_BYTES], protocol[CM_PROTOCOL_TEXT_BYTES];
    char community_id[CAPMILL_COMMUNITY_ID_BYTES], packets[CM_QUANTITY_TEXT_BYTES],
        bytes[CM_QUANTITY_TEXT_BYTES];
    char duration[CM_QUANTITY_TEXT_BYTES];

    capmill_flow_community_id(flow, community_id);
    cm_printer_format(printer, "%016" PRIx64 "  %-30s  %-8s %12s %12s %14s s  %s > %s\n", flow->flow_id,
                      community_id, cm_protocol_text(flow->protocol, protocol),
                      cm_count_text(flow->n_packets[0] + flow->n_packets[1], packets),
                      cm_size_text(flow->n_bytes[0] + flow->n_bytes[1], bytes),
                      cm_seconds_text(flow->last_ns - flow->first_ns, duration),
                      cm_endpoint_text(flow->ip_version, flow->src, flow->protocol, flow->src_port, src),
                      cm_endpoint_text(flow->ip_version, flow->dst, flow->protocol, flow->dst_port, dst));
    return cm_printer_ok(printer);
}

static bool add_flow_csv(void *context, const struct capmill_flow *flow)
{
    cm_show_flow_csv(flow, context);
    return cm_printer_ok(context);
}

static bool add_flow_json(void *context, const struct capmill_flow *flow)
{
    struct cm_json *json = context;

    cm_show_flow_json(flow, json);
    return cm_printer_ok(json->printer);
}

/* The library's limit of 0 means all flows; a --top of 0 means none. */
static enum capmill_status each_top_flow(struct capmill_run *run, uint64_t top,
                                         bool (*each)(void *context, const struct capmill_flow *flow),
                                         void *context, struct cm_error *error)
{
    char text[CM_ERROR_TEXT_BYTES] = "";
    enum capmill_status status;

    if (top == 0)
        return CAPMILL_OK;
    status = capmill_run_flows(run, CAPMILL_FLOWS_BY_BYTES, (size_t)top, each, context, text, sizeof(text));
    return status < 0 ? cm_error_set(error, status, 0, "%s", text) : CAPMILL_OK;
}

static enum capmill_status show_csv(struct capmill_run *run, const struct cm_typed *typed,
                                    struct cm_printer *printer, struct cm_error *error)
{
    char text[CM_ERROR_TEXT_BYTES] = "";
    enum capmill_status status;

    cm_show_flow_csv_head(printer);
    if (typed->has_top)
        return each_top_flow(run, typed->top, add_flow_csv, printer, error);
    status = capmill_run_flows(run, CAPMILL_FLOWS_BY_ID, 0, add_flow_csv, printer, text, sizeof(text));
    return status < 0 ? cm_error_set(error, status, 0, "%s", text) : CAPMILL_OK;
}

static void add_protocols_and_sizes(const struct capmill_run *run, struct cm_json *json)
{
    const struct capmill_protocol_count *protocols;
    const struct capmill_size_count *sizes;
    size_t n_rows = capmill_run_protocols(run, &protocols);

    cm_json_array_begin(json, "protocols");
    for (size_t i = 0; i < n_rows; i++) {
        cm_json_object_begin(json, NULL);
        cm_json_text(json, "name", protocols[i].name);
        cm_json_count(json, "packets", protocols[i].n_packets);
        cm_json_count(json, "bytes", protocols[i].n_bytes);
        cm_json_object_end(json);
    }
    cm_json_array_end(json);
    n_rows = capmill_run_sizes(run, &sizes);
    cm_json_array_begin(json, "sizes");
    for (size_t i = 0; i < n_rows; i++) {
        cm_json_object_begin(json, NULL);
        cm_json_count(json, "from_bytes", sizes[i].from);
        if (sizes[i].to != UINT32_MAX)
            cm_json_count(json, "to_bytes", sizes[i].to);
        cm_json_count(json, "packets", sizes[i].n_packets);
        cm_json_object_end(json);
    }
    cm_json_array_end(json);
}

static void add_hosts(const struct capmill_run *run, uint64_t top, struct cm_json *json)
{
    const struct capmill_host_count *rows;
    size_t n_all_rows = capmill_run_hosts(run, &rows);
    size_t n_rows = least(n_all_rows, top);
    char address[CM_ADDRESS_TEXT_BYTES];

    cm_json_array_begin(json, "hosts");
    for (size_t i = 0; i < n_rows; i++) {
        cm_json_object_begin(json, NULL);
        cm_json_text(json, "ip", cm_address_text(rows[i].ip_version, rows[i].address, address));
        cm_json_count(json, "packets_sent", rows[i].n_packets_sent);
        cm_json_count(json, "bytes_sent", rows[i].n_bytes_sent);
        cm_json_count(json, "packets_received", rows[i].n_packets_received);
        cm_json_count(json, "bytes_received", rows[i].n_bytes_received);
        cm_json_object_end(json);
    }
    cm_json_array_end(json);
}

static enum capmill_status show_json(struct capmill_run *run, const struct cm_typed *typed,
                                     struct cm_printer *printer, struct cm_error *error)
{
    struct cm_json json;
    enum capmill_status status;

    cm_json_init(&json, printer, false);
    cm_json_object_begin(&json, NULL);
    cm_show_capture_members(run, &json);
    add_protocols_and_sizes(run, &json);
    add_hosts(run, top_of(typed), &json);
    cm_json_array_begin(&json, "flows");
    status = each_top_flow(run, top_of(typed), add_flow_json, &json, error);
    cm_json_array_end(&json);
    cm_json_object_end(&json);
    return status;
}

enum capmill_status cm_show_stats(struct capmill_run *run, const struct cm_typed *typed,
                                  struct cm_printer *printer, struct cm_error *error)
{
    const struct capmill_capture_info *whole = cm_show_whole(run);

    if (typed->csv)
        return show_csv(run, typed, printer, error);
    if (typed->json)
        return show_json(run, typed, printer, error);
    if (whole != NULL)
        cm_show_capture(whole, printer);
    print_protocols(run, printer);
    print_sizes(run, printer);
    print_hosts(run, top_of(typed), printer);
    if (top_of(typed) == 0 || whole == NULL || whole->n_flows == 0)
        return CAPMILL_OK;
    cm_printer_format(printer, "\n%-16s  %-30s  %-8s %12s %12s %16s  %s\n", "Flow id", "community id",
                      "protocol", "packets", "bytes", "duration", "source > destination");
    return each_top_flow(run, top_of(typed), print_flow, printer, error);
}

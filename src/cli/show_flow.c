/* SPDX-License-Identifier: Apache-2.0 */
/* One flow as a line of CSV or an object of JSON; the same facts under the same names in both. */
#include <inttypes.h>

#include "base/quantity.h"
#include "base/time_text.h"
#include "cli/packet_words.h"
#include "cli/show.h"

#define PROTOCOL_TCP 6

/* RFC 4180 ends lines with CR LF. No field here can hold a comma, a quote or a line break, so none is quoted.
 */
void cm_show_flow_csv_head(struct cm_printer *printer)
{
    cm_printer_text(printer, "flow_id,community_id,protocol,src_ip,src_port,dst_ip,dst_port,packets,bytes,"
                             "packets_to_dst,bytes_to_dst,packets_to_src,bytes_to_src,tcp_flags,"
                             "first_time,last_time,first_time_ns,last_time_ns,duration_seconds\r\n");
}

void cm_show_flow_csv(const struct capmill_flow *flow, struct cm_printer *printer)
{
    char src[CM_ADDRESS_TEXT_BYTES], dst[CM_ADDRESS_TEXT_BYTES], protocol[CM_PROTOCOL_TEXT_BYTES];
    char community_id[CAPMILL_COMMUNITY_ID_BYTES], flags[CM_TCP_FLAGS_TEXT_BYTES] = "";
    char first[CM_TIME_TEXT_BYTES], last[CM_TIME_TEXT_BYTES], duration[CM_QUANTITY_TEXT_BYTES];
    char src_port[8] = "", dst_port[8] = "";

    capmill_flow_community_id(flow, community_id);
    if (cm_protocol_has_ports(flow->protocol)) {
        snprintf(src_port, sizeof(src_port), "%u", flow->src_port);
        snprintf(dst_port, sizeof(dst_port), "%u", flow->dst_port);
    }
    if (flow->protocol == PROTOCOL_TCP)
        cm_tcp_flags_text(flow->tcp_flags, flags);
    cm_printer_format(printer,
                      "%016" PRIx64 ",%s,%s,%s,%s,%s,%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
                      ",%" PRIu64 ",%" PRIu64 ",%s,%s,%s,%" PRIu64 ",%" PRIu64 ",%s\r\n",
                      flow->flow_id, community_id, cm_protocol_text(flow->protocol, protocol),
                      cm_address_text(flow->ip_version, flow->src, src), src_port,
                      cm_address_text(flow->ip_version, flow->dst, dst), dst_port,
                      flow->n_packets[0] + flow->n_packets[1], flow->n_bytes[0] + flow->n_bytes[1],
                      flow->n_packets[0], flow->n_bytes[0], flow->n_packets[1], flow->n_bytes[1], flags,
                      cm_time_text(flow->first_ns, first), cm_time_text(flow->last_ns, last), flow->first_ns,
                      flow->last_ns, cm_seconds_text(flow->last_ns - flow->first_ns, duration));
}

void cm_show_flow_json(const struct capmill_flow *flow, struct cm_json *json)
{
    char src[CM_ADDRESS_TEXT_BYTES], dst[CM_ADDRESS_TEXT_BYTES], protocol[CM_PROTOCOL_TEXT_BYTES];
    char community_id[CAPMILL_COMMUNITY_ID_BYTES], flags[CM_TCP_FLAGS_TEXT_BYTES], flow_id[20];

    capmill_flow_community_id(flow, community_id);
    snprintf(flow_id, sizeof(flow_id), "%016" PRIx64, flow->flow_id);
    cm_json_object_begin(json, NULL);
    cm_json_text(json, "flow_id", flow_id);
    cm_json_text(json, "community_id", community_id);
    cm_json_text(json, "protocol", cm_protocol_text(flow->protocol, protocol));
    cm_json_text(json, "src_ip", cm_address_text(flow->ip_version, flow->src, src));
    if (cm_protocol_has_ports(flow->protocol))
        cm_json_count(json, "src_port", flow->src_port);
    cm_json_text(json, "dst_ip", cm_address_text(flow->ip_version, flow->dst, dst));
    if (cm_protocol_has_ports(flow->protocol))
        cm_json_count(json, "dst_port", flow->dst_port);
    cm_json_count(json, "packets", flow->n_packets[0] + flow->n_packets[1]);
    cm_json_count(json, "bytes", flow->n_bytes[0] + flow->n_bytes[1]);
    cm_json_count(json, "packets_to_dst", flow->n_packets[0]);
    cm_json_count(json, "bytes_to_dst", flow->n_bytes[0]);
    cm_json_count(json, "packets_to_src", flow->n_packets[1]);
    cm_json_count(json, "bytes_to_src", flow->n_bytes[1]);
    if (flow->protocol == PROTOCOL_TCP)
        cm_json_text(json, "tcp_flags", cm_tcp_flags_text(flow->tcp_flags, flags));
    cm_json_time(json, "first_time", flow->first_ns);
    cm_json_time(json, "last_time", flow->last_ns);
    cm_json_seconds(json, "duration_seconds", flow->last_ns - flow->first_ns);
    cm_json_object_end(json);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The columns that a table of packets may have. A row here and a filler in packet_values_*.c make one. */
#include "base/checked.h"
#include "sink/packet_columns_int.h"

/* A column's name, type, habit and, of its other fields, those that are not zero. */
#define COLUMN(name_, type_, habit_, ...)                                                                    \
    .column = {.name = name_, .type = CM_COLUMN_##type_, .habit = CM_HABIT_##habit_, __VA_ARGS__}

/* Docs are what schemas show: a sentence each, with what NULL means where that is not plain. */
const struct cm_packet_column cm_packet_column_table[] = {
    {COLUMN("timestamp_ns", INT64, RISES, .order = true,
            .doc = "nanoseconds since 1970, UTC; a record without a time has that of the one before it"),
     .is_default = true, .fill = cm_fill_timestamp},
    {COLUMN("src_ip", TEXT, REPEATS, .nullable = true, .doc = "source address of the IP packet"),
     .is_default = true, .needs = CM_NEED_ADDRESSES, .fill = cm_fill_src_ip},
    {COLUMN("dst_ip", TEXT, REPEATS, .nullable = true, .doc = "destination address of the IP packet"),
     .is_default = true, .needs = CM_NEED_ADDRESSES, .fill = cm_fill_dst_ip},
    {COLUMN("src_port", UINT16, REPEATS, .nullable = true,
            .doc = "source port of TCP, UDP, SCTP, DCCP or UDP-Lite"),
     .is_default = true, .needs = CM_NEED_HEADERS, .fill = cm_fill_src_port},
    {COLUMN("dst_port", UINT16, REPEATS, .nullable = true,
            .doc = "destination port of TCP, UDP, SCTP, DCCP or UDP-Lite"),
     .is_default = true, .needs = CM_NEED_HEADERS, .fill = cm_fill_dst_port},
    {COLUMN("protocol", UINT8, REPEATS, .nullable = true,
            .doc = "IP protocol number; of IPv6 that behind the extension headers"),
     .is_default = true, .needs = CM_NEED_HEADERS, .fill = cm_fill_protocol},
    {COLUMN("flow_id", UINT64, REPEATS, .nullable = true, .hex = true,
            .doc = "XXH3-64 of addresses, ports and protocol; both directions of a flow have the same"),
     .is_default = true, .needs = CM_NEED_FLOW_ID, .fill = cm_fill_flow_id},
    {COLUMN("caplen", UINT32, REPEATS, .doc = "bytes captured"), .is_default = true, .fill = cm_fill_caplen},
    {COLUMN("origlen", UINT32, REPEATS, .doc = "bytes on the wire"), .is_default = true,
     .fill = cm_fill_origlen},
    {COLUMN("tcp_flags", UINT8, REPEATS, .nullable = true,
            .doc = "flags of the TCP header: CWR ECE URG ACK PSH RST SYN FIN from the top bit"),
     .is_default = true, .needs = CM_NEED_HEADERS, .fill = cm_fill_tcp_flags},
    {COLUMN("payload", BYTES, DIFFERS, .doc = "the captured frame, from the link header on"),
     .is_default = true, .fill = cm_fill_payload},
    {COLUMN("time", TIME_NS, RISES, .order = true, .doc = "timestamp_ns as a point in time"),
     .is_default = true, .fill = cm_fill_timestamp},
    {COLUMN("packet_number", UINT64, RISES, .doc = "number of the packet in its input, from 1"),
     .is_default = true, .fill = cm_fill_packet_number},
    {COLUMN("interface", TEXT, REPEATS, .nullable = true,
            .doc = "name of the interface that the packet was captured on, or its number"),
     .is_default = true, .fill = cm_fill_interface},
    {COLUMN("community_id", TEXT, REPEATS, .nullable = true, .doc = "Community ID version 1 with seed 0"),
     .is_default = true, .needs = CM_NEED_COMMUNITY_ID, .fill = cm_fill_community_id},
    {COLUMN("file", TEXT, REPEATS, .nullable = true, .doc = "path of the packet's input"),
     .fill = cm_fill_file},
    {COLUMN("file_offset", UINT64, RISES, .doc = "offset of the packet's record in its input, in bytes"),
     .fill = cm_fill_file_offset},
};
const size_t cm_n_packet_columns = CM_ARRAY_COUNT(cm_packet_column_table);

/* SPDX-License-Identifier: Apache-2.0 */
/* How columns of packets are filled: shared by packet_columns.c, the table of known columns and the fillers of
 * packet_values_*.c. For these files only. */
#ifndef CM_SINK_PACKET_COLUMNS_INT_H
#define CM_SINK_PACKET_COLUMNS_INT_H

#include "sink/input_texts.h"
#include "sink/packet_columns.h"
#include "sink/tuple_cache.h"

/* Rows are filled this many at a time, all columns of them, so that descriptors, headers and tuples stay in a
 * first-level cache from the first column to the last: 256 are 22 KiB. */
#define CM_PACKET_FILL_ROWS CM_TUPLE_BURST

/* Text made for each row alone: "02:00:5e:10:00:01". */
#define CM_MAC_TEXT_BYTES 17u

/* The packets at hand, at most CM_PACKET_FILL_ROWS of a call's. Arrays begin with the first of them. */
struct cm_packet_fill {
    uint32_t n;
    const struct cm_packet *packets;
    const struct cm_headers *headers; /* where a column needs them, as all below */
    const uint32_t *inputs;
    const uint64_t *numbers;
    const struct cm_flow_facts *const *flows;
    const struct cm_tuple *const *tuples; /* NULL elements: packets without addresses */
    struct cm_input_texts *texts;
};

/* Where a column's values go; what its type does not need is NULL. */
struct cm_packet_values {
    uint64_t *numbers;
    struct cm_span *spans;
    uint8_t *present;  /* of nullable columns */
    char *chars;       /* CM_MAC_TEXT_BYTES a row */
    uint32_t n_absent; /* counted up */
};

/* What a column needs beyond the packet's descriptor. Looking up tuples is what costs. */
enum cm_packet_need {
    CM_NEED_HEADERS = 1,
    CM_NEED_FACTS = 2,
    CM_NEED_ADDRESSES = 4,
    CM_NEED_FLOW_ID = 8,
    CM_NEED_COMMUNITY_ID = 16,
    CM_NEED_DIRECTION = 32,
    CM_NEED_CHARS = 64, /* room for a text of each row */
};
#define CM_NEED_TUPLES (CM_NEED_ADDRESSES | CM_NEED_FLOW_ID | CM_NEED_COMMUNITY_ID | CM_NEED_DIRECTION)

/* False: no memory. */
typedef bool cm_packet_filler(const struct cm_packet_fill *fill, struct cm_packet_values *values);

struct cm_packet_column {
    struct cm_column column;
    bool is_default;
    unsigned needs; /* enum cm_packet_need */
    cm_packet_filler *fill;
};

/* packet_column_table.c: the default columns first, in their order. */
extern const struct cm_packet_column cm_packet_column_table[];
extern const size_t cm_n_packet_columns;

/* packet_values_record.c: of the record and its descriptor */
cm_packet_filler cm_fill_timestamp, cm_fill_caplen, cm_fill_origlen, cm_fill_payload, cm_fill_packet_number,
    cm_fill_interface, cm_fill_file, cm_fill_file_offset;
/* packet_values_network.c: of link and network headers */
cm_packet_filler cm_fill_src_mac, cm_fill_dst_mac, cm_fill_eth_type, cm_fill_vlan, cm_fill_vlan_inner,
    cm_fill_src_ip, cm_fill_dst_ip, cm_fill_protocol, cm_fill_ttl, cm_fill_ip_id;
/* packet_values_transport.c: of transport headers */
cm_packet_filler cm_fill_src_port, cm_fill_dst_port, cm_fill_tcp_flags, cm_fill_tcp_seq, cm_fill_tcp_ack,
    cm_fill_tcp_window, cm_fill_icmp_type, cm_fill_icmp_code, cm_fill_payload_len;
/* packet_values_flow.c: of flows */
cm_packet_filler cm_fill_flow_id, cm_fill_community_id, cm_fill_flow_packets, cm_fill_flow_bytes,
    cm_fill_flow_first_ns, cm_fill_flow_last_ns, cm_fill_flow_direction;

/* A loop of its own for each column: `value_of`, a constant wherever this is called, is inlined. It answers
 * whether there is a value; what is absent is 0. */
__attribute__((always_inline)) static inline bool
cm_fill_optional(const struct cm_packet_fill *fill, struct cm_packet_values *values,
                 bool (*value_of)(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret))
{
    uint64_t *restrict numbers = values->numbers;
    uint8_t *restrict present = values->present;
    uint32_t n_present = 0;

    for (uint32_t i = 0; i < fill->n; i++) {
        uint64_t value = 0;
        const bool is_there = value_of(fill, i, &value);

        numbers[i] = is_there ? value : 0;
        present[i] = is_there;
        n_present += is_there;
    }
    values->n_absent += fill->n - n_present;
    return true;
}

/* The same for columns in which every row has a value. */
__attribute__((always_inline)) static inline bool
cm_fill_always(const struct cm_packet_fill *fill, struct cm_packet_values *values,
               uint64_t (*value_of)(const struct cm_packet_fill *fill, uint32_t i))
{
    uint64_t *restrict numbers = values->numbers;

    for (uint32_t i = 0; i < fill->n; i++)
        numbers[i] = value_of(fill, i);
    return true;
}

/* Texts; those absent have NULL for bytes. */
__attribute__((always_inline)) static inline bool
cm_fill_spans(const struct cm_packet_fill *fill, struct cm_packet_values *values,
              struct cm_span (*span_of)(const struct cm_packet_fill *fill, uint32_t i))
{
    struct cm_span *restrict spans = values->spans;
    uint8_t *restrict present = values->present;
    uint32_t n_present = 0;

    for (uint32_t i = 0; i < fill->n; i++) {
        const struct cm_span span = span_of(fill, i);

        spans[i] = span;
        present[i] = span.bytes != NULL;
        n_present += span.bytes != NULL;
    }
    values->n_absent += fill->n - n_present;
    return true;
}

#endif

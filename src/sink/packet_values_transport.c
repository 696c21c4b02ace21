/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of transport headers. */
#include "sink/packet_columns_int.h"

#include "base/endian.h"
#include "wire/numbers.h"

static inline bool src_port_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    *value_ret = fill->headers[i].src_port;
    return (fill->headers[i].flags & CM_HEADERS_PORTS) != 0;
}

bool cm_fill_src_port(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, src_port_of);
}

static inline bool dst_port_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    *value_ret = fill->headers[i].dst_port;
    return (fill->headers[i].flags & CM_HEADERS_PORTS) != 0;
}

bool cm_fill_dst_port(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, dst_port_of);
}

static inline bool tcp_flags_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    *value_ret = fill->headers[i].tcp_flags;
    return (fill->headers[i].flags & CM_HEADERS_TCP_FLAGS) != 0;
}

bool cm_fill_tcp_flags(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, tcp_flags_of);
}

/* --- TCP: RFC 9293, section 3.1 --- */

#define TCP_SEQ_AT         4u
#define TCP_ACK_AT         8u
#define TCP_WINDOW_AT      14u
#define TCP_DATA_OFFSET_AT 12u
#define TCP_LEAST_BYTES    20u

/* `n` bytes of a TCP header at `at` of it; NULL where they were not captured or lie behind the packet's end. */
static inline const uint8_t *tcp_field(const struct cm_packet_fill *fill, uint32_t i, uint32_t at, uint32_t n)
{
    const struct cm_headers *headers = &fill->headers[i];
    const uint32_t field_at = headers->l4_offset + at;

    if (headers->ip_version == 0 || headers->protocol != CM_PROTOCOL_TCP ||
        headers->l4_offset == CM_NO_OFFSET || field_at + n > headers->l3_end ||
        field_at + n > fill->packets[i].caplen)
        return NULL;
    return fill->packets[i].data + field_at;
}

static inline bool tcp_seq_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    const uint8_t *field = tcp_field(fill, i, TCP_SEQ_AT, 4);

    *value_ret = field != NULL ? cm_load_be32(field) : 0;
    return field != NULL;
}

bool cm_fill_tcp_seq(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, tcp_seq_of);
}

static inline bool tcp_ack_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    const uint8_t *field = tcp_field(fill, i, TCP_ACK_AT, 4);

    *value_ret = field != NULL ? cm_load_be32(field) : 0;
    return field != NULL;
}

bool cm_fill_tcp_ack(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, tcp_ack_of);
}

static inline bool tcp_window_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    const uint8_t *field = tcp_field(fill, i, TCP_WINDOW_AT, 2);

    *value_ret = field != NULL ? cm_load_be16(field) : 0;
    return field != NULL;
}

bool cm_fill_tcp_window(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, tcp_window_of);
}

/* --- ICMP --- */

static inline bool icmp_type_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    *value_ret = fill->headers[i].icmp_type;
    return (fill->headers[i].flags & CM_HEADERS_ICMP) != 0;
}

bool cm_fill_icmp_type(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, icmp_type_of);
}

static inline bool icmp_code_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    *value_ret = fill->headers[i].icmp_code;
    return (fill->headers[i].flags & CM_HEADERS_ICMP) != 0;
}

bool cm_fill_icmp_code(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, icmp_code_of);
}

/* --- payload --- */

#define UDP_BYTES  8u
#define SCTP_BYTES 12u
#define IPV6_BYTES 40u

/* From the network header to the first byte behind the transport header; 0: unknown. A header that was cut tells
 * its length where that is fixed, or stands in front of the cut. */
static inline uint32_t bytes_before_payload(const struct cm_packet_fill *fill, uint32_t i)
{
    const struct cm_headers *headers = &fill->headers[i];
    const uint32_t l4_bytes = headers->l4_offset - (uint32_t)headers->l3_offset;
    uint32_t tcp_bytes;

    if (headers->payload_offset != CM_NO_OFFSET)
        return headers->payload_offset - (uint32_t)headers->l3_offset;
    if (headers->l4_offset == CM_NO_OFFSET || (headers->flags & CM_HEADERS_BAD) ||
        !(headers->flags & CM_HEADERS_PORTS))
        return 0;
    switch (headers->protocol) {
    case CM_PROTOCOL_UDP:
    case CM_PROTOCOL_UDP_LITE:
        return l4_bytes + UDP_BYTES;
    case CM_PROTOCOL_SCTP:
        return l4_bytes + SCTP_BYTES;
    case CM_PROTOCOL_TCP:
        if (!(headers->flags & CM_HEADERS_TCP_FLAGS))
            return 0;
        tcp_bytes = (fill->packets[i].data[headers->l4_offset + TCP_DATA_OFFSET_AT] >> 4) * 4u;
        return tcp_bytes >= TCP_LEAST_BYTES ? l4_bytes + tcp_bytes : 0;
    default:
        return 0;
    }
}

/* Of the IP packet, on the wire. Where its header says 0 (a jumbogram, or segmentation left to the hardware) all
 * of the frame behind the link header is its. */
static inline uint32_t network_bytes(const struct cm_packet_fill *fill, uint32_t i)
{
    const struct cm_headers *headers = &fill->headers[i];
    const struct cm_packet *packet = &fill->packets[i];
    const uint8_t *ip = packet->data + headers->l3_offset;
    const uint32_t said = headers->ip_version == 4 ? cm_load_be16(ip + 2) : cm_load_be16(ip + 4);
    const uint32_t frame_bytes = packet->origlen > packet->caplen ? packet->origlen : packet->caplen;

    if (said == 0)
        return frame_bytes - headers->l3_offset;
    return headers->ip_version == 4 ? said : IPV6_BYTES + said;
}

static inline bool payload_len_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    const struct cm_headers *headers = &fill->headers[i];
    uint32_t before, n;

    if (!(headers->flags & CM_HEADERS_ADDRESSES) || (before = bytes_before_payload(fill, i)) == 0)
        return false;
    n = network_bytes(fill, i);
    *value_ret = n - before;
    return n >= before;
}

bool cm_fill_payload_len(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, payload_len_of);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of link and network headers. Where a header begins is known from its decoding; each field is still
 * held against what was captured. */
#include "sink/packet_columns_int.h"

#include "base/endian.h"
#include "wire/numbers.h"

static const struct cm_span no_text = {NULL, 0};

static inline bool is_captured(const struct cm_packet *packet, uint32_t at, uint32_t n)
{
    return at + n <= packet->caplen;
}

/* --- link --- */

#define MAC_BYTES 6u

static void put_mac(const uint8_t *address, char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (unsigned i = 0; i < MAC_BYTES; i++) {
        text[3 * i] = digits[address[i] >> 4];
        text[3 * i + 1] = digits[address[i] & 15];
        if (i + 1 < MAC_BYTES)
            text[3 * i + 2] = ':';
    }
}

/* Linux cooked captures hold the sender's address in room for eight bytes, and how many of them count. */
static const uint8_t *cooked_address(const struct cm_packet *packet, uint32_t length_at,
                                     uint32_t length_bytes, uint32_t address_at)
{
    uint32_t n;

    if (!is_captured(packet, address_at, MAC_BYTES))
        return NULL;
    n = length_bytes == 2 ? cm_load_be16(packet->data + length_at) : packet->data[length_at];
    return n == MAC_BYTES ? packet->data + address_at : NULL;
}

/* NULL: the packet has none. */
static const uint8_t *src_mac_of(const struct cm_packet *packet)
{
    switch (packet->link_type) {
    case CM_LINK_ETHERNET:
        return is_captured(packet, MAC_BYTES, MAC_BYTES) ? packet->data + MAC_BYTES : NULL;
    case CM_LINK_LINUX_SLL:
        return cooked_address(packet, 4, 2, 6);
    case CM_LINK_LINUX_SLL2:
        return cooked_address(packet, 11, 1, 12);
    default:
        return NULL;
    }
}

static const uint8_t *dst_mac_of(const struct cm_packet *packet)
{
    if (packet->link_type != CM_LINK_ETHERNET || !is_captured(packet, 0, MAC_BYTES))
        return NULL;
    return packet->data;
}

__attribute__((always_inline)) static inline bool
fill_macs(const struct cm_packet_fill *fill, struct cm_packet_values *values,
          const uint8_t *(*address_of)(const struct cm_packet *packet))
{
    for (uint32_t i = 0; i < fill->n; i++) {
        const uint8_t *address = address_of(&fill->packets[i]);
        char *text = values->chars + (size_t)i * CM_MAC_TEXT_BYTES;

        values->spans[i] = no_text;
        values->present[i] = address != NULL;
        values->n_absent += address == NULL;
        if (address == NULL)
            continue;
        put_mac(address, text);
        values->spans[i] = (struct cm_span){(const uint8_t *)text, CM_MAC_TEXT_BYTES};
    }
    return true;
}

bool cm_fill_src_mac(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return fill_macs(fill, values, src_mac_of);
}

bool cm_fill_dst_mac(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return fill_macs(fill, values, dst_mac_of);
}

static inline bool eth_type_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    *value_ret = fill->headers[i].eth_type;
    return fill->headers[i].eth_type != 0;
}

bool cm_fill_eth_type(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, eth_type_of);
}

/* Of a tag's 16 bits the upper four are priority and drop eligibility (IEEE 802.1Q, section 9.6). */
#define VLAN_NUMBER 0xfffu

static inline bool vlan_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    *value_ret = fill->headers[i].vlan & VLAN_NUMBER;
    return (fill->headers[i].flags & CM_HEADERS_VLAN) != 0;
}

bool cm_fill_vlan(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, vlan_of);
}

static inline bool vlan_inner_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    *value_ret = fill->headers[i].vlan_inner & VLAN_NUMBER;
    return (fill->headers[i].flags & CM_HEADERS_QINQ) != 0;
}

bool cm_fill_vlan_inner(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, vlan_inner_of);
}

/* --- network --- */

static inline struct cm_span src_ip_of(const struct cm_packet_fill *fill, uint32_t i)
{
    return fill->tuples[i] != NULL ? cm_tuple_src(fill->tuples[i]) : no_text;
}

bool cm_fill_src_ip(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_spans(fill, values, src_ip_of);
}

static inline struct cm_span dst_ip_of(const struct cm_packet_fill *fill, uint32_t i)
{
    return fill->tuples[i] != NULL ? cm_tuple_dst(fill->tuples[i]) : no_text;
}

bool cm_fill_dst_ip(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_spans(fill, values, dst_ip_of);
}

static inline bool protocol_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    *value_ret = fill->headers[i].protocol;
    return fill->headers[i].ip_version != 0;
}

bool cm_fill_protocol(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, protocol_of);
}

/* RFC 791, section 3.1; RFC 8200, section 3. */
#define IPV4_ID_AT        4u
#define IPV4_TTL_AT       8u
#define IPV6_HOP_LIMIT_AT 7u

static inline bool ttl_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    const struct cm_headers *headers = &fill->headers[i];
    const uint32_t at = headers->l3_offset + (headers->ip_version == 4 ? IPV4_TTL_AT : IPV6_HOP_LIMIT_AT);

    if (headers->ip_version == 0 || !is_captured(&fill->packets[i], at, 1))
        return false;
    *value_ret = fill->packets[i].data[at];
    return true;
}

bool cm_fill_ttl(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, ttl_of);
}

static inline bool ip_id_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    const uint32_t at = fill->headers[i].l3_offset + IPV4_ID_AT;

    if (fill->headers[i].ip_version != 4 || !is_captured(&fill->packets[i], at, 2))
        return false;
    *value_ret = cm_load_be16(fill->packets[i].data + at);
    return true;
}

bool cm_fill_ip_id(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, ip_id_of);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder's doors, and its fast path: Ethernet with at most one VLAN tag, an IPv4 or IPv6 header without
 * surprises, TCP or UDP, all captured. It refuses everything else, which then goes through the general
 * decoder (the other files of this room) from the start. Both give the same result; a test compares them. */
#include "wire/headers.h"

#include "base/checked.h"
#include "wire/headers_int.h"

#define INNERMOST_MAX_DEPTH 8

static const struct cm_headers empty = {
    .l3_offset = CM_NO_OFFSET,
    .l4_offset = CM_NO_OFFSET,
    .payload_offset = CM_NO_OFFSET,
    .inner_offset = CM_NO_OFFSET,
};

/* Flat on purpose: each packet of a capture comes through here. */
static inline bool decode_fast(const uint8_t *data, uint32_t caplen, struct cm_headers *headers_ret)
{
    uint32_t l3 = 14, l4, end, payload;
    uint16_t type, vlan = 0, flags = CM_HEADERS_ADDRESSES | CM_HEADERS_PORTS;
    uint8_t version, protocol, tcp_flags = 0;
    const uint8_t *p;

    /* tag, the least IPv4 header and UDP; the longer ones are checked below */
    if (CM_UNLIKELY(caplen < 14 + 4 + 20 + 8))
        return false;
    type = cm_load_be16(data + 12);
    if (type == CM_ETH_VLAN) {
        vlan = cm_load_be16(data + 14);
        type = cm_load_be16(data + 16);
        flags |= CM_HEADERS_VLAN;
        l3 = 18;
    }
    p = data + l3;
    if (CM_LIKELY(type == CM_ETH_IPV4)) {
        uint32_t header_bytes = (p[0] & 15) * 4u;
        uint32_t total_bytes = cm_load_be16(p + 2);

        if (CM_UNLIKELY(p[0] >> 4 != 4 || header_bytes < 20 || total_bytes < header_bytes))
            return false;
        if (CM_UNLIKELY(cm_load_be16(p + 6) & 0x3fff)) /* fragments */
            return false;
        version = 4;
        protocol = p[9];
        l4 = l3 + header_bytes;
        end = l3 + total_bytes;
    } else if (CM_LIKELY(type == CM_ETH_IPV6)) {
        uint32_t payload_bytes;

        if (CM_UNLIKELY(caplen < l3 + 40 || p[0] >> 4 != 6))
            return false;
        payload_bytes = cm_load_be16(p + 4);
        if (CM_UNLIKELY(payload_bytes == 0))
            return false;
        version = 6;
        protocol = p[6];
        l4 = l3 + 40;
        end = l4 + payload_bytes;
    } else {
        return false;
    }
    if (end > caplen)
        end = caplen;
    p = data + l4;
    if (protocol == CM_PROTOCOL_TCP) {
        uint32_t header_bytes;

        if (CM_UNLIKELY(l4 + 20 > end))
            return false;
        header_bytes = (p[12] >> 4) * 4u;
        payload = l4 + header_bytes;
        if (CM_UNLIKELY(header_bytes < 20 || payload > end))
            return false;
        tcp_flags = p[13];
        flags |= CM_HEADERS_TCP_FLAGS;
    } else if (protocol == CM_PROTOCOL_UDP) {
        uint16_t port, length;

        if (CM_UNLIKELY(l4 + 8 > end))
            return false;
        port = cm_load_be16(p + 2);
        length = cm_load_be16(p + 4);
        if (CM_UNLIKELY(length < 8 || port == CM_PORT_VXLAN || port == CM_PORT_GTP_U ||
                        cm_load_be16(p) == CM_PORT_GTP_U || port == CM_PORT_GENEVE))
            return false;
        payload = l4 + 8;
    } else {
        return false;
    }
    *headers_ret = (struct cm_headers){
        .eth_type = type,
        .l3_offset = (uint16_t)l3,
        .l4_offset = (uint16_t)l4,
        .payload_offset = (uint16_t)payload,
        .src_port = cm_load_be16(p),
        .dst_port = cm_load_be16(p + 2),
        .inner_offset = CM_NO_OFFSET,
        .vlan = vlan,
        .flags = flags,
        .ip_version = version,
        .protocol = protocol,
        .tcp_flags = tcp_flags,
        .n_tags = l3 != 14,
        .l3_end = end,
    };
    return true;
}

static struct cm_walk begin(const uint8_t *data, uint32_t caplen, struct cm_headers *headers)
{
    uint32_t captured = caplen < CM_WALK_MAX_BYTES ? caplen : CM_WALK_MAX_BYTES;

    *headers = empty;
    headers->l3_end = caplen;
    return (struct cm_walk){.data = data, .at = 0, .end = captured, .captured = captured, .headers = headers};
}

__attribute__((noinline)) void cm_wire_decode_general(uint16_t link_type, const uint8_t *data,
                                                      uint32_t caplen, struct cm_headers *headers_ret)
{
    struct cm_walk walk = begin(data, caplen, headers_ret);

    if (link_type == CM_LINK_ETHERNET)
        cm_walk_ethernet(&walk);
    else
        cm_walk_link(&walk, link_type);
}

void cm_wire_decode(uint16_t link_type, const uint8_t *data, uint32_t caplen, struct cm_headers *headers_ret)
{
    if (CM_LIKELY(link_type == CM_LINK_ETHERNET) && CM_LIKELY(decode_fast(data, caplen, headers_ret)))
        return;
    cm_wire_decode_general(link_type, data, caplen, headers_ret);
}

bool cm_wire_decode_inner(const uint8_t *data, uint32_t caplen, const struct cm_headers *outer,
                          struct cm_headers *headers_ret)
{
    /* taken first: both may be the same record */
    uint32_t inner_offset = outer->inner_offset;
    uint32_t outer_end = outer->l3_end;
    uint8_t kind = outer->inner_kind;
    struct cm_walk walk;

    if (kind == CM_INNER_NONE || inner_offset > caplen)
        return false;
    walk = begin(data, caplen, headers_ret);
    walk.at = inner_offset;
    if (outer_end < walk.end && outer_end >= walk.at)
        walk.end = outer_end;
    headers_ret->l3_end = outer_end < caplen ? outer_end : caplen;
    switch (kind) {
    case CM_INNER_ETHERNET:
        cm_walk_ethernet(&walk);
        break;
    case CM_INNER_IPV4:
    case CM_INNER_IPV6:
        cm_walk_ip(&walk);
        break;
    default:
        return false;
    }
    return true;
}

void cm_wire_decode_innermost(uint16_t link_type, const uint8_t *data, uint32_t caplen,
                              struct cm_headers *headers_ret)
{
    cm_wire_decode(link_type, data, caplen, headers_ret);
    for (int depth = 0; depth < INNERMOST_MAX_DEPTH; depth++) {
        if (headers_ret->inner_kind == CM_INNER_NONE)
            return;
        if (!cm_wire_decode_inner(data, caplen, headers_ret, headers_ret))
            return;
    }
}

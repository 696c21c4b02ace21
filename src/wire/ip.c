/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4, and IPv6 with its extension headers. */
#include "wire/headers_int.h"

#define IPV4_LEAST_BYTES 20
#define IPV6_BYTES       40

/* The network packet is `n` bytes long by its own word; what the capture holds behind it is padding. */
static void network_length(struct cm_walk *walk, uint32_t n)
{
    uint32_t end = walk->at + n;

    cm_walk_shorten(walk, n);
    if (end < walk->headers->l3_end)
        walk->headers->l3_end = end;
}

/* An extension header at `at`: its whole length, or 0 where it was cut or says nonsense. */
static uint32_t extension_bytes(struct cm_walk *walk, uint8_t protocol)
{
    const uint8_t *p = walk->data + walk->at;
    uint32_t n;

    if (!cm_walk_has(walk, 2))
        return 0;
    if (protocol == CM_PROTOCOL_FRAGMENT)
        n = 8;
    else if (protocol == CM_PROTOCOL_AH)
        n = (p[1] + 2u) * 4; /* RFC 4302, section 2.2: 32-bit words, less two */
    else
        n = (p[1] + 1u) * 8; /* RFC 8200, section 4: eight bytes each, not counting the first */
    if (protocol == CM_PROTOCOL_AH && n < 12) {
        cm_walk_bad(walk);
        return 0;
    }
    return cm_walk_has(walk, n) ? n : 0;
}

/* Pass the headers between IP and transport. Of mobility, HIP and shim6 the last may be the message itself
 * (its next header is then 59): that is the packet's protocol, not "none". */
static void follow(struct cm_walk *walk, uint8_t protocol)
{
    struct cm_headers *headers = walk->headers;
    const uint8_t *p;
    uint32_t n;

    for (;; protocol = p[0], walk->at += n) {
        p = walk->data + walk->at;
        headers->protocol = protocol;
        switch (protocol) {
        case CM_PROTOCOL_HOP_BY_HOP:
        case CM_PROTOCOL_ROUTING:
        case CM_PROTOCOL_DESTINATION:
            if (headers->ip_version == 4)
                break; /* numbers that mean nothing there */
            n = extension_bytes(walk, protocol);
            if (n == 0)
                return;
            continue;
        case CM_PROTOCOL_AH:
            n = extension_bytes(walk, protocol);
            if (n == 0)
                return;
            continue;
        case CM_PROTOCOL_MOBILITY:
        case CM_PROTOCOL_HIP:
        case CM_PROTOCOL_SHIM6:
            if (headers->ip_version == 4 || (cm_walk_left(walk) > 0 && p[0] == CM_PROTOCOL_NO_NEXT))
                break;
            n = extension_bytes(walk, protocol);
            if (n == 0)
                return;
            continue;
        case CM_PROTOCOL_FRAGMENT: {
            uint16_t place;

            if (headers->ip_version == 4)
                break;
            n = extension_bytes(walk, protocol);
            if (n == 0)
                return;
            place = cm_load_be16(p + 2);
            if (place & 0xfff9) /* an offset, or more to come; else it is a whole packet (RFC 6946) */
                headers->flags |= CM_HEADERS_FRAGMENT;
            if (place & 0xfff8) {
                headers->flags |= CM_HEADERS_LATER_FRAGMENT;
                headers->protocol = p[0];
                return;
            }
            continue;
        }
        default:
            break;
        }
        break;
    }
    headers->l4_offset = (uint16_t)walk->at;
    cm_walk_transport(walk, protocol);
}

/* RFC 791, section 3.1. */
void cm_walk_ipv4(struct cm_walk *walk)
{
    struct cm_headers *headers = walk->headers;
    const uint8_t *p = walk->data + walk->at;
    uint32_t left = cm_walk_left(walk);
    uint32_t header_bytes, total_bytes;

    headers->l3_offset = (uint16_t)walk->at;
    if (!cm_walk_has(walk, 1))
        return;
    header_bytes = (p[0] & 15) * 4u;
    if (p[0] >> 4 != 4 || header_bytes < IPV4_LEAST_BYTES) {
        cm_walk_bad(walk);
        return;
    }
    if (!cm_walk_has(walk, 4))
        return;
    total_bytes = cm_load_be16(p + 2);
    if (total_bytes != 0 && total_bytes < header_bytes) {
        cm_walk_bad(walk);
        return;
    }
    if (total_bytes != 0) /* 0: segmentation was left to the hardware; the capture knows better */
        network_length(walk, total_bytes);
    if (left >= 8 && cm_load_be16(p + 6) & 0x3fff) {
        headers->flags |= CM_HEADERS_FRAGMENT;
        if (cm_load_be16(p + 6) & 0x1fff)
            headers->flags |= CM_HEADERS_LATER_FRAGMENT;
    }
    if (left >= 10) {
        headers->ip_version = 4;
        headers->protocol = p[9];
    }
    if (left >= IPV4_LEAST_BYTES)
        headers->flags |= CM_HEADERS_ADDRESSES;
    if (!cm_walk_has(walk, header_bytes))
        return;
    walk->at += header_bytes;
    if (!(headers->flags & CM_HEADERS_LATER_FRAGMENT))
        follow(walk, headers->protocol);
}

/* RFC 8200, section 3. */
void cm_walk_ipv6(struct cm_walk *walk)
{
    struct cm_headers *headers = walk->headers;
    const uint8_t *p = walk->data + walk->at;
    uint32_t left = cm_walk_left(walk);
    uint32_t payload_bytes;

    headers->l3_offset = (uint16_t)walk->at;
    if (!cm_walk_has(walk, 1))
        return;
    if (p[0] >> 4 != 6) {
        cm_walk_bad(walk);
        return;
    }
    if (left >= 7) {
        headers->ip_version = 6;
        headers->protocol = p[6];
    }
    if (!cm_walk_has(walk, IPV6_BYTES))
        return;
    headers->flags |= CM_HEADERS_ADDRESSES;
    payload_bytes = cm_load_be16(p + 4);
    if (payload_bytes != 0) /* 0: a jumbogram (RFC 2675), or left to the hardware */
        network_length(walk, IPV6_BYTES + payload_bytes);
    walk->at += IPV6_BYTES;
    follow(walk, headers->protocol);
}

void cm_walk_ip(struct cm_walk *walk)
{
    uint8_t version;

    if (!cm_walk_has(walk, 1))
        return;
    version = walk->data[walk->at] >> 4;
    if (version == 4) {
        if (walk->headers->eth_type == 0)
            walk->headers->eth_type = CM_ETH_IPV4;
        cm_walk_ipv4(walk);
    } else if (version == 6) {
        if (walk->headers->eth_type == 0)
            walk->headers->eth_type = CM_ETH_IPV6;
        cm_walk_ipv6(walk);
    } else {
        cm_walk_bad(walk);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* TCP, UDP and their like, from the first byte after the IP headers. Not for what they carry, tunnels
 * apart. */
#include "wire/headers_int.h"

#define TCP_LEAST_BYTES  20
#define TCP_FLAGS_AT     13
#define UDP_BYTES        8
#define SCTP_BYTES       12
#define DCCP_LEAST_BYTES 12
#define ICMP_BYTES       8

const uint8_t cm_wire_port_protocols[CM_WIRE_PORT_PROTOCOLS] = {
    CM_PROTOCOL_TCP, CM_PROTOCOL_UDP, CM_PROTOCOL_SCTP, CM_PROTOCOL_DCCP, CM_PROTOCOL_UDP_LITE};

static bool ports(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;

    if (!cm_walk_has(walk, 4))
        return false;
    walk->headers->src_port = cm_load_be16(p);
    walk->headers->dst_port = cm_load_be16(p + 2);
    walk->headers->flags |= CM_HEADERS_PORTS;
    return true;
}

/* The header is `n` bytes, or as many as its own field says; where all of them are here the payload
 * begins. */
static bool pass(struct cm_walk *walk, uint32_t n, uint32_t least)
{
    if (n < least) {
        cm_walk_bad(walk);
        return false;
    }
    if (!cm_walk_has(walk, n))
        return false;
    walk->at += n;
    walk->headers->payload_offset = (uint16_t)walk->at;
    return true;
}

/* RFC 9293, section 3.1. */
static void tcp(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;

    if (!ports(walk))
        return;
    if (!cm_walk_has(walk, TCP_FLAGS_AT + 1))
        return;
    walk->headers->tcp_flags = p[TCP_FLAGS_AT];
    walk->headers->flags |= CM_HEADERS_TCP_FLAGS;
    pass(walk, (p[12] >> 4) * 4u, TCP_LEAST_BYTES);
}

/* RFC 768; a length of 0 is a jumbogram's (RFC 2675, section 4) or one that hardware was to fill in. */
static void udp(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;
    uint32_t length;

    if (!ports(walk) || !cm_walk_has(walk, UDP_BYTES))
        return;
    length = cm_load_be16(p + 4);
    if (length != 0 && length < UDP_BYTES) {
        cm_walk_bad(walk);
        return;
    }
    pass(walk, UDP_BYTES, UDP_BYTES);
    cm_walk_udp_tunnel(walk);
}

/* RFC 4340, section 5.1: the data offset counts 32-bit words. */
static void dccp(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;

    if (ports(walk) && cm_walk_has(walk, DCCP_LEAST_BYTES))
        pass(walk, p[4] * 4u, DCCP_LEAST_BYTES);
}

/* Eight bytes in every message that quotes a packet or asks for an echo: type, code, sum and four of the
 * type's own. */
static void icmp(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;

    if (!cm_walk_has(walk, 2))
        return;
    walk->headers->icmp_type = p[0];
    walk->headers->icmp_code = p[1];
    walk->headers->flags |= CM_HEADERS_ICMP;
    pass(walk, ICMP_BYTES, ICMP_BYTES);
}

void cm_walk_transport(struct cm_walk *walk, uint8_t protocol)
{
    switch (protocol) {
    case CM_PROTOCOL_TCP:
        tcp(walk);
        break;
    case CM_PROTOCOL_UDP:
        udp(walk);
        break;
    case CM_PROTOCOL_UDP_LITE:
        /* RFC 3828: as UDP, with the checksum's coverage in place of the length */
        if (ports(walk))
            pass(walk, UDP_BYTES, UDP_BYTES);
        break;
    case CM_PROTOCOL_SCTP:
        if (ports(walk))
            pass(walk, SCTP_BYTES, SCTP_BYTES);
        break;
    case CM_PROTOCOL_DCCP:
        dccp(walk);
        break;
    case CM_PROTOCOL_ICMP:
    case CM_PROTOCOL_ICMPV6:
        icmp(walk);
        break;
    case CM_PROTOCOL_IPV4:
        cm_walk_ip_in_ip(walk, 4);
        break;
    case CM_PROTOCOL_IPV6:
        cm_walk_ip_in_ip(walk, 6);
        break;
    case CM_PROTOCOL_ETHERNET:
        cm_walk_inner(walk, CM_INNER_ETHERNET);
        break;
    case CM_PROTOCOL_ETHERIP:
        cm_walk_etherip(walk);
        break;
    case CM_PROTOCOL_GRE:
        cm_walk_gre(walk);
        break;
    default:
        break;
    }
}

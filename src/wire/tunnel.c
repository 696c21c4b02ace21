/* SPDX-License-Identifier: Apache-2.0 */
/* Where the inner packet of a tunnel begins: IP in IP, GRE, ERSPAN, PPTP, VXLAN, GTP-U, Geneve. The inner
 * packet itself is decoded only when asked for (cm_wire_decode_inner). */
#include "wire/headers_int.h"

#define GRE_CHECKSUM 0x8000
#define GRE_ROUTING  0x4000
#define GRE_KEY      0x2000
#define GRE_SEQUENCE 0x1000
#define GRE_ACK      0x0080

/* Frame types of ERSPAN type III. */
#define ERSPAN_ETHERNET 0
#define ERSPAN_IP       2

void cm_walk_inner(struct cm_walk *walk, enum cm_inner_kind kind)
{
    if (cm_walk_left(walk) == 0) {
        walk->headers->flags |= walk->end < walk->captured ? 0 : CM_HEADERS_CUT;
        return;
    }
    walk->headers->inner_offset = (uint16_t)walk->at;
    walk->headers->inner_kind = (uint8_t)kind;
}

/* An inner IP packet whose version must say what the tunnel said; 0: either. */
static void inner_ip(struct cm_walk *walk, uint8_t expected)
{
    uint8_t version;

    if (!cm_walk_has(walk, 1))
        return;
    version = walk->data[walk->at] >> 4;
    if (expected != 0 && version != expected)
        return;
    if (version == 4)
        cm_walk_inner(walk, CM_INNER_IPV4);
    else if (version == 6)
        cm_walk_inner(walk, CM_INNER_IPV6);
}

void cm_walk_ip_in_ip(struct cm_walk *walk, uint8_t version)
{
    inner_ip(walk, version);
}

static void inner_ppp(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;
    uint32_t protocol;

    if (!cm_walk_has(walk, 1))
        return;
    if (p[0] == 0xff) { /* address and control */
        if (!cm_walk_has(walk, 3))
            return;
        walk->at += 2;
        p += 2;
    }
    if (p[0] & 1) { /* RFC 1661, section 6.5: one byte where the first is odd */
        protocol = p[0];
        walk->at += 1;
    } else {
        if (!cm_walk_has(walk, 2))
            return;
        protocol = cm_load_be16(p);
        walk->at += 2;
    }
    if (protocol == 0x0021)
        inner_ip(walk, 4);
    else if (protocol == 0x0057)
        inner_ip(walk, 6);
}

static void erspan(struct cm_walk *walk, uint32_t header_bytes)
{
    if (!cm_walk_has(walk, header_bytes))
        return;
    walk->at += header_bytes;
    cm_walk_inner(walk, CM_INNER_ETHERNET);
}

/* Type III: 12 bytes, and 8 of a platform's own where the last bit says so. Its frame type says what was
 * mirrored: frames or IP packets; the others are no packets that we know. */
static void erspan_3(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;
    uint32_t n_bytes, frame_type;

    if (!cm_walk_has(walk, 12))
        return;
    n_bytes = p[11] & 1 ? 20 : 12;
    frame_type = p[10] >> 2 & 31;
    if (frame_type == ERSPAN_ETHERNET) {
        erspan(walk, n_bytes);
    } else if (frame_type == ERSPAN_IP && cm_walk_has(walk, n_bytes)) {
        walk->at += n_bytes;
        inner_ip(walk, 0);
    }
}

static void inner_by_type(struct cm_walk *walk, uint16_t type, bool sequenced)
{
    switch (type) {
    case CM_ETH_IPV4:
        inner_ip(walk, 4);
        break;
    case CM_ETH_IPV6:
        inner_ip(walk, 6);
        break;
    case CM_ETH_BRIDGED:
        cm_walk_inner(walk, CM_INNER_ETHERNET);
        break;
    case CM_ETH_MPLS:
    case CM_ETH_MPLS_UPSTREAM:
        if (cm_walk_labels(walk))
            inner_ip(walk, 0);
        break;
    case CM_ETH_PPP:
        inner_ppp(walk);
        break;
    case CM_ETH_ERSPAN: /* type I has no header and no sequence number, type II has eight bytes and one */
        erspan(walk, sequenced ? 8 : 0);
        break;
    case CM_ETH_ERSPAN_3:
        erspan_3(walk);
        break;
    default:
        break;
    }
}

/* RFC 2784 and 2890; version 1 is PPTP's (RFC 2637, section 4.1). */
void cm_walk_gre(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;
    uint16_t bits, type;
    uint32_t n = 4;

    if (!cm_walk_has(walk, 4))
        return;
    bits = cm_load_be16(p);
    type = cm_load_be16(p + 2);
    if ((bits & 7) > 1 || bits & GRE_ROUTING)
        return;
    n += bits & GRE_CHECKSUM ? 4 : 0;
    n += bits & GRE_KEY ? 4 : 0;
    n += bits & GRE_SEQUENCE ? 4 : 0;
    if ((bits & 7) == 1) {
        if (!(bits & GRE_SEQUENCE))
            return; /* an acknowledgement alone: nothing is carried */
        n += bits & GRE_ACK ? 4 : 0;
    }
    if (!cm_walk_has(walk, n))
        return;
    walk->at += n;
    inner_by_type(walk, type, bits & GRE_SEQUENCE);
}

/* RFC 7348, section 5. */
static void vxlan(struct cm_walk *walk)
{
    if (!cm_walk_has(walk, 8) || !(walk->data[walk->at] & 0x08))
        return;
    walk->at += 8;
    cm_walk_inner(walk, CM_INNER_ETHERNET);
}

/* RFC 8926, section 3.4. */
static void geneve(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;
    uint32_t n;

    if (!cm_walk_has(walk, 8) || p[0] >> 6 != 0)
        return;
    n = 8 + (p[0] & 63) * 4u;
    if (!cm_walk_has(walk, n))
        return;
    walk->at += n;
    inner_by_type(walk, cm_load_be16(p + 2), false);
}

/* 3GPP TS 29.281, section 5.1: only a G-PDU (255) carries a packet. */
static void gtp_u(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;
    uint8_t next = 0;

    if (!cm_walk_has(walk, 8) || (p[0] & 0xf0) != 0x30 || p[1] != 255)
        return;
    walk->at += 8;
    cm_walk_shorten(walk, cm_load_be16(p + 2));
    if (p[0] & 7) { /* any of the three optional fields brings all of them */
        if (!cm_walk_has(walk, 4))
            return;
        next = p[0] & 4 ? p[11] : 0;
        walk->at += 4;
    }
    while (next != 0) {
        uint32_t n;

        if (!cm_walk_has(walk, 1))
            return;
        n = walk->data[walk->at] * 4u;
        if (n == 0) {
            cm_walk_bad(walk);
            return;
        }
        if (!cm_walk_has(walk, n))
            return;
        walk->at += n;
        next = walk->data[walk->at - 1];
    }
    inner_ip(walk, 0);
}

/* RFC 3378, section 3. */
void cm_walk_etherip(struct cm_walk *walk)
{
    if (!cm_walk_has(walk, 2) || walk->data[walk->at] >> 4 != 3)
        return;
    walk->at += 2;
    cm_walk_inner(walk, CM_INNER_ETHERNET);
}

/* The port that counts is the destination's: sources are chosen freely. Some GTP-U nodes send from theirs to
 * any. */
void cm_walk_udp_tunnel(struct cm_walk *walk)
{
    const struct cm_headers *headers = walk->headers;

    if (headers->dst_port == CM_PORT_VXLAN)
        vxlan(walk);
    else if (headers->dst_port == CM_PORT_GENEVE)
        geneve(walk);
    else if (headers->dst_port == CM_PORT_GTP_U || headers->src_port == CM_PORT_GTP_U)
        gtp_u(walk);
}

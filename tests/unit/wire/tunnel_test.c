/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels: the outer packet is what the decoder reports, with the place and kind of the inner one. */
#include "unit/wire/packet_bytes.h"

/* An outer IPv4 packet on Ethernet around what `p` gets next; decode_both closes it. */
static struct packet begin_outer(unsigned protocol)
{
    struct packet p = {0};

    put_ethernet(&p, CM_ETH_IPV4);
    put_ipv4(&p, protocol);
    return p;
}

static void check_tunnel(struct packet *p, enum cm_inner_kind kind, uint32_t inner_at, unsigned version,
                         uint32_t inner_l3)
{
    struct cm_headers outer, inner, innermost;
    uint32_t inner_protocol = p->bytes[23];

    close_ipv4(p, 14);
    outer = decode(CM_LINK_ETHERNET, p);
    cm_check_eq(outer.l3_offset, 14);
    cm_check_eq(outer.ip_version, 4);
    cm_check_eq(outer.protocol, inner_protocol);
    cm_check_eq(outer.inner_kind, kind);
    cm_check_eq(outer.inner_offset, inner_at);
    inner = decode_inner(p, &outer);
    check_ip_tcp(&inner, version, inner_l3);
    cm_wire_decode_innermost(CM_LINK_ETHERNET, p->bytes, p->n, &innermost);
    cm_check_mem(&inner, &innermost, sizeof(inner));
}

CM_TEST(tunnel, ip_in_ip)
{
    struct packet p = begin_outer(CM_PROTOCOL_IPV4);
    struct cm_headers h;

    put_ip_tcp(&p, 4);
    check_tunnel(&p, CM_INNER_IPV4, 34, 4, 34);
    p = begin_outer(CM_PROTOCOL_IPV6);
    put_ip_tcp(&p, 6);
    check_tunnel(&p, CM_INNER_IPV6, 34, 6, 34);
    p.bytes[34] = 0x45; /* not what was announced */
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.inner_kind, CM_INNER_NONE);
    cm_check(!cm_wire_decode_inner(p.bytes, p.n, &h, &h));
}

CM_TEST(tunnel, ip_in_ipv6)
{
    struct packet p = {0};
    struct cm_headers h, inner;
    uint32_t at = put_ipv6(&p, CM_PROTOCOL_IPV4);

    put_ip_tcp(&p, 4);
    close_ipv6(&p, at);
    h = decode(CM_LINK_RAW, &p);
    cm_check_eq(h.ip_version, 6);
    cm_check_eq(h.inner_offset, 40);
    inner = decode_inner(&p, &h);
    check_ip_tcp(&inner, 4, 40);
}

CM_TEST(tunnel, gre_with_each_choice_of_fields)
{
    for (unsigned bits = 0; bits < 8; bits++) {
        struct packet p = begin_outer(CM_PROTOCOL_GRE);
        uint32_t n = 4;

        put16(&p, (bits & 4 ? 0x8000 : 0) | (bits & 2 ? 0x2000 : 0) | (bits & 1 ? 0x1000 : 0));
        put16(&p, CM_ETH_IPV4);
        for (unsigned bit = 1; bit < 8; bit <<= 1)
            if (bits & bit) {
                put32(&p, 0xffffffff);
                n += 4;
            }
        put_ip_tcp(&p, 4);
        check_tunnel(&p, CM_INNER_IPV4, 34 + n, 4, 34 + n);
    }
}

/* GRE and ERSPAN type III, with 8 bytes of a platform's own or without. */
static void put_erspan_3(struct packet *p, uint8_t frame_type, bool is_long)
{
    put32(p, 0x10000000 | CM_ETH_ERSPAN_3);
    put32(p, 1);
    fill(p, 0x20, 10);
    put8(p, (uint8_t)(frame_type << 2));
    put8(p, is_long ? 0x01 : 0x00);
    fill(p, 0, is_long ? 8 : 0);
}

CM_TEST(tunnel, gre_of_frames_labels_and_mirrors)
{
    struct packet p = begin_outer(CM_PROTOCOL_GRE);
    struct cm_headers h;

    put32(&p, CM_ETH_BRIDGED);
    put_ethernet(&p, CM_ETH_IPV6);
    put_ip_tcp(&p, 6);
    check_tunnel(&p, CM_INNER_ETHERNET, 38, 6, 52);

    p = begin_outer(CM_PROTOCOL_GRE);
    put32(&p, CM_ETH_MPLS);
    put32(&p, 0x00001140);
    put_ip_tcp(&p, 4);
    check_tunnel(&p, CM_INNER_IPV4, 42, 4, 42);

    p = begin_outer(CM_PROTOCOL_GRE); /* ERSPAN type I: no header */
    put32(&p, CM_ETH_ERSPAN);
    put_ethernet(&p, CM_ETH_IPV4);
    put_ip_tcp(&p, 4);
    check_tunnel(&p, CM_INNER_ETHERNET, 38, 4, 52);

    p = begin_outer(CM_PROTOCOL_GRE); /* type II */
    put32(&p, 0x10000000 | CM_ETH_ERSPAN);
    put32(&p, 1);
    fill(&p, 0x10, 8);
    put_ethernet(&p, CM_ETH_IPV4);
    put_ip_tcp(&p, 4);
    check_tunnel(&p, CM_INNER_ETHERNET, 50, 4, 64);

    p = begin_outer(CM_PROTOCOL_GRE); /* type III with its optional part */
    put_erspan_3(&p, 0, true);
    put_ethernet(&p, CM_ETH_IPV4);
    put_ip_tcp(&p, 4);
    check_tunnel(&p, CM_INNER_ETHERNET, 62, 4, 76);

    p = begin_outer(CM_PROTOCOL_GRE); /* an IP packet */
    put_erspan_3(&p, 2, false);
    put_ip_tcp(&p, 4);
    check_tunnel(&p, CM_INNER_IPV4, 54, 4, 54);

    p = begin_outer(CM_PROTOCOL_GRE); /* a frame type that is not known */
    put_erspan_3(&p, 7, false);
    put_ethernet(&p, CM_ETH_IPV4);
    put_ip_tcp(&p, 4);
    cm_wire_decode(CM_LINK_ETHERNET, p.bytes, p.n, &h);
    cm_check(h.inner_offset == CM_NO_OFFSET && h.inner_kind == CM_INNER_NONE);
}

CM_TEST(tunnel, pptp)
{
    struct packet p = begin_outer(CM_PROTOCOL_GRE);
    struct cm_headers h;

    put32(&p, 0x3081880b);
    put32(&p, 0x00400001);
    put32(&p, 1);
    put32(&p, 2);
    put32(&p, 0xff030021);
    put_ip_tcp(&p, 4);
    check_tunnel(&p, CM_INNER_IPV4, 54, 4, 54);
    p.bytes[34] = 0x20; /* no sequence number: an acknowledgement alone */
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.inner_kind, CM_INNER_NONE);
}

CM_TEST(tunnel, gre_that_we_cannot_follow)
{
    struct packet p = begin_outer(CM_PROTOCOL_GRE);
    struct cm_headers h;

    put32(&p, 0x40000800); /* routing */
    put_ip_tcp(&p, 4);
    close_ipv4(&p, 14);
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.inner_kind, CM_INNER_NONE);
    p.bytes[34] = 0;
    p.bytes[35] = 2; /* a version that is none */
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.inner_kind, CM_INNER_NONE);
}

CM_TEST(tunnel, vxlan)
{
    struct packet p = begin_outer(CM_PROTOCOL_UDP);
    struct cm_headers h;

    put_udp(&p, 50000, CM_PORT_VXLAN, 0);
    put32(&p, 0x08000000);
    put32(&p, 0x00000100);
    put_ethernet(&p, CM_ETH_VLAN);
    put16(&p, 5);
    put16(&p, CM_ETH_IPV4);
    put_ip_tcp(&p, 4);
    check_tunnel(&p, CM_INNER_ETHERNET, 50, 4, 68);
    p.bytes[42] = 0; /* no network identifier */
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.inner_kind, CM_INNER_NONE);
    cm_check_eq(h.payload_offset, 42);
    p.bytes[42] = 8;
    set16(&p, 36, 4788); /* another port */
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.inner_kind, CM_INNER_NONE);
}

CM_TEST(tunnel, geneve)
{
    struct packet p = begin_outer(CM_PROTOCOL_UDP);

    put_udp(&p, 50000, CM_PORT_GENEVE, 0);
    put32(&p, 0x02006558); /* eight bytes of options */
    put32(&p, 0x00000100);
    fill(&p, 0, 8);
    put_ethernet(&p, CM_ETH_IPV4);
    put_ip_tcp(&p, 4);
    check_tunnel(&p, CM_INNER_ETHERNET, 58, 4, 72);
}

CM_TEST(tunnel, gtp_u)
{
    struct packet p = begin_outer(CM_PROTOCOL_UDP);
    struct cm_headers h;

    put_udp(&p, CM_PORT_GTP_U, CM_PORT_GTP_U, 0);
    put32(&p, 0x30ff0028);
    put32(&p, 7);
    put_ip_tcp(&p, 4);
    check_tunnel(&p, CM_INNER_IPV4, 50, 4, 50);

    p = begin_outer(
        CM_PROTOCOL_UDP); /* optional fields and two extension headers, towards a port of its own */
    put_udp(&p, CM_PORT_GTP_U, 1024, 0);
    put32(&p, 0x36ff004c);
    put32(&p, 7);
    put32(&p, 0x00010085);
    put32(&p, 0x01000085);
    put32(&p, 0x02000000);
    put32(&p, 0);
    put_ip_tcp(&p, 6);
    check_tunnel(&p, CM_INNER_IPV6, 66, 6, 66);
    p.bytes[54] = 0; /* an extension header without length */
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check(h.flags & CM_HEADERS_BAD);
    cm_check_eq(h.inner_kind, CM_INNER_NONE);
    p.bytes[43] = 1; /* an echo request carries nothing */
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.inner_kind, CM_INNER_NONE);
    cm_check(!(h.flags & CM_HEADERS_BAD));
}

CM_TEST(tunnel, ethernet_in_ip)
{
    struct packet p = begin_outer(CM_PROTOCOL_ETHERIP);

    put16(&p, 0x3000);
    put_ethernet(&p, CM_ETH_IPV4);
    put_ip_tcp(&p, 4);
    check_tunnel(&p, CM_INNER_ETHERNET, 36, 4, 50);
    p = begin_outer(CM_PROTOCOL_ETHERNET);
    put_ethernet(&p, CM_ETH_IPV4);
    put_ip_tcp(&p, 4);
    check_tunnel(&p, CM_INNER_ETHERNET, 34, 4, 48);
}

CM_TEST(tunnel, innermost_stops_at_eight)
{
    struct packet p = {0};
    struct cm_headers h;

    for (int depth = 0; depth < 12; depth++)
        put_ipv4(&p, CM_PROTOCOL_IPV4); /* lengths of 0: as long as the capture */
    put_ip_tcp(&p, 4);
    cm_wire_decode_innermost(CM_LINK_RAW, p.bytes, p.n, &h);
    cm_check_eq(h.l3_offset, 8 * 20);
    cm_check_eq(h.inner_kind, CM_INNER_IPV4);
}

CM_TEST(tunnel, inner_ends_with_the_outer)
{
    struct packet p = begin_outer(CM_PROTOCOL_IPV4);
    struct cm_headers h;

    put_ip_tcp(&p, 4);
    close_ipv4(&p, 14);
    set16(&p, 36, 400); /* the inner packet claims more than there is, padding follows the outer */
    fill(&p, 0xff, 20);
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.l3_end, 74);
    h = decode_inner(&p, &h);
    cm_check_eq(h.l3_end, 74);
    cm_check_eq(h.payload_offset, 74);
}

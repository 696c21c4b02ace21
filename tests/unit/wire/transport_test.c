/* SPDX-License-Identifier: Apache-2.0 */
/* TCP, UDP, UDP-Lite, SCTP, DCCP, ICMP and ICMPv6 behind plain IP. */
#include "unit/wire/packet_bytes.h"

static struct packet ipv4_with(unsigned protocol, const void *bytes, uint32_t n)
{
    struct packet p = {0};
    uint32_t at;

    put_ethernet(&p, CM_ETH_IPV4);
    at = put_ipv4(&p, protocol);
    memcpy(p.bytes + p.n, bytes, n);
    p.n += n;
    close_ipv4(&p, at);
    return p;
}

CM_TEST(transport, tcp_with_options)
{
    uint8_t tcp[32] = {0x04, 0xd2, 0, 80, [12] = 0x80, [13] = 0xc2};
    struct packet p = ipv4_with(CM_PROTOCOL_TCP, tcp, sizeof(tcp));
    struct cm_headers h = decode(CM_LINK_ETHERNET, &p);

    cm_check_eq(h.payload_offset, 34 + 32);
    cm_check_eq(h.tcp_flags, 0xc2);
    cm_check_eq(h.src_port, 1234);
}

CM_TEST(transport, tcp_header_shorter_than_the_least)
{
    uint8_t tcp[32] = {0x04, 0xd2, 0, 80, [12] = 0x40, [13] = 0x10};
    struct packet p = ipv4_with(CM_PROTOCOL_TCP, tcp, sizeof(tcp));
    struct cm_headers h = decode(CM_LINK_ETHERNET, &p);

    cm_check_eq(h.flags, CM_HEADERS_PORTS | CM_HEADERS_TCP_FLAGS | CM_HEADERS_ADDRESSES | CM_HEADERS_BAD);
    cm_check_eq(h.payload_offset, CM_NO_OFFSET);
}

CM_TEST(transport, tcp_header_longer_than_the_packet)
{
    uint8_t tcp[32] = {0x04, 0xd2, 0, 80, [12] = 0xf0, [13] = 0x10};
    struct packet p = ipv4_with(CM_PROTOCOL_TCP, tcp, sizeof(tcp));
    struct cm_headers h;

    fill(&p, 0, 60); /* padding does not make it whole */
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check(h.flags & CM_HEADERS_BAD);
    cm_check_eq(h.payload_offset, CM_NO_OFFSET);
}

CM_TEST(transport, udp_lengths)
{
    uint8_t udp[16] = {0, 53, 0, 99, 0, 16};
    struct packet p = ipv4_with(CM_PROTOCOL_UDP, udp, sizeof(udp));
    struct cm_headers h = decode(CM_LINK_ETHERNET, &p);

    cm_check_eq(h.payload_offset, 42);
    set16(&p, 38, 7); /* less than its header */
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.flags, CM_HEADERS_PORTS | CM_HEADERS_ADDRESSES | CM_HEADERS_BAD);
    cm_check_eq(h.payload_offset, CM_NO_OFFSET);
    set16(&p, 38, 0); /* of a jumbogram */
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.flags, CM_HEADERS_PORTS | CM_HEADERS_ADDRESSES);
    cm_check_eq(h.payload_offset, 42);
}

CM_TEST(transport, udp_lite_sctp_dccp)
{
    uint8_t bytes[28] = {0x12, 0x34, 0x56, 0x78, 5};
    static const struct {
        uint8_t protocol;
        uint8_t header_bytes;
    } cases[] = {{CM_PROTOCOL_UDP_LITE, 8}, {CM_PROTOCOL_SCTP, 12}, {CM_PROTOCOL_DCCP, 20}};

    for (unsigned i = 0; i < 3; i++) {
        struct packet p = ipv4_with(cases[i].protocol, bytes, sizeof(bytes));
        struct cm_headers h = decode(CM_LINK_ETHERNET, &p);

        cm_check_eq(h.protocol, cases[i].protocol);
        cm_check_eq(h.src_port, 0x1234);
        cm_check_eq(h.dst_port, 0x5678);
        cm_check_eq(h.payload_offset, 34 + cases[i].header_bytes);
        cm_check_eq(h.flags, CM_HEADERS_PORTS | CM_HEADERS_ADDRESSES);
    }
    bytes[4] = 2; /* DCCP: shorter than its least */
    {
        struct packet p = ipv4_with(CM_PROTOCOL_DCCP, bytes, sizeof(bytes));
        struct cm_headers h = decode(CM_LINK_ETHERNET, &p);

        cm_check(h.flags & CM_HEADERS_BAD);
        cm_check_eq(h.payload_offset, CM_NO_OFFSET);
    }
}

CM_TEST(transport, icmp)
{
    static const uint8_t unreachable[] = {3, 4, 0, 0, 0, 0, 5, 0xdc, 0x45, 0, 0, 20};
    struct packet p = ipv4_with(CM_PROTOCOL_ICMP, unreachable, sizeof(unreachable));
    struct cm_headers h = decode(CM_LINK_ETHERNET, &p);

    cm_check_eq(h.icmp_type, 3);
    cm_check_eq(h.icmp_code, 4);
    cm_check_eq(h.payload_offset, 42);
    cm_check_eq(h.flags, CM_HEADERS_ICMP | CM_HEADERS_ADDRESSES);
    cm_check_eq(h.inner_kind, CM_INNER_NONE); /* what it quotes is not carried */
}

CM_TEST(transport, icmpv6)
{
    struct packet p = {0};
    struct cm_headers h;
    uint32_t at = put_ipv6(&p, CM_PROTOCOL_ICMPV6);

    put32(&p, 0x80010000);
    put32(&p, 1);
    close_ipv6(&p, at);
    h = decode(CM_LINK_RAW, &p);
    cm_check_eq(h.icmp_type, 128);
    cm_check_eq(h.icmp_code, 1);
    cm_check_eq(h.payload_offset, 48);
}

CM_TEST(transport, protocols_with_ports)
{
    uint8_t bytes[64] = {0};

    for (unsigned protocol = 0; protocol <= UINT8_MAX; protocol++) {
        struct packet p = ipv4_with(protocol, bytes, sizeof(bytes));
        struct cm_headers h = decode(CM_LINK_ETHERNET, &p);

        cm_check_that(cm_wire_has_ports((uint8_t)protocol) == ((h.flags & CM_HEADERS_PORTS) != 0),
                      "protocol %u", protocol);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 and IPv6: lengths, options, extension headers, fragments. */
#include "unit/wire/packet_bytes.h"

CM_TEST(ip, ipv4_tcp)
{
    struct packet p = {0};
    struct cm_headers h;
    uint32_t at;

    put_ethernet(&p, CM_ETH_IPV4);
    at = put_ipv4(&p, CM_PROTOCOL_TCP);
    put_tcp(&p, 1234, 80, 0x12);
    fill(&p, 0xaa, 10);
    close_ipv4(&p, at);
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.eth_type, CM_ETH_IPV4);
    cm_check_eq(h.l3_offset, 14);
    cm_check_eq(h.l4_offset, 34);
    cm_check_eq(h.payload_offset, 54);
    cm_check_eq(h.l3_end, 64);
    cm_check_eq(h.ip_version, 4);
    cm_check_eq(h.protocol, CM_PROTOCOL_TCP);
    cm_check_eq(h.src_port, 1234);
    cm_check_eq(h.dst_port, 80);
    cm_check_eq(h.tcp_flags, 0x12);
    cm_check_eq(h.inner_offset, CM_NO_OFFSET);
    cm_check_eq(h.flags, CM_HEADERS_PORTS | CM_HEADERS_TCP_FLAGS | CM_HEADERS_ADDRESSES);
    cm_check_mem(cm_headers_source(&h, p.bytes), "\x0a\0\0\x01", 4);
    cm_check_mem(cm_headers_destination(&h, p.bytes), "\x0a\0\0\x02", 4);
}

CM_TEST(ip, ipv6_udp)
{
    struct packet p = {0};
    struct cm_headers h;
    uint32_t at;

    put_ethernet(&p, CM_ETH_IPV6);
    at = put_ipv6(&p, CM_PROTOCOL_UDP);
    put_udp(&p, 53, 5353, 12);
    fill(&p, 0xaa, 4);
    close_ipv6(&p, at);
    fill(&p, 0, 6); /* padding */
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.l4_offset, 54);
    cm_check_eq(h.payload_offset, 62);
    cm_check_eq(h.l3_end, 66);
    cm_check_eq(h.ip_version, 6);
    cm_check_eq(h.protocol, CM_PROTOCOL_UDP);
    cm_check_eq(h.src_port, 53);
    cm_check_eq(h.dst_port, 5353);
    cm_check_eq(h.flags, CM_HEADERS_PORTS | CM_HEADERS_ADDRESSES);
    cm_check_eq(cm_headers_source(&h, p.bytes)[15], 1);
    cm_check_eq(cm_headers_destination(&h, p.bytes)[15], 2);
}

CM_TEST(ip, options_are_passed)
{
    struct packet p = {0};
    struct cm_headers h;
    uint32_t at;

    at = put_ipv4(&p, CM_PROTOCOL_UDP);
    p.bytes[at] = 0x47;
    fill(&p, 1, 8);
    put_udp(&p, 5, 6, 8);
    close_ipv4(&p, at);
    h = decode(CM_LINK_RAW, &p);
    cm_check_eq(h.l4_offset, 28);
    cm_check_eq(h.payload_offset, 36);
    cm_check_eq(h.dst_port, 6);
}

CM_TEST(ip, padding_is_not_payload)
{
    struct packet p = {0};
    struct cm_headers h;
    uint32_t at;

    put_ethernet(&p, CM_ETH_IPV4);
    at = put_ipv4(&p, CM_PROTOCOL_UDP);
    put_udp(&p, 5, 6, 8);
    close_ipv4(&p, at);
    fill(&p, 0xee, 18);
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.payload_offset, 42);
    cm_check_eq(h.l3_end, 42);
    set16(&p, at + 2, 24); /* now the length cuts UDP, whose bytes are padding then */
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.payload_offset, CM_NO_OFFSET);
    cm_check_eq(h.flags, CM_HEADERS_PORTS | CM_HEADERS_ADDRESSES | CM_HEADERS_BAD);
    cm_check_eq(h.l3_end, 38);
}

CM_TEST(ip, lengths_left_to_the_hardware)
{
    struct packet p = {0};
    struct cm_headers h;

    put_ipv4(&p, CM_PROTOCOL_TCP);
    put_tcp(&p, 1, 2, 0x10);
    fill(&p, 0, 30);
    h = decode(CM_LINK_IPV4, &p);
    cm_check_eq(h.l3_end, 70);
    cm_check_eq(h.payload_offset, 40);
    p.n = 0;
    put_ipv6(&p, CM_PROTOCOL_TCP);
    put_tcp(&p, 1, 2, 0x10);
    fill(&p, 0, 30);
    h = decode(CM_LINK_IPV6, &p);
    cm_check_eq(h.l3_end, 90);
    cm_check_eq(h.payload_offset, 60);
}

CM_TEST(ip, a_length_beyond_the_capture_is_a_cut)
{
    struct packet p = {0};
    struct cm_headers h;
    uint32_t at = put_ipv4(&p, CM_PROTOCOL_TCP);

    put_tcp(&p, 1, 2, 0x10);
    set16(&p, at + 2, 1500);
    h = decode(CM_LINK_IPV4, &p);
    cm_check_eq(h.l3_end, 40);
    cm_check_eq(h.flags & (CM_HEADERS_CUT | CM_HEADERS_BAD), 0); /* no header is missing */
}

CM_TEST(ip, contradictions)
{
    struct packet p = {0};
    struct cm_headers h;

    put_ip_tcp(&p, 4);
    p.bytes[0] = 0x44; /* a header of 16 bytes */
    h = decode(CM_LINK_RAW, &p);
    cm_check_eq(h.flags, CM_HEADERS_BAD);
    cm_check_eq(h.ip_version, 0);
    p.bytes[0] = 0x45;
    set16(&p, 2, 19); /* less than its header */
    h = decode(CM_LINK_RAW, &p);
    cm_check_eq(h.flags, CM_HEADERS_BAD);
    p.bytes[0] = 0x75; /* a version that is none */
    h = decode(CM_LINK_RAW, &p);
    cm_check_eq(h.flags, CM_HEADERS_BAD);
    cm_check_eq(h.l3_offset, CM_NO_OFFSET);
    p.n = 0;
    put_ethernet(&p, CM_ETH_IPV6); /* IPv4 where IPv6 was announced */
    put_ip_tcp(&p, 4);
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.flags, CM_HEADERS_BAD);
    cm_check_eq(h.l3_offset, 14);
    cm_check_eq(h.ip_version, 0);
}

CM_TEST(ip, ipv4_fragments)
{
    struct packet p = {0};
    struct cm_headers h;

    put_ip_tcp(&p, 4);
    set16(&p, 6, 0x2000); /* the first */
    h = decode(CM_LINK_RAW, &p);
    cm_check(h.flags & CM_HEADERS_FRAGMENT && !(h.flags & CM_HEADERS_LATER_FRAGMENT));
    cm_check_eq(h.dst_port, 80);
    set16(&p, 6, 0x00b9); /* the last */
    h = decode(CM_LINK_RAW, &p);
    cm_check_eq(h.flags, CM_HEADERS_FRAGMENT | CM_HEADERS_LATER_FRAGMENT | CM_HEADERS_ADDRESSES);
    cm_check_eq(h.l4_offset, CM_NO_OFFSET);
    cm_check_eq(h.protocol, CM_PROTOCOL_TCP);
    cm_check_eq(h.dst_port, 0);
    set16(&p, 6, 0x4000); /* none: do not fragment */
    h = decode(CM_LINK_RAW, &p);
    cm_check(!(h.flags & CM_HEADERS_FRAGMENT));
}

CM_TEST(ip, ipv6_extension_headers)
{
    struct packet p = {0};
    struct cm_headers h;
    uint32_t at;

    at = put_ipv6(&p, CM_PROTOCOL_HOP_BY_HOP);
    put8(&p, CM_PROTOCOL_ROUTING);
    put8(&p, 0);
    fill(&p, 0, 6);
    put8(&p, CM_PROTOCOL_DESTINATION);
    put8(&p, 2); /* 24 bytes */
    fill(&p, 0, 22);
    put8(&p, CM_PROTOCOL_AH);
    put8(&p, 0);
    fill(&p, 0, 6);
    put8(&p, CM_PROTOCOL_UDP);
    put8(&p, 4); /* 24 bytes, in words less two */
    fill(&p, 0, 22);
    put_udp(&p, 7, 8, 8);
    close_ipv6(&p, at);
    h = decode(CM_LINK_RAW, &p);
    cm_check_eq(h.protocol, CM_PROTOCOL_UDP);
    cm_check_eq(h.l4_offset, 40 + 8 + 24 + 8 + 24);
    cm_check_eq(h.src_port, 7);
    cm_check_eq(h.flags, CM_HEADERS_PORTS | CM_HEADERS_ADDRESSES);
}

CM_TEST(ip, ipv6_fragments)
{
    struct packet p = {0};
    struct cm_headers h;
    uint32_t at = put_ipv6(&p, CM_PROTOCOL_FRAGMENT);

    put8(&p, CM_PROTOCOL_UDP);
    put8(&p, 0);
    put16(&p, 0x0001); /* the first, more follow */
    put32(&p, 7);
    put_udp(&p, 7, 8, 8);
    close_ipv6(&p, at);
    h = decode(CM_LINK_RAW, &p);
    cm_check_eq(h.flags, CM_HEADERS_FRAGMENT | CM_HEADERS_PORTS | CM_HEADERS_ADDRESSES);
    cm_check_eq(h.l4_offset, 48);
    set16(&p, 42, 0x0008); /* the last */
    h = decode(CM_LINK_RAW, &p);
    cm_check_eq(h.flags, CM_HEADERS_FRAGMENT | CM_HEADERS_LATER_FRAGMENT | CM_HEADERS_ADDRESSES);
    cm_check_eq(h.protocol, CM_PROTOCOL_UDP);
    cm_check_eq(h.l4_offset, CM_NO_OFFSET);
    set16(&p, 42, 0); /* one that is whole */
    h = decode(CM_LINK_RAW, &p);
    cm_check_eq(h.flags, CM_HEADERS_PORTS | CM_HEADERS_ADDRESSES);
}

CM_TEST(ip, messages_that_look_like_extensions)
{
    struct packet p = {0};
    struct cm_headers h;
    uint32_t at = put_ipv6(&p, CM_PROTOCOL_MOBILITY);

    put8(&p, CM_PROTOCOL_NO_NEXT);
    put8(&p, 0);
    fill(&p, 0, 6);
    close_ipv6(&p, at);
    h = decode(CM_LINK_RAW, &p);
    cm_check_eq(h.protocol, CM_PROTOCOL_MOBILITY);
    cm_check_eq(h.l4_offset, 40);
    p.bytes[at + 6] = CM_PROTOCOL_DESTINATION; /* options of nothing, on the other hand, */
    h = decode(CM_LINK_RAW, &p);
    cm_check_eq(h.protocol, CM_PROTOCOL_NO_NEXT);
    cm_check_eq(h.l4_offset, 48);
}

CM_TEST(ip, ipv4_authentication_header)
{
    struct packet p = {0};
    struct cm_headers h;
    uint32_t at = put_ipv4(&p, CM_PROTOCOL_AH);

    put8(&p, CM_PROTOCOL_TCP);
    put8(&p, 4);
    fill(&p, 0, 22);
    put_tcp(&p, 1234, 80, 0x02);
    close_ipv4(&p, at);
    h = decode(CM_LINK_RAW, &p);
    cm_check_eq(h.protocol, CM_PROTOCOL_TCP);
    cm_check_eq(h.l4_offset, 44);
    cm_check_eq(h.dst_port, 80);
    p.bytes[at + 21] = 0; /* shorter than its fixed part */
    h = decode(CM_LINK_RAW, &p);
    cm_check(h.flags & CM_HEADERS_BAD);
    cm_check_eq(h.protocol, CM_PROTOCOL_AH);
}

CM_TEST(ip, encrypted_is_the_end)
{
    struct packet p = {0};
    struct cm_headers h;
    uint32_t at = put_ipv4(&p, CM_PROTOCOL_ESP);

    fill(&p, 0x45, 40);
    close_ipv4(&p, at);
    h = decode(CM_LINK_RAW, &p);
    cm_check_eq(h.protocol, CM_PROTOCOL_ESP);
    cm_check_eq(h.l4_offset, 20);
    cm_check_eq(h.flags, CM_HEADERS_ADDRESSES);
    cm_check_eq(h.inner_kind, CM_INNER_NONE);
}

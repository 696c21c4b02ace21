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

/* SPDX-License-Identifier: Apache-2.0 */
/* Ethernet: tags, labels, LLC, PPPoE, ARP. */
#include "unit/wire/packet_bytes.h"

CM_TEST(ethernet, one_tag)
{
    struct packet p = {0};
    struct cm_headers h;

    put_ethernet(&p, CM_ETH_VLAN);
    put16(&p, 0x6064);
    put16(&p, CM_ETH_IPV4);
    put_ip_tcp(&p, 4);
    h = decode(CM_LINK_ETHERNET, &p);
    check_ip_tcp(&h, 4, 18);
    cm_check_eq(h.vlan, 0x6064);
    cm_check_eq(h.n_tags, 1);
    cm_check(h.flags & CM_HEADERS_VLAN && !(h.flags & CM_HEADERS_QINQ));
}

CM_TEST(ethernet, tags_in_tags)
{
    static const uint16_t types[] = {CM_ETH_VLAN, CM_ETH_QINQ, CM_ETH_QINQ_9100, CM_ETH_QINQ_9200};

    for (unsigned depth = 2; depth <= 10; depth++) {
        struct packet p = {0};
        struct cm_headers h;

        put_ethernet(&p, types[depth % 4]);
        for (unsigned i = 0; i < depth; i++) {
            put16(&p, 100 + i);
            put16(&p, i + 1 < depth ? types[i % 4] : CM_ETH_IPV6);
        }
        put_ip_tcp(&p, 6);
        h = decode(CM_LINK_ETHERNET, &p);
        check_ip_tcp(&h, 6, 14 + 4 * depth);
        cm_check_eq(h.vlan, 100);
        cm_check_eq(h.vlan_inner, 101);
        cm_check_eq(h.n_tags, depth);
        cm_check(h.flags & CM_HEADERS_QINQ);
    }
}

CM_TEST(ethernet, endless_tags_end)
{
    struct packet p = {0};
    struct cm_headers h;

    put_ethernet(&p, CM_ETH_VLAN);
    for (unsigned i = 0; i < 400; i++) {
        put16(&p, i);
        put16(&p, CM_ETH_VLAN);
    }
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.n_tags, CM_WALK_MAX_TAGS);
    cm_check(h.flags & CM_HEADERS_BAD);
    p.n = 0;
    put_ethernet(&p, CM_ETH_MPLS);
    fill(&p, 0, 1600);
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.n_tags, CM_WALK_MAX_TAGS);
    cm_check(h.flags & CM_HEADERS_BAD);
}

CM_TEST(ethernet, labels)
{
    for (unsigned version = 4; version <= 6; version += 2) {
        struct packet p = {0};
        struct cm_headers h;

        put_ethernet(&p, version == 4 ? CM_ETH_MPLS : CM_ETH_MPLS_UPSTREAM);
        put32(&p, 0x00010040);
        put32(&p, 0x00011140); /* the last */
        put_ip_tcp(&p, version);
        h = decode(CM_LINK_ETHERNET, &p);
        cm_check_eq(h.eth_type, version == 4 ? CM_ETH_MPLS : CM_ETH_MPLS_UPSTREAM);
        cm_check_eq(h.n_tags, 2);
        cm_check(h.flags & CM_HEADERS_MPLS);
        h.eth_type = CM_ETH_IPV4;
        check_ip_tcp(&h, version, 22);
        p.bytes[22] = 0; /* a control word: no IP, and nothing wrong */
        h = decode(CM_LINK_ETHERNET, &p);
        cm_check_eq(h.ip_version, 0);
        cm_check_eq(h.flags, CM_HEADERS_MPLS);
    }
}

CM_TEST(ethernet, length_and_snap)
{
    struct packet p = {0};
    struct cm_headers h;

    put_ethernet(&p, 48);
    put32(&p, 0xaaaa0300);
    put16(&p, 0);
    put16(&p, CM_ETH_IPV4);
    put_ip_tcp(&p, 4);
    fill(&p, 0xff, 6);
    h = decode(CM_LINK_ETHERNET, &p);
    check_ip_tcp(&h, 4, 22);
    p.bytes[19] = 0x0c; /* an organisation of its own */
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.ip_version, 0);
    cm_check_eq(h.eth_type, 0);
    cm_check_eq(h.flags, 0);
}

CM_TEST(ethernet, llc_of_ip)
{
    struct packet p = {0};
    struct cm_headers h;

    put_ethernet(&p, 43);
    put8(&p, 6);
    put16(&p, 0x0603);
    put_ip_tcp(&p, 4);
    h = decode(CM_LINK_ETHERNET, &p);
    check_ip_tcp(&h, 4, 17);
    p.bytes[14] = 0x42; /* spanning tree */
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.ip_version, 0);
    cm_check_eq(h.eth_type, 0);
}

CM_TEST(ethernet, pppoe)
{
    struct packet p = {0};
    struct cm_headers h;

    put_ethernet(&p, CM_ETH_PPPOE);
    put32(&p, 0x11000007);
    put16(&p, 62);
    put16(&p, 0x0057);
    put_ip_tcp(&p, 6);
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.eth_type, CM_ETH_PPPOE); /* not what PPP carries */
    h.eth_type = CM_ETH_IPV6;              /* all else is as if that stood there */
    check_ip_tcp(&h, 6, 22);
    p.bytes[14] = 0x21; /* another version */
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.flags, CM_HEADERS_BAD);
}

CM_TEST(ethernet, arp)
{
    struct packet p = {0};
    struct cm_headers h;

    put_ethernet(&p, CM_ETH_ARP);
    fill(&p, 1, 28);
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.eth_type, CM_ETH_ARP);
    cm_check_eq(h.l3_offset, 14);
    cm_check_eq(h.ip_version, 0);
    cm_check_eq(h.flags, 0);
    cm_check(cm_headers_source(&h, p.bytes) == NULL);
}

CM_TEST(ethernet, tags_of_other_makes)
{
    struct packet p = {0};
    struct cm_headers h;

    put_ethernet(&p, CM_ETH_E_TAG);
    fill(&p, 0, 6);
    put16(&p, CM_ETH_VN_TAG);
    fill(&p, 0, 4);
    put16(&p, CM_ETH_MACSEC);
    put16(&p, 0x2000);
    fill(&p, 9, 12);
    put16(&p, CM_ETH_METADATA);
    put16(&p, 0x0101);
    put32(&p, 0x00010005);
    put16(&p, CM_ETH_IPV4);
    put_ip_tcp(&p, 4);
    h = decode(CM_LINK_ETHERNET, &p);
    check_ip_tcp(&h, 4, 14 + 8 + 6 + 16 + 8);
    cm_check_eq(h.n_tags, 4);
    cm_check(!(h.flags & CM_HEADERS_VLAN));
    p.bytes[28] |= 0x0c; /* encrypted */
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.eth_type, CM_ETH_MACSEC);
    cm_check_eq(h.ip_version, 0);
}

/* Each tag alone, and cut at every length: no byte behind the end is read. */
CM_TEST(ethernet, tags_one_by_one)
{
    static const struct {
        uint16_t type;
        uint32_t n; /* 0: not passed */
        bool is_vlan;
    } tags[] = {
        {CM_ETH_VLAN, 4, true},      {CM_ETH_QINQ, 4, true},       {CM_ETH_QINQ_9100, 4, true},
        {CM_ETH_QINQ_9200, 4, true}, {CM_ETH_E_TAG, 8, false},     {CM_ETH_VN_TAG, 6, false},
        {CM_ETH_METADATA, 8, false}, {CM_ETH_METADATA, 12, false}, {CM_ETH_MACSEC, 0, false},
        {CM_ETH_IPV4, 0, false},     {CM_ETH_MPLS, 0, false},
    };

    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        for (uint32_t n = 0; n <= 15; n++) {
            const uint8_t bytes[15] = {9, (uint8_t)(tags[i].type >> 8), (uint8_t)tags[i].type, 1,
                                       (uint8_t)(tags[i].n / 4 - 1)};
            uint8_t *exact = malloc(n + (n == 0));
            uint32_t at = 1;
            bool is_vlan = !tags[i].is_vlan, passed;

            memcpy(exact, bytes, n);
            passed = cm_wire_next_tag(exact, n, &at, &is_vlan);
            cm_check_eq(passed, tags[i].n != 0 && n >= 3 + tags[i].n);
            cm_check_eq(at, passed ? 1 + tags[i].n : 1);
            if (passed)
                cm_check_eq(is_vlan, tags[i].is_vlan);
            at = n + 1;
            cm_check(!cm_wire_next_tag(exact, n, &at, &is_vlan));
            free(exact);
        }
    }
    cm_check_eq(cm_wire_type_offset(CM_LINK_ETHERNET), 12);
    cm_check_eq(cm_wire_type_offset(CM_LINK_LINUX_SLL), 14);
    cm_check_eq(cm_wire_type_offset(CM_LINK_LINUX_SLL2), CM_NO_OFFSET);
}

CM_TEST(ethernet, frames_in_frames)
{
    for (int i = 0; i < 2; i++) {
        struct packet p = {0};
        struct cm_headers h;

        put_ethernet(&p, i == 0 ? CM_ETH_PBB : CM_ETH_FABRIC_PATH);
        fill(&p, 0, i == 0 ? 4 : 2);
        put_ethernet(&p, CM_ETH_IPV4);
        put_ip_tcp(&p, 4);
        h = decode(CM_LINK_ETHERNET, &p);
        cm_check_eq(h.ip_version, 0);
        cm_check_eq(h.inner_kind, CM_INNER_ETHERNET);
        h = decode_inner(&p, &h);
        check_ip_tcp(&h, 4, i == 0 ? 32 : 30);
    }
}

CM_TEST(ethernet, service_header)
{
    struct packet p = {0};
    struct cm_headers h;

    put_ethernet(&p, CM_ETH_NSH);
    put32(&p, 0x00020102); /* two words, IPv6 */
    put32(&p, 0);
    put_ip_tcp(&p, 6);
    h = decode(CM_LINK_ETHERNET, &p);
    cm_check_eq(h.eth_type, CM_ETH_NSH);
    h.eth_type = CM_ETH_IPV6;
    check_ip_tcp(&h, 6, 22);
}

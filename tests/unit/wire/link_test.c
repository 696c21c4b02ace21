/* SPDX-License-Identifier: Apache-2.0 */
/* Link types other than Ethernet: each header in front of the same packet. */
#include "unit/wire/packet_bytes.h"

#define SNAP_IPV4 0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00
#define SNAP_IPV6 0xaa, 0xaa, 3, 0, 0, 0, 0x86, 0xdd
#define TIMES_6   2, 2, 2, 2, 2, 2

#define check_link(link_type, version, ...)                                                                  \
    do {                                                                                                     \
        static const uint8_t header[] = {__VA_ARGS__};                                                       \
        check_link_bytes(link_type, version, header, sizeof(header));                                        \
    } while (0)

/* That the header is followed by nothing that we decode, without complaint. */
#define check_opaque(link_type, ...)                                                                         \
    do {                                                                                                     \
        static const uint8_t header[] = {__VA_ARGS__};                                                       \
        check_opaque_bytes(link_type, header, sizeof(header));                                               \
    } while (0)

static void check_link_bytes(uint16_t link_type, unsigned version, const uint8_t *header, uint32_t n)
{
    struct packet p = {0};
    struct cm_headers h;

    memcpy(p.bytes, header, n);
    p.n = n;
    put_ip_tcp(&p, version);
    h = decode(link_type, &p);
    check_ip_tcp(&h, version, n);
    cm_check_that(cm_wire_link_is_known(link_type), "link type %u", link_type);
    cm_check_eq(h.eth_type, version == 4 ? CM_ETH_IPV4 : CM_ETH_IPV6);
}

static void check_opaque_bytes(uint16_t link_type, const uint8_t *header, uint32_t n)
{
    struct packet p = {0};
    struct cm_headers h;

    memcpy(p.bytes, header, n);
    p.n = n;
    put_ip_tcp(&p, 4);
    h = decode(link_type, &p);
    cm_check_eq(h.ip_version, 0);
    cm_check_eq(h.l3_offset, CM_NO_OFFSET);
    cm_check_eq(h.flags, 0);
}

CM_TEST(link, raw)
{
    static const uint16_t link_types[] = {CM_LINK_RAW, CM_LINK_RAW_OLD, CM_LINK_RAW_OPENBSD, CM_LINK_IPV4,
                                          CM_LINK_IPV6};

    for (unsigned i = 0; i < 5; i++) {
        check_link_bytes(link_types[i], 4, (const uint8_t *)"", 0);
        check_link_bytes(link_types[i], 6, (const uint8_t *)"", 0);
    }
}

CM_TEST(link, loopback_in_both_byte_orders)
{
    static const uint8_t families[] = {10, 23, 24, 28, 30};

    check_link(CM_LINK_NULL, 4, 2, 0, 0, 0);
    check_link(CM_LINK_NULL, 4, 0, 0, 0, 2);
    check_link(CM_LINK_LOOP, 4, 0, 0, 0, 2);
    for (unsigned i = 0; i < sizeof(families); i++) {
        const uint8_t little[] = {families[i], 0, 0, 0}, big[] = {0, 0, 0, families[i]};

        check_link_bytes(CM_LINK_NULL, 6, little, 4);
        check_link_bytes(CM_LINK_NULL, 6, big, 4);
    }
    check_opaque(CM_LINK_NULL, 7, 0, 0, 0);
}

CM_TEST(link, linux_cooked)
{
    check_link(CM_LINK_LINUX_SLL, 4, 0, 0, 0, 1, 0, 6, TIMES_6, 0, 0, 0x08, 0x00);
    check_link(CM_LINK_LINUX_SLL, 6, 0, 0, 0, 1, 0, 6, TIMES_6, 0, 0, 0x86, 0xdd);
    check_link(CM_LINK_LINUX_SLL, 6, 0, 0, 0, 1, 0, 6, TIMES_6, 0, 0, 0, 4, SNAP_IPV6);
    check_link(CM_LINK_LINUX_SLL, 4, 0, 0, 0, 1, 0, 6, TIMES_6, 0, 0, 0x81, 0, 0, 9, 0x08, 0x00);
    check_opaque(CM_LINK_LINUX_SLL, 0, 0, 0, 1, 0, 6, TIMES_6, 0, 0, 0, 1);
    check_link(CM_LINK_LINUX_SLL2, 4, 0x08, 0x00, 0, 0, 0, 0, 0, 3, 0, 1, 4, 6, TIMES_6, 0, 0);
    check_link(CM_LINK_LINUX_SLL2, 6, 0x86, 0xdd, 0, 0, 0, 0, 0, 3, 0, 1, 4, 6, TIMES_6, 0, 0);
}

CM_TEST(link, ppp_in_its_framings)
{
    check_link(CM_LINK_PPP, 4, 0xff, 3, 0, 0x21);
    check_link(CM_LINK_PPP, 4, 0, 0x21);
    check_link(CM_LINK_PPP, 4, 0x21);
    check_link(CM_LINK_PPP, 6, 0xff, 3, 0x57);
    check_link(CM_LINK_PPP_HDLC, 6, 0xff, 3, 0, 0x57);
    check_link(CM_LINK_PPP_HDLC, 4, 0x0f, 0, 0x08, 0x00);
    check_link(CM_LINK_PPP_WITH_DIR, 4, 1, 0xff, 3, 0, 0x21);
    check_link(CM_LINK_PPP_PPPD, 4, 0, 3, 0, 0x21);
    check_link(CM_LINK_PPP_ETHER, 4, 0x11, 0, 0, 7, 0, 42, 0, 0x21);
    check_link(CM_LINK_C_HDLC, 4, 0x0f, 0, 0x08, 0x00);
    check_link(CM_LINK_C_HDLC, 6, 0x8f, 0, 0x86, 0xdd);
    check_opaque(CM_LINK_PPP, 0xff, 3, 0xc0, 0x21);
    check_opaque(CM_LINK_C_HDLC, 0x8f, 0, 0x20, 0x00);
}

CM_TEST(link, ieee80211_data)
{
    /* plain, with quality of service, between access points, with high-throughput control */
    check_link(CM_LINK_IEEE802_11, 4, 8, 1, 0, 0, TIMES_6, TIMES_6, TIMES_6, 0, 0, SNAP_IPV4);
    check_link(CM_LINK_IEEE802_11, 6, 0x88, 2, 0, 0, TIMES_6, TIMES_6, TIMES_6, 0, 0, 0, 0, SNAP_IPV6);
    check_link(CM_LINK_IEEE802_11, 4, 8, 3, 0, 0, TIMES_6, TIMES_6, TIMES_6, 0, 0, TIMES_6, SNAP_IPV4);
    check_link(CM_LINK_IEEE802_11, 4, 0x88, 0x81, 0, 0, TIMES_6, TIMES_6, TIMES_6, 0, 0, 0, 0, 1, 2, 3, 4,
               SNAP_IPV4);
}

CM_TEST(link, ieee80211_that_is_not_for_us)
{
    check_opaque(CM_LINK_IEEE802_11, 0x80, 0, 0, 0, TIMES_6, TIMES_6, TIMES_6, 0, 0,
                 SNAP_IPV4); /* a beacon */
    check_opaque(CM_LINK_IEEE802_11, 0x48, 1, 0, 0, TIMES_6, TIMES_6, TIMES_6, 0, 0, SNAP_IPV4); /* no data */
    check_opaque(CM_LINK_IEEE802_11, 0x08, 0x41, 0, 0, TIMES_6, TIMES_6, TIMES_6, 0, 0,
                 SNAP_IPV4); /* protected */
    check_opaque(CM_LINK_IEEE802_11, 0x08, 1, 0, 0, TIMES_6, TIMES_6, TIMES_6, 1, 0,
                 SNAP_IPV4); /* second fragment */
    check_opaque(CM_LINK_IEEE802_11, 0x88, 1, 0, 0, TIMES_6, TIMES_6, TIMES_6, 0, 0, 0x80, 0,
                 SNAP_IPV4); /* A-MSDU */
}

CM_TEST(link, headers_of_wireless_tools)
{
#define WLAN 0x88, 1, 0, 0, TIMES_6, TIMES_6, TIMES_6, 0, 0, 0, 0
    check_link(CM_LINK_RADIOTAP, 4, 0, 0, 8, 0, 0, 0, 0, 0, WLAN, SNAP_IPV4);
    /* time, then flags that say the body begins at a multiple of four */
    check_link(CM_LINK_RADIOTAP, 4, 0, 0, 17, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, WLAN, 0, 0,
               SNAP_IPV4);
    /* a second word of fields */
    check_link(CM_LINK_RADIOTAP, 6, 0, 0, 13, 0, 2, 0, 0, 0x80, 0, 0, 0, 0, 0x20, WLAN, 0, 0, SNAP_IPV6);
    check_link(CM_LINK_PPI, 4, 0, 0, 8, 0, 105, 0, 0, 0, WLAN, SNAP_IPV4);
    check_link(CM_LINK_PPI, 4, 0, 0, 12, 0, 1, 0, 0, 0, 9, 9, 9, 9, TIMES_6, TIMES_6, 0x08, 0x00);
    check_link(CM_LINK_AVS, 4, 0x80, 0x21, 0x10, 1, 0, 0, 0, 10, 9, 9, WLAN, SNAP_IPV4);
    check_link(CM_LINK_PRISM, 4, 0x80, 0x21, 0x10, 1, 0, 0, 0, 10, 9, 9, WLAN, SNAP_IPV4);
    {
        uint8_t prism[144 + 26 + 8] = {0x44};
        static const uint8_t rest[] = {WLAN, SNAP_IPV4};

        memcpy(prism + 144, rest, sizeof(rest));
        check_link_bytes(CM_LINK_PRISM, 4, prism, sizeof(prism));
    }
}

CM_TEST(link, older_networks)
{
    check_link(CM_LINK_FDDI, 4, 0x50, TIMES_6, TIMES_6, SNAP_IPV4);
    check_link(CM_LINK_IEEE802_5, 4, 0x10, 0x40, TIMES_6, TIMES_6, SNAP_IPV4);
    check_link(CM_LINK_IEEE802_5, 4, 0x10, 0x40, TIMES_6, 0x82, 2, 2, 2, 2, 2, 4, 0, 1, 1, SNAP_IPV4);
    check_link(CM_LINK_FRELAY, 4, 0x18, 0x41, 3, 0xcc);
    check_link(CM_LINK_FRELAY, 6, 0x18, 0x41, 3, 0x8e);
    check_link(CM_LINK_FRELAY, 4, 0x18, 0x40, 0x40, 0x01, 3, 0, 0x80, 0, 0, 0, 0x08, 0x00);
    check_link(CM_LINK_FRELAY, 4, 0x18, 0x41, 0x08, 0x00);
    check_opaque(CM_LINK_FRELAY, 0x18, 0x41, 3, 0x83);
}

CM_TEST(link, headers_of_systems)
{
    check_link(CM_LINK_NFLOG, 4, 2, 0, 0, 0, 5, 0, 10, 0, 'a', 0, 0, 0, 44, 0, 9, 0);
    check_link(CM_LINK_NFLOG, 6, 10, 0, 0, 0, 0, 64, 0, 9);
    check_link(CM_LINK_PKTAP, 6, 14, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 9, 30, 0, 0, 0);
    check_link(CM_LINK_IPNET, 4, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    {
        uint8_t ipoib[44] = {[40] = 0x86, [41] = 0xdd};

        check_link_bytes(CM_LINK_IPOIB, 6, ipoib, sizeof(ipoib));
    }
}

CM_TEST(link, headers_that_contradict_themselves)
{
    static const struct {
        uint16_t link_type;
        uint8_t bytes[8];
    } cases[] = {
        {CM_LINK_RADIOTAP, {0, 0, 7, 0}}, {CM_LINK_PPI, {0, 0, 7, 0, 105}},
        {CM_LINK_PKTAP, {11, 0, 0, 0}},   {CM_LINK_AVS, {0x80, 0x21, 0x10, 1, 0, 0, 0, 7}},
        {CM_LINK_NFLOG, {2, 0, 0, 0, 3}},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct packet p = {0};
        struct cm_headers h;

        memcpy(p.bytes, cases[i].bytes, 8);
        p.n = 8;
        fill(&p, 0, 60);
        h = decode(cases[i].link_type, &p);
        cm_check_eq(h.flags, CM_HEADERS_BAD);
    }
}

CM_TEST(link, taps_do_not_nest)
{
    struct packet p = {0};
    struct cm_headers h;

    for (int i = 0; i < 100; i++) {
        put32(&p, 0x00000800);
        put32(&p, 0xc0000000);
    }
    h = decode(CM_LINK_PPI, &p);
    cm_check_eq(h.flags, 0);
}

CM_TEST(link, unknown_types_are_carried)
{
    unsigned n_known = 0;

    for (unsigned link_type = 0; link_type <= UINT16_MAX; link_type += 1 + (link_type > 300) * 997) {
        struct packet p = {0};
        struct cm_headers h;

        cm_wire_decode((uint16_t)link_type, p.bytes, 0, &h);
        cm_check_eq(h.l3_offset, CM_NO_OFFSET);
        cm_check_eq(h.ip_version, 0);
    }
    for (unsigned link_type = 0; link_type <= UINT16_MAX; link_type++)
        n_known += cm_wire_link_is_known((uint16_t)link_type);
    cm_check_eq(n_known, 28); /* which are in numbers.h */
    cm_check(!cm_wire_link_is_known(147) && !cm_wire_link_is_known(UINT16_MAX));
    check_opaque(147, 1, 2, 3, 4);
    check_opaque(65535, 1, 2, 3, 4);
}

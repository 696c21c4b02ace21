/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 to IPv6 and back: the new frames byte for byte, sums a second way, and what is left as it was. */
#include "unit/transform/make_transform.h"

#define TO_6 "10.0.0.0/8=2001:db8:1::/104"
#define TO_4 "2001:db8::/104=10.0.0.0/8"

static const char no_form[] = "IPv6 address without an IPv4 form";

static uint64_t run(const char *rules, uint16_t link_type, const struct packet *packet,
                    struct outcome *outcome, const char *reason)
{
    struct wishes wishes = {0};
    struct cm_transform *transform;
    uint64_t n;

    wish_ip(&wishes, rules);
    transform = make_transform(&wishes);
    cm_check(cm_transform_changes_lengths(transform));
    n = pass_once(transform, link_type, packet->bytes, packet->n, packet->n, outcome);
    cm_check_str(reason_of(transform), reason);
    cm_transform_destroy(transform);
    return n;
}

static void check_unchanged(const char *rules, uint16_t link_type, const struct packet *packet,
                            const char *reason)
{
    struct outcome outcome;

    cm_check_eq(run(rules, link_type, packet, &outcome, reason), 0);
    cm_check_eq(outcome.caplen, packet->n);
    cm_check_eq(outcome.origlen, packet->n);
    cm_check_mem(outcome.bytes, packet->bytes, packet->n);
}

CM_TEST(families, grows_and_lengths)
{
    struct wishes up = {0}, down = {0}, same = {0};
    struct cm_transform *transform;

    wish_ip(&up, TO_6);
    transform = make_transform(&up);
    cm_check(cm_transform_grows(transform) && cm_transform_changes_lengths(transform));
    cm_transform_destroy(transform);
    wish_ip(&down, TO_4);
    transform = make_transform(&down);
    cm_check(!cm_transform_grows(transform) && cm_transform_changes_lengths(transform));
    cm_transform_destroy(transform);
    wish_ip(&same, "10.0.0.1=10.0.0.2");
    transform = make_transform(&same);
    cm_check(!cm_transform_grows(transform) && !cm_transform_changes_lengths(transform));
    cm_transform_destroy(transform);
}

CM_TEST(families, there_and_back)
{
    static const uint8_t transports[] = {6, 17, 132};

    for (unsigned t = 0; t < sizeof(transports); t++)
        for (uint32_t n = 0; n < 40; n++) {
            struct packet packet = {0}, again = {0};
            struct outcome outcome;
            uint32_t ip = build(&packet, 4, transports[t], n);
            uint8_t *p = packet.bytes + ip;

            p[1] = 0xb8;
            p[8] = 17;
            memset(p + 4, 0, 2); /* what IPv6 has no place for: as it comes back */
            p[6] = 0x40;
            seal(&packet, ip);
            cm_check_eq(run(TO_6, CM_LINK_ETHERNET, &packet, &outcome, ""), 1);
            cm_check_eq(outcome.caplen, packet.n + 20);
            cm_check_eq(outcome.origlen, packet.n + 20);
            cm_check_mem(outcome.bytes, packet.bytes, 12);
            cm_check_eq(cm_load_be16(outcome.bytes + 12), 0x86dd);
            p = outcome.bytes + 14;
            cm_check_eq(cm_load_be32(p), 0x6b800000);
            cm_check_eq(cm_load_be16(p + 4), packet.n - ip - 20);
            cm_check_eq(p[6], transports[t]);
            cm_check_eq(p[7], 17);
            cm_check_mem(p + 8, "\x20\x01\x0d\xb8\0\x01\0\0\0\0\0\0\0\0\0\x01", 16);
            cm_check_mem(p + 24, "\x20\x01\x0d\xb8\0\x01\0\0\0\0\0\0\0\0\0\x02", 16);
            check_sums(p);
            put_bytes(&again, outcome.bytes, outcome.caplen);
            cm_check_eq(run("2001:db8:1::/104=10.0.0.0/8", CM_LINK_ETHERNET, &again, &outcome, ""), 1);
            cm_check_eq(outcome.caplen, packet.n);
            cm_check_mem(outcome.bytes, packet.bytes, packet.n);
        }
}

CM_TEST(families, an_unmapped_ipv4_address_becomes_its_ipv6_form)
{
    struct packet packet = {0};
    struct outcome outcome;

    build(&packet, 4, 6, 5);
    cm_check_eq(run("10.0.0.1=2001:db8::9", CM_LINK_ETHERNET, &packet, &outcome, ""), 1);
    cm_check_mem(outcome.bytes + 14 + 24, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x02", 16);
    check_sums(outcome.bytes + 14);
    /* and comes back by that form */
    packet.n = 0;
    put_bytes(&packet, outcome.bytes, outcome.caplen);
    cm_check_eq(run("2001:db8::9=10.0.0.1", CM_LINK_ETHERNET, &packet, &outcome, ""), 1);
    cm_check_eq(outcome.caplen, packet.n - 20);
    cm_check_mem(outcome.bytes + 14 + 12, "\x0a\0\0\x01\x0a\0\0\x02", 8);
    check_sums(outcome.bytes + 14);
}

CM_TEST(families, an_ipv6_address_without_ipv4_form_leaves_the_packet)
{
    struct packet packet = {0};

    build(&packet, 6, 17, 5);
    check_unchanged("2001:db8::1=10.0.0.1", CM_LINK_ETHERNET, &packet, no_form);
    check_unchanged("2001:db8::1=10.0.0.1 2001:db8::2=fd00::1", CM_LINK_ETHERNET, &packet, no_form);
}

CM_TEST(families, ipv4_rules_hold_inside_ipv4_mapped_addresses)
{
    struct packet packet = {0};
    struct outcome outcome;
    uint32_t ip = build(&packet, 6, 6, 5);

    memcpy(packet.bytes + ip + 8, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x01", 16);
    seal(&packet, ip);
    cm_check_eq(run("10.0.0.0/8=11.0.0.0/8 1.1.1.1=::2", CM_LINK_ETHERNET, &packet, &outcome, ""), 1);
    cm_check_eq(outcome.caplen, packet.n);
    cm_check_mem(outcome.bytes + ip + 8, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0b\0\0\x01", 16);
    check_sums(outcome.bytes + ip);
}

/* Every link header that is re-framed. */
CM_TEST(families, link_headers)
{
    for (int kind = 0; kind < 9; kind++) {
        static const uint16_t link_types[] = {CM_LINK_RAW,        CM_LINK_RAW_OLD,   CM_LINK_ETHERNET,
                                              CM_LINK_ETHERNET,   CM_LINK_LINUX_SLL, CM_LINK_LINUX_SLL,
                                              CM_LINK_LINUX_SLL2, CM_LINK_NULL,      CM_LINK_LOOP};
        struct packet packet = {0}, back = {0}, inner = {0};
        struct outcome outcome;
        uint32_t ip, type_at = 0;
        uint8_t expected[64];

        if (kind == 2 || kind == 3) {
            put_ethernet(&packet, kind == 2 ? 0x8100 : 0x88a8);
            put16(&packet, 0x2064);
            if (kind == 3) {
                put16(&packet, 0x8100);
                put16(&packet, 0x0065);
            }
            type_at = packet.n;
            put16(&packet, 0x0800);
        } else if (kind == 4 || kind == 5) {
            fill(&packet, 0, 5);
            put8(&packet, 6);
            fill(&packet, 3, 8);
            if (kind == 5) {
                put16(&packet, 0x8100);
                put16(&packet, 0x0065);
            }
            type_at = packet.n;
            put16(&packet, 0x0800);
        } else if (kind == 6) {
            put16(&packet, 0x0800);
            fill(&packet, 0, 18);
        } else if (kind == 7) {
            put32(&packet, 0x02000000);
        } else if (kind == 8) {
            put32(&packet, 2);
        }
        ip = packet.n;
        build(&inner, 4, 6, 9);
        memset(inner.bytes + 14 + 4, 0, 2);
        inner.bytes[14 + 6] = 0x40;
        seal(&inner, 14);
        put_bytes(&packet, inner.bytes + 14, inner.n - 14);
        cm_check_eq(run(TO_6, link_types[kind], &packet, &outcome, ""), 1);
        cm_check_eq(outcome.caplen, packet.n + 20);
        memcpy(expected, packet.bytes, ip);
        if (kind >= 2 && kind <= 6)
            memcpy(expected + type_at, "\x86\xdd", 2);
        else if (kind == 7)
            expected[0] = 30;
        else if (kind == 8)
            expected[3] = 30;
        cm_check_mem(outcome.bytes, expected, ip);
        check_sums(outcome.bytes + ip);
        put_bytes(&back, outcome.bytes, outcome.caplen);
        cm_check_eq(run("2001:db8:1::/104=10.0.0.0/8", link_types[kind], &back, &outcome, ""), 1);
        cm_check_eq(outcome.caplen, packet.n);
        cm_check_mem(outcome.bytes, packet.bytes, packet.n);
    }
}

CM_TEST(families, what_cannot_be_translated_stays)
{
    struct packet packet = {0};
    uint32_t ip;

    build(&packet, 4, 1, 20);
    check_unchanged(TO_6, CM_LINK_ETHERNET, &packet,
                    "other IP version for a protocol of one version, such as ICMP");
    packet.n = 0;
    build(&packet, 6, 58, 20);
    check_unchanged(TO_4, CM_LINK_ETHERNET, &packet,
                    "other IP version for a protocol of one version, such as ICMP");
    packet.n = 0;
    ip = build(&packet, 4, 17, 20);
    packet.bytes[ip + 6] = 0x20; /* more fragments */
    check_unchanged(TO_6, CM_LINK_ETHERNET, &packet, "other IP version for a fragment");
    packet.bytes[ip + 6] = 0;
    packet.bytes[ip] = 0x46; /* the UDP header becomes options */
    check_unchanged(TO_6, CM_LINK_ETHERNET, &packet,
                    "other IP version for a packet with IPv4 options or IPv6 extension headers");
    packet.n = 0;
    put_ethernet(&packet, 0x8847);
    put32(&packet, 0x00064140);
    ip = put_ipv4(&packet, 6);
    put_tcp(&packet, 1, 2, 0);
    seal(&packet, ip);
    check_unchanged(TO_6, CM_LINK_ETHERNET, &packet,
                    "other IP version behind a link header that is not re-framed");
    packet.n = 0;
    build(&packet, 4, 6, 0);
    memmove(packet.bytes, packet.bytes + 14, packet.n -= 14);
    check_unchanged(TO_6, CM_LINK_IPV4, &packet,
                    "other IP version behind a link header that is not re-framed");
    packet.n = 0;
    put_ethernet(&packet, 0x0806);
    put_bytes(&packet, "\0\x01\x08\0\x06\x04\0\x01", 8);
    fill(&packet, 2, 6);
    put32(&packet, 0x0a000001);
    fill(&packet, 0, 6);
    put32(&packet, 0x0a000002);
    check_unchanged(TO_6, CM_LINK_ETHERNET, &packet,
                    "other IP version for an address that stands in a message or an option");
}

/* UDP without a sum: over IPv4 that is right, over IPv6 it needs one. */
CM_TEST(families, udp_without_a_sum)
{
    struct packet packet = {0};
    struct outcome outcome;
    uint32_t ip = build(&packet, 4, 17, 11);

    cm_store_be16(packet.bytes + ip + 26, 0);
    cm_check_eq(run("10.0.0.0/8=11.0.0.0/8 99.0.0.0=::9", CM_LINK_ETHERNET, &packet, &outcome, ""), 1);
    cm_check_eq(cm_load_be16(outcome.bytes + ip + 26), 0);
    cm_check_eq(run(TO_6, CM_LINK_ETHERNET, &packet, &outcome, ""), 1);
    check_sums(outcome.bytes + ip);
    packet.n -= 4; /* with bytes missing nobody can tell the sum */
    {
        struct wishes wishes = {0};
        struct cm_transform *transform;

        wish_ip(&wishes, TO_6);
        transform = make_transform(&wishes);
        pass_once(transform, CM_LINK_ETHERNET, packet.bytes, packet.n, packet.n + 4, &outcome);
        cm_check_str(reason_of(transform), "checksum that what was captured does not tell");
        cm_check_eq(cm_load_be16(outcome.bytes + ip + 46), 0);
        cm_transform_destroy(transform);
    }
}

/* Of a packet that is cut, the sum follows by the difference: with the missing bytes put back it is right. */
CM_TEST(families, cut_packets)
{
    static const uint8_t transports[] = {6, 17, 132};

    for (unsigned t = 0; t < sizeof(transports); t++)
        for (uint32_t missing = 1; missing < 30; missing++) {
            struct packet packet = {0};
            struct outcome outcome;
            struct wishes wishes = {0};
            struct cm_transform *transform;
            uint32_t ip = build(&packet, 4, transports[t], 30);

            wish_ip(&wishes, TO_6);
            wish_port(&wishes, "1000=1001");
            transform = make_transform(&wishes);
            pass_once(transform, CM_LINK_ETHERNET, packet.bytes, packet.n - missing, packet.n, &outcome);
            cm_check_eq(outcome.caplen, packet.n - missing + 20);
            cm_check_eq(outcome.origlen, packet.n + 20);
            memcpy(outcome.bytes + outcome.caplen, packet.bytes + packet.n - missing, missing);
            check_sums(outcome.bytes + ip);
            cm_check_str(reason_of(transform), "");
            cm_transform_destroy(transform);
        }
}

CM_TEST(families, anonymised_after_it)
{
    struct packet packet = {0};
    struct outcome outcome;
    struct wishes wishes = {0};
    struct cm_transform *transform;
    uint8_t address[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 2};

    if (strcmp(cm_transform_anonymize_feature(), "nettle: no") == 0)
        cm_skip("built without nettle");
    build(&packet, 4, 6, 5);
    wish_ip(&wishes, "10.0.0.1=2001:db8::9");
    wish_key(&wishes, (const uint8_t *)"0123456789abcdef0123456789abcdef");
    transform = make_transform(&wishes);
    pass_once(transform, CM_LINK_ETHERNET, packet.bytes, packet.n, packet.n, &outcome);
    cm_transform_ipv6(transform, address);
    cm_check_mem(outcome.bytes + 14 + 24, address, 16);
    check_sums(outcome.bytes + 14);
    cm_transform_destroy(transform);
}

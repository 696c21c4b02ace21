/* SPDX-License-Identifier: Apache-2.0 */
/* Every place where addresses, hardware addresses, VLANs and ports stand, and the sums that follow from them. */
#include "unit/transform/make_transform.h"

/* Puts a packet through and checks what became of it: `expected` is the same packet built with the new values. */
static void check_change_of(struct wishes *wishes, uint16_t link_type, const struct packet *packet,
                            uint32_t origlen, const struct packet *expected, const char *reason)
{
    struct cm_transform *transform = make_transform(wishes);
    struct outcome outcome;
    uint64_t n = pass_once(transform, link_type, packet->bytes, packet->n, origlen, &outcome);

    cm_check_str(reason_of(transform), reason);
    cm_check_eq(outcome.caplen, expected->n);
    for (uint32_t i = 0; i < expected->n; i++)
        cm_check_that(outcome.bytes[i] == expected->bytes[i], "byte %u is %02x, expected %02x", i,
                      outcome.bytes[i], expected->bytes[i]);
    cm_check_eq(n, memcmp(packet->bytes, expected->bytes, packet->n) != 0);
    cm_transform_destroy(transform);
}

static void check_change(struct wishes *wishes, const struct packet *packet, const struct packet *expected)
{
    check_change_of(wishes, CM_LINK_ETHERNET, packet, packet->n, expected, "");
}

/* What the builders below put where; the second set is what the rules make of the first. */
struct values {
    uint32_t a, b;       /* IPv4 addresses; of IPv6 the last four bytes */
    uint16_t port, vlan; /* of the first side, of tags */
    uint8_t mac[6];
};
static const struct values before = {0x0a000001, 0x0a000002, 1000, 0x064, {2, 2, 2, 2, 2, 2}};
static const struct values after = {0xc0a80101, 0xac100102, 1111, 0x0c8, {6, 5, 4, 3, 2, 1}};

static void wish_all(struct wishes *wishes)
{
    wish_ip(wishes, "10.0.0.1=192.168.1.1 10.0.0.2=172.16.1.2 2001:db8::a00:1=2001:db8::c0a8:101 "
                    "2001:db8::a00:2=2001:db8::ac10:102");
    wish_mac(wishes, "02:02:02:02:02:02=06:05:04:03:02:01");
    wish_vlan(wishes, "100=200");
    wish_port(wishes, "1000=1111");
}

static void put_link(struct packet *packet, const struct values *values, unsigned type)
{
    put_bytes(packet, values->mac, 6);
    fill(packet, 4, 6);
    put16(packet, type);
}

static void put_v6_address(struct packet *packet, uint32_t last)
{
    put32(packet, 0x20010db8);
    fill(packet, 0, 8);
    put32(packet, last);
}

static uint32_t put_ip(struct packet *packet, const struct values *values, uint8_t version, uint8_t protocol)
{
    uint32_t at = version == 4 ? put_ipv4(packet, protocol) : put_ipv6(packet, protocol);

    if (version == 4) {
        cm_store_be32(packet->bytes + at + 12, values->a);
        cm_store_be32(packet->bytes + at + 16, values->b);
    } else {
        cm_store_be32(packet->bytes + at + 20, values->a);
        cm_store_be32(packet->bytes + at + 36, values->b);
    }
    return at;
}

/* An IP packet with UDP, or TCP, and some payload. */
static uint32_t put_simple(struct packet *packet, const struct values *values, uint8_t version,
                           uint8_t protocol)
{
    uint32_t at = put_ip(packet, values, version, protocol);

    if (protocol == 6)
        put_tcp(packet, values->port, 2000, 0x10);
    else
        put_udp(packet, values->port, 2000, 0);
    fill(packet, 0x5a, 21);
    seal(packet, at);
    return at;
}

/* Builds with `put` a packet of each set of values and checks that one becomes the other. */
static void check_built(void (*put)(struct packet *packet, const struct values *values, unsigned kind),
                        unsigned kind)
{
    struct wishes wishes = {0};
    struct packet packet = {0}, expected = {0};

    wish_all(&wishes);
    put(&packet, &before, kind);
    put(&expected, &after, kind);
    check_change(&wishes, &packet, &expected);
}

static void put_tagged(struct packet *packet, const struct values *values, unsigned kind)
{
    put_link(packet, values, kind & 1 ? 0x88a8 : 0x8100);
    put16(packet, 0x2000u | values->vlan);
    if (kind & 1) {
        put16(packet, 0x8100);
        put16(packet, 0xf000u | values->vlan);
    }
    if (kind & 2) {
        put16(packet, 0x8926); /* VN-Tag, six bytes; another VLAN tag behind it */
        put32(packet, 0x00010002);
        put16(packet, 0x8100);
        put16(packet, values->vlan);
    }
    put16(packet, kind & 4 ? 0x86dd : 0x0800);
    put_simple(packet, values, kind & 4 ? 6 : 4, 6);
}

CM_TEST(places, tags_macs_ports_and_addresses)
{
    for (unsigned kind = 0; kind < 8; kind++)
        check_built(put_tagged, kind);
}

static void put_mpls(struct packet *packet, const struct values *values, unsigned kind)
{
    put_link(packet, values, 0x8847);
    put32(packet, 0x00064040);
    put32(packet, 0x000c8140);
    put_simple(packet, values, kind ? 6 : 4, 17);
}

CM_TEST(places, behind_labels)
{
    check_built(put_mpls, 0);
    check_built(put_mpls, 1);
}

static void put_arp(struct packet *packet, const struct values *values, unsigned kind)
{
    put_link(packet, values, kind ? 0x8035 : 0x0806);
    put_bytes(packet, "\0\x01\x08\0\x06\x04\0\x02", 8);
    put_bytes(packet, values->mac, 6);
    put32(packet, values->a);
    put_bytes(packet, values->mac, 6);
    put32(packet, values->b);
    fill(packet, 0, 18); /* padding */
}

CM_TEST(places, arp)
{
    check_built(put_arp, 0);
    check_built(put_arp, 1);
}

/* Tunnels: both headers change, and the sums of both, the outer one over the changed inner packet. */
static void put_tunnel(struct packet *packet, const struct values *values, unsigned kind)
{
    uint8_t outer = kind & 1 ? 6 : 4, inner = kind & 2 ? 6 : 4;
    uint32_t ip, l4 = 0;

    put_link(packet, values, outer == 4 ? 0x0800 : 0x86dd);
    switch (kind >> 2) {
    case 0: /* IP in IP */
        ip = put_ip(packet, values, outer, inner == 4 ? 4 : 41);
        break;
    case 1: /* GRE with a sum and a key */
        ip = put_ip(packet, values, outer, 47);
        l4 = packet->n;
        put16(packet, 0xa000);
        put16(packet, inner == 4 ? 0x0800 : 0x86dd);
        put32(packet, 0);
        put32(packet, 77);
        break;
    case 2: /* VXLAN */
        ip = put_ip(packet, values, outer, 17);
        put_udp(packet, values->port, 4789, 0);
        put32(packet, 0x08000000);
        put32(packet, 0x00001200);
        put_link(packet, values, 0x8100);
        put16(packet, values->vlan);
        put16(packet, inner == 4 ? 0x0800 : 0x86dd);
        break;
    case 3: /* GTP-U; its length is that of an inner packet of 20 or 40, 8 and 21 bytes */
        ip = put_ip(packet, values, outer, 17);
        put_udp(packet, values->port, 2152, 0);
        put16(packet, 0x30ff);
        put16(packet, inner == 4 ? 49 : 69);
        put32(packet, 1);
        break;
    default: /* Geneve with an option */
        ip = put_ip(packet, values, outer, 17);
        put_udp(packet, values->port, 6081, 0);
        put32(packet, 0x01000000u | (inner == 4 ? 0x0800u : 0x86ddu));
        put32(packet, 0);
        put32(packet, 0);
        break;
    }
    put_simple(packet, values, inner, 17);
    seal(packet, ip);
    if (l4 != 0)
        cm_store_be16(packet->bytes + l4 + 4, (uint16_t)~slow_sum(packet->bytes + l4, packet->n - l4, 0));
}

CM_TEST(places, tunnels)
{
    for (unsigned kind = 0; kind < 5 * 4; kind++)
        check_built(put_tunnel, kind);
}

/* Errors quote a packet: its addresses, header sum, ports, and its transport sum by the difference. */
static void put_error(struct packet *packet, const struct values *values, unsigned kind)
{
    uint8_t version = kind & 1 ? 6 : 4, protocol = kind & 2 ? 6 : 17;
    uint32_t ip, quoted;

    put_link(packet, values, version == 4 ? 0x0800 : 0x86dd);
    ip = put_ip(packet, values, version, version == 4 ? 1 : 58);
    put8(packet, version == 4 ? 11 : 3);
    put8(packet, 0);
    fill(packet, 0, 6);
    quoted = packet->n;
    put_simple(packet, values, version, protocol);
    if (kind & 4) /* eight bytes of transport, as RFC 792 asks: a TCP sum is not among them */
        packet->n = quoted + (version == 4 ? 20 : 40) + 8;
    seal(packet, ip);
}

CM_TEST(places, quoted_packets)
{
    for (unsigned kind = 0; kind < 8; kind++)
        check_built(put_error, kind);
}

/* Each type of error; kind is the type, from 100 on of ICMPv6. */
static void put_typed_error(struct packet *packet, const struct values *values, unsigned kind)
{
    uint8_t version = kind < 100 ? 4 : 6;
    uint32_t ip;

    put_link(packet, values, version == 4 ? 0x0800 : 0x86dd);
    ip = put_ip(packet, values, version, version == 4 ? 1 : 58);
    put8(packet, kind % 100);
    fill(packet, 0, 7);
    put_simple(packet, values, version, 17);
    seal(packet, ip);
}

CM_TEST(places, every_type_of_error)
{
    static const unsigned kinds[] = {3, 4, 11, 12, 101, 102, 103, 104};

    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        check_built(put_typed_error, kinds[i]);
}

static void put_message(struct packet *packet, const struct values *values, unsigned kind)
{
    uint32_t ip;

    put_link(packet, values, kind == 0 ? 0x0800 : 0x86dd);
    ip = put_ip(packet, values, kind == 0 ? 4 : 6, kind == 0 ? 1 : 58);
    switch (kind) {
    case 0: /* redirect */
        put32(packet, 0x05010000);
        put32(packet, values->b);
        put_simple(packet, values, 4, 6);
        break;
    case 1: /* neighbour solicitation with the source's link-layer address */
        put32(packet, 0x87000000);
        put32(packet, 0);
        put_v6_address(packet, values->b);
        put16(packet, 0x0101);
        put_bytes(packet, values->mac, 6);
        break;
    case 2: /* advertisement */
        put32(packet, 0x88000000);
        put32(packet, 0x60000000);
        put_v6_address(packet, values->a);
        put16(packet, 0x0201);
        put_bytes(packet, values->mac, 6);
        break;
    case 3: /* router advertisement: link-layer address, prefix, name server */
        put32(packet, 0x86000000);
        fill(packet, 0, 12);
        put16(packet, 0x0101);
        put_bytes(packet, values->mac, 6);
        put32(packet, 0x03044000);
        fill(packet, 0, 12);
        put_v6_address(packet, values->a);
        put32(packet, 0x19030000);
        put32(packet, 600);
        put_v6_address(packet, values->b);
        break;
    case 4: /* redirect with the redirected packet */
        put32(packet, 0x89000000);
        put32(packet, 0);
        put_v6_address(packet, values->a);
        put_v6_address(packet, values->b);
        put16(packet, 0x040b); /* 88 bytes with its padding */
        fill(packet, 0, 6);
        put_simple(packet, values, 6, 6);
        packet->n -= 1;
        break;
    case 5: /* multicast listener done */
        put32(packet, 0x84000000);
        put32(packet, 0);
        put_v6_address(packet, values->a);
        break;
    default: /* multicast listener report: two records, one with a source and data of its own */
        put32(packet, 0x8f000000);
        put32(packet, 2);
        put32(packet, 0x01010001);
        put_v6_address(packet, values->a);
        put_v6_address(packet, values->b);
        put32(packet, 0xdeadbeef);
        put32(packet, 0x04000000);
        put_v6_address(packet, values->b);
        break;
    }
    seal(packet, ip);
}

CM_TEST(places, messages)
{
    for (unsigned kind = 0; kind < 7; kind++)
        check_built(put_message, kind);
}

/* Addresses in options and extension headers; the last of a route is what the transport's sum counts. */
static void put_routed(struct packet *packet, const struct values *values, unsigned kind)
{
    uint32_t ip, l4, n, sum;

    put_link(packet, values, kind < 3 ? 0x0800 : 0x86dd);
    if (kind < 3) {
        ip = put_ip(packet, values, 4, 17);
        packet->bytes[ip] = 0x48;
        put8(packet, kind == 0 ? 131 : kind == 1 ? 7 : 68);
        put8(packet, 11);
        put8(packet, kind == 0 ? 4 : kind == 1 ? 8 : 13); /* none used up; one recorded; one stamped */
        if (kind == 2)
            put8(packet, 0x01);
        put32(packet, values->a);
        put32(packet, kind == 0 ? values->b : 0);
        if (kind != 2)
            put8(packet, 0);
        packet->bytes[ip + 21] = kind == 2 ? 12 : 11;
    } else {
        ip = put_ip(packet, values, 6, 43);
        put32(packet, kind == 3 ? 0x11020001 : 0x11040401); /* UDP follows, 40 bytes, one left */
        put32(packet, kind == 3 ? 0 : 0x01000000);
        put_v6_address(packet, kind == 3 ? values->b : values->a);
        put_v6_address(packet, kind == 3 ? values->a : values->b);
        packet->bytes[ip + 41] = 4;
    }
    l4 = packet->n;
    put_udp(packet, values->port, 2000, 8 + 5);
    fill(packet, 9, 5);
    n = packet->n - l4;
    if (kind < 3) {
        close_ipv4(packet, ip);
        cm_store_be16(packet->bytes + ip + 10, (uint16_t)~slow_sum(packet->bytes + ip, 32, 0));
        sum = slow_sum(packet->bytes + ip + 12, 4, 17 + n);
        sum = slow_sum(packet->bytes + (kind == 0 ? ip + 27 : ip + 16), 4, sum);
    } else {
        close_ipv6(packet, ip);
        sum = slow_sum(packet->bytes + ip + 8, 16, 17 + n);
        sum = slow_sum(packet->bytes + ip + (kind == 3 ? 64 : 48), 16, sum);
    }
    cm_store_be16(packet->bytes + l4 + 6, (uint16_t)~slow_sum(packet->bytes + l4, n, sum));
}

CM_TEST(places, routes)
{
    for (unsigned kind = 0; kind < 5; kind++)
        check_built(put_routed, kind);
}

static void put_home(struct packet *packet, const struct values *values, unsigned kind)
{
    uint32_t ip, l4, n, sum;

    put_link(packet, values, 0x86dd);
    ip = put_ip(packet, values, 6, 60);
    put16(packet, 0x1102);                     /* UDP follows, 24 bytes */
    put32(packet, kind == 0 ? 0x01020000 : 0); /* padding of four bytes, or four of one */
    put16(packet, 0xc910);
    put_v6_address(packet, values->b);
    l4 = packet->n;
    put_udp(packet, values->port, 2000, 8 + 5);
    fill(packet, 9, 5);
    n = packet->n - l4;
    close_ipv6(packet, ip);
    sum = slow_sum(packet->bytes + ip + 48, 16, 17 + n);
    sum = slow_sum(packet->bytes + ip + 24, 16, sum);
    cm_store_be16(packet->bytes + l4 + 6, (uint16_t)~slow_sum(packet->bytes + l4, n, sum));
}

CM_TEST(places, home_addresses)
{
    check_built(put_home, 0);
    check_built(put_home, 1);
}

/* Fragments: the first by the difference, later ones their header alone. */
CM_TEST(places, fragments)
{
    struct packet whole = {0}, whole_after = {0}, packet, expected;
    struct wishes wishes = {0};
    uint32_t ip, split = 14 + 20 + 24;

    wish_all(&wishes);
    put_link(&whole, &before, 0x0800);
    ip = put_simple(&whole, &before, 4, 17);
    put_link(&whole_after, &after, 0x0800);
    put_simple(&whole_after, &after, 4, 17);
    for (int later = 0; later < 2; later++) {
        for (int side = 0; side < 2; side++) {
            const struct packet *from = side ? &whole_after : &whole;
            struct packet *to = side ? &expected : &packet;

            to->n = 0;
            put_bytes(to, from->bytes, 34);
            put_bytes(to, from->bytes + (later ? split : 34), later ? from->n - split : split - 34);
            close_ipv4(to, ip);
            set16(to, ip + 6, later ? 3 : 0x2000);
            set16(to, ip + 10, 0);
            set16(to, ip + 10, (uint16_t)~slow_sum(to->bytes + ip, 20, 0));
        }
        check_change(&wishes, &packet, &expected);
    }
}

/* A wrong sum becomes right where the packet is whole, and stays as wrong as it was where it is cut. */
CM_TEST(places, wrong_sums)
{
    for (int cut = 0; cut < 2; cut++) {
        struct packet packet = {0}, expected = {0};
        struct wishes wishes = {0};
        uint32_t origlen;

        wish_all(&wishes);
        put_tagged(&packet, &before, 0);
        put_tagged(&expected, &after, 0);
        origlen = packet.n;
        packet.bytes[packet.n - 20] ^= 4; /* of the payload */
        expected.bytes[packet.n - 20] ^= 4;
        if (cut) {
            packet.n -= 7;
            expected.n -= 7;
        } else {
            seal(&expected, 18);
        }
        check_change_of(&wishes, CM_LINK_ETHERNET, &packet, origlen, &expected, "");
    }
}

/* A total length of 0 was left to the hardware: the packet is what was captured, if all of it was. A wrong sum
 * shows which way was taken. */
CM_TEST(places, lengths_left_to_the_hardware)
{
    for (int cut = 0; cut < 2; cut++) {
        struct packet packet = {0}, expected = {0};
        struct wishes wishes = {0};

        wish_all(&wishes);
        put_link(&packet, &before, 0x0800);
        put_simple(&packet, &before, 4, 6);
        put_link(&expected, &after, 0x0800);
        put_simple(&expected, &after, 4, 6);
        packet.bytes[packet.n - 1] ^= 4;
        expected.bytes[packet.n - 1] ^= 4;
        if (!cut)
            seal(&expected, 14);
        for (int side = 0; side < 2; side++) {
            struct packet *p = side ? &expected : &packet;

            set16(p, 16, 0);
            set16(p, 24, 0);
            set16(p, 24, (uint16_t)~slow_sum(p->bytes + 14, 20, 0));
        }
        check_change_of(&wishes, CM_LINK_ETHERNET, &packet, packet.n + (cut ? 9 : 0), &expected, "");
    }
}

CM_TEST(places, fix_and_keep)
{
    struct packet packet = {0}, expected = {0};
    struct wishes wishes = {0};

    put_link(&packet, &before, 0x0800);
    put_simple(&packet, &before, 4, 6);
    expected = packet;
    packet.bytes[14 + 10] ^= 1;
    packet.bytes[34 + 16] ^= 1;
    wishes.transform.checksums = CAPMILL_CHECKSUMS_FIX;
    check_change(&wishes, &packet, &expected);
    check_change(&wishes, &expected, &expected);
    expected = packet; /* auto: the packet is not changed, so its sums are not */
    wishes.transform.checksums = CAPMILL_CHECKSUMS_AUTO;
    wish_port(&wishes, "7=8");
    check_change(&wishes, &packet, &expected);
    memset(&wishes, 0, sizeof(wishes));
    wishes.transform.checksums = CAPMILL_CHECKSUMS_KEEP;
    wish_port(&wishes, "1000=1111");
    set16(&expected, 34, 1111);
    check_change(&wishes, &packet, &expected);
}

/* Bytes behind the network packet do not count, neither for sums nor as the packet's. */
CM_TEST(places, ethernet_padding)
{
    struct packet packet = {0}, expected = {0};
    struct wishes wishes = {0};

    wish_all(&wishes);
    put_tagged(&packet, &before, 0);
    put_tagged(&expected, &after, 0);
    fill(&packet, 0x77, 9);
    fill(&expected, 0x77, 9);
    check_change(&wishes, &packet, &expected);
}

CM_TEST(places, udp_without_a_sum_has_none_after)
{
    struct packet packet = {0}, expected = {0};
    struct wishes wishes = {0};

    wish_all(&wishes);
    put_link(&packet, &before, 0x0800);
    put_simple(&packet, &before, 4, 17);
    put_link(&expected, &after, 0x0800);
    put_simple(&expected, &after, 4, 17);
    set16(&packet, 40, 0);
    set16(&expected, 40, 0);
    check_change(&wishes, &packet, &expected);
    wishes.transform.checksums = CAPMILL_CHECKSUMS_FIX;
    check_change(&wishes, &packet, &expected);
}

CM_TEST(places, cooked_headers)
{
    for (int version = 1; version <= 2; version++) {
        struct packet packet[2] = {{.n = 0}, {.n = 0}};
        struct wishes wishes = {0};

        for (int side = 0; side < 2; side++) {
            const struct values *values = side ? &after : &before;
            struct packet *p = &packet[side];

            if (version == 1) {
                put16(p, 0);
                put16(p, 1);
                put16(p, 6);
                put_bytes(p, values->mac, 6);
                put16(p, 0);
                put16(p, 0x0800);
            } else {
                put16(p, 0x0800);
                put16(p, 0);
                put32(p, 3);
                put16(p, 1);
                put16(p, 0x0006);
                put_bytes(p, values->mac, 6);
                put16(p, 0);
            }
            put_simple(p, values, 4, 6);
        }
        wish_all(&wishes);
        check_change_of(&wishes, version == 1 ? CM_LINK_LINUX_SLL : CM_LINK_LINUX_SLL2, &packet[0],
                        packet[0].n, &packet[1], "");
    }
}

CM_TEST(places, ports_of_one_protocol)
{
    struct packet packet = {0}, expected = {0};
    struct wishes wishes = {0};
    struct values values = before;

    wish_port(&wishes, "tcp:990-1010=1990-2010 udp:1000=5 2000=3000");
    values.port =
        2000; /* 1000, the eleventh of the range; 2000 is what it becomes: no rule is applied twice */
    put_link(&packet, &before, 0x0800);
    put_simple(&packet, &before, 4, 6);
    put_link(&expected, &values, 0x0800);
    put_simple(&expected, &values, 4, 6);
    set16(&expected, 36, 3000);
    seal(&expected, 14);
    check_change(&wishes, &packet, &expected);
}

CM_TEST(places, what_is_not_reached_is_counted)
{
    struct packet packet = {0};
    struct wishes wishes = {0}, mac = {0};

    wish_all(&wishes);
    fill(&packet, 0, 60);
    check_change_of(&wishes, 147, &packet, 60, &packet, "link type that is not known");
    wish_mac(&mac, "02:02:02:02:02:02=06:05:04:03:02:01");
    check_change_of(&mac, CM_LINK_IEEE802_11, &packet, 60, &packet,
                    "link type whose hardware addresses are not changed");
    packet.n = 0;
    put_ethernet(&packet, 0x0800);
    put_ipv4(&packet, 6);
    packet.bytes[14] = 0x41;
    memset(wishes.warnings, 0, sizeof(wishes.warnings));
    memset(packet.bytes, 9, 12);
    check_change_of(&wishes, CM_LINK_ETHERNET, &packet, packet.n, &packet,
                    "headers that contradict themselves");
}

CM_TEST(places, beside_packets)
{
    struct wishes wishes = {0};
    struct cm_transform *transform;
    uint8_t v4[4] = {10, 0, 0, 1}, v6[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2};
    uint8_t mac[6] = {2, 2, 2, 2, 2, 2};

    wish_all(&wishes);
    transform = make_transform(&wishes);
    cm_transform_ipv4(transform, v4);
    cm_check_mem(v4, "\xc0\xa8\x01\x01", 4);
    cm_transform_ipv6(transform, v6);
    cm_check_mem(v6 + 12, "\xac\x10\x01\x02", 4);
    cm_check(cm_transform_mac(transform, mac));
    cm_check_mem(mac, after.mac, 6);
    cm_check(!cm_transform_mac(transform, mac));
    cm_transform_destroy(transform);
}

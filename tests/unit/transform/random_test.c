/* SPDX-License-Identifier: Apache-2.0 */
/* Random packets through random transforms: the length is what was foretold, nothing is written beyond it, what
 * comes out decodes, and a map that leads back to where it came from gives the bytes that were. */
#include "unit/transform/make_transform.h"

static uint32_t state;

static uint32_t draw(uint32_t below)
{
    state = state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)state * below >> 32);
}

/* Headers that lead to headers, of lengths that may lie, cut anywhere. */
static void put_random(struct packet *packet, int depth)
{
    static const uint8_t protocols[] = {6, 17, 1, 58, 132, 47, 4, 41, 33, 136, 0, 43, 44, 60, 51, 50};
    uint8_t protocol = protocols[draw(sizeof(protocols))], version = draw(2) ? 4 : 6;
    uint32_t ip, n_tags = draw(2) ? 0 : draw(3);

    if (packet->n > 600)
        return;
    if (depth == 0 || draw(2)) {
        fill(packet, 2, 12);
        for (uint32_t i = 0; i < n_tags; i++) {
            put16(packet, draw(2) ? 0x8100 : 0x88a8);
            put16(packet, draw(65536));
        }
        put16(packet, draw(12) == 0 ? 0x0806 : version == 4 ? 0x0800 : 0x86dd);
    }
    ip = version == 4 ? put_ipv4(packet, protocol) : put_ipv6(packet, protocol);
    if (version == 4 && draw(8) == 0) {
        packet->bytes[ip] = (uint8_t)(0x45 + draw(5));
        for (uint32_t i = (packet->bytes[ip] & 15u) * 4 - 20; i > 0; i--)
            put8(packet, draw(3) ? draw(256) : 131);
    }
    if (version == 4 && draw(10) == 0)
        set16(packet, ip + 6, draw(65536));
    if (protocol == 6) {
        put_tcp(packet, draw(4) * 1000, draw(65536), draw(256));
    } else if (protocol == 17) {
        static const uint16_t ports[] = {4789, 2152, 6081, 53};

        put_udp(packet, draw(4) * 1000, ports[draw(4)], draw(200));
        if (draw(2))
            put32(packet, draw(2) ? 0x08000000 : 0x30ff0040), put32(packet, draw(2));
        put_random(packet, depth + 1);
    } else if (protocol == 1 || protocol == 58) {
        put8(packet, draw(2) ? draw(14) : 130 + draw(15));
        fill(packet, draw(2), 7);
        put_random(packet, depth + 1);
    } else if (protocol == 47) {
        put16(packet, draw(3) ? 0 : draw(4) << 13);
        put16(packet, draw(2) ? 0x0800 : 0x86dd);
        put_random(packet, depth + 1);
    } else if (protocol == 4 || protocol == 41) {
        put_random(packet, depth + 1);
    } else {
        for (uint32_t i = draw(60); i > 0; i--)
            put8(packet, draw(3) ? draw(256) : draw(8));
    }
    for (uint32_t i = draw(40); i > 0; i--)
        put8(packet, draw(256));
    if (draw(4)) {
        if (version == 4)
            close_ipv4(packet, ip);
        else
            close_ipv6(packet, ip);
    } else {
        set16(packet, ip + (version == 4 ? 2 : 4), draw(300));
    }
    for (uint32_t i = draw(8) == 0 ? draw(10) : 0; i > 0; i--)
        packet->bytes[draw(packet->n)] = (uint8_t)draw(256);
}

static const uint16_t link_types[] = {
    CM_LINK_ETHERNET,  CM_LINK_ETHERNET,   CM_LINK_ETHERNET, CM_LINK_RAW,        CM_LINK_NULL, CM_LINK_LOOP,
    CM_LINK_LINUX_SLL, CM_LINK_LINUX_SLL2, CM_LINK_PPP,      CM_LINK_IEEE802_11, 147};

static void random_packet(struct packet *packet, uint16_t *link_type_ret, uint32_t *origlen_ret)
{
    *link_type_ret = link_types[draw(sizeof(link_types) / sizeof(link_types[0]))];
    packet->n = 0;
    put_random(packet, 0);
    if (*link_type_ret != CM_LINK_ETHERNET && draw(4)) { /* its IP part behind a header that fits */
        uint32_t n = *link_type_ret == CM_LINK_LINUX_SLL    ? 16
                     : *link_type_ret == CM_LINK_LINUX_SLL2 ? 20
                     : *link_type_ret == CM_LINK_RAW        ? 0
                                                            : 4;
        uint8_t old[2048];

        memcpy(old, packet->bytes, packet->n);
        memset(packet->bytes, 0, n);
        if (packet->n > 14) {
            memcpy(packet->bytes + n, old + 14, packet->n - 14);
            packet->n = packet->n - 14 + n;
        }
        if (n >= 16)
            set16(packet, n == 16 ? 14 : 0, draw(2) ? 0x0800 : 0x86dd);
        else if (n == 4)
            packet->bytes[draw(2) ? 0 : 3] = draw(2) ? 2 : 30;
    }
    *origlen_ret = packet->n + (draw(4) == 0 ? draw(100) : 0);
    if (draw(3) == 0)
        packet->n = draw(packet->n + 1);
}

static void check_decodes(uint16_t link_type, const struct outcome *outcome)
{
    struct cm_headers headers;

    decode_bytes(link_type, outcome->bytes, outcome->caplen, &headers);
    check_sound(&headers, outcome->caplen);
}

CM_TEST(random, any_packet_through_any_transform)
{
    for (uint32_t round = 0; round < 300; round++) {
        struct wishes wishes = {0};
        const struct capmill_truncate_rule rules[] = {{{"udp", "p"}, {"2000-4000", "q"}, {"3", "m"}, "r"}};
        struct cm_transform *transform;
        struct cm_transform_local *local;

        state = round + 1;
        if (draw(4))
            wish_ip(&wishes, draw(2)   ? "10.0.0.0/8=192.0.0.0/8 2001:db8::/32=fd00::/32"
                             : draw(2) ? "10.0.0.1=2001:db8::9 10.0.0.2=1.2.3.4 2001:db8::/104=10.0.0.0/8"
                                       : "0.0.0.0/0=fd00::/96 2000::/4=e000::/4");
        if (draw(3) == 0 && strcmp(cm_transform_anonymize_feature(), "nettle: no") != 0)
            wish_key(&wishes, (const uint8_t *)"0123456789abcdef0123456789abcdef");
        if (draw(2))
            wish_mac(&wishes, "02:02:02:02:02:02=06:05:04:03:02:01");
        if (draw(2))
            wish_vlan(&wishes, "0=7 1=2");
        if (draw(2))
            wish_port(&wishes, "1000=4789 2000=53");
        if (draw(3) == 0)
            wishes.transform.max_payload_bytes = (struct capmill_word){draw(2) ? "0" : "9", "m"};
        if (draw(3) == 0) {
            wishes.transform.truncate = rules;
            wishes.transform.n_truncate = 1;
        }
        wishes.transform.checksums = (enum capmill_checksums)draw(3);
        transform = make_transform(&wishes);
        if (transform == NULL)
            continue;
        local = cm_transform_local_create(transform);
        for (int i = 0; cm_transform_changes_packets(transform) && i < 150; i++) {
            struct packet packet;
            struct outcome outcome;
            uint16_t link_type;
            uint32_t origlen;

            random_packet(&packet, &link_type, &origlen);
            pass(local, transform, link_type, packet.bytes, packet.n, origlen, &outcome);
            check_decodes(link_type, &outcome);
            cm_check(cm_transform_grows(transform) || outcome.caplen <= packet.n);
        }
        cm_transform_local_destroy(local);
        cm_transform_destroy(transform);
    }
}

/* There and back by a map that is its own opposite: the packet as it was, wherever its addresses stand. Sums are
 * left, for wrong ones would become right on the way. */
CM_TEST(random, there_and_back_gives_the_packet_that_was)
{
    struct wishes wishes = {0};
    struct cm_transform *transform;
    struct cm_transform_local *local;

    wish_ip(&wishes, "0.0.0.0/1=128.0.0.0/1 128.0.0.0/1=0.0.0.0/1 2000::/4=3000::/4 3000::/4=2000::/4");
    wish_vlan(&wishes, "1=2 2=1");
    wish_mac(&wishes, "02:02:02:02:02:02=06:05:04:03:02:01 06:05:04:03:02:01=02:02:02:02:02:02");
    wishes.transform.checksums = CAPMILL_CHECKSUMS_KEEP;
    transform = make_transform(&wishes);
    local = cm_transform_local_create(transform);
    state = 99;
    for (int i = 0; i < 20000; i++) {
        struct packet packet;
        struct outcome there, back;
        uint16_t link_type;
        uint32_t origlen;

        random_packet(&packet, &link_type, &origlen);
        pass(local, transform, link_type, packet.bytes, packet.n, origlen, &there);
        pass(local, transform, link_type, there.bytes, there.caplen, origlen, &back);
        cm_check_eq(there.caplen, packet.n);
        cm_check_eq(back.caplen, packet.n);
        cm_check_mem(back.bytes, packet.bytes, packet.n);
    }
    cm_transform_local_destroy(local);
    cm_check_that(cm_transform_changed(transform) > 12000, "%" PRIu64 " changed",
                  cm_transform_changed(transform));
    cm_transform_destroy(transform);
}

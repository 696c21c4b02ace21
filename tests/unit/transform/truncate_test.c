/* SPDX-License-Identifier: Apache-2.0 */
/* Where payload begins and how much of it stays. */
#include "unit/transform/make_transform.h"

static void check_kept(struct wishes *wishes, const struct packet *packet, uint32_t kept)
{
    struct cm_transform *transform = make_transform(wishes);
    struct outcome outcome;
    uint64_t n;

    cm_check(transform != NULL && cm_transform_changes_lengths(transform) && !cm_transform_grows(transform));
    n = pass_once(transform, CM_LINK_ETHERNET, packet->bytes, packet->n, packet->n, &outcome);
    cm_check_eq(outcome.caplen, kept);
    cm_check_eq(outcome.origlen, packet->n);
    cm_check_mem(outcome.bytes, packet->bytes, kept);
    cm_check_eq(n, kept < packet->n);
    cm_check_str(reason_of(transform), "");
    cm_transform_destroy(transform);
}

static void check_limit(const char *limit, const struct packet *packet, uint32_t kept)
{
    struct wishes wishes = {0};

    wishes.transform.max_payload_bytes = (struct capmill_word){limit, "--max-payload-bytes"};
    check_kept(&wishes, packet, kept);
}

CM_TEST(truncate, headers_stay)
{
    static const struct {
        uint8_t protocol;
        uint32_t header_bytes;
    } kinds[] = {{6, 20}, {17, 8}, {132, 12}, {1, 8}, {58, 8}};

    for (unsigned v = 4; v <= 6; v += 2)
        for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
            struct packet packet = {0};
            uint32_t headers = 14 + (v == 4 ? 20 : 40) + kinds[i].header_bytes;

            build(&packet, (uint8_t)v, kinds[i].protocol, 100);
            check_limit("0", &packet, headers);
            check_limit("64", &packet, headers + 64);
            check_limit("99", &packet, headers + 99);
            check_limit("100", &packet, headers + 100);
            check_limit("1K", &packet, headers + 100);
            check_limit("16T", &packet, headers + 100);
        }
}

CM_TEST(truncate, padding_goes_with_payload_and_stays_without)
{
    struct packet packet = {0};

    build(&packet, 4, 6, 4);
    fill(&packet, 0x33, 2);
    check_limit("4", &packet, packet.n);
    check_limit("3", &packet, packet.n - 3);
}

CM_TEST(truncate, what_has_no_transport_header_that_is_known)
{
    struct packet packet = {0};
    uint32_t ip;

    put_ethernet(&packet, 0x0800); /* OSPF: behind the IP header */
    ip = put_ipv4(&packet, 89);
    fill(&packet, 1, 60);
    seal(&packet, ip);
    check_limit("10", &packet, 14 + 20 + 10);
    set16(&packet, ip + 6, 100); /* a later fragment of whatever protocol */
    packet.bytes[ip + 9] = 6;
    check_limit("10", &packet, 14 + 20 + 10);
    packet.n = 0;
    put_ethernet(&packet, 0x86dd); /* the same in IPv6, behind another extension header */
    ip = put_ipv6(&packet, 0);
    put32(&packet, 0x2c000104);
    put32(&packet, 0);
    put32(&packet, 0x11000100);
    put32(&packet, 7);
    fill(&packet, 1, 60);
    close_ipv6(&packet, ip);
    check_limit("10", &packet, 14 + 40 + 16 + 10);
    packet.n = 0;
    put_ethernet(&packet, 0x0806); /* no IP: whole */
    fill(&packet, 1, 60);
    check_limit("0", &packet, packet.n);
    packet.n = 0;
    build(&packet, 4, 6, 30); /* a header that is cut is a header */
    packet.n = 14 + 20 + 15;
    check_limit("0", &packet, packet.n);
}

CM_TEST(truncate, the_payload_of_a_tunnel_is_the_innermost)
{
    struct packet packet = {0};
    uint32_t outer, inner;

    put_ethernet(&packet, 0x0800);
    outer = put_ipv4(&packet, 17);
    put_udp(&packet, 5, 4789, 0);
    put32(&packet, 0x08000000);
    put32(&packet, 0);
    put_ethernet(&packet, 0x0800);
    inner = put_ipv4(&packet, 6);
    put_tcp(&packet, 1, 80, 0);
    fill(&packet, 1, 50);
    seal(&packet, inner);
    seal(&packet, outer);
    check_limit("7", &packet, packet.n - 50 + 7);
}

CM_TEST(truncate, the_first_rule_that_matches_counts)
{
    const struct capmill_truncate_rule rules[] = {
        {{"tcp", "p"}, {"80", "q"}, {"12", "m"}, "r1"},
        {{"17", "p"}, {"2000-2001", "q"}, {"6", "m"}, "r2"},
        {{"udp", "p"}, {NULL, NULL}, {"8", "m"}, "r3"},
        {{NULL, NULL}, {"3000", "q"}, {"9", "m"}, "r4"},
    };
    static const struct {
        uint8_t protocol;
        uint16_t source, destination;
        uint32_t kept;
    } cases[] = {{6, 80, 1, 12},   {6, 1, 80, 12},    {6, 1, 81, 20},  {17, 2000, 1, 6},  {17, 1, 2001, 6},
                 {17, 1, 2002, 8}, {17, 80, 3000, 8}, {6, 3000, 5, 9}, {132, 1, 3000, 9}, {132, 1, 2, 20}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wishes wishes = {0};
        struct packet packet = {0};
        uint32_t ip = build(&packet, 4, cases[i].protocol, 100);

        set16(&packet, ip + 20, cases[i].source);
        set16(&packet, ip + 22, cases[i].destination);
        wishes.transform.truncate = rules;
        wishes.transform.n_truncate = 4;
        wishes.transform.max_payload_bytes = (struct capmill_word){"20", "--max-payload-bytes"};
        check_kept(&wishes, &packet, packet.n - 100 + cases[i].kept);
    }
}

CM_TEST(truncate, protocols_by_name_and_number)
{
    static const char *const names[] = {"icmp6", "icmpv6", "ICMPv6", "ipv6-icmp", "58"};

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct capmill_truncate_rule rule = {{names[i], "p"}, {NULL, NULL}, {"2", "m"}, "r"};
        struct wishes wishes = {0};
        struct packet packet = {0}, other = {0};

        wishes.transform.truncate = &rule;
        wishes.transform.n_truncate = 1;
        build(&packet, 6, 58, 30);
        check_kept(&wishes, &packet, packet.n - 28);
        build(&other, 6, 6, 30);
        check_kept(&wishes, &other, other.n);
    }
}

/* Ports are changed first; sums are those of the whole packet. */
CM_TEST(truncate, after_other_changes)
{
    const struct capmill_truncate_rule rules[] = {{{NULL, NULL}, {"8080", "q"}, {"5", "m"}, "r"}};

    for (unsigned v = 4; v <= 6; v += 2) {
        struct wishes wishes = {0};
        struct packet packet = {0};
        struct outcome outcome;
        struct cm_transform *transform;
        uint32_t ip = build(&packet, (uint8_t)v, 17, 60);

        wish_port(&wishes, "1000=8080");
        wish_ip(&wishes, v == 4 ? "10.0.0.1=fd00::1 10.0.0.2=fd00::2" : "2001:db8::/120=10.0.0.0/24");
        wishes.transform.truncate = rules;
        wishes.transform.n_truncate = 1;
        transform = make_transform(&wishes);
        pass_once(transform, CM_LINK_ETHERNET, packet.bytes, packet.n, packet.n, &outcome);
        cm_check_eq(outcome.caplen, 14 + (v == 4 ? 40 : 20) + 8 + 5);
        cm_check_eq(outcome.origlen, packet.n + (v == 4 ? 20 : 0) - (v == 4 ? 0 : 20));
        memcpy(outcome.bytes + outcome.caplen, packet.bytes + packet.n - 55, 55);
        check_sums(outcome.bytes + ip);
        cm_transform_destroy(transform);
    }
}

CM_TEST(truncate, longest_packets)
{
    struct wishes wishes = {0};
    struct cm_transform *transform;
    struct cm_transform_local *local;
    struct cm_transform_packet packet = {NULL, CM_TRANSFORM_MAX_BYTES + 500, CM_TRANSFORM_MAX_BYTES + 500,
                                         CM_LINK_ETHERNET};
    struct cm_transform_result result;
    struct packet small = {0};
    uint8_t *bytes = calloc(1, packet.caplen), *out = malloc(packet.caplen);

    build(&small, 4, 6, 1000);
    memcpy(bytes, small.bytes, small.n);
    packet.data = bytes;
    wish_ip(&wishes, "10.0.0.0/8=2001:db8::/104");
    transform = make_transform(&wishes);
    local = cm_transform_local_create(transform);
    for (; packet.caplen >= CM_TRANSFORM_MAX_BYTES - 30; packet.caplen--) {
        uint32_t expected = packet.caplen > CM_TRANSFORM_MAX_BYTES        ? packet.caplen
                            : packet.caplen > CM_TRANSFORM_MAX_BYTES - 20 ? CM_TRANSFORM_MAX_BYTES
                                                                          : packet.caplen + 20;

        cm_check_eq(cm_transform_caplen(transform, &packet), expected);
        cm_check(cm_transform_packet(local, &packet, out, expected, &result));
        cm_check(!cm_transform_packet(local, &packet, out, expected - 1, &result));
        cm_check_eq(result.caplen, expected);
        cm_check_eq(result.origlen, packet.origlen + 20);
        check_sums(out + 14);
    }
    cm_transform_local_destroy(local);
    cm_transform_destroy(transform);
    free(bytes);
    free(out);
}

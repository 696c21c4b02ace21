/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums against published values, against a plain sum, and against damage in any bit. */
#include "wire/checksum.h"

#include "unit/wire/packet_bytes.h"

/* RFC 1071, section 1, word by word. */
static uint16_t plain_sum(const uint8_t *bytes, size_t n)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum += i % 2 == 0 ? bytes[i] * 256u : bytes[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

CM_TEST(checksum, published_examples)
{
    static const uint8_t rfc1071[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    uint8_t header[] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                        0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};

    cm_check_eq(cm_wire_sum(rfc1071, sizeof(rfc1071), 0), 0xddf2);
    cm_check_eq(cm_wire_checksum(rfc1071, sizeof(rfc1071), 0), 0x220d);
    cm_check(cm_wire_verify_ipv4(header));
    header[10] = 0xff;
    cm_check(!cm_wire_verify_ipv4(header));
    cm_check_eq(cm_wire_checksum_ipv4(header), 0xb861);
    cm_wire_fill_ipv4(header);
    cm_check(cm_wire_verify_ipv4(header));
}

CM_TEST(checksum, equals_a_plain_sum_at_every_length_and_alignment)
{
    uint8_t bytes[300];
    uint32_t state = 1;

    for (size_t i = 0; i < sizeof(bytes); i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = state >> 30 == 0 ? 0xff : (uint8_t)(state >> 20);
    }
    for (size_t at = 0; at < 9; at++)
        for (size_t n = 0; n + at <= sizeof(bytes); n++)
            cm_check_eq(cm_wire_sum(bytes + at, n, 0) % 0xffff, plain_sum(bytes + at, n) % 0xffff);
    memset(bytes, 0xff, sizeof(bytes));
    cm_check_eq(cm_wire_sum(bytes, sizeof(bytes), 0), 0xffff);
}

CM_TEST(checksum, a_seed_joins_parts)
{
    uint8_t bytes[64];

    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 37 + 200);
    for (size_t cut = 0; cut <= sizeof(bytes); cut += 2)
        cm_check_eq(cm_wire_sum(bytes + cut, sizeof(bytes) - cut, cm_wire_sum(bytes, cut, 0)),
                    cm_wire_sum(bytes, sizeof(bytes), 0));
}

/* A packet of each protocol over each IP version: filled it verifies, and no bit may change. */
static void check_transport(uint8_t version, uint8_t protocol, uint32_t n_payload)
{
    struct packet p = {0};
    uint32_t ip = version == 4 ? put_ipv4(&p, protocol) : put_ipv6(&p, protocol);
    uint32_t l4 = p.n, n;

    if (protocol == CM_PROTOCOL_TCP)
        put_tcp(&p, 1, 2, 0x10);
    else
        put_udp(&p, 1, 2, 8 + n_payload);
    if (protocol == CM_PROTOCOL_DCCP) {
        p.bytes[l4 + 4] = 3;
        p.bytes[l4 + 5] = 0;
        fill(&p, 7, 8);
    }
    for (uint32_t i = 0; i < n_payload; i++)
        put8(&p, i * 7);
    if (version == 4)
        close_ipv4(&p, ip);
    else
        close_ipv6(&p, ip);
    n = p.n - l4;
    set16(&p, l4 + cm_wire_checksum_at(protocol), 0xbeef);
    cm_wire_fill_l4(p.bytes + ip, protocol, p.bytes + l4, n);
    cm_check(cm_wire_verify_l4(p.bytes + ip, protocol, p.bytes + l4, n));
    if (protocol != CM_PROTOCOL_ICMP) { /* the whole with its pseudo header, by the plain sum */
        uint8_t all[512];
        uint32_t used = version == 4 ? 8 : 32;

        memcpy(all, p.bytes + ip + (version == 4 ? 12 : 8), used);
        all[used++] = 0;
        all[used++] = protocol;
        all[used++] = (uint8_t)(n >> 8);
        all[used++] = (uint8_t)n;
        memcpy(all + used, p.bytes + l4, n);
        cm_check_eq(plain_sum(all, used + n), 0xffff);
    }
    for (uint32_t bit = l4 * 8; bit < p.n * 8; bit++) {
        p.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (protocol != CM_PROTOCOL_UDP_LITE &&
            protocol != CM_PROTOCOL_DCCP) /* there, bits of the coverage field */
            cm_check(!cm_wire_verify_l4(p.bytes + ip, protocol, p.bytes + l4, n));
        p.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    if (protocol != CM_PROTOCOL_ICMP) { /* an address is part of it */
        p.bytes[ip + 15] ^= 1;
        cm_check(!cm_wire_verify_l4(p.bytes + ip, protocol, p.bytes + l4, n));
    }
}

CM_TEST(checksum, transports_with_their_pseudo_headers)
{
    static const uint8_t protocols[] = {CM_PROTOCOL_TCP,  CM_PROTOCOL_UDP,    CM_PROTOCOL_UDP_LITE,
                                        CM_PROTOCOL_DCCP, CM_PROTOCOL_ICMPV6, CM_PROTOCOL_ICMP};

    for (unsigned i = 0; i < sizeof(protocols); i++)
        for (uint32_t n_payload = 0; n_payload < 40; n_payload++) {
            check_transport(4, protocols[i], n_payload);
            check_transport(6, protocols[i], n_payload);
        }
    cm_check_eq(cm_wire_checksum_at(CM_PROTOCOL_SCTP), 0);
}

CM_TEST(checksum, udp_never_says_none_by_accident)
{
    struct packet p = {0};
    uint32_t l4;
    bool seen = false;

    put_ipv4(&p, CM_PROTOCOL_UDP);
    l4 = p.n;
    put_udp(&p, 0, 0, 10);
    put16(&p, 0);
    for (uint32_t word = 0; word < 0x10000; word++) {
        set16(&p, l4 + 8, word);
        cm_wire_fill_l4(p.bytes, CM_PROTOCOL_UDP, p.bytes + l4, 10);
        seen |= p.bytes[l4 + 6] == 0xff && p.bytes[l4 + 7] == 0xff;
        cm_check(p.bytes[l4 + 6] != 0 || p.bytes[l4 + 7] != 0);
        cm_check(cm_wire_verify_l4(p.bytes, CM_PROTOCOL_UDP, p.bytes + l4, 10));
    }
    cm_check(seen);
    set16(&p, l4 + 6, 0);
    cm_check(cm_wire_verify_l4(p.bytes, CM_PROTOCOL_UDP, p.bytes + l4, 10)); /* none: right over IPv4 */
    p.n = 0;
    put_ipv6(&p, CM_PROTOCOL_UDP);
    l4 = p.n;
    put_udp(&p, 1, 2, 8);
    cm_check(!cm_wire_verify_l4(p.bytes, CM_PROTOCOL_UDP, p.bytes + l4, 8)); /* not over IPv6 */
}

CM_TEST(checksum, a_message_of_zeros)
{
    uint8_t message[28] = {0};

    for (uint32_t n = 8; n <= sizeof(message); n++) { /* RFC 1071: the complement of a sum of 0 */
        for (unsigned field = 0; field <= 0xffff; field += 0x1111) {
            message[2] = message[3] = (uint8_t)field;
            cm_check_eq(cm_wire_checksum_l4_seeded(0, CM_PROTOCOL_ICMP, message, n), 0xffff);
        }
    }
    message[7] = 1; /* not all of them */
    cm_check_eq(cm_wire_checksum_l4_seeded(0, CM_PROTOCOL_ICMP, message, 8), 0xfffe);
    message[6] = message[7] = 0xff;
    cm_check_eq(cm_wire_checksum_l4_seeded(0, CM_PROTOCOL_ICMP, message, 8), 0);
}

CM_TEST(checksum, udp_lite_covers_what_it_says)
{
    struct packet p = {0};
    uint32_t l4;

    put_ipv4(&p, CM_PROTOCOL_UDP_LITE);
    l4 = p.n;
    put_udp(&p, 1, 2, 8); /* the header alone */
    fill(&p, 0x55, 12);
    cm_wire_fill_l4(p.bytes, CM_PROTOCOL_UDP_LITE, p.bytes + l4, 20);
    p.bytes[l4 + 15] ^= 0x80;
    cm_check(cm_wire_verify_l4(p.bytes, CM_PROTOCOL_UDP_LITE, p.bytes + l4, 20));
    p.bytes[l4 + 1] ^= 0x80;
    cm_check(!cm_wire_verify_l4(p.bytes, CM_PROTOCOL_UDP_LITE, p.bytes + l4, 20));
}

static void set_be16(uint8_t *bytes, unsigned value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

CM_TEST(checksum, coverage_is_bounded)
{
    uint8_t l4[64] = {0};

    for (size_t n = 18; n <= sizeof(l4); n++) {
        cm_check_eq(cm_wire_coverage(CM_PROTOCOL_TCP, l4, n), n);
        set_be16(l4 + 4, 0); /* UDP-Lite: all */
        cm_check_eq(cm_wire_coverage(CM_PROTOCOL_UDP_LITE, l4, n), n);
        set_be16(l4 + 4, 3); /* not less than the header */
        cm_check_eq(cm_wire_coverage(CM_PROTOCOL_UDP_LITE, l4, n), 8);
        set_be16(l4 + 4, 17);
        cm_check_eq(cm_wire_coverage(CM_PROTOCOL_UDP_LITE, l4, n), 17);
        set_be16(l4 + 4, 60000);
        cm_check_eq(cm_wire_coverage(CM_PROTOCOL_UDP_LITE, l4, n), n);
        l4[4] = 0; /* DCCP: a header of no length still has its sum */
        l4[5] = 1;
        cm_check_eq(cm_wire_coverage(CM_PROTOCOL_DCCP, l4, n), 8);
        l4[4] = 3;
        l4[5] = 2;
        cm_check_eq(cm_wire_coverage(CM_PROTOCOL_DCCP, l4, n), 16);
    }
}

/* The pseudo header given as a sum, and a seed above 16 bits. */
CM_TEST(checksum, seeded)
{
    struct packet p = {0};
    uint32_t seed;

    put_ipv4(&p, CM_PROTOCOL_TCP);
    put_tcp(&p, 1, 2, 0x10);
    fill(&p, 0xee, 33);
    close_ipv4(&p, 0);
    seed = cm_wire_sum_pseudo(p.bytes, CM_PROTOCOL_TCP, p.n - 20);
    cm_check_eq(cm_wire_checksum_l4_seeded(seed, CM_PROTOCOL_TCP, p.bytes + 20, p.n - 20),
                cm_wire_checksum_l4(p.bytes, CM_PROTOCOL_TCP, p.bytes + 20, p.n - 20));
    cm_check_eq(cm_wire_sum(p.bytes, 0, 0xffffffff), 0xffff);
    cm_check_eq(cm_wire_sum(p.bytes, 0, 0x00020003), 5);
    cm_check_eq(cm_wire_sum((const uint8_t *)"\x00\x01", 2, 0x8000ffff), 0x8001);
}

/* RFC 3720, section B.4, and the check value of the CRC catalogues. */
CM_TEST(checksum, crc32c)
{
    uint8_t bytes[32] = {0};

    cm_check_eq(cm_wire_crc32c((const uint8_t *)"123456789", 9, 0), 0xe3069283);
    cm_check_eq(cm_wire_crc32c(bytes, 32, 0), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    cm_check_eq(cm_wire_crc32c(bytes, 32, 0), 0x62a8ab43);
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (uint8_t)i;
    cm_check_eq(cm_wire_crc32c(bytes, 32, 0), 0x46dd794e);
    cm_check_eq(cm_wire_crc32c(bytes + 10, 22, cm_wire_crc32c(bytes, 10, 0)), 0x46dd794e);
}

CM_TEST(checksum, sctp_packet)
{
    uint8_t packet[28];

    for (unsigned i = 0; i < sizeof(packet); i++)
        packet[i] = (uint8_t)(i * 11);
    for (size_t n = 12; n <= sizeof(packet); n++) {
        cm_wire_fill_sctp(packet, n);
        cm_check(cm_wire_verify_sctp(packet, n));
        packet[n - 1] ^= 4;
        cm_check(!cm_wire_verify_sctp(packet, n));
    }
}

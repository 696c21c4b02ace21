/* SPDX-License-Identifier: Apache-2.0 */
/* The fast path against the general decoder, and packets longer than any header reaches. */
#include "unit/wire/packet_bytes.h"

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Packets that the fast path takes, each changed in a few bytes near its headers, cut anywhere: decode_bytes
 * compares both decoders and checks the result for soundness. */
CM_TEST(headers, fast_path_equals_general_decoder)
{
    uint32_t state = 5;
    unsigned n_whole = 0;

    for (int round = 0; round < 60000; round++) {
        struct packet p = {0};
        struct cm_headers h;
        uint32_t at, n_changes = next_random(&state) % 4, l3 = 14;
        bool ipv6 = next_random(&state) & 1, udp = next_random(&state) & 1;

        if (next_random(&state) % 3 == 0) {
            put_ethernet(&p, CM_ETH_VLAN);
            put16(&p, next_random(&state));
            put16(&p, ipv6 ? CM_ETH_IPV6 : CM_ETH_IPV4);
            l3 = 18;
        } else {
            put_ethernet(&p, ipv6 ? CM_ETH_IPV6 : CM_ETH_IPV4);
        }
        at = ipv6 ? put_ipv6(&p, udp ? CM_PROTOCOL_UDP : CM_PROTOCOL_TCP)
                  : put_ipv4(&p, udp ? CM_PROTOCOL_UDP : CM_PROTOCOL_TCP);
        if (udp)
            put_udp(&p, next_random(&state), next_random(&state) % 8 == 0 ? 4789 : next_random(&state), 20);
        else
            put_tcp(&p, next_random(&state), next_random(&state), next_random(&state));
        fill(&p, 0x45, next_random(&state) % 40);
        if (ipv6)
            close_ipv6(&p, at);
        else
            close_ipv4(&p, at);
        fill(&p, 0, next_random(&state) % 20);
        for (uint32_t i = 0; i < n_changes; i++)
            p.bytes[12 + next_random(&state) % (p.n - 12)] ^= (uint8_t)(1u << next_random(&state) % 8);
        decode_bytes(CM_LINK_ETHERNET, p.bytes, p.n, &h);
        n_whole += h.payload_offset != CM_NO_OFFSET && h.l3_offset == l3;
        decode_bytes(CM_LINK_ETHERNET, p.bytes, next_random(&state) % p.n, &h);
    }
    cm_check(n_whole > 30000); /* most were what they were meant to be */
}

CM_TEST(headers, any_bytes_on_any_link)
{
    uint32_t state = 11;

    for (int round = 0; round < 100000; round++) {
        uint8_t bytes[160];
        struct cm_headers h;
        uint32_t n = next_random(&state) % sizeof(bytes);

        for (uint32_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)(next_random(&state) % 4 == 0 ? next_random(&state) : 0);
        decode_bytes((uint16_t)(next_random(&state) % 300), bytes, n, &h);
    }
}

/* A header can lie so far in that 16 bits do not name its place: it is then not decoded, and nothing
 * wraps. */
CM_TEST(headers, beyond_what_offsets_can_name)
{
    uint32_t n = 300000;
    uint8_t *bytes = calloc(1, n);
    struct cm_headers h;

    bytes[0] = 0x60;
    bytes[6] = CM_PROTOCOL_DESTINATION;
    for (uint32_t at = 40; at < n; at += 2048) {
        bytes[at] = CM_PROTOCOL_DESTINATION;
        bytes[at + 1] = 255;
    }
    cm_wire_decode(CM_LINK_RAW, bytes, n, &h);
    check_sound(&h, n);
    cm_check_eq(h.l3_end, n);
    cm_check_eq(h.l4_offset, CM_NO_OFFSET);
    cm_check(h.flags & CM_HEADERS_CUT);
    cm_check_eq(h.protocol, CM_PROTOCOL_DESTINATION);

    memset(bytes, 0, n); /* and a large packet whose headers are where they should be */
    bytes[0] = 0x45;
    bytes[9] = CM_PROTOCOL_UDP;
    bytes[25] = 8;
    cm_wire_decode(CM_LINK_RAW, bytes, n, &h);
    cm_check_eq(h.payload_offset, 28);
    cm_check_eq(h.l3_end, n);
    free(bytes);
}

CM_TEST(headers, a_record_may_be_decoded_into_itself)
{
    struct packet p = {0};
    struct cm_headers h, inner;
    uint32_t at = put_ipv4(&p, CM_PROTOCOL_IPV4);

    put_ip_tcp(&p, 4);
    close_ipv4(&p, at);
    cm_wire_decode(CM_LINK_RAW, p.bytes, p.n, &h);
    cm_check(cm_wire_decode_inner(p.bytes, p.n, &h, &inner));
    cm_check(cm_wire_decode_inner(p.bytes, p.n, &h, &h));
    cm_check_mem(&h, &inner, sizeof(h));
    cm_check(!cm_wire_decode_inner(p.bytes, p.n, &h, &h));
}

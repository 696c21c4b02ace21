/* SPDX-License-Identifier: Apache-2.0 */
/* Building packets byte by byte for the tests of wire/, and decoding them from memory that ends where they
 * end, so that the address sanitizer sees any read past it. */
#ifndef CM_TESTS_WIRE_PACKET_H
#define CM_TESTS_WIRE_PACKET_H

#include <stdlib.h>

#include "unit/check.h"
#include "wire/headers.h"
#include "wire/headers_int.h"

struct packet {
    uint8_t bytes[2048];
    uint32_t n;
};

static inline void put8(struct packet *packet, unsigned value)
{
    packet->bytes[packet->n++] = (uint8_t)value;
}

static inline void put16(struct packet *packet, unsigned value)
{
    put8(packet, value >> 8);
    put8(packet, value);
}

static inline void put32(struct packet *packet, uint32_t value)
{
    put16(packet, value >> 16);
    put16(packet, value);
}

static inline void fill(struct packet *packet, unsigned value, uint32_t n)
{
    while (n-- > 0)
        put8(packet, value);
}

static inline void set16(struct packet *packet, uint32_t at, unsigned value)
{
    packet->bytes[at] = (uint8_t)(value >> 8);
    packet->bytes[at + 1] = (uint8_t)value;
}

static inline void put_ethernet(struct packet *packet, unsigned type)
{
    fill(packet, 0x02, 6);
    fill(packet, 0x04, 6);
    put16(packet, type);
}

/* 20 bytes, 10.0.0.1 to 10.0.0.2; total length 0 until close_ipv4. */
static inline uint32_t put_ipv4(struct packet *packet, unsigned protocol)
{
    uint32_t at = packet->n;

    put32(packet, 0x45000000);
    put32(packet, 0x12340000);
    put8(packet, 64);
    put8(packet, protocol);
    put16(packet, 0);
    put32(packet, 0x0a000001);
    put32(packet, 0x0a000002);
    return at;
}

static inline void close_ipv4(struct packet *packet, uint32_t at)
{
    set16(packet, at + 2, packet->n - at);
}

/* 2001:db8::1 to 2001:db8::2; payload length 0 until close_ipv6. */
static inline uint32_t put_ipv6(struct packet *packet, unsigned protocol)
{
    uint32_t at = packet->n;

    put32(packet, 0x60000000);
    put16(packet, 0);
    put8(packet, protocol);
    put8(packet, 64);
    for (unsigned last = 1; last <= 2; last++) {
        put32(packet, 0x20010db8);
        fill(packet, 0, 11);
        put8(packet, last);
    }
    return at;
}

static inline void close_ipv6(struct packet *packet, uint32_t at)
{
    set16(packet, at + 4, packet->n - at - 40);
}

static inline void put_tcp(struct packet *packet, unsigned src_port, unsigned dst_port, unsigned flags)
{
    put16(packet, src_port);
    put16(packet, dst_port);
    put32(packet, 1000);
    put32(packet, 2000);
    put8(packet, 0x50);
    put8(packet, flags);
    put16(packet, 512);
    put32(packet, 0);
}

static inline void put_udp(struct packet *packet, unsigned src_port, unsigned dst_port, unsigned length)
{
    put16(packet, src_port);
    put16(packet, dst_port);
    put16(packet, length);
    put16(packet, 0);
}

static inline void check_offset(uint16_t offset, uint32_t caplen)
{
    cm_check_that(offset == CM_NO_OFFSET || offset <= caplen, "offset %u of %u bytes", offset, caplen);
}

/* What must hold of every result, whatever the bytes. */
static inline void check_sound(const struct cm_headers *h, uint32_t caplen)
{
    uint32_t l3 = h->l3_offset, l4 = h->l4_offset, payload = h->payload_offset;

    check_offset(h->l3_offset, caplen);
    check_offset(h->l4_offset, caplen);
    check_offset(h->payload_offset, caplen);
    check_offset(h->inner_offset, caplen);
    cm_check(l4 == CM_NO_OFFSET || l3 <= l4);
    cm_check(payload == CM_NO_OFFSET || (l4 != CM_NO_OFFSET && l4 <= payload));
    cm_check(h->l3_end <= caplen);
    cm_check((h->inner_kind == CM_INNER_NONE) == (h->inner_offset == CM_NO_OFFSET));
    cm_check(h->inner_kind == CM_INNER_NONE || h->inner_offset < caplen);
    if (h->flags & CM_HEADERS_ADDRESSES)
        cm_check(h->ip_version == 4 ? l3 + 20 <= caplen : h->ip_version == 6 && l3 + 40 <= caplen);
    if (h->flags & (CM_HEADERS_PORTS | CM_HEADERS_TCP_FLAGS | CM_HEADERS_ICMP)) {
        cm_check(!(h->flags & CM_HEADERS_LATER_FRAGMENT));
        cm_check(l4 != CM_NO_OFFSET && h->ip_version != 0);
    }
    if (h->flags & CM_HEADERS_PORTS)
        cm_check(l4 + 4 <= caplen);
    else
        cm_check(h->src_port == 0 && h->dst_port == 0);
    if (h->flags & CM_HEADERS_TCP_FLAGS)
        cm_check(l4 + 14 <= caplen);
}

static inline void decode_bytes(uint16_t link_type, const uint8_t *bytes, uint32_t n,
                                struct cm_headers *headers_ret)
{
    /* one byte more in front: an allocation of nothing would have no end to guard */
    uint8_t *memory = malloc(n + 1);
    struct cm_headers general;

    memcpy(memory + 1, bytes, n);
    cm_wire_decode(link_type, memory + 1, n, headers_ret);
    check_sound(headers_ret, n);
    cm_wire_decode_general(link_type, memory + 1, n, &general);
    cm_check_mem(headers_ret, &general, sizeof(general));
    free(memory);
}

/* Decode the whole packet, and each beginning of it: a beginning may know less, never something else, and
 * says that it was cut where it knows less. */
static inline struct cm_headers decode(uint16_t link_type, const struct packet *packet)
{
    struct cm_headers whole;

    decode_bytes(link_type, packet->bytes, packet->n, &whole);
    for (uint32_t n = 0; n < packet->n; n++) {
        struct cm_headers part;

        decode_bytes(link_type, packet->bytes, n, &part);
        cm_check(part.l3_offset == whole.l3_offset || part.l3_offset == CM_NO_OFFSET);
        cm_check(part.l4_offset == whole.l4_offset || part.l4_offset == CM_NO_OFFSET);
        cm_check(part.payload_offset == whole.payload_offset || part.payload_offset == CM_NO_OFFSET);
        cm_check(part.inner_offset == whole.inner_offset || part.inner_offset == CM_NO_OFFSET);
        cm_check_eq(part.flags & ~whole.flags & ~(unsigned)CM_HEADERS_CUT, 0);
        if (part.flags & CM_HEADERS_PORTS)
            cm_check(part.src_port == whole.src_port && part.dst_port == whole.dst_port);
        if (part.flags & CM_HEADERS_TCP_FLAGS)
            cm_check_eq(part.tcp_flags, whole.tcp_flags);
        if (part.flags & CM_HEADERS_VLAN)
            cm_check_eq(part.vlan, whole.vlan);
        if (part.ip_version != 0)
            cm_check_eq(part.ip_version, whole.ip_version);
        if (!(part.flags & CM_HEADERS_CUT) && !(whole.flags & CM_HEADERS_BAD)) {
            part.l3_end = whole.l3_end;
            cm_check_mem(&part, &whole, sizeof(whole));
        }
    }
    return whole;
}

/* Decode the inner packet of `outer` from guarded memory, the whole and each beginning. */
static inline struct cm_headers decode_inner(const struct packet *packet, const struct cm_headers *outer)
{
    struct cm_headers inner;

    memset(&inner, 0, sizeof(inner));
    for (uint32_t n = 0; n <= packet->n; n++) {
        uint8_t *memory = malloc(n + 1);

        memcpy(memory + 1, packet->bytes, n);
        if (cm_wire_decode_inner(memory + 1, n, outer, &inner))
            check_sound(&inner, n);
        free(memory);
    }
    return inner;
}

/* IPv4 or IPv6 with 20 bytes of TCP, ports 1234 and 80: what most tests put behind the header they are
 * about. */
static inline void put_ip_tcp(struct packet *packet, unsigned version)
{
    uint32_t at = version == 4 ? put_ipv4(packet, CM_PROTOCOL_TCP) : put_ipv6(packet, CM_PROTOCOL_TCP);

    put_tcp(packet, 1234, 80, 0x18);
    if (version == 4)
        close_ipv4(packet, at);
    else
        close_ipv6(packet, at);
}

static inline void check_ip_tcp(const struct cm_headers *h, unsigned version, uint32_t l3)
{
    cm_check_eq(h->ip_version, version);
    cm_check_eq(h->l3_offset, l3);
    cm_check_eq(h->l4_offset, l3 + (version == 4 ? 20 : 40));
    cm_check_eq(h->payload_offset, h->l4_offset + 20);
    cm_check_eq(h->l3_end, h->payload_offset);
    cm_check_eq(h->protocol, CM_PROTOCOL_TCP);
    cm_check_eq(h->src_port, 1234);
    cm_check_eq(h->dst_port, 80);
    cm_check_eq(h->tcp_flags, 0x18);
    cm_check_eq(h->eth_type == CM_ETH_IPV4 || h->eth_type == CM_ETH_IPV6 || h->eth_type == CM_ETH_PPPOE,
                true);
    cm_check_eq(h->flags & (CM_HEADERS_CUT | CM_HEADERS_BAD), 0);
}

#endif

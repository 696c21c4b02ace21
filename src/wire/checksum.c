/* SPDX-License-Identifier: Apache-2.0 */
/* The Internet checksum, portably. SCTP's is in crc32c.c. */
#include "wire/checksum.h"

#include "base/endian.h"
#include "wire/numbers.h"

static uint32_t fold(uint64_t sum)
{
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint32_t)sum;
}

/* The sum does not depend on byte order but for a final swap (RFC 1071, section 2), so words are added as
 * they lie in memory, 32 bits at a time into 64: carries collect in the upper half, which 2^32 words cannot
 * overflow. Several accumulators, since one would make each addition wait for the last. */
uint32_t cm_wire_sum(const uint8_t *bytes, size_t n, uint32_t seed)
{
    uint64_t sums[4] = {0};
    uint64_t sum;
    uint32_t folded;

    for (; n >= 16; bytes += 16, n -= 16) {
        sums[0] += cm_load_u32(bytes);
        sums[1] += cm_load_u32(bytes + 4);
        sums[2] += cm_load_u32(bytes + 8);
        sums[3] += cm_load_u32(bytes + 12);
    }
    for (; n >= 4; bytes += 4, n -= 4)
        sums[0] += cm_load_u32(bytes);
    if (n >= 2) {
        sums[1] += cm_load_u16(bytes);
        bytes += 2;
        n -= 2;
    }
    if (n > 0) {
        const uint8_t last[2] = {bytes[0], 0};

        sums[2] += cm_load_u16(last);
    }
    sum = (uint64_t)fold(sums[0]) + fold(sums[1]) + fold(sums[2]) + fold(sums[3]);
    folded = fold(sum);
    if (!CM_HOST_IS_BIG_ENDIAN)
        folded = __builtin_bswap16((uint16_t)folded);
    return fold((uint64_t)folded + seed);
}

uint16_t cm_wire_checksum(const uint8_t *bytes, size_t n, uint32_t seed)
{
    return (uint16_t)~cm_wire_sum(bytes, n, seed);
}

/* The sum without the 16 bits of the field: adding their complement takes them out (RFC 1624, section 3). */
static uint16_t checksum_without(const uint8_t *bytes, size_t n, uint32_t seed, unsigned at)
{
    uint16_t field = cm_load_be16(bytes + at);

    return (uint16_t)~fold((uint64_t)cm_wire_sum(bytes, n, seed) + (uint16_t)~field);
}

static size_t ipv4_bytes(const uint8_t *header)
{
    size_t n = (header[0] & 15) * 4u;

    return n < 20 ? 20 : n;
}

uint16_t cm_wire_checksum_ipv4(const uint8_t *header)
{
    return checksum_without(header, ipv4_bytes(header), 0, 10);
}

void cm_wire_fill_ipv4(uint8_t *header)
{
    cm_store_be16(header + 10, cm_wire_checksum_ipv4(header));
}

bool cm_wire_verify_ipv4(const uint8_t *header)
{
    return cm_wire_checksum(header, ipv4_bytes(header), 0) == 0;
}

unsigned cm_wire_checksum_at(uint8_t protocol)
{
    switch (protocol) {
    case CM_PROTOCOL_TCP:
        return 16;
    case CM_PROTOCOL_UDP:
    case CM_PROTOCOL_UDP_LITE:
    case CM_PROTOCOL_DCCP:
        return 6;
    case CM_PROTOCOL_ICMP:
    case CM_PROTOCOL_ICMPV6:
        return 2;
    default:
        return 0;
    }
}

uint32_t cm_wire_sum_pseudo(const uint8_t *ip, uint8_t protocol, uint32_t l4_bytes)
{
    uint32_t seed = protocol + (l4_bytes >> 16) + (l4_bytes & 0xffff);

    if (ip[0] >> 4 == 6)
        return cm_wire_sum(ip + 8, 32, seed);
    return cm_wire_sum(ip + 12, 8, seed);
}

size_t cm_wire_coverage(uint8_t protocol, const uint8_t *l4, size_t n)
{
    size_t covered = n;

    if (protocol == CM_PROTOCOL_UDP_LITE && n >= 8) { /* RFC 3828, section 3.1: 0 is all of it */
        covered = cm_load_be16(l4 + 4);
        covered = covered == 0 ? n : covered < 8 ? 8 : covered;
    } else if (protocol == CM_PROTOCOL_DCCP &&
               n >= 8) { /* RFC 4340, section 9.2: 0 is all, else header and words */
        size_t words = l4[5] & 15u;

        if (words != 0)
            covered = l4[4] * 4u + (words - 1) * 4;
    }
    if (covered < cm_wire_checksum_at(protocol) + 2u)
        covered = cm_wire_checksum_at(protocol) + 2u;
    return covered < n ? covered : n;
}

static uint32_t seed_of(const uint8_t *ip, uint8_t protocol, size_t n)
{
    return protocol == CM_PROTOCOL_ICMP ? 0 : cm_wire_sum_pseudo(ip, protocol, (uint32_t)n);
}

uint16_t cm_wire_checksum_l4_seeded(uint32_t seed, uint8_t protocol, const uint8_t *l4, size_t n)
{
    unsigned at = cm_wire_checksum_at(protocol);
    uint16_t checksum = checksum_without(l4, cm_wire_coverage(protocol, l4, n), seed, at);

    if (checksum == 0 && (protocol == CM_PROTOCOL_UDP || protocol == CM_PROTOCOL_UDP_LITE))
        return 0xffff; /* RFC 768: 0 would say that there is none */
    return checksum;
}

uint16_t cm_wire_checksum_l4(const uint8_t *ip, uint8_t protocol, const uint8_t *l4, size_t n)
{
    return cm_wire_checksum_l4_seeded(seed_of(ip, protocol, n), protocol, l4, n);
}

void cm_wire_fill_l4(const uint8_t *ip, uint8_t protocol, uint8_t *l4, size_t n)
{
    cm_store_be16(l4 + cm_wire_checksum_at(protocol), cm_wire_checksum_l4(ip, protocol, l4, n));
}

bool cm_wire_verify_l4(const uint8_t *ip, uint8_t protocol, const uint8_t *l4, size_t n)
{
    unsigned at = cm_wire_checksum_at(protocol);

    if (protocol == CM_PROTOCOL_UDP && ip[0] >> 4 == 4 && cm_load_be16(l4 + at) == 0)
        return true;
    return cm_wire_checksum(l4, cm_wire_coverage(protocol, l4, n), seed_of(ip, protocol, n)) == 0;
}

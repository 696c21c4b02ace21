/* SPDX-License-Identifier: Apache-2.0 */
/* The Internet checksum, portably. SCTP's is in crc32c.c. */
#include "wire/checksum.h"

#include "base/checked.h"
#include "base/endian.h"
#include "wire/numbers.h"

/* One's complement sums by halves added to each other with the carry coming back in: what a rotated copy adds up
 * to in the upper half. 0 stays 0, and nothing else becomes it. */
static inline uint32_t fold_to_32(uint64_t sum)
{
    return (uint32_t)((sum + (sum << 32 | sum >> 32)) >> 32);
}

static inline uint32_t fold(uint64_t sum)
{
    uint32_t half = fold_to_32(sum);

    return (half + (half << 16 | half >> 16)) >> 16;
}

static inline uint64_t add_with_carry(uint64_t sum, uint64_t word)
{
    sum += word;
    return sum + (sum < word);
}

/* The sum does not depend on byte order but for a final swap (RFC 1071, section 2), so words are added as
 * they lie in memory, 64 bits at a time. Several accumulators, since one would make each addition wait for the
 * last. The seed goes in as the four bytes that would have its sum. */
uint32_t cm_wire_sum(const uint8_t *bytes, size_t n, uint32_t seed)
{
    uint64_t sum = CM_HOST_IS_BIG_ENDIAN ? seed : __builtin_bswap32(seed);
    uint32_t folded;

    if (n >= 32) {
        uint64_t sums[3] = {0};

        for (; n >= 32; bytes += 32, n -= 32) {
            sum = add_with_carry(sum, cm_load_u64(bytes));
            sums[0] = add_with_carry(sums[0], cm_load_u64(bytes + 8));
            sums[1] = add_with_carry(sums[1], cm_load_u64(bytes + 16));
            sums[2] = add_with_carry(sums[2], cm_load_u64(bytes + 24));
        }
        sum = add_with_carry(add_with_carry(sum, sums[0]), add_with_carry(sums[1], sums[2]));
    }
    for (; n >= 8; bytes += 8, n -= 8)
        sum = add_with_carry(sum, cm_load_u64(bytes));
    if (n & 4) {
        sum = add_with_carry(sum, cm_load_u32(bytes));
        bytes += 4;
    }
    if (n & 2) {
        sum = add_with_carry(sum, cm_load_u16(bytes));
        bytes += 2;
    }
    if (n & 1) {
        const uint8_t last[2] = {bytes[0], 0};

        sum = add_with_carry(sum, cm_load_u16(last));
    }
    folded = fold(sum);
    return CM_HOST_IS_BIG_ENDIAN ? folded : __builtin_bswap16((uint16_t)folded);
}

uint16_t cm_wire_checksum(const uint8_t *bytes, size_t n, uint32_t seed)
{
    return (uint16_t)~cm_wire_sum(bytes, n, seed);
}

static bool is_zero_but_for(const uint8_t *bytes, size_t n, unsigned at)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != 0 && i != at && i != at + 1u)
            return false;
    return true;
}

/* The sum without the 16 bits of the field: adding their complement takes them out (RFC 1624, section 3). What
 * is left is never +0 then, as it would be if the field had not been counted, where all else is zero: the
 * answer to an echo request without number and data. */
static uint16_t checksum_without(const uint8_t *bytes, size_t n, uint32_t seed, unsigned at)
{
    uint16_t field = cm_load_be16(bytes + at);
    uint16_t checksum = (uint16_t)~fold((uint64_t)cm_wire_sum(bytes, n, seed) + (uint16_t)~field);

    if (CM_UNLIKELY(checksum == 0) && seed == 0 && is_zero_but_for(bytes, n, at))
        return 0xffff;
    return checksum;
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

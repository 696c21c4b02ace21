/* SPDX-License-Identifier: Apache-2.0 */
/* Community ID: SHA-1 over seed, the ordered endpoints' addresses, protocol, a zero byte, and their ports, in
 * base64. */
#include "flow/community_id.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/endian.h"
#include "base/sha1.h"

enum { ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58, SCTP = 132 };

/* Types that ask and answer each other: such a conversation is one flow, its "ports" the two types. All other
 * messages go one way, with type and code for ports and the sender first. */
static const uint8_t icmp_pairs[][2] = {{8, 0}, {13, 14}, {15, 16}, {10, 9}, {17, 18}};
static const uint8_t icmp6_pairs[][2] = {{128, 129}, {133, 134}, {135, 136},
                                         {130, 131}, {139, 140}, {144, 145}};

struct ports {
    bool any;
    bool one_way;
    uint16_t src, dst;
};

static bool find_counterpart(const uint8_t pairs[][2], size_t n, uint8_t type, uint16_t *other_ret)
{
    for (size_t i = 0; i < n; i++)
        for (unsigned side = 0; side < 2; side++)
            if (pairs[i][side] == type) {
                *other_ret = pairs[i][1 - side];
                return true;
            }
    return false;
}

static struct ports icmp_ports(const struct cm_community_tuple *tuple)
{
    struct ports ports = {tuple->has_icmp, false, tuple->icmp_type, tuple->icmp_code};
    bool found = tuple->protocol == ICMP
                     ? find_counterpart(icmp_pairs, sizeof(icmp_pairs) / 2, tuple->icmp_type, &ports.dst)
                     : find_counterpart(icmp6_pairs, sizeof(icmp6_pairs) / 2, tuple->icmp_type, &ports.dst);

    ports.one_way = tuple->has_icmp && !found;
    return ports;
}

static struct ports tuple_ports(const struct cm_community_tuple *tuple)
{
    switch (tuple->protocol) {
    case TCP:
    case UDP:
    case SCTP:
        return (struct ports){true, false, tuple->src_port, tuple->dst_port};
    case ICMP:
    case ICMP6:
        return icmp_ports(tuple);
    default:
        return (struct ports){0};
    }
}

/* Base64 (RFC 4648) of a digest: 20 bytes are six groups of three and one of two. */
static void put_base64(const uint8_t digest[CM_SHA1_BYTES], char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (unsigned i = 0; i < 21; i += 3) {
        const uint32_t third = i + 2 < CM_SHA1_BYTES ? digest[i + 2] : 0;
        const uint32_t group = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 | third;

        for (unsigned j = 0; j < 4; j++)
            *text++ = letters[group >> (18 - 6 * j) & 63];
    }
    text[-1] = '=';
    text[0] = 0;
}

/* Seed, addresses, protocol, zero, ports. */
#define MESSAGE_BYTES (2 + 2 * 16 + 2 + 4)
static_assert(MESSAGE_BYTES <= CM_SHA1_SHORT_BYTES, "every message is short");

/* What is hashed. Answers how long it is. */
static size_t put_message(const struct cm_community_tuple *tuple, uint8_t message[MESSAGE_BYTES])
{
    const size_t address_bytes = tuple->ip_version == 4 ? 4 : 16;
    const struct ports ports = tuple_ports(tuple);
    const int order = memcmp(tuple->src, tuple->dst, address_bytes);
    const bool swapped = !ports.one_way && (order > 0 || (order == 0 && ports.src > ports.dst));
    uint8_t *at = message + 2;

    cm_store_be16(message, 0); /* the seed */
    memcpy(at, swapped ? tuple->dst : tuple->src, address_bytes);
    at += address_bytes;
    memcpy(at, swapped ? tuple->src : tuple->dst, address_bytes);
    at += address_bytes;
    *at++ = tuple->protocol;
    *at++ = 0;
    if (ports.any) {
        cm_store_be16(at, swapped ? ports.dst : ports.src);
        cm_store_be16(at + 2, swapped ? ports.src : ports.dst);
        at += 4;
    }
    return (size_t)(at - message);
}

static void put_text(const uint8_t digest[CM_SHA1_BYTES], char text_ret[CM_COMMUNITY_ID_TEXT])
{
    memcpy(text_ret, "1:", 2);
    put_base64(digest, text_ret + 2);
}

void cm_community_id(const struct cm_community_tuple *tuple, char text_ret[CM_COMMUNITY_ID_TEXT])
{
    uint8_t message[MESSAGE_BYTES], digest[CM_SHA1_BYTES];

    cm_sha1(message, put_message(tuple, message), digest);
    put_text(digest, text_ret);
}

static void put_some(const struct cm_community_tuple *tuples, size_t n, char *const *texts_ret)
{
    uint8_t bytes[CM_SHA1_LANES][MESSAGE_BYTES], digests[CM_SHA1_LANES][CM_SHA1_BYTES];
    struct cm_sha1_short messages[CM_SHA1_LANES];

    for (size_t i = 0; i < CM_SHA1_LANES; i++) /* lanes that are not needed hash the last tuple again */
        messages[i] = (struct cm_sha1_short){bytes[i], put_message(&tuples[i < n ? i : n - 1], bytes[i])};
    cm_sha1_shorts(messages, digests);
    for (size_t i = 0; i < n; i++)
        put_text(digests[i], texts_ret[i]);
}

void cm_community_ids(const struct cm_community_tuple *tuples, size_t n, char *const *texts_ret)
{
    for (size_t i = 0; i < n; i += CM_SHA1_LANES)
        put_some(tuples + i, n - i < CM_SHA1_LANES ? n - i : CM_SHA1_LANES, texts_ret + i);
}

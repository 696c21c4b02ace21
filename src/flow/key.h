/* SPDX-License-Identifier: Apache-2.0 */
/* Flow keys: the five-tuple of a packet in one canonical form, as numbers that compare and hash quickly. What
 * a flow's public ids are made of is in flow_id.h and community_id.h. Pure functions, any thread. */
#ifndef CM_FLOW_KEY_H
#define CM_FLOW_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/checked.h"
#include "base/endian.h"
#include "core/packet.h"
#include "wire/headers.h"

/* The flow of a packet:
 * - Both directions are one flow: the smaller endpoint (address, then port, compared as bytes in network
 * order) is "low". Unidirectional keys keep the source low whatever it is.
 * - An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is the IPv4 address. A flow whose two addresses are IPv4 or
 * mapped is an IPv4 flow, so that the two spellings of one conversation are counted together.
 * - Protocols without ports, later fragments and packets whose ports were not captured have ports 0. So has
 * ICMP: the messages between two hosts are one flow.
 * - Packets without a complete IP header belong to no flow. */

/* The last word of either form leaves its low 24 bits to whoever stores keys (flags, "occupied"); they are 0
 * here. */
#define CM_FLOW_KEY_SPARE_BITS 24
#define CM_FLOW_KEY4_WORDS     2
#define CM_FLOW_KEY_WORDS      5

/* An IPv4 flow. words[0]: low address, high address. words[1]: low port, high port, protocol, spare. */
struct cm_flow_key4 {
    uint64_t words[CM_FLOW_KEY4_WORDS];
};

/* Any flow. words[0..1]: low address, words[2..3]: high address (IPv4 in its mapped form), words[4] as
 * words[1] above. */
struct cm_flow_key {
    uint64_t words[CM_FLOW_KEY_WORDS];
};

/* Which way a packet goes in its flow. */
enum cm_flow_direction { CM_FLOW_FROM_LOW = 0, CM_FLOW_FROM_HIGH = 1 };

/* The key of a packet whose headers have CM_HEADERS_ADDRESSES and ip_version 4. Answers the direction.
 * Written without branches on the direction, which no predictor can know. */
static inline enum cm_flow_direction cm_flow_key4_make(const struct cm_packet *packet,
                                                       const struct cm_headers *headers, bool unidirectional,
                                                       struct cm_flow_key4 *key_ret)
{
    const uint8_t *addresses = packet->data + headers->l3_offset + 12;
    uint64_t src = (uint64_t)cm_load_be32(addresses) << 16 | headers->src_port;
    uint64_t dst = (uint64_t)cm_load_be32(addresses + 4) << 16 | headers->dst_port;
    bool swapped = (src > dst) & !unidirectional;
    uint64_t low = swapped ? dst : src;
    uint64_t high = swapped ? src : dst;

    key_ret->words[0] = low >> 16 << 32 | high >> 16;
    key_ret->words[1] =
        low << 48 | (high & 0xffff) << 32 | (uint64_t)headers->protocol << CM_FLOW_KEY_SPARE_BITS;
    return swapped ? CM_FLOW_FROM_HIGH : CM_FLOW_FROM_LOW;
}

/* Answer of cm_flow_key_make. */
enum cm_flow_family { CM_FLOW_NONE = 0, CM_FLOW_IPV4 = 4, CM_FLOW_IPV6 = 6 };

/* The key of any packet in the common form. CM_FLOW_NONE where the packet belongs to no flow. */
enum cm_flow_family cm_flow_key_make(const struct cm_packet *packet, const struct cm_headers *headers,
                                     bool unidirectional, struct cm_flow_key *key_ret,
                                     enum cm_flow_direction *direction_ret);

static inline bool cm_flow_words_are_mapped(uint64_t first, uint64_t second)
{
    return first == 0 && second >> 32 == 0xffff;
}

static inline bool cm_flow_key_is_ipv4(const struct cm_flow_key *key)
{
    return cm_flow_words_are_mapped(key->words[0], key->words[1]) &&
           cm_flow_words_are_mapped(key->words[2], key->words[3]);
}

static inline void cm_flow_key_widen(const struct cm_flow_key4 *key4, struct cm_flow_key *key_ret)
{
    const uint64_t mapped = (uint64_t)0xffff << 32;

    key_ret->words[0] = 0;
    key_ret->words[1] = mapped | key4->words[0] >> 32;
    key_ret->words[2] = 0;
    key_ret->words[3] = mapped | (key4->words[0] & UINT32_MAX);
    key_ret->words[4] = key4->words[1];
}

/* Of a key for which cm_flow_key_is_ipv4 holds. */
static inline void cm_flow_key_narrow(const struct cm_flow_key *key, struct cm_flow_key4 *key4_ret)
{
    key4_ret->words[0] = key->words[1] << 32 | (key->words[3] & UINT32_MAX);
    key4_ret->words[1] = key->words[4];
}

/* A key taken apart. Addresses as bytes in network order, 4 or 16 of them by `ip_version`. */
struct cm_flow_endpoints {
    uint8_t ip_version;
    uint8_t protocol;
    uint16_t low_port, high_port;
    uint8_t low[16], high[16];
};
void cm_flow_key_split(const struct cm_flow_key *key, struct cm_flow_endpoints *endpoints_ret);

#endif

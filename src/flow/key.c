/* SPDX-License-Identifier: Apache-2.0 */
/* Flow keys of IPv6 packets and taking keys apart. The IPv4 key is inline in key.h: it is the hot one. */
#include "flow/key.h"

#include <string.h>

struct endpoint {
    uint64_t first, second; /* the address, IPv4 mapped */
    uint16_t port;
};

/* An endpoint's bytes as the flow id hashes them: 4 or 16 of address, 2 of port. Answers how many. */
static unsigned endpoint_bytes(const struct endpoint *endpoint, uint8_t bytes_ret[18])
{
    unsigned n = 0;

    if (cm_flow_words_are_mapped(endpoint->first, endpoint->second)) {
        cm_store_be32(bytes_ret, (uint32_t)endpoint->second);
        n = 4;
    } else {
        cm_store_be64(bytes_ret, endpoint->first);
        cm_store_be64(bytes_ret + 8, endpoint->second);
        n = 16;
    }
    cm_store_be16(bytes_ret + n, endpoint->port);
    return n + 2;
}

/* True where `a` comes after `b`. Where one endpoint is IPv4 and the other is not, the bytes that both have
 * decide, and then the shorter is the smaller, as with strings. */
static bool endpoint_is_greater(const struct endpoint *a, const struct endpoint *b)
{
    uint8_t a_bytes[18], b_bytes[18];
    unsigned n_a = endpoint_bytes(a, a_bytes), n_b = endpoint_bytes(b, b_bytes);
    int order = memcmp(a_bytes, b_bytes, n_a < n_b ? n_a : n_b);

    return order > 0 || (order == 0 && n_a > n_b);
}

static enum cm_flow_direction key6_make(const struct cm_packet *packet, const struct cm_headers *headers,
                                        bool unidirectional, struct cm_flow_key *key_ret)
{
    const uint8_t *addresses = packet->data + headers->l3_offset + 8;
    struct endpoint src = {cm_load_be64(addresses), cm_load_be64(addresses + 8), headers->src_port};
    struct endpoint dst = {cm_load_be64(addresses + 16), cm_load_be64(addresses + 24), headers->dst_port};
    bool swapped = !unidirectional && endpoint_is_greater(&src, &dst);
    const struct endpoint *low = swapped ? &dst : &src, *high = swapped ? &src : &dst;

    key_ret->words[0] = low->first;
    key_ret->words[1] = low->second;
    key_ret->words[2] = high->first;
    key_ret->words[3] = high->second;
    key_ret->words[4] = (uint64_t)low->port << 48 | (uint64_t)high->port << 32 |
                        (uint64_t)headers->protocol << CM_FLOW_KEY_SPARE_BITS;
    return swapped ? CM_FLOW_FROM_HIGH : CM_FLOW_FROM_LOW;
}

enum cm_flow_family cm_flow_key_make(const struct cm_packet *packet, const struct cm_headers *headers,
                                     bool unidirectional, struct cm_flow_key *key_ret,
                                     enum cm_flow_direction *direction_ret)
{
    struct cm_flow_key4 key4;

    if (!(headers->flags & CM_HEADERS_ADDRESSES))
        return CM_FLOW_NONE;
    if (headers->ip_version == 4) {
        *direction_ret = cm_flow_key4_make(packet, headers, unidirectional, &key4);
        cm_flow_key_widen(&key4, key_ret);
        return CM_FLOW_IPV4;
    }
    if (headers->ip_version != 6)
        return CM_FLOW_NONE;
    *direction_ret = key6_make(packet, headers, unidirectional, key_ret);
    return cm_flow_key_is_ipv4(key_ret) ? CM_FLOW_IPV4 : CM_FLOW_IPV6;
}

void cm_flow_key_split(const struct cm_flow_key *key, struct cm_flow_endpoints *endpoints_ret)
{
    memset(endpoints_ret, 0, sizeof(*endpoints_ret));
    endpoints_ret->low_port = (uint16_t)(key->words[4] >> 48);
    endpoints_ret->high_port = (uint16_t)(key->words[4] >> 32);
    endpoints_ret->protocol = (uint8_t)(key->words[4] >> CM_FLOW_KEY_SPARE_BITS);
    if (cm_flow_key_is_ipv4(key)) {
        endpoints_ret->ip_version = 4;
        cm_store_be32(endpoints_ret->low, (uint32_t)key->words[1]);
        cm_store_be32(endpoints_ret->high, (uint32_t)key->words[3]);
        return;
    }
    endpoints_ret->ip_version = 6;
    cm_store_be64(endpoints_ret->low, key->words[0]);
    cm_store_be64(endpoints_ret->low + 8, key->words[1]);
    cm_store_be64(endpoints_ret->high, key->words[2]);
    cm_store_be64(endpoints_ret->high + 8, key->words[3]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Where addresses stand in packets: IP headers and their options, IPv6 extension headers, ARP. Those within
 * ICMP are in icmp_places.c. Options and extension headers are walked even where addresses stay, for sums count
 * the last address of a route. */
#include "transform/transform_int.h"

/* --- one address --- */

static void anonymize_ipv4(struct cm_change *change, uint8_t address[4])
{
    if (change->transform->anonymizer != NULL)
        cm_local_anonymize_ipv4(change->local, address);
}

static void anonymize_ipv6(struct cm_change *change, uint8_t address[16])
{
    if (change->transform->anonymizer != NULL)
        cm_local_anonymize_ipv6(change->local, address);
}

static void map_alone(struct cm_change *change, uint8_t version, const uint8_t *from,
                      struct cm_address *address_ret)
{
    const struct cm_address_map *map = change->transform->addresses;

    address_ret->version = version;
    memcpy(address_ret->bytes, from, version == 4 ? 4 : 16);
    if (map == NULL || !cm_address_map_find(map, version, from, address_ret) ||
        address_ret->version == version)
        return;
    cm_change_reason(change, CM_REASON_FAMILY_FIELD);
    address_ret->version = version;
    memcpy(address_ret->bytes, from, version == 4 ? 4 : 16);
}

void cm_change_ipv4(struct cm_change *change, uint32_t at)
{
    struct cm_address address;

    if (!change->transform->changes_addresses)
        return;
    map_alone(change, 4, change->bytes + at, &address);
    anonymize_ipv4(change, address.bytes);
    cm_change_put(change, at, address.bytes, 4);
}

void cm_change_ipv6(struct cm_change *change, uint32_t at)
{
    struct cm_address address;

    if (!change->transform->changes_addresses)
        return;
    map_alone(change, 6, change->bytes + at, &address);
    anonymize_ipv6(change, address.bytes);
    cm_change_put(change, at, address.bytes, 16);
}

/* --- headers --- */

/* Both addresses of an IPv4 header that stays one. */
static inline void change_ipv4_pair(struct cm_change *change, uint32_t at)
{
    const struct cm_address_map *map = change->transform->addresses;
    uint32_t old[2] = {cm_load_be32(change->bytes + at), cm_load_be32(change->bytes + at + 4)};
    uint32_t new[2] = {old[0], old[1]};

    if (map != NULL) {
        bool first = cm_address_map_find_ipv4(map, &new[0]), second = cm_address_map_find_ipv4(map, &new[1]);

        if (CM_UNLIKELY(!first || !second)) {
            cm_change_reason(change, CM_REASON_FAMILY_INNER);
            memcpy(new, old, sizeof(new));
        }
    }
    if (change->transform->anonymizer != NULL) {
        new[0] = cm_local_anonymize_ipv4_number(change->local, new[0]);
        new[1] = cm_local_anonymize_ipv4_number(change->local, new[1]);
    }
    if (new[0] == old[0] && new[1] == old[1])
        return;
    cm_store_be32(change->bytes + at, new[0]);
    cm_store_be32(change->bytes + at + 4, new[1]);
    cm_change_note(change, at + 8);
}

/* Source and destination together: a header whose addresses would be of two versions keeps both. */
static void change_pair(struct cm_change *change, struct cm_layer *layer, bool outermost)
{
    const struct cm_headers *headers = &layer->headers;
    const struct cm_address_map *map = change->transform->addresses;
    uint8_t version = headers->ip_version;
    uint32_t n = version == 4 ? 4 : 16;
    uint32_t at = headers->l3_offset + (version == 4 ? 12u : 8u);
    struct cm_address pair[2];

    if (version == 4 && CM_LIKELY(!(outermost && change->has_pair))) {
        change_ipv4_pair(change, at);
        return;
    }
    if (outermost && change->has_pair) {
        pair[0] = change->pair[0];
        pair[1] = change->pair[1];
    } else if (map != NULL) {
        cm_address_map_find(map, version, change->bytes + at, &pair[0]);
        cm_address_map_find(map, version, change->bytes + at + n, &pair[1]);
        if (CM_UNLIKELY(pair[0].version != version || pair[1].version != version)) {
            cm_change_reason(change, CM_REASON_FAMILY_INNER);
            memcpy(pair[0].bytes, change->bytes + at, n);
            memcpy(pair[1].bytes, change->bytes + at + n, n);
        }
    } else {
        memcpy(pair[0].bytes, change->bytes + at, n);
        memcpy(pair[1].bytes, change->bytes + at + n, n);
    }
    if (version == 4) {
        anonymize_ipv4(change, pair[0].bytes);
        anonymize_ipv4(change, pair[1].bytes);
        cm_change_put(change, at, pair[0].bytes, 4);
        cm_change_put(change, at + 4, pair[1].bytes, 4);
    } else {
        anonymize_ipv6(change, pair[0].bytes);
        anonymize_ipv6(change, pair[1].bytes);
        cm_change_put(change, at, pair[0].bytes, 16);
        cm_change_put(change, at + 16, pair[1].bytes, 16);
    }
}

/* An address of which only the first bytes were captured. Pseudonyms keep prefixes, so these bytes get what
 * they would get with the rest; no rule can be looked up for them. */
static void change_cut_address(struct cm_change *change, uint8_t version, uint32_t at, uint32_t n)
{
    uint8_t address[16] = {0};

    memcpy(address, change->bytes + at, n);
    if (version == 4)
        anonymize_ipv4(change, address);
    else
        anonymize_ipv6(change, address);
    cm_change_put(change, at, address, n);
}

static void change_cut_header(struct cm_change *change, const struct cm_headers *headers)
{
    uint32_t l3 = headers->l3_offset;
    uint8_t version = l3 < headers->l3_end ? change->bytes[l3] >> 4 : 0;
    uint32_t n = version == 4 ? 4 : 16, at = l3 + (version == 4 ? 12u : 8u);

    cm_change_reason(change, headers->flags & CM_HEADERS_BAD ? CM_REASON_BAD : CM_REASON_CUT);
    if (change->transform->anonymizer == NULL || (version != 4 && version != 6) ||
        headers->flags & CM_HEADERS_BAD)
        return;
    for (unsigned i = 0; i < 2 && at < headers->l3_end; i++, at += n)
        change_cut_address(change, version, at, headers->l3_end - at < n ? headers->l3_end - at : n);
}

/* RFC 826 with any length of hardware address. */
static void change_arp(struct cm_change *change, const struct cm_headers *headers)
{
    uint32_t at = headers->l3_offset, left = headers->l3_end - at, hardware;

    if (left < 8) {
        cm_change_reason(change, CM_REASON_CUT);
        return;
    }
    if (cm_load_be16(change->bytes + at + 2) != CM_ETH_IPV4 || change->bytes[at + 5] != 4)
        return;
    hardware = change->bytes[at + 4];
    for (unsigned i = 1; i <= 2; i++) {
        uint32_t place = 8 + i * hardware + (i - 1) * 4;

        if (place + 4 <= left)
            cm_change_ipv4(change, at + place);
        else
            cm_change_reason(change, CM_REASON_CUT);
    }
}

/* --- options of IPv4 (RFC 791, section 3.1) --- */

#define OPTION_END          0
#define OPTION_NONE         1
#define OPTION_RECORD_ROUTE 7
#define OPTION_TIMESTAMP    68
#define OPTION_LOOSE_ROUTE  131
#define OPTION_STRICT_ROUTE 137

/* `pointer` counts from 1 and names the first entry that is not used up. */
static void change_route(struct cm_change *change, struct cm_layer *layer, uint32_t at, uint32_t n)
{
    bool source_route = change->bytes[at] != OPTION_RECORD_ROUTE;
    uint32_t pointer = change->bytes[at + 2];
    uint32_t first = at + 3, n_addresses = (n - 3) / 4, n_used = pointer < 4 ? 0 : (pointer - 4) / 4;

    if (source_route && n_addresses > 0 && pointer <= n)
        layer->pseudo_destination_at = first + (n_addresses - 1) * 4;
    if (!source_route && n_used < n_addresses)
        n_addresses = n_used; /* what was not recorded yet is no address */
    for (uint32_t i = 0; i < n_addresses; i++)
        cm_change_ipv4(change, first + i * 4);
}

static void change_timestamps(struct cm_change *change, uint32_t at, uint32_t n)
{
    uint32_t pointer = change->bytes[at + 2], kind = change->bytes[at + 3] & 15u;
    uint32_t n_entries = (n - 4) / 8, n_used = pointer < 5 ? 0 : (pointer - 5) / 8;

    if (kind == 1 && n_used < n_entries)
        n_entries = n_used;
    if (kind != 1 && kind != 3)
        return; /* times alone */
    for (uint32_t i = 0; i < n_entries; i++)
        cm_change_ipv4(change, at + 4 + i * 8);
}

static void change_options(struct cm_change *change, struct cm_layer *layer)
{
    uint32_t at = layer->headers.l3_offset + 20u;
    uint32_t end = layer->headers.l3_offset + (change->bytes[layer->headers.l3_offset] & 15u) * 4;

    if (end > layer->headers.l3_end)
        end = layer->headers.l3_end;
    while (at < end && change->bytes[at] != OPTION_END) {
        uint8_t type = change->bytes[at];
        uint32_t n;

        if (type == OPTION_NONE) {
            at++;
            continue;
        }
        if (end - at < 4)
            return;
        n = change->bytes[at + 1];
        if (n < 2 || n > end - at)
            return;
        if (n >= 4 &&
            (type == OPTION_LOOSE_ROUTE || type == OPTION_STRICT_ROUTE || type == OPTION_RECORD_ROUTE))
            change_route(change, layer, at, n);
        else if (n >= 4 && type == OPTION_TIMESTAMP)
            change_timestamps(change, at, n);
        at += n;
    }
}

/* --- extension headers of IPv6 --- */

/* RFC 8200, section 4.4; the forms of RFC 2460 (0), RFC 6275 (2) and RFC 8754 (4). */
static void change_routing(struct cm_change *change, struct cm_layer *layer, uint32_t at, uint32_t n)
{
    uint8_t type = change->bytes[at + 2], left = change->bytes[at + 3];
    uint32_t n_addresses = (n - 8) / 16;

    if (type != 0 && type != 2 && type != 4)
        return;
    if (type == 4 && change->bytes[at + 4] + 1u < n_addresses)
        n_addresses = change->bytes[at + 4] + 1u; /* options follow the segments */
    if (left > 0 && n_addresses > 0)
        layer->pseudo_destination_at = at + 8 + (type == 4 ? 0 : (n_addresses - 1) * 16);
    for (uint32_t i = 0; i < n_addresses; i++)
        cm_change_ipv6(change, at + 8 + i * 16);
}

/* RFC 6275, section 6.3: the home address, which sums count in place of the source. */
static void change_destination_options(struct cm_change *change, struct cm_layer *layer, uint32_t at,
                                       uint32_t n)
{
    uint32_t end = at + n;

    at += 2;
    while (at < end) {
        uint8_t type = change->bytes[at];
        uint32_t value_bytes;

        if (type == 0) { /* one byte of padding, without a length */
            at++;
            continue;
        }
        if (end - at < 2)
            return;
        value_bytes = change->bytes[at + 1];
        if (value_bytes > end - at - 2)
            return;
        if (type == 0xc9 && value_bytes == 16) {
            layer->pseudo_source_at = at + 2;
            cm_change_ipv6(change, at + 2);
        }
        at += 2 + value_bytes;
    }
}

static void change_extensions(struct cm_change *change, struct cm_layer *layer)
{
    uint32_t at = layer->headers.l3_offset + 40u, end = layer->headers.l3_end;
    uint8_t protocol = change->bytes[layer->headers.l3_offset + 6];

    for (;;) {
        uint32_t n;

        if (at >= end || end - at < 8)
            return;
        switch (protocol) {
        case CM_PROTOCOL_HOP_BY_HOP:
        case CM_PROTOCOL_ROUTING:
        case CM_PROTOCOL_DESTINATION:
            n = (change->bytes[at + 1] + 1u) * 8;
            break;
        case CM_PROTOCOL_AH:
            n = (change->bytes[at + 1] + 2u) * 4;
            break;
        case CM_PROTOCOL_FRAGMENT:
            if (cm_load_be16(change->bytes + at + 2) & 0xfff8)
                return; /* what follows is the middle of something */
            n = 8;
            break;
        default:
            return;
        }
        if (n > end - at)
            return;
        if (protocol == CM_PROTOCOL_ROUTING)
            change_routing(change, layer, at, n);
        else if (protocol == CM_PROTOCOL_DESTINATION)
            change_destination_options(change, layer, at, n);
        protocol = change->bytes[at];
        at += n;
    }
}

/* --- all --- */

static void change_layer(struct cm_change *change, struct cm_layer *layer, bool outermost)
{
    const struct cm_headers *headers = &layer->headers;
    bool wanted = change->transform->changes_addresses;

    if (CM_UNLIKELY(!(headers->flags & CM_HEADERS_ADDRESSES))) {
        if (!wanted)
            return;
        if (headers->l3_offset == CM_NO_OFFSET) {
            if (headers->flags & (CM_HEADERS_CUT | CM_HEADERS_BAD))
                cm_change_reason(change, headers->flags & CM_HEADERS_CUT ? CM_REASON_CUT : CM_REASON_BAD);
        } else if (headers->eth_type == CM_ETH_ARP || headers->eth_type == CM_ETH_RARP) {
            change_arp(change, headers);
        } else {
            change_cut_header(change, headers);
        }
        return;
    }
    if (wanted)
        change_pair(change, layer, outermost);
    if (headers->ip_version == 4 && CM_UNLIKELY((change->bytes[headers->l3_offset] & 15) > 5))
        change_options(change, layer);
    else if (headers->ip_version == 6 && CM_UNLIKELY(headers->l4_offset != headers->l3_offset + 40))
        change_extensions(change, layer);
    if (CM_UNLIKELY(headers->flags & CM_HEADERS_ICMP))
        cm_change_icmp(change, layer);
}

void cm_change_addresses(struct cm_change *change)
{
    for (unsigned i = 0; i < change->n_layers; i++)
        change_layer(change, &change->layers[i], i == 0);
}

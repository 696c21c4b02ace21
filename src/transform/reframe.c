/* SPDX-License-Identifier: Apache-2.0 */
/* From IPv4 to IPv6 and back, for the outermost header, where a rule of the address map asks for it: whether
 * it can be done, how the length changes, and the new header. Fields are translated as RFC 7915 (sections 4.1
 * and 5.1) says; messages, fragments, options and extension headers are not translated. */
#include "transform/transform_int.h"

#define IPV4_BYTES 20
#define IPV6_BYTES 40
/* Offsets that may move by the growth and still fit 16 bits. */
#define OFFSETS_END (CM_NO_OFFSET - 1u - CM_TRANSFORM_GROWTH_BYTES)

static bool is_raw(uint16_t link_type)
{
    return link_type == CM_LINK_RAW || link_type == CM_LINK_RAW_OLD || link_type == CM_LINK_RAW_OPENBSD;
}

static bool is_loopback(uint16_t link_type)
{
    return link_type == CM_LINK_NULL || link_type == CM_LINK_LOOP;
}

/* The type field right in front of the network header, or CM_NO_PLACE where the link header has another form
 * (802.3 with SNAP, MPLS, PPPoE, ...). */
static uint32_t type_place(const struct cm_change *change, uint32_t l3)
{
    uint32_t at = cm_wire_type_offset(change->link_type);
    bool is_vlan;

    if (change->link_type == CM_LINK_LINUX_SLL2)
        return l3 == 20 ? 0 : CM_NO_PLACE;
    if (at == CM_NO_OFFSET)
        return CM_NO_PLACE;
    while (cm_wire_next_tag(change->old, change->old_caplen, &at, &is_vlan))
        ;
    return at + 2 == l3 ? at : CM_NO_PLACE;
}

static bool link_allows(const struct cm_change *change, uint32_t l3, uint8_t version)
{
    uint32_t at;

    if (is_raw(change->link_type))
        return l3 == 0;
    if (is_loopback(change->link_type))
        return l3 == 4;
    at = type_place(change, l3);
    return at != CM_NO_PLACE && cm_load_be16(change->old + at) == (version == 4 ? CM_ETH_IPV4 : CM_ETH_IPV6);
}

/* Numbers that mean something else, or nothing, over the other version. */
static bool protocol_allows(uint8_t protocol)
{
    switch (protocol) {
    case CM_PROTOCOL_HOP_BY_HOP:
    case CM_PROTOCOL_ICMP:
    case CM_PROTOCOL_IGMP:
    case CM_PROTOCOL_ROUTING:
    case CM_PROTOCOL_FRAGMENT:
    case CM_PROTOCOL_ICMPV6:
    case CM_PROTOCOL_DESTINATION:
    case CM_PROTOCOL_MOBILITY:
    case CM_PROTOCOL_HIP:
    case CM_PROTOCOL_SHIM6:
        return false;
    default:
        return true;
    }
}

static bool offsets_fit(const struct cm_change *change)
{
    const struct cm_headers *last = &change->layers[change->n_layers - 1].headers;
    const uint16_t offsets[] = {last->l3_offset, last->l4_offset, last->payload_offset, last->inner_offset};

    for (size_t i = 0; i < CM_ARRAY_COUNT(offsets); i++)
        if (offsets[i] != CM_NO_OFFSET && offsets[i] > OFFSETS_END)
            return false;
    return true;
}

/* CM_REASONS: nothing is in the way. */
static enum cm_reason obstacle(const struct cm_change *change, const struct cm_headers *headers)
{
    const uint8_t *ip = change->old + headers->l3_offset;
    uint32_t header_bytes = headers->ip_version == 4 ? IPV4_BYTES : IPV6_BYTES;

    if (headers->flags & CM_HEADERS_FRAGMENT)
        return CM_REASON_FAMILY_FRAGMENT;
    if (headers->l4_offset != headers->l3_offset + header_bytes)
        return CM_REASON_FAMILY_OPTIONS;
    if (!protocol_allows(headers->protocol))
        return CM_REASON_FAMILY_PROTOCOL;
    if (headers->ip_version == 6 && cm_load_be16(ip + 4) > UINT16_MAX - IPV4_BYTES)
        return CM_REASON_FAMILY_LENGTH;
    if (!link_allows(change, headers->l3_offset, headers->ip_version))
        return CM_REASON_FAMILY_LINK;
    if (!offsets_fit(change))
        return CM_REASON_DEEP;
    return CM_REASONS;
}

/* The address as one of `version`. False: it has no such form. */
static bool convert(struct cm_address *address, uint8_t version)
{
    uint8_t ipv4[4];

    if (address->version == version)
        return true;
    if (version == 4) {
        if (!cm_ipv6_is_mapped(address->bytes))
            return false;
        memcpy(ipv4, address->bytes + 12, 4);
        memcpy(address->bytes, ipv4, 4);
    } else {
        memcpy(ipv4, address->bytes, 4);
        cm_ipv6_from_ipv4(address->bytes, ipv4);
    }
    address->version = version;
    return true;
}

/* The packet keeps its addresses. */
static void keep_pair(struct cm_change *change, const struct cm_headers *headers, enum cm_reason reason)
{
    size_t n = headers->ip_version == 4 ? 4 : 16;

    cm_change_reason(change, reason);
    change->pair[0].version = change->pair[1].version = headers->ip_version;
    memcpy(change->pair[0].bytes, cm_headers_source(headers, change->old), n);
    memcpy(change->pair[1].bytes, cm_headers_destination(headers, change->old), n);
}

void cm_reframe_plan(struct cm_change *change)
{
    const struct cm_headers *headers = &change->layers[0].headers;
    const struct cm_address_map *map = change->transform->addresses;
    uint8_t version = headers->ip_version, other = version == 4 ? 6 : 4;
    enum cm_reason reason;

    if (!(headers->flags & CM_HEADERS_ADDRESSES) || !cm_address_map_crosses(map, version))
        return;
    cm_address_map_find(map, version, cm_headers_source(headers, change->old), &change->pair[0]);
    cm_address_map_find(map, version, cm_headers_destination(headers, change->old), &change->pair[1]);
    change->has_pair = true;
    if (change->pair[0].version == version && change->pair[1].version == version)
        return;
    if (!convert(&change->pair[0], other) || !convert(&change->pair[1], other)) {
        keep_pair(change, headers, CM_REASON_NO_IPV4_FORM);
        return;
    }
    reason = obstacle(change, headers);
    if (reason != CM_REASONS) {
        keep_pair(change, headers, reason);
        return;
    }
    change->growth = version == 4 ? IPV6_BYTES - IPV4_BYTES : IPV4_BYTES - IPV6_BYTES;
    change->caplen = (uint32_t)((int32_t)change->old_caplen + change->growth);
}

static void ipv6_from_ipv4(uint8_t *to, const uint8_t *from)
{
    uint16_t total_bytes = cm_load_be16(from + 2);

    cm_store_be32(to, 0x60000000u | (uint32_t)from[1] << 20);
    /* 0 says in both versions that the length was left to the hardware */
    cm_store_be16(to + 4, total_bytes == 0 ? 0 : (uint16_t)(total_bytes - IPV4_BYTES));
    to[6] = from[9];
    to[7] = from[8];
}

static void ipv4_from_ipv6(uint8_t *to, const uint8_t *from)
{
    uint16_t payload_bytes = cm_load_be16(from + 4);

    to[0] = 0x45;
    to[1] = (uint8_t)(cm_load_be16(from) >> 4);
    cm_store_be16(to + 2, payload_bytes == 0 ? 0 : (uint16_t)(payload_bytes + IPV4_BYTES));
    cm_store_be16(to + 4, 0);
    cm_store_be16(to + 6, 0x4000); /* not to be fragmented, so the identification means nothing (RFC 6864) */
    to[8] = from[7];
    to[9] = from[6];
    cm_store_be16(to + 10, 0);
}

/* Families of BSD's loopback header: 2, and for IPv6 one of several numbers, of which 30 is Darwin's. */
static void set_loopback(uint8_t *family, uint16_t link_type, uint8_t version)
{
    uint32_t value = version == 4 ? 2 : 30;
    bool big = link_type == CM_LINK_LOOP || cm_load_le32(family) > UINT16_MAX;

    cm_store_u32_as(family, value, big);
}

static void move(uint16_t *offset, int32_t by)
{
    if (*offset != CM_NO_OFFSET)
        *offset = (uint16_t)(*offset + by);
}

static void move_layers(struct cm_change *change, uint8_t version)
{
    int32_t by = change->growth;

    for (unsigned i = 0; i < change->n_layers; i++) {
        struct cm_layer *layer = &change->layers[i];
        struct cm_headers *headers = &layer->headers;

        move(&headers->l4_offset, by);
        move(&headers->payload_offset, by);
        move(&headers->inner_offset, by);
        headers->l3_end = (uint32_t)((int32_t)headers->l3_end + by);
        if (i == 0) {
            headers->ip_version = version;
            headers->eth_type = version == 4 ? CM_ETH_IPV4 : CM_ETH_IPV6;
            layer->pseudo_source_at = headers->l3_offset + (version == 4 ? 12u : 8u);
            layer->pseudo_destination_at = headers->l3_offset + (version == 4 ? 16u : 24u);
            continue;
        }
        move(&headers->l3_offset, by);
        if (layer->ethernet_at != CM_NO_PLACE)
            layer->ethernet_at = (uint32_t)((int32_t)layer->ethernet_at + by);
        layer->pseudo_source_at = (uint32_t)((int32_t)layer->pseudo_source_at + by);
        layer->pseudo_destination_at = (uint32_t)((int32_t)layer->pseudo_destination_at + by);
    }
}

void cm_reframe_copy(struct cm_change *change)
{
    const struct cm_headers *headers = &change->layers[0].headers;
    uint8_t *to = change->bytes;
    uint32_t l3 = headers->l3_offset, from_bytes, to_bytes, type_at;
    uint8_t version;

    if (CM_LIKELY(change->growth == 0)) {
        memcpy(to, change->old, change->caplen);
        return;
    }
    version = headers->ip_version == 4 ? 6 : 4;
    from_bytes = version == 6 ? IPV4_BYTES : IPV6_BYTES;
    to_bytes = version == 6 ? IPV6_BYTES : IPV4_BYTES;
    memcpy(to, change->old, l3);
    if (is_loopback(change->link_type)) {
        set_loopback(to, change->link_type, version);
    } else if (!is_raw(change->link_type)) {
        type_at = type_place(change, l3);
        cm_store_be16(to + type_at, version == 6 ? CM_ETH_IPV6 : CM_ETH_IPV4);
    }
    if (version == 6)
        ipv6_from_ipv4(to + l3, change->old + l3);
    else
        ipv4_from_ipv6(to + l3, change->old + l3);
    memset(to + l3 + to_bytes - (version == 6 ? 32 : 8), 0, version == 6 ? 32 : 8); /* addresses come later */
    memcpy(to + l3 + to_bytes, change->old + l3 + from_bytes, change->old_caplen - l3 - from_bytes);
    cm_change_note(change, l3 + to_bytes);
    move_layers(change, version);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* All headers of a packet: the outermost, those inside tunnels, those quoted by error messages, down to a
 * bound; and which link headers carry hardware addresses. Decoding itself is wire/'s. */
#include "transform/transform_int.h"

/* Headers are decoded within so many bytes (offsets have 16 bits). */
#define HEADERS_MAX_BYTES (CM_NO_OFFSET - 1u)

bool cm_link_has_macs(uint16_t link_type)
{
    switch (link_type) {
    case CM_LINK_NULL:
    case CM_LINK_LOOP:
    case CM_LINK_RAW:
    case CM_LINK_RAW_OLD:
    case CM_LINK_RAW_OPENBSD:
    case CM_LINK_IPV4:
    case CM_LINK_IPV6:
    case CM_LINK_PPP:
    case CM_LINK_PPP_HDLC:
    case CM_LINK_PPP_ETHER:
    case CM_LINK_PPP_PPPD:
    case CM_LINK_PPP_WITH_DIR:
    case CM_LINK_C_HDLC:
    case CM_LINK_FRELAY:
    case CM_LINK_IPNET:
        return false;
    default:
        return true;
    }
}

/* Types of messages that carry the beginning of the packet they complain of. */
static bool is_error(const struct cm_headers *headers)
{
    if (!(headers->flags & CM_HEADERS_ICMP))
        return false;
    if (headers->protocol == CM_PROTOCOL_ICMPV6) /* RFC 4443, section 2.1 */
        return headers->icmp_type >= 1 && headers->icmp_type <= 4;
    switch (headers->icmp_type) {
    case 3:  /* unreachable */
    case 4:  /* source quench */
    case 5:  /* redirect */
    case 11: /* time exceeded */
    case 12: /* parameter problem */
        return true;
    default:
        return false;
    }
}

static void shift(uint16_t *offset, uint32_t by)
{
    if (*offset != CM_NO_OFFSET)
        *offset = (uint16_t)(*offset + by);
}

/* The packet that a redirect of neighbour discovery carries in an option (RFC 4861, sections 4.5 and 4.6.3); 0
 * where there is none. */
static uint32_t redirected_at(const struct cm_change *change, const struct cm_headers *headers)
{
    uint32_t at = headers->l4_offset + 40u, n;

    if (!(headers->flags & CM_HEADERS_ICMP) || headers->protocol != CM_PROTOCOL_ICMPV6 ||
        headers->icmp_type != 137)
        return 0;
    for (; at + 8 <= headers->l3_end; at += n) {
        n = change->old[at + 1] * 8u;
        if (n == 0)
            return 0;
        if (change->old[at] == 4)
            return at + 8;
    }
    return 0;
}

/* The packet that `outer`, a message, quotes. CM_NO_OFFSET lies behind every end. */
static bool decode_quoted(const struct cm_change *change, const struct cm_headers *outer,
                          struct cm_headers *headers_ret)
{
    uint32_t at = is_error(outer) ? outer->payload_offset : redirected_at(change, outer);
    uint32_t end = outer->l3_end < HEADERS_MAX_BYTES ? outer->l3_end : HEADERS_MAX_BYTES;

    if (at == 0 || at >= end)
        return false;
    cm_wire_decode(CM_LINK_RAW, change->old + at, end - at, headers_ret);
    shift(&headers_ret->l3_offset, at);
    shift(&headers_ret->l4_offset, at);
    shift(&headers_ret->payload_offset, at);
    shift(&headers_ret->inner_offset, at);
    headers_ret->l3_end += at;
    return true;
}

/* Where the addresses stand that sums count: those of the header, unless options say otherwise (found when
 * they are walked). */
static void place_pseudo(struct cm_layer *layer)
{
    const struct cm_headers *headers = &layer->headers;

    layer->pseudo_source_at = headers->l3_offset + (headers->ip_version == 4 ? 12u : 8u);
    layer->pseudo_destination_at = headers->l3_offset + (headers->ip_version == 4 ? 16u : 24u);
}

void cm_change_layers(struct cm_change *change)
{
    struct cm_layer *layer = &change->layers[0];
    unsigned n = 1;

    cm_wire_decode(change->link_type, change->old, change->old_caplen, &layer->headers);
    layer->ethernet_at = change->link_type == CM_LINK_ETHERNET ? 0 : CM_NO_PLACE;
    layer->quoted = false;
    place_pseudo(layer);
    while (
        CM_UNLIKELY(layer->headers.inner_kind != CM_INNER_NONE || layer->headers.flags & CM_HEADERS_ICMP)) {
        struct cm_layer *next = &change->layers[n];
        struct cm_headers headers;
        bool quoted = layer->quoted;

        if (!cm_wire_decode_inner(change->old, change->old_caplen, &layer->headers, &headers)) {
            if (!decode_quoted(change, &layer->headers, &headers))
                break;
            quoted = true;
        }
        if (n == CM_CHANGE_LAYERS) {
            cm_change_reason(change, CM_REASON_DEEP);
            break;
        }
        next->headers = headers;
        next->ethernet_at =
            layer->headers.inner_kind == CM_INNER_ETHERNET ? layer->headers.inner_offset : CM_NO_PLACE;
        next->quoted = quoted;
        place_pseudo(next);
        layer = next;
        n++;
    }
    change->n_layers = n;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of packets that were changed, from the innermost header outwards, for outer sums cover inner packets.
 * Where all that a sum covers is there it is computed anew, so that wrong ones become right; else it is brought
 * up to date by the difference between the packet as read and as written (RFC 1624), so that right ones stay
 * right. */
#include "transform/transform_int.h"
#include "wire/checksum.h"

/* RFC 1624, section 3, equation 3: HC' = ~(~HC + ~m + m'), with m and m' any numbers of words. */
static uint16_t updated(uint16_t field, uint32_t old_sum, uint32_t new_sum)
{
    uint32_t sum = (uint16_t)~field + (uint32_t)(uint16_t)~old_sum + (uint16_t)new_sum;

    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Whether the packet is all there that the header at `l3` speaks of. A length of 0 was left to the hardware: all
 * that is captured is the packet, if all was captured. */
static bool is_complete(const struct cm_change *change, const struct cm_layer *layer)
{
    const struct cm_headers *headers = &layer->headers;
    const uint8_t *ip = change->bytes + headers->l3_offset;
    uint32_t length;

    if (headers->flags & CM_HEADERS_FRAGMENT)
        return false;
    if (headers->ip_version == 4) {
        length = cm_load_be16(ip + 2);
    } else {
        length = cm_load_be16(ip + 4);
        length += length != 0 ? 40 : 0;
    }
    if (length == 0)
        return change->old_caplen >= change->origlen;
    return headers->l3_offset + length <= headers->l3_end;
}

static uint32_t sum_addresses(const uint8_t *bytes, uint32_t source_at, uint32_t destination_at, uint32_t n)
{
    if (CM_LIKELY(destination_at == source_at + n))
        return cm_wire_sum(bytes + source_at, (size_t)n * 2, 0);
    return cm_wire_sum(bytes + source_at, n, cm_wire_sum(bytes + destination_at, n, 0));
}

/* Bytes that lie at `at` now lay there before. */
static uint32_t old_place(const struct cm_change *change, uint32_t at)
{
    return (uint32_t)((int32_t)at - change->growth);
}

static uint32_t old_sum_of_addresses(const struct cm_change *change, const struct cm_layer *layer)
{
    const struct cm_headers *headers = &layer->headers;
    uint32_t n = headers->ip_version == 4 ? 4 : 16;

    if (layer != &change->layers[0])
        return sum_addresses(change->old, old_place(change, layer->pseudo_source_at),
                             old_place(change, layer->pseudo_destination_at), n);
    if (change->growth == 0)
        return sum_addresses(change->old, layer->pseudo_source_at, layer->pseudo_destination_at, n);
    if (change->growth > 0) /* from IPv4 */
        return cm_wire_sum(change->old + headers->l3_offset + 12, 8, 0);
    return cm_wire_sum(change->old + headers->l3_offset + 8, 32, 0);
}

static uint32_t new_sum_of_addresses(const struct cm_change *change, const struct cm_layer *layer)
{
    return sum_addresses(change->bytes, layer->pseudo_source_at, layer->pseudo_destination_at,
                         layer->headers.ip_version == 4 ? 4 : 16);
}

/* The field at `field_at` sums [at, end) and, with `pseudo`, the addresses; it was not touched yet. */
static uint16_t update(const struct cm_change *change, const struct cm_layer *layer, bool pseudo, uint32_t at,
                       uint32_t end, uint32_t field_at)
{
    uint16_t field = cm_load_be16(change->bytes + field_at);
    uint32_t old_sum = pseudo ? old_sum_of_addresses(change, layer) : 0;
    uint32_t new_sum = pseudo ? new_sum_of_addresses(change, layer) : 0;

    end = least(end, change->changed_end);
    if (end > at) {
        old_sum = cm_wire_sum(change->old + old_place(change, at), end - at, old_sum);
        new_sum = cm_wire_sum(change->bytes + at, end - at, new_sum);
    }
    return old_sum == new_sum ? field : updated(field, old_sum, new_sum);
}

/* --- SCTP --- */

/* How the CRC changes: it is linear, so by that of the difference, followed by zeros for what stayed the same or
 * is not there. */
static uint32_t crc_difference(const struct cm_change *change, uint32_t at, uint32_t end, uint32_t n_behind)
{
    static const uint8_t zeros[64];
    uint8_t difference[64];
    uint32_t crc = UINT32_MAX; /* stands for a state of 0: the function inverts on the way in and out */

    while (at < end) {
        uint32_t n = least(end - at, sizeof(difference));

        for (uint32_t i = 0; i < n; i++)
            difference[i] = change->bytes[at + i] ^ change->old[old_place(change, at + i)];
        crc = cm_wire_crc32c(difference, n, crc);
        at += n;
    }
    if (crc == UINT32_MAX)
        return 0;
    for (; n_behind > 0; n_behind -= least(n_behind, sizeof(zeros)))
        crc = cm_wire_crc32c(zeros, least(n_behind, sizeof(zeros)), crc);
    return ~crc;
}

static void fix_sctp(struct cm_change *change, const struct cm_layer *layer)
{
    const struct cm_headers *headers = &layer->headers;
    const uint8_t *ip = change->bytes + headers->l3_offset;
    uint32_t at = headers->l4_offset, n = headers->l3_end - at, whole, crc;
    uint8_t field[4];

    if (is_complete(change, layer)) {
        if (n < 12)
            return;
        cm_store_u32_as(field, cm_wire_checksum_sctp(change->bytes + at, n), false);
        cm_change_put(change, at + 8, field, 4);
        return;
    }
    if (change->changed_end <= at || memcmp(change->bytes + at, change->old + old_place(change, at),
                                            least(change->changed_end - at, n)) == 0)
        return;
    whole = headers->ip_version == 4 ? cm_load_be16(ip + 2) : cm_load_be16(ip + 4) + 40u;
    if (n < 12) /* the field was not captured */
        return;
    if (headers->flags & CM_HEADERS_FRAGMENT || headers->l3_offset + whole < headers->l3_end) {
        cm_change_reason(change, CM_REASON_CHECKSUM); /* nobody knows how much is behind */
        return;
    }
    whole -= at - headers->l3_offset;
    crc = cm_load_le32(change->bytes + at + 8) ^
          crc_difference(change, at, least(headers->l3_end, change->changed_end),
                         whole - (least(headers->l3_end, change->changed_end) - at));
    cm_store_u32_as(field, crc, false);
    cm_change_put(change, at + 8, field, 4);
}

/* --- the others --- */

/* RFC 2784: the sum, where there is one, covers header and payload. */
static void fix_gre(struct cm_change *change, const struct cm_layer *layer)
{
    uint32_t at = layer->headers.l4_offset, n = layer->headers.l3_end - at;

    if (n < 8 || (cm_load_be16(change->bytes + at) & 0x8007) != 0x8000 || change->changed_end <= at)
        return;
    cm_change_put16(change, at + 4, update(change, layer, false, at, layer->headers.l3_end, at + 4));
}

static void fix_summed(struct cm_change *change, const struct cm_layer *layer, unsigned field)
{
    const struct cm_headers *headers = &layer->headers;
    uint8_t protocol = headers->protocol;
    uint32_t at = headers->l4_offset, n = headers->l3_end - at;
    bool complete = is_complete(change, layer), pseudo = protocol != CM_PROTOCOL_ICMP;
    uint16_t checksum;

    if (n < field + 2) {
        /* the sum is in a fragment that is not told from others */
        if (headers->flags & CM_HEADERS_FRAGMENT && !(headers->flags & CM_HEADERS_CUT) &&
            change->changed_end != 0)
            cm_change_reason(change, CM_REASON_CHECKSUM);
        return;
    }
    if (protocol == CM_PROTOCOL_UDP) {
        uint32_t length = cm_load_be16(change->bytes + at + 4);

        if (cm_load_be16(change->bytes + at + field) == 0) { /* none */
            if (headers->ip_version == 4)
                return;
            if (!complete) {
                if (change->growth > 0)
                    cm_change_reason(change, CM_REASON_CHECKSUM);
                return;
            }
        }
        if (length >= 8 && length <= n)
            n = length;
        else if (length != 0)
            complete = false; /* contradicts the network header */
    }
    if (complete) {
        uint32_t seed = 0;

        if (pseudo)
            seed = new_sum_of_addresses(change, layer) + protocol + (n >> 16) + (n & 0xffff);
        checksum = cm_wire_checksum_l4_seeded(seed, protocol, change->bytes + at, n);
    } else {
        if (change->changed_end == 0)
            return;
        checksum = update(change, layer, pseudo, at,
                          at + (uint32_t)cm_wire_coverage(protocol, change->bytes + at, n), at + field);
        if (checksum == 0 && (protocol == CM_PROTOCOL_UDP || protocol == CM_PROTOCOL_UDP_LITE))
            checksum = 0xffff;
    }
    cm_change_put16(change, at + field, checksum);
}

static void fix_transport(struct cm_change *change, const struct cm_layer *layer)
{
    const struct cm_headers *headers = &layer->headers;
    unsigned field = cm_wire_checksum_at(headers->protocol);

    if (headers->flags & CM_HEADERS_LATER_FRAGMENT || headers->l4_offset == CM_NO_OFFSET)
        return;
    if (CM_LIKELY(field != 0))
        fix_summed(change, layer, field);
    else if (headers->protocol == CM_PROTOCOL_SCTP)
        fix_sctp(change, layer);
    else if (headers->protocol == CM_PROTOCOL_GRE)
        fix_gre(change, layer);
}

static void fix_ipv4_header(struct cm_change *change, const struct cm_layer *layer)
{
    uint32_t at = layer->headers.l3_offset, n = (change->bytes[at] & 15u) * 4;
    uint16_t checksum;

    if (at + n <= layer->headers.l3_end)
        checksum = cm_wire_checksum_ipv4(change->bytes + at);
    else
        checksum = update(change, layer, false, at, layer->headers.l3_end, at + 10);
    cm_change_put16(change, at + 10, checksum);
}

void cm_change_checksums(struct cm_change *change)
{
    if (change->transform->checksums == CAPMILL_CHECKSUMS_KEEP) {
        if (change->growth < 0) /* a new header; there is no sum to keep */
            fix_ipv4_header(change, &change->layers[0]);
        return;
    }
    if (change->changed_end == 0 && change->transform->checksums != CAPMILL_CHECKSUMS_FIX)
        return;
    for (unsigned i = change->n_layers; i-- > 0;) {
        const struct cm_layer *layer = &change->layers[i];

        if (!(layer->headers.flags & CM_HEADERS_ADDRESSES))
            continue;
        fix_transport(change, layer);
        if (layer->headers.ip_version == 4)
            fix_ipv4_header(change, layer);
    }
}

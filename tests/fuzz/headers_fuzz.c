/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a packet of any link type: the first two bytes of the input choose it, the rest is the packet,
 * in memory of exactly its size so that the address sanitizer sees every read past it. */
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "fuzz/fuzz.h"
#include "wire/headers.h"
#include "wire/headers_int.h"

#define require(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            abort();                                                                                         \
    } while (0)

static void require_offset(uint16_t offset, uint32_t caplen)
{
    require(offset == CM_NO_OFFSET || offset <= caplen);
}

static void require_sound(const struct cm_headers *h, const uint8_t *data, uint32_t caplen)
{
    const uint8_t *source = cm_headers_source(h, data), *destination = cm_headers_destination(h, data);

    require_offset(h->l3_offset, caplen);
    require_offset(h->l4_offset, caplen);
    require_offset(h->payload_offset, caplen);
    require_offset(h->inner_offset, caplen);
    require(h->l4_offset == CM_NO_OFFSET || h->l3_offset <= h->l4_offset);
    require(h->payload_offset == CM_NO_OFFSET ||
            (h->l4_offset != CM_NO_OFFSET && h->l4_offset <= h->payload_offset));
    require(h->l3_end <= caplen);
    require((h->inner_kind == CM_INNER_NONE) == (h->inner_offset == CM_NO_OFFSET));
    require(h->n_tags <= CM_WALK_MAX_TAGS);
    require(h->ip_version == 0 || h->ip_version == 4 || h->ip_version == 6);
    require((source == NULL) == (destination == NULL));
    if (source != NULL) { /* read both through: they must lie within the packet */
        uint32_t n = h->ip_version == 4 ? 4 : 16, sum = 0;

        for (uint32_t i = 0; i < n; i++)
            sum += (uint32_t)(source[i] ^ destination[i]);
        require(sum <= n * 255);
    }
    if (h->flags & CM_HEADERS_PORTS)
        require(h->ip_version != 0 && h->l4_offset + 4u <= caplen &&
                cm_load_be16(data + h->l4_offset) == h->src_port &&
                cm_load_be16(data + h->l4_offset + 2) == h->dst_port);
    else
        require(h->src_port == 0 && h->dst_port == 0);
    if (h->flags & CM_HEADERS_TCP_FLAGS)
        require(data[h->l4_offset + 13] == h->tcp_flags);
    if (h->flags & CM_HEADERS_ICMP)
        require(data[h->l4_offset] == h->icmp_type && data[h->l4_offset + 1] == h->icmp_code);
    if (h->flags & CM_HEADERS_LATER_FRAGMENT)
        require(h->l4_offset == CM_NO_OFFSET && (h->flags & CM_HEADERS_FRAGMENT));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct cm_headers headers, again;
    uint16_t link_type;
    uint8_t *packet;
    uint32_t caplen, before = 0;

    if (n < 2 || n > 1u << 17)
        return 0;
    link_type = cm_load_be16(bytes);
    caplen = (uint32_t)(n - 2);
    packet = malloc(caplen + 1); /* one byte in front, for packets of none */
    if (packet == NULL)
        return 0;
    memcpy(packet + 1, bytes + 2, caplen);

    cm_wire_decode(link_type, packet + 1, caplen, &headers);
    require_sound(&headers, packet + 1, caplen);
    cm_wire_decode_general(link_type, packet + 1, caplen, &again);
    require(memcmp(&headers, &again, sizeof(headers)) == 0);
    for (int depth = 0; depth < 64 && cm_wire_decode_inner(packet + 1, caplen, &headers, &again); depth++) {
        require_sound(&again, packet + 1, caplen);
        require(headers.inner_offset >= before); /* never backwards */
        before = headers.inner_offset;
        headers = again;
    }
    cm_wire_decode_innermost(link_type, packet + 1, caplen, &headers);
    require_sound(&headers, packet + 1, caplen);
    free(packet);
    return 0;
}

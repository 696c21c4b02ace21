/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and hardware addresses within ICMP and ICMPv6 messages: redirects, advertisements, neighbour
 * discovery, multicast listeners. Packets that errors quote are layers of their own (layers.c). */
#include "transform/transform_int.h"

/* A range of the message, checked once for each field. */
struct message {
    struct cm_change *change;
    uint32_t at, end;
};

static bool has(const struct message *message, uint32_t offset, uint32_t n)
{
    return message->end - message->at >= offset && message->end - message->at - offset >= n;
}

static void ipv4_at(const struct message *message, uint32_t offset)
{
    if (has(message, offset, 4))
        cm_change_ipv4(message->change, message->at + offset);
    else
        cm_change_reason(message->change, CM_REASON_CUT);
}

static void ipv6_at(const struct message *message, uint32_t offset)
{
    if (has(message, offset, 16))
        cm_change_ipv6(message->change, message->at + offset);
    else
        cm_change_reason(message->change, CM_REASON_CUT);
}

static void change_icmpv4(const struct message *message, uint8_t type)
{
    const uint8_t *p = message->change->bytes + message->at;

    if (type == 5) { /* redirect: the better gateway */
        ipv4_at(message, 4);
    } else if (type == 9 && has(message, 0, 8)) { /* RFC 1256: addresses, each with a preference */
        uint32_t n = p[4], words = p[5];

        for (uint32_t i = 0; words > 0 && i < n && has(message, 8 + i * words * 4, 4); i++)
            ipv4_at(message, 8 + i * words * 4);
    }
}

/* Options of neighbour discovery from `offset` on: RFC 4861, section 4.6; RFC 8106, section 5.1. */
static void change_options(const struct message *message, uint32_t offset)
{
    while (has(message, offset, 8)) {
        const uint8_t *p = message->change->bytes + message->at + offset;
        uint32_t n = p[1] * 8u;

        if (n == 0)
            return;
        switch (p[0]) {
        case 1: /* link-layer address of the source, of the target; those of Ethernet */
        case 2:
            if (n == 8)
                cm_change_mac(message->change, message->at + offset + 2);
            break;
        case 3: /* prefix */
            if (n == 32)
                ipv6_at(message, offset + 16);
            break;
        case 25: /* name servers */
            for (uint32_t i = 8; i + 16 <= n; i += 16)
                ipv6_at(message, offset + i);
            break;
        default:
            break;
        }
        offset += n;
    }
}

/* RFC 3810, section 5.2: groups, each with sources and data of its own. */
static void change_listener_report(const struct message *message)
{
    const uint8_t *p = message->change->bytes + message->at;
    uint32_t n_records, offset = 8;

    if (!has(message, 0, 8))
        return;
    n_records = cm_load_be16(p + 6);
    for (uint32_t i = 0; i < n_records && has(message, offset, 20); i++) {
        uint32_t n_sources = cm_load_be16(p + offset + 2), n_data = p[offset + 1] * 4u;

        ipv6_at(message, offset + 4);
        offset += 20;
        for (uint32_t j = 0; j < n_sources && has(message, offset, 16); j++, offset += 16)
            ipv6_at(message, offset);
        offset += n_data;
    }
}

static void change_icmpv6(const struct message *message, uint8_t type)
{
    switch (type) {
    case 130: /* multicast listeners: query, report, done (RFC 2710); a query may name sources (RFC 3810) */
        ipv6_at(message, 8);
        if (has(message, 24, 4)) {
            uint32_t n = cm_load_be16(message->change->bytes + message->at + 26);

            for (uint32_t i = 0; i < n && has(message, 28 + i * 16, 16); i++)
                ipv6_at(message, 28 + i * 16);
        }
        break;
    case 131:
    case 132:
        ipv6_at(message, 8);
        break;
    case 133: /* router solicitation */
        change_options(message, 8);
        break;
    case 134: /* router advertisement */
        change_options(message, 16);
        break;
    case 135: /* neighbour solicitation, advertisement */
    case 136:
        ipv6_at(message, 8);
        change_options(message, 24);
        break;
    case 137: /* redirect: target and destination */
        ipv6_at(message, 8);
        ipv6_at(message, 24);
        change_options(message, 40);
        break;
    case 143:
        change_listener_report(message);
        break;
    default:
        break;
    }
}

void cm_change_icmp(struct cm_change *change, const struct cm_layer *layer)
{
    const struct cm_headers *headers = &layer->headers;
    struct message message = {change, headers->l4_offset, headers->l3_end};

    if (message.at > message.end ||
        (!change->transform->changes_addresses && change->transform->macs == NULL))
        return;
    if (headers->protocol == CM_PROTOCOL_ICMP)
        change_icmpv4(&message, headers->icmp_type);
    else
        change_icmpv6(&message, headers->icmp_type);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* How much payload stays, by rules of protocol and port. Headers are never cut, those inside tunnels neither,
 * and what they say of lengths stays as it was on the wire. */
#include <stdlib.h>

#include "base/quantity.h"
#include "transform/transform_int.h"
#include "wire/names.h"

/* --- rules --- */

static enum capmill_status parse_bytes(const struct capmill_word *word, uint64_t *bytes_ret,
                                       struct cm_error *error)
{
    struct cm_text_fault fault;

    if (!cm_size_parse(word->value, bytes_ret, &fault))
        return cm_wish_refuse_at(word, "size", word->value, &fault, error);
    return CAPMILL_OK;
}

static enum capmill_status parse_protocol(const struct capmill_word *word, uint8_t *protocol_ret,
                                          struct cm_error *error)
{
    struct cm_text_fault fault;

    if (!cm_wire_protocol_parse(word->value, strlen(word->value), protocol_ret, &fault))
        return cm_wish_refuse_at(word, "protocol", word->value, &fault, error);
    return CAPMILL_OK;
}

static enum capmill_status parse_ports(const struct capmill_word *word, struct cm_truncate_rule *rule,
                                       struct cm_error *error)
{
    struct cm_text_fault fault;

    if (!cm_wire_ports_parse(word->value, strlen(word->value), &rule->first_port, &rule->last_port, &fault))
        return cm_wish_refuse_at(word, "port", word->value, &fault, error);
    return CAPMILL_OK;
}

static enum capmill_status parse_rule(const struct cm_transform_options *options,
                                      const struct capmill_truncate_rule *wish, struct cm_truncate_rule *rule,
                                      struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    rule->any_protocol = wish->protocol.value == NULL;
    rule->any_port = wish->port.value == NULL;
    if (wish->max_payload_bytes.value == NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%s: a rule of truncation needs max_payload_bytes, how much payload stays",
                            cm_transform_origin(wish->origin));
    status = parse_bytes(&wish->max_payload_bytes, &rule->max_payload_bytes, error);
    if (status == CAPMILL_OK && !rule->any_protocol)
        status = parse_protocol(&wish->protocol, &rule->protocol, error);
    if (status == CAPMILL_OK && !rule->any_port)
        status = parse_ports(&wish->port, rule, error);
    if (status == CAPMILL_OK && !rule->any_protocol && !rule->any_port && !cm_wire_has_ports(rule->protocol))
        cm_wish_warn(options, &(struct capmill_word){wish->protocol.value, wish->origin},
                     "can match nothing: this protocol has no ports");
    return status;
}

enum capmill_status cm_truncation_create(const struct cm_transform_options *options,
                                         struct cm_truncation *truncation_ret, struct cm_error *error)
{
    const struct capmill_transform *wishes = options->wishes;
    struct cm_truncation truncation = {.max_payload_bytes = CM_TRUNCATE_NEVER};
    enum capmill_status status = CAPMILL_OK;
    bool all_matched = false;

    if (wishes->max_payload_bytes.value != NULL)
        status = parse_bytes(&wishes->max_payload_bytes, &truncation.max_payload_bytes, error);
    if (status == CAPMILL_OK && wishes->n_truncate > 0) {
        truncation.rules = calloc(wishes->n_truncate, sizeof(*truncation.rules));
        if (truncation.rules == NULL)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for rules of truncation");
    }
    for (size_t i = 0; i < wishes->n_truncate && status == CAPMILL_OK; i++) {
        struct cm_truncate_rule *rule = &truncation.rules[i];

        status = parse_rule(options, &wishes->truncate[i], rule, error);
        if (status != CAPMILL_OK)
            break;
        truncation.n_rules++;
        if (all_matched)
            cm_wish_warn(options, &(struct capmill_word){.origin = wishes->truncate[i].origin},
                         "has no effect: a rule before it matches every packet");
        all_matched |= rule->any_protocol && rule->any_port;
    }
    if (status == CAPMILL_OK && all_matched && wishes->max_payload_bytes.value != NULL)
        cm_wish_warn(options, &wishes->max_payload_bytes,
                     "has no effect: a rule of truncation matches every packet");
    if (status != CAPMILL_OK) {
        free(truncation.rules);
        truncation = (struct cm_truncation){.max_payload_bytes = CM_TRUNCATE_NEVER};
    }
    *truncation_ret = truncation;
    return status;
}

/* --- packets --- */

/* Behind the IPv6 header, its extension headers and the fragment header of a fragment after the first. */
static uint32_t fragment_payload(const struct cm_change *change, const struct cm_headers *headers)
{
    uint32_t at = headers->l3_offset + 40u;
    uint8_t protocol = change->old[headers->l3_offset + 6];

    while (at + 8 <= headers->l3_end) {
        const uint8_t *p = change->old + at;

        if (protocol == CM_PROTOCOL_FRAGMENT)
            return at + 8;
        at += protocol == CM_PROTOCOL_AH ? (p[1] + 2u) * 4 : (p[1] + 1u) * 8;
        protocol = p[0];
    }
    return headers->l3_end;
}

/* Where payload begins: behind the last header that is known. CM_NO_PLACE: the packet is kept whole. */
static uint32_t payload_place(const struct cm_change *change, const struct cm_headers *headers)
{
    if (headers->ip_version == 0 || !(headers->flags & CM_HEADERS_ADDRESSES))
        return CM_NO_PLACE;
    if (headers->payload_offset != CM_NO_OFFSET)
        return headers->payload_offset;
    if (headers->flags & CM_HEADERS_CUT)
        return CM_NO_PLACE;
    if (headers->flags & CM_HEADERS_LATER_FRAGMENT)
        return headers->ip_version == 6 ? fragment_payload(change, headers)
                                        : headers->l3_offset + (change->old[headers->l3_offset] & 15u) * 4;
    return headers->l4_offset != CM_NO_OFFSET ? headers->l4_offset : CM_NO_PLACE;
}

static uint64_t limit_of(const struct cm_transform *transform, const struct cm_headers *headers)
{
    const struct cm_truncation *truncation = &transform->truncation;
    bool has_port = headers->flags & CM_HEADERS_PORTS;
    uint16_t ports[2] = {headers->src_port, headers->dst_port};

    if (transform->ports != NULL && truncation->n_rules > 0 && has_port)
        for (unsigned i = 0; i < 2; i++) /* ports are changed before truncation */
            ports[i] = cm_port_map_find(transform->ports, headers->protocol, ports[i]);
    for (size_t i = 0; i < truncation->n_rules; i++) {
        const struct cm_truncate_rule *rule = &truncation->rules[i];

        if (!rule->any_protocol && rule->protocol != headers->protocol)
            continue;
        if (rule->any_port || (has_port && ((ports[0] >= rule->first_port && ports[0] <= rule->last_port) ||
                                            (ports[1] >= rule->first_port && ports[1] <= rule->last_port))))
            return rule->max_payload_bytes;
    }
    return truncation->max_payload_bytes;
}

void cm_truncate_plan(struct cm_change *change)
{
    const struct cm_headers *headers;
    uint32_t payload_at;
    uint64_t limit;
    unsigned i = change->n_layers;

    while (i > 1 && change->layers[i - 1].quoted)
        i--;
    headers = &change->layers[i - 1].headers;
    payload_at = payload_place(change, headers);
    if (payload_at == CM_NO_PLACE || payload_at >= headers->l3_end)
        return;
    limit = limit_of(change->transform, headers);
    if (limit < headers->l3_end - payload_at)
        change->kept = (uint32_t)((int32_t)(payload_at + (uint32_t)limit) + change->growth);
}

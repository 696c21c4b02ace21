/* SPDX-License-Identifier: Apache-2.0 */
/* Ports and what they become, by protocol: one table of all ports for each protocol that a rule names. */
#include <stdlib.h>

#include "transform/transform_int.h"
#include "wire/names.h"

#define N_PORTS     65536
#define N_PROTOCOLS CM_WIRE_PORT_PROTOCOLS

struct cm_port_map {
    uint16_t *ports[N_PROTOCOLS]; /* NULL: all stay */
};

struct rule {
    const struct capmill_word *word;
    int protocol; /* index; -1: all */
    uint16_t first, last, to;
};

static enum capmill_status parse_range(const struct capmill_word *word, const char *text, size_t n,
                                       uint16_t *first_ret, uint16_t *last_ret, struct cm_error *error)
{
    struct cm_text_fault fault;

    if (!cm_wire_ports_parse(text, n, first_ret, last_ret, &fault))
        return cm_wish_refuse_at(word, "rule", text, &fault, error);
    return CAPMILL_OK;
}

static enum capmill_status parse_protocol(const struct capmill_word *word, const char *text, size_t n,
                                          int *protocol_ret, struct cm_error *error)
{
    uint8_t protocol;

    if (cm_wire_protocol_parse(text, n, &protocol, NULL) && cm_wire_port_protocol_index(protocol) >= 0) {
        *protocol_ret = cm_wire_port_protocol_index(protocol);
        return CAPMILL_OK;
    }
    return cm_wish_refuse(
        word, error, "is no rule: %.*s has no ports that are known; expected tcp, udp, sctp, dccp or udplite",
        (int)n, text);
}

static enum capmill_status parse_rule(const struct capmill_word *word, struct rule *rule,
                                      struct cm_error *error)
{
    struct cm_wish_sides sides;
    enum capmill_status status = cm_wish_split(word, "80=8080 or tcp:1000-1999=2000-2999", &sides, error);
    const char *colon;
    uint16_t to_last = 0;

    if (status != CAPMILL_OK)
        return status;
    *rule = (struct rule){.word = word, .protocol = -1};
    colon = memchr(sides.left, ':', sides.n_left);
    if (colon != NULL) {
        size_t n = (size_t)(colon - sides.left);

        status = parse_protocol(word, sides.left, n, &rule->protocol, error);
        sides.left += n + 1;
        sides.n_left -= n + 1;
    }
    if (status == CAPMILL_OK)
        status = parse_range(word, sides.left, sides.n_left, &rule->first, &rule->last, error);
    if (status == CAPMILL_OK)
        status = parse_range(word, sides.right, sides.n_right, &rule->to, &to_last, error);
    if (status == CAPMILL_OK && to_last - rule->to != rule->last - rule->first)
        return cm_wish_refuse(word, error,
                              "is no rule: %d ports cannot become %d; both ranges must be as long",
                              rule->last - rule->first + 1, to_last - rule->to + 1);
    return status;
}

static enum capmill_status add(struct cm_port_map *map, uint16_t (*owners)[N_PORTS], const struct rule *rules,
                               size_t n, struct cm_error *error)
{
    const struct rule *rule = &rules[n];

    for (int i = 0; i < N_PROTOCOLS; i++) {
        if (rule->protocol >= 0 && rule->protocol != i)
            continue;
        if (map->ports[i] == NULL) {
            map->ports[i] = malloc(N_PORTS * sizeof(uint16_t));
            if (map->ports[i] == NULL)
                return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for port rules");
            for (unsigned port = 0; port < N_PORTS; port++)
                map->ports[i][port] = (uint16_t)port;
        }
        for (unsigned port = rule->first; port <= rule->last; port++) {
            if (owners[i][port] != 0)
                return cm_wish_refuse(rule->word, error, "replaces %s port %u, as does '%.200s' before it",
                                      cm_wire_protocol_name(cm_wire_port_protocols[i]), port,
                                      rules[owners[i][port] - 1].word->value);
            owners[i][port] = (uint16_t)(n + 1);
            map->ports[i][port] = (uint16_t)(port - rule->first + rule->to);
        }
    }
    return CAPMILL_OK;
}

enum capmill_status cm_port_map_create(const struct capmill_word *words, size_t n,
                                       const struct cm_transform_options *options,
                                       struct cm_port_map **map_ret, struct cm_error *error)
{
    struct cm_port_map *map = NULL;
    struct rule *rules = NULL;
    uint16_t(*owners)[N_PORTS] = NULL; /* which rule, from 1, replaces a port */
    enum capmill_status status = CAPMILL_OK;
    size_t n_effective = 0;

    *map_ret = NULL;
    if (n == 0)
        return CAPMILL_OK;
    if (n >= N_PORTS)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s: more rules than there are ports",
                            cm_transform_origin(words[0].origin));
    map = calloc(1, sizeof(*map));
    rules = calloc(n, sizeof(*rules));
    owners = calloc(N_PROTOCOLS, sizeof(*owners));
    if (map == NULL || rules == NULL || owners == NULL) {
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for port rules");
        goto cleanup;
    }
    for (size_t i = 0; i < n && status == CAPMILL_OK; i++) {
        status = parse_rule(&words[i], &rules[i], error);
        if (status == CAPMILL_OK)
            status = add(map, owners, rules, i, error);
        if (status != CAPMILL_OK)
            break;
        if (rules[i].first == rules[i].to)
            cm_wish_warn(options, &words[i], "has no effect");
        else
            n_effective++;
    }
    if (status == CAPMILL_OK && n_effective > 0) {
        *map_ret = map;
        map = NULL;
    }
cleanup:
    cm_port_map_destroy(map);
    free(rules);
    free(owners);
    return status;
}

void cm_port_map_destroy(struct cm_port_map *map)
{
    if (map == NULL)
        return;
    for (int i = 0; i < N_PROTOCOLS; i++)
        free(map->ports[i]);
    free(map);
}

uint16_t cm_port_map_find(const struct cm_port_map *map, uint8_t protocol, uint16_t port)
{
    int i = cm_wire_port_protocol_index(protocol);

    return i < 0 || map->ports[i] == NULL ? port : map->ports[i][port];
}

void cm_change_ports(struct cm_change *change)
{
    const struct cm_port_map *map = change->transform->ports;

    if (map == NULL)
        return;
    for (unsigned i = 0; i < change->n_layers; i++) {
        const struct cm_headers *headers = &change->layers[i].headers;

        if (headers->flags & CM_HEADERS_PORTS) {
            cm_change_put16(change, headers->l4_offset,
                            cm_port_map_find(map, headers->protocol, headers->src_port));
            cm_change_put16(change, headers->l4_offset + 2u,
                            cm_port_map_find(map, headers->protocol, headers->dst_port));
        } else if (headers->flags & CM_HEADERS_CUT && cm_wire_port_protocol_index(headers->protocol) >= 0 &&
                   headers->ip_version != 0) {
            cm_change_reason(change, CM_REASON_CUT);
        }
    }
}

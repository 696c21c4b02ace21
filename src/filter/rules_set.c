/* SPDX-License-Identifier: Apache-2.0 */
/* Building sets of values from the words of rules, and comparing them for the warnings. */
#include "filter/rules_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/address_parse.h"
#include "base/checked.h"
#include "base/endian.h"
#include "base/grow.h"
#include "filter/values.h"
#include "wire/names.h"

#define PORT_WORDS (65536 / 64)

/* --- refusing --- */

/* By field: where a rule that came without an origin stands, and what its values are. */
static const struct {
    const char *name, *noun;
} fields[CAPMILL_FILTER_FIELDS + 1] = {
    [CAPMILL_FILTER_PROTO] = {"proto", "protocol"},
    [CAPMILL_FILTER_SRC_IP] = {"src_ip", "address"},
    [CAPMILL_FILTER_DST_IP] = {"dst_ip", "address"},
    [CAPMILL_FILTER_IP] = {"ip", "address"},
    [CAPMILL_FILTER_SRC_PORT] = {"src_port", "port"},
    [CAPMILL_FILTER_DST_PORT] = {"dst_port", "port"},
    [CAPMILL_FILTER_PORT] = {"port", "port"},
    [CAPMILL_FILTER_FLOW_ID] = {"flow_id", "flow id"},
    [CAPMILL_FILTER_FROM] = {"from", "time"},
    [CAPMILL_FILTER_TO] = {"to", "time"},
    [CAPMILL_FILTER_TCP_FLAGS] = {"tcp_flags", "set of TCP flags"},
    [CAPMILL_FILTER_MIN_LEN] = {"min_len", "length"},
    [CAPMILL_FILTER_MAX_LEN] = {"max_len", "length"},
    [CAPMILL_FILTER_PAYLOAD_BYTES] = {"payload_bytes", "sequence of bytes"},
    [CAPMILL_FILTER_PAYLOAD_REGEX] = {"payload_regex", "pattern"},
    [CAPMILL_FILTER_EXPRESSION] = {"expression", "expression"},
};

const char *cm_rules_origin(const struct capmill_filter_rule *rule)
{
    if (rule->origin != NULL)
        return rule->origin;
    return rule->field >= 1 && rule->field <= CAPMILL_FILTER_FIELDS ? fields[rule->field].name : "filter";
}

/* A value is shown to this length; columns count from 1. */
#define SHOWN_BYTES 200

static enum capmill_status refuse(const struct capmill_filter_rule *rule, const char *text, size_t n,
                                  const struct cm_text_fault *fault, struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s: '%.*s' is no %s: %s at column %zu",
                        cm_rules_origin(rule), (int)(n < SHOWN_BYTES ? n : SHOWN_BYTES), text,
                        fields[rule->field].noun, fault->what, fault->at + 1);
}

static enum capmill_status no_memory(struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for the rules of the filter");
}

/* --- adding --- */

static bool add_range4(struct cm_rules_set *set, const struct cm_prefix *prefix)
{
    const uint32_t first = cm_load_be32(prefix->address.bytes);
    const uint32_t hosts = prefix->n_bits == 32 ? 0 : UINT32_MAX >> prefix->n_bits;

    if (!CM_GROW(set->ranges4, set->room4, set->n_ranges4 + 1, 4))
        return false;
    set->ranges4[set->n_ranges4++] = (struct cm_rules_range4){first, first | hosts};
    return true;
}

static bool add_range6(struct cm_rules_set *set, const struct cm_prefix *prefix)
{
    const cm_rules_u128 first =
        (cm_rules_u128)cm_load_be64(prefix->address.bytes) << 64 | cm_load_be64(prefix->address.bytes + 8);
    const cm_rules_u128 hosts = prefix->n_bits == 128 ? 0 : ~(cm_rules_u128)0 >> prefix->n_bits;

    if (!CM_GROW(set->ranges6, set->room6, set->n_ranges6 + 1, 4))
        return false;
    set->ranges6[set->n_ranges6++] = (struct cm_rules_range6){first, first | hosts};
    return true;
}

static enum capmill_status add_address(struct cm_rules_set *set, const struct capmill_filter_rule *rule,
                                       const char *text, size_t n, struct cm_error *error)
{
    struct cm_text_fault fault;
    struct cm_prefix prefix;

    if (!cm_prefix_parse(text, n, &prefix, &fault)) {
        char meant[CM_PREFIX_TEXT_BYTES];

        if (fault.what != cm_prefix_beyond)
            return refuse(rule, text, n, &fault, error);
        cm_prefix_text(&prefix, meant);
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%s: '%.*s' has bits set beyond its prefix: %s is the prefix",
                            cm_rules_origin(rule), (int)n, text, meant);
    }
    if (!(prefix.address.version == 4 ? add_range4(set, &prefix) : add_range6(set, &prefix)))
        return no_memory(error);
    return CAPMILL_OK;
}

static enum capmill_status add_protocol(struct cm_rules_set *set, const struct capmill_filter_rule *rule,
                                        const char *text, size_t n, struct cm_error *error)
{
    struct cm_value_protocol protocol;
    struct cm_text_fault fault;

    if (!cm_value_protocol(text, n, &protocol, &fault))
        return refuse(rule, text, n, &fault, error);
    if (set->table == NULL && (set->table = calloc(CM_RULES_ROWS, 256)) == NULL)
        return no_memory(error);
    switch (protocol.kind) {
    case CM_VALUE_PROTOCOL:
        set->table[CM_RULES_ROW_IPV4 * 256 + protocol.number] = 1;
        set->table[CM_RULES_ROW_IPV6 * 256 + protocol.number] = 1;
        break;
    case CM_VALUE_ARP:
        set->table[CM_RULES_ROW_OTHER * 256 + CM_RULES_COLUMN_ARP] = 1;
        break;
    case CM_VALUE_IPV4:
        memset(set->table + CM_RULES_ROW_IPV4 * 256, 1, 256);
        break;
    case CM_VALUE_IPV6:
        memset(set->table + CM_RULES_ROW_IPV6 * 256, 1, 256);
        break;
    }
    return CAPMILL_OK;
}

static enum capmill_status add_ports(struct cm_rules_set *set, const struct capmill_filter_rule *rule,
                                     const char *text, size_t n, struct cm_error *error)
{
    struct cm_text_fault fault;
    uint16_t first, last;

    if (!cm_wire_ports_parse(text, n, &first, &last, &fault))
        return refuse(rule, text, n, &fault, error);
    if (set->ports == NULL && (set->ports = calloc(PORT_WORDS, sizeof(*set->ports))) == NULL)
        return no_memory(error);
    for (unsigned port = first; port <= last; port++)
        set->ports[port >> 6] |= UINT64_C(1) << (port & 63);
    return CAPMILL_OK;
}

static enum capmill_status add_id(struct cm_rules_set *set, const struct capmill_filter_rule *rule,
                                  const char *text, size_t n, struct cm_error *error)
{
    struct cm_text_fault fault;
    uint64_t id;

    if (!cm_value_flow_id(text, n, &id, &fault))
        return refuse(rule, text, n, &fault, error);
    if (!CM_GROW(set->ids, set->room_ids, set->n_ids + 1, 4))
        return no_memory(error);
    set->ids[set->n_ids++] = id;
    return CAPMILL_OK;
}

static enum capmill_status add_tcp_flags(struct cm_rules_set *set, const struct capmill_filter_rule *rule,
                                         const char *text, size_t n, struct cm_error *error)
{
    struct cm_value_tcp_flags flags;
    struct cm_text_fault fault;

    if (!cm_value_tcp_flags(text, n, &flags, &fault))
        return refuse(rule, text, n, &fault, error);
    if (set->table == NULL && (set->table = calloc(1, 256)) == NULL)
        return no_memory(error);
    for (unsigned i = 0; i < 256; i++)
        set->table[i] |= cm_value_tcp_flags_match(&flags, (uint8_t)i);
    return CAPMILL_OK;
}

static enum capmill_status add_bound(struct cm_rules_set *set, const struct capmill_filter_rule *rule,
                                     const char *text, size_t n, struct cm_error *error)
{
    const bool is_time = rule->field == CAPMILL_FILTER_FROM || rule->field == CAPMILL_FILTER_TO;
    const bool is_least = rule->field == CAPMILL_FILTER_FROM || rule->field == CAPMILL_FILTER_MIN_LEN;
    struct cm_text_fault fault;
    uint64_t bound;

    if (!(is_time ? cm_value_time(text, n, &bound, &set->was_number, &fault)
                  : cm_value_length(text, n, &bound, &fault)))
        return refuse(rule, text, n, &fault, error);
    /* any of several: the widest */
    if (set->bound_rule == NULL || (is_least ? bound < set->bound : bound > set->bound)) {
        set->bound = bound;
        set->bound_rule = rule;
    }
    return CAPMILL_OK;
}

static enum capmill_status add_one(struct cm_rules_set *set, const struct capmill_filter_rule *rule,
                                   const char *text, size_t n, struct cm_error *error)
{
    switch (rule->field) {
    case CAPMILL_FILTER_PROTO:
        return add_protocol(set, rule, text, n, error);
    case CAPMILL_FILTER_SRC_IP:
    case CAPMILL_FILTER_DST_IP:
    case CAPMILL_FILTER_IP:
        return add_address(set, rule, text, n, error);
    case CAPMILL_FILTER_SRC_PORT:
    case CAPMILL_FILTER_DST_PORT:
    case CAPMILL_FILTER_PORT:
        return add_ports(set, rule, text, n, error);
    case CAPMILL_FILTER_FLOW_ID:
        return add_id(set, rule, text, n, error);
    case CAPMILL_FILTER_TCP_FLAGS:
        return add_tcp_flags(set, rule, text, n, error);
    case CAPMILL_FILTER_FROM:
    case CAPMILL_FILTER_TO:
    case CAPMILL_FILTER_MIN_LEN:
    case CAPMILL_FILTER_MAX_LEN:
        return add_bound(set, rule, text, n, error);
    case CAPMILL_FILTER_PAYLOAD_BYTES:
    case CAPMILL_FILTER_PAYLOAD_REGEX:
    case CAPMILL_FILTER_EXPRESSION:
        break;
    }
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s: there is no such kind of rule (%d)",
                        cm_rules_origin(rule), (int)rule->field);
}

/* Bounds are one value, not a list. */
static bool is_list(enum capmill_filter_field field)
{
    return field != CAPMILL_FILTER_FROM && field != CAPMILL_FILTER_TO && field != CAPMILL_FILTER_MIN_LEN &&
           field != CAPMILL_FILTER_MAX_LEN;
}

enum capmill_status cm_rules_set_add(struct cm_rules_set *set, const struct capmill_filter_rule *rule,
                                     struct cm_error *error)
{
    const char *list = rule->value == NULL ? "" : rule->value, *text;
    enum capmill_status status = CAPMILL_OK;
    size_t at = 0, n;

    set->field = rule->field;
    if (!is_list(rule->field))
        return add_one(set, rule, list, strlen(list), error);
    while (status == CAPMILL_OK && cm_value_next(list, &at, &text, &n))
        status = add_one(set, rule, text, n, error);
    return status;
}

/* --- sealing --- */

static int compare4(const void *left, const void *right)
{
    const struct cm_rules_range4 *a = left, *b = right;

    return (a->first > b->first) - (a->first < b->first);
}

static int compare6(const void *left, const void *right)
{
    const struct cm_rules_range6 *a = left, *b = right;

    return (a->first > b->first) - (a->first < b->first);
}

static int compare_ids(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

static void unite4(struct cm_rules_set *set)
{
    size_t n = 0;

    qsort(set->ranges4, set->n_ranges4, sizeof(*set->ranges4), compare4);
    for (size_t i = 0; i < set->n_ranges4; i++) {
        const struct cm_rules_range4 range = set->ranges4[i];

        /* also where one begins right after the other */
        if (n > 0 && (uint64_t)range.first <= (uint64_t)set->ranges4[n - 1].last + 1) {
            if (range.last > set->ranges4[n - 1].last)
                set->ranges4[n - 1].last = range.last;
        } else {
            set->ranges4[n++] = range;
        }
    }
    set->n_ranges4 = n;
}

static void unite6(struct cm_rules_set *set)
{
    size_t n = 0;

    qsort(set->ranges6, set->n_ranges6, sizeof(*set->ranges6), compare6);
    for (size_t i = 0; i < set->n_ranges6; i++) {
        const struct cm_rules_range6 range = set->ranges6[i];

        if (n > 0 &&
            (range.first <= set->ranges6[n - 1].last || range.first - 1 == set->ranges6[n - 1].last)) {
            if (range.last > set->ranges6[n - 1].last)
                set->ranges6[n - 1].last = range.last;
        } else {
            set->ranges6[n++] = range;
        }
    }
    set->n_ranges6 = n;
}

static void seal_ports(struct cm_rules_set *set)
{
    uint32_t n = 0;

    set->first_port = UINT16_MAX;
    set->last_port = 0;
    for (uint32_t port = 0; port <= UINT16_MAX; port++) {
        if (!cm_rules_set_has_port(set, (uint16_t)port))
            continue;
        n++;
        set->last_port = (uint16_t)port;
        if (port < set->first_port)
            set->first_port = (uint16_t)port;
    }
    set->one_range = n == (uint32_t)set->last_port - set->first_port + 1;
}

void cm_rules_set_seal(struct cm_rules_set *set)
{
    if (set->n_ranges4 > 0)
        unite4(set);
    if (set->n_ranges6 > 0)
        unite6(set);
    if (set->n_ids > 0)
        qsort(set->ids, set->n_ids, sizeof(*set->ids), compare_ids);
    if (set->ports != NULL)
        seal_ports(set);
}

void cm_rules_set_fini(struct cm_rules_set *set)
{
    free(set->table);
    free(set->ports);
    free(set->ranges4);
    free(set->ranges6);
    free(set->ids);
    memset(set, 0, sizeof(*set));
}

/* --- comparing --- */

static bool covers_ranges(const struct cm_rules_set *outer, const struct cm_rules_set *inner)
{
    /* ranges of a sealed set are apart, so that one of them must hold the whole */
    for (size_t i = 0; i < inner->n_ranges4; i++) {
        const struct cm_rules_range4 range = inner->ranges4[i];
        bool held = false;

        for (size_t k = 0; k < outer->n_ranges4 && !held; k++)
            held = outer->ranges4[k].first <= range.first && range.last <= outer->ranges4[k].last;
        if (!held)
            return false;
    }
    for (size_t i = 0; i < inner->n_ranges6; i++) {
        const struct cm_rules_range6 range = inner->ranges6[i];
        bool held = false;

        for (size_t k = 0; k < outer->n_ranges6 && !held; k++)
            held = outer->ranges6[k].first <= range.first && range.last <= outer->ranges6[k].last;
        if (!held)
            return false;
    }
    return true;
}

bool cm_rules_set_covers(const struct cm_rules_set *outer, const struct cm_rules_set *inner)
{
    switch (inner->field) {
    case CAPMILL_FILTER_PROTO:
    case CAPMILL_FILTER_TCP_FLAGS:
        for (size_t i = 0; i < (inner->field == CAPMILL_FILTER_PROTO ? CM_RULES_ROWS * 256u : 256u); i++)
            if (inner->table[i] > outer->table[i])
                return false;
        return true;
    case CAPMILL_FILTER_SRC_PORT:
    case CAPMILL_FILTER_DST_PORT:
    case CAPMILL_FILTER_PORT:
        for (size_t i = 0; i < PORT_WORDS; i++)
            if ((inner->ports[i] & ~outer->ports[i]) != 0)
                return false;
        return true;
    case CAPMILL_FILTER_SRC_IP:
    case CAPMILL_FILTER_DST_IP:
    case CAPMILL_FILTER_IP:
        return covers_ranges(outer, inner);
    case CAPMILL_FILTER_FLOW_ID:
        for (size_t i = 0; i < inner->n_ids; i++)
            if (!cm_rules_set_has_id(outer, inner->ids[i]))
                return false;
        return true;
    case CAPMILL_FILTER_FROM:
    case CAPMILL_FILTER_MIN_LEN:
        return outer->bound <= inner->bound;
    case CAPMILL_FILTER_TO:
    case CAPMILL_FILTER_MAX_LEN:
        return outer->bound >= inner->bound;
    default:
        return false;
    }
}

static bool ranges_meet(const struct cm_rules_set *a, const struct cm_rules_set *b)
{
    for (size_t i = 0; i < a->n_ranges4; i++)
        for (size_t k = 0; k < b->n_ranges4; k++)
            if (a->ranges4[i].first <= b->ranges4[k].last && b->ranges4[k].first <= a->ranges4[i].last)
                return true;
    for (size_t i = 0; i < a->n_ranges6; i++)
        for (size_t k = 0; k < b->n_ranges6; k++)
            if (a->ranges6[i].first <= b->ranges6[k].last && b->ranges6[k].first <= a->ranges6[i].last)
                return true;
    /* a short IPv6 prefix holds mapped addresses, which IPv4 prefixes match too */
    return (a->n_ranges4 > 0 && b->n_ranges6 > 0) || (a->n_ranges6 > 0 && b->n_ranges4 > 0);
}

bool cm_rules_set_meets(const struct cm_rules_set *a, const struct cm_rules_set *b)
{
    switch (a->field) {
    case CAPMILL_FILTER_PROTO:
    case CAPMILL_FILTER_TCP_FLAGS:
        for (size_t i = 0; i < (a->field == CAPMILL_FILTER_PROTO ? CM_RULES_ROWS * 256u : 256u); i++)
            if (a->table[i] & b->table[i])
                return true;
        return false;
    case CAPMILL_FILTER_SRC_PORT:
    case CAPMILL_FILTER_DST_PORT:
    case CAPMILL_FILTER_PORT:
        for (size_t i = 0; i < PORT_WORDS; i++)
            if ((a->ports[i] & b->ports[i]) != 0)
                return true;
        return false;
    case CAPMILL_FILTER_SRC_IP:
    case CAPMILL_FILTER_DST_IP:
    case CAPMILL_FILTER_IP:
        return ranges_meet(a, b);
    case CAPMILL_FILTER_FLOW_ID:
        for (size_t i = 0; i < a->n_ids; i++)
            if (cm_rules_set_has_id(b, a->ids[i]))
                return true;
        return false;
    default: /* two half-lines of one kind always do */
        return true;
    }
}

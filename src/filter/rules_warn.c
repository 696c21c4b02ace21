/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings about rules that are valid and yet cannot be meant: what can match nothing, what has no effect,
 * seconds in place of milliseconds. Only what is simply decided within one group; silence proves nothing. */
#include <inttypes.h>
#include <stdio.h>

#include "base/time_text.h"
#include "filter/rules_tree.h"
#include "wire/headers.h"
#include "wire/numbers.h"

/* 10^11 ms are in 1973; as seconds they would be in the year 5138. */
#define LEAST_LIKELY_NS (UINT64_C(100000000000) * 1000000)

static void tell(const struct cm_rules_options *options, const struct capmill_filter_rule *rule,
                 const char *what)
{
    char text[512];

    snprintf(text, sizeof(text), "%s: '%.200s' %s", cm_rules_origin(rule),
             rule->value == NULL ? "" : rule->value, what);
    options->warn(options->warn_context, text);
}

static bool has_protocol_with_ports(const struct cm_rules_set *protocols)
{
    for (unsigned protocol = 0; protocol <= UINT8_MAX; protocol++)
        if (cm_wire_has_ports((uint8_t)protocol) && (protocols->table[CM_RULES_ROW_IPV4 * 256 + protocol] ||
                                                     protocols->table[CM_RULES_ROW_IPV6 * 256 + protocol]))
            return true;
    return false;
}

static bool has_ip(const struct cm_rules_set *protocols)
{
    for (unsigned i = 256 * CM_RULES_ROW_IPV4; i < 256 * CM_RULES_ROWS; i++)
        if (protocols->table[i])
            return true;
    return false;
}

/* What the protocols asked for make impossible, or NULL. */
static const char *clash_with_protocols(enum capmill_filter_field field, const struct cm_rules_set *protocols)
{
    switch (field) {
    case CAPMILL_FILTER_SRC_PORT:
    case CAPMILL_FILTER_DST_PORT:
    case CAPMILL_FILTER_PORT:
        return has_protocol_with_ports(protocols)
                   ? NULL
                   : "can match nothing: the protocols asked for beside it have no ports";
    case CAPMILL_FILTER_TCP_FLAGS:
        return protocols->table[CM_RULES_ROW_IPV4 * 256 + CM_PROTOCOL_TCP] ||
                       protocols->table[CM_RULES_ROW_IPV6 * 256 + CM_PROTOCOL_TCP]
                   ? NULL
                   : "can match nothing: TCP is not among the protocols asked for beside it";
    case CAPMILL_FILTER_SRC_IP:
    case CAPMILL_FILTER_DST_IP:
    case CAPMILL_FILTER_IP:
    case CAPMILL_FILTER_FLOW_ID:
        return has_ip(protocols) ? NULL
                                 : "can match nothing: the packets asked for beside it have no IP addresses";
    default:
        return NULL;
    }
}

/* Fields of which a packet has one value, so that two sets apart have nothing to do with each other. */
static bool is_single(enum capmill_filter_field field)
{
    return field == CAPMILL_FILTER_PROTO || field == CAPMILL_FILTER_SRC_IP ||
           field == CAPMILL_FILTER_DST_IP || field == CAPMILL_FILTER_SRC_PORT ||
           field == CAPMILL_FILTER_DST_PORT || field == CAPMILL_FILTER_FLOW_ID ||
           field == CAPMILL_FILTER_TCP_FLAGS;
}

/* Whether the half-line of a bound holds everything, or nothing. */
static bool is_everything(const struct cm_rules_set *set)
{
    if (set->field == CAPMILL_FILTER_FROM || set->field == CAPMILL_FILTER_MIN_LEN)
        return set->bound == 0;
    return set->field == CAPMILL_FILTER_MAX_LEN && set->bound >= UINT32_MAX;
}

static bool is_nothing(const struct cm_rules_set *set)
{
    return (set->field == CAPMILL_FILTER_TO && set->bound == 0) ||
           (set->field == CAPMILL_FILTER_MIN_LEN && set->bound > UINT32_MAX);
}

static bool is_bound(enum capmill_filter_field field)
{
    return field == CAPMILL_FILTER_FROM || field == CAPMILL_FILTER_TO || field == CAPMILL_FILTER_MIN_LEN ||
           field == CAPMILL_FILTER_MAX_LEN;
}

static void warn_of_seconds(const struct cm_rules_options *options, const struct capmill_filter_rule *rule,
                            const struct cm_rules_set *own)
{
    char text[160], time[CM_TIME_TEXT_BYTES];

    if (!own->was_number || own->bound == 0 || own->bound >= LEAST_LIKELY_NS)
        return;
    snprintf(text, sizeof(text), "is %s, read as milliseconds since 1970: is it in seconds?",
             cm_time_text(own->bound, time));
    tell(options, rule, text);
}

/* What is wrong with a rule whose own values are `own`, or NULL. */
static const char *fault_of(const struct capmill_filter_rule *rule, const struct capmill_filter_group *group,
                            const struct cm_rules_set *own, struct cm_rules_set sets[][2])
{
    const struct cm_rules_set *asked = &sets[rule->field][0], *excluded = &sets[rule->field][1];
    const struct cm_rules_set *protocols = &sets[CAPMILL_FILTER_PROTO][0];

    if (is_bound(rule->field) && is_everything(own))
        return rule->negate ? "excludes everything" : "has no effect: every packet matches it";
    if (is_bound(rule->field) && is_nothing(own))
        return rule->negate ? "has no effect: no packet matches it" : "can match nothing";
    if (!rule->negate && excluded->field != 0 && cm_rules_set_covers(excluded, own))
        return "can match nothing: all of it is excluded";
    if (rule->negate && asked->field != 0 && is_single(rule->field) && !cm_rules_set_meets(asked, own))
        return "has no effect: nothing of it is asked for";
    if (!rule->negate && protocols->field != 0 && group->op != CAPMILL_FILTER_OR)
        return clash_with_protocols(rule->field, protocols);
    return NULL;
}

void cm_rules_warn(const struct cm_rules_options *options, const struct capmill_filter_group *group,
                   struct cm_rules_set sets[CAPMILL_FILTER_FIELDS + 1][2])
{
    for (size_t i = 0; i < group->n_rules; i++) {
        const struct capmill_filter_rule *rule = &group->rules[i];
        struct cm_rules_set own = {0};
        struct cm_error ignored = {0};
        const char *fault;

        if (sets[rule->field][rule->negate].field == 0) /* payload, expressions */
            continue;
        if (cm_rules_set_add(&own, rule, &ignored) == CAPMILL_OK) { /* else memory ran out */
            cm_rules_set_seal(&own);
            warn_of_seconds(options, rule, &own);
            fault = fault_of(rule, group, &own, sets);
            if (fault != NULL)
                tell(options, rule, fault);
        }
        cm_rules_set_fini(&own);
    }
}

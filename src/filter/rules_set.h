/* SPDX-License-Identifier: Apache-2.0 */
/* The values of some rules of one type, united into one set that is quickly asked. Which packets are asked
 * about: rules_tree.h. For files of this room only. Sealed sets are read-only, any thread. */
#ifndef CM_FILTER_RULES_SET_H
#define CM_FILTER_RULES_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "capmill/rules.h"

__extension__ typedef unsigned __int128 cm_rules_u128;

struct cm_rules_range4 {
    uint32_t first, last;
};
struct cm_rules_range6 {
    cm_rules_u128 first, last;
};

/* Rows of a table of protocols. */
enum { CM_RULES_ROW_OTHER = 0, CM_RULES_ROW_IPV4, CM_RULES_ROW_IPV6, CM_RULES_ROWS };
#define CM_RULES_COLUMN_ARP 1u /* of CM_RULES_ROW_OTHER; 0 is everything else that is no IP */

/* Zeroed: empty. */
struct cm_rules_set {
    enum capmill_filter_field field; /* 0: no rule was added */
    /* FROM and MIN_LEN: the least of all; TO and MAX_LEN: the greatest */
    uint64_t bound;
    const struct capmill_filter_rule *bound_rule; /* that it is from; borrowed from the caller's rules */
    bool was_number;                              /* the last time added: epoch milliseconds */
    uint8_t *table;                               /* PROTO: CM_RULES_ROWS of 256. TCP_FLAGS: 256. 0 or 1 */
    uint64_t *ports;                              /* 65536 bits */
    uint16_t first_port, last_port;               /* least and greatest */
    bool one_range;                               /* and all between them */
    struct cm_rules_range4 *ranges4;              /* sealed: ascending, apart */
    struct cm_rules_range6 *ranges6;
    uint64_t *ids; /* sealed: ascending */
    size_t n_ranges4, n_ranges6, n_ids;
    size_t room4, room6, room_ids;
};

/* The refusal that begins with where the rule stands. */
const char *cm_rules_origin(const struct capmill_filter_rule *rule);

/* Add the values of a rule; all of a set are of one field, and neither payload nor expression.
 * CAPMILL_E_USAGE says which value is wrong, where and why. */
enum capmill_status cm_rules_set_add(struct cm_rules_set *set, const struct capmill_filter_rule *rule,
                                     struct cm_error *error);
/* Once, after the last was added. */
void cm_rules_set_seal(struct cm_rules_set *set);
void cm_rules_set_fini(struct cm_rules_set *set);

/* Whether all that `inner` holds is in `outer`, and whether they have something in common. Sealed sets of one
 * field. */
bool cm_rules_set_covers(const struct cm_rules_set *outer, const struct cm_rules_set *inner);
bool cm_rules_set_meets(const struct cm_rules_set *a, const struct cm_rules_set *b);

/* --- questions, of sealed sets --- */

/* The last range that begins at or before the value is the only one that can hold it. */
static inline bool cm_rules_set_has4(const struct cm_rules_set *set, uint32_t address)
{
    const struct cm_rules_range4 *range = set->ranges4;

    if (set->n_ranges4 == 0)
        return false;
    for (size_t n = set->n_ranges4; n > 1;) {
        const size_t half = n / 2;

        range += range[half].first <= address ? half : 0;
        n -= half;
    }
    return address >= range->first && address <= range->last;
}

static inline bool cm_rules_set_has6(const struct cm_rules_set *set, cm_rules_u128 address)
{
    const struct cm_rules_range6 *range = set->ranges6;

    if (set->n_ranges6 == 0)
        return false;
    for (size_t n = set->n_ranges6; n > 1;) {
        const size_t half = n / 2;

        range += range[half].first <= address ? half : 0;
        n -= half;
    }
    return address >= range->first && address <= range->last;
}

static inline bool cm_rules_set_has_port(const struct cm_rules_set *set, uint16_t port)
{
    return set->ports[port >> 6] >> (port & 63) & 1;
}

static inline bool cm_rules_set_has_id(const struct cm_rules_set *set, uint64_t id)
{
    const uint64_t *at = set->ids;

    if (set->n_ids == 0)
        return false;
    for (size_t n = set->n_ids; n > 1;) {
        const size_t half = n / 2;

        at += at[half] <= id ? half : 0;
        n -= half;
    }
    return *at == id;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* HyperLogLog: an estimate of how many distinct values there were, in 16 KiB. The standard error is 0.81 %
 * (1.04 / 128): two of three estimates are within it, 99.7 % within 2.4 %. Small numbers are far more exact.
 * Whoever makes a capture can skew it, since the hashes are public so that every run answers the same. One
 * thread at a time. */
#ifndef CM_FLOW_CARDINALITY_H
#define CM_FLOW_CARDINALITY_H

#include <stdint.h>

/* 2^14 registers: the smallest size whose standard error is below the 1 % that `--approximate` promises. */
#define CM_CARDINALITY_BITS      14u
#define CM_CARDINALITY_REGISTERS (1u << CM_CARDINALITY_BITS)

/* Zeroed memory has seen nothing. */
struct cm_cardinality {
    uint8_t registers[CM_CARDINALITY_REGISTERS];
};

/* See a value by its hash, of which all 64 bits must be well spread. */
static inline void cm_cardinality_add(struct cm_cardinality *cardinality, uint64_t hash)
{
    uint8_t *at = &cardinality->registers[hash >> (64 - CM_CARDINALITY_BITS)];
    /* the sentinel bit ends the count where all other bits are 0: ranks are 1 to 51 */
    uint64_t rest = hash << CM_CARDINALITY_BITS | UINT64_C(1) << (CM_CARDINALITY_BITS - 1);
    uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);

    if (rank > *at)
        *at = rank;
}

void cm_cardinality_merge(struct cm_cardinality *into, const struct cm_cardinality *from);
uint64_t cm_cardinality_estimate(const struct cm_cardinality *cardinality);

#endif

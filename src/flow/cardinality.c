/* SPDX-License-Identifier: Apache-2.0 */
/* The estimate of HyperLogLog by O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches"
 * (2017), algorithm 6: one formula for all sizes, without the bias and the table of corrections of the first
 * one. */
#include "flow/cardinality.h"

#include <stddef.h>

/* Ranks end at 64 - BITS + 1; a register that saw only such a hash holds RANKS + 1. */
#define RANKS (64 - CM_CARDINALITY_BITS)

void cm_cardinality_merge(struct cm_cardinality *into, const struct cm_cardinality *from)
{
    for (size_t i = 0; i < CM_CARDINALITY_REGISTERS; i++)
        if (from->registers[i] > into->registers[i])
            into->registers[i] = from->registers[i];
}

static double magnitude(double x)
{
    return x < 0 ? -x : x;
}

/* Square root by Newton's method: saves the mathematics library for one call per estimate. */
static double square_root(double x)
{
    double root = x > 1 ? x : 1;

    if (x <= 0)
        return 0;
    for (int i = 0; i < 100; i++) {
        double better = (root + x / root) / 2;

        if (magnitude(better - root) <= 1e-16 * root)
            break;
        root = better;
    }
    return root;
}

/* Sum over k of x^(2^k) 2^(k-1), plus x; for registers that saw nothing. x < 1. */
static double sigma(double x)
{
    double power = x, factor = 1, sum = x, before;

    do {
        before = sum;
        power *= power;
        sum += power * factor;
        factor *= 2;
    } while (sum != before);
    return sum;
}

/* (1 - x - sum over k >= 1 of (1 - x^(2^-k))^2 2^-k) / 3; for registers at their end. 0 <= x <= 1. */
static double tau(double x)
{
    double factor = 1, sum = 1 - x, before;

    if (x <= 0 || x >= 1)
        return 0;
    do {
        before = sum;
        x = square_root(x);
        factor /= 2;
        sum -= (1 - x) * (1 - x) * factor;
    } while (sum != before);
    return sum / 3;
}

uint64_t cm_cardinality_estimate(const struct cm_cardinality *cardinality)
{
    const double m = CM_CARDINALITY_REGISTERS;
    const double alpha = 0.7213475204444817; /* 1 / (2 ln 2) */
    size_t counts[RANKS + 2] = {0};
    double sum;

    for (size_t i = 0; i < CM_CARDINALITY_REGISTERS; i++)
        counts[cardinality->registers[i]]++;
    if (counts[0] == CM_CARDINALITY_REGISTERS)
        return 0;
    sum = m * tau(1 - (double)counts[RANKS + 1] / m);
    for (size_t rank = RANKS; rank >= 1; rank--)
        sum = (sum + (double)counts[rank]) / 2;
    sum += m * sigma((double)counts[0] / m);
    if (sum < 1e-9) /* no traffic comes here, but made-up hashes do: all registers at their end */
        return UINT64_MAX;
    return (uint64_t)(alpha * m * m / sum + 0.5);
}

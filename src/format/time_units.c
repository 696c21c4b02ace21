/* SPDX-License-Identifier: Apache-2.0 */
/* Ticks of a capture's clock to nanoseconds since 1970. Not for showing times, nor for writing them. */
#include "format/interfaces.h"

#define NS_PER_S 1000000000u

/* 10^19 is the greatest power of ten in 64 bits. */
#define MAX_DECIMAL_EXPONENT 19

static uint64_t power_of_ten(unsigned exponent)
{
    uint64_t power = 1;

    while (exponent-- > 0)
        power *= 10;
    return power;
}

/* Whole seconds and the nanoseconds beyond them, rounded down. */
static uint64_t split_ticks(const struct cm_time_units *units, uint64_t ticks, uint64_t *subsecond_ns_ret)
{
    uint64_t per_second;
    uint64_t rest;

    if (units->binary) {
        if (units->exponent < 64) {
            rest = units->exponent == 0 ? 0 : ticks & (UINT64_MAX >> (64 - units->exponent));
            *subsecond_ns_ret = (uint64_t)(((unsigned __int128)rest * NS_PER_S) >> units->exponent);
            return units->exponent == 0 ? ticks : ticks >> units->exponent;
        }
        /* less than a second in all; beyond 2^-127 the option cannot say */
        *subsecond_ns_ret =
            units->exponent < 128 ? (uint64_t)(((unsigned __int128)ticks * NS_PER_S) >> units->exponent) : 0;
        return 0;
    }
    if (units->exponent > MAX_DECIMAL_EXPONENT) {
        unsigned beyond_ns = units->exponent - 9u;

        *subsecond_ns_ret = beyond_ns > MAX_DECIMAL_EXPONENT ? 0 : ticks / power_of_ten(beyond_ns);
        return 0;
    }
    per_second = power_of_ten(units->exponent);
    rest = ticks % per_second;
    *subsecond_ns_ret = units->exponent <= 9 ? rest * power_of_ten(9u - units->exponent)
                                             : rest / power_of_ten(units->exponent - 9u);
    return ticks / per_second;
}

uint64_t cm_time_to_ns(const struct cm_time_units *units, uint64_t ticks, bool *saturated_ret)
{
    uint64_t subsecond_ns;
    /* at most 2^64 ticks of a second and an offset of 2^63 seconds: 128 bits hold every sum */
    __int128 ns = (__int128)split_ticks(units, ticks, &subsecond_ns) + units->offset_s;

    ns = ns * NS_PER_S + (__int128)subsecond_ns;
    *saturated_ret = ns < 0 || ns > (__int128)UINT64_MAX;
    if (ns < 0)
        return 0;
    return ns > (__int128)UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

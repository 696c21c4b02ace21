/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers from a seed, for the randomised tests of sort/. */
#ifndef CM_TESTS_DRAWN_H
#define CM_TESTS_DRAWN_H

#include <stdint.h>

static inline uint64_t drawn(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* A number from..to. */
static inline uint64_t drawn_in(uint64_t *seed, uint64_t from, uint64_t to)
{
    return from + drawn(seed) % (to - from + 1);
}

#endif

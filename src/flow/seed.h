/* SPDX-License-Identifier: Apache-2.0 */
/* The secret that the tables of a run place their keys by (key_set.h says why), and the arithmetic it is used
 * in. */
#ifndef CM_FLOW_SEED_H
#define CM_FLOW_SEED_H

#include <stdint.h>

struct cm_flow_seed {
    uint64_t words[6];
};

/* A seed that the maker of a capture cannot know. Not for cryptography: it is mixed from clocks and
 * addresses, which is enough against input that was made before the run. */
void cm_flow_seed_make(struct cm_flow_seed *seed_ret);

__extension__ typedef unsigned __int128 cm_flow_u128;

static inline cm_flow_u128 cm_flow_product(uint64_t a, uint64_t b)
{
    return (cm_flow_u128)a * b;
}

/* 128 bits to 64 of which the top ones are the best: after the product with an odd constant each depends on
 * all bits below it. */
static inline uint64_t cm_flow_fold(cm_flow_u128 sum)
{
    return ((uint64_t)sum ^ (uint64_t)(sum >> 64)) * UINT64_C(0x9e3779b97f4a7c15);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* How often each of N flows is met: rank k with a weight of k^-s (Zipf), drawn in constant time from memory
 * that does not grow with N. */
#ifndef CM_SYNTH_POPULARITY_H
#define CM_SYNTH_POPULARITY_H

#include <stdint.h>

#include "base/error.h"

/* Ranks first..first+width-1, taken as equally likely. */
struct cm_synth_popularity_stratum {
    uint32_t threshold; /* of the alias table: stay here below it */
    uint32_t alias;     /* go there otherwise */
    uint32_t first;
    uint32_t width;
};

struct cm_synth_popularity {
    uint32_t n_strata;
    struct cm_synth_popularity_stratum *strata;
};

/* `n` ranks (> 0), exponent in thousandths. */
enum capmill_status cm_synth_popularity_init(struct cm_synth_popularity *popularity, uint32_t n,
                                             uint32_t thousandths, struct cm_error *error);
void cm_synth_popularity_fini(struct cm_synth_popularity *popularity);

/* A rank from 0 to n-1 from 64 random bits: the upper half picks the stratum (its place in the table, and the
 * coin), the lower half the rank inside. */
static inline uint32_t cm_synth_popularity_draw(const struct cm_synth_popularity *popularity, uint64_t bits)
{
    uint64_t product = (bits >> 32) * popularity->n_strata;
    uint32_t index = (uint32_t)(product >> 32);
    const struct cm_synth_popularity_stratum *stratum = &popularity->strata[index];
    uint32_t go = 0u - ((uint32_t)product >= stratum->threshold); /* no branch: nobody can foretell it */

    stratum = &popularity->strata[index ^ ((index ^ stratum->alias) & go)];
    return stratum->first + (uint32_t)(((bits & UINT32_MAX) * stratum->width) >> 32);
}

#endif

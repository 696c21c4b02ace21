/* SPDX-License-Identifier: Apache-2.0 */
/* Ranks are met as often as Zipf's law says, within what a million draws can show. */
#include "synth/popularity.h"

#include <math.h>
#include <stdlib.h>

#include "synth/draw.h"
#include "unit/check.h"

#define N_DRAWS 1000000

/* Compare how often ranks from..to-1 were drawn with the law; five standard deviations, and what taking a
 * stratum's ranks as alike may add. */
static void check_share(const uint32_t *counts, uint32_t n, double exponent, uint32_t from, uint32_t to)
{
    double all = 0, part = 0, expected, seen = 0;

    for (uint32_t k = 0; k < n; k++) {
        double weight = pow(k + 1, -exponent);

        all += weight;
        part += k >= from && k < to ? weight : 0;
    }
    for (uint32_t k = from; k < to; k++)
        seen += counts[k];
    expected = N_DRAWS * part / all;
    cm_check_that(fabs(seen - expected) < 5 * sqrt(expected) + 0.002 * expected + 1,
                  "%u ranks, exponent %g, ranks %u to %u: %g draws, expected %g", n, exponent, from, to, seen,
                  expected);
}

static void check_law(uint32_t n, uint32_t thousandths)
{
    struct cm_error error = {0};
    struct cm_synth_popularity popularity;
    uint32_t *counts = calloc(n, sizeof(*counts));
    uint32_t from = 0, width = 1;

    cm_check(counts != NULL);
    cm_check_eq(cm_synth_popularity_init(&popularity, n, thousandths, &error), CAPMILL_OK);
    for (uint64_t i = 0; i < N_DRAWS; i++) {
        uint32_t rank = cm_synth_popularity_draw(&popularity, cm_synth_draw(99, i));

        cm_check_that(rank < n, "rank %u of %u", rank, n);
        counts[rank]++;
    }
    for (; from < n; from += width, width *= 2)
        check_share(counts, n, thousandths / 1000.0, from, from + width < n ? from + width : n);
    cm_synth_popularity_fini(&popularity);
    free(counts);
}

CM_TEST(popularity, follows_the_law)
{
    check_law(1, 1000);
    check_law(2, 1000);
    check_law(10, 500);
    check_law(1000, 1000);
    check_law(100000, 800);
    check_law(1000000, 1000);
    check_law(1000000, 1300);
    check_law(5000, 4000);
}

CM_TEST(popularity, exponent_zero_is_uniform)
{
    check_law(1, 0);
    check_law(7, 0);
    check_law(100000, 0);
}

CM_TEST(popularity, strata_cover_every_rank_once_and_stay_few)
{
    static const uint32_t sizes[] = {1, 511, 512, 513, 1000, 123456789, 134217728};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct cm_synth_popularity popularity;
        uint32_t next = 0;

        cm_check_eq(cm_synth_popularity_init(&popularity, sizes[i], 1000, NULL), CAPMILL_OK);
        for (uint32_t s = 0; s < popularity.n_strata; s++) {
            cm_check_eq(popularity.strata[s].first, next);
            cm_check(popularity.strata[s].width > 0);
            cm_check(popularity.strata[s].alias < popularity.n_strata);
            next += popularity.strata[s].width;
        }
        cm_check_eq(next, sizes[i]);
        cm_check(popularity.n_strata < 1000);
        cm_check(cm_synth_popularity_draw(&popularity, UINT64_MAX) < sizes[i]);
        cm_check(cm_synth_popularity_draw(&popularity, 0) < sizes[i]);
        cm_synth_popularity_fini(&popularity);
    }
}

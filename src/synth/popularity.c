/* SPDX-License-Identifier: Apache-2.0 */
/* Popularity of flows: an alias table over strata of ranks. The first ranks stand alone; after them each
 * stratum is 1/32 wider than its ranks are high, so that weights inside one differ by about 3 % of the
 * exponent and even a hundred million ranks take some hundred strata. Rejection sampling would need no table,
 * but logarithms for every packet.
 *
 * The same recipe must give the same bytes on every machine, and logarithms of C libraries differ in the last
 * bit; those here use only sums, products and quotients, which IEEE 754 rounds alike everywhere (the build
 * forbids fusing them). */
#include "synth/popularity.h"

#include <stdbool.h>
#include <stdlib.h>

#define SINGLE_RANKS 512
#define WIDTH_SHARE  32

#define LN2 0.693147180559945309417

/* Natural logarithm of x >= 1: x = m * 2^e with m in [1, 2), ln m = 2 artanh((m - 1) / (m + 1)). */
static double natural_log(double x)
{
    double z, z2, term, sum = 0.0;
    int e = 0;

    for (; x >= 2.0; e++)
        x *= 0.5;
    z = (x - 1.0) / (x + 1.0);
    z2 = z * z;
    term = z;
    for (int k = 1; k < 40; k += 2) {
        sum += term / k;
        term *= z2;
    }
    return e * LN2 + 2.0 * sum;
}

/* e^-x for x >= 0: halved until small, a power series, then squared back. */
static double exp_minus(double x)
{
    double term = 1.0, sum = 1.0;
    int halvings = 0;

    for (; x > 0.5; halvings++)
        x *= 0.5;
    for (int k = 1; k < 18; k++) {
        term *= -x / k;
        sum += term;
    }
    for (; halvings > 0; halvings--)
        sum *= sum;
    return sum;
}

static uint32_t stratum_width(uint32_t first, uint32_t n, bool uniform)
{
    uint32_t width = uniform ? n : first < SINGLE_RANKS ? 1 : first / WIDTH_SHARE;

    return width < n - first ? width : n - first;
}

/* Weight of a stratum: its ranks times the weight of the middle one (ranks count from 1 in the formula). */
static double stratum_weight(uint32_t first, uint32_t width, double exponent)
{
    double middle = (double)first + 1.0 + ((double)width - 1.0) * 0.5;

    return (double)width * exp_minus(exponent * natural_log(middle));
}

/* Vose's method. `heights`: each stratum's weight over the mean weight; `stack`: room for n numbers, small
 * ones from the left, large ones from the right. */
static void build_alias(struct cm_synth_popularity_stratum *strata, uint32_t n, double *heights,
                        uint32_t *stack)
{
    uint32_t n_small = 0, large = n;

    for (uint32_t i = 0; i < n; i++) {
        if (heights[i] < 1.0)
            stack[n_small++] = i;
        else
            stack[--large] = i;
    }
    while (n_small > 0 && large < n) {
        uint32_t s = stack[--n_small], l = stack[large];

        strata[s].threshold = (uint32_t)(heights[s] * 4294967296.0);
        strata[s].alias = l;
        heights[l] -= 1.0 - heights[s];
        if (heights[l] < 1.0) {
            large++;
            stack[n_small++] = l;
        }
    }
    /* What is left is full but for rounding: it stays at home either way. */
    for (; n_small > 0; n_small--)
        strata[stack[n_small - 1]].alias = stack[n_small - 1];
    for (; large < n; large++)
        strata[stack[large]].alias = stack[large];
}

enum capmill_status cm_synth_popularity_init(struct cm_synth_popularity *popularity, uint32_t n,
                                             uint32_t thousandths, struct cm_error *error)
{
    bool uniform = thousandths == 0;
    double exponent = (double)thousandths / 1000.0, sum = 0.0;
    enum capmill_status status = CAPMILL_OK;
    double *heights = NULL;
    uint32_t *stack = NULL;
    uint32_t count = 0;

    for (uint32_t first = 0; first < n; first += stratum_width(first, n, uniform))
        count++;
    popularity->n_strata = count;
    popularity->strata = calloc(count, sizeof(*popularity->strata));
    heights = calloc(count, sizeof(*heights));
    stack = calloc(count, sizeof(*stack));
    if (popularity->strata == NULL || heights == NULL || stack == NULL) {
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the popularity of %u flows", n);
        goto cleanup;
    }
    for (uint32_t i = 0, first = 0; i < count; first += popularity->strata[i++].width) {
        popularity->strata[i].first = first;
        popularity->strata[i].width = stratum_width(first, n, uniform);
        heights[i] = stratum_weight(first, popularity->strata[i].width, exponent);
        sum += heights[i];
    }
    for (uint32_t i = 0; i < count; i++)
        heights[i] = heights[i] / sum * count;
    build_alias(popularity->strata, count, heights, stack);
cleanup:
    free(heights);
    free(stack);
    if (status < 0)
        cm_synth_popularity_fini(popularity);
    return status;
}

void cm_synth_popularity_fini(struct cm_synth_popularity *popularity)
{
    free(popularity->strata);
    popularity->strata = NULL;
    popularity->n_strata = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Flows differ: no two share both addresses, however many there are. */
#include "synth/endpoints.h"

#include <stdbool.h>
#include <stdlib.h>

#include "unit/check.h"

static int compare(const void *a, const void *b)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x < y ? -1 : x > y;
}

/* `n` flows from `first` on, in a space made for n_flows. */
static void check_unique(uint64_t n_flows, uint64_t first, uint32_t n)
{
    struct cm_synth_endpoint_space space = cm_synth_endpoint_space(1, n_flows);
    uint64_t *pairs = malloc(n * sizeof(*pairs));

    cm_check(pairs != NULL);
    for (uint32_t i = 0; i < n; i++) {
        struct cm_synth_endpoints ends = cm_synth_endpoints(&space, first + i, i & 1);

        cm_check(ends.client < 1u << 24 && ends.server < 1u << 20 && ends.client_port >= 32768);
        cm_check(ends.vlan >= 1 && ends.vlan < 4095 && ends.vlan_outer < 4095);
        pairs[i] = (uint64_t)ends.client << 32 | ends.server;
    }
    qsort(pairs, n, sizeof(*pairs), compare);
    for (uint32_t i = 1; i < n; i++)
        cm_check_that(pairs[i] != pairs[i - 1], "two of %" PRIu64 " flows share their addresses", n_flows);
    free(pairs);
}

CM_TEST(endpoints, address_pairs_are_unique)
{
    check_unique(1, 0, 1);
    check_unique(9, 0, 9);
    check_unique(1000, 0, 1000);
    check_unique(1000000, 0, 1000000);
    check_unique(CM_SYNTH_MAX_FLOWS, CM_SYNTH_MAX_FLOWS - 1000000, 1000000);
}

CM_TEST(endpoints, scatter_is_a_bijection)
{
    uint8_t *seen = calloc(1u << 21, 1);
    bool fresh = true;

    cm_check(seen != NULL);
    for (uint32_t i = 0; i < 1u << 24; i++) {
        uint32_t to = cm_synth_endpoint_scatter(i);

        fresh = fresh && to < 1u << 24 && !(seen[to >> 3] & 1 << (to & 7));
        seen[(to & 0xffffff) >> 3] |= (uint8_t)(1 << (to & 7));
    }
    cm_check(fresh);
    free(seen);
}

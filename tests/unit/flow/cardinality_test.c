/* SPDX-License-Identifier: Apache-2.0 */
/* Estimates lie within the error that the documentation promises, at every size. */
#include "flow/cardinality.h"

#include <stdlib.h>

#include "flow/flow_id.h"
#include "unit/check.h"

CM_TEST(cardinality, estimates_are_within_three_standard_errors)
{
    static const uint64_t sizes[] = {0, 1, 2, 10, 100, 1000, 10000, 40000, 100000, 1000000};
    struct cm_cardinality *cardinality = malloc(sizeof(*cardinality));

    cm_check(cardinality != NULL);
    for (uint64_t offset = 0; offset < 3; offset++)
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            uint64_t estimate, n = sizes[i], off;

            memset(cardinality, 0, sizeof(*cardinality));
            for (unsigned twice = 0; twice < 2; twice++)
                for (uint64_t value = 0; value < n; value++)
                    cm_cardinality_add(cardinality, cm_flow_address_hash(offset, value));
            estimate = cm_cardinality_estimate(cardinality);
            off = estimate > n ? estimate - n : n - estimate;
            cm_check_that(off * 1000 <= n * 25, "%" PRIu64 " of %" PRIu64, estimate, n);
        }
    free(cardinality);
}

CM_TEST(cardinality, merging_equals_seeing_both)
{
    struct cm_cardinality *parts = calloc(3, sizeof(*parts));

    cm_check(parts != NULL);
    for (uint64_t value = 0; value < 30000; value++) {
        cm_cardinality_add(&parts[value % 2], cm_flow_address_hash(value, 1));
        cm_cardinality_add(&parts[2], cm_flow_address_hash(value, 1));
    }
    cm_cardinality_merge(&parts[0], &parts[1]);
    cm_check_mem(&parts[0], &parts[2], sizeof(parts[0]));
    free(parts);
}

CM_TEST(cardinality, extreme_hashes_do_not_break_it)
{
    struct cm_cardinality *cardinality = calloc(1, sizeof(*cardinality));
    uint64_t estimate;

    cm_check(cardinality != NULL);
    for (uint64_t at = 0; at < CM_CARDINALITY_REGISTERS; at++)
        cm_cardinality_add(cardinality, at << (64 - CM_CARDINALITY_BITS)); /* the greatest rank everywhere */
    estimate = cm_cardinality_estimate(cardinality);
    cm_check(estimate > UINT64_C(1) << 50);
    free(cardinality);
}

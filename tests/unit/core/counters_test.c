/* SPDX-License-Identifier: Apache-2.0 */
/* What threads count apart adds up. */
#include "core/counters.h"

#include "unit/check.h"

CM_TEST(counters, add_up_over_threads)
{
    struct cm_stage_counters counters[2] = {0};
    struct cm_stage_totals totals = {0};

    cm_counter_add(&counters[0].busy_ns, 30);
    cm_counter_add(&counters[0].waiting_ns, 40);
    cm_counter_add(&counters[0].busy_ns, 1);
    cm_stage_counters_did(&counters[0], 512, 300000);
    cm_counter_add(&counters[1].waiting_ns, 5);
    cm_stage_counters_did(&counters[1], 1, 60);
    cm_stage_counters_sum(&counters[0], &totals);
    cm_stage_counters_sum(&counters[1], &totals);
    cm_check_eq(totals.busy_ns, 31);
    cm_check_eq(totals.waiting_ns, 45);
    cm_check_eq(totals.n_items, 513);
    cm_check_eq(totals.n_bytes, 300060);
}

CM_TEST(counters, threads_do_not_share_cache_lines)
{
    struct cm_stage_counters counters[2] = {0};

    cm_check_eq(sizeof(counters[0]) % 128, 0);
    cm_check_eq((uintptr_t)&counters[1] % 128, 0);
}

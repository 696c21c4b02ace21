/* SPDX-License-Identifier: Apache-2.0 */
/* Laps add up to the whole time, split into working and waiting. */
#include "core/counters.h"

#include "unit/check.h"

CM_TEST(counters, laps_split_the_time)
{
    struct cm_stage_counters counters[2] = {0};
    struct cm_stage_totals totals = {0};

    cm_stage_counters_begin(&counters[0], 100);
    cm_stage_counters_was_busy(&counters[0], 130);
    cm_stage_counters_was_waiting(&counters[0], 170);
    cm_stage_counters_was_busy(&counters[0], 171);
    cm_stage_counters_did(&counters[0], 512, 300000);
    cm_stage_counters_begin(&counters[1], 1000);
    cm_stage_counters_was_waiting(&counters[1], 1005);
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

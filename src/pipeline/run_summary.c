/* SPDX-License-Identifier: Apache-2.0 */
/* `info` and `stats`: one pass over each input, or over all of them, into a summary. */
#include <string.h>

#include "flow/seed.h"
#include "pipeline/pass_over.h"

static void reset_summary(void *context)
{
    cm_summary_reset(context);
}

/* Inputs [first, end) into `summary`. */
static enum capmill_status pass_into(struct capmill_run *run, uint32_t first, uint32_t end,
                                     struct cm_summary *summary, struct cm_error *error)
{
    struct cm_operators operators;

    cm_operators_make(run, true, run->flow_sizes != NULL, &operators);
    return cm_run_pass_over(run, first, end, &operators, cm_summary_sink(summary), reset_summary, summary,
                            error);
}

enum capmill_status cm_run_summary(struct capmill_run *run, struct cm_error *error)
{
    struct cm_summary_options options = {
        .level = run->job.command == CAPMILL_STATS ? CM_SUMMARY_STATS : CM_SUMMARY_INFO,
        .unidirectional = run->job.unidirectional,
        .approximate = run->job.approximate,
        .memory_bytes = run->plan.memory_bytes,
        .temp_dir = run->job.temp_dir,
        .n_threads = run->plan.n_threads,
    };
    struct cm_summary *each = NULL;
    bool one_by_one = run->job.command == CAPMILL_INFO && run->inputs.n > 1;
    struct cm_flow_seed seed;
    enum capmill_status status;

    if (one_by_one) {
        /* what one capture found is united with the rest key by key: the same seed puts the keys in the same
         * order, and the two share the memory */
        cm_flow_seed_make(&seed);
        options.seed = &seed;
        options.memory_bytes /= 2;
    }
    status = cm_run_count_flows(run, error);
    if (status >= 0)
        status = cm_summary_create(&options, &run->summary, error);

    if (status >= 0 && one_by_one)
        status = cm_summary_create(&options, &each, error);
    if (status >= 0 && !one_by_one) {
        status = pass_into(run, 0, run->inputs.n, run->summary, error);
        for (uint32_t i = 0; i < run->inputs.n && status >= 0; i++)
            status = cm_run_tell_damage(run, &run->inputs.all[i], error);
        if (status >= 0 && run->inputs.n == 1 && !run->inputs.all[0].is_skipped)
            status = cm_results_add_capture(run, &run->inputs.all[0], run->summary, 0, error);
    }
    for (uint32_t i = 0; one_by_one && i < run->inputs.n && status >= 0; i++) {
        struct cm_input *input = &run->inputs.all[i];

        if (input->is_skipped)
            continue;
        status = pass_into(run, i, i + 1, each, error);
        if (status >= 0)
            status = cm_run_tell_damage(run, input, error);
        if (status >= 0)
            status = cm_results_add_capture(run, input, each, i, error);
        if (status >= 0)
            status = cm_summary_absorb(run->summary, each, error);
        cm_summary_reset(each);
        cm_input_forget(input);
        cm_input_close(&run->inputs, input);
    }
    if (status >= 0 && one_by_one)
        status = cm_summary_finish(run->summary, error);
    if (status >= 0)
        status = cm_results_take_tables(run, error);
    if (status >= 0 && (run->inputs.n > 1 || run->job.command == CAPMILL_STATS))
        cm_results_set_total(run, run->summary);
    cm_summary_destroy(each);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* `info` and `stats`: one pass over each input, or over all of them, into a summary. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "decode/decode.h"
#include "flow/seed.h"
#include "pipeline/pass.h"
#include "pipeline/run_int.h"
#include "wire/headers.h"

/* Inputs [first, end) into `summary`; what is disproved on the way is framed again as one chain. */
static enum capmill_status pass_over(struct capmill_run *run, uint32_t first, uint32_t end,
                                     struct cm_summary *summary, struct cm_error *error)
{
    struct cm_operator decode = cm_decode_operator();
    bool as_chain = false;

    for (uint32_t i = first; i < end; i++)
        as_chain = as_chain || (run->inputs.all[i].is_chained && !run->inputs.all[i].is_skipped);
    for (;;) {
        struct cm_segment_pool *segments = NULL;
        uint32_t culprit = 0;
        uint64_t n_ranges;
        enum cm_pass_outcome outcome;
        uint64_t bytes_before = atomic_load_explicit(&run->state.bytes_done, memory_order_relaxed);
        uint64_t packets_before = atomic_load_explicit(&run->state.packets_done, memory_order_relaxed);
        struct cm_pass_options options = {
            .state = &run->state,
            .inputs = &run->inputs,
            .first = first,
            .end = end,
            .sequence_base = run->sequence_base,
            .range_bytes = run->plan.range_bytes,
            .block_bytes = CM_SUMMARY_BLOCK_BYTES,
            .n_threads = run->plan.n_threads,
            .max_ranges_ahead = UINT64_MAX, /* a summary holds nothing back */
            .as_chain = as_chain,
            .io = run->plan.io,
            .operators = &decode,
            .n_operators = 1,
            .headers_bytes = sizeof(struct cm_headers),
            .sink = cm_summary_sink(summary),
            .counters = &run->counters,
            .segments_ret = &segments,
        };

        cm_plan_number_ranges(run, first, end);
        n_ranges = run->sequence_base[end];
        /* a thread is worth its start for a range of its own */
        if (!as_chain && n_ranges < options.n_threads)
            options.n_threads = n_ranges == 0 ? 1 : (unsigned)n_ranges;
        outcome = cm_pass_run(&options, &culprit);
        cm_segment_pool_destroy(segments);
        if (outcome == CM_PASS_DONE)
            return CAPMILL_OK;
        if (outcome != CM_PASS_DISPROVED)
            return cm_state_result(&run->state, error);
        if (as_chain)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to follow the ranges of an input");
        cm_state_message(
            &run->state, CAPMILL_NOTE,
            "%s: parts framed apart do not fit together at offset %" PRIu64 "; framing it as one chain",
            run->inputs.all[culprit].path, cm_seams_disproved_at(run->inputs.all[culprit].seams));
        cm_summary_reset(summary);
        as_chain = true;
        /* what is framed again is counted again */
        atomic_store_explicit(&run->state.bytes_done, bytes_before, memory_order_relaxed);
        atomic_store_explicit(&run->state.packets_done, packets_before, memory_order_relaxed);
        /* a chain begins with empty tables: look again, at all that the pass goes over */
        for (uint32_t i = first; i < end; i++) {
            if (!run->inputs.all[i].is_skipped &&
                cm_input_look(&run->inputs, &run->inputs.all[i], true, &run->state, error) < 0)
                return error->status;
        }
    }
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
    status = cm_summary_create(&options, &run->summary, error);

    if (status >= 0 && one_by_one)
        status = cm_summary_create(&options, &each, error);
    if (status >= 0 && !one_by_one) {
        status = pass_over(run, 0, run->inputs.n, run->summary, error);
        for (uint32_t i = 0; i < run->inputs.n && status >= 0; i++)
            status = cm_run_tell_damage(run, &run->inputs.all[i], error);
        if (status >= 0 && run->inputs.n == 1 && !run->inputs.all[0].is_skipped)
            status = cm_results_add_capture(run, &run->inputs.all[0], run->summary, 0, error);
    }
    for (uint32_t i = 0; one_by_one && i < run->inputs.n && status >= 0; i++) {
        struct cm_input *input = &run->inputs.all[i];

        if (input->is_skipped)
            continue;
        status = pass_over(run, i, i + 1, each, error);
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

/* SPDX-License-Identifier: Apache-2.0 */
/* Passes that can begin again by themselves: see pass_over.h. Not for passes that write. */
#include "pipeline/pass_over.h"

#include <inttypes.h>

#include "pipeline/pass.h"
#include "sink/flow_count_sink.h"

enum capmill_status cm_run_pass_over(struct capmill_run *run, uint32_t first, uint32_t end,
                                     const struct cm_operators *operators, const struct cm_sink *sink,
                                     void (*reset)(void *context), void *reset_context,
                                     struct cm_error *error)
{
    struct cm_state *state = &run->state;
    bool as_chain = false;

    for (uint32_t i = first; i < end; i++)
        as_chain = as_chain || (run->inputs.all[i].is_chained && !run->inputs.all[i].is_skipped);
    for (;;) {
        struct cm_segment_pool *segments = NULL;
        uint32_t culprit = 0;
        uint64_t n_ranges;
        enum cm_pass_outcome outcome;
        struct cm_progress_mark mark = cm_state_mark(state);
        struct cm_pass_options options = {
            .state = state,
            .inputs = &run->inputs,
            .first = first,
            .end = end,
            .sequence_base = run->sequence_base,
            .range_bytes = CM_SUMMARY_RANGE_BYTES,
            .block_bytes = CM_SUMMARY_BLOCK_BYTES,
            .n_threads = run->plan.n_threads,
            .max_ranges_ahead = UINT64_MAX, /* what counts holds nothing back */
            .as_chain = as_chain,
            .io = run->plan.io,
            .operators = operators,
            .sink = sink,
            .counters = &run->counters,
            .segments_ret = &segments,
        };

        cm_plan_number_ranges(run, first, end, options.range_bytes);
        n_ranges = run->sequence_base[end];
        /* a thread is worth its start for a range of its own */
        if (!as_chain && n_ranges < options.n_threads)
            options.n_threads = n_ranges == 0 ? 1 : (unsigned)n_ranges;
        outcome = cm_pass_run(&options, &culprit);
        cm_segment_pool_destroy(segments);
        if (outcome == CM_PASS_DONE)
            return CAPMILL_OK;
        if (outcome != CM_PASS_DISPROVED)
            return cm_state_result(state, error);
        if (as_chain)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to follow the ranges of an input");
        cm_state_message(
            state, CAPMILL_NOTE,
            "%s: read again from its beginning, by one thread, as sections, interfaces or damage at offset "
            "%" PRIu64 " do not let its parts be read apart",
            run->inputs.all[culprit].path, cm_seams_disproved_at(run->inputs.all[culprit].seams));
        reset(reset_context);
        as_chain = true;
        cm_state_return_to(state, &mark); /* what is framed again is counted again */
        /* a chain begins with empty tables: look again, at all that the pass goes over */
        for (uint32_t i = first; i < end; i++) {
            if (!run->inputs.all[i].is_skipped &&
                cm_input_look(&run->inputs, &run->inputs.all[i], true, state, error) < 0)
                return error->status;
        }
    }
}

static void reset_counts(void *context)
{
    cm_flow_sizes_reset(context);
}

enum capmill_status cm_run_read_before(struct capmill_run *run, bool headers, const struct cm_sink *sink,
                                       void (*reset)(void *context), void *reset_context,
                                       struct cm_error *error)
{
    struct cm_progress_mark mark = cm_state_mark(&run->state);
    uint64_t n_passes_before = run->n_passes_before++;
    uint64_t bytes_total = atomic_load_explicit(&run->state.bytes_total, memory_order_relaxed);
    struct cm_operators operators;
    enum capmill_status status;

    cm_operators_make(run, headers, run->flow_sizes != NULL && run->flow_sizes_counted, &operators);
    /* as long as each of the passes known so far */
    atomic_store_explicit(&run->state.bytes_total,
                          bytes_total / (n_passes_before + 1) * (n_passes_before + 2), memory_order_relaxed);
    status = cm_run_pass_over(run, 0, run->inputs.n, &operators, sink, reset, reset_context, error);
    run->counted_bytes +=
        atomic_load_explicit(&run->state.bytes_done, memory_order_relaxed) - mark.bytes_done;
    mark.bytes_done = atomic_load_explicit(&run->state.bytes_done, memory_order_relaxed);
    cm_state_return_to(&run->state, &mark);
    for (uint32_t i = 0; i < run->inputs.n && status >= 0; i++) {
        struct cm_input *input = &run->inputs.all[i];

        if (!input->is_skipped)
            status = cm_input_look(&run->inputs, input, input->is_chained, &run->state, error);
        if (run->inputs.n > 64)
            cm_input_close(&run->inputs, input);
    }
    return status;
}

enum capmill_status cm_run_count_flows(struct capmill_run *run, struct cm_error *error)
{
    struct cm_flow_count_sink shared = {.unidirectional = run->job.unidirectional};
    struct cm_sink sink;
    enum capmill_status status;

    if (run->job.filter.min_flow_packets < 2)
        return CAPMILL_OK;
    /* half of the memory: the passes that follow need some too */
    run->flow_sizes = cm_flow_sizes_create(run->plan.n_threads, run->plan.memory_bytes / 2);
    if (run->flow_sizes == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to count the packets of flows");
    run->flow_filter = (struct cm_flow_filter){.counts = run->flow_sizes,
                                               .n_packets = run->job.filter.min_flow_packets,
                                               .unidirectional = run->job.unidirectional};
    shared.counts = run->flow_sizes;
    sink = cm_flow_count_sink(&shared);
    status = cm_run_read_before(run, true, &sink, reset_counts, run->flow_sizes, error);
    run->flow_sizes_counted = status >= 0;
    return status;
}

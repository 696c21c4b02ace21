/* SPDX-License-Identifier: Apache-2.0 */
/* Running a pass: threads, what they work on, and how it ends. What is done with packets is the operators'
 * and the sink's; how threads share the reading is pass_ranges.c's and pass_chain.c's. */
#include "pipeline/pass_int.h"

#include <stdlib.h>

#include "os/clock.h"
#include "pipeline/crew.h"
#include "source/source.h"

/* Batches in flight to one worker: 32 batches of 512 packets are some milliseconds of work, enough to ride
 * out the worker's longest step, and their bytes stay within a third-level cache. */
#define RING_BATCHES 64u

void cm_pass_call_off(struct cm_pass *pass)
{
    for (unsigned i = 0; i < pass->n_rings; i++)
        cm_ring_close(pass->rings[i]);
    if (pass->options->on_failure != NULL)
        pass->options->on_failure(pass->options->failure_context);
}

bool cm_pass_goes_on(const struct cm_pass *pass)
{
    return cm_state_goes_on(pass->options->state) &&
           !atomic_load_explicit(&pass->disproved, memory_order_relaxed) &&
           !atomic_load_explicit(&pass->late, memory_order_relaxed);
}

void cm_pass_fail(struct cm_pass *pass, const struct cm_error *error)
{
    cm_state_fail(pass->options->state, error);
    cm_pass_call_off(pass);
}

bool cm_pass_work_on(struct cm_pass *pass, unsigned thread, struct cm_batch *batch)
{
    const struct cm_pass_options *options = pass->options;
    struct cm_stage_counters *sink = cm_counters_of(options->counters, thread, CM_COUNT_SINK);
    struct cm_error error = {0};
    enum capmill_status status = CAPMILL_OK;
    uint32_t n = batch->n_packets;
    uint32_t n_kept;
    uint64_t begin_ns = cm_clock_monotonic_ns();
    uint64_t end_ns;

    for (size_t i = 0; i < options->operators->n && status >= 0; i++) {
        const struct cm_pass_operator *operator= & options->operators->all[i];
        struct cm_stage_counters *counters = cm_counters_of(options->counters, thread, operator->counted);
        uint32_t n_before = cm_batch_n_selected(batch);

        status = operator->table.process(operator->table.shared, pass->operator_locals[thread][i], batch,
                                         &error);
        end_ns = cm_clock_monotonic_ns();
        cm_counter_add(&counters->busy_ns, end_ns - begin_ns);
        cm_stage_counters_did(counters, n_before, 0);
        begin_ns = end_ns;
    }
    n_kept = cm_batch_n_selected(batch);
    if (status >= 0)
        status = options->sink->consume(options->sink->shared, pass->locals[thread], batch, &error);
    cm_counter_add(&sink->busy_ns, cm_clock_monotonic_ns() - begin_ns);
    cm_stage_counters_did(sink, n_kept, 0);
    if (status == CAPMILL_AGAIN) {
        atomic_store_explicit(&pass->late, true, memory_order_relaxed);
        cm_pass_call_off(pass);
        return false;
    }
    /* who was told to give up when the pass was called off has not failed */
    if (status == CAPMILL_E_INTERRUPTED && !cm_pass_goes_on(pass))
        return false;
    if (status < 0) {
        cm_pass_fail(pass, &error);
        return false;
    }
    atomic_fetch_add_explicit(&options->state->packets_done, n, memory_order_relaxed);
    atomic_fetch_add_explicit(&options->state->packets_kept, n_kept, memory_order_relaxed);
    return true;
}

bool cm_pass_prove(struct cm_pass *pass, struct cm_input *input, uint64_t sequence,
                   const struct cm_framer *framer)
{
    bool proved;

    cm_mutex_lock(&pass->seams_lock);
    proved = cm_seams_add(input->seams, sequence, cm_framer_result(framer));
    if (!proved && !atomic_load_explicit(&pass->disproved, memory_order_relaxed)) {
        pass->disproved_input = (uint32_t)(input - pass->options->inputs->all);
        atomic_store_explicit(&pass->disproved, true, memory_order_relaxed);
    }
    cm_mutex_unlock(&pass->seams_lock);
    if (!proved)
        cm_pass_call_off(pass);
    return proved;
}

bool cm_pass_is_too_far(const struct cm_pass *pass, uint64_t next, uint64_t oldest)
{
    return next > oldest && next - oldest > pass->options->max_ranges_ahead;
}

void cm_pass_wait(void)
{
    _Atomic uint32_t never = 0;

    cm_word_wait(&never, 0, 1000000); /* a millisecond: this is rare, and nobody is there to wake us */
}

/* --- before and after --- */

static void drain_main(void *context, unsigned thread)
{
    struct cm_pass *pass = context;
    const struct cm_sink *sink = pass->options->sink;
    struct cm_stage_counters *counters = cm_counters_of(pass->options->counters, thread, CM_COUNT_SINK);
    uint64_t begin_ns = cm_clock_monotonic_ns();
    struct cm_error error = {0};

    if (sink->drain(sink->shared, pass->locals[thread], &error) < 0)
        cm_pass_fail(pass, &error);
    cm_counter_add(&counters->busy_ns, cm_clock_monotonic_ns() - begin_ns);
}

static enum capmill_status open_threads(struct cm_pass *pass, struct cm_error *error)
{
    const struct cm_pass_options *options = pass->options;
    enum capmill_status status = CAPMILL_OK;

    pass->locals = calloc(options->n_threads, sizeof(void *));
    pass->working_on = calloc(options->n_threads, sizeof(*pass->working_on));
    pass->operator_locals = calloc(options->n_threads, sizeof(void **));
    pass->segments =
        cm_segment_pool_create(CM_SOURCE_HEADROOM_BYTES, options->block_bytes + CM_SOURCE_OVERREAD_BYTES);
    pass->batches = cm_batch_pool_create(options->operators->headers_bytes);
    if (pass->locals == NULL || pass->working_on == NULL || pass->operator_locals == NULL ||
        pass->segments == NULL || pass->batches == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for %u threads", options->n_threads);
    for (unsigned thread = 0; thread < options->n_threads; thread++)
        atomic_init(&pass->working_on[thread], options->as_chain ? 0 : UINT64_MAX);
    for (unsigned thread = 0; thread < options->n_threads && status >= 0; thread++) {
        pass->operator_locals[thread] = calloc(CM_MAX_OPERATORS, sizeof(void *));
        if (pass->operator_locals[thread] == NULL)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for thread %u", thread);
        for (size_t i = 0; i < options->operators->n && status >= 0; i++) {
            const struct cm_operator *table = &options->operators->all[i].table;

            if (table->open != NULL)
                status = table->open(table->shared, thread, &pass->operator_locals[thread][i], error);
        }
        if (status >= 0 && options->sink->open != NULL)
            status = options->sink->open(options->sink->shared, thread, &pass->locals[thread], error);
    }
    if (status >= 0 && options->as_chain && options->n_threads > 1) {
        pass->rings = calloc(options->n_threads - 1, sizeof(struct cm_ring *));
        for (unsigned i = 0; pass->rings != NULL && i < options->n_threads - 1; i++) {
            pass->rings[i] = cm_ring_create(RING_BATCHES);
            if (pass->rings[i] == NULL)
                break;
            pass->n_rings++;
        }
        if (pass->n_rings < options->n_threads - 1)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for %u rings", options->n_threads - 1);
    }
    for (uint32_t i = options->first; i < options->end && status >= 0; i++) {
        cm_seams_destroy(options->inputs->all[i].seams);
        options->inputs->all[i].seams = cm_seams_create();
        if (options->inputs->all[i].seams == NULL)
            status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the seams of an input");
    }
    return status;
}

static void close_threads(struct cm_pass *pass)
{
    const struct cm_pass_options *options = pass->options;

    for (unsigned thread = 0; thread < options->n_threads; thread++) {
        struct cm_error error = {0};

        for (size_t i = 0; pass->operator_locals != NULL && pass->operator_locals[thread] != NULL &&
                           i < options->operators->n;
             i++) {
            const struct cm_operator *table = &options->operators->all[i].table;

            if (table->close != NULL)
                table->close(table->shared, pass->operator_locals[thread][i]);
        }
        if (pass->operator_locals != NULL)
            free(pass->operator_locals[thread]);
        if (pass->locals != NULL && pass->locals[thread] != NULL &&
            options->sink->combine(options->sink->shared, pass->locals[thread], &error) < 0)
            cm_state_fail(options->state, &error);
    }
    for (unsigned i = 0; i < pass->n_rings; i++) {
        cm_counters_add_ring(options->counters, pass->rings[i]);
        cm_ring_destroy(pass->rings[i]);
    }
    free(pass->rings);
    free(pass->locals);
    free(pass->working_on);
    free(pass->operator_locals);
    cm_batch_pool_destroy(pass->batches);
}

enum cm_pass_outcome cm_pass_run(const struct cm_pass_options *options, uint32_t *input_ret)
{
    struct cm_pass pass = {.options = options};
    struct cm_error error = {0};
    enum cm_pass_outcome outcome = CM_PASS_DONE;

    cm_mutex_init(&pass.seams_lock);
    atomic_init(&pass.next_range, options->sequence_base[options->first]);
    options->counters->names[CM_COUNT_READ] = "read";
    options->counters->names[CM_COUNT_FRAME] = "frame";
    for (size_t i = 0; i < options->operators->n; i++)
        options->counters->names[options->operators->all[i].counted] =
            options->operators->all[i].counted == CM_COUNT_FILTER ? "filter" : "decode";
    options->counters->names[CM_COUNT_SINK] = options->sink->name;
    atomic_store_explicit(&options->state->stage, "read", memory_order_relaxed);

    if (open_threads(&pass, &error) < 0) {
        cm_state_fail(options->state, &error);
    } else {
        cm_crew_run(options->state, options->n_threads, options->as_chain ? "cm-chain" : "cm-range",
                    options->as_chain ? cm_pass_chain_main : cm_pass_range_main, &pass);
        if (cm_pass_goes_on(&pass) && options->sink->drain != NULL)
            cm_crew_run(options->state, options->n_threads, "cm-drain", drain_main, &pass);
    }
    close_threads(&pass);
    if (atomic_load(&pass.disproved)) {
        *input_ret = pass.disproved_input;
        outcome = CM_PASS_DISPROVED;
    } else if (atomic_load(&pass.late)) {
        outcome = CM_PASS_LATE;
    }
    if (!cm_state_goes_on(options->state))
        outcome = CM_PASS_FAILED;
    if (outcome == CM_PASS_DONE &&
        cm_inputs_check_sizes(options->inputs, options->first, options->end, &error) < 0) {
        cm_state_fail(options->state, &error);
        outcome = CM_PASS_FAILED;
    }
    if (outcome == CM_PASS_DONE && options->sink->finish != NULL &&
        options->sink->finish(options->sink->shared, &error) < 0) {
        cm_state_fail(options->state, &error);
        outcome = CM_PASS_FAILED;
    }
    for (uint32_t i = options->first; i < options->end && outcome == CM_PASS_DONE; i++) {
        const struct cm_input *input = &options->inputs->all[i];

        if (input->seams != NULL && !input->is_skipped)
            cm_seams_finish(input->seams, input->is_stream ? cm_seams_landing(input->seams) : input->size);
    }
    *options->segments_ret = pass.segments;
    cm_mutex_fini(&pass.seams_lock);
    return outcome;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* `sort` and `export`: the attempts at them. Into one capture by places, else through a fan-out. By the window first where that promises to do; by an index where it does not,
 * or when a packet came too late; each framed in ranges first where that can be, as one chain when a seam was
 * disproved. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow_facts.h"
#include "flow/flow_sizes.h"
#include "os/clock.h"
#include "pipeline/crew.h"
#include "pipeline/fan_out.h"
#include "pipeline/first_pass.h"
#include "pipeline/outputs.h"
#include "pipeline/pass.h"
#include "pipeline/pass_over.h"
#include "pipeline/written.h"
#include "sink/file_outlet.h"
#include "sort/sort.h"

struct attempt {
    struct capmill_run *run;
    /* one capture */
    struct cm_written written;
    struct cm_file_outlet *outlet;
    struct cm_outlet table;
    /* or more */
    struct cm_fan_out *fan;
    struct cm_taker taker;
    struct cm_sort_options sort;
};

static bool is_input(void *context, const struct cm_file_facts *facts)
{
    struct attempt *attempt = context;

    return cm_inputs_have(&attempt->run->inputs, facts);
}

static enum capmill_status header(void *context, const uint8_t **bytes_ret, size_t *n_ret,
                                  struct cm_error *error)
{
    struct attempt *attempt = context;

    return cm_written_header(&attempt->written, bytes_ret, n_ret, error);
}

static enum capmill_status open_capture(struct attempt *attempt, struct cm_error *error)
{
    struct capmill_run *run = attempt->run;
    struct cm_writer_wish wish = cm_output_wish(&run->job, &run->job.outputs[0]);
    struct cm_file_outlet_options options = {
        .path = run->job.outputs[0].path,
        .replace = run->job.force,
        .durable = run->job.durable,
        .slice_ns = run->job.slice_ns,
        .stop = &run->state.stop,
        .n_threads = run->plan.n_threads,
        .header = header,
        .is_input = is_input,
        .context = attempt,
    };
    enum capmill_status status = cm_written_open(&attempt->written, &run->inputs, &wish, run->transform,
                                                 run->job.slice_ns != 0, error);

    if (status < 0)
        return status;
    if (run->has_first)
        cm_written_set_first(&attempt->written, run->first_ns);
    options.slice_extension = attempt->written.kind == CM_CAPTURE_PCAPNG ? ".pcapng" : ".pcap";
    status = cm_file_outlet_create(&options, &attempt->outlet, error);
    if (status < 0)
        return status;
    attempt->table = cm_file_outlet_table(attempt->outlet);
    attempt->sort.encoder = &attempt->written.encoder;
    attempt->sort.outlet = &attempt->table;
    return CAPMILL_OK;
}

static struct cm_memory_shares shares_of(const struct capmill_run *run)
{
    uint64_t held_bytes = (run->flow_sizes != NULL ? cm_flow_sizes_held_bytes(run->flow_sizes) : 0) +
                          (run->flow_facts != NULL ? cm_flow_facts_held_bytes(run->flow_facts) : 0);

    return cm_plan_memory_shares(&run->plan, held_bytes,
                                 cm_job_is_one_capture(&run->job) ? 0 : run->job.n_outputs);
}

static enum capmill_status open_fan(struct attempt *attempt, struct cm_error *error)
{
    struct capmill_run *run = attempt->run;
    struct cm_fan_out_options options = {.run = run,
                                         .first_ns = run->has_first ? &run->first_ns : NULL,
                                         .facts = run->flow_facts,
                                         .memory_bytes = shares_of(run).output};
    enum capmill_status status = cm_fan_out_create(&options, &attempt->fan, error);

    if (status < 0)
        return status;
    attempt->taker = cm_fan_out_taker(attempt->fan);
    attempt->sort.taker = &attempt->taker;
    return CAPMILL_OK;
}

static enum capmill_status open_attempt(struct attempt *attempt, struct capmill_run *run,
                                        struct cm_error *error)
{
    memset(attempt, 0, sizeof(*attempt));
    attempt->run = run;
    if (run->transform != NULL) /* what an attempt before this one changed was never written */
        cm_transform_reset_counts(run->transform);
    attempt->sort = (struct cm_sort_options){.order = run->plan.as_read ? CM_SORT_AS_READ : CM_SORT_BY_TIME,
                                             .memory_bytes = shares_of(run).packets,
                                             .sequence_base = run->sequence_base,
                                             .read_once = cm_inputs_have_stream(&run->inputs)};
    return cm_job_is_one_capture(&run->job) ? open_capture(attempt, error) : open_fan(attempt, error);
}

static void close_attempt(struct attempt *attempt)
{
    cm_fan_out_destroy(attempt->fan);
    cm_file_outlet_destroy(attempt->outlet);
    cm_written_close(&attempt->written);
}

static void give_up(void *context)
{
    struct attempt *attempt = context;

    if (attempt->fan != NULL)
        cm_fan_out_abort(attempt->fan);
    else
        cm_file_outlet_abort(attempt->outlet);
}

static enum cm_pass_outcome pass_into(struct attempt *attempt, const struct cm_sink *sink, bool as_chain,
                                      struct cm_segment_pool **segments_ret)
{
    struct capmill_run *run = attempt->run;
    uint32_t culprit = 0;
    enum cm_pass_outcome outcome;
    struct cm_operators operators;
    struct cm_pass_options options = {
        .state = &run->state,
        .inputs = &run->inputs,
        .first = 0,
        .end = run->inputs.n,
        .sequence_base = run->sequence_base,
        .range_bytes = run->plan.range_bytes,
        .block_bytes = as_chain ? CM_SUMMARY_BLOCK_BYTES : run->plan.block_bytes,
        .n_threads = run->plan.n_threads,
        .max_ranges_ahead = attempt->sort.memory_bytes / (2 * run->plan.range_bytes) + run->plan.n_threads,
        .as_chain = as_chain,
        .io = run->plan.io,
        .operators = &operators,
        .sink = sink,
        .counters = &run->counters,
        .segments_ret = segments_ret,
        .on_failure = give_up,
        .failure_context = attempt,
    };

    cm_operators_make(run, false, run->flow_sizes != NULL, &operators);
    cm_plan_number_ranges(run, 0, run->inputs.n, run->plan.range_bytes);
    outcome = cm_pass_run(&options, &culprit);
    if (outcome == CM_PASS_DISPROVED)
        cm_state_message(
            &run->state, CAPMILL_NOTE,
            "%s: read again from its beginning, by one thread, as sections, interfaces or damage at offset "
            "%" PRIu64 " do not let its parts be read apart",
            run->inputs.all[culprit].path, cm_seams_disproved_at(run->inputs.all[culprit].seams));
    return outcome;
}

/* --- index and gather --- */

struct gathering {
    struct attempt *attempt;
    struct cm_gather *gather;
};

static enum capmill_status refetch(void *context, uint32_t number, uint64_t offset, void *buffer, size_t n,
                                   struct cm_error *error)
{
    struct capmill_run *run = context;
    struct cm_input *input = &run->inputs.all[number];
    struct cm_file *file;
    size_t n_read = 0;
    enum capmill_status status = cm_input_acquire(&run->inputs, input, &file, error);

    if (status < 0)
        return status;
    status = cm_file_read_at(file, offset, buffer, n, &n_read, error);
    cm_input_release(&run->inputs, input);
    if (status >= 0 && n_read < n)
        return cm_error_set(error, CAPMILL_E_CHANGED, 0,
                            "%s shrank while it was read: it now ends at %" PRIu64, input->path,
                            offset + n_read);
    return status < 0 ? status : CAPMILL_OK;
}

/* One thread of a gather. */
struct gatherer {
    struct capmill_run *run;
    unsigned thread;
};

static bool gather_on(void *context, uint64_t n_bytes)
{
    struct gatherer *gatherer = context;
    struct cm_state *state = &gatherer->run->state;

    atomic_fetch_add_explicit(&state->bytes_done, n_bytes, memory_order_relaxed);
    if (gatherer->thread == 0)
        cm_state_tick(state, false);
    return cm_state_goes_on(state);
}

static void gather_main(void *context, unsigned thread)
{
    struct gathering *gathering = context;
    struct capmill_run *run = gathering->attempt->run;
    struct cm_stage_counters *counters = cm_counters_of(&run->counters, thread, CM_COUNT_GATHER);
    uint64_t begin_ns = cm_clock_monotonic_ns();
    struct gatherer gatherer = {run, thread};
    struct cm_error error = {0};

    if (cm_gather_work(gathering->gather, gather_on, &gatherer, &error) < 0) {
        cm_state_fail(&run->state, &error);
        give_up(gathering->attempt);
    }
    cm_counter_add(&counters->busy_ns, cm_clock_monotonic_ns() - begin_ns);
}

struct parallel_tasks {
    _Atomic size_t next;
    size_t n;
    void (*task)(void *argument, size_t i);
    void *argument;
};

static void tasks_main(void *context, unsigned thread)
{
    struct parallel_tasks *tasks = context;

    (void)thread;
    for (;;) {
        size_t i = atomic_fetch_add_explicit(&tasks->next, 1, memory_order_relaxed);

        if (i >= tasks->n)
            return;
        tasks->task(tasks->argument, i);
    }
}

static void run_tasks(void *context, size_t n, void (*task)(void *argument, size_t i), void *argument)
{
    struct capmill_run *run = context;
    struct parallel_tasks tasks = {.n = n, .task = task, .argument = argument};

    cm_crew_run(&run->state, run->plan.n_threads, "cm-order", tasks_main, &tasks);
}

static enum capmill_status gather_all(struct attempt *attempt, struct cm_sink *sink, struct cm_error *error)
{
    struct capmill_run *run = attempt->run;
    struct cm_index *index = cm_index_sink_take(sink);
    struct cm_parallel parallel = {run, run->plan.n_threads, run_tasks};
    struct cm_refetch read = {run, refetch};
    struct gathering gathering = {.attempt = attempt};
    uint64_t bytes_read;
    enum capmill_status status;

    atomic_store_explicit(&run->state.stage, "sort", memory_order_relaxed);
    status = cm_index_order(index, &parallel, error);
    if (status >= 0)
        gathering.gather = cm_gather_create(index, &attempt->sort, &read);
    if (status >= 0 && gathering.gather == NULL)
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to gather packets");
    if (status >= 0) {
        atomic_store_explicit(&run->state.stage, "write", memory_order_relaxed);
        run->counters.names[CM_COUNT_GATHER] = "gather";
        /* the second read is as long as the first: the progress shown goes on from half */
        bytes_read = atomic_load_explicit(&run->state.bytes_done, memory_order_relaxed);
        atomic_store_explicit(&run->state.bytes_total, 2 * bytes_read - run->counted_bytes,
                              memory_order_relaxed);
        cm_crew_run(&run->state, run->plan.n_threads, "cm-gather", gather_main, &gathering);
        run->report.packets_written = cm_gather_packets(gathering.gather);
        atomic_store_explicit(&run->state.bytes_done, bytes_read, memory_order_relaxed);
        atomic_store_explicit(&run->state.bytes_total, bytes_read, memory_order_relaxed);
        cm_stage_counters_did(cm_counters_of(&run->counters, 0, CM_COUNT_GATHER), run->report.packets_written,
                              0);
        status = cm_state_result(&run->state, error);
        if (status >= 0)
            status = cm_inputs_check_sizes(&run->inputs, 0, run->inputs.n, error);
    }
    cm_gather_destroy(gathering.gather);
    cm_index_destroy(index);
    return status;
}

/* --- the attempts --- */

/* A written capture is about as long as its inputs: what cannot fit is known before hours of work. */
static enum capmill_status check_space(const struct capmill_run *run, const struct cm_file_outlet *outlet,
                                       struct cm_error *error)
{
    uint64_t free_bytes;
    uint64_t wanted = 0;

    /* how much a filter, a cut or a table leaves is not known before */
    if (outlet == NULL || run->filter != NULL || run->job.filter.min_flow_packets > 1 ||
        (run->transform != NULL && cm_transform_changes_lengths(run->transform)))
        return CAPMILL_OK;
    if (cm_file_outlet_is_stream(outlet) ||
        cm_path_free_space(run->job.outputs[0].path, &free_bytes, NULL) != CAPMILL_OK)
        return CAPMILL_OK;
    for (uint32_t i = 0; i < run->inputs.n; i++)
        wanted += run->inputs.all[i].size;
    if (wanted <= free_bytes)
        return CAPMILL_OK;
    return cm_error_set(error, CAPMILL_E_NO_SPACE, 0,
                        "the inputs have %" PRIu64
                        " bytes, and where %s is to be written there is room for %" PRIu64
                        "; free some or write elsewhere",
                        wanted, run->job.outputs[0].path, free_bytes);
}

/* Before a stream gets its first byte, where the order is by index: a strict job then writes nothing. */
static enum capmill_status tell_damages(struct capmill_run *run, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    for (uint32_t i = 0; i < run->inputs.n && status >= 0; i++)
        status = cm_run_tell_damage(run, &run->inputs.all[i], error);
    return status;
}

static enum capmill_status finish_capture(struct attempt *attempt, struct cm_error *error)
{
    struct capmill_run *run = attempt->run;
    const char *const *paths;
    size_t n_paths;
    enum capmill_status status = cm_file_outlet_commit(attempt->outlet, error);

    if (status < 0)
        return status;
    run->report.bytes_written = cm_file_outlet_bytes(attempt->outlet);
    run->report.blocks_dropped = cm_writer_dropped(attempt->written.writer);
    n_paths = cm_file_outlet_paths(attempt->outlet, &paths);
    status = cm_results_take_changes(
        run, cm_writer_hidden(attempt->written.writer),
        atomic_load_explicit(&attempt->written.n_saturated, memory_order_relaxed),
        atomic_load_explicit(&attempt->written.n_beyond_pcap, memory_order_relaxed), error);
    if (status < 0)
        return status;
    return cm_results_take_paths(run, paths, n_paths, error);
}

static enum capmill_status finish(struct attempt *attempt, struct cm_error *error)
{
    struct capmill_run *run = attempt->run;
    enum capmill_status status = cm_state_result(&run->state, error);

    if (status < 0)
        return status;
    atomic_store_explicit(&run->state.stage, "finish", memory_order_relaxed);
    if (attempt->fan == NULL)
        return finish_capture(attempt, error);
    run->report.packets_written = 0; /* what was put in order: the outputs say what they have */
    status = cm_fan_out_commit(attempt->fan, error);
    return status < 0 ? status : cm_fan_out_report(attempt->fan, error);
}

/* A stream came out of order, or overlaps another input, and cannot be read again. */
static enum capmill_status fail_late_stream(const struct capmill_run *run, struct cm_error *error)
{
    if (run->plan.as_read)
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                            "the inputs overlap in time, which takes two reads to merge them, and a stream "
                            "cannot be read again; write it to a file first");
    return cm_error_set(
        error, CAPMILL_E_UNSUPPORTED, 0,
        "a packet of the stream came later than %" PRIu64
        " MiB of memory reach back, and a stream cannot be read again; allow more with --memory, "
        "or write it to a file and sort that",
        run->plan.memory_bytes >> 20);
}

/* One attempt; CAPMILL_AGAIN: try otherwise (`*as_chain`, `*by_window` say how). */
static enum capmill_status try_once(struct capmill_run *run, bool *as_chain, bool *by_window,
                                    struct cm_error *error)
{
    struct attempt attempt;
    struct cm_sink sink = {0};
    struct cm_segment_pool *segments = NULL;
    enum cm_pass_outcome outcome;
    enum capmill_status status = open_attempt(&attempt, run, error);

    if (status >= 0)
        status = check_space(run, attempt.outlet, error);
    if (status >= 0)
        status = *by_window ? cm_window_sink_create(&attempt.sort, &sink, error)
                            : cm_index_sink_create(&attempt.sort, &sink, error);
    if (status < 0) {
        close_attempt(&attempt);
        return status;
    }
    outcome = pass_into(&attempt, &sink, *as_chain, &segments);
    if (outcome == CM_PASS_FAILED) {
        status = cm_state_result(&run->state, error);
    } else if (outcome == CM_PASS_DISPROVED && *as_chain) {
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to follow the ranges of an input");
    } else if (outcome == CM_PASS_DISPROVED) {
        *as_chain = true;
        status = CAPMILL_AGAIN;
    } else if (outcome == CM_PASS_LATE && cm_inputs_have_stream(&run->inputs)) {
        status = fail_late_stream(run, error);
    } else if (outcome == CM_PASS_LATE) {
        *by_window = false;
        status = CAPMILL_AGAIN;
        cm_state_message(
            &run->state, CAPMILL_NOTE, "%s",
            run->plan.as_read
                ? "the inputs overlap in time; they are read twice, to be merged"
                : "packets are displaced further than the window reaches; sorting by index instead");
    } else if (*by_window) {
        struct cm_window_sink_facts facts;

        cm_window_sink_read_facts(&sink, &facts);
        run->report.packets_written = facts.n_packets;
        run->report.method = run->plan.as_read ? "as read" : "window";
        status = tell_damages(run, error);
    } else {
        run->report.method = run->plan.as_read ? "merge" : "index";
        status = tell_damages(run, error);
        if (status >= 0)
            status = gather_all(&attempt, &sink, error);
    }
    if (status == CAPMILL_OK)
        status = finish(&attempt, error);
    sink.close(sink.shared);
    cm_segment_pool_destroy(segments);
    close_attempt(&attempt);
    return status;
}

enum capmill_status cm_run_sort(struct capmill_run *run, struct cm_error *error)
{
    bool as_chain = run->plan.as_chain;
    bool by_window = run->plan.by_window;
    enum capmill_status status = cm_run_count_flows(run, error);
    struct cm_progress_mark mark;

    if (status >= 0)
        status = cm_run_first_pass(run, run->plan.as_read, error);
    mark = cm_state_mark(&run->state);
    for (uint32_t i = 0; i < run->inputs.n; i++)
        as_chain = as_chain || (run->inputs.all[i].is_chained && !run->inputs.all[i].is_skipped);
    while (status >= 0) {
        status = try_once(run, &as_chain, &by_window, error);
        if (status != CAPMILL_AGAIN)
            break;
        cm_state_clear(&run->state);
        cm_state_return_to(&run->state, &mark);
        for (uint32_t i = 0; i < run->inputs.n && status >= 0; i++) {
            if (!run->inputs.all[i].is_skipped)
                status = cm_input_look(&run->inputs, &run->inputs.all[i], as_chain, &run->state, error);
        }
    }
    return status;
}

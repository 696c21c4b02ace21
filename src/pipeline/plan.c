/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing how the work is done from what the inputs are and what the job allows; nothing is started here. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "os/aio.h"
#include "os/memory.h"
#include "pipeline/operators.h"
#include "pipeline/outputs.h"
#include "pipeline/pass.h"
#include "pipeline/run_int.h"
#include "pipeline/table_wish.h"
#include "sort/entry.h"

/* Below this share of a file in the page cache, several reads in flight beat reads by the threads that need
 * the bytes. */
#define CACHED_PERCENT     50
#define MEMORY_FLOOR_BYTES (16u * 1024 * 1024)

const char *cm_io_name(enum capmill_io io)
{
    switch (io) {
    case CAPMILL_IO_AUTO:
        return "auto";
    case CAPMILL_IO_READ:
        return "read";
    case CAPMILL_IO_MMAP:
        return "mmap";
    case CAPMILL_IO_URING:
        return "uring";
    case CAPMILL_IO_IOCP:
        return "iocp";
    }
    return "?";
}

/* How much of the inputs' first files is cached: a look at the largest of the first few tells enough. */
static int cached_percent(struct capmill_run *run)
{
    struct cm_input *largest = NULL;
    struct cm_file *file;
    struct cm_error ignored = {0};
    int percent;

    for (uint32_t i = 0; i < run->inputs.n && i < 16; i++) {
        struct cm_input *input = &run->inputs.all[i];

        if (!input->is_skipped && !input->is_stream && (largest == NULL || input->size > largest->size))
            largest = input;
    }
    if (largest == NULL || cm_input_acquire(&run->inputs, largest, &file, &ignored) < 0)
        return 100;
    percent = cm_file_cached_percent(file);
    cm_input_release(&run->inputs, largest);
    return percent;
}

static enum capmill_status choose_io(struct capmill_run *run, struct cm_error *error)
{
    struct cm_plan *plan = &run->plan;
    enum cm_aio_engine engine = CM_AIO_URING;
    int percent;

    plan->io = run->job.io;
    plan->io_reason = "asked for";
    if (plan->io == CAPMILL_IO_URING && !cm_aio_available(CM_AIO_URING))
        return cm_error_set(
            error, CAPMILL_E_UNSUPPORTED, 0,
            "--io uring: io_uring is not in this build, or this system forbids it; use --io read");
    if (plan->io == CAPMILL_IO_IOCP && !cm_aio_available(CM_AIO_IOCP))
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                            "--io iocp: completion ports are a service of Windows; use --io uring or read");
    if (plan->io != CAPMILL_IO_AUTO)
        return CAPMILL_OK;
    plan->io = CAPMILL_IO_READ;
    percent = cached_percent(run);
    if (percent < 0 || percent >= CACHED_PERCENT) {
        plan->io_reason = percent < 0 ? "what is cached is not known" : "the inputs are cached";
        return CAPMILL_OK;
    }
    if (!cm_aio_available(CM_AIO_URING))
        engine = CM_AIO_IOCP;
    if (!cm_aio_available(engine)) {
        plan->io_reason = "nothing better is available";
        return CAPMILL_OK;
    }
    plan->io = engine == CM_AIO_URING ? CAPMILL_IO_URING : CAPMILL_IO_IOCP;
    plan->io_reason = "the inputs are not cached";
    return CAPMILL_OK;
}

/* Do the inputs follow one another in time, in the order in which they are named? */
static bool follow_one_another(const struct capmill_run *run)
{
    uint64_t last_ns = 0;

    for (uint32_t i = 0; i < run->inputs.n; i++) {
        const struct cm_input *input = &run->inputs.all[i];

        if (input->is_skipped || input->first_ns == UINT64_MAX)
            continue;
        if (input->first_ns < last_ns)
            return false;
        last_ns = input->first_ns;
    }
    return true;
}

/* export: as the inputs are; those that overlap in time are merged by an index. */
static void choose_merge(struct capmill_run *run, bool any_stream)
{
    struct cm_plan *plan = &run->plan;

    plan->by_window = true;
    plan->method_reason = "one read: packets keep their order";
    if (any_stream)
        return;
    if (run->inputs.n > 1 && (cm_job_writes_a_stream(&run->job) || !follow_one_another(run))) {
        plan->by_window = false;
        plan->method_reason = "two reads: inputs that overlap in time are merged";
    } else if (run->job.strict && cm_job_writes_a_stream(&run->job)) {
        plan->by_window = false;
        plan->method_reason = "two reads: a stream gets nothing of a damaged input";
    }
}

static void choose_method(struct capmill_run *run)
{
    struct cm_plan *plan = &run->plan;
    bool any_stream = false;

    for (uint32_t i = 0; i < run->inputs.n; i++)
        any_stream = any_stream || run->inputs.all[i].is_stream;
    if (plan->as_read) {
        choose_merge(run, any_stream);
        return;
    }
    plan->by_window = true;
    plan->method_reason = "one read: packets wait in a window until no earlier one can follow";
    if (any_stream) {
        plan->method_reason =
            "one read, as a stream allows no more: packets wait in memory as long as there is room";
    } else if (cm_job_writes_a_stream(&run->job)) {
        /* a late packet or a disproved seam makes a window begin again, when part of the output is gone */
        plan->by_window = false;
        plan->method_reason = "two reads: what was written to a stream cannot be taken back";
    } else if (run->inputs.n > 1 && !follow_one_another(run)) {
        plan->by_window = false;
        plan->method_reason = "two reads: the inputs do not follow one another in time";
    }
}

struct cm_memory_shares cm_plan_memory_shares(const struct cm_plan *plan, uint64_t held_bytes,
                                              size_t n_outputs)
{
    /* what passes before may hold is bounded below it (pass_over.c, first_pass.c) */
    uint64_t left = plan->memory_bytes - cm_min_u64(held_bytes, plan->memory_bytes / 4 * 3);
    struct cm_memory_shares shares = {.packets = left};

    if (n_outputs > 0) {
        shares.output = left / 2 / n_outputs;
        shares.packets -= shares.output * n_outputs;
    }
    return shares;
}

void cm_plan_number_ranges(struct capmill_run *run, uint32_t first, uint32_t end, uint64_t range_bytes)
{
    uint64_t sum = 0;

    for (uint32_t i = first; i < end; i++) {
        const struct cm_input *input = &run->inputs.all[i];

        run->sequence_base[i] = sum;
        sum += input->is_skipped ? 0 : cm_pass_ranges(input, range_bytes);
    }
    run->sequence_base[end] = sum;
}

/* "-> filter -> decode": what happens to a batch between framing and the sink. */
static const char *operators_text(struct capmill_run *run, bool headers, bool by_flow, char *text_ret,
                                  size_t text_bytes)
{
    struct cm_operators operators;
    size_t n = 0;

    text_ret[0] = 0;
    cm_operators_make(run, headers, by_flow, &operators);
    for (size_t i = 0; i < operators.n && n < text_bytes; i++)
        n += (size_t)snprintf(text_ret + n, text_bytes - n, " -> %s",
                              operators.all[i].counted == CM_COUNT_DECODE ? "decode"
                              : i + 1 == operators.n && by_flow           ? "flow size"
                                                                          : "filter");
    return text_ret;
}

static const char *method_name(const struct cm_plan *plan)
{
    if (plan->as_read)
        return plan->by_window ? "as read" : "merge";
    return plan->by_window ? "window" : "index";
}

/* Who writes what threads have encoded. Answers where the text ends now. */
static size_t add_writers(const struct capmill_run *run, char *text, size_t n, size_t capacity)
{
    const struct capmill_job *job = &run->job;

    if (run->plan.n_threads < 2)
        return n;
    if (cm_job_is_one_capture(job)) {
        if (strcmp(job->outputs[0].path, "-") == 0)
            n += (size_t)snprintf(text + n, n < capacity ? capacity - n : 0,
                                  "          =pieces in order=> [cm-writer] stream\n");
        return n;
    }
    for (size_t i = 0; i < job->n_outputs && i < 16; i++)
        n += (size_t)snprintf(
            text + n, n < capacity ? capacity - n : 0, "          =blocks in order=> [%s] %.100s\n",
            cm_format_is_table(cm_output_format(&job->outputs[i])) ? "cm-table" : "cm-capture",
            job->outputs[i].path);
    return n;
}

static enum capmill_status write_text(struct capmill_run *run, struct cm_error *error)
{
    const struct cm_plan *plan = &run->plan;
    bool by_flow = run->job.filter.min_flow_packets > 1;
    bool facts = false;
    const char *change = run->transform != NULL ? "change -> " : "";
    char operators[128];
    const char *read = plan->as_chain ? "cm-chain" : "cm-range";
    uint64_t bytes = 0;
    size_t capacity = 4096;
    size_t n = 0;
    char *text = malloc(capacity);

    if (text == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the plan");
    for (uint32_t i = 0; i < run->inputs.n; i++)
        bytes += run->inputs.all[i].size;
#define ADD(...) n += (size_t)snprintf(text + n, n < capacity ? capacity - n : 0, __VA_ARGS__)
    if (run->job.command == CAPMILL_GENERATE) {
        ADD("threads:  %u\n", plan->n_threads);
        ADD("stages:   generate -> write (%s)\n", "each thread makes blocks and writes them to their places");
        ADD("blocks:   %" PRIu64 ", %" PRIu64 " packets, %" PRIu64 " bytes\n", cm_synth_n_blocks(run->synth),
            cm_synth_n_packets(run->synth), cm_synth_file_bytes(run->synth));
        run->plan_text = text;
        return CAPMILL_OK;
    }
    ADD("inputs:   %" PRIu32 ", %" PRIu64 " bytes%s\n", run->inputs.n, bytes,
        cm_inputs_have_stream(&run->inputs) ? " and a stream of unknown length" : "");
    ADD("threads:  %u\n", plan->n_threads);
    ADD("memory:   %" PRIu64 " MiB\n", plan->memory_bytes >> 20);
    ADD("i/o:      %s (%s), blocks of %zu KiB\n",
        cm_inputs_have_stream(&run->inputs) ? "stream" : cm_io_name(plan->io),
        cm_inputs_have_stream(&run->inputs) ? "it can only be read in order" : plan->io_reason,
        plan->block_bytes >> 10);
    if (plan->as_chain)
        ADD("framing:  one chain (%s), ranges of %" PRIu64 " MiB\n", plan->chain_reason,
            plan->range_bytes >> 20);
    else
        ADD("framing:  ranges of %" PRIu64 " MiB, seams proved; one chain if a seam is disproved\n",
            plan->range_bytes >> 20);
    if (cm_run_writes_packets(run)) {
        ADD("method:   %s (%s)\n", method_name(plan), plan->method_reason);
        if (plan->by_window && !cm_inputs_have_stream(&run->inputs) && !plan->as_read)
            ADD("          if a packet comes too late for the window: index\n");
        else if (plan->by_window && !cm_inputs_have_stream(&run->inputs) && run->inputs.n > 1)
            ADD("          if inputs overlap in time: merge\n");
    }
    if (by_flow)
        ADD("passes:   first read -> frame%s -> count the packets of flows; then\n",
            operators_text(run, true, false, operators, sizeof(operators)));
    if (cm_run_writes_packets(run) && cm_tables_check(&run->job, &facts, error) < 0) {
        free(text);
        return error->status;
    }
    if (facts)
        ADD("passes:   a read before -> frame%s -> what columns tell of whole flows; then\n",
            operators_text(run, true, by_flow, operators, sizeof(operators)));
    if (plan->as_chain && plan->n_threads > 1) {
        ADD("stages:   [%s-0] read -> frame\n", read);
        ADD("          =ring x%u, 64 batches of 512 packets=>\n", plan->n_threads - 1);
        ADD("          [%s-1..%u]", read, plan->n_threads - 1);
    } else if (plan->n_threads > 1) {
        ADD("stages:   [%s-0..%u] read -> frame", read, plan->n_threads - 1);
    } else {
        ADD("stages:   [%s-0] read -> frame", read);
    }
    ADD("%s", operators_text(run, !cm_run_writes_packets(run), by_flow, operators, sizeof(operators)));
    if (!cm_run_writes_packets(run)) {
        ADD(" -> summary\n");
    } else {
        const char *write = cm_job_is_one_capture(&run->job) ? "write" : "encode";

        if (plan->by_window)
            ADD(" -> %s -> %s%s\n", plan->as_read ? "order as read" : "sort window", change, write);
        else
            ADD(" -> sort index; then [cm-gather-0..%u] gather -> %s%s\n", plan->n_threads - 1, change,
                write);
        n = add_writers(run, text, n, capacity);
    }
#undef ADD
    run->plan_text = text;
    return CAPMILL_OK;
}

enum capmill_status cm_plan_make(struct capmill_run *run, struct cm_error *error)
{
    struct cm_plan *plan = &run->plan;
    uint64_t packed_limit = CM_PLACE_MAX_BYTES;
    enum capmill_status status;

    plan->n_threads = run->job.n_threads == 0 ? cm_cpu_count() : run->job.n_threads;
    plan->memory_bytes = run->job.memory_bytes == 0 ? cm_memory_available() / 2 : run->job.memory_bytes;
    plan->memory_bytes = cm_max_u64(plan->memory_bytes, MEMORY_FLOOR_BYTES);
    if (run->job.command == CAPMILL_GENERATE)
        return write_text(run, error);
    if (run->job.filter.min_flow_packets > 1 && cm_inputs_have_stream(&run->inputs))
        return cm_error_set(
            error, CAPMILL_E_UNSUPPORTED, 0,
            "keeping flows of at least %" PRIu64
            " packets takes two reads, and a stream can be read once; write it to a file first",
            run->job.filter.min_flow_packets);

    status = choose_io(run, error);
    if (status < 0)
        return status;
    /* slices are cut in order of time */
    plan->as_read = run->job.command == CAPMILL_EXPORT && !run->job.by_time && run->job.slice_ns == 0;
    plan->range_bytes = cm_run_writes_packets(run) ? CM_SORT_RANGE_BYTES : CM_SUMMARY_RANGE_BYTES;
    /* what a filter keeps of a block is copied out where it is little, and the block used again */
    plan->block_bytes =
        cm_run_writes_packets(run) && run->filter == NULL ? CM_SORT_RANGE_BYTES : CM_SUMMARY_BLOCK_BYTES;
    for (uint32_t i = 0; i < run->inputs.n; i++) {
        const struct cm_input *input = &run->inputs.all[i];

        if (input->is_chained && !input->is_skipped) {
            plan->as_chain = true;
            plan->chain_reason = input->is_stream ? "a stream" : "packets of this link type may be very long";
        }
        if (cm_run_writes_packets(run) && input->size >= packed_limit)
            return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0, "%s is larger than 16 TiB", input->path);
    }
    if (plan->io == CAPMILL_IO_URING || plan->io == CAPMILL_IO_IOCP) {
        plan->as_chain = true;
        plan->chain_reason =
            plan->chain_reason == NULL ? "one reader keeps several reads in flight" : plan->chain_reason;
    }
    /* what a chain hands on was proved, and need not be taken back */
    if (plan->as_read && cm_job_writes_a_stream(&run->job) && !plan->as_chain) {
        plan->as_chain = true;
        plan->chain_reason = "what was written to a stream cannot be taken back";
    }
    if (plan->as_chain) {
        plan->block_bytes = CM_SUMMARY_BLOCK_BYTES;
        /* a chain fills the interface tables itself, from the beginning */
        for (uint32_t i = 0; i < run->inputs.n; i++) {
            struct cm_input *input = &run->inputs.all[i];

            if (!input->is_chained && !input->is_skipped &&
                cm_input_look(&run->inputs, input, true, &run->state, error) < 0)
                return error->status;
        }
    }
    if (cm_run_writes_packets(run)) {
        if (run->inputs.n >= CM_PLACE_MAX_INPUTS)
            return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                                "%" PRIu32 " inputs are more than the %u of one sort", run->inputs.n,
                                CM_PLACE_MAX_INPUTS);
        choose_method(run);
    }
    return write_text(run, error);
}

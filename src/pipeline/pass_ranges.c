/* SPDX-License-Identifier: Apache-2.0 */
/* A pass by ranges: threads claim ranges of the files and do everything with them. */
#include "pipeline/pass_int.h"

#include "base/checked.h"
#include "os/clock.h"
#include "source/source.h"

struct range_worker {
    struct cm_pass *pass;
    unsigned thread;
    struct cm_framer *framer;
    struct cm_batch *batch;
    struct cm_source *source;
    struct cm_counted_source counted;
};

/* Which input a range number belongs to. */
static uint32_t input_of_range(const struct cm_pass_options *options, uint64_t range)
{
    uint32_t from = options->first;
    uint32_t to = options->end;

    while (to - from > 1) {
        uint32_t middle = from + (to - from) / 2;

        if (options->sequence_base[middle] <= range)
            from = middle;
        else
            to = middle;
    }
    return from;
}

static bool work_on_range(struct range_worker *worker, uint64_t range, struct cm_error *error)
{
    struct cm_pass *pass = worker->pass;
    const struct cm_pass_options *options = pass->options;
    uint32_t number = input_of_range(options, range);
    struct cm_input *input = &options->inputs->all[number];
    uint64_t sequence = range - options->sequence_base[number];
    uint64_t begin = sequence * options->range_bytes;
    uint64_t end = cm_min_u64(begin + options->range_bytes, input->size);
    struct cm_stage_counters *frame = cm_counters_of(options->counters, worker->thread, CM_COUNT_FRAME);
    const _Atomic uint64_t *read_ns =
        &cm_counters_of(options->counters, worker->thread, CM_COUNT_READ)->busy_ns;
    struct cm_file *file;
    bool good = true;
    enum capmill_status status = cm_input_acquire(options->inputs, input, &file, error);

    if (status < 0)
        return false;
    if (options->io == CAPMILL_IO_MMAP && input->size > 0) {
        status = cm_input_map(options->inputs, input, error);
        if (status >= 0)
            cm_map_source_start(worker->source, input->map, input->map_bytes, begin, end, input->size,
                                input->path);
    } else {
        cm_range_source_start(worker->source, file, begin, end, input->size);
    }
    if (status >= 0)
        cm_framer_begin_range(worker->framer, &input->head, &worker->counted.base, number, sequence, begin,
                              end == input->size ? UINT64_MAX : end);
    while (status == CAPMILL_OK && good && cm_pass_goes_on(pass)) {
        uint64_t begin_ns = cm_clock_monotonic_ns();
        uint64_t read_before_ns = cm_counter_read(read_ns);

        status = cm_framer_next(worker->framer, worker->batch, error);
        cm_counter_add(&frame->busy_ns,
                       cm_clock_monotonic_ns() - begin_ns - (cm_counter_read(read_ns) - read_before_ns));
        cm_stage_counters_did(frame, worker->batch->n_packets, 0);
        if (status == CAPMILL_END)
            good = cm_pass_prove(pass, input, sequence, worker->framer);
        if (status >= 0 && good)
            good = cm_pass_work_on(pass, worker->thread, worker->batch);
        cm_batch_reset(worker->batch);
        if (worker->thread == 0)
            cm_state_tick(options->state, false);
    }
    cm_framer_let_go(worker->framer);
    cm_input_release(options->inputs, input);
    atomic_fetch_add_explicit(&options->state->bytes_done, end - begin, memory_order_relaxed);
    return status >= 0 && good;
}

static bool may_claim(const struct cm_pass *pass, uint64_t next)
{
    for (unsigned thread = 0; thread < pass->options->n_threads; thread++) {
        uint64_t range = atomic_load_explicit(&pass->working_on[thread], memory_order_relaxed);

        if (range != UINT64_MAX && cm_pass_is_too_far(pass, next, range))
            return false;
    }
    return true;
}

/* The next range that nobody has; UINT64_MAX when the pass has been called off. */
static uint64_t claim(struct cm_pass *pass, unsigned thread)
{
    _Atomic uint64_t *mine = &pass->working_on[thread];

    atomic_store_explicit(mine, UINT64_MAX, memory_order_relaxed);
    for (;;) {
        /* acquire, with the release below: who sees that a range is taken sees who has taken it, so the range
         * is announced before it is claimed, and one that another was quicker to claim holds nobody up for
         * long */
        uint64_t next = atomic_load_explicit(&pass->next_range, memory_order_acquire);

        if (!cm_pass_goes_on(pass))
            return UINT64_MAX;
        if (may_claim(pass, next)) {
            atomic_store_explicit(mine, next, memory_order_relaxed);
            if (atomic_compare_exchange_weak_explicit(&pass->next_range, &next, next + 1,
                                                      memory_order_acq_rel, memory_order_relaxed))
                return next;
        } else {
            /* the thread that is behind is at work, never here */
            atomic_store_explicit(mine, UINT64_MAX, memory_order_relaxed);
            cm_pass_wait();
        }
    }
}

void cm_pass_range_main(void *context, unsigned thread)
{
    struct cm_pass *pass = context;
    const struct cm_pass_options *options = pass->options;
    struct range_worker worker = {.pass = pass, .thread = thread};
    uint64_t end = options->sequence_base[options->end];
    struct cm_error error = {0};

    worker.framer = cm_framer_create();
    worker.batch = cm_batch_create(options->operators->headers_bytes);
    worker.source = options->io == CAPMILL_IO_MMAP
                        ? cm_map_source_create(options->block_bytes)
                        : cm_range_source_create(pass->segments, options->block_bytes);
    if (worker.framer == NULL || worker.batch == NULL || worker.source == NULL) {
        cm_error_set(&error, CAPMILL_E_MEMORY, 0, "no memory for thread %u", thread);
    } else {
        cm_counted_source_init(&worker.counted, worker.source,
                               cm_counters_of(options->counters, thread, CM_COUNT_READ));
        while (cm_pass_goes_on(pass)) {
            uint64_t range = claim(pass, thread);

            if (range >= end || !work_on_range(&worker, range, &error))
                break;
        }
        atomic_store_explicit(&pass->working_on[thread], UINT64_MAX, memory_order_relaxed);
    }
    if (error.status < 0)
        cm_pass_fail(pass, &error);
    cm_framer_destroy(worker.framer);
    cm_batch_destroy(worker.batch);
    if (worker.source != NULL)
        worker.source->close(worker.source);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Running a pass: who reads, who frames, who works. What is done with packets is the operators' and the
 * sink's. */
#include "pipeline/pass.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "os/clock.h"
#include "source/source.h"

/* Batches in flight to one worker: 32 batches of 512 packets are some milliseconds of work, enough to ride
 * out the worker's longest step, and their bytes stay within a third-level cache. */
#define RING_BATCHES 64u
/* Reads in flight of one chain. Disks and their drivers reach their full rate at 8 to 16 reads of half a MiB.
 */
#define READ_DEPTH 16u

struct pass {
    const struct cm_pass_options *options;
    void **locals;           /* the sink's, by thread */
    void ***operator_locals; /* by thread, by operator */
    struct cm_segment_pool *segments;
    struct cm_batch_pool *batches;
    _Atomic uint64_t next_range;
    /* by thread: the range it is at, UINT64_MAX: none; for the workers of a chain: how many they have done */
    _Atomic uint64_t *working_on;
    struct cm_mutex seams_lock;
    _Atomic bool disproved;
    uint32_t disproved_input;
    _Atomic bool late;
    struct cm_ring **rings; /* chain: one for each worker */
    unsigned n_rings;
};

/* A pass has begun to end: nobody may wait for anybody any more. */
static void call_off(struct pass *pass)
{
    for (unsigned i = 0; i < pass->n_rings; i++)
        cm_ring_close(pass->rings[i]);
    if (pass->options->on_failure != NULL)
        pass->options->on_failure(pass->options->failure_context);
}

static bool goes_on(const struct pass *pass)
{
    return cm_state_goes_on(pass->options->state) &&
           !atomic_load_explicit(&pass->disproved, memory_order_relaxed) &&
           !atomic_load_explicit(&pass->late, memory_order_relaxed);
}

static void fail(struct pass *pass, const struct cm_error *error)
{
    cm_state_fail(pass->options->state, error);
    call_off(pass);
}

/* Operators and sink on one batch. False: end. */
static bool work_on(struct pass *pass, unsigned thread, struct cm_batch *batch)
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
        call_off(pass);
        return false;
    }
    if (status < 0) {
        fail(pass, &error);
        return false;
    }
    atomic_fetch_add_explicit(&options->state->packets_done, n, memory_order_relaxed);
    atomic_fetch_add_explicit(&options->state->packets_kept, n_kept, memory_order_relaxed);
    return true;
}

/* The proof of a range that was framed to its end; nothing of its last batch may go on before. */
static bool prove(struct pass *pass, struct cm_input *input, uint64_t sequence,
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
        call_off(pass);
    return proved;
}

/* --- ranges --- */

struct range_worker {
    struct pass *pass;
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
    struct pass *pass = worker->pass;
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
    while (status == CAPMILL_OK && good && goes_on(pass)) {
        uint64_t begin_ns = cm_clock_monotonic_ns();
        uint64_t read_before_ns = cm_counter_read(read_ns);

        status = cm_framer_next(worker->framer, worker->batch, error);
        cm_counter_add(&frame->busy_ns,
                       cm_clock_monotonic_ns() - begin_ns - (cm_counter_read(read_ns) - read_before_ns));
        cm_stage_counters_did(frame, worker->batch->n_packets, 0);
        if (status == CAPMILL_END)
            good = prove(pass, input, sequence, worker->framer);
        if (status >= 0 && good)
            good = work_on(pass, worker->thread, worker->batch);
        cm_batch_reset(worker->batch);
        if (worker->thread == 0)
            cm_state_tick(options->state, false);
    }
    cm_framer_let_go(worker->framer);
    cm_input_release(options->inputs, input);
    atomic_fetch_add_explicit(&options->state->bytes_done, end - begin, memory_order_relaxed);
    return status >= 0 && good;
}

/* Sinks hold what comes before its turn. When one read hangs, the others must not go on until all of the file
 * is held: nobody begins a range more than max_ranges_ahead after the oldest that is not done. */
static bool is_too_far(const struct pass *pass, uint64_t next, uint64_t oldest)
{
    return next > oldest && next - oldest > pass->options->max_ranges_ahead;
}

static void wait_for_others(void)
{
    _Atomic uint32_t never = 0;

    cm_word_wait(&never, 0, 1000000); /* a millisecond: this is rare, and nobody is there to wake us */
}

static bool may_claim(const struct pass *pass, uint64_t next)
{
    for (unsigned thread = 0; thread < pass->options->n_threads; thread++) {
        uint64_t range = atomic_load_explicit(&pass->working_on[thread], memory_order_relaxed);

        if (range != UINT64_MAX && is_too_far(pass, next, range))
            return false;
    }
    return true;
}

/* The next range that nobody has; UINT64_MAX when the pass has been called off. */
static uint64_t claim(struct pass *pass, unsigned thread)
{
    _Atomic uint64_t *mine = &pass->working_on[thread];

    atomic_store_explicit(mine, UINT64_MAX, memory_order_relaxed);
    for (;;) {
        /* acquire, with the release below: who sees that a range is taken sees who has taken it, so the range
         * is announced before it is claimed, and one that another was quicker to claim holds nobody up for
         * long */
        uint64_t next = atomic_load_explicit(&pass->next_range, memory_order_acquire);

        if (!goes_on(pass))
            return UINT64_MAX;
        if (may_claim(pass, next)) {
            atomic_store_explicit(mine, next, memory_order_relaxed);
            if (atomic_compare_exchange_weak_explicit(&pass->next_range, &next, next + 1,
                                                      memory_order_acq_rel, memory_order_relaxed))
                return next;
        } else {
            /* the thread that is behind is at work, never here */
            atomic_store_explicit(mine, UINT64_MAX, memory_order_relaxed);
            wait_for_others();
        }
    }
}

static void range_main(void *context, unsigned thread)
{
    struct pass *pass = context;
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
        while (goes_on(pass)) {
            uint64_t range = claim(pass, thread);

            if (range >= end || !work_on_range(&worker, range, &error))
                break;
        }
        atomic_store_explicit(&pass->working_on[thread], UINT64_MAX, memory_order_relaxed);
    }
    if (error.status < 0)
        fail(pass, &error);
    cm_framer_destroy(worker.framer);
    cm_batch_destroy(worker.batch);
    if (worker.source != NULL)
        worker.source->close(worker.source);
}

/* --- chain --- */

static enum capmill_status open_chain(struct pass *pass, struct cm_input *input, struct cm_file *file,
                                      struct cm_source **source_ret, struct cm_error *error)
{
    const struct cm_pass_options *options = pass->options;

    if (input->is_stream) {
        *source_ret = cm_stream_source_create(pass->segments, options->block_bytes, file, input->first_bytes,
                                              &options->state->stop);
        if (*source_ret != NULL)
            input->first_bytes = NULL;
    } else if ((options->io == CAPMILL_IO_URING || options->io == CAPMILL_IO_IOCP) &&
               input->size > options->block_bytes) {
        /* no more reads than the file has blocks; a file of one block is not worth a queue: making and taking
         * down 2,000 of them took 5 s, plain reads of as many small files 0.2 s */
        uint64_t n_blocks = (input->size + options->block_bytes - 1) / options->block_bytes;

        return cm_aio_source_create(options->io == CAPMILL_IO_URING ? CM_AIO_URING : CM_AIO_IOCP,
                                    (unsigned)cm_min_u64(n_blocks, READ_DEPTH), pass->segments,
                                    options->block_bytes, file, input->size, source_ret, error);
    } else {
        *source_ret = cm_range_source_create(pass->segments, options->block_bytes);
        if (*source_ret != NULL)
            cm_range_source_start(*source_ret, file, 0, input->size, input->size);
    }
    return *source_ret == NULL ? cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to read %s", input->path)
                               : CAPMILL_OK;
}

/* Hand a batch on: to the worker whose turn its range is, or to ourselves where there are no workers. */
static bool hand_on(struct pass *pass, unsigned worker, struct cm_batch *batch)
{
    if (pass->n_rings == 0) {
        bool good = work_on(pass, 0, batch);

        cm_batch_pool_release(pass->batches, batch);
        return good;
    }
    if (cm_ring_push_wait(pass->rings[worker], batch))
        return true;
    cm_batch_pool_release(pass->batches, batch);
    return false;
}

/* Range number `range` of the pass goes to worker `range % n_rings`, as do all its batches: the oldest that a
 * worker has not done follows from how many it has. */
static void wait_to_begin(const struct pass *pass, uint64_t range)
{
    for (unsigned i = 0; i < pass->n_rings && goes_on(pass);) {
        uint64_t n_done = atomic_load_explicit(&pass->working_on[i + 1], memory_order_relaxed);

        if (is_too_far(pass, range, i + n_done * pass->n_rings))
            wait_for_others();
        else
            i++;
    }
}

static bool chain_input(struct pass *pass, struct cm_framer *framer, uint32_t number, uint64_t *n_ranges_ret,
                        struct cm_error *error)
{
    const struct cm_pass_options *options = pass->options;
    struct cm_input *input = &options->inputs->all[number];
    struct cm_stage_counters *frame = cm_counters_of(options->counters, 0, CM_COUNT_FRAME);
    struct cm_stage_counters *read = cm_counters_of(options->counters, 0, CM_COUNT_READ);
    struct cm_counted_source counted;
    struct cm_source *source = NULL;
    struct cm_layout layout = input->layout;
    struct cm_file *file;
    uint64_t base = options->sequence_base[number] - options->sequence_base[options->first];
    uint64_t sequence = 0;
    uint64_t told_bytes = cm_counter_read(&read->n_bytes); /* of inputs and passes before */
    bool good = true;
    enum capmill_status status = cm_input_acquire(options->inputs, input, &file, error);

    if (status < 0)
        return false;
    status = open_chain(pass, input, file, &source, error);
    if (status < 0) {
        cm_input_release(options->inputs, input);
        return false;
    }
    cm_counted_source_init(&counted, source, read);
    layout.interfaces = &input->interfaces;
    cm_framer_begin_chain(framer, &layout, input->header_bytes, &counted.base, number, options->range_bytes);
    wait_to_begin(pass, base);
    while (good && status == CAPMILL_OK && goes_on(pass)) {
        struct cm_batch *batch = cm_batch_pool_acquire(pass->batches);
        uint64_t begin_ns = cm_clock_monotonic_ns();
        uint64_t read_before_ns = cm_counter_read(&read->busy_ns);
        unsigned worker = pass->n_rings == 0 ? 0 : (unsigned)((base + sequence) % pass->n_rings);
        bool begins_another = false;

        if (batch == NULL) {
            status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a batch");
            break;
        }
        status = cm_framer_next(framer, batch, error);
        cm_counter_add(&frame->busy_ns, cm_clock_monotonic_ns() - begin_ns -
                                            (cm_counter_read(&read->busy_ns) - read_before_ns));
        cm_stage_counters_did(frame, batch->n_packets, 0);
        if (status < 0) {
            cm_batch_pool_release(pass->batches, batch);
            break;
        }
        if (status == CAPMILL_END) {
            const struct cm_range_result *result = cm_framer_result(framer);

            good = prove(pass, input, sequence, framer);
            begins_another = !result->end_of_input;
            if (begins_another) {
                sequence++;
                cm_framer_next_range(framer, (sequence + 1) * options->range_bytes);
                status = CAPMILL_OK;
            }
        }
        if (good)
            good = hand_on(pass, worker, batch);
        else
            cm_batch_pool_release(pass->batches, batch);
        if (begins_another && good)
            wait_to_begin(pass, base + sequence);
        atomic_fetch_add_explicit(&options->state->bytes_done, cm_counter_read(&read->n_bytes) - told_bytes,
                                  memory_order_relaxed);
        told_bytes = cm_counter_read(&read->n_bytes);
        cm_state_tick(options->state, false);
    }
    input->n_sections = input->layout.kind == CM_CAPTURE_PCAPNG ? input->interfaces.n_sections : 1;
    cm_framer_let_go(framer);
    source->close(source);
    cm_input_release(options->inputs, input);
    *n_ranges_ret = sequence + 1;
    return good && status >= 0;
}

static void chain_reader(struct pass *pass)
{
    const struct cm_pass_options *options = pass->options;
    struct cm_framer *framer = cm_framer_create();
    struct cm_error error = {0};

    if (framer == NULL)
        cm_error_set(&error, CAPMILL_E_MEMORY, 0, "no memory to frame packets");
    for (uint32_t i = options->first; framer != NULL && i < options->end && goes_on(pass); i++) {
        uint64_t n_ranges = 0;

        if (!options->inputs->all[i].is_skipped && !chain_input(pass, framer, i, &n_ranges, &error))
            break;
        /* A stream has as many ranges as it turns out to have, and a file whose size is a multiple of a range
         * ends in one more, which is empty. Workers read this for batches of the next input alone, which they
         * get after it was written. */
        options->sequence_base[i + 1] = options->sequence_base[i] + n_ranges;
    }
    cm_framer_destroy(framer);
    if (error.status < 0)
        fail(pass, &error);
    for (unsigned i = 0; i < pass->n_rings; i++)
        cm_ring_close(pass->rings[i]);
}

static void chain_worker(struct pass *pass, unsigned thread)
{
    struct cm_ring *ring = pass->rings[thread - 1];
    struct cm_stage_counters *sink = cm_counters_of(pass->options->counters, thread, CM_COUNT_SINK);
    void *items[8];
    uint64_t n_done = 0;
    bool good = true;
    size_t n;

    for (;;) {
        uint64_t begin_ns = cm_clock_monotonic_ns();

        n = cm_ring_pop_burst_wait(ring, items, CM_ARRAY_COUNT(items));
        cm_counter_add(&sink->waiting_ns, cm_clock_monotonic_ns() - begin_ns);
        if (n == 0)
            break;
        for (size_t i = 0; i < n; i++) {
            /* once it is called off, what is still on its way is only given back */
            const struct cm_batch *batch = items[i];

            good = good && goes_on(pass) && work_on(pass, thread, items[i]);
            if (batch->last_of_sequence)
                atomic_store_explicit(&pass->working_on[thread], ++n_done, memory_order_relaxed);
            cm_batch_pool_release(pass->batches, items[i]);
        }
    }
}

static void chain_main(void *context, unsigned thread)
{
    if (thread == 0)
        chain_reader(context);
    else
        chain_worker(context, thread);
}

/* --- before and after --- */

static void drain_main(void *context, unsigned thread)
{
    struct pass *pass = context;
    const struct cm_sink *sink = pass->options->sink;
    struct cm_stage_counters *counters = cm_counters_of(pass->options->counters, thread, CM_COUNT_SINK);
    uint64_t begin_ns = cm_clock_monotonic_ns();
    struct cm_error error = {0};

    if (sink->drain(sink->shared, pass->locals[thread], &error) < 0)
        fail(pass, &error);
    cm_counter_add(&counters->busy_ns, cm_clock_monotonic_ns() - begin_ns);
}

static enum capmill_status open_threads(struct pass *pass, struct cm_error *error)
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

static void close_threads(struct pass *pass)
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
    struct pass pass = {.options = options};
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
        cm_state_crew(options->state, options->n_threads, options->as_chain ? "cm-chain" : "cm-range",
                      options->as_chain ? chain_main : range_main, &pass);
        if (goes_on(&pass) && options->sink->drain != NULL)
            cm_state_crew(options->state, options->n_threads, "cm-drain", drain_main, &pass);
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

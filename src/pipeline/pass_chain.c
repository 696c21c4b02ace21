/* SPDX-License-Identifier: Apache-2.0 */
/* A pass by one chain: one thread reads and frames, the others work. */
#include "pipeline/pass_int.h"

#include "base/checked.h"
#include "os/clock.h"
#include "source/source.h"

/* Reads in flight of one chain. Disks and their drivers reach their full rate at 8 to 16 reads of half a MiB.
 */
#define READ_DEPTH 16u

static enum capmill_status open_chain(struct cm_pass *pass, struct cm_input *input, struct cm_file *file,
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
static bool hand_on(struct cm_pass *pass, unsigned worker, struct cm_batch *batch)
{
    if (pass->n_rings == 0) {
        bool good = cm_pass_work_on(pass, 0, batch);

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
static void wait_to_begin(const struct cm_pass *pass, uint64_t range)
{
    for (unsigned i = 0; i < pass->n_rings && cm_pass_goes_on(pass);) {
        uint64_t n_done = atomic_load_explicit(&pass->working_on[i + 1], memory_order_relaxed);

        if (cm_pass_is_too_far(pass, range, i + n_done * pass->n_rings))
            cm_pass_wait();
        else
            i++;
    }
}

static bool chain_input(struct cm_pass *pass, struct cm_framer *framer, uint32_t number,
                        uint64_t *n_ranges_ret, struct cm_error *error)
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
    while (good && status == CAPMILL_OK && cm_pass_goes_on(pass)) {
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

            good = cm_pass_prove(pass, input, sequence, framer);
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

static void chain_reader(struct cm_pass *pass)
{
    const struct cm_pass_options *options = pass->options;
    struct cm_framer *framer = cm_framer_create();
    struct cm_error error = {0};

    if (framer == NULL)
        cm_error_set(&error, CAPMILL_E_MEMORY, 0, "no memory to frame packets");
    for (uint32_t i = options->first; framer != NULL && i < options->end && cm_pass_goes_on(pass); i++) {
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
        cm_pass_fail(pass, &error);
    for (unsigned i = 0; i < pass->n_rings; i++)
        cm_ring_close(pass->rings[i]);
}

static void chain_worker(struct cm_pass *pass, unsigned thread)
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

            good = good && cm_pass_goes_on(pass) && cm_pass_work_on(pass, thread, items[i]);
            if (batch->last_of_sequence)
                atomic_store_explicit(&pass->working_on[thread], ++n_done, memory_order_relaxed);
            cm_batch_pool_release(pass->batches, items[i]);
        }
    }
}

void cm_pass_chain_main(void *context, unsigned thread)
{
    if (thread == 0)
        chain_reader(context);
    else
        chain_worker(context, thread);
}

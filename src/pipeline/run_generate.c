/* SPDX-License-Identifier: Apache-2.0 */
/* `generate`: blocks of a synthetic capture, made by all threads and written to their places. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "os/clock.h"
#include "os/memory.h"
#include "pipeline/crew.h"
#include "pipeline/run_int.h"
#include "sink/file_outlet.h"

struct generation {
    struct capmill_run *run;
    struct cm_file_outlet *outlet;
    struct cm_outlet table;
    _Atomic uint64_t next_block;
};

/* What does not fit is known before the first byte. */
static enum capmill_status check_space(const struct capmill_run *run, struct cm_error *error)
{
    uint64_t free_bytes;
    uint64_t wanted = cm_synth_file_bytes(run->synth);

    if (cm_path_free_space(run->job.outputs[0].path, &free_bytes, NULL) == CAPMILL_OK && wanted > free_bytes)
        return cm_error_set(error, CAPMILL_E_NO_SPACE, 0,
                            "%s would have %" PRIu64 " bytes, and there is room for %" PRIu64
                            "; make it smaller or write elsewhere",
                            run->job.outputs[0].path, wanted, free_bytes);
    return CAPMILL_OK;
}

static void generate_main(void *context, unsigned thread)
{
    struct generation *generation = context;
    struct capmill_run *run = generation->run;
    struct cm_stage_counters *counters = cm_counters_of(&run->counters, thread, CM_COUNT_GENERATE);
    size_t capacity = cm_synth_block_capacity(run->synth);
    void *scratch = malloc(cm_synth_scratch_bytes(run->synth) + 1);
    uint8_t *block = cm_memory_map(capacity);
    struct cm_error error = {0};
    enum capmill_status status = CAPMILL_OK;

    if (scratch == NULL || block == NULL)
        status = cm_error_set(&error, CAPMILL_E_MEMORY, 0, "no memory to make packets in");
    while (status >= 0 && cm_state_goes_on(&run->state)) {
        uint64_t number = atomic_fetch_add_explicit(&generation->next_block, 1, memory_order_relaxed);
        uint64_t begin_ns = cm_clock_monotonic_ns();
        struct cm_place place;
        size_t n;

        if (number >= cm_synth_n_blocks(run->synth))
            break;
        n = cm_synth_block(run->synth, number, scratch, block);
        place = cm_file_outlet_place(generation->outlet, cm_synth_block_offset(run->synth, number), n);
        cm_counter_add(&counters->busy_ns, cm_clock_monotonic_ns() - begin_ns);
        cm_stage_counters_did(counters, cm_synth_block_packets(run->synth, number), n);
        status = generation->table.write(generation->table.context, &place, block, n, &error);
        atomic_fetch_add_explicit(&run->state.bytes_done, n, memory_order_relaxed);
        atomic_fetch_add_explicit(&run->state.packets_done, cm_synth_block_packets(run->synth, number),
                                  memory_order_relaxed);
        if (thread == 0)
            cm_state_tick(&run->state, false);
    }
    if (status < 0)
        cm_state_fail(&run->state, &error);
    if (!cm_state_goes_on(&run->state))
        cm_file_outlet_abort(generation->outlet);
    free(scratch);
    if (block != NULL)
        cm_memory_unmap(block, capacity);
}

enum capmill_status cm_run_generate(struct capmill_run *run, struct cm_error *error)
{
    struct generation generation = {.run = run};
    struct cm_file_outlet_options options = {.path = run->job.outputs[0].path,
                                             .replace = run->job.force,
                                             .durable = run->job.durable,
                                             .stop = &run->state.stop,
                                             .n_threads = run->plan.n_threads};
    uint8_t header[CM_SYNTH_HEADER_CAPACITY];
    size_t n_header = cm_synth_header(run->synth, header);
    struct cm_place place;
    const char *const *paths;
    size_t n_paths;
    enum capmill_status status = cm_file_outlet_create(&options, &generation.outlet, error);

    if (status < 0)
        return status;
    if (!cm_file_outlet_is_stream(generation.outlet))
        status = check_space(run, error);
    generation.table = cm_file_outlet_table(generation.outlet);
    place = cm_file_outlet_place(generation.outlet, 0, n_header);
    if (status >= 0)
        status = generation.table.write(generation.table.context, &place, header, n_header, error);
    if (status >= 0) {
        atomic_store_explicit(&run->state.bytes_total, cm_synth_file_bytes(run->synth), memory_order_relaxed);
        atomic_store_explicit(&run->state.stage, "generate", memory_order_relaxed);
        run->counters.names[CM_COUNT_GENERATE] = "generate";
        cm_crew_run(&run->state, run->plan.n_threads, "cm-generate", generate_main, &generation);
        status = cm_state_result(&run->state, error);
    }
    if (status >= 0)
        status = cm_file_outlet_commit(generation.outlet, error);
    if (status >= 0) {
        run->report.bytes_written = cm_file_outlet_bytes(generation.outlet);
        run->report.packets_written = cm_synth_n_packets(run->synth);
        n_paths = cm_file_outlet_paths(generation.outlet, &paths);
        status = cm_results_take_paths(run, paths, n_paths, error);
    }
    cm_file_outlet_destroy(generation.outlet);
    return status;
}

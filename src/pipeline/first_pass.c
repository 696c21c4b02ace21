/* SPDX-License-Identifier: Apache-2.0 */
/* Passes before the one that writes. Not for counting packets of flows for a filter (pass_over.c). */
#include "pipeline/first_pass.h"

#include <stdlib.h>

#include "base/checked.h"
#include "pipeline/outputs.h"
#include "pipeline/pass_over.h"
#include "pipeline/render.h"
#include "pipeline/table_wish.h"
#include "transform/transform.h"

/* --- the earliest packet --- */

struct earliest {
    unsigned n_threads;
    uint64_t *by_thread; /* UINT64_MAX: none yet */
};

static enum capmill_status open_earliest(void *shared, unsigned thread, void **local_ret,
                                         struct cm_error *error)
{
    struct earliest *earliest = shared;

    (void)error;
    *local_ret = &earliest->by_thread[thread];
    return CAPMILL_OK;
}

static enum capmill_status consume_earliest(void *shared, void *local, struct cm_batch *batch,
                                            struct cm_error *error)
{
    uint64_t *least_ns = local;
    uint32_t n = cm_batch_n_selected(batch);

    (void)shared;
    (void)error;
    for (uint32_t i = 0; i < n; i++) {
        const struct cm_packet *packet = &batch->packets[cm_batch_selected(batch, i)];

        /* as those who put packets in order tell it */
        if ((cm_ordered_flags(packet) & CM_ORDERED_UNTIMED) == 0)
            *least_ns = cm_min_u64(*least_ns, packet->time_ns);
    }
    return CAPMILL_OK;
}

static enum capmill_status combine_earliest(void *shared, void *local, struct cm_error *error)
{
    (void)shared;
    (void)local;
    (void)error;
    return CAPMILL_OK;
}

static void reset_earliest(void *context)
{
    struct earliest *earliest = context;

    for (unsigned i = 0; i < earliest->n_threads; i++)
        earliest->by_thread[i] = UINT64_MAX;
}

static enum capmill_status find_first(struct capmill_run *run, struct cm_error *error)
{
    struct earliest earliest = {.n_threads = run->plan.n_threads,
                                .by_thread = malloc(run->plan.n_threads * sizeof(uint64_t))};
    const struct cm_sink sink = {.name = "earliest time",
                                 .shared = &earliest,
                                 .open = open_earliest,
                                 .consume = consume_earliest,
                                 .combine = combine_earliest};
    enum capmill_status status;

    if (earliest.by_thread == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for %u threads", run->plan.n_threads);
    reset_earliest(&earliest);
    status = cm_run_read_before(run, false, &sink, reset_earliest, &earliest, error);
    run->first_ns = UINT64_MAX;
    for (unsigned i = 0; i < run->plan.n_threads; i++)
        run->first_ns = cm_min_u64(run->first_ns, earliest.by_thread[i]);
    if (run->first_ns == UINT64_MAX)
        run->first_ns = 0;
    run->has_first = status >= 0;
    free(earliest.by_thread);
    return status;
}

/* --- facts of flows --- */

struct facts_pass {
    struct cm_renderer renderer; /* the packets as they will be written: their flows are */
    struct cm_flow_facts_table *facts;
};

struct facts_local {
    struct cm_render_local *render;
    unsigned thread;
};

static enum capmill_status open_facts(void *shared, unsigned thread, void **local_ret, struct cm_error *error)
{
    struct facts_pass *pass = shared;
    struct facts_local *local = calloc(1, sizeof(*local));
    enum capmill_status status;

    if (local == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for thread %u", thread);
    local->thread = thread;
    status = cm_render_open(&pass->renderer, &local->render, error);
    if (status < 0)
        free(local);
    else
        *local_ret = local;
    return status;
}

static enum capmill_status consume_facts(void *shared, void *local_context, struct cm_batch *batch,
                                         struct cm_error *error)
{
    struct facts_pass *pass = shared;
    struct facts_local *local = local_context;
    uint32_t n = cm_batch_n_selected(batch);
    const struct cm_packet_rows *rows;
    enum capmill_status status = CAPMILL_OK;

    static_assert(CM_BATCH_CAPACITY <= CM_BLOCK_PACKETS, "a batch is rendered at once");
    cm_render_begin(local->render);
    for (uint32_t i = 0; i < n && status >= 0; i++) {
        const struct cm_packet *packet = &batch->packets[cm_batch_selected(batch, i)];
        struct cm_record record = {cm_packet_record(packet), packet->time_ns, packet->record_bytes,
                                   packet->interface, batch->input};

        status = cm_render_add(&pass->renderer, local->render, &record, packet->place, 0, error);
    }
    if (status < 0)
        return status;
    rows = cm_render_rows(&pass->renderer, local->render);
    return cm_flow_facts_add(pass->facts, local->thread, rows->packets, rows->headers, rows->inputs, rows->n,
                             error);
}

static enum capmill_status combine_facts(void *shared, void *local_context, struct cm_error *error)
{
    struct facts_pass *pass = shared;
    struct facts_local *local = local_context;

    (void)error;
    if (local != NULL)
        cm_render_close(&pass->renderer, local->render);
    free(local);
    return CAPMILL_OK;
}

static void reset_facts(void *context)
{
    struct facts_pass *pass = context;

    cm_flow_facts_reset(pass->facts);
}

static enum capmill_status find_facts(struct capmill_run *run, struct cm_error *error)
{
    struct facts_pass pass = {.renderer = {.headers = true, .innermost = run->job.filter.decap}};
    const struct cm_sink sink = {.name = "facts of flows",
                                 .shared = &pass,
                                 .open = open_facts,
                                 .consume = consume_facts,
                                 .combine = combine_facts};
    enum capmill_status status = cm_renderer_open(&pass.renderer, &run->inputs, run->transform, error);

    if (status < 0)
        return status;
    if (run->has_first)
        cm_written_set_first(&pass.renderer.records, run->first_ns);
    /* a quarter: packets on their way and the outputs need some too */
    pass.facts =
        cm_flow_facts_create(run->plan.n_threads, run->plan.memory_bytes / 4, run->job.unidirectional);
    if (pass.facts == NULL)
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the facts of flows");
    if (status >= 0)
        status = cm_run_read_before(run, false, &sink, reset_facts, &pass, error);
    if (status >= 0)
        status = cm_flow_facts_unite(pass.facts, error);
    run->flow_facts = pass.facts;
    cm_renderer_close(&pass.renderer);
    return status;
}

static enum capmill_status refuse_streams(const struct capmill_run *run, const char *what,
                                          struct cm_error *error)
{
    if (cm_inputs_have_stream(&run->inputs))
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                            "%s take a read before, and a stream can be read once; write it to a file first",
                            what);
    return CAPMILL_OK;
}

enum capmill_status cm_run_first_pass(struct capmill_run *run, bool as_read, struct cm_error *error)
{
    bool facts;
    bool first;
    enum capmill_status status = cm_tables_check(&run->job, &facts, error);

    if (status < 0)
        return status;
    /* put in order of time, the first packet tells; but facts come before it */
    first = (as_read || facts) && run->transform != NULL && cm_transform_needs_first_time(run->transform);
    if (facts)
        status = refuse_streams(run, "columns such as flow_packets", error);
    else if (first)
        status = refuse_streams(run, "times that move from the earliest packet", error);
    if (status >= 0 && first)
        status = find_first(run, error);
    return status >= 0 && facts ? find_facts(run, error) : status;
}

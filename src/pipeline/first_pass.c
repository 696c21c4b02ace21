/* SPDX-License-Identifier: Apache-2.0 */
/* Passes before the one that writes. Not for counting packets of flows for a filter (pass_over.c). */
#include "pipeline/first_pass.h"

#include <stdlib.h>

#include "base/checked.h"
#include "pipeline/pass_over.h"
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

        if ((packet->flags & CM_PACKET_NO_TIME) == 0)
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

enum capmill_status cm_run_first_pass(struct capmill_run *run, bool as_read, struct cm_error *error)
{
    bool wants_first = as_read && run->transform != NULL && cm_transform_needs_first_time(run->transform);

    if (!wants_first)
        return CAPMILL_OK;
    for (uint32_t i = 0; i < run->inputs.n; i++) {
        if (run->inputs.all[i].is_stream && !run->inputs.all[i].is_skipped)
            return cm_error_set(
                error, CAPMILL_E_UNSUPPORTED, 0,
                "times that move from the earliest packet take a read before, and a stream can "
                "be read once; write it to a file first, or put it in order with --sort");
    }
    return find_first(run, error);
}

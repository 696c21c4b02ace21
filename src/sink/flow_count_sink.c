/* SPDX-License-Identifier: Apache-2.0 */
/* Counting the packets of each flow, batch by batch. The counts are flow/flow_sizes.c's. */
#include "sink/flow_count_sink.h"

#include <stdlib.h>

#include "flow/key.h"
#include "wire/headers.h"

/* What one thread knows: its number. */
struct counting_thread {
    unsigned thread;
};

static enum capmill_status count_open(void *shared, unsigned thread, void **local_ret, struct cm_error *error)
{
    struct counting_thread *local = calloc(1, sizeof(*local));

    (void)shared;
    *local_ret = local;
    if (local == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for counting flows");
    local->thread = thread;
    return CAPMILL_OK;
}

static enum capmill_status count_consume(void *shared, void *local_, struct cm_batch *batch,
                                         struct cm_error *error)
{
    const struct cm_flow_count_sink *sink = shared;
    const struct counting_thread *local = local_;
    const uint32_t n = cm_batch_n_selected(batch);
    enum capmill_status status = CAPMILL_OK;

    for (uint32_t i = 0; i < n && status >= 0; i++) {
        const uint32_t at = cm_batch_selected(batch, i);
        enum cm_flow_direction direction;
        struct cm_flow_key key;

        if (cm_flow_key_make(&batch->packets[at], &batch->headers[at], sink->unidirectional, &key,
                             &direction) != CM_FLOW_NONE)
            status = cm_flow_sizes_add(sink->counts, local->thread, &key, error);
    }
    return status;
}

static enum capmill_status count_combine(void *shared, void *local, struct cm_error *error)
{
    (void)shared;
    (void)error;
    free(local);
    return CAPMILL_OK;
}

static enum capmill_status count_finish(void *shared, struct cm_error *error)
{
    const struct cm_flow_count_sink *sink = shared;

    return cm_flow_sizes_finish(sink->counts, error);
}

struct cm_sink cm_flow_count_sink(struct cm_flow_count_sink *shared)
{
    return (struct cm_sink){.name = "flow counts",
                            .shared = shared,
                            .open = count_open,
                            .consume = count_consume,
                            .combine = count_combine,
                            .finish = count_finish};
}

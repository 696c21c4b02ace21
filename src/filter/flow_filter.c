/* SPDX-License-Identifier: Apache-2.0 */
/* The operator of a filter by flow size: keeps packets of flows that were counted often enough. Counting is
 * flow/flow_sizes.c's. */
#include "filter/filter.h"
#include "flow/key.h"
#include "wire/headers.h"

static bool is_kept(const struct cm_flow_filter *filter, const struct cm_packet *packet,
                    const struct cm_headers *headers)
{
    enum cm_flow_direction direction;
    struct cm_flow_key key;

    return cm_flow_key_make(packet, headers, filter->unidirectional, &key, &direction) != CM_FLOW_NONE &&
           cm_flow_sizes_of(filter->counts, &key) >= filter->n_packets;
}

static enum capmill_status process(void *shared, void *local, struct cm_batch *batch, struct cm_error *error)
{
    const struct cm_flow_filter *filter = shared;
    const uint32_t n = cm_batch_n_selected(batch);
    uint32_t n_kept = 0;

    (void)local;
    (void)error;
    if (filter->n_packets <= 1)
        return CAPMILL_OK;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t at = cm_batch_selected(batch, i);

        if (is_kept(filter, &batch->packets[at], &batch->headers[at]))
            batch->selection[n_kept++] = (uint16_t)at; /* never beyond what was read */
    }
    if (n_kept < n) {
        batch->n_selected = n_kept;
        batch->selected_all = false;
    }
    return CAPMILL_OK;
}

struct cm_operator cm_flow_filter_operator(struct cm_flow_filter *flow_filter)
{
    return (struct cm_operator){.name = "filter (flow size)", .shared = flow_filter, .process = process};
}

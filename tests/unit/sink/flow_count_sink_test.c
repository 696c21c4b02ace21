/* SPDX-License-Identifier: Apache-2.0 */
/* The two passes of a filter by flow size: counted by threads at the same time, then asked by the operator;
 * against the model of made_packets.h. */
#include "sink/flow_count_sink.h"

#include "filter/filter.h"
#include "os/thread.h"
#include "unit/flow/made_packets.h"

#define N_THREADS 4u
#define N_PACKETS 20000u

struct counter {
    struct cm_sink *sink;
    const struct made_packet *packets;
    unsigned number;
    enum capmill_status status;
};

/* Every batch whose sequence is this thread's. */
static void count(void *context)
{
    struct counter *counter = context;
    struct made_batch *made = made_batch_create();
    void *local = NULL;
    size_t at = 0, begin = 0;

    counter->status = counter->sink->open(counter->sink->shared, counter->number, &local, NULL);
    for (; made_batch_fill(made, counter->packets, N_PACKETS, &at, 500); begin = at)
        if (counter->status == CAPMILL_OK && counter->packets[begin].sequence % N_THREADS == counter->number)
            counter->status = counter->sink->consume(counter->sink->shared, local, &made->batch, NULL);
    if (counter->sink->combine(counter->sink->shared, local, NULL) < 0)
        counter->status = CAPMILL_E_INTERNAL;
    free(made);
}

static void check_filter(bool unidirectional, uint64_t n_least)
{
    struct made_packet *packets = made_capture(N_PACKETS, 1, 40, 12);
    struct cm_flow_sizes *counts = cm_flow_sizes_create(N_THREADS, (uint64_t)64 << 20);
    struct cm_flow_count_sink shared = {counts, unidirectional};
    struct cm_flow_filter filter = {counts, n_least, unidirectional};
    struct cm_sink sink = cm_flow_count_sink(&shared);
    struct cm_operator operator_ = cm_flow_filter_operator(&filter);
    struct made_batch *made = made_batch_create();
    struct counter counters[N_THREADS];
    struct cm_thread *threads[N_THREADS];
    struct model_flow *flows;
    size_t n_flows, n_kept = 0, n_dropped = 0, at = 0, begin = 0;

    for (unsigned i = 0; i < N_THREADS; i++) {
        counters[i] = (struct counter){&sink, packets, i, CAPMILL_OK};
        cm_check_eq(cm_thread_start("count", count, &counters[i], &threads[i], NULL), CAPMILL_OK);
    }
    for (unsigned i = 0; i < N_THREADS; i++) {
        cm_thread_join(threads[i]);
        cm_check_eq(counters[i].status, CAPMILL_OK);
    }
    cm_check_eq(sink.finish(sink.shared, NULL), CAPMILL_OK);
    flows = model_flows(packets, N_PACKETS, unidirectional, &n_flows);
    for (; made_batch_fill(made, packets, N_PACKETS, &at, 512); begin = at) {
        uint32_t next = 0;

        cm_check_eq(operator_.process(operator_.shared, NULL, &made->batch, NULL), CAPMILL_OK);
        for (uint32_t i = 0; i < made->batch.n_packets; i++) {
            const struct made_packet *packet = &packets[begin + i];
            struct model_flow flow;
            bool kept = model_flow_of(packet, unidirectional, &flow);

            for (size_t k = 0; kept && k < n_flows; k++) {
                if (flows[k].flow_id == flow.flow_id) {
                    kept = flows[k].n_packets[0] + flows[k].n_packets[1] >= n_least;
                    break;
                }
            }
            kept = (kept || n_least <= 1) && !packet->dropped;
            n_kept += kept;
            n_dropped += !kept && !packet->dropped;
            if (!kept)
                continue;
            cm_check(next < cm_batch_n_selected(&made->batch));
            cm_check_eq(cm_batch_selected(&made->batch, next++), i);
        }
        cm_check_eq(cm_batch_n_selected(&made->batch), next);
    }
    cm_check(n_kept > 0 && (n_dropped > 0) == (n_least > 1)); /* or nothing was tried */
    cm_flow_sizes_destroy(counts);
    free(flows);
    free(made);
    free(packets);
}

CM_TEST(flow_count_sink, flows_of_a_least_size)
{
    check_filter(false, 1);
    check_filter(false, 2);
    check_filter(false, 5);
    check_filter(true, 4);
}

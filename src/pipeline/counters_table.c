/* SPDX-License-Identifier: Apache-2.0 */
/* Adding up where the time went. */
#include "pipeline/counters_table.h"

#include <string.h>

#include "os/clock.h"
#include "os/memory.h"

bool cm_counters_table_init(struct cm_counters_table *table, unsigned n_threads)
{
    memset(table, 0, sizeof(*table));
    table->n_threads = n_threads;
    table->map_bytes = (size_t)n_threads * CM_COUNT_STAGES * sizeof(struct cm_stage_counters);
    table->by_thread = cm_memory_map(table->map_bytes);
    return table->by_thread != NULL;
}

void cm_counters_table_fini(struct cm_counters_table *table)
{
    if (table->by_thread != NULL)
        cm_memory_unmap(table->by_thread, table->map_bytes);
    table->by_thread = NULL;
}

struct cm_stage_counters *cm_counters_of(struct cm_counters_table *table, unsigned thread,
                                         enum cm_counted_stage stage)
{
    return &table->by_thread[thread * CM_COUNT_STAGES + stage];
}

void cm_counters_add_ring(struct cm_counters_table *table, const struct cm_ring *ring)
{
    struct cm_ring_counters counters;

    cm_ring_read_counters(ring, &counters);
    table->ring.n_pushed += counters.n_pushed;
    table->ring.n_full_waits += counters.n_full_waits;
    table->ring.n_empty_waits += counters.n_empty_waits;
    table->n_rings++;
}

size_t cm_counters_report(struct cm_counters_table *table, const char **bottleneck_ret)
{
    size_t n = 0;
    uint64_t busiest_ns = 0;

    *bottleneck_ret = "";
    for (unsigned stage = 0; stage < CM_COUNT_STAGES; stage++) {
        struct cm_stage_totals totals = {0};
        unsigned n_threads = 0;
        uint64_t per_thread_ns;

        if (table->names[stage] == NULL)
            continue;
        for (unsigned thread = 0; thread < table->n_threads; thread++) {
            uint64_t before_ns = totals.busy_ns;

            cm_stage_counters_sum(cm_counters_of(table, thread, (enum cm_counted_stage)stage), &totals);
            n_threads += totals.busy_ns != before_ns;
        }
        table->rows[n++] = (struct capmill_stage_report){.name = table->names[stage],
                                                         .n_threads = n_threads,
                                                         .busy_ns = totals.busy_ns,
                                                         .waiting_ns = totals.waiting_ns,
                                                         .n_items = totals.n_items,
                                                         .n_bytes = totals.n_bytes};
        /* a stage that one thread alone runs holds up all when that thread has no rest */
        per_thread_ns = n_threads == 0 ? 0 : totals.busy_ns / n_threads;
        if (per_thread_ns > busiest_ns) {
            busiest_ns = per_thread_ns;
            *bottleneck_ret = table->names[stage];
        }
    }
    if (table->n_rings > 0)
        table->rows[n++] = (struct capmill_stage_report){.name = "rings",
                                                         .n_threads = table->n_rings,
                                                         .n_items = table->ring.n_pushed,
                                                         .n_full_waits = table->ring.n_full_waits,
                                                         .n_empty_waits = table->ring.n_empty_waits};
    return n;
}

static enum capmill_status counted_next(struct cm_source *source, struct cm_segment **segment_ret,
                                        struct cm_error *error)
{
    struct cm_counted_source *counted = (struct cm_counted_source *)source;
    uint64_t begin_ns = cm_clock_monotonic_ns();
    enum capmill_status status = counted->inner->next(counted->inner, segment_ret, error);

    cm_counter_add(&counted->counters->busy_ns, cm_clock_monotonic_ns() - begin_ns);
    if (status == CAPMILL_OK)
        cm_stage_counters_did(counted->counters, 1, (*segment_ret)->n_bytes);
    return status;
}

void cm_counted_source_init(struct cm_counted_source *counted, struct cm_source *inner,
                            struct cm_stage_counters *counters)
{
    counted->base = (struct cm_source){.name = inner->name, .next = counted_next};
    counted->inner = inner;
    counted->counters = counters;
}

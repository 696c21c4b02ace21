/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of the stages of a run, by thread, and what the report makes of them. */
#ifndef CM_PIPELINE_COUNTERS_TABLE_H
#define CM_PIPELINE_COUNTERS_TABLE_H

#include <stdbool.h>

#include "capmill/capmill.h"
#include "core/counters.h"
#include "core/ring.h"
#include "core/stage.h"

enum cm_counted_stage {
    CM_COUNT_READ,  /* bytes from the system */
    CM_COUNT_FRAME, /* records found */
    CM_COUNT_FILTER,
    CM_COUNT_DECODE, /* headers */
    CM_COUNT_SINK,   /* summed up, put in order, or copied out */
    CM_COUNT_GATHER, /* second read of a sort */
    CM_COUNT_GENERATE,
    CM_COUNT_STAGES
};

struct cm_counters_table {
    struct cm_stage_counters *by_thread; /* n_threads rows of CM_COUNT_STAGES */
    size_t map_bytes;
    unsigned n_threads;
    const char *names[CM_COUNT_STAGES]; /* set by who runs the stage; NULL: it did not run */
    struct cm_ring_counters ring;       /* sum over rings that have ended */
    unsigned n_rings;
    struct capmill_stage_report rows[CM_COUNT_STAGES + 1];
};

bool cm_counters_table_init(struct cm_counters_table *table, unsigned n_threads);
void cm_counters_table_fini(struct cm_counters_table *table);
struct cm_stage_counters *cm_counters_of(struct cm_counters_table *table, unsigned thread,
                                         enum cm_counted_stage stage);
/* After its threads have ended. */
void cm_counters_add_ring(struct cm_counters_table *table, const struct cm_ring *ring);
/* Rows for the report; *bottleneck_ret names the stage that kept the threads busy longest. */
size_t cm_counters_report(struct cm_counters_table *table, const char **bottleneck_ret);

/* A source that counts what the source behind it yields; in the caller's storage. */
struct cm_counted_source {
    struct cm_source base;
    struct cm_source *inner;
    struct cm_stage_counters *counters;
};
void cm_counted_source_init(struct cm_counted_source *counted, struct cm_source *inner,
                            struct cm_stage_counters *counters);

#endif

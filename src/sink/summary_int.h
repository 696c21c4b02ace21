/* SPDX-License-Identifier: Apache-2.0 */
/* The summary's insides, shared by summary_sink.c (gathers) and summary_rows.c (answers). */
#ifndef CM_SINK_SUMMARY_INT_H
#define CM_SINK_SUMMARY_INT_H

#include "flow/table.h"
#include "flow/tally.h"
#include "os/thread.h"
#include "sink/summary_order.h"
#include "sink/summary_sink.h"
#include "sink/summary_totals.h"

/* What a thread gathers, and what all have gathered. */
struct cm_summary_part {
    struct cm_summary *summary;
    struct cm_summary_totals totals;
    struct cm_summary_ranges ranges;
    struct cm_tally *tally;      /* INFO, or approximate */
    struct cm_flow_table *flows; /* STATS and exact */
};

struct cm_summary {
    struct cm_summary_options options;
    struct cm_flow_seed seed;
    struct cm_sink sink;
    struct cm_mutex mutex;           /* over `locals`: threads open at once */
    struct cm_summary_part **locals; /* one per thread, made when first opened, kept over resets */
    struct cm_summary_part whole;
    bool finished;
    struct cm_summary_counts
        counts; /* valid once finished, but for the order of absorbed captures: see `absorbed` */
    struct cm_summary_range absorbed; /* order of absorbed captures, added up; `any` as always */
    struct cm_summary_protocol *protocols;
    size_t n_protocols;
    struct cm_summary_host *hosts;
    size_t n_hosts;
    struct cm_summary_size sizes[CM_SUMMARY_SIZES];
};

/* Make the rows of `stats` out of the finished whole; counts flows and addresses on the way. */
enum capmill_status cm_summary_make_rows(struct cm_summary *summary, struct cm_error *error);
void cm_summary_drop_rows(struct cm_summary *summary);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Flows as rows of a table: packets in order go in, a row comes out whenever a flow ends: it was idle or active
 * for too long, memory ran out, or there are no more packets. In two steps, so that several threads do the
 * first: packets become *updates* (any thread), which are added in order (one caller at a time). Which rows come
 * out, and in which order, follows from the packets alone. */
#ifndef CM_SINK_FLOW_ROWS_H
#define CM_SINK_FLOW_ROWS_H

#include "sink/packet_columns.h"

struct cm_flow_rows_options {
    const char *const *names; /* columns; NULL: all */
    size_t n_names;
    bool unidirectional;
    bool bloom_flow_id;
    uint64_t idle_ns;   /* a flow without a packet for longer than this has ended; 0: never */
    uint64_t active_ns; /* a packet this long after a flow's first, or later, begins another row; 0: never */
    uint64_t memory_bytes; /* for flows that have not ended; beyond it those idle longest end early */
};

struct cm_flow_rows;

enum capmill_status cm_flow_rows_create(const struct cm_flow_rows_options *options,
                                        struct cm_flow_rows **flows_ret, struct cm_error *error);
void cm_flow_rows_destroy(struct cm_flow_rows *flows); /* NULL accepted */
const struct cm_table_schema *cm_flow_rows_schema(const struct cm_flow_rows *flows);
const struct cm_column *cm_flow_column_known(size_t i, bool *is_default_ret);

/* Any thread: what packets do to flows. One allocation, freed with free(). Packets without a flow leave
 * nothing. */
struct cm_flow_updates;
#define CM_FLOW_UPDATE_BYTES 64u /* of each packet */
enum capmill_status cm_flow_updates_make(const struct cm_flow_rows *flows,
                                         const struct cm_packet_rows *packets,
                                         struct cm_flow_updates **updates_ret, struct cm_error *error);

/* In order: add updates (NULL: there are no more packets, so that every flow ends), then take rows until
 * CAPMILL_END: up to 8192 at a time, borrowed until the next call. Rows that wait are memory beyond the bound: let
 * no more than some thousand of them. */
enum capmill_status cm_flow_rows_add(struct cm_flow_rows *flows, const struct cm_flow_updates *updates,
                                     struct cm_error *error);
enum capmill_status cm_flow_rows_next(struct cm_flow_rows *flows, struct cm_table_rows *rows_ret,
                                      struct cm_error *error);
size_t cm_flow_rows_waiting(const struct cm_flow_rows *flows);       /* rows that could be taken */
uint64_t cm_flow_rows_ended_early(const struct cm_flow_rows *flows); /* for want of memory */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The door of stage 4. Two ways to the ordered output, each a sink for batches:
 *
 *   window   one read: packets are held until no earlier one can follow, then copied out. Fails softly
 *            (CAPMILL_AGAIN from consume) when a packet comes too late; nothing it wrote is then worth
 *            anything.
 *   index    two reads: the first leaves an index in order of time, cm_gather brings the packets in that
 *            order.
 *
 * AS_READ, the "window" holds nothing: what arrives goes on in input order, and comes too late where inputs
 * overlap in time.
 *
 * Later ways (spilling runs, distributing into buckets) are to stand beside these, behind the same outlet. */
#ifndef CM_SORT_SORT_H
#define CM_SORT_SORT_H

#include "core/ordered.h"
#include "core/outlet.h"
#include "core/stage.h"

enum cm_sort_order {
    CM_SORT_BY_TIME = 0,
    /* Inputs keep their order. Several are merged, each taken to be in order of time: always the one goes on
     * whose next packet is earliest. Not into slices of one capture, which are cut in order of time. */
    CM_SORT_AS_READ,
};

struct cm_sort_options {
    /* Where packets go: into one capture, or to a taker. What is not used is NULL; what is outlives the
     * sink. */
    const struct cm_encoder *encoder;
    const struct cm_outlet *outlet;
    const struct cm_taker *taker;
    enum cm_sort_order order;
    uint64_t memory_bytes;         /* for what the sort itself holds */
    const uint64_t *sequence_base; /* by input: number of its first range in the order of the whole run */
    bool read_once; /* the inputs cannot be read again: hold as much as memory allows before anything leaves,
                       as a packet that comes too late is the end */
};

/* --- window --- */

struct cm_window_sink_facts {
    uint64_t n_packets; /* written */
    uint64_t max_depth; /* ranges back that the latest packet reached */
    uint64_t peak_bytes;
    bool late;           /* a packet came too late: start again with an index */
    uint64_t late_place; /* input and place (sort/entry.h) of the first packet of its range */
};

enum capmill_status cm_window_sink_create(const struct cm_sort_options *options, struct cm_sink *sink_ret,
                                          struct cm_error *error);
void cm_window_sink_read_facts(const struct cm_sink *sink, struct cm_window_sink_facts *facts_ret);

/* --- index and gather --- */

struct cm_index; /* packets in order, and the events of the inputs */

/* The sink puts its packets into an index; after finish, cm_index_sink_take takes it over. Indices that would
 * not fit into memory_bytes are a failure that says how much they need. */
enum capmill_status cm_index_sink_create(const struct cm_sort_options *options, struct cm_sink *sink_ret,
                                         struct cm_error *error);
struct cm_index *cm_index_sink_take(struct cm_sink *sink);
void cm_index_destroy(struct cm_index *index);
uint64_t cm_index_packets(const struct cm_index *index);

/* Run `task` for 0 <= i < n, on as many threads as there are; returns when all are done. The pipeline's. */
struct cm_parallel {
    void *context;
    unsigned n_threads;
    void (*run)(void *context, size_t n, void (*task)(void *argument, size_t i), void *argument);
};
/* Put the index in order, as the sink's options said. */
enum capmill_status cm_index_order(struct cm_index *index, const struct cm_parallel *parallel,
                                   struct cm_error *error);

/* Brings bytes of an input again: n bytes at `offset`, all of them, or a failure. Any thread. */
struct cm_refetch {
    void *context;
    enum capmill_status (*read)(void *context, uint32_t input, uint64_t offset, void *buffer, size_t n,
                                struct cm_error *error);
};

struct cm_gather;
struct cm_gather *cm_gather_create(struct cm_index *index, const struct cm_sort_options *options,
                                   const struct cm_refetch *refetch);
void cm_gather_destroy(struct cm_gather *gather);
/* Write the next pieces until there are none left. Called by each thread once; they share the work. After
 * each piece of `n_bytes` the thread asks `go_on` (NULL: always) and ends early when the answer is false. */
enum capmill_status cm_gather_work(struct cm_gather *gather, bool (*go_on)(void *context, uint64_t n_bytes),
                                   void *context, struct cm_error *error);
uint64_t cm_gather_packets(const struct cm_gather *gather); /* written so far; any thread */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The one-read sort: chunks go in in input order, groups come out in time order, as soon as no packet that
 * may still come can belong before them. Pure logic under the caller's lock; knows no threads.
 *
 * The window believes that a packet is displaced by no more than `depth` chunks: that after chunk i has come,
 * nothing will follow that is earlier than the latest time of the chunks up to i - depth. The depth follows
 * what was seen so far, within the memory allowed. A packet that comes later than that is told
 * (cm_window_accept answers CAPMILL_AGAIN), and then the packets that went out before it were wrong: the
 * caller starts again with an index. */
#ifndef CM_SORT_WINDOW_H
#define CM_SORT_WINDOW_H

#include "sort/chunk.h"
#include "sort/emit.h"

struct cm_window;

/* `memory_bytes` bounds what chunks hold; `patient`: hold as much as that before anything leaves. NULL: no
 * memory. */
struct cm_window *cm_window_create(uint64_t memory_bytes, bool patient, struct cm_chunk_pool *chunks);
void cm_window_destroy(struct cm_window *window); /* releases what it holds; NULL accepted */

/* Chunk number 0, 1, 2... of the run; its entries are in order of time. The window takes the caller's
 * reference. CAPMILL_OK, CAPMILL_AGAIN when a packet came too late, or a failure. */
enum capmill_status cm_window_accept(struct cm_window *window, struct cm_chunk *chunk,
                                     struct cm_error *error);
/* All chunks have come. */
void cm_window_end(struct cm_window *window);
/* Fill an empty group with the next packets, unsorted, with references to their chunks, and move events of
 * the chunks that it draws from to `waiting`. CAPMILL_OK; CAPMILL_AGAIN: accept more first; CAPMILL_END after
 * cm_window_end. */
enum capmill_status cm_window_next(struct cm_window *window, struct cm_group *group,
                                   struct cm_waiting_events *waiting, struct cm_error *error);

struct cm_window_facts {
    uint64_t n_chunks;
    uint64_t max_depth;  /* chunks back that the latest packet reached */
    uint64_t peak_bytes; /* held at most */
    uint64_t late_place; /* input and place of the chunk that came too late */
};
void cm_window_read_facts(const struct cm_window *window, struct cm_window_facts *facts_ret);

#endif

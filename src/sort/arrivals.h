/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the inputs kept as it is: chunks come in in input order and go out the same way. In place of a
 * window (window.h), under the same lock, by the same rules. */
#ifndef CM_SORT_ARRIVALS_H
#define CM_SORT_ARRIVALS_H

#include "sort/emit.h"

/* Zeroed is empty, but for `chunks`. */
struct cm_arrivals {
    struct cm_chunk_pool *chunks;
    struct cm_chunk *first, *last; /* by `next` */
    bool ended;
    bool any_timed;
    uint32_t input;     /* of the latest packet that has a time */
    uint64_t latest_ns; /* greatest time of any */
};

void cm_arrivals_fini(struct cm_arrivals *arrivals);
/* Takes the caller's reference. CAPMILL_AGAIN: an input begins before the ones in front of it end, so that they
 * are to be merged. */
enum capmill_status cm_arrivals_accept(struct cm_arrivals *arrivals, struct cm_chunk *chunk);
void cm_arrivals_end(struct cm_arrivals *arrivals);
/* As cm_window_next; the group's packets are in order. */
enum capmill_status cm_arrivals_next(struct cm_arrivals *arrivals, struct cm_group *group,
                                     struct cm_waiting_events *waiting, struct cm_error *error);

#endif

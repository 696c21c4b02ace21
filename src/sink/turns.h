/* SPDX-License-Identifier: Apache-2.0 */
/* Things that several threads finish in any order, worked off in their own order by a thread of its own: what
 * stands between those who encode and the one file that they encode for. A lock guards the queue: items are
 * blocks of thousands of packets, so it is taken some thousand times a second. */
#ifndef CM_SINK_TURNS_H
#define CM_SINK_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct cm_turns_options {
    const char *name;     /* of the thread */
    uint64_t limit_bytes; /* that may wait for their turn */
    bool own_thread;      /* false: there is one thread, which works its items off as it puts them */
    void *context;
    /* Takes the item, also when it fails. One caller at a time, in order. */
    enum capmill_status (*work)(void *context, void *item, struct cm_error *error);
    void (*discard)(void *context, void *item); /* after a failure; NULL items are not told */
};

struct cm_turns;

enum capmill_status cm_turns_create(const struct cm_turns_options *options, struct cm_turns **turns_ret,
                                    struct cm_error *error);
/* Gives up what waits. NULL accepted. */
void cm_turns_destroy(struct cm_turns *turns);
/* Item number `sequence`, from 0 without gaps, each once; NULL: nothing, but its turn is over. Takes the item,
 * also when it fails. Waits while much is ahead of its turn, never for the one whose turn it is: as long as each
 * thread puts its own in order, the earliest of all gets through. Failures of the work come back here. */
enum capmill_status cm_turns_put(struct cm_turns *turns, uint64_t sequence, void *item, uint64_t n_bytes,
                                 struct cm_error *error);
/* Wait until everything that was put is worked off. */
enum capmill_status cm_turns_finish(struct cm_turns *turns, struct cm_error *error);
/* Let everybody who waits give up with CAPMILL_E_INTERRUPTED. Any thread. */
void cm_turns_abort(struct cm_turns *turns);

#endif

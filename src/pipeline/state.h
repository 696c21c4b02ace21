/* SPDX-License-Identifier: Apache-2.0 */
/* What all threads of a run share: whether to go on, the first failure, how far it is. */
#ifndef CM_PIPELINE_STATE_H
#define CM_PIPELINE_STATE_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "capmill/capmill.h"
#include "os/thread.h"

struct cm_state {
    _Atomic int stop;      /* asked to stop: set by capmill_run_stop, a signal handler too */
    _Atomic bool failed;   /* some thread failed: the others end at their next batch */
    struct cm_mutex lock;  /* guards `error`, and calls of on_message and on_progress */
    struct cm_error error; /* the first failure */

    const struct capmill_job *job;
    _Atomic uint64_t started_ns; /* read by capmill_run_progress while execute begins */
    uint64_t told_ns;            /* when on_progress was last called; thread 0's own */
    _Atomic uint64_t bytes_total;
    _Atomic uint64_t bytes_done;
    _Atomic uint64_t packets_done;
    _Atomic uint64_t packets_kept; /* of those, by the filter */
    _Atomic(const char *) stage;
};

void cm_state_init(struct cm_state *state, const struct capmill_job *job);
void cm_state_fini(struct cm_state *state);

/* Whether to go on; looked at once a batch. */
static inline bool cm_state_goes_on(const struct cm_state *state)
{
    /* relaxed: nothing but the wish to end is told by these */
    return !atomic_load_explicit(&state->failed, memory_order_relaxed) &&
           atomic_load_explicit(&state->stop, memory_order_relaxed) == 0;
}

/* Keep the first failure and let everybody end. Any thread. */
void cm_state_fail(struct cm_state *state, const struct cm_error *error);
/* The failure, or CAPMILL_E_INTERRUPTED where a stop was asked for, or CAPMILL_OK. After the threads have
 * ended. */
enum capmill_status cm_state_result(struct cm_state *state, struct cm_error *error);
/* Forget a failure, for another attempt. */
void cm_state_clear(struct cm_state *state);

/* How far a run was, to be returned to when a part of it is done again. Between passes. */
struct cm_progress_mark {
    uint64_t bytes_done, packets_done, packets_kept;
};
struct cm_progress_mark cm_state_mark(const struct cm_state *state);
void cm_state_return_to(struct cm_state *state, const struct cm_progress_mark *mark);

void cm_state_message(struct cm_state *state, enum capmill_message_level level, const char *format, ...)
    CM_PRINTF(3, 4);
/* Thread 0, now and then: calls on_progress when a quarter of a second has passed, or `now`. */
void cm_state_tick(struct cm_state *state, bool now);
void cm_state_read_progress(const struct cm_state *state, struct capmill_progress *progress_ret);

#endif

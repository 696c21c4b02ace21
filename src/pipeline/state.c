/* SPDX-License-Identifier: Apache-2.0 */
/* First failure wins; progress is told by one thread. */
#include "pipeline/state.h"

#include <stdio.h>
#include <string.h>

#include "os/clock.h"

/* Four times a second: a progress line that moves, and nothing that a profile shows. */
#define TICK_NS UINT64_C(250000000)

void cm_state_init(struct cm_state *state, const struct capmill_job *job)
{
    memset(state, 0, sizeof(*state));
    cm_mutex_init(&state->lock);
    state->job = job;
    atomic_init(&state->started_ns, cm_clock_monotonic_ns());
    atomic_init(&state->stage, "start");
}

void cm_state_fini(struct cm_state *state)
{
    cm_mutex_fini(&state->lock);
}

void cm_state_fail(struct cm_state *state, const struct cm_error *error)
{
    cm_mutex_lock(&state->lock);
    if (state->error.status >= 0)
        state->error = *error;
    cm_mutex_unlock(&state->lock);
    atomic_store_explicit(&state->failed, true, memory_order_relaxed);
}

enum capmill_status cm_state_result(struct cm_state *state, struct cm_error *error)
{
    if (atomic_load_explicit(&state->stop, memory_order_relaxed) != 0)
        return cm_error_set(error, CAPMILL_E_INTERRUPTED, 0, "stopped on request");
    if (state->error.status < 0) {
        if (error != NULL && error->status >= 0)
            *error = state->error;
        return state->error.status;
    }
    return CAPMILL_OK;
}

void cm_state_clear(struct cm_state *state)
{
    state->error = (struct cm_error){0};
    atomic_store_explicit(&state->failed, false, memory_order_relaxed);
}

struct cm_progress_mark cm_state_mark(const struct cm_state *state)
{
    return (struct cm_progress_mark){
        .bytes_done = atomic_load_explicit(&state->bytes_done, memory_order_relaxed),
        .packets_done = atomic_load_explicit(&state->packets_done, memory_order_relaxed),
        .packets_kept = atomic_load_explicit(&state->packets_kept, memory_order_relaxed),
    };
}

void cm_state_return_to(struct cm_state *state, const struct cm_progress_mark *mark)
{
    atomic_store_explicit(&state->bytes_done, mark->bytes_done, memory_order_relaxed);
    atomic_store_explicit(&state->packets_done, mark->packets_done, memory_order_relaxed);
    atomic_store_explicit(&state->packets_kept, mark->packets_kept, memory_order_relaxed);
}

void cm_state_message(struct cm_state *state, enum capmill_message_level level, const char *format, ...)
{
    char text[CM_ERROR_TEXT_BYTES];
    va_list arguments;

    if (state->job->on_message == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    cm_mutex_lock(&state->lock);
    state->job->on_message(state->job->message_context, level, text);
    cm_mutex_unlock(&state->lock);
}

void cm_state_read_progress(const struct cm_state *state, struct capmill_progress *progress_ret)
{
    *progress_ret = (struct capmill_progress){
        .bytes_total = atomic_load_explicit(&state->bytes_total, memory_order_relaxed),
        .bytes_done = atomic_load_explicit(&state->bytes_done, memory_order_relaxed),
        .packets_done = atomic_load_explicit(&state->packets_done, memory_order_relaxed),
        .elapsed_ns =
            cm_clock_monotonic_ns() - atomic_load_explicit(&state->started_ns, memory_order_relaxed),
        .stage = atomic_load_explicit(&state->stage, memory_order_relaxed),
    };
}

void cm_state_tick(struct cm_state *state, bool now)
{
    struct capmill_progress progress;

    if (state->job->on_progress == NULL)
        return;
    cm_state_read_progress(state, &progress);
    if (!now && progress.elapsed_ns - state->told_ns < TICK_NS)
        return;
    state->told_ns = progress.elapsed_ns;
    cm_mutex_lock(&state->lock);
    state->job->on_progress(state->job->progress_context, &progress);
    cm_mutex_unlock(&state->lock);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that bring the ranges of a made-up run to a sink in any order, and threads that gather again what its
 * index holds. Not a test. */
#ifndef CM_TESTS_SORT_MADE_TEAM_H
#define CM_TESTS_SORT_MADE_TEAM_H

#include "unit/sort/made_run.h"

#define TEAM_THREADS 3

struct team {
    const struct made_run *run;
    const struct cm_sink *sink;
    /* Called by whoever fails, so that nobody waits for what will not come. NULL: nobody waits. */
    void (*on_failure)(void *context);
    void *failure_context;
    /* the team's own */
    uint32_t batch_packets;
    _Atomic uint64_t next; /* range of the run */
    _Atomic int phase;     /* the member that may combine */
    _Atomic int outcome;   /* first that is not OK */
    _Atomic unsigned n_done;
    unsigned n_threads;
    uint64_t pause_seed;
};

struct team_member {
    struct team *team;
    unsigned number;
    struct cm_thread *thread;
};

static inline void team_result(struct team *team, enum capmill_status status)
{
    int ok = CAPMILL_OK;

    if (status == CAPMILL_OK)
        return;
    atomic_compare_exchange_strong(&team->outcome, &ok, (int)status);
    if (team->on_failure != NULL)
        team->on_failure(team->failure_context);
}

static inline void team_work(void *context)
{
    struct team_member *member = context;
    struct team *team = member->team;
    struct cm_batch *batch = cm_batch_create(0);
    struct cm_error error = {0};
    uint64_t seed = team->pause_seed + member->number;
    void *local = NULL;

    cm_check_eq(team->sink->open(team->sink->shared, member->number, &local, &error), CAPMILL_OK);
    while (atomic_load(&team->outcome) == CAPMILL_OK) {
        uint64_t range = atomic_fetch_add(&team->next, 1);
        uint32_t input = 0;

        if (range >= team->run->sequence_base[team->run->n_inputs])
            break;
        while (team->run->sequence_base[input + 1] <= range)
            input++;
        for (uint64_t i = drawn_in(&seed, 0, 3); i > 0 && team->n_threads > 1; i--)
            cm_thread_yield(); /* so that ranges come out of order */
        team_result(team, made_consume(team->run, team->sink, local, batch, input,
                                       range - team->run->sequence_base[input], team->batch_packets, &error));
    }
    atomic_fetch_add(&team->n_done, 1);
    while (atomic_load(&team->n_done) < team->n_threads)
        cm_thread_yield();
    if (atomic_load(&team->outcome) == CAPMILL_OK && team->sink->drain != NULL)
        team_result(team, team->sink->drain(team->sink->shared, local, &error));
    cm_batch_destroy(batch);
    /* combine is called by one thread at a time */
    while (atomic_load(&team->phase) != (int)member->number)
        cm_thread_yield();
    team->sink->combine(team->sink->shared, local, &error);
    atomic_store(&team->phase, (int)member->number + 1);
}

/* What the first of them came to that was not OK. */
static inline enum capmill_status team_run(struct team *team, unsigned n_threads, uint64_t seed)
{
    struct team_member members[TEAM_THREADS];
    struct cm_error error = {0};

    cm_check(n_threads <= TEAM_THREADS);
    team->n_threads = n_threads;
    team->batch_packets = (uint32_t)drawn_in(&seed, 1, 60);
    team->pause_seed = seed;
    for (unsigned i = 0; i < n_threads; i++)
        members[i] = (struct team_member){.team = team, .number = i};
    for (unsigned i = 1; i < n_threads; i++)
        cm_check_eq(cm_thread_start("sorting", team_work, &members[i], &members[i].thread, &error),
                    CAPMILL_OK);
    team_work(&members[0]);
    for (unsigned i = 1; i < n_threads; i++)
        cm_thread_join(members[i].thread);
    return (enum capmill_status)atomic_load(&team->outcome);
}

/* --- what the gather asks for --- */

static inline void team_tasks(void *context, size_t n, void (*task)(void *argument, size_t i), void *argument)
{
    (void)context;
    for (size_t i = n; i > 0; i--)
        task(argument, i - 1);
}

static inline enum capmill_status team_refetch(void *context, uint32_t input, uint64_t offset, void *buffer,
                                               size_t n, struct cm_error *error)
{
    const struct made_run *run = context;

    (void)error;
    cm_check_that(offset + n <= run->sizes[input], "a read beyond the input");
    memcpy(buffer, run->bytes[input] + offset, n);
    return CAPMILL_OK;
}

struct gatherer {
    struct cm_gather *gather;
    struct cm_thread *thread;
    void (*on_failure)(void *context);
    void *failure_context;
    uint64_t n_bytes;     /* that were told while it went on */
    _Atomic int *outcome; /* first that is not OK */
};

static inline bool gatherer_goes_on(void *context, uint64_t n_bytes)
{
    ((struct gatherer *)context)->n_bytes += n_bytes;
    return true;
}

static inline void gatherer_work(void *context)
{
    struct gatherer *gatherer = context;
    struct cm_error error = {0};
    int ok = CAPMILL_OK;
    enum capmill_status status;

    status = cm_gather_work(gatherer->gather, gatherer_goes_on, gatherer, &error);
    cm_check_eq(status, error.status);
    if (status == CAPMILL_OK)
        return;
    atomic_compare_exchange_strong(gatherer->outcome, &ok, (int)status);
    if (gatherer->on_failure != NULL)
        gatherer->on_failure(gatherer->failure_context);
}

/* What the first of them failed with. `on_failure` is called by whoever fails; NULL: nobody waits for anybody. */
static inline enum capmill_status team_gather(struct cm_gather *gather, unsigned n_threads,
                                              void (*on_failure)(void *context), void *failure_context,
                                              uint64_t *n_bytes_ret)
{
    struct gatherer gatherers[TEAM_THREADS];
    _Atomic int outcome = CAPMILL_OK;
    struct cm_error error = {0};

    *n_bytes_ret = 0;
    for (unsigned i = 0; i < n_threads; i++)
        gatherers[i] = (struct gatherer){.gather = gather,
                                         .on_failure = on_failure,
                                         .failure_context = failure_context,
                                         .outcome = &outcome};
    for (unsigned i = 1; i < n_threads; i++)
        cm_check_eq(cm_thread_start("gathering", gatherer_work, &gatherers[i], &gatherers[i].thread, &error),
                    CAPMILL_OK);
    gatherer_work(&gatherers[0]);
    for (unsigned i = 1; i < n_threads; i++)
        cm_thread_join(gatherers[i].thread);
    for (unsigned i = 0; i < n_threads; i++)
        *n_bytes_ret += gatherers[i].n_bytes;
    return (enum capmill_status)atomic_load(&outcome);
}

#endif

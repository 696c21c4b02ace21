/* SPDX-License-Identifier: Apache-2.0 */
/* Items are worked off in their order whoever puts them when, no more of them wait than may, and after a failure or
 * an abort each has been worked on or discarded, once, and nobody waits. */
#include "sink/turns.h"

#include <stdlib.h>

#include "os/clock.h"
#include "os/thread.h"
#include "unit/check.h"
#include "unit/sort/drawn.h"

#define N_ITEMS   600u
#define N_PUTTERS 4u
#define NEVER     UINT64_MAX

struct item {
    uint64_t sequence;
    _Atomic unsigned n_worked, n_discarded;
};

struct queue {
    struct cm_turns *turns;
    struct item items[N_ITEMS];
    uint64_t fail_at;
    uint64_t next; /* that is worked on; nulls are left out */
    _Atomic unsigned n_working;
    _Atomic uint64_t n_put;
    uint64_t pause_ns; /* while an item is worked on */
};

static enum capmill_status work(void *context, void *what, struct cm_error *error)
{
    struct queue *queue = context;
    struct item *item = what;

    cm_check_eq(atomic_fetch_add(&queue->n_working, 1), 0);
    cm_check_that(item->sequence >= queue->next, "%" PRIu64 " after %" PRIu64, item->sequence, queue->next);
    queue->next = item->sequence + 1;
    atomic_fetch_add(&item->n_worked, 1);
    if (queue->pause_ns > 0) {
        _Atomic uint32_t never = 0;

        cm_word_wait(&never, 0, queue->pause_ns);
    }
    atomic_fetch_sub(&queue->n_working, 1);
    return item->sequence == queue->fail_at ? cm_error_set(error, CAPMILL_E_NO_SPACE, 0, "the disk is full")
                                            : CAPMILL_OK;
}

static void discard(void *context, void *what)
{
    (void)context;
    atomic_fetch_add(&((struct item *)what)->n_discarded, 1);
}

static struct queue *queue_create(bool own_thread, uint64_t limit_bytes)
{
    struct queue *queue = calloc(1, sizeof(*queue));
    struct cm_turns_options options = {.name = "turns",
                                       .limit_bytes = limit_bytes,
                                       .own_thread = own_thread,
                                       .context = queue,
                                       .work = work,
                                       .discard = discard};
    struct cm_error error = {0};

    cm_check(queue != NULL);
    queue->fail_at = NEVER;
    for (uint64_t i = 0; i < N_ITEMS; i++)
        queue->items[i].sequence = i;
    cm_check_eq(cm_turns_create(&options, &queue->turns, &error), CAPMILL_OK);
    return queue;
}

static enum capmill_status put(struct queue *queue, uint64_t sequence, uint64_t n_bytes,
                               struct cm_error *error)
{
    enum capmill_status status =
        cm_turns_put(queue->turns, sequence, &queue->items[sequence], n_bytes, error);

    cm_check_eq(status, error->status);
    if (status == CAPMILL_OK)
        atomic_fetch_add(&queue->n_put, 1);
    return status;
}

/* How many items were worked on; of the first `n` none is forgotten and none is done with twice. */
static size_t queue_destroy(struct queue *queue, size_t n)
{
    size_t n_worked = 0;

    cm_turns_destroy(queue->turns);
    for (size_t i = 0; i < n; i++) {
        const struct item *item = &queue->items[i];

        cm_check_that(item->n_worked + item->n_discarded == 1, "item %zu: worked %u times, discarded %u", i,
                      item->n_worked, item->n_discarded);
        n_worked += item->n_worked;
    }
    free(queue);
    return n_worked;
}

/* --- several threads --- */

struct putter {
    struct queue *queue;
    struct cm_thread *thread;
    _Atomic uint64_t *next;
    uint64_t seed;
    enum capmill_status status;
};

static void put_all(void *context)
{
    struct putter *putter = context;
    struct cm_error error = {0};
    uint64_t sequence;

    while ((sequence = atomic_fetch_add(putter->next, 1)) < N_ITEMS) {
        struct cm_error own = {0};

        for (uint64_t n = drawn_in(&putter->seed, 0, 20); n > 0; n--)
            cm_thread_yield();
        /* all go on after a failure: what they put is to be discarded */
        if (put(putter->queue, sequence, drawn_in(&putter->seed, 0, 300), &own) < 0 && error.status >= 0)
            error = own;
    }
    putter->status = error.status;
}

static void put_by_team(struct queue *queue, uint64_t seed, enum capmill_status expected)
{
    struct putter putters[N_PUTTERS];
    _Atomic uint64_t next = 0;
    struct cm_error error = {0};
    unsigned n_failed = 0;

    for (unsigned i = 0; i < N_PUTTERS; i++) {
        putters[i] = (struct putter){.queue = queue, .next = &next, .seed = seed * N_PUTTERS + i};
        cm_check_eq(cm_thread_start("putting", put_all, &putters[i], &putters[i].thread, &error), CAPMILL_OK);
    }
    for (unsigned i = 0; i < N_PUTTERS; i++) {
        cm_thread_join(putters[i].thread);
        cm_check(putters[i].status == CAPMILL_OK || putters[i].status == expected);
        n_failed += putters[i].status != CAPMILL_OK;
    }
    cm_check_eq(n_failed > 0, expected != CAPMILL_OK);
}

CM_TEST(turns, are_kept_whoever_puts_when)
{
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct queue *queue = queue_create(true, seed % 3 == 0 ? 0 : seed % 3 * 500);
        struct cm_error error = {0};

        put_by_team(queue, seed, CAPMILL_OK);
        cm_check_eq(cm_turns_finish(queue->turns, &error), CAPMILL_OK);
        cm_check_eq(queue_destroy(queue, N_ITEMS), N_ITEMS);
    }
}

CM_TEST(turns, a_failure_comes_back_and_ends_all)
{
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct queue *queue = queue_create(true, seed % 3 * 500);
        struct cm_error error = {0};

        queue->fail_at = seed * 10; /* long before the end: who puts then learns of it */
        put_by_team(queue, seed, CAPMILL_E_NO_SPACE);
        cm_check_eq(cm_turns_finish(queue->turns, &error), CAPMILL_E_NO_SPACE);
        cm_check_str(error.text, "the disk is full");
        cm_check_eq(queue_destroy(queue, N_ITEMS), seed * 10 + 1);
    }
}

/* The last item fails: there is nobody left to hear of it but who finishes. */
CM_TEST(turns, a_failure_at_the_end)
{
    struct queue *queue = queue_create(true, 1000);
    struct cm_error error = {0};

    queue->fail_at = 2;
    for (uint64_t i = 0; i < 3; i++)
        cm_check_eq(put(queue, i, 10, &error), CAPMILL_OK);
    cm_check_eq(cm_turns_finish(queue->turns, &error), CAPMILL_E_NO_SPACE);
    cm_check_eq(queue_destroy(queue, 3), 3);
}

/* --- the limit --- */

static void put_ahead(void *context)
{
    struct putter *putter = context;
    struct cm_error error = {0};

    for (uint64_t i = 1; i <= 10 && putter->status >= 0; i++)
        putter->status = put(putter->queue, i, 60, &error);
}

static void sleep_ms(uint64_t n)
{
    uint64_t until_ns = cm_clock_monotonic_ns() + n * 1000000;
    _Atomic uint32_t never = 0;

    while (cm_clock_monotonic_ns() < until_ns)
        cm_word_wait(&never, 0, 1000000);
}

/* Of 250 bytes four of 60 go ahead of the first; the fifth waits until that has come. */
CM_TEST(turns, what_is_ahead_waits_at_the_limit)
{
    struct queue *queue = queue_create(true, 250);
    struct putter putter = {.queue = queue};
    struct cm_error error = {0};
    struct cm_thread *thread;

    cm_check_eq(cm_thread_start("ahead", put_ahead, &putter, &thread, &error), CAPMILL_OK);
    while (atomic_load(&queue->n_put) < 4)
        cm_thread_yield();
    sleep_ms(20);
    cm_check_eq(queue->n_put, 4);
    /* whose turn it is never waits, however much there is */
    cm_check_eq(put(queue, 0, 1u << 30, &error), CAPMILL_OK);
    cm_thread_join(thread);
    cm_check_eq(putter.status, CAPMILL_OK);
    cm_check_eq(cm_turns_finish(queue->turns, &error), CAPMILL_OK);
    cm_check_eq(queue_destroy(queue, 11), 11);
}

/* What is being worked on counts too: its memory is still there. */
CM_TEST(turns, what_is_worked_on_counts)
{
    struct queue *queue = queue_create(true, 100);
    struct cm_error error = {0};
    uint64_t begin_ns = cm_clock_monotonic_ns();

    queue->pause_ns = 30000000;
    cm_check_eq(put(queue, 0, 90, &error), CAPMILL_OK);
    while (atomic_load(&queue->n_working) == 0)
        cm_thread_yield();
    cm_check_eq(put(queue, 2, 20, &error), CAPMILL_OK); /* ahead of its turn: not before 0 is done */
    cm_check(cm_clock_monotonic_ns() - begin_ns >= 20000000);
    cm_check_eq(put(queue, 1, 20, &error), CAPMILL_OK);
    cm_check_eq(cm_turns_finish(queue->turns, &error), CAPMILL_OK);
    cm_check_eq(queue_destroy(queue, 3), 3);
}

CM_TEST(turns, an_abort_wakes_whoever_waits)
{
    struct queue *queue = queue_create(true, 100);
    struct putter putter = {.queue = queue};
    struct cm_error error = {0};
    struct cm_thread *thread;

    /* 1 is there, 2 waits */
    cm_check_eq(cm_thread_start("ahead", put_ahead, &putter, &thread, &error), CAPMILL_OK);
    while (atomic_load(&queue->n_put) < 1)
        cm_thread_yield();
    sleep_ms(5);
    cm_turns_abort(queue->turns);
    cm_thread_join(thread);
    cm_check_eq(putter.status, CAPMILL_E_INTERRUPTED);
    cm_check_eq(put(queue, 0, 1, &error), CAPMILL_E_INTERRUPTED);
    error = (struct cm_error){0};
    cm_check_eq(cm_turns_finish(queue->turns, &error), CAPMILL_E_INTERRUPTED);
    cm_check_eq(queue_destroy(queue, 3), 0);
}

/* --- the ring --- */

CM_TEST(turns, backwards_through_a_ring_that_grows)
{
    struct queue *queue = queue_create(true, NEVER);
    struct cm_error error = {0};

    for (uint64_t i = N_ITEMS; i-- > 0;)
        cm_check_eq(put(queue, i, 1, &error), CAPMILL_OK);
    cm_check_eq(cm_turns_finish(queue->turns, &error), CAPMILL_OK);
    cm_check_eq(queue_destroy(queue, N_ITEMS), N_ITEMS);
}

CM_TEST(turns, of_nothing_are_turns_too)
{
    struct queue *queue = queue_create(true, 0);
    struct cm_error error = {0};

    for (uint64_t i = 0; i < 40; i++) {
        if (i % 3 == 0)
            cm_check_eq(put(queue, i, 1, &error), CAPMILL_OK);
        else
            cm_check_eq(cm_turns_put(queue->turns, i, NULL, 0, &error), CAPMILL_OK);
    }
    cm_check_eq(cm_turns_finish(queue->turns, &error), CAPMILL_OK);
    for (uint64_t i = 0; i < 40; i++)
        cm_check_eq(queue->items[i].n_worked, i % 3 == 0);
    queue_destroy(queue, 0);
}

/* A caller that forgot a number is told, and not kept waiting for it. */
CM_TEST(turns, a_gap_is_told_at_the_end)
{
    struct queue *queue = queue_create(true, NEVER);
    struct cm_error error = {0};

    for (uint64_t i = 0; i < 6; i++) {
        if (i != 3)
            cm_check_eq(put(queue, i, 1, &error), CAPMILL_OK);
    }
    cm_check_eq(cm_turns_finish(queue->turns, &error), CAPMILL_E_INTERNAL);
    queue->items[3].n_discarded = 1;
    cm_check_eq(queue_destroy(queue, 6), 3);
}

CM_TEST(turns, what_waits_is_discarded_with_them)
{
    struct queue *queue = queue_create(true, NEVER);
    struct cm_error error = {0};

    cm_check_eq(put(queue, 0, 1, &error), CAPMILL_OK);
    for (uint64_t i = 2; i < 40; i++)
        cm_check_eq(put(queue, i, 1, &error), CAPMILL_OK);
    queue->items[1].n_discarded = 1;
    cm_check(queue_destroy(queue, 40) <= 1);
    cm_turns_destroy(NULL);
}

/* --- without a thread of their own --- */

CM_TEST(turns, of_one_thread_are_worked_off_at_once)
{
    struct queue *queue = queue_create(false, 0);
    struct cm_error error = {0};

    for (uint64_t i = 0; i < 20; i++) {
        cm_check_eq(put(queue, i, 1000, &error), CAPMILL_OK);
        cm_check_eq(queue->items[i].n_worked, 1);
    }
    cm_check_eq(cm_turns_put(queue->turns, 20, NULL, 0, &error), CAPMILL_OK);
    cm_check_eq(cm_turns_finish(queue->turns, &error), CAPMILL_OK);
    queue_destroy(queue, 20);
}

CM_TEST(turns, of_one_thread_that_fail)
{
    for (unsigned aborts = 0; aborts < 2; aborts++) {
        struct queue *queue = queue_create(false, 0);
        struct cm_error first = {0}, later = {0}, end = {0};
        enum capmill_status expected = aborts ? CAPMILL_E_INTERRUPTED : CAPMILL_E_NO_SPACE;

        queue->fail_at = aborts ? NEVER : 1;
        cm_check_eq(put(queue, 0, 1, &first), CAPMILL_OK);
        if (aborts)
            cm_turns_abort(queue->turns);
        cm_check_eq(put(queue, 1, 1, &first), expected);
        cm_check_eq(put(queue, 2, 1, &later), expected);
        cm_check_str(later.text, first.text);
        cm_check_eq(cm_turns_finish(queue->turns, &end), expected);
        cm_check_eq(queue_destroy(queue, 3), aborts ? 1 : 2);
    }
}

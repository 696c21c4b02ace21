/* SPDX-License-Identifier: Apache-2.0 */
/* Rings between threads: every item arrives once, in order and whole, in every mixture of bursts and waiting
 * forms; close wakes whoever waits; no wake-up is lost. */
#include "core/ring.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/counters.h"
#include "os/thread.h"
#include "stress/team.h"

#define BURST_MAX    64
#define CAPACITY_MAX 256
/* A payload is written anew only after the consumer has popped again since it looked at it, so that the ring
 * alone orders the two: capacity, a burst in the producer's hands, a burst in the consumer's. */
#define N_PAYLOADS (CAPACITY_MAX + 2 * BURST_MAX + 1)

struct payload {
    uint64_t number; /* plain memory: ThreadSanitizer watches it */
};

/* How a side puts items through: answers how many, 0 when the ring is closed (consumer: and empty). */
struct side {
    const char *name;
    size_t (*transfer)(struct cm_ring *ring, void **items, size_t n);
};

struct line {
    struct cm_ring *ring;
    const struct side *in;
    const struct side *out;
    struct payload payloads[N_PAYLOADS];
    uint64_t n_produced;
    uint64_t n_consumed;
};

static size_t push_bursts(struct cm_ring *ring, void **items, size_t n)
{
    size_t n_pushed;

    while ((n_pushed = cm_ring_push_burst(ring, items, n)) == 0 && !cm_ring_closed(ring))
        cm_thread_yield();
    return n_pushed;
}

static size_t push_waits(struct cm_ring *ring, void **items, size_t n)
{
    size_t n_pushed = 0;

    while (n_pushed < n && cm_ring_push_wait(ring, items[n_pushed]))
        n_pushed++;
    return n_pushed;
}

static size_t pop_bursts(struct cm_ring *ring, void **items, size_t n)
{
    for (;;) {
        bool closed = cm_ring_closed(ring);
        size_t n_popped = cm_ring_pop_burst(ring, items, n);

        if (n_popped > 0 || closed)
            return n_popped;
        cm_thread_yield();
    }
}

static size_t pop_waits(struct cm_ring *ring, void **items, size_t n)
{
    return n > 0 && cm_ring_pop_wait(ring, items) ? 1 : 0;
}

static const struct side in_sides[] = {{"bursts", push_bursts}, {"waits", push_waits}};
static const struct side out_sides[] = {
    {"bursts", pop_bursts}, {"waits", pop_waits}, {"burst waits", cm_ring_pop_burst_wait}};

static void produce(struct member *member)
{
    struct line *line = member->context;
    uint64_t number = 0;

    while (!team_stopped(member)) {
        void *items[BURST_MAX];
        size_t n = 1 + random_below(member, BURST_MAX);
        size_t n_through = 0;

        for (size_t i = 0; i < n; i++) {
            struct payload *payload = &line->payloads[(number + i) % N_PAYLOADS];

            payload->number = number + i;
            items[i] = payload;
        }
        while (n_through < n) {
            size_t n_now = line->in->transfer(line->ring, items + n_through, n - n_through);

            stress_check(n_now > 0 && n_now <= n - n_through); /* nobody else closes it */
            n_through += n_now;
        }
        number += n;
        random_pause(member);
    }
    line->n_produced = number;
    cm_ring_close(line->ring);
}

static void consume(struct member *member)
{
    struct line *line = member->context;
    void *items[BURST_MAX];
    size_t n;

    while ((n = line->out->transfer(line->ring, items, 1 + random_below(member, BURST_MAX))) > 0) {
        stress_check(n <= BURST_MAX);
        for (size_t i = 0; i < n; i++) {
            const struct payload *payload = items[i];

            stress_check(payload == &line->payloads[line->n_consumed % N_PAYLOADS]);
            stress_check(payload->number == line->n_consumed);
            line->n_consumed++;
        }
        random_pause(member);
    }
    member->n_done = line->n_consumed;
}

static void order_and_no_loss(size_t capacity, const struct side *in, const struct side *out, double seconds)
{
    struct line *line = calloc(1, sizeof(*line));
    struct team team = {.seconds = seconds};
    struct cm_ring_counters counters;
    char name[80];

    stress_check(line != NULL);
    snprintf(name, sizeof(name), "ring of %zu, %s to %s", capacity, in->name, out->name);
    team.name = name;
    line->ring = cm_ring_create(capacity);
    stress_check(line->ring != NULL);
    line->in = in;
    line->out = out;
    team_add(&team, produce, line);
    team_add(&team, consume, line);
    team_run(&team, NULL, NULL);
    cm_ring_read_counters(line->ring, &counters);
    stress_check(line->n_produced > 0 && line->n_consumed == line->n_produced);
    stress_check(counters.n_pushed == line->n_produced && counters.n_popped == line->n_produced);
    stress_check(counters.depth == 0);
    cm_ring_destroy(line->ring);
    free(line);
}

/* Two rings of least size, question and answer: each wake-up is needed, one that gets lost stops both. The
 * delay before a question is spread over the time that the other side takes to fall asleep, so that some
 * questions come in the very moment between its last look and its sleep. */
#define DELAY_MAX_BITS 10 /* 1024 looks take longer than any spinning */
struct pair {
    struct cm_ring *questions;
    struct cm_ring *answers;
};

static void delay(struct member *member)
{
    uint64_t limit = 1ull << random_below(member, DELAY_MAX_BITS + 1);

    for (uint64_t n_looks = random_below(member, limit); n_looks > 0; n_looks--)
        cm_cpu_relax();
}

static void ask(struct member *member)
{
    struct pair *pair = member->context;

    while (!team_stopped(member)) {
        uint64_t number = member->n_done;
        void *answer = NULL;

        stress_check(cm_ring_push_wait(pair->questions, &number));
        stress_check(cm_ring_pop_wait(pair->answers, &answer));
        stress_check(answer == &number && number == ~member->n_done);
        member->n_done++;
        delay(member);
    }
    cm_ring_close(pair->questions);
}

static void answer(struct member *member)
{
    struct pair *pair = member->context;
    void *question = NULL;

    while (cm_ring_pop_wait(pair->questions, &question)) {
        uint64_t *number = question;

        *number = ~*number;
        delay(member);
        stress_check(cm_ring_push_wait(pair->answers, number));
    }
}

static void no_wake_up_is_lost(double seconds)
{
    struct pair pair = {cm_ring_create(2), cm_ring_create(2)};
    struct team team = {.name = "question and answer", .seconds = seconds};

    team_add(&team, ask, &pair);
    team_add(&team, answer, &pair);
    team_run(&team, NULL, NULL);
    cm_ring_destroy(pair.questions);
    cm_ring_destroy(pair.answers);
}

/* Both sides wait with nobody to serve them, until a third thread closes the rings. */
struct closing {
    struct cm_ring *full;
    struct cm_ring *empty;
    _Atomic uint32_t round;    /* the rings of this round may be waited on */
    _Atomic uint32_t n_waited; /* sides that came back, over all rounds */
};

static uint32_t next_round(struct closing *closing, uint32_t last)
{
    uint32_t round;

    while ((round = atomic_load(&closing->round)) == last)
        cm_word_wait(&closing->round, last, UINT64_MAX);
    return round;
}

static void came_back(struct closing *closing)
{
    atomic_fetch_add(&closing->n_waited, 1);
    cm_word_wake_all(&closing->n_waited);
}

static void wait_for_room(struct member *member)
{
    struct closing *closing = member->context;

    for (uint32_t round = 0; (round = next_round(closing, round)) != UINT32_MAX;) {
        stress_check(!cm_ring_push_wait(closing->full, closing));
        came_back(closing);
    }
}

static void wait_for_items(struct member *member)
{
    struct closing *closing = member->context;

    for (uint32_t round = 0; (round = next_round(closing, round)) != UINT32_MAX;) {
        void *nothing = NULL;

        stress_check(!cm_ring_pop_wait(closing->empty, &nothing) && nothing == NULL);
        came_back(closing);
    }
}

static void close_at_any_moment(struct member *member)
{
    struct closing *closing = member->context;
    uint32_t n_waited;

    while (!team_stopped(member)) {
        closing->full = cm_ring_create(2);
        closing->empty = cm_ring_create(2);
        stress_check(cm_ring_push_wait(closing->full, closing) && cm_ring_push_wait(closing->full, closing));
        member->n_done++;
        atomic_store(&closing->round, (uint32_t)member->n_done);
        cm_word_wake_all(&closing->round);
        /* from before the first look to after falling asleep */
        if (random_below(member, 8) == 0)
            sleep_ns(random_below(member, 300000));
        else
            for (uint64_t n = random_below(member, 2000); n > 0; n--)
                cm_cpu_relax();
        cm_ring_close(closing->full);
        cm_ring_close(closing->empty);
        while ((n_waited = atomic_load(&closing->n_waited)) < 2 * member->n_done)
            cm_word_wait(&closing->n_waited, n_waited, UINT64_MAX);
        cm_ring_destroy(closing->full);
        cm_ring_destroy(closing->empty);
    }
    atomic_store(&closing->round, UINT32_MAX);
    cm_word_wake_all(&closing->round);
}

static void close_wakes_both_sides(double seconds)
{
    struct closing closing = {0};
    struct team team = {.name = "close while both sides wait", .seconds = seconds};

    team_add(&team, wait_for_room, &closing);
    team_add(&team, wait_for_items, &closing);
    team_add(&team, close_at_any_moment, &closing);
    team_run(&team, NULL, NULL);
}

int main(int argc, char **argv)
{
    static const size_t capacities[] = {2, 16, CAPACITY_MAX};
    double seconds = stress_seconds(argc, argv, 0.2);

    for (size_t c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++)
        for (size_t in = 0; in < 2; in++)
            for (size_t out = 0; out < 3; out++)
                order_and_no_loss(capacities[c], &in_sides[in], &out_sides[out], seconds);
    no_wake_up_is_lost(10 * seconds);
    close_wakes_both_sides(5 * seconds);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Turns between threads that put and the one that works off: in every mixture of limits and trouble each item is
 * worked on in its order or discarded, once, whole, and nobody stays behind. */
#include "sink/turns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/thread.h"
#include "stress/team.h"

#define N_PUTTERS   3u
#define ROUND_ITEMS 400u
#define ITEM_BYTES  100u

enum trouble { NONE, WORK_FAILS, ABORTED, DESTROYED, N_TROUBLES };

struct item {
    uint64_t number; /* plain memory: ThreadSanitizer watches it */
    _Atomic uint32_t n_put, n_worked, n_discarded;
};

/* One queue after another, each used by all putters. */
struct line {
    uint64_t limit_bytes;
    enum trouble trouble;
    struct cm_turns *turns;
    struct item items[ROUND_ITEMS];
    uint64_t fail_at;
    uint64_t n_worked;
    _Atomic uint64_t next;
    _Atomic uint32_t round;  /* its queue may be used */
    _Atomic uint32_t n_back; /* putters that are through with theirs, over all rounds */
};

static enum capmill_status work(void *context, void *what, struct cm_error *error)
{
    struct line *line = context;
    struct item *item = what;

    stress_check(item->number == line->n_worked);
    stress_check(item == &line->items[line->n_worked]);
    line->n_worked++;
    item->number = ~item->number;
    atomic_fetch_add(&item->n_worked, 1);
    for (uint64_t n = item->number % 64; n > 0; n--)
        cm_cpu_relax();
    return line->n_worked > line->fail_at ? cm_error_set(error, CAPMILL_E_IO, 0, "fails as it should")
                                          : CAPMILL_OK;
}

static void discard(void *context, void *what)
{
    (void)context;
    atomic_fetch_add(&((struct item *)what)->n_discarded, 1);
}

/* --- those who put --- */

static enum capmill_status put_items(struct member *member, struct line *line)
{
    uint64_t number;
    enum capmill_status status = CAPMILL_OK;

    while (status == CAPMILL_OK && (number = atomic_fetch_add(&line->next, 1)) < ROUND_ITEMS) {
        struct item *item = &line->items[number];
        struct cm_error error = {0};

        item->number = number;
        random_pause(member);
        atomic_fetch_add(&item->n_put, 1);
        status = cm_turns_put(line->turns, number, item, ITEM_BYTES, &error);
        stress_check(status == error.status);
    }
    return status;
}

static void put_rounds(struct member *member)
{
    struct line *line = member->context;
    uint32_t round = 0, next;

    for (;;) {
        enum capmill_status status;

        while ((next = atomic_load(&line->round)) == round)
            cm_word_wait(&line->round, round, UINT64_MAX);
        round = next;
        if (round == UINT32_MAX)
            break;
        status = put_items(member, line);
        stress_check(status == CAPMILL_OK || line->trouble != NONE);
        /* one that failed calls the others off, as a pass does: what was its turn will not come */
        if (status != CAPMILL_OK)
            cm_turns_abort(line->turns);
        atomic_fetch_add(&line->n_back, 1);
        cm_word_wake_all(&line->n_back);
    }
}

/* --- who begins and ends each round --- */

static void check_round(struct line *line, enum capmill_status end)
{
    uint64_t n_worked = 0;

    for (size_t i = 0; i < ROUND_ITEMS; i++) {
        struct item *item = &line->items[i];

        stress_check(item->n_worked + item->n_discarded == item->n_put && item->n_put <= 1);
        stress_check(item->n_worked == 0 || item->number == ~(uint64_t)i);
        n_worked += item->n_worked;
    }
    stress_check(n_worked == line->n_worked);
    stress_check(line->trouble != NONE || (end == CAPMILL_OK && n_worked == ROUND_ITEMS));
    stress_check(line->trouble != WORK_FAILS || n_worked <= line->fail_at + 1);
}

static void begin_round(struct line *line, struct member *member)
{
    struct cm_turns_options options = {.name = "turns",
                                       .limit_bytes = line->limit_bytes,
                                       .own_thread = true,
                                       .context = line,
                                       .work = work,
                                       .discard = discard};
    struct cm_error error = {0};

    memset(line->items, 0, sizeof(line->items));
    line->n_worked = 0;
    line->fail_at = line->trouble == WORK_FAILS ? random_below(member, ROUND_ITEMS - 1) : UINT64_MAX;
    atomic_store(&line->next, 0);
    stress_check(cm_turns_create(&options, &line->turns, &error) == CAPMILL_OK);
    atomic_store(&line->round, (uint32_t)member->n_done);
    cm_word_wake_all(&line->round);
}

static void lead_rounds(struct member *member)
{
    struct line *line = member->context;

    while (!team_stopped(member)) {
        struct cm_error error = {0};
        enum capmill_status end = CAPMILL_E_INTERRUPTED;
        uint32_t n_back;

        member->n_done++;
        begin_round(line, member);
        if (line->trouble == ABORTED) {
            /* from before the first item to somewhere in the middle */
            for (uint64_t n = random_below(member, UINT64_C(1) << random_below(member, 18)); n > 0; n--)
                cm_cpu_relax();
            cm_turns_abort(line->turns);
        }
        while ((n_back = atomic_load(&line->n_back)) < N_PUTTERS * member->n_done)
            cm_word_wait(&line->n_back, n_back, UINT64_MAX);
        if (line->trouble != DESTROYED) {
            end = cm_turns_finish(line->turns, &error);
            stress_check(end == error.status && (end == CAPMILL_OK || line->trouble != NONE));
        }
        cm_turns_destroy(line->turns);
        check_round(line, end);
    }
    atomic_store(&line->round, UINT32_MAX);
    cm_word_wake_all(&line->round);
}

static void rounds(uint64_t limit_items, enum trouble trouble, double seconds)
{
    static const char *const names[N_TROUBLES] = {"no trouble", "work fails", "aborted", "destroyed"};
    struct line *line = calloc(1, sizeof(*line));
    struct team team = {.seconds = seconds};
    char name[80];

    stress_check(line != NULL);
    snprintf(name, sizeof(name), "turns, %llu ahead, %s", (unsigned long long)limit_items, names[trouble]);
    team.name = name;
    line->limit_bytes = limit_items * ITEM_BYTES;
    line->trouble = trouble;
    team_add(&team, lead_rounds, line);
    for (unsigned i = 0; i < N_PUTTERS; i++)
        team_add(&team, put_rounds, line);
    team_run(&team, NULL, NULL);
    free(line);
}

int main(int argc, char **argv)
{
    static const uint64_t limits[] = {0, 1, 5, 1000};
    double seconds = stress_seconds(argc, argv, 0.2);

    for (size_t l = 0; l < sizeof(limits) / sizeof(limits[0]); l++)
        for (enum trouble trouble = NONE; trouble < N_TROUBLES; trouble++)
            rounds(limits[l], trouble, seconds);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Starting, watching and stopping a team of threads. */
#include "stress/team.h"

#include <stdio.h>
#include <stdlib.h>

#include "os/clock.h"
#include "os/thread.h"

#define NS_PER_SECOND 1000000000u
#define PATIENCE_NS   (20ull * NS_PER_SECOND)

void stress_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    fflush(NULL);
    _Exit(1); /* other threads still work: no handlers */
}

double stress_seconds(int argc, char **argv, double fallback)
{
    return argc > 1 ? atof(argv[1]) : fallback;
}

void team_add(struct team *team, void (*run)(struct member *member), void *context)
{
    struct member *member;

    stress_check(team->n_members < TEAM_MAX);
    member = &team->members[team->n_members];
    member->team = team;
    member->run = run;
    member->context = context;
    member->random_state = 0x9e3779b97f4a7c15u * (team->n_members + 1);
    team->n_members++;
}

bool team_stopped(const struct member *member)
{
    return atomic_load_explicit(&member->team->stop, memory_order_relaxed) != 0;
}

static void run_member(void *context)
{
    struct member *member = context;

    member->run(member);
    atomic_fetch_add(&member->team->n_finished, 1);
    cm_word_wake_all(&member->team->n_finished);
}

void sleep_ns(uint64_t ns)
{
    _Atomic uint32_t nobody = 0;
    uint64_t until = cm_clock_monotonic_ns() + ns;

    for (uint64_t now = until - ns; now < until; now = cm_clock_monotonic_ns())
        cm_word_wait(&nobody, 0, until - now);
}

void team_run(struct team *team, void (*at_stop)(void *context), void *context)
{
    struct cm_thread *threads[TEAM_MAX];
    struct cm_error error = {0};
    uint64_t n_done = 0;
    uint64_t patient_until;
    uint32_t n_finished;

    for (size_t i = 0; i < team->n_members; i++)
        stress_check(cm_thread_start("stress", run_member, &team->members[i], &threads[i], &error) ==
                     CAPMILL_OK);
    sleep_ns((uint64_t)(team->seconds * NS_PER_SECOND));
    atomic_store(&team->stop, 1);
    if (at_stop != NULL)
        at_stop(context);

    patient_until = cm_clock_monotonic_ns() + PATIENCE_NS;
    while ((n_finished = atomic_load(&team->n_finished)) < team->n_members) {
        if (cm_clock_monotonic_ns() > patient_until) {
            fprintf(stderr, "%s: %u of %zu threads did not come back\n", team->name,
                    (unsigned)(team->n_members - n_finished), team->n_members);
            _Exit(1);
        }
        cm_word_wait(&team->n_finished, n_finished, NS_PER_SECOND);
    }
    for (size_t i = 0; i < team->n_members; i++) {
        cm_thread_join(threads[i]);
        n_done += team->members[i].n_done;
    }
    printf("%-44s %12llu done\n", team->name, (unsigned long long)n_done);
    fflush(stdout);
}

uint64_t random_below(struct member *member, uint64_t limit)
{
    /* xorshift64*: plenty for choosing sizes */
    uint64_t x = member->random_state;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    member->random_state = x;
    return ((x * 0x2545f4914f6cdd1du) >> 32) % limit;
}

void random_pause(struct member *member)
{
    uint64_t choice = random_below(member, 4096);

    if (choice < 1)
        sleep_ns(random_below(member, 200000));
    else if (choice < 64)
        cm_thread_yield();
    else if (choice < 256)
        for (uint64_t n = random_below(member, 100); n > 0; n--)
            cm_cpu_relax();
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The template of the stress tests: a team of threads that works until told to stop, watched by the main
 * thread, which ends the test where a member does not come back (a lost wake-up). A mode is a table entry and
 * a few lines. */
#ifndef CM_STRESS_TEAM_H
#define CM_STRESS_TEAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEAM_MAX 8

struct team;
struct member {
    struct team *team;
    void *context;
    void (*run)(struct member *member);
    uint64_t random_state;
    uint64_t n_done; /* rounds or items, for the line that is printed */
};

struct team {
    const char *name;
    double seconds; /* that the stop flag stays down */
    _Atomic uint32_t stop;
    _Atomic uint32_t n_finished;
    struct member members[TEAM_MAX];
    size_t n_members;
};

void team_add(struct team *team, void (*run)(struct member *member), void *context);
/* Start all, let them work, raise the stop flag, call `at_stop` (NULL: nothing), wait for all, print one
 * line. Ends the process with status 1 where a member is not back within 20 seconds. */
void team_run(struct team *team, void (*at_stop)(void *context), void *context);
bool team_stopped(const struct member *member);

uint64_t random_below(struct member *member, uint64_t limit);
/* Nothing, a few hundred nanoseconds of work, a yield, or, seldom, a sleep longer than any spinning: so that
 * each side is now and then the slower one, awake, yielding or asleep. */
void random_pause(struct member *member);
void sleep_ns(uint64_t ns);

/* Seconds per mode: the first argument, else `fallback`. */
double stress_seconds(int argc, char **argv, double fallback);
/* Print and end with status 1 unless it holds; usable on any thread. */
#define stress_check(condition)                                                                              \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            stress_fail(__FILE__, __LINE__, #condition);                                                     \
    } while (0)
_Noreturn void stress_fail(const char *file, int line, const char *condition);

#endif

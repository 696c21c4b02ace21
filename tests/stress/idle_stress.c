/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that wait burn no CPU: a consumer without items and a producer without room use less than 1 % of
 * one CPU between them. */
#include <stdio.h>

#include "core/ring.h"
#include "os/clock.h"
#include "os/thread.h"
#include "stress/team.h"

#define WATCHED_NS 300000000u

struct idle {
    struct cm_ring *empty;
    struct cm_ring *full;
};

static void wait_for_items(struct member *member)
{
    struct idle *idle = member->context;
    void *nothing;

    stress_check(!cm_ring_pop_wait(idle->empty, &nothing));
}

static void wait_for_room(struct member *member)
{
    struct idle *idle = member->context;

    stress_check(!cm_ring_push_wait(idle->full, idle));
}

/* On the main thread, once all are asleep. */
static void measure(void *context)
{
    struct idle *idle = context;
    uint64_t cpu_ns = cm_clock_process_cpu_ns();
    uint64_t start_ns = cm_clock_monotonic_ns();
    double share;

    sleep_ns(WATCHED_NS);
    cpu_ns = cm_clock_process_cpu_ns() - cpu_ns;
    share = (double)cpu_ns / (double)(cm_clock_monotonic_ns() - start_ns);
    printf("two waiting threads use %.3f %% of a CPU\n", 100 * share);
    stress_check(share < 0.01);
    cm_ring_close(idle->empty);
    cm_ring_close(idle->full);
}

int main(void)
{
    struct idle idle = {0};
    struct team team = {.name = "idle", .seconds = 0.2}; /* time to fall asleep */

    idle.empty = cm_ring_create(2);
    idle.full = cm_ring_create(2);
    stress_check(cm_ring_push_wait(idle.full, &idle) && cm_ring_push_wait(idle.full, &idle));
    team_add(&team, wait_for_items, &idle);
    team_add(&team, wait_for_room, &idle);
    team_run(&team, measure, &idle);
    cm_ring_destroy(idle.empty);
    cm_ring_destroy(idle.full);
    return 0;
}

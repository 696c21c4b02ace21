/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that do one thing together. Not for what they tell each other (state.c). */
#include "pipeline/crew.h"

#include <stdio.h>
#include <stdlib.h>

struct crew_member {
    struct cm_thread *thread;
    void (*work)(void *context, unsigned thread);
    void *context;
    unsigned number;
};

static void member_main(void *context)
{
    struct crew_member *member = context;

    member->work(member->context, member->number);
}

void cm_crew_run(struct cm_state *state, unsigned n_threads, const char *name,
                 void (*work)(void *context, unsigned thread), void *context)
{
    struct crew_member *members = calloc(n_threads, sizeof(*members));
    struct cm_error error = {0};

    for (unsigned i = 1; i < n_threads && members != NULL; i++) {
        char thread_name[16];

        members[i].work = work;
        members[i].context = context;
        members[i].number = i;
        snprintf(thread_name, sizeof(thread_name), "%.11s-%u", name, i % 1000);
        if (cm_thread_start(thread_name, member_main, &members[i], &members[i].thread, &error) < 0) {
            cm_state_fail(state, &error);
            break;
        }
    }
    if (members == NULL) {
        cm_error_set(&error, CAPMILL_E_MEMORY, 0, "no memory for %u threads", n_threads);
        cm_state_fail(state, &error);
    }
    work(context, 0);
    for (unsigned i = 1; i < n_threads && members != NULL; i++)
        cm_thread_join(members[i].thread);
    free(members);
}

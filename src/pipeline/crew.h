/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that do one thing together: as many as the plan says, for one part of a run. */
#ifndef CM_PIPELINE_CREW_H
#define CM_PIPELINE_CREW_H

#include "pipeline/state.h"

/* Run `work` on `n_threads` threads, this one as number 0, and come back when all have ended. Where one
 * cannot be started the state fails, and all end. */
void cm_crew_run(struct cm_state *state, unsigned n_threads, const char *name,
                 void (*work)(void *context, unsigned thread), void *context);

#endif

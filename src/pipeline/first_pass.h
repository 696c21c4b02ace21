/* SPDX-License-Identifier: Apache-2.0 */
/* What outputs need to know of all packets before the first is written: the time of the earliest, where times
 * move from it and packets keep the order of their inputs; facts of flows, where columns ask for them. */
#ifndef CM_PIPELINE_FIRST_PASS_H
#define CM_PIPELINE_FIRST_PASS_H

#include "pipeline/run_int.h"

/* Reads the inputs as often as that takes, mostly not at all, and looks at them again. Into run->has_first,
 * first_ns and flow_facts. CAPMILL_E_UNSUPPORTED where it takes a read and an input is a stream. `as_read`:
 * packets are written in the order of their inputs. */
enum capmill_status cm_run_first_pass(struct capmill_run *run, bool as_read, struct cm_error *error);

#endif

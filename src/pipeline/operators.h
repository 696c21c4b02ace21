/* SPDX-License-Identifier: Apache-2.0 */
/* What a pass does with each batch between framing and the sink, in order, and under which heading of the
 * report it is counted. */
#ifndef CM_PIPELINE_OPERATORS_H
#define CM_PIPELINE_OPERATORS_H

#include "core/stage.h"
#include "pipeline/counters_table.h"

/* expression, decode, rules, flow size */
#define CM_MAX_OPERATORS 4

struct cm_operators {
    struct cm_pass_operator {
        struct cm_operator table;
        enum cm_counted_stage counted;
    } all[CM_MAX_OPERATORS];
    size_t n;
    size_t headers_bytes; /* of a batch's header column; 0: none */
};

struct capmill_run;

/* For a pass of this run. `headers`: the sink wants them. `by_flow`: packets of small flows are left out,
 * which needs the run's flow counts to be complete. Borrows from the run. */
void cm_operators_make(struct capmill_run *run, bool headers, bool by_flow,
                       struct cm_operators *operators_ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A pass that counts: over some inputs into a sink that can begin again. */
#ifndef CM_PIPELINE_PASS_OVER_H
#define CM_PIPELINE_PASS_OVER_H

#include "pipeline/operators.h"
#include "pipeline/run_int.h"

/* Inputs [first, end), looked at; what is disproved on the way is framed again as one chain, after `reset`
 * has made the sink forget. */
enum capmill_status cm_run_pass_over(struct capmill_run *run, uint32_t first, uint32_t end,
                                     const struct cm_operators *operators, const struct cm_sink *sink,
                                     void (*reset)(void *context), void *reset_context,
                                     struct cm_error *error);

/* The same over all inputs, before the pass that is told as the run's: its packets are not counted, its bytes are
 * part of the way, and the inputs are looked at again. `headers`: the sink wants them. Packets of small flows are
 * left out where the run has counted them already. */
enum capmill_status cm_run_read_before(struct capmill_run *run, bool headers, const struct cm_sink *sink,
                                       void (*reset)(void *context), void *reset_context,
                                       struct cm_error *error);

/* The first of two passes of a filter by flow size: counts into run->flow_sizes and looks at the inputs
 * again. Does nothing where no least number is asked for. */
enum capmill_status cm_run_count_flows(struct capmill_run *run, struct cm_error *error);

#endif

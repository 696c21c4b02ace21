/* SPDX-License-Identifier: Apache-2.0 */
/* Several outputs, or one that is a table, from one read: a taker (core/ordered.h) that makes packets of each
 * block once and gives them to every output. */
#ifndef CM_PIPELINE_FAN_OUT_H
#define CM_PIPELINE_FAN_OUT_H

#include "core/ordered.h"
#include "flow/flow_facts.h"
#include "pipeline/run_int.h"

struct cm_fan_out;
/* Opens all outputs of the job. `first_ns`: time of the earliest packet, where it is known beforehand. `facts`
 * of flows, NULL where no output wants them. Both outlive it. */
struct cm_fan_out_options {
    struct capmill_run *run;
    const uint64_t *first_ns; /* NULL: the order tells (core/ordered.h) */
    const struct cm_flow_facts_table *facts;
    uint64_t memory_bytes; /* for each output */
};
enum capmill_status cm_fan_out_create(const struct cm_fan_out_options *options, struct cm_fan_out **fan_ret,
                                      struct cm_error *error);
/* Without a commit before, nothing of the outputs stays. NULL accepted. */
void cm_fan_out_destroy(struct cm_fan_out *fan);
struct cm_taker cm_fan_out_taker(struct cm_fan_out *fan);
/* All packets were taken: write what is left, and give the outputs their names. */
enum capmill_status cm_fan_out_commit(struct cm_fan_out *fan, struct cm_error *error);
/* A thread failed: nobody waits for anybody any more. Any thread. */
void cm_fan_out_abort(struct cm_fan_out *fan);
/* After a commit: into the run's report. */
enum capmill_status cm_fan_out_report(struct cm_fan_out *fan, struct cm_error *error);

#endif

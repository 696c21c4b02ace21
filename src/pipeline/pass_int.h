/* SPDX-License-Identifier: Apache-2.0 */
/* What the two ways of a pass share: pass.c has it, pass_ranges.c and pass_chain.c use it. */
#ifndef CM_PIPELINE_PASS_INT_H
#define CM_PIPELINE_PASS_INT_H

#include "pipeline/pass.h"

struct cm_pass {
    const struct cm_pass_options *options;
    void **locals;           /* the sink's, by thread */
    void ***operator_locals; /* by thread, by operator */
    struct cm_segment_pool *segments;
    struct cm_batch_pool *batches;
    _Atomic uint64_t next_range;
    /* by thread: the range it is at, UINT64_MAX: none; for the workers of a chain: how many they have done */
    _Atomic uint64_t *working_on;
    struct cm_mutex seams_lock;
    _Atomic bool disproved;
    uint32_t disproved_input;
    _Atomic bool late;
    struct cm_ring **rings; /* chain: one for each worker */
    unsigned n_rings;
};

/* Looked at once a batch; any thread. */
bool cm_pass_goes_on(const struct cm_pass *pass);
/* A pass has begun to end: nobody may wait for anybody any more. */
void cm_pass_call_off(struct cm_pass *pass);
void cm_pass_fail(struct cm_pass *pass, const struct cm_error *error);
/* Operators and sink on one batch. False: end. */
bool cm_pass_work_on(struct cm_pass *pass, unsigned thread, struct cm_batch *batch);
/* The proof of a range that was framed to its end; nothing of its last batch may go on before. False: end. */
bool cm_pass_prove(struct cm_pass *pass, struct cm_input *input, uint64_t sequence,
                   const struct cm_framer *framer);
/* Sinks hold what comes before its turn. When one read hangs, the others must not go on until all of the file
 * is held: nobody begins a range more than max_ranges_ahead after the oldest that is not done. */
bool cm_pass_is_too_far(const struct cm_pass *pass, uint64_t next, uint64_t oldest);
void cm_pass_wait(void); /* a while, for others to get on */

/* What each thread does, by the way of reading; `context` is the pass. */
void cm_pass_range_main(void *context, unsigned thread);
void cm_pass_chain_main(void *context, unsigned thread);

#endif

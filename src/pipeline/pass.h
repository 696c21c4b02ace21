/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over inputs: bytes → packets → operators → sink, on all threads. Two ways, told apart by the plan:
 *
 *   ranges   every thread claims ranges of the files, reads them itself, and runs everything down to the sink
 *            in one go while the bytes are warm. Seams between ranges are proved.
 *   chain    one thread reads (plainly, or with several reads in flight) and frames; batches go over rings to
 *            the others. For pipes, for cold files, and for files whose seams were disproved. */
#ifndef CM_PIPELINE_PASS_H
#define CM_PIPELINE_PASS_H

#include "core/stage.h"
#include "pipeline/counters_table.h"
#include "pipeline/inputs.h"
#include "pipeline/operators.h"

struct cm_pass_options {
    struct cm_state *state;
    struct cm_inputs *inputs;
    uint32_t first, end;     /* inputs [first, end), looked at */
    uint64_t *sequence_base; /* by input: number of its first range; entry `end` is the number of all. A chain
                                sets each when the input before it has ended */
    uint64_t range_bytes;
    size_t block_bytes; /* of a read */
    unsigned n_threads;
    uint64_t max_ranges_ahead; /* ranges that may be begun beyond one that is still worked on */
    bool as_chain;
    enum capmill_io io; /* READ, MMAP, URING or IOCP */
    const struct cm_operators *operators;
    const struct cm_sink *sink;
    struct cm_counters_table *counters;
    /* The pool that the segments came from: destroyed by the caller once the sink holds on to none any more.
     */
    struct cm_segment_pool **segments_ret;
    /* Called when a thread fails, so that whoever waits for it elsewhere gives up too. May be NULL. */
    void (*on_failure)(void *context);
    void *failure_context;
};

enum cm_pass_outcome {
    CM_PASS_DONE,
    CM_PASS_FAILED,    /* see the state's error */
    CM_PASS_DISPROVED, /* frame `*input_ret` as one chain and do the pass again */
    CM_PASS_LATE,      /* the sink answered CAPMILL_AGAIN */
};

/* Opens the sink's threads, runs, combines and finishes it (not when disproved or late: combined only). */
enum cm_pass_outcome cm_pass_run(const struct cm_pass_options *options, uint32_t *input_ret);

/* Ranges of an input in this pass. */
static inline uint64_t cm_pass_ranges(const struct cm_input *input, uint64_t range_bytes)
{
    return input->size == 0 ? 1 : (input->size + range_bytes - 1) / range_bytes;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The stage contract: three tables of functions, each with a state shared by all threads and a state per
 * thread. The pipeline (src/pipeline/) calls them; stages know no threads and no rings beyond what is said
 * here. */
#ifndef CM_CORE_STAGE_H
#define CM_CORE_STAGE_H

#include "base/error.h"
#include "core/batch.h"
#include "core/segment.h"

/* Yields the segments of one range of one input, in order of offset. Used by one thread at a time. */
struct cm_source {
    const char *name;
    /* CAPMILL_OK and a segment (the caller's reference), CAPMILL_END, or a failure. */
    enum capmill_status (*next)(struct cm_source *source, struct cm_segment **segment_ret,
                                struct cm_error *error);
    void (*close)(struct cm_source *source); /* frees it */
};

/* Works on a batch in place while it is warm. */
struct cm_operator {
    const char *name;
    void *shared;
    enum capmill_status (*open)(void *shared, unsigned thread, void **local_ret, struct cm_error *error);
    enum capmill_status (*process)(void *shared, void *local, struct cm_batch *batch, struct cm_error *error);
    void (*close)(void *shared, void *local);
};

/* Where batches end: takes from them what it needs. `consume` may be called by several threads at once,
 * each with its own local state; batches of one sequence number all come to one thread, in order. */
struct cm_sink {
    const char *name;
    void *shared;
    enum capmill_status (*open)(void *shared, unsigned thread, void **local_ret, struct cm_error *error);
    /* Must not keep the batch; may acquire references to its segments. */
    enum capmill_status (*consume)(void *shared, void *local, struct cm_batch *batch, struct cm_error *error);
    /* May be NULL. When every thread has consumed its last batch and nothing failed: each thread once, all at
     * the same time, so that what is left over can be worked off in parallel. */
    enum capmill_status (*drain)(void *shared, void *local, struct cm_error *error);
    /* Once per thread, at its end, one thread at a time, also after failures: hand in what is local and free
     * it. */
    enum capmill_status (*combine)(void *shared, void *local, struct cm_error *error);
    /* Once, after every combine, only when all went well. */
    enum capmill_status (*finish)(void *shared, struct cm_error *error);
    void (*close)(void *shared);
};

#endif

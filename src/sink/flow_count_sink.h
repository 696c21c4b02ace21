/* SPDX-License-Identifier: Apache-2.0 */
/* A sink that counts the packets of each flow, for the first of two passes of a filter by flow size. */
#ifndef CM_SINK_FLOW_COUNT_SINK_H
#define CM_SINK_FLOW_COUNT_SINK_H

#include "core/stage.h"
#include "flow/flow_sizes.h"

/* In the caller's storage. Batches come with headers. */
struct cm_flow_count_sink {
    struct cm_flow_sizes *counts;
    bool unidirectional;
};
struct cm_sink cm_flow_count_sink(struct cm_flow_count_sink *shared);

#endif

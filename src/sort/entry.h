/* SPDX-License-Identifier: Apache-2.0 */
/* What the sort knows of a packet. The order is (time, input, place in the input): equal times keep input
 * order, so every run gives the same bytes. A packet at hand is core/ordered.h's. */
#ifndef CM_SORT_ENTRY_H
#define CM_SORT_ENTRY_H

#include "core/ordered.h"

/* A packet whose bytes are not at hand; fields as there. */
struct cm_index_entry {
    uint64_t time_ns;
    uint64_t place;
    uint32_t record_bytes;
    uint32_t written_bytes;
    uint32_t interface;
    uint32_t flags;
};
static_assert(sizeof(struct cm_index_entry) == 32, "the memory that an index takes is planned with this");

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The index as its makers (index_sink.c, index.c) and its reader (gather.c) see it. */
#ifndef CM_SORT_INDEX_INT_H
#define CM_SORT_INDEX_INT_H

#include "sort/chunk.h"
#include "sort/entry.h"
#include "sort/sort.h"

/* The packets of one range, in order of time, or as they were read. */
struct cm_index_run {
    struct cm_index_entry *entries; /* NULL once they are in the whole */
    size_t n;
    uint64_t n_seen; /* packets, kept or not */
    uint64_t number_base;
    uint32_t input;
};

struct cm_index {
    struct cm_index_run *runs; /* by number in the run's order of ranges */
    uint64_t n_runs;
    size_t runs_capacity;
    struct cm_index_entry *entries; /* the whole, in order; from cm_memory_map */
    size_t entries_bytes;
    uint64_t n;
    struct cm_sort_event *events; /* in order of place for each input */
    uint64_t memory_bytes;
    enum cm_sort_order order;
};

/* Merge the inputs of an index whose runs are as they were read into index->entries, which is there. */
enum capmill_status cm_index_merge(struct cm_index *index, struct cm_error *error);

#endif

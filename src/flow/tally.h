/* SPDX-License-Identifier: Apache-2.0 */
/* How many flows, source addresses and destination addresses there are, and nothing else about them: what
 * `info` asks. Exact (every key is kept whole) or, by choice, estimated in fixed memory. For counts per flow
 * see table.h. */
#ifndef CM_FLOW_TALLY_H
#define CM_FLOW_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/batch.h"
#include "flow/seed.h"

struct cm_tally_options {
    bool unidirectional;
    bool approximate;
    size_t memory_bytes;             /* beyond it keys go to scratch files; ignored where approximate */
    const char *temp_dir;            /* for those; NULL: the system's; must outlive the tally */
    const struct cm_flow_seed *seed; /* copied; sharing it makes uniting fast */
};

struct cm_tally; /* one thread at a time */

enum capmill_status cm_tally_create(const struct cm_tally_options *options, struct cm_tally **tally_ret,
                                    struct cm_error *error);
void cm_tally_destroy(struct cm_tally *tally); /* NULL accepted */
/* Empty it; keeps what memory a small capture needs. */
void cm_tally_clear(struct cm_tally *tally);

/* Count the selected packets of a batch that has headers. */
enum capmill_status cm_tally_add(struct cm_tally *tally, const struct cm_batch *batch,
                                 struct cm_error *error);
/* Unite: `into` holds both, `from` is empty then. Same options but for memory. */
enum capmill_status cm_tally_absorb(struct cm_tally *into, struct cm_tally *from, struct cm_error *error);

struct cm_tally_counts {
    uint64_t n_flows;
    uint64_t n_src_addresses;
    uint64_t n_dst_addresses;
};
/* What was counted so far. Where keys were spilled this reads them all again. */
enum capmill_status cm_tally_count(struct cm_tally *tally, struct cm_tally_counts *counts_ret,
                                   struct cm_error *error);
/* How often keys were spilled; for tests and reports. */
size_t cm_tally_spills(const struct cm_tally *tally);

#endif

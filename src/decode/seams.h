/* SPDX-License-Identifier: Apache-2.0 */
/* The proof that ranges framed apart are what one chain would have framed: the chain of each range must land
 * exactly where its right neighbour started. Folds the results of the ranges of one input in order, whatever
 * the order they come in. */
#ifndef CM_DECODE_SEAMS_H
#define CM_DECODE_SEAMS_H

#include "decode/framer.h"

/* Damages located over a whole input; the rest is counted. */
#define CM_SEAMS_DAMAGES 1000

struct cm_seams;

struct cm_seams *cm_seams_create(void); /* NULL: no memory */
void cm_seams_destroy(struct cm_seams *seams);

/* Hand in the result of range `sequence`. One thread at a time (the caller locks). False when a seam was
 * disproved, or a range was unsettled: what was framed apart is not to be believed, and the input must be
 * framed as one chain. Ask before anything of the range leaves the thread: whatever waits in order behind a
 * range that never came is never let out. */
bool cm_seams_add(struct cm_seams *seams, uint64_t sequence, const struct cm_range_result *result);
/* After the last range: closes damage that reaches the end of the input, which stands at `size`. */
void cm_seams_finish(struct cm_seams *seams, uint64_t size);

bool cm_seams_disproved(const struct cm_seams *seams);
uint64_t cm_seams_disproved_at(const struct cm_seams *seams); /* where the chains disagreed */
uint64_t cm_seams_landing(const struct cm_seams *seams);      /* where the chain left off */
uint64_t cm_seams_packets(const struct cm_seams *seams);
/* Damages in order of place: how many are located, how many there are, and their bytes. */
size_t cm_seams_damages(const struct cm_seams *seams, const struct cm_damage **damages_ret,
                        uint64_t *n_damages_ret, uint64_t *n_bytes_ret);

#endif

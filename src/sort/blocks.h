/* SPDX-License-Identifier: Apache-2.0 */
/* Ordered packets cut into blocks for a taker (core/ordered.h). Groups of packets that leave a window are as long
 * as threads happened to make them; blocks are not. A block is a group whose packets are in order. */
#ifndef CM_SORT_BLOCKS_H
#define CM_SORT_BLOCKS_H

#include "sort/emit.h"

/* Append packets of a sorted group from `*from` on, with references to its chunks, until the block is full or
 * the group is used up. */
enum capmill_status cm_block_fill(struct cm_group *block, const struct cm_group *group, size_t *from,
                                  struct cm_error *error);
bool cm_block_full(const struct cm_group *block);

/* Take out of `waiting` what comes before the block's packets (`rest`: everything), and let the taker settle it
 * as number `sequence`. In output order, one caller at a time. */
enum capmill_status cm_block_settle(struct cm_group *block, struct cm_waiting_events *waiting, bool rest,
                                    uint64_t sequence, const struct cm_taker *taker, struct cm_error *error);
/* Any thread; the packets' bytes are at hand. A block that was settled is to be taken or dropped. */
enum capmill_status cm_block_take(struct cm_group *block, const struct cm_taker *taker, void *local,
                                  struct cm_error *error);
void cm_block_drop(struct cm_group *block, const struct cm_taker *taker);

#endif

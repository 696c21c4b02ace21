/* SPDX-License-Identifier: Apache-2.0 */
/* Segments of one range of one input → batches of its packets, in file order. Carries records over from one
 * segment to the next, finds the next sound record after damage, and says exactly where it began and where it
 * left off, so that seams.h can prove that ranges framed apart are what one chain would have framed.
 *
 * A record belongs to the range in which it starts. Ranges are the same whether one chain frames them one
 * after the other or several threads frame them apart: what follows cannot tell, except by the time it
 * took. */
#ifndef CM_DECODE_FRAMER_H
#define CM_DECODE_FRAMER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/batch.h"
#include "core/stage.h"
#include "format/layout.h"

#define CM_NOWHERE UINT64_MAX

struct cm_damage {
    uint64_t place;
    uint64_t n_bytes;   /* 0: the record was kept, but contradicts itself */
    const char *reason; /* static */
};

/* Located damages kept per range; the rest is counted. One range of 4 MiB with more than this is one
 * story. */
#define CM_RANGE_DAMAGES 8

/* What a range turned out to be. */
struct cm_range_result {
    uint64_t start;       /* where its first record starts; CM_NOWHERE when none does */
    uint64_t landing;     /* where the next range's first record starts, as this range's chain has it */
    uint64_t open_damage; /* where damage began that reaches past the range's limit; CM_NOWHERE: none */
    const char *open_reason;
    bool unsettled;    /* a section or interface stands in it that ranges framed apart do not know */
    bool end_of_input; /* the input ended in this range */
    uint64_t n_packets;
    uint64_t n_damages; /* closed ones, the first of them located */
    uint64_t damaged_bytes;
    struct cm_damage damages[CM_RANGE_DAMAGES];
};

/* Where the head of an input ends: everything before its first packet, framed once, in order, before anything
 * else. */
struct cm_head {
    struct cm_layout at_header;  /* the state at header_bytes; its interface table is private to the head */
    struct cm_layout at_packets; /* the state at first_packet, with the input's shared table */
    uint64_t header_bytes;       /* where the first record or block stands */
    uint64_t first_packet;       /* where the first packet stands, or the end of what was looked at */
};

struct cm_framer;

struct cm_framer *cm_framer_create(void);         /* NULL: no memory */
void cm_framer_destroy(struct cm_framer *framer); /* NULL accepted; releases its segment */
/* Let go of the segment at hand: after the last range of an input, before its source closes. */
void cm_framer_let_go(struct cm_framer *framer);

/* Frame one range apart from its neighbours: records that start in [begin, limit), found by resynchronising
 * at `begin` (begin 0: from the file header on). `source` yields bytes from `begin`. The interface table is
 * only read. */
void cm_framer_begin_range(struct cm_framer *framer, const struct cm_head *head, struct cm_source *source,
                           uint32_t input, uint64_t sequence, uint64_t begin, uint64_t limit);
/* Frame an input as one chain: `source` yields it from offset 0. Sections and interfaces are appended to the
 * shared table, which must be empty. The first range ends at `limit`; cm_framer_next_range goes on. */
void cm_framer_begin_chain(struct cm_framer *framer, const struct cm_layout *layout, uint64_t header_bytes,
                           struct cm_source *source, uint32_t input, uint64_t limit);
void cm_framer_next_range(struct cm_framer *framer, uint64_t limit);

/* Fill an empty batch. CAPMILL_OK; CAPMILL_END together with the range's last batch, which may be empty; or a
 * failure. `result` is complete after CAPMILL_END. */
enum capmill_status cm_framer_next(struct cm_framer *framer, struct cm_batch *batch, struct cm_error *error);
const struct cm_range_result *cm_framer_result(const struct cm_framer *framer);

/* Frame the head of an input from its first bytes (`n` at hand, `at_end`: that is all there is): everything
 * up to the first packet goes into the shared table `interfaces`. `layout` as set up by cm_layout_open with a
 * table of its own. */
enum capmill_status cm_head_frame(struct cm_head *head, const struct cm_layout *layout, size_t header_bytes,
                                  const uint8_t *bytes, size_t n, bool at_end,
                                  struct cm_interfaces *interfaces, struct cm_error *error);

#endif

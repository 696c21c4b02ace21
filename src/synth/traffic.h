/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in every block: slots, each a frame of a size and class, or the next step of one of the block's
 * TCP conversations. All blocks have the same slots in different orders, with different flows, payloads and
 * times: so all blocks but the last have the same length and the file's layout is known beforehand. Shares
 * hold to one slot. */
#ifndef CM_SYNTH_TRAFFIC_H
#define CM_SYNTH_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#include "synth/container.h"
#include "synth/draw.h"
#include "synth/frame.h"
#include "synth/synth.h"

/* About the bytes of a block: two blocks (one being made, one being written) stay in a second-level cache of
 * usual size, and a block is long enough that neither handing it over nor writing it costs more per byte. */
#define CM_SYNTH_TRAFFIC_BLOCK_BYTES (2u << 20)
#define CM_SYNTH_TRAFFIC_MIN_SLOTS   128   /* shares below 1/128 would vanish from blocks of large frames */
#define CM_SYNTH_TRAFFIC_MAX_SLOTS   32768 /* order of slots is kept in 16 bits */

#define CM_SYNTH_TRAFFIC_NO_CONVERSATION UINT32_MAX

struct cm_synth_traffic_slot {
    uint32_t frame_bytes; /* 0 for steps of conversations, whose sizes the step tells */
    uint32_t conversation;
    struct cm_synth_frame_class class;
};

/* Sequence numbers are relative to the initial ones, lengths as cm_synth_frame has them. */
struct cm_synth_traffic_step {
    uint32_t seq;
    uint32_t ack;
    uint32_t frame_bytes;
    uint8_t tcp_flags;
    bool from_server;
};

struct cm_synth_traffic_conversation {
    uint32_t first_step;
    uint32_t n_steps;
    struct cm_synth_frame_class class;
};

struct cm_synth_traffic {
    uint32_t n_slots;
    struct cm_synth_traffic_slot *slots;
    uint32_t n_steps;
    struct cm_synth_traffic_step *steps;
    uint32_t n_conversations;
    struct cm_synth_traffic_conversation *conversations;
    uint32_t slots_of_class[CM_SYNTH_FRAME_CLASSES]; /* conversations apart */
    uint16_t mss;                                    /* of conversations over IPv4; 20 less over IPv6 */
    uint64_t frame_bits;                             /* of all slots */
    uint64_t record_bytes;                           /* of all slots */
};

enum capmill_status cm_synth_traffic_init(struct cm_synth_traffic *traffic, const struct cm_recipe *recipe,
                                          const struct cm_synth_container *container, struct cm_error *error);
void cm_synth_traffic_fini(struct cm_synth_traffic *traffic);

/* Fill traffic->steps (room for traffic->n_steps) and traffic->conversations (allocated here) with
 * conversations that have exactly that many packets in all. `sizes`: n frame sizes to draw data segments
 * from. In conversation.c. */
enum capmill_status cm_synth_traffic_converse(struct cm_synth_traffic *traffic,
                                              const struct cm_recipe *recipe, const uint32_t *sizes,
                                              uint32_t n_sizes, struct cm_synth_draw_row *row,
                                              struct cm_error *error);
/* A conversation needs so many packets; fewer slots than this for TCP cannot hold one. */
#define CM_SYNTH_TRAFFIC_MIN_CONVERSATION 8

/* Split `total` by weights, each part right to one; in the same order. */
void cm_synth_traffic_allot(const uint64_t *weights, uint32_t n, uint32_t total, uint32_t *parts_ret);

#endif

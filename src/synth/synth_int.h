/* SPDX-License-Identifier: Apache-2.0 */
/* A recipe worked out, as the two files that make captures of it share it: generate.c works it out, block.c
 * makes blocks. For synth/ alone. */
#ifndef CM_SYNTH_SYNTH_INT_H
#define CM_SYNTH_SYNTH_INT_H

#include "synth/container.h"
#include "synth/endpoints.h"
#include "synth/frame.h"
#include "synth/popularity.h"
#include "synth/synth.h"
#include "synth/timeline.h"
#include "synth/traffic.h"

/* Stateless flows of one class: numbers first..first+n-1. */
struct cm_synth_class_flows {
    uint64_t first;
    struct cm_synth_popularity popularity;
};

struct cm_synth {
    struct cm_recipe recipe;
    struct cm_synth_container container;
    struct cm_synth_traffic traffic;
    struct cm_synth_timeline timeline;
    struct cm_synth_endpoint_space space;
    struct cm_synth_frame_payload payload;
    struct cm_synth_class_flows flows[CM_SYNTH_FRAME_CLASSES];
    uint64_t first_conversation_flow;
    uint32_t window;    /* slots that a block may move a slot by */
    bool steps_by_time; /* conversations and times out of order: steps are given out in order of time */
    uint64_t n_blocks;
    uint64_t n_packets;
    uint32_t last_packets; /* of the last block */
    uint64_t last_bytes;
    uint64_t header_bytes;
    uint64_t key_block, key_packet, key_conversation;
};

/* Packets from the front of a block until `max_packets` or `max_bytes` would be passed, whichever is first.
 * Needs the parts of `synth` that order slots: traffic, container, window, key_block. */
enum capmill_status cm_synth_measure_front(const struct cm_synth *synth, uint64_t block, uint64_t max_packets,
                                           uint64_t max_bytes, uint32_t *packets_ret, uint64_t *bytes_ret,
                                           struct cm_error *error);

#endif

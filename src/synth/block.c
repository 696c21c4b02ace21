/* SPDX-License-Identifier: Apache-2.0 */
/* Making a block: its order of slots, which conversation's step and which flow stands at each place, and the
 * loop that writes packets. Not for what all blocks have in common (traffic.c, generate.c) nor for the bytes
 * of a packet (frame.c). */
#include <stdlib.h>
#include <string.h>

#include "synth/draw.h"
#include "synth/synth_int.h"

/* Scratch memory of a block; arrays of n_slots but for `cursors`, one a conversation. */
struct scratch {
    uint64_t *times;
    uint32_t *steps;   /* per place in the block, with steps_by_time */
    uint32_t *cursors; /* steps given out so far */
    uint16_t *order;   /* slot at each place */
    uint16_t *by_time, *merged;
};

static struct scratch carve_scratch(const struct cm_synth *synth, void *memory)
{
    uint32_t n = synth->traffic.n_slots;
    struct scratch scratch;

    scratch.times = memory;
    scratch.steps = (uint32_t *)(scratch.times + n);
    scratch.cursors = scratch.steps + n;
    scratch.order = (uint16_t *)(scratch.cursors + synth->traffic.n_conversations);
    scratch.by_time = scratch.order + n;
    scratch.merged = scratch.by_time + n;
    return scratch;
}

size_t cm_synth_scratch_bytes(const struct cm_synth *synth)
{
    size_t per_slot = sizeof(uint64_t) + sizeof(uint32_t) + 3 * sizeof(uint16_t);

    return synth->traffic.n_slots * per_slot + synth->traffic.n_conversations * sizeof(uint32_t);
}

/* --- the order of slots in a block --- */

static void order_slots(const struct cm_synth *synth, uint64_t block, const struct scratch *scratch)
{
    uint64_t key = cm_synth_draw(synth->key_block, block);
    uint32_t n = synth->traffic.n_slots;
    uint16_t *order = scratch->order;

    for (uint32_t i = 0; i < n; i++)
        order[i] = (uint16_t)i;
    for (uint32_t i = 0; i + 1 < n; i++) {
        uint32_t range = synth->window < n - i ? synth->window : n - i;
        uint32_t j = i + cm_synth_draw_below((uint32_t)(cm_synth_draw(key, i) >> 32), range);
        uint16_t kept = order[i];

        order[i] = order[j];
        order[j] = kept;
    }
    memset(scratch->cursors, 0, synth->traffic.n_conversations * sizeof(*scratch->cursors));
}

static uint32_t take_step(const struct cm_synth *synth, const struct scratch *scratch, uint32_t conversation)
{
    return synth->traffic.conversations[conversation].first_step + scratch->cursors[conversation]++;
}

/* Stable merge of runs of `width` from one array to the other. */
static void merge_runs(const uint64_t *times, const uint16_t *from, uint16_t *to, uint32_t n, uint32_t width)
{
    for (uint32_t start = 0; start < n; start += 2 * width) {
        uint32_t middle = start + width < n ? start + width : n;
        uint32_t end = middle + width < n ? middle + width : n;
        uint32_t a = start, b = middle;

        for (uint32_t i = start; i < end; i++) {
            if (a < middle && (b == end || times[from[a]] <= times[from[b]]))
                to[i] = from[a++];
            else
                to[i] = from[b++];
        }
    }
}

/* A conversation's first packet is the one with its earliest time, not the one that stands first: whoever
 * sorts the capture finds every conversation in order. Equal times keep their places, as a stable sort
 * does. */
static void give_steps_by_time(const struct cm_synth *synth, uint64_t first, uint32_t n,
                               const struct scratch *scratch)
{
    uint16_t *from = scratch->by_time, *to = scratch->merged, *kept;

    for (uint32_t i = 0; i < n; i++) {
        scratch->times[i] = cm_synth_timeline_time(&synth->timeline, first + i);
        from[i] = (uint16_t)i;
    }
    for (uint32_t width = 1; width < n; width *= 2) {
        merge_runs(scratch->times, from, to, n, width);
        kept = from;
        from = to;
        to = kept;
    }
    for (uint32_t i = 0; i < n; i++) {
        const struct cm_synth_traffic_slot *slot = &synth->traffic.slots[scratch->order[from[i]]];

        if (slot->conversation != CM_SYNTH_TRAFFIC_NO_CONVERSATION)
            scratch->steps[from[i]] = take_step(synth, scratch, slot->conversation);
    }
}

/* --- packets --- */

/* Flags of TCP segments that belong to no conversation: mostly data, some of each other kind. */
static uint8_t stateless_flags(uint32_t bits)
{
    static const uint8_t flags[32] = {
        CM_SYNTH_TCP_SYN,
        CM_SYNTH_TCP_SYN | CM_SYNTH_TCP_ACK,
        CM_SYNTH_TCP_FIN | CM_SYNTH_TCP_ACK,
        CM_SYNTH_TCP_RST | CM_SYNTH_TCP_ACK,
        [4 ... 17] = CM_SYNTH_TCP_PSH | CM_SYNTH_TCP_ACK,
        [18 ... 31] = CM_SYNTH_TCP_ACK,
    };

    return flags[bits & 31];
}

static void draw_stateless(const struct cm_synth *synth, const struct cm_synth_traffic_slot *slot,
                           uint64_t index, struct cm_synth_frame *frame)
{
    const struct cm_synth_class_flows *flows = &synth->flows[cm_synth_frame_class_number(slot->class)];
    uint64_t bits = cm_synth_draw(synth->key_packet, index);
    uint64_t more = cm_synth_draw_mix(bits ^ CM_SYNTH_DRAW_STEP);
    uint64_t flow = flows->first + cm_synth_popularity_draw(&flows->popularity, more);

    frame->class = slot->class;
    frame->from_server = bits & 1;
    frame->syn_options = false;
    frame->tcp_flags = stateless_flags((uint32_t)(bits >> 1));
    frame->ip_id = (uint16_t)(bits >> 16);
    frame->icmp_sequence = (uint16_t)index;
    frame->bytes = slot->frame_bytes;
    frame->seq = (uint32_t)bits;
    frame->ack = (uint32_t)(bits >> 32);
    frame->payload_key = more;
    frame->ends = cm_synth_endpoints(&synth->space, flow, slot->class.protocol == CM_SYNTH_FRAME_UDP);
}

static void draw_step(const struct cm_synth *synth, uint64_t block, uint32_t conversation,
                      uint32_t step_number, uint64_t index, struct cm_synth_frame *frame)
{
    const struct cm_synth_traffic_step *step = &synth->traffic.steps[step_number];
    uint64_t number = block * synth->traffic.n_conversations + conversation;
    uint64_t bits = cm_synth_draw(synth->key_conversation, number);
    uint32_t first[2] = {(uint32_t)bits, (uint32_t)(bits >> 32)};

    frame->class = synth->traffic.conversations[conversation].class;
    frame->from_server = step->from_server;
    frame->syn_options = (step->tcp_flags & CM_SYNTH_TCP_SYN) != 0;
    frame->mss = (uint16_t)(synth->traffic.mss - (frame->class.ipv6 ? 20 : 0));
    frame->tcp_flags = step->tcp_flags;
    frame->ip_id = (uint16_t)cm_synth_draw(synth->key_packet, index);
    frame->bytes = step->frame_bytes;
    frame->seq = first[step->from_server] + step->seq;
    frame->ack = first[!step->from_server] + step->ack;
    /* What is sent again is the same: the payload belongs to the place in the stream, not to the packet. */
    frame->payload_key = cm_synth_draw(bits, (uint64_t)step->seq << 1 | step->from_server);
    frame->ends = cm_synth_endpoints(&synth->space, synth->first_conversation_flow + number, 0);
}

size_t cm_synth_block(const struct cm_synth *synth, uint64_t block, void *memory, uint8_t *out)
{
    struct scratch scratch = carve_scratch(synth, memory);
    uint64_t first = block * synth->traffic.n_slots;
    uint32_t n = cm_synth_block_packets(synth, block);
    uint32_t before = cm_synth_container_before(&synth->container);
    struct cm_synth_frame frame;
    uint8_t *record = out;

    memset(&frame, 0, sizeof(frame));
    order_slots(synth, block, &scratch);
    if (synth->steps_by_time)
        give_steps_by_time(synth, first, n, &scratch);
    for (uint32_t i = 0; i < n; i++) {
        const struct cm_synth_traffic_slot *slot = &synth->traffic.slots[scratch.order[i]];
        uint64_t time =
            synth->steps_by_time ? scratch.times[i] : cm_synth_timeline_time(&synth->timeline, first + i);

        if (slot->conversation == CM_SYNTH_TRAFFIC_NO_CONVERSATION) {
            draw_stateless(synth, slot, first + i, &frame);
        } else {
            uint32_t step =
                synth->steps_by_time ? scratch.steps[i] : take_step(synth, &scratch, slot->conversation);

            draw_step(synth, block, slot->conversation, step, first + i, &frame);
        }
        cm_synth_frame_write(&frame, &synth->payload, record + before);
        record += cm_synth_container_wrap(&synth->container, time, frame.bytes, record);
    }
    return (size_t)(record - out);
}

/* --- how much of a block fits --- */

/* Which steps are taken does not depend on times: a conversation with k slots shows its first k steps. */
enum capmill_status cm_synth_measure_front(const struct cm_synth *synth, uint64_t block, uint64_t max_packets,
                                           uint64_t max_bytes, uint32_t *packets_ret, uint64_t *bytes_ret,
                                           struct cm_error *error)
{
    void *memory = malloc(cm_synth_scratch_bytes(synth));
    struct scratch scratch;
    uint32_t n = 0;
    uint64_t bytes = 0;

    if (memory == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the plan of a block");
    scratch = carve_scratch(synth, memory);
    order_slots(synth, block, &scratch);
    for (; n < synth->traffic.n_slots && n < max_packets; n++) {
        const struct cm_synth_traffic_slot *slot = &synth->traffic.slots[scratch.order[n]];
        uint32_t frame_bytes =
            slot->conversation == CM_SYNTH_TRAFFIC_NO_CONVERSATION
                ? slot->frame_bytes
                : synth->traffic.steps[take_step(synth, &scratch, slot->conversation)].frame_bytes;
        uint64_t with = bytes + cm_synth_container_record_bytes(&synth->container, frame_bytes);

        if (with > max_bytes)
            break;
        bytes = with;
    }
    free(memory);
    *packets_ret = n;
    *bytes_ret = bytes;
    return CAPMILL_OK;
}

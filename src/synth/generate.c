/* SPDX-License-Identifier: Apache-2.0 */
/* Working out a recipe and making its blocks. Not for what stands in a block (traffic.c), in a packet
 * (frame.c), around it (container.c), or when it was seen (timeline.c). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "synth/container.h"
#include "synth/draw.h"
#include "synth/endpoints.h"
#include "synth/frame.h"
#include "synth/popularity.h"
#include "synth/synth.h"
#include "synth/timeline.h"
#include "synth/traffic.h"

/* How far blocks move slots from the plan's order when conversations are to stay together. */
#define LOCAL_WINDOW 32

/* Stateless flows of one class: numbers first..first+n-1. */
struct class_flows {
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
    struct class_flows flows[CM_SYNTH_FRAME_CLASSES];
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
 * sorts the capture finds every conversation in order. Equal times keep their places, as a stable sort does.
 */
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
    const struct class_flows *flows = &synth->flows[cm_synth_frame_class_number(slot->class)];
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

/* --- working it out --- */

/* Packets from the front of a block until `max_packets` or `max_bytes` would be passed, whichever is first.
 * Which steps are taken does not depend on times: a conversation with k slots shows its first k steps. */
static enum capmill_status measure_front(const struct cm_synth *synth, uint64_t block, uint64_t max_packets,
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

/* Full blocks first, then what is left as one that is cut. */
static enum capmill_status lay_out(struct cm_synth *synth, struct cm_error *error)
{
    const struct cm_recipe *recipe = &synth->recipe;
    uint64_t full, rest_packets, rest_bytes, n_packets;
    enum capmill_status status;

    if (recipe->size_bytes == 0) {
        full = recipe->n_packets / synth->traffic.n_slots;
        rest_packets = recipe->n_packets % synth->traffic.n_slots;
        rest_bytes = UINT64_MAX;
    } else {
        uint64_t room =
            recipe->size_bytes > synth->header_bytes ? recipe->size_bytes - synth->header_bytes : 0;

        full = room / synth->traffic.record_bytes;
        rest_packets = UINT64_MAX;
        rest_bytes = room % synth->traffic.record_bytes;
    }
    status =
        measure_front(synth, full, rest_packets, rest_bytes, &synth->last_packets, &synth->last_bytes, error);
    if (status < 0)
        return status;
    if (!cm_mul_u64(full, synth->traffic.n_slots, &n_packets) ||
        n_packets > CM_SYNTH_MAX_PACKETS - synth->last_packets)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "the recipe asks for more than %" PRIu64 " packets",
                            CM_SYNTH_MAX_PACKETS);
    synth->n_packets = n_packets + synth->last_packets;
    if (synth->n_packets == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "a size of %" PRIu64 " bytes has no room for a packet",
                            recipe->size_bytes);
    synth->n_blocks = full + 1;
    if (synth->last_packets == 0) {
        synth->n_blocks = full;
        synth->last_packets = synth->traffic.n_slots;
        synth->last_bytes = synth->traffic.record_bytes;
    }
    return CAPMILL_OK;
}

/* Each class gets flows by its share of packets, at least one. */
static enum capmill_status share_out_flows(struct cm_synth *synth, struct cm_error *error)
{
    uint64_t weights[CM_SYNTH_FRAME_CLASSES];
    uint32_t parts[CM_SYNTH_FRAME_CLASSES];
    uint32_t n_classes = 0;
    uint64_t first = 0;

    for (uint32_t i = 0; i < CM_SYNTH_FRAME_CLASSES; i++) {
        weights[i] = synth->traffic.slots_of_class[i];
        n_classes += weights[i] != 0;
    }
    if (n_classes == 0)
        return CAPMILL_OK;
    if (synth->recipe.flows < n_classes)
        return cm_error_set(
            error, CAPMILL_E_USAGE, 0,
            "flows = %u is too few: protocols, ipv6, vlan and qinq make %u kinds of packets and each "
            "needs a flow",
            synth->recipe.flows, n_classes);
    cm_synth_traffic_allot(weights, CM_SYNTH_FRAME_CLASSES, synth->recipe.flows, parts);
    for (uint32_t i = 0; i < CM_SYNTH_FRAME_CLASSES; i++) {
        enum capmill_status status;

        if (parts[i] == 0)
            continue;
        synth->flows[i].first = first;
        first += parts[i];
        status = cm_synth_popularity_init(&synth->flows[i].popularity, parts[i],
                                          synth->recipe.popularity_thousandths, error);
        if (status < 0)
            return status;
    }
    synth->first_conversation_flow = first;
    return CAPMILL_OK;
}

static enum capmill_status check_recipe(const struct cm_recipe *recipe, struct cm_error *error)
{
    if ((uint64_t)recipe->vlan_ppm + recipe->qinq_ppm > CM_SYNTH_PPM)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "the shares of vlan and qinq are more than 100%% together");
    if (recipe->gap_share_ppm == CM_SYNTH_PPM)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "gap-share = 100%% leaves no time for packets");
    if (recipe->weight_tcp + recipe->weight_udp + recipe->weight_icmp == 0 ||
        (recipe->sizes.kind == CM_RECIPE_MIX_LIST && recipe->sizes.n == 0))
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "the recipe names no protocols or no packet sizes");
    if (recipe->conversations && recipe->weight_tcp == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "tcp = conversations needs tcp in protocols");
    return CAPMILL_OK;
}

static enum capmill_status work_out(struct cm_synth *synth, struct cm_error *error)
{
    const struct cm_recipe *recipe = &synth->recipe;
    uint8_t header[CM_SYNTH_HEADER_CAPACITY];
    uint64_t n_flows;
    enum capmill_status status;

    synth->container.pcapng = recipe->pcapng;
    synth->container.nanoseconds = recipe->nanoseconds;
    synth->container.big_endian = recipe->big_endian;
    synth->container.snaplen = recipe->snaplen;
    synth->header_bytes = cm_synth_container_header(&synth->container, header);
    synth->key_block = cm_synth_draw_key(recipe->seed, CM_SYNTH_DRAW_BLOCK);
    synth->key_packet = cm_synth_draw_key(recipe->seed, CM_SYNTH_DRAW_PACKET);
    synth->key_conversation = cm_synth_draw_key(recipe->seed, CM_SYNTH_DRAW_CONVERSATION);
    synth->steps_by_time = recipe->conversations && recipe->order != CM_RECIPE_SORTED;

    if ((status = cm_synth_traffic_init(&synth->traffic, recipe, &synth->container, error)) < 0)
        return status;
    synth->window = recipe->conversations ? LOCAL_WINDOW : synth->traffic.n_slots;
    if ((status = lay_out(synth, error)) < 0 || (status = share_out_flows(synth, error)) < 0)
        return status;
    n_flows = cm_add_saturating_u64(synth->first_conversation_flow,
                                    cm_mul_saturating_u64(synth->n_blocks, synth->traffic.n_conversations));
    synth->space = cm_synth_endpoint_space(recipe->seed, n_flows);
    status = cm_synth_timeline_init(&synth->timeline, recipe, synth->n_packets, synth->traffic.frame_bits,
                                    synth->traffic.n_slots, error);
    if (status < 0)
        return status;
    return cm_synth_frame_payload_init(&synth->payload, recipe->payload, recipe->seed, error);
}

enum capmill_status cm_synth_create(const struct cm_recipe *recipe, struct cm_synth **synth_ret,
                                    struct cm_error *error)
{
    enum capmill_status status = check_recipe(recipe, error);
    struct cm_synth *synth;

    *synth_ret = NULL;
    if (status < 0)
        return status;
    synth = calloc(1, sizeof(*synth));
    if (synth == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a recipe");
    synth->recipe = *recipe;
    status = work_out(synth, error);
    if (status < 0) {
        cm_synth_destroy(synth);
        return status;
    }
    *synth_ret = synth;
    return CAPMILL_OK;
}

void cm_synth_destroy(struct cm_synth *synth)
{
    if (synth == NULL)
        return;
    cm_synth_traffic_fini(&synth->traffic);
    for (uint32_t i = 0; i < CM_SYNTH_FRAME_CLASSES; i++)
        cm_synth_popularity_fini(&synth->flows[i].popularity);
    cm_synth_frame_payload_fini(&synth->payload);
    free(synth);
}

uint64_t cm_synth_n_packets(const struct cm_synth *synth)
{
    return synth->n_packets;
}

uint64_t cm_synth_n_blocks(const struct cm_synth *synth)
{
    return synth->n_blocks;
}

uint64_t cm_synth_file_bytes(const struct cm_synth *synth)
{
    return cm_synth_block_offset(synth, synth->n_blocks - 1) + synth->last_bytes;
}

size_t cm_synth_header(const struct cm_synth *synth, uint8_t header_ret[CM_SYNTH_HEADER_CAPACITY])
{
    return cm_synth_container_header(&synth->container, header_ret);
}

uint64_t cm_synth_block_offset(const struct cm_synth *synth, uint64_t block)
{
    return synth->header_bytes + block * synth->traffic.record_bytes;
}

size_t cm_synth_block_bytes(const struct cm_synth *synth, uint64_t block)
{
    return (size_t)(block + 1 == synth->n_blocks ? synth->last_bytes : synth->traffic.record_bytes);
}

uint32_t cm_synth_block_packets(const struct cm_synth *synth, uint64_t block)
{
    return block + 1 == synth->n_blocks ? synth->last_packets : synth->traffic.n_slots;
}

size_t cm_synth_block_capacity(const struct cm_synth *synth)
{
    /* Behind the last record the greatest frame is written whole before the snap length cuts it. */
    return (size_t)synth->traffic.record_bytes + 65536 + 64 + CM_SYNTH_FRAME_SLACK;
}

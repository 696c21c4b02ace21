/* SPDX-License-Identifier: Apache-2.0 */
/* Working out a recipe: contradictions, the layout of the file, the sharing out of flows. Not for making
 * blocks (block.c), for what stands in one (traffic.c), or for when packets were seen (timeline.c). */
#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "synth/draw.h"
#include "synth/synth_int.h"

/* How far blocks move slots from the plan's order when conversations are to stay together. */
#define LOCAL_WINDOW 32

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
    status = cm_synth_measure_front(synth, full, rest_packets, rest_bytes, &synth->last_packets,
                                    &synth->last_bytes, error);
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

/* SPDX-License-Identifier: Apache-2.0 */
/* The shapes of TCP conversations: handshake, requests and answers, acknowledgements, close; as a passive
 * observer sees them who sees everything. Not for addresses and initial sequence numbers, which differ from
 * block to block. */
#include <stdlib.h>

#include "base/checked.h"
#include "synth/traffic.h"

#define CLIENT 0
#define SERVER 1

#define HANDSHAKE_PACKETS 3
#define FIN_PACKETS       3
#define MIN_PAYLOAD_BYTES 8 /* one byte in an idle connection looks like a keep-alive probe to analysers */
/* Conversations of 8 to 128 packets, many short and few long ones. */
#define SHORTEST      CM_SYNTH_TRAFFIC_MIN_CONVERSATION
#define DOUBLINGS     5
#define LONGEST_SHARE 32

/* A conversation being told. */
struct tale {
    struct cm_synth_traffic_step *next_step;
    const struct cm_recipe *recipe;
    const uint32_t *sizes;
    uint32_t n_sizes;
    struct cm_synth_draw_row *row;
    uint32_t header_bytes;
    uint32_t max_payload;
    uint32_t left;                                         /* packets before the close */
    uint32_t next[2];                                      /* sequence number that each side sends next */
    uint64_t retransmits_owed, reorders_owed, resets_owed; /* millionths */
};

static void tell(struct tale *tale, unsigned side, uint8_t flags, uint32_t payload, uint32_t seq)
{
    struct cm_synth_traffic_step *step = tale->next_step++;

    step->seq = seq;
    step->ack = tale->next[!side];
    step->tcp_flags = flags;
    step->from_server = side == SERVER;
    step->frame_bytes =
        tale->header_bytes + ((flags & CM_SYNTH_TCP_SYN) ? CM_SYNTH_FRAME_SYN_OPTIONS : 0) + payload;
}

/* SYN and FIN take one sequence number each. */
static void tell_control(struct tale *tale, unsigned side, uint8_t flags)
{
    tell(tale, side, flags, 0, tale->next[side]);
    tale->next[side] += (flags & (CM_SYNTH_TCP_SYN | CM_SYNTH_TCP_FIN)) != 0;
}

/* One more segment, or conversation, of which a share is owed: is one due? All blocks have these
 * conversations, so chance would not even out over the capture; counting keeps shares to one in a block. */
static bool owe(uint64_t *owed, uint32_t ppm)
{
    *owed += ppm;
    return *owed >= CM_SYNTH_PPM;
}

/* The first one is due at once: a share that is too small for one in a block becomes one. */
static uint64_t first_debt(uint32_t ppm)
{
    return ppm == 0 ? 0 : CM_SYNTH_PPM - ppm;
}

static uint32_t draw_payload(struct tale *tale)
{
    uint32_t frame = tale->sizes[cm_synth_draw_next_below(tale->row, tale->n_sizes)];
    uint32_t payload =
        frame < tale->header_bytes + MIN_PAYLOAD_BYTES ? MIN_PAYLOAD_BYTES : frame - tale->header_bytes;

    return payload < tale->max_payload ? payload : tale->max_payload;
}

/* One data segment, or two in the wrong order, or one and once more: as the shares say and the rest allows.
 * Answers how many segments that were. */
static uint32_t tell_data(struct tale *tale, unsigned side, bool last_of_burst)
{
    uint8_t flags = CM_SYNTH_TCP_ACK | (last_of_burst ? CM_SYNTH_TCP_PSH : 0);
    uint32_t seq = tale->next[side];
    uint32_t first = draw_payload(tale);

    if (owe(&tale->reorders_owed, tale->recipe->reorder_ppm) && tale->left >= 2) {
        uint32_t second = draw_payload(tale);

        tale->reorders_owed += tale->recipe->reorder_ppm; /* for the second segment */
        tale->reorders_owed -= CM_SYNTH_PPM;
        tale->retransmits_owed += 2 * (uint64_t)tale->recipe->retransmit_ppm;
        tell(tale, side, flags, second, seq + first);
        tell(tale, side, CM_SYNTH_TCP_ACK, first, seq);
        tale->next[side] += first + second;
        tale->left -= 2;
        return 2;
    }
    tell(tale, side, flags, first, seq);
    tale->next[side] += first;
    tale->left--;
    if (owe(&tale->retransmits_owed, tale->recipe->retransmit_ppm) && tale->left >= 1) {
        tale->retransmits_owed -= CM_SYNTH_PPM;
        tell(tale, side, flags, first, seq);
        tale->left--;
        return 2;
    }
    return 1;
}

/* One side speaks; the other acknowledges every second segment. */
static void tell_burst(struct tale *tale, unsigned side, uint32_t n_segments)
{
    uint32_t unacknowledged = 0;

    while (n_segments > 0 && tale->left > 0) {
        n_segments--;
        unacknowledged += tell_data(tale, side, n_segments == 0);
        if (unacknowledged >= 2 && tale->left > 0) {
            tell_control(tale, !side, CM_SYNTH_TCP_ACK);
            tale->left--;
            unacknowledged = 0;
        }
    }
}

static void tell_conversation(struct tale *tale, uint32_t n_packets)
{
    bool reset = owe(&tale->resets_owed, tale->recipe->reset_ppm);
    unsigned closer = cm_synth_draw_next_below(tale->row, 2);

    tale->next[CLIENT] = tale->next[SERVER] = 0;
    tale->left = n_packets - HANDSHAKE_PACKETS - (reset ? 1 : FIN_PACKETS);
    tell_control(tale, CLIENT, CM_SYNTH_TCP_SYN);
    tell_control(tale, SERVER, CM_SYNTH_TCP_SYN | CM_SYNTH_TCP_ACK);
    tell_control(tale, CLIENT, CM_SYNTH_TCP_ACK);
    while (tale->left > 0) {
        tell_burst(tale, CLIENT, 1 + cm_synth_draw_next_below(tale->row, 2));
        tell_burst(tale, SERVER, 1 + cm_synth_draw_next_below(tale->row, 12));
    }
    if (reset) {
        tale->resets_owed -= CM_SYNTH_PPM;
        tell_control(tale, closer, CM_SYNTH_TCP_RST | CM_SYNTH_TCP_ACK);
        return;
    }
    tell_control(tale, closer, CM_SYNTH_TCP_FIN | CM_SYNTH_TCP_ACK);
    tell_control(tale, !closer, CM_SYNTH_TCP_FIN | CM_SYNTH_TCP_ACK);
    tell_control(tale, closer, CM_SYNTH_TCP_ACK);
}

/* The next conversation's kind: whatever is furthest behind its share of packets. */
static struct cm_synth_frame_class choose_class(const struct cm_recipe *recipe, const uint64_t told[2][3],
                                                uint64_t total)
{
    const uint32_t tags[3] = {CM_SYNTH_PPM - recipe->vlan_ppm - recipe->qinq_ppm, recipe->vlan_ppm,
                              recipe->qinq_ppm};
    struct cm_synth_frame_class class = {CM_SYNTH_FRAME_TCP, false, 0};
    uint64_t ipv6 = told[1][0] + told[1][1] + told[1][2];
    int64_t behind = INT64_MIN;

    class.ipv6 = recipe->ipv6_ppm != 0 && ipv6 * CM_SYNTH_PPM <= (uint64_t)recipe->ipv6_ppm * total;
    for (uint8_t i = 0; i < 3; i++) {
        uint64_t family_total = told[class.ipv6][0] + told[class.ipv6][1] + told[class.ipv6][2];
        int64_t missing = (int64_t)(tags[i] * family_total) - (int64_t)(told[class.ipv6][i] * CM_SYNTH_PPM);

        if (tags[i] != 0 && missing > behind) {
            behind = missing;
            class.n_tags = i;
        }
    }
    return class;
}

/* None takes more than a share of the block, so that families and tags can hold to theirs. What would be too
 * little for another conversation goes to the last one. */
static uint32_t choose_length(struct cm_synth_draw_row *row, uint32_t n_steps, uint32_t left)
{
    uint32_t longest = (uint32_t)cm_max_u64(n_steps / LONGEST_SHARE, SHORTEST);
    uint32_t length =
        SHORTEST + cm_synth_draw_next_below(row, 4u << cm_synth_draw_next_below(row, DOUBLINGS + 1));

    length = length < longest ? length : longest;
    return left < length + SHORTEST ? left : length;
}

enum capmill_status cm_synth_traffic_converse(struct cm_synth_traffic *traffic,
                                              const struct cm_recipe *recipe, const uint32_t *sizes,
                                              uint32_t n_sizes, struct cm_synth_draw_row *row,
                                              struct cm_error *error)
{
    struct tale tale = {.recipe = recipe, .sizes = sizes, .n_sizes = n_sizes, .row = row};
    uint64_t told[2][3] = {{0}};
    uint32_t largest = 0;

    if (traffic->n_steps < CM_SYNTH_TRAFFIC_MIN_CONVERSATION)
        return cm_error_set(
            error, CAPMILL_E_USAGE, 0,
            "tcp = conversations needs a greater share of tcp in protocols: %u of %u packets are too "
            "few for a conversation",
            traffic->n_steps, traffic->n_slots);
    traffic->steps = calloc(traffic->n_steps, sizeof(*traffic->steps));
    traffic->conversations = calloc(traffic->n_steps / SHORTEST, sizeof(*traffic->conversations));
    if (traffic->steps == NULL || traffic->conversations == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the plan of a block");
    for (uint32_t i = 0; i < n_sizes; i++)
        largest = (uint32_t)cm_max_u64(largest, sizes[i]);
    traffic->mss = (uint16_t)(largest > 54 + 536 ? largest - 54 : 536); /* RFC 9293: every host takes 536 */

    tale.retransmits_owed = first_debt(recipe->retransmit_ppm);
    tale.reorders_owed = first_debt(recipe->reorder_ppm);
    tale.resets_owed = first_debt(recipe->reset_ppm);
    tale.next_step = traffic->steps;
    for (uint32_t left = traffic->n_steps; left > 0;) {
        struct cm_synth_traffic_conversation *conversation =
            &traffic->conversations[traffic->n_conversations++];

        conversation->first_step = (uint32_t)(tale.next_step - traffic->steps);
        conversation->n_steps = choose_length(row, traffic->n_steps, left);
        conversation->class = choose_class(recipe, told, conversation->first_step);
        told[conversation->class.ipv6][conversation->class.n_tags] += conversation->n_steps;
        tale.header_bytes = cm_synth_frame_header_bytes(conversation->class);
        tale.max_payload = traffic->mss - (conversation->class.ipv6 ? 20u : 0u);
        tell_conversation(&tale, conversation->n_steps);
        left -= conversation->n_steps;
    }
    return CAPMILL_OK;
}

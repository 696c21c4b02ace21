/* SPDX-License-Identifier: Apache-2.0 */
/* Making the slots of a block from a recipe. Not for the insides of conversations (conversation.c). */
#include "synth/traffic.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

/* Columns of a plan under construction, one entry a slot; shuffled apart from each other, so that sizes,
 * protocols, families and tags are independent. */
struct columns {
    uint32_t *sizes;
    uint8_t *protocols;
    uint8_t *families;
    uint8_t *tags;
};

void cm_synth_traffic_allot(const uint64_t *weights, uint32_t n, uint32_t total, uint32_t *parts_ret)
{
    unsigned __int128 sum = 0, before = 0;
    uint64_t given = 0;

    for (uint32_t i = 0; i < n; i++)
        sum += weights[i];
    /* Rounding the running sum keeps every part within one of its share and the total exact. */
    for (uint32_t i = 0; i < n; i++) {
        uint64_t until;

        before += weights[i];
        until = (uint64_t)((before * total * 2 + sum) / (sum * 2));
        parts_ret[i] = (uint32_t)(until - given);
        given = until;
    }
    /* Nothing that was asked for vanishes: the largest part gives one. */
    for (uint32_t i = 0; i < n; i++) {
        uint32_t largest = 0;

        if (parts_ret[i] != 0 || weights[i] == 0)
            continue;
        for (uint32_t j = 1; j < n; j++) {
            if (parts_ret[j] > parts_ret[largest])
                largest = j;
        }
        if (parts_ret[largest] < 2)
            return;
        parts_ret[largest]--;
        parts_ret[i] = 1;
    }
}

static uint32_t mean_size(const struct cm_recipe_mix *mix)
{
    uint64_t bytes = 0, weight = 0;

    if (mix->kind == CM_RECIPE_MIX_UNIFORM)
        return (mix->from + mix->to) / 2;
    for (uint32_t i = 0; i < mix->n; i++) {
        bytes += (uint64_t)mix->entries[i].bytes * mix->entries[i].weight;
        weight += mix->entries[i].weight;
    }
    return (uint32_t)(bytes / weight);
}

static void fill_sizes(const struct cm_recipe_mix *mix, uint32_t *sizes, uint32_t n)
{
    uint64_t weights[CM_RECIPE_MIX_ENTRIES];
    uint32_t parts[CM_RECIPE_MIX_ENTRIES];
    uint32_t at = 0;

    if (mix->kind == CM_RECIPE_MIX_UNIFORM) {
        for (uint64_t i = 0; i < n; i++)
            sizes[i] = mix->from + (uint32_t)((2 * i + 1) * (mix->to - mix->from + 1) / (2 * (uint64_t)n));
        return;
    }
    for (uint32_t i = 0; i < mix->n; i++)
        weights[i] = mix->entries[i].weight;
    cm_synth_traffic_allot(weights, mix->n, n, parts);
    for (uint32_t i = 0; i < mix->n; i++) {
        for (uint32_t j = 0; j < parts[i]; j++)
            sizes[at++] = mix->entries[i].bytes;
    }
}

static void fill_values(const uint64_t *weights, uint32_t n_weights, uint8_t *values, uint32_t n)
{
    uint32_t parts[3];
    uint32_t at = 0;

    cm_synth_traffic_allot(weights, n_weights, n, parts);
    for (uint32_t i = 0; i < n_weights; i++) {
        for (uint32_t j = 0; j < parts[i]; j++)
            values[at++] = (uint8_t)i;
    }
}

static void shuffle_sizes(uint32_t *values, uint32_t n, struct cm_synth_draw_row *row)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = cm_synth_draw_next_below(row, i), kept = values[i - 1];

        values[i - 1] = values[j];
        values[j] = kept;
    }
}

static void shuffle_values(uint8_t *values, uint32_t n, struct cm_synth_draw_row *row)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = cm_synth_draw_next_below(row, i);
        uint8_t kept = values[i - 1];

        values[i - 1] = values[j];
        values[j] = kept;
    }
}

static void fill_columns(const struct cm_recipe *recipe, struct columns *columns, uint32_t n,
                         struct cm_synth_draw_row *row)
{
    const uint64_t protocols[3] = {recipe->weight_tcp, recipe->weight_udp, recipe->weight_icmp};
    const uint64_t families[2] = {CM_SYNTH_PPM - recipe->ipv6_ppm, recipe->ipv6_ppm};
    const uint64_t tags[3] = {CM_SYNTH_PPM - recipe->vlan_ppm - recipe->qinq_ppm, recipe->vlan_ppm,
                              recipe->qinq_ppm};

    fill_sizes(&recipe->sizes, columns->sizes, n);
    fill_values(protocols, 3, columns->protocols, n);
    fill_values(families, 2, columns->families, n);
    fill_values(tags, 3, columns->tags, n);
    shuffle_sizes(columns->sizes, n, row);
    shuffle_values(columns->protocols, n, row);
    shuffle_values(columns->families, n, row);
    shuffle_values(columns->tags, n, row);
}

/* Conversations keep their packets together: each has a stretch of the block of its own, overlapping with
 * others. The key is where in the block a packet stands, the number in the lower half makes keys unique and
 * says which slot it is. */
static uint64_t slot_key(uint32_t place, uint32_t number)
{
    return (uint64_t)place << 32 | number;
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x < y ? -1 : x > y;
}

static void place_conversations(const struct cm_synth_traffic *traffic, uint64_t *keys,
                                struct cm_synth_draw_row *row)
{
    for (uint32_t c = 0; c < traffic->n_conversations; c++) {
        const struct cm_synth_traffic_conversation *conversation = &traffic->conversations[c];
        uint32_t length = UINT32_MAX / 64 + cm_synth_draw_next_below(row, UINT32_MAX / 4);
        uint32_t start = cm_synth_draw_next_below(row, UINT32_MAX - length);

        for (uint32_t i = 0; i < conversation->n_steps; i++) {
            uint32_t place = start + (uint32_t)((uint64_t)length * i / conversation->n_steps);

            keys[conversation->first_step + i] = slot_key(place, c);
        }
    }
}

/* In conversation mode the slots have a fixed order to begin with; blocks change it locally. */
static enum capmill_status order_slots(struct cm_synth_traffic *traffic, struct cm_synth_draw_row *row,
                                       struct cm_error *error)
{
    const uint32_t stateless = 1u << 31;
    struct cm_synth_traffic_slot *ordered = calloc(traffic->n_slots, sizeof(*ordered));
    uint64_t *keys = calloc(traffic->n_slots, sizeof(*keys));
    uint32_t n = traffic->n_steps;

    if (ordered == NULL || keys == NULL) {
        free(ordered);
        free(keys);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the plan of a block");
    }
    place_conversations(traffic, keys, row);
    for (uint32_t i = 0; i < traffic->n_slots; i++) {
        if (traffic->slots[i].conversation == CM_SYNTH_TRAFFIC_NO_CONVERSATION)
            keys[n++] = slot_key((uint32_t)(cm_synth_draw_next(row) >> 32), stateless | i);
    }
    qsort(keys, n, sizeof(*keys), compare_keys);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t number = (uint32_t)keys[i];

        if (number & stateless) {
            ordered[i] = traffic->slots[number & ~stateless];
        } else {
            ordered[i].conversation = number;
            ordered[i].class = traffic->conversations[number].class;
        }
    }
    free(keys);
    free(traffic->slots);
    traffic->slots = ordered;
    return CAPMILL_OK;
}

static void fill_slots(struct cm_synth_traffic *traffic, const struct cm_recipe *recipe,
                       const struct columns *columns)
{
    for (uint32_t i = 0; i < traffic->n_slots; i++) {
        struct cm_synth_traffic_slot *slot = &traffic->slots[i];
        struct cm_synth_frame_class class = {columns->protocols[i], columns->families[i] != 0,
                                             columns->tags[i]};

        slot->class = class;
        slot->conversation = CM_SYNTH_TRAFFIC_NO_CONVERSATION;
        if (recipe->conversations && class.protocol == CM_SYNTH_FRAME_TCP) {
            slot->conversation = 0; /* some: order_slots() says which */
            traffic->n_steps++;
            continue;
        }
        slot->frame_bytes = (uint32_t)cm_max_u64(columns->sizes[i], cm_synth_frame_header_bytes(class));
        traffic->slots_of_class[cm_synth_frame_class_number(class)]++;
    }
}

static void sum_up(struct cm_synth_traffic *traffic, const struct cm_synth_container *container)
{
    for (uint32_t i = 0; i < traffic->n_slots; i++) {
        if (traffic->slots[i].conversation == CM_SYNTH_TRAFFIC_NO_CONVERSATION) {
            traffic->frame_bits += 8 * (uint64_t)traffic->slots[i].frame_bytes;
            traffic->record_bytes +=
                cm_synth_container_record_bytes(container, traffic->slots[i].frame_bytes);
        }
    }
    for (uint32_t i = 0; i < traffic->n_steps; i++) {
        traffic->frame_bits += 8 * (uint64_t)traffic->steps[i].frame_bytes;
        traffic->record_bytes += cm_synth_container_record_bytes(container, traffic->steps[i].frame_bytes);
    }
}

static uint32_t choose_n_slots(const struct cm_recipe *recipe, const struct cm_synth_container *container)
{
    uint32_t n =
        CM_SYNTH_TRAFFIC_BLOCK_BYTES / cm_synth_container_record_bytes(container, mean_size(&recipe->sizes));

    return n < CM_SYNTH_TRAFFIC_MIN_SLOTS   ? CM_SYNTH_TRAFFIC_MIN_SLOTS
           : n > CM_SYNTH_TRAFFIC_MAX_SLOTS ? CM_SYNTH_TRAFFIC_MAX_SLOTS
                                            : n;
}

enum capmill_status cm_synth_traffic_init(struct cm_synth_traffic *traffic, const struct cm_recipe *recipe,
                                          const struct cm_synth_container *container, struct cm_error *error)
{
    struct cm_synth_draw_row row = {cm_synth_draw_key(recipe->seed, CM_SYNTH_DRAW_PLAN), 0};
    enum capmill_status status = CAPMILL_OK;
    struct columns columns;
    uint8_t *memory;
    uint32_t n;

    memset(traffic, 0, sizeof(*traffic));
    n = traffic->n_slots = choose_n_slots(recipe, container);
    traffic->slots = calloc(n, sizeof(*traffic->slots));
    memory = calloc(n, sizeof(uint32_t) + 3);
    if (traffic->slots == NULL || memory == NULL) {
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the plan of a block");
        goto cleanup;
    }
    columns.sizes = (uint32_t *)(void *)memory;
    columns.protocols = memory + n * sizeof(uint32_t);
    columns.families = columns.protocols + n;
    columns.tags = columns.families + n;
    fill_columns(recipe, &columns, n, &row);
    fill_slots(traffic, recipe, &columns);
    if (recipe->conversations) {
        status = cm_synth_traffic_converse(traffic, recipe, columns.sizes, n, &row, error);
        if (status == CAPMILL_OK)
            status = order_slots(traffic, &row, error);
    }
    if (status == CAPMILL_OK)
        sum_up(traffic, container);
cleanup:
    free(memory);
    if (status < 0)
        cm_synth_traffic_fini(traffic);
    return status;
}

void cm_synth_traffic_fini(struct cm_synth_traffic *traffic)
{
    free(traffic->slots);
    free(traffic->steps);
    free(traffic->conversations);
    memset(traffic, 0, sizeof(*traffic));
}

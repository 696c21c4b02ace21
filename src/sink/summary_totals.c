/* SPDX-License-Identifier: Apache-2.0 */
/* Adding up. */
#include "sink/summary_totals.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/grow.h"
#include "wire/headers.h"

void cm_summary_totals_fini(struct cm_summary_totals *totals)
{
    for (size_t i = 0; i < totals->n_inputs; i++)
        free(totals->inputs[i].n_packets);
    free(totals->inputs);
    for (size_t i = 0; i < CM_ARRAY_COUNT(totals->eth_types); i++)
        free(totals->eth_types[i]);
    memset(totals, 0, sizeof(*totals));
}

/* --- interfaces --- */

static struct cm_summary_interfaces *find_input(const struct cm_summary_totals *totals, uint32_t input,
                                                size_t *at_ret)
{
    size_t low = 0, high = totals->n_inputs;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (totals->inputs[middle].input < input)
            low = middle + 1;
        else
            high = middle;
    }
    *at_ret = low;
    return low < totals->n_inputs && totals->inputs[low].input == input ? &totals->inputs[low] : NULL;
}

static struct cm_summary_interfaces *input_for(struct cm_summary_totals *totals, uint32_t input)
{
    size_t at;
    struct cm_summary_interfaces *found = find_input(totals, input, &at);

    if (found != NULL)
        return found;
    if (!CM_GROW(totals->inputs, totals->inputs_capacity, totals->n_inputs + 1, 4))
        return NULL;
    memmove(totals->inputs + at + 1, totals->inputs + at, (totals->n_inputs - at) * sizeof(*totals->inputs));
    totals->n_inputs++;
    totals->inputs[at] = (struct cm_summary_interfaces){.input = input};
    return &totals->inputs[at];
}

/* Interfaces are numbered by blocks of the file, so the greatest number is bounded by what was read. */
static bool add_to_interface(struct cm_summary_interfaces *input, uint32_t interface, uint64_t n_packets)
{
    const size_t before = input->n;

    if (!CM_GROW(input->n_packets, input->n, (size_t)interface + 1, 1))
        return false;
    memset(input->n_packets + before, 0, (input->n - before) * sizeof(*input->n_packets));
    input->n_packets[interface] += n_packets;
    return true;
}

uint64_t cm_summary_totals_interface(const struct cm_summary_totals *totals, uint32_t input,
                                     uint32_t interface)
{
    size_t at;
    const struct cm_summary_interfaces *found = find_input(totals, input, &at);

    return found != NULL && interface < found->n ? found->n_packets[interface] : 0;
}

/* --- damages --- */

static void add_events(struct cm_summary_totals *totals, const struct cm_batch *batch)
{
    for (uint32_t i = 0; i < batch->n_events; i++) {
        if (batch->events[i].type != CM_EVENT_DAMAGE)
            continue;
        totals->n_damages++;
        totals->damaged_bytes = cm_add_saturating_u64(totals->damaged_bytes, batch->events[i].n_bytes);
    }
}

/* --- packets --- */

static bool add_packets(struct cm_summary_totals *totals, const struct cm_batch *batch)
{
    const uint32_t n = cm_batch_n_selected(batch);
    struct cm_summary_interfaces *input = input_for(totals, batch->input);
    uint64_t captured = 0, original = 0;
    uint32_t min = totals->n_packets == 0 ? UINT32_MAX : totals->min_length, max = totals->max_length;
    uint32_t interface = 0, n_same = 0; /* packets of one interface come in rows */

    if (input == NULL)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const struct cm_packet *packet = &batch->packets[cm_batch_selected(batch, i)];

        captured += packet->caplen;
        original += packet->origlen;
        min = packet->caplen < min ? packet->caplen : min;
        max = packet->caplen > max ? packet->caplen : max;
        if (CM_UNLIKELY(packet->interface != interface)) {
            if (n_same > 0 && !add_to_interface(input, interface, n_same))
                return false;
            interface = packet->interface;
            n_same = 0;
        }
        n_same++;
    }
    totals->n_packets += n;
    totals->captured_bytes += captured;
    totals->original_bytes += original;
    totals->min_length = totals->n_packets == 0 ? 0 : min;
    totals->max_length = max;
    return n_same == 0 || add_to_interface(input, interface, n_same);
}

/* 0-19, 20-39, 40-79, ... 2560-5119, 5120 and more: the usual ranges of packet lengths. */
static unsigned size_class(uint32_t length)
{
    const uint32_t scaled = length / 20;
    const unsigned class = scaled == 0 ? 0 : 32 - (unsigned)__builtin_clz(scaled);

    return class < CM_SUMMARY_SIZES ? class : CM_SUMMARY_SIZES - 1;
}

static struct cm_summary_pair *eth_type_pair(struct cm_summary_totals *totals, uint16_t eth_type)
{
    struct cm_summary_pair **page = &totals->eth_types[eth_type >> 8];

    if (*page == NULL && (*page = calloc(256, sizeof(**page))) == NULL)
        return NULL;
    return &(*page)[eth_type & 0xff];
}

static bool add_stats(struct cm_summary_totals *totals, const struct cm_batch *batch)
{
    const uint32_t n = cm_batch_n_selected(batch);

    for (uint32_t i = 0; i < n; i++) {
        const uint32_t at = cm_batch_selected(batch, i);
        const struct cm_packet *packet = &batch->packets[at];
        const struct cm_headers *headers = batch->headers == NULL ? NULL : &batch->headers[at];
        struct cm_summary_pair *pair;

        totals->sizes[size_class(packet->origlen)]++;
        if (headers == NULL)
            continue;
        pair = headers->ip_version != 0 ? &totals->protocols[headers->protocol]
                                        : eth_type_pair(totals, headers->eth_type);
        if (pair == NULL)
            return false;
        pair->n_packets++;
        pair->n_bytes += packet->origlen;
    }
    return true;
}

bool cm_summary_totals_add(struct cm_summary_totals *totals, const struct cm_batch *batch, bool stats)
{
    add_events(totals, batch);
    return add_packets(totals, batch) && (!stats || add_stats(totals, batch));
}

/* --- uniting --- */

static bool merge_interfaces(struct cm_summary_totals *into, const struct cm_summary_totals *from)
{
    for (size_t i = 0; i < from->n_inputs; i++) {
        struct cm_summary_interfaces *input = input_for(into, from->inputs[i].input);

        if (input == NULL)
            return false;
        for (size_t j = 0; j < from->inputs[i].n; j++)
            if (from->inputs[i].n_packets[j] > 0 &&
                !add_to_interface(input, (uint32_t)j, from->inputs[i].n_packets[j]))
                return false;
    }
    return true;
}

static bool merge_protocols(struct cm_summary_totals *into, const struct cm_summary_totals *from)
{
    for (unsigned i = 0; i < 256; i++) {
        into->protocols[i].n_packets += from->protocols[i].n_packets;
        into->protocols[i].n_bytes += from->protocols[i].n_bytes;
        for (unsigned j = 0; j < 256 && from->eth_types[i] != NULL; j++) {
            struct cm_summary_pair *pair;

            if (from->eth_types[i][j].n_packets == 0)
                continue;
            if ((pair = eth_type_pair(into, (uint16_t)(i << 8 | j))) == NULL)
                return false;
            pair->n_packets += from->eth_types[i][j].n_packets;
            pair->n_bytes += from->eth_types[i][j].n_bytes;
        }
    }
    return true;
}

bool cm_summary_totals_merge(struct cm_summary_totals *into, const struct cm_summary_totals *from)
{
    if (from->n_packets > 0) {
        into->min_length =
            into->n_packets == 0 || from->min_length < into->min_length ? from->min_length : into->min_length;
        into->max_length = from->max_length > into->max_length ? from->max_length : into->max_length;
    }
    into->n_packets += from->n_packets;
    into->captured_bytes += from->captured_bytes;
    into->original_bytes += from->original_bytes;
    into->n_damages += from->n_damages;
    into->damaged_bytes = cm_add_saturating_u64(into->damaged_bytes, from->damaged_bytes);
    for (unsigned i = 0; i < CM_SUMMARY_SIZES; i++)
        into->sizes[i] += from->sizes[i];
    return merge_interfaces(into, from) && merge_protocols(into, from);
}

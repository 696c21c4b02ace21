/* SPDX-License-Identifier: Apache-2.0 */
/* Folding times and order over ranges. */
#include "sink/summary_order.h"

#include <stdlib.h>

#include "base/checked.h"
#include "base/grow.h"

void cm_summary_range_add(struct cm_summary_range *range, const struct cm_batch *batch)
{
    const uint32_t n = cm_batch_n_selected(batch);
    uint64_t before = range->tail_ns, min = range->min_ns, max = range->max_ns;
    uint64_t n_out_of_order = 0, max_late = range->max_late_ns;

    for (uint32_t i = 0; i < n; i++) {
        const struct cm_packet *packet = &batch->packets[cm_batch_selected(batch, i)];
        const uint64_t time = packet->time_ns;

        if (CM_UNLIKELY(packet->flags & CM_PACKET_NO_TIME))
            continue;
        if (CM_UNLIKELY(!range->any)) {
            range->any = true;
            range->head_ns = before = min = max = time;
        }
        n_out_of_order += time < before;
        before = time;
        min = time < min ? time : min;
        max = time > max ? time : max;
        max_late = max - time > max_late ? max - time : max_late;
    }
    range->tail_ns = before;
    range->min_ns = min;
    range->max_ns = max;
    range->n_out_of_order += n_out_of_order;
    range->max_late_ns = max_late;
}

void cm_summary_range_join(struct cm_summary_range *left, const struct cm_summary_range *right)
{
    if (!right->any)
        return;
    if (!left->any) {
        *left = *right;
        return;
    }
    left->n_out_of_order += right->n_out_of_order + (right->head_ns < left->tail_ns);
    /* the latest of the left is behind every packet of the right: the earliest of those is the furthest from
     * it */
    if (left->max_ns > right->min_ns)
        left->max_late_ns = cm_max_u64(left->max_late_ns, left->max_ns - right->min_ns);
    left->max_late_ns = cm_max_u64(left->max_late_ns, right->max_late_ns);
    left->tail_ns = right->tail_ns;
    left->min_ns = cm_min_u64(left->min_ns, right->min_ns);
    left->max_ns = cm_max_u64(left->max_ns, right->max_ns);
}

static bool reserve(struct cm_summary_ranges *ranges, size_t n_more)
{
    return CM_GROW(ranges->items, ranges->capacity, ranges->n + n_more, 16);
}

struct cm_summary_range *cm_summary_ranges_for(struct cm_summary_ranges *ranges, const struct cm_batch *batch)
{
    if (ranges->n > 0) {
        struct cm_summary_range *last = &ranges->items[ranges->n - 1];

        if (last->input == batch->input && last->sequence == batch->sequence)
            return last;
    }
    if (!reserve(ranges, 1))
        return NULL;
    ranges->items[ranges->n] = (struct cm_summary_range){.input = batch->input, .sequence = batch->sequence};
    return &ranges->items[ranges->n++];
}

bool cm_summary_ranges_append(struct cm_summary_ranges *to, const struct cm_summary_ranges *from)
{
    if (!reserve(to, from->n))
        return false;
    for (size_t i = 0; i < from->n; i++)
        to->items[to->n++] = from->items[i];
    return true;
}

static int compare_ranges(const void *left, const void *right)
{
    const struct cm_summary_range *a = left, *b = right;

    if (a->input != b->input)
        return a->input < b->input ? -1 : 1;
    return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

void cm_summary_ranges_fold(struct cm_summary_ranges *ranges)
{
    size_t n = 0;

    if (ranges->n == 0)
        return;
    qsort(ranges->items, ranges->n, sizeof(*ranges->items), compare_ranges);
    for (size_t i = 1; i < ranges->n; i++) {
        if (ranges->items[i].input == ranges->items[n].input)
            cm_summary_range_join(&ranges->items[n], &ranges->items[i]);
        else
            ranges->items[++n] = ranges->items[i];
    }
    ranges->n = n + 1;
}

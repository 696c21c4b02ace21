/* SPDX-License-Identifier: Apache-2.0 */
/* Filling, settling and handing on blocks. Not for when that happens (window_sink.c, gather.c). */
#include "sort/blocks.h"

#include <string.h>

#include "base/grow.h"

bool cm_block_full(const struct cm_group *block)
{
    return cm_block_is_full(block->n, block->n_bytes);
}

enum capmill_status cm_block_fill(struct cm_group *block, const struct cm_group *group, size_t *from,
                                  struct cm_error *error)
{
    size_t end = *from;
    uint64_t n_bytes = block->n_bytes;

    while (end < group->n && !cm_block_is_full(block->n + (end - *from), n_bytes))
        n_bytes += group->entries[end++].record_bytes;
    if (end == *from)
        return CAPMILL_OK;
    if (!cm_group_grow(block, block->n + (end - *from)))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a block of packets");
    for (size_t i = 0; i < group->n_chunks; i++) {
        if (!cm_group_add_chunk(block, group->chunks[i]))
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a block of packets");
    }
    memcpy(block->entries + block->n, group->entries + *from, (end - *from) * sizeof(*block->entries));
    block->n += end - *from;
    block->n_bytes = n_bytes;
    block->sorted = true;
    *from = end;
    return CAPMILL_OK;
}

/* The first event of a queue comes before packet `before` of the block, which keeps it. */
static enum capmill_status keep_event(struct cm_group *block, struct cm_waiting_events *waiting,
                                      struct cm_waiting_queue *queue, size_t before, struct cm_error *error)
{
    struct cm_sort_event *event = cm_waiting_take(waiting, queue);

    event->next = block->held_events;
    block->held_events = event;
    if (!CM_GROW(block->ordered_events, block->ordered_events_capacity, block->n_ordered_events + 1, 16))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a block of the output");
    block->ordered_events[block->n_ordered_events++] =
        (struct cm_ordered_event){before, event->input, &event->event};
    return CAPMILL_OK;
}

enum capmill_status cm_block_settle(struct cm_group *block, struct cm_waiting_events *waiting, bool rest,
                                    uint64_t sequence, const struct cm_taker *taker, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    for (size_t i = 0; i < block->n && waiting->n_events > 0 && status >= 0; i++) {
        struct cm_waiting_queue *queue;

        while (status >= 0 && (queue = cm_waiting_due(waiting, &block->entries[i])) != NULL)
            status = keep_event(block, waiting, queue, i, error);
    }
    for (size_t input = 0; rest && input < waiting->n_queues && status >= 0; input++) {
        while (waiting->queues[input].first != NULL && status >= 0)
            status = keep_event(block, waiting, &waiting->queues[input], block->n, error);
    }
    if (status < 0)
        return status;
    block->block = (struct cm_ordered_block){.sequence = sequence,
                                             .packets = block->entries,
                                             .n_packets = block->n,
                                             .events = block->ordered_events,
                                             .n_events = block->n_ordered_events};
    return taker->settle(taker->context, &block->block, error);
}

enum capmill_status cm_block_take(struct cm_group *block, const struct cm_taker *taker, void *local,
                                  struct cm_error *error)
{
    return taker->take(taker->context, local, &block->block, error);
}

void cm_block_drop(struct cm_group *block, const struct cm_taker *taker)
{
    taker->drop(taker->context, &block->block);
}

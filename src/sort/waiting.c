/* SPDX-License-Identifier: Apache-2.0 */
/* Queues of events, by input. Not for what becomes of them (emit.c, blocks.c). */
#include "sort/waiting.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

#define LEAST 16u /* queues of the first array */

static bool make_queue(struct cm_waiting_events *waiting, uint32_t input)
{
    size_t before = waiting->n_queues;

    if (input < before)
        return true;
    if (!CM_GROW(waiting->queues, waiting->n_queues, (size_t)input + 1, LEAST))
        return false;
    memset(waiting->queues + before, 0, (waiting->n_queues - before) * sizeof(*waiting->queues));
    return true;
}

bool cm_waiting_events_add(struct cm_waiting_events *waiting, struct cm_sort_event *list)
{
    while (list != NULL) {
        struct cm_sort_event *event = list;
        struct cm_waiting_queue *queue;

        if (!make_queue(waiting, event->input)) {
            cm_sort_events_free(list);
            return false;
        }
        list = event->next;
        event->next = NULL;
        queue = &waiting->queues[event->input];
        if (queue->first == NULL)
            queue->first = event;
        else
            queue->last->next = event;
        queue->last = event;
        waiting->n_events++;
    }
    return true;
}

void cm_waiting_events_fini(struct cm_waiting_events *waiting)
{
    for (size_t i = 0; i < waiting->n_queues; i++)
        cm_sort_events_free(waiting->queues[i].first);
    free(waiting->queues);
    memset(waiting, 0, sizeof(*waiting));
}

struct cm_waiting_queue *cm_waiting_due(const struct cm_waiting_events *waiting,
                                        const struct cm_ordered_packet *packet)
{
    uint32_t input = cm_place_input(packet->place);

    if (input >= waiting->n_queues || waiting->queues[input].first == NULL ||
        !cm_event_comes_before(waiting->queues[input].first->place, packet))
        return NULL;
    return &waiting->queues[input];
}

struct cm_sort_event *cm_waiting_take(struct cm_waiting_events *waiting, struct cm_waiting_queue *queue)
{
    struct cm_sort_event *event = queue->first;

    queue->first = event->next;
    event->next = NULL;
    waiting->n_events--;
    return event;
}

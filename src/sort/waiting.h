/* SPDX-License-Identifier: Apache-2.0 */
/* Events that wait for the packets that come after them. Under the lock of whoever settles the order. */
#ifndef CM_SORT_WAITING_H
#define CM_SORT_WAITING_H

#include "sort/chunk.h"

/* A queue for each input, in order of place, so that
 * only its first event need be held against a packet. Zeroed is empty. Each list that is added lies behind
 * what its inputs have waiting already. */
struct cm_waiting_events {
    struct cm_waiting_queue {
        struct cm_sort_event *first, *last;
    } * queues; /* by input */
    size_t n_queues;
    size_t n_events;
};
/* Takes the list, also when it fails. False: no memory. */
bool cm_waiting_events_add(struct cm_waiting_events *waiting, struct cm_sort_event *list);
void cm_waiting_events_fini(struct cm_waiting_events *waiting);
/* Does an event that waits in this input come before the packet? */
static inline bool cm_event_comes_before(uint64_t event_place, const struct cm_ordered_packet *packet)
{
    return cm_place_input(event_place) == cm_place_input(packet->place) && event_place <= packet->place;
}
/* The queue of which the first event comes before this packet; NULL where none does. */
struct cm_waiting_queue *cm_waiting_due(const struct cm_waiting_events *waiting,
                                        const struct cm_ordered_packet *packet);
/* The first event of a queue that is not empty, the caller's from now on. */
struct cm_sort_event *cm_waiting_take(struct cm_waiting_events *waiting, struct cm_waiting_queue *queue);

#endif

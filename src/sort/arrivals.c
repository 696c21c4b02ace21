/* SPDX-License-Identifier: Apache-2.0 */
/* Packets in the order in which they were read. Not for putting anything in order. */
#include "sort/arrivals.h"

#include <string.h>

#include "base/checked.h"

void cm_arrivals_fini(struct cm_arrivals *arrivals)
{
    while (arrivals->first != NULL) {
        struct cm_chunk *chunk = arrivals->first;

        arrivals->first = chunk->next;
        cm_chunk_release(arrivals->chunks, chunk);
    }
}

/* The first packet of an input tells: the merge takes each to be in order. */
static bool overlaps(const struct cm_arrivals *arrivals, const struct cm_chunk *chunk, size_t first_timed)
{
    return arrivals->any_timed && chunk->input != arrivals->input &&
           chunk->entries[first_timed].time_ns < arrivals->latest_ns;
}

enum capmill_status cm_arrivals_accept(struct cm_arrivals *arrivals, struct cm_chunk *chunk)
{
    size_t first_timed = 0;

    while (first_timed < chunk->n && (chunk->entries[first_timed].flags & CM_ORDERED_UNTIMED) != 0)
        first_timed++;
    if (first_timed < chunk->n) {
        if (overlaps(arrivals, chunk, first_timed)) {
            cm_chunk_release(arrivals->chunks, chunk);
            return CAPMILL_AGAIN;
        }
        arrivals->any_timed = true;
        arrivals->input = chunk->input;
        arrivals->latest_ns = cm_max_u64(arrivals->latest_ns, chunk->max_ns);
    }
    chunk->next = NULL;
    if (arrivals->first == NULL)
        arrivals->first = chunk;
    else
        arrivals->last->next = chunk;
    arrivals->last = chunk;
    return CAPMILL_OK;
}

void cm_arrivals_end(struct cm_arrivals *arrivals)
{
    arrivals->ended = true;
}

enum capmill_status cm_arrivals_next(struct cm_arrivals *arrivals, struct cm_group *group,
                                     struct cm_waiting_events *waiting, struct cm_error *error)
{
    struct cm_chunk *chunk = arrivals->first;
    struct cm_sort_event *events;
    bool good;

    if (chunk == NULL)
        return arrivals->ended ? CAPMILL_END : CAPMILL_AGAIN;
    arrivals->first = chunk->next;
    events = chunk->events;
    chunk->events = NULL;
    chunk->last_event = &chunk->events;
    good = cm_waiting_events_add(waiting, events) && cm_group_grow(group, chunk->n) &&
           cm_group_add_chunk(group, chunk);
    if (good) {
        cm_chunk_copy_entries(chunk, 0, chunk->n, group->entries);
        group->n = chunk->n;
        group->sorted = true;
    }
    cm_chunk_release(arrivals->chunks, chunk);
    return good ? CAPMILL_OK : cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a group of packets");
}

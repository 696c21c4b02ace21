/* SPDX-License-Identifier: Apache-2.0 */
/* Which packets may leave the window: see window.h for the rule. */
#include "sort/window.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/grow.h"
#include "sort/order.h"

/* Before anything leaves, look at this many chunks: 32 MiB of input tell how far packets are displaced, and a
 * disorder of up to that costs no second read. Until then nothing is written, so more would only delay the
 * writer. */
#define FIRST_LOOK_CHUNKS 8u

struct held {
    struct cm_chunk *chunk; /* NULL once every packet is out */
    uint64_t max_ns;        /* latest time of this and all chunks before */
};

/* A chunk that still has packets, by the time of the first of them: a heap of these tells which chunks a cut
 * concerns, so that letting out a group costs nothing for the others, however many wait. */
struct front {
    uint64_t time_ns;
    uint64_t chunk;
};

struct cm_window {
    struct cm_chunk_pool *chunks;
    uint64_t memory_bytes;
    struct held *held; /* ring of `capacity`; chunks [first, end) */
    size_t capacity;
    struct front *fronts; /* heap, the earliest on top; room for `capacity` */
    size_t n_fronts;
    uint64_t *drawn;      /* chunks of one cut; room for `capacity` */
    uint64_t first;       /* first chunk with packets inside */
    uint64_t end;         /* next chunk to come */
    uint64_t events_from; /* chunks before this one have given up their events */
    uint64_t next_cut;    /* the chunk whose latest time is the next to be cut at */
    uint64_t cut_ns;      /* everything up to this time is out */
    bool any_out;
    bool ended;
    bool patient;
    uint64_t held_bytes;
    struct cm_window_facts facts;
};

static struct held *held_at(const struct cm_window *window, uint64_t chunk)
{
    return &window->held[chunk & (window->capacity - 1)];
}

struct cm_window *cm_window_create(uint64_t memory_bytes, bool patient, struct cm_chunk_pool *chunks)
{
    struct cm_window *window = calloc(1, sizeof(*window));

    if (window == NULL)
        return NULL;
    window->chunks = chunks;
    window->memory_bytes = memory_bytes;
    window->patient = patient;
    window->capacity = 64;
    window->held = calloc(window->capacity, sizeof(*window->held));
    window->fronts = calloc(window->capacity, sizeof(*window->fronts));
    window->drawn = calloc(window->capacity, sizeof(*window->drawn));
    if (window->held == NULL || window->fronts == NULL || window->drawn == NULL) {
        cm_window_destroy(window);
        return NULL;
    }
    return window;
}

void cm_window_destroy(struct cm_window *window)
{
    if (window == NULL)
        return;
    for (uint64_t i = window->first; i < window->end; i++)
        cm_chunk_release(window->chunks, held_at(window, i)->chunk);
    free(window->held);
    free(window->fronts);
    free(window->drawn);
    free(window);
}

static bool make_room(struct cm_window *window)
{
    size_t capacity = window->capacity * 2;
    size_t grown = window->capacity;
    struct held *held;

    if (window->end - window->first < window->capacity)
        return true;
    held = calloc(capacity, sizeof(*held));
    if (held == NULL || !CM_GROW_BOTH(window->fronts, window->drawn, grown, capacity, 1)) {
        free(held);
        return false;
    }
    for (uint64_t i = window->first; i < window->end; i++)
        held[i & (capacity - 1)] = *held_at(window, i);
    free(window->held);
    window->held = held;
    window->capacity = capacity;
    return true;
}

static void push_front(struct cm_window *window, uint64_t time_ns, uint64_t chunk)
{
    size_t i = window->n_fronts++;

    while (i > 0 && window->fronts[(i - 1) / 2].time_ns > time_ns) {
        window->fronts[i] = window->fronts[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    window->fronts[i] = (struct front){time_ns, chunk};
}

static uint64_t pop_front(struct cm_window *window)
{
    uint64_t chunk = window->fronts[0].chunk;
    struct front last = window->fronts[--window->n_fronts];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= window->n_fronts)
            break;
        if (child + 1 < window->n_fronts && window->fronts[child + 1].time_ns < window->fronts[child].time_ns)
            child++;
        if (window->fronts[child].time_ns >= last.time_ns)
            break;
        window->fronts[i] = window->fronts[child];
        i = child;
    }
    if (window->n_fronts > 0)
        window->fronts[i] = last;
    return chunk;
}

enum capmill_status cm_window_accept(struct cm_window *window, struct cm_chunk *chunk, struct cm_error *error)
{
    uint64_t number = window->end;
    uint64_t before_ns = number > window->first ? held_at(window, number - 1)->max_ns : window->cut_ns;

    if (chunk->n > 0 && window->any_out && chunk->min_ns < window->cut_ns) {
        window->facts.late_place = chunk->entries[0].place;
        cm_chunk_release(window->chunks, chunk);
        return CAPMILL_AGAIN;
    }
    if (!make_room(window)) {
        cm_chunk_release(window->chunks, chunk);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the window of %" PRIu64 " ranges",
                            number);
    }
    if (chunk->n > 0) {
        uint64_t reached = number;

        while (reached > window->first && held_at(window, reached - 1)->max_ns > chunk->min_ns)
            reached--;
        window->facts.max_depth = cm_max_u64(window->facts.max_depth, number - reached);
    }
    *held_at(window, number) = (struct held){chunk, cm_max_u64(before_ns, chunk->n > 0 ? chunk->max_ns : 0)};
    window->end++;
    if (chunk->n > 0)
        push_front(window, chunk->min_ns, number);
    window->held_bytes += chunk->n_bytes;
    window->facts.n_chunks++;
    window->facts.peak_bytes = cm_max_u64(window->facts.peak_bytes, window->held_bytes);
    return CAPMILL_OK;
}

void cm_window_end(struct cm_window *window)
{
    window->ended = true;
}

/* Twice what was seen, and one more: lateness that grows slowly is met before it hurts. */
static uint64_t wanted_depth(const struct cm_window *window)
{
    uint64_t depth = 2 * window->facts.max_depth + 1;

    return window->facts.n_chunks < FIRST_LOOK_CHUNKS ? cm_max_u64(depth, FIRST_LOOK_CHUNKS) : depth;
}

static bool may_leave(const struct cm_window *window)
{
    if (window->next_cut >= window->end)
        return false;
    if (window->ended)
        return true;
    if (window->next_cut + 1 >= window->end)
        return false; /* at least one chunk must have come after the one that is cut at */
    if (window->held_bytes > window->memory_bytes)
        return true;
    return !window->patient && window->end - 1 - window->next_cut >= wanted_depth(window);
}

/* Take the packets of one chunk up to the cut. */
static bool take(struct cm_window *window, struct cm_group *group, struct cm_chunk *chunk)
{
    size_t to = cm_sort_upper_bound(chunk->entries, chunk->cursor, chunk->n, window->cut_ns);

    if (!cm_group_grow(group, group->n + (to - chunk->cursor)) || !cm_group_add_chunk(group, chunk))
        return false;
    cm_chunk_copy_entries(chunk, chunk->cursor, to, group->entries + group->n);
    group->n += to - chunk->cursor;
    chunk->cursor = to;
    return true;
}

static int by_number(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static bool move_events(struct cm_chunk *chunk, struct cm_waiting_events *waiting)
{
    struct cm_sort_event *events = chunk->events;

    chunk->events = NULL;
    chunk->last_event = &chunk->events;
    return cm_waiting_events_add(waiting, events);
}

enum capmill_status cm_window_next(struct cm_window *window, struct cm_group *group,
                                   struct cm_waiting_events *waiting, struct cm_error *error)
{
    uint64_t cut;
    size_t n_drawn = 0;
    bool moved = true;

    if (!may_leave(window))
        return window->ended ? CAPMILL_END : CAPMILL_AGAIN;
    cut = window->next_cut++;
    window->cut_ns = held_at(window, cut)->max_ns;
    window->any_out = true;
    while (window->n_fronts > 0 && window->fronts[0].time_ns <= window->cut_ns)
        window->drawn[n_drawn++] = pop_front(window);
    /* in the order of the input, which the sort of the group keeps where times are equal */
    qsort(window->drawn, n_drawn, sizeof(*window->drawn), by_number);
    for (size_t i = 0; i < n_drawn; i++) {
        struct cm_chunk *chunk = held_at(window, window->drawn[i])->chunk;

        if (!take(window, group, chunk))
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a group of packets");
        if (chunk->cursor < chunk->n)
            push_front(window, chunk->entries[chunk->cursor].time_ns, window->drawn[i]);
    }
    /* an event comes before every packet that came after it, also those of later chunks */
    if (n_drawn > 0) {
        for (; window->events_from <= window->drawn[n_drawn - 1]; window->events_from++)
            moved = move_events(held_at(window, window->events_from)->chunk, waiting) && moved;
    }
    /* what lies up to the cut is out: let go of chunks from the front */
    while (window->first <= cut) {
        struct held *held = held_at(window, window->first);

        if (held->chunk != NULL) {
            if (window->events_from <= window->first) {
                moved = move_events(held->chunk, waiting) && moved; /* a chunk of events alone */
                window->events_from = window->first + 1;
            }
            window->held_bytes -= held->chunk->n_bytes;
            cm_chunk_release(window->chunks, held->chunk);
            held->chunk = NULL;
        }
        window->first++;
    }
    return moved
               ? CAPMILL_OK
               : cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for blocks that wait for their packets");
}

void cm_window_read_facts(const struct cm_window *window, struct cm_window_facts *facts_ret)
{
    *facts_ret = window->facts;
}

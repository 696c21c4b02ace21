/* SPDX-License-Identifier: Apache-2.0 */
/* A taker that keeps what it is given and holds the stage to core/ordered.h, and the blocks that a plain model
 * makes of a run. Not a test. */
#ifndef CM_TESTS_SORT_MADE_BLOCKS_H
#define CM_TESTS_SORT_MADE_BLOCKS_H

#include "unit/sort/made_team.h"

#define MADE_MAX_BLOCKS 512u
#define NEVER           UINT64_MAX

struct kept_event {
    size_t before;
    uint32_t input;
    uint64_t place;
};

struct kept_block {
    struct cm_ordered_packet *packets;
    size_t n_packets;
    struct kept_event *events;
    size_t n_events;
    _Atomic unsigned n_taken, n_dropped;
};

struct made_taker {
    struct cm_taker table;
    const struct made_run *run;
    uint64_t fail_settle_at, fail_take_at, fail_open_at; /* numbers; NEVER */
    bool in_turn; /* blocks are taken in order: whoever is early waits, as those who write do */
    /* of whoever settles */
    unsigned n_told;
    uint64_t first_ns;
    struct kept_block *blocks[MADE_MAX_BLOCKS];
    size_t n_settled;
    _Atomic unsigned n_settling;
    _Atomic unsigned n_opened, n_open;
    struct cm_mutex lock; /* guards the rest */
    struct cm_condition moved;
    uint64_t turn;
    bool is_off;
};

static inline enum capmill_status taker_open(void *context, void **local_ret, struct cm_error *error)
{
    struct made_taker *taker = context;

    if (atomic_fetch_add(&taker->n_opened, 1) == taker->fail_open_at)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no local");
    atomic_fetch_add(&taker->n_open, 1);
    *local_ret = malloc(1); /* a leak is seen */
    return CAPMILL_OK;
}

static inline void taker_close(void *context, void *local)
{
    struct made_taker *taker = context;

    if (local != NULL)
        atomic_fetch_sub(&taker->n_open, 1);
    free(local);
}

static inline void taker_first(void *context, uint64_t time_ns)
{
    struct made_taker *taker = context;

    cm_check(taker->n_told++ == 0 && taker->n_settled == 0);
    taker->first_ns = time_ns;
}

static inline enum capmill_status taker_settle(void *context, struct cm_ordered_block *block,
                                               struct cm_error *error)
{
    struct made_taker *taker = context;
    struct kept_block *kept;

    cm_check_eq(atomic_fetch_add(&taker->n_settling, 1), 0);
    cm_check_eq(block->sequence, taker->n_settled);
    cm_check(block->n_packets <= CM_BLOCK_PACKETS && taker->n_settled < MADE_MAX_BLOCKS);
    if (block->sequence == taker->fail_settle_at) {
        atomic_fetch_sub(&taker->n_settling, 1);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "cannot settle");
    }
    kept = calloc(1, sizeof(*kept));
    kept->packets = malloc((block->n_packets + 1) * sizeof(*kept->packets));
    kept->events = malloc((block->n_events + 1) * sizeof(*kept->events));
    if (block->n_packets > 0)
        memcpy(kept->packets, block->packets, block->n_packets * sizeof(*kept->packets));
    for (size_t i = 0; i < block->n_events; i++) {
        const struct cm_ordered_event *event = &block->events[i];

        cm_check_mem(event->event->record, taker->run->bytes[event->input] + event->event->place,
                     (size_t)event->event->n_bytes);
        kept->events[i] = (struct kept_event){event->before, event->input, event->event->place};
    }
    kept->n_packets = block->n_packets;
    kept->n_events = block->n_events;
    block->ticket = kept;
    taker->blocks[taker->n_settled++] = kept;
    atomic_fetch_sub(&taker->n_settling, 1);
    return CAPMILL_OK;
}

static inline bool wait_for_turn(struct made_taker *taker, uint64_t sequence)
{
    bool is_off;

    cm_mutex_lock(&taker->lock);
    while (taker->in_turn && taker->turn != sequence && !taker->is_off)
        cm_condition_wait(&taker->moved, &taker->lock);
    is_off = taker->is_off;
    taker->turn++;
    cm_condition_wake_all(&taker->moved);
    cm_mutex_unlock(&taker->lock);
    return !is_off;
}

static inline enum capmill_status taker_take(void *context, void *local, struct cm_ordered_block *block,
                                             struct cm_error *error)
{
    struct made_taker *taker = context;
    struct kept_block *kept = block->ticket;

    cm_check(local != NULL && kept != NULL && kept->n_packets == block->n_packets);
    atomic_fetch_add(&kept->n_taken, 1);
    block->ticket = NULL;
    for (size_t i = 0; i < block->n_packets; i++) {
        const struct cm_ordered_packet *packet = &block->packets[i];

        cm_check_eq(packet->place, kept->packets[i].place);
        cm_check_mem(packet->record,
                     taker->run->bytes[cm_place_input(packet->place)] + cm_place_offset(packet->place),
                     packet->record_bytes);
    }
    if (block->sequence == taker->fail_take_at)
        return cm_error_set(error, CAPMILL_E_NO_SPACE, 0, "cannot take");
    return wait_for_turn(taker, block->sequence) ? CAPMILL_OK
                                                 : cm_error_set(error, CAPMILL_E_INTERRUPTED, 0, "given up");
}

static inline void taker_drop(void *context, struct cm_ordered_block *block)
{
    struct kept_block *kept = block->ticket;

    (void)context;
    cm_check(kept != NULL);
    atomic_fetch_add(&kept->n_dropped, 1);
    block->ticket = NULL;
}

static inline void taker_call_off(void *context)
{
    struct made_taker *taker = context;

    cm_mutex_lock(&taker->lock);
    taker->is_off = true;
    cm_condition_wake_all(&taker->moved);
    cm_mutex_unlock(&taker->lock);
}

static inline void made_taker_init(struct made_taker *taker, const struct made_run *run)
{
    memset(taker, 0, sizeof(*taker));
    taker->run = run;
    taker->fail_settle_at = taker->fail_take_at = taker->fail_open_at = NEVER;
    taker->in_turn = true;
    cm_mutex_init(&taker->lock);
    cm_condition_init(&taker->moved);
    taker->table = (struct cm_taker){.context = taker,
                                     .open = taker_open,
                                     .close = taker_close,
                                     .first = taker_first,
                                     .settle = taker_settle,
                                     .take = taker_take,
                                     .drop = taker_drop};
}

/* Whatever came of it: what was opened was closed, and what was settled was taken or dropped, once. */
static inline void made_taker_fini(struct made_taker *taker, uint64_t seed)
{
    cm_check_eq(taker->n_open, 0);
    for (size_t i = 0; i < taker->n_settled; i++) {
        struct kept_block *kept = taker->blocks[i];

        cm_check_that(kept->n_taken + kept->n_dropped == 1,
                      "seed %" PRIu64 ": block %zu was taken %u times and dropped %u times", seed, i,
                      kept->n_taken, kept->n_dropped);
        free(kept->packets);
        free(kept->events);
        free(kept);
    }
    cm_condition_fini(&taker->moved);
    cm_mutex_fini(&taker->lock);
}

/* --- the model --- */

static inline void made_set_time(const struct made_run *run, struct made_item *item, uint64_t time_ns)
{
    item->time_ns = time_ns;
    cm_store_u64_as(run->bytes[item->input] + item->offset + (item->is_event ? 8 : 0), time_ns, false);
}

/* Each kept packet in output order. As read: of the next packets of all inputs the earliest, the first input's
 * where times are equal. */
static inline size_t made_order(const struct made_run *run, bool as_read, const struct made_item **order_ret)
{
    struct made_item *sorted = malloc((run->n + 1) * sizeof(*sorted));
    size_t next[4] = {0};
    size_t n = 0;

    cm_check(sorted != NULL);
    for (size_t i = 0; i < run->n; i++) {
        if (!run->items[i].is_event && !run->items[i].is_dropped)
            sorted[n++] = run->items[i];
    }
    if (!as_read)
        qsort(sorted, n, sizeof(*sorted), made_compare);
    for (size_t k = 0; k < n; k++) {
        const struct made_item *best = as_read ? NULL : &sorted[k];
        uint32_t best_input = 0;

        for (uint32_t input = 0; as_read && input < run->n_inputs; input++) {
            while (next[input] < n && sorted[next[input]].input != input)
                next[input]++;
            if (next[input] < n && (best == NULL || sorted[next[input]].time_ns < best->time_ns)) {
                best = &sorted[next[input]];
                best_input = input;
            }
        }
        if (as_read)
            next[best_input]++;
        order_ret[k] = best;
    }
    order_ret[n] = sorted; /* for the caller to free */
    return n;
}

static inline void check_packet(const struct cm_ordered_packet *packet, const struct made_item *item,
                                uint64_t seed)
{
    cm_check_that(packet->place == cm_place_of(item->input, item->offset) &&
                      packet->time_ns == item->time_ns && packet->record_bytes == item->n_bytes,
                  "seed %" PRIu64 ": place %" PRIx64 " where %" PRIx64 " belongs", seed, packet->place,
                  cm_place_of(item->input, item->offset));
    cm_check_that(cm_ordered_number(packet) == item->number,
                  "seed %" PRIu64 ": number %" PRIu64 " in place of %u", seed, cm_ordered_number(packet),
                  item->number);
}

/* Events that come before `item` (NULL: all that are left) are the next of the block, at this packet. */
static inline void check_events(const struct made_run *run, const struct kept_block *block, size_t *event,
                                size_t at, const struct made_item *item, size_t next_event[4], uint64_t seed)
{
    for (uint32_t input = 0; input < run->n_inputs; input++) {
        if (item != NULL && item->input != input)
            continue;
        for (; next_event[input] < run->n; next_event[input]++) {
            const struct made_item *expected = &run->items[next_event[input]];

            if (!expected->is_event || expected->input != input)
                continue;
            if (item != NULL && expected->offset > item->offset)
                break;
            cm_check_that(*event < block->n_events && block->events[*event].before == at &&
                              block->events[*event].input == input &&
                              block->events[*event].place == expected->offset,
                          "seed %" PRIu64 ": the event at %" PRIu64 " of input %u is not before packet %zu",
                          seed, expected->offset, input, at);
            ++*event;
        }
    }
}

/* The blocks are those that the model cuts. A last one may be empty, for events alone. */
static inline void check_blocks(const struct made_taker *taker, bool as_read, uint64_t seed)
{
    const struct made_run *run = taker->run;
    const struct made_item **order = malloc((run->n + 2) * sizeof(*order));
    size_t n = made_order(run, as_read, order);
    size_t next_event[4] = {0};
    size_t at = 0;

    for (size_t b = 0; b < taker->n_settled; b++) {
        const struct kept_block *block = taker->blocks[b];
        bool is_last = b + 1 == taker->n_settled;
        size_t event = 0;
        uint64_t n_bytes = 0;

        for (size_t i = 0; i < block->n_packets; i++, at++) {
            cm_check_that(at < n, "seed %" PRIu64 ": more packets than there are", seed);
            cm_check_that(!cm_block_is_full(i, n_bytes), "seed %" PRIu64 ": block %zu is too long", seed, b);
            check_events(run, block, &event, i, order[at], next_event, seed);
            check_packet(&block->packets[i], order[at], seed);
            n_bytes += block->packets[i].record_bytes;
        }
        if (is_last)
            check_events(run, block, &event, block->n_packets, NULL, next_event, seed);
        cm_check_that(is_last || cm_block_is_full(block->n_packets, n_bytes),
                      "seed %" PRIu64 ": block %zu is too short", seed, b);
        cm_check_that(event == block->n_events, "seed %" PRIu64 ": block %zu has %zu events too many", seed,
                      b, block->n_events - event);
    }
    cm_check_eq(taker->n_told, n > 0);
    if (n > 0 && !as_read)
        cm_check_eq(taker->first_ns, order[0]->time_ns);
    cm_check_that(at == n && taker->n_settled > 0, "seed %" PRIu64 ": %zu of %zu packets", seed, at, n);
    free((void *)(uintptr_t)order[n]);
    free(order);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a ring answers to one thread: order, bounds, wrapping, closing, counters. Two threads:
 * tests/stress. */
#include "core/ring.h"

#include "unit/check.h"

static void *item(uintptr_t number)
{
    return (void *)number;
}

/* Push `n` consecutive numbers from *next on; answers how many fitted. */
static size_t push_numbers(struct cm_ring *ring, uintptr_t *next, size_t n)
{
    void *items[64];
    size_t n_pushed;

    for (size_t i = 0; i < n; i++)
        items[i] = item(*next + i);
    n_pushed = cm_ring_push_burst(ring, items, n);
    *next += n_pushed;
    return n_pushed;
}

static size_t pop_numbers(struct cm_ring *ring, uintptr_t *next, size_t n)
{
    void *items[64];
    size_t n_popped = cm_ring_pop_burst(ring, items, n);

    for (size_t i = 0; i < n_popped; i++)
        cm_check_eq((uintptr_t)items[i], (*next)++);
    return n_popped;
}

CM_TEST(ring, bursts_of_every_size_keep_order_at_every_place)
{
    for (size_t capacity = 2; capacity <= 16; capacity *= 2) {
        struct cm_ring *ring = cm_ring_create(capacity);
        uintptr_t pushed = 1, popped = 1;

        for (size_t n_in = 0; n_in <= capacity + 1; n_in++)
            for (size_t n_out = 0; n_out <= capacity + 1; n_out++)
                for (size_t turn = 0; turn < 2 * capacity; turn++) {
                    size_t inside = pushed - popped;
                    size_t room = capacity - inside;

                    cm_check_eq(push_numbers(ring, &pushed, n_in), n_in < room ? n_in : room);
                    inside = pushed - popped;
                    cm_check_eq(pop_numbers(ring, &popped, n_out), n_out < inside ? n_out : inside);
                }
        while (pop_numbers(ring, &popped, 3) > 0)
            ;
        cm_check_eq(popped, pushed);
        cm_ring_destroy(ring);
    }
    cm_ring_destroy(NULL);
}

CM_TEST(ring, a_closed_one_takes_nothing_and_gives_what_it_has)
{
    struct cm_ring *ring = cm_ring_create(4);
    uintptr_t pushed = 1;
    void *one = NULL;

    cm_check_eq(push_numbers(ring, &pushed, 2), 2);
    cm_check(!cm_ring_closed(ring));
    cm_ring_close(ring);
    cm_ring_close(ring);
    cm_check(cm_ring_closed(ring));
    cm_check_eq(push_numbers(ring, &pushed, 1), 0);
    cm_check(!cm_ring_push_wait(ring, item(9)));
    cm_check(cm_ring_pop_wait(ring, &one));
    cm_check_eq((uintptr_t)one, 1);
    cm_check_eq(cm_ring_pop_burst_wait(ring, &one, 1), 1);
    cm_check_eq((uintptr_t)one, 2);
    cm_check(!cm_ring_pop_wait(ring, &one));
    cm_check_eq(cm_ring_pop_burst_wait(ring, &one, 1), 0);
    cm_ring_destroy(ring);
}

CM_TEST(ring, a_full_closed_one_refuses_instead_of_waiting)
{
    struct cm_ring *ring = cm_ring_create(2);
    uintptr_t pushed = 1, popped = 1;

    cm_check_eq(push_numbers(ring, &pushed, 2), 2);
    cm_ring_close(ring);
    cm_check(!cm_ring_push_wait(ring, item(3)));
    cm_check_eq(pop_numbers(ring, &popped, 2), 2);
    cm_ring_destroy(ring);
}

CM_TEST(ring, counters_tell_what_went_through_and_who_waited)
{
    struct cm_ring *ring = cm_ring_create(4);
    struct cm_ring_counters counters;
    uintptr_t pushed = 1, popped = 1;

    cm_check_eq(pop_numbers(ring, &popped, 1), 0);
    cm_check_eq(push_numbers(ring, &pushed, 9), 4);
    cm_check_eq(push_numbers(ring, &pushed, 1), 0);
    cm_check_eq(push_numbers(ring, &pushed, 1), 0);
    cm_check_eq(pop_numbers(ring, &popped, 3), 3);
    cm_ring_read_counters(ring, &counters);
    cm_check_eq(counters.capacity, 4);
    cm_check_eq(counters.depth, 1);
    cm_check_eq(counters.n_pushed, 4);
    cm_check_eq(counters.n_popped, 3);
    cm_check_eq(counters.n_full_waits, 2);
    cm_check_eq(counters.n_empty_waits, 1);
    cm_check_eq(pop_numbers(ring, &popped, 1), 1);
    cm_ring_destroy(ring);
}

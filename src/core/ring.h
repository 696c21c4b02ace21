/* SPDX-License-Identifier: Apache-2.0 */
/* A ring: a bounded queue of pointers between one producing and one consuming thread. Push gives, pop takes;
 * what did not fit stays the producer's. Never allocates, never logs. The `_wait` forms below are the
 * workers' waiting policy. */
#ifndef CM_CORE_RING_H
#define CM_CORE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cm_ring;

/* `capacity` is a power of two, at least 2. NULL: no memory. */
struct cm_ring *cm_ring_create(size_t capacity);
/* Whatever is still inside is the caller's to have popped. NULL accepted. */
void cm_ring_destroy(struct cm_ring *ring);

/* As many as fit, none when the ring is closed; answers how many went through. Producer thread only. */
size_t cm_ring_push_burst(struct cm_ring *ring, void *const *items, size_t n);
/* As many as there are, up to `n`. Consumer thread only. */
size_t cm_ring_pop_burst(struct cm_ring *ring, void **items_ret, size_t n);

/* Push one, waiting for room: spin a little, yield, then sleep; a sleeping producer is woken when half of the
 * ring has been emptied, so count on half of the capacity where threads wait for each other in a circle.
 * False when the ring was closed: the item is still the caller's. Producer thread only. */
bool cm_ring_push_wait(struct cm_ring *ring, void *item);
/* Pop one, waiting for it the same way. False when the ring is closed and empty. Consumer thread only. */
bool cm_ring_pop_wait(struct cm_ring *ring, void **item_ret);
/* The same for up to `n`: at least one, and what else is there. 0 when the ring is closed and empty (or `n`
 * is 0). */
size_t cm_ring_pop_burst_wait(struct cm_ring *ring, void **items_ret, size_t n);
/* Nothing more is pushed (the producer's end) or taken (a stop); wakes both sides. Any thread; idempotent. */
void cm_ring_close(struct cm_ring *ring);
bool cm_ring_closed(const struct cm_ring *ring); /* any thread; items may still be inside */

/* For reports; any thread, values of some recent moment. */
struct cm_ring_counters {
    uint64_t n_pushed;
    uint64_t n_popped;
    uint64_t n_full_waits;  /* times the producer found it full: the consumer was the slower side */
    uint64_t n_empty_waits; /* times the consumer found it empty */
    size_t depth;
    size_t capacity;
};
void cm_ring_read_counters(const struct cm_ring *ring, struct cm_ring_counters *counters_ret);

#endif

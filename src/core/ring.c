/* SPDX-License-Identifier: Apache-2.0 */
/* The ring between two threads, and how its sides wait for each other. Not for queues with several producers
 * or consumers: those are several rings.
 *
 * Two indices count pushes and pops and never wrap (64 bits last centuries). Each side owns one, reads the
 * other's with acquire when its own copy of it no longer suffices, and so leaves the other's cache line alone
 * most of the time.
 *
 * Sleeping. Who finds nothing to do announces it in a word, looks once more, and sleeps on that word. Who
 * changes an index looks at the word afterwards. Store, then load of the other's variable, on both sides:
 * with sequentially consistent accesses at least one of the two loads sees the other's store (Dekker), so
 * either the sleeper sees the index and stays awake, or the other sees the announcement and wakes it. A
 * wake-up is a system call; without an announcement none is made.
 *
 * The two directions differ. A consumer is woken by the first item: the producer may have nothing more to
 * say. A producer is woken when half of the ring has been emptied, not by the first free place: otherwise a
 * full ring costs two switches of threads for each item. */
#include "core/ring.h"

#include <assert.h>
#include <stdatomic.h>

#include "base/checked.h"
#include "os/memory.h"
#include "os/thread.h"

/* Twice the line of 64 bytes: neighbouring lines are fetched in pairs. */
#define APART_BYTES 128

/* Looks before yielding: 6 us on a Zen 5, more where the pause is longer; about the cost of one sleep and
 * wake-up; less makes short waits sleep, more burns time that another thread could use. None on a single CPU,
 * where the other side cannot move meanwhile. */
#define SPIN_ROUNDS 256
/* Yields before sleeping: gives a runnable partner on this CPU its turn without the cost of a wake-up. */
#define YIELD_ROUNDS 4

struct cm_ring {
    /* written before the ring is shared, and when somebody sleeps or closes: stays in both caches */
    void **slots;
    uint64_t mask;
    uint64_t wake_mask; /* half the capacity: see pop */
    size_t mapped_bytes;
    unsigned spin_rounds;
    _Atomic uint32_t closed;
    _Atomic uint32_t consumer_sleeps;
    _Atomic uint32_t producer_sleeps;

    /* the producer's */
    _Alignas(APART_BYTES) _Atomic uint64_t tail; /* items pushed so far */
    uint64_t seen_head;                          /* some earlier value of head */
    _Atomic uint64_t n_full_waits;

    /* the consumer's */
    _Alignas(APART_BYTES) _Atomic uint64_t head; /* items popped so far */
    uint64_t seen_tail;                          /* some earlier value of tail */
    _Atomic uint64_t n_empty_waits;
};

struct cm_ring *cm_ring_create(size_t capacity)
{
    struct cm_ring *ring;
    size_t bytes;

    assert(capacity >= 2 && (capacity & (capacity - 1)) == 0);
    if (capacity < 2 || (capacity & (capacity - 1)) != 0 || !cm_mul_size(capacity, sizeof(void *), &bytes) ||
        __builtin_add_overflow(bytes, sizeof(*ring), &bytes))
        return NULL;
    ring = cm_memory_map(bytes);
    if (ring == NULL)
        return NULL;
    ring->mapped_bytes = bytes;
    ring->slots = (void **)(ring + 1);
    ring->mask = capacity - 1;
    ring->wake_mask = capacity / 2;
    ring->spin_rounds = cm_cpu_count() > 1 ? SPIN_ROUNDS : 0;
    return ring;
}

void cm_ring_destroy(struct cm_ring *ring)
{
    if (ring != NULL)
        cm_memory_unmap(ring, ring->mapped_bytes);
}

bool cm_ring_closed(const struct cm_ring *ring)
{
    /* acquire: pairs with the exchange in cm_ring_close: what the closing thread pushed before is seen after
     * this */
    return atomic_load_explicit(&ring->closed, memory_order_acquire) != 0;
}

/* Counted by one thread, read by any: no more order is needed than that no value is torn. */
static void count_one(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/* The word may be announced anew between the load and the exchange, after its owner woke for another reason:
 * then the owner is woken once for nothing, looks, and announces again. */
static void wake_if_asleep(_Atomic uint32_t *word)
{
    /* seq_cst: the second half of Dekker's pair; the first is the caller's store (tail, head or closed), the
     * partner is announce() and the look that follows it */
    if (atomic_load_explicit(word, memory_order_seq_cst) != 0 &&
        atomic_exchange_explicit(word, 0, memory_order_seq_cst) != 0)
        cm_word_wake_one(word);
}

static void announce(_Atomic uint32_t *word)
{
    /* seq_cst: the first half of Dekker's pair, see wake_if_asleep */
    atomic_store_explicit(word, 1, memory_order_seq_cst);
}

static void withdraw(_Atomic uint32_t *word)
{
    /* relaxed: a waker that misses this wakes nobody or once for nothing */
    atomic_store_explicit(word, 0, memory_order_relaxed);
}

static size_t push(struct cm_ring *ring, void *const *items, size_t n)
{
    /* relaxed: only this thread writes tail */
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint64_t capacity = ring->mask + 1;
    uint64_t room = capacity - (tail - ring->seen_head);
    uint64_t at = tail & ring->mask;
    size_t first;

    if (room < n) {
        /* acquire: pairs with the store of head in pop: the slots that it frees have been read */
        ring->seen_head = atomic_load_explicit(&ring->head, memory_order_acquire);
        room = capacity - (tail - ring->seen_head);
        if (room < n)
            n = (size_t)room;
    }
    /* bursts say no on a closed ring as the waiting form does; relaxed: only the item's way back depends on
     * it */
    if (n == 0 || atomic_load_explicit(&ring->closed, memory_order_relaxed) != 0)
        return 0;

    first = n < capacity - at ? n : (size_t)(capacity - at);
    for (size_t i = 0; i < first; i++)
        ring->slots[at + i] = items[i];
    for (size_t i = first; i < n; i++)
        ring->slots[i - first] = items[i];

    /* seq_cst: the release half pairs with the load of tail in available() and makes the slots, and what the
     * items point to, visible; the order before the load in wake_if_asleep is Dekker's */
    atomic_store_explicit(&ring->tail, tail + n, memory_order_seq_cst);
    wake_if_asleep(&ring->consumer_sleeps);
    return n;
}

/* How many items there are, as far as known; asks the producer's index when fewer than `wanted` are. */
static uint64_t available(struct cm_ring *ring, uint64_t head, size_t wanted)
{
    if (ring->seen_tail - head < wanted) {
        /* acquire: pairs with the store of tail in push: the items are in their slots */
        ring->seen_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    }
    return ring->seen_tail - head;
}

static size_t pop(struct cm_ring *ring, void **items_ret, size_t n)
{
    /* relaxed: only this thread writes head */
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint64_t at = head & ring->mask;
    uint64_t there = available(ring, head, n);
    size_t first;

    if (there < n)
        n = (size_t)there;
    if (n == 0)
        return 0;

    first = n < ring->mask + 1 - at ? n : (size_t)(ring->mask + 1 - at);
    for (size_t i = 0; i < first; i++)
        items_ret[i] = ring->slots[at + i];
    for (size_t i = first; i < n; i++)
        items_ret[i] = ring->slots[i - first];

    /* A sleeping producer saw the ring full, and does not push: whoever empties it passes a multiple of half
     * its capacity on the way, and looks for the sleeper there. `wake_mask` is that half; a burst that covers
     * a multiple of it changes that bit of the index or is at least as long. */
    if (((head ^ (head + n)) & ring->wake_mask) != 0 || n > ring->wake_mask) {
        /* seq_cst: the release half as below; the order before the load in wake_if_asleep is Dekker's */
        atomic_store_explicit(&ring->head, head + n, memory_order_seq_cst);
        wake_if_asleep(&ring->producer_sleeps);
    } else {
        /* release: pairs with the load of head in push: our reads of the slots come before they are written
         * again */
        atomic_store_explicit(&ring->head, head + n, memory_order_release);
    }
    return n;
}

size_t cm_ring_push_burst(struct cm_ring *ring, void *const *items, size_t n)
{
    size_t n_pushed = push(ring, items, n);

    if (n_pushed == 0 && n > 0)
        count_one(&ring->n_full_waits);
    return n_pushed;
}

size_t cm_ring_pop_burst(struct cm_ring *ring, void **items_ret, size_t n)
{
    size_t n_popped = pop(ring, items_ret, n);

    if (n_popped == 0 && n > 0)
        count_one(&ring->n_empty_waits);
    return n_popped;
}

/* seq_cst in the next two: the second half of the sleeper's pair, see announce */
static bool is_full(struct cm_ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

    return tail - atomic_load_explicit(&ring->head, memory_order_seq_cst) > ring->mask;
}

static bool is_empty(struct cm_ring *ring)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

    return atomic_load_explicit(&ring->tail, memory_order_seq_cst) == head;
}

/* One look of a waiting loop without result: spin, then yield. False when it is time to sleep. */
static bool stay_awake(const struct cm_ring *ring, unsigned *round)
{
    unsigned now = (*round)++;

    if (now < ring->spin_rounds)
        cm_cpu_relax();
    else if (now < ring->spin_rounds + YIELD_ROUNDS)
        cm_thread_yield();
    else
        return false;
    return true;
}

bool cm_ring_push_wait(struct cm_ring *ring, void *item)
{
    unsigned round = 0;

    if (push(ring, &item, 1) == 1)
        return true;
    count_one(&ring->n_full_waits);
    while (!cm_ring_closed(ring)) {
        if (push(ring, &item, 1) == 1)
            return true;
        if (stay_awake(ring, &round))
            continue;
        announce(&ring->producer_sleeps);
        if (is_full(ring) && atomic_load_explicit(&ring->closed, memory_order_seq_cst) == 0)
            cm_word_wait(&ring->producer_sleeps, 1, UINT64_MAX);
        withdraw(&ring->producer_sleeps);
    }
    return false;
}

size_t cm_ring_pop_burst_wait(struct cm_ring *ring, void **items_ret, size_t n)
{
    unsigned round = 0;
    size_t n_popped = pop(ring, items_ret, n);

    if (n_popped > 0 || n == 0)
        return n_popped;
    count_one(&ring->n_empty_waits);
    for (;;) {
        bool closed =
            cm_ring_closed(ring); /* before the look: what was pushed before the end is found after it */

        n_popped = pop(ring, items_ret, n);
        if (n_popped > 0 || closed)
            return n_popped;
        if (stay_awake(ring, &round))
            continue;
        announce(&ring->consumer_sleeps);
        if (is_empty(ring) && atomic_load_explicit(&ring->closed, memory_order_seq_cst) == 0)
            cm_word_wait(&ring->consumer_sleeps, 1, UINT64_MAX);
        withdraw(&ring->consumer_sleeps);
    }
}

bool cm_ring_pop_wait(struct cm_ring *ring, void **item_ret)
{
    return cm_ring_pop_burst_wait(ring, item_ret, 1) == 1;
}

void cm_ring_close(struct cm_ring *ring)
{
    /* seq_cst: the release half pairs with cm_ring_closed; the order before the loads in wake_if_asleep is
     * Dekker's */
    atomic_store_explicit(&ring->closed, 1, memory_order_seq_cst);
    wake_if_asleep(&ring->consumer_sleeps);
    wake_if_asleep(&ring->producer_sleeps);
}

void cm_ring_read_counters(const struct cm_ring *ring, struct cm_ring_counters *counters_ret)
{
    /* relaxed throughout: a report of some recent moment. head first: it can only have grown less than tail
     * since. */
    uint64_t n_popped = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint64_t n_pushed = atomic_load_explicit(&ring->tail, memory_order_relaxed);

    counters_ret->n_popped = n_popped;
    counters_ret->n_pushed = n_pushed > n_popped ? n_pushed : n_popped;
    counters_ret->n_full_waits = atomic_load_explicit(&ring->n_full_waits, memory_order_relaxed);
    counters_ret->n_empty_waits = atomic_load_explicit(&ring->n_empty_waits, memory_order_relaxed);
    counters_ret->capacity = (size_t)ring->mask + 1;
    counters_ret->depth = (size_t)cm_min_u64(counters_ret->n_pushed - n_popped, ring->mask + 1);
}

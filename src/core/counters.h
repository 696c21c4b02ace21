/* SPDX-License-Identifier: Apache-2.0 */
/* Where a thread's time goes: counters that one thread writes and any thread may read meanwhile. Not for
 * counting packets in inner loops: count in a local variable and add once per batch. */
#ifndef CM_CORE_COUNTERS_H
#define CM_CORE_COUNTERS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* One stage on one thread, on a pair of cache lines of its own (neighbouring lines are fetched together), so
 * that counting never slows the counting of another thread. An array of them needs that alignment:
 * cm_memory_map, or a static or automatic one. Zeroed is the beginning. */
struct cm_stage_counters {
    _Alignas(128) _Atomic uint64_t busy_ns;
    _Atomic uint64_t waiting_ns; /* on rings, on reads, on writers */
    _Atomic uint64_t n_items;    /* packets */
    _Atomic uint64_t n_bytes;
};

/* A sum over threads, or one thread's values at some recent moment. */
struct cm_stage_totals {
    uint64_t busy_ns;
    uint64_t waiting_ns;
    uint64_t n_items;
    uint64_t n_bytes;
};

/* The writing thread's: a plain load and store, as nobody else writes; relaxed, as a report needs no more
 * order than that no value is torn. */
static inline void cm_counter_add(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + value,
                          memory_order_relaxed);
}

static inline uint64_t cm_counter_read(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline void cm_stage_counters_did(struct cm_stage_counters *counters, uint64_t n_items,
                                         uint64_t n_bytes)
{
    cm_counter_add(&counters->n_items, n_items);
    cm_counter_add(&counters->n_bytes, n_bytes);
}

/* Any thread: add what one thread has counted so far to a sum. */
static inline void cm_stage_counters_sum(const struct cm_stage_counters *counters,
                                         struct cm_stage_totals *totals)
{
    totals->busy_ns += cm_counter_read(&counters->busy_ns);
    totals->waiting_ns += cm_counter_read(&counters->waiting_ns);
    totals->n_items += cm_counter_read(&counters->n_items);
    totals->n_bytes += cm_counter_read(&counters->n_bytes);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The ring beside DPDK's rte_ring and ConcurrencyKit's ck_ring, where they are installed: nanoseconds per
 * item between two threads, by size of burst. Every item is checked on arrival. JSON on standard output;
 * `ring_bench [RUNS [ITEMS]]`.
 *
 * What the peers' rings cannot do is sleep: the store of our producer orders itself before a look at whether
 * the consumer sleeps, which is dear for single items and nothing for bursts. The pipeline pushes one batch
 * of hundreds of packets at a time. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "core/ring.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/thread.h"

#ifdef CAPMILL_HAVE_RTE_RING
#include <rte_ring.h>
#endif
#ifdef CAPMILL_HAVE_CK
#include <ck_ring.h>
#endif

#define CAPACITY  1024
#define BURST_MAX 32
#define RUNS_MAX  101

struct bench {
    void *ring; /* a peer's ring, or ours */
    void *slots;
    size_t burst;
    uint64_t n_items;
    bool good; /* set by the consumer: all arrived in order */
    _Atomic uint32_t ready;
    uint64_t start_ns;
    uint64_t end_ns;
};

static void meet(struct bench *bench)
{
    atomic_fetch_add(&bench->ready, 1);
    while (atomic_load(&bench->ready) < 2)
        cm_cpu_relax();
}

/* The same loops for each ring, with its calls in place: PUSH and POP see `bench`, `items`, `n` and answer
 * how many. */
#define DEFINE_SIDES(name, PUSH, POP)                                                                        \
    static void produce_##name(void *context)                                                                \
    {                                                                                                        \
        struct bench *bench = context;                                                                       \
        uintptr_t next = 1;                                                                                  \
        meet(bench);                                                                                         \
        bench->start_ns = cm_clock_monotonic_ns();                                                           \
        for (uint64_t left = bench->n_items; left > 0;) {                                                    \
            void *items[BURST_MAX];                                                                          \
            size_t n = left < bench->burst ? (size_t)left : bench->burst;                                    \
            size_t done = 0;                                                                                 \
            for (size_t i = 0; i < n; i++)                                                                   \
                items[i] = (void *)(next + i);                                                               \
            while (done < n) {                                                                               \
                size_t now = PUSH(bench, items + done, n - done);                                            \
                if (now == 0)                                                                                \
                    cm_cpu_relax();                                                                          \
                done += now;                                                                                 \
            }                                                                                                \
            next += n;                                                                                       \
            left -= n;                                                                                       \
        }                                                                                                    \
    }                                                                                                        \
    static void consume_##name(void *context)                                                                \
    {                                                                                                        \
        struct bench *bench = context;                                                                       \
        uintptr_t next = 1;                                                                                  \
        uintptr_t wrong = 0;                                                                                 \
        meet(bench);                                                                                         \
        for (uint64_t left = bench->n_items; left > 0;) {                                                    \
            void *items[BURST_MAX];                                                                          \
            size_t n = POP(bench, items, bench->burst);                                                      \
            if (n == 0)                                                                                      \
                cm_cpu_relax();                                                                              \
            for (size_t i = 0; i < n; i++)                                                                   \
                wrong |= (uintptr_t)items[i] ^ (next + i);                                                   \
            next += n;                                                                                       \
            left -= n;                                                                                       \
        }                                                                                                    \
        bench->end_ns = cm_clock_monotonic_ns();                                                             \
        bench->good = wrong == 0;                                                                            \
    }

static bool open_ours(struct bench *bench)
{
    return (bench->ring = cm_ring_create(CAPACITY)) != NULL;
}
static void close_ours(struct bench *bench)
{
    cm_ring_destroy(bench->ring);
}
#define PUSH_OURS(bench, items, n) cm_ring_push_burst((bench)->ring, (items), (n))
#define POP_OURS(bench, items, n)  cm_ring_pop_burst((bench)->ring, (items), (n))
DEFINE_SIDES(ours, PUSH_OURS, POP_OURS)

#define PUSH_WAITING(bench, items, n) ((void)(n), (size_t)cm_ring_push_wait((bench)->ring, *(items)))
#define POP_WAITING(bench, items, n)  ((void)(n), (size_t)cm_ring_pop_wait((bench)->ring, (items)))
DEFINE_SIDES(waiting, PUSH_WAITING, POP_WAITING)

#ifdef CAPMILL_HAVE_RTE_RING
#define RTE_BYTES (1024 * 1024)
static bool open_rte(struct bench *bench)
{
    ssize_t n_bytes = rte_ring_get_memsize(CAPACITY);

    if (n_bytes < 0 || n_bytes > RTE_BYTES || (bench->ring = cm_memory_map(RTE_BYTES)) == NULL)
        return false;
    return rte_ring_init(bench->ring, "bench", CAPACITY, RING_F_SP_ENQ | RING_F_SC_DEQ) == 0;
}
static void close_rte(struct bench *bench)
{
    cm_memory_unmap(bench->ring, RTE_BYTES);
}
#define PUSH_RTE(bench, items, n) rte_ring_sp_enqueue_burst((bench)->ring, (items), (unsigned)(n), NULL)
#define POP_RTE(bench, items, n)  rte_ring_sc_dequeue_burst((bench)->ring, (items), (unsigned)(n), NULL)
DEFINE_SIDES(rte, PUSH_RTE, POP_RTE)
#endif

#ifdef CAPMILL_HAVE_CK
static bool open_ck(struct bench *bench)
{
    bench->ring = cm_memory_map(sizeof(ck_ring_t));
    bench->slots = cm_memory_map(CAPACITY * sizeof(ck_ring_buffer_t));
    if (bench->ring == NULL || bench->slots == NULL)
        return false;
    ck_ring_init(bench->ring, CAPACITY);
    return true;
}
static void close_ck(struct bench *bench)
{
    cm_memory_unmap(bench->ring, sizeof(ck_ring_t));
    cm_memory_unmap(bench->slots, CAPACITY * sizeof(ck_ring_buffer_t));
}
/* It has no bursts: as many single ones. */
static inline size_t push_ck(struct bench *bench, void **items, size_t n)
{
    size_t i = 0;

    while (i < n && ck_ring_enqueue_spsc(bench->ring, bench->slots, items[i]))
        i++;
    return i;
}
static inline size_t pop_ck(struct bench *bench, void **items, size_t n)
{
    size_t i = 0;

    while (i < n && ck_ring_dequeue_spsc(bench->ring, bench->slots, &items[i]))
        i++;
    return i;
}
DEFINE_SIDES(ck, push_ck, pop_ck)
#endif

static const struct contender {
    const char *name;
    bool (*open)(struct bench *bench);
    void (*close)(struct bench *bench);
    void (*produce)(void *context);
    void (*consume)(void *context);
    size_t burst_max;
} contenders[] = {
    {"capmill", open_ours, close_ours, produce_ours, consume_ours, BURST_MAX},
    {"capmill, waiting forms", open_ours, close_ours, produce_waiting, consume_waiting, 1},
#ifdef CAPMILL_HAVE_RTE_RING
    {"rte_ring", open_rte, close_rte, produce_rte, consume_rte, BURST_MAX},
#endif
#ifdef CAPMILL_HAVE_CK
    {"ck_ring", open_ck, close_ck, produce_ck, consume_ck, BURST_MAX},
#endif
};
#define N_CONTENDERS (sizeof(contenders) / sizeof(contenders[0]))

/* Nanoseconds per item of one run; ends the program where the ring lost or changed something. */
static double run_once(const struct contender *contender, size_t burst, uint64_t n_items)
{
    struct bench bench = {.burst = burst, .n_items = n_items};
    struct cm_thread *producer = NULL;
    struct cm_error error = {0};

    if (!contender->open(&bench) ||
        cm_thread_start("produce", contender->produce, &bench, &producer, &error) != CAPMILL_OK) {
        fprintf(stderr, "ring_bench: %s cannot be set up %s\n", contender->name, error.text);
        exit(1);
    }
    contender->consume(&bench);
    cm_thread_join(producer);
    contender->close(&bench);
    if (!bench.good) {
        fprintf(stderr, "ring_bench: %s delivered something else than what was sent\n", contender->name);
        exit(1);
    }
    return (double)(bench.end_ns - bench.start_ns) / (double)n_items;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static const size_t bursts[] = {1, 8, 32};
    static double ns[N_CONTENDERS][RUNS_MAX];
    size_t n_runs = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 11;
    uint64_t n_items = argc > 2 ? strtoull(argv[2], NULL, 10) : 4000000;
    const char *separator = "";

    if (n_runs < 1 || n_runs > RUNS_MAX || n_items == 0) {
        fprintf(stderr, "usage: ring_bench [RUNS (1 to %d) [ITEMS]]\n", RUNS_MAX);
        return 2;
    }
    printf("{\"benchmark\": \"ring\", \"capacity\": %d, \"threads\": 2, \"runs\": %zu, \"items\": %" PRIu64
           ",\n \"rows\": [",
           CAPACITY, n_runs, n_items);
    for (size_t b = 0; b < sizeof(bursts) / sizeof(bursts[0]); b++) {
        /* in turns, so that what else the machine does meets all alike; the first round warms up */
        for (size_t run = 0; run <= n_runs; run++)
            for (size_t c = 0; c < N_CONTENDERS; c++) {
                double once;

                if (bursts[b] > contenders[c].burst_max)
                    continue;
                once = run_once(&contenders[c], bursts[b], n_items);
                if (run > 0)
                    ns[c][run - 1] = once;
            }
        for (size_t c = 0; c < N_CONTENDERS; c++) {
            if (bursts[b] > contenders[c].burst_max)
                continue;
            qsort(ns[c], n_runs, sizeof(ns[c][0]), ascending);
            printf(
                "%s\n  {\"ring\": \"%s\", \"burst\": %zu, \"ns_per_item\": {\"median\": %.2f, \"min\": %.2f, "
                "\"max\": %.2f}}",
                separator, contenders[c].name, bursts[b], ns[c][n_runs / 2], ns[c][0], ns[c][n_runs - 1]);
            separator = ",";
        }
    }
    printf("\n ]}\n");
    return 0;
}

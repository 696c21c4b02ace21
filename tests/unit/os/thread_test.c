/* SPDX-License-Identifier: Apache-2.0 */
/* Threads, locks, conditions, waiting on words; clocks and memory, which these tests need. */
#include "os/thread.h"

#include <stdlib.h>

#include "os/clock.h"
#include "os/memory.h"

#include "unit/check.h"

static const uint64_t ms = 1000000;

static void sleep_ns(uint64_t n)
{
    _Atomic uint32_t never = 0;
    uint64_t end = cm_clock_monotonic_ns() + n;

    for (uint64_t now = cm_clock_monotonic_ns(); now < end; now = cm_clock_monotonic_ns())
        cm_word_wait(&never, 0, end - now);
}

struct counter {
    struct cm_mutex mutex;
    unsigned long n;
};

static void count(void *context)
{
    struct counter *counter = context;

    for (int i = 0; i < 20000; i++) {
        cm_mutex_lock(&counter->mutex);
        counter->n++;
        cm_mutex_unlock(&counter->mutex);
    }
}

CM_TEST(thread, lock_lets_one_in_at_a_time)
{
    struct counter counter = {0}; /* zeroed is unlocked */
    struct cm_thread *threads[4];

    for (int i = 0; i < 4; i++)
        cm_check_eq(cm_thread_start("a name that is far too long", count, &counter, &threads[i], NULL),
                    CAPMILL_OK);
    for (int i = 0; i < 4; i++)
        cm_thread_join(threads[i]);
    cm_thread_join(NULL);
    cm_check_eq(counter.n, 80000);
    cm_mutex_fini(&counter.mutex);
}

struct table {
    struct cm_mutex mutex;
    struct cm_condition changed;
    int turn;
    int n_turns;
};

static void play(void *context)
{
    struct table *table = context;

    cm_mutex_lock(&table->mutex);
    for (int i = 0; i < 500; i++) {
        while (table->turn != 1)
            cm_condition_wait(&table->changed, &table->mutex);
        table->turn = 0;
        table->n_turns++;
        cm_condition_wake_all(&table->changed);
    }
    cm_mutex_unlock(&table->mutex);
}

CM_TEST(thread, condition_hands_turns_over)
{
    struct table table = {.turn = 0};
    struct cm_thread *thread;

    cm_mutex_init(&table.mutex);
    cm_condition_init(&table.changed);
    cm_check_eq(cm_thread_start("player", play, &table, &thread, NULL), CAPMILL_OK);
    cm_mutex_lock(&table.mutex);
    for (int i = 0; i < 500; i++) {
        while (table.turn != 0)
            cm_condition_wait(&table.changed, &table.mutex);
        table.turn = 1;
        cm_condition_wake_one(&table.changed);
    }
    cm_mutex_unlock(&table.mutex);
    cm_thread_join(thread);
    cm_check_eq(table.n_turns, 500);
    cm_condition_fini(&table.changed);
    cm_mutex_fini(&table.mutex);
}

struct sleeper {
    _Atomic uint32_t word;
    _Atomic uint32_t n_awake;
};

static void sleep_on_word(void *context)
{
    struct sleeper *sleeper = context;

    while (atomic_load(&sleeper->word) == 0)
        cm_word_wait(&sleeper->word, 0, UINT64_MAX);
    atomic_fetch_add(&sleeper->n_awake, 1);
}

CM_TEST(word, sleepers_burn_no_cpu_and_are_woken)
{
    struct sleeper sleeper = {0};
    struct cm_thread *threads[4];
    uint64_t cpu, start;

    for (int i = 0; i < 4; i++)
        cm_check_eq(cm_thread_start("sleeper", sleep_on_word, &sleeper, &threads[i], NULL), CAPMILL_OK);
    sleep_ns(50 * ms); /* until they sleep */
    cpu = cm_clock_process_cpu_ns();
    sleep_ns(300 * ms);
    cpu = cm_clock_process_cpu_ns() - cpu;
    cm_check_that(cpu < 60 * ms, "five sleeping threads took %" PRIu64 " ns of 300 ms", cpu);
    cm_check_eq(sleeper.n_awake, 0);

    start = cm_clock_monotonic_ns();
    atomic_store(&sleeper.word, 1);
    cm_word_wake_all(&sleeper.word);
    for (int i = 0; i < 4; i++)
        cm_thread_join(threads[i]);
    cm_check_eq(sleeper.n_awake, 4);
    cm_check(cm_clock_monotonic_ns() - start < 5000 * ms);
}

CM_TEST(word, wait_ends_by_time_and_by_value)
{
    _Atomic uint32_t word = 5;
    uint64_t start = cm_clock_monotonic_ns(), took;

    cm_word_wait(&word, 4, UINT64_MAX); /* holds something else: returns at once */
    for (took = 0; took < 30 * ms; took = cm_clock_monotonic_ns() - start)
        cm_word_wait(&word, 5, 30 * ms - took);
    cm_check(took >= 30 * ms && took < 5000 * ms);
    cm_word_wait(&word, 5, 0);
}

CM_TEST(word, one_wake_for_one_sleeper)
{
    struct sleeper sleeper = {0};
    struct cm_thread *thread;

    cm_check_eq(cm_thread_start("sleeper", sleep_on_word, &sleeper, &thread, NULL), CAPMILL_OK);
    sleep_ns(10 * ms);
    atomic_store(&sleeper.word, 1);
    cm_word_wake_one(&sleeper.word);
    cm_thread_join(thread);
    cm_check_eq(sleeper.n_awake, 1);
}

CM_TEST(thread, there_is_a_cpu)
{
    cm_check(cm_cpu_count() >= 1 && cm_cpu_count() < 65536);
    cm_thread_yield();
    cm_cpu_relax();
}

CM_TEST(clock, goes_forward_in_the_right_unit)
{
    uint64_t before = cm_clock_monotonic_ns(), cpu = cm_clock_process_cpu_ns(), took;
    volatile unsigned work = 0;

    sleep_ns(20 * ms);
    took = cm_clock_monotonic_ns() - before;
    cm_check(took >= 20 * ms && took < 10000 * ms);
    cm_check(cm_clock_utc_ns() > 1700000000000000000 && cm_clock_utc_ns() < 7000000000000000000);
    while (cm_clock_process_cpu_ns() < cpu + 20 * ms && cm_clock_monotonic_ns() - before < 20000 * ms)
        work++;
    cm_check(cm_clock_process_cpu_ns() >= cpu + 20 * ms);
}

CM_TEST(memory, blocks_are_zeroed_aligned_and_counted)
{
    static const size_t sizes[] = {
        1, 4096, 100000, (size_t)2 << 20, ((size_t)5 << 20) + 4096, (size_t)64 << 20};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        unsigned char *block = cm_memory_map(sizes[i]);

        cm_check(block != NULL);
        cm_check_eq((uintptr_t)block % 4096, 0);
        cm_check(block[0] == 0 && block[sizes[i] / 2] == 0 && block[sizes[i] - 1] == 0);
        memset(block, 0x5a, sizes[i]);
        /* Ends that share their page with a neighbour stay as they are. */
        if (sizes[i] > 3 * 4096) {
            cm_memory_discard(block + 1, sizes[i] - 2);
            cm_check(block[0] == 0x5a && block[1] == 0x5a);
            cm_check(block[8192] == 0 || block[8192] == 0x5a);
            memset(block, 0x5b, sizes[i]);
        }
        cm_memory_unmap(block, sizes[i]);
    }
    cm_check(cm_memory_map(0) == NULL);
    cm_check(cm_memory_map(SIZE_MAX) == NULL);
    cm_check(cm_memory_map(SIZE_MAX / 2) == NULL);
    cm_memory_unmap(NULL, 0);
    cm_check(cm_memory_peak() >= (uint64_t)64 << 20);
    cm_check(cm_memory_available() > (uint64_t)1 << 20 && cm_memory_available() < (uint64_t)1 << 50);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Window, arrivals and index in front of a taker: the same blocks, numbers and events whatever the threads, ranges
 * and way, as a plain model has them; and a taker that fails loses nothing and gets nothing twice. */
#include "base/checked.h"
#include "unit/sort/made_blocks.h"

struct ways {
    const struct made_run *run;
    bool as_read;
    uint64_t memory_bytes;
    bool patient;
    unsigned n_threads;
    uint64_t seed;
    struct cm_refetch refetch; /* zeroed: the team's */
};

static struct cm_sort_options options_of(const struct ways *ways, const struct made_taker *taker)
{
    return (struct cm_sort_options){.taker = &taker->table,
                                    .order = ways->as_read ? CM_SORT_AS_READ : CM_SORT_BY_TIME,
                                    .memory_bytes = ways->memory_bytes,
                                    .sequence_base = ways->run->sequence_base,
                                    .read_once = ways->patient};
}

static enum capmill_status by_window(const struct ways *ways, struct made_taker *taker)
{
    struct cm_sort_options options = options_of(ways, taker);
    struct cm_window_sink_facts facts;
    struct cm_error error = {0};
    struct cm_sink sink;
    struct team team = {
        .run = ways->run, .sink = &sink, .on_failure = taker_call_off, .failure_context = taker};
    enum capmill_status status;

    cm_check_eq(cm_window_sink_create(&options, &sink, &error), CAPMILL_OK);
    status = team_run(&team, ways->n_threads, ways->seed);
    cm_window_sink_read_facts(&sink, &facts);
    cm_check_eq(facts.late, status == CAPMILL_AGAIN);
    sink.close(sink.shared);
    return status;
}

static uint64_t kept_bytes(const struct made_run *run)
{
    uint64_t n_bytes = 0;

    for (size_t i = 0; i < run->n; i++)
        n_bytes += run->items[i].is_event || run->items[i].is_dropped ? 0 : run->items[i].n_bytes;
    return n_bytes;
}

static enum capmill_status by_index(const struct ways *ways, struct made_taker *taker)
{
    struct cm_sort_options options = options_of(ways, taker);
    struct cm_parallel parallel = {.n_threads = ways->n_threads, .run = team_tasks};
    struct cm_refetch read = {(void *)(uintptr_t)ways->run, team_refetch};
    struct cm_error error = {0};
    struct cm_gather *gather;
    struct cm_index *index;
    struct cm_sink sink;
    struct team team = {.run = ways->run, .sink = &sink};
    uint64_t n_bytes;
    enum capmill_status status;

    options.memory_bytes = 1u << 30;
    cm_check_eq(cm_index_sink_create(&options, &sink, &error), CAPMILL_OK);
    cm_check_eq(team_run(&team, ways->n_threads, ways->seed), CAPMILL_OK);
    cm_check_eq(sink.finish(sink.shared, &error), CAPMILL_OK);
    index = cm_index_sink_take(&sink);
    sink.close(sink.shared);
    cm_check_eq(cm_index_order(index, &parallel, &error), CAPMILL_OK);
    if (ways->refetch.read != NULL)
        read = ways->refetch;
    gather = cm_gather_create(index, &options, &read);
    status = team_gather(gather, ways->n_threads, taker_call_off, taker, &n_bytes);
    if (status == CAPMILL_OK) /* what is told as progress adds up */
        cm_check_eq(n_bytes, kept_bytes(ways->run));
    cm_gather_destroy(gather);
    cm_index_destroy(index);
    return status;
}

/* Some packets are dropped, all but a few, or none; inputs follow one another, or overlap. */
static void draw_run(struct made_run *run, uint64_t *seed, size_t most_items, bool as_read)
{
    static const uint64_t latenesses[] = {0, 100, 2000, 30000};
    static const unsigned events[] = {0, 1, 30};
    static const unsigned kept_of_100[] = {100, 100, 50, 3, 0};
    uint32_t n_inputs = (uint32_t)drawn_in(seed, 1, 3);
    uint64_t lateness_ns = latenesses[drawn_in(seed, 0, 3)];
    uint64_t range_bytes = drawn_in(seed, 1000, 80000);
    unsigned events_in_100 = events[drawn_in(seed, 0, 2)];
    unsigned kept = kept_of_100[drawn_in(seed, 0, 4)];
    size_t n_items = (size_t)drawn_in(seed, 0, most_items);
    bool is_large = drawn_in(seed, 0, 3) == 0;
    bool overlaps = drawn_in(seed, 0, 1) == 1;

    made_run_create_of(run, seed, n_inputs, n_items, lateness_ns, range_bytes, events_in_100,
                       is_large ? 3000 : 300);
    run->has_own_dropped = true;
    for (size_t i = 0; i < run->n; i++) {
        struct made_item *item = &run->items[i];

        item->is_dropped = !item->is_event && drawn_in(seed, 0, 99) >= kept;
        if (as_read && overlaps)
            made_set_time(run, item, item->time_ns - item->input * n_items * 9);
    }
}

/* An input begins before those in front of it end. */
static bool must_be_merged(const struct made_run *run)
{
    uint64_t latest_ns = 0, before_ns = 0;
    uint32_t input = UINT32_MAX;

    for (size_t i = 0; i < run->n; i++) {
        const struct made_item *item = &run->items[i];

        if (item->is_event || item->is_dropped)
            continue;
        if (item->input != input) {
            before_ns = latest_ns;
            input = item->input;
            if (item->time_ns < before_ns)
                return true;
        }
        latest_ns = cm_max_u64(latest_ns, item->time_ns);
    }
    return false;
}

static unsigned hand_on_many(uint64_t first_seed, unsigned n, bool as_read, size_t most_items)
{
    unsigned n_by_window = 0;

    for (uint64_t i = first_seed; i < first_seed + n; i++) {
        uint64_t seed = i;
        struct made_run run;
        struct made_taker taker;
        struct ways ways = {.run = &run, .as_read = as_read, .seed = i};
        enum capmill_status status;

        draw_run(&run, &seed, most_items, as_read);
        ways.memory_bytes = drawn_in(&seed, 1, 8) * 100000;
        ways.patient = drawn_in(&seed, 0, 1) == 1;
        ways.n_threads = (unsigned)drawn_in(&seed, 1, TEAM_THREADS);

        made_taker_init(&taker, &run);
        status = by_window(&ways, &taker);
        cm_check_that(status == CAPMILL_OK || status == CAPMILL_AGAIN, "seed %" PRIu64 ": %d", i,
                      (int)status);
        if (as_read)
            cm_check_eq(status == CAPMILL_AGAIN, must_be_merged(&run));
        if (status == CAPMILL_OK)
            check_blocks(&taker, as_read, i);
        n_by_window += status == CAPMILL_OK;
        made_taker_fini(&taker, i);

        made_taker_init(&taker, &run);
        cm_check_eq(by_index(&ways, &taker), CAPMILL_OK);
        check_blocks(&taker, as_read, i);
        made_taker_fini(&taker, i);
        made_run_free(&run);
    }
    return n_by_window;
}

CM_TEST(blocks, of_few_packets_in_order_of_time)
{
    cm_check(hand_on_many(1000, 120, false, 60) > 60);
}

CM_TEST(blocks, of_many_packets_in_order_of_time)
{
    cm_check(hand_on_many(2000, 24, false, 9000) > 6);
}

CM_TEST(blocks, of_few_packets_as_read)
{
    unsigned n_by_window = hand_on_many(3000, 120, true, 60);

    cm_check(n_by_window > 60 && n_by_window < 120);
}

CM_TEST(blocks, of_many_packets_as_read)
{
    unsigned n_by_window = hand_on_many(4000, 24, true, 9000);

    cm_check(n_by_window > 4 && n_by_window < 24);
}

/* A whole number of blocks, one packet less and one more. */
CM_TEST(blocks, that_end_with_the_last_packet)
{
    for (uint64_t i = 0; i < 12; i++) {
        size_t n_items = (i / 6 + 1) * CM_BLOCK_PACKETS + i % 3 - 1;
        uint64_t seed = i;
        struct made_run run;
        struct made_taker taker;
        struct ways ways = {.run = &run, .memory_bytes = 1u << 20, .n_threads = 2, .seed = i};

        made_run_create(&run, &seed, 1, n_items, 0, 50000, 0);
        run.has_own_dropped = true;
        ways.as_read = i % 2 == 1;
        made_taker_init(&taker, &run);
        cm_check_eq(by_window(&ways, &taker), CAPMILL_OK);
        check_blocks(&taker, ways.as_read, i);
        made_taker_fini(&taker, i);
        made_taker_init(&taker, &run);
        cm_check_eq(by_index(&ways, &taker), CAPMILL_OK);
        check_blocks(&taker, ways.as_read, i);
        made_taker_fini(&taker, i);
        made_run_free(&run);
    }
}

/* A record of more than a block's bytes is one of its own. */
CM_TEST(blocks, of_one_huge_record)
{
    struct made_run run;
    struct made_taker taker;
    struct ways ways = {.run = &run, .memory_bytes = 1u << 20, .n_threads = 1};
    uint64_t seed = 3;

    made_run_create_of(&run, &seed, 1, 12, 0, 1u << 30, 0, 2 * CM_BLOCK_BYTES);
    run.has_own_dropped = true;
    for (unsigned w = 0; w < 2; w++) {
        made_taker_init(&taker, &run);
        cm_check_eq((w == 0 ? by_window : by_index)(&ways, &taker), CAPMILL_OK);
        check_blocks(&taker, false, w);
        cm_check(taker.n_settled > 3);
        made_taker_fini(&taker, w);
    }
    made_run_free(&run);
}

/* Fails at some block, at settling or at taking, or when a thread is opened: the failure comes out, and
 * made_taker_fini sees that nothing is lost or handed on twice. */
CM_TEST(blocks, a_taker_that_fails)
{
    unsigned n_failed = 0;

    for (uint64_t i = 0; i < 48; i++) {
        uint64_t seed = 7000 + i;
        uint64_t at = drawn_in(&seed, 0, 5);
        bool at_settle = i % 2 == 0;
        struct made_run run;
        struct made_taker taker;
        struct ways ways = {.run = &run, .memory_bytes = 1u << 20, .seed = seed};
        enum capmill_status status;

        /* long ranges let several blocks out at once */
        made_run_create(&run, &seed, 2, (size_t)drawn_in(&seed, 0, 14000), 0, i % 4 < 2 ? 60000 : 3000000, 2);
        run.has_own_dropped = true;
        ways.n_threads = (unsigned)drawn_in(&seed, 1, TEAM_THREADS);
        ways.as_read = drawn_in(&seed, 0, 1) == 1;
        for (unsigned w = 0; w < 2; w++) {
            made_taker_init(&taker, &run);
            taker.in_turn = drawn_in(&seed, 0, 1) == 1;
            *(at_settle ? &taker.fail_settle_at : &taker.fail_take_at) = at;
            status = (w == 0 ? by_window : by_index)(&ways, &taker);
            cm_check_that(status == CAPMILL_OK || status == CAPMILL_E_INTERRUPTED ||
                              status == (at_settle ? CAPMILL_E_MEMORY : CAPMILL_E_NO_SPACE),
                          "seed %" PRIu64 ": %d", i, (int)status);
            cm_check_that(status == CAPMILL_OK ? taker.n_settled <= at : taker.n_settled + at_settle > at,
                          "seed %" PRIu64 ": %d after %zu blocks", i, (int)status, taker.n_settled);
            n_failed += status != CAPMILL_OK;
            made_taker_fini(&taker, i);
        }
        made_run_free(&run);
    }
    cm_check(n_failed > 30 && n_failed < 96);
}

struct failing_read {
    const struct made_run *run;
    _Atomic unsigned n_left;
};

static enum capmill_status fail_read(void *context, uint32_t input, uint64_t offset, void *buffer, size_t n,
                                     struct cm_error *error)
{
    struct failing_read *failing = context;

    if (atomic_fetch_sub(&failing->n_left, 1) == 1)
        return cm_error_set(error, CAPMILL_E_CHANGED, 0, "it shrank");
    return team_refetch((void *)(uintptr_t)failing->run, input, offset, buffer, n, error);
}

/* The second read fails between settling and taking. */
CM_TEST(blocks, that_cannot_be_read_again)
{
    for (unsigned i = 0; i < 24; i++) {
        uint64_t seed = i;
        struct made_run run;
        struct made_taker taker;
        struct failing_read failing = {&run, 1 + i / 3};
        struct ways ways = {.run = &run, .n_threads = 1 + i % 3, .seed = i, .refetch = {&failing, fail_read}};

        made_run_create(&run, &seed, 3, 12000, i % 2 * 30000, 60000, 2);
        run.has_own_dropped = true;
        made_taker_init(&taker, &run);
        cm_check_eq(by_index(&ways, &taker), CAPMILL_E_CHANGED);
        made_taker_fini(&taker, i);
        made_run_free(&run);
    }
}

/* A thread without its state works on nothing. */
CM_TEST(blocks, of_threads_that_cannot_be_opened)
{
    struct made_run run;
    struct made_taker taker;
    struct ways ways = {.run = &run, .n_threads = 3};
    struct cm_sort_options options;
    struct cm_error error = {0};
    struct cm_sink sink;
    uint64_t seed = 5;
    void *local = NULL;

    made_run_create(&run, &seed, 1, 9000, 0, 60000, 2);
    run.has_own_dropped = true;
    for (uint64_t at = 0; at < 3; at++) {
        made_taker_init(&taker, &run);
        taker.fail_open_at = at;
        cm_check_eq(by_index(&ways, &taker), CAPMILL_E_MEMORY);
        made_taker_fini(&taker, at);
    }
    made_taker_init(&taker, &run);
    taker.fail_open_at = 0;
    options = options_of(&ways, &taker);
    cm_check_eq(cm_window_sink_create(&options, &sink, &error), CAPMILL_OK);
    cm_check_eq(sink.open(sink.shared, 0, &local, &error), CAPMILL_E_MEMORY);
    cm_check(local == NULL);
    cm_check_eq(sink.combine(sink.shared, local, &error), CAPMILL_OK);
    sink.close(sink.shared);
    made_taker_fini(&taker, 0);
    made_run_free(&run);
}

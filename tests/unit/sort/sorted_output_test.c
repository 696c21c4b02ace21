/* SPDX-License-Identifier: Apache-2.0 */
/* Window, and index with gather, against a plain stable sort: bytes, events, slices, from one thread and from
 * several that bring ranges in any order. */
#include "base/checked.h"
#include "unit/sort/made_team.h"

/* Answers whether the window could do it. */
static bool by_window(const struct made_run *run, bool verbatim, uint64_t slice_ns, uint64_t memory_bytes,
                      bool patient, unsigned n_threads, uint64_t seed)
{
    struct made_outlet expected, actual;
    struct cm_encoder encoder = made_encoder(verbatim);
    struct cm_sort_options options = {.encoder = &encoder,
                                      .outlet = &actual.table,
                                      .memory_bytes = memory_bytes,
                                      .sequence_base = run->sequence_base,
                                      .read_once = patient};
    struct cm_window_sink_facts facts;
    struct cm_error error = {0};
    struct cm_sink sink;
    enum capmill_status status;

    made_outlet_init(&expected, run, slice_ns);
    made_outlet_init(&actual, run, slice_ns);
    made_expect(run, &expected, verbatim);
    cm_check_eq(cm_window_sink_create(&options, &sink, &error), CAPMILL_OK);
    status = team_run(&(struct team){.run = run, .sink = &sink}, n_threads, seed);
    cm_check_that(status >= 0, "seed %" PRIu64 ": status %d", seed, (int)status);
    cm_window_sink_read_facts(&sink, &facts);
    cm_check_eq(facts.late, status == CAPMILL_AGAIN);
    if (status == CAPMILL_OK)
        made_check(&actual, &expected, seed);
    sink.close(sink.shared);
    made_outlet_fini(&expected);
    made_outlet_fini(&actual);
    return status == CAPMILL_OK;
}

static void by_index(const struct made_run *run, bool verbatim, uint64_t slice_ns, unsigned n_threads,
                     uint64_t seed)
{
    struct made_outlet expected, actual;
    struct cm_encoder encoder = made_encoder(verbatim);
    struct cm_sort_options options = {.encoder = &encoder,
                                      .outlet = &actual.table,
                                      .memory_bytes = 1u << 30,
                                      .sequence_base = run->sequence_base};
    struct cm_parallel parallel = {.n_threads = n_threads, .run = team_tasks};
    struct cm_refetch read = {(void *)(uintptr_t)run, team_refetch};
    struct cm_error error = {0};
    struct cm_gather *gather;
    struct cm_index *index;
    struct cm_sink sink;
    size_t n_packets = 0;
    uint64_t n_bytes;

    made_outlet_init(&expected, run, slice_ns);
    made_outlet_init(&actual, run, slice_ns);
    made_expect(run, &expected, verbatim);
    cm_check_eq(cm_index_sink_create(&options, &sink, &error), CAPMILL_OK);
    cm_check_eq(team_run(&(struct team){.run = run, .sink = &sink}, n_threads, seed), CAPMILL_OK);
    cm_check_eq(sink.finish(sink.shared, &error), CAPMILL_OK);
    index = cm_index_sink_take(&sink);
    sink.close(sink.shared);
    for (size_t i = 0; i < run->n; i++)
        n_packets += !run->items[i].is_event;
    cm_check_eq(cm_index_packets(index), n_packets);
    cm_check_eq(cm_index_order(index, &parallel, &error), CAPMILL_OK);
    gather = cm_gather_create(index, &options, &read);
    cm_check_eq(team_gather(gather, n_threads, NULL, NULL, &n_bytes), CAPMILL_OK);
    cm_check_eq(cm_gather_packets(gather), n_packets);
    made_check(&actual, &expected, seed);
    cm_gather_destroy(gather);
    cm_index_destroy(index);
    made_outlet_fini(&expected);
    made_outlet_fini(&actual);
}

static unsigned sort_many(uint64_t first_seed, unsigned n, unsigned n_threads)
{
    static const uint64_t latenesses[] = {0, 100, 2000, 30000, UINT64_MAX - 1};
    static const unsigned events[] = {0, 0, 1, 30};
    unsigned n_by_window = 0;

    for (uint64_t i = first_seed; i < first_seed + n; i++) {
        uint64_t seed = i;
        struct made_run run;
        size_t n_items = (size_t)drawn_in(&seed, 0, 3) == 0 ? (size_t)drawn_in(&seed, 0, 20)
                                                            : (size_t)drawn_in(&seed, 20, 2500);
        uint64_t slice_ns = drawn_in(&seed, 0, 1) * (n_items * 10 / 3 + 1000000);
        bool verbatim = drawn_in(&seed, 0, 1) == 1;

        made_run_create(&run, &seed, (uint32_t)drawn_in(&seed, 1, 3), n_items,
                        latenesses[drawn_in(&seed, 0, 4)], drawn_in(&seed, 1000, 40000),
                        events[drawn_in(&seed, 0, 3)]);
        n_by_window += by_window(&run, verbatim, slice_ns, drawn_in(&seed, 1, 4) * 100000,
                                 drawn_in(&seed, 0, 1) == 1, n_threads, seed);
        by_index(&run, verbatim, slice_ns, n_threads, seed);
        made_run_free(&run);
    }
    return n_by_window;
}

CM_TEST(sorted_output, one_thread)
{
    cm_check(sort_many(100, 150, 1) > 50);
}

CM_TEST(sorted_output, several_threads)
{
    cm_check(sort_many(5000, 80, TEAM_THREADS) > 25);
}

/* What comes after the last packet goes into the slice of that packet, not into an earlier one. */
CM_TEST(sorted_output, events_at_the_end_go_into_the_last_slice)
{
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct made_run run;
        uint64_t draw = seed;

        made_run_create(&run, &draw, 1, 300, seed % 2 * 500, 100000, 0);
        run.items[299].is_event = true;
        run.items[299].n_bytes = 16;
        cm_check(by_window(&run, seed / 2 == 0, 700, 1u << 30, false, 1, seed));
        by_index(&run, seed / 2 == 0, 700, 1, seed);
        made_run_free(&run);
    }
}

/* One packet far in the future puts all others into one bucket of the index. */
CM_TEST(sorted_output, a_packet_of_a_far_future)
{
    struct made_run run;
    uint64_t seed = 9;

    made_run_create(&run, &seed, 2, 3000, 30000, 20000, 1);
    for (size_t i = 0; i < run.n; i++) {
        if (i % 2500 == 17 && !run.items[i].is_event) {
            run.items[i].time_ns = UINT64_MAX;
            memset(run.bytes[run.items[i].input] + run.items[i].offset, 0xff, 8);
        }
    }
    by_index(&run, true, 0, 2, 1);
    by_window(&run, true, 0, 1u << 30, true, 2, 1);
    made_run_free(&run);
}

/* An event for every packet: what waits must not be looked at again for each. */
CM_TEST(sorted_output, as_many_events_as_packets)
{
    struct made_run run;
    uint64_t seed = 10;

    made_run_create(&run, &seed, 1, 200000, 2000, 1u << 20, 50);
    by_index(&run, false, 0, 1, 1);
    cm_check(by_window(&run, false, 0, 1u << 30, false, 1, 1));
    made_run_free(&run);
}

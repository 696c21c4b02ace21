/* SPDX-License-Identifier: Apache-2.0 */
/* Times rise, are late by no more than was asked, and a shuffle is a permutation. */
#include "synth/timeline.h"

#include <stdlib.h>

#include "unit/check.h"

static struct cm_synth_timeline make_timeline(const char *text, uint64_t n_packets)
{
    struct cm_error error = {0};
    struct cm_synth_timeline timeline;
    struct cm_recipe recipe;

    cm_check_that(cm_recipe_parse(text, &recipe, &error) == CAPMILL_OK, "%s", error.text);
    cm_check_that(cm_synth_timeline_init(&timeline, &recipe, n_packets, 8 * 1000, 1, &error) == CAPMILL_OK,
                  "%s", error.text);
    return timeline;
}

static void check_rising(const char *text, uint64_t n, bool strictly)
{
    struct cm_synth_timeline timeline = make_timeline(text, n);
    uint64_t before = cm_synth_timeline_time(&timeline, 0);

    cm_check(before >= timeline.start_ns);
    for (uint64_t i = 1; i < n; i++) {
        uint64_t time = cm_synth_timeline_time(&timeline, i);

        cm_check_that(time > before || (!strictly && time == before), "packet %" PRIu64 " is not later", i);
        cm_check_eq(time % timeline.tick_ns, 0);
        before = time;
    }
}

CM_TEST(timeline, sorted_times_rise)
{
    check_rising("rate = 1Mpps", 100000, true);
    check_rising("rate = 3Mpps", 100000, false); /* more packets than microseconds */
    check_rising("rate = 3Mpps\nresolution = ns", 100000, true);
    check_rising("rate = 700kpps", 100000, true);
    check_rising("rate = 1Gpps\nresolution = ns", 100000, true);
    check_rising("rate = 1pps\nresolution = ns", 1000, true);
    check_rising("rate = 10Gbit", 100000, false); /* of 1000-byte frames: 0.8 us each */
    check_rising("rate = 100kpps\ngap-share = 90%\ngap-length = 1ms", 100000, true);
}

CM_TEST(timeline, rates_are_met)
{
    struct cm_synth_timeline a = make_timeline("rate = 250kpps", 1000001);
    struct cm_synth_timeline b = make_timeline("rate = 8Gbit", 1000001);

    cm_check_eq((cm_synth_timeline_time(&a, 1000000) - a.start_ns) / 10000, 400000); /* 4 s */
    cm_check_eq((cm_synth_timeline_time(&b, 1000000) - b.start_ns) / 10000,
                100000); /* 1 s: a million frames of 8000 bits */
}

CM_TEST(timeline, gaps_take_their_share)
{
    struct cm_synth_timeline timeline =
        make_timeline("rate = 100kpps\ngap-share = 60%\ngap-length = 10ms\nresolution = ns", 1000000);
    uint64_t quiet = 0, n_gaps = 0, all;

    for (uint64_t i = 1; i < 1000000; i++) {
        uint64_t step = cm_synth_timeline_time(&timeline, i) - cm_synth_timeline_time(&timeline, i - 1);

        if (step >= 10000000) {
            cm_check(step < 10000000 + 2 * 10000);
            quiet += step;
            n_gaps++;
        }
    }
    all = cm_synth_timeline_time(&timeline, 999999) - timeline.start_ns;
    cm_check(n_gaps > 1000);
    cm_check_that(quiet > all * 59 / 100 && quiet < all * 61 / 100, "%" PRIu64 " of %" PRIu64 " ns are quiet",
                  quiet, all);
}

CM_TEST(timeline, displaced_packets_are_late_by_no_more_than_asked)
{
    struct cm_synth_timeline sorted = make_timeline("rate = 1Mpps\nresolution = ns", 300000);
    struct cm_synth_timeline timeline = make_timeline(
        "rate = 1Mpps\nresolution = ns\norder = displaced\ndisplaced = 10%\ndisplaced-by = 50us", 300000);
    uint64_t n_displaced = 0, most = 0;

    for (uint64_t i = 0; i < 300000; i++) {
        uint64_t in_order = cm_synth_timeline_time(&sorted, i), time = cm_synth_timeline_time(&timeline, i);

        cm_check(time <= in_order && in_order - time <= 50000 && time >= timeline.start_ns);
        n_displaced += time != in_order;
        most = in_order - time > most ? in_order - time : most;
    }
    cm_check_that(n_displaced > 29300 && n_displaced < 30700, "%" PRIu64 " of 300000 displaced", n_displaced);
    cm_check(most > 49900);
}

static void check_permutation(uint64_t n)
{
    struct cm_synth_timeline timeline = make_timeline("order = shuffled", n);
    uint8_t *seen = calloc((size_t)n, 1);
    uint64_t n_fixed = 0, n_neighbours = 0, before = 0;

    cm_check(seen != NULL);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t to = cm_synth_timeline_shuffle(&timeline, i);

        cm_check_that(to < n && !seen[to], "%" PRIu64 " of %" PRIu64 " goes to %" PRIu64, i, n, to);
        seen[to] = 1;
        n_fixed += to == i;
        n_neighbours += i > 0 && to == before + 1;
        before = to;
    }
    /* A random permutation has one of each on average. */
    cm_check(n < 100 || (n_fixed < 12 && n_neighbours < 12));
    free(seen);
}

CM_TEST(timeline, a_shuffle_is_a_permutation_of_any_size)
{
    for (uint64_t n = 1; n < 70; n++)
        check_permutation(n);
    check_permutation(99991);
    check_permutation(65536);
    check_permutation(65537);
    check_permutation(1000000);
}

CM_TEST(timeline, times_beyond_the_format_are_refused)
{
    struct cm_error error = {0};
    struct cm_synth_timeline timeline;
    struct cm_recipe recipe;

    cm_recipe_parse("rate = 1pps", &recipe, NULL);
    cm_check_eq(cm_synth_timeline_init(&timeline, &recipe, UINT64_C(1) << 32, 1, 1, &error), CAPMILL_E_USAGE);
    cm_check(strstr(error.text, "2106") != NULL);
    cm_recipe_set(&recipe, "format", "pcapng", NULL);
    cm_check_eq(cm_synth_timeline_init(&timeline, &recipe, UINT64_C(1) << 32, 1, 1, NULL), CAPMILL_OK);
    cm_check_eq(cm_synth_timeline_init(&timeline, &recipe, UINT64_C(1) << 34, 1, 1, NULL), CAPMILL_E_USAGE);
    cm_recipe_parse("gap-share = 99.9999%\ngap-length = 10000d", &recipe, NULL);
    cm_check_eq(cm_synth_timeline_init(&timeline, &recipe, UINT64_C(1) << 40, 1, 1, NULL), CAPMILL_E_USAGE);
}

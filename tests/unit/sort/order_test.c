/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays come into order of time and keep the order of equal times, whatever the pattern. */
#include "sort/order.h"

#include <stdlib.h>

#include "unit/check.h"
#include "unit/sort/drawn.h"

enum pattern {
    SORTED,
    REVERSED,
    EQUAL,
    RANDOM,
    NARROW,
    NEARLY,
    ONE_LATE,
    HALVES,
    EXTREMES,
    HIGH_BITS,
    N_PATTERNS
};

static uint64_t time_of(enum pattern pattern, uint64_t i, uint64_t n, uint64_t *seed)
{
    switch (pattern) {
    case SORTED:
        return i * 1000;
    case REVERSED:
        return (n - i) * 1000;
    case EQUAL:
        return 77;
    case RANDOM:
        return drawn(seed);
    case NARROW:
        return UINT64_C(1700000000000000000) + drawn(seed) % 5;
    case NEARLY:
        return i * 1000 + drawn(seed) % 20000;
    case ONE_LATE:
        return i == n - 1 ? 0 : 1000 + i;
    case HALVES:
        return i < n / 2 ? n + i : i;
    case EXTREMES:
        return drawn(seed) % 2 ? UINT64_MAX - drawn(seed) % 3 : drawn(seed) % 3;
    default:
        return (drawn(seed) % 4) << 62 | (drawn(seed) % 4);
    }
}

static void check_window_entries(enum pattern pattern, size_t n, uint64_t seed)
{
    struct cm_ordered_packet *entries = calloc(n + 2, sizeof(*entries));
    struct cm_ordered_packet *scratch = malloc((n + 1) * sizeof(*scratch));
    bool *seen = calloc(n + 1, sizeof(*seen));
    uint64_t *times = calloc(n + 1, sizeof(*times));

    for (size_t i = 0; i < n; i++) {
        times[i] = time_of(pattern, i, n, &seed);
        entries[i + 1] =
            (struct cm_ordered_packet){.time_ns = times[i], .place = i, .record_bytes = (uint32_t)~i};
    }
    entries[0].place = entries[n + 1].place = 4711; /* neighbours that must stay */
    cm_sort_window_entries(entries + 1, scratch, n);
    for (size_t i = 1; i <= n; i++) {
        size_t was = (size_t)entries[i].place;

        cm_check_that(was < n && !seen[was] && entries[i].time_ns == times[was] &&
                          entries[i].record_bytes == (uint32_t)~was,
                      "pattern %d of %zu: entry %zu is not what was given", pattern, n, i);
        seen[was] = true;
        cm_check_that(i == 1 || entries[i - 1].time_ns < entries[i].time_ns ||
                          (entries[i - 1].time_ns == entries[i].time_ns && entries[i - 1].place < was),
                      "pattern %d of %zu: entry %zu is out of order", pattern, n, i);
    }
    cm_check(entries[0].place == 4711 && entries[n + 1].place == 4711);
    free(entries);
    free(scratch);
    free(seen);
    free(times);
}

CM_TEST(order, window_entries_of_every_size_and_pattern)
{
    for (int pattern = 0; pattern < N_PATTERNS; pattern++) {
        for (size_t n = 0; n <= 300; n++)
            check_window_entries((enum pattern)pattern, n, n + 1);
        check_window_entries((enum pattern)pattern, 20000, 3);
    }
}

CM_TEST(order, index_entries_of_every_pattern)
{
    for (int pattern = 0; pattern < N_PATTERNS; pattern++) {
        for (size_t n = 0; n <= 20000; n = n * 3 + 1) {
            struct cm_index_entry *entries = calloc(n + 1, sizeof(*entries));
            struct cm_index_entry *scratch = malloc((n + 1) * sizeof(*scratch));
            uint64_t sum = 0;
            uint64_t seed = n;

            for (size_t i = 0; i < n; i++) {
                entries[i].time_ns = time_of((enum pattern)pattern, i, n, &seed);
                entries[i].place = i;
            }
            cm_sort_index_entries(entries, scratch, n);
            for (size_t i = 0; i < n; i++) {
                sum += entries[i].place;
                cm_check(i == 0 || entries[i - 1].time_ns < entries[i].time_ns ||
                         (entries[i - 1].time_ns == entries[i].time_ns &&
                          entries[i - 1].place < entries[i].place));
            }
            cm_check_eq(sum, n == 0 ? 0 : n * (n - 1) / 2);
            free(entries);
            free(scratch);
        }
    }
}

CM_TEST(order, upper_bound_is_the_first_greater)
{
    struct cm_ordered_packet entries[40];

    for (size_t n = 0; n <= 40; n++) {
        for (size_t i = 0; i < n; i++)
            entries[i].time_ns = i / 3 * 10;
        for (size_t from = 0; from <= n; from++) {
            for (uint64_t time_ns = 0; time_ns < 150; time_ns += 5) {
                size_t expected = from;

                while (expected < n && entries[expected].time_ns <= time_ns)
                    expected++;
                cm_check_eq(cm_sort_upper_bound(entries, from, n, time_ns), expected);
            }
            cm_check_eq(cm_sort_upper_bound(entries, from, n, UINT64_MAX), n);
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Records are sorted whatever their keys; merged runs hold each key once, also when there are more runs than
 * are merged at a time. */
#include "flow/runs.h"

#include <stdlib.h>

#include "flow/record_sort.h"
#include "unit/check.h"

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state ^ *state >> 29;
}

static unsigned compare_words; /* of the key; qsort has no context */

static int compare_records(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    for (unsigned i = 0; i < compare_words; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

/* `spread`: bits of every word that differ, so that keys range from all equal but some bits to random. */
static void check_sort(size_t n, unsigned n_words, unsigned n_key_words, uint64_t spread, uint64_t *state)
{
    uint64_t *records = malloc((n + 1) * n_words * sizeof(uint64_t));
    uint64_t *expected = malloc((n + 1) * n_words * sizeof(uint64_t));

    cm_check(records != NULL && expected != NULL);
    for (size_t i = 0; i < n; i++)
        for (unsigned j = 0; j < n_words;
             j++) /* what follows the key is made of it, to see records torn apart */
            records[i * n_words + j] =
                j < n_key_words ? next_random(state) & spread
                                : records[i * n_words] * 3 + records[i * n_words + n_key_words - 1];
    memcpy(expected, records, n * n_words * sizeof(uint64_t));
    compare_words = n_words;
    qsort(expected, n, n_words * sizeof(uint64_t), compare_records);
    cm_record_sort(records, n, n_words, n_key_words);
    for (size_t i = 0; i < n; i++) {
        compare_words = n_key_words;
        cm_check_eq(compare_records(records + i * n_words, expected + i * n_words), 0);
        if (n_words > n_key_words)
            cm_check(records[i * n_words + n_words - 1] ==
                     records[i * n_words] * 3 + records[i * n_words + n_key_words - 1]);
    }
    free(records);
    free(expected);
}

CM_TEST(record_sort, any_size_shape_and_spread)
{
    static const uint64_t spreads[] = {UINT64_MAX,         0xff, UINT64_C(0xff00000000000000),
                                       0x0100000000000001, 3,    0};
    static const size_t sizes[] = {0, 1, 2, 23, 24, 25, 100, 3000};
    uint64_t state = 1;

    for (size_t s = 0; s < sizeof(spreads) / sizeof(spreads[0]); s++)
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            check_sort(sizes[i], 1, 1, spreads[s], &state);
            check_sort(sizes[i], 4, 2, spreads[s], &state);
            check_sort(sizes[i], CM_RECORD_WORDS_MAX, 6, spreads[s], &state);
        }
}

static void add_second(uint64_t *into, const uint64_t *from)
{
    into[1] += from[1];
}

/* Runs of keys of a small range: each key is in several runs, with the run's number as what is added up. The
 * low 24 bits of a key are flags, and no part of it. */
static void check_merge(size_t n_runs, uint64_t n_keys)
{
    static const struct cm_run_shape shape = {2, 1, add_second};
    struct cm_runs *runs = cm_runs_create(&shape, NULL), *moved = cm_runs_create(&shape, NULL);
    uint64_t *sums = calloc(n_keys, sizeof(*sums));
    struct cm_run_walk *walk = NULL;
    struct cm_error error = {0};
    const uint64_t *record = NULL;
    uint64_t state = 3;

    cm_check(runs != NULL && moved != NULL && sums != NULL);
    for (size_t run = 0; run < n_runs; run++) {
        struct cm_runs *to = run % 2 == 0 ? runs : moved;

        cm_check_that(cm_runs_begin(to, &error) == CAPMILL_OK, "%s", error.text);
        for (uint64_t key = 0; key < n_keys; key++) {
            const uint64_t words[2] = {key << 24 | (run & 1), run + 1};

            if (next_random(&state) % 3 == 0)
                continue;
            sums[key] += run + 1;
            cm_check_eq(cm_runs_put(to, words, 1, &error), CAPMILL_OK);
        }
        cm_check_eq(cm_runs_end(to, &error), CAPMILL_OK);
    }
    cm_check_eq(cm_runs_move(runs, moved, &error), CAPMILL_OK);
    cm_check_eq(cm_runs_count(moved), 0);
    for (unsigned round = 0; round < 2; round++) {
        cm_check_that(cm_run_walk_open(runs, 0, &walk, &error) == CAPMILL_OK, "%s", error.text);
        for (uint64_t key = 0; key < n_keys; key++) {
            if (sums[key] == 0)
                continue;
            cm_check_eq(cm_run_walk_next(walk, &record, &error), CAPMILL_OK);
            cm_check_eq(record[0] >> 24, key);
            cm_check_eq(record[1], sums[key]);
        }
        cm_check_eq(cm_run_walk_next(walk, &record, &error), CAPMILL_END);
        cm_run_walk_close(walk);
    }
    cm_runs_destroy(runs);
    cm_runs_destroy(moved);
    free(sums);
}

CM_TEST(runs, every_key_comes_once_with_everything_merged)
{
    check_merge(0, 10);
    check_merge(1, 1000);
    check_merge(2, 100000); /* more than the buffers hold */
    check_merge(64, 500);
    check_merge(65, 500); /* one more than are merged at a time */
    check_merge(300, 200);
}

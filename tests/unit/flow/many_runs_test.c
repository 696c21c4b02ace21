/* SPDX-License-Identifier: Apache-2.0 */
/* The runs of thousands of tables are united without a descriptor for each. For systems that limit
 * descriptors. */
#include <sys/resource.h>

#include "flow/runs.h"
#include "unit/check.h"

#define N_DESCRIPTORS 48u
#define N_MOVED       1200u
#define N_KEYS        40u
#define N_LONG        100000u /* records of the last: more than one buffer */

static void add_second(uint64_t *into, const uint64_t *from)
{
    into[1] += from[1];
}

static const struct cm_run_shape shape = {2, 1, add_second};

static void put_run(struct cm_runs *runs, uint64_t n_keys)
{
    struct cm_error error = {0};

    cm_check_that(cm_runs_begin(runs, &error) == CAPMILL_OK, "%s", error.text);
    for (uint64_t key = 0; key < n_keys; key++) {
        const uint64_t words[2] = {key << 24, key + 1};

        cm_check_that(cm_runs_put(runs, words, 1, &error) == CAPMILL_OK, "%s", error.text);
    }
    cm_check_that(cm_runs_end(runs, &error) == CAPMILL_OK, "%s", error.text);
}

CM_TEST(many_runs, are_held_in_few_files)
{
    struct rlimit before, limit;
    struct cm_runs *whole = cm_runs_create(&shape, NULL);
    struct cm_run_walk *walk = NULL;
    const uint64_t *record = NULL;
    struct cm_error error = {0};

    cm_check_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = before;
    limit.rlim_cur = N_DESCRIPTORS;
    cm_check_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (unsigned i = 0; i <= N_MOVED; i++) {
        struct cm_runs *one = cm_runs_create(&shape, NULL);

        cm_check(one != NULL);
        put_run(one, i == N_MOVED ? N_LONG : N_KEYS);
        cm_check_that(cm_runs_move(whole, one, &error) == CAPMILL_OK, "move %u: %s", i, error.text);
        cm_check_eq(cm_runs_count(one), 0);
        cm_runs_destroy(one);
    }
    cm_check_eq(cm_runs_count(whole), N_MOVED + 1);
    put_run(whole, N_KEYS); /* one of its own, behind those that were copied */
    cm_check_that(cm_run_walk_open(whole, 0, &walk, &error) == CAPMILL_OK, "%s", error.text);
    for (uint64_t key = 0; key < N_LONG; key++) {
        cm_check_that(cm_run_walk_next(walk, &record, &error) == CAPMILL_OK, "%s", error.text);
        cm_check_eq(record[0], key << 24);
        cm_check_eq(record[1], (key + 1) * (key < N_KEYS ? N_MOVED + 2 : 1));
    }
    cm_check_eq(cm_run_walk_next(walk, &record, &error), CAPMILL_END);
    cm_run_walk_close(walk);
    cm_runs_destroy(whole);
    cm_check_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Packets per flow: exact whoever counted them, and refused with a sentence where memory ends. */
#include "flow/flow_sizes.h"

#include "unit/check.h"

#define MIB ((uint64_t)1 << 20)

/* A flow by number: every third one IPv6. */
static struct cm_flow_key key_of(uint64_t number)
{
    const uint64_t mapped = UINT64_C(0xffff) << 32;
    struct cm_flow_key key = {
        {0, mapped | (number & UINT32_MAX), 0, mapped | 7, (number * 77 << 48) | 6u << 24}};

    if (number % 3 == 0) {
        key.words[0] = UINT64_C(0x20010db800000000);
        key.words[1] = number;
    }
    return key;
}

static void add(struct cm_flow_sizes *counts, unsigned thread, uint64_t number, unsigned times)
{
    const struct cm_flow_key key = key_of(number);
    struct cm_error error = {0};

    while (times-- > 0)
        cm_check_that(cm_flow_sizes_add(counts, thread, &key, &error) == CAPMILL_OK, "%s", error.text);
}

static uint64_t of(const struct cm_flow_sizes *counts, uint64_t number)
{
    const struct cm_flow_key key = key_of(number);

    return cm_flow_sizes_of(counts, &key);
}

/* Flow k has k % 7 + 1 packets on each thread that saw it: those with a bit set in k * 5 + 1. */
static void check_threads(unsigned n_threads, unsigned n_flows)
{
    struct cm_flow_sizes *counts = cm_flow_sizes_create(n_threads, 64 * MIB);

    cm_check(counts != NULL);
    for (int round = 0; round < 2; round++) { /* the second after a reset */
        for (unsigned thread = 0; thread < n_threads; thread++)
            for (unsigned k = 0; k < n_flows; k++)
                if ((k * 5 + 1) >> thread & 1)
                    add(counts, thread, k, k % 7 + 1);
        cm_check_eq(cm_flow_sizes_finish(counts, NULL), CAPMILL_OK);
        for (unsigned k = 0; k < n_flows; k++) {
            const unsigned seen = (k * 5 + 1) & ((1u << n_threads) - 1);

            cm_check_eq(of(counts, k), (uint64_t)__builtin_popcount(seen) * (k % 7 + 1));
        }
        cm_check_eq(of(counts, n_flows), 0);
        cm_check_eq(of(counts, n_flows + 1), 0);
        cm_flow_sizes_reset(counts);
        cm_check_eq(of(counts, 1), 0);
    }
    cm_flow_sizes_destroy(counts);
}

CM_TEST(flow_sizes, exact_whoever_counted)
{
    check_threads(1, 1);
    check_threads(1, 5000);
    check_threads(2, 20000);
    check_threads(7, 3000);
}

CM_TEST(flow_sizes, nothing_counted)
{
    struct cm_flow_sizes *counts = cm_flow_sizes_create(3, MIB);

    cm_check_eq(cm_flow_sizes_finish(counts, NULL), CAPMILL_OK);
    cm_check_eq(of(counts, 1), 0);
    cm_flow_sizes_destroy(counts);
    cm_flow_sizes_destroy(NULL);
}

/* Fill one thread until it is refused; answers how many flows went in. */
static uint64_t fill(struct cm_flow_sizes *counts, unsigned thread, struct cm_error *error)
{
    for (uint64_t number = 0;; number++) {
        const struct cm_flow_key key = key_of(number);
        const enum capmill_status status = cm_flow_sizes_add(counts, thread, &key, error);

        if (status == CAPMILL_OK)
            continue;
        cm_check_eq(status, CAPMILL_E_MEMORY);
        return number;
    }
}

CM_TEST(flow_sizes, memory_is_bounded)
{
    struct cm_flow_sizes *counts = cm_flow_sizes_create(2, MIB);
    struct cm_error error = {0};
    const uint64_t n = fill(counts, 0, &error);

    cm_check_that(n > 5000 && n < 40000, "%llu flows", (unsigned long long)n);
    cm_check_that(strstr(error.text, "try --memory ") != NULL && strstr(error.text, "1.00 MiB") != NULL, "%s",
                  error.text);
    /* after a reset another thread has as much, but for the little that the first keeps */
    cm_flow_sizes_reset(counts);
    memset(&error, 0, sizeof(error));
    cm_check(fill(counts, 1, &error) >= n / 2);
    cm_flow_sizes_reset(counts);
    cm_check_eq(of(counts, 1), 0);
    cm_flow_sizes_destroy(counts);
}

/* Two threads that saw the same flows need no more room for the union than the larger of them. */
CM_TEST(flow_sizes, uniting_the_same_flows_takes_no_more_room)
{
    const unsigned n = 6000;
    struct cm_flow_sizes *counts = cm_flow_sizes_create(2, 2 * MIB);
    struct cm_error error = {0};

    for (unsigned k = 0; k < n; k++) {
        add(counts, 0, k, 1);
        add(counts, 1, k, 2);
    }
    cm_check_that(cm_flow_sizes_finish(counts, &error) == CAPMILL_OK, "%s", error.text);
    for (unsigned k = 0; k < n; k++)
        cm_check_eq(of(counts, k), 3);
    cm_flow_sizes_destroy(counts);
}

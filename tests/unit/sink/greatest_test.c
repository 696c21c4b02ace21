/* SPDX-License-Identifier: Apache-2.0 */
/* Of many rows those that come first are kept, in order, whatever the order in which they were offered. */
#include "sink/greatest.h"

#include <stdint.h>
#include <stdlib.h>

#include "unit/check.h"

struct row {
    uint32_t weight, number;
    char text[5]; /* an odd size: rows are bytes */
};

static int compare(const void *left, const void *right)
{
    const struct row *a = left, *b = right;

    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

static void check_kept(uint32_t n, size_t limit, uint32_t n_weights)
{
    struct cm_greatest greatest = {.limit = limit, .row_bytes = sizeof(struct row), .compare = compare};
    struct row *rows = calloc(n + 1, sizeof(*rows));
    uint32_t state = n + 7;

    cm_check(rows != NULL);
    for (uint32_t i = 0; i < n; i++) {
        state = state * 1664525 + 1013904223;
        rows[i] = (struct row){.weight = (state >> 8) % n_weights, .number = i};
        snprintf(rows[i].text, sizeof(rows[i].text), "%u", i % 1000);
        cm_greatest_offer(&greatest, &rows[i]);
    }
    cm_greatest_sort(&greatest);
    qsort(rows, n, sizeof(*rows), compare);
    cm_check(!greatest.failed);
    cm_check_eq(greatest.n, n < limit ? n : limit);
    for (size_t i = 0; i < greatest.n; i++)
        cm_check_mem(cm_greatest_row(&greatest, i), &rows[i], sizeof(rows[i]));
    free(greatest.rows);
    free(rows);
}

CM_TEST(greatest, keeps_what_comes_first)
{
    check_kept(0, 10, 5);
    check_kept(1, 10, 5);
    check_kept(10, 10, 1000);
    check_kept(11, 10, 1000);
    check_kept(5000, 1, 1000);
    check_kept(5000, 100, 3); /* ties */
    check_kept(5000, 3000, UINT32_MAX);
    check_kept(100, 0, 5);
}

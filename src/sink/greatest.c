/* SPDX-License-Identifier: Apache-2.0 */
/* A heap of bounded size over rows of any kind. */
#include "sink/greatest.h"

#include <string.h>

#include "base/grow.h"

static void swap_rows(const struct cm_greatest *greatest, size_t a, size_t b)
{
    char *one = cm_greatest_row(greatest, a), *other = cm_greatest_row(greatest, b);

    for (size_t i = 0; i < greatest->row_bytes; i++) {
        char byte = one[i];
        one[i] = other[i];
        other[i] = byte;
    }
}

static void sift_down(const struct cm_greatest *greatest)
{
    size_t at = 0;

    for (;;) {
        size_t last = at, child = 2 * at + 1;

        for (size_t i = child; i < child + 2 && i < greatest->n; i++)
            if (greatest->compare(cm_greatest_row(greatest, i), cm_greatest_row(greatest, last)) > 0)
                last = i;
        if (last == at)
            return;
        swap_rows(greatest, at, last);
        at = last;
    }
}

static void sift_up(const struct cm_greatest *greatest, size_t at)
{
    while (at > 0 &&
           greatest->compare(cm_greatest_row(greatest, at), cm_greatest_row(greatest, (at - 1) / 2)) > 0) {
        swap_rows(greatest, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

void cm_greatest_offer(struct cm_greatest *greatest, const void *row)
{
    if (greatest->failed || greatest->limit == 0)
        return;
    if (greatest->n == greatest->limit) {
        if (greatest->compare(row, greatest->rows) < 0) {
            memcpy(greatest->rows, row, greatest->row_bytes);
            sift_down(greatest);
        }
        return;
    }
    if (!cm_grow(&greatest->rows, &greatest->capacity, greatest->n + 1, 64, greatest->row_bytes)) {
        greatest->failed = true;
        return;
    }
    memcpy(cm_greatest_row(greatest, greatest->n), row, greatest->row_bytes);
    sift_up(greatest, greatest->n++);
}

void cm_greatest_sort(struct cm_greatest *greatest)
{
    const size_t n = greatest->n;

    while (greatest->n > 1) {
        swap_rows(greatest, 0, --greatest->n);
        sift_down(greatest);
    }
    greatest->n = n;
}

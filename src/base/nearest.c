/* SPDX-License-Identifier: Apache-2.0 */
/* How far two names are from each other. */
#include "base/nearest.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* Longest name that is compared; longer words are no misspelt names. */
#define NAME_BYTES 32

/* Edits (insert, remove, replace, swap neighbours) that turn `a` into `b`; NAME_BYTES where either is too
 * long. */
static unsigned edit_distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    unsigned rows[3][NAME_BYTES + 1];

    if (a_bytes > NAME_BYTES || b_bytes > NAME_BYTES)
        return NAME_BYTES;
    for (size_t j = 0; j <= b_bytes; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_bytes; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i - 1) % 3], *two_above = rows[(i + 1) % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_bytes; j++) {
            unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && two_above[j - 2] + 1 < best)
                best = two_above[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[a_bytes % 3][b_bytes];
}

/* A misspelling has at most a third of its letters wrong; more than that is another word. */
static bool is_near(unsigned distance, size_t name_bytes)
{
    return distance <= 1 + name_bytes / 4 && distance < name_bytes;
}

void cm_nearest_init(struct cm_nearest *nearest, const char *typed, size_t typed_bytes)
{
    *nearest = (struct cm_nearest){typed, typed_bytes, NULL, UINT_MAX};
}

void cm_nearest_offer(struct cm_nearest *nearest, const char *name)
{
    unsigned distance = edit_distance(nearest->typed, nearest->typed_bytes, name, strlen(name));

    if (distance < nearest->distance && is_near(distance, nearest->typed_bytes)) {
        nearest->name = name;
        nearest->distance = distance;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Most-significant-digit radix sort in place ("American flag", McIlroy, Bostic, McIlroy 1993), insertion sort
 * below. */
#include "flow/record_sort.h"

#include <stdbool.h>
#include <string.h>

/* Under some tens of records the 256 counters of a pass cost more than comparing does. */
#define SMALL 24

struct shape {
    unsigned n_words;
    unsigned n_digits; /* bytes of key */
};

static bool comes_before(const uint64_t *a, const uint64_t *b, unsigned n_key_words)
{
    for (unsigned i = 0; i < n_key_words; i++)
        if (a[i] != b[i])
            return a[i] < b[i];
    return false;
}

static void insertion_sort(uint64_t *records, size_t n, const struct shape *shape)
{
    const size_t record_bytes = shape->n_words * sizeof(uint64_t);
    uint64_t moving[CM_RECORD_WORDS_MAX];

    for (size_t i = 1; i < n; i++) {
        size_t at = i;

        if (!comes_before(records + i * shape->n_words, records + (i - 1) * shape->n_words,
                          shape->n_digits / 8))
            continue;
        memcpy(moving, records + i * shape->n_words, record_bytes);
        do
            at--;
        while (at > 0 && comes_before(moving, records + (at - 1) * shape->n_words, shape->n_digits / 8));
        memmove(records + (at + 1) * shape->n_words, records + at * shape->n_words, (i - at) * record_bytes);
        memcpy(records + at * shape->n_words, moving, record_bytes);
    }
}

static inline unsigned digit_of(const uint64_t *record, unsigned digit)
{
    return (unsigned)(record[digit / 8] >> (56 - digit % 8 * 8)) & 0xff;
}

static inline void swap_records(uint64_t *a, uint64_t *b, unsigned n_words)
{
    for (unsigned i = 0; i < n_words; i++) {
        uint64_t word = a[i];
        a[i] = b[i];
        b[i] = word;
    }
}

/* Bring every record into the bucket of its digit. On return next[d] is where bucket d ends. */
static void permute(uint64_t *records, const size_t counts[256], unsigned digit, unsigned n_words,
                    size_t next[256])
{
    size_t ends[256], sum = 0;

    for (unsigned d = 0; d < 256; d++) {
        next[d] = sum;
        sum += counts[d];
        ends[d] = sum;
    }
    for (unsigned d = 0; d < 256; d++) {
        while (next[d] < ends[d]) {
            uint64_t *record = records + next[d] * n_words;
            unsigned belongs = digit_of(record, digit);

            if (belongs != d)
                swap_records(record, records + next[belongs] * n_words, n_words);
            next[belongs]++;
        }
    }
}

static void radix_sort(uint64_t *records, size_t n, unsigned digit, const struct shape *shape)
{
    size_t counts[256], next[256];

    for (;; digit++) {
        if (n <= SMALL) {
            insertion_sort(records, n, shape);
            return;
        }
        if (digit == shape->n_digits)
            return;
        memset(counts, 0, sizeof(counts));
        for (size_t i = 0; i < n; i++)
            counts[digit_of(records + i * shape->n_words, digit)]++;
        if (counts[digit_of(records, digit)] != n)
            break; /* else: a digit that all share tells nothing */
    }
    permute(records, counts, digit, shape->n_words, next);
    for (unsigned d = 0; d < 256; d++)
        if (counts[d] > 1)
            radix_sort(records + (next[d] - counts[d]) * shape->n_words, counts[d], digit + 1, shape);
}

void cm_record_sort(uint64_t *records, size_t n, unsigned n_words, unsigned n_key_words)
{
    const struct shape shape = {n_words, n_key_words * 8};

    radix_sort(records, n, 0, &shape);
}

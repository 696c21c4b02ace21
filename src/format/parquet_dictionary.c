/* SPDX-License-Identifier: Apache-2.0 */
/* Which different values a part's column has: found by a worker, with an index for each value. Not the
 * dictionary that is written: parquet_merge.c makes it of several of these. */
#define XXH_INLINE_ALL
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/checked.h"
#include "format/parquet_int.h"

/* Half the slots stay free; indices have 16 bits. */
#define MAX_SLOTS_LOG2 16
#define MAX_FOUND      (1u << (MAX_SLOTS_LOG2 - 1))
#define LEAST_FOUND    64u

/* Values that take longer to find were chosen by somebody to do so, or are of a pattern that the hash does not
 * scatter; they get no dictionary. Of drawn values in a half-full table none takes nearly so long. */
#define MAX_PROBES 128u

/* Where more than every second value is a new one, the dictionary would take more than it saves. */
static uint32_t most_found(uint32_t n)
{
    return n / 2 < LEAST_FOUND ? LEAST_FOUND : n / 2 < MAX_FOUND ? n / 2 : MAX_FOUND;
}

static unsigned slots_log2(uint32_t n_found)
{
    return 64u - (unsigned)__builtin_clzll((uint64_t)n_found * 2 - 1);
}

enum capmill_status cm_parquet_finder_init(struct cm_parquet_finder *finder, struct cm_error *error)
{
    memset(finder, 0, sizeof(*finder));
    finder->slots = malloc(sizeof(finder->slots[0]) << MAX_SLOTS_LOG2);
    finder->numbers = malloc(MAX_FOUND * sizeof(finder->numbers[0]));
    finder->spans = malloc(MAX_FOUND * sizeof(finder->spans[0]));
    finder->hashes = malloc(MAX_FOUND * sizeof(finder->hashes[0]));
    finder->indices = malloc(CM_TABLE_MAX_ROWS * sizeof(finder->indices[0]));
    if (finder->slots == NULL || finder->numbers == NULL || finder->spans == NULL || finder->hashes == NULL ||
        finder->indices == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for dictionaries");
    return CAPMILL_OK;
}

void cm_parquet_finder_fini(struct cm_parquet_finder *finder)
{
    free(finder->slots);
    free(finder->numbers);
    free(finder->spans);
    free(finder->hashes);
    free(finder->indices);
    memset(finder, 0, sizeof(*finder));
}

/* The upper bits are the well-scattered ones, here and in what becomes of the hash. */
static inline uint32_t hash_number(uint64_t value)
{
    return (uint32_t)((value ^ value >> 32) * 0x9e3779b97f4a7c15u >> 32);
}

bool cm_parquet_find_numbers(struct cm_parquet_finder *finder, const uint64_t *values, uint32_t n)
{
    uint32_t limit = most_found(n), n_found = 0, probes;
    unsigned log2 = slots_log2(limit), mask = (1u << log2) - 1;
    uint16_t *slots = finder->slots;

    memset(slots, 0, sizeof(slots[0]) << log2);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t value = values[i];
        uint32_t hash = hash_number(value), at = hash >> (32 - log2);

        for (probes = 0; slots[at] != 0 && finder->numbers[slots[at] - 1] != value; at = (at + 1) & mask)
            if (++probes > MAX_PROBES)
                return false;
        if (slots[at] == 0) {
            if (n_found == limit)
                return false;
            finder->numbers[n_found] = value;
            finder->hashes[n_found] = hash;
            slots[at] = (uint16_t)++n_found;
        }
        finder->indices[i] = (uint16_t)(slots[at] - 1);
    }
    finder->n_found = n_found;
    return true;
}

static inline bool equal_spans(const struct cm_span *a, const struct cm_span *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->bytes, b->bytes, a->n) == 0);
}

bool cm_parquet_find_spans(struct cm_parquet_finder *finder, const struct cm_span *values, uint32_t n)
{
    uint32_t limit = most_found(n), n_found = 0, probes;
    unsigned log2 = slots_log2(limit), mask = (1u << log2) - 1;
    uint16_t *slots = finder->slots;

    memset(slots, 0, sizeof(slots[0]) << log2);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t hash, at;

        /* the same bytes, not equal ones: names of interfaces are */
        if (i != 0 && values[i].bytes == values[i - 1].bytes && values[i].n == values[i - 1].n) {
            finder->indices[i] = finder->indices[i - 1];
            continue;
        }
        hash = (uint32_t)(XXH3_64bits(values[i].bytes, values[i].n) >> 32);
        at = hash >> (32 - log2);
        for (probes = 0; slots[at] != 0; at = (at + 1) & mask) {
            uint32_t found = slots[at] - 1u;

            if (finder->hashes[found] == hash && equal_spans(&finder->spans[found], &values[i]))
                break;
            if (++probes > MAX_PROBES)
                return false;
        }
        if (slots[at] == 0) {
            if (n_found == limit)
                return false;
            finder->spans[n_found] = values[i];
            finder->hashes[n_found] = hash;
            slots[at] = (uint16_t)++n_found;
        }
        finder->indices[i] = (uint16_t)(slots[at] - 1);
    }
    finder->n_found = n_found;
    return true;
}

/* Bytes of all texts found, which indices of 32 bits must reach. */
static bool sum_texts(const struct cm_parquet_finder *finder, uint32_t *n_ret)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < finder->n_found; i++)
        n += finder->spans[i].n;
    *n_ret = (uint32_t)n;
    return n <= UINT32_MAX;
}

static void keep_texts(const struct cm_parquet_finder *finder, struct cm_parquet_found *found)
{
    uint32_t end = 0;

    for (uint32_t i = 0; i < finder->n_found; i++) {
        if (finder->spans[i].n != 0)
            memcpy(found->text + end, finder->spans[i].bytes, finder->spans[i].n);
        end += finder->spans[i].n;
        found->ends[i] = end;
    }
}

enum capmill_status cm_parquet_found_keep(const struct cm_parquet_finder *finder, bool of_spans,
                                          uint32_t n_values, struct cm_parquet_found *found_ret,
                                          struct cm_error *error)
{
    size_t n_found = finder->n_found, n_indices = n_found > 1 ? n_values : 0;
    uint32_t n_text = 0;
    uint8_t *p;

    memset(found_ret, 0, sizeof(*found_ret));
    if (of_spans && !sum_texts(finder, &n_text))
        return CAPMILL_AGAIN;
    found_ret->n_found = finder->n_found;
    found_ret->n_bytes = n_found * (of_spans ? 4 : 8) + n_found * 4 + n_indices * 2 + n_text;
    p = found_ret->memory = malloc(found_ret->n_bytes + 1);
    if (p == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a dictionary of %zu bytes",
                            found_ret->n_bytes);
    /* the widest first, so that all are aligned */
    if (of_spans) {
        found_ret->ends = (uint32_t *)(void *)p;
        p += n_found * 4;
    } else {
        found_ret->numbers = (uint64_t *)(void *)p;
        memcpy(p, finder->numbers, n_found * 8);
        p += n_found * 8;
    }
    found_ret->hashes = (uint32_t *)(void *)p;
    memcpy(p, finder->hashes, n_found * 4);
    p += n_found * 4;
    if (n_indices != 0) {
        found_ret->indices = (uint16_t *)(void *)p;
        memcpy(p, finder->indices, n_indices * 2);
        p += n_indices * 2;
    }
    found_ret->text = p;
    if (of_spans)
        keep_texts(finder, found_ret);
    return CAPMILL_OK;
}

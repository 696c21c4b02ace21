/* SPDX-License-Identifier: Apache-2.0 */
/* A column's dictionary of a row group, made of those of its parts: in the order of parts, so that it is the
 * same whoever found them. One thread's work, for each different value of a part and not for each row. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "base/grow.h"
#include "format/parquet_int.h"

#define FIRST_SLOTS_LOG2 9
#define MAX_SLOTS_LOG2   18   /* half of them free when CM_PARQUET_DICTIONARY_VALUES are in */
#define MAX_PROBES       256u /* as in parquet_dictionary.c, of more values */

void cm_parquet_dictionary_fini(struct cm_parquet_dictionary *dictionary)
{
    free(dictionary->slots);
    free(dictionary->numbers);
    free(dictionary->ends);
    cm_bytes_free(&dictionary->text);
    memset(dictionary, 0, sizeof(*dictionary));
}

uint64_t cm_parquet_dictionary_held(const struct cm_parquet_dictionary *dictionary)
{
    return (dictionary->slots == NULL ? 0 : sizeof(dictionary->slots[0]) << dictionary->slots_log2) +
           dictionary->numbers_capacity * sizeof(dictionary->numbers[0]) +
           dictionary->ends_capacity * sizeof(dictionary->ends[0]) + dictionary->text.capacity;
}

uint64_t cm_parquet_dictionary_bytes(const struct cm_parquet_column *column,
                                     const struct cm_parquet_dictionary *dictionary)
{
    return column->type == CM_PARQUET_BYTE_ARRAY ? dictionary->text.n
                                                 : (uint64_t)dictionary->n_values * column->width;
}

static struct cm_span span_of(const struct cm_parquet_dictionary *dictionary, uint32_t i)
{
    uint32_t begin = (i == 0 ? 0 : dictionary->ends[i - 1]) + 4;

    return (struct cm_span){dictionary->text.data + begin, dictionary->ends[i] - begin};
}

static void place(uint64_t *slots, unsigned log2, uint64_t slot)
{
    uint32_t at = (uint32_t)(slot >> 32) >> (32 - log2);

    while (slots[at] != 0)
        at = (at + 1) & ((1u << log2) - 1);
    slots[at] = slot;
}

/* Slots for one more value. */
static enum capmill_status make_room(struct cm_parquet_dictionary *dictionary, struct cm_error *error)
{
    unsigned log2 = dictionary->slots == NULL ? FIRST_SLOTS_LOG2 : dictionary->slots_log2 + 1;
    uint64_t *slots;

    if (dictionary->slots != NULL && dictionary->n_values < 1u << (dictionary->slots_log2 - 1))
        return CAPMILL_OK;
    slots = calloc((size_t)1 << log2, sizeof(slots[0]));
    if (slots == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a dictionary of %u values",
                            dictionary->n_values);
    if (dictionary->slots != NULL)
        for (size_t i = 0; i < (size_t)1 << dictionary->slots_log2; i++)
            if (dictionary->slots[i] != 0)
                place(slots, log2, dictionary->slots[i]);
    free(dictionary->slots);
    dictionary->slots = slots;
    dictionary->slots_log2 = log2;
    return CAPMILL_OK;
}
_Static_assert(CM_PARQUET_DICTIONARY_VALUES <= 1u << (MAX_SLOTS_LOG2 - 1), "half of the slots stay free");

static bool is_full(const struct cm_parquet_column *column, const struct cm_parquet_dictionary *dictionary,
                    uint32_t n_more)
{
    return dictionary->n_values == CM_PARQUET_DICTIONARY_VALUES ||
           cm_parquet_dictionary_bytes(column, dictionary) + n_more > CM_PARQUET_DICTIONARY_BYTES;
}

static enum capmill_status append_number(struct cm_parquet_dictionary *dictionary,
                                         const struct cm_parquet_column *column, uint64_t number,
                                         struct cm_error *error)
{
    if (is_full(column, dictionary, column->width))
        return CAPMILL_AGAIN;
    if (!CM_GROW(dictionary->numbers, dictionary->numbers_capacity, (size_t)dictionary->n_values + 1, 256))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a dictionary");
    dictionary->numbers[dictionary->n_values] = number;
    return CAPMILL_OK;
}

static enum capmill_status append_span(struct cm_parquet_dictionary *dictionary,
                                       const struct cm_parquet_column *column, struct cm_span span,
                                       struct cm_error *error)
{
    enum capmill_status status;
    uint8_t *p;

    if (span.n > CM_PARQUET_DICTIONARY_BYTES || is_full(column, dictionary, span.n + 4))
        return CAPMILL_AGAIN;
    if (!CM_GROW(dictionary->ends, dictionary->ends_capacity, (size_t)dictionary->n_values + 1, 256))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a dictionary");
    status = cm_bytes_reserve(&dictionary->text, (size_t)span.n + 4, error);
    if (status != CAPMILL_OK)
        return status;
    p = dictionary->text.data + dictionary->text.n;
    cm_store_u32_as(p, span.n, false);
    if (span.n != 0)
        memcpy(p + 4, span.bytes, span.n);
    dictionary->text.n += (size_t)span.n + 4;
    dictionary->ends[dictionary->n_values] = (uint32_t)dictionary->text.n;
    return CAPMILL_OK;
}

static bool is_value(const struct cm_parquet_dictionary *dictionary, uint32_t index,
                     const struct cm_parquet_found *found, uint32_t i)
{
    struct cm_span there, here;

    if (found->numbers != NULL)
        return dictionary->numbers[index] == found->numbers[i];
    there = span_of(dictionary, index), here = cm_parquet_found_span(found, i);
    return there.n == here.n && (here.n == 0 || memcmp(there.bytes, here.bytes, here.n) == 0);
}

/* The slot of value `i`, or the free one where it belongs; AGAIN where looking takes too long. */
static enum capmill_status look_up(const struct cm_parquet_dictionary *dictionary,
                                   const struct cm_parquet_found *found, uint32_t i, uint32_t *at_ret)
{
    uint32_t mask = (1u << dictionary->slots_log2) - 1, hash = found->hashes[i];
    uint32_t at = hash >> (32 - dictionary->slots_log2);

    for (uint32_t probes = 0; dictionary->slots[at] != 0; at = (at + 1) & mask) {
        uint64_t slot = dictionary->slots[at];

        if (slot >> 32 == hash && is_value(dictionary, (uint32_t)slot - 1, found, i))
            break;
        if (++probes > MAX_PROBES)
            return CAPMILL_AGAIN;
    }
    *at_ret = at;
    return CAPMILL_OK;
}

static enum capmill_status merge_value(struct cm_parquet_dictionary *dictionary,
                                       const struct cm_parquet_column *column,
                                       const struct cm_parquet_found *found, uint32_t i, uint32_t *index_ret,
                                       struct cm_error *error)
{
    enum capmill_status status = make_room(dictionary, error);
    uint32_t at;

    if (status == CAPMILL_OK)
        status = look_up(dictionary, found, i, &at);
    if (status != CAPMILL_OK)
        return status;
    if (dictionary->slots[at] == 0) {
        status = found->numbers != NULL
                     ? append_number(dictionary, column, found->numbers[i], error)
                     : append_span(dictionary, column, cm_parquet_found_span(found, i), error);
        if (status != CAPMILL_OK)
            return status;
        dictionary->slots[at] = (uint64_t)found->hashes[i] << 32 | ++dictionary->n_values;
    }
    *index_ret = (uint32_t)dictionary->slots[at] - 1;
    return CAPMILL_OK;
}

enum capmill_status cm_parquet_dictionary_merge(struct cm_parquet_dictionary *dictionary,
                                                const struct cm_parquet_column *column,
                                                const struct cm_parquet_found *found, uint32_t *indices_ret,
                                                struct cm_error *error)
{
    for (uint32_t i = 0; i < found->n_found; i++) {
        enum capmill_status status = dictionary->full
                                         ? CAPMILL_AGAIN
                                         : merge_value(dictionary, column, found, i, &indices_ret[i], error);

        if (status == CAPMILL_AGAIN)
            dictionary->full = true;
        if (status != CAPMILL_OK)
            return status;
    }
    return dictionary->full ? CAPMILL_AGAIN : CAPMILL_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of key sets: growing, clearing, packing. Not for finding keys (key_set.h, inline). */
#include "flow/key_set.h"

#include <stdlib.h>
#include <string.h>

#include "os/memory.h"

/* A capture of some packets fits the first table, so that thousands of small captures touch 1 to 4 KiB
 * each. */
#define FIRST_CAPACITY 64u
/* What clear keeps: a table that grew for a large capture is not wiped again and again for the small ones
 * after it. */
#define KEPT_BYTES ((size_t)64 << 10)
/* From here on memory comes from the system on large pages: with 4 KiB pages every probe of a large table
 * would miss the TLB as well as the cache. */
#define MAPPED_BYTES ((size_t)1 << 20)

static uint64_t *slots_create(size_t n_bytes)
{
    return n_bytes >= MAPPED_BYTES ? cm_memory_map(n_bytes) : calloc(1, n_bytes);
}

static void slots_destroy(uint64_t *slots, size_t n_bytes)
{
    if (slots == NULL)
        return;
    if (n_bytes >= MAPPED_BYTES)
        cm_memory_unmap(slots, n_bytes);
    else
        free(slots);
}

static void set_capacity(struct cm_key_set *set, uint64_t *slots, size_t capacity)
{
    set->slots = slots;
    set->capacity = capacity;
    set->shift = 64 - (unsigned)__builtin_ctzll(capacity);
}

enum capmill_status cm_key_set_init(struct cm_key_set *set, unsigned n_words, unsigned n_key_words,
                                    const struct cm_flow_seed *seed, struct cm_error *error)
{
    memset(set, 0, sizeof(*set));
    set->n_words = (uint8_t)n_words;
    set->n_key_words = (uint8_t)n_key_words;
    set->seed = *seed;
    set_capacity(set, slots_create(FIRST_CAPACITY * n_words * sizeof(uint64_t)), FIRST_CAPACITY);
    if (set->slots == NULL) {
        set->capacity = 0;
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for flows");
    }
    return CAPMILL_OK;
}

void cm_key_set_fini(struct cm_key_set *set)
{
    slots_destroy(set->slots, cm_key_set_bytes(set));
    memset(set, 0, sizeof(*set));
}

void cm_key_set_clear(struct cm_key_set *set)
{
    size_t kept = set->capacity;

    while (kept * set->n_words * sizeof(uint64_t) > KEPT_BYTES)
        kept /= 2;
    if (kept < set->capacity) {
        uint64_t *slots = slots_create(kept * set->n_words * sizeof(uint64_t));

        if (slots != NULL) {
            slots_destroy(set->slots, cm_key_set_bytes(set));
            set_capacity(set, slots, kept);
            set->n = 0;
            return;
        }
    }
    memset(set->slots, 0, cm_key_set_bytes(set));
    set->n = 0;
}

static size_t capacity_for(const struct cm_key_set *set, size_t n_more)
{
    size_t capacity = set->capacity;

    while (cm_key_set_limit(capacity) < set->n + n_more)
        capacity *= 2;
    return capacity;
}

size_t cm_key_set_peak_bytes(const struct cm_key_set *set, size_t n_more)
{
    size_t capacity = capacity_for(set, n_more);

    return (capacity + (capacity > set->capacity ? set->capacity : 0)) * set->n_words * sizeof(uint64_t);
}

/* Entries of distinct keys into empty slots; in hash order, so `to` is written front to back. */
static inline void move_entries(const struct cm_key_set *from, struct cm_key_set *to, unsigned n_words,
                                unsigned n_key_words)
{
    for (const uint64_t *entry = from->slots, *end = entry + from->capacity * n_words; entry < end;
         entry += n_words) {
        size_t at;

        if ((entry[n_key_words - 1] & CM_KEY_SET_FLAGS) == 0)
            continue;
        at = cm_key_set_hash(&from->seed, entry, n_key_words) >> to->shift;
        while ((to->slots[at * n_words + n_key_words - 1] & CM_KEY_SET_FLAGS) != 0)
            at = (at + 1) & (to->capacity - 1);
        for (unsigned i = 0; i < n_words; i++)
            to->slots[at * n_words + i] = entry[i];
    }
}

enum capmill_status cm_key_set_reserve(struct cm_key_set *set, size_t n_more, struct cm_error *error)
{
    struct cm_key_set grown = *set;
    size_t capacity = capacity_for(set, n_more);
    uint64_t *slots;

    if (capacity == set->capacity)
        return CAPMILL_OK;
    slots = slots_create(capacity * set->n_words * sizeof(uint64_t));
    if (slots == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for %zu flows", set->n + n_more);
    set_capacity(&grown, slots, capacity);
    if (set->n_words == 2 && set->n_key_words == 2)
        move_entries(set, &grown, 2, 2); /* the table that a million flows double most often */
    else
        move_entries(set, &grown, set->n_words, set->n_key_words);
    slots_destroy(set->slots, cm_key_set_bytes(set));
    *set = grown;
    return CAPMILL_OK;
}

void cm_key_set_pack(struct cm_key_set *set)
{
    uint64_t *to = set->slots;

    for (const uint64_t *entry = set->slots, *end = entry + set->capacity * set->n_words; entry < end;
         entry += set->n_words) {
        if ((entry[set->n_key_words - 1] & CM_KEY_SET_FLAGS) == 0)
            continue;
        if (to != entry)
            memcpy(to, entry, set->n_words * sizeof(uint64_t));
        to += set->n_words;
    }
}

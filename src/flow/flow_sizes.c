/* SPDX-License-Identifier: Apache-2.0 */
/* Packets per flow: two key sets a thread (IPv4 flows take half the memory), of one seed, so that uniting
 * walks them in one order. All threads share one budget; a set asks before it grows. */
#include "flow/flow_sizes.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/quantity.h"
#include "flow/key_set.h"

/* Words of an entry: the key, then the count. */
#define WORDS4   (CM_FLOW_KEY4_WORDS + 1u)
#define WORDS6   (CM_FLOW_KEY_WORDS + 1u)
#define OCCUPIED UINT64_C(1)

/* Room is asked for this many entries at once while parts are united. */
#define UNITE_CHUNK 1024u

/* Of one thread; on cache lines of its own, because its numbers change with every packet. */
struct part {
    _Alignas(64) struct cm_key_set flows4;
    struct cm_key_set flows6;
};

struct cm_flow_sizes {
    unsigned n_parts;
    uint64_t memory_bytes;
    _Atomic uint64_t held_bytes; /* by all sets; a sum, nothing is made visible by it */
    struct part *parts;          /* finished: the first has all */
    void *parts_memory;
};

static void count_held(struct cm_flow_sizes *counts)
{
    uint64_t held = 0;

    for (unsigned i = 0; i < counts->n_parts; i++)
        held += cm_key_set_bytes(&counts->parts[i].flows4) + cm_key_set_bytes(&counts->parts[i].flows6);
    atomic_store_explicit(&counts->held_bytes, held, memory_order_relaxed);
}

struct cm_flow_sizes *cm_flow_sizes_create(unsigned n_threads, uint64_t memory_bytes)
{
    struct cm_flow_sizes *counts = calloc(1, sizeof(*counts));
    struct cm_flow_seed seed;
    size_t n_bytes;

    if (counts == NULL || !cm_mul_size(n_threads, sizeof(struct part), &n_bytes) ||
        (counts->parts_memory = calloc(1, n_bytes + _Alignof(struct part))) == NULL) {
        free(counts);
        return NULL;
    }
    counts->parts =
        (struct part *)cm_align_up((size_t)(uintptr_t)counts->parts_memory, _Alignof(struct part));
    counts->memory_bytes = memory_bytes;
    cm_flow_seed_make(&seed);
    for (; counts->n_parts < n_threads; counts->n_parts++) {
        struct part *part = &counts->parts[counts->n_parts];

        if (cm_key_set_init(&part->flows4, WORDS4, CM_FLOW_KEY4_WORDS, &seed, NULL) < 0 ||
            cm_key_set_init(&part->flows6, WORDS6, CM_FLOW_KEY_WORDS, &seed, NULL) < 0) {
            counts->n_parts++;
            cm_flow_sizes_destroy(counts);
            return NULL;
        }
    }
    count_held(counts);
    return counts;
}

void cm_flow_sizes_destroy(struct cm_flow_sizes *counts)
{
    if (counts == NULL)
        return;
    for (unsigned i = 0; i < counts->n_parts; i++) {
        cm_key_set_fini(&counts->parts[i].flows4);
        cm_key_set_fini(&counts->parts[i].flows6);
    }
    free(counts->parts_memory);
    free(counts);
}

/* --- memory --- */

/* `n` flows are in a set that may not grow to `needed_bytes` in all. What would do can only be told for the
 * flows seen so far. */
static enum capmill_status too_much(const struct cm_flow_sizes *counts, size_t n, uint64_t needed_bytes,
                                    struct cm_error *error)
{
    char flows[CM_QUANTITY_TEXT_BYTES], needed[CM_QUANTITY_TEXT_BYTES], allowed[CM_QUANTITY_TEXT_BYTES];

    /* the caller has given half of --memory; twice what is needed now, as tables double */
    return cm_error_set(
        error, CAPMILL_E_MEMORY, 0,
        "counting the packets of each flow takes %s for the first %s flows, and half of --memory "
        "is %s; try --memory %" PRIu64 "M",
        cm_size_text(needed_bytes, needed), cm_count_text(n, flows),
        cm_size_text(counts->memory_bytes, allowed), (cm_mul_saturating_u64(needed_bytes, 4) >> 20) + 1);
}

/* Make room in a set within the budget. While it grows, it is there twice. */
static enum capmill_status grow(struct cm_flow_sizes *counts, struct cm_key_set *set, size_t n_more,
                                struct cm_error *error)
{
    const uint64_t before = cm_key_set_bytes(set), more = cm_key_set_peak_bytes(set, n_more) - before;
    const uint64_t held = atomic_fetch_add_explicit(&counts->held_bytes, more, memory_order_relaxed);
    enum capmill_status status;

    if (held + more > counts->memory_bytes) {
        atomic_fetch_sub_explicit(&counts->held_bytes, more, memory_order_relaxed);
        return too_much(counts, set->n, held + more, error);
    }
    status = cm_key_set_reserve(set, n_more, error);
    /* the old slots went back, or the new ones were not had */
    atomic_fetch_sub_explicit(&counts->held_bytes, status < 0 ? more : before + more - cm_key_set_bytes(set),
                              memory_order_relaxed);
    return status;
}

/* --- counting --- */

static inline void count(struct cm_key_set *set, const uint64_t *key, uint64_t n, unsigned n_words,
                         unsigned n_key_words)
{
    const uint64_t hash = cm_key_set_hash(&set->seed, key, n_key_words);
    uint64_t *entry = cm_key_set_take(set, key, hash, n_words, n_key_words);

    if ((entry[n_key_words - 1] & CM_KEY_SET_FLAGS) == 0) {
        entry[n_key_words - 1] |= OCCUPIED;
        entry[n_words - 1] = 0;
    }
    entry[n_words - 1] += n;
}

enum capmill_status cm_flow_sizes_add(struct cm_flow_sizes *counts, unsigned thread,
                                      const struct cm_flow_key *key, struct cm_error *error)
{
    const bool is_ipv4 = cm_flow_key_is_ipv4(key);
    struct part *part = &counts->parts[thread];
    struct cm_key_set *set = is_ipv4 ? &part->flows4 : &part->flows6;

    if (CM_UNLIKELY(!cm_key_set_has_room(set, 1))) {
        const enum capmill_status status = grow(counts, set, 1, error);

        if (status < 0)
            return status;
    }
    if (is_ipv4) {
        struct cm_flow_key4 key4;

        cm_flow_key_narrow(key, &key4);
        count(set, key4.words, 1, WORDS4, CM_FLOW_KEY4_WORDS);
    } else {
        count(set, key->words, 1, WORDS6, CM_FLOW_KEY_WORDS);
    }
    return CAPMILL_OK;
}

/* --- uniting --- */

static inline enum capmill_status absorb(struct cm_flow_sizes *counts, struct cm_key_set *into,
                                         const struct cm_key_set *from, unsigned n_words,
                                         unsigned n_key_words, struct cm_error *error)
{
    const uint64_t *end = from->slots + from->capacity * n_words;
    size_t n_room = 0;

    for (const uint64_t *entry = from->slots; entry < end; entry += n_words) {
        if ((entry[n_key_words - 1] & CM_KEY_SET_FLAGS) == 0)
            continue;
        /* little by little: threads mostly have seen the same flows */
        if (n_room == 0) {
            if (!cm_key_set_has_room(into, UNITE_CHUNK)) {
                const enum capmill_status status = grow(counts, into, UNITE_CHUNK, error);

                if (status < 0)
                    return status;
            }
            n_room = UNITE_CHUNK;
        }
        n_room--;
        count(into, entry, entry[n_words - 1], n_words, n_key_words);
    }
    return CAPMILL_OK;
}

static void swap_sets(struct cm_key_set *a, struct cm_key_set *b)
{
    const struct cm_key_set swapped = *a;

    *a = *b;
    *b = swapped;
}

enum capmill_status cm_flow_sizes_finish(struct cm_flow_sizes *counts, struct cm_error *error)
{
    struct part *all = &counts->parts[0];

    for (unsigned i = 1; i < counts->n_parts; i++) {
        struct part *part = &counts->parts[i];
        enum capmill_status status;

        /* the smaller one moves */
        if (part->flows4.n > all->flows4.n)
            swap_sets(&part->flows4, &all->flows4);
        if (part->flows6.n > all->flows6.n)
            swap_sets(&part->flows6, &all->flows6);
        status = absorb(counts, &all->flows4, &part->flows4, WORDS4, CM_FLOW_KEY4_WORDS, error);
        if (status >= 0)
            status = absorb(counts, &all->flows6, &part->flows6, WORDS6, CM_FLOW_KEY_WORDS, error);
        if (status < 0)
            return status;
        cm_key_set_clear(&part->flows4);
        cm_key_set_clear(&part->flows6);
        count_held(counts);
    }
    return CAPMILL_OK;
}

void cm_flow_sizes_reset(struct cm_flow_sizes *counts)
{
    for (unsigned i = 0; i < counts->n_parts; i++) {
        cm_key_set_clear(&counts->parts[i].flows4);
        cm_key_set_clear(&counts->parts[i].flows6);
    }
    count_held(counts);
}

uint64_t cm_flow_sizes_of(const struct cm_flow_sizes *counts, const struct cm_flow_key *key)
{
    const struct part *all = &counts->parts[0];
    const uint64_t *entry;

    if (cm_flow_key_is_ipv4(key)) {
        struct cm_flow_key4 key4;
        uint64_t hash;

        cm_flow_key_narrow(key, &key4);
        hash = cm_key_set_hash(&all->flows4.seed, key4.words, CM_FLOW_KEY4_WORDS);
        entry = cm_key_set_find(&all->flows4, key4.words, hash, WORDS4, CM_FLOW_KEY4_WORDS);
        return entry == NULL ? 0 : entry[WORDS4 - 1];
    }
    entry = cm_key_set_find(&all->flows6, key->words,
                            cm_key_set_hash(&all->flows6.seed, key->words, CM_FLOW_KEY_WORDS), WORDS6,
                            CM_FLOW_KEY_WORDS);
    return entry == NULL ? 0 : entry[WORDS6 - 1];
}

uint64_t cm_flow_sizes_held_bytes(const struct cm_flow_sizes *counts)
{
    return atomic_load_explicit(&counts->held_bytes, memory_order_relaxed);
}

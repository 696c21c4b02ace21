/* SPDX-License-Identifier: Apache-2.0 */
/* Open-addressing tables of fixed-size keys stored whole, the ground of the tables of this room. For its
 * files only: everything hot is inline with the entry's shape as a compile-time constant. One thread at a
 * time.
 *
 * Entries are `n_words` 64-bit words: first the key's `n_key_words`, then what the owner keeps beside it. The
 * last key word leaves its low 24 bits to flags; an entry is occupied where they are not all 0, so zeroed
 * memory is empty.
 *
 * Slots are taken by the top bits of the hash, with linear probing. So a walk over the slots is a walk in
 * hash order: doubling a table, and uniting two tables of one seed, read and write memory in sequence, which
 * is why uniting needs no partitions (a million entries take some milliseconds).
 *
 * Hostile input: whoever makes a capture knows every public hash, and could send all flows to one slot.
 * Places come therefore from a hash with a secret of the run: NH (Black et al., UMAC) sums products of key
 * words and secret words; two keys collide with probability about 2^-64 for one who does not know the secret.
 * Results never depend on it. */
#ifndef CM_FLOW_KEY_SET_H
#define CM_FLOW_KEY_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/checked.h"
#include "base/error.h"
#include "flow/key.h"
#include "flow/seed.h"

#define CM_KEY_SET_FLAGS ((UINT64_C(1) << CM_FLOW_KEY_SPARE_BITS) - 1)

struct cm_key_set {
    uint64_t *slots;
    size_t capacity; /* slots; a power of two */
    size_t n;        /* occupied */
    unsigned shift;  /* 64 - log2(capacity) */
    uint8_t n_words;
    uint8_t n_key_words;
    struct cm_flow_seed seed;
};

/* Keys of more words come first in the caller's constants: IPv4 address 1, IPv4 flow 2, IPv6 address 3, IPv6
 * flow 5. Zeroed memory is a valid argument of fini. */
enum capmill_status cm_key_set_init(struct cm_key_set *set, unsigned n_words, unsigned n_key_words,
                                    const struct cm_flow_seed *seed, struct cm_error *error);
void cm_key_set_fini(struct cm_key_set *set);
/* Empty it; memory beyond what a small capture needs is given back. */
void cm_key_set_clear(struct cm_key_set *set);
/* Bytes of memory it would hold, at its peak, once cm_key_set_reserve made room for `n_more`. */
size_t cm_key_set_peak_bytes(const struct cm_key_set *set, size_t n_more);
static inline size_t cm_key_set_bytes(const struct cm_key_set *set)
{
    return set->capacity * set->n_words * sizeof(uint64_t);
}
/* Room for `n_more` entries, so that the next that many cm_key_set_take cannot fail. May move the slots. */
enum capmill_status cm_key_set_reserve(struct cm_key_set *set, size_t n_more, struct cm_error *error);
/* Move the entries to the front of the slots, in no order, and forget how to find them: until
 * cm_key_set_clear the set is an array of `n` entries at `slots`. */
void cm_key_set_pack(struct cm_key_set *set);

/* Past three quarters full linear probing degrades; growing at five eighths keeps a found key within the
 * first cache line or two (1.8 probes on average), and 16-byte entries at 26 to 52 bytes a flow. */
static inline size_t cm_key_set_limit(size_t capacity)
{
    return capacity / 8 * 5;
}

static inline bool cm_key_set_has_room(const struct cm_key_set *set, size_t n_more)
{
    return set->n + n_more <= cm_key_set_limit(set->capacity);
}

static inline uint64_t cm_key_set_hash(const struct cm_flow_seed *seed, const uint64_t *key,
                                       unsigned n_key_words)
{
    const uint64_t last = key[n_key_words - 1] & ~CM_KEY_SET_FLAGS;
    const uint64_t *s = seed->words;

    switch (n_key_words) { /* a constant wherever speed matters */
    case 1:
        return cm_flow_fold(cm_flow_product(last + s[0], s[1]));
    case 2:
        return cm_flow_fold(cm_flow_product(key[0] + s[0], last + s[1]));
    case 3:
        return cm_flow_fold(cm_flow_product(key[0] + s[0], key[1] + s[1]) +
                            cm_flow_product(last + s[2], s[3]));
    default:
        return cm_flow_fold(cm_flow_product(key[0] + s[0], key[1] + s[1]) +
                            cm_flow_product(key[2] + s[2], key[3] + s[3]) +
                            cm_flow_product(last + s[4], s[5]));
    }
}

static inline uint64_t *cm_key_set_slot(const struct cm_key_set *set, uint64_t hash, unsigned n_words)
{
    return set->slots + (hash >> set->shift) * n_words;
}

static inline void cm_key_set_prefetch(const struct cm_key_set *set, uint64_t hash, unsigned n_words)
{
    __builtin_prefetch(cm_key_set_slot(set, hash, n_words), 1);
}

static inline bool cm_key_set_same(const uint64_t *entry, const uint64_t *key, unsigned n_key_words)
{
    uint64_t difference = (entry[n_key_words - 1] ^ key[n_key_words - 1]) & ~CM_KEY_SET_FLAGS;

    for (unsigned i = 0; i + 1 < n_key_words; i++)
        difference |= entry[i] ^ key[i];
    return difference == 0;
}

/* The entry of `key`, made if absent: then its flags are 0, its other words unset, and the caller sets both
 * at once. Room was reserved. `n_words` and `n_key_words` are those of init, repeated as constants for the
 * compiler. */
static inline uint64_t *cm_key_set_take(struct cm_key_set *set, const uint64_t *key, uint64_t hash,
                                        unsigned n_words, unsigned n_key_words)
{
    size_t at = hash >> set->shift;

    for (;;) {
        uint64_t *entry = set->slots + at * n_words;

        if ((entry[n_key_words - 1] & CM_KEY_SET_FLAGS) == 0) {
            for (unsigned i = 0; i + 1 < n_key_words; i++)
                entry[i] = key[i];
            entry[n_key_words - 1] = key[n_key_words - 1] & ~CM_KEY_SET_FLAGS;
            set->n++;
            return entry;
        }
        if (CM_LIKELY(cm_key_set_same(entry, key, n_key_words)))
            return entry;
        at = (at + 1) & (set->capacity - 1);
    }
}

/* The entry of `key`, or NULL. */
static inline const uint64_t *cm_key_set_find(const struct cm_key_set *set, const uint64_t *key,
                                              uint64_t hash, unsigned n_words, unsigned n_key_words)
{
    for (size_t at = hash >> set->shift;; at = (at + 1) & (set->capacity - 1)) {
        const uint64_t *entry = set->slots + at * n_words;

        if ((entry[n_key_words - 1] & CM_KEY_SET_FLAGS) == 0)
            return NULL;
        if (cm_key_set_same(entry, key, n_key_words))
            return entry;
    }
}

#endif

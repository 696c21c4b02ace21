/* SPDX-License-Identifier: Apache-2.0 */
/* XXH3 behind a small door. */
#include "format/content_hash.h"

#include <assert.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static_assert(sizeof(XXH3_state_t) <= sizeof(struct cm_content_hash), "room for the state of the hash");

static XXH3_state_t *state_of(struct cm_content_hash *hash)
{
    return (XXH3_state_t *)(void *)hash->state;
}

void cm_content_hash_begin(struct cm_content_hash *hash, uint64_t n_bytes)
{
    uint8_t length[8];

    for (unsigned i = 0; i < 8; i++)
        length[i] = (uint8_t)(n_bytes >> 8 * i);
    XXH3_64bits_reset(state_of(hash));
    XXH3_64bits_update(state_of(hash), length, sizeof(length));
}

void cm_content_hash_add(struct cm_content_hash *hash, const void *bytes, size_t n)
{
    XXH3_64bits_update(state_of(hash), bytes, n);
}

uint64_t cm_content_hash_end(struct cm_content_hash *hash)
{
    return XXH3_64bits_digest(state_of(hash));
}

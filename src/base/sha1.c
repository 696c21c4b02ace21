/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-1 as FIPS 180-4, sections 5.1.1 (padding) and 6.1.2 (computation) have it. Each step waits for the one before
 * it, so one message leaves most of a processor idle: the computation is written for four, one in each lane of
 * vectors that every processor has. A lone message is in all four, which is still faster than words are. */
#include "base/sha1.h"

#include <string.h>

#include "base/endian.h"

#define BLOCK_BYTES 64u
#define WORDS       5u

typedef uint32_t lanes __attribute__((vector_size(CM_SHA1_LANES * sizeof(uint32_t))));

#define ROTATE_LEFT(value, n) ((value) << (n) | (value) >> (32 - (n)))
#define CHOOSE(b, c, d)       (((b) & (c)) | (~(b) & (d)))
#define PARITY(b, c, d)       ((b) ^ (c) ^ (d))
#define MAJORITY(b, c, d)     (((b) & (c)) | (((b) | (c)) & (d)))

/* One step, after which the five words have moved on by a name: five steps bring them back. */
#define STEP(mix, constant, a, b, c, d, e, word)                                                             \
    do {                                                                                                     \
        (e) += ROTATE_LEFT(a, 5) + mix(b, c, d) + (uint32_t)(constant) + (word);                             \
        (b) = ROTATE_LEFT(b, 30);                                                                            \
    } while (0)
#define TWENTY_STEPS(mix, constant, first)                                                                   \
    for (unsigned t = (first); t < (first) + 20; t += 5) {                                                   \
        STEP(mix, constant, a, b, c, d, e, w[t]);                                                            \
        STEP(mix, constant, e, a, b, c, d, w[t + 1]);                                                        \
        STEP(mix, constant, d, e, a, b, c, w[t + 2]);                                                        \
        STEP(mix, constant, c, d, e, a, b, w[t + 3]);                                                        \
        STEP(mix, constant, b, c, d, e, a, w[t + 4]);                                                        \
    }

static const uint32_t first_state[WORDS] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

static void digest_blocks(lanes state[WORDS], const uint8_t *const blocks[CM_SHA1_LANES])
{
    lanes w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

    for (unsigned t = 0; t < 16; t++)
        w[t] = (lanes){cm_load_be32(blocks[0] + 4 * t), cm_load_be32(blocks[1] + 4 * t),
                       cm_load_be32(blocks[2] + 4 * t), cm_load_be32(blocks[3] + 4 * t)};
    for (unsigned t = 16; t < 80; t++)
        w[t] = ROTATE_LEFT(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    TWENTY_STEPS(CHOOSE, 0x5a827999, 0);
    TWENTY_STEPS(PARITY, 0x6ed9eba1, 20);
    TWENTY_STEPS(MAJORITY, 0x8f1bbcdc, 40);
    TWENTY_STEPS(PARITY, 0xca62c1d6, 60);
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

static void begin(lanes state[WORDS])
{
    for (unsigned i = 0; i < WORDS; i++)
        state[i] = (lanes){first_state[i], first_state[i], first_state[i], first_state[i]};
}

static void put_digest(const lanes state[WORDS], unsigned lane, uint8_t digest_ret[CM_SHA1_BYTES])
{
    for (unsigned i = 0; i < WORDS; i++)
        cm_store_be32(digest_ret + 4 * i, state[i][lane]);
}

/* The last bytes of a message of `n_bytes`, padded. Answers how many bytes of `tail` that takes. */
static size_t pad(const uint8_t *last, size_t n_last, size_t n_bytes, uint8_t tail[2 * BLOCK_BYTES])
{
    const size_t tail_bytes = n_last + 1 + 8 <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;

    if (n_last > 0)
        memcpy(tail, last, n_last);
    memset(tail + n_last, 0, tail_bytes - n_last);
    tail[n_last] = 0x80;
    cm_store_be64(tail + tail_bytes - 8, (uint64_t)n_bytes * 8);
    return tail_bytes;
}

/* A block of a message that is alone. */
static void digest_block(lanes state[WORDS], const uint8_t *block)
{
    const uint8_t *const blocks[CM_SHA1_LANES] = {block, block, block, block};

    digest_blocks(state, blocks);
}

void cm_sha1(const void *message, size_t n_bytes, uint8_t digest_ret[CM_SHA1_BYTES])
{
    const uint8_t *at = message;
    size_t left = n_bytes, tail_bytes;
    uint8_t tail[2 * BLOCK_BYTES];
    lanes state[WORDS];

    begin(state);
    for (; left >= BLOCK_BYTES; at += BLOCK_BYTES, left -= BLOCK_BYTES)
        digest_block(state, at);
    tail_bytes = pad(at, left, n_bytes, tail);
    for (size_t i = 0; i < tail_bytes; i += BLOCK_BYTES)
        digest_block(state, tail + i);
    put_digest(state, 0, digest_ret);
}

void cm_sha1_shorts(const struct cm_sha1_short messages[CM_SHA1_LANES],
                    uint8_t digests_ret[CM_SHA1_LANES][CM_SHA1_BYTES])
{
    uint8_t tails[CM_SHA1_LANES][2 * BLOCK_BYTES];
    const uint8_t *blocks[CM_SHA1_LANES];
    lanes state[WORDS];

    begin(state);
    for (unsigned lane = 0; lane < CM_SHA1_LANES; lane++) {
        pad(messages[lane].bytes, messages[lane].n, messages[lane].n, tails[lane]);
        blocks[lane] = tails[lane];
    }
    digest_blocks(state, blocks);
    for (unsigned lane = 0; lane < CM_SHA1_LANES; lane++)
        put_digest(state, lane, digests_ret[lane]);
}

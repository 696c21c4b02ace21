/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-1 as FIPS 180-4, sections 5.1.1 (padding) and 6.1.2 (computation) have it. */
#include "base/sha1.h"

#include <string.h>

#include "base/endian.h"

#define BLOCK_BYTES 64u

static uint32_t rotate_left(uint32_t value, unsigned n)
{
    return value << n | value >> (32 - n);
}

static void digest_block(uint32_t state[5], const uint8_t block[BLOCK_BYTES])
{
    uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

    for (unsigned t = 0; t < 16; t++)
        w[t] = cm_load_be32(block + 4 * t);
    for (unsigned t = 16; t < 80; t++)
        w[t] = rotate_left(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    for (unsigned t = 0; t < 80; t++) {
        uint32_t mixed, constant, next;

        if (t < 20) {
            mixed = (b & c) | (~b & d);
            constant = 0x5a827999;
        } else if (t < 40) {
            mixed = b ^ c ^ d;
            constant = 0x6ed9eba1;
        } else if (t < 60) {
            mixed = (b & c) | (b & d) | (c & d);
            constant = 0x8f1bbcdc;
        } else {
            mixed = b ^ c ^ d;
            constant = 0xca62c1d6;
        }
        next = rotate_left(a, 5) + mixed + e + constant + w[t];
        e = d;
        d = c;
        c = rotate_left(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void cm_sha1(const void *message, size_t n_bytes, uint8_t digest_ret[CM_SHA1_BYTES])
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    const uint8_t *at = message;
    size_t left = n_bytes;
    uint8_t tail[2 * BLOCK_BYTES] = {0};
    size_t tail_bytes;

    for (; left >= BLOCK_BYTES; at += BLOCK_BYTES, left -= BLOCK_BYTES)
        digest_block(state, at);
    if (left > 0)
        memcpy(tail, at, left);
    tail[left] = 0x80;
    tail_bytes = left + 1 + 8 <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    cm_store_be64(tail + tail_bytes - 8, (uint64_t)n_bytes * 8);
    for (size_t i = 0; i < tail_bytes; i += BLOCK_BYTES)
        digest_block(state, tail + i);
    for (unsigned i = 0; i < 5; i++)
        cm_store_be32(digest_ret + 4 * i, state[i]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Parquet's DELTA_BINARY_PACKED (Encodings.md): distances between numbers, less the least one of their block, in
 * as few bits as the greatest of each miniblock needs. For times and numbers that rise. */
#include "base/checked.h"
#include "base/endian.h"
#include "format/parquet_int.h"

/* The sizes of parquet-mr and Arrow: smaller blocks cost more for heads, larger ones for a single outlier. */
#define BLOCK_VALUES     128
#define MINIBLOCKS       4
#define MINIBLOCK_VALUES (BLOCK_VALUES / MINIBLOCKS)
#define MAX_VARINT_BYTES 10
#define OVERSTORE_BYTES  8

static uint8_t *put_varint(uint8_t *p, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *p++ = (uint8_t)(value | 0x80);
    *p++ = (uint8_t)value;
    return p;
}

static uint8_t *put_zigzag(uint8_t *p, int64_t value)
{
    return put_varint(p, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

/* The numbers of a miniblock, `width` bits each. */
static uint8_t *pack(uint8_t *p, const uint64_t *v, unsigned width)
{
    uint64_t bits = 0;
    unsigned n_bits = 0;

    if (width == 0)
        return p;
    for (unsigned i = 0; i < MINIBLOCK_VALUES; i++) {
        bits |= v[i] << n_bits;
        n_bits += width;
        if (n_bits >= 64) {
            cm_store_u64_as(p, bits, false);
            p += 8, n_bits -= 64;
            bits = n_bits == 0 ? 0 : v[i] >> (width - n_bits);
        }
    }
    /* 32 numbers fill whole halves of words */
    cm_store_u64_as(p, bits, false);
    return p + n_bits / 8;
}

/* One block of `n` distances, the rest of BLOCK_VALUES zero once the least is taken off. */
static uint8_t *put_block(uint8_t *p, int64_t *distances, unsigned n, bool narrow)
{
    uint64_t rests[BLOCK_VALUES] = {0};
    int64_t least = distances[0];
    uint8_t *widths;

    for (unsigned i = 1; i < n; i++)
        least = distances[i] < least ? distances[i] : least;
    /* modulo the width of the type, as readers add them up again */
    for (unsigned i = 0; i < n; i++)
        rests[i] = (uint64_t)distances[i] - (uint64_t)least;
    if (narrow)
        for (unsigned i = 0; i < n; i++)
            rests[i] = (uint32_t)rests[i];
    p = put_zigzag(p, least);
    widths = p;
    p += MINIBLOCKS;
    for (unsigned m = 0; m < MINIBLOCKS; m++) {
        const uint64_t *of_miniblock = rests + m * MINIBLOCK_VALUES;
        uint64_t all = 0;

        for (unsigned i = 0; i < MINIBLOCK_VALUES; i++)
            all |= of_miniblock[i];
        widths[m] = all == 0 ? 0 : (uint8_t)(64 - __builtin_clzll(all));
        /* miniblocks behind the last value have no bytes, and width 0 */
        p = pack(p, of_miniblock, widths[m]);
    }
    return p;
}

/* Distances of 32-bit numbers wrap at 32 bits: readers of INT32 take no wider ones. */
static void take_distances(int64_t *distances, const uint64_t *values, unsigned n, bool narrow)
{
    if (narrow)
        for (unsigned i = 0; i < n; i++)
            distances[i] = (int32_t)((uint32_t)values[i + 1] - (uint32_t)values[i]);
    else
        for (unsigned i = 0; i < n; i++)
            distances[i] = (int64_t)(values[i + 1] - values[i]);
}

enum capmill_status cm_parquet_deltas(struct cm_bytes *out, unsigned width, const uint64_t *values, size_t n,
                                      struct cm_error *error)
{
    bool narrow = width == 4;
    size_t n_blocks = n / BLOCK_VALUES + 1;
    enum capmill_status status =
        cm_bytes_reserve(out,
                         4 * MAX_VARINT_BYTES + OVERSTORE_BYTES +
                             n_blocks * (MAX_VARINT_BYTES + MINIBLOCKS + BLOCK_VALUES * 8),
                         error);
    uint8_t *p;

    if (status != CAPMILL_OK)
        return status;
    p = out->data + out->n;
    p = put_varint(p, BLOCK_VALUES);
    p = put_varint(p, MINIBLOCKS);
    p = put_varint(p, n);
    p = put_zigzag(p, n == 0 ? 0 : narrow ? (int32_t)(uint32_t)values[0] : (int64_t)values[0]);
    for (size_t at = 0; at + 1 < n; at += BLOCK_VALUES) {
        unsigned n_block = (unsigned)cm_min_u64(BLOCK_VALUES, n - 1 - at);
        int64_t distances[BLOCK_VALUES] = {0};

        take_distances(distances, values + at, n_block, narrow);
        p = put_block(p, distances, n_block, narrow);
    }
    out->n = (size_t)(p - out->data);
    return CAPMILL_OK;
}

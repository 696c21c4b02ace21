/* SPDX-License-Identifier: Apache-2.0 */
/* Parquet's RLE / bit-packing hybrid (Encodings.md): runs of equal numbers, and between them numbers packed into
 * as few bits as their column needs, eight at a time, the lowest bit first. For dictionary indices and levels. */
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "format/parquet_int.h"

#define MAX_HEADER_BYTES 5
#define OVERSTORE_BYTES  16 /* packing stores whole words and then moves on by what counts */

static uint8_t *put_varint(uint8_t *p, uint32_t value)
{
    for (; value >= 0x80; value >>= 7)
        *p++ = (uint8_t)(value | 0x80);
    *p++ = (uint8_t)value;
    return p;
}

static uint8_t *put_run(uint8_t *p, uint32_t value, size_t n, unsigned width)
{
    p = put_varint(p, (uint32_t)n << 1);
    cm_store_u32_as(p, value, false);
    return p + (width + 7) / 8;
}

/* Eight numbers of at most 16 bits: four to a word, so that no word runs over. */
static inline uint8_t *pack_short(uint8_t *p, const uint32_t *v, unsigned width)
{
    uint64_t low = v[0] | (uint64_t)v[1] << width | (uint64_t)v[2] << 2 * width | (uint64_t)v[3] << 3 * width;
    uint64_t high =
        v[4] | (uint64_t)v[5] << width | (uint64_t)v[6] << 2 * width | (uint64_t)v[7] << 3 * width;

    cm_store_u64_as(p, width == 16 ? low : low | high << 4 * width, false);
    cm_store_u64_as(p + 8, width == 16 ? high : high >> (64 - 4 * width), false);
    return p + width;
}

static uint8_t *pack_long(uint8_t *p, const uint32_t *v, unsigned width)
{
    uint64_t bits = 0;
    unsigned n_bits = 0;

    for (unsigned i = 0; i < 8; i++) {
        bits |= (uint64_t)v[i] << n_bits;
        n_bits += width;
        if (n_bits >= 32) {
            cm_store_u32_as(p, (uint32_t)bits, false);
            p += 4, bits >>= 32, n_bits -= 32;
        }
    }
    cm_store_u32_as(p, (uint32_t)bits, false);
    return p + n_bits / 8;
}

/* `n` is rounded up to eight with numbers that nobody reads. */
static uint8_t *put_packed(uint8_t *p, const uint32_t *values, size_t n, unsigned width)
{
    size_t i = 0;

    if (n == 0)
        return p;
    p = put_varint(p, (uint32_t)((n + 7) / 8) << 1 | 1);
    if (width <= 16)
        for (; i + 8 <= n; i += 8)
            p = pack_short(p, values + i, width);
    else
        for (; i + 8 <= n; i += 8)
            p = pack_long(p, values + i, width);
    if (i < n) {
        uint32_t last[8] = {0};

        memcpy(last, values + i, (n - i) * sizeof(last[0]));
        p = width <= 16 ? pack_short(p, last, width) : pack_long(p, last, width);
    }
    return p;
}

static inline bool eight_equal(const uint32_t *v)
{
    uint32_t differ = 0;

    for (unsigned i = 1; i < 8; i++)
        differ |= v[0] ^ v[i];
    return differ == 0;
}

static size_t run_length(const uint32_t *values, size_t n)
{
    size_t i = 1;

    while (i < n && values[i] == values[0])
        i++;
    return i;
}

/* A run ends what was packed before it and begins it anew after it, two bytes or three in all: so many values
 * must be equal for that to be less than their bits. */
static size_t least_run(unsigned width)
{
    return width >= 4 ? 8 : width >= 2 ? 16 : 32;
}

enum capmill_status cm_parquet_runs(struct cm_bytes *out, const uint32_t *values, uint32_t same, size_t n,
                                    unsigned width, struct cm_error *error)
{
    /* at worst runs and packed values in turns, eight of each */
    enum capmill_status status =
        cm_bytes_reserve(out, (n / 8 + 2) * (width + MAX_HEADER_BYTES + 4) + OVERSTORE_BYTES, error);
    size_t at = 0, packed_from = 0, least = least_run(width);
    uint8_t *p;

    if (status != CAPMILL_OK || n == 0)
        return status;
    p = out->data + out->n;
    if (values == NULL) {
        out->n = (size_t)(put_run(p, same, n, width) - out->data);
        return CAPMILL_OK;
    }
    while (at + 8 <= n) {
        size_t length = CM_LIKELY(!eight_equal(values + at)) ? 0 : run_length(values + at, n - at);

        if (length >= least || (length == n && length != 0)) {
            p = put_packed(p, values + packed_from, at - packed_from, width);
            p = put_run(p, values[at], length, width);
            at = packed_from = at + length;
        } else {
            at += 8;
        }
    }
    p = put_packed(p, values + packed_from, n - packed_from, width);
    out->n = (size_t)(p - out->data);
    return CAPMILL_OK;
}

/* Bits as bytes: a run is one of equal bytes 0x00 or 0xff, at least so many of them (see least_run). */
#define LEAST_EQUAL_BYTES 4

static uint8_t *put_packed_bytes(uint8_t *p, const uint8_t *bits, size_t n_bytes)
{
    if (n_bytes == 0)
        return p;
    p = put_varint(p, (uint32_t)n_bytes << 1 | 1);
    memcpy(p, bits, n_bytes);
    return p + n_bytes;
}

enum capmill_status cm_parquet_bit_runs(struct cm_bytes *out, const uint8_t *bits, size_t first, size_t n,
                                        struct cm_error *error)
{
    /* runs take less than what they stand for */
    enum capmill_status status = cm_bytes_reserve(out, n / 8 * 2 + 4 * MAX_HEADER_BYTES, error);
    size_t n_whole = n / 8, at = 0, packed_from = 0;
    uint8_t *p;

    if (status != CAPMILL_OK || n == 0)
        return status;
    p = out->data + out->n;
    if (bits == NULL) {
        out->n = (size_t)(put_run(p, 1, n, 1) - out->data);
        return CAPMILL_OK;
    }
    bits += first / 8;
    while (at < n_whole) {
        size_t length = 1;

        if (bits[at] == 0 || bits[at] == 0xff)
            while (at + length < n_whole && bits[at + length] == bits[at])
                length++;
        if (length >= LEAST_EQUAL_BYTES) {
            p = put_packed_bytes(p, bits + packed_from, at - packed_from);
            p = put_run(p, bits[at] & 1, length * 8, 1);
            packed_from = at + length;
        }
        at += length;
    }
    p = put_packed_bytes(p, bits + packed_from, (n + 7) / 8 - packed_from);
    out->n = (size_t)(p - out->data);
    return CAPMILL_OK;
}

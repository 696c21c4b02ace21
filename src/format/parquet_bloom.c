/* SPDX-License-Identifier: Apache-2.0 */
/* Split-block bloom filters (BloomFilter.md): blocks of 256 bits, eight of which a value sets. Not when a column
 * gets one. */
#define XXH_INLINE_ALL
#include <stdlib.h>
#include <xxhash.h>

#include "base/checked.h"
#include "base/endian.h"
#include "format/parquet_int.h"

#define BLOCK_WORDS 8
#define BLOCK_BITS  256

/* A probe for a value that is not there finds its bits set once in a hundred times: -8 / ln(1 - 0.01^(1/8)) bits
 * for each value, in hundredths. */
#define BITS_PER_VALUE_100 969u

/* A filter with half the blocks still keeps that promise while at most this share of the bits is set:
 * 1 - sqrt(1 - 0.01^(1/8)), in ten-thousandths. */
#define FOLD_BELOW_10000 3384u

/* 128 MiB, the most that other readers take. */
#define MAX_BLOCKS ((uint32_t)1 << 22)

uint64_t cm_parquet_hash_number(const struct cm_parquet_column *column, uint64_t value)
{
    uint8_t bytes[8];

    cm_store_u64_as(bytes, value, false);
    return XXH64(bytes, column->width, 0);
}

uint64_t cm_parquet_hash_span(struct cm_span value)
{
    return XXH64(value.n == 0 ? (const uint8_t *)"" : value.bytes, value.n, 0);
}

static uint32_t blocks_for(size_t n)
{
    uint64_t bits = cm_mul_saturating_u64(n, BITS_PER_VALUE_100) / 100;
    uint32_t n_blocks = 1;

    while (n_blocks < MAX_BLOCKS && (uint64_t)n_blocks * BLOCK_BITS < bits)
        n_blocks *= 2;
    return n_blocks;
}

/* The lower half of a hash, by eight odd factors, says a bit of each word; the upper half which block. */
static void insert(uint32_t *words, uint32_t n_blocks, uint64_t hash)
{
    static const uint32_t salt[BLOCK_WORDS] = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                               0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};
    uint32_t *block = words + ((hash >> 32) * n_blocks >> 32) * BLOCK_WORDS;

    for (unsigned i = 0; i < BLOCK_WORDS; i++)
        block[i] |= (uint32_t)1 << ((uint32_t)hash * salt[i] >> 27);
}

static uint64_t count_bits(const uint32_t *words, uint32_t n_blocks)
{
    uint64_t n = 0;

    for (size_t i = 0; i < (size_t)n_blocks * BLOCK_WORDS; i++)
        n += (unsigned)__builtin_popcount(words[i]);
    return n;
}

/* Neighbouring blocks into one: what would have been inserted into half as many. */
static void fold(uint32_t *words, uint32_t n_blocks)
{
    for (size_t block = 0; block < n_blocks / 2; block++)
        for (size_t i = 0; i < BLOCK_WORDS; i++)
            words[block * BLOCK_WORDS + i] =
                words[2 * block * BLOCK_WORDS + i] | words[(2 * block + 1) * BLOCK_WORDS + i];
}

enum capmill_status cm_parquet_bloom_build(const uint64_t *hashes, size_t n, uint32_t **words_ret,
                                           uint32_t *n_bytes_ret, struct cm_error *error)
{
    uint32_t n_blocks = blocks_for(n);
    uint32_t *words = calloc(n_blocks, BLOCK_WORDS * sizeof(words[0]));

    *words_ret = words;
    if (words == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a bloom filter of %u blocks",
                            n_blocks);
    for (size_t i = 0; i < n; i++)
        insert(words, n_blocks, hashes[i]);
    while (n_blocks > 1 &&
           count_bits(words, n_blocks) * 10000 <= (uint64_t)n_blocks * BLOCK_BITS * FOLD_BELOW_10000) {
        fold(words, n_blocks);
        n_blocks /= 2;
    }
    for (size_t i = 0; i < (size_t)n_blocks * BLOCK_WORDS; i++)
        cm_store_u32_as(&words[i], words[i], false);
    *n_bytes_ret = n_blocks * BLOCK_WORDS * (uint32_t)sizeof(words[0]);
    return CAPMILL_OK;
}

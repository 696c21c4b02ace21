/* SPDX-License-Identifier: Apache-2.0 */
/* Every codec gives back what it was given, says no to what is cut short, and makes the same bytes each time. */
#include "codec/codec.h"

#include <stdlib.h>

#include "base/checked.h"
#include "unit/check.h"

static const enum cm_codec all[] = {CM_CODEC_NONE, CM_CODEC_SNAPPY,  CM_CODEC_ZSTD,
                                    CM_CODEC_GZIP, CM_CODEC_DEFLATE, CM_CODEC_LZ4};

enum shape { ZEROES, DRAWN, LETTERS, N_SHAPES };

static uint8_t *make_bytes(enum shape shape, size_t n)
{
    uint8_t *bytes = malloc(n + 1);
    uint64_t x = 88172645463325252u;

    cm_check(bytes != NULL);
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        bytes[i] = shape == ZEROES ? 0 : shape == DRAWN ? (uint8_t)x : (uint8_t)("abcdefgh"[x % 8]);
    }
    return bytes;
}

static struct cm_compressor *make(enum cm_codec codec, int level)
{
    struct cm_error error = {0};
    struct cm_compressor *compressor;

    cm_check_that(cm_compressor_create(codec, level, &compressor, &error) == CAPMILL_OK, "%s", error.text);
    return compressor;
}

/* Compressed into memory that ends where the bound does; the caller frees it. */
static uint8_t *compress(struct cm_compressor *compressor, const uint8_t *bytes, size_t n, size_t *n_ret)
{
    struct cm_error error = {0};
    size_t room = cm_compressor_bound(compressor, n);
    uint8_t *out = malloc(room + (room == 0));

    cm_check(out != NULL);
    cm_check_that(cm_compress(compressor, bytes, n, out, room, n_ret, &error) == CAPMILL_OK, "%s",
                  error.text);
    cm_check(*n_ret <= room);
    return out;
}

static void check_round_trip(struct cm_compressor *compressor, enum cm_codec codec, enum shape shape,
                             size_t n)
{
    uint8_t *bytes = make_bytes(shape, n), *back = malloc(n + (n == 0));
    size_t n_packed, n_again;
    uint8_t *packed = compress(compressor, bytes, n, &n_packed);
    uint8_t *again = compress(compressor, bytes, n, &n_again);
    const char *name = cm_codec_name(codec);

    cm_check_that(n_again == n_packed && memcmp(packed, again, n_packed) == 0, "%s: not the same twice",
                  name);
    cm_check_that(cm_decompress(codec, packed, n_packed, back, n), "%s: shape %d of %zu bytes", name, shape,
                  n);
    cm_check_that(memcmp(bytes, back, n) == 0, "%s: other bytes", name);
    cm_check_that(!cm_decompress(codec, packed, n_packed, back, n - 1), "%s: a byte too few was taken", name);
    if (n_packed != 0)
        cm_check_that(!cm_decompress(codec, packed, n_packed - 1, back, n), "%s: cut short", name);
    free(bytes), free(back), free(packed), free(again);
}

CM_TEST(codec, all_give_back_what_they_were_given)
{
    static const size_t sizes[] = {0, 1, 2, 63, 1000, 65536, 1100000};

    for (size_t c = 0; c < CM_ARRAY_COUNT(all); c++) {
        struct cm_compressor *compressor;

        if (!cm_codec_available(all[c]))
            continue;
        compressor = make(all[c], 0);
        for (size_t s = 0; s < CM_ARRAY_COUNT(sizes); s++)
            for (int shape = 0; shape < N_SHAPES; shape++)
                check_round_trip(compressor, all[c], (enum shape)shape, sizes[s]);
        cm_compressor_destroy(compressor);
    }
}

/* Words of five bytes, of 400 that there are. */
static uint8_t *make_words(size_t n)
{
    uint8_t *words = make_bytes(DRAWN, 400 * 5), *drawn = make_bytes(DRAWN, n), *bytes = malloc(n);

    cm_check(bytes != NULL);
    for (size_t i = 0; i < n; i++)
        bytes[i] = words[(drawn[i / 5 * 2] * 256u + drawn[i / 5 * 2 + 1]) % 400 * 5 + i % 5];
    free(words), free(drawn);
    return bytes;
}

CM_TEST(codec, words_become_smaller_and_the_more_so_at_thorough_levels)
{
    static const struct {
        enum cm_codec codec;
        int fast, thorough;
    } cases[] = {
        {CM_CODEC_ZSTD, 1, 12}, {CM_CODEC_GZIP, 1, 9}, {CM_CODEC_DEFLATE, 1, 9}, {CM_CODEC_LZ4, 0, 9}};
    const size_t n = 200000;
    uint8_t *bytes = make_words(n);

    for (size_t c = 0; c < CM_ARRAY_COUNT(cases); c++) {
        struct cm_compressor *fast, *thorough;
        size_t n_fast, n_thorough;

        if (!cm_codec_available(cases[c].codec))
            continue;
        fast = make(cases[c].codec, cases[c].fast), thorough = make(cases[c].codec, cases[c].thorough);
        free(compress(fast, bytes, n, &n_fast));
        free(compress(thorough, bytes, n, &n_thorough));
        cm_check_that(n_fast < n && n_thorough < n_fast, "%s: %zu and %zu of %zu",
                      cm_codec_name(cases[c].codec), n_fast, n_thorough, n);
        cm_compressor_destroy(fast), cm_compressor_destroy(thorough);
    }
    free(bytes);
}

CM_TEST(codec, blocks_that_others_made_are_read)
{
    /* format_description.txt of snappy: length 5, a literal of 5; a copy of 4 bytes at distance 1 */
    static const uint8_t snappy[] = {5, 0, 'a', 0x01, 1};
    /* lz4_Block_format.md: one sequence of literals alone */
    static const uint8_t lz4[] = {0x50, 'h', 'e', 'l', 'l', 'o'};
    /* RFC 1951, 3.2.4: a stored block */
    static const uint8_t deflate[] = {1, 5, 0, 0xfa, 0xff, 'h', 'e', 'l', 'l', 'o'};
    /* RFC 8878, 3.1.1: single segment, content size 5, one raw last block of 5 */
    static const uint8_t zstd[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 5, 0x29, 0, 0, 'h', 'e', 'l', 'l', 'o'};
    char out[5];

    if (cm_codec_available(CM_CODEC_SNAPPY)) {
        cm_check(cm_decompress(CM_CODEC_SNAPPY, snappy, sizeof(snappy), out, 5));
        cm_check_mem(out, "aaaaa", 5);
    }
    if (cm_codec_available(CM_CODEC_LZ4)) {
        cm_check(cm_decompress(CM_CODEC_LZ4, lz4, sizeof(lz4), out, 5));
        cm_check_mem(out, "hello", 5);
    }
    if (cm_codec_available(CM_CODEC_DEFLATE)) {
        cm_check(cm_decompress(CM_CODEC_DEFLATE, deflate, sizeof(deflate), out, 5));
        cm_check_mem(out, "hello", 5);
        cm_check(!cm_decompress(CM_CODEC_GZIP, deflate, sizeof(deflate), out, 5));
    }
    if (cm_codec_available(CM_CODEC_ZSTD)) {
        cm_check(cm_decompress(CM_CODEC_ZSTD, zstd, sizeof(zstd), out, 5));
        cm_check_mem(out, "hello", 5);
    }
}

CM_TEST(codec, gzip_names_no_system_and_no_time)
{
    static const uint8_t head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
    struct cm_compressor *compressor;
    size_t n;

    if (!cm_codec_available(CM_CODEC_GZIP))
        cm_skip("no zlib");
    compressor = make(CM_CODEC_GZIP, 0);
    for (int i = 0; i < 2; i++) {
        uint8_t *packed = compress(compressor, (const uint8_t *)"x", 1, &n);

        cm_check_mem(packed, head, sizeof(head));
        free(packed);
    }
    cm_compressor_destroy(compressor);
}

CM_TEST(codec, wrong_levels_and_absent_codecs_are_said_by_name)
{
    for (size_t c = 0; c < CM_ARRAY_COUNT(all); c++) {
        struct cm_compressor *compressor = NULL;
        struct cm_error error = {0};
        bool there = cm_codec_available(all[c]);

        cm_check_eq(cm_compressor_create(all[c], 99, &compressor, &error),
                    there ? CAPMILL_E_USAGE : CAPMILL_E_UNSUPPORTED);
        cm_check(compressor == NULL);
        cm_check_that(strstr(error.text, cm_codec_name(all[c])) != NULL, "%s", error.text);
        cm_check_that(strstr(cm_codec_feature(all[c]), there ? ": yes" : ": no (built without ") != NULL,
                      "%s", cm_codec_feature(all[c]));
    }
    cm_check(!cm_codec_available(CM_CODEC_DEFAULT));
    cm_compressor_destroy(NULL);
}

CM_TEST(codec, too_many_bytes_at_once_have_no_bound)
{
    for (size_t c = 1; c < CM_ARRAY_COUNT(all); c++) { /* a copy takes any number */
        struct cm_compressor *compressor;
        size_t n;

        if (!cm_codec_available(all[c]))
            continue;
        compressor = make(all[c], 0);
        cm_check_eq(cm_compressor_bound(compressor, SIZE_MAX), SIZE_MAX);
        cm_check_eq(cm_compress(compressor, "", SIZE_MAX, NULL, SIZE_MAX, &n, NULL), CAPMILL_E_INTERNAL);
        cm_compressor_destroy(compressor);
    }
}

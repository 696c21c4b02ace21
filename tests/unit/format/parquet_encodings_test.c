/* SPDX-License-Identifier: Apache-2.0 */
/* Parquet's encodings: the examples of its documents byte by byte, and everything else read back by a decoder that
 * was written from those documents. */
#include <stdlib.h>

#include "base/checked.h"
#include "format/parquet_int.h"
#include "tools/parquet_read.h"
#include "unit/check.h"

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17;
    return *state;
}

static void *memory(size_t n)
{
    void *p = calloc(1, n + 1);

    cm_check(p != NULL);
    return p;
}

CM_TEST(parquet_encodings, bits_are_packed_as_the_document_shows)
{
    /* Encodings.md: the numbers 0 to 7 with 3 bits */
    static const uint32_t values[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    static const uint8_t expected[] = {3, 0x88, 0xc6, 0xfa};
    struct cm_bytes out = {0};

    cm_check_eq(cm_parquet_runs(&out, values, 0, 8, 3, NULL), CAPMILL_OK);
    cm_check_eq(out.n, sizeof(expected));
    cm_check_mem(out.data, expected, sizeof(expected));
    cm_bytes_free(&out);
}

CM_TEST(parquet_encodings, equal_numbers_are_one_run)
{
    static const uint8_t expected[] = {0xc8, 0x01, 0x2c, 0x01}; /* 100 << 1, then 300 in two bytes */
    struct cm_bytes out = {0};
    uint32_t values[100];

    for (int i = 0; i < 100; i++)
        values[i] = 300;
    for (int way = 0; way < 2; way++) {
        out.n = 0;
        cm_check_eq(cm_parquet_runs(&out, way == 0 ? values : NULL, 300, 100, 9, NULL), CAPMILL_OK);
        cm_check_eq(out.n, sizeof(expected));
        cm_check_mem(out.data, expected, sizeof(expected));
    }
    cm_bytes_free(&out);
}

/* Runs of drawn lengths between drawn numbers, in memory that ends where they do. */
static void check_runs(unsigned width, size_t n, unsigned run_of_16, uint64_t *state)
{
    uint32_t *values = memory(n * sizeof(values[0])), *back = memory(n * sizeof(back[0]));
    uint32_t mask = width == 32 ? UINT32_MAX : (1u << width) - 1;
    struct cm_bytes out = {0};

    for (size_t i = 0; i < n;) {
        size_t length = draw(state) % 16 < run_of_16 ? draw(state) % 60 : 1;
        uint32_t value = (uint32_t)draw(state) & mask;

        for (; length > 0 && i < n; length--)
            values[i++] = value;
    }
    cm_check_eq(cm_parquet_runs(&out, values, 0, n, width, NULL), CAPMILL_OK);
    cm_check_that(parquet_read_runs(out.data, out.n, width, back, n), "width %u, %zu numbers", width, n);
    cm_check_that(n == 0 || memcmp(values, back, n * sizeof(values[0])) == 0, "width %u, %zu numbers", width,
                  n);
    cm_check_that(out.n <= n * width / 8 + n / 500 + width + 8, "width %u: %zu bytes of %zu numbers", width,
                  out.n, n);
    free(values), free(back);
    cm_bytes_free(&out);
}

CM_TEST(parquet_encodings, runs_of_every_width_come_back_and_never_take_much_more_than_their_bits)
{
    static const size_t sizes[] = {0, 1, 7, 8, 9, 64, 1001, 5000};
    uint64_t state = 1;

    for (unsigned width = 1; width <= 32; width++)
        for (size_t s = 0; s < CM_ARRAY_COUNT(sizes); s++)
            for (unsigned run_of_16 = 0; run_of_16 <= 16; run_of_16 += 4)
                check_runs(width, sizes[s], run_of_16, &state);
}

CM_TEST(parquet_encodings, levels_from_any_multiple_of_eight_come_back)
{
    enum { N = 3000 };
    uint64_t state = 5;
    uint8_t bits[N / 8];
    uint32_t back[N];
    struct cm_bytes out = {0};

    for (size_t i = 0; i < sizeof(bits); i++)
        bits[i] = draw(&state) % 3 != 0 ? (i / 40 % 2 == 0 ? 0xff : 0) : (uint8_t)draw(&state);
    for (size_t first = 0; first < N; first += 8 * (1 + draw(&state) % 5)) {
        size_t n = draw(&state) % (N - first) + 1;

        out.n = 0;
        cm_check_eq(cm_parquet_bit_runs(&out, bits, first, n, NULL), CAPMILL_OK);
        cm_check(parquet_read_runs(out.data, out.n, 1, back, n));
        for (size_t i = 0; i < n; i++)
            cm_check_eq(back[i], bits[(first + i) / 8] >> (first + i) % 8 & 1);
    }
    out.n = 0;
    cm_check_eq(cm_parquet_bit_runs(&out, NULL, 0, 77, NULL), CAPMILL_OK);
    cm_check(parquet_read_runs(out.data, out.n, 1, back, 77));
    for (size_t i = 0; i < 77; i++)
        cm_check_eq(back[i], 1);
    cm_bytes_free(&out);
}

CM_TEST(parquet_encodings, deltas_are_as_the_document_shows)
{
    /* Encodings.md, examples 1 and 2 of DELTA_BINARY_PACKED, in blocks of 128 and 4 */
    static const uint64_t rising[] = {1, 2, 3, 4, 5}, falling[] = {7, 5, 3, 1, 2, 3, 4, 5};
    static const uint8_t of_rising[] = {0x80, 1, 4, 5, 2, /* head */ 2, 0, 0, 0, 0};
    static const uint8_t of_falling[] = {0x80, 1, 4, 8, 14, /* head; least distance -2, in 2 bits */
                                         3,    2, 0, 0, 0,  0xc0, 0x3f, 0, 0, 0, 0, 0, 0};
    struct cm_bytes out = {0};

    cm_check_eq(cm_parquet_deltas(&out, 8, rising, 5, NULL), CAPMILL_OK);
    cm_check_eq(out.n, sizeof(of_rising));
    cm_check_mem(out.data, of_rising, sizeof(of_rising));
    out.n = 0;
    cm_check_eq(cm_parquet_deltas(&out, 4, falling, 8, NULL), CAPMILL_OK);
    cm_check_eq(out.n, sizeof(of_falling));
    cm_check_mem(out.data, of_falling, sizeof(of_falling));
    cm_bytes_free(&out);
}

static void check_deltas(unsigned width, const uint64_t *values, size_t n)
{
    uint64_t *back = memory(n * sizeof(back[0]));
    struct cm_bytes out = {0};

    cm_check_eq(cm_parquet_deltas(&out, width, values, n, NULL), CAPMILL_OK);
    cm_check_that(parquet_read_deltas(out.data, out.n, width, back, n), "%u bytes, %zu numbers", width, n);
    cm_check_that(n == 0 || memcmp(values, back, n * sizeof(values[0])) == 0, "%u bytes, %zu numbers", width,
                  n);
    free(back);
    cm_bytes_free(&out);
}

CM_TEST(parquet_encodings, deltas_of_every_length_and_distance_come_back)
{
    enum { N = 700 };
    uint64_t values[N], state = 3;

    for (unsigned bits = 0; bits <= 64; bits++) {
        values[0] = draw(&state);
        for (size_t i = 1; i < N; i++)
            values[i] = values[i - 1] + (bits == 0 ? 7 : draw(&state) >> (64 - bits)) - (i % 5 == 0 ? 3 : 0);
        check_deltas(8, values, N);
        for (size_t i = 0; i < N; i++)
            values[i] &= UINT32_MAX;
        check_deltas(4, values, N);
    }
    for (size_t n = 0; n <= 300; n++)
        check_deltas(8, values, n);
    for (size_t i = 0; i < N; i++)
        values[i] = i % 2 == 0 ? INT64_MAX : (uint64_t)INT64_MIN;
    check_deltas(8, values, N);
    for (size_t i = 0; i < N; i++)
        values[i] = i % 2 == 0 ? INT32_MAX : (uint32_t)INT32_MIN;
    check_deltas(4, values, N);
}

/* ---- bounds ---- */

static struct cm_span text(const char *bytes)
{
    return (struct cm_span){(const uint8_t *)bytes, (uint32_t)strlen(bytes)};
}

/* Bounds of one text. */
static struct cm_parquet_bounds bounds_of(const char *bytes)
{
    struct cm_span span = text(bytes);
    struct cm_parquet_bounds bounds = {0};

    cm_parquet_bounds_texts(&span, 1, &bounds);
    return bounds;
}

#define SIXTY "012345678901234567890123456789012345678901234567890123456789"

static void check_greatest(const char *bytes, const char *expected)
{
    struct cm_parquet_bounds bounds = bounds_of(bytes);
    const struct cm_parquet_text_bound *bound = &bounds.text[1];

    if (expected == NULL) {
        cm_check_that(!bounds.known, "%s has a bound", bytes);
        return;
    }
    cm_check_that(bounds.known && bound->n == strlen(expected) &&
                      memcmp(bound->bytes, expected, bound->n) == 0,
                  "%s: bound %.*s", bytes, (int)bound->n, (const char *)bound->bytes);
    cm_check(bound->exact == (strcmp(bytes, expected) == 0));
    cm_check(bound->exact || strncmp((const char *)bound->bytes, bytes, bound->n) > 0);
}

CM_TEST(parquet_bounds, long_greatest_texts_are_cut_and_raised)
{
    check_greatest("short", "short");
    check_greatest("", "");
    check_greatest(SIXTY "abcd", SIXTY "abcd");
    check_greatest(SIXTY "abcde", SIXTY "abce");
    /* the character behind DEL has two bytes, and there is room for one */
    check_greatest(SIXTY "abc\x7f"
                         "e",
                   SIXTY "abd");
    check_greatest(SIXTY "\x7f\x7f\x7f\x7f"
                         "e",
                   SIXTY "\x7f\x7f\xc2\x80");
    /* a character is not cut in two: é before the last byte, € over it, the last one of two bytes */
    check_greatest(SIXTY "ab\xc3\xa9"
                         "e",
                   SIXTY "ab\xc3\xaa");
    check_greatest(SIXTY "abc\xe2\x82\xac", SIXTY "abd");
    check_greatest(SIXTY "ab\xdf\xbf"
                         "e",
                   SIXTY "ac");
    check_greatest(SIXTY "a\xed\x9f\xbf"
                         "e",
                   SIXTY "a\xee\x80\x80"); /* surrogates are left out */
    /* the last character there is has none behind it */
    check_greatest(SIXTY "\xf4\x8f\xbf\xbf"
                         "e",
                   "01234567890123456789012345678901234567890123456789012345678:");
#define FOUR_LAST "\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf"
    check_greatest(FOUR_LAST FOUR_LAST FOUR_LAST FOUR_LAST "e", NULL);
    /* no UTF-8: what is none is left out, also where it could be written shorter */
    check_greatest(SIXTY "ab\xff\xff\xff", SIXTY "ac");
    check_greatest(SIXTY "ab\xc0\x80"
                         "e",
                   SIXTY "ac");
}

CM_TEST(parquet_bounds, long_least_texts_are_cut_between_characters)
{
    static const struct {
        const char *bytes, *expected;
    } cases[] = {{"short", "short"},
                 {SIXTY "abcde", SIXTY "abcd"},
                 {SIXTY "abc\xe2\x82\xac", SIXTY "abc"},
                 {SIXTY "a\xf0\x9f\x98\x80", SIXTY "a"},
                 {SIXTY "\xf0\x9f\x98\x80"
                        "e",
                  SIXTY "\xf0\x9f\x98\x80"}};

    for (size_t i = 0; i < CM_ARRAY_COUNT(cases); i++) {
        struct cm_parquet_bounds bounds = bounds_of(cases[i].bytes);

        cm_check_that(bounds.text[0].n == strlen(cases[i].expected) &&
                          memcmp(bounds.text[0].bytes, cases[i].expected, bounds.text[0].n) == 0,
                      "%s", cases[i].bytes);
        cm_check(bounds.text[0].exact == (strlen(cases[i].bytes) <= 64));
    }
}

CM_TEST(parquet_bounds, numbers_are_compared_as_their_type_says)
{
    static const uint64_t values[] = {5, UINT64_MAX - 4, 7, 3};
    struct cm_parquet_column is_signed = {.type = CM_PARQUET_INT64, .width = 8, .is_signed = true};
    struct cm_parquet_column is_unsigned = {.type = CM_PARQUET_INT64, .width = 8};
    struct cm_parquet_bounds a, b;
    uint8_t room[8];

    cm_parquet_bounds_numbers(&is_signed, values, 4, &a);
    cm_check(a.known && a.least == UINT64_MAX - 4 && a.greatest == 7);
    cm_parquet_bounds_numbers(&is_unsigned, values, 4, &b);
    cm_check(b.known && b.least == 3 && b.greatest == UINT64_MAX - 4);
    cm_parquet_bounds_merge(&is_unsigned, &a, &b);
    cm_check(a.least == 3 && a.greatest == UINT64_MAX - 4);
    cm_check_eq(cm_parquet_bound_bytes(&is_unsigned, &a, false, room).n, 8);
    cm_check_eq(room[0], 3);
    cm_parquet_bounds_numbers(&is_signed, values, 0, &a);
    cm_check(!a.known);
}

/* ---- bloom filters ---- */

CM_TEST(parquet_bloom, has_all_that_was_put_in_and_one_in_a_hundred_others)
{
    static const size_t sizes[] = {0, 1, 2, 26, 27, 1000, 30000};
    struct cm_parquet_column column = {.type = CM_PARQUET_INT64, .width = 8};

    for (size_t s = 0; s < CM_ARRAY_COUNT(sizes); s++) {
        uint64_t *hashes = memory(sizes[s] * 3 * sizeof(hashes[0]));
        uint32_t *bits, *folded, n_bits, n_folded, n_wrong = 0;

        for (uint64_t i = 0; i < sizes[s] * 3; i++) /* each value three times */
            hashes[i] = cm_parquet_hash_number(&column, i % sizes[s]);
        cm_check_eq(cm_parquet_bloom_build(hashes, sizes[s], &bits, &n_bits, NULL), CAPMILL_OK);
        cm_check_eq(cm_parquet_bloom_build(hashes, sizes[s] * 3, &folded, &n_folded, NULL), CAPMILL_OK);
        cm_check_eq(n_bits, n_folded);
        cm_check_mem(bits, folded, n_bits);
        cm_check(n_bits >= 32 && (n_bits & (n_bits - 1)) == 0);
        cm_check_that(n_bits <= 32 + sizes[s] * 10 / 8 * 2, "%u bytes for %zu values", n_bits, sizes[s]);
        for (uint64_t i = 0; i < sizes[s]; i++)
            cm_check(parquet_bloom_has((const uint8_t *)bits, n_bits, hashes[i]));
        for (uint64_t i = 0; i < 20000; i++)
            n_wrong += parquet_bloom_has((const uint8_t *)bits, n_bits,
                                         cm_parquet_hash_number(&column, 1000000007u + i));
        cm_check_that(n_wrong <= 20000 / 100 * 3 / 2, "%u of 20000 with %zu values", n_wrong, sizes[s]);
        free(hashes), free(bits), free(folded);
    }
}

CM_TEST(parquet_bloom, hashes_are_xxh64_of_plain_values)
{
    /* xxhash's own test vectors: XXH64 of nothing with seed 0, and of "xxhash" */
    struct cm_span nothing = {NULL, 0};

    cm_check(cm_parquet_hash_span(nothing) == 0xef46db3751d8e999u);
    cm_check(cm_parquet_hash_span(text("xxhash")) == 0x32dd38952c4bc720u);
}

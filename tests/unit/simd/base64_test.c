/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 is that of RFC 4648 whichever way it is made, and nothing outside its place is read or written. */
#include <stdlib.h>

#include "base/checked.h"
#include "simd/base64.h"
#include "simd/cpu.h"
#include "unit/check.h"

/* Bit by bit, as section 4 says it. */
static void encode_plainly(const uint8_t *bytes, size_t n, char *out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t n_letters = (n * 8 + 5) / 6;

    for (size_t i = 0; i < (n + 2) / 3 * 4; i++) {
        unsigned six = 0;

        for (size_t bit = i * 6; bit < i * 6 + 6; bit++)
            six = six << 1 | (bit < n * 8 ? bytes[bit / 8] >> (7 - bit % 8) & 1u : 0);
        out[i] = i < n_letters ? letters[six] : '=';
    }
}

/* In memory that begins and ends with bytes and characters, so that a sanitizer sees a step outside. */
static void check_encoded(cm_base64_encode *encode, const uint8_t *bytes, size_t n)
{
    const size_t n_expected = cm_base64_length(n);
    uint8_t *in = malloc(n + (n == 0));
    char *out = malloc(n_expected + 1), *expected = malloc(n_expected + 1);

    cm_check(in != NULL && out != NULL && expected != NULL);
    memcpy(in, bytes, n);
    out[n_expected] = '#';
    encode_plainly(in, n, expected);
    cm_check_eq(encode(in, n, out) - out, n_expected);
    cm_check_that(memcmp(out, expected, n_expected) == 0, "%zu bytes are encoded wrongly", n);
    cm_check_eq(out[n_expected], '#');
    free(in);
    free(out);
    free(expected);
}

static void check_vectors(cm_base64_encode *encode)
{
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};

    for (size_t i = 0; i < CM_ARRAY_COUNT(vectors); i++) {
        char out[16];
        char *end = encode((const uint8_t *)vectors[i][0], strlen(vectors[i][0]), out);

        *end = 0;
        cm_check_str(out, vectors[i][1]);
    }
    cm_check(encode(NULL, 0, NULL) == NULL);
}

/* Every value of twelve bits in either half of three bytes, and every length up to some vectors. */
static void check_all_letters(cm_base64_encode *encode)
{
    static uint8_t bytes[3 * 4096];

    for (uint32_t value = 0; value < 4096; value++) {
        const uint32_t both = value << 12 | (4095 - value);

        bytes[3 * value] = (uint8_t)(both >> 16);
        bytes[3 * value + 1] = (uint8_t)(both >> 8);
        bytes[3 * value + 2] = (uint8_t)both;
    }
    check_encoded(encode, bytes, sizeof(bytes));
    for (size_t n = 0; n <= 200; n++)
        check_encoded(encode, bytes + 31 * n, n);
}

CM_TEST(base64, portable)
{
    check_vectors(cm_base64_portable);
    check_all_letters(cm_base64_portable);
}

CM_TEST(base64, with_all_that_this_processor_has)
{
    if (cm_base64_choose(cm_cpu_features()) == cm_base64_portable)
        cm_skip("this processor or this build has nothing more");
    check_vectors(cm_base64_choose(cm_cpu_features()));
    check_all_letters(cm_base64_choose(cm_cpu_features()));
}

CM_TEST(base64, without_features_it_is_the_portable_one)
{
    cm_check(cm_base64_choose(0) == cm_base64_portable);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 with AVX2: 24 bytes become 32 characters in a dozen instructions, without a table in memory. */
#include <immintrin.h>

#include "simd/base64.h"

/* Three bytes a, b, c hold four numbers of six bits: aaaaaabb bbbbcccc ccdddddd. Each 32-bit lane gets the bytes
 * in the order b a c b, so that every number lies within one half of it: there a shift to its place is a
 * multiplication. */
__attribute__((target("avx2"))) static inline __m256i split_in_sixes(__m256i triples)
{
    const __m256i spread = _mm256_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10, /**/
                                            1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
    const __m256i lanes = _mm256_shuffle_epi8(triples, spread);
    /* the first and the third, down by 10 and 6 bits: the high half of products with 1 << 6 and 1 << 10 */
    const __m256i odd = _mm256_mulhi_epu16(_mm256_and_si256(lanes, _mm256_set1_epi32(0x0fc0fc00)),
                                           _mm256_set1_epi32(0x04000040));
    /* the second and the fourth, up by 4 and 8 bits */
    const __m256i even = _mm256_mullo_epi16(_mm256_and_si256(lanes, _mm256_set1_epi32(0x003f03f0)),
                                            _mm256_set1_epi32(0x01000010));

    return _mm256_or_si256(odd, even);
}

/* Letters lie in five stretches of ASCII; what is added to a number to reach its own is looked up by the number of
 * its stretch: 0 for A-Z, 1 for a-z, 2 to 11 for digits, 12 for + and 13 for /. */
__attribute__((target("avx2"))) static inline __m256i letters_of(__m256i sixes)
{
    const __m256i distances =
        _mm256_setr_epi8('A', 'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
                         '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 0, 0, /**/
                         'A', 'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
                         '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 0, 0);
    const __m256i beyond_upper = _mm256_cmpgt_epi8(sixes, _mm256_set1_epi8(25)); /* -1 where it is so */
    const __m256i stretch = _mm256_sub_epi8(_mm256_subs_epu8(sixes, _mm256_set1_epi8(51)), beyond_upper);

    return _mm256_add_epi8(sixes, _mm256_shuffle_epi8(distances, stretch));
}

__attribute__((target("avx2"))) char *cm_base64_avx2(const uint8_t *bytes, size_t n, char *out)
{
    /* two loads of 16 bytes, of which 12 are used: the second ends 28 bytes on */
    for (; n >= 28; n -= 24, bytes += 24, out += 32) {
        const __m128i low = _mm_loadu_si128((const __m128i *)(const void *)bytes);
        const __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(bytes + 12));
        const __m256i triples = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);

        _mm256_storeu_si256((__m256i *)(void *)out, letters_of(split_in_sixes(triples)));
    }
    /* Said because compilers forget it where link-time optimisation shows them what is called next: with the upper
     * halves in use all that follows, compiled for plain SSE, waits for them at every instruction. */
    _mm256_zeroupper();
    return cm_base64_portable(bytes, n, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as base64 (RFC 4648, section 4): padded, no line breaks. Nothing here reads it back. */
#ifndef CM_SIMD_BASE64_H
#define CM_SIMD_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Characters that `n` bytes become; `n` is at most CM_BASE64_MOST. */
#define CM_BASE64_MOST (SIZE_MAX / 4 * 3 - 2)
static inline size_t cm_base64_length(size_t n)
{
    return (n + 2) / 3 * 4;
}

/* Write the cm_base64_length(n) characters of `n` bytes, and nothing behind them; answers where they end.
 * `bytes` may be NULL where n is 0. Any thread. */
typedef char *cm_base64_encode(const uint8_t *bytes, size_t n, char *out);

/* The fastest way for a processor with these features (cpu.h); all write the same. */
cm_base64_encode *cm_base64_choose(unsigned features);

/* The ways, for tests and measurements. */
cm_base64_encode cm_base64_portable;
cm_base64_encode cm_base64_avx2; /* only where cm_cpu_features() has CM_CPU_AVX2 */

#endif

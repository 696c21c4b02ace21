/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 for every processor: twelve bits at a time, two characters from a table of 8 KiB, which stays in the
 * first-level cache. */
#include "simd/base64.h"

#include <string.h>

#include "base/endian.h"
#include "simd/cpu.h"

/* Two characters for each value of twelve bits. `EACH` is there twice because a macro does not expand inside
 * itself. */
#define EACH(f, x)                                                                                           \
    f(x, 'A') f(x, 'B') f(x, 'C') f(x, 'D') f(x, 'E') f(x, 'F') f(x, 'G') f(x, 'H') f(x, 'I') f(x, 'J')      \
        f(x, 'K') f(x, 'L') f(x, 'M') f(x, 'N') f(x, 'O') f(x, 'P') f(x, 'Q') f(x, 'R') f(x, 'S') f(x, 'T')  \
            f(x, 'U') f(x, 'V') f(x, 'W') f(x, 'X') f(x, 'Y') f(x, 'Z') f(x, 'a') f(x, 'b') f(x, 'c')        \
                f(x, 'd') f(x, 'e') f(x, 'f') f(x, 'g') f(x, 'h') f(x, 'i') f(x, 'j') f(x, 'k') f(x, 'l')    \
                    f(x, 'm') f(x, 'n') f(x, 'o') f(x, 'p') f(x, 'q') f(x, 'r') f(x, 's') f(x, 't')          \
                        f(x, 'u') f(x, 'v') f(x, 'w') f(x, 'x') f(x, 'y') f(x, 'z') f(x, '0') f(x, '1')      \
                            f(x, '2') f(x, '3') f(x, '4') f(x, '5') f(x, '6') f(x, '7') f(x, '8') f(x, '9')  \
                                f(x, '+') f(x, '/')
#define EACH_AGAIN(f, x)                                                                                     \
    f(x, 'A') f(x, 'B') f(x, 'C') f(x, 'D') f(x, 'E') f(x, 'F') f(x, 'G') f(x, 'H') f(x, 'I') f(x, 'J')      \
        f(x, 'K') f(x, 'L') f(x, 'M') f(x, 'N') f(x, 'O') f(x, 'P') f(x, 'Q') f(x, 'R') f(x, 'S') f(x, 'T')  \
            f(x, 'U') f(x, 'V') f(x, 'W') f(x, 'X') f(x, 'Y') f(x, 'Z') f(x, 'a') f(x, 'b') f(x, 'c')        \
                f(x, 'd') f(x, 'e') f(x, 'f') f(x, 'g') f(x, 'h') f(x, 'i') f(x, 'j') f(x, 'k') f(x, 'l')    \
                    f(x, 'm') f(x, 'n') f(x, 'o') f(x, 'p') f(x, 'q') f(x, 'r') f(x, 's') f(x, 't')          \
                        f(x, 'u') f(x, 'v') f(x, 'w') f(x, 'x') f(x, 'y') f(x, 'z') f(x, '0') f(x, '1')      \
                            f(x, '2') f(x, '3') f(x, '4') f(x, '5') f(x, '6') f(x, '7') f(x, '8') f(x, '9')  \
                                f(x, '+') f(x, '/')
#define PAIR(first, second) {first, second},
#define ROW(unused, first)  EACH_AGAIN(PAIR, first)

static const char pairs[4096][2] = {EACH(ROW, )};

static inline void put_pair(char *out, unsigned twelve_bits)
{
    memcpy(out, pairs[twelve_bits], 2);
}

/* The last one or two bytes, whose bits are filled up with zeroes (section 4). */
static char *put_rest(const uint8_t *bytes, size_t n, char *out)
{
    const unsigned bits = (unsigned)bytes[0] << 16 | (n == 2 ? (unsigned)bytes[1] << 8 : 0);

    put_pair(out, bits >> 12);
    out[2] = pairs[bits & 0xfff][0];
    out[3] = '=';
    if (n == 1)
        out[2] = '=';
    return out + 4;
}

char *cm_base64_portable(const uint8_t *bytes, size_t n, char *out)
{
    for (; n >= 8; n -= 6, bytes += 6, out += 8) { /* six bytes are used, eight are read */
        const uint64_t bits = cm_load_be64(bytes);

        put_pair(out, (unsigned)(bits >> 52));
        put_pair(out + 2, (unsigned)(bits >> 40) & 0xfff);
        put_pair(out + 4, (unsigned)(bits >> 28) & 0xfff);
        put_pair(out + 6, (unsigned)(bits >> 16) & 0xfff);
    }
    for (; n >= 3; n -= 3, bytes += 3, out += 4) {
        const unsigned bits = (unsigned)bytes[0] << 16 | (unsigned)bytes[1] << 8 | bytes[2];

        put_pair(out, bits >> 12);
        put_pair(out + 2, bits & 0xfff);
    }
    return n > 0 ? put_rest(bytes, n, out) : out;
}

cm_base64_encode *cm_base64_choose(unsigned features)
{
#ifdef CAPMILL_SIMD_X86
    if (features & CM_CPU_AVX2)
        return cm_base64_avx2;
#endif
    return cm_base64_portable;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32, eight bytes a step: what each of them adds is looked up in a table of its own, and the looks do not wait
 * for each other. */
#include "simd/crc32.h"

#include "base/endian.h"

#define POLYNOMIAL 0xedb88320u /* 0x04c11db7, lowest power last */

void cm_crc32_init(struct cm_crc32 *tables)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t sum = byte;

        for (unsigned bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (sum & 1 ? POLYNOMIAL : 0);
        tables->table[0][byte] = sum;
    }
    /* a byte with k zero bytes behind it */
    for (unsigned k = 1; k < 8; k++)
        for (uint32_t byte = 0; byte < 256; byte++) {
            const uint32_t sum = tables->table[k - 1][byte];

            tables->table[k][byte] = sum >> 8 ^ tables->table[0][sum & 255];
        }
}

uint32_t cm_crc32_of(const struct cm_crc32 *tables, const void *bytes, size_t n)
{
    const uint32_t(*table)[256] = tables->table;
    const uint8_t *p = bytes;
    uint32_t sum = UINT32_MAX;

    for (; n >= 8; n -= 8, p += 8) {
        const uint64_t word = cm_load_le64(p) ^ sum;

        sum = table[7][word & 255] ^ table[6][word >> 8 & 255] ^ table[5][word >> 16 & 255] ^
              table[4][word >> 24 & 255] ^ table[3][word >> 32 & 255] ^ table[2][word >> 40 & 255] ^
              table[1][word >> 48 & 255] ^ table[0][word >> 56];
    }
    for (; n > 0; n--, p++)
        sum = sum >> 8 ^ table[0][(sum ^ *p) & 255];
    return ~sum;
}

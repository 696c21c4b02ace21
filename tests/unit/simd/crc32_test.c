/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32 has its published check value, and is that of one bit after the other for every length. */
#include "simd/crc32.h"

#include "unit/check.h"

static uint32_t bit_by_bit(const uint8_t *bytes, size_t n)
{
    uint32_t sum = UINT32_MAX;

    for (size_t i = 0; i < n; i++) {
        sum ^= bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (sum & 1 ? 0xedb88320u : 0);
    }
    return ~sum;
}

CM_TEST(crc32, of_the_check_string)
{
    struct cm_crc32 tables;

    cm_crc32_init(&tables);
    cm_check_eq(cm_crc32_of(&tables, "123456789", 9), 0xcbf43926u);
    cm_check_eq(cm_crc32_of(&tables, NULL, 0), 0);
}

CM_TEST(crc32, of_every_length)
{
    static uint8_t bytes[600];
    struct cm_crc32 tables;

    cm_crc32_init(&tables);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * i * 7 + i / 5);
    for (size_t n = 0; n <= 300; n++)
        cm_check_eq(cm_crc32_of(&tables, bytes + n, n), bit_by_bit(bytes + n, n));
}

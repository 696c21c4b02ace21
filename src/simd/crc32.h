/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32 as gzip and Avro's snappy blocks have it (polynomial 0x04c11db7, reflected; ISO 3309). Not the Castagnoli
 * sum of SCTP (wire/crc32c.h). */
#ifndef CM_SIMD_CRC32_H
#define CM_SIMD_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Tables for eight bytes at a time; made once by whoever sums often, read-only then. */
struct cm_crc32 {
    uint32_t table[8][256];
};

void cm_crc32_init(struct cm_crc32 *tables);
uint32_t cm_crc32_of(const struct cm_crc32 *tables, const void *bytes, size_t n);

#endif

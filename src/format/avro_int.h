/* SPDX-License-Identifier: Apache-2.0 */
/* Binary encoding of Avro's primitive types (specification, "Binary Encoding"), written without a look at the room.
 * For this room alone. */
#ifndef CM_FORMAT_AVRO_INT_H
#define CM_FORMAT_AVRO_INT_H

#include <stdint.h>
#include <string.h>

#define CM_AVRO_LONG_MOST 10

/* An int or a long: the sign goes to the lowest bit, so that small numbers are short; then seven bits a byte,
 * lowest first, the highest bit set in all but the last. An int is written as the same long. */
static inline uint8_t *cm_avro_put_long(int64_t value, uint8_t *out)
{
    uint64_t rest = (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);

    for (; rest >= 0x80; rest >>= 7)
        *out++ = (uint8_t)(rest | 0x80);
    *out++ = (uint8_t)rest;
    return out;
}

/* How many bytes that takes, for a value that is not negative. */
static inline unsigned cm_avro_long_bytes(uint64_t value)
{
    return (64u - (unsigned)__builtin_clzll(value << 1 | 1) + 6) / 7;
}

/* Bytes, or a string: their number and they. `bytes` may be NULL where n is 0. */
static inline uint8_t *cm_avro_put_bytes(const void *bytes, uint32_t n, uint8_t *out)
{
    out = cm_avro_put_long((int64_t)n, out);
    if (n != 0)
        memcpy(out, bytes, n);
    return out + n;
}

#endif

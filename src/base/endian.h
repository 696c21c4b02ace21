/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and stores of fixed-width integers at any alignment, in either byte order. Nothing here checks
 * bounds. */
#ifndef CM_BASE_ENDIAN_H
#define CM_BASE_ENDIAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define CM_HOST_IS_BIG_ENDIAN 1
#else
#define CM_HOST_IS_BIG_ENDIAN 0
#endif

static inline uint16_t cm_load_u16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint32_t cm_load_u32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint64_t cm_load_u64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline void cm_store_u16(void *p, uint16_t v)
{
    memcpy(p, &v, sizeof(v));
}

static inline void cm_store_u32(void *p, uint32_t v)
{
    memcpy(p, &v, sizeof(v));
}

static inline void cm_store_u64(void *p, uint64_t v)
{
    memcpy(p, &v, sizeof(v));
}

/* Load in a named byte order; with a constant `big` the choice is made by the compiler. */
static inline uint16_t cm_load_u16_as(const void *p, bool big)
{
    uint16_t v = cm_load_u16(p);
    return big == CM_HOST_IS_BIG_ENDIAN ? v : __builtin_bswap16(v);
}

static inline uint32_t cm_load_u32_as(const void *p, bool big)
{
    uint32_t v = cm_load_u32(p);
    return big == CM_HOST_IS_BIG_ENDIAN ? v : __builtin_bswap32(v);
}

static inline uint64_t cm_load_u64_as(const void *p, bool big)
{
    uint64_t v = cm_load_u64(p);
    return big == CM_HOST_IS_BIG_ENDIAN ? v : __builtin_bswap64(v);
}

static inline void cm_store_u16_as(void *p, uint16_t v, bool big)
{
    cm_store_u16(p, big == CM_HOST_IS_BIG_ENDIAN ? v : __builtin_bswap16(v));
}

static inline void cm_store_u32_as(void *p, uint32_t v, bool big)
{
    cm_store_u32(p, big == CM_HOST_IS_BIG_ENDIAN ? v : __builtin_bswap32(v));
}

static inline void cm_store_u64_as(void *p, uint64_t v, bool big)
{
    cm_store_u64(p, big == CM_HOST_IS_BIG_ENDIAN ? v : __builtin_bswap64(v));
}

/* Network order, the usual case in packet headers. */
static inline uint16_t cm_load_be16(const void *p)
{
    return cm_load_u16_as(p, true);
}

static inline uint32_t cm_load_be32(const void *p)
{
    return cm_load_u32_as(p, true);
}

static inline uint64_t cm_load_be64(const void *p)
{
    return cm_load_u64_as(p, true);
}

static inline void cm_store_be16(void *p, uint16_t v)
{
    cm_store_u16_as(p, v, true);
}

static inline void cm_store_be32(void *p, uint32_t v)
{
    cm_store_u32_as(p, v, true);
}

static inline void cm_store_be64(void *p, uint64_t v)
{
    cm_store_u64_as(p, v, true);
}

static inline uint16_t cm_load_le16(const void *p)
{
    return cm_load_u16_as(p, false);
}

static inline uint32_t cm_load_le32(const void *p)
{
    return cm_load_u32_as(p, false);
}

static inline uint64_t cm_load_le64(const void *p)
{
    return cm_load_u64_as(p, false);
}

#endif

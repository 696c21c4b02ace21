/* SPDX-License-Identifier: Apache-2.0 */
/* Sums and products that say when they do not fit, saturating forms for times, and alignment. */
#ifndef CM_BASE_CHECKED_H
#define CM_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True where the result fits and was stored. */
static inline bool cm_add_u64(uint64_t a, uint64_t b, uint64_t *sum_ret)
{
    return !__builtin_add_overflow(a, b, sum_ret);
}

static inline bool cm_mul_u64(uint64_t a, uint64_t b, uint64_t *product_ret)
{
    return !__builtin_mul_overflow(a, b, product_ret);
}

static inline bool cm_mul_size(size_t a, size_t b, size_t *product_ret)
{
    return !__builtin_mul_overflow(a, b, product_ret);
}

/* The greatest value stands for everything beyond it. */
static inline uint64_t cm_add_saturating_u64(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline uint64_t cm_mul_saturating_u64(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* `alignment` is a power of two; the caller knows that the sum fits. */
static inline size_t cm_align_up(size_t value, size_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

static inline uint64_t cm_min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t cm_max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#define CM_ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define CM_LIKELY(x)   __builtin_expect(!!(x), 1)
#define CM_UNLIKELY(x) __builtin_expect(!!(x), 0)

#endif

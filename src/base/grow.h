/* SPDX-License-Identifier: Apache-2.0 */
/* Growing arrays: room for one more element, and rarely a move. */
#ifndef CM_BASE_GROW_H
#define CM_BASE_GROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Room for `n` elements in the array that `array` points to (a pointer to a pointer of any object type; NULL
 * while `*capacity` is 0): grows by doubling, from `least` (not 0). What is new in it is not set. False, with
 * array and capacity as they were, where memory cannot be had or the size does not fit. */
static inline bool cm_grow(void *array, size_t *capacity, size_t n, size_t least, size_t element_bytes)
{
    size_t wanted = *capacity < least ? least : *capacity;
    size_t n_bytes;
    void *before, *moved;

    if (n <= *capacity)
        return true;
    while (wanted < n)
        if (__builtin_mul_overflow(wanted, (size_t)2, &wanted))
            return false;
    if (__builtin_mul_overflow(wanted, element_bytes, &n_bytes))
        return false;
    /* copied, because pointers of other types may not be read as pointers to void */
    memcpy(&before, array, sizeof(before));
    moved = realloc(before, n_bytes);
    if (moved == NULL)
        return false;
    memcpy(array, &moved, sizeof(moved));
    *capacity = wanted;
    return true;
}

/* Two arrays of one capacity. */
static inline bool cm_grow_both(void *array, void *other, size_t *capacity, size_t n, size_t least,
                                size_t element_bytes, size_t other_bytes)
{
    size_t first = *capacity, second = *capacity;

    /* where the second fails the first has more room than is known, which does no harm */
    if (!cm_grow(array, &first, n, least, element_bytes) || !cm_grow(other, &second, n, least, other_bytes))
        return false;
    *capacity = first;
    return true;
}

#define CM_GROW(array, capacity, n, least) cm_grow(&(array), &(capacity), (n), (least), sizeof(*(array)))
#define CM_GROW_BOTH(array, other, capacity, n, least)                                                       \
    cm_grow_both(&(array), &(other), &(capacity), (n), (least), sizeof(*(array)), sizeof(*(other)))

#endif

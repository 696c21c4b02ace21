/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays grow by doubling, keep what they hold, and stay as they are where they cannot grow. */
#include "base/grow.h"

#include <stdint.h>

#include "unit/check.h"

/* Sanitizers take a request for more memory than there can be for a mistake, unless told to answer as the C
 * library does. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

CM_TEST(grow, doubles_and_keeps_what_was_there)
{
    uint32_t *array = NULL;
    size_t capacity = 0;

    cm_check(CM_GROW(array, capacity, 0, 4));
    cm_check(array == NULL);
    for (uint32_t n = 0; n < 1000; n++) {
        size_t before = capacity;

        cm_check(CM_GROW(array, capacity, n + 1, 4));
        cm_check_eq(capacity, n < before ? before : before == 0 ? 4 : 2 * before);
        array[n] = n;
    }
    cm_check(CM_GROW(array, capacity, 5000, 4));
    cm_check_eq(capacity, 8192);
    for (uint32_t n = 0; n < 1000; n++)
        cm_check_eq(array[n], n);
    free(array);
}

CM_TEST(grow, what_does_not_fit_changes_nothing)
{
    uint64_t *array = NULL, *before;
    size_t capacity = 0;

    cm_check(CM_GROW(array, capacity, 3, 2));
    before = array;
    cm_check(!CM_GROW(array, capacity, SIZE_MAX, 2));
    cm_check(!CM_GROW(array, capacity, SIZE_MAX / 8 + 1, 2)); /* its bytes do not fit */
    cm_check(!CM_GROW(array, capacity, SIZE_MAX / 32, 2));    /* no machine has so much */
    cm_check(array == before);
    cm_check_eq(capacity, 4);
    free(array);
}

CM_TEST(grow, two_arrays_share_a_capacity)
{
    uint8_t *array = NULL;
    uint64_t *other = NULL;
    size_t capacity = 0;

    for (size_t n = 0; n < 100; n++) {
        cm_check(CM_GROW_BOTH(array, other, capacity, n + 1, 16));
        array[n] = (uint8_t)n;
        other[n] = n * n;
    }
    cm_check_eq(capacity, 128);
    cm_check(!CM_GROW_BOTH(array, other, capacity, SIZE_MAX / 8 + 1, 16));
    cm_check_eq(capacity, 128);
    for (size_t n = 0; n < 100; n++)
        cm_check(array[n] == n && other[n] == n * n);
    free(array);
    free(other);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Overwriting of secrets. */
#ifndef CM_BASE_WIPE_H
#define CM_BASE_WIPE_H

#include <stddef.h>
#include <string.h>

/* Zeros over `n` bytes, also where nobody reads them again and the compiler would leave a memset out. */
static inline void cm_wipe(void *bytes, size_t n)
{
    memset(bytes, 0, n);
    __asm__ volatile("" : : "r"(bytes) : "memory");
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Large blocks of memory, and how much of it there is. Small things use malloc. */
#ifndef CM_OS_MEMORY_H
#define CM_OS_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed, page-aligned memory, on large pages where the system gives them without being configured. NULL when
 * there is none. Freed with the same size. */
void *cm_memory_map(size_t n_bytes);
void cm_memory_unmap(void *memory, size_t n_bytes);
/* Give the pages back to the system but keep the addresses; contents become zero or stay. */
void cm_memory_discard(void *memory, size_t n_bytes);

/* Bytes that the machine, or the cgroup that limits this process, has free now. */
uint64_t cm_memory_available(void);
/* Greatest resident set of this process so far, in bytes; 0 where unknown. */
uint64_t cm_memory_peak(void);

#endif

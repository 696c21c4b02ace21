/* SPDX-License-Identifier: Apache-2.0 */
/* What the control groups (version 1 or 2) around this process leave it. Only for src/os/linux/. */
#ifndef CM_OS_LINUX_CGROUP_LINUX_H
#define CM_OS_LINUX_CGROUP_LINUX_H

#include <stdint.h>

/* `process`: the folder of /proc that tells, "/proc/self" but in tests. */
/* CPUs by quota, rounded up; UINT_MAX without one. */
unsigned cm_cgroup_cpu_limit(const char *process);
/* Bytes that may still be taken; file pages the kernel would drop first count as free. UINT64_MAX without a
 * limit. */
uint64_t cm_cgroup_memory_available(const char *process);

#endif

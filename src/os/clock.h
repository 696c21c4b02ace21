/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks. Not for calendar arithmetic or texts (base/time_text.h). */
#ifndef CM_OS_CLOCK_H
#define CM_OS_CLOCK_H

#include <stdint.h>

uint64_t cm_clock_monotonic_ns(void);   /* since an arbitrary start; never goes back */
int64_t cm_clock_utc_ns(void);          /* since 1970 */
uint64_t cm_clock_process_cpu_ns(void); /* user and system time of all threads so far */

#endif

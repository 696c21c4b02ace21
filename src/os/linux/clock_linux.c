/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks of POSIX. Not for calendar arithmetic. */
#include "os/clock.h"

#include <time.h>

static uint64_t read_ns(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now) != 0)
        return 0;
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t cm_clock_monotonic_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int64_t cm_clock_utc_ns(void)
{
    return (int64_t)read_ns(CLOCK_REALTIME);
}

uint64_t cm_clock_process_cpu_ns(void)
{
    return read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

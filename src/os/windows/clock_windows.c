/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks of Windows. Not for calendar arithmetic. */
#include "os/clock.h"
#include "os/windows/system_windows.h"

uint64_t cm_clock_monotonic_ns(void)
{
    LARGE_INTEGER count, frequency;
    uint64_t ticks, hertz;

    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&count);
    ticks = (uint64_t)count.QuadPart;
    hertz = (uint64_t)frequency.QuadPart;
    /* Seconds apart from the rest: the product of all ticks with 10^9 would overflow within hours. */
    return ticks / hertz * 1000000000u + ticks % hertz * 1000000000u / hertz;
}

int64_t cm_clock_utc_ns(void)
{
    FILETIME now;

    GetSystemTimePreciseAsFileTime(&now);
    return cm_filetime_to_ns(now);
}

uint64_t cm_clock_process_cpu_ns(void)
{
    FILETIME created, ended, kernel, user;

    if (!GetProcessTimes(GetCurrentProcess(), &created, &ended, &kernel, &user))
        return 0;
    return (((uint64_t)kernel.dwHighDateTime << 32 | kernel.dwLowDateTime) +
            ((uint64_t)user.dwHighDateTime << 32 | user.dwLowDateTime)) *
           100;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of memory from VirtualAlloc. Large pages need a privilege that users do not have, so none are asked
 * for. */
#include "os/memory.h"
#include "os/windows/system_windows.h"

#include <psapi.h>

void *cm_memory_map(size_t n_bytes)
{
    return n_bytes == 0 ? NULL : VirtualAlloc(NULL, n_bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void cm_memory_unmap(void *memory, size_t n_bytes)
{
    (void)n_bytes; /* the system knows */
    if (memory != NULL)
        VirtualFree(memory, 0, MEM_RELEASE);
}

void cm_memory_discard(void *memory, size_t n_bytes)
{
    /* Only whole pages: MEM_RESET would take a page shared with a neighbour, too. */
    const uintptr_t page = 4096;
    uintptr_t skip = (page - (uintptr_t)memory % page) % page;

    if (memory == NULL || n_bytes <= skip || n_bytes - skip < page)
        return;
    VirtualAlloc((unsigned char *)memory + skip, (n_bytes - skip) & ~(size_t)(page - 1), MEM_RESET,
                 PAGE_READWRITE);
}

/* What the job (the Windows form of a container) around this process leaves. */
static uint64_t job_available(void)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION job;
    uint64_t least = UINT64_MAX;
    PROCESS_MEMORY_COUNTERS now = {.cb = sizeof(now)};

    if (!QueryInformationJobObject(NULL, JobObjectExtendedLimitInformation, &job, sizeof(job), NULL))
        return UINT64_MAX;
    if (job.BasicLimitInformation.LimitFlags & JOB_OBJECT_LIMIT_PROCESS_MEMORY)
        least = job.ProcessMemoryLimit;
    if ((job.BasicLimitInformation.LimitFlags & JOB_OBJECT_LIMIT_JOB_MEMORY) && job.JobMemoryLimit < least)
        least = job.JobMemoryLimit;
    if (least == UINT64_MAX || !K32GetProcessMemoryInfo(GetCurrentProcess(), &now, sizeof(now)))
        return least;
    return now.PagefileUsage < least ? least - now.PagefileUsage : 0;
}

uint64_t cm_memory_available(void)
{
    MEMORYSTATUSEX status = {.dwLength = sizeof(status)};
    uint64_t job = job_available(), machine;

    if (!GlobalMemoryStatusEx(&status))
        return job;
    machine = status.ullAvailPhys < status.ullAvailVirtual ? status.ullAvailPhys : status.ullAvailVirtual;
    return job < machine ? job : machine;
}

uint64_t cm_memory_peak(void)
{
    PROCESS_MEMORY_COUNTERS counters = {.cb = sizeof(counters)};

    return K32GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof(counters))
               ? counters.PeakWorkingSetSize
               : 0;
}

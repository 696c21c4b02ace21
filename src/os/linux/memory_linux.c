/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of memory from mmap, on transparent huge pages where they are large, and the sums of /proc. */
#include "os/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/linux/cgroup_linux.h"

/* The huge page of x86-64 and of arm64 with 4 KiB pages. On others the alignment costs address space only. */
static const size_t huge_page_bytes = (size_t)2 << 20;

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) & ~(unit - 1);
}

void *cm_memory_map(size_t n_bytes)
{
    size_t page = page_bytes();
    size_t slack, head, whole;
    unsigned char *start;

    if (n_bytes == 0 || n_bytes > SIZE_MAX - 2 * huge_page_bytes)
        return NULL;
    whole = round_up(n_bytes, page);
    slack = whole >= huge_page_bytes ? huge_page_bytes : 0;
    start = mmap(NULL, whole + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    if (slack == 0)
        return start;
    /* Huge pages need aligned addresses: map a little more and give both ends back. */
    head = round_up((uintptr_t)start, huge_page_bytes) - (uintptr_t)start;
    if (head > 0)
        munmap(start, head);
    if (slack - head > 0)
        munmap(start + head + whole, slack - head);
    start += head;
    madvise(start, whole, MADV_HUGEPAGE); /* refused where huge pages are switched off: small ones do */
    return start;
}

void cm_memory_unmap(void *memory, size_t n_bytes)
{
    if (memory != NULL)
        munmap(memory, round_up(n_bytes, page_bytes()));
}

void cm_memory_discard(void *memory, size_t n_bytes)
{
    /* Only whole pages: a page shared with a neighbour keeps its contents. */
    size_t page = page_bytes();
    uintptr_t start = round_up((uintptr_t)memory, page);
    uintptr_t end = ((uintptr_t)memory + n_bytes) & ~(uintptr_t)(page - 1);

    if (memory != NULL && start < end)
        madvise((unsigned char *)memory + (start - (uintptr_t)memory), end - start, MADV_DONTNEED);
}

/* A line "KEY: NUMBER kB" of a file of /proc, in bytes; `absent` where it is not there. */
static uint64_t read_proc_bytes(const char *path, const char *key, uint64_t absent)
{
    FILE *file = fopen(path, "re");
    size_t length = strlen(key);
    uint64_t value = absent, kib;
    char line[256];

    if (file == NULL)
        return absent;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, key, length) == 0 && line[length] == ':' &&
            sscanf(line + length + 1, "%" SCNu64, &kib) == 1) {
            value = kib * 1024;
            break;
        }
    }
    fclose(file);
    return value;
}

/* What `ulimit -v` leaves. */
static uint64_t address_space_available(void)
{
    struct rlimit limit;
    uint64_t used;

    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    used = read_proc_bytes("/proc/self/status", "VmSize", 0);
    return used < limit.rlim_cur ? limit.rlim_cur - used : 0;
}

uint64_t cm_memory_available(void)
{
    uint64_t pages = (uint64_t)sysconf(_SC_AVPHYS_PAGES);
    uint64_t least = read_proc_bytes("/proc/meminfo", "MemAvailable", pages * page_bytes());
    uint64_t group = cm_cgroup_memory_available("/proc/self");
    uint64_t space = address_space_available();

    if (group < least)
        least = group;
    return space < least ? space : least;
}

uint64_t cm_memory_peak(void)
{
    /* VmHWM belongs to this program; ru_maxrss may still be that of the process which started it. */
    uint64_t peak = read_proc_bytes("/proc/self/status", "VmHWM", 0);
    struct rusage usage;

    if (peak == 0 && getrusage(RUSAGE_SELF, &usage) == 0)
        peak = (uint64_t)usage.ru_maxrss * 1024;
    return peak;
}

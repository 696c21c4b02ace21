/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a file is in the page cache, from a few probes. A read that must not block (RWF_NOWAIT) would
 * not do: recent kernels start read-ahead for it. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/linux/system_linux.h"

/* Enough to tell "cached" from "not" and from "about half"; 64 calls cost some tens of microseconds. */
enum { n_probes = 64 };

/* cachestat(2), Linux 6.5: younger than the C library's headers. */
enum { cachestat_call = 451 };
struct cachestat_range {
    uint64_t offset;
    uint64_t n_bytes;
};
struct cachestat_counts {
    uint64_t n_cached;
    uint64_t n_dirty;
    uint64_t n_writeback;
    uint64_t n_evicted;
    uint64_t n_recently_evicted;
};

/* 1 or 0; -1 where the kernel does not know the call or does not let us ask. */
static int ask_cachestat(int fd, uint64_t offset, uint64_t page)
{
    struct cachestat_range range = {offset, page};
    struct cachestat_counts counts = {0};

    if (syscall(cachestat_call, fd, &range, &counts, 0) != 0)
        return -1;
    return counts.n_cached > 0;
}

static int ask_mincore(int fd, uint64_t offset, uint64_t page)
{
    void *mapping = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (off_t)offset);
    unsigned char resident = 0;
    int rc;

    if (mapping == MAP_FAILED)
        return -1;
    rc = mincore(mapping, page, &resident);
    munmap(mapping, page);
    return rc == 0 ? resident & 1 : -1;
}

int cm_file_cached_percent(struct cm_file *file)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t n_pages, n_asked, n_cached = 0;
    bool have_cachestat = true, mincore_is_honest;
    struct stat facts;

    if (fstat(file->fd, &facts) != 0 || !S_ISREG(facts.st_mode) || facts.st_size == 0)
        return -1;
    /* To those who could not write the file mincore(2) says that all of it is there. */
    mincore_is_honest =
        geteuid() == 0 || facts.st_uid == geteuid() || faccessat(AT_FDCWD, file->path, W_OK, AT_EACCESS) == 0;
    n_pages = ((uint64_t)facts.st_size + page - 1) / page;
    n_asked = n_pages < n_probes ? n_pages : n_probes;
    for (uint64_t i = 0; i < n_asked; i++) {
        /* The middle of each of n_asked equal parts; 128-bit, as a file may have 2^51 pages. */
        uint64_t place = (uint64_t)((unsigned __int128)n_pages * (2 * i + 1) / (2 * n_asked));
        int cached = have_cachestat ? ask_cachestat(file->fd, place * page, page) : -1;

        if (cached < 0) {
            have_cachestat = false;
            if (!mincore_is_honest)
                return -1;
            cached = ask_mincore(file->fd, place * page, page);
        }
        if (cached < 0)
            return -1;
        n_cached += (uint64_t)cached;
    }
    return (int)(n_cached * 100 / n_asked);
}

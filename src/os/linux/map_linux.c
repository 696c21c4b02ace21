/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files mapped read-only, and the guard that keeps the process alive when such a file shrinks: the
 * SIGBUS of a read behind the new end is answered with pages of zeros, and the mapping is marked broken. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/linux/system_linux.h"

struct cm_file_map {
    /* Written by cm_file_map_open and _close, read by the handler on any thread. `start` is stored last
     * (release) and read first and last (acquire) by the handler: 0 is a free slot, BUSY one being filled. */
    _Atomic uintptr_t start;
    _Atomic size_t n_bytes;
    _Atomic int fd; /* our own duplicate: the file may be closed before its mapping */
    _Atomic bool broken;
    size_t page_bytes;
};

enum { slots_per_block = 64, slot_busy = 1 };

/* A signal handler finds its data only at file scope. Blocks are added and never freed, so that the handler
 * can walk them without a lock; slots are used again. */
struct slot_block {
    struct cm_file_map slots[slots_per_block];
    _Atomic(struct slot_block *) next;
};
static struct slot_block first_block;
static struct sigaction earlier_action;
static atomic_int guard_state; /* 0 not installed, 1 being installed, 2 installed */

/* Put zeros where the file has no bytes. Only calls that are plain system calls: this runs in the handler. */
static bool fill_with_zeros(struct cm_file_map *map, uintptr_t address)
{
    uintptr_t start = atomic_load_explicit(&map->start, memory_order_acquire);
    size_t n = atomic_load_explicit(&map->n_bytes, memory_order_relaxed);
    size_t page_bytes = map->page_bytes;
    uintptr_t page;
    struct stat facts;
    size_t length;

    if (start <= slot_busy || address < start || address - start >= n)
        return false;
    page = address - (address - start) % page_bytes;
    length = page_bytes;
    /* Behind the end of the file nothing comes back: all of it in one go. Else the disk failed at this one
     * page. */
    if (fstat(atomic_load_explicit(&map->fd, memory_order_relaxed), &facts) == 0 &&
        (uint64_t)facts.st_size <= page - start)
        length = n - (page - start);
    atomic_store_explicit(&map->broken, true, memory_order_release);
    return mmap((void *)page, length, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
           MAP_FAILED;
}

static void on_bus_error(int number, siginfo_t *info, void *machine)
{
    uintptr_t address = (uintptr_t)info->si_addr;
    int code = errno;

    for (struct slot_block *block = &first_block; block != NULL;
         block = atomic_load_explicit(&block->next, memory_order_acquire)) {
        for (int i = 0; i < slots_per_block; i++) {
            if (fill_with_zeros(&block->slots[i], address)) {
                errno = code;
                return;
            }
        }
    }
    errno = code;
    /* Not ours: whoever was there before, or the default, which ends the process when the read is tried
     * again. */
    if (earlier_action.sa_flags & SA_SIGINFO) {
        earlier_action.sa_sigaction(number, info, machine);
    } else if (earlier_action.sa_handler != SIG_DFL && earlier_action.sa_handler != SIG_IGN) {
        earlier_action.sa_handler(number);
    } else {
        struct sigaction otherwise = {.sa_handler = SIG_DFL};
        sigaction(SIGBUS, &otherwise, NULL);
    }
}

static void install_guard(void)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_RESTART};
    int none = 0;

    if (atomic_compare_exchange_strong(&guard_state, &none, 1)) {
        sigemptyset(&action.sa_mask);
        sigaction(SIGBUS, NULL, &earlier_action);
        sigaction(SIGBUS, &action, NULL);
        atomic_store(&guard_state, 2);
    }
    while (atomic_load(&guard_state) != 2) /* another thread is about to have done it */
        usleep(100);
}

static struct cm_file_map *take_slot(void)
{
    struct slot_block *block = &first_block;

    for (;;) {
        struct slot_block *next;

        for (int i = 0; i < slots_per_block; i++) {
            uintptr_t none = 0;
            if (atomic_compare_exchange_strong(&block->slots[i].start, &none, slot_busy))
                return &block->slots[i];
        }
        next = atomic_load_explicit(&block->next, memory_order_acquire);
        if (next == NULL) {
            struct slot_block *added = calloc(1, sizeof(*added));

            if (added == NULL)
                return NULL;
            /* Who loses against another thread that adds a block uses the other one's. */
            if (atomic_compare_exchange_strong(&block->next, &next, added))
                next = added;
            else
                free(added);
        }
        block = next;
    }
}

static enum capmill_status map_bytes(struct cm_file *file, size_t n, struct cm_file_map *map,
                                     struct cm_error *error)
{
    int fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 3);
    void *bytes = MAP_FAILED;
    int code;

    if (fd >= 0)
        bytes = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) {
        code = errno;
        if (fd >= 0)
            close(fd);
        return cm_system_fail(error, code, "map", file->path);
    }
    madvise(bytes, n, MADV_SEQUENTIAL);
    atomic_store_explicit(&map->n_bytes, n, memory_order_relaxed);
    atomic_store_explicit(&map->fd, fd, memory_order_relaxed);
    atomic_store_explicit(&map->broken, false, memory_order_relaxed);
    map->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    atomic_store_explicit(&map->start, (uintptr_t)bytes, memory_order_release);
    return CAPMILL_OK;
}

enum capmill_status cm_file_map_open(struct cm_file *file, const uint8_t **bytes_ret, size_t *n_ret,
                                     struct cm_file_map **map_ret, struct cm_error *error)
{
    static const uint8_t nothing[1];
    enum capmill_status status;
    struct cm_file_map *map;
    struct stat facts;

    *bytes_ret = nothing;
    *n_ret = 0;
    *map_ret = NULL;
    if (fstat(file->fd, &facts) != 0)
        return cm_system_fail(error, errno, "map", file->path);
    if (!S_ISREG(facts.st_mode))
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                            "cannot map \"%s\": only regular files can be mapped; read it another way",
                            file->path);
    if (facts.st_size == 0)
        return CAPMILL_OK;
    if ((uint64_t)facts.st_size > SIZE_MAX / 2)
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, EFBIG,
                            "cannot map \"%s\": it is larger than the address space; read it another way",
                            file->path);
    install_guard();
    map = take_slot();
    if (map == NULL)
        return cm_system_fail(error, ENOMEM, "map", file->path);
    status = map_bytes(file, (size_t)facts.st_size, map, error);
    if (status < 0) {
        atomic_store_explicit(&map->start, 0, memory_order_release);
        return status;
    }
    *bytes_ret = (const uint8_t *)atomic_load_explicit(&map->start, memory_order_relaxed);
    *n_ret = (size_t)facts.st_size;
    *map_ret = map;
    return CAPMILL_OK;
}

bool cm_file_map_broken(const struct cm_file_map *map)
{
    struct stat facts;

    if (map == NULL)
        return false;
    /* What the file lost within its last page reads as zeros without a signal: only its size tells. */
    return atomic_load_explicit(&map->broken, memory_order_acquire) ||
           fstat(atomic_load_explicit(&map->fd, memory_order_relaxed), &facts) != 0 ||
           (uint64_t)facts.st_size < atomic_load_explicit(&map->n_bytes, memory_order_relaxed);
}

void cm_file_map_close(struct cm_file_map *map)
{
    uintptr_t start;

    if (map == NULL)
        return;
    /* First out of the handler's sight: the addresses may at once become someone else's. */
    start = atomic_exchange(&map->start, slot_busy);
    munmap((void *)start, atomic_load_explicit(&map->n_bytes, memory_order_relaxed));
    close(atomic_load_explicit(&map->fd, memory_order_relaxed));
    atomic_store_explicit(&map->start, 0, memory_order_release);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Open files of Linux: opening, facts, positioned and plain reads and writes. Not for outputs under
 * construction (output_linux.c) and mappings (map_linux.c). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "os/linux/system_linux.h"

/* Reads without the page cache promise callers this alignment; a device that wants more is read buffered. */
enum { direct_alignment = 4096 };

enum capmill_status cm_file_wrap(int fd, const char *path, struct cm_file **file_ret, struct cm_error *error)
{
    size_t path_bytes = strlen(path) + 1;
    struct cm_file *file = malloc(sizeof(*file) + path_bytes);
    struct stat facts;

    *file_ret = NULL;
    if (file == NULL || fstat(fd, &facts) != 0) {
        int code = file == NULL ? ENOMEM : errno;
        close(fd);
        free(file);
        return cm_system_fail(error, code, "open", path);
    }
    file->fd = fd;
    file->borrowed = false;
    file->direct = false;
    file->regular = S_ISREG(facts.st_mode);
    file->stop = NULL;
    memcpy(file->path, path, path_bytes);
    *file_ret = file;
    return CAPMILL_OK;
}

/* Whether reads of `fd`, opened with O_DIRECT, take our alignment. Kernels before 6.1 do not tell: then the
 * open call itself was the answer. */
static bool direct_reads_work(int fd)
{
#ifdef STATX_DIOALIGN
    struct statx facts;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &facts) != 0 || !(facts.stx_mask & STATX_DIOALIGN))
        return true;
    return facts.stx_dio_offset_align > 0 && facts.stx_dio_offset_align <= direct_alignment &&
           facts.stx_dio_mem_align <= direct_alignment;
#else
    return true;
#endif
}

static enum capmill_status refuse_folder(int fd, const char *path, struct cm_error *error)
{
    struct stat facts;

    if (fstat(fd, &facts) == 0 && S_ISDIR(facts.st_mode))
        return cm_error_set(error, CAPMILL_E_USAGE, EISDIR,
                            "cannot read \"%s\": it is a folder; name the files in it", path);
    return CAPMILL_OK;
}

enum capmill_status cm_file_open_read(const char *path, unsigned flags, struct cm_file **file_ret,
                                      struct cm_error *error)
{
    /* Opening a FIFO waits for its writer, as in any other program. An interrupted wait is not taken up
     * again: the signal may be a request to stop. */
    const int mode = O_RDONLY | O_CLOEXEC | O_NOCTTY;
    enum capmill_status status;
    bool direct = false;
    int fd = -1;

    *file_ret = NULL;
    if (flags & CM_FILE_DIRECT) {
        fd = open(path, mode | O_DIRECT);
        direct = fd >= 0 && direct_reads_work(fd);
        if (fd >= 0 && !direct) {
            close(fd);
            fd = -1;
        }
    }
    if (fd < 0)
        fd = open(path, mode);
    if (fd < 0)
        return cm_system_fail(error, errno, "open", path);
    status = refuse_folder(fd, path, error);
    if (status < 0) {
        close(fd);
        return status;
    }
    if (flags & CM_FILE_SEQUENTIAL)
        posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    status = cm_file_wrap(fd, path, file_ret, error);
    if (status == CAPMILL_OK)
        (*file_ret)->direct = direct && (*file_ret)->regular;
    return status;
}

static enum capmill_status open_standard(int fd, const char *name, struct cm_file **file_ret,
                                         struct cm_error *error)
{
    enum capmill_status status;
    struct stat facts;

    *file_ret = NULL;
    if (fstat(fd, &facts) != 0)
        return cm_error_set(error, CAPMILL_E_IO, errno, "%s is not open; run with it connected", name);
    if (S_ISDIR(facts.st_mode))
        return cm_error_set(error, CAPMILL_E_USAGE, EISDIR, "%s is a folder; connect a file or a pipe", name);
    status = cm_file_wrap(fd, name, file_ret, error);
    if (status == CAPMILL_OK)
        (*file_ret)->borrowed = true;
    return status;
}

enum capmill_status cm_file_open_stdin(struct cm_file **file_ret, struct cm_error *error)
{
    return open_standard(STDIN_FILENO, "standard input", file_ret, error);
}

enum capmill_status cm_file_open_stdout(struct cm_file **file_ret, struct cm_error *error)
{
    return open_standard(STDOUT_FILENO, "standard output", file_ret, error);
}

enum capmill_status cm_file_open_device(const char *path, struct cm_file **file_ret, struct cm_error *error)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

    *file_ret = NULL;
    if (fd < 0)
        return cm_system_fail(error, errno, "write", path);
    return cm_file_wrap(fd, path, file_ret, error);
}

void cm_file_close(struct cm_file *file)
{
    if (file == NULL)
        return;
    if (!file->borrowed)
        close(file->fd);
    free(file);
}

const char *cm_file_path(const struct cm_file *file)
{
    return file->path;
}

bool cm_file_is_direct(const struct cm_file *file)
{
    return file->direct;
}

static void fill_facts(const struct stat *from, struct cm_file_facts *facts_ret)
{
    mode_t kind = from->st_mode & S_IFMT;

    memset(facts_ret, 0, sizeof(*facts_ret));
    if (kind == S_IFREG) {
        facts_ret->type = CM_FILE_REGULAR;
        facts_ret->size_bytes = (uint64_t)from->st_size;
    } else if (kind == S_IFDIR) {
        facts_ret->type = CM_FILE_FOLDER;
    } else if (kind == S_IFIFO || kind == S_IFSOCK) {
        facts_ret->type = CM_FILE_PIPE;
    } else if (kind == S_IFCHR || kind == S_IFBLK) {
        facts_ret->type = CM_FILE_DEVICE;
    } else {
        facts_ret->type = CM_FILE_OTHER;
    }
    facts_ret->volume = from->st_dev;
    facts_ret->identity[0] = from->st_ino;
    facts_ret->modified_ns = (int64_t)from->st_mtim.tv_sec * 1000000000 + from->st_mtim.tv_nsec;
}

enum capmill_status cm_file_facts(struct cm_file *file, struct cm_file_facts *facts_ret,
                                  struct cm_error *error)
{
    struct stat facts;

    if (fstat(file->fd, &facts) != 0)
        return cm_system_fail(error, errno, "look at", file->path);
    fill_facts(&facts, facts_ret);
    return CAPMILL_OK;
}

enum capmill_status cm_path_facts(const char *path, struct cm_file_facts *facts_ret, struct cm_error *error)
{
    struct stat facts;

    if (stat(path, &facts) != 0)
        return cm_system_fail(error, errno, "look at", path);
    fill_facts(&facts, facts_ret);
    return CAPMILL_OK;
}

enum capmill_status cm_path_free_space(const char *path, uint64_t *bytes_ret, struct cm_error *error)
{
    struct statvfs volume;
    int code = statvfs(path, &volume) == 0 ? 0 : errno;

    if (code == ENOENT) {
        char *folder = cm_path_folder(path);
        code = folder == NULL ? ENOMEM : statvfs(folder, &volume) == 0 ? 0 : errno;
        free(folder);
    }
    if (code != 0)
        return cm_system_fail(error, code, "ask for the free space at", path);
    *bytes_ret = (uint64_t)volume.f_bavail * volume.f_frsize;
    return CAPMILL_OK;
}

/* A descriptor that someone else made non-blocking (a shared terminal or pipe) is waited for like any
 * other. */
static bool waited_for(int fd, int code, short events)
{
    struct pollfd wish = {.fd = fd, .events = events};

    if (code == EINTR)
        return true;
    if (code != EAGAIN)
        return false;
    poll(&wish, 1, -1);
    return true;
}

enum capmill_status cm_file_read_at(struct cm_file *file, uint64_t offset, void *buffer, size_t n,
                                    size_t *n_ret, struct cm_error *error)
{
    size_t done = 0;

    *n_ret = 0;
    while (done < n) {
        ssize_t got = pread(file->fd, (char *)buffer + done, n - done, (off_t)(offset + done));

        if (got < 0 && waited_for(file->fd, errno, POLLIN))
            continue;
        if (got < 0)
            return cm_system_fail(error, errno, "read", file->path);
        if (got == 0)
            break;
        done += (size_t)got;
        /* Past the page cache, an odd length is the end of the file; asking on from there would be
         * refused. */
        if (file->direct && done % direct_alignment != 0)
            break;
    }
    *n_ret = done;
    return done == 0 && n > 0 ? CAPMILL_END : CAPMILL_OK;
}

enum capmill_status cm_file_read_some(struct cm_file *file, void *buffer, size_t n, size_t *n_ret,
                                      struct cm_error *error)
{
    ssize_t got;

    *n_ret = 0;
    do {
        got = read(file->fd, buffer, n);
    } while (got < 0 && waited_for(file->fd, errno, POLLIN));
    if (got < 0)
        return cm_system_fail(error, errno, "read", file->path);
    *n_ret = (size_t)got;
    return got == 0 && n > 0 ? CAPMILL_END : CAPMILL_OK;
}

bool cm_file_wait_readable(struct cm_file *file, uint64_t timeout_ns)
{
    struct timespec limit = {(time_t)(timeout_ns / 1000000000u), (long)(timeout_ns % 1000000000u)};
    struct pollfd wish = {.fd = file->fd, .events = POLLIN};

    if (file->regular)
        return true;
    return ppoll(&wish, 1, timeout_ns == UINT64_MAX ? NULL : &limit, NULL) > 0;
}

/* Write to something whose reader may go away. The signal that this would raise is held back and taken off
 * again, so that a caller of the library who never heard of SIGPIPE is not killed by it. */
static ssize_t write_without_signal(int fd, const void *bytes, size_t n)
{
    const struct timespec at_once = {0, 0};
    sigset_t pipe_signal, before, pending;
    ssize_t wrote;
    int code;

    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    sigpending(&pending);
    wrote = write(fd, bytes, n);
    code = errno;
    if (wrote < 0 && code == EPIPE && !sigismember(&pending, SIGPIPE))
        sigtimedwait(&pipe_signal, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = code;
    return wrote;
}

enum capmill_status cm_file_write_at(struct cm_file *file, uint64_t offset, const void *bytes, size_t n,
                                     struct cm_error *error)
{
    size_t done = 0;

    while (done < n) {
        ssize_t wrote = pwrite(file->fd, (const char *)bytes + done, n - done, (off_t)(offset + done));

        if (wrote < 0 && waited_for(file->fd, errno, POLLOUT))
            continue;
        if (wrote <= 0)
            return cm_system_fail(error, wrote < 0 ? errno : ENOSPC, "write", file->path);
        done += (size_t)wrote;
    }
    return CAPMILL_OK;
}

void cm_file_stop_writes(struct cm_file *file, const _Atomic int *stop)
{
    struct stat facts;
    char again[64];
    int fd;

    /* A write that waits for the reader of a pipe cannot look at a flag. Opened once more, the same pipe can
     * be told not to wait, without changing that for other processes that share the descriptor we were
     * given. */
    if (fstat(file->fd, &facts) != 0 || !S_ISFIFO(facts.st_mode))
        return;
    snprintf(again, sizeof(again), "/proc/self/fd/%d", file->fd);
    fd = open(again, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (!file->borrowed)
        close(file->fd);
    file->fd = fd;
    file->borrowed = false;
    file->stop = stop;
}

/* A pipe takes no more now: wait until it does. False when the writer is asked to stop. */
static bool wait_for_room(const struct cm_file *file)
{
    struct pollfd wish = {.fd = file->fd, .events = POLLOUT};

    do {
        if (atomic_load_explicit(file->stop, memory_order_relaxed) != 0)
            return false;
    } while (poll(&wish, 1, 100) == 0);
    return true;
}

enum capmill_status cm_file_write(struct cm_file *file, const void *bytes, size_t n, struct cm_error *error)
{
    size_t done = 0;

    while (done < n) {
        const char *rest = (const char *)bytes + done;
        ssize_t wrote =
            file->regular ? write(file->fd, rest, n - done) : write_without_signal(file->fd, rest, n - done);

        if (wrote < 0 && errno == EAGAIN && file->stop != NULL) {
            if (!wait_for_room(file))
                return cm_error_set(error, CAPMILL_E_INTERRUPTED, 0, "stopped on request");
            continue;
        }
        if (wrote < 0 && waited_for(file->fd, errno, POLLOUT))
            continue;
        if (wrote <= 0)
            return cm_system_fail(error, wrote < 0 ? errno : ENOSPC, "write", file->path);
        done += (size_t)wrote;
    }
    return CAPMILL_OK;
}

enum capmill_status cm_file_flush(struct cm_file *file, struct cm_error *error)
{
    int rc;

    do {
        rc = fdatasync(file->fd);
    } while (rc != 0 && errno == EINTR);
    /* Pipes and devices have nothing to flush and say so with these. */
    if (rc != 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP)
        return cm_system_fail(error, errno, "write to the disk", file->path);
    return CAPMILL_OK;
}

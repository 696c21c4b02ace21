/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs that appear whole or not at all: temporary, lock, rename; and unnamed scratch files. Not for pipes
 * and devices, which are written as they are (cm_file_open_device). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/folder_int.h"
#include "os/linux/system_linux.h"
#include "os/output_int.h"

struct cm_output {
    char *path;      /* as given, for messages */
    char *target;    /* its final name, links followed */
    char *folder;    /* of the target */
    char *temporary; /* path of the file under construction; NULL until it exists */
    struct cm_file *file;
    dev_t device; /* which file the temporary is, to know it again after a rest */
    ino_t inode;
    off_t position; /* of plain writes, kept over a rest */
    bool replace;
    bool committed;
    bool has_old; /* a file is being replaced: its owner and permissions pass on */
    struct stat old;
};

static const char *last_component(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* Where symbolic links at the end of the path lead, also when nothing is there yet. Links in its folders are
 * the kernel's affair. Allocated. */
static enum capmill_status follow_links(const char *path, char **target_ret, struct cm_error *error)
{
    char *target = strdup(path);
    char link[PATH_MAX];

    for (int depth = 0; target != NULL; depth++) {
        ssize_t n = readlink(target, link, sizeof(link) - 1);
        char *next = NULL;

        if (n < 0) { /* not a link, or nothing there */
            *target_ret = target;
            return CAPMILL_OK;
        }
        if (depth == 40) {
            free(target);
            return cm_system_fail(error, ELOOP, "write", path);
        }
        link[n] = 0;
        if (link[0] == '/') {
            next = strdup(link);
        } else {
            int folder_bytes = (int)(last_component(target) - target);
            if (asprintf(&next, "%.*s%s", folder_bytes, target, link) < 0)
                next = NULL;
        }
        free(target);
        target = next;
    }
    return cm_system_fail(error, ENOMEM, "write", path);
}

/* State letter and start time of a process from /proc/PID/stat (proc(5), fields 3 and 22). False: no such
 * process. */
static bool read_process(uint64_t pid, char *state_ret, uint64_t *start_ret)
{
    char path[64], text[1024];
    const char *at;
    size_t n;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%llu/stat", (unsigned long long)pid);
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    n = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[n] = 0;
    at = strrchr(text, ')'); /* the name in field 2 may hold anything, so count from its end */
    *start_ret = 0;
    return at != NULL &&
           sscanf(at + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
                  state_ret, (unsigned long long *)start_ret) == 2;
}

static struct cm_output_owner this_process(void)
{
    struct cm_output_owner owner = {.pid = (uint64_t)getpid()};
    char state;

    if (!read_process(owner.pid, &state, &owner.start))
        owner.start = 0;
    return owner;
}

/* Whether the process that made a temporary still runs: its output may be at rest, without a lock. */
static bool owner_lives(const struct cm_output_owner *owner)
{
    uint64_t start;
    char state;

    if (owner->pid == 0 || owner->pid > INT_MAX)
        return false;
    if (kill((pid_t)owner->pid, 0) != 0 && errno == ESRCH)
        return false;
    if (owner->start == 0 || !read_process(owner->pid, &state, &start))
        return true;
    return start == owner->start && state != 'Z' && state != 'X';
}

struct sweep {
    const char *folder;
    const char *name;
    bool is_prefix;
    size_t n_removed;
};

/* Remove one temporary of a dead run. Everything that does not look certain is left alone. */
static bool sweep_entry(void *context, const char *name, enum cm_file_type type)
{
    struct sweep *sweep = context;
    struct cm_output_owner owner;
    struct stat facts;
    char *path;
    int fd;

    if (type != CM_FILE_REGULAR || !cm_output_name_parse(name, sweep->name, sweep->is_prefix, &owner) ||
        owner_lives(&owner))
        return true;
    if (asprintf(&path, "%s/%s", sweep->folder, name) < 0)
        return false;
    fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0) {
        /* The process may live where we cannot see it (another machine or container): then it holds the
         * lock. */
        if (fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
            unlink(path) == 0)
            sweep->n_removed++;
        close(fd);
    }
    free(path);
    return true;
}

/* What cannot be swept is no failure of this run. */
static size_t sweep_folder(const char *folder, const char *name, bool is_prefix)
{
    struct sweep sweep = {folder, name, is_prefix, 0};

    cm_folder_walk(folder, sweep_entry, &sweep, NULL);
    return sweep.n_removed;
}

/* Open a new temporary and lock it. The file system settles its permissions by umask and folder; one that
 * replaces a file stays private until it gets that file's. */
static enum capmill_status open_temporary(struct cm_output *output, struct cm_error *error)
{
    struct cm_output_owner owner = this_process();
    unsigned number = (unsigned)cm_clock_monotonic_ns() & 0xffff;
    char name[CM_OUTPUT_NAME_BYTES];
    enum capmill_status status;
    struct stat facts;

    for (int attempt = 0; attempt < 1000; attempt++) {
        char *path = NULL;
        int fd;

        cm_output_name_make(last_component(output->target), &owner, (number + (unsigned)attempt) & 0xffff,
                            name);
        if (asprintf(&path, "%s/%s", output->folder, name) < 0)
            return cm_system_fail(error, ENOMEM, "create", output->path);
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, output->has_old ? 0600 : 0666);
        if (fd < 0 && errno == EEXIST) {
            free(path);
            continue;
        }
        if (fd < 0 && errno == ENOENT) {
            free(path);
            return cm_error_set(error, CAPMILL_E_NOT_FOUND, ENOENT,
                                "cannot create \"%s\": its folder does not exist; create it first",
                                output->path);
        }
        if (fd < 0) {
            int code = errno;
            free(path);
            return cm_system_fail(error, code, "create", output->path);
        }
        flock(fd, LOCK_EX |
                      LOCK_NB); /* a file system without locks leaves the process number as the only guard */
        /* Someone who cannot see this process may have swept the file before it was locked: then take
         * another. */
        if (fstat(fd, &facts) != 0 || facts.st_nlink == 0) {
            close(fd);
            free(path);
            continue;
        }
        output->temporary = path;
        output->device = facts.st_dev;
        output->inode = facts.st_ino;
        status = cm_file_wrap(fd, output->path, &output->file, error);
        return status;
    }
    return cm_system_fail(error, EBUSY, "create a temporary for", output->path);
}

static enum capmill_status look_at_target(struct cm_output *output, struct cm_error *error)
{
    output->has_old = stat(output->target, &output->old) == 0;
    if (!output->has_old)
        return errno == ENOENT ? CAPMILL_OK : cm_system_fail(error, errno, "create", output->path);
    if (S_ISDIR(output->old.st_mode))
        return cm_error_set(error, CAPMILL_E_USAGE, EISDIR,
                            "cannot write \"%s\": it is a folder; name a file in it", output->path);
    if (!S_ISREG(output->old.st_mode))
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "cannot replace \"%s\": it is not a regular file",
                            output->path);
    if (!output->replace)
        return cm_system_fail(error, EEXIST, "create", output->path);
    return CAPMILL_OK;
}

static enum capmill_status create(const char *path, bool replace, bool sweeps, struct cm_output **output_ret,
                                  struct cm_error *error)
{
    struct cm_output *output = calloc(1, sizeof(*output));
    enum capmill_status status = CAPMILL_OK;

    *output_ret = NULL;
    if (output == NULL || (output->path = strdup(path)) == NULL) {
        status = cm_system_fail(error, ENOMEM, "create", path);
        goto cleanup;
    }
    output->replace = replace;
    if (last_component(path)[0] == 0) {
        status = cm_error_set(error, CAPMILL_E_USAGE, 0, "cannot create \"%s\": it names no file", path);
        goto cleanup;
    }
    status = follow_links(path, &output->target, error);
    if (status < 0)
        goto cleanup;
    status = look_at_target(output, error);
    if (status < 0)
        goto cleanup;
    output->folder = cm_path_folder(output->target);
    if (output->folder == NULL) {
        status = cm_system_fail(error, ENOMEM, "create", path);
        goto cleanup;
    }
    if (sweeps)
        sweep_folder(output->folder, last_component(output->target), false);
    status = open_temporary(output, error);
cleanup:
    if (status < 0)
        cm_output_destroy(output);
    else
        *output_ret = output;
    return status;
}

enum capmill_status cm_output_create(const char *path, bool replace, struct cm_output **output_ret,
                                     struct cm_error *error)
{
    return create(path, replace, true, output_ret, error);
}

enum capmill_status cm_output_create_unswept(const char *path, bool replace, struct cm_output **output_ret,
                                             struct cm_error *error)
{
    return create(path, replace, false, output_ret, error);
}

size_t cm_output_sweep(const char *path_prefix)
{
    char *folder = cm_path_folder(path_prefix);
    size_t n_removed = folder != NULL ? sweep_folder(folder, last_component(path_prefix), true) : 0;

    free(folder);
    return n_removed;
}

struct cm_file *cm_output_file(struct cm_output *output)
{
    return output->file;
}

enum capmill_status cm_output_rest(struct cm_output *output, struct cm_error *error)
{
    if (output->file == NULL)
        return CAPMILL_OK;
    output->position = lseek(output->file->fd, 0, SEEK_CUR);
    if (output->position < 0)
        return cm_system_fail(error, errno, "write", output->path);
    cm_file_close(output->file);
    output->file = NULL;
    return CAPMILL_OK;
}

enum capmill_status cm_output_wake(struct cm_output *output, struct cm_error *error)
{
    enum capmill_status status;
    struct stat facts;
    int fd;

    if (output->file != NULL)
        return CAPMILL_OK;
    fd = open(output->temporary, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno != ENOENT)
        return cm_system_fail(error, errno, "write", output->path);
    if (fd < 0 || fstat(fd, &facts) != 0 || facts.st_dev != output->device || facts.st_ino != output->inode) {
        if (fd >= 0)
            close(fd);
        return cm_error_set(error, CAPMILL_E_CHANGED, 0,
                            "cannot go on writing \"%s\": someone removed its temporary file; run again",
                            output->path);
    }
    flock(fd, LOCK_EX | LOCK_NB);
    status = cm_file_wrap(fd, output->path, &output->file, error);
    if (status == CAPMILL_OK && lseek(output->file->fd, output->position, SEEK_SET) < 0)
        status = cm_system_fail(error, errno, "write", output->path);
    return status;
}

/* Owner and permissions of the file being replaced. The owner is only given where we may (as root);
 * permissions follow, as a change of owner drops some. */
static enum capmill_status pass_permissions_on(struct cm_output *output, struct cm_error *error)
{
    int fd = output->file->fd;

    if (fchown(fd, output->old.st_uid, output->old.st_gid) != 0 && errno != EPERM && errno != EINVAL)
        return cm_system_fail(error, errno, "set the owner of", output->path);
    if (fchmod(fd, output->old.st_mode & 0777) != 0 && errno != EPERM && errno != ENOTSUP)
        return cm_system_fail(error, errno, "set the permissions of", output->path);
    return CAPMILL_OK;
}

/* Give `from` the name `to` unless something has it. 0 or an errno. */
static int rename_new(const char *from, const char *to)
{
    int fd, code;

    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
        return errno;
    /* File systems that do not know the flag (NFS): a second name, which never overwrites, then drop the
     * first. */
    if (link(from, to) == 0) {
        unlink(from);
        return 0;
    }
    if (errno != EPERM && errno != ENOTSUP && errno != ENOSYS)
        return errno;
    /* Nor links (FAT): reserve the name, which never overwrites, either, then rename over our own
     * reservation. */
    fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    close(fd);
    if (rename(from, to) == 0)
        return 0;
    code = errno;
    unlink(to);
    return code;
}

static enum capmill_status flush_folder(struct cm_output *output, struct cm_error *error)
{
    int fd = open(output->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = 0;

    if (fd < 0)
        return errno == EACCES ? CAPMILL_OK
                               : cm_system_fail(error, errno, "flush the folder of", output->path);
    if (fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
        code = errno;
    close(fd);
    return code == 0 ? CAPMILL_OK : cm_system_fail(error, code, "flush the folder of", output->path);
}

enum capmill_status cm_output_commit(struct cm_output *output, bool durable, struct cm_error *error)
{
    enum capmill_status status = cm_output_wake(output, error);
    int code;

    if (status == CAPMILL_OK && output->has_old)
        status = pass_permissions_on(output, error);
    if (status == CAPMILL_OK && durable && fsync(output->file->fd) != 0)
        status = cm_system_fail(error, errno, "write to the disk", output->path);
    if (status < 0)
        return status;
    if (output->replace)
        code = rename(output->temporary, output->target) == 0 ? 0 : errno;
    else
        code = rename_new(output->temporary, output->target);
    if (code != 0)
        return cm_system_fail(error, code, "create", output->path);
    output->committed = true;
    /* named one after the other, thousands of outputs must not stay open together */
    cm_file_close(output->file);
    output->file = NULL;
    return durable ? flush_folder(output, error) : CAPMILL_OK;
}

void cm_output_destroy(struct cm_output *output)
{
    if (output == NULL)
        return;
    /* Removed before the lock goes: nobody else has to. */
    if (!output->committed && output->temporary != NULL)
        unlink(output->temporary);
    cm_file_close(output->file);
    free(output->temporary);
    free(output->folder);
    free(output->target);
    free(output->path);
    free(output);
}

static int open_scratch_in(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    char *name;
    int code;

    /* File systems without unnamed files answer in several ways; a real obstacle shows again below. */
    if (fd >= 0)
        return fd;
    if (asprintf(&name, "%s/.capmill-scratch-XXXXXX", folder) < 0) {
        errno = ENOMEM;
        return -1;
    }
    fd = mkostemp(name, O_CLOEXEC);
    code = errno;
    if (fd >= 0)
        unlink(name);
    free(name);
    errno = code;
    return fd;
}

enum capmill_status cm_file_open_scratch(const char *folder, struct cm_file **file_ret,
                                         struct cm_error *error)
{
    /* /var/tmp before /tmp: large files do not belong into a memory file system. */
    const char *places[] = {folder != NULL ? folder : getenv("TMPDIR"), "/var/tmp", "/tmp"};
    size_t n_places = folder != NULL ? 1 : sizeof(places) / sizeof(places[0]);
    char description[256];
    int fd = -1, code = ENOENT;

    *file_ret = NULL;
    for (size_t i = 0; i < n_places && fd < 0; i++) {
        if (places[i] == NULL || places[i][0] == 0)
            continue;
        fd = open_scratch_in(places[i]);
        code = errno;
        snprintf(description, sizeof(description), "scratch file in %s", places[i]);
    }
    if (fd < 0)
        return cm_system_fail(error, code, "create a scratch file in", folder != NULL ? folder : "/var/tmp");
    return cm_file_wrap(fd, description, file_ret, error);
}

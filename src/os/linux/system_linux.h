/* SPDX-License-Identifier: Apache-2.0 */
/* What the Linux files of this room share: the open file and the one way a failed system call becomes a
 * sentence. Only for src/os/linux/. */
#ifndef CM_OS_LINUX_SYSTEM_LINUX_H
#define CM_OS_LINUX_SYSTEM_LINUX_H

#include <stdbool.h>
#include <sys/types.h>

#include "os/file.h"

struct cm_file {
    int fd;
    bool borrowed; /* a standard stream: closing leaves the descriptor open */
    bool direct;
    bool regular;
    const _Atomic int *stop; /* looked at while a pipe takes no more; NULL: nobody stops a write */
    char path[];             /* as given at open, for messages */
};

/* Record why a call failed as `cannot DOING "PATH": reason; what to do`, and return the status `code` (errno)
 * maps to. `path` may be NULL. */
enum capmill_status cm_system_fail(struct cm_error *error, int code, const char *doing, const char *path);

/* Take `fd` over into a new file. On failure `fd` is closed. */
enum capmill_status cm_file_wrap(int fd, const char *path, struct cm_file **file_ret, struct cm_error *error);

/* The folder part of a path: "." where there is none. Allocated; NULL without memory. */
char *cm_path_folder(const char *path);

#endif

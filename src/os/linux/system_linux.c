/* SPDX-License-Identifier: Apache-2.0 */
/* errno → status and sentence. The only place that knows what a system code means to a user. */
#include "os/linux/system_linux.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reason {
    int code;
    enum capmill_status status;
    const char *text;
};

static const struct reason reasons[] = {
    {ENOENT, CAPMILL_E_NOT_FOUND, "there is no such file or folder; check the path"},
    {ENOTDIR, CAPMILL_E_NOT_FOUND, "a part of the path is not a folder; check the path"},
    {ENXIO, CAPMILL_E_NOT_FOUND, "there is no such device; check that it is attached and ready"},
    {ENODEV, CAPMILL_E_NOT_FOUND, "there is no such device; check that it is attached and ready"},
    {ESTALE, CAPMILL_E_NOT_FOUND, "it vanished from its file server; check the mount"},
    {EACCES, CAPMILL_E_PERMISSION, "permission denied; change its permissions or run as a user who may"},
    {EPERM, CAPMILL_E_PERMISSION,
     "the system does not permit it; change its attributes or run as a user who may"},
    {EROFS, CAPMILL_E_PERMISSION, "the file system is mounted read-only; choose another place"},
    {EEXIST, CAPMILL_E_EXISTS, "it exists already; choose another name or ask for it to be replaced"},
    {EISDIR, CAPMILL_E_USAGE, "it is a folder; name a file"},
    {ENAMETOOLONG, CAPMILL_E_USAGE, "the name is longer than its file system allows; choose a shorter one"},
    {ELOOP, CAPMILL_E_USAGE, "its symbolic links lead in a circle; name the file itself"},
    {ENOSPC, CAPMILL_E_NO_SPACE, "no space left on the device; free some or choose another place"},
    {EDQUOT, CAPMILL_E_NO_SPACE, "the disk quota is used up; free some space or choose another place"},
    {EFBIG, CAPMILL_E_NO_SPACE,
     "the file would pass the size limit of its file system or of this process (ulimit -f); raise the limit "
     "or "
     "choose another place"},
    {EPIPE, CAPMILL_E_CLOSED, "its reader closed it"},
    {ECONNRESET, CAPMILL_E_CLOSED, "its reader closed it"},
    {ENOMEM, CAPMILL_E_MEMORY, "the system has no memory for it; free some or ask for less"},
    {EMFILE, CAPMILL_E_IO, "this process has too many files open; raise the limit (ulimit -n)"},
    {ENFILE, CAPMILL_E_IO, "the system has too many files open; close some or raise fs.file-max"},
    {EIO, CAPMILL_E_IO, "the device reported an error; see the system log (dmesg)"},
    {EBUSY, CAPMILL_E_IO, "it is in use by someone else; try again later"},
    {ETXTBSY, CAPMILL_E_IO, "it is a program that is running; choose another name"},
    {EBADF, CAPMILL_E_IO, "it is not open; run with it connected"},
    {EINTR, CAPMILL_E_INTERRUPTED, "interrupted"},
};

enum capmill_status cm_system_fail(struct cm_error *error, int code, const char *doing, const char *path)
{
    /* Of a very long path the end is shown: the reason behind it must not be cut off. */
    enum { shown_max = 640 };
    char unknown[160];
    const char *text = NULL;
    const char *dots = "";
    enum capmill_status status = CAPMILL_E_IO;
    size_t length = path == NULL ? 0 : strlen(path);

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].code == code) {
            status = reasons[i].status;
            text = reasons[i].text;
        }
    }
    if (text == NULL) {
        char buffer[128];
        snprintf(unknown, sizeof(unknown), "%s (error %d)", strerror_r(code, buffer, sizeof(buffer)), code);
        text = unknown;
    }
    if (path == NULL)
        return cm_error_set(error, status, code, "cannot %s: %s", doing, text);
    if (length > shown_max) {
        path += length - shown_max;
        dots = "...";
    }
    return cm_error_set(error, status, code, "cannot %s \"%s%s\": %s", doing, dots, path, text);
}

char *cm_path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

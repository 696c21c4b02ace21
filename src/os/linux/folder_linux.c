/* SPDX-License-Identifier: Apache-2.0 */
/* Walking, creating and removing folders on Linux. What is listed and in which order is decided in
 * os/folder.c. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "os/folder_int.h"
#include "os/linux/system_linux.h"

/* Links, and file systems that do not tell, need a look. What cannot be looked at (a dangling link) is
 * "other". */
static enum cm_file_type find_type(int folder, const struct dirent *entry)
{
    struct stat facts;

    if (entry->d_type == DT_REG)
        return CM_FILE_REGULAR;
    if (entry->d_type == DT_DIR)
        return CM_FILE_FOLDER;
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
        return CM_FILE_OTHER;
    if (fstatat(folder, entry->d_name, &facts, 0) != 0)
        return CM_FILE_OTHER;
    return S_ISREG(facts.st_mode) ? CM_FILE_REGULAR : S_ISDIR(facts.st_mode) ? CM_FILE_FOLDER : CM_FILE_OTHER;
}

enum capmill_status cm_folder_walk(const char *folder, cm_folder_visit visit, void *context,
                                   struct cm_error *error)
{
    DIR *walk = opendir(folder[0] == 0 ? "." : folder);
    struct dirent *entry;
    int code;

    if (walk == NULL)
        return cm_system_fail(error, errno, "list the folder", folder);
    while (errno = 0, (entry = readdir(walk)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!visit(context, entry->d_name, find_type(dirfd(walk), entry))) {
            errno = 0;
            break;
        }
    }
    code = errno;
    closedir(walk);
    return code == 0 ? CAPMILL_OK : cm_system_fail(error, code, "list the folder", folder);
}

enum capmill_status cm_folder_create(const char *path, struct cm_error *error)
{
    struct stat facts;
    int code;

    if (mkdir(path, 0777) == 0)
        return CAPMILL_OK;
    code = errno;
    if (code == EEXIST && stat(path, &facts) == 0 && S_ISDIR(facts.st_mode))
        return CAPMILL_OK;
    return cm_system_fail(error, code, "create the folder", path);
}

enum capmill_status cm_path_remove(const char *path, struct cm_error *error)
{
    return remove(path) == 0 ? CAPMILL_OK : cm_system_fail(error, errno, "remove", path);
}

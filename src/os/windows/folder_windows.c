/* SPDX-License-Identifier: Apache-2.0 */
/* Walking, creating and removing folders on Windows. What is listed and in which order is decided in
 * os/folder.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/folder_int.h"
#include "os/windows/system_windows.h"

static enum cm_file_type find_type(const char *folder, const char *name, DWORD attributes)
{
    struct cm_file_facts facts;
    char *path;
    size_t folder_bytes = strlen(folder), path_bytes = folder_bytes + strlen(name) + 2;
    enum cm_file_type type = CM_FILE_OTHER;

    if (!(attributes & FILE_ATTRIBUTE_REPARSE_POINT))
        return attributes & FILE_ATTRIBUTE_DIRECTORY ? CM_FILE_FOLDER
               : attributes & FILE_ATTRIBUTE_DEVICE  ? CM_FILE_DEVICE
                                                     : CM_FILE_REGULAR;
    path = malloc(path_bytes);
    if (path == NULL)
        return CM_FILE_OTHER;
    snprintf(path, path_bytes, "%s%s%s", folder, cm_path_lacks_separator(folder, folder_bytes) ? "/" : "",
             name);
    if (cm_path_facts(path, &facts, NULL) == CAPMILL_OK)
        type = facts.type;
    free(path);
    return type;
}

static HANDLE begin_walk(const char *folder, WIN32_FIND_DATAW *found)
{
    size_t folder_bytes = strlen(folder), pattern_bytes = folder_bytes + 3;
    char *pattern = malloc(pattern_bytes);
    HANDLE walk = INVALID_HANDLE_VALUE;
    wchar_t *wide;
    DWORD code;

    if (pattern == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return walk;
    }
    snprintf(pattern, pattern_bytes, "%s%s*", folder,
             cm_path_lacks_separator(folder, folder_bytes) ? "/" : "");
    wide = cm_to_wide(pattern);
    free(pattern);
    if (wide == NULL)
        return walk;
    walk = FindFirstFileExW(wide, FindExInfoBasic, found, FindExSearchNameMatch, NULL,
                            FIND_FIRST_EX_LARGE_FETCH);
    code = GetLastError();
    free(wide);
    SetLastError(code);
    return walk;
}

enum capmill_status cm_folder_walk(const char *folder, cm_folder_visit visit, void *context,
                                   struct cm_error *error)
{
    WIN32_FIND_DATAW found;
    HANDLE walk = begin_walk(folder, &found);
    DWORD code = ERROR_NO_MORE_FILES;
    bool more = true;

    if (walk == INVALID_HANDLE_VALUE) {
        code = GetLastError();
        /* The root of an empty volume has not even "." in it. */
        return code == ERROR_NO_MORE_FILES ? CAPMILL_OK
                                           : cm_system_fail(error, code, "list the folder", folder);
    }
    while (more) {
        if (wcscmp(found.cFileName, L".") != 0 && wcscmp(found.cFileName, L"..") != 0) {
            char *name = cm_from_wide(found.cFileName);

            if (name == NULL) {
                code = GetLastError();
                break;
            }
            more = visit(context, name, find_type(folder, name, found.dwFileAttributes));
            free(name);
        }
        if (more && !FindNextFileW(walk, &found)) {
            code = GetLastError();
            more = false;
        }
    }
    FindClose(walk);
    return code == ERROR_NO_MORE_FILES ? CAPMILL_OK : cm_system_fail(error, code, "list the folder", folder);
}

enum capmill_status cm_folder_create(const char *path, struct cm_error *error)
{
    wchar_t *wide = cm_to_wide(path);
    struct cm_file_facts facts;
    DWORD code = 0;

    if (wide == NULL || !CreateDirectoryW(wide, NULL))
        code = GetLastError();
    free(wide);
    if (code == ERROR_ALREADY_EXISTS && cm_path_facts(path, &facts, NULL) == CAPMILL_OK &&
        facts.type == CM_FILE_FOLDER)
        return CAPMILL_OK;
    return code == 0 ? CAPMILL_OK : cm_system_fail(error, code, "create the folder", path);
}

enum capmill_status cm_path_remove(const char *path, struct cm_error *error)
{
    wchar_t *wide = cm_to_wide(path);
    DWORD attributes = wide == NULL ? INVALID_FILE_ATTRIBUTES : GetFileAttributesW(wide);
    DWORD code = 0;
    BOOL done = FALSE;

    if (attributes != INVALID_FILE_ATTRIBUTES)
        done = attributes & FILE_ATTRIBUTE_DIRECTORY ? RemoveDirectoryW(wide) : DeleteFileW(wide);
    if (!done)
        code = GetLastError();
    free(wide);
    return done ? CAPMILL_OK : cm_system_fail(error, code, "remove", path);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the Windows files of this room share: the open file, wide paths, and the one way a failed call becomes
 * a sentence. Only for src/os/windows/. */
#ifndef CM_OS_WINDOWS_SYSTEM_WINDOWS_H
#define CM_OS_WINDOWS_SYSTEM_WINDOWS_H

#include <stdbool.h>
#include <wchar.h>

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

#include "os/file.h"

struct cm_file {
    HANDLE handle;
    bool borrowed; /* a standard stream: closing leaves the handle open */
    bool direct;
    bool regular;
    bool overlapped; /* opened by us for reads and writes of many threads at once; standard streams are not */
    uint64_t position;  /* of plain reads and writes where it is overlapped: the system keeps none then */
    uint64_t opened_at; /* with the address, tells files apart that lived in the same place (aio_iocp.c) */
    char path[];        /* as given at open, for messages */
};

/* Record why a call failed as `cannot DOING "PATH": reason; what to do`, and return the status that `code`
 * (GetLastError) maps to. `path` may be NULL. */
enum capmill_status cm_system_fail(struct cm_error *error, DWORD code, const char *doing, const char *path);

/* UTF-8 to UTF-16 and back; allocated. NULL: no memory, or not UTF-8. */
wchar_t *cm_to_wide(const char *text);
char *cm_from_wide(const wchar_t *text);

/* Take `handle` over into a new file. On failure it is closed. */
enum capmill_status cm_file_wrap(HANDLE handle, bool overlapped, const char *path, struct cm_file **file_ret,
                                 struct cm_error *error);

/* CreateFileW of a UTF-8 path. INVALID_HANDLE_VALUE with the cause in GetLastError. */
HANDLE cm_open_handle(const char *path, DWORD access, DWORD share, DWORD disposition, DWORD flags);

/* The folder part of a path: "." where there is none. Allocated; NULL without memory. */
char *cm_path_folder(const char *path);

/* 100 ns since 1601 → ns since 1970. */
int64_t cm_filetime_to_ns(FILETIME time);

#endif

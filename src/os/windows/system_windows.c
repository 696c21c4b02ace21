/* SPDX-License-Identifier: Apache-2.0 */
/* GetLastError → status and sentence; text conversions. The only place that knows what a system code means to
 * a user. */
#include "os/windows/system_windows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef ERROR_DISK_QUOTA_EXCEEDED
#define ERROR_DISK_QUOTA_EXCEEDED 1295L /* absent from mingw-w64's winerror.h */
#endif

struct reason {
    DWORD code;
    enum capmill_status status;
    const char *text;
};

static const struct reason reasons[] = {
    {ERROR_FILE_NOT_FOUND, CAPMILL_E_NOT_FOUND, "there is no such file or folder; check the path"},
    {ERROR_PATH_NOT_FOUND, CAPMILL_E_NOT_FOUND, "a part of the path does not exist; check the path"},
    {ERROR_INVALID_NAME, CAPMILL_E_NOT_FOUND, "that is not a valid name; check the path"},
    {ERROR_BAD_NETPATH, CAPMILL_E_NOT_FOUND, "there is no such server or share; check the path"},
    {ERROR_BAD_NET_NAME, CAPMILL_E_NOT_FOUND, "there is no such share; check the path"},
    {ERROR_INVALID_DRIVE, CAPMILL_E_NOT_FOUND, "there is no such drive; check the path"},
    {ERROR_NOT_READY, CAPMILL_E_NOT_FOUND, "the device is not ready; check that it is attached"},
    {ERROR_DIRECTORY, CAPMILL_E_NOT_FOUND, "it is not a folder; check the path"},
    {ERROR_NO_UNICODE_TRANSLATION, CAPMILL_E_USAGE, "the name is not UTF-8; check the path"},
    {ERROR_FILENAME_EXCED_RANGE, CAPMILL_E_USAGE,
     "the name is longer than the system allows; choose a shorter one"},
    {ERROR_ACCESS_DENIED, CAPMILL_E_PERMISSION,
     "access denied; change its permissions or run as a user who may"},
    {ERROR_WRITE_PROTECT, CAPMILL_E_PERMISSION, "the volume is write-protected; choose another place"},
    {ERROR_FILE_EXISTS, CAPMILL_E_EXISTS,
     "it exists already; choose another name or ask for it to be replaced"},
    {ERROR_ALREADY_EXISTS, CAPMILL_E_EXISTS,
     "it exists already; choose another name or ask for it to be replaced"},
    {ERROR_DISK_FULL, CAPMILL_E_NO_SPACE, "no space left on the device; free some or choose another place"},
    {ERROR_HANDLE_DISK_FULL, CAPMILL_E_NO_SPACE,
     "no space left on the device; free some or choose another place"},
    {ERROR_DISK_QUOTA_EXCEEDED, CAPMILL_E_NO_SPACE,
     "the disk quota is used up; free some space or choose another place"},
    {ERROR_FILE_TOO_LARGE, CAPMILL_E_NO_SPACE,
     "the file would be larger than its volume allows; choose another place"},
    {ERROR_BROKEN_PIPE, CAPMILL_E_CLOSED, "its reader closed it"},
    {ERROR_NO_DATA, CAPMILL_E_CLOSED, "its reader closed it"},
    {ERROR_PIPE_NOT_CONNECTED, CAPMILL_E_CLOSED, "its reader closed it"},
    {ERROR_NOT_ENOUGH_MEMORY, CAPMILL_E_MEMORY, "the system has no memory for it; free some or ask for less"},
    {ERROR_OUTOFMEMORY, CAPMILL_E_MEMORY, "the system has no memory for it; free some or ask for less"},
    {ERROR_COMMITMENT_LIMIT, CAPMILL_E_MEMORY, "the system has no memory for it; free some or ask for less"},
    {ERROR_TOO_MANY_OPEN_FILES, CAPMILL_E_IO, "the system has too many files open; close some"},
    {ERROR_SHARING_VIOLATION, CAPMILL_E_IO, "another program has it open; close that one"},
    {ERROR_LOCK_VIOLATION, CAPMILL_E_IO, "another program has locked it; close that one"},
    {ERROR_USER_MAPPED_FILE, CAPMILL_E_IO, "another program has it mapped; close that one"},
    {ERROR_CRC, CAPMILL_E_IO, "the device could not read its data; check the disk"},
    {ERROR_IO_DEVICE, CAPMILL_E_IO, "the device reported an error; see the system log"},
    {ERROR_INVALID_HANDLE, CAPMILL_E_IO, "it is not open; run with it connected"},
    {ERROR_OPERATION_ABORTED, CAPMILL_E_INTERRUPTED, "interrupted"},
};

enum capmill_status cm_system_fail(struct cm_error *error, DWORD code, const char *doing, const char *path)
{
    /* Of a very long path the end is shown: the reason behind it must not be cut off. */
    enum { shown_max = 640 };
    char unknown[64];
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
        snprintf(unknown, sizeof(unknown), "the system answered with error %lu", (unsigned long)code);
        text = unknown;
    }
    if (path == NULL)
        return cm_error_set(error, status, (int)code, "cannot %s: %s", doing, text);
    if (length > shown_max) {
        path += length - shown_max;
        dots = "...";
    }
    return cm_error_set(error, status, (int)code, "cannot %s \"%s%s\": %s", doing, dots, path, text);
}

wchar_t *cm_to_wide(const char *text)
{
    int n = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
    wchar_t *wide;

    if (n <= 0)
        return NULL;
    wide = malloc((size_t)n * sizeof(*wide));
    if (wide == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, wide, n);
    return wide;
}

char *cm_from_wide(const wchar_t *text)
{
    int n = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
    char *narrow;

    if (n <= 0)
        return NULL;
    narrow = malloc((size_t)n);
    if (narrow == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    WideCharToMultiByte(CP_UTF8, 0, text, -1, narrow, n, NULL, NULL);
    return narrow;
}

int64_t cm_filetime_to_ns(FILETIME time)
{
    const int64_t epoch = 116444736000000000; /* 1970 in 100 ns since 1601 */
    int64_t ticks = (int64_t)((uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime) - epoch;

    /* Times beyond the year 2262 do not fit; no file has them. */
    if (ticks > INT64_MAX / 100 || ticks < INT64_MIN / 100)
        return ticks > 0 ? INT64_MAX : INT64_MIN;
    return ticks * 100;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Windows has no stream over memory: a temporary file, which its cache keeps off the disk and which goes when it is
 * closed. */
#include "os/stream.h"

#include <fcntl.h>
#include <io.h>

#include "os/windows/system_windows.h"

static HANDLE create_temporary(void)
{
    wchar_t folder[MAX_PATH + 1], path[MAX_PATH + 1];
    DWORD n = GetTempPathW(MAX_PATH + 1, folder);

    if (n == 0 || n > MAX_PATH || GetTempFileNameW(folder, L"cap", 0, path) == 0)
        return INVALID_HANDLE_VALUE;
    return CreateFileW(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS,
                       FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, NULL);
}

enum capmill_status cm_stream_open_bytes(const void *bytes, size_t n, FILE **stream_ret,
                                         struct cm_error *error)
{
    static const char doing[] = "open a stream over memory";
    HANDLE handle = create_temporary();
    DWORD n_written, code = ERROR_NOT_ENOUGH_MEMORY;
    FILE *stream;
    int fd;

    *stream_ret = NULL;
    if (handle == INVALID_HANDLE_VALUE)
        return cm_system_fail(error, GetLastError(), doing, NULL);
    if (n > MAXDWORD || !WriteFile(handle, bytes, (DWORD)n, &n_written, NULL) || n_written != n ||
        SetFilePointer(handle, 0, NULL, FILE_BEGIN) != 0) {
        code = GetLastError();
        CloseHandle(handle);
        return cm_system_fail(error, code, doing, NULL);
    }
    fd = _open_osfhandle((intptr_t)handle, _O_RDONLY | _O_BINARY);
    if (fd < 0) {
        CloseHandle(handle);
        return cm_system_fail(error, code, doing, NULL);
    }
    stream = _fdopen(fd, "rb");
    if (stream == NULL) {
        _close(fd); /* and the handle */
        return cm_system_fail(error, code, doing, NULL);
    }
    *stream_ret = stream;
    return CAPMILL_OK;
}

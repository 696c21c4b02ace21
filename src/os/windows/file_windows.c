/* SPDX-License-Identifier: Apache-2.0 */
/* Open files of Windows: opening, facts, positioned and plain reads and writes. Regular files are opened for
 * overlapped use: on other handles the system lets one thread at a time in. Not for outputs under
 * construction (output_windows.c) and mappings (map_windows.c). */
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/folder_int.h"
#include "os/windows/system_windows.h"

enum { direct_alignment = 4096, share_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE };

/* One call moves at most this much; a multiple of the alignment below the limit of a DWORD. */
static const size_t piece_bytes = (size_t)1 << 30;

HANDLE cm_open_handle(const char *path, DWORD access, DWORD share, DWORD disposition, DWORD flags)
{
    wchar_t *wide = cm_to_wide(path);
    HANDLE handle = INVALID_HANDLE_VALUE;
    DWORD code;

    if (wide == NULL)
        return handle;
    handle = CreateFileW(wide, access, share, NULL, disposition, flags, NULL);
    code = GetLastError();
    free(wide);
    SetLastError(code);
    return handle;
}

char *cm_path_folder(const char *path)
{
    const char *end = path + strlen(path);
    size_t n;
    char *folder;

    while (end > path && !cm_path_is_separator(end[-1]) && end[-1] != ':')
        end--;
    n = (size_t)(end - path);
    /* Without the separator, but for that of a root. */
    if (n > 1 && cm_path_is_separator(path[n - 1]) && path[n - 2] != ':')
        n--;
    if (n == 0)
        return strdup(".");
    folder = malloc(n + 1);
    if (folder != NULL) {
        memcpy(folder, path, n);
        folder[n] = 0;
    }
    return folder;
}

enum capmill_status cm_file_wrap(HANDLE handle, bool overlapped, const char *path, struct cm_file **file_ret,
                                 struct cm_error *error)
{
    size_t path_bytes = strlen(path) + 1;
    struct cm_file *file = calloc(1, sizeof(*file) + path_bytes);

    *file_ret = NULL;
    if (file == NULL) {
        CloseHandle(handle);
        return cm_system_fail(error, ERROR_NOT_ENOUGH_MEMORY, "open", path);
    }
    file->handle = handle;
    file->regular = GetFileType(handle) == FILE_TYPE_DISK;
    file->overlapped = overlapped;
    file->opened_at = cm_clock_monotonic_ns();
    memcpy(file->path, path, path_bytes);
    *file_ret = file;
    return CAPMILL_OK;
}

static bool is_folder(const char *path)
{
    wchar_t *wide = cm_to_wide(path);
    DWORD attributes = wide == NULL ? INVALID_FILE_ATTRIBUTES : GetFileAttributesW(wide);

    free(wide);
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

enum capmill_status cm_file_open_read(const char *path, unsigned flags, struct cm_file **file_ret,
                                      struct cm_error *error)
{
    DWORD wanted = FILE_FLAG_OVERLAPPED | (flags & CM_FILE_SEQUENTIAL ? FILE_FLAG_SEQUENTIAL_SCAN : 0);
    HANDLE handle = INVALID_HANDLE_VALUE;
    enum capmill_status status;
    bool direct = false;

    *file_ret = NULL;
    if (flags & CM_FILE_DIRECT) {
        handle =
            cm_open_handle(path, GENERIC_READ, share_all, OPEN_EXISTING, wanted | FILE_FLAG_NO_BUFFERING);
        direct = handle != INVALID_HANDLE_VALUE;
    }
    if (handle == INVALID_HANDLE_VALUE)
        handle = cm_open_handle(path, GENERIC_READ, share_all, OPEN_EXISTING, wanted);
    if (handle == INVALID_HANDLE_VALUE) {
        DWORD code = GetLastError();

        if (is_folder(path))
            return cm_error_set(error, CAPMILL_E_USAGE, (int)code,
                                "cannot read \"%s\": it is a folder; name the files in it", path);
        return cm_system_fail(error, code, "open", path);
    }
    status = cm_file_wrap(handle, true, path, file_ret, error);
    if (status == CAPMILL_OK)
        (*file_ret)->direct = direct && (*file_ret)->regular;
    return status;
}

static enum capmill_status open_standard(DWORD which, const char *name, struct cm_file **file_ret,
                                         struct cm_error *error)
{
    HANDLE handle = GetStdHandle(which);
    enum capmill_status status;

    *file_ret = NULL;
    if (handle == NULL || handle == INVALID_HANDLE_VALUE)
        return cm_error_set(error, CAPMILL_E_IO, ERROR_INVALID_HANDLE,
                            "%s is not open; run with it connected", name);
    /* The handle itself knows no text mode: that is the C library's, which is not asked. */
    status = cm_file_wrap(handle, false, name, file_ret, error);
    if (status == CAPMILL_OK)
        (*file_ret)->borrowed = true;
    return status;
}

enum capmill_status cm_file_open_stdin(struct cm_file **file_ret, struct cm_error *error)
{
    return open_standard(STD_INPUT_HANDLE, "standard input", file_ret, error);
}

enum capmill_status cm_file_open_stdout(struct cm_file **file_ret, struct cm_error *error)
{
    return open_standard(STD_OUTPUT_HANDLE, "standard output", file_ret, error);
}

enum capmill_status cm_file_open_device(const char *path, struct cm_file **file_ret, struct cm_error *error)
{
    HANDLE handle = cm_open_handle(path, GENERIC_WRITE, share_all, OPEN_EXISTING, 0);

    *file_ret = NULL;
    if (handle == INVALID_HANDLE_VALUE)
        return cm_system_fail(error, GetLastError(), "write", path);
    return cm_file_wrap(handle, false, path, file_ret, error);
}

void cm_file_close(struct cm_file *file)
{
    if (file == NULL)
        return;
    if (!file->borrowed)
        CloseHandle(file->handle);
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

static DWORD read_facts(HANDLE handle, struct cm_file_facts *facts_ret)
{
    BY_HANDLE_FILE_INFORMATION basic;
    FILE_ID_INFO wide_id;
    DWORD type = GetFileType(handle);

    memset(facts_ret, 0, sizeof(*facts_ret));
    if (type != FILE_TYPE_DISK) {
        facts_ret->type = type == FILE_TYPE_PIPE   ? CM_FILE_PIPE
                          : type == FILE_TYPE_CHAR ? CM_FILE_DEVICE
                                                   : CM_FILE_OTHER;
        facts_ret->identity[0] = (uint64_t)(uintptr_t)handle; /* never the same as another's */
        facts_ret->volume = UINT64_MAX;
        return 0;
    }
    if (!GetFileInformationByHandle(handle, &basic))
        return GetLastError();
    facts_ret->type = basic.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY ? CM_FILE_FOLDER : CM_FILE_REGULAR;
    if (facts_ret->type == CM_FILE_REGULAR)
        facts_ret->size_bytes = (uint64_t)basic.nFileSizeHigh << 32 | basic.nFileSizeLow;
    facts_ret->modified_ns = cm_filetime_to_ns(basic.ftLastWriteTime);
    facts_ret->volume = basic.dwVolumeSerialNumber;
    facts_ret->identity[0] = (uint64_t)basic.nFileIndexHigh << 32 | basic.nFileIndexLow;
    /* Some file systems (ReFS) have identities of 128 bits. */
    if (GetFileInformationByHandleEx(handle, FileIdInfo, &wide_id, sizeof(wide_id)))
        memcpy(facts_ret->identity, &wide_id.FileId, sizeof(facts_ret->identity));
    return 0;
}

enum capmill_status cm_file_facts(struct cm_file *file, struct cm_file_facts *facts_ret,
                                  struct cm_error *error)
{
    DWORD code = read_facts(file->handle, facts_ret);

    return code == 0 ? CAPMILL_OK : cm_system_fail(error, code, "look at", file->path);
}

enum capmill_status cm_path_facts(const char *path, struct cm_file_facts *facts_ret, struct cm_error *error)
{
    HANDLE handle =
        cm_open_handle(path, FILE_READ_ATTRIBUTES, share_all, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS);
    DWORD code;

    if (handle == INVALID_HANDLE_VALUE)
        return cm_system_fail(error, GetLastError(), "look at", path);
    code = read_facts(handle, facts_ret);
    CloseHandle(handle);
    return code == 0 ? CAPMILL_OK : cm_system_fail(error, code, "look at", path);
}

int cm_file_cached_percent(struct cm_file *file)
{
    (void)file;
    return -1; /* Windows does not tell */
}

enum capmill_status cm_path_free_space(const char *path, uint64_t *bytes_ret, struct cm_error *error)
{
    char *folder = is_folder(path) ? strdup(path) : cm_path_folder(path);
    wchar_t *wide = folder == NULL ? NULL : cm_to_wide(folder);
    ULARGE_INTEGER available;
    DWORD code = 0;

    if (folder == NULL)
        code = ERROR_NOT_ENOUGH_MEMORY;
    else if (wide == NULL || !GetDiskFreeSpaceExW(wide, &available, NULL, NULL))
        code = GetLastError();
    free(folder);
    free(wide);
    if (code != 0)
        return cm_system_fail(error, code, "ask for the free space at", path);
    *bytes_ret = available.QuadPart;
    return CAPMILL_OK;
}

/* One read or write of at most a piece; on a position where `at_position`, else where the handle stands. */
static DWORD transfer(struct cm_file *file, bool writes, bool at_position, uint64_t offset, void *buffer,
                      size_t n, DWORD *done_ret)
{
    OVERLAPPED place = {.Offset = (DWORD)offset, .OffsetHigh = (DWORD)(offset >> 32)};
    OVERLAPPED *where = at_position || file->overlapped ? &place : NULL;
    DWORD want = (DWORD)(n < piece_bytes ? n : piece_bytes), code = 0;
    BOOL ok;

    *done_ret = 0;
    if (file->overlapped) {
        /* An event of our own: several threads wait on this handle at once. */
        place.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
        if (place.hEvent == NULL)
            return GetLastError();
    }
    ok = writes ? WriteFile(file->handle, buffer, want, done_ret, where)
                : ReadFile(file->handle, buffer, want, done_ret, where);
    if (!ok)
        code = GetLastError();
    if (code == ERROR_IO_PENDING)
        code = GetOverlappedResult(file->handle, &place, done_ret, TRUE) ? 0 : GetLastError();
    if (file->overlapped)
        CloseHandle(place.hEvent);
    return code;
}

enum capmill_status cm_file_read_at(struct cm_file *file, uint64_t offset, void *buffer, size_t n,
                                    size_t *n_ret, struct cm_error *error)
{
    size_t done = 0;

    *n_ret = 0;
    while (done < n) {
        DWORD got, code = transfer(file, false, true, offset + done, (char *)buffer + done, n - done, &got);

        if (code == ERROR_HANDLE_EOF || (code == 0 && got == 0))
            break;
        if (code != 0)
            return cm_system_fail(error, code, "read", file->path);
        done += got;
        /* Past the cache, an odd length is the end of the file; asking on from there would be refused. */
        if (file->direct && done % direct_alignment != 0)
            break;
    }
    *n_ret = done;
    return done == 0 && n > 0 ? CAPMILL_END : CAPMILL_OK;
}

enum capmill_status cm_file_read_some(struct cm_file *file, void *buffer, size_t n, size_t *n_ret,
                                      struct cm_error *error)
{
    bool at_position = file->overlapped && file->regular;
    DWORD got = 0, code;

    *n_ret = 0;
    do {
        code = transfer(file, false, at_position, file->position, buffer, n, &got);
        /* A writer may put an empty message into a pipe; that is not its end. */
    } while (code == 0 && got == 0 && n > 0 && GetFileType(file->handle) == FILE_TYPE_PIPE);
    if (code == ERROR_HANDLE_EOF || code == ERROR_BROKEN_PIPE)
        return CAPMILL_END;
    if (code != 0 && code != ERROR_MORE_DATA)
        return cm_system_fail(error, code, "read", file->path);
    file->position += at_position ? got : 0;
    *n_ret = got;
    return got == 0 && n > 0 ? CAPMILL_END : CAPMILL_OK;
}

bool cm_file_wait_readable(struct cm_file *file, uint64_t timeout_ns)
{
    /* Pipes cannot be waited for; a look every 10 ms costs nothing that could be measured. */
    const uint64_t step_ns = 10000000;
    uint64_t end_ns = cm_clock_monotonic_ns();
    DWORD available;

    if (file->regular)
        return true;
    end_ns = timeout_ns > UINT64_MAX - end_ns ? UINT64_MAX : end_ns + timeout_ns;
    for (;;) {
        uint64_t now_ns;

        if (GetFileType(file->handle) != FILE_TYPE_PIPE)
            available = WaitForSingleObject(file->handle, 0) != WAIT_TIMEOUT;
        else if (!PeekNamedPipe(file->handle, NULL, 0, NULL, &available, NULL))
            return true; /* its end, which the read will report */
        if (available > 0)
            return true;
        now_ns = cm_clock_monotonic_ns();
        if (now_ns >= end_ns)
            return false;
        Sleep((DWORD)((end_ns - now_ns < step_ns ? end_ns - now_ns : step_ns) / 1000000 + 1));
    }
}

enum capmill_status cm_file_write_at(struct cm_file *file, uint64_t offset, const void *bytes, size_t n,
                                     struct cm_error *error)
{
    size_t done = 0;

    while (done < n) {
        DWORD wrote, code = transfer(file, true, true, offset + done, (char *)(uintptr_t)bytes + done,
                                     n - done, &wrote);

        if (code != 0 || wrote == 0)
            return cm_system_fail(error, code != 0 ? code : ERROR_DISK_FULL, "write", file->path);
        done += wrote;
    }
    return CAPMILL_OK;
}

enum capmill_status cm_file_write(struct cm_file *file, const void *bytes, size_t n, struct cm_error *error)
{
    bool at_position = file->overlapped && file->regular;
    size_t done = 0;

    while (done < n) {
        char *rest = (char *)(uintptr_t)bytes + done;
        DWORD wrote, code = transfer(file, true, at_position, file->position, rest, n - done, &wrote);

        if (code != 0 || wrote == 0)
            return cm_system_fail(error, code != 0 ? code : ERROR_DISK_FULL, "write", file->path);
        file->position += at_position ? wrote : 0;
        done += wrote;
    }
    return CAPMILL_OK;
}

void cm_file_stop_writes(struct cm_file *file, const _Atomic int *stop)
{
    (void)file; /* a second Ctrl-C ends a process whose pipe nobody reads */
    (void)stop;
}

enum capmill_status cm_file_flush(struct cm_file *file, struct cm_error *error)
{
    /* Of a pipe this would wait until its reader has read. */
    if (!file->regular || FlushFileBuffers(file->handle))
        return CAPMILL_OK;
    return cm_system_fail(error, GetLastError(), "write to the disk", file->path);
}

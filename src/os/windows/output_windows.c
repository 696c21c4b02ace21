/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs that appear whole or not at all: temporary, share mode as lock, rename; and scratch files that go
 * with their handle. Not for pipes and devices, which are written as they are (cm_file_open_device). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/folder_int.h"
#include "os/output_int.h"
#include "os/windows/system_windows.h"

struct cm_output {
    char *path;      /* as given, for messages */
    char *target;    /* its final name, links followed */
    char *folder;    /* of the target */
    char *temporary; /* path of the file under construction; NULL until it exists */
    struct cm_file *file;
    uint64_t position; /* of plain writes, kept over a rest */
    bool replace;
    bool committed;
};

/* Others may read a temporary but neither write nor remove it while we have it open: this is its lock. */
enum { share_temporary = FILE_SHARE_READ };
static const DWORD access_temporary = GENERIC_READ | GENERIC_WRITE | DELETE;

static const char *last_component(const char *path)
{
    const char *at = path + strlen(path);

    while (at > path && !cm_path_is_separator(at[-1]) && at[-1] != ':')
        at--;
    return at;
}

static char *join(const char *folder, const char *name)
{
    size_t folder_bytes = strlen(folder), n = folder_bytes + strlen(name) + 2;
    char *path = malloc(n);

    if (path != NULL)
        snprintf(path, n, "%s%s%s", folder, cm_path_lacks_separator(folder, folder_bytes) ? "/" : "", name);
    return path;
}

/* The path itself, or where the link that it names leads. Allocated; NULL with the cause in GetLastError. */
static char *follow_links(const char *path)
{
    wchar_t *wide = cm_to_wide(path);
    DWORD attributes = wide == NULL ? INVALID_FILE_ATTRIBUTES : GetFileAttributesW(wide);
    wchar_t found[4096];
    HANDLE handle;
    DWORD n;

    if (wide == NULL)
        return NULL;
    free(wide);
    if (attributes == INVALID_FILE_ATTRIBUTES || !(attributes & FILE_ATTRIBUTE_REPARSE_POINT))
        return strdup(path);
    handle =
        cm_open_handle(path, FILE_READ_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                       OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS);
    if (handle == INVALID_HANDLE_VALUE)
        return NULL;
    n = GetFinalPathNameByHandleW(handle, found, sizeof(found) / sizeof(found[0]), FILE_NAME_NORMALIZED);
    CloseHandle(handle);
    return n == 0 || n >= sizeof(found) / sizeof(found[0]) ? strdup(path) : cm_from_wide(found);
}

static uint64_t start_of_process(HANDLE process)
{
    FILETIME created, ended, kernel, user;

    if (!GetProcessTimes(process, &created, &ended, &kernel, &user))
        return 0;
    return (uint64_t)created.dwHighDateTime << 32 | created.dwLowDateTime;
}

/* Whether the process that made a temporary still runs: its output may be at rest, without an open handle. */
static bool owner_lives(const struct cm_output_owner *owner)
{
    HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, (DWORD)owner->pid);
    DWORD exit_code = STILL_ACTIVE;
    uint64_t start;

    if (process == NULL)
        return GetLastError() != ERROR_INVALID_PARAMETER;
    start = start_of_process(process);
    GetExitCodeProcess(process, &exit_code);
    CloseHandle(process);
    return exit_code == STILL_ACTIVE && (owner->start == 0 || start == 0 || start == owner->start);
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
    HANDLE handle;
    char *path;

    if (type != CM_FILE_REGULAR || !cm_output_name_parse(name, sweep->name, sweep->is_prefix, &owner) ||
        owner_lives(&owner))
        return true;
    path = join(sweep->folder, name);
    if (path == NULL)
        return false;
    /* Opened for us alone, which fails while anyone (on another machine, say) has it open; gone when
     * closed. */
    handle = cm_open_handle(path, DELETE, 0, OPEN_EXISTING,
                            FILE_FLAG_DELETE_ON_CLOSE | FILE_FLAG_OPEN_REPARSE_POINT);
    if (handle != INVALID_HANDLE_VALUE && CloseHandle(handle))
        sweep->n_removed++;
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

static enum capmill_status open_temporary(struct cm_output *output, struct cm_error *error)
{
    struct cm_output_owner owner = {.pid = GetCurrentProcessId(),
                                    .start = start_of_process(GetCurrentProcess())};
    unsigned number = (unsigned)(cm_clock_monotonic_ns() / 100) & 0xffff;
    char name[CM_OUTPUT_NAME_BYTES];

    for (unsigned attempt = 0; attempt < 1000; attempt++) {
        HANDLE handle;
        DWORD code;

        cm_output_name_make(last_component(output->target), &owner, (number + attempt) & 0xffff, name);
        output->temporary = join(output->folder, name);
        if (output->temporary == NULL)
            return cm_system_fail(error, ERROR_NOT_ENOUGH_MEMORY, "create", output->path);
        handle = cm_open_handle(output->temporary, access_temporary, share_temporary, CREATE_NEW,
                                FILE_FLAG_OVERLAPPED);
        if (handle != INVALID_HANDLE_VALUE)
            return cm_file_wrap(handle, true, output->path, &output->file, error);
        code = GetLastError();
        free(output->temporary);
        output->temporary = NULL;
        if (code == ERROR_PATH_NOT_FOUND)
            return cm_error_set(error, CAPMILL_E_NOT_FOUND, (int)code,
                                "cannot create \"%s\": its folder does not exist; create it first",
                                output->path);
        if (code != ERROR_FILE_EXISTS && code != ERROR_ALREADY_EXISTS)
            return cm_system_fail(error, code, "create", output->path);
    }
    return cm_system_fail(error, ERROR_FILE_EXISTS, "create a temporary for", output->path);
}

static enum capmill_status look_at_target(struct cm_output *output, struct cm_error *error)
{
    struct cm_file_facts facts;
    enum capmill_status status = cm_path_facts(output->target, &facts, NULL);

    if (status == CAPMILL_E_NOT_FOUND)
        return CAPMILL_OK;
    if (status < 0)
        return cm_path_facts(output->target, &facts, error);
    if (facts.type == CM_FILE_FOLDER)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "cannot write \"%s\": it is a folder; name a file in it", output->path);
    if (facts.type != CM_FILE_REGULAR)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "cannot replace \"%s\": it is not a regular file",
                            output->path);
    if (!output->replace)
        return cm_system_fail(error, ERROR_FILE_EXISTS, "create", output->path);
    return CAPMILL_OK;
}

static enum capmill_status create(const char *path, bool replace, bool sweeps, struct cm_output **output_ret,
                                  struct cm_error *error)
{
    struct cm_output *output = calloc(1, sizeof(*output));
    enum capmill_status status = CAPMILL_OK;

    *output_ret = NULL;
    if (output == NULL || (output->path = strdup(path)) == NULL) {
        status = cm_system_fail(error, ERROR_NOT_ENOUGH_MEMORY, "create", path);
        goto cleanup;
    }
    output->replace = replace;
    if (last_component(path)[0] == 0) {
        status = cm_error_set(error, CAPMILL_E_USAGE, 0, "cannot create \"%s\": it names no file", path);
        goto cleanup;
    }
    output->target = follow_links(path);
    if (output->target == NULL) {
        status = cm_system_fail(error, GetLastError(), "create", path);
        goto cleanup;
    }
    status = look_at_target(output, error);
    if (status < 0)
        goto cleanup;
    output->folder = cm_path_folder(output->target);
    if (output->folder == NULL) {
        status = cm_system_fail(error, ERROR_NOT_ENOUGH_MEMORY, "create", path);
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
    (void)error;
    if (output->file == NULL)
        return CAPMILL_OK;
    output->position = output->file->position;
    cm_file_close(output->file);
    output->file = NULL;
    return CAPMILL_OK;
}

enum capmill_status cm_output_wake(struct cm_output *output, struct cm_error *error)
{
    enum capmill_status status;
    HANDLE handle;

    if (output->file != NULL)
        return CAPMILL_OK;
    handle = cm_open_handle(output->temporary, access_temporary, share_temporary, OPEN_EXISTING,
                            FILE_FLAG_OVERLAPPED);
    if (handle == INVALID_HANDLE_VALUE && GetLastError() == ERROR_FILE_NOT_FOUND)
        return cm_error_set(error, CAPMILL_E_CHANGED, ERROR_FILE_NOT_FOUND,
                            "cannot go on writing \"%s\": someone removed its temporary file; run again",
                            output->path);
    if (handle == INVALID_HANDLE_VALUE)
        return cm_system_fail(error, GetLastError(), "write", output->path);
    status = cm_file_wrap(handle, true, output->path, &output->file, error);
    if (status == CAPMILL_OK)
        output->file->position = output->position;
    return status;
}

static DWORD rename_to_target(struct cm_output *output, bool durable)
{
    DWORD flags = (output->replace ? MOVEFILE_REPLACE_EXISTING : 0) | (durable ? MOVEFILE_WRITE_THROUGH : 0);
    wchar_t *from = cm_to_wide(output->temporary), *to = cm_to_wide(output->target);
    DWORD code = 0;

    if (from == NULL || to == NULL || !MoveFileExW(from, to, flags))
        code = GetLastError();
    free(from);
    free(to);
    return code;
}

enum capmill_status cm_output_commit(struct cm_output *output, bool durable, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;
    DWORD code;

    if (durable) {
        status = cm_output_wake(output, error);
        if (status == CAPMILL_OK)
            status = cm_file_flush(output->file, error);
        if (status < 0)
            return status;
    }
    /* A file that is open cannot be renamed under our share mode. */
    cm_file_close(output->file);
    output->file = NULL;
    code = rename_to_target(output, durable);
    if (code != 0)
        return cm_system_fail(error, code, "create", output->path);
    output->committed = true;
    return CAPMILL_OK;
}

void cm_output_destroy(struct cm_output *output)
{
    if (output == NULL)
        return;
    cm_file_close(output->file);
    if (!output->committed && output->temporary != NULL)
        cm_path_remove(output->temporary, NULL);
    free(output->temporary);
    free(output->folder);
    free(output->target);
    free(output->path);
    free(output);
}

/* Where scratch files go by default. Allocated. */
static char *default_folder(void)
{
    wchar_t path[MAX_PATH + 1];
    DWORD n = GetTempPathW(MAX_PATH + 1, path);

    return n == 0 || n > MAX_PATH ? strdup(".") : cm_from_wide(path);
}

enum capmill_status cm_file_open_scratch(const char *folder, struct cm_file **file_ret,
                                         struct cm_error *error)
{
    /* Temporary: the cache keeps it off the disk while memory lasts. */
    const DWORD flags = FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE | FILE_FLAG_OVERLAPPED;
    char *place = folder == NULL ? default_folder() : strdup(folder);
    HANDLE handle = INVALID_HANDLE_VALUE;
    DWORD code = ERROR_NOT_ENOUGH_MEMORY;
    uint64_t number = cm_clock_monotonic_ns();
    char name[96], description[256];
    char *path;

    *file_ret = NULL;
    for (int attempt = 0; place != NULL && attempt < 1000 && handle == INVALID_HANDLE_VALUE; attempt++) {
        snprintf(name, sizeof(name), ".capmill-scratch-%lx-%" PRIx64, (unsigned long)GetCurrentProcessId(),
                 number + (unsigned)attempt);
        path = join(place, name);
        if (path == NULL)
            break;
        handle = cm_open_handle(path, access_temporary,
                                FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, CREATE_NEW, flags);
        code = GetLastError();
        free(path);
        if (handle == INVALID_HANDLE_VALUE && code != ERROR_FILE_EXISTS)
            break;
    }
    snprintf(description, sizeof(description), "scratch file in %s", place == NULL ? "." : place);
    free(place);
    if (handle == INVALID_HANDLE_VALUE)
        return cm_system_fail(error, code, "create a", description);
    return cm_file_wrap(handle, true, description, file_ret, error);
}

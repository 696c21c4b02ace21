/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files mapped read-only. Windows does not let anyone shorten a file that is mapped, so no guard is
 * needed. */
#include <stdlib.h>

#include "os/windows/system_windows.h"

struct cm_file_map {
    HANDLE file; /* our own duplicate: the file may be closed before its mapping */
    void *view;
    size_t n_bytes;
};

enum capmill_status cm_file_map_open(struct cm_file *file, const uint8_t **bytes_ret, size_t *n_ret,
                                     struct cm_file_map **map_ret, struct cm_error *error)
{
    static const uint8_t nothing[1];
    struct cm_file_map *map = NULL;
    HANDLE section = NULL;
    LARGE_INTEGER size;
    DWORD code = 0;

    *bytes_ret = nothing;
    *n_ret = 0;
    *map_ret = NULL;
    if (!file->regular)
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                            "cannot map \"%s\": only regular files can be mapped; read it another way",
                            file->path);
    if (!GetFileSizeEx(file->handle, &size))
        return cm_system_fail(error, GetLastError(), "map", file->path);
    if (size.QuadPart == 0)
        return CAPMILL_OK;
    map = calloc(1, sizeof(*map));
    if (map == NULL)
        return cm_system_fail(error, ERROR_NOT_ENOUGH_MEMORY, "map", file->path);
    map->n_bytes = (size_t)size.QuadPart;
    if (!DuplicateHandle(GetCurrentProcess(), file->handle, GetCurrentProcess(), &map->file, 0, FALSE,
                         DUPLICATE_SAME_ACCESS)) {
        code = GetLastError();
        goto cleanup;
    }
    section = CreateFileMappingW(file->handle, NULL, PAGE_READONLY, 0, 0, NULL);
    map->view = section == NULL ? NULL : MapViewOfFile(section, FILE_MAP_READ, 0, 0, map->n_bytes);
    if (map->view == NULL)
        code = GetLastError();
    if (section != NULL)
        CloseHandle(section); /* the view keeps it */
cleanup:
    if (code != 0) {
        cm_file_map_close(map);
        return cm_system_fail(error, code, "map", file->path);
    }
    *bytes_ret = map->view;
    *n_ret = map->n_bytes;
    *map_ret = map;
    return CAPMILL_OK;
}

bool cm_file_map_broken(const struct cm_file_map *map)
{
    LARGE_INTEGER size;

    return map != NULL && (!GetFileSizeEx(map->file, &size) || (uint64_t)size.QuadPart < map->n_bytes);
}

void cm_file_map_close(struct cm_file_map *map)
{
    if (map == NULL)
        return;
    if (map->view != NULL)
        UnmapViewOfFile(map->view);
    if (map->file != NULL)
        CloseHandle(map->file);
    free(map);
}

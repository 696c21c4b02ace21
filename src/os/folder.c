/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of the files in a folder, the same on every system. Not for patterns (glob.c). */
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "os/folder_int.h"

void cm_path_list_add(struct cm_path_list *list, const char *folder, const char *name)
{
    size_t folder_bytes = strlen(folder), name_bytes = strlen(name) + 1;
    bool lacks = cm_path_lacks_separator(folder, folder_bytes);
    size_t wanted = list->text_bytes + folder_bytes + lacks + name_bytes;
    char *at;

    if (list->failed)
        return;
    if (!CM_GROW(list->text, list->text_capacity, wanted, 4096)) {
        list->failed = true;
        return;
    }
    at = list->text + list->text_bytes;
    memcpy(at, folder, folder_bytes);
    at += folder_bytes;
    if (lacks)
        *at++ = '/';
    memcpy(at, name, name_bytes);
    list->text_bytes = wanted;
    list->n++;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum capmill_status cm_path_list_finish(struct cm_path_list *list, char ***paths_ret, size_t *n_ret,
                                        struct cm_error *error)
{
    /* Pointers first, the text behind them; never empty, so that NULL means failure. */
    char **paths = list->failed ? NULL : malloc((list->n + 1) * sizeof(*paths) + list->text_bytes);
    char *text;
    size_t n = list->n;

    *paths_ret = NULL;
    *n_ret = 0;
    if (paths == NULL) {
        cm_path_list_fini(list);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a list of %zu paths", n);
    }
    text = (char *)(paths + n + 1);
    if (list->text_bytes > 0)
        memcpy(text, list->text, list->text_bytes);
    for (size_t i = 0; i < n; i++) {
        paths[i] = text;
        text += strlen(text) + 1;
    }
    paths[n] = NULL;
    qsort(paths, n, sizeof(*paths), compare_paths);
    cm_path_list_fini(list);
    *paths_ret = paths;
    *n_ret = n;
    return CAPMILL_OK;
}

void cm_path_list_fini(struct cm_path_list *list)
{
    free(list->text);
    memset(list, 0, sizeof(*list));
}

struct listing {
    const char *folder;
    struct cm_path_list paths;
};

static bool list_entry(void *context, const char *name, enum cm_file_type type)
{
    struct listing *listing = context;

    if (type == CM_FILE_REGULAR && name[0] != '.')
        cm_path_list_add(&listing->paths, listing->folder, name);
    return !listing->paths.failed;
}

enum capmill_status cm_folder_list(const char *folder, char ***paths_ret, size_t *n_ret,
                                   struct cm_error *error)
{
    struct listing listing = {.folder = folder};
    enum capmill_status status = cm_folder_walk(folder, list_entry, &listing, error);

    *paths_ret = NULL;
    *n_ret = 0;
    if (status < 0) {
        cm_path_list_fini(&listing.paths);
        return status;
    }
    return cm_path_list_finish(&listing.paths, paths_ret, n_ret, error);
}

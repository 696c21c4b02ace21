/* SPDX-License-Identifier: Apache-2.0 */
/* Debris of dead runs in a tree of folders, the same on every system. What debris is: output_linux.c,
 * output_windows.c. */
#include <stdlib.h>
#include <string.h>

#include "os/folder_int.h"

static bool list_folder(void *context, const char *name, enum cm_file_type type)
{
    struct cm_path_list *names = context;

    if (type == CM_FILE_FOLDER && strchr(name, '=') != NULL)
        cm_path_list_add(names, "", name);
    return !names->failed;
}

static char *join(const char *folder, const char *name)
{
    size_t n_folder = strlen(folder);
    bool lacks = cm_path_lacks_separator(folder, n_folder);
    char *path = malloc(n_folder + lacks + strlen(name) + 1);

    if (path == NULL)
        return NULL;
    memcpy(path, folder, n_folder);
    if (lacks)
        path[n_folder] = '/';
    strcpy(path + n_folder + lacks, name);
    return path;
}

/* Whether anything was removed: only then is an empty folder one that a dead run left. */
static bool sweep_tree(const char *folder, const char *name_prefix, unsigned depth)
{
    struct cm_path_list list = {0};
    char *prefix = join(folder, name_prefix);
    char **names = NULL;
    size_t n = 0;
    bool any = prefix != NULL && cm_output_sweep(prefix) > 0;

    free(prefix);
    if (depth == 0)
        return any;
    cm_folder_walk(folder, list_folder, &list, NULL);
    cm_path_list_finish(&list, &names, &n, NULL);
    for (size_t i = 0; i < n; i++) {
        char *path = join(folder, names[i]);

        if (path != NULL && sweep_tree(path, name_prefix, depth - 1)) {
            any = true;
            cm_path_remove(path, NULL); /* which a folder that holds something refuses */
        }
        free(path);
    }
    free(names);
    return any;
}

void cm_output_sweep_tree(const char *folder, const char *name_prefix, unsigned depth)
{
    sweep_tree(folder, name_prefix, depth);
}

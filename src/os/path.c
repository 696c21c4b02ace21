/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing paths. Not for opening or listing what they lead to. */
#include <stdlib.h>
#include <string.h>

#include "os/folder_int.h"

/* Without separators at the end, but for that of a root. */
static size_t trimmed(const char *path)
{
    size_t n = strlen(path);

    while (n > 1 && cm_path_is_separator(path[n - 1]) && !(CM_PATH_IS_WINDOWS && path[n - 2] == ':'))
        n--;
    return n;
}

/* Where the last component begins. */
static size_t last_component(const char *path, size_t n)
{
    while (n > 0 && !cm_path_is_separator(path[n - 1]) && !(CM_PATH_IS_WINDOWS && path[n - 1] == ':'))
        n--;
    return n;
}

static char lower(char c)
{
    return CM_PATH_IS_WINDOWS && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_name(const char *a, size_t n_a, const char *b, size_t n_b)
{
    if (n_a != n_b)
        return false;
    for (size_t i = 0; i < n_a; i++) {
        if (lower(a[i]) != lower(b[i]))
            return false;
    }
    return true;
}

/* The folder of what begins at `n`, the current one where none is named. NULL: no memory. */
static char *folder_of(const char *path, size_t n)
{
    char *folder = malloc(n + 2);

    if (folder == NULL)
        return NULL;
    memcpy(folder, n > 0 ? path : ".", n > 0 ? n : 1);
    folder[n > 0 ? n : 1] = 0;
    return folder;
}

static bool same_file(const struct cm_file_facts *a, const struct cm_file_facts *b)
{
    return a->volume == b->volume && a->identity[0] == b->identity[0] && a->identity[1] == b->identity[1];
}

bool cm_path_is_same(const char *a, const char *b)
{
    struct cm_file_facts facts_a, facts_b;
    size_t n_a = trimmed(a);
    size_t n_b = trimmed(b);
    size_t name_a = last_component(a, n_a);
    size_t name_b = last_component(b, n_b);
    bool a_exists = cm_path_facts(a, &facts_a, NULL) == CAPMILL_OK;
    bool b_exists = cm_path_facts(b, &facts_b, NULL) == CAPMILL_OK;
    char *folder_a, *folder_b;
    bool same;

    if (a_exists || b_exists)
        return a_exists && b_exists && same_file(&facts_a, &facts_b);
    if (!same_name(a + name_a, n_a - name_a, b + name_b, n_b - name_b))
        return false;
    if (name_a == n_a || name_b == n_b) /* roots that are not there */
        return false;
    folder_a = folder_of(a, name_a);
    folder_b = folder_of(b, name_b);
    same = folder_a != NULL && folder_b != NULL && cm_path_is_same(folder_a, folder_b);
    free(folder_a);
    free(folder_b);
    return same;
}

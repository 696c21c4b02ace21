/* SPDX-License-Identifier: Apache-2.0 */
/* Whether two paths are one file, there or not yet, the same on every system. */
#include <stdlib.h>
#include <string.h>

#include "os/folder_int.h"

static bool same_facts(const struct cm_file_facts *a, const struct cm_file_facts *b)
{
    return a->volume == b->volume && memcmp(a->identity, b->identity, sizeof(a->identity)) == 0;
}

/* Where the last component begins. */
static size_t name_at(const char *path)
{
    size_t n = strlen(path);

    while (n > 0 && !cm_path_is_separator(path[n - 1]) && !(CM_PATH_IS_WINDOWS && path[n - 1] == ':'))
        n--;
    return n;
}

static enum capmill_status folder_facts(const char *path, struct cm_file_facts *facts_ret)
{
    size_t n = name_at(path);
    char *folder = malloc(n + 2);
    enum capmill_status status = CAPMILL_E_MEMORY;

    if (folder != NULL) {
        memcpy(folder, path, n);
        memcpy(folder + n, n == 0 ? "." : "", n == 0 ? 2 : 1);
        status = cm_path_facts(folder, facts_ret, NULL);
    }
    free(folder);
    return status;
}

static char fold(char c)
{
    return CM_PATH_IS_WINDOWS && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_name(const char *a, const char *b)
{
    while (*a != 0 && fold(*a) == fold(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

bool cm_path_is_same(const char *a, const char *b)
{
    struct cm_file_facts facts[2];
    bool is_there[2];

    if (strcmp(a, b) == 0)
        return true;
    is_there[0] = cm_path_facts(a, &facts[0], NULL) == CAPMILL_OK;
    is_there[1] = cm_path_facts(b, &facts[1], NULL) == CAPMILL_OK;
    if (is_there[0] != is_there[1])
        return false;
    if (is_there[0])
        return same_facts(&facts[0], &facts[1]);
    return same_name(a + name_at(a), b + name_at(b)) && folder_facts(a, &facts[0]) == CAPMILL_OK &&
           folder_facts(b, &facts[1]) == CAPMILL_OK && same_facts(&facts[0], &facts[1]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Walking a folder, and lists of paths under construction. Only for src/os/. */
#ifndef CM_OS_FOLDER_INT_H
#define CM_OS_FOLDER_INT_H

#include "os/file.h"

#ifdef _WIN32
#define CM_PATH_IS_WINDOWS                                                                                   \
    1 /* two separators, drive letters, no escapes in patterns, case of letters ignored */
#else
#define CM_PATH_IS_WINDOWS 0
#endif

static inline bool cm_path_is_separator(char c)
{
    return c == '/' || (CM_PATH_IS_WINDOWS && c == '\\');
}

/* Whether a name put behind `folder` needs a separator in between. */
static inline bool cm_path_lacks_separator(const char *folder, size_t folder_bytes)
{
    char last = folder_bytes == 0 ? '/' : folder[folder_bytes - 1];

    return !cm_path_is_separator(last) && !(CM_PATH_IS_WINDOWS && last == ':');
}

/* Called for each entry but "." and "..", in no order. `type` is that of a link's target. False ends the
 * walk. */
typedef bool (*cm_folder_visit)(void *context, const char *name, enum cm_file_type type);

/* Per system. An empty name means the current folder. */
enum capmill_status cm_folder_walk(const char *folder, cm_folder_visit visit, void *context,
                                   struct cm_error *error);

/* Paths gathered one by one. Zeroed is empty. */
struct cm_path_list {
    char *text; /* the paths, each with its terminating zero */
    size_t text_bytes;
    size_t text_capacity;
    size_t n;
    bool failed; /* memory ran out; adding did nothing from there on */
};

/* Add `folder` + `name`, with a separator between them where `folder` needs one. */
void cm_path_list_add(struct cm_path_list *list, const char *folder, const char *name);
/* Sort, turn into one allocation and free the list. */
enum capmill_status cm_path_list_finish(struct cm_path_list *list, char ***paths_ret, size_t *n_ret,
                                        struct cm_error *error);
void cm_path_list_fini(struct cm_path_list *list);

/* Whether a name (no separators in it) matches one component of a pattern. `?` and `[...]` take one UTF-8
 * character. */
bool cm_glob_match(const char *pattern, size_t pattern_bytes, const char *name);

#endif

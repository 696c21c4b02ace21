/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of paths with `*`, `?` and `[...]`, the same on every system and in every locale, which glob(3) is
 * not. Names that begin with a dot match only a pattern that does, too. */
#include <stdlib.h>
#include <string.h>

#include "os/folder_int.h"

/* One UTF-8 character; a byte that begins none is taken by itself. */
static uint32_t next_character(const char **at_ref, const char *end)
{
    const unsigned char *at = (const unsigned char *)*at_ref;
    unsigned first = at[0], n = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    uint32_t character = n == 0 ? first : first & (0x3fu >> n);

    if (n >= (size_t)(end - *at_ref))
        n = 0;
    for (unsigned i = 1; i <= n; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            n = 0;
            break;
        }
        character = character << 6 | (at[i] & 0x3fu);
    }
    *at_ref += n + 1;
    return n == 0 ? first : character;
}

static uint32_t fold(uint32_t character)
{
    return CM_PATH_IS_WINDOWS && character >= 'A' && character <= 'Z' ? character + 32 : character;
}

static bool is_escape(char c)
{
    return !CM_PATH_IS_WINDOWS && c == '\\';
}

/* The set that begins behind `[`. Where it has no end, the bracket stands for itself: NULL. Else *matches_ret
 * tells and the place behind `]` is returned. */
static const char *match_set(const char *at, const char *end, uint32_t character, bool *matches_ret)
{
    bool negated = at < end && (*at == '!' || *at == '^');
    bool inside = false, first = true;

    at += negated;
    while (at < end && (*at != ']' || first)) {
        uint32_t low, high;

        first = false;
        if (is_escape(*at) && at + 1 < end)
            at++;
        low = high = next_character(&at, end);
        if (end - at >= 2 && at[0] == '-' && at[1] != ']') {
            at++;
            if (is_escape(*at) && at + 1 < end)
                at++;
            high = next_character(&at, end);
        }
        if (fold(low) <= fold(character) && fold(character) <= fold(high))
            inside = true;
    }
    if (at >= end)
        return NULL;
    *matches_ret = inside != negated;
    return at + 1;
}

/* Match one character of the pattern (not `*`) against one of the name; both move on. */
static bool match_one(const char **pattern_ref, const char *pattern_end, const char **name_ref,
                      const char *name_end)
{
    const char *pattern = *pattern_ref;
    uint32_t character = next_character(name_ref, name_end);
    bool matches = false;

    if (*pattern == '?') {
        *pattern_ref = pattern + 1;
        return true;
    }
    if (*pattern == '[') {
        const char *behind = match_set(pattern + 1, pattern_end, character, &matches);
        if (behind != NULL) {
            *pattern_ref = behind;
            return matches;
        }
    }
    if (is_escape(*pattern) && pattern + 1 < pattern_end)
        pattern++;
    matches = fold(next_character(&pattern, pattern_end)) == fold(character);
    *pattern_ref = pattern;
    return matches;
}

bool cm_glob_match(const char *pattern, size_t pattern_bytes, const char *name)
{
    const char *pattern_end = pattern + pattern_bytes, *name_end = name + strlen(name);
    const char *star = NULL, *star_name = NULL;

    if (name[0] == '.' && !(pattern_bytes > 0 && pattern[0] == '.'))
        return false;
    /* Only the last star needs to be tried again with one character more: earlier ones took the least they
     * can. */
    while (name < name_end) {
        const char *pattern_at = pattern, *name_at = name;

        if (pattern < pattern_end && *pattern == '*') {
            star = ++pattern;
            star_name = name;
        } else if (pattern < pattern_end && match_one(&pattern_at, pattern_end, &name_at, name_end)) {
            pattern = pattern_at;
            name = name_at;
        } else if (star != NULL) {
            next_character(&star_name, name_end);
            pattern = star;
            name = star_name;
        } else {
            return false;
        }
    }
    while (pattern < pattern_end && *pattern == '*')
        pattern++;
    return pattern == pattern_end;
}

static bool has_wildcard(const char *component, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (is_escape(component[i]))
            i++;
        else if (component[i] == '*' || component[i] == '?' || component[i] == '[')
            return true;
    }
    return false;
}

struct expansion {
    struct cm_path_list found;
    struct cm_error *error;
    enum capmill_status status;
};

/* One level of the walk: a folder, the component to match in it, and what comes behind. */
struct level {
    struct expansion *expansion;
    const char *folder;
    const char *component;
    size_t component_bytes;
    const char *rest; /* "" for the last component */
};

static void expand(struct expansion *expansion, const char *folder, const char *pattern);

static char *join(const char *folder, const char *name, size_t name_bytes)
{
    size_t folder_bytes = strlen(folder);
    bool lacks = cm_path_lacks_separator(folder, folder_bytes);
    char *path = malloc(folder_bytes + name_bytes + 2);

    if (path == NULL)
        return NULL;
    memcpy(path, folder, folder_bytes);
    if (lacks)
        path[folder_bytes++] = '/';
    memcpy(path + folder_bytes, name, name_bytes);
    path[folder_bytes + name_bytes] = 0;
    return path;
}

static bool visit_entry(void *context, const char *name, enum cm_file_type type)
{
    struct level *level = context;
    struct expansion *expansion = level->expansion;
    bool last = level->rest[0] == 0;
    char *path;

    if (type != (last ? CM_FILE_REGULAR : CM_FILE_FOLDER) ||
        !cm_glob_match(level->component, level->component_bytes, name))
        return true;
    if (last) {
        cm_path_list_add(&expansion->found, level->folder, name);
        return !expansion->found.failed;
    }
    path = join(level->folder, name, strlen(name));
    if (path == NULL) {
        expansion->found.failed = true;
        return false;
    }
    expand(expansion, path, level->rest);
    free(path);
    return expansion->status >= 0 && !expansion->found.failed;
}

static void remove_escapes(char *text)
{
    const char *from = text;

    while (*from != 0) {
        from += is_escape(*from) && from[1] != 0;
        *text++ = *from++;
    }
    *text = 0;
}

/* A component without wildcards is taken as it stands, escapes removed, so that folders that may be entered
 * but not listed do not matter. */
static void expand_literal(struct level *level)
{
    struct expansion *expansion = level->expansion;
    char *path = join(level->folder, level->component, level->component_bytes);
    struct cm_file_facts facts;

    if (path == NULL) {
        expansion->found.failed = true;
        return;
    }
    remove_escapes(path + strlen(path) - level->component_bytes);
    if (level->rest[0] != 0)
        expand(expansion, path, level->rest);
    else if (cm_path_facts(path, &facts, NULL) == CAPMILL_OK && facts.type == CM_FILE_REGULAR)
        cm_path_list_add(&expansion->found, "", path);
    free(path);
}

/* Match `pattern` in `folder` ("": the current one). Depth is that of the pattern. */
static void expand(struct expansion *expansion, const char *folder, const char *pattern)
{
    struct level level = {.expansion = expansion, .folder = folder, .component = pattern};
    enum capmill_status status;

    while (pattern[level.component_bytes] != 0 && !cm_path_is_separator(pattern[level.component_bytes]))
        level.component_bytes++;
    level.rest = pattern + level.component_bytes;
    while (cm_path_is_separator(level.rest[0]))
        level.rest++;
    if (!has_wildcard(level.component, level.component_bytes)) {
        expand_literal(&level);
        return;
    }
    status = cm_folder_walk(folder, visit_entry, &level, expansion->status >= 0 ? expansion->error : NULL);
    /* A folder that is not there holds nothing that matches. One that may not be read may hold such files: to
     * pass over it silently would lose input. */
    if (status < 0 && status != CAPMILL_E_NOT_FOUND && expansion->status >= 0)
        expansion->status = status;
}

/* Length of the folders in front of the first component with a wildcard: they are taken as they are
 * written. */
static size_t find_root(const char *pattern)
{
    size_t root_bytes = CM_PATH_IS_WINDOWS && pattern[0] != 0 && pattern[1] == ':' ? 2 : 0;

    for (size_t at = root_bytes; pattern[at] != 0; at++) {
        if (cm_path_is_separator(pattern[at])) {
            if (has_wildcard(pattern + root_bytes, at - root_bytes))
                break;
            root_bytes = at + 1;
        }
    }
    return root_bytes;
}

enum capmill_status cm_glob(const char *pattern, char ***paths_ret, size_t *n_ret, struct cm_error *error)
{
    struct cm_error found_none = {0}; /* a missing folder is not worth reporting; what else went wrong is */
    struct expansion expansion = {.error = &found_none};
    size_t root_bytes = find_root(pattern);
    char *root;

    *paths_ret = NULL;
    *n_ret = 0;
    root = join("", pattern, root_bytes);
    if (root == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to match \"%s\"", pattern);
    remove_escapes(root);
    expand(&expansion, root, pattern + root_bytes);
    free(root);
    if (expansion.status < 0) {
        cm_path_list_fini(&expansion.found);
        return cm_error_set(error, expansion.status, found_none.system_code, "%s", found_none.text);
    }
    if (expansion.found.n == 0 && !expansion.found.failed) {
        cm_path_list_fini(&expansion.found);
        return cm_error_set(error, CAPMILL_E_NOT_FOUND, 0, "no file matches \"%s\"; check the pattern",
                            pattern);
    }
    return cm_path_list_finish(&expansion.found, paths_ret, n_ret, error);
}

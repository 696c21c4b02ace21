/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of the control groups around this process: its own group and every parent that can be seen, in
 * version 2 or 1. Where the groups lie is read from /proc, never assumed. Not for creating groups. */
#include "os/linux/cgroup_linux.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One hierarchy that holds a controller: where it is mounted and which folder in it is ours. */
struct group {
    char folder[PATH_MAX];
    size_t mount_length; /* the walk to the parents ends at the mount */
    bool version2;
};

/* Is `word` one of the comma-separated words of `list`? */
static bool list_has(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = list; (at = strstr(at, word)) != NULL; at += length) {
        bool starts = at == list || at[-1] == ',';
        bool ends = at[length] == 0 || at[length] == ',' || at[length] == '\n';
        if (starts && ends)
            return true;
    }
    return false;
}

static FILE *open_in(const char *folder, const char *name)
{
    char path[PATH_MAX + 64];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return fopen(path, "re");
}

/* Path of this process inside the hierarchy of `controller` (NULL: version 2), from /proc/self/cgroup. */
static bool find_own_path(const char *process, const char *controller, char *path, size_t path_bytes)
{
    FILE *file = open_in(process, "cgroup");
    char line[PATH_MAX + 256];
    bool found = false;

    if (file == NULL)
        return false;
    while (!found && fgets(line, sizeof(line), file) != NULL) {
        char *list = strchr(line, ':');
        char *own = list == NULL ? NULL : strchr(list + 1, ':');

        if (own == NULL)
            continue;
        *own++ = 0;
        list++;
        own[strcspn(own, "\n")] = 0;
        if (controller == NULL ? list[0] == 0 : list_has(list, controller)) {
            snprintf(path, path_bytes, "%s", own);
            found = true;
        }
    }
    fclose(file);
    return found;
}

/* mountinfo writes a space as \040, and so on. In place. */
static void decode_octal(char *text)
{
    const char *from = text;

    while (*from != 0) {
        unsigned code;

        if (from[0] == '\\' && sscanf(from + 1, "%3o", &code) == 1 && code > 0 && code < 256) {
            *text++ = (char)code;
            from += 4;
        } else {
            *text++ = *from++;
        }
    }
    *text = 0;
}

/* Mount point and mounted root of that hierarchy, from /proc/self/mountinfo (proc(5)). */
static bool find_mount(const char *process, const char *controller, char *mount, char *root)
{
    FILE *file = open_in(process, "mountinfo");
    char *line = NULL;
    size_t line_bytes = 0;
    bool found = false;

    if (file == NULL)
        return false;
    while (!found && getline(&line, &line_bytes, file) > 0) {
        char *kind = strstr(line, " - ");
        char *options;

        if (kind == NULL || sscanf(line, "%*s %*s %*s %4095s %4095s", root, mount) != 2)
            continue;
        kind += 3;
        options = strrchr(kind, ' ');
        if (controller == NULL)
            found = strncmp(kind, "cgroup2 ", 8) == 0;
        else
            found = strncmp(kind, "cgroup ", 7) == 0 && options != NULL && list_has(options + 1, controller);
    }
    free(line);
    fclose(file);
    if (found) {
        decode_octal(mount);
        decode_octal(root);
    }
    return found;
}

static bool find_group(const char *process, const char *controller, bool version2, struct group *group)
{
    char own[PATH_MAX], mount[PATH_MAX], root[PATH_MAX];
    const char *inside = own;
    int length;

    if (!find_own_path(process, version2 ? NULL : controller, own, sizeof(own)) ||
        !find_mount(process, version2 ? NULL : controller, mount, root))
        return false;
    /* A container may see only its own part of the hierarchy: `root` is then the front of our path. */
    if (strcmp(root, "/") != 0 && strncmp(own, root, strlen(root)) == 0)
        inside = own + strlen(root);
    length = snprintf(group->folder, sizeof(group->folder), "%s%s", mount, inside);
    if (length < 0 || (size_t)length >= sizeof(group->folder))
        return false;
    while (length > 1 && group->folder[length - 1] == '/')
        group->folder[--length] = 0;
    group->mount_length = strlen(mount);
    group->version2 = version2;
    return true;
}

/* To the parent group; false at the mount. */
static bool ascend(struct group *group)
{
    char *slash = strrchr(group->folder, '/');

    if (slash == NULL || (size_t)(slash - group->folder) < group->mount_length)
        return false;
    *slash = 0;
    return true;
}

static bool read_text(const struct group *group, const char *name, char *text, size_t text_bytes)
{
    FILE *file = open_in(group->folder, name);
    size_t n;

    if (file == NULL)
        return false;
    n = fread(text, 1, text_bytes - 1, file);
    text[n] = 0;
    fclose(file);
    return n > 0;
}

/* UINT64_MAX for "max" and for a file that is not there. */
static uint64_t read_number(const struct group *group, const char *name)
{
    char text[64];

    if (!read_text(group, name, text, sizeof(text)) || text[0] < '0' || text[0] > '9')
        return UINT64_MAX;
    return strtoull(text, NULL, 10);
}

static unsigned cpu_limit_here(const struct group *group)
{
    long long quota = -1, period = 0;
    char text[64];

    if (group->version2) {
        if (!read_text(group, "cpu.max", text, sizeof(text)) ||
            sscanf(text, "%lld %lld", &quota, &period) != 2)
            return UINT_MAX;
    } else {
        if (read_text(group, "cpu.cfs_quota_us", text, sizeof(text)))
            quota = strtoll(text, NULL, 10);
        if (read_text(group, "cpu.cfs_period_us", text, sizeof(text)))
            period = strtoll(text, NULL, 10);
    }
    if (quota <= 0 || period <= 0)
        return UINT_MAX;
    long long cpus = quota / period + (quota % period != 0);
    return cpus < 1 ? 1 : cpus > INT_MAX ? UINT_MAX : (unsigned)cpus;
}

unsigned cm_cgroup_cpu_limit(const char *process)
{
    unsigned least = UINT_MAX;
    struct group group;

    for (int version = 1; version <= 2; version++) {
        if (!find_group(process, "cpu", version == 2, &group))
            continue;
        do {
            unsigned here = cpu_limit_here(&group);
            if (here < least)
                least = here;
        } while (ascend(&group));
    }
    return least;
}

/* The value behind `key` at the start of a line of memory.stat; 0 where it is absent. */
static uint64_t read_statistic(const struct group *group, const char *key)
{
    char text[8192];
    size_t length = strlen(key);

    if (!read_text(group, "memory.stat", text, sizeof(text)))
        return 0;
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            return strtoull(line + length, NULL, 10);
    }
    return 0;
}

static uint64_t memory_available_here(const struct group *group)
{
    uint64_t limit = read_number(group, group->version2 ? "memory.max" : "memory.limit_in_bytes");
    uint64_t used, idle;

    /* Version 1 writes "no limit" as the greatest whole number of pages. */
    if (limit >= (uint64_t)1 << 62)
        return UINT64_MAX;
    used = read_number(group, group->version2 ? "memory.current" : "memory.usage_in_bytes");
    if (used == UINT64_MAX)
        return limit;
    /* Reading captures fills the page cache; what is there and idle is given back before anyone is refused
     * memory. */
    idle = read_statistic(group, group->version2 ? "inactive_file" : "total_inactive_file");
    used = idle < used ? used - idle : 0;
    return used < limit ? limit - used : 0;
}

uint64_t cm_cgroup_memory_available(const char *process)
{
    uint64_t least = UINT64_MAX;
    struct group group;

    for (int version = 1; version <= 2; version++) {
        if (!find_group(process, "memory", version == 2, &group))
            continue;
        do {
            uint64_t here = memory_available_here(&group);
            if (here < least)
                least = here;
        } while (ascend(&group));
    }
    return least;
}

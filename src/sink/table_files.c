/* SPDX-License-Identifier: Apache-2.0 */
/* Which file a part goes to, and when files begin and end. Their names at the end: table_commit.c. */
#include "sink/table_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/grow.h"
#include "sink/partition.h"
#include "sink/table_files_int.h"

#define PART_NAME "part-"
/* More folders than anybody wants of one table: the column is none to partition by. */
#define MAX_PARTITIONS 10000u

static char *join(const char *folder, const char *name)
{
    size_t n = strlen(folder) + strlen(name) + 2;
    char *path = malloc(n);

    if (path != NULL)
        snprintf(path, n, "%s%s%s", folder, folder[0] != 0 && folder[strlen(folder) - 1] == '/' ? "" : "/",
                 name);
    return path;
}

char *cm_table_files_join(const struct cm_table_files *files, const char *name)
{
    return join(files->options.path, name);
}

static enum capmill_status no_memory(struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the files of a table");
}

/* Create a folder of the data set, and remember that it is ours to take away again. */
static enum capmill_status make_folder(struct cm_table_files *files, const char *path, struct cm_error *error)
{
    struct cm_file_facts facts;
    enum capmill_status status;
    char *copy;

    if (cm_path_facts(path, &facts, NULL) == CAPMILL_OK) {
        if (facts.type == CM_FILE_FOLDER)
            return CAPMILL_OK;
        return cm_error_set(error, CAPMILL_E_IO, 0,
                            "%s is a file; a table in parts (--partition, --max-file-size) needs a folder",
                            path);
    }
    if (!CM_GROW(files->folders, files->folders_capacity, files->n_folders + 1, 16))
        return no_memory(error);
    copy = malloc(strlen(path) + 1);
    if (copy == NULL)
        return no_memory(error);
    memcpy(copy, path, strlen(path) + 1);
    status = cm_folder_create(path, error);
    if (status < 0)
        free(copy);
    else
        files->folders[files->n_folders++] = copy;
    return status;
}

/* Every folder on the way to `key` below the data set's own. */
static enum capmill_status make_folders(struct cm_table_files *files, const char *key, struct cm_error *error)
{
    char *path = join(files->options.path, key);
    size_t at = strlen(files->options.path) + 1;
    enum capmill_status status = path == NULL ? no_memory(error) : CAPMILL_OK;

    while (status >= 0 && key[0] != 0) {
        char *slash = strchr(path + at, '/');

        if (slash != NULL)
            *slash = 0;
        status = make_folder(files, path, error);
        if (slash == NULL)
            break;
        *slash = '/';
        at = (size_t)(slash - path) + 1;
    }
    free(path);
    return status;
}

static enum capmill_status put_bytes(void *context, const void *bytes, size_t n, struct cm_error *error)
{
    struct cm_table_target *target = context;

    return cm_ordered_file_put(target->file, bytes, n, error);
}

/* "dt=2024-02-29/hr=12/part-00003.parquet"; one allocation. */
static char *part_name(const struct cm_table_files *files, const struct cm_table_folder *folder)
{
    size_t n = strlen(folder->key) + strlen(files->options.encoder->extension) + 32;
    char *name = malloc(n);

    if (name != NULL)
        snprintf(name, n, "%s%s" PART_NAME "%05u%s", folder->key, folder->key[0] != 0 ? "/" : "",
                 folder->n_parts, files->options.encoder->extension);
    return name;
}

static enum capmill_status open_target(struct cm_table_files *files, struct cm_table_target *target,
                                       struct cm_error *error)
{
    char *path = files->options.is_dataset ? join(files->options.path, target->name) : NULL;
    const struct cm_table_put put = {target, put_bytes};
    enum capmill_status status;

    if (files->options.is_dataset && path == NULL)
        return no_memory(error);
    status = cm_ordered_file_open(path != NULL ? path : target->name, &files->options.rules,
                                  files->options.is_dataset, &target->file, error);
    free(path);
    if (status >= 0)
        status = files->options.encoder->begin(files->options.encoder->context, &put, &target->table, error);
    return status < 0 ? status : CAPMILL_OK;
}

static enum capmill_status begin_target(struct cm_table_files *files, struct cm_table_folder *folder,
                                        struct cm_error *error)
{
    struct cm_table_target *target = calloc(1, sizeof(*target));
    enum capmill_status status = CAPMILL_OK;

    if (target == NULL || !CM_GROW(files->targets, files->targets_capacity, files->n_targets + 1, 16)) {
        free(target);
        return no_memory(error);
    }
    target->min_ns = UINT64_MAX;
    files->targets[files->n_targets++] = target;
    if (files->options.is_dataset) {
        target->name = part_name(files, folder);
        status = target->name == NULL ? no_memory(error) : make_folders(files, folder->key, error);
    } else {
        target->name = malloc(strlen(files->options.path) + 1);
        if (target->name == NULL)
            return no_memory(error);
        memcpy(target->name, files->options.path, strlen(files->options.path) + 1);
    }
    if (status >= 0)
        status = open_target(files, target, error);
    folder->n_parts++;
    folder->target = target;
    return status;
}

static void forget_awake(struct cm_table_files *files, const struct cm_table_target *target)
{
    for (size_t i = 0; i < files->n_awake; i++) {
        if (files->awake[i] == target)
            files->awake[i--] = files->awake[--files->n_awake];
    }
}

/* Before a file is written to: of those with descriptors, the one that has been idle longest rests where there are
 * too many. */
static enum capmill_status wake(struct cm_table_files *files, struct cm_table_target *target,
                                struct cm_error *error)
{
    size_t idlest = 0;
    enum capmill_status status = CAPMILL_OK;

    target->last_use = ++files->n_uses;
    for (size_t i = 0; i < files->n_awake; i++) {
        if (files->awake[i] == target)
            return CAPMILL_OK;
        if (files->awake[i]->last_use < files->awake[idlest]->last_use)
            idlest = i;
    }
    if (files->n_awake == CM_TABLE_MAX_AWAKE) {
        status = cm_ordered_file_rest(files->awake[idlest]->file, error);
        files->awake[idlest] = files->awake[--files->n_awake];
    }
    files->awake[files->n_awake++] = target;
    return status;
}

/* The end of a file: all of it is written, and it waits for its name without a descriptor. */
static enum capmill_status end_target(struct cm_table_files *files, struct cm_table_folder *folder,
                                      struct cm_error *error)
{
    struct cm_table_target *target = folder->target;
    struct cm_table_file *table = target->table;
    enum capmill_status status;

    folder->target = NULL;
    target->table = NULL;
    forget_awake(files, target);
    files->held_bytes -= target->held_bytes;
    target->held_bytes = 0;
    status = files->options.encoder->end(table, error);
    if (status >= 0)
        status = cm_ordered_file_flush(target->file, error);
    if (status >= 0 && files->options.is_dataset)
        status = cm_ordered_file_rest(target->file, error);
    return status < 0 ? status : CAPMILL_OK;
}

/* --- folders --- */

/* The folder of a key, or where it belongs. Sorted by key: few, and looked up once a part. */
static size_t find_folder(const struct cm_table_files *files, const char *key, bool *found_ret)
{
    size_t from = 0;
    size_t to = files->n_parts;

    *found_ret = false;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = strcmp(files->parts[middle]->key, key);

        if (order == 0) {
            *found_ret = true;
            return middle;
        }
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static enum capmill_status get_folder(struct cm_table_files *files, const char *key,
                                      struct cm_table_folder **folder_ret, struct cm_error *error)
{
    struct cm_table_folder *folder;
    bool found;
    size_t at = find_folder(files, key, &found);

    if (found) {
        *folder_ret = files->parts[at];
        return CAPMILL_OK;
    }
    if (files->n_parts == MAX_PARTITIONS)
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                            "%s: more than %u partitions; partition by something that has fewer values",
                            files->options.path, MAX_PARTITIONS);
    folder = calloc(1, sizeof(*folder) + strlen(key) + 1);
    if (folder == NULL || !CM_GROW(files->parts, files->parts_capacity, files->n_parts + 1, 16)) {
        free(folder);
        return no_memory(error);
    }
    memcpy(folder->key, key, strlen(key) + 1);
    memmove(files->parts + at + 1, files->parts + at, (files->n_parts - at) * sizeof(*files->parts));
    files->parts[at] = folder;
    files->n_parts++;
    *folder_ret = folder;
    return CAPMILL_OK;
}

/* --- bounds --- */

static void count_held(struct cm_table_files *files, struct cm_table_target *target)
{
    uint64_t held_bytes = files->options.encoder->held_bytes(target->table);

    files->held_bytes += held_bytes - target->held_bytes;
    target->held_bytes = held_bytes;
}

/* Row groups end early, the largest first, until what is left fits. */
static enum capmill_status bound_memory(struct cm_table_files *files, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    while (files->held_bytes > files->options.memory_bytes && status >= 0) {
        struct cm_table_target *largest = NULL;

        for (size_t i = 0; i < files->n_parts; i++) {
            struct cm_table_target *target = files->parts[i]->target;

            if (target != NULL && (largest == NULL || target->held_bytes > largest->held_bytes))
                largest = target;
        }
        if (largest == NULL || largest->held_bytes == 0)
            break;
        if (!files->told_small && files->options.on_small_groups != NULL)
            files->options.on_small_groups(files->options.context, files->options.path);
        files->told_small = true;
        status = wake(files, largest, error); /* what it puts takes a descriptor */
        if (status >= 0)
            status = files->options.encoder->flush(largest->table, error);
        count_held(files, largest);
    }
    return status < 0 ? status : CAPMILL_OK;
}

enum capmill_status cm_table_files_add(struct cm_table_files *files, const char *key,
                                       struct cm_table_part *part, uint64_t min_ns, uint64_t max_ns,
                                       struct cm_error *error)
{
    const struct cm_table_encoder *encoder = files->options.encoder;
    struct cm_table_folder *folder = NULL;
    struct cm_table_target *target;
    uint32_t n_rows = part->n_rows;
    enum capmill_status status = get_folder(files, key, &folder, error);

    if (status >= 0 && folder->target == NULL)
        status = begin_target(files, folder, error);
    if (status >= 0)
        status = wake(files, folder->target, error);
    if (status < 0) {
        encoder->discard(encoder->context, part);
        return status;
    }
    target = folder->target;
    status = encoder->add(target->table, part, error);
    if (status < 0)
        return status;
    target->n_rows += n_rows;
    target->min_ns = cm_min_u64(target->min_ns, min_ns);
    target->max_ns = cm_max_u64(target->max_ns, max_ns);
    files->n_rows += n_rows;
    count_held(files, target);
    if (files->options.max_file_bytes > 0 &&
        cm_ordered_file_bytes(target->file) + target->held_bytes >= files->options.max_file_bytes)
        status = end_target(files, folder, error);
    return status < 0 ? status : bound_memory(files, error);
}

enum capmill_status cm_table_files_finish(struct cm_table_files *files, struct cm_error *error)
{
    struct cm_table_folder *folder = NULL;
    enum capmill_status status = CAPMILL_OK;

    /* a table without rows is still a table, where there is a place for it */
    if (files->n_targets == 0 && files->options.manifest.partition == NULL) {
        status = get_folder(files, "", &folder, error);
        if (status >= 0)
            status = begin_target(files, folder, error);
    }
    for (size_t i = 0; i < files->n_parts && status >= 0; i++) {
        if (files->parts[i]->target != NULL)
            status = end_target(files, files->parts[i], error);
    }
    return status;
}

enum capmill_status cm_table_files_create(const struct cm_table_files_options *options,
                                          struct cm_table_files **files_ret, struct cm_error *error)
{
    struct cm_table_files *files = calloc(1, sizeof(*files));
    struct cm_table_folder *folder = NULL;
    enum capmill_status status;

    if (files == NULL)
        return no_memory(error);
    files->options = *options;
    status = options->is_dataset ? cm_table_files_look(files, error) : CAPMILL_OK;
    if (status >= 0 && options->is_dataset)
        cm_output_sweep_tree(options->path, PART_NAME, CM_PARTITION_MAX_COLUMNS);
    if (status >= 0 && options->is_dataset)
        status = make_folder(files, options->path, error);
    if (status >= 0 && !options->is_dataset) {
        status = get_folder(files, "", &folder, error);
        if (status >= 0)
            status = begin_target(files, folder, error);
    }
    if (status >= 0)
        status = cm_table_files_open_sidecar(files, error);
    if (status < 0)
        cm_table_files_destroy(files);
    else
        *files_ret = files;
    return status < 0 ? status : CAPMILL_OK;
}

void cm_table_files_destroy(struct cm_table_files *files)
{
    if (files == NULL)
        return;
    for (size_t i = 0; i < files->n_targets; i++) {
        files->options.encoder->drop(files->targets[i]->table);
        cm_ordered_file_close(files->targets[i]->file);
        free(files->targets[i]->name);
        free(files->targets[i]);
    }
    for (size_t i = 0; i < files->n_parts; i++)
        free(files->parts[i]);
    cm_ordered_file_close(files->sidecar);
    free(files->sidecar_name);
    /* the innermost last made: those that hold something stay */
    while (files->n_folders > 0) {
        if (!files->is_committed)
            cm_path_remove(files->folders[files->n_folders - 1], NULL);
        free(files->folders[--files->n_folders]);
    }
    cm_manifest_free_paths(files->before, files->n_before);
    free(files->targets);
    free(files->parts);
    free(files->folders);
    free(files);
}

uint64_t cm_table_files_rows(const struct cm_table_files *files)
{
    return files->n_rows;
}

uint64_t cm_table_files_bytes(const struct cm_table_files *files)
{
    uint64_t n_bytes = 0;

    for (size_t i = 0; i < files->n_targets; i++)
        n_bytes += cm_ordered_file_bytes(files->targets[i]->file);
    return n_bytes;
}

const char *cm_table_files_path(const struct cm_table_files *files)
{
    return files->options.path;
}

size_t cm_table_files_count(const struct cm_table_files *files)
{
    return files->n_targets;
}

size_t cm_table_files_removed(const struct cm_table_files *files)
{
    return files->n_removed;
}

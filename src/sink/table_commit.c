/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a table: names for its files, and the manifest of a data set. A run that is killed in the middle of
 * naming leaves a journal: the next one knows from it what may be there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "sink/table_files_int.h"

/* The manifest that is about to hold. */
#define JOURNAL_NAME "_manifest.next.json"
#define SCHEMA_NAME  "_schema"

static enum capmill_status no_memory(struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to name the files of a table");
}

/* Add to `before` what this manifest lists; none is fine. */
static enum capmill_status look_at(struct cm_table_files *files, const char *name, struct cm_error *error)
{
    char *path = cm_table_files_join(files, name);
    char **paths = NULL;
    char **all;
    size_t n = 0;
    enum capmill_status status;

    if (path == NULL)
        return no_memory(error);
    status = cm_manifest_read_paths(path, &paths, &n, error);
    if (status == CAPMILL_OK && !files->options.rules.replace)
        status =
            cm_error_set(error, CAPMILL_E_EXISTS, 0,
                         "%s holds a table already (it has a %s); choose another name or ask for it to be "
                         "replaced",
                         files->options.path, name);
    free(path);
    if (status == CAPMILL_E_NOT_FOUND)
        return CAPMILL_OK;
    if (status < 0) {
        cm_manifest_free_paths(paths, n);
        return status;
    }
    all = realloc(files->before, (files->n_before + n + 1) * sizeof(char *));
    if (all == NULL) {
        cm_manifest_free_paths(paths, n);
        return no_memory(error);
    }
    files->before = all;
    if (n > 0)
        memcpy(all + files->n_before, paths, n * sizeof(char *));
    files->n_before += n;
    free(paths);
    return CAPMILL_OK;
}

enum capmill_status cm_table_files_look(struct cm_table_files *files, struct cm_error *error)
{
    struct cm_file_facts facts;
    enum capmill_status status;

    if (cm_path_facts(files->options.path, &facts, NULL) < 0 || facts.type != CM_FILE_FOLDER)
        return CAPMILL_OK;
    status = look_at(files, CM_MANIFEST_NAME, error);
    return status < 0 ? status : look_at(files, JOURNAL_NAME, error);
}

char *cm_table_sidecar_path(const char *path, const char *extension, const char *sidecar_extension)
{
    size_t n_stem = strlen(path);
    size_t n_extension = strlen(extension);
    size_t n;
    char *sidecar;

    if (n_stem > n_extension && strcmp(path + n_stem - n_extension, extension) == 0)
        n_stem -= n_extension;
    n = n_stem + strlen(sidecar_extension) + 1;
    sidecar = malloc(n);
    if (sidecar != NULL)
        snprintf(sidecar, n, "%.*s%s", (int)n_stem, path, sidecar_extension);
    return sidecar;
}

enum capmill_status cm_table_files_open_sidecar(struct cm_table_files *files, struct cm_error *error)
{
    const struct cm_table_files_options *options = &files->options;
    char *path = NULL;
    enum capmill_status status;

    if (options->sidecar == NULL || (!options->is_dataset && cm_output_is_stream(options->path)))
        return CAPMILL_OK;
    if (!options->is_dataset)
        path = cm_table_sidecar_path(options->path, options->encoder->extension, options->sidecar_extension);
    else if ((files->sidecar_name = cm_table_sidecar_path(SCHEMA_NAME, "", options->sidecar_extension)) !=
             NULL)
        path = cm_table_files_join(files, files->sidecar_name);
    if (path == NULL)
        return no_memory(error);
    status = cm_ordered_file_open(path, &options->rules, false, &files->sidecar, error);
    free(path);
    if (status < 0)
        return status;
    return cm_ordered_file_put(files->sidecar, options->sidecar, strlen(options->sidecar), error);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct cm_manifest_file *)a)->path, ((const struct cm_manifest_file *)b)->path);
}

static char *manifest_text(const struct cm_table_files *files, size_t *n_ret)
{
    struct cm_manifest manifest = files->options.manifest;
    struct cm_manifest_file *list = calloc(files->n_targets + 1, sizeof(*list));
    char *text;

    if (list == NULL)
        return NULL;
    for (size_t i = 0; i < files->n_targets; i++) {
        const struct cm_table_target *target = files->targets[i];

        list[i] = (struct cm_manifest_file){target->name, target->n_rows, cm_ordered_file_bytes(target->file),
                                            target->min_ns, target->max_ns};
    }
    qsort(list, files->n_targets, sizeof(*list), by_path);
    manifest.schema = files->sidecar_name;
    manifest.files = list;
    manifest.n_files = files->n_targets;
    text = cm_manifest_text(&manifest, n_ret);
    free(list);
    return text;
}

static enum capmill_status write_text(struct cm_table_files *files, const char *name, const char *text,
                                      size_t n, struct cm_error *error)
{
    struct cm_output_rules rules = files->options.rules;
    struct cm_ordered_file *file = NULL;
    char *path = cm_table_files_join(files, name);
    enum capmill_status status;

    if (path == NULL)
        return no_memory(error);
    rules.replace = true; /* whether this may be replaced was asked at the beginning */
    status = cm_ordered_file_open(path, &rules, false, &file, error);
    if (status >= 0)
        status = cm_ordered_file_put(file, text, n, error);
    if (status >= 0)
        status = cm_ordered_file_commit(file, error);
    cm_ordered_file_close(file);
    free(path);
    return status;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_key(const void *key, const void *element)
{
    return strcmp(key, *(const char *const *)element);
}

/* Files of a run before that this one did not write again. */
static enum capmill_status remove_stale(struct cm_table_files *files, struct cm_error *error)
{
    const char **names = malloc((files->n_targets + 1) * sizeof(char *));
    size_t n = 0;
    enum capmill_status status = CAPMILL_OK;

    if (names == NULL)
        return no_memory(error);
    for (size_t i = 0; i < files->n_targets; i++)
        names[n++] = files->targets[i]->name;
    if (files->sidecar_name != NULL)
        names[n++] = files->sidecar_name;
    qsort(names, n, sizeof(char *), compare_names);
    for (size_t i = 0; i < files->n_before && status >= 0; i++) {
        const char *before = files->before[i];
        struct cm_file_facts facts;
        char *path;

        if (bsearch(before, names, n, sizeof(char *), compare_key) != NULL)
            continue;
        path = cm_table_files_join(files, before);
        if (path == NULL)
            status = no_memory(error);
        else if (cm_path_facts(path, &facts, NULL) == CAPMILL_OK) {
            status = cm_output_refuse_input(&files->options.rules, path, &facts, error);
            if (status >= 0)
                status = cm_path_remove(path, error);
            files->n_removed += status >= 0;
        }
        /* folders that are empty now, innermost first; others refuse to go */
        for (char *slash = path; path != NULL && status >= 0 && (slash = strrchr(path, '/')) != NULL &&
                                 (size_t)(slash - path) > strlen(files->options.path);) {
            *slash = 0;
            if (cm_path_remove(path, NULL) < 0)
                break;
        }
        free(path);
    }
    free(names);
    return status;
}

static enum capmill_status commit_dataset(struct cm_table_files *files, struct cm_error *error)
{
    size_t n = 0;
    char *text = manifest_text(files, &n);
    char *journal = cm_table_files_join(files, JOURNAL_NAME);
    enum capmill_status status =
        text == NULL || journal == NULL ? no_memory(error) : write_text(files, JOURNAL_NAME, text, n, error);

    if (status >= 0 && files->sidecar != NULL)
        status = cm_ordered_file_commit(files->sidecar, error);
    for (size_t i = 0; i < files->n_targets && status >= 0; i++)
        status = cm_ordered_file_commit(files->targets[i]->file, error);
    if (status >= 0)
        status = remove_stale(files, error);
    if (status >= 0)
        status = write_text(files, CM_MANIFEST_NAME, text, n, error);
    if (status >= 0)
        status = cm_path_remove(journal, error);
    free(journal);
    free(text);
    return status;
}

static enum capmill_status commit_file(struct cm_table_files *files, struct cm_error *error)
{
    enum capmill_status status =
        files->sidecar != NULL ? cm_ordered_file_commit(files->sidecar, error) : CAPMILL_OK;

    return status < 0 ? status : cm_ordered_file_commit(files->targets[0]->file, error);
}

enum capmill_status cm_table_files_commit(struct cm_table_files *files, struct cm_error *error)
{
    enum capmill_status status =
        files->options.is_dataset ? commit_dataset(files, error) : commit_file(files, error);

    files->is_committed = status >= 0;
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest of a data set: one JSON object that says which files there are, written when all of them are there.
 * A later run that replaces the data set removes what the manifest lists and it did not write again. */
#ifndef CM_SINK_MANIFEST_H
#define CM_SINK_MANIFEST_H

#include "format/table_encoder.h"
#include "os/file.h"

#define CM_MANIFEST_NAME "_manifest.json"

struct cm_manifest_file {
    const char *path; /* below the folder, with / */
    uint64_t n_rows, n_bytes;
    uint64_t min_ns, max_ns; /* least and greatest time; min above max: no row has one */
};

struct cm_manifest_input {
    const char *path;
    uint64_t n_bytes; /* 0 for streams */
    uint64_t hash;    /* of size and samples; meaningful with has_hash */
    bool has_hash;
};

struct cm_manifest {
    const char *format, *codec;
    const struct cm_table_note *notes;
    size_t n_notes;
    const char *partition; /* "dt/hr"; NULL: none */
    const char *schema;    /* a file with it, below the folder; NULL: none */
    const struct cm_manifest_file *files;
    size_t n_files;
    const struct cm_manifest_input *inputs;
    size_t n_inputs;
};

/* The text; one allocation, freed with free(). NULL: no memory. */
char *cm_manifest_text(const struct cm_manifest *manifest, size_t *n_ret);

/* Paths that the text of a manifest lists, below its folder: of its schema and files. CAPMILL_E_FORMAT where it
 * is not a manifest of ours, or names files that are not below the folder; CAPMILL_E_MEMORY. One allocation of
 * pointers and one for each path: cm_manifest_free_paths. */
enum capmill_status cm_manifest_text_paths(const char *text, char ***paths_ret, size_t *n_ret);
/* The same of a file; CAPMILL_E_NOT_FOUND where there is none. */
enum capmill_status cm_manifest_read_paths(const char *manifest_path, char ***paths_ret, size_t *n_ret,
                                           struct cm_error *error);
void cm_manifest_free_paths(char **paths, size_t n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The files of one table: a file, a stream, or a data set (a folder of files by partition and size, with a
 * manifest). Encoded parts go in in order, whole files come out. One thread at a time. */
#ifndef CM_SINK_TABLE_FILES_H
#define CM_SINK_TABLE_FILES_H

#include "format/table_encoder.h"
#include "sink/manifest.h"
#include "sink/ordered_file.h"

struct cm_table_files_options {
    const char *path; /* a file or "-"; of a data set its folder */
    bool is_dataset;
    struct cm_output_rules rules;
    const struct cm_table_encoder *encoder; /* outlives the files */
    const char *sidecar;                    /* text of a file beside it (.avsc); NULL: none */
    const char *sidecar_extension;
    uint64_t max_file_bytes;     /* 0: any size */
    uint64_t memory_bytes;       /* for row groups under construction, together */
    struct cm_manifest manifest; /* but for its files */
    /* Told once: row groups end early for want of memory. May be NULL. */
    void (*on_small_groups)(void *context, const char *path);
    void *context;
};

/* Where the text beside the file `path` is written: its extension, where it has that, replaced. One allocation,
 * freed with free(). */
char *cm_table_sidecar_path(const char *path, const char *extension, const char *sidecar_extension);

struct cm_table_files;

/* Opens what can be known now, so that what is not allowed fails before any work. Strings outlive the files. */
enum capmill_status cm_table_files_create(const struct cm_table_files_options *options,
                                          struct cm_table_files **files_ret, struct cm_error *error);
/* Without a commit before, nothing of it stays. NULL accepted. */
void cm_table_files_destroy(struct cm_table_files *files);
/* Takes the part, also when it fails. `key`: the folder of a data set, "" where nothing is partitioned.
 * [min_ns, max_ns]: times of its rows. */
enum capmill_status cm_table_files_add(struct cm_table_files *files, const char *key,
                                       struct cm_table_part *part, uint64_t min_ns, uint64_t max_ns,
                                       struct cm_error *error);
/* There are no more rows: end every file. */
enum capmill_status cm_table_files_finish(struct cm_table_files *files, struct cm_error *error);
/* Give the files their names, take away what a run before left and this one did not replace; the manifest comes
 * last. */
enum capmill_status cm_table_files_commit(struct cm_table_files *files, struct cm_error *error);

uint64_t cm_table_files_rows(const struct cm_table_files *files);
uint64_t cm_table_files_bytes(const struct cm_table_files *files); /* after finish */
/* What was written, borrowed: the file, or the folder. */
const char *cm_table_files_path(const struct cm_table_files *files);
size_t cm_table_files_count(const struct cm_table_files *files);
size_t cm_table_files_removed(const struct cm_table_files *files); /* of a run before; after commit */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a table as those who fill them (table_files.c) and those who name them (table_commit.c) see
 * them. */
#ifndef CM_SINK_TABLE_FILES_INT_H
#define CM_SINK_TABLE_FILES_INT_H

#include "sink/table_files.h"

/* Files with a descriptor at a time; more partitions than this take turns. */
#define CM_TABLE_MAX_AWAKE 64u

/* One file. */
struct cm_table_target {
    char *name; /* of a data set: below its folder */
    struct cm_ordered_file *file;
    struct cm_table_file *table; /* NULL once it has ended */
    uint64_t n_rows;
    uint64_t min_ns, max_ns;
    uint64_t held_bytes;
    uint64_t last_use;
};

/* One partition. */
struct cm_table_folder {
    struct cm_table_target *target; /* the file that takes its rows now; NULL: none */
    unsigned n_parts;               /* files begun */
    char key[];
};

struct cm_table_files {
    struct cm_table_files_options options;
    struct cm_table_folder **parts; /* by key */
    size_t n_parts, parts_capacity;
    struct cm_table_target **targets; /* in order of their beginning */
    size_t n_targets, targets_capacity;
    struct cm_table_target *awake[CM_TABLE_MAX_AWAKE]; /* files that hold a descriptor */
    size_t n_awake;
    char **folders; /* that we made */
    size_t n_folders, folders_capacity;
    struct cm_ordered_file *sidecar;
    char *sidecar_name; /* of a data set: below its folder */
    char **before;      /* what a run before left, by its manifest */
    size_t n_before;
    size_t n_removed; /* of those, as this run did not write them again */
    uint64_t n_rows;
    uint64_t held_bytes;
    uint64_t n_uses;
    bool told_small;
    bool is_committed;
};

/* A name below the folder of a data set; one allocation. */
char *cm_table_files_join(const struct cm_table_files *files, const char *name);

/* table_commit.c */
/* What is in the folder already: whether it may be replaced, and what it is. */
enum capmill_status cm_table_files_look(struct cm_table_files *files, struct cm_error *error);
enum capmill_status cm_table_files_open_sidecar(struct cm_table_files *files, struct cm_error *error);

#endif

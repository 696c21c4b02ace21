/* SPDX-License-Identifier: Apache-2.0 */
/* Which folder of a data set a row belongs to: dt=2024-02-29/hr=12, by times and by the values of columns, in
 * the form that Hive, Spark, DuckDB and pyarrow read back. */
#ifndef CM_SINK_PARTITION_H
#define CM_SINK_PARTITION_H

#include "format/table_encoder.h"

#define CM_PARTITION_MAX_COLUMNS 8
/* Room for a folder name with its final zero; longer values are refused. */
#define CM_PARTITION_KEY_BYTES 512

struct cm_partition;

/* `text`: names separated by slashes: "dt/hr", "protocol". dt is the day and hr the hour, in UTC, of the column
 * `time_column`; other names are columns. CAPMILL_E_USAGE, beginning with `origin`, where a name is not a column
 * or one by whose values nobody would want folders. `schema` has all columns that are needed: ask
 * cm_partition_names first. */
enum capmill_status cm_partition_create(const char *text, const char *origin,
                                        const struct cm_table_schema *schema, const char *time_column,
                                        struct cm_partition **partition_ret, struct cm_error *error);
void cm_partition_destroy(struct cm_partition *partition); /* NULL accepted */
/* Is the column told by the folder, so that files need not have it? */
bool cm_partition_tells(const struct cm_partition *partition, const char *column);
/* The names in `text`, in place: at most CM_PARTITION_MAX_COLUMNS; dt and hr become `time_column`, once.
 * Answers how many there are; each is one allocation, freed with free(). Fewer than there are where memory
 * cannot be had or there are too many, which cm_partition_create then refuses. */
size_t cm_partition_names(const char *text, const char *time_column,
                          char *names_ret[CM_PARTITION_MAX_COLUMNS]);

/* Rows of one folder. Borrowed for the call. */
struct cm_partition_rows {
    const char *key; /* "dt=2024-02-29/hr=12"; "" where nothing is partitioned */
    struct cm_table_rows rows;
};

struct cm_partition_split;                                  /* scratch of one thread */
struct cm_partition_split *cm_partition_split_create(void); /* NULL: no memory */
void cm_partition_split_destroy(struct cm_partition_split *split);
/* Call `each` for every folder that the rows belong to, in order of the first row; the rows of a folder keep
 * their order. `partition` NULL: one folder. */
enum capmill_status cm_partition_rows(const struct cm_partition *partition, struct cm_partition_split *split,
                                      const struct cm_table_schema *schema, const struct cm_table_rows *rows,
                                      enum capmill_status (*each)(void *context,
                                                                  const struct cm_partition_rows *part,
                                                                  struct cm_error *error),
                                      void *context, struct cm_error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of a table: those that rows are made with, and those of them that the files have. What only folders
 * tell, and what a manifest tells of each file, are columns of rows and not of files. For table_output.c. */
#ifndef CM_SINK_TABLE_COLUMNS_INT_H
#define CM_SINK_TABLE_COLUMNS_INT_H

#include "sink/partition.h"
#include "sink/table_output.h"

struct cm_table_columns {
    const struct cm_table_output_options *options;
    struct cm_packet_columns *packets; /* one of the two */
    struct cm_flow_rows *flows;
    const struct cm_table_schema *whole; /* of rows as they are made */
    struct cm_table_schema schema;       /* of the files */
    struct cm_column *schema_columns;
    size_t *schema_from; /* of each: its column in `whole` */
    size_t time_column;  /* in `whole`; SIZE_MAX: none */
    size_t last_time_column;
    struct cm_partition *partition; /* NULL: none */
};

/* `options` outlives it. CAPMILL_E_USAGE for what is no column, or none to partition by. cm_table_columns_free
 * takes any result. */
enum capmill_status cm_table_columns_make(const struct cm_table_output_options *options,
                                          struct cm_table_columns *columns_ret, struct cm_error *error);
void cm_table_columns_free(struct cm_table_columns *columns);

#endif

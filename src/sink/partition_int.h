/* SPDX-License-Identifier: Apache-2.0 */
/* Folders as those who divide rows see them: between partition.c and partition_split.c. */
#ifndef CM_SINK_PARTITION_INT_H
#define CM_SINK_PARTITION_INT_H

#include "sink/partition.h"

/* Whether two rows belong to one folder. */
bool cm_partition_same(const struct cm_partition *partition, const struct cm_table_rows *rows, uint32_t a,
                       uint32_t b);
/* Of the values that make a row's folder, 32 bits. They come from captures, which may be made to collide; then a
 * block costs what a search through its folders does, and folders are bounded (table_files.c). */
uint64_t cm_partition_hash(const struct cm_partition *partition, const struct cm_table_rows *rows,
                           uint32_t row);
/* The folder's name. */
enum capmill_status cm_partition_key(const struct cm_partition *partition, const struct cm_table_rows *rows,
                                     uint32_t row, char key_ret[CM_PARTITION_KEY_BYTES],
                                     struct cm_error *error);

#endif

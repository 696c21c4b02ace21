/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as Apache Parquet files (parquet.apache.org/docs/file-format): row groups, dictionaries, page indexes,
 * bloom filters. Not for reading them. */
#ifndef CM_FORMAT_PARQUET_H
#define CM_FORMAT_PARQUET_H

#include "format/table_encoder.h"

/* The note "capmill.version", where there is one, is what the file says it was created by. Row groups consist
 * of whole parts: one ends before the part with which it would have more than row_group_rows, and after the one
 * with which it has row_group_bytes. CAPMILL_E_USAGE and CAPMILL_E_UNSUPPORTED where the codec is not
 * Parquet's, or not in this build. */
enum capmill_status cm_parquet_encoder_create(const struct cm_table_options *options,
                                              struct cm_table_encoder *encoder_ret, struct cm_error *error);

#endif

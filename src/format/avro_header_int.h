/* SPDX-License-Identifier: Apache-2.0 */
/* The header of an Avro file. For this room alone. */
#ifndef CM_FORMAT_AVRO_HEADER_INT_H
#define CM_FORMAT_AVRO_HEADER_INT_H

#include "format/table_encoder.h"

#define CM_AVRO_SYNC_BYTES 16

/* Magic, metadata and sync marker; the marker are the last CM_AVRO_SYNC_BYTES of it. Freed with free(). */
enum capmill_status cm_avro_header_make(const struct cm_table_options *options, const char *codec_name,
                                        uint8_t **header_ret, size_t *n_ret, struct cm_error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as JSON lines: one object (RFC 8259) a row and a line, columns in the order of the schema, no spaces,
 * absent values left out. Not for reading JSON.
 *
 * Numbers are decimal; UINT64 columns with `hex` are strings of 16 hexadecimal digits; TIME_NS is RFC 3339 with nine
 * digits and Z; TEXT is escaped, and bytes in it that are not UTF-8 become U+FFFD; BYTES are base64 (RFC 4648,
 * padded). With `compress_payload` each value of a BYTES column is a zstd frame before it is base64. With
 * `wide_numbers_as_text` whole numbers beyond 2^53, which a reader's double cannot hold, are strings.
 *
 * Codecs: none (the default), gzip and zstd; then a file is a row of members or frames, which readers take for
 * one. A part is one of them, or several where its text is large. */
#ifndef CM_FORMAT_JSONL_H
#define CM_FORMAT_JSONL_H

#include "format/table_encoder.h"

/* CAPMILL_E_UNSUPPORTED where the codec, or zstd for `compress_payload`, is not in this build or not for JSON
 * lines. */
enum capmill_status cm_jsonl_encoder_create(const struct cm_table_options *options,
                                            struct cm_table_encoder *encoder_ret, struct cm_error *error);

#endif

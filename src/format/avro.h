/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as Avro object container files (Apache Avro 1.12 specification): one record a row. Not for reading them.
 *
 * UINT8 and UINT16 are int; UINT32, UINT64 and INT64 are long. Avro has no unsigned types: a UINT64 is stored as
 * its 64 bits, so that readers see values from 2^63 on as negative. UINT32 is a long, although the int of other
 * tools would be a byte or two the same on disk: an int ends at 2^31-1, a length in a damaged capture does not, and a
 * reader that asks for a long may read an int as well but never the reverse. TIME_NS is a long of the logical type
 * timestamp-nanos, TEXT a string (what is not UTF-8 becomes U+FFFD), BYTES are bytes. A nullable column is a union
 * of null and its type, null by default.
 *
 * Codecs: null (the default), deflate (CM_CODEC_GZIP is taken for it), snappy and zstandard. The sync marker
 * follows from schema, codec and notes, so that the same table is the same file. Notes stand in the file's metadata
 * under their own keys. */
#ifndef CM_FORMAT_AVRO_H
#define CM_FORMAT_AVRO_H

#include "format/table_encoder.h"

/* CAPMILL_E_UNSUPPORTED where the codec is not in this build or not Avro's; CAPMILL_E_USAGE for names of columns,
 * and keys of notes, that Avro does not allow. */
enum capmill_status cm_avro_encoder_create(const struct cm_table_options *options,
                                           struct cm_table_encoder *encoder_ret, struct cm_error *error);

/* The schema as JSON, for a file of its own (.avsc): indented where `pretty`, which ends with a line feed; else as
 * it stands in files. Freed with free(). */
enum capmill_status cm_avro_schema_text(const struct cm_table_schema *schema, bool pretty, char **text_ret,
                                        struct cm_error *error);

#endif

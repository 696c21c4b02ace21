/* SPDX-License-Identifier: Apache-2.0 */
/* What stands before the = of an output, "parquet:zstd:flows=PATH", and the words that options and keys of a
 * configuration have in common with it. Which codec goes with which format is the library's to say. */
#ifndef CM_CLI_OUTPUT_WORDS_H
#define CM_CLI_OUTPUT_WORDS_H

#include "cli/options.h"

#define CM_FORMAT_WORDS          "pcap|pcapng|parquet|avro|jsonl"
#define CM_CODEC_WORDS           "none|snappy|zstd|gzip|deflate|lz4"
#define CM_ROWS_WORDS            "packets|flows"
#define CM_COMPRESS_PAYLOAD_WORD "compress-payload"

/* False where the first `n` bytes are none of these words, and nothing is stored. `json` is jsonl. */
bool cm_format_of_word(const char *word, size_t n, enum capmill_format *format_ret);
bool cm_codec_of_word(const char *word, size_t n, enum capmill_codec *codec_ret);
bool cm_rows_of_word(const char *word, size_t n, enum capmill_rows *rows_ret);

/* How many bytes before a = are meant as words; 0: the whole is a path. Words begin with a lower-case letter or
 * a digit; a path that does so and has a = in it is written with ./ in front. */
size_t cm_output_words_bytes(const char *value);
/* The value of --output. CAPMILL_E_USAGE for a word that is none, or stands there in vain. */
enum capmill_status cm_output_parse(const struct cm_setting *setting, struct capmill_output *output_ret,
                                    struct cm_error *error);

#endif

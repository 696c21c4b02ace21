/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed bytes and back, whole blocks at a time. One file a codec (snappy.c, zstd.c, gzip.c, lz4.c), each
 * around a library that may be absent from a build: then cm_codec_available says no, and cm_compressor_create
 * which library it is. No files, no threads: a compressor belongs to one thread at a time. */
#ifndef CM_CODEC_CODEC_H
#define CM_CODEC_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum cm_codec {
    CM_CODEC_DEFAULT = 0, /* whoever writes chooses; no codec here */
    CM_CODEC_NONE,        /* a copy */
    CM_CODEC_SNAPPY,      /* the raw block format, not the framing format */
    CM_CODEC_ZSTD,        /* one frame (RFC 8878) */
    CM_CODEC_GZIP,        /* one member (RFC 1952) */
    CM_CODEC_DEFLATE,     /* raw deflate (RFC 1951), as Avro has it */
    CM_CODEC_LZ4,         /* one raw block, no frame (Parquet's LZ4_RAW) */
};
#define CM_N_CODECS (CM_CODEC_LZ4 + 1)

const char *cm_codec_name(enum cm_codec codec); /* "zstd"; static */
bool cm_codec_available(enum cm_codec codec);
bool cm_codec_has_levels(enum cm_codec codec);     /* and is available */
const char *cm_codec_feature(enum cm_codec codec); /* "zstd: yes", for --version; static */

struct cm_compressor; /* state that is worth keeping between blocks */

/* `level` 0: the codec's usual one. CAPMILL_E_UNSUPPORTED where this build has not got it. */
enum capmill_status cm_compressor_create(enum cm_codec codec, int level,
                                         struct cm_compressor **compressor_ret, struct cm_error *error);
void cm_compressor_destroy(struct cm_compressor *compressor); /* NULL accepted */
/* Room that `n` bytes may take when compressed; SIZE_MAX where the codec cannot take so many at once. */
size_t cm_compressor_bound(const struct cm_compressor *compressor, size_t n);
/* Compress `n` bytes into `out` of `room` bytes, at least cm_compressor_bound(n). */
enum capmill_status cm_compress(struct cm_compressor *compressor, const void *bytes, size_t n, void *out,
                                size_t room, size_t *n_ret, struct cm_error *error);

/* Decompress a block whose length is known; for tests, and for what reads compressed data. False where the
 * bytes are not exactly one block of `n_out` bytes. */
bool cm_decompress(enum cm_codec codec, const void *bytes, size_t n, void *out, size_t n_out);

#endif

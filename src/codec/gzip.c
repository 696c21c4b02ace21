/* SPDX-License-Identifier: Apache-2.0 */
/* Deflate in its two clothes, by zlib: a gzip member (RFC 1952), and raw (RFC 1951). Not zlib's own format. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "codec/codec_int.h"

/* What zlib's window argument means: its size as a power of two, negative for raw, 16 more for gzip. */
#define GZIP_WINDOW    (15 + 16)
#define DEFLATE_WINDOW (-15)
#define MEMORY_LEVEL   8  /* zlib's usual one, on which its bound rests */
#define WRAPPER_BYTES  18 /* of gzip: head and tail; zlib's bound allows for 6 of its own */
#define SYSTEM_UNKNOWN 255
#define GREATEST_LEVEL 9

struct deflater {
    z_stream stream;
    gz_header head; /* zlib would name the system, and the bytes would differ between systems */
};

static enum capmill_status open_state(int window, int level, void **state_ret, struct cm_error *error)
{
    struct deflater *deflater = calloc(1, sizeof(*deflater));

    *state_ret = deflater;
    if (deflater == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for zlib");
    if (deflateInit2(&deflater->stream, level == 0 ? Z_DEFAULT_COMPRESSION : level, Z_DEFLATED, window,
                     MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(deflater);
        *state_ret = NULL;
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for zlib");
    }
    deflater->head.os = SYSTEM_UNKNOWN;
    if (window == GZIP_WINDOW)
        deflateSetHeader(&deflater->stream, &deflater->head);
    return CAPMILL_OK;
}

static enum capmill_status open_gzip(int level, void **state_ret, struct cm_error *error)
{
    return open_state(GZIP_WINDOW, level, state_ret, error);
}

static enum capmill_status open_deflate(int level, void **state_ret, struct cm_error *error)
{
    return open_state(DEFLATE_WINDOW, level, state_ret, error);
}

static void close_state(void *state)
{
    struct deflater *deflater = state;

    if (deflater != NULL)
        deflateEnd(&deflater->stream);
    free(deflater);
}

/* zlib counts what it is given at once in an unsigned int, and its bound must fit an unsigned long, which has
 * 32 bits on some systems. */
static size_t bound(size_t n)
{
    return n > INT32_MAX ? SIZE_MAX : (size_t)compressBound((uLong)n) + WRAPPER_BYTES;
}

static enum capmill_status compress_block(void *state, const void *bytes, size_t n, void *out, size_t room,
                                          size_t *n_ret, struct cm_error *error)
{
    struct deflater *deflater = state;
    z_stream *stream = &deflater->stream;
    int answer = deflateReset(stream);

    stream->next_in = (z_const Bytef *)(uintptr_t)bytes;
    stream->avail_in = (uInt)n;
    stream->next_out = out;
    stream->avail_out = room > UINT32_MAX ? UINT32_MAX : (uInt)room;
    if (answer == Z_OK)
        answer = deflate(stream, Z_FINISH);
    if (answer != Z_STREAM_END)
        return cm_error_set(error, CAPMILL_E_INTERNAL, 0, "zlib did not compress %zu bytes: %d", n, answer);
    *n_ret = (size_t)(stream->next_out - (Bytef *)out);
    return CAPMILL_OK;
}

static bool decompress_block(int window, const void *bytes, size_t n, void *out, size_t n_out)
{
    z_stream stream;
    Bytef nothing;
    int answer;

    memset(&stream, 0, sizeof(stream));
    if (n > UINT32_MAX || n_out > UINT32_MAX || inflateInit2(&stream, window) != Z_OK)
        return false;
    stream.next_in = (z_const Bytef *)(uintptr_t)bytes;
    stream.avail_in = (uInt)n;
    stream.next_out = n_out == 0 ? &nothing : out;
    stream.avail_out = (uInt)n_out;
    answer = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    return answer == Z_STREAM_END && stream.avail_in == 0 && stream.avail_out == 0;
}

static bool decompress_gzip(const void *bytes, size_t n, void *out, size_t n_out)
{
    return decompress_block(GZIP_WINDOW, bytes, n, out, n_out);
}

static bool decompress_deflate(const void *bytes, size_t n, void *out, size_t n_out)
{
    return decompress_block(DEFLATE_WINDOW, bytes, n, out, n_out);
}

const struct cm_codec_calls cm_codec_gzip_calls = {GREATEST_LEVEL, open_gzip,      close_state,
                                                   bound,          compress_block, decompress_gzip};
const struct cm_codec_calls cm_codec_deflate_calls = {GREATEST_LEVEL, open_deflate,   close_state,
                                                      bound,          compress_block, decompress_deflate};

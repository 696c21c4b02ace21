/* SPDX-License-Identifier: Apache-2.0 */
/* One frame of Zstandard (RFC 8878) a block, by libzstd. No dictionaries, no checksums: what holds the blocks
 * has its own. */
#include <zstd.h>

#include "codec/codec_int.h"

/* Beyond it zstd wants windows that other readers refuse unless told. */
#define GREATEST_LEVEL 19

static enum capmill_status open_state(int level, void **state_ret, struct cm_error *error)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();

    *state_ret = context;
    if (context == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for zstd");
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level == 0 ? ZSTD_CLEVEL_DEFAULT : level);
    return CAPMILL_OK;
}

static void close_state(void *state)
{
    ZSTD_freeCCtx(state);
}

static size_t bound(size_t n)
{
    size_t answer = ZSTD_compressBound(n);

    return ZSTD_isError(answer) || answer < n ? SIZE_MAX : answer;
}

static enum capmill_status compress_block(void *state, const void *bytes, size_t n, void *out, size_t room,
                                          size_t *n_ret, struct cm_error *error)
{
    size_t answer = ZSTD_compress2(state, out, room, bytes, n);

    if (ZSTD_isError(answer))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "zstd, %zu bytes: %s", n, ZSTD_getErrorName(answer));
    *n_ret = answer;
    return CAPMILL_OK;
}

static bool decompress_block(const void *bytes, size_t n, void *out, size_t n_out)
{
    /* of several frames one after the other zstd would make one */
    return !ZSTD_isError(ZSTD_findFrameCompressedSize(bytes, n)) &&
           ZSTD_findFrameCompressedSize(bytes, n) == n && ZSTD_decompress(out, n_out, bytes, n) == n_out;
}

const struct cm_codec_calls cm_codec_zstd_calls = {GREATEST_LEVEL, open_state,     close_state,
                                                   bound,          compress_block, decompress_block};

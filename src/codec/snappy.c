/* SPDX-License-Identifier: Apache-2.0 */
/* Snappy's raw block format, by libsnappy. Not its framing format. */
#include <snappy-c.h>

#include "codec/codec_int.h"

/* A block begins with its length in 32 bits, and snappy's own bound is the length and a sixth. */
static size_t bound(size_t n)
{
    return n > UINT32_MAX ? SIZE_MAX : snappy_max_compressed_length(n);
}

static enum capmill_status compress_block(void *state, const void *bytes, size_t n, void *out, size_t room,
                                          size_t *n_ret, struct cm_error *error)
{
    *n_ret = room;
    /* bytes may be NULL where n is 0, which snappy does not take */
    if (snappy_compress(n == 0 ? "" : bytes, n, out, n_ret) != SNAPPY_OK)
        return cm_error_set(error, CAPMILL_E_INTERNAL, 0, "snappy did not compress %zu bytes", n);
    return CAPMILL_OK;
}

static bool decompress_block(const void *bytes, size_t n, void *out, size_t n_out)
{
    size_t n_said, n_made = n_out;
    char nothing;

    return n != 0 && snappy_uncompressed_length(bytes, n, &n_said) == SNAPPY_OK && n_said == n_out &&
           snappy_uncompress(bytes, n, n_out == 0 ? &nothing : out, &n_made) == SNAPPY_OK && n_made == n_out;
}

const struct cm_codec_calls cm_codec_snappy_calls = {0, NULL, NULL, bound, compress_block, decompress_block};

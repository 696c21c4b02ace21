/* SPDX-License-Identifier: Apache-2.0 */
/* One raw block of LZ4, by liblz4. No frames, and not the framing that Hadoop calls LZ4. */
#include <lz4.h>
#include <lz4hc.h>
#include <stdlib.h>

#include "codec/codec_int.h"

/* As the program lz4 counts: below it the fast compressor, from it on the thorough one. */
#define LEAST_THOROUGH_LEVEL 3
#define ACCELERATION         1

struct packer {
    int level;
    max_align_t memory[]; /* of the one compressor or of the other */
};

static enum capmill_status open_state(int level, void **state_ret, struct cm_error *error)
{
    int n = level < LEAST_THOROUGH_LEVEL ? LZ4_sizeofState() : LZ4_sizeofStateHC();
    struct packer *packer = calloc(1, sizeof(*packer) + (size_t)n);

    *state_ret = packer;
    if (packer == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for lz4");
    packer->level = level;
    return CAPMILL_OK;
}

static size_t bound(size_t n)
{
    return n > LZ4_MAX_INPUT_SIZE ? SIZE_MAX : (size_t)LZ4_compressBound((int)n);
}

static enum capmill_status compress_block(void *state, const void *bytes, size_t n, void *out, size_t room,
                                          size_t *n_ret, struct cm_error *error)
{
    struct packer *packer = state;
    int n_room = room > INT32_MAX ? INT32_MAX : (int)room, n_made;

    if (packer->level < LEAST_THOROUGH_LEVEL)
        n_made = LZ4_compress_fast_extState(packer->memory, bytes, out, (int)n, n_room, ACCELERATION);
    else
        n_made = LZ4_compress_HC_extStateHC(packer->memory, bytes, out, (int)n, n_room, packer->level);
    if (n_made <= 0)
        return cm_error_set(error, CAPMILL_E_INTERNAL, 0, "lz4 did not compress %zu bytes", n);
    *n_ret = (size_t)n_made;
    return CAPMILL_OK;
}

static bool decompress_block(const void *bytes, size_t n, void *out, size_t n_out)
{
    char nothing;

    return n != 0 && n <= INT32_MAX && n_out <= INT32_MAX &&
           LZ4_decompress_safe(bytes, n_out == 0 ? &nothing : out, (int)n, (int)n_out) == (int)n_out;
}

const struct cm_codec_calls cm_codec_lz4_calls = {LZ4HC_CLEVEL_MAX, open_state,      free, bound,
                                                  compress_block,   decompress_block};

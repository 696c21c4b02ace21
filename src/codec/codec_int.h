/* SPDX-License-Identifier: Apache-2.0 */
/* What a codec's file gives to codec.c, which knows them all. Only for src/codec. */
#ifndef CM_CODEC_CODEC_INT_H
#define CM_CODEC_CODEC_INT_H

#include "codec/codec.h"

struct cm_codec_calls {
    int greatest_level; /* levels go from 1 to it; 0: the codec has none */
    /* State for blocks one after the other; `level` 0: the usual one. NULL calls: the codec needs none. */
    enum capmill_status (*open)(int level, void **state_ret, struct cm_error *error);
    void (*close)(void *state);
    size_t (*bound)(size_t n); /* SIZE_MAX: too many at once */
    /* `room` is at least bound(n), and bound(n) is not SIZE_MAX. */
    enum capmill_status (*compress)(void *state, const void *bytes, size_t n, void *out, size_t room,
                                    size_t *n_ret, struct cm_error *error);
    bool (*decompress)(const void *bytes, size_t n, void *out, size_t n_out);
};

extern const struct cm_codec_calls cm_codec_snappy_calls;
extern const struct cm_codec_calls cm_codec_zstd_calls;
extern const struct cm_codec_calls cm_codec_gzip_calls;
extern const struct cm_codec_calls cm_codec_deflate_calls;
extern const struct cm_codec_calls cm_codec_lz4_calls;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The table of codecs, and the doors of codec.h to it. No codec's own work: that is in its file. */
#include "codec/codec_int.h"

#include <stdlib.h>
#include <string.h>

static size_t copy_bound(size_t n)
{
    return n;
}

static enum capmill_status copy(void *state, const void *bytes, size_t n, void *out, size_t room,
                                size_t *n_ret, struct cm_error *error)
{
    if (n != 0)
        memcpy(out, bytes, n);
    *n_ret = n;
    return CAPMILL_OK;
}

static bool copy_back(const void *bytes, size_t n, void *out, size_t n_out)
{
    if (n == n_out && n != 0)
        memcpy(out, bytes, n);
    return n == n_out;
}

static const struct cm_codec_calls copy_calls = {0, NULL, NULL, copy_bound, copy, copy_back};

#ifdef CAPMILL_HAVE_SNAPPY
#define SNAPPY_CALLS &cm_codec_snappy_calls
#else
#define SNAPPY_CALLS NULL
#endif
#ifdef CAPMILL_HAVE_ZSTD
#define ZSTD_CALLS &cm_codec_zstd_calls
#else
#define ZSTD_CALLS NULL
#endif
#ifdef CAPMILL_HAVE_ZLIB
#define GZIP_CALLS    &cm_codec_gzip_calls
#define DEFLATE_CALLS &cm_codec_deflate_calls
#else
#define GZIP_CALLS    NULL
#define DEFLATE_CALLS NULL
#endif
#ifdef CAPMILL_HAVE_LZ4
#define LZ4_CALLS &cm_codec_lz4_calls
#else
#define LZ4_CALLS NULL
#endif

static const struct codec {
    const char *name, *library;
    const struct cm_codec_calls *calls; /* NULL: not in this build */
    const char *yes, *no;               /* for --version */
} codecs[CM_N_CODECS] = {
    [CM_CODEC_DEFAULT] = {"default", "", NULL, "", ""},
    [CM_CODEC_NONE] = {"none", "", &copy_calls, "none: yes", ""},
    [CM_CODEC_SNAPPY] = {"snappy", "libsnappy", SNAPPY_CALLS, "snappy: yes",
                         "snappy: no (built without libsnappy)"},
    [CM_CODEC_ZSTD] = {"zstd", "libzstd", ZSTD_CALLS, "zstd: yes", "zstd: no (built without libzstd)"},
    [CM_CODEC_GZIP] = {"gzip", "zlib", GZIP_CALLS, "gzip: yes", "gzip: no (built without zlib)"},
    [CM_CODEC_DEFLATE] = {"deflate", "zlib", DEFLATE_CALLS, "deflate: yes",
                          "deflate: no (built without zlib)"},
    [CM_CODEC_LZ4] = {"lz4", "liblz4", LZ4_CALLS, "lz4: yes", "lz4: no (built without liblz4)"},
};

struct cm_compressor {
    const struct cm_codec_calls *calls;
    void *state;
};

const char *cm_codec_name(enum cm_codec codec)
{
    return codecs[codec].name;
}

bool cm_codec_available(enum cm_codec codec)
{
    return codecs[codec].calls != NULL;
}

bool cm_codec_has_levels(enum cm_codec codec)
{
    return cm_codec_available(codec) && codecs[codec].calls->greatest_level > 0;
}

const char *cm_codec_feature(enum cm_codec codec)
{
    return cm_codec_available(codec) ? codecs[codec].yes : codecs[codec].no;
}

/* Whether this build can do what is asked for. */
static enum capmill_status check_choice(enum cm_codec codec, int level, struct cm_error *error)
{
    const struct cm_codec_calls *calls = codecs[codec].calls;

    if (codec == CM_CODEC_DEFAULT)
        return cm_error_set(error, CAPMILL_E_INTERNAL, 0, "no codec was chosen");
    if (calls == NULL)
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                            "codec %s: this capmill was built without %s, which it needs", codecs[codec].name,
                            codecs[codec].library);
    if (level != 0 && calls->greatest_level == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "codec %s has no levels", codecs[codec].name);
    if (level < 0 || level > calls->greatest_level)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "codec %s has levels 1 to %d, not %d",
                            codecs[codec].name, calls->greatest_level, level);
    return CAPMILL_OK;
}

enum capmill_status cm_compressor_create(enum cm_codec codec, int level,
                                         struct cm_compressor **compressor_ret, struct cm_error *error)
{
    enum capmill_status status = check_choice(codec, level, error);
    struct cm_compressor *compressor = NULL;

    *compressor_ret = NULL;
    if (status != CAPMILL_OK)
        return status;
    compressor = calloc(1, sizeof(*compressor));
    if (compressor == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a compressor");
    compressor->calls = codecs[codec].calls;
    if (compressor->calls->open != NULL)
        status = compressor->calls->open(level, &compressor->state, error);
    if (status != CAPMILL_OK) {
        free(compressor);
        return status;
    }
    *compressor_ret = compressor;
    return CAPMILL_OK;
}

void cm_compressor_destroy(struct cm_compressor *compressor)
{
    if (compressor == NULL)
        return;
    if (compressor->calls->close != NULL)
        compressor->calls->close(compressor->state);
    free(compressor);
}

size_t cm_compressor_bound(const struct cm_compressor *compressor, size_t n)
{
    return compressor->calls->bound(n);
}

enum capmill_status cm_compress(struct cm_compressor *compressor, const void *bytes, size_t n, void *out,
                                size_t room, size_t *n_ret, struct cm_error *error)
{
    size_t bound = compressor->calls->bound(n);

    *n_ret = 0;
    if (bound == SIZE_MAX || room < bound)
        return cm_error_set(error, CAPMILL_E_INTERNAL, 0, "%zu bytes to compress into %zu", n, room);
    return compressor->calls->compress(compressor->state, bytes, n, out, room, n_ret, error);
}

bool cm_decompress(enum cm_codec codec, const void *bytes, size_t n, void *out, size_t n_out)
{
    return codecs[codec].calls != NULL && codecs[codec].calls->decompress(bytes, n, out, n_out);
}

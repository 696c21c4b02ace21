/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder of JSON lines: what it is made of, and rows into parts. How a row is written is jsonl_row.c's. */
#include "format/jsonl.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/grow.h"
#include "format/jsonl_int.h"
#include "simd/cpu.h"

/* Text that goes into one member or frame: enough that a codec has learnt what it can, and little enough that a
 * thread's scratch memory stays small beside its parts. */
#define MEMBER_TEXT_BYTES ((uint64_t)4 << 20)

/* What one thread has: compressors, and memory for text and values before they are compressed. */
struct local {
    struct cm_compressor *codec; /* NULL: text is not compressed */
    struct cm_jsonl_row_state row;
    char *text;
    size_t text_room;
};

static void encoder_close(void *context, void *closed)
{
    struct local *local = closed;

    if (local == NULL)
        return;
    cm_compressor_destroy(local->codec);
    cm_compressor_destroy(local->row.values);
    free(local->row.packed);
    free(local->text);
    free(local);
}

static enum capmill_status encoder_open(void *context, void **local_ret, struct cm_error *error)
{
    const struct cm_jsonl *jsonl = context;
    struct local *local = calloc(1, sizeof(*local));
    enum capmill_status status = CAPMILL_OK;

    *local_ret = NULL;
    if (local == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for JSON lines");
    cm_json_clock_init(&local->row.clock);
    if (jsonl->codec != CM_CODEC_NONE)
        status = cm_compressor_create(jsonl->codec, jsonl->level, &local->codec, error);
    if (status == CAPMILL_OK && jsonl->compress_values)
        status = cm_compressor_create(CM_CODEC_ZSTD, 0, &local->row.values, error);
    if (status != CAPMILL_OK) {
        encoder_close(context, local);
        return status;
    }
    *local_ret = local;
    return CAPMILL_OK;
}

/* The most that rows from `from` take as text, up to the row with which it reaches `enough`; *end_ret is the row
 * behind it. Checked once for all of them, so that writing needs no checks. */
static enum capmill_status measure(const struct cm_jsonl *jsonl, struct cm_jsonl_row_state *state,
                                   const struct cm_table_rows *rows, uint32_t from, uint64_t enough,
                                   uint32_t *end_ret, uint64_t *most_ret, struct cm_error *error)
{
    uint64_t most = 0;
    uint32_t row = from;

    while (row < rows->n_rows && (row == from || most < enough))
        if (!cm_add_u64(most, cm_jsonl_row_most(jsonl, state, rows, row++), &most) || most > SIZE_MAX / 2)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0,
                                "rows of more text than there are addresses for it");
    if (!CM_GROW(state->packed, state->packed_room, state->packed_wanted, 4096))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "cannot get %zu bytes of memory for values",
                            state->packed_wanted);
    *end_ret = row;
    *most_ret = most;
    return CAPMILL_OK;
}

/* Text straight into a part. */
static enum capmill_status encode_plain(struct cm_jsonl *jsonl, struct local *local,
                                        const struct cm_table_rows *rows, struct cm_finished_part **part,
                                        struct cm_error *error)
{
    uint32_t end;
    uint64_t most;
    size_t n;
    enum capmill_status status = measure(jsonl, &local->row, rows, 0, UINT64_MAX, &end, &most, error);

    if (status == CAPMILL_OK)
        status = cm_finished_take(&jsonl->spares, most, part, error);
    if (status == CAPMILL_OK)
        status = cm_jsonl_rows(jsonl, &local->row, rows, 0, end, (char *)(*part)->bytes, &n, error);
    if (status == CAPMILL_OK)
        (*part)->n = n;
    return status;
}

/* Rows from `from` on as one member or frame behind what the part has. */
static enum capmill_status encode_member(const struct cm_jsonl *jsonl, struct local *local,
                                         const struct cm_table_rows *rows, uint32_t from, uint32_t *end_ret,
                                         struct cm_finished_part **part, struct cm_error *error)
{
    uint64_t most;
    size_t n_text, n_packed, bound;
    enum capmill_status status =
        measure(jsonl, &local->row, rows, from, MEMBER_TEXT_BYTES, end_ret, &most, error);

    if (status == CAPMILL_OK && !CM_GROW(local->text, local->text_room, (size_t)most, 1))
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "cannot get %zu bytes of memory for JSON lines",
                              (size_t)most);
    if (status == CAPMILL_OK)
        status = cm_jsonl_rows(jsonl, &local->row, rows, from, *end_ret, local->text, &n_text, error);
    if (status != CAPMILL_OK)
        return status;
    bound = cm_compressor_bound(local->codec, n_text);
    if (bound == SIZE_MAX)
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                            "a row of %zu bytes of JSON is more than %s takes at once", n_text,
                            cm_codec_name(jsonl->codec));
    status = cm_finished_reserve(part, bound, error);
    if (status == CAPMILL_OK)
        status = cm_compress(local->codec, local->text, n_text, (*part)->bytes + (*part)->n, bound, &n_packed,
                             error);
    if (status == CAPMILL_OK)
        (*part)->n += n_packed;
    return status;
}

/* Text by way of memory of the thread into members or frames. */
static enum capmill_status encode_members(struct cm_jsonl *jsonl, struct local *local,
                                          const struct cm_table_rows *rows, struct cm_finished_part **part,
                                          struct cm_error *error)
{
    enum capmill_status status = cm_finished_take(&jsonl->spares, 0, part, error);

    for (uint32_t row = 0; status == CAPMILL_OK && row < rows->n_rows;)
        status = encode_member(jsonl, local, rows, row, &row, part, error);
    return status;
}

static enum capmill_status encode(void *context, void *opened, const struct cm_table_rows *rows,
                                  struct cm_table_part **part_ret, struct cm_error *error)
{
    struct cm_jsonl *jsonl = context;
    struct local *local = opened;
    struct cm_finished_part *part = NULL;
    const enum capmill_status status = local->codec == NULL
                                           ? encode_plain(jsonl, local, rows, &part, error)
                                           : encode_members(jsonl, local, rows, &part, error);

    *part_ret = NULL;
    if (status != CAPMILL_OK) {
        free(part);
        return status;
    }
    *part_ret = cm_finished_close(part, rows->n_rows);
    return CAPMILL_OK;
}

static enum capmill_status begin(void *context, const struct cm_table_put *put,
                                 struct cm_table_file **file_ret, struct cm_error *error)
{
    struct cm_jsonl *jsonl = context;
    enum capmill_status status = cm_finished_begin(&jsonl->spares, put, NULL, 0, file_ret, error);

    if (status == CAPMILL_OK)
        cm_finished_when_empty(*file_ret, jsonl->empty, jsonl->n_empty);
    return status;
}

static void destroy(void *context)
{
    struct cm_jsonl *jsonl = context;

    if (jsonl == NULL)
        return;
    cm_finished_spares_fini(&jsonl->spares);
    cm_jsonl_columns_free(jsonl);
    free(jsonl);
}

/* That what is asked for can be had, before the first row. */
static enum capmill_status check_codec(enum cm_codec codec, int level, struct cm_error *error)
{
    struct cm_compressor *compressor;
    enum capmill_status status;

    if (codec != CM_CODEC_NONE && codec != CM_CODEC_GZIP && codec != CM_CODEC_ZSTD)
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                            "JSON lines are compressed with gzip or zstd, not with %s", cm_codec_name(codec));
    status = cm_compressor_create(codec, level, &compressor, error);
    cm_compressor_destroy(compressor);
    return status;
}

/* A file of no member at all is none to gzip and zstd. */
static enum capmill_status make_empty(struct cm_jsonl *jsonl, struct cm_error *error)
{
    struct cm_compressor *compressor;
    enum capmill_status status;

    if (jsonl->codec == CM_CODEC_NONE)
        return CAPMILL_OK;
    status = cm_compressor_create(jsonl->codec, jsonl->level, &compressor, error);
    if (status == CAPMILL_OK)
        status = cm_compress(compressor, "", 0, jsonl->empty, sizeof(jsonl->empty), &jsonl->n_empty, error);
    cm_compressor_destroy(compressor);
    return status;
}

static const char *extension_of(enum cm_codec codec)
{
    return codec == CM_CODEC_GZIP ? ".jsonl.gz" : codec == CM_CODEC_ZSTD ? ".jsonl.zst" : ".jsonl";
}

enum capmill_status cm_jsonl_encoder_create(const struct cm_table_options *options,
                                            struct cm_table_encoder *encoder_ret, struct cm_error *error)
{
    const enum cm_codec codec = options->codec == CM_CODEC_DEFAULT ? CM_CODEC_NONE : options->codec;
    struct cm_jsonl *jsonl = NULL;
    enum capmill_status status = check_codec(codec, options->level, error);

    if (status == CAPMILL_OK && options->compress_payload)
        status = check_codec(CM_CODEC_ZSTD, 0, error);
    if (status != CAPMILL_OK)
        return status;
    jsonl = calloc(1, sizeof(*jsonl));
    if (jsonl == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for JSON lines");
    jsonl->codec = codec;
    jsonl->level = options->level;
    jsonl->compress_values = options->compress_payload;
    jsonl->base64 = cm_base64_choose(cm_cpu_features());
    status = cm_jsonl_columns_make(jsonl, options, error);
    if (status == CAPMILL_OK)
        status = make_empty(jsonl, error);
    if (status != CAPMILL_OK) {
        destroy(jsonl);
        return status;
    }
    *encoder_ret = (struct cm_table_encoder){.extension = extension_of(codec),
                                             .context = jsonl,
                                             .open = encoder_open,
                                             .close = encoder_close,
                                             .encode = encode,
                                             .begin = begin,
                                             .destroy = destroy};
    cm_finished_encoder(encoder_ret);
    return CAPMILL_OK;
}

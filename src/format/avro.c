/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder of Avro files: rows into blocks. The schema is avro_schema.c's, the header avro_header.c's. */
#include "format/avro.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "base/grow.h"
#include "format/avro_header_int.h"
#include "format/avro_int.h"
#include "format/finished_part_int.h"
#include "format/utf8_repair.h"
#include "simd/crc32.h"

/* A block ends with the row with which it may reach this. Readers hold a block in memory, and the rows and what
 * they are compressed to stay in the second-level cache; codecs gain little from more. */
#define BLOCK_BYTES ((uint64_t)256 << 10)

#define SNAPPY_SUM_BYTES 4
/* Number of rows and number of bytes in front of a block, the sync marker behind it, and snappy's sum. */
#define BLOCK_FRAME_BYTES (2 * CM_AVRO_LONG_MOST + CM_AVRO_SYNC_BYTES + SNAPPY_SUM_BYTES)

struct avro {
    struct cm_finished_spares spares; /* first: finished_part_int.h */
    const struct cm_table_schema *schema;
    enum cm_codec codec;
    int level;
    uint64_t fixed_most; /* the most a row takes without its texts and bytes */
    uint8_t *header;
    size_t n_header;
    struct cm_crc32 crc; /* of snappy's blocks */
};

struct local {
    struct cm_compressor *codec; /* NULL: blocks are not compressed */
    uint8_t *rows;               /* a block before it is compressed */
    size_t rows_room;
};

static bool is_span(enum cm_column_type type)
{
    return type == CM_COLUMN_TEXT || type == CM_COLUMN_BYTES;
}

/* The most that rows from `from` take, up to the row with which they reach `enough`; *end_ret is the row behind. */
static enum capmill_status measure(const struct avro *avro, const struct cm_table_rows *rows, uint32_t from,
                                   uint64_t enough, uint32_t *end_ret, uint64_t *most_ret,
                                   struct cm_error *error)
{
    uint64_t most = 0;
    uint32_t row = from;

    for (; row < rows->n_rows && most < enough; row++) {
        most += avro->fixed_most;
        for (size_t i = 0; i < avro->schema->n_columns; i++) {
            const enum cm_column_type type = avro->schema->columns[i].type;

            if (is_span(type))
                most += (uint64_t)rows->columns[i].spans[row].n *
                        (type == CM_COLUMN_TEXT ? CM_UTF8_REPAIR_GROWTH : 1);
        }
        if (most > SIZE_MAX / 4)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "rows of more bytes than there are addresses");
    }
    *end_ret = row;
    *most_ret = most;
    return CAPMILL_OK;
}

static inline uint8_t *put_text(const struct cm_span *span, uint8_t *out)
{
    uint8_t *repaired = out + CM_AVRO_LONG_MOST, *end;

    if (CM_LIKELY(cm_utf8_is_valid(span->bytes, span->n)))
        return cm_avro_put_bytes(span->bytes, span->n, out);
    end = cm_utf8_repair(span->bytes, span->n, repaired);
    out = cm_avro_put_long(end - repaired, out);
    memmove(out, repaired, (size_t)(end - repaired));
    return out + (end - repaired);
}

/* Rows as records: the values one after the other, of a union first which of its types it is. */
static uint8_t *put_rows(const struct avro *avro, const struct cm_table_rows *rows, uint32_t from,
                         uint32_t end, uint8_t *out)
{
    const size_t n_columns = avro->schema->n_columns;

    for (uint32_t row = from; row < end; row++)
        for (size_t i = 0; i < n_columns; i++) {
            const struct cm_column *column = &avro->schema->columns[i];
            const struct cm_column_values *values = &rows->columns[i];

            if (column->nullable) {
                const bool absent = values->present != NULL && values->present[row] == 0;

                *out++ = absent ? 0 : 2; /* 0 and 1 as ints */
                if (absent)
                    continue;
            }
            if (column->type == CM_COLUMN_TEXT)
                out = put_text(&values->spans[row], out);
            else if (column->type == CM_COLUMN_BYTES)
                out = cm_avro_put_bytes(values->spans[row].bytes, values->spans[row].n, out);
            else
                out = cm_avro_put_long((int64_t)values->numbers[row], out);
        }
    return out;
}

/* Frame a block around its `n` bytes, which stand `n_before` bytes behind the part's end. How long the two
 * numbers in front would be was a guess, and a good one: only a block much smaller than it might have been moves.
 */
static void close_block(const struct avro *avro, struct cm_finished_part *part, uint32_t n_rows,
                        size_t n_before, size_t n)
{
    uint8_t *at = part->bytes + part->n;
    const uint8_t *const stands = at + n_before;

    at = cm_avro_put_long(n_rows, at);
    at = cm_avro_put_long((int64_t)n, at);
    if (at != stands)
        memmove(at, stands, n);
    memcpy(at + n, avro->header + avro->n_header - CM_AVRO_SYNC_BYTES, CM_AVRO_SYNC_BYTES);
    part->n = (size_t)(at + n + CM_AVRO_SYNC_BYTES - part->bytes);
}

/* `n` bytes of rows in local->rows, to `out` where there is room for `bound` and a sum. */
static enum capmill_status compress_rows(const struct avro *avro, struct local *local, size_t n, uint8_t *out,
                                         size_t bound, size_t *n_ret, struct cm_error *error)
{
    enum capmill_status status = cm_compress(local->codec, local->rows, n, out, bound, n_ret, error);

    if (status == CAPMILL_OK && avro->codec == CM_CODEC_SNAPPY) {
        cm_store_be32(out + *n_ret, cm_crc32_of(&avro->crc, local->rows, n));
        *n_ret += SNAPPY_SUM_BYTES;
    }
    return status;
}

/* Rows from `from` as one compressed block behind what the part has. */
static enum capmill_status put_packed_block(const struct avro *avro, struct local *local,
                                            const struct cm_table_rows *rows, uint32_t from, uint32_t end,
                                            uint64_t most, struct cm_finished_part **part,
                                            struct cm_error *error)
{
    enum capmill_status status;
    size_t n_rows_bytes, n_before, bound, n;

    if (!CM_GROW(local->rows, local->rows_room, (size_t)most, 1))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "cannot get %zu bytes of memory for Avro's rows",
                            (size_t)most);
    n_rows_bytes = (size_t)(put_rows(avro, rows, from, end, local->rows) - local->rows);
    bound = cm_compressor_bound(local->codec, n_rows_bytes);
    if (bound > SIZE_MAX / 4)
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                            "a row of %zu bytes is more than %s takes at once", n_rows_bytes,
                            cm_codec_name(avro->codec));
    status = cm_finished_reserve(part, bound + BLOCK_FRAME_BYTES, error);
    if (status != CAPMILL_OK)
        return status;
    n_before = cm_avro_long_bytes(end - from) + cm_avro_long_bytes(bound + SNAPPY_SUM_BYTES);
    status =
        compress_rows(avro, local, n_rows_bytes, (*part)->bytes + (*part)->n + n_before, bound, &n, error);
    if (status == CAPMILL_OK)
        close_block(avro, *part, end - from, n_before, n);
    return status;
}

/* The same without a codec: rows are written where they stay. The part has the room. */
static void put_plain_block(const struct avro *avro, const struct cm_table_rows *rows, uint32_t from,
                            uint32_t end, uint64_t most, struct cm_finished_part *part)
{
    const size_t n_before = cm_avro_long_bytes(end - from) + cm_avro_long_bytes(most);
    uint8_t *const first = part->bytes + part->n + n_before;
    const uint8_t *last = put_rows(avro, rows, from, end, first);

    close_block(avro, part, end - from, n_before, (size_t)(last - first));
}

/* A part with room for all rows at once where there is no codec, so that it never moves. */
static enum capmill_status take_part(struct avro *avro, const struct cm_table_rows *rows,
                                     struct cm_finished_part **part_ret, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;
    uint64_t most = 0;
    uint32_t end;

    if (avro->codec == CM_CODEC_NONE)
        status = measure(avro, rows, 0, UINT64_MAX, &end, &most, error);
    if (status != CAPMILL_OK)
        return status;
    /* all blocks but the last may reach BLOCK_BYTES */
    return cm_finished_take(&avro->spares, most + (most / BLOCK_BYTES + 1) * BLOCK_FRAME_BYTES, part_ret,
                            error);
}

static enum capmill_status put_blocks(const struct avro *avro, struct local *local,
                                      const struct cm_table_rows *rows, struct cm_finished_part **part,
                                      struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;
    uint32_t end = 0;

    for (uint32_t row = 0; status == CAPMILL_OK && row < rows->n_rows; row = end) {
        uint64_t most = 0;

        status = measure(avro, rows, row, BLOCK_BYTES, &end, &most, error);
        if (status != CAPMILL_OK)
            break;
        if (local->codec == NULL)
            put_plain_block(avro, rows, row, end, most, *part);
        else
            status = put_packed_block(avro, local, rows, row, end, most, part, error);
    }
    return status;
}

static enum capmill_status encode(void *context, void *opened, const struct cm_table_rows *rows,
                                  struct cm_table_part **part_ret, struct cm_error *error)
{
    struct avro *avro = context;
    struct local *local = opened;
    struct cm_finished_part *part = NULL;
    enum capmill_status status = take_part(avro, rows, &part, error);

    *part_ret = NULL;
    if (status == CAPMILL_OK)
        status = put_blocks(avro, local, rows, &part, error);
    if (status != CAPMILL_OK) {
        free(part);
        return status;
    }
    *part_ret = cm_finished_close(part, rows->n_rows);
    return CAPMILL_OK;
}

static void encoder_close(void *context, void *closed)
{
    struct local *local = closed;

    if (local == NULL)
        return;
    cm_compressor_destroy(local->codec);
    free(local->rows);
    free(local);
}

static enum capmill_status encoder_open(void *context, void **local_ret, struct cm_error *error)
{
    const struct avro *avro = context;
    struct local *local = calloc(1, sizeof(*local));
    enum capmill_status status = CAPMILL_OK;

    *local_ret = NULL;
    if (local == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for Avro");
    if (avro->codec != CM_CODEC_NONE)
        status = cm_compressor_create(avro->codec, avro->level, &local->codec, error);
    if (status != CAPMILL_OK) {
        encoder_close(context, local);
        return status;
    }
    *local_ret = local;
    return CAPMILL_OK;
}

static enum capmill_status begin(void *context, const struct cm_table_put *put,
                                 struct cm_table_file **file_ret, struct cm_error *error)
{
    struct avro *avro = context;

    return cm_finished_begin(&avro->spares, put, avro->header, avro->n_header, file_ret, error);
}

static void destroy(void *context)
{
    struct avro *avro = context;

    if (avro == NULL)
        return;
    cm_finished_spares_fini(&avro->spares);
    free(avro->header);
    free(avro);
}

/* Avro's names for codecs; NULL where it has none. */
static const char *avro_codec_name(enum cm_codec codec)
{
    switch (codec) {
    case CM_CODEC_NONE:
        return "null";
    case CM_CODEC_DEFLATE:
        return "deflate";
    case CM_CODEC_SNAPPY:
        return "snappy";
    case CM_CODEC_ZSTD:
        return "zstandard";
    default:
        return NULL;
    }
}

static enum cm_codec chosen_codec(enum cm_codec codec)
{
    return codec == CM_CODEC_DEFAULT ? CM_CODEC_NONE : codec == CM_CODEC_GZIP ? CM_CODEC_DEFLATE : codec;
}

static enum capmill_status check_codec(enum cm_codec codec, int level, struct cm_error *error)
{
    struct cm_compressor *compressor;
    enum capmill_status status;

    if (avro_codec_name(codec) == NULL)
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                            "Avro has the codecs null, deflate, snappy and zstandard, not %s",
                            cm_codec_name(codec));
    status = cm_compressor_create(codec, level, &compressor, error);
    cm_compressor_destroy(compressor);
    return status;
}

static uint64_t fixed_most(const struct cm_table_schema *schema)
{
    /* of a number or a length, and which type of a union */
    return (uint64_t)schema->n_columns * (CM_AVRO_LONG_MOST + 1);
}

enum capmill_status cm_avro_encoder_create(const struct cm_table_options *options,
                                           struct cm_table_encoder *encoder_ret, struct cm_error *error)
{
    const enum cm_codec codec = chosen_codec(options->codec);
    enum capmill_status status = check_codec(codec, options->level, error);
    struct avro *avro = NULL;

    if (status != CAPMILL_OK)
        return status;
    avro = calloc(1, sizeof(*avro));
    if (avro == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for Avro");
    avro->schema = options->schema;
    avro->codec = codec;
    avro->level = options->level;
    avro->fixed_most = fixed_most(options->schema);
    cm_crc32_init(&avro->crc);
    status = cm_avro_header_make(options, avro_codec_name(codec), &avro->header, &avro->n_header, error);
    if (status != CAPMILL_OK) {
        destroy(avro);
        return status;
    }
    *encoder_ret = (struct cm_table_encoder){.extension = ".avro",
                                             .context = avro,
                                             .open = encoder_open,
                                             .close = encoder_close,
                                             .encode = encode,
                                             .begin = begin,
                                             .destroy = destroy};
    cm_finished_encoder(encoder_ret);
    return CAPMILL_OK;
}

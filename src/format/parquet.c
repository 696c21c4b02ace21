/* SPDX-License-Identifier: Apache-2.0 */
/* How each column of a table is stored in Parquet, and the table of functions that does it. */
#include "format/parquet.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "format/parquet_int.h"

#define DEFAULT_ROW_GROUP_BYTES ((uint64_t)128 << 20)
#define DEFAULT_ROW_GROUP_ROWS  ((uint64_t)1 << 20)
#define MAX_ROW_GROUP_ROWS      ((uint64_t)INT32_MAX) /* some readers count a row group's rows in an int */

/* parquet.thrift: CompressionCodec. Its LZ4 (5) is a framing nobody agrees on, LZ4_RAW is 7. -1: has none. */
static const int8_t codecs[CM_N_CODECS] = {
    [CM_CODEC_DEFAULT] = -1, [CM_CODEC_NONE] = 0,     [CM_CODEC_SNAPPY] = 1, [CM_CODEC_GZIP] = 2,
    [CM_CODEC_ZSTD] = 6,     [CM_CODEC_DEFLATE] = -1, [CM_CODEC_LZ4] = 7,
};

static enum capmill_status choose_codec(struct cm_parquet_encoder *encoder, struct cm_error *error)
{
    struct cm_table_options *options = &encoder->options;
    struct cm_compressor *compressor;
    enum capmill_status status;

    if (options->codec == CM_CODEC_DEFAULT)
        options->codec = CM_CODEC_SNAPPY;
    encoder->codec = codecs[options->codec];
    if (encoder->codec < 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "Parquet has no codec %s (gzip is the same compression)",
                            cm_codec_name(options->codec));
    /* says at once what every worker would find */
    status = cm_compressor_create(options->codec, options->level, &compressor, error);
    cm_compressor_destroy(compressor);
    return status;
}

/* Numbers of 8 to 32 bits are INT32 (LogicalTypes.md, Unsigned integers). */
static void choose_storage(const struct cm_column *column, struct cm_parquet_column *stored)
{
    bool of_bytes = column->type == CM_COLUMN_TEXT || column->type == CM_COLUMN_BYTES;

    stored->column = column;
    stored->type = of_bytes                           ? CM_PARQUET_BYTE_ARRAY
                   : column->type <= CM_COLUMN_UINT32 ? CM_PARQUET_INT32
                                                      : CM_PARQUET_INT64;
    stored->width = stored->type == CM_PARQUET_INT32 ? 4 : 8;
    stored->is_signed = column->type == CM_COLUMN_INT64 || column->type == CM_COLUMN_TIME_NS;
    stored->dictionary = column->habit == CM_HABIT_REPEATS;
    /* nobody asks for a range of payloads, and two of them would be long */
    stored->bounds = column->type != CM_COLUMN_BYTES;
    stored->plain = column->habit == CM_HABIT_RISES ? CM_PARQUET_DELTA : CM_PARQUET_PLAIN;
}

/* A first column of long values that needs nothing of the whole row group. No other: parquet-java, and Spark with
 * it, takes a row group to begin where its first column does, and leaves out one whose middle by that count lies
 * behind the end of the file. */
static size_t choose_streamed(const struct cm_parquet_encoder *encoder)
{
    const struct cm_parquet_column *first = &encoder->columns[0];

    return first->column->type == CM_COLUMN_BYTES && !first->dictionary ? 0 : SIZE_MAX;
}

static void destroy(void *context)
{
    struct cm_parquet_encoder *encoder = context;

    if (encoder == NULL)
        return;
    cm_parquet_scratch_destroy(encoder->scratch);
    free(encoder);
}

enum capmill_status cm_parquet_encoder_create(const struct cm_table_options *options,
                                              struct cm_table_encoder *encoder_ret, struct cm_error *error)
{
    size_t n_columns = options->schema->n_columns;
    struct cm_parquet_encoder *encoder = NULL;
    enum capmill_status status = CAPMILL_OK;

    memset(encoder_ret, 0, sizeof(*encoder_ret));
    if (n_columns == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "a Parquet file without columns is none");
    encoder = calloc(1, sizeof(*encoder) + n_columns * sizeof(encoder->columns[0]));
    if (encoder == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for %zu columns", n_columns);
    encoder->options = *options;
    encoder->n_columns = n_columns;
    for (size_t c = 0; c < n_columns; c++)
        choose_storage(&options->schema->columns[c], &encoder->columns[c]);
    encoder->streamed = choose_streamed(encoder);
    if (options->row_group_bytes == 0)
        encoder->options.row_group_bytes = DEFAULT_ROW_GROUP_BYTES;
    if (options->row_group_rows == 0)
        encoder->options.row_group_rows = DEFAULT_ROW_GROUP_ROWS;
    encoder->options.row_group_rows = cm_min_u64(encoder->options.row_group_rows, MAX_ROW_GROUP_ROWS);
    status = choose_codec(encoder, error);
    if (status == CAPMILL_OK)
        status = cm_parquet_scratch_create(encoder, &encoder->scratch, error);
    if (status != CAPMILL_OK) {
        destroy(encoder);
        return status;
    }
    *encoder_ret = (struct cm_table_encoder){
        .extension = ".parquet",
        .context = encoder,
        .open = cm_parquet_open,
        .close = cm_parquet_close,
        .encode = cm_parquet_encode,
        .discard = cm_parquet_discard,
        .begin = cm_parquet_begin,
        .add = cm_parquet_add,
        .held_bytes = cm_parquet_held_bytes,
        .flush = cm_parquet_flush,
        .end = cm_parquet_end,
        .drop = cm_parquet_drop,
        .destroy = destroy,
    };
    return CAPMILL_OK;
}

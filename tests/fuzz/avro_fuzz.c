/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: any table as an Avro file, read back as the specification says it. Of the table's options the lower bits
 * choose the codec. */
#include "format/avro.h"
#include "format/utf8_repair.h"
#include "fuzz/fuzz.h"
#include "fuzz/table_encode.h"

struct reader {
    const uint8_t *at, *end;
};

static int64_t take_long(struct reader *reader)
{
    uint64_t value = 0;

    for (unsigned shift = 0;; shift += 7) {
        require(reader->at < reader->end && shift < 70);
        require(shift < 63 || *reader->at <= 1);
        value |= (uint64_t)(*reader->at & 0x7f) << shift;
        if ((*reader->at++ & 0x80) == 0)
            break;
        require(*reader->at != 0); /* no longer than it must be */
    }
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static struct reader take_bytes(struct reader *reader)
{
    const int64_t n = take_long(reader);
    const struct reader bytes = {reader->at, reader->at + n};

    require(n >= 0 && n <= reader->end - reader->at);
    reader->at += n;
    return bytes;
}

/* What a value's bytes are in the file: those of a text that is not UTF-8 are put right. */
static uint8_t *expected_span(const struct cm_column *column, const struct cm_span *span, size_t *n_ret)
{
    uint8_t *bytes = malloc((size_t)span->n * CM_UTF8_REPAIR_GROWTH + 1);

    require(bytes != NULL);
    *n_ret = span->n;
    if (column->type == CM_COLUMN_TEXT)
        *n_ret = (size_t)(cm_utf8_repair(span->bytes, span->n, bytes) - bytes);
    else if (span->n != 0)
        memcpy(bytes, span->bytes, span->n);
    return bytes;
}

static size_t length_of_long(int64_t value)
{
    uint64_t rest = (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
    size_t n = 1;

    while ((rest >>= 7) != 0)
        n++;
    return n;
}

/* How many bytes a row is, without writing it. */
static size_t row_bytes(const struct drawn_table *table, uint32_t row)
{
    size_t n = 0;

    for (size_t i = 0; i < table->schema.n_columns; i++) {
        const struct cm_column_values *values = &table->values[i];
        size_t n_span;

        n += table->columns[i].nullable;
        if (!drawn_is_present(table, i, row))
            continue;
        if (values->numbers != NULL) {
            n += length_of_long((int64_t)values->numbers[row]);
        } else {
            free(expected_span(&table->columns[i], &values->spans[row], &n_span));
            n += length_of_long((int64_t)n_span) + n_span;
        }
    }
    return n;
}

static void check_row(const struct drawn_table *table, uint32_t row, struct reader *reader)
{
    for (size_t i = 0; i < table->schema.n_columns; i++) {
        const struct cm_column_values *values = &table->values[i];
        struct reader bytes;
        uint8_t *expected;
        size_t n;

        if (table->columns[i].nullable)
            require(take_long(reader) == (drawn_is_present(table, i, row) ? 1 : 0));
        if (!drawn_is_present(table, i, row))
            continue;
        if (values->numbers != NULL) {
            require((uint64_t)take_long(reader) == values->numbers[row]);
            continue;
        }
        bytes = take_bytes(reader);
        expected = expected_span(&table->columns[i], &values->spans[row], &n);
        require((size_t)(bytes.end - bytes.at) == n && memcmp(bytes.at, expected, n) == 0);
        require(table->columns[i].type != CM_COLUMN_TEXT || cm_utf8_is_valid(expected, n));
        free(expected);
    }
}

/* The next block; answers the row behind its last. */
static uint32_t check_block(const struct drawn_table *table, enum cm_codec codec, const uint8_t *sync,
                            struct reader *reader, uint32_t row)
{
    const int64_t n_rows = take_long(reader);
    const struct reader block = take_bytes(reader);
    const size_t n_sum = codec == CM_CODEC_SNAPPY ? 4 : 0, n_block = (size_t)(block.end - block.at);
    size_t n_plain = 0;
    uint8_t *plain;
    struct reader rows;

    require(n_rows > 0 && n_rows <= table->rows.n_rows - row);
    for (uint32_t i = 0; i < (uint32_t)n_rows; i++)
        n_plain += row_bytes(table, row + i);
    plain = malloc(n_plain + 1);
    require(plain != NULL && n_block >= n_sum);
    require(cm_decompress(codec, block.at, n_block - n_sum, plain, n_plain));
    rows = (struct reader){plain, plain + n_plain};
    for (uint32_t i = 0; i < (uint32_t)n_rows; i++)
        check_row(table, row++, &rows);
    require(rows.at == rows.end);
    require(reader->end - reader->at >= 16 && memcmp(reader->at, sync, 16) == 0);
    reader->at += 16;
    free(plain);
    return row;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const enum cm_codec codecs[] = {CM_CODEC_NONE, CM_CODEC_DEFLATE, CM_CODEC_SNAPPY, CM_CODEC_ZSTD};
    struct drawn_table table;
    struct cm_table_options options = {.schema = &table.schema};
    struct cm_table_encoder encoder;
    struct encoded out;
    struct reader reader;
    const uint8_t *sync;
    uint32_t row = 0;

    drawn_table_draw(&table, bytes, n);
    options.codec = codecs[table.options % 4];
    if (cm_avro_encoder_create(&options, &encoder, NULL) != CAPMILL_OK) {
        require(!cm_codec_available(options.codec));
        drawn_table_free(&table);
        return 0;
    }
    out = encode_table(&encoder, &table);
    reader = (struct reader){out.bytes + 4, out.bytes + out.n};
    require(out.n > 4 && memcmp(out.bytes, "Obj\x01", 4) == 0);
    for (int64_t n_entries = take_long(&reader); n_entries > 0; n_entries--) {
        take_bytes(&reader);
        take_bytes(&reader);
    }
    require(take_long(&reader) == 0 && reader.end - reader.at >= 16);
    sync = reader.at;
    reader.at += 16;
    while (reader.at < reader.end)
        row = check_block(&table, options.codec, sync, &reader, row);
    require(row == table.rows.n_rows);
    free(out.bytes);
    drawn_table_free(&table);
    return 0;
}

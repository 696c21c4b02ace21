/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a table: its columns, its rows, where they are cut into parts and row groups. Whatever they are, the
 * file reads back as they were, by a reader that suspects everything. */
#include <stdlib.h>
#include <string.h>

#include "format/parquet.h"
#include "fuzz/fuzz.h"
#include "tools/parquet_read.h"

#define MAX_COLUMNS 5
#define MAX_ROWS    700 /* in all */

#define require(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            abort();                                                                                         \
    } while (0)

/* The input, from its beginning; behind its end there are zeros. */
struct input {
    const uint8_t *at, *end;
};

static unsigned take_byte(struct input *input)
{
    return input->at == input->end ? 0 : *input->at++;
}

static const uint8_t *take_bytes(struct input *input, size_t wanted, uint32_t *n_ret)
{
    const uint8_t *bytes = input->at;
    size_t left = (size_t)(input->end - input->at), n = wanted < left ? wanted : left;

    input->at += n;
    *n_ret = (uint32_t)n;
    return n == 0 ? NULL : bytes;
}

struct table {
    struct cm_column columns[MAX_COLUMNS];
    struct cm_table_schema schema;
    uint8_t present[MAX_COLUMNS][MAX_ROWS];
    uint64_t numbers[MAX_COLUMNS][MAX_ROWS];
    struct cm_span spans[MAX_COLUMNS][MAX_ROWS];
    struct cm_column_values values[MAX_COLUMNS];
    uint32_t n_rows;
};

static void take_schema(struct input *input, struct table *table)
{
    table->schema.n_columns = 1 + take_byte(input) % MAX_COLUMNS;
    table->schema.columns = table->columns;
    for (size_t c = 0; c < table->schema.n_columns; c++) {
        unsigned what = take_byte(input), how = take_byte(input);
        struct cm_column *column = &table->columns[c];

        column->name = "c";
        column->type = (enum cm_column_type)(CM_COLUMN_UINT8 + what % 8);
        column->habit = (enum cm_column_habit)(how % 3);
        column->nullable = (how & 4) != 0;
        column->bloom = (how & 8) != 0;
        column->order =
            (how & 16) != 0 && (column->type == CM_COLUMN_INT64 || column->type == CM_COLUMN_TIME_NS);
    }
}

static uint64_t narrow(enum cm_column_type type, uint64_t number)
{
    return type == CM_COLUMN_UINT8    ? (uint8_t)number
           : type == CM_COLUMN_UINT16 ? (uint16_t)number
           : type == CM_COLUMN_UINT32 ? (uint32_t)number
                                      : number;
}

/* A value: one of the rows before it again, the one before it and a little, or of bytes of the input. */
static void take_value(struct input *input, struct table *table, size_t c, uint32_t row)
{
    unsigned how = take_byte(input);
    uint32_t back = row - (row == 0 ? 0 : 1 + how / 8 % row);
    const uint8_t *bytes;
    uint64_t number = 0;
    uint32_t n;

    table->numbers[c][row] = 0;
    table->spans[c][row] = (struct cm_span){NULL, 0};
    table->present[c][row] = !table->columns[c].nullable || how % 8 != 7;
    if (table->present[c][row] == 0)
        return;
    if (row > 0 && how % 8 < 3) {
        table->numbers[c][row] = table->numbers[c][back];
        table->spans[c][row] = table->spans[c][back];
        return;
    }
    bytes = take_bytes(input, how % 8 == 3 ? 8 : how % 8 == 4 ? 80 + how : how / 8, &n);
    if (bytes != NULL)
        memcpy(&number, bytes, n < 8 ? n : 8);
    if (how % 8 == 5 && row > 0)
        number = table->numbers[c][row - 1] + how / 8;
    table->numbers[c][row] = narrow(table->columns[c].type, number);
    table->spans[c][row] = (struct cm_span){bytes, n};
}

/* Values of a part, from row `first` on. */
static struct cm_table_rows rows_from(struct table *table, uint32_t first, uint32_t n)
{
    for (size_t c = 0; c < table->schema.n_columns; c++) {
        bool of_spans = table->columns[c].type >= CM_COLUMN_TEXT;

        table->values[c] = (struct cm_column_values){
            table->columns[c].nullable ? table->present[c] + first : NULL,
            of_spans ? NULL : table->numbers[c] + first, of_spans ? table->spans[c] + first : NULL};
    }
    return (struct cm_table_rows){n, table->values};
}

struct written {
    uint8_t *bytes;
    size_t n;
};

static enum capmill_status put(void *context, const void *bytes, size_t n, struct cm_error *error)
{
    struct written *written = context;

    written->bytes = realloc(written->bytes, written->n + n);
    require(written->bytes != NULL && n != 0);
    memcpy(written->bytes + written->n, bytes, n);
    written->n += n;
    return CAPMILL_OK;
}

static enum cm_codec take_codec(struct input *input)
{
    static const enum cm_codec codecs[] = {CM_CODEC_NONE, CM_CODEC_SNAPPY, CM_CODEC_ZSTD, CM_CODEC_GZIP,
                                           CM_CODEC_LZ4};
    enum cm_codec codec = codecs[take_byte(input) % 5];

    return cm_codec_available(codec) ? codec : CM_CODEC_NONE;
}

static void write_parts(struct input *input, struct table *table, struct cm_table_encoder *encoder,
                        void *local, struct cm_table_file *file)
{
    while (input->at < input->end && table->n_rows < MAX_ROWS) {
        unsigned what = take_byte(input);
        uint32_t n = what % 64 == 63 ? MAX_ROWS : what % 64, first = table->n_rows;
        struct cm_table_part *part;
        struct cm_table_rows rows;

        if (n > MAX_ROWS - first)
            n = MAX_ROWS - first;
        for (uint32_t row = first; row < first + n; row++)
            for (size_t c = 0; c < table->schema.n_columns; c++)
                take_value(input, table, c, row);
        rows = rows_from(table, first, n);
        require(encoder->encode(encoder->context, local, &rows, &part, NULL) == CAPMILL_OK);
        if (what / 64 == 2) { /* thought better of: the next part's rows take the place of these */
            encoder->discard(encoder->context, part);
            continue;
        }
        require(encoder->add(file, part, NULL) == CAPMILL_OK);
        table->n_rows += n;
        if (what / 64 == 3)
            require(encoder->flush(file, NULL) == CAPMILL_OK && encoder->held_bytes(file) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct input input = {bytes, bytes + n};
    struct table *table = calloc(1, sizeof(*table));
    struct written written = {NULL, 0};
    struct cm_table_put to_memory = {&written, put};
    struct cm_table_options options = {0};
    struct cm_table_encoder encoder;
    struct cm_table_file *file;
    struct cm_table_rows rows;
    struct parquet_read read;
    void *local;

    if (table == NULL)
        return 0;
    take_schema(&input, table);
    options.schema = &table->schema;
    options.codec = take_codec(&input);
    options.row_group_bytes = take_byte(&input) * 40;
    options.row_group_rows = take_byte(&input);
    require(cm_parquet_encoder_create(&options, &encoder, NULL) == CAPMILL_OK);
    require(encoder.open(encoder.context, &local, NULL) == CAPMILL_OK);
    require(encoder.begin(encoder.context, &to_memory, &file, NULL) == CAPMILL_OK);
    write_parts(&input, table, &encoder, local, file);
    require(encoder.end(file, NULL) == CAPMILL_OK);
    require(parquet_read(&read, written.bytes, written.n, &table->schema));
    require(read.n_rows == table->n_rows);
    rows = rows_from(table, 0, table->n_rows);
    require(parquet_read_has(&read, 0, &rows));
    parquet_read_free(&read);
    encoder.close(encoder.context, local);
    encoder.destroy(encoder.context);
    free(written.bytes);
    free(table);
    return 0;
}

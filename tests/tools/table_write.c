/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a table of made-up rows in a format, and the same rows as plain JSON lines for whoever compares: numbers
 * as numbers, texts as texts, bytes as hexadecimal digits, null where there is no value.
 *
 *     table_write FORMAT FILE ROWS_FILE [NAME=VALUE ...]
 *
 * seed rows part_rows nulls distinct text bytes backwards schema (packets, bloom, types) codec (a name) level
 * row_group_rows row_group_bytes. ROWS_FILE may be "-": none. 77: the codec is not in this build. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "format/parquet.h"
#include "tools/made_table.h"

static const struct {
    const char *name;
    enum capmill_status (*create)(const struct cm_table_options *options,
                                  struct cm_table_encoder *encoder_ret, struct cm_error *error);
} formats[] = {{"parquet", cm_parquet_encoder_create}};

static const struct {
    const char *name;
    const struct cm_table_schema *schema;
} schemas[] = {
    {"packets", &made_packet_schema}, {"bloom", &made_bloom_schema}, {"types", &made_types_schema}};

struct wishes {
    struct made_table_options made;
    struct cm_table_options table;
    uint64_t n_rows, part_rows;
};

static void fail(const char *what, const char *detail)
{
    fprintf(stderr, "table_write: %s: %s\n", what, detail);
    exit(1);
}

static void take_codec(const char *value, struct wishes *wishes)
{
    for (int codec = CM_CODEC_NONE; codec < CM_N_CODECS; codec++)
        if (strcmp(value, cm_codec_name((enum cm_codec)codec)) == 0) {
            if (!cm_codec_available((enum cm_codec)codec))
                exit(77);
            wishes->table.codec = (enum cm_codec)codec;
            return;
        }
    fail("no such codec", value);
}

static void take_schema(const char *value, struct wishes *wishes)
{
    for (size_t i = 0; i < CM_ARRAY_COUNT(schemas); i++)
        if (strcmp(value, schemas[i].name) == 0) {
            wishes->table.schema = schemas[i].schema;
            return;
        }
    fail("no such schema", value);
}

static void take_wish(char *argument, struct wishes *wishes)
{
    char *value = strchr(argument, '=');
    uint64_t number;

    if (value == NULL)
        fail("not NAME=VALUE", argument);
    *value++ = 0;
    number = strtoull(value, NULL, 10);
    if (strcmp(argument, "seed") == 0)
        wishes->made.seed = number;
    else if (strcmp(argument, "rows") == 0)
        wishes->n_rows = number;
    else if (strcmp(argument, "part_rows") == 0)
        wishes->part_rows = number;
    else if (strcmp(argument, "nulls") == 0)
        wishes->made.null_percent = (unsigned)number;
    else if (strcmp(argument, "distinct") == 0)
        wishes->made.distinct = (uint32_t)number;
    else if (strcmp(argument, "text") == 0)
        wishes->made.text_bytes = (uint32_t)number;
    else if (strcmp(argument, "bytes") == 0)
        wishes->made.bytes_bytes = (uint32_t)number;
    else if (strcmp(argument, "backwards") == 0)
        wishes->made.backwards = number != 0;
    else if (strcmp(argument, "schema") == 0)
        take_schema(value, wishes);
    else if (strcmp(argument, "codec") == 0)
        take_codec(value, wishes);
    else if (strcmp(argument, "level") == 0)
        wishes->table.level = (int)number;
    else if (strcmp(argument, "row_group_rows") == 0)
        wishes->table.row_group_rows = number;
    else if (strcmp(argument, "row_group_bytes") == 0)
        wishes->table.row_group_bytes = number;
    else
        fail("no such wish", argument);
}

static enum capmill_status put(void *context, const void *bytes, size_t n, struct cm_error *error)
{
    if (fwrite(bytes, 1, n, context) != n)
        return cm_error_set(error, CAPMILL_E_IO, 0, "cannot write");
    return CAPMILL_OK;
}

static void print_text(FILE *out, struct cm_span text)
{
    fputc('"', out);
    for (uint32_t i = 0; i < text.n; i++)
        if (text.bytes[i] < 0x20 || text.bytes[i] == '"' || text.bytes[i] == '\\')
            fprintf(out, "\\u%04x", text.bytes[i]);
        else
            fputc(text.bytes[i], out);
    fputc('"', out);
}

static void print_value(FILE *out, const struct cm_column *column, const struct cm_column_values *values,
                        uint32_t row)
{
    if (values->present != NULL && values->present[row] == 0) {
        fputs("null", out);
    } else if (column->type == CM_COLUMN_TEXT) {
        print_text(out, values->spans[row]);
    } else if (column->type == CM_COLUMN_BYTES) {
        fputc('"', out);
        for (uint32_t i = 0; i < values->spans[row].n; i++)
            fprintf(out, "%02x", values->spans[row].bytes[i]);
        fputc('"', out);
    } else if (column->type == CM_COLUMN_INT64 || column->type == CM_COLUMN_TIME_NS) {
        fprintf(out, "%" PRId64, (int64_t)values->numbers[row]);
    } else {
        fprintf(out, "%" PRIu64, values->numbers[row]);
    }
}

static void print_rows(FILE *out, const struct cm_table_schema *schema, const struct cm_table_rows *rows)
{
    for (uint32_t row = 0; row < rows->n_rows; row++) {
        for (size_t c = 0; c < schema->n_columns; c++) {
            fprintf(out, "%s\"%s\":", c == 0 ? "{" : ",", schema->columns[c].name);
            print_value(out, &schema->columns[c], &rows->columns[c], row);
        }
        fputs("}\n", out);
    }
}

static enum capmill_status write_table(const struct cm_table_encoder *encoder, const struct wishes *wishes,
                                       FILE *file, FILE *rows_file, struct cm_error *error)
{
    struct made_table *made = made_table_create(wishes->table.schema, &wishes->made);
    struct cm_table_put to_file = {file, put};
    struct cm_table_file *table = NULL;
    void *local = NULL;
    enum capmill_status status = encoder->open(encoder->context, &local, error);

    if (status == CAPMILL_OK)
        status = encoder->begin(encoder->context, &to_file, &table, error);
    for (uint64_t at = 0; status == CAPMILL_OK && at < wishes->n_rows; at += wishes->part_rows) {
        struct cm_table_rows rows;
        struct cm_table_part *part;

        made_table_next(made, (uint32_t)cm_min_u64(wishes->part_rows, wishes->n_rows - at), &rows);
        status = encoder->encode(encoder->context, local, &rows, &part, error);
        if (status == CAPMILL_OK)
            status = encoder->add(table, part, error);
        if (rows_file != NULL)
            print_rows(rows_file, wishes->table.schema, &rows);
    }
    if (status == CAPMILL_OK) {
        status = encoder->end(table, error);
        table = NULL;
    }
    encoder->drop(table);
    encoder->close(encoder->context, local);
    made_table_destroy(made);
    return status;
}

int main(int argc, char **argv)
{
    static const struct cm_table_note notes[] = {{"capmill.version", "1.2.3"}, {"made by", "table_write"}};
    struct wishes wishes = {
        .made = {.bytes_bytes = 100},
        .n_rows = 1000,
        .part_rows = 4096,
        .table = {.schema = &made_packet_schema, .notes = notes, .n_notes = CM_ARRAY_COUNT(notes)}};
    struct cm_table_encoder encoder = {0};
    struct cm_error error = {0};
    enum capmill_status status = CAPMILL_E_USAGE;
    FILE *file, *rows_file = NULL;

    if (argc < 4)
        fail("usage", "table_write FORMAT FILE ROWS_FILE [NAME=VALUE ...]");
    for (int i = 4; i < argc; i++)
        take_wish(argv[i], &wishes);
    if (wishes.part_rows == 0 || wishes.part_rows > CM_TABLE_MAX_ROWS)
        fail("part_rows", "1 to 65536");
    for (size_t i = 0; i < CM_ARRAY_COUNT(formats); i++)
        if (strcmp(argv[1], formats[i].name) == 0)
            status = formats[i].create(&wishes.table, &encoder, &error);
    file = fopen(argv[2], "wb");
    if (strcmp(argv[3], "-") != 0)
        rows_file = fopen(argv[3], "wb");
    if (file == NULL || (rows_file == NULL && strcmp(argv[3], "-") != 0))
        fail("cannot open", argv[2]);
    if (status == CAPMILL_OK)
        status = write_table(&encoder, &wishes, file, rows_file, &error);
    if (status != CAPMILL_OK)
        fail(argv[2], error.text);
    encoder.destroy(encoder.context);
    if (fclose(file) != 0 || (rows_file != NULL && fclose(rows_file) != 0))
        fail("cannot write", argv[2]);
    return 0;
}

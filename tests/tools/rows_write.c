/* SPDX-License-Identifier: Apache-2.0 */
/* Writes made-up rows as a table file, and beside it what stands in them in a form that needs no reader: for
 * comparisons with other readers of the format. Not for captures.
 *
 * usage: rows_write FORMAT CODEC SEED BYTES FILE     FORMAT: jsonl, jsonl-packed, jsonl-wide or avro
 *
 * On standard output: a line "NAME TYPE NULLABLE HEX" for each column, an empty line, and a line for each row: values
 * apart by spaces, "-" for an absent one, numbers as unsigned decimals, texts and bytes as "x" and hexadecimal digits.
 * Exit status: 0; 1 where something failed; 77 where this build has not got the codec. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "format/avro.h"
#include "format/jsonl.h"
#include "tools/drawn_table.h"

static const char *const type_names[] = {"",      "uint8",   "uint16", "uint32", "uint64",
                                         "int64", "time_ns", "text",   "bytes"};

static int fail(const char *what, const char *text)
{
    fprintf(stderr, "rows_write: %s: %s\n", what, text);
    return 1;
}

static enum capmill_status put(void *context, const void *bytes, size_t n, struct cm_error *error)
{
    return fwrite(bytes, 1, n, context) == n ? CAPMILL_OK
                                             : cm_error_set(error, CAPMILL_E_IO, 0, "cannot write");
}

static void show_value(const struct drawn_table *table, size_t column, uint32_t row)
{
    const struct cm_column_values *values = &table->values[column];

    if (!drawn_is_present(table, column, row)) {
        fputs("-", stdout);
    } else if (values->numbers != NULL) {
        printf("%" PRIu64, values->numbers[row]);
    } else {
        fputs("x", stdout);
        for (uint32_t i = 0; i < values->spans[row].n; i++)
            printf("%02x", values->spans[row].bytes[i]);
    }
}

static void show(const struct drawn_table *table)
{
    for (size_t i = 0; i < table->schema.n_columns; i++)
        printf("%s %s %d %d\n", table->columns[i].name, type_names[table->columns[i].type],
               table->columns[i].nullable, table->columns[i].hex);
    printf("\n");
    for (uint32_t row = 0; row < table->rows.n_rows; row++)
        for (size_t i = 0; i < table->schema.n_columns; i++) {
            show_value(table, i, row);
            fputs(i + 1 < table->schema.n_columns ? " " : "\n", stdout);
        }
}

/* In parts of 1, 2, 4, ... rows. */
static enum capmill_status write_rows(const struct cm_table_encoder *encoder, const struct drawn_table *table,
                                      FILE *out, struct cm_error *error)
{
    const struct cm_table_put to = {out, put};
    struct cm_column_values values[DRAWN_MOST_COLUMNS];
    struct cm_table_file *file = NULL;
    struct cm_table_part *part;
    void *local = NULL;
    uint32_t n;
    enum capmill_status status = encoder->open(encoder->context, &local, error);

    if (status == CAPMILL_OK)
        status = encoder->begin(encoder->context, &to, &file, error);
    for (uint32_t row = 0, most = 1; status == CAPMILL_OK && row < table->rows.n_rows; row += n, most *= 2) {
        struct cm_table_rows rows;

        n = (uint32_t)cm_min_u64(most, table->rows.n_rows - row);
        rows = drawn_table_slice(table, row, n, values);
        status = encoder->encode(encoder->context, local, &rows, &part, error);
        if (status == CAPMILL_OK)
            status = encoder->add(file, part, error);
    }
    if (status == CAPMILL_OK)
        status = encoder->end(file, error);
    else
        encoder->drop(file);
    encoder->close(encoder->context, local);
    return status;
}

static bool find_codec(const char *name, enum cm_codec *codec_ret)
{
    for (int codec = CM_CODEC_NONE; codec < CM_N_CODECS; codec++)
        if (strcmp(cm_codec_name((enum cm_codec)codec), name) == 0) {
            *codec_ret = (enum cm_codec)codec;
            return true;
        }
    return false;
}

static uint8_t *draw_bytes(uint64_t state, size_t n)
{
    uint8_t *bytes = malloc(n + 1);

    for (size_t i = 0; bytes != NULL && i < n; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        bytes[i] = (uint8_t)(state >> 56);
    }
    return bytes;
}

int main(int argc, char **argv)
{
    static const struct cm_table_note notes[] = {{"capmill.test", "rows_write"}};
    struct drawn_table table;
    struct cm_table_options options = {.schema = &table.schema, .notes = notes, .n_notes = 1};
    struct cm_table_encoder encoder;
    struct cm_error error = {0};
    enum capmill_status status;
    size_t n;
    uint8_t *bytes;
    FILE *out;

    if (argc != 6 || !find_codec(argv[2], &options.codec))
        return fail("usage", "rows_write FORMAT CODEC SEED BYTES FILE");
    options.compress_payload = strcmp(argv[1], "jsonl-packed") == 0;
    options.wide_numbers_as_text = strcmp(argv[1], "jsonl-wide") == 0;
    n = strtoul(argv[4], NULL, 10);
    bytes = draw_bytes(strtoull(argv[3], NULL, 10), n);
    out = fopen(argv[5], "wb");
    if (bytes == NULL || out == NULL)
        return fail(argv[5], "cannot be written");
    drawn_table_draw(&table, bytes, n);
    status = strcmp(argv[1], "avro") == 0 ? cm_avro_encoder_create(&options, &encoder, &error)
                                          : cm_jsonl_encoder_create(&options, &encoder, &error);
    if (status == CAPMILL_OK) {
        status = write_rows(&encoder, &table, out, &error);
        encoder.destroy(encoder.context);
    }
    if (fclose(out) != 0 && status == CAPMILL_OK)
        status = cm_error_set(&error, CAPMILL_E_IO, 0, "cannot write");
    if (status == CAPMILL_OK)
        show(&table);
    else
        fail(argv[5], error.text);
    drawn_table_free(&table);
    free(bytes);
    return status == CAPMILL_OK ? 0 : status == CAPMILL_E_UNSUPPORTED ? 77 : 1;
}

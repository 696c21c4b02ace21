/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: any table as JSON lines, read back by a reader that takes what jsonl.h promises and nothing else. Of the
 * table's options bit 0 asks for compressed payloads, bit 1 for wide numbers as text. */
#include <inttypes.h>

#include "base/time_text.h"
#include "format/jsonl.h"
#include "format/utf8_repair.h"
#include "fuzz/fuzz.h"
#include "fuzz/table_encode.h"

struct reader {
    const uint8_t *at, *end;
};

static void take(struct reader *reader, const char *text)
{
    const size_t n = strlen(text);

    require((size_t)(reader->end - reader->at) >= n && memcmp(reader->at, text, n) == 0);
    reader->at += n;
}

static uint8_t take_byte(struct reader *reader)
{
    require(reader->at < reader->end);
    return *reader->at++;
}

static unsigned hex_digit(uint8_t digit)
{
    require((digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f'));
    return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* A character behind a backslash: only those that must be escaped, in the shortest form. */
static uint8_t take_escaped(struct reader *reader)
{
    static const char forms[] = "\"\"\\\\b\bf\fn\nr\rt\t";
    const uint8_t form = take_byte(reader);
    unsigned value;

    for (size_t i = 0; forms[i] != 0; i += 2)
        if (form == (uint8_t)forms[i])
            return (uint8_t)forms[i + 1];
    require(form == 'u');
    take(reader, "00");
    value = hex_digit(take_byte(reader)) << 4;
    value |= hex_digit(take_byte(reader));
    require(value < 0x20 && strchr("\b\f\n\r\t", (int)value | (value == 0)) == NULL);
    return (uint8_t)value;
}

/* Up to the closing quotation mark; the caller frees. */
static uint8_t *take_string(struct reader *reader, size_t *n_ret)
{
    uint8_t *text = malloc((size_t)(reader->end - reader->at) + 1);
    size_t n = 0;

    require(text != NULL);
    take(reader, "\"");
    for (uint8_t byte; (byte = take_byte(reader)) != '"';) {
        require(byte >= 0x20);
        text[n++] = byte == '\\' ? take_escaped(reader) : byte;
    }
    *n_ret = n;
    return text;
}

static void check_text(struct reader *reader, const struct cm_span *span)
{
    size_t n, n_expected;
    uint8_t *text = take_string(reader, &n);
    uint8_t *expected = malloc((size_t)span->n * CM_UTF8_REPAIR_GROWTH + 1);

    require(expected != NULL);
    n_expected = (size_t)(cm_utf8_repair(span->bytes, span->n, expected) - expected);
    require(n == n_expected && memcmp(text, expected, n) == 0);
    require(cm_utf8_is_valid(text, n));
    free(text);
    free(expected);
}

static unsigned letter_value(uint8_t letter)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = letter != 0 ? strchr(letters, letter) : NULL;

    require(found != NULL);
    return (unsigned)(found - letters);
}

/* In place; answers the number of bytes. */
static size_t decode_base64(uint8_t *text, size_t n)
{
    size_t n_out = 0, n_padding = n > 0 && text[n - 1] == '=' ? 1 + (text[n - 2] == '=') : 0;

    require(n % 4 == 0);
    for (size_t i = 0; i < n; i += 4) {
        const size_t n_letters = i + 4 == n ? 4 - n_padding : 4;
        uint32_t bits = 0;

        for (size_t k = 0; k < 4; k++)
            bits = bits << 6 | (k < n_letters ? letter_value(text[i + k]) : 0);
        require(n_letters == 4 || (bits & ((1u << 8 * (4 - n_letters)) - 1)) == 0);
        for (size_t k = 0; k + 1 < n_letters; k++)
            text[n_out++] = (uint8_t)(bits >> (16 - 8 * k));
    }
    return n_out;
}

static void check_bytes(struct reader *reader, const struct cm_span *span, bool packed)
{
    size_t n;
    uint8_t *bytes = take_string(reader, &n), *plain = malloc((size_t)span->n + 1);

    require(plain != NULL);
    n = decode_base64(bytes, n);
    if (packed) {
        require(cm_decompress(CM_CODEC_ZSTD, bytes, n, plain, span->n));
    } else {
        require(n == span->n);
        memcpy(plain, bytes, n);
    }
    require(span->n == 0 || memcmp(plain, span->bytes, span->n) == 0);
    free(bytes);
    free(plain);
}

/* Numbers and times have one form each, which the C library knows as well. */
static void check_number(struct reader *reader, const struct cm_column *column, uint64_t value,
                         bool wide_as_text)
{
    const bool is_signed = column->type == CM_COLUMN_INT64;
    const bool is_negative = is_signed && (int64_t)value < 0;
    const uint64_t magnitude = is_negative ? 0 - value : value;
    const bool quoted = wide_as_text && magnitude > UINT64_C(1) << 53;
    char text[64], time[CM_TIME_TEXT_BYTES];

    if (column->type == CM_COLUMN_TIME_NS)
        snprintf(text, sizeof(text), "\"%s\"", cm_time_text(value, time));
    else if (column->hex)
        snprintf(text, sizeof(text), "\"%016" PRIx64 "\"", value);
    else
        snprintf(text, sizeof(text), "%s%s%" PRIu64 "%s", quoted ? "\"" : "", is_negative ? "-" : "",
                 magnitude, quoted ? "\"" : "");
    take(reader, text);
}

static void check_row(const struct drawn_table *table, uint32_t row, struct reader *reader)
{
    const char *before = "{\"";

    for (size_t i = 0; i < table->schema.n_columns; i++) {
        const struct cm_column_values *values = &table->values[i];

        if (!drawn_is_present(table, i, row))
            continue;
        take(reader, before);
        before = ",\"";
        take(reader, table->columns[i].name);
        take(reader, "\":");
        if (values->numbers != NULL)
            check_number(reader, &table->columns[i], values->numbers[row], table->options & 2);
        else if (table->columns[i].type == CM_COLUMN_TEXT)
            check_text(reader, &values->spans[row]);
        else
            check_bytes(reader, &values->spans[row], table->options & 1);
    }
    take(reader, before[0] == '{' ? "{}\n" : "}\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct drawn_table table;
    struct cm_table_options options = {.schema = &table.schema};
    struct cm_table_encoder encoder;
    struct encoded out;
    struct reader reader;

    drawn_table_draw(&table, bytes, n);
    options.compress_payload = table.options & 1;
    options.wide_numbers_as_text = table.options & 2;
    if (cm_jsonl_encoder_create(&options, &encoder, NULL) != CAPMILL_OK) {
        require(options.compress_payload && !cm_codec_available(CM_CODEC_ZSTD));
        drawn_table_free(&table);
        return 0;
    }
    out = encode_table(&encoder, &table);
    reader = (struct reader){out.bytes, out.bytes + out.n};
    for (uint32_t row = 0; row < table.rows.n_rows; row++)
        check_row(&table, row, &reader);
    require(reader.at == reader.end);
    free(out.bytes);
    drawn_table_free(&table);
    return 0;
}

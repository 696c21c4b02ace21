/* SPDX-License-Identifier: Apache-2.0 */
/* Columns prepared for JSON lines, how long a row may become, and the loop that writes rows. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "format/jsonl_int.h"

/* Beyond this a double does not hold every whole number (RFC 8259, section 6). */
#define MOST_EXACT (UINT64_C(1) << 53)

/* Reserved for each value, whatever else it is: a time, the longest of what is not text, in quotation marks. */
#define VALUE_MOST (CM_JSON_TIME_CHARS + 2)
_Static_assert(VALUE_MOST >= CM_JSON_NUMBER_MOST + 2 && VALUE_MOST >= CM_JSON_HEX_DIGITS + 2, "longest");
_Static_assert(VALUE_MOST >= CM_JSONL_NAME_STEP - 1, "a name's last step ends within its value's room");

static enum cm_jsonl_kind kind_of(const struct cm_column *column, const struct cm_table_options *options)
{
    switch (column->type) {
    case CM_COLUMN_UINT8:
    case CM_COLUMN_UINT16:
    case CM_COLUMN_UINT32:
        return CM_JSONL_UNSIGNED;
    case CM_COLUMN_UINT64:
        if (column->hex)
            return CM_JSONL_HEX;
        return options->wide_numbers_as_text ? CM_JSONL_UNSIGNED_OR_TEXT : CM_JSONL_UNSIGNED;
    case CM_COLUMN_INT64:
        return options->wide_numbers_as_text ? CM_JSONL_SIGNED_OR_TEXT : CM_JSONL_SIGNED;
    case CM_COLUMN_TIME_NS:
        return CM_JSONL_TIME;
    case CM_COLUMN_TEXT:
        return CM_JSONL_TEXT;
    case CM_COLUMN_BYTES:
        return options->compress_payload ? CM_JSONL_PACKED : CM_JSONL_BASE64;
    }
    return CM_JSONL_UNSIGNED;
}

/* Kinds whose values always stand in quotation marks. */
static bool is_quoted(enum cm_jsonl_kind kind)
{
    return kind >= CM_JSONL_HEX;
}

static bool make_name(struct cm_jsonl_column *column, const char *name)
{
    const size_t n_most = strlen(name) * CM_JSON_TEXT_GROWTH + 8;
    char *end;

    column->name = calloc(1, cm_align_up(n_most, CM_JSONL_NAME_STEP));
    if (column->name == NULL)
        return false;
    memcpy(column->name, ",\"", 2);
    end = cm_json_put_text((const uint8_t *)name, strlen(name), column->name + 2);
    memcpy(end, "\":\"", 3);
    column->n_name = (uint32_t)(end - column->name) + (is_quoted(column->kind) ? 3 : 2);
    return true;
}

enum capmill_status cm_jsonl_columns_make(struct cm_jsonl *jsonl, const struct cm_table_options *options,
                                          struct cm_error *error)
{
    const struct cm_table_schema *schema = options->schema;

    jsonl->fixed_most = strlen("{}\n");
    jsonl->columns = calloc(schema->n_columns + 1, sizeof(*jsonl->columns));
    if (jsonl->columns == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the columns of JSON lines");
    for (; jsonl->n_columns < schema->n_columns; jsonl->n_columns++) {
        struct cm_jsonl_column *column = &jsonl->columns[jsonl->n_columns];

        column->kind = kind_of(&schema->columns[jsonl->n_columns], options);
        if (!make_name(column, schema->columns[jsonl->n_columns].name))
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the columns of JSON lines");
        jsonl->fixed_most += column->n_name + VALUE_MOST;
    }
    return CAPMILL_OK;
}

void cm_jsonl_columns_free(struct cm_jsonl *jsonl)
{
    for (size_t i = 0; i < jsonl->n_columns; i++)
        free(jsonl->columns[i].name);
    free(jsonl->columns);
}

/* The most that a value takes when it is a frame before it is base64. */
static uint64_t packed_most(struct cm_jsonl_row_state *state, uint32_t n)
{
    const size_t bound = cm_compressor_bound(state->values, n);

    if (bound > CM_BASE64_MOST)
        return UINT64_MAX;
    if (bound > state->packed_wanted)
        state->packed_wanted = bound;
    return cm_base64_length(bound);
}

uint64_t cm_jsonl_row_most(const struct cm_jsonl *jsonl, struct cm_jsonl_row_state *state,
                           const struct cm_table_rows *rows, uint32_t row)
{
    uint64_t most = jsonl->fixed_most;

    for (size_t i = 0; i < jsonl->n_columns; i++) {
        const enum cm_jsonl_kind kind = jsonl->columns[i].kind;
        uint64_t n;

        if (kind < CM_JSONL_TEXT)
            continue;
        n = rows->columns[i].spans[row].n;
        if (kind == CM_JSONL_TEXT)
            n *= CM_JSON_TEXT_GROWTH;
        else
            n = kind == CM_JSONL_PACKED ? packed_most(state, (uint32_t)n) : (n + 2) / 3 * 4;
        most = cm_add_saturating_u64(most, n);
    }
    return most;
}

static inline char *put_name(const struct cm_jsonl_column *column, char *out)
{
    memcpy(out, column->name, CM_JSONL_NAME_STEP);
    for (size_t at = CM_JSONL_NAME_STEP; CM_UNLIKELY(at < column->n_name); at += CM_JSONL_NAME_STEP)
        memcpy(out + at, column->name + at, CM_JSONL_NAME_STEP);
    return out + column->n_name;
}

static inline char *put_quote(char *out)
{
    *out = '"';
    return out + 1;
}

static inline char *put_number(enum cm_jsonl_kind kind, uint64_t value, char *out)
{
    const bool is_signed = kind == CM_JSONL_SIGNED || kind == CM_JSONL_SIGNED_OR_TEXT;
    const uint64_t magnitude = is_signed && value > INT64_MAX ? 0 - value : value;
    const bool quoted = kind >= CM_JSONL_UNSIGNED_OR_TEXT && magnitude > MOST_EXACT;

    if (quoted)
        out = put_quote(out);
    out = is_signed ? cm_json_signed((int64_t)value, out) : cm_json_unsigned(value, out);
    return quoted ? put_quote(out) : out;
}

/* Text, bytes, and bytes as a frame; without quotation marks. */
static char *put_span(const struct cm_jsonl *jsonl, struct cm_jsonl_row_state *state, enum cm_jsonl_kind kind,
                      const struct cm_span *span, char *out, struct cm_error *error)
{
    size_t n_packed;

    if (kind == CM_JSONL_TEXT)
        return cm_json_put_text(span->bytes, span->n, out);
    if (kind == CM_JSONL_BASE64)
        return jsonl->base64(span->bytes, span->n, out);
    state->status =
        cm_compress(state->values, span->bytes, span->n, state->packed, state->packed_room, &n_packed, error);
    if (state->status < 0)
        return NULL;
    return jsonl->base64(state->packed, n_packed, out);
}

/* One member of an object, with the comma in front; NULL where a value could not be compressed. */
static inline char *put_member(const struct cm_jsonl *jsonl, struct cm_jsonl_row_state *state,
                               const struct cm_jsonl_column *column, const struct cm_column_values *values,
                               uint32_t row, char *out, struct cm_error *error)
{
    out = put_name(column, out);
    switch (column->kind) {
    case CM_JSONL_HEX:
        return put_quote(cm_json_hex(values->numbers[row], out));
    case CM_JSONL_TIME:
        return put_quote(cm_json_put_time(&state->clock, values->numbers[row], out));
    case CM_JSONL_TEXT:
    case CM_JSONL_BASE64:
    case CM_JSONL_PACKED:
        out = put_span(jsonl, state, column->kind, &values->spans[row], out, error);
        return out != NULL ? put_quote(out) : NULL;
    default:
        return put_number(column->kind, values->numbers[row], out);
    }
}

enum capmill_status cm_jsonl_rows(const struct cm_jsonl *jsonl, struct cm_jsonl_row_state *state,
                                  const struct cm_table_rows *rows, uint32_t from, uint32_t end, char *out,
                                  size_t *n_ret, struct cm_error *error)
{
    char *at = out;

    for (uint32_t row = from; row < end; row++) {
        char *const first = at;

        for (size_t i = 0; i < jsonl->n_columns; i++) {
            const struct cm_column_values *values = &rows->columns[i];

            if (values->present != NULL && values->present[row] == 0)
                continue;
            at = put_member(jsonl, state, &jsonl->columns[i], values, row, at, error);
            if (CM_UNLIKELY(at == NULL))
                return state->status;
        }
        if (at == first)
            at++;
        *first = '{'; /* where the first comma is, or would be */
        memcpy(at, "}\n", 2);
        at += 2;
    }
    *n_ret = (size_t)(at - out);
    return CAPMILL_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing a table from bytes: each decision takes the next of them; when there are no more, the table ends. */
#include "tools/drawn_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct source {
    const uint8_t *at, *end;
};

static uint8_t take(struct source *source)
{
    return source->at < source->end ? *source->at++ : 0;
}

static void *memory(size_t n)
{
    void *p = calloc(n, 1);

    if (p == NULL)
        abort();
    return p;
}

static bool is_span(const struct cm_column *column)
{
    return column->type == CM_COLUMN_TEXT || column->type == CM_COLUMN_BYTES;
}

/* Each row takes a byte at least. */
static size_t rows_most(const struct source *source)
{
    const size_t n_left = (size_t)(source->end - source->at);

    return n_left < DRAWN_MOST_ROWS ? n_left + 1 : DRAWN_MOST_ROWS;
}

static void draw_column(struct drawn_table *table, size_t i, struct source *source)
{
    const uint8_t type = take(source), flags = take(source);
    struct cm_column *column = &table->columns[i];

    snprintf(table->names[i], sizeof(table->names[i]), "c%zu", i);
    column->name = table->names[i];
    column->type = CM_COLUMN_UINT8 + type % CM_COLUMN_BYTES;
    column->nullable = flags & 1;
    column->hex = (flags & 2) && column->type == CM_COLUMN_UINT64;
    column->doc = flags & 4 ? "words with \"quotes\" and a \\" : NULL;
    table->present[i] = memory(rows_most(source));
    if (column->nullable && (flags & 8) == 0)
        table->values[i].present = table->present[i];
    if (is_span(column))
        table->values[i].spans = table->spans[i] = memory(rows_most(source) * sizeof(*table->spans[i]));
    else
        table->values[i].numbers = table->numbers[i] = memory(rows_most(source) * sizeof(*table->numbers[i]));
}

/* Of any number of bits up to what the type holds. */
static uint64_t draw_number(enum cm_column_type type, struct source *source)
{
    const unsigned n_bytes = take(source) % 9;
    uint64_t value = 0;

    for (unsigned i = 0; i < n_bytes; i++)
        value = value << 8 | take(source);
    switch (type) {
    case CM_COLUMN_UINT8:
        return value & UINT8_MAX;
    case CM_COLUMN_UINT16:
        return value & UINT16_MAX;
    case CM_COLUMN_UINT32:
        return value & UINT32_MAX;
    default:
        return value;
    }
}

static const uint8_t *long_bytes(struct drawn_table *table)
{
    uint32_t state = 1;

    if (table->long_bytes != NULL)
        return table->long_bytes;
    table->long_bytes = memory(DRAWN_LONG_BYTES);
    for (size_t i = 0; i < DRAWN_LONG_BYTES; i++)
        table->long_bytes[i] = (uint8_t)((state = state * 1664525u + 1013904223u) >> (i & 4096 ? 24 : 26));
    return table->long_bytes;
}

/* Short ones are bytes of the input, long ones the beginning of bytes that all tables share. */
static struct cm_span draw_span(struct drawn_table *table, struct source *source)
{
    const uint8_t length = take(source);
    const size_t n_left = (size_t)(source->end - source->at);
    struct cm_span span = {source->at, length < n_left ? length : (uint32_t)n_left};

    if (length >= 250)
        return (struct cm_span){long_bytes(table), DRAWN_LONG_BYTES >> 2 * (length - 250)};
    source->at += span.n;
    if (span.n == 0)
        span.bytes = NULL;
    return span;
}

static void draw_row(struct drawn_table *table, uint32_t row, struct source *source)
{
    for (size_t i = 0; i < table->schema.n_columns; i++) {
        const struct cm_column *column = &table->columns[i];

        table->present[i][row] = table->values[i].present == NULL || (take(source) & 1);
        if (!table->present[i][row])
            continue;
        if (is_span(column))
            table->spans[i][row] = draw_span(table, source);
        else
            table->numbers[i][row] = draw_number(column->type, source);
    }
}

void drawn_table_draw(struct drawn_table *table, const uint8_t *bytes, size_t n)
{
    struct source source = {bytes, bytes + n};

    memset(table, 0, sizeof(*table));
    table->options = take(&source);
    table->schema = (struct cm_table_schema){"Drawn", table->columns, 1 + take(&source) % DRAWN_MOST_COLUMNS};
    for (size_t i = 0; i < table->schema.n_columns; i++)
        draw_column(table, i, &source);
    while (source.at < source.end && table->rows.n_rows < DRAWN_MOST_ROWS)
        draw_row(table, table->rows.n_rows++, &source);
    table->rows.columns = table->values;
}

void drawn_table_free(struct drawn_table *table)
{
    for (size_t i = 0; i < DRAWN_MOST_COLUMNS; i++) {
        free(table->present[i]);
        free(table->numbers[i]);
        free(table->spans[i]);
    }
    free(table->long_bytes);
}

struct cm_table_rows drawn_table_slice(const struct drawn_table *table, uint32_t first, uint32_t n,
                                       struct cm_column_values values[DRAWN_MOST_COLUMNS])
{
    for (size_t i = 0; i < table->schema.n_columns; i++) {
        const struct cm_column_values *all = &table->values[i];

        values[i].present = all->present != NULL ? all->present + first : NULL;
        values[i].numbers = all->numbers != NULL ? all->numbers + first : NULL;
        values[i].spans = all->spans != NULL ? all->spans + first : NULL;
    }
    return (struct cm_table_rows){n, values};
}

bool drawn_is_present(const struct drawn_table *table, size_t column, uint32_t row)
{
    return table->present[column][row] != 0;
}

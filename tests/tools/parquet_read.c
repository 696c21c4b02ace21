/* SPDX-License-Identifier: Apache-2.0 */
/* A small reader of Parquet, written from the format's documents and not from the encoder. */
#include "tools/parquet_read.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "codec/codec.h"

#define require(read, condition, ...)                                                                        \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            return say(read, __VA_ARGS__);                                                                   \
    } while (0)

static bool say(struct parquet_read *read, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(read->fault, sizeof(read->fault), format, arguments);
    va_end(arguments);
    return false;
}

void *parquet_take(struct parquet_read *read, size_t n)
{
    struct parquet_memory *memory = calloc(1, sizeof(*memory) + n + 1);

    if (memory == NULL)
        abort();
    memory->next = read->memory;
    read->memory = memory;
    return memory->bytes;
}

void parquet_read_free(struct parquet_read *read)
{
    while (read->memory != NULL) {
        struct parquet_memory *next = read->memory->next;

        free(read->memory);
        read->memory = next;
    }
}

/* A number of a field; -1 where it is not there. */
static int64_t number_of(const struct thrift_node *node, int id)
{
    const struct thrift_node *field = thrift_field(node, id);

    return field == NULL ? -1 : field->number;
}

/* ---- pages ---- */

struct chunk {
    size_t c;
    const struct cm_column *column;
    unsigned width; /* of a number; 0: byte arrays */
    enum cm_codec codec;
    const struct thrift_node *meta, *statistics, *offset_index, *column_index;
    uint64_t first_row, n_rows, n_nulls;
    uint64_t *numbers; /* of the dictionary */
    struct cm_span *spans;
    size_t n_dictionary, n_pages;
    uint64_t n_plain;
};

static enum cm_codec codec_of(int64_t number)
{
    return number == 0   ? CM_CODEC_NONE
           : number == 1 ? CM_CODEC_SNAPPY
           : number == 2 ? CM_CODEC_GZIP
           : number == 6 ? CM_CODEC_ZSTD
           : number == 7 ? CM_CODEC_LZ4
                         : CM_CODEC_DEFAULT;
}

/* Values one after the other; all bytes are used. */
static bool read_plain(struct chunk *chunk, struct parquet_cursor cursor, size_t n, uint64_t *numbers,
                       struct cm_span *spans)
{
    for (size_t i = 0; i < n; i++) {
        size_t left = (size_t)(cursor.end - cursor.at), n_bytes = chunk->width;

        if (left < (chunk->width == 0 ? 4 : chunk->width))
            return false;
        if (chunk->width == 0) {
            spans[i] = (struct cm_span){cursor.at + 4, cm_load_u32_as(cursor.at, false)};
            n_bytes = 4 + (size_t)spans[i].n;
        } else {
            numbers[i] =
                chunk->width == 4 ? cm_load_u32_as(cursor.at, false) : cm_load_u64_as(cursor.at, false);
        }
        if (left < n_bytes)
            return false;
        cursor.at += n_bytes;
    }
    return cursor.at == cursor.end;
}

static uint64_t rank(const struct cm_column *column, uint64_t value)
{
    bool is_signed = column->type == CM_COLUMN_INT64 || column->type == CM_COLUMN_TIME_NS;

    return is_signed ? value ^ (uint64_t)1 << 63 : value;
}

static int compare_spans(struct cm_span a, struct cm_span b)
{
    uint32_t n = a.n < b.n ? a.n : b.n;
    int order = n == 0 ? 0 : memcmp(a.bytes, b.bytes, n);

    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static int compare_to_bound(const struct chunk *chunk, uint64_t number, struct cm_span span,
                            struct cm_span bound)
{
    uint64_t x, y;

    if (chunk->width == 0)
        return compare_spans(span, bound);
    x = rank(chunk->column, number);
    y = rank(chunk->column,
             chunk->width == 4 ? cm_load_u32_as(bound.bytes, false) : cm_load_u64_as(bound.bytes, false));
    return (x > y) - (x < y);
}

/* Rows of the whole file from `first` on: none is beyond the bounds, and where they are exact some are on them. */
static bool check_bounds(struct parquet_read *read, const struct chunk *chunk, uint64_t first, uint64_t n,
                         struct cm_span least, struct cm_span greatest, bool exact)
{
    const struct parquet_values *values = &read->values[chunk->c];
    bool on_least = false, on_greatest = false;

    require(read, chunk->width == 0 || (least.n == chunk->width && greatest.n == chunk->width),
            "bounds of %u bytes", least.n);
    for (uint64_t row = first; row < first + n; row++) {
        uint64_t number = chunk->width == 0 ? 0 : values->numbers[row];
        struct cm_span span = {NULL, 0};
        int to_least, to_greatest;

        if (values->present[row] == 0)
            continue;
        if (chunk->width == 0)
            span = values->spans[row];
        to_least = compare_to_bound(chunk, number, span, least);
        to_greatest = compare_to_bound(chunk, number, span, greatest);
        require(read, to_least >= 0 && to_greatest <= 0, "column %zu, row %" PRIu64 " is beyond its bounds",
                chunk->c, row);
        on_least |= to_least == 0, on_greatest |= to_greatest == 0;
    }
    require(read, !exact || (on_least && on_greatest), "column %zu: bounds are not exact", chunk->c);
    return true;
}

static bool read_values(struct parquet_read *read, struct chunk *chunk, struct parquet_cursor cursor,
                        int64_t encoding, size_t n, uint64_t *numbers, struct cm_span *spans)
{
    uint32_t *indices;

    read->n_of_encoding[encoding & 15]++;
    if (encoding == 0) {
        require(read, read_plain(chunk, cursor, n, numbers, spans), "column %zu: plain values", chunk->c);
    } else if (encoding == 5) {
        require(read,
                chunk->width != 0 && parquet_read_deltas(cursor.at, (size_t)(cursor.end - cursor.at),
                                                         chunk->width, numbers, n),
                "column %zu: deltas", chunk->c);
    } else {
        require(read, encoding == 8 && cursor.at < cursor.end && *cursor.at <= 32,
                "column %zu: encoding %" PRId64, chunk->c, encoding);
        indices = parquet_take(read, n * sizeof(indices[0]));
        require(
            read,
            parquet_read_runs(cursor.at + 1, (size_t)(cursor.end - cursor.at) - 1, *cursor.at, indices, n),
            "column %zu: indices", chunk->c);
        for (size_t i = 0; i < n; i++) {
            require(read, indices[i] < chunk->n_dictionary, "column %zu: index %u of %zu", chunk->c,
                    indices[i], chunk->n_dictionary);
            if (chunk->width == 0)
                spans[i] = chunk->spans[indices[i]];
            else
                numbers[i] = chunk->numbers[indices[i]];
        }
    }
    return true;
}

/* Levels, then values, spread over the rows that have them. */
static bool read_data(struct parquet_read *read, struct chunk *chunk, struct parquet_cursor cursor,
                      uint64_t first, size_t n, int64_t encoding, size_t *n_nulls_ret)
{
    struct parquet_values *values = &read->values[chunk->c];
    uint32_t *levels = parquet_take(read, n * sizeof(levels[0]));
    uint64_t *numbers = parquet_take(read, n * sizeof(numbers[0]));
    struct cm_span *spans = parquet_take(read, n * sizeof(spans[0]));
    size_t n_there = n, at = 0;

    for (size_t i = 0; i < n; i++)
        levels[i] = 1;
    if (chunk->column->nullable) {
        size_t left = (size_t)(cursor.end - cursor.at), n_levels;

        require(read, left >= 4, "column %zu: no levels", chunk->c);
        n_levels = cm_load_u32_as(cursor.at, false);
        require(read, n_levels <= left - 4 && parquet_read_runs(cursor.at + 4, n_levels, 1, levels, n),
                "column %zu: levels", chunk->c);
        cursor.at += 4 + n_levels;
        n_there = 0;
        for (size_t i = 0; i < n; i++)
            n_there += levels[i];
    }
    if (!read_values(read, chunk, cursor, encoding, n_there, numbers, spans))
        return false;
    for (size_t i = 0; i < n; i++) {
        values->present[first + i] = (uint8_t)levels[i];
        if (levels[i] == 0)
            continue;
        if (chunk->width == 0)
            values->spans[first + i] = spans[at++];
        else
            values->numbers[first + i] = numbers[at++];
    }
    *n_nulls_ret = n - n_there;
    return true;
}

static const struct thrift_node *item(const struct thrift_node *list, size_t i)
{
    const struct thrift_node *node = list == NULL ? NULL : list->first;

    while (node != NULL && i-- > 0)
        node = node->next;
    return node;
}

/* What the indexes say of a page. */
static bool check_indexes(struct parquet_read *read, struct chunk *chunk, uint64_t row, size_t n,
                          size_t n_nulls, uint64_t at, size_t n_bytes)
{
    const struct thrift_node *place = item(thrift_field(chunk->offset_index, 1), chunk->n_pages);
    const struct thrift_node *index = chunk->column_index;

    require(read,
            place != NULL && number_of(place, 1) == (int64_t)at && number_of(place, 2) == (int64_t)n_bytes &&
                number_of(place, 3) == (int64_t)row,
            "column %zu, page %zu: its place in the offset index", chunk->c, chunk->n_pages);
    if (index == NULL)
        return true;
    require(read,
            item(thrift_field(index, 5), chunk->n_pages) != NULL &&
                item(thrift_field(index, 5), chunk->n_pages)->number == (int64_t)n_nulls,
            "column %zu, page %zu: nulls in the column index", chunk->c, chunk->n_pages);
    require(read, item(thrift_field(index, 1), chunk->n_pages)->number == (n_nulls == n),
            "column %zu, page %zu: a null page", chunk->c, chunk->n_pages);
    if (n_nulls == n)
        return true;
    return check_bounds(read, chunk, chunk->first_row + row, n,
                        item(thrift_field(index, 2), chunk->n_pages)->bytes,
                        item(thrift_field(index, 3), chunk->n_pages)->bytes, false);
}

/* The page at `at`, whole, and what it is; moves `at` behind it. */
static bool open_page(struct parquet_read *read, struct chunk *chunk, uint64_t *at,
                      const struct thrift_node **head_ret, struct parquet_cursor *cursor_ret)
{
    size_t n_head;
    const struct thrift_node *head =
        *at > read->n ? NULL : thrift_read(read, read->bytes + *at, read->n - *at, &n_head);
    int64_t n_plain = number_of(head, 2), n_bytes = number_of(head, 3);
    uint8_t *plain;

    require(read, head != NULL && n_plain >= 0 && n_bytes >= 0 && (uint64_t)n_bytes <= read->n - *at - n_head,
            "column %zu: a page at %" PRIu64, chunk->c, *at);
    plain = parquet_take(read, (size_t)n_plain);
    require(read,
            cm_decompress(chunk->codec, read->bytes + *at + n_head, (size_t)n_bytes, plain, (size_t)n_plain),
            "column %zu: a page at %" PRIu64 " cannot be decompressed", chunk->c, *at);
    *head_ret = head;
    *cursor_ret = (struct parquet_cursor){plain, plain + n_plain, false};
    chunk->n_plain += n_head + (uint64_t)n_plain;
    *at += n_head + (uint64_t)n_bytes;
    return true;
}

static bool read_dictionary(struct parquet_read *read, struct chunk *chunk, uint64_t *at)
{
    const struct thrift_node *head;
    struct parquet_cursor cursor;
    int64_t n;

    if (!open_page(read, chunk, at, &head, &cursor))
        return false;
    n = number_of(thrift_field(head, 7), 1);
    require(read, number_of(head, 1) == 2 && n >= 0 && n <= cursor.end - cursor.at + 1,
            "column %zu: no dictionary", chunk->c);
    chunk->n_dictionary = (size_t)n;
    chunk->numbers = parquet_take(read, (size_t)n * sizeof(chunk->numbers[0]));
    chunk->spans = parquet_take(read, (size_t)n * sizeof(chunk->spans[0]));
    require(read, read_plain(chunk, cursor, (size_t)n, chunk->numbers, chunk->spans),
            "column %zu: its dictionary", chunk->c);
    return true;
}

static bool read_pages(struct parquet_read *read, struct chunk *chunk, uint64_t *at)
{
    for (uint64_t row = 0; row < chunk->n_rows; chunk->n_pages++, read->n_pages++) {
        const struct thrift_node *head, *data;
        uint64_t page_at = *at;
        struct parquet_cursor cursor;
        size_t n_nulls = 0;
        int64_t n;

        if (!open_page(read, chunk, at, &head, &cursor))
            return false;
        data = thrift_field(head, 5);
        n = number_of(data, 1);
        require(read, number_of(head, 1) == 0 && n > 0 && (uint64_t)n <= chunk->n_rows - row,
                "column %zu: a page of %" PRId64 " rows", chunk->c, n);
        if (!read_data(read, chunk, cursor, chunk->first_row + row, (size_t)n, number_of(data, 2),
                       &n_nulls) ||
            !check_indexes(read, chunk, row, (size_t)n, n_nulls, page_at, (size_t)(*at - page_at)))
            return false;
        chunk->n_nulls += n_nulls;
        row += (uint64_t)n;
    }
    return true;
}

/* ---- chunks and row groups ---- */

static bool read_index(struct parquet_read *read, const struct thrift_node *node, int id,
                       const struct thrift_node **index_ret)
{
    int64_t at = number_of(node, id), n = number_of(node, id + 1);
    size_t n_used;

    *index_ret = NULL;
    if (at < 0)
        return true;
    require(read, n > 0 && (uint64_t)at <= read->n && (uint64_t)n <= read->n - (uint64_t)at,
            "an index outside");
    *index_ret = thrift_read(read, read->bytes + at, (size_t)n, &n_used);
    require(read, *index_ret != NULL && n_used == (size_t)n, "an index of other length");
    return true;
}

static bool check_statistics(struct parquet_read *read, struct chunk *chunk)
{
    const struct thrift_node *statistics = thrift_field(chunk->meta, 12);
    const struct thrift_node *greatest = thrift_field(statistics, 5), *least = thrift_field(statistics, 6);
    bool exact = number_of(statistics, 7) == 1 && number_of(statistics, 8) == 1;

    require(read, number_of(statistics, 3) == (int64_t)chunk->n_nulls, "column %zu: nulls", chunk->c);
    require(read, (greatest == NULL) == (least == NULL), "column %zu: one bound", chunk->c);
    if (greatest == NULL)
        return true;
    return check_bounds(read, chunk, chunk->first_row, chunk->n_rows, least->bytes, greatest->bytes, exact);
}

static bool read_chunk(struct parquet_read *read, struct chunk *chunk, const struct thrift_node *node)
{
    int64_t dictionary_at, data_at;
    uint64_t at, begin;

    chunk->meta = thrift_field(node, 3);
    chunk->codec = codec_of(number_of(chunk->meta, 4));
    require(read, number_of(chunk->meta, 5) == (int64_t)chunk->n_rows, "column %zu: number of values",
            chunk->c);
    if (!read_index(read, node, 4, &chunk->offset_index) || !read_index(read, node, 6, &chunk->column_index))
        return false;
    dictionary_at = number_of(chunk->meta, 11), data_at = number_of(chunk->meta, 9);
    require(read, data_at >= 4, "column %zu: no data", chunk->c);
    begin = at = dictionary_at >= 0 ? (uint64_t)dictionary_at : (uint64_t)data_at;
    if (dictionary_at >= 0 && !read_dictionary(read, chunk, &at))
        return false;
    require(read, at == (uint64_t)data_at, "column %zu: its dictionary ends elsewhere", chunk->c);
    if (!read_pages(read, chunk, &at))
        return false;
    require(read, number_of(chunk->meta, 7) == (int64_t)(at - begin), "column %zu: compressed length",
            chunk->c);
    require(read, number_of(chunk->meta, 6) == (int64_t)chunk->n_plain, "column %zu: plain length", chunk->c);
    require(read,
            thrift_field(chunk->offset_index, 1) != NULL &&
                thrift_field(chunk->offset_index, 1)->n == chunk->n_pages,
            "column %zu: pages in its index", chunk->c);
    return check_statistics(read, chunk);
}

/* An order that is declared is there. */
static bool check_order(struct parquet_read *read, const struct thrift_node *group, uint64_t first,
                        uint64_t n)
{
    const struct thrift_node *sorting = thrift_field(group, 4);
    const struct parquet_values *values;
    int64_t c;

    if (sorting == NULL)
        return true;
    read->n_sorted++;
    c = number_of(sorting->first, 1);
    require(read,
            sorting->n == 1 && c >= 0 && c < (int64_t)read->schema->n_columns &&
                number_of(sorting->first, 2) == 0,
            "an order by column %" PRId64, c);
    values = &read->values[c];
    for (uint64_t row = first; row + 1 < first + n; row++)
        require(read, (int64_t)values->numbers[row] <= (int64_t)values->numbers[row + 1],
                "row %" PRIu64 " falls back", row + 1);
    return true;
}

static unsigned width_of(enum cm_column_type type)
{
    return type >= CM_COLUMN_TEXT ? 0 : type <= CM_COLUMN_UINT32 ? 4 : 8;
}

static bool read_group(struct parquet_read *read, const struct thrift_node *group, uint64_t first)
{
    const struct thrift_node *node = thrift_field(group, 1) == NULL ? NULL : thrift_field(group, 1)->first;
    int64_t n = number_of(group, 3);
    uint64_t n_packed = 0;

    require(read, n > 0 && (uint64_t)n <= read->n_rows - first, "a row group of %" PRId64 " rows", n);
    for (size_t c = 0; c < read->schema->n_columns; c++, node = node->next) {
        struct chunk chunk = {
            .c = c, .column = &read->schema->columns[c], .first_row = first, .n_rows = (uint64_t)n};

        require(read, node != NULL, "a row group of %zu columns", c);
        chunk.width = width_of(chunk.column->type);
        if (!read_chunk(read, &chunk, node))
            return false;
        n_packed += (uint64_t)number_of(chunk.meta, 7);
    }
    require(read, number_of(group, 6) == (int64_t)n_packed, "length of a row group");
    return check_order(read, group, first, (uint64_t)n);
}

static bool read_footer(struct parquet_read *read)
{
    size_t n_footer, n_used;

    require(read,
            read->n >= 12 && memcmp(read->bytes, "PAR1", 4) == 0 &&
                memcmp(read->bytes + read->n - 4, "PAR1", 4) == 0,
            "no magic number");
    n_footer = cm_load_u32_as(read->bytes + read->n - 8, false);
    require(read, n_footer <= read->n - 12, "a footer of %zu bytes", n_footer);
    read->footer = thrift_read(read, read->bytes + read->n - 8 - n_footer, n_footer, &n_used);
    require(read, read->footer != NULL && n_used == n_footer, "the footer");
    require(read,
            thrift_field(read->footer, 2) != NULL && thrift_field(read->footer, 4) != NULL &&
                thrift_field(read->footer, 2)->n == read->schema->n_columns + 1 &&
                thrift_field(read->footer, 7) != NULL &&
                thrift_field(read->footer, 7)->n == read->schema->n_columns,
            "the schema");
    read->n_rows = (uint64_t)number_of(read->footer, 3);
    read->n_groups = thrift_field(read->footer, 4)->n;
    return true;
}

bool parquet_read(struct parquet_read *read, const uint8_t *bytes, size_t n,
                  const struct cm_table_schema *schema)
{
    uint64_t first = 0;

    memset(read, 0, sizeof(*read));
    read->bytes = bytes, read->n = n, read->schema = schema;
    if (!read_footer(read))
        return false;
    read->values = parquet_take(read, schema->n_columns * sizeof(read->values[0]));
    for (size_t c = 0; c < schema->n_columns; c++) {
        read->values[c].present = parquet_take(read, (size_t)read->n_rows);
        read->values[c].numbers = parquet_take(read, (size_t)read->n_rows * 8);
        read->values[c].spans = parquet_take(read, (size_t)read->n_rows * sizeof(struct cm_span));
    }
    for (const struct thrift_node *group = thrift_field(read->footer, 4)->first; group != NULL;
         group = group->next) {
        if (!read_group(read, group, first))
            return false;
        first += (uint64_t)number_of(group, 3);
    }
    require(read, first == read->n_rows, "%" PRIu64 " rows of %" PRIu64, first, read->n_rows);
    return true;
}

bool parquet_read_has(struct parquet_read *read, uint64_t first, const struct cm_table_rows *rows)
{
    require(read, first + rows->n_rows <= read->n_rows, "%" PRIu64 " rows", read->n_rows);
    for (size_t c = 0; c < read->schema->n_columns; c++) {
        const struct cm_column_values *expected = &rows->columns[c];
        const struct parquet_values *values = &read->values[c];

        for (uint32_t i = 0; i < rows->n_rows; i++) {
            bool there =
                !read->schema->columns[c].nullable || expected->present == NULL || expected->present[i] != 0;
            bool equal = values->present[first + i] == there;

            if (equal && there)
                equal = expected->numbers != NULL
                            ? values->numbers[first + i] == expected->numbers[i]
                            : compare_spans(values->spans[first + i], expected->spans[i]) == 0;
            require(read, equal, "column %zu, row %" PRIu64, c, first + i);
        }
    }
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up rows: what a value is follows from the seed, its column and what the column is said to be like. */
#include "tools/made_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"

#define COLUMN(name_, type_, habit_, nullable_)                                                              \
    {                                                                                                        \
        .name = (name_), .type = CM_COLUMN_##type_, .habit = CM_HABIT_##habit_, .nullable = (nullable_)      \
    }

#define PACKET_COLUMNS(bloom_)                                                                               \
    {.name = "timestamp_ns", .type = CM_COLUMN_INT64, .habit = CM_HABIT_RISES, .order = true},               \
        {.name = "time", .type = CM_COLUMN_TIME_NS, .habit = CM_HABIT_RISES, .order = true},                 \
        COLUMN("src_ip", TEXT, REPEATS, true), COLUMN("dst_ip", TEXT, REPEATS, true),                        \
        COLUMN("src_port", UINT16, REPEATS, true), COLUMN("dst_port", UINT16, REPEATS, true),                \
        COLUMN("protocol", UINT8, REPEATS, true),                                                            \
        {.name = "flow_id", .type = CM_COLUMN_UINT64, .nullable = true, .hex = true, .bloom = (bloom_)},     \
        COLUMN("caplen", UINT32, REPEATS, false), COLUMN("origlen", UINT32, REPEATS, false),                 \
        COLUMN("tcp_flags", UINT8, REPEATS, true), COLUMN("payload", BYTES, DIFFERS, false),                 \
        COLUMN("packet_number", UINT64, RISES, false), COLUMN("interface", TEXT, REPEATS, true),             \
        COLUMN("community_id", TEXT, REPEATS, true)

static const struct cm_column packet_columns[] = {PACKET_COLUMNS(false)};
static const struct cm_column bloom_columns[] = {PACKET_COLUMNS(true)};
const struct cm_table_schema made_packet_schema = {"Packet", packet_columns, CM_ARRAY_COUNT(packet_columns)};
const struct cm_table_schema made_bloom_schema = {"Packet", bloom_columns, CM_ARRAY_COUNT(bloom_columns)};

#define EVERY_HABIT(name_, type_, nullable_)                                                                 \
    COLUMN(name_ "_repeats", type_, REPEATS, nullable_), COLUMN(name_ "_rises", type_, RISES, nullable_),    \
        COLUMN(name_ "_differs", type_, DIFFERS, nullable_)
#define EVERY_WAY(name_, type_) EVERY_HABIT(name_, type_, false), EVERY_HABIT(name_ "_or_none", type_, true)

static const struct cm_column types_columns[] = {EVERY_WAY("uint8", UINT8),   EVERY_WAY("uint16", UINT16),
                                                 EVERY_WAY("uint32", UINT32), EVERY_WAY("uint64", UINT64),
                                                 EVERY_WAY("int64", INT64),   EVERY_WAY("time", TIME_NS),
                                                 EVERY_WAY("text", TEXT),     EVERY_WAY("bytes", BYTES)};
const struct cm_table_schema made_types_schema = {"Types", types_columns, CM_ARRAY_COUNT(types_columns)};

struct made_column {
    uint8_t *present;
    uint64_t *numbers;
    struct cm_span *spans;
    uint8_t *text; /* of the spans of a call, or of all values of a column that repeats */
    size_t text_capacity;
    struct cm_span *pool;
    uint64_t last;
};

struct made_table {
    const struct cm_table_schema *schema;
    struct made_table_options options;
    uint64_t state;
    struct made_column *columns;
    struct cm_column_values *values;
};

static void *memory(size_t n)
{
    void *p = calloc(1, n == 0 ? 1 : n);

    if (p == NULL)
        abort();
    return p;
}

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t draw(struct made_table *table)
{
    return mix(table->state++);
}

static unsigned width_of(enum cm_column_type type)
{
    return type == CM_COLUMN_UINT8 ? 8 : type == CM_COLUMN_UINT16 ? 16 : type == CM_COLUMN_UINT32 ? 32 : 64;
}

static uint64_t narrow(enum cm_column_type type, uint64_t value)
{
    return width_of(type) == 64 ? value : value & (((uint64_t)1 << width_of(type)) - 1);
}

/* A text that `x` decides: an address, or characters of one to four bytes, or letters; mostly short. */
static uint32_t make_text(uint8_t *out, uint32_t room, uint64_t x)
{
    static const char *const characters[] = {"a", "Z",   "0", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                             "~", "\x7f"};
    uint32_t wanted = (uint32_t)(x >> 8) % (room + 1), n = 0;

    if (x % 4 != 0 && room >= 16)
        return (uint32_t)snprintf((char *)out, room + 1, "10.%u.%u.%u", (unsigned)(x >> 40 & 255),
                                  (unsigned)(x >> 48 & 255), (unsigned)(x >> 56));
    while (n < wanted) {
        const char *character = characters[(x = mix(x)) % CM_ARRAY_COUNT(characters)];

        if (n + strlen(character) > room)
            break;
        memcpy(out + n, character, strlen(character));
        n += (uint32_t)strlen(character);
    }
    return n;
}

static uint32_t make_bytes(uint8_t *out, uint32_t room, uint64_t x)
{
    uint32_t n = x % 16 == 0 ? 0 : (uint32_t)((x >> 8) % ((uint64_t)room + 1));

    for (uint32_t i = 0; i < n; i += 8) {
        uint64_t word =
            i % 64 < 16 ? mix(x + i) : 0x0101010101010101u * (i / 64); /* half of it compressible */

        memcpy(out + i, &word, n - i < 8 ? n - i : 8);
    }
    return n;
}

static uint32_t make_span(struct made_table *table, const struct cm_column *column, uint8_t *out, uint64_t x)
{
    return column->type == CM_COLUMN_TEXT ? make_text(out, table->options.text_bytes, x)
                                          : make_bytes(out, table->options.bytes_bytes, x);
}

static uint32_t greatest_span(const struct made_table *table, const struct cm_column *column)
{
    return column->type == CM_COLUMN_TEXT ? table->options.text_bytes : table->options.bytes_bytes;
}

static void make_pool(struct made_table *table, size_t c)
{
    struct made_column *made = &table->columns[c];
    const struct cm_column *column = &table->schema->columns[c];
    size_t most = greatest_span(table, column) + 9; /* words are written whole, texts with a zero */
    uint32_t n = table->options.distinct;

    made->text = memory(n * most);
    made->pool = memory(n * sizeof(made->pool[0]));
    for (uint32_t i = 0; i < n; i++) {
        made->pool[i].bytes = made->text + i * most;
        made->pool[i].n =
            make_span(table, column, made->text + i * most, mix(table->options.seed + c * 7919 + i));
    }
}

struct made_table *made_table_create(const struct cm_table_schema *schema,
                                     const struct made_table_options *options)
{
    struct made_table *table = memory(sizeof(*table));

    table->schema = schema;
    table->options = *options;
    if (table->options.distinct == 0)
        table->options.distinct = 500;
    if (table->options.text_bytes == 0)
        table->options.text_bytes = 24;
    table->state = mix(options->seed);
    table->columns = memory(schema->n_columns * sizeof(table->columns[0]));
    table->values = memory(schema->n_columns * sizeof(table->values[0]));
    for (size_t c = 0; c < schema->n_columns; c++) {
        const struct cm_column *column = &schema->columns[c];
        struct made_column *made = &table->columns[c];

        made->present = memory(CM_TABLE_MAX_ROWS);
        made->last = 1700000000000000000u;
        if (column->type != CM_COLUMN_TEXT && column->type != CM_COLUMN_BYTES) {
            made->numbers = memory(CM_TABLE_MAX_ROWS * sizeof(made->numbers[0]));
        } else {
            made->spans = memory(CM_TABLE_MAX_ROWS * sizeof(made->spans[0]));
            if (column->habit == CM_HABIT_REPEATS)
                make_pool(table, c);
        }
    }
    return table;
}

void made_table_destroy(struct made_table *table)
{
    for (size_t c = 0; c < table->schema->n_columns; c++) {
        free(table->columns[c].present);
        free(table->columns[c].numbers);
        free(table->columns[c].spans);
        free(table->columns[c].text);
        free(table->columns[c].pool);
    }
    free(table->columns);
    free(table->values);
    free(table);
}

/* Few values come often and most seldom, and every second one is the one before, as packets of a flow have it. */
static uint32_t draw_repeating(struct made_table *table, uint32_t before)
{
    uint64_t x = draw(table);
    uint32_t n = table->options.distinct;

    if ((x & 1) != 0 && before < n)
        return before;
    x >>= 1;
    return (uint32_t)((x & 3) == 0 ? (x >> 8) % n : (x >> 8) % n * ((x >> 40) % n) / n);
}

static uint64_t draw_number(struct made_table *table, size_t c, uint32_t *before)
{
    const struct cm_column *column = &table->schema->columns[c];
    struct made_column *made = &table->columns[c];
    uint64_t x;

    switch (column->habit) {
    case CM_HABIT_REPEATS:
        *before = draw_repeating(table, *before);
        return narrow(column->type, mix(table->options.seed + c * 104729 + *before));
    case CM_HABIT_RISES:
        x = draw(table);
        made->last += table->options.backwards && x % 100 == 0 ? 0 - (x >> 40) : x >> 8 & 0xffff;
        return narrow(column->type, made->last);
    default:
        x = draw(table);
        return narrow(column->type, x >> (x & 63)); /* of all lengths */
    }
}

static void fill_numbers(struct made_table *table, size_t c, uint32_t n)
{
    struct made_column *made = &table->columns[c];
    uint32_t before = UINT32_MAX;

    for (uint32_t i = 0; i < n; i++) {
        made->numbers[i] = draw_number(table, c, &before);
        if (made->present[i] == 0)
            made->numbers[i] = 0;
    }
}

static void fill_spans(struct made_table *table, size_t c, uint32_t n)
{
    const struct cm_column *column = &table->schema->columns[c];
    struct made_column *made = &table->columns[c];
    uint32_t most = greatest_span(table, column), before = UINT32_MAX;
    size_t at = 0;

    if (column->habit != CM_HABIT_REPEATS && made->text_capacity < (size_t)n * (most + 9)) {
        free(made->text);
        made->text_capacity = (size_t)n * (most + 9);
        made->text = memory(made->text_capacity);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (made->present[i] == 0) {
            made->spans[i] = (struct cm_span){NULL, 0};
        } else if (column->habit == CM_HABIT_REPEATS) {
            before = draw_repeating(table, before);
            made->spans[i] = made->pool[before];
        } else {
            made->spans[i].bytes = made->text + at;
            made->spans[i].n = make_span(table, column, made->text + at, draw(table));
            at += made->spans[i].n + 9;
        }
    }
}

void made_table_next(struct made_table *table, uint32_t n, struct cm_table_rows *rows_ret)
{
    for (size_t c = 0; c < table->schema->n_columns; c++) {
        struct made_column *made = &table->columns[c];
        bool nullable = table->schema->columns[c].nullable;
        uint32_t n_there = 0;

        for (uint32_t i = 0; i < n; i++) {
            made->present[i] = !nullable || draw(table) % 100 >= table->options.null_percent;
            n_there += made->present[i];
        }
        if (made->numbers != NULL)
            fill_numbers(table, c, n);
        else
            fill_spans(table, c, n);
        /* some callers say so, some give what says the same */
        table->values[c].present = n_there == n && draw(table) % 2 == 0 ? NULL : made->present;
        table->values[c].numbers = made->numbers;
        table->values[c].spans = made->spans;
    }
    rows_ret->n_rows = n;
    rows_ret->columns = table->values;
}

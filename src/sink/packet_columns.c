/* SPDX-License-Identifier: Apache-2.0 */
/* Packets as rows: which columns were chosen, the memory of a thread, and the order in which columns are filled.
 * What is in a column is packet_values_*.c's. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "sink/column_choice.h"
#include "sink/packet_columns_int.h"

struct cm_packet_columns {
    struct cm_packet_columns_options options; /* `names` are not kept */
    struct cm_table_schema schema;
    struct cm_column *columns;
    const struct cm_packet_column **known; /* of each: its row in the table */
    size_t n;
    unsigned needs; /* of all columns */
};

/* What a row of a column takes, each array on cache lines of its own. */
struct cm_packet_columns_local {
    struct cm_packet_values *values; /* of each column; arrays lie in `memory` */
    struct cm_column_values *shown;
    uint8_t *memory;
    uint32_t capacity; /* rows */
    struct cm_tuple_cache *tuples;
    struct cm_input_texts *texts;
    const struct cm_tuple *found[CM_PACKET_FILL_ROWS];
};

const struct cm_column *cm_packet_column_known(size_t i, bool *is_default_ret)
{
    if (i >= cm_n_packet_columns)
        return NULL;
    *is_default_ret = cm_packet_column_table[i].is_default;
    return &cm_packet_column_table[i].column;
}

static void set_columns(struct cm_packet_columns *columns, const size_t *places)
{
    for (size_t i = 0; i < columns->n; i++) {
        const struct cm_packet_column *known = &cm_packet_column_table[places[i]];

        columns->known[i] = known;
        columns->columns[i] = known->column;
        columns->columns[i].bloom = known->fill == cm_fill_flow_id && columns->options.bloom_flow_id;
        columns->needs |= known->needs;
    }
    columns->schema = (struct cm_table_schema){
        .record_name = "Packet", .columns = columns->columns, .n_columns = columns->n};
}

enum capmill_status cm_packet_columns_create(const struct cm_packet_columns_options *options,
                                             struct cm_packet_columns **columns_ret, struct cm_error *error)
{
    static const struct cm_column_list list = {cm_packet_column_known, "packet"};
    struct cm_packet_columns *columns = NULL;
    enum capmill_status status;
    size_t *places = NULL;
    size_t n = 0;

    status = cm_columns_choose(&list, options->names, options->n_names, &places, &n, error);
    if (status < 0)
        goto cleanup;
    columns = calloc(1, sizeof(*columns));
    if (columns == NULL || (columns->columns = calloc(n, sizeof(*columns->columns))) == NULL ||
        (columns->known = calloc(n, sizeof(const struct cm_packet_column *))) == NULL) {
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for %zu columns", n);
        goto cleanup;
    }
    columns->options = *options;
    columns->options.names = NULL;
    columns->n = n;
    set_columns(columns, places);
    *columns_ret = columns;
    columns = NULL;
cleanup:
    cm_packet_columns_destroy(columns);
    free(places);
    return status;
}

void cm_packet_columns_destroy(struct cm_packet_columns *columns)
{
    if (columns == NULL)
        return;
    free(columns->columns);
    free(columns->known);
    free(columns);
}

const struct cm_table_schema *cm_packet_columns_schema(const struct cm_packet_columns *columns)
{
    return &columns->schema;
}

bool cm_packet_columns_want_headers(const struct cm_packet_columns *columns)
{
    /* whoever looks up facts of a flow does so by the packet's headers */
    return (columns->needs & (CM_NEED_HEADERS | CM_NEED_TUPLES | CM_NEED_FACTS)) != 0;
}

bool cm_packet_columns_want_flows(const struct cm_packet_columns *columns)
{
    return (columns->needs & CM_NEED_FACTS) != 0;
}

/* --- a thread --- */

static unsigned tuple_wants(unsigned needs)
{
    return (needs & CM_NEED_ADDRESSES ? CM_TUPLE_ADDRESSES : 0u) |
           (needs & CM_NEED_FLOW_ID ? CM_TUPLE_FLOW_ID : 0u) |
           (needs & CM_NEED_COMMUNITY_ID ? CM_TUPLE_COMMUNITY_ID : 0u) |
           (needs & CM_NEED_DIRECTION ? CM_TUPLE_DIRECTION : 0u);
}

struct cm_packet_columns_local *cm_packet_columns_local_create(const struct cm_packet_columns *columns)
{
    struct cm_packet_columns_local *local = calloc(1, sizeof(*local));

    if (local == NULL)
        return NULL;
    local->values = calloc(columns->n, sizeof(*local->values));
    local->shown = calloc(columns->n, sizeof(*local->shown));
    local->texts = cm_input_texts_create(&columns->options);
    if (columns->needs & CM_NEED_TUPLES)
        local->tuples = cm_tuple_cache_create(tuple_wants(columns->needs), columns->options.unidirectional);
    if (local->values == NULL || local->shown == NULL || local->texts == NULL ||
        ((columns->needs & CM_NEED_TUPLES) && local->tuples == NULL)) {
        cm_packet_columns_local_destroy(local);
        return NULL;
    }
    return local;
}

void cm_packet_columns_local_destroy(struct cm_packet_columns_local *local)
{
    if (local == NULL)
        return;
    free(local->values);
    free(local->shown);
    free(local->memory);
    cm_input_texts_destroy(local->texts);
    cm_tuple_cache_destroy(local->tuples);
    free(local);
}

static bool is_text(const struct cm_packet_column *known)
{
    return known->column.type == CM_COLUMN_TEXT || known->column.type == CM_COLUMN_BYTES;
}

/* Bytes that a row of the column takes. */
static size_t row_bytes(const struct cm_packet_column *known)
{
    return (is_text(known) ? sizeof(struct cm_span) : sizeof(uint64_t)) +
           (known->column.nullable ? sizeof(uint8_t) : 0) +
           (known->needs & CM_NEED_CHARS ? CM_MAC_TEXT_BYTES : 0);
}

/* Arrays for `capacity` rows, a multiple of 64, one after the other: each begins on a cache line's multiple of
 * its own element. Answers where they end. */
static uint8_t *carve(const struct cm_packet_column *known, uint8_t *memory, uint32_t capacity,
                      struct cm_packet_values *values)
{
    memset(values, 0, sizeof(*values));
    if (is_text(known)) {
        values->spans = (struct cm_span *)(void *)memory;
        memory += capacity * sizeof(*values->spans);
    } else {
        values->numbers = (uint64_t *)(void *)memory;
        memory += capacity * sizeof(*values->numbers);
    }
    if (known->column.nullable) {
        values->present = memory;
        memory += capacity;
    }
    if (known->needs & CM_NEED_CHARS) {
        values->chars = (char *)memory;
        memory += (size_t)capacity * CM_MAC_TEXT_BYTES;
    }
    return memory;
}

/* Room for `n` rows; what was there before goes. */
static bool reserve(const struct cm_packet_columns *columns, struct cm_packet_columns_local *local,
                    uint32_t n)
{
    uint32_t capacity = 1024;
    size_t n_bytes = 0;
    uint8_t *at;

    if (local->memory != NULL && n <= local->capacity)
        return true;
    while (capacity < n)
        capacity *= 2;
    for (size_t i = 0; i < columns->n; i++)
        n_bytes += row_bytes(columns->known[i]) * capacity;
    free(local->memory);
    local->capacity = 0;
    local->memory = malloc(n_bytes);
    if (local->memory == NULL)
        return false;
    local->capacity = capacity;
    at = local->memory;
    for (size_t i = 0; i < columns->n; i++)
        at = carve(columns->known[i], at, capacity, &local->values[i]);
    return true;
}

/* --- filling --- */

static struct cm_packet_values values_from(const struct cm_packet_values *values, uint32_t first)
{
    return (struct cm_packet_values){
        .numbers = values->numbers == NULL ? NULL : values->numbers + first,
        .spans = values->spans == NULL ? NULL : values->spans + first,
        .present = values->present == NULL ? NULL : values->present + first,
        .chars = values->chars == NULL ? NULL : values->chars + (size_t)first * CM_MAC_TEXT_BYTES,
    };
}

static struct cm_packet_fill fill_from(const struct cm_packet_rows *packets,
                                       struct cm_packet_columns_local *local, uint32_t first)
{
    const uint32_t left = packets->n - first;

    return (struct cm_packet_fill){
        .n = left < CM_PACKET_FILL_ROWS ? left : CM_PACKET_FILL_ROWS,
        .packets = packets->packets + first,
        .headers = packets->headers == NULL ? NULL : packets->headers + first,
        .inputs = packets->inputs == NULL ? NULL : packets->inputs + first,
        .numbers = packets->numbers == NULL ? NULL : packets->numbers + first,
        .flows = packets->flows == NULL ? NULL : packets->flows + first,
        .tuples = local->found,
        .texts = local->texts,
    };
}

static bool fill_some(const struct cm_packet_columns *columns, struct cm_packet_columns_local *local,
                      const struct cm_packet_rows *packets, uint32_t first)
{
    const struct cm_packet_fill fill = fill_from(packets, local, first);

    if (local->tuples != NULL &&
        !cm_tuple_cache_look_up(local->tuples, fill.packets, fill.headers, fill.n, local->found))
        return false;
    for (size_t i = 0; i < columns->n; i++) {
        struct cm_packet_values values = values_from(&local->values[i], first);

        if (!columns->known[i]->fill(&fill, &values))
            return false;
        local->values[i].n_absent += values.n_absent;
    }
    return true;
}

static void begin_call(const struct cm_packet_columns *columns, struct cm_packet_columns_local *local)
{
    if (local->tuples != NULL)
        cm_tuple_cache_begin(local->tuples);
    cm_input_texts_begin(local->texts);
    for (size_t i = 0; i < columns->n; i++)
        local->values[i].n_absent = 0;
}

static void show(const struct cm_packet_columns *columns, struct cm_packet_columns_local *local, uint32_t n,
                 struct cm_table_rows *rows_ret)
{
    for (size_t i = 0; i < columns->n; i++) {
        const struct cm_packet_values *values = &local->values[i];

        local->shown[i] = (struct cm_column_values){.present = values->n_absent > 0 ? values->present : NULL,
                                                    .numbers = values->numbers,
                                                    .spans = values->spans};
    }
    *rows_ret = (struct cm_table_rows){n, local->shown};
}

enum capmill_status cm_packet_columns_fill(const struct cm_packet_columns *columns,
                                           struct cm_packet_columns_local *local,
                                           const struct cm_packet_rows *packets,
                                           struct cm_table_rows *rows_ret, struct cm_error *error)
{
    bool is_filled;

    assert(packets->n <= CM_TABLE_MAX_ROWS);
    assert(packets->flows != NULL || !(columns->needs & CM_NEED_FACTS));
    begin_call(columns, local);
    is_filled = reserve(columns, local, packets->n);
    for (uint32_t first = 0; is_filled && first < packets->n; first += CM_PACKET_FILL_ROWS)
        is_filled = fill_some(columns, local, packets, first);
    if (!is_filled)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for the columns of %u packets",
                            packets->n);
    show(columns, local, packets->n, rows_ret);
    return CAPMILL_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Rows become a part: a worker's share of making a Parquet file. What a part is follows from its rows alone. Not
 * what happens to parts: parquet_file.c. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "base/grow.h"
#include "format/parquet_int.h"

/* Of one worker. */
struct local {
    struct cm_parquet_maker maker;
    struct cm_parquet_finder finder;
    uint64_t *numbers; /* values that are there, one after the other */
    struct cm_span *spans;
};

enum capmill_status cm_parquet_open(void *context, void **local_ret, struct cm_error *error)
{
    struct local *local = calloc(1, sizeof(*local));
    enum capmill_status status;

    *local_ret = NULL;
    if (local == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for an encoder");
    status = cm_parquet_maker_init(&local->maker, context, error);
    if (status == CAPMILL_OK)
        status = cm_parquet_finder_init(&local->finder, error);
    if (status != CAPMILL_OK)
        goto cleanup;
    local->numbers = malloc(CM_TABLE_MAX_ROWS * sizeof(local->numbers[0]));
    local->spans = malloc(CM_TABLE_MAX_ROWS * sizeof(local->spans[0]));
    if (local->numbers == NULL || local->spans == NULL) {
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for an encoder");
        goto cleanup;
    }
    *local_ret = local;
    local = NULL;
cleanup:
    cm_parquet_close(context, local);
    return status;
}

void cm_parquet_close(void *context, void *local_)
{
    struct local *local = local_;

    if (local == NULL)
        return;
    cm_parquet_maker_fini(&local->maker);
    cm_parquet_finder_fini(&local->finder);
    free(local->numbers);
    free(local->spans);
    free(local);
}

/* One bit a row of eight bytes of 0 or 1: the multiplication brings byte i's bit to bit 56 + i. */
static uint8_t gather_bits(const uint8_t *present)
{
    return (uint8_t)((cm_load_u64_as(present, false) & 0x0101010101010101u) * 0x0102040810204080u >> 56);
}

/* Which rows have a value, as bits; those behind the last row are 0. No bits where all have one. */
static enum capmill_status take_presence(const uint8_t *present, uint32_t n_rows,
                                         struct cm_parquet_part_column *column, struct cm_error *error)
{
    uint32_t n_there = 0, row = 0;
    uint8_t last[8] = {0};

    for (uint32_t i = 0; i < n_rows; i++)
        n_there += present[i];
    column->n_nulls = n_rows - n_there;
    if (column->n_nulls == 0)
        return CAPMILL_OK;
    column->bits = malloc(((size_t)n_rows + 7) / 8);
    if (column->bits == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the levels of %u rows", n_rows);
    for (; row + 8 <= n_rows; row += 8)
        column->bits[row / 8] = gather_bits(present + row);
    if (row < n_rows) {
        memcpy(last, present + row, n_rows - row);
        column->bits[row / 8] = gather_bits(last);
    }
    return CAPMILL_OK;
}

/* The values that are there, without gaps; every row writes, and those that have none are written over. */
static const uint64_t *close_up_numbers(struct local *local, const struct cm_column_values *values,
                                        uint32_t n_rows, uint32_t n_nulls)
{
    uint32_t n = 0;

    if (n_nulls == 0)
        return values->numbers;
    for (uint32_t row = 0; row < n_rows; row++) {
        local->numbers[n] = values->numbers[row];
        n += values->present[row];
    }
    return local->numbers;
}

static const struct cm_span *close_up_spans(struct local *local, const struct cm_column_values *values,
                                            uint32_t n_rows, uint32_t n_nulls)
{
    uint32_t n = 0;

    if (n_nulls == 0)
        return values->spans;
    for (uint32_t row = 0; row < n_rows; row++) {
        local->spans[n] = values->spans[row];
        n += values->present[row];
    }
    return local->spans;
}

/* Copies a page's bytes: they lie in a worker's scratch. */
static enum capmill_status keep_page(void *context, const uint8_t *bytes, const struct cm_parquet_page *page,
                                     struct cm_error *error)
{
    struct cm_parquet_part_column *column = context;
    uint8_t *owned = malloc((size_t)page->n_bytes + (page->n_bytes == 0));

    if (owned == NULL || !CM_GROW(column->pages, column->pages_capacity, column->n_pages + 1, 1)) {
        free(owned);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a page of %u bytes", page->n_bytes);
    }
    if (page->n_bytes != 0)
        memcpy(owned, bytes, page->n_bytes);
    column->pages[column->n_pages] = *page;
    column->pages[column->n_pages++].owned = owned;
    return CAPMILL_OK;
}

static void note_order(const uint64_t *values, uint32_t n, struct cm_parquet_part_column *column)
{
    column->ascends = column->n_nulls == 0;
    if (n == 0 || !column->ascends)
        return;
    for (uint32_t i = 1; i < n; i++)
        column->ascends &= (int64_t)values[i - 1] <= (int64_t)values[i];
    column->first = values[0];
    column->last = values[n - 1];
}

/* Hashes for a bloom filter, where there will be no dictionary to take them from. */
static enum capmill_status make_hashes(const struct cm_parquet_column *plan, const uint64_t *numbers,
                                       const struct cm_span *spans, uint32_t n,
                                       struct cm_parquet_part_column *column, struct cm_error *error)
{
    if (!plan->column->bloom || n == 0)
        return CAPMILL_OK;
    column->bloom = malloc(n * sizeof(column->bloom[0]));
    if (column->bloom == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a bloom filter of %u values", n);
    column->n_bloom = n;
    for (uint32_t i = 0; i < n; i++)
        column->bloom[i] =
            numbers != NULL ? cm_parquet_hash_number(plan, numbers[i]) : cm_parquet_hash_span(spans[i]);
    return CAPMILL_OK;
}

static enum capmill_status encode_numbers(struct local *local, const struct cm_parquet_column *plan,
                                          const struct cm_column_values *values, uint32_t n_rows,
                                          struct cm_parquet_part_column *column, struct cm_error *error)
{
    struct cm_parquet_presence presence = {n_rows, column->n_nulls, column->bits};
    struct cm_parquet_keeper keeper = {column, keep_page};
    const uint64_t *numbers = close_up_numbers(local, values, n_rows, column->n_nulls);
    uint32_t n = n_rows - column->n_nulls;
    enum capmill_status status;

    if (plan->column->order)
        note_order(numbers, n, column);
    if (plan->dictionary && cm_parquet_find_numbers(&local->finder, numbers, n)) {
        cm_parquet_bounds_numbers(plan, local->finder.numbers, local->finder.n_found, &column->bounds);
        return cm_parquet_found_keep(&local->finder, false, n, &column->found, error);
    }
    status = make_hashes(plan, numbers, NULL, n, column, error);
    if (status != CAPMILL_OK)
        return status;
    return cm_parquet_pages_of_numbers(&local->maker, plan, &presence, numbers, &keeper, error);
}

static enum capmill_status encode_spans(struct local *local, const struct cm_parquet_column *plan,
                                        const struct cm_column_values *values, uint32_t n_rows,
                                        struct cm_parquet_part_column *column, struct cm_error *error)
{
    struct cm_parquet_presence presence = {n_rows, column->n_nulls, column->bits};
    struct cm_parquet_keeper keeper = {column, keep_page};
    const struct cm_span *spans = close_up_spans(local, values, n_rows, column->n_nulls);
    uint32_t n = n_rows - column->n_nulls;
    enum capmill_status status;

    if (plan->dictionary && cm_parquet_find_spans(&local->finder, spans, n)) {
        if (plan->bounds)
            cm_parquet_bounds_texts(local->finder.spans, local->finder.n_found, &column->bounds);
        status = cm_parquet_found_keep(&local->finder, true, n, &column->found, error);
        if (status != CAPMILL_AGAIN) /* the texts are too long for a dictionary in any case */
            return status;
    }
    status = make_hashes(plan, NULL, spans, n, column, error);
    if (status != CAPMILL_OK)
        return status;
    return cm_parquet_pages_of_spans(&local->maker, plan, &presence, spans, &keeper, error);
}

static enum capmill_status encode_column(struct local *local, const struct cm_parquet_column *plan,
                                         const struct cm_column_values *values, uint32_t n_rows,
                                         struct cm_parquet_part_column *column, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    if (plan->column->nullable && values->present != NULL)
        status = take_presence(values->present, n_rows, column, error);
    if (status != CAPMILL_OK)
        return status;
    return plan->type == CM_PARQUET_BYTE_ARRAY ? encode_spans(local, plan, values, n_rows, column, error)
                                               : encode_numbers(local, plan, values, n_rows, column, error);
}

static uint64_t memory_of(const struct cm_parquet_encoder *encoder, const struct cm_parquet_part *part)
{
    uint64_t n = sizeof(*part) + encoder->n_columns * sizeof(part->columns[0]);

    for (size_t c = 0; c < encoder->n_columns; c++) {
        const struct cm_parquet_part_column *column = &part->columns[c];

        n += column->found.n_bytes + column->n_bloom * sizeof(column->bloom[0]) +
             column->pages_capacity * sizeof(column->pages[0]) +
             (column->bits == NULL ? 0 : part->part.n_rows / 8 + 1);
        for (size_t i = 0; i < column->n_pages; i++)
            n += column->pages[i].n_bytes;
    }
    return n;
}

enum capmill_status cm_parquet_encode(void *context, void *local, const struct cm_table_rows *rows,
                                      struct cm_table_part **part_ret, struct cm_error *error)
{
    const struct cm_parquet_encoder *encoder = context;
    struct cm_parquet_part *part = calloc(1, sizeof(*part) + encoder->n_columns * sizeof(part->columns[0]));
    enum capmill_status status = CAPMILL_OK;

    *part_ret = NULL;
    if (part == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a part of %u rows", rows->n_rows);
    part->part.n_rows = rows->n_rows;
    for (size_t c = 0; status == CAPMILL_OK && rows->n_rows != 0 && c < encoder->n_columns; c++)
        status = encode_column(local, &encoder->columns[c], &rows->columns[c], rows->n_rows,
                               &part->columns[c], error);
    if (status != CAPMILL_OK) {
        cm_parquet_discard(context, &part->part);
        return status;
    }
    part->part.n_bytes = memory_of(encoder, part);
    *part_ret = &part->part;
    return CAPMILL_OK;
}

void cm_parquet_discard(void *context, struct cm_table_part *part_)
{
    const struct cm_parquet_encoder *encoder = context;
    struct cm_parquet_part *part = (struct cm_parquet_part *)(void *)part_;

    if (part == NULL)
        return;
    for (size_t c = 0; c < encoder->n_columns; c++) {
        struct cm_parquet_part_column *column = &part->columns[c];

        for (size_t i = 0; i < column->n_pages; i++)
            free(column->pages[i].owned);
        free(column->pages);
        free(column->found.memory);
        free(column->bits);
        free(column->bloom);
    }
    free(part);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Data pages: levels, values, compression. Not their headers (parquet_footer.c) and not what dictionaries hold.
 *
 * Pages are of version 1. Every reader takes those and has its fast way for them; what version 2 would add,
 * levels outside the compressed bytes and a page left uncompressed, is worth little where levels take a few
 * bytes. */
#include <limits.h>
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "format/parquet_int.h"

enum capmill_status cm_parquet_maker_init(struct cm_parquet_maker *maker,
                                          const struct cm_parquet_encoder *encoder, struct cm_error *error)
{
    memset(maker, 0, sizeof(*maker));
    if (encoder->options.codec == CM_CODEC_NONE)
        return CAPMILL_OK;
    return cm_compressor_create(encoder->options.codec, encoder->options.level, &maker->compressor, error);
}

void cm_parquet_maker_fini(struct cm_parquet_maker *maker)
{
    cm_compressor_destroy(maker->compressor);
    cm_bytes_free(&maker->plain);
    cm_bytes_free(&maker->packed);
    memset(maker, 0, sizeof(*maker));
}

/* Lengths of pages are i32 in parquet.thrift. */
static enum capmill_status check_length(size_t n, uint32_t *n_ret, struct cm_error *error)
{
    if (n > INT32_MAX)
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                            "a page of %zu bytes is more than Parquet has: one value is too long", n);
    *n_ret = (uint32_t)n;
    return CAPMILL_OK;
}

enum capmill_status cm_parquet_maker_pack(struct cm_parquet_maker *maker, const uint8_t **bytes_ret,
                                          uint32_t *n_ret, struct cm_error *error)
{
    size_t bound, n;
    enum capmill_status status;

    if (maker->compressor == NULL) {
        *bytes_ret = maker->plain.data;
        return check_length(maker->plain.n, n_ret, error);
    }
    bound = cm_compressor_bound(maker->compressor, maker->plain.n);
    if (bound == SIZE_MAX)
        return check_length(SIZE_MAX, n_ret, error);
    maker->packed.n = 0;
    status = cm_bytes_reserve(&maker->packed, bound, error);
    if (status == CAPMILL_OK)
        status = cm_compress(maker->compressor, maker->plain.data, maker->plain.n, maker->packed.data,
                             maker->packed.capacity, &n, error);
    *bytes_ret = maker->packed.data;
    return status == CAPMILL_OK ? check_length(n, n_ret, error) : status;
}

/* Compress what is in maker->plain and give it away. */
static enum capmill_status finish(struct cm_parquet_maker *maker, struct cm_parquet_page *page,
                                  const struct cm_parquet_keeper *keeper, struct cm_error *error)
{
    const uint8_t *bytes;
    enum capmill_status status = check_length(maker->plain.n, &page->n_plain, error);

    if (status == CAPMILL_OK)
        status = cm_parquet_maker_pack(maker, &bytes, &page->n_bytes, error);
    return status == CAPMILL_OK ? keeper->keep(keeper->context, bytes, page, error) : status;
}

/* Definition levels of a page of version 1: their length in four bytes, then runs of single bits. A required
 * column has none (README.md, Nulls; Encodings.md, RLE). */
static enum capmill_status put_levels(struct cm_bytes *out, const struct cm_parquet_column *column,
                                      const uint8_t *bits, uint32_t first, uint32_t n, struct cm_error *error)
{
    size_t at = out->n;
    enum capmill_status status;

    if (!column->column->nullable)
        return CAPMILL_OK;
    status = cm_bytes_reserve(out, 4, error);
    if (status != CAPMILL_OK)
        return status;
    out->n += 4;
    status = cm_parquet_bit_runs(out, bits, first, n, error);
    if (status == CAPMILL_OK)
        cm_store_u32_as(out->data + at, (uint32_t)(out->n - at - 4), false);
    return status;
}

enum capmill_status cm_parquet_plain_numbers(struct cm_bytes *out, unsigned width, const uint64_t *values,
                                             size_t n, struct cm_error *error)
{
    enum capmill_status status = cm_bytes_reserve(out, n * width, error);
    uint8_t *p;

    if (status != CAPMILL_OK)
        return status;
    p = out->data + out->n;
    if (width == 4)
        for (size_t i = 0; i < n; i++)
            cm_store_u32_as(p + i * 4, (uint32_t)values[i], false);
    else
        for (size_t i = 0; i < n; i++)
            cm_store_u64_as(p + i * 8, values[i], false);
    out->n += n * width;
    return CAPMILL_OK;
}

enum capmill_status
cm_parquet_pages_of_numbers(struct cm_parquet_maker *maker, const struct cm_parquet_column *column,
                            const struct cm_parquet_presence *presence, const uint64_t *values,
                            const struct cm_parquet_keeper *keeper, struct cm_error *error)
{
    struct cm_parquet_page page = {
        .n_rows = presence->n_rows, .n_nulls = presence->n_nulls, .encoding = column->plain};
    uint32_t n = presence->n_rows - presence->n_nulls;
    enum capmill_status status;

    /* never longer than a page may be: at most CM_TABLE_MAX_ROWS of 8 bytes */
    maker->plain.n = 0;
    status = put_levels(&maker->plain, column, presence->bits, 0, presence->n_rows, error);
    if (status != CAPMILL_OK)
        return status;
    status = column->plain == CM_PARQUET_DELTA
                 ? cm_parquet_deltas(&maker->plain, column->width, values, n, error)
                 : cm_parquet_plain_numbers(&maker->plain, column->width, values, n, error);
    if (status != CAPMILL_OK)
        return status;
    cm_parquet_bounds_numbers(column, values, n, &page.bounds);
    return finish(maker, &page, keeper, error);
}

enum capmill_status cm_parquet_page_of_indices(struct cm_parquet_maker *maker,
                                               const struct cm_parquet_column *column,
                                               const struct cm_parquet_presence *presence,
                                               const uint32_t *indices, uint32_t same, unsigned width,
                                               const struct cm_parquet_bounds *bounds,
                                               const struct cm_parquet_keeper *keeper, struct cm_error *error)
{
    struct cm_parquet_page page = {.n_rows = presence->n_rows,
                                   .n_nulls = presence->n_nulls,
                                   .encoding = CM_PARQUET_INDICES,
                                   .bounds = *bounds};
    uint8_t width_byte = (uint8_t)width;
    enum capmill_status status;

    maker->plain.n = 0;
    status = put_levels(&maker->plain, column, presence->bits, 0, presence->n_rows, error);
    if (status == CAPMILL_OK)
        status = cm_bytes_append(&maker->plain, &width_byte, 1, error);
    if (status == CAPMILL_OK)
        status =
            cm_parquet_runs(&maker->plain, indices, same, presence->n_rows - presence->n_nulls, width, error);
    return status == CAPMILL_OK ? finish(maker, &page, keeper, error) : status;
}

static bool is_there(const struct cm_parquet_presence *presence, uint32_t row)
{
    return presence->bits == NULL || (presence->bits[row / 8] >> row % 8 & 1) != 0;
}

/* Rows from `first` on that make a page, and how many values and bytes those have. With nulls pages end at
 * multiples of eight rows, so that their levels begin with a byte. */
struct stretch {
    uint32_t n_rows, n_values;
    uint64_t n_bytes;
};

static struct stretch measure_page(const struct cm_parquet_presence *presence, const struct cm_span *values,
                                   uint32_t first)
{
    struct stretch page = {0, 0, 0};

    while (first + page.n_rows < presence->n_rows) {
        bool may_end = presence->bits == NULL || page.n_rows % 8 == 0;

        if (page.n_bytes >= CM_PARQUET_PAGE_BYTES && may_end)
            break;
        if (is_there(presence, first + page.n_rows))
            page.n_bytes += 4 + (uint64_t)values[page.n_values++].n;
        page.n_rows++;
    }
    return page;
}

/* Encodings.md, PLAIN: byte arrays with their length in front. */
static enum capmill_status put_spans(struct cm_bytes *out, const struct cm_span *values, uint32_t n,
                                     uint64_t n_bytes, struct cm_error *error)
{
    enum capmill_status status;
    uint32_t n_checked;
    uint8_t *p;

    status = n_bytes > INT32_MAX ? check_length(SIZE_MAX, &n_checked, error)
                                 : cm_bytes_reserve(out, (size_t)n_bytes, error);
    if (status != CAPMILL_OK)
        return status;
    p = out->data + out->n;
    for (uint32_t i = 0; i < n; i++) {
        cm_store_u32_as(p, values[i].n, false);
        if (values[i].n != 0)
            memcpy(p + 4, values[i].bytes, values[i].n);
        p += 4 + (size_t)values[i].n;
    }
    out->n = (size_t)(p - out->data);
    return CAPMILL_OK;
}

enum capmill_status cm_parquet_pages_of_spans(struct cm_parquet_maker *maker,
                                              const struct cm_parquet_column *column,
                                              const struct cm_parquet_presence *presence,
                                              const struct cm_span *values,
                                              const struct cm_parquet_keeper *keeper, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    for (uint32_t first = 0; status == CAPMILL_OK && first < presence->n_rows;) {
        struct stretch stretch = measure_page(presence, values, first);
        struct cm_parquet_page page = {.n_rows = stretch.n_rows,
                                       .n_nulls = stretch.n_rows - stretch.n_values,
                                       .encoding = CM_PARQUET_PLAIN};

        maker->plain.n = 0;
        status = put_levels(&maker->plain, column, presence->bits, first, stretch.n_rows, error);
        if (status == CAPMILL_OK)
            status = put_spans(&maker->plain, values, stretch.n_values, stretch.n_bytes, error);
        if (status != CAPMILL_OK)
            break;
        if (column->bounds)
            cm_parquet_bounds_texts(values, stretch.n_values, &page.bounds);
        status = finish(maker, &page, keeper, error);
        first += stretch.n_rows;
        values += stretch.n_values;
    }
    return status;
}

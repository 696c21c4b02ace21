/* SPDX-License-Identifier: Apache-2.0 */
/* A row group on its way into the file: the pages of one column as they come, then the dictionaries and pages of
 * the others, indexes, bloom filters, in this order, and what the footer will say of it. Everything of it is
 * forgotten then. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/grow.h"
#include "format/parquet_int.h"

/* README.md, Data pages: a dictionary stands before the pages that refer to it. */
static enum capmill_status write_dictionary(struct cm_parquet_file *file,
                                            const struct cm_parquet_column *plan,
                                            struct cm_parquet_chunk *chunk, struct cm_error *error)
{
    struct cm_parquet_dictionary *dictionary = &chunk->dictionary;
    struct cm_bytes *plain = &file->scratch->maker.plain;
    uint32_t n_bytes, n_header;
    const uint8_t *bytes;
    enum capmill_status status;

    plain->n = 0;
    status =
        plan->type == CM_PARQUET_BYTE_ARRAY
            ? cm_bytes_append(plain, dictionary->text.data, dictionary->text.n, error)
            : cm_parquet_plain_numbers(plain, plan->width, dictionary->numbers, dictionary->n_values, error);
    if (status == CAPMILL_OK)
        status = cm_parquet_maker_pack(&file->scratch->maker, &bytes, &n_bytes, error);
    if (status != CAPMILL_OK)
        return status;
    chunk->dictionary_at = file->n_written;
    cm_parquet_describe_dictionary(&file->scratch->thrift, dictionary->n_values, (uint32_t)plain->n, n_bytes);
    status = cm_parquet_put_thrift(file, &n_header, error);
    if (status == CAPMILL_OK)
        status = cm_parquet_put(file, bytes, n_bytes, error);
    chunk->n_plain_bytes += (uint64_t)n_header + plain->n;
    chunk->n_packed_bytes += (uint64_t)n_header + n_bytes;
    return status;
}

static enum capmill_status write_page(struct cm_parquet_file *file, struct cm_parquet_chunk *chunk, size_t i,
                                      struct cm_error *error)
{
    struct cm_parquet_page *page = &chunk->pages[i];
    uint32_t n_header;
    enum capmill_status status;

    if (!CM_GROW_BOTH(chunk->page_places, chunk->page_lengths, chunk->places_capacity, i + 1, 16))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for an index of %zu pages", i + 1);
    if (i == 0)
        chunk->data_at = file->n_written;
    chunk->page_places[i] = file->n_written;
    cm_parquet_describe_page(&file->scratch->thrift, page);
    status = cm_parquet_put_thrift(file, &n_header, error);
    if (status == CAPMILL_OK)
        status = cm_parquet_put(file, page->owned != NULL ? page->owned : chunk->bytes.data + page->at,
                                page->n_bytes, error);
    /* a header has a few dozen bytes, and a page less than 2^31 */
    chunk->page_lengths[i] = n_header + page->n_bytes;
    chunk->n_plain_bytes += (uint64_t)n_header + page->n_plain;
    chunk->n_packed_bytes += (uint64_t)n_header + page->n_bytes;
    chunk->n_nulls += page->n_nulls;
    chunk->n_of_encoding[page->encoding]++;
    free(page->owned);
    page->owned = NULL;
    return status;
}

/* Of the whole: known where those of all pages are that have values. */
static void merge_bounds(const struct cm_parquet_column *plan, struct cm_parquet_chunk *chunk)
{
    bool first = true;

    memset(&chunk->bounds, 0, sizeof(chunk->bounds));
    for (size_t i = 0; i < chunk->n_pages; i++) {
        const struct cm_parquet_page *page = &chunk->pages[i];

        if (page->n_nulls == page->n_rows)
            continue;
        if (!page->bounds.known) {
            chunk->bounds.known = false;
            return;
        }
        if (first)
            chunk->bounds = page->bounds;
        else
            cm_parquet_bounds_merge(plan, &chunk->bounds, &page->bounds);
        first = false;
    }
}

static enum capmill_status write_chunk(struct cm_parquet_file *file, const struct cm_parquet_column *plan,
                                       struct cm_parquet_chunk *chunk, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    if (chunk->dictionary.used)
        status = write_dictionary(file, plan, chunk, error);
    for (; status == CAPMILL_OK && chunk->n_written < chunk->n_pages; chunk->n_written++)
        status = write_page(file, chunk, chunk->n_written, error);
    merge_bounds(plan, chunk);
    return status;
}

enum capmill_status cm_parquet_stream_pages(struct cm_parquet_file *file, struct cm_error *error)
{
    struct cm_parquet_chunk *chunk = &file->chunks[file->encoder->streamed];
    enum capmill_status status = CAPMILL_OK;

    for (; status == CAPMILL_OK && chunk->n_written < chunk->n_pages; chunk->n_written++)
        status = write_page(file, chunk, chunk->n_written, error);
    return status;
}

/* PageIndex.md: all column indexes of the row group, then all its offset indexes, each in one piece. */
static enum capmill_status write_indexes(struct cm_parquet_file *file, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    for (size_t c = 0; status == CAPMILL_OK && c < file->encoder->n_columns; c++) {
        struct cm_parquet_chunk *chunk = &file->chunks[c];

        chunk->column_index_at = file->n_written;
        if (cm_parquet_describe_column_index(&file->scratch->thrift, &file->encoder->columns[c], chunk))
            status = cm_parquet_put_thrift(file, &chunk->column_index_bytes, error);
    }
    for (size_t c = 0; status == CAPMILL_OK && c < file->encoder->n_columns; c++) {
        struct cm_parquet_chunk *chunk = &file->chunks[c];

        chunk->offset_index_at = file->n_written;
        cm_parquet_describe_offset_index(&file->scratch->thrift, chunk);
        status = cm_parquet_put_thrift(file, &chunk->offset_index_bytes, error);
    }
    return status;
}

static enum capmill_status write_bloom(struct cm_parquet_file *file, struct cm_parquet_chunk *chunk,
                                       struct cm_error *error)
{
    uint32_t n_bytes, n_header, *words;
    enum capmill_status status =
        cm_parquet_bloom_build(chunk->bloom, chunk->n_bloom, &words, &n_bytes, error);

    if (status != CAPMILL_OK)
        return status;
    chunk->bloom_at = file->n_written;
    cm_parquet_describe_bloom(&file->scratch->thrift, n_bytes);
    status = cm_parquet_put_thrift(file, &n_header, error);
    if (status == CAPMILL_OK)
        status = cm_parquet_put(file, words, n_bytes, error);
    chunk->bloom_bytes = n_header + n_bytes;
    free(words);
    return status;
}

static enum capmill_status write_blooms(struct cm_parquet_file *file, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    for (size_t c = 0; status == CAPMILL_OK && c < file->encoder->n_columns; c++)
        if (file->encoder->columns[c].column->bloom)
            status = write_bloom(file, &file->chunks[c], error);
    return status;
}

/* The first column that may be in ascending order and is; -1: none. */
static int32_t find_order(const struct cm_parquet_file *file)
{
    for (size_t c = 0; c < file->encoder->n_columns; c++)
        if (file->encoder->columns[c].column->order && file->chunks[c].ascends)
            return (int32_t)c;
    return -1;
}

void cm_parquet_chunk_fini(struct cm_parquet_chunk *chunk)
{
    for (size_t i = 0; i < chunk->n_pages; i++)
        free(chunk->pages[i].owned);
    free(chunk->pages);
    free(chunk->bloom);
    free(chunk->page_places);
    free(chunk->page_lengths);
    cm_bytes_free(&chunk->bytes);
    cm_parquet_dictionary_fini(&chunk->dictionary);
}

/* Memory goes back too: of many files most wait a long time for their next row. */
static void forget(struct cm_parquet_file *file)
{
    for (size_t c = 0; c < file->encoder->n_columns; c++) {
        struct cm_parquet_chunk *chunk = &file->chunks[c];

        cm_parquet_chunk_fini(chunk);
        memset(chunk, 0, sizeof(*chunk));
    }
    file->group_rows = 0;
    file->group_bytes = file->held = 0;
}

enum capmill_status cm_parquet_group_write(struct cm_parquet_file *file, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    for (size_t c = 0; status == CAPMILL_OK && c < file->encoder->n_columns; c++)
        status = write_chunk(file, &file->encoder->columns[c], &file->chunks[c], error);
    if (status == CAPMILL_OK)
        status = write_indexes(file, error);
    if (status == CAPMILL_OK)
        status = write_blooms(file, error);
    if (status != CAPMILL_OK)
        return status;
    cm_parquet_describe_group(file, find_order(file));
    status = cm_thrift_status(&file->scratch->thrift, error);
    if (status == CAPMILL_OK)
        status = cm_bytes_append(&file->groups, file->scratch->thrift.out.data, file->scratch->thrift.out.n,
                                 error);
    file->n_groups++;
    file->n_rows += file->group_rows;
    forget(file);
    return status;
}

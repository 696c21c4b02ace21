/* SPDX-License-Identifier: Apache-2.0 */
/* A Parquet file under construction: parts in order become the pages of a row group. Not how a row group is
 * written: parquet_group.c. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "base/grow.h"
#include "format/parquet_int.h"

#define MAGIC       "PAR1" /* README.md, File format */
#define MAGIC_BYTES 4u

static struct cm_parquet_file *file_of(struct cm_table_file *file)
{
    return (struct cm_parquet_file *)(void *)file;
}

enum capmill_status cm_parquet_put(struct cm_parquet_file *file, const void *bytes, size_t n,
                                   struct cm_error *error)
{
    /* offsets are i64 in parquet.thrift */
    if (n > INT64_MAX - file->n_written)
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0, "a Parquet file is not longer than 2^63 bytes");
    file->n_written += n;
    return n == 0 ? CAPMILL_OK : file->put.put(file->put.context, bytes, n, error);
}

enum capmill_status cm_parquet_put_thrift(struct cm_parquet_file *file, uint32_t *n_ret,
                                          struct cm_error *error)
{
    enum capmill_status status = cm_thrift_status(&file->scratch->thrift, error);

    *n_ret = 0;
    if (status != CAPMILL_OK)
        return status;
    /* lengths of metadata are i32 */
    if (file->scratch->thrift.out.n > INT32_MAX)
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                            "the metadata of a Parquet file is more than 2 GiB: row groups are too small");
    *n_ret = (uint32_t)file->scratch->thrift.out.n;
    return cm_parquet_put(file, file->scratch->thrift.out.data, file->scratch->thrift.out.n, error);
}

void cm_parquet_scratch_destroy(struct cm_parquet_scratch *scratch)
{
    if (scratch == NULL)
        return;
    cm_parquet_maker_fini(&scratch->maker);
    cm_bytes_free(&scratch->thrift.out);
    free(scratch->map);
    free(scratch->indices);
    free(scratch->numbers);
    free(scratch->spans);
    free(scratch);
}

enum capmill_status cm_parquet_scratch_create(const struct cm_parquet_encoder *encoder,
                                              struct cm_parquet_scratch **scratch_ret, struct cm_error *error)
{
    struct cm_parquet_scratch *scratch = calloc(1, sizeof(*scratch));
    enum capmill_status status = CAPMILL_OK;

    *scratch_ret = NULL;
    if (scratch != NULL) {
        scratch->map = malloc(CM_TABLE_MAX_ROWS * sizeof(scratch->map[0]));
        scratch->indices = malloc(CM_TABLE_MAX_ROWS * sizeof(scratch->indices[0]));
    }
    if (scratch == NULL || scratch->map == NULL || scratch->indices == NULL)
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to write Parquet files");
    if (status == CAPMILL_OK)
        status = cm_parquet_maker_init(&scratch->maker, encoder, error);
    if (status != CAPMILL_OK)
        cm_parquet_scratch_destroy(scratch);
    else
        *scratch_ret = scratch;
    return status;
}

enum capmill_status cm_parquet_begin(void *context, const struct cm_table_put *put,
                                     struct cm_table_file **file_ret, struct cm_error *error)
{
    const struct cm_parquet_encoder *encoder = context;
    struct cm_parquet_file *file = calloc(1, sizeof(*file) + encoder->n_columns * sizeof(file->chunks[0]));
    enum capmill_status status;

    *file_ret = NULL;
    if (file == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a Parquet file");
    file->encoder = encoder;
    file->put = *put;
    file->scratch = encoder->scratch;
    status = cm_parquet_put(file, MAGIC, MAGIC_BYTES, error);
    if (status != CAPMILL_OK) {
        cm_parquet_drop((struct cm_table_file *)file);
        return status;
    }
    *file_ret = (struct cm_table_file *)file;
    return CAPMILL_OK;
}

/* ---- a part's column ---- */

struct adding {
    struct cm_parquet_file *file;
    const struct cm_parquet_column *plan;
    struct cm_parquet_chunk *chunk;
    struct cm_parquet_part_column *column;
    uint32_t n_rows;
};

static enum capmill_status append_page(struct adding *adding, const struct cm_parquet_page *page,
                                       struct cm_error *error)
{
    struct cm_parquet_chunk *chunk = adding->chunk;

    if (!CM_GROW(chunk->pages, chunk->pages_capacity, chunk->n_pages + 1, 16))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for %zu pages", chunk->n_pages + 1);
    chunk->pages[chunk->n_pages++] = *page;
    adding->file->group_bytes += page->n_bytes;
    return CAPMILL_OK;
}

/* Keeps pages made here, behind each other. */
static enum capmill_status keep_page(void *context, const uint8_t *bytes, const struct cm_parquet_page *page,
                                     struct cm_error *error)
{
    struct adding *adding = context;
    struct cm_parquet_page kept = *page;
    enum capmill_status status;

    kept.at = adding->chunk->bytes.n;
    status = cm_bytes_append(&adding->chunk->bytes, bytes, page->n_bytes, error);
    return status == CAPMILL_OK ? append_page(adding, &kept, error) : status;
}

static enum capmill_status append_hashes(struct cm_parquet_chunk *chunk, const uint64_t *hashes, size_t n,
                                         struct cm_error *error)
{
    if (n == 0)
        return CAPMILL_OK;
    if (!CM_GROW(chunk->bloom, chunk->bloom_capacity, chunk->n_bloom + n, 1024))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a bloom filter");
    memcpy(chunk->bloom + chunk->n_bloom, hashes, n * sizeof(hashes[0]));
    chunk->n_bloom += n;
    return CAPMILL_OK;
}

/* Hashes of a part's values that the row group's dictionary had not got before: `n_before` it had. Where it took
 * none of the part (`indices` NULL) all of them. */
static enum capmill_status hash_values(struct adding *adding, const uint32_t *indices, uint32_t n_before,
                                       struct cm_error *error)
{
    const struct cm_parquet_found *found = &adding->column->found;
    enum capmill_status status = CAPMILL_OK;

    if (!adding->plan->column->bloom)
        return CAPMILL_OK;
    for (uint32_t i = 0; status == CAPMILL_OK && i < found->n_found; i++) {
        uint64_t hash;

        if (indices != NULL && indices[i] < n_before)
            continue;
        hash = found->numbers != NULL ? cm_parquet_hash_number(adding->plan, found->numbers[i])
                                      : cm_parquet_hash_span(cm_parquet_found_span(found, i));
        status = append_hashes(adding->chunk, &hash, 1, error);
    }
    return status;
}

/* Bits of an index; one at least, as some readers want. */
static unsigned width_for(uint32_t n_values)
{
    return n_values <= 2 ? 1 : 32u - (unsigned)__builtin_clz(n_values - 1);
}

static enum capmill_status add_indices(struct adding *adding, struct cm_error *error)
{
    const struct cm_parquet_found *found = &adding->column->found;
    struct cm_parquet_presence presence = {adding->n_rows, adding->column->n_nulls, adding->column->bits};
    struct cm_parquet_keeper keeper = {adding, keep_page};
    uint32_t *map = adding->file->scratch->map, *indices = adding->file->scratch->indices;
    uint32_t n = adding->n_rows - adding->column->n_nulls;
    unsigned width = width_for(adding->chunk->dictionary.n_values);

    adding->chunk->dictionary.used = true;
    if (found->indices == NULL)
        return cm_parquet_page_of_indices(&adding->file->scratch->maker, adding->plan, &presence, NULL,
                                          n == 0 ? 0 : map[0], width, &adding->column->bounds, &keeper,
                                          error);
    for (uint32_t i = 0; i < n; i++)
        indices[i] = map[found->indices[i]];
    return cm_parquet_page_of_indices(&adding->file->scratch->maker, adding->plan, &presence, indices, 0,
                                      width, &adding->column->bounds, &keeper, error);
}

static bool have_room_for_values(struct cm_parquet_file *file)
{
    if (file->scratch->numbers == NULL)
        file->scratch->numbers = malloc(CM_TABLE_MAX_ROWS * sizeof(file->scratch->numbers[0]));
    if (file->scratch->spans == NULL)
        file->scratch->spans = malloc(CM_TABLE_MAX_ROWS * sizeof(file->scratch->spans[0]));
    return file->scratch->numbers != NULL && file->scratch->spans != NULL;
}

/* The part's values without a dictionary: the row group's took no more. */
static enum capmill_status add_values_again(struct adding *adding, struct cm_error *error)
{
    struct cm_parquet_file *file = adding->file;
    const struct cm_parquet_found *found = &adding->column->found;
    struct cm_parquet_presence presence = {adding->n_rows, adding->column->n_nulls, adding->column->bits};
    struct cm_parquet_keeper keeper = {adding, keep_page};
    uint32_t n = adding->n_rows - adding->column->n_nulls;

    if (!have_room_for_values(file))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the values of a part");
    if (found->numbers != NULL) {
        for (uint32_t i = 0; i < n; i++)
            file->scratch->numbers[i] = found->numbers[found->indices == NULL ? 0 : found->indices[i]];
        return cm_parquet_pages_of_numbers(&file->scratch->maker, adding->plan, &presence,
                                           file->scratch->numbers, &keeper, error);
    }
    for (uint32_t i = 0; i < n; i++)
        file->scratch->spans[i] =
            cm_parquet_found_span(found, found->indices == NULL ? 0 : found->indices[i]);
    return cm_parquet_pages_of_spans(&file->scratch->maker, adding->plan, &presence, file->scratch->spans,
                                     &keeper, error);
}

static enum capmill_status add_found(struct adding *adding, struct cm_error *error)
{
    struct cm_parquet_dictionary *dictionary = &adding->chunk->dictionary;
    uint32_t n_before = dictionary->n_values;
    uint64_t bytes_before = cm_parquet_dictionary_bytes(adding->plan, dictionary);
    enum capmill_status status = cm_parquet_dictionary_merge(dictionary, adding->plan, &adding->column->found,
                                                             adding->file->scratch->map, error);
    bool full = status == CAPMILL_AGAIN;

    if (status < 0)
        return status;
    adding->file->group_bytes += cm_parquet_dictionary_bytes(adding->plan, dictionary) - bytes_before;
    status = hash_values(adding, full ? NULL : adding->file->scratch->map, n_before, error);
    if (status != CAPMILL_OK)
        return status;
    return full ? add_values_again(adding, error) : add_indices(adding, error);
}

static bool is_streamed(const struct adding *adding)
{
    return (size_t)(adding->chunk - adding->file->chunks) == adding->file->encoder->streamed;
}

/* Pages go over to the chunk with their memory. */
static enum capmill_status add_pages(struct adding *adding, struct cm_error *error)
{
    struct cm_parquet_part_column *column = adding->column;
    enum capmill_status status = append_hashes(adding->chunk, column->bloom, column->n_bloom, error);

    for (size_t i = 0; status == CAPMILL_OK && i < column->n_pages; i++) {
        status = append_page(adding, &column->pages[i], error);
        if (status == CAPMILL_OK)
            column->pages[i].owned = NULL;
    }
    if (status == CAPMILL_OK && is_streamed(adding))
        return cm_parquet_stream_pages(adding->file, error);
    for (size_t i = 0; status == CAPMILL_OK && i < column->n_pages; i++)
        adding->file->held += column->pages[i].n_bytes;
    return status;
}

static void note_order(struct adding *adding)
{
    struct cm_parquet_chunk *chunk = adding->chunk;
    const struct cm_parquet_part_column *column = adding->column;

    if (adding->file->group_rows == 0)
        chunk->ascends = column->ascends;
    else
        chunk->ascends &= column->ascends && (int64_t)chunk->last <= (int64_t)column->first;
    chunk->last = column->last;
}

static enum capmill_status add_columns(struct cm_parquet_file *file, struct cm_parquet_part *part,
                                       struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    if (file->group_rows == 0)
        file->group_at = file->n_written;
    for (size_t c = 0; status == CAPMILL_OK && c < file->encoder->n_columns; c++) {
        struct adding adding = {file, &file->encoder->columns[c], &file->chunks[c], &part->columns[c],
                                part->part.n_rows};

        if (adding.plan->column->order)
            note_order(&adding);
        status = adding.column->found.memory != NULL ? add_found(&adding, error) : add_pages(&adding, error);
    }
    file->group_rows += part->part.n_rows;
    return status;
}

enum capmill_status cm_parquet_add(struct cm_table_file *file_, struct cm_table_part *part,
                                   struct cm_error *error)
{
    struct cm_parquet_file *file = file_of(file_);
    const struct cm_table_options *options = &file->encoder->options;
    enum capmill_status status = CAPMILL_OK;

    if (file->group_rows != 0 && (uint64_t)file->group_rows + part->n_rows > options->row_group_rows)
        status = cm_parquet_group_write(file, error);
    if (status == CAPMILL_OK && part->n_rows != 0)
        status = add_columns(file, (struct cm_parquet_part *)(void *)part, error);
    if (status == CAPMILL_OK && file->group_bytes >= options->row_group_bytes)
        status = cm_parquet_group_write(file, error);
    cm_parquet_discard((void *)(uintptr_t)file->encoder, part);
    return status;
}

uint64_t cm_parquet_held_bytes(const struct cm_table_file *file_)
{
    const struct cm_parquet_file *file = (const struct cm_parquet_file *)(const void *)file_;
    uint64_t n = file->held;

    for (size_t c = 0; c < file->encoder->n_columns; c++) {
        const struct cm_parquet_chunk *chunk = &file->chunks[c];

        n += cm_parquet_dictionary_held(&chunk->dictionary) + chunk->bytes.capacity +
             chunk->pages_capacity * sizeof(chunk->pages[0]) +
             chunk->bloom_capacity * sizeof(chunk->bloom[0]);
    }
    return n;
}

enum capmill_status cm_parquet_flush(struct cm_table_file *file, struct cm_error *error)
{
    return file_of(file)->group_rows == 0 ? CAPMILL_OK : cm_parquet_group_write(file_of(file), error);
}

/* README.md, File format: the metadata, its length in four bytes, and the magic number again. */
static enum capmill_status write_footer(struct cm_parquet_file *file, struct cm_error *error)
{
    uint8_t tail[4 + MAGIC_BYTES];
    uint32_t n;
    enum capmill_status status;

    cm_parquet_describe_file(file);
    status = cm_parquet_put_thrift(file, &n, error);
    if (status != CAPMILL_OK)
        return status;
    cm_store_u32_as(tail, n, false);
    memcpy(tail + 4, MAGIC, MAGIC_BYTES);
    return cm_parquet_put(file, tail, sizeof(tail), error);
}

enum capmill_status cm_parquet_end(struct cm_table_file *file, struct cm_error *error)
{
    enum capmill_status status = cm_parquet_flush(file, error);

    if (status == CAPMILL_OK)
        status = write_footer(file_of(file), error);
    cm_parquet_drop(file);
    return status;
}

void cm_parquet_drop(struct cm_table_file *file_)
{
    struct cm_parquet_file *file = file_of(file_);

    if (file == NULL)
        return;
    for (size_t c = 0; c < file->encoder->n_columns; c++)
        cm_parquet_chunk_fini(&file->chunks[c]);
    cm_bytes_free(&file->groups);
    free(file);
}

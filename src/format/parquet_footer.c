/* SPDX-License-Identifier: Apache-2.0 */
/* The structures of parquet.thrift that a file has, field by field. What is in them is decided elsewhere. */
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "format/parquet_int.h"

enum { REQUIRED = 0, OPTIONAL = 1 };                   /* FieldRepetitionType */
enum { CONVERTED_UTF8 = 0, CONVERTED_UINT_8 = 11 };    /* ConvertedType; UINT_16, 32 and 64 follow */
enum { UNORDERED = 0, ASCENDING = 1, DESCENDING = 2 }; /* BoundaryOrder */
#define FORMAT_VERSION 2 /* FileMetaData: unsigned integers, and times in nanoseconds */

/* ---- pages ---- */

static void page_header(struct cm_thrift *thrift, enum cm_parquet_page_type type, uint32_t n_plain,
                        uint32_t n_bytes)
{
    cm_thrift_begin(thrift);
    cm_thrift_i32(thrift, 1, type);
    cm_thrift_i32(thrift, 2, (int32_t)n_plain);
    cm_thrift_i32(thrift, 3, (int32_t)n_bytes);
}

void cm_parquet_describe_page(struct cm_thrift *thrift, const struct cm_parquet_page *page)
{
    page_header(thrift, CM_PARQUET_DATA_PAGE, page->n_plain, page->n_bytes);
    cm_thrift_struct(thrift, 5); /* DataPageHeader */
    cm_thrift_i32(thrift, 1, (int32_t)page->n_rows);
    cm_thrift_i32(thrift, 2, page->encoding);
    cm_thrift_i32(thrift, 3, CM_PARQUET_RLE); /* of definition levels */
    cm_thrift_i32(thrift, 4, CM_PARQUET_RLE); /* of repetition levels */
    cm_thrift_end(thrift);
    cm_thrift_end(thrift);
}

void cm_parquet_describe_dictionary(struct cm_thrift *thrift, uint32_t n_values, uint32_t n_plain,
                                    uint32_t n_bytes)
{
    page_header(thrift, CM_PARQUET_DICTIONARY_PAGE, n_plain, n_bytes);
    cm_thrift_struct(thrift, 7); /* DictionaryPageHeader */
    cm_thrift_i32(thrift, 1, (int32_t)n_values);
    cm_thrift_i32(thrift, 2, CM_PARQUET_PLAIN);
    cm_thrift_end(thrift);
    cm_thrift_end(thrift);
}

/* ---- page indexes (PageIndex.md) ---- */

static bool has_values(const struct cm_parquet_page *page)
{
    return page->n_nulls != page->n_rows;
}

/* Whether bounds rise, or fall, from page to page, pages without values left out. */
static int32_t boundary_order(const struct cm_parquet_column *column, const struct cm_parquet_chunk *chunk)
{
    const struct cm_parquet_page *before = NULL;
    bool rises = true, falls = true;

    for (size_t i = 0; i < chunk->n_pages; i++) {
        const struct cm_parquet_page *page = &chunk->pages[i];

        if (!has_values(page))
            continue;
        for (int greatest = 0; before != NULL && greatest < 2; greatest++) {
            int order = cm_parquet_bounds_compare(column, &before->bounds, &page->bounds, greatest != 0);

            rises &= order <= 0;
            falls &= order >= 0;
        }
        before = page;
    }
    return rises ? ASCENDING : falls ? DESCENDING : UNORDERED;
}

static void list_bounds(struct cm_thrift *thrift, int16_t id, const struct cm_parquet_column *column,
                        const struct cm_parquet_chunk *chunk, bool greatest)
{
    cm_thrift_list(thrift, id, CM_THRIFT_BINARY, chunk->n_pages);
    for (size_t i = 0; i < chunk->n_pages; i++) {
        uint8_t room[8];
        struct cm_span bytes = {NULL, 0};

        if (has_values(&chunk->pages[i]))
            bytes = cm_parquet_bound_bytes(column, &chunk->pages[i].bounds, greatest, room);
        cm_thrift_item_binary(thrift, bytes.bytes, bytes.n);
    }
}

bool cm_parquet_describe_column_index(struct cm_thrift *thrift, const struct cm_parquet_column *column,
                                      const struct cm_parquet_chunk *chunk)
{
    if (!column->bounds)
        return false;
    for (size_t i = 0; i < chunk->n_pages; i++)
        if (has_values(&chunk->pages[i]) && !chunk->pages[i].bounds.known)
            return false;
    cm_thrift_begin(thrift);
    cm_thrift_list(thrift, 1, CM_THRIFT_TRUE, chunk->n_pages);
    for (size_t i = 0; i < chunk->n_pages; i++)
        cm_thrift_item_bool(thrift, !has_values(&chunk->pages[i]));
    list_bounds(thrift, 2, column, chunk, false);
    list_bounds(thrift, 3, column, chunk, true);
    cm_thrift_i32(thrift, 4, boundary_order(column, chunk));
    cm_thrift_list(thrift, 5, CM_THRIFT_I64, chunk->n_pages);
    for (size_t i = 0; i < chunk->n_pages; i++)
        cm_thrift_item_i64(thrift, chunk->pages[i].n_nulls);
    cm_thrift_end(thrift);
    return true;
}

void cm_parquet_describe_offset_index(struct cm_thrift *thrift, const struct cm_parquet_chunk *chunk)
{
    int64_t row = 0;

    cm_thrift_begin(thrift);
    cm_thrift_list(thrift, 1, CM_THRIFT_STRUCT, chunk->n_pages);
    for (size_t i = 0; i < chunk->n_pages; i++) {
        cm_thrift_item_struct(thrift); /* PageLocation */
        cm_thrift_i64(thrift, 1, (int64_t)chunk->page_places[i]);
        cm_thrift_i32(thrift, 2, (int32_t)chunk->page_lengths[i]);
        cm_thrift_i64(thrift, 3, row);
        cm_thrift_end(thrift);
        row += chunk->pages[i].n_rows;
    }
    cm_thrift_end(thrift);
}

/* ---- bloom filters (BloomFilter.md) ---- */

/* A union with its first member set, which is an empty struct. */
static void first_of_union(struct cm_thrift *thrift, int16_t id)
{
    cm_thrift_struct(thrift, id);
    cm_thrift_empty_struct(thrift, 1);
    cm_thrift_end(thrift);
}

void cm_parquet_describe_bloom(struct cm_thrift *thrift, uint32_t n_bytes)
{
    cm_thrift_begin(thrift);
    cm_thrift_i32(thrift, 1, (int32_t)n_bytes);
    first_of_union(thrift, 2); /* algorithm: split block */
    first_of_union(thrift, 3); /* hash: xxHash */
    first_of_union(thrift, 4); /* compression: none */
    cm_thrift_end(thrift);
}

/* ---- row groups ---- */

static void describe_statistics(struct cm_thrift *thrift, int16_t id, const struct cm_parquet_column *column,
                                const struct cm_parquet_chunk *chunk)
{
    uint8_t room[8];
    struct cm_span bytes;
    bool of_text = column->type == CM_PARQUET_BYTE_ARRAY;

    cm_thrift_struct(thrift, id);
    cm_thrift_i64(thrift, 3, (int64_t)chunk->n_nulls);
    if (chunk->bounds.known) {
        bytes = cm_parquet_bound_bytes(column, &chunk->bounds, true, room);
        cm_thrift_binary(thrift, 5, bytes.bytes, bytes.n);
        bytes = cm_parquet_bound_bytes(column, &chunk->bounds, false, room);
        cm_thrift_binary(thrift, 6, bytes.bytes, bytes.n);
        cm_thrift_bool(thrift, 7, !of_text || chunk->bounds.text[1].exact);
        cm_thrift_bool(thrift, 8, !of_text || chunk->bounds.text[0].exact);
    }
    cm_thrift_end(thrift);
}

/* Levels are RLE, a dictionary's own values PLAIN, and pages as they are. */
static bool is_encoded_so(const struct cm_parquet_column *column, const struct cm_parquet_chunk *chunk,
                          uint32_t encoding)
{
    return chunk->n_of_encoding[encoding] != 0 || (encoding == CM_PARQUET_RLE && column->column->nullable) ||
           (encoding == CM_PARQUET_PLAIN && chunk->dictionary.used);
}

static void list_encodings(struct cm_thrift *thrift, int16_t id, const struct cm_parquet_column *column,
                           const struct cm_parquet_chunk *chunk)
{
    size_t n = 0;

    for (uint32_t encoding = 0; encoding < CM_ARRAY_COUNT(chunk->n_of_encoding); encoding++)
        n += is_encoded_so(column, chunk, encoding);
    cm_thrift_list(thrift, id, CM_THRIFT_I32, n);
    for (uint32_t encoding = 0; encoding < CM_ARRAY_COUNT(chunk->n_of_encoding); encoding++)
        if (is_encoded_so(column, chunk, encoding))
            cm_thrift_item_i32(thrift, (int32_t)encoding);
}

static void encoding_stats(struct cm_thrift *thrift, enum cm_parquet_page_type type, uint32_t encoding,
                           uint32_t n)
{
    cm_thrift_item_struct(thrift);
    cm_thrift_i32(thrift, 1, type);
    cm_thrift_i32(thrift, 2, (int32_t)encoding);
    cm_thrift_i32(thrift, 3, (int32_t)n);
    cm_thrift_end(thrift);
}

/* From these readers see whether a dictionary holds all values of a chunk. */
static void list_encoding_stats(struct cm_thrift *thrift, int16_t id, const struct cm_parquet_chunk *chunk)
{
    size_t n = chunk->dictionary.used;

    for (uint32_t encoding = 0; encoding < CM_ARRAY_COUNT(chunk->n_of_encoding); encoding++)
        n += chunk->n_of_encoding[encoding] != 0;
    cm_thrift_list(thrift, id, CM_THRIFT_STRUCT, n);
    if (chunk->dictionary.used)
        encoding_stats(thrift, CM_PARQUET_DICTIONARY_PAGE, CM_PARQUET_PLAIN, 1);
    for (uint32_t encoding = 0; encoding < CM_ARRAY_COUNT(chunk->n_of_encoding); encoding++)
        if (chunk->n_of_encoding[encoding] != 0)
            encoding_stats(thrift, CM_PARQUET_DATA_PAGE, encoding, chunk->n_of_encoding[encoding]);
}

static void describe_column(struct cm_thrift *thrift, const struct cm_parquet_file *file, size_t c)
{
    const struct cm_parquet_column *column = &file->encoder->columns[c];
    const struct cm_parquet_chunk *chunk = &file->chunks[c];
    const char *name = column->column->name;

    cm_thrift_struct(thrift, 3); /* ColumnMetaData */
    cm_thrift_i32(thrift, 1, column->type);
    list_encodings(thrift, 2, column, chunk);
    cm_thrift_list(thrift, 3, CM_THRIFT_BINARY, 1);
    cm_thrift_item_binary(thrift, name, strlen(name));
    cm_thrift_i32(thrift, 4, file->encoder->codec);
    cm_thrift_i64(thrift, 5, file->group_rows);
    cm_thrift_i64(thrift, 6, (int64_t)chunk->n_plain_bytes);
    cm_thrift_i64(thrift, 7, (int64_t)chunk->n_packed_bytes);
    cm_thrift_i64(thrift, 9, (int64_t)chunk->data_at);
    if (chunk->dictionary.used)
        cm_thrift_i64(thrift, 11, (int64_t)chunk->dictionary_at);
    describe_statistics(thrift, 12, column, chunk);
    list_encoding_stats(thrift, 13, chunk);
    if (chunk->bloom_bytes != 0) {
        cm_thrift_i64(thrift, 14, (int64_t)chunk->bloom_at);
        cm_thrift_i32(thrift, 15, (int32_t)chunk->bloom_bytes);
    }
    cm_thrift_end(thrift);
}

static void describe_chunk(struct cm_thrift *thrift, const struct cm_parquet_file *file, size_t c)
{
    const struct cm_parquet_chunk *chunk = &file->chunks[c];

    cm_thrift_item_struct(thrift); /* ColumnChunk */
    cm_thrift_i64(thrift, 2, 0);   /* where its metadata is outside the footer: nowhere */
    describe_column(thrift, file, c);
    cm_thrift_i64(thrift, 4, (int64_t)chunk->offset_index_at);
    cm_thrift_i32(thrift, 5, (int32_t)chunk->offset_index_bytes);
    if (chunk->column_index_bytes != 0) {
        cm_thrift_i64(thrift, 6, (int64_t)chunk->column_index_at);
        cm_thrift_i32(thrift, 7, (int32_t)chunk->column_index_bytes);
    }
    cm_thrift_end(thrift);
}

void cm_parquet_describe_group(struct cm_parquet_file *file, int32_t sorted_by)
{
    struct cm_thrift *thrift = &file->scratch->thrift;
    uint64_t n_plain = 0, n_packed = 0;

    cm_thrift_begin(thrift);
    cm_thrift_list(thrift, 1, CM_THRIFT_STRUCT, file->encoder->n_columns);
    for (size_t c = 0; c < file->encoder->n_columns; c++) {
        describe_chunk(thrift, file, c);
        n_plain += file->chunks[c].n_plain_bytes;
        n_packed += file->chunks[c].n_packed_bytes;
    }
    cm_thrift_i64(thrift, 2, (int64_t)n_plain);
    cm_thrift_i64(thrift, 3, file->group_rows);
    if (sorted_by >= 0) {
        cm_thrift_list(thrift, 4, CM_THRIFT_STRUCT, 1);
        cm_thrift_item_struct(thrift); /* SortingColumn */
        cm_thrift_i32(thrift, 1, sorted_by);
        cm_thrift_bool(thrift, 2, false); /* descending */
        cm_thrift_bool(thrift, 3, false); /* nulls first */
        cm_thrift_end(thrift);
    }
    cm_thrift_i64(thrift, 5, (int64_t)file->group_at);
    cm_thrift_i64(thrift, 6, (int64_t)n_packed);
    cm_thrift_end(thrift);
}

/* ---- the file ---- */

static void describe_logical_type(struct cm_thrift *thrift, int16_t id, enum cm_column_type type)
{
    cm_thrift_struct(thrift, id);
    if (type == CM_COLUMN_TEXT) {
        cm_thrift_empty_struct(thrift, 1);
    } else if (type == CM_COLUMN_TIME_NS) {
        cm_thrift_struct(thrift, 8);       /* TimestampType */
        cm_thrift_bool(thrift, 1, true);   /* UTC */
        cm_thrift_struct(thrift, 2);       /* TimeUnit */
        cm_thrift_empty_struct(thrift, 3); /* nanoseconds */
        cm_thrift_end(thrift);
        cm_thrift_end(thrift);
    } else {
        cm_thrift_struct(thrift, 10); /* IntType */
        cm_thrift_i8(thrift, 1, (int8_t)(8 << (type - CM_COLUMN_UINT8)));
        cm_thrift_bool(thrift, 2, false); /* signed */
        cm_thrift_end(thrift);
    }
    cm_thrift_end(thrift);
}
_Static_assert(CM_COLUMN_UINT64 - CM_COLUMN_UINT8 == 3, "widths are powers of two, in this order");

static void describe_column_type(struct cm_thrift *thrift, const struct cm_parquet_column *column)
{
    enum cm_column_type type = column->column->type;
    bool is_unsigned = type >= CM_COLUMN_UINT8 && type <= CM_COLUMN_UINT64;

    cm_thrift_item_struct(thrift); /* SchemaElement */
    cm_thrift_i32(thrift, 1, column->type);
    cm_thrift_i32(thrift, 3, column->column->nullable ? OPTIONAL : REQUIRED);
    cm_thrift_text(thrift, 4, column->column->name);
    /* none for nanoseconds, which are younger than it */
    if (type == CM_COLUMN_TEXT)
        cm_thrift_i32(thrift, 6, CONVERTED_UTF8);
    else if (is_unsigned)
        cm_thrift_i32(thrift, 6, CONVERTED_UINT_8 + (int32_t)(type - CM_COLUMN_UINT8));
    if (is_unsigned || type == CM_COLUMN_TEXT || type == CM_COLUMN_TIME_NS)
        describe_logical_type(thrift, 10, type);
    cm_thrift_end(thrift);
}

static void describe_schema(struct cm_thrift *thrift, int16_t id, const struct cm_parquet_encoder *encoder)
{
    const char *name = encoder->options.schema->record_name;

    cm_thrift_list(thrift, id, CM_THRIFT_STRUCT, encoder->n_columns + 1);
    cm_thrift_item_struct(thrift); /* the root */
    cm_thrift_text(thrift, 4, name == NULL ? "schema" : name);
    cm_thrift_i32(thrift, 5, (int32_t)encoder->n_columns);
    cm_thrift_end(thrift);
    for (size_t c = 0; c < encoder->n_columns; c++)
        describe_column_type(thrift, &encoder->columns[c]);
}

static const char *find_version(const struct cm_table_options *options)
{
    for (size_t i = 0; i < options->n_notes; i++)
        if (strcmp(options->notes[i].key, "capmill.version") == 0)
            return options->notes[i].value;
    return "0.0.0";
}

/* As readers take it apart to know whose mistakes to allow for: "NAME version VERSION (build BUILD)". */
static void describe_creator(struct cm_thrift *thrift, int16_t id, const struct cm_table_options *options)
{
    const char *version = find_version(options);
    char text[128];

    snprintf(text, sizeof(text), "capmill version %.40s (build %.40s)", version, version);
    cm_thrift_text(thrift, id, text);
}

static void describe_notes(struct cm_thrift *thrift, int16_t id, const struct cm_table_options *options)
{
    if (options->n_notes == 0)
        return;
    cm_thrift_list(thrift, id, CM_THRIFT_STRUCT, options->n_notes);
    for (size_t i = 0; i < options->n_notes; i++) {
        cm_thrift_item_struct(thrift); /* KeyValue */
        cm_thrift_text(thrift, 1, options->notes[i].key);
        cm_thrift_text(thrift, 2, options->notes[i].value);
        cm_thrift_end(thrift);
    }
}

void cm_parquet_describe_file(struct cm_parquet_file *file)
{
    const struct cm_parquet_encoder *encoder = file->encoder;
    struct cm_thrift *thrift = &file->scratch->thrift;

    cm_thrift_begin(thrift); /* FileMetaData */
    cm_thrift_i32(thrift, 1, FORMAT_VERSION);
    describe_schema(thrift, 2, encoder);
    cm_thrift_i64(thrift, 3, (int64_t)file->n_rows);
    cm_thrift_list(thrift, 4, CM_THRIFT_STRUCT, file->n_groups);
    cm_thrift_items(thrift, file->groups.data, file->groups.n);
    describe_notes(thrift, 5, &encoder->options);
    describe_creator(thrift, 6, &encoder->options);
    cm_thrift_list(thrift, 7, CM_THRIFT_STRUCT, encoder->n_columns);
    for (size_t c = 0; c < encoder->n_columns; c++) {
        cm_thrift_item_struct(thrift);     /* ColumnOrder */
        cm_thrift_empty_struct(thrift, 1); /* by type */
        cm_thrift_end(thrift);
    }
    cm_thrift_end(thrift);
}

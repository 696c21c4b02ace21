/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the Parquet encoder share. Only for src/format.
 *
 * Where the work is done: a worker turns rows into a part (parquet_encode.c): finished pages, but for columns
 * whose values repeat a dictionary of this part and indices into it. The file (parquet_file.c) takes parts in
 * order, merges their dictionaries into one for each column of the row group, and writes indices into that.
 * What it makes of a row group stays in memory until the group ends, because a column's pages lie together in the
 * file. One column may be written as it comes: its pages are the first in the group. That is the payload, nearly all
 * of a file, so that a row group takes some MiB of memory where it takes 128 MiB of disk, and pages that were
 * written are memory for the next. */
#ifndef CM_FORMAT_PARQUET_INT_H
#define CM_FORMAT_PARQUET_INT_H

#include "format/bytes.h"
#include "format/parquet.h"
#include "format/thrift.h"

/* parquet.thrift: Type, Encoding, PageType */
enum cm_parquet_type { CM_PARQUET_INT32 = 1, CM_PARQUET_INT64 = 2, CM_PARQUET_BYTE_ARRAY = 6 };
enum cm_parquet_encoding {
    CM_PARQUET_PLAIN = 0,
    CM_PARQUET_RLE = 3,
    CM_PARQUET_DELTA = 5,   /* DELTA_BINARY_PACKED */
    CM_PARQUET_INDICES = 8, /* RLE_DICTIONARY */
};
enum cm_parquet_page_type { CM_PARQUET_DATA_PAGE = 0, CM_PARQUET_DICTIONARY_PAGE = 2 };

/* Pages of byte arrays end with the value that makes them this long. Readers hold a page of each column
 * uncompressed, and skip whole pages; 1 MiB is what most writers take. */
#define CM_PARQUET_PAGE_BYTES (1u << 20)

/* A row group's dictionary ends at either. An index then has 17 bits at most, and readers keep the values of a
 * few columns in their second-level cache; more would make fewer columns fall back to plain values. */
#define CM_PARQUET_DICTIONARY_VALUES (1u << 17)
#define CM_PARQUET_DICTIONARY_BYTES  (4u << 20)

/* How much of a text goes into least and greatest values; parquet-mr's page index keeps as much. */
#define CM_PARQUET_BOUND_BYTES 64u

/* A column as the file has it. */
struct cm_parquet_column {
    const struct cm_column *column;
    enum cm_parquet_type type;
    uint8_t width;                  /* bytes of a number */
    bool is_signed;                 /* order of numbers */
    bool dictionary;                /* tried first */
    bool bounds;                    /* least and greatest values are kept */
    enum cm_parquet_encoding plain; /* of numbers without a dictionary: PLAIN or DELTA */
};

struct cm_parquet_scratch;

struct cm_parquet_encoder {
    struct cm_table_options options;
    int32_t codec; /* parquet.thrift: CompressionCodec */
    size_t n_columns;
    struct cm_parquet_scratch *scratch;
    size_t streamed; /* the column whose pages are written as they come; SIZE_MAX: none */
    struct cm_parquet_column columns[];
};

/* ---- least and greatest values (parquet_stats.c) ---- */

/* A text, or its beginning: then the greatest is made greater than all that begin so. */
struct cm_parquet_text_bound {
    uint8_t n;
    bool exact;
    uint8_t bytes[CM_PARQUET_BOUND_BYTES];
};

struct cm_parquet_bounds {
    bool known; /* there are values, and bounds could be made of them */
    union {
        struct {
            uint64_t least, greatest;
        };
        struct cm_parquet_text_bound text[2]; /* least, greatest */
    };
};

void cm_parquet_bounds_numbers(const struct cm_parquet_column *column, const uint64_t *values, size_t n,
                               struct cm_parquet_bounds *bounds_ret);
void cm_parquet_bounds_texts(const struct cm_span *values, size_t n, struct cm_parquet_bounds *bounds_ret);
/* Negative, 0, positive as memcmp; of the least values and of the greatest. Both known. */
int cm_parquet_bounds_compare(const struct cm_parquet_column *column, const struct cm_parquet_bounds *a,
                              const struct cm_parquet_bounds *b, bool greatest);
void cm_parquet_bounds_merge(const struct cm_parquet_column *column, struct cm_parquet_bounds *into,
                             const struct cm_parquet_bounds *from);
/* Bytes as statistics have them: a number's are put into `room`. */
struct cm_span cm_parquet_bound_bytes(const struct cm_parquet_column *column,
                                      const struct cm_parquet_bounds *bounds, bool greatest, uint8_t room[8]);

/* ---- pages (parquet_pages.c) ---- */

struct cm_parquet_page {
    uint8_t *owned; /* its bytes, compressed; NULL: they lie at `at` in the chunk's */
    size_t at;
    uint32_t n_bytes, n_plain; /* compressed, and before */
    uint32_t n_rows, n_nulls;
    enum cm_parquet_encoding encoding;
    struct cm_parquet_bounds bounds;
};

/* What makes pages, one thread's at a time. */
struct cm_parquet_maker {
    struct cm_compressor *compressor; /* NULL: none */
    struct cm_bytes plain, packed;
};

enum capmill_status cm_parquet_maker_init(struct cm_parquet_maker *maker,
                                          const struct cm_parquet_encoder *encoder, struct cm_error *error);
void cm_parquet_maker_fini(struct cm_parquet_maker *maker);
/* What maker->plain holds, compressed; borrowed until the next call. */
enum capmill_status cm_parquet_maker_pack(struct cm_parquet_maker *maker, const uint8_t **bytes_ret,
                                          uint32_t *n_ret, struct cm_error *error);

/* Which rows have a value. */
struct cm_parquet_presence {
    uint32_t n_rows, n_nulls;
    const uint8_t *bits; /* the first row is the lowest bit; NULL: n_nulls is 0 */
};

/* Who keeps pages that are made: copies `bytes`, and completes `page`. */
struct cm_parquet_keeper {
    void *context;
    enum capmill_status (*keep)(void *context, const uint8_t *bytes, const struct cm_parquet_page *page,
                                struct cm_error *error);
};

/* Pages of the values that are there (as many as presence says), without a dictionary. */
enum capmill_status
cm_parquet_pages_of_numbers(struct cm_parquet_maker *maker, const struct cm_parquet_column *column,
                            const struct cm_parquet_presence *presence, const uint64_t *values,
                            const struct cm_parquet_keeper *keeper, struct cm_error *error);
enum capmill_status cm_parquet_pages_of_spans(struct cm_parquet_maker *maker,
                                              const struct cm_parquet_column *column,
                                              const struct cm_parquet_presence *presence,
                                              const struct cm_span *values,
                                              const struct cm_parquet_keeper *keeper, struct cm_error *error);
/* One page of indices below 1 << width. `indices` NULL: all are `same`. */
enum capmill_status
cm_parquet_page_of_indices(struct cm_parquet_maker *maker, const struct cm_parquet_column *column,
                           const struct cm_parquet_presence *presence, const uint32_t *indices, uint32_t same,
                           unsigned width, const struct cm_parquet_bounds *bounds,
                           const struct cm_parquet_keeper *keeper, struct cm_error *error);

/* Encodings.md, PLAIN. */
enum capmill_status cm_parquet_plain_numbers(struct cm_bytes *out, unsigned width, const uint64_t *values,
                                             size_t n, struct cm_error *error);

/* ---- encodings (parquet_runs.c, parquet_delta.c) ---- */

/* Encodings.md, RLE / bit-packing hybrid; without length or width in front. `indices` NULL: all are `same`. */
enum capmill_status cm_parquet_runs(struct cm_bytes *out, const uint32_t *values, uint32_t same, size_t n,
                                    unsigned width, struct cm_error *error);
/* The same for bits `first` to `first` + n; `first` is a multiple of 8. NULL: all are 1. */
enum capmill_status cm_parquet_bit_runs(struct cm_bytes *out, const uint8_t *bits, size_t first, size_t n,
                                        struct cm_error *error);
/* Encodings.md, DELTA_BINARY_PACKED, of numbers with `width` bytes. */
enum capmill_status cm_parquet_deltas(struct cm_bytes *out, unsigned width, const uint64_t *values, size_t n,
                                      struct cm_error *error);

/* ---- dictionaries (parquet_dictionary.c, parquet_merge.c) ---- */

/* Different values of a part's column in the order in which they come first, while they are found: scratch of a
 * worker. */
struct cm_parquet_finder {
    uint16_t *slots;   /* index + 1 */
    uint64_t *numbers; /* of the values found; or */
    struct cm_span *spans;
    uint32_t *hashes;
    uint16_t *indices; /* of each value that was given */
    uint32_t n_found;
};

enum capmill_status cm_parquet_finder_init(struct cm_parquet_finder *finder, struct cm_error *error);
void cm_parquet_finder_fini(struct cm_parquet_finder *finder);
/* False where there are so many different values that a dictionary does not pay. */
bool cm_parquet_find_numbers(struct cm_parquet_finder *finder, const uint64_t *values, uint32_t n);
bool cm_parquet_find_spans(struct cm_parquet_finder *finder, const struct cm_span *values, uint32_t n);

/* What a part keeps of it, in one piece of memory. */
struct cm_parquet_found {
    void *memory; /* NULL: the column has no dictionary here */
    size_t n_bytes;
    uint32_t n_found;
    uint64_t *numbers;
    uint32_t *ends; /* of texts, in `text` */
    uint8_t *text;
    uint32_t *hashes;
    uint16_t *indices; /* NULL: there is one value, or none */
};

enum capmill_status cm_parquet_found_keep(const struct cm_parquet_finder *finder, bool of_spans,
                                          uint32_t n_values, struct cm_parquet_found *found_ret,
                                          struct cm_error *error);
static inline struct cm_span cm_parquet_found_span(const struct cm_parquet_found *found, uint32_t i)
{
    uint32_t begin = i == 0 ? 0 : found->ends[i - 1];

    return (struct cm_span){found->text + begin, found->ends[i] - begin};
}

/* A column's dictionary of a row group. Zeroed at first. */
struct cm_parquet_dictionary {
    uint64_t *slots; /* hash << 32 | index + 1 */
    uint32_t slots_log2;
    uint32_t n_values;
    size_t numbers_capacity, ends_capacity;
    uint64_t *numbers;    /* or */
    uint32_t *ends;       /* in `text` */
    struct cm_bytes text; /* PLAIN: each with its length in front */
    bool full;            /* no more values are taken */
    bool used;            /* pages refer to it */
};

void cm_parquet_dictionary_fini(struct cm_parquet_dictionary *dictionary);
uint64_t cm_parquet_dictionary_held(const struct cm_parquet_dictionary *dictionary);
uint64_t cm_parquet_dictionary_bytes(const struct cm_parquet_column *column,
                                     const struct cm_parquet_dictionary *dictionary);
/* The indices in `dictionary` of a part's values, each found or added. AGAIN where it is full: some may then
 * have been added. */
enum capmill_status cm_parquet_dictionary_merge(struct cm_parquet_dictionary *dictionary,
                                                const struct cm_parquet_column *column,
                                                const struct cm_parquet_found *found, uint32_t *indices_ret,
                                                struct cm_error *error);

/* ---- parts (parquet_encode.c) ---- */

struct cm_parquet_part_column {
    uint32_t n_nulls;
    uint8_t *bits; /* presence; NULL: all are there */
    struct cm_parquet_found found;
    struct cm_parquet_bounds bounds; /* where `found` is set */
    struct cm_parquet_page *pages;   /* where it is not */
    size_t n_pages, pages_capacity;
    uint64_t *bloom; /* hashes of values, where there is no dictionary */
    size_t n_bloom;
    bool ascends; /* of columns with `order`: no nulls, and no value less than the one before */
    uint64_t first, last;
};

struct cm_parquet_part {
    struct cm_table_part part;
    struct cm_parquet_part_column columns[];
};

enum capmill_status cm_parquet_open(void *context, void **local_ret, struct cm_error *error);
void cm_parquet_close(void *context, void *local);
enum capmill_status cm_parquet_encode(void *context, void *local, const struct cm_table_rows *rows,
                                      struct cm_table_part **part_ret, struct cm_error *error);
void cm_parquet_discard(void *context, struct cm_table_part *part);

/* ---- bloom filters (parquet_bloom.c) ---- */

uint64_t cm_parquet_hash_number(const struct cm_parquet_column *column, uint64_t value);
uint64_t cm_parquet_hash_span(struct cm_span value);
/* A filter for `hashes`, some of which may be equal: as small as its promise allows, always a power of two. */
enum capmill_status cm_parquet_bloom_build(const uint64_t *hashes, size_t n, uint32_t **words_ret,
                                           uint32_t *n_bytes_ret, struct cm_error *error);

/* ---- a file (parquet_file.c, parquet_group.c, parquet_footer.c) ---- */

/* A column's pages in a row group, until it ends. */
struct cm_parquet_chunk {
    struct cm_parquet_dictionary dictionary;
    struct cm_parquet_page *pages;
    size_t n_pages, pages_capacity;
    struct cm_bytes bytes; /* of pages that the file made */
    uint64_t *bloom;
    size_t n_bloom, bloom_capacity;
    bool ascends;
    uint64_t last;
    size_t n_written; /* pages that are in the file */
    /* set when it is written */
    struct cm_parquet_bounds bounds;
    uint64_t n_nulls, n_plain_bytes, n_packed_bytes, dictionary_at, data_at;
    uint64_t *page_places;  /* where the pages lie in the file */
    uint32_t *page_lengths; /* with their headers */
    size_t places_capacity;
    uint32_t n_of_encoding[CM_PARQUET_INDICES + 1];
    uint64_t bloom_at, column_index_at, offset_index_at;
    uint32_t bloom_bytes, column_index_bytes, offset_index_bytes;
};

/* Of the thread that writes, for all files of an encoder: of thousands of files each would have more scratch than
 * rows. */
struct cm_parquet_scratch {
    struct cm_parquet_maker maker;
    struct cm_thrift thrift;
    uint32_t *map;     /* indices of a part's values in the row group's dictionary */
    uint32_t *indices; /* of the part's rows; CM_TABLE_MAX_ROWS of each */
    /* values again, where a dictionary became too large; as many, made when first wanted */
    uint64_t *numbers;
    struct cm_span *spans;
};

struct cm_parquet_file {
    const struct cm_parquet_encoder *encoder;
    struct cm_table_put put;
    uint64_t n_written;
    struct cm_parquet_scratch *scratch; /* the encoder's */
    uint64_t group_at;                  /* where the row group begins */
    struct cm_bytes groups;             /* finished RowGroups of the footer */
    size_t n_groups;
    uint64_t n_rows;
    uint32_t group_rows;
    uint64_t group_bytes; /* encoded */
    uint64_t held;        /* memory */
    struct cm_parquet_chunk chunks[];
};

enum capmill_status cm_parquet_begin(void *context, const struct cm_table_put *put,
                                     struct cm_table_file **file_ret, struct cm_error *error);
enum capmill_status cm_parquet_add(struct cm_table_file *file, struct cm_table_part *part,
                                   struct cm_error *error);
uint64_t cm_parquet_held_bytes(const struct cm_table_file *file);
enum capmill_status cm_parquet_flush(struct cm_table_file *file, struct cm_error *error);
enum capmill_status cm_parquet_end(struct cm_table_file *file, struct cm_error *error);
void cm_parquet_drop(struct cm_table_file *file);
enum capmill_status cm_parquet_scratch_create(const struct cm_parquet_encoder *encoder,
                                              struct cm_parquet_scratch **scratch_ret,
                                              struct cm_error *error);
void cm_parquet_scratch_destroy(struct cm_parquet_scratch *scratch); /* NULL accepted */

/* Everything goes through it: it counts. */
enum capmill_status cm_parquet_put(struct cm_parquet_file *file, const void *bytes, size_t n,
                                   struct cm_error *error);
enum capmill_status cm_parquet_put_thrift(struct cm_parquet_file *file, uint32_t *n_ret,
                                          struct cm_error *error);
void cm_parquet_chunk_fini(struct cm_parquet_chunk *chunk);
/* Write the pages that the streamed column's chunk holds. */
enum capmill_status cm_parquet_stream_pages(struct cm_parquet_file *file, struct cm_error *error);
/* Write the row group that is held, and forget it. */
enum capmill_status cm_parquet_group_write(struct cm_parquet_file *file, struct cm_error *error);

/* Structures of parquet.thrift, into file->thrift. */
void cm_parquet_describe_page(struct cm_thrift *thrift, const struct cm_parquet_page *page);
void cm_parquet_describe_dictionary(struct cm_thrift *thrift, uint32_t n_values, uint32_t n_plain,
                                    uint32_t n_bytes);
bool cm_parquet_describe_column_index(struct cm_thrift *thrift, const struct cm_parquet_column *column,
                                      const struct cm_parquet_chunk *chunk);
void cm_parquet_describe_offset_index(struct cm_thrift *thrift, const struct cm_parquet_chunk *chunk);
void cm_parquet_describe_bloom(struct cm_thrift *thrift, uint32_t n_bytes);
void cm_parquet_describe_group(struct cm_parquet_file *file, int32_t sorted_by);
void cm_parquet_describe_file(struct cm_parquet_file *file);

#endif

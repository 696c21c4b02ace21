/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the Parquet files that the encoder writes, slowly and suspiciously: every length, offset, index and bound is
 * held against what it describes. For unit tests and fuzzing; not for files of others. */
#ifndef CM_TESTS_PARQUET_READ_H
#define CM_TESTS_PARQUET_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/table_encoder.h"

/* A value of Thrift's compact protocol, as a tree. */
struct thrift_node {
    int type, id;
    int64_t number; /* of integers; of truth values 0 or 1 */
    struct cm_span bytes;
    struct thrift_node *first, *next; /* fields of a struct, items of a list */
    size_t n;
};

struct parquet_memory {
    struct parquet_memory *next;
    max_align_t bytes[];
};

struct parquet_values {
    uint8_t *present;
    uint64_t *numbers;
    struct cm_span *spans;
};

struct parquet_read {
    const uint8_t *bytes;
    size_t n;
    const struct cm_table_schema *schema;
    char fault[200]; /* why the last call said no */
    struct thrift_node *footer;
    uint64_t n_rows;
    size_t n_groups;
    struct parquet_values *values;     /* of each column, n_rows of them */
    size_t n_pages, n_of_encoding[16]; /* data pages seen */
    size_t n_sorted;                   /* row groups that declare an order */
    struct parquet_memory *memory;
};

/* The whole file; false where anything of it is not as it should be. */
bool parquet_read(struct parquet_read *read, const uint8_t *bytes, size_t n,
                  const struct cm_table_schema *schema);
void parquet_read_free(struct parquet_read *read);
/* Whether rows from `first` on are these. */
bool parquet_read_has(struct parquet_read *read, uint64_t first, const struct cm_table_rows *rows);

/* Memory that lasts until parquet_read_free, zeroed. */
void *parquet_take(struct parquet_read *read, size_t n);

struct parquet_cursor {
    const uint8_t *at, *end;
    bool bad; /* the bytes ended too soon, or were not what they should be */
};

/* Parts of it, for tests of their own. NULL: cut short, or not of this protocol. */
struct thrift_node *thrift_read(struct parquet_read *memory, const uint8_t *bytes, size_t n,
                                size_t *n_used_ret);
const struct thrift_node *thrift_field(const struct thrift_node *node, int id); /* NULL: has none */
bool parquet_read_runs(const uint8_t *bytes, size_t n, unsigned width, uint32_t *values, size_t n_values);
bool parquet_read_deltas(const uint8_t *bytes, size_t n, unsigned width, uint64_t *values, size_t n_values);
bool parquet_bloom_has(const uint8_t *bits, size_t n, uint64_t hash);

#endif

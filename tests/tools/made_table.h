/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of tables made up from a seed, for tests, fuzzing and measuring of what encodes tables. Aborts where memory
 * cannot be had. */
#ifndef CM_TESTS_MADE_TABLE_H
#define CM_TESTS_MADE_TABLE_H

#include "format/table_encoder.h"

struct made_table_options {
    uint64_t seed;
    unsigned null_percent; /* of nullable columns; 100: no values at all */
    uint32_t distinct;     /* values of a column that repeats; 0: 500 */
    uint32_t text_bytes;   /* texts are up to so long; 0: 24 */
    uint32_t bytes_bytes;  /* values of BYTES columns are up to so long, some of none */
    bool backwards;        /* columns that rise fall back now and then */
};

struct made_table;

/* Those that packets have by default, without and with a bloom filter for flow ids. */
extern const struct cm_table_schema made_packet_schema, made_bloom_schema;
/* Every type with every habit, with nulls and without. */
extern const struct cm_table_schema made_types_schema;

struct made_table *made_table_create(const struct cm_table_schema *schema,
                                     const struct made_table_options *options);
void made_table_destroy(struct made_table *table);
/* The next `n` rows, at most CM_TABLE_MAX_ROWS; borrowed until the next call. */
void made_table_next(struct made_table *table, uint32_t n, struct cm_table_rows *rows_ret);

#endif

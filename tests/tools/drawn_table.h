/* SPDX-License-Identifier: Apache-2.0 */
/* Tables made of any bytes: columns of every type and rows of every kind of value, for fuzz targets and for
 * comparisons with other readers. Not for tests that know their rows. */
#ifndef CM_TOOLS_DRAWN_TABLE_H
#define CM_TOOLS_DRAWN_TABLE_H

#include "format/table_encoder.h"

#define DRAWN_MOST_COLUMNS 12
#define DRAWN_MOST_ROWS    4096
/* What the longest values hold. */
#define DRAWN_LONG_BYTES (256u << 10)

struct drawn_table {
    struct cm_column columns[DRAWN_MOST_COLUMNS];
    char names[DRAWN_MOST_COLUMNS][8];
    struct cm_table_schema schema;
    struct cm_column_values values[DRAWN_MOST_COLUMNS];
    struct cm_table_rows rows;
    uint8_t options; /* bits for whoever uses the table */
    uint8_t *present[DRAWN_MOST_COLUMNS];
    uint64_t *numbers[DRAWN_MOST_COLUMNS];
    struct cm_span *spans[DRAWN_MOST_COLUMNS];
    uint8_t *long_bytes; /* NULL until a value needs them */
};

/* Values point into `bytes`. Aborts where memory cannot be had. The same bytes make the same table. */
void drawn_table_draw(struct drawn_table *table, const uint8_t *bytes, size_t n);
void drawn_table_free(struct drawn_table *table);

/* Rows from `first` on, `n` of them. `values` is the caller's memory. */
struct cm_table_rows drawn_table_slice(const struct drawn_table *table, uint32_t first, uint32_t n,
                                       struct cm_column_values values[DRAWN_MOST_COLUMNS]);

bool drawn_is_present(const struct drawn_table *table, size_t column, uint32_t row);

#endif

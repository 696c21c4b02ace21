/* SPDX-License-Identifier: Apache-2.0 */
/* Tables made of any bytes: columns of every type and rows of every kind of value, for fuzz targets and for
 * comparisons with other readers. Not for tests that know their rows. */
#ifndef CM_TOOLS_MADE_TABLE_H
#define CM_TOOLS_MADE_TABLE_H

#include "format/table.h"

#define MADE_MOST_COLUMNS 12
#define MADE_MOST_ROWS    4096
/* What the longest values hold. */
#define MADE_LONG_BYTES (256u << 10)

struct made_table {
    struct cm_column columns[MADE_MOST_COLUMNS];
    char names[MADE_MOST_COLUMNS][8];
    struct cm_table_schema schema;
    struct cm_column_values values[MADE_MOST_COLUMNS];
    struct cm_table_rows rows;
    uint8_t options; /* bits for whoever uses the table */
    uint8_t *present[MADE_MOST_COLUMNS];
    uint64_t *numbers[MADE_MOST_COLUMNS];
    struct cm_span *spans[MADE_MOST_COLUMNS];
    uint8_t *long_bytes;
};

/* Values point into `bytes`. Aborts where memory cannot be had. The same bytes make the same table. */
void made_table_draw(struct made_table *table, const uint8_t *bytes, size_t n);
void made_table_free(struct made_table *table);

/* Rows from `first` on, `n` of them. `values` is the caller's memory. */
struct cm_table_rows made_table_slice(const struct made_table *table, uint32_t first, uint32_t n,
                                      struct cm_column_values values[MADE_MOST_COLUMNS]);

bool made_is_present(const struct made_table *table, size_t column, uint32_t row);

#endif

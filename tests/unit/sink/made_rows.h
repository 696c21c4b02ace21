/* SPDX-License-Identifier: Apache-2.0 */
/* Packets built byte by byte as rows of a call, each in memory that ends where it ends, and the values that came
 * out, by the names of their columns. For the tests of packet columns and flow rows. */
#ifndef CM_TESTS_SINK_MADE_ROWS_H
#define CM_TESTS_SINK_MADE_ROWS_H

#include <stdlib.h>

#include "base/utf8.h"
#include "sink/packet_columns.h"
#include "unit/check.h"
#include "unit/wire/packet_bytes.h"

struct made_rows {
    struct cm_packet packets[CM_TABLE_MAX_ROWS];
    struct cm_headers headers[CM_TABLE_MAX_ROWS];
    uint32_t inputs[CM_TABLE_MAX_ROWS];
    uint64_t numbers[CM_TABLE_MAX_ROWS];
    const struct cm_flow_facts *flows[CM_TABLE_MAX_ROWS];
    uint8_t *memory[CM_TABLE_MAX_ROWS];
    uint32_t n;
};

static inline struct made_rows *made_rows_create(void)
{
    struct made_rows *made = calloc(1, sizeof(*made));

    cm_check(made != NULL);
    return made;
}

static inline void made_rows_clear(struct made_rows *made)
{
    for (uint32_t i = 0; i < made->n; i++)
        free(made->memory[i]);
    made->n = 0;
}

static inline void made_rows_destroy(struct made_rows *made)
{
    made_rows_clear(made);
    free(made);
}

/* One more row: the first `caplen` bytes of a packet. Answers its descriptor, to be changed at will. */
static inline struct cm_packet *made_rows_put(struct made_rows *made, uint16_t link_type,
                                              const struct packet *packet, uint32_t caplen)
{
    const uint32_t at = made->n++;

    cm_check(at < CM_TABLE_MAX_ROWS && caplen <= packet->n);
    made->memory[at] = malloc(caplen + 1);
    cm_check(made->memory[at] != NULL);
    memcpy(made->memory[at] + 1, packet->bytes, caplen);
    made->packets[at] = (struct cm_packet){.data = made->memory[at] + 1,
                                           .time_ns = UINT64_C(1700000000000000000) + at,
                                           .place = 24 + 1000 * (uint64_t)at,
                                           .caplen = caplen,
                                           .origlen = packet->n,
                                           .link_type = link_type};
    cm_wire_decode(link_type, made->packets[at].data, caplen, &made->headers[at]);
    made->inputs[at] = 0;
    made->numbers[at] = at + 1;
    made->flows[at] = NULL;
    return &made->packets[at];
}

static inline struct cm_packet_rows made_rows_view(const struct made_rows *made, uint32_t first, uint32_t n)
{
    return (struct cm_packet_rows){.n = n,
                                   .packets = made->packets + first,
                                   .headers = made->headers + first,
                                   .inputs = made->inputs + first,
                                   .numbers = made->numbers + first,
                                   .flows = made->flows + first};
}

/* --- what came out --- */

struct seen_rows {
    const struct cm_table_schema *schema;
    struct cm_table_rows rows;
};

static inline size_t column_at(const struct seen_rows *seen, const char *name)
{
    for (size_t i = 0; i < seen->schema->n_columns; i++)
        if (strcmp(seen->schema->columns[i].name, name) == 0)
            return i;
    cm_check_that(false, "no column %s", name);
    return 0;
}

static inline bool is_null(const struct seen_rows *seen, const char *name, uint32_t row)
{
    const struct cm_column_values *values = &seen->rows.columns[column_at(seen, name)];

    cm_check(row < seen->rows.n_rows);
    return values->present != NULL && values->present[row] == 0;
}

static inline uint64_t number_in(const struct seen_rows *seen, const char *name, uint32_t row)
{
    cm_check_that(!is_null(seen, name, row), "%s of row %u is absent", name, row);
    return seen->rows.columns[column_at(seen, name)].numbers[row];
}

static inline const char *text_in(const struct seen_rows *seen, const char *name, uint32_t row,
                                  char text_ret[128])
{
    const struct cm_span *span = &seen->rows.columns[column_at(seen, name)].spans[row];

    cm_check_that(!is_null(seen, name, row), "%s of row %u is absent", name, row);
    cm_check(span->n < 128);
    memcpy(text_ret, span->bytes, span->n);
    text_ret[span->n] = 0;
    return text_ret;
}

#define check_number(seen, name, row, expected) cm_check_eq(number_in((seen), (name), (row)), (expected))
#define check_null(seen, name, row)                                                                          \
    cm_check_that(is_null((seen), (name), (row)), "%s of row %u has a value", (name), (unsigned)(row))
#define check_text(seen, name, row, expected)                                                                \
    do {                                                                                                     \
        char text_[128];                                                                                     \
                                                                                                             \
        cm_check_str(text_in((seen), (name), (row), text_), (expected));                                     \
    } while (0)

/* What must hold of every answer: nothing is absent that may not be, what is absent is empty, numbers fit their
 * type, texts are valid. */
static inline void check_rows_are_sound(const struct seen_rows *seen)
{
    for (size_t c = 0; c < seen->schema->n_columns; c++) {
        const struct cm_column *column = &seen->schema->columns[c];
        const struct cm_column_values *values = &seen->rows.columns[c];
        const bool is_spans = column->type == CM_COLUMN_TEXT || column->type == CM_COLUMN_BYTES;
        const uint64_t most = column->type == CM_COLUMN_UINT8    ? UINT8_MAX
                              : column->type == CM_COLUMN_UINT16 ? UINT16_MAX
                              : column->type == CM_COLUMN_UINT32 ? UINT32_MAX
                              : column->type == CM_COLUMN_UINT64 ? UINT64_MAX
                                                                 : INT64_MAX;

        cm_check(column->nullable || values->present == NULL);
        cm_check((values->numbers == NULL) == is_spans && (values->spans == NULL) == !is_spans);
        for (uint32_t row = 0; row < seen->rows.n_rows; row++) {
            const bool present = values->present == NULL || values->present[row];

            cm_check(values->present == NULL || values->present[row] <= 1);
            if (!is_spans) {
                cm_check_that(values->numbers[row] <= (present ? most : 0), "%s of row %u", column->name,
                              row);
                continue;
            }
            cm_check_that(present || values->spans[row].n == 0, "%s of row %u", column->name, row);
            if (column->type == CM_COLUMN_TEXT) {
                char text[8] = {0};

                for (uint32_t i = 0, n; i < values->spans[row].n; i += n) {
                    const uint32_t left = values->spans[row].n - i;

                    memcpy(text, values->spans[row].bytes + i, left < 4 ? left : 4);
                    memset(text + (left < 4 ? left : 4), 0, 4);
                    n = (uint32_t)cm_utf8_length((const unsigned char *)text);
                    cm_check_that(n > 0, "%s of row %u is no text", column->name, row);
                }
            }
        }
    }
}

#endif

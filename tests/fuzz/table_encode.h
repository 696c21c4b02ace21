/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets of table encoders share: a made-up table encoded in two parts, and asserts that stay. */
#ifndef CM_FUZZ_TABLE_ENCODE_H
#define CM_FUZZ_TABLE_ENCODE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/drawn_table.h"

#define require(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                          \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

struct encoded {
    uint8_t *bytes;
    size_t n;
};

static inline enum capmill_status put_encoded(void *context, const void *bytes, size_t n,
                                              struct cm_error *error)
{
    struct encoded *out = context;

    require(n > 0);
    out->bytes = realloc(out->bytes, out->n + n);
    require(out->bytes != NULL);
    memcpy(out->bytes + out->n, bytes, n);
    out->n += n;
    return CAPMILL_OK;
}

/* The encoder is destroyed. */
static inline struct encoded encode_table(struct cm_table_encoder *encoder, const struct drawn_table *table)
{
    const uint32_t half = table->rows.n_rows / 3;
    struct encoded out = {NULL, 0};
    const struct cm_table_put put = {&out, put_encoded};
    struct cm_column_values values[DRAWN_MOST_COLUMNS];
    struct cm_table_file *file;
    struct cm_table_part *part;
    void *local;

    require(encoder->open(encoder->context, &local, NULL) == CAPMILL_OK);
    require(encoder->begin(encoder->context, &put, &file, NULL) == CAPMILL_OK);
    for (int i = 0; i < 2; i++) {
        const struct cm_table_rows rows =
            drawn_table_slice(table, i == 0 ? 0 : half, i == 0 ? half : table->rows.n_rows - half, values);

        require(encoder->encode(encoder->context, local, &rows, &part, NULL) == CAPMILL_OK);
        require(part->n_rows == rows.n_rows);
        require(encoder->add(file, part, NULL) == CAPMILL_OK);
    }
    require(encoder->end(file, NULL) == CAPMILL_OK);
    encoder->close(encoder->context, local);
    encoder->destroy(encoder->context);
    return out;
}

#endif

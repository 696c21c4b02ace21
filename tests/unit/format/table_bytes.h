/* SPDX-License-Identifier: Apache-2.0 */
/* Tables encoded in memory: a few rows in, the bytes of the file out. For tests of encoders. */
#ifndef CM_TESTS_TABLE_BYTES_H
#define CM_TESTS_TABLE_BYTES_H

#include <stdlib.h>

#include "base/checked.h"
#include "format/table_encoder.h"
#include "unit/check.h"

struct table_bytes {
    uint8_t *bytes;
    size_t n;
    size_t most; /* put refuses what goes beyond it; 0: no end */
};

static inline enum capmill_status table_put(void *context, const void *bytes, size_t n,
                                            struct cm_error *error)
{
    struct table_bytes *out = context;

    if (out->most != 0 && out->n + n > out->most)
        return cm_error_set(error, CAPMILL_E_NO_SPACE, 0, "the test's disk is full");
    out->bytes = realloc(out->bytes, out->n + n);
    cm_check(out->bytes != NULL);
    memcpy(out->bytes + out->n, bytes, n);
    out->n += n;
    return CAPMILL_OK;
}

/* The file that the parts make, one for each of `rows`. The encoder is destroyed. */
static inline struct table_bytes table_encode(struct cm_table_encoder *encoder,
                                              const struct cm_table_rows *rows, size_t n_parts)
{
    struct table_bytes out = {0};
    const struct cm_table_put put = {&out, table_put};
    struct cm_error error = {0};
    struct cm_table_file *file;
    void *local;

    cm_check_eq(encoder->open(encoder->context, &local, &error), CAPMILL_OK);
    cm_check_eq(encoder->begin(encoder->context, &put, &file, &error), CAPMILL_OK);
    for (size_t i = 0; i < n_parts; i++) {
        struct cm_table_part *part;

        cm_check_that(encoder->encode(encoder->context, local, &rows[i], &part, &error) == CAPMILL_OK, "%s",
                      error.text);
        cm_check_eq(part->n_rows, rows[i].n_rows);
        cm_check(part->n_bytes > 0);
        cm_check_eq(encoder->add(file, part, &error), CAPMILL_OK);
        cm_check_eq(encoder->held_bytes(file), 0);
    }
    cm_check_eq(encoder->flush(file, &error), CAPMILL_OK);
    cm_check_eq(encoder->end(file, &error), CAPMILL_OK);
    encoder->close(encoder->context, local);
    encoder->destroy(encoder->context);
    return out;
}

static inline void table_check(const struct table_bytes *out, const void *expected, size_t n)
{
    cm_check_that(out->n == n && (n == 0 || memcmp(out->bytes, expected, n) == 0),
                  "%zu bytes, expected %zu: %.*s", out->n, n, (int)(out->n < 400 ? out->n : 400),
                  out->n != 0 ? (const char *)out->bytes : "");
}

/* What holds of every encoder: a full disk is an answer, at the header or at a part; given-up files and parts are
 * freed; nothing is freed as well as NULL. The encoder is destroyed. */
static inline void table_check_failures(struct cm_table_encoder *encoder, const struct cm_table_rows *rows)
{
    struct table_bytes out = {.most = 1};
    const struct cm_table_put put = {&out, table_put};
    struct cm_error error = {0};
    struct cm_table_file *file;
    struct cm_table_part *part;
    void *local;
    enum capmill_status status;

    cm_check_eq(encoder->open(encoder->context, &local, &error), CAPMILL_OK);
    cm_check_eq(encoder->encode(encoder->context, local, rows, &part, &error), CAPMILL_OK);
    encoder->discard(encoder->context, part);
    encoder->discard(encoder->context, NULL);
    status = encoder->begin(encoder->context, &put, &file, &error);
    if (status == CAPMILL_OK) {
        cm_check_eq(encoder->encode(encoder->context, local, rows, &part, &error), CAPMILL_OK);
        status = encoder->add(file, part, &error);
        encoder->drop(file);
    }
    cm_check_eq(status, CAPMILL_E_NO_SPACE);
    cm_check_str(error.text, "the test's disk is full");
    encoder->drop(NULL);
    encoder->close(encoder->context, local);
    encoder->close(encoder->context, NULL);
    encoder->destroy(encoder->context);
    encoder->destroy(NULL);
    free(out.bytes);
}

#define SPAN(text)                                                                                           \
    {                                                                                                        \
        (const uint8_t *)(text), sizeof(text) - 1                                                            \
    }

#endif

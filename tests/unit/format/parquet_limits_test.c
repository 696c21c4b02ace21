/* SPDX-License-Identifier: Apache-2.0 */
/* Parquet's numbers have 31 bits in some places and 63 in others: what does not fit is refused, and what does is
 * written. */
#include <stdlib.h>

#include "base/checked.h"
#include "base/endian.h"
#include "format/parquet.h"
#include "tools/parquet_read.h"
#include "unit/check.h"

static struct cm_table_encoder make_encoder(const struct cm_table_options *options)
{
    struct cm_table_encoder encoder;
    struct cm_error error = {0};

    cm_check_that(cm_parquet_encoder_create(options, &encoder, &error) == CAPMILL_OK, "%s", error.text);
    return encoder;
}

CM_TEST(parquet_limits, a_value_too_long_for_a_page_is_refused)
{
    static const struct cm_column columns[] = {
        {.name = "b", .type = CM_COLUMN_BYTES, .habit = CM_HABIT_DIFFERS}};
    static const struct cm_table_schema schema = {"S", columns, 1};
    struct cm_table_options options = {.schema = &schema, .codec = CM_CODEC_NONE};
    struct cm_table_encoder encoder = make_encoder(&options);
    struct cm_span span = {(const uint8_t *)"never read", 0x80000000u};
    struct cm_column_values values = {NULL, NULL, &span};
    struct cm_table_rows rows = {1, &values};
    struct cm_table_part *part;
    struct cm_error error = {0};
    void *local;

    cm_check_eq(encoder.open(encoder.context, &local, &error), CAPMILL_OK);
    cm_check_eq(encoder.encode(encoder.context, local, &rows, &part, &error), CAPMILL_E_UNSUPPORTED);
    cm_check(part == NULL);
    encoder.close(encoder.context, local);
    encoder.destroy(encoder.context);
}

/* Keeps the end of a file alone. */
struct tail {
    uint8_t bytes[65536];
    uint64_t n;
};

static enum capmill_status put_tail(void *context, const void *bytes, size_t n, struct cm_error *error)
{
    struct tail *tail = context;
    size_t keep = sizeof(tail->bytes);

    if (n >= keep) {
        memcpy(tail->bytes, (const uint8_t *)bytes + n - keep, keep);
    } else {
        memmove(tail->bytes, tail->bytes + n, keep - n);
        memcpy(tail->bytes + keep - n, bytes, n);
    }
    tail->n += n;
    return CAPMILL_OK;
}

/* 2304 MiB of zeros: in one row group with snappy, in many without a codec. */
CM_TEST(parquet_limits, columns_and_files_may_be_longer_than_2_gib)
{
    static const struct cm_column columns[] = {
        {.name = "b", .type = CM_COLUMN_BYTES, .habit = CM_HABIT_DIFFERS}};
    static const struct cm_table_schema schema = {"S", columns, 1};
    enum { VALUE_BYTES = 1 << 20, ROWS = 64, PARTS = 36 };
    uint8_t *zeros = calloc(1, VALUE_BYTES);

    cm_check(zeros != NULL);
    for (int way = 0; way < 2; way++) {
        struct cm_table_options options = {.schema = &schema,
                                           .codec = way == 0 ? CM_CODEC_SNAPPY : CM_CODEC_NONE};
        struct tail *tail = calloc(1, sizeof(*tail));
        struct cm_table_put to_tail = {tail, put_tail};
        struct parquet_read memory = {0};
        const struct thrift_node *footer, *group, *meta;
        struct cm_table_encoder encoder;
        struct cm_table_file *file;
        size_t n_footer, n_used;
        void *local;

        if (!cm_codec_available(options.codec))
            continue;
        cm_check(tail != NULL);
        encoder = make_encoder(&options);
        cm_check_eq(encoder.open(encoder.context, &local, NULL), CAPMILL_OK);
        cm_check_eq(encoder.begin(encoder.context, &to_tail, &file, NULL), CAPMILL_OK);
        for (int p = 0; p < PARTS; p++) {
            struct cm_span spans[ROWS];
            struct cm_column_values values = {NULL, NULL, spans};
            struct cm_table_rows rows = {ROWS, &values};
            struct cm_table_part *part;

            for (int i = 0; i < ROWS; i++)
                spans[i] = (struct cm_span){zeros, VALUE_BYTES};
            cm_check_eq(encoder.encode(encoder.context, local, &rows, &part, NULL), CAPMILL_OK);
            cm_check_eq(encoder.add(file, part, NULL), CAPMILL_OK);
        }
        cm_check_eq(encoder.end(file, NULL), CAPMILL_OK);
        n_footer = cm_load_u32_as(tail->bytes + sizeof(tail->bytes) - 8, false);
        footer = thrift_read(&memory, tail->bytes + sizeof(tail->bytes) - 8 - n_footer, n_footer, &n_used);
        cm_check(footer != NULL);
        group = thrift_field(footer, 4)->first;
        while (group->next != NULL)
            group = group->next;
        meta = thrift_field(thrift_field(group, 1)->first, 3);
        if (way == 0)
            cm_check((uint64_t)thrift_field(meta, 6)->number > (uint64_t)PARTS * ROWS * VALUE_BYTES);
        else
            cm_check((uint64_t)thrift_field(meta, 9)->number > INT32_MAX &&
                     tail->n > (uint64_t)PARTS * ROWS * VALUE_BYTES);
        parquet_read_free(&memory);
        encoder.close(encoder.context, local);
        encoder.destroy(encoder.context);
        free(tail);
    }
    free(zeros);
}

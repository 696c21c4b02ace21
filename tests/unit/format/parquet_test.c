/* SPDX-License-Identifier: Apache-2.0 */
/* Whole Parquet files, read back by a reader that holds every length, index and bound against what it describes. */
#include "format/parquet.h"

#include <stdlib.h>

#include "base/checked.h"
#include "format/parquet_int.h"
#include "tools/made_table.h"
#include "tools/parquet_read.h"
#include "unit/check.h"

/* A file in memory. `refuse_from`: the put that would pass it fails. */
struct written {
    uint8_t *bytes;
    size_t n, capacity, refuse_from;
};

static enum capmill_status put(void *context, const void *bytes, size_t n, struct cm_error *error)
{
    struct written *written = context;

    if (n > written->refuse_from - written->n)
        return cm_error_set(error, CAPMILL_E_NO_SPACE, 28, "full");
    while (written->capacity < written->n + n) {
        written->capacity = written->capacity * 2 + 4096;
        written->bytes = realloc(written->bytes, written->capacity);
        cm_check(written->bytes != NULL);
    }
    memcpy(written->bytes + written->n, bytes, n);
    written->n += n;
    return CAPMILL_OK;
}

static struct cm_table_encoder make_encoder(const struct cm_table_options *options)
{
    struct cm_table_encoder encoder;
    struct cm_error error = {0};

    cm_check_that(cm_parquet_encoder_create(options, &encoder, &error) == CAPMILL_OK, "%s", error.text);
    return encoder;
}

/* Rows in parts of `part_rows`; `flush_every` parts a row group ends early, 0: never. */
struct job {
    struct cm_table_options table;
    struct made_table_options made;
    uint32_t n_rows, part_rows, flush_every;
};

static enum capmill_status try_job(const struct job *job, struct written *written, struct cm_error *error)
{
    struct cm_table_encoder encoder = make_encoder(&job->table);
    struct made_table *made = made_table_create(job->table.schema, &job->made);
    struct cm_table_put to_memory = {written, put};
    struct cm_table_file *file = NULL;
    enum capmill_status status = CAPMILL_OK;
    uint32_t n_parts = 0;
    void *local;

    cm_check_eq(encoder.open(encoder.context, &local, error), CAPMILL_OK);
    status = encoder.begin(encoder.context, &to_memory, &file, error);
    for (uint32_t at = 0; status == CAPMILL_OK && at < job->n_rows; at += job->part_rows) {
        struct cm_table_rows rows;
        struct cm_table_part *part;

        made_table_next(made, (uint32_t)cm_min_u64(job->part_rows, job->n_rows - at), &rows);
        cm_check_eq(encoder.encode(encoder.context, local, &rows, &part, error), CAPMILL_OK);
        cm_check_eq(part->n_rows, rows.n_rows);
        cm_check(part->n_bytes > 0);
        status = encoder.add(file, part, error);
        if (status == CAPMILL_OK && job->flush_every != 0 && ++n_parts % job->flush_every == 0) {
            status = encoder.flush(file, error);
            cm_check(status != CAPMILL_OK || encoder.held_bytes(file) == 0);
        }
    }
    if (status == CAPMILL_OK)
        status = encoder.end(file, error);
    else
        encoder.drop(file);
    encoder.close(encoder.context, local);
    encoder.destroy(encoder.context);
    made_table_destroy(made);
    return status;
}

static struct written do_job(const struct job *job)
{
    struct written written = {.refuse_from = SIZE_MAX};
    struct cm_error error = {0};

    cm_check_that(try_job(job, &written, &error) == CAPMILL_OK, "%s", error.text);
    return written;
}

/* Every row is in the file as it was made. */
static void check_rows(const struct job *job, struct parquet_read *read)
{
    struct made_table *made = made_table_create(job->table.schema, &job->made);

    cm_check_eq(read->n_rows, job->n_rows);
    for (uint32_t at = 0; at < job->n_rows; at += job->part_rows) {
        struct cm_table_rows rows;

        made_table_next(made, (uint32_t)cm_min_u64(job->part_rows, job->n_rows - at), &rows);
        cm_check_that(parquet_read_has(read, at, &rows), "%s", read->fault);
    }
    made_table_destroy(made);
}

static struct parquet_read read_back(const struct job *job, const struct written *written)
{
    struct parquet_read read;

    cm_check_that(parquet_read(&read, written->bytes, written->n, job->table.schema), "%s", read.fault);
    check_rows(job, &read);
    return read;
}

static void check_job(const struct job *job)
{
    struct written written = do_job(job), again = do_job(job);
    struct parquet_read read = read_back(job, &written);

    cm_check(written.n == again.n && memcmp(written.bytes, again.bytes, written.n) == 0);
    parquet_read_free(&read);
    free(written.bytes), free(again.bytes);
}

static const struct cm_table_schema *const schemas[] = {&made_packet_schema, &made_bloom_schema,
                                                        &made_types_schema};

CM_TEST(parquet, every_type_and_codec_comes_back_whatever_is_null)
{
    static const unsigned nulls[] = {0, 10, 90, 100};

    for (int codec = CM_CODEC_NONE; codec < CM_N_CODECS; codec++) {
        if (codec == CM_CODEC_DEFLATE || !cm_codec_available((enum cm_codec)codec))
            continue;
        for (size_t s = 0; s < CM_ARRAY_COUNT(schemas); s++)
            for (size_t n = 0; n < CM_ARRAY_COUNT(nulls); n++) {
                struct job job = {.table = {.schema = schemas[s], .codec = (enum cm_codec)codec},
                                  .made = {.seed = n,
                                           .null_percent = nulls[n],
                                           .bytes_bytes = 60,
                                           .text_bytes = n == 1 ? 150 : 24,
                                           .backwards = n == 1},
                                  .n_rows = 2500,
                                  .part_rows = 997};

                check_job(&job);
            }
    }
}

CM_TEST(parquet, every_number_of_rows_comes_back)
{
    for (uint32_t n_rows = 0; n_rows < 70; n_rows++) {
        struct job job = {.table = {.schema = &made_types_schema, .codec = CM_CODEC_NONE},
                          .made = {.seed = n_rows, .null_percent = 30, .bytes_bytes = 9},
                          .n_rows = n_rows,
                          .part_rows = 1 + n_rows % 13};

        check_job(&job);
    }
}

CM_TEST(parquet, without_rows_there_is_no_row_group)
{
    struct job job = {.table = {.schema = &made_packet_schema, .codec = CM_CODEC_NONE}, .part_rows = 1};
    struct written written = do_job(&job);
    struct parquet_read read = read_back(&job, &written);

    cm_check_eq(read.n_groups, 0);
    parquet_read_free(&read);
    free(written.bytes);
}

CM_TEST(parquet, row_groups_end_by_rows_bytes_and_on_request)
{
    static const struct {
        uint64_t rows, bytes;
        uint32_t flush_every;
        size_t n_groups; /* 0: more than one */
    } cases[] = {{350, 0, 0, 4},   {300, 0, 0, 4}, {299, 0, 0, 5}, {0, 1, 0, 10},
                 {0, 20000, 0, 0}, {0, 0, 3, 4},   {0, 0, 0, 1}};

    for (size_t i = 0; i < CM_ARRAY_COUNT(cases); i++) {
        struct job job = {.table = {.schema = &made_packet_schema,
                                    .codec = CM_CODEC_NONE,
                                    .row_group_rows = cases[i].rows,
                                    .row_group_bytes = cases[i].bytes},
                          .made = {.bytes_bytes = 100, .null_percent = 5},
                          .n_rows = 1000,
                          .part_rows = 100,
                          .flush_every = cases[i].flush_every};
        struct written written = do_job(&job);
        struct parquet_read read = read_back(&job, &written);

        cm_check_that(cases[i].n_groups == 0 ? read.n_groups > 1 && read.n_groups < 10
                                             : read.n_groups == cases[i].n_groups,
                      "case %zu: %zu row groups", i, read.n_groups);
        parquet_read_free(&read);
        free(written.bytes);
    }
}

/* How many data pages of a column of the first row group are encoded so. */
static int64_t pages_encoded(const struct parquet_read *read, int column, int encoding)
{
    const struct thrift_node *chunk = thrift_field(thrift_field(read->footer, 4)->first, 1)->first;

    while (column-- > 0)
        chunk = chunk->next;
    for (const struct thrift_node *stats = thrift_field(thrift_field(chunk, 3), 13)->first; stats != NULL;
         stats = stats->next)
        if (thrift_field(stats, 1)->number == CM_PARQUET_DATA_PAGE &&
            thrift_field(stats, 2)->number == encoding)
            return thrift_field(stats, 3)->number;
    return 0;
}

/* All values of a column of the first row group are in its filter, and of as many others few are. */
static void check_bloom(struct parquet_read *read, int c)
{
    const struct thrift_node *group = thrift_field(read->footer, 4)->first,
                             *chunk = thrift_field(group, 1)->first;
    struct cm_parquet_column column = {.width = 8};
    const struct thrift_node *head;
    size_t n_used, n_bits, at, n_wrong = 0, n = (size_t)thrift_field(group, 3)->number;

    for (int i = 0; i < c; i++)
        chunk = chunk->next;
    at = (size_t)thrift_field(thrift_field(chunk, 3), 14)->number;
    head = thrift_read(read, read->bytes + at, read->n - at, &n_used);
    cm_check(head != NULL);
    n_bits = (size_t)thrift_field(head, 1)->number;
    cm_check_eq(thrift_field(thrift_field(chunk, 3), 15)->number, n_used + n_bits);
    for (int member = 2; member <= 4; member++)
        cm_check(thrift_field(thrift_field(head, member), 1) != NULL);
    for (uint64_t row = 0; row < n; row++) {
        const struct parquet_values *values = &read->values[c];
        uint64_t hash = read->schema->columns[c].type == CM_COLUMN_TEXT
                            ? cm_parquet_hash_span(values->spans[row])
                            : cm_parquet_hash_number(&column, values->numbers[row]);

        cm_check(values->present[row] == 0 || parquet_bloom_has(read->bytes + at + n_used, n_bits, hash));
        n_wrong += parquet_bloom_has(read->bytes + at + n_used, n_bits,
                                     cm_parquet_hash_number(&column, row * 7919 + ((uint64_t)1 << 61)));
    }
    cm_check_that(n_wrong <= 20 + n / 50, "%zu of %zu", n_wrong, n);
}

/* Each value twice in its part, and in no other: 160000 different ones of numbers, 24 bytes each of texts. */
CM_TEST(parquet, a_dictionary_that_becomes_too_large_gives_way_to_plain_values)
{
    static const struct cm_column columns[] = {{.name = "n", .type = CM_COLUMN_UINT64, .bloom = true},
                                               {.name = "t", .type = CM_COLUMN_TEXT, .bloom = true},
                                               {.name = "long", .type = CM_COLUMN_TEXT}};
    static const struct cm_table_schema schema = {"S", columns, 3};
    enum { PARTS = 8, ROWS = 40000, LONG = 200 };
    struct cm_table_options options = {.schema = &schema, .codec = CM_CODEC_NONE};
    struct cm_table_encoder encoder = make_encoder(&options);
    struct written written = {.refuse_from = SIZE_MAX};
    struct cm_table_put to_memory = {&written, put};
    uint64_t *numbers = malloc(ROWS * sizeof(numbers[0]));
    struct cm_span *spans = malloc(2 * ROWS * sizeof(spans[0]));
    uint8_t *text = calloc(ROWS, LONG);
    struct cm_column_values values[3] = {
        {NULL, numbers, NULL}, {NULL, NULL, spans}, {NULL, NULL, spans + ROWS}};
    struct cm_table_rows rows = {ROWS, values};
    struct parquet_read read;
    struct cm_table_file *file;
    void *local;

    cm_check(numbers != NULL && spans != NULL && text != NULL);
    cm_check_eq(encoder.open(encoder.context, &local, NULL), CAPMILL_OK);
    for (int way = 0; way < 2; way++) { /* written, then compared */
        if (way == 0)
            cm_check_eq(encoder.begin(encoder.context, &to_memory, &file, NULL), CAPMILL_OK);
        for (uint64_t p = 0; p < PARTS; p++) {
            struct cm_table_part *part;

            for (uint64_t i = 0; i < ROWS; i++) {
                numbers[i] = (p * ROWS + i) / 2 * 1000003;
                snprintf((char *)text + i * LONG, LONG, "%020llu", (unsigned long long)numbers[i]);
                spans[i] = (struct cm_span){text + i * LONG, 20};
                spans[ROWS + i] = (struct cm_span){text + i * LONG, LONG};
            }
            if (way == 0) {
                cm_check_eq(encoder.encode(encoder.context, local, &rows, &part, NULL), CAPMILL_OK);
                cm_check_eq(encoder.add(file, part, NULL), CAPMILL_OK);
            } else {
                cm_check_that(parquet_read_has(&read, p * ROWS, &rows), "%s", read.fault);
            }
        }
        if (way == 0) {
            cm_check_eq(encoder.end(file, NULL), CAPMILL_OK);
            cm_check_that(parquet_read(&read, written.bytes, written.n, &schema), "%s", read.fault);
        }
    }
    /* 131072 values are in six parts and a half; 4 MiB of the long texts in one and a bit */
    cm_check_eq(pages_encoded(&read, 0, CM_PARQUET_INDICES), 6);
    cm_check_eq(pages_encoded(&read, 0, CM_PARQUET_PLAIN), 2);
    cm_check_eq(pages_encoded(&read, 1, CM_PARQUET_INDICES), 6);
    cm_check_eq(pages_encoded(&read, 1, CM_PARQUET_PLAIN), 2);
    cm_check_eq(pages_encoded(&read, 2, CM_PARQUET_INDICES), 1);
    cm_check(pages_encoded(&read, 2, CM_PARQUET_PLAIN) > 7 * 7);
    check_bloom(&read, 0);
    check_bloom(&read, 1);
    parquet_read_free(&read);
    encoder.close(encoder.context, local);
    encoder.destroy(encoder.context);
    free(written.bytes), free(numbers), free(spans), free(text);
}

CM_TEST(parquet, values_that_seldom_repeat_get_no_dictionary)
{
    static const struct cm_column columns[] = {{.name = "id", .type = CM_COLUMN_UINT64},
                                               {.name = "text", .type = CM_COLUMN_TEXT}};
    static const struct cm_table_schema schema = {"S", columns, 2};
    struct job job = {.table = {.schema = &schema, .codec = CM_CODEC_NONE},
                      .made = {.distinct = 100000000, .text_bytes = 60},
                      .n_rows = 0,
                      .part_rows = 4000};
    struct cm_table_encoder encoder = make_encoder(&job.table);
    struct cm_error error = {0};
    uint64_t numbers[200];
    struct cm_span spans[200];
    struct cm_column_values values[2] = {{NULL, numbers, NULL}, {NULL, NULL, spans}};
    struct cm_table_rows rows = {200, values};
    struct cm_parquet_part *part;
    struct cm_table_part *base;
    void *local;

    cm_check_eq(encoder.open(encoder.context, &local, &error), CAPMILL_OK);
    for (uint32_t n_different = 100; n_different <= 101; n_different++) {
        for (uint32_t i = 0; i < 200; i++) {
            numbers[i] = i % n_different * 77777;
            spans[i] = (struct cm_span){(const uint8_t *)&numbers[i], 4};
        }
        cm_check_eq(encoder.encode(encoder.context, local, &rows, &base, &error), CAPMILL_OK);
        part = (struct cm_parquet_part *)(void *)base;
        for (int c = 0; c < 2; c++)
            cm_check_that((part->columns[c].found.memory != NULL) == (n_different == 100),
                          "column %d: %u of 200", c, n_different);
        encoder.discard(encoder.context, base);
    }
    encoder.close(encoder.context, local);
    encoder.destroy(encoder.context);
}

/* Values whose hashes fall on each other: somebody who knows the hash may send such packets. */
CM_TEST(parquet, values_made_to_collide_cost_a_dictionary_and_not_an_hour)
{
    static const struct cm_column columns[] = {{.name = "id", .type = CM_COLUMN_UINT64}};
    static const struct cm_table_schema schema = {"S", columns, 1};
    struct cm_table_options options = {.schema = &schema, .codec = CM_CODEC_NONE};
    struct cm_table_encoder encoder = make_encoder(&options);
    struct cm_error error = {0};
    uint64_t *numbers = malloc(CM_TABLE_MAX_ROWS * sizeof(numbers[0])), inverse = 1;
    struct cm_column_values values = {NULL, numbers, NULL};
    struct cm_table_rows rows = {CM_TABLE_MAX_ROWS, &values};
    struct cm_table_part *part;
    void *local;

    cm_check(numbers != NULL);
    for (int i = 0; i < 6; i++) /* of the hash's factor, by Newton */
        inverse *= 2 - 0x9e3779b97f4a7c15u * inverse;
    for (uint64_t i = 0; i < CM_TABLE_MAX_ROWS; i++) {
        uint64_t folded = (i / 3 + 1) * inverse; /* its product has nothing in the upper half */

        numbers[i] = folded ^ folded >> 32;
    }
    cm_check_eq(encoder.open(encoder.context, &local, &error), CAPMILL_OK);
    cm_check_eq(encoder.encode(encoder.context, local, &rows, &part, &error), CAPMILL_OK);
    cm_check(((struct cm_parquet_part *)(void *)part)->columns[0].found.memory == NULL);
    encoder.discard(encoder.context, part);
    encoder.close(encoder.context, local);
    encoder.destroy(encoder.context);
    free(numbers);
}

CM_TEST(parquet, long_payloads_are_cut_into_pages)
{
    struct job job = {.table = {.schema = &made_types_schema, .codec = CM_CODEC_NONE},
                      .made = {.bytes_bytes = 400000, .null_percent = 20, .distinct = 5},
                      .n_rows = 60,
                      .part_rows = 30};
    struct written written = do_job(&job);
    struct parquet_read read = read_back(&job, &written);

    cm_check(read.n_pages > 2 * 48 + 10);
    parquet_read_free(&read);
    free(written.bytes);
}

CM_TEST(parquet, an_order_is_declared_where_it_is_true)
{
    for (int backwards = 0; backwards < 2; backwards++) {
        struct job job = {
            .table = {.schema = &made_packet_schema, .codec = CM_CODEC_NONE, .row_group_rows = 500},
            .made = {.backwards = backwards != 0},
            .n_rows = 5000,
            .part_rows = 250};
        struct written written = do_job(&job);
        struct parquet_read read = read_back(&job, &written);

        cm_check_eq(read.n_sorted, backwards ? 0 : 10);
        parquet_read_free(&read);
        free(written.bytes);
    }
}

/* Ascending in each part, but not from one to the next. */
CM_TEST(parquet, an_order_holds_across_parts)
{
    static const struct cm_column columns[] = {
        {.name = "t", .type = CM_COLUMN_TIME_NS, .habit = CM_HABIT_RISES, .order = true}};
    static const struct cm_table_schema schema = {"S", columns, 1};
    static const struct {
        uint64_t starts[2];
        size_t n_sorted;
    } cases[] = {{{0, 10}, 1}, {{10, 0}, 0}, {{0, 9}, 1}, {{0, 8}, 0}, {{(uint64_t)-100, 5}, 1}};

    for (size_t i = 0; i < CM_ARRAY_COUNT(cases); i++) {
        struct cm_table_options options = {.schema = &schema, .codec = CM_CODEC_NONE};
        struct cm_table_encoder encoder = make_encoder(&options);
        struct written written = {.refuse_from = SIZE_MAX};
        struct cm_table_put to_memory = {&written, put};
        struct parquet_read read;
        struct cm_table_file *file;
        void *local;

        cm_check_eq(encoder.open(encoder.context, &local, NULL), CAPMILL_OK);
        cm_check_eq(encoder.begin(encoder.context, &to_memory, &file, NULL), CAPMILL_OK);
        for (int p = 0; p < 2; p++) {
            uint64_t numbers[10];
            struct cm_column_values values = {NULL, numbers, NULL};
            struct cm_table_rows rows = {10, &values};
            struct cm_table_part *part;

            for (uint64_t row = 0; row < 10; row++)
                numbers[row] = cases[i].starts[p] + row;
            cm_check_eq(encoder.encode(encoder.context, local, &rows, &part, NULL), CAPMILL_OK);
            cm_check_eq(encoder.add(file, part, NULL), CAPMILL_OK);
        }
        cm_check_eq(encoder.end(file, NULL), CAPMILL_OK);
        cm_check_that(parquet_read(&read, written.bytes, written.n, &schema), "%s", read.fault);
        cm_check_eq(read.n_sorted, cases[i].n_sorted);
        parquet_read_free(&read);
        free(written.bytes);
        encoder.close(encoder.context, local);
        encoder.destroy(encoder.context);
    }
}

static struct cm_span bytes_of(const struct thrift_node *node, int id)
{
    cm_check(thrift_field(node, id) != NULL);
    return thrift_field(node, id)->bytes;
}

CM_TEST(parquet, types_notes_and_maker_are_told)
{
    static const struct cm_table_note notes[] = {{"a", "b"}, {"capmill.version", "9.8.7"}};
    struct job job = {
        .table = {.schema = &made_packet_schema, .codec = CM_CODEC_NONE, .notes = notes, .n_notes = 2},
        .n_rows = 1,
        .part_rows = 1};
    struct written written = do_job(&job);
    struct parquet_read read = read_back(&job, &written);
    const struct thrift_node *element = thrift_field(read.footer, 2)->first;
    static const char created[] = "capmill version 9.8.7 (build 9.8.7)";

    cm_check_eq(thrift_field(read.footer, 1)->number, 2);
    cm_check_eq(bytes_of(read.footer, 6).n, strlen(created));
    cm_check_mem(bytes_of(read.footer, 6).bytes, created, strlen(created));
    cm_check_eq(thrift_field(read.footer, 5)->n, 2);
    cm_check_mem(bytes_of(thrift_field(read.footer, 5)->first, 2).bytes, "b", 1);
    cm_check_mem(bytes_of(element, 4).bytes, "Packet", 6);
    for (size_t c = 0; c < 15; c++) {
        const struct cm_column *column = &made_packet_schema.columns[c];
        const struct thrift_node *logical;

        element = element->next, logical = thrift_field(element, 10);
        cm_check_eq(thrift_field(element, 3)->number, column->nullable);
        switch (column->type) {
        case CM_COLUMN_TIME_NS: /* TIMESTAMP(UTC, NANOS) */
            cm_check(thrift_field(element, 1)->number == CM_PARQUET_INT64 &&
                     thrift_field(element, 6) == NULL);
            cm_check_eq(thrift_field(thrift_field(logical, 8), 1)->number, 1);
            cm_check(thrift_field(thrift_field(thrift_field(logical, 8), 2), 3) != NULL);
            break;
        case CM_COLUMN_INT64:
            cm_check(thrift_field(element, 1)->number == CM_PARQUET_INT64 && logical == NULL);
            break;
        case CM_COLUMN_TEXT:
            cm_check(thrift_field(element, 6)->number == 0 && thrift_field(logical, 1) != NULL);
            break;
        case CM_COLUMN_BYTES:
            cm_check(thrift_field(element, 6) == NULL && logical == NULL);
            break;
        default: /* INTEGER(8 to 64, unsigned), UINT_8 to UINT_64 */
            cm_check_eq(thrift_field(element, 6)->number, 11 + (int)(column->type - CM_COLUMN_UINT8));
            cm_check_eq(thrift_field(thrift_field(logical, 10), 1)->number,
                        8 << (column->type - CM_COLUMN_UINT8));
            cm_check_eq(thrift_field(thrift_field(logical, 10), 2)->number, 0);
        }
    }
    parquet_read_free(&read);
    free(written.bytes);
}

CM_TEST(parquet, a_bloom_filter_has_the_values_of_its_row_group)
{
    /* of a dictionary, and of values without one; of one that overflows: see there */
    static const uint32_t distinct[] = {50, 60000};

    for (size_t i = 0; i < CM_ARRAY_COUNT(distinct); i++) {
        struct job job = {.table = {.schema = &made_bloom_schema, .codec = CM_CODEC_NONE},
                          .made = {.distinct = distinct[i], .null_percent = 3},
                          .n_rows = 3000,
                          .part_rows = 500};
        struct written written = do_job(&job);
        struct parquet_read read = read_back(&job, &written);

        check_bloom(&read, 7);
        parquet_read_free(&read);
        free(written.bytes);
    }
}

/* A disk that is full at any place: the failure comes out, and nothing is leaked. */
CM_TEST(parquet, a_put_that_fails_ends_the_file_wherever_it_is)
{
    struct job job = {.table = {.schema = &made_bloom_schema, .codec = CM_CODEC_NONE, .row_group_rows = 200},
                      .made = {.bytes_bytes = 10, .null_percent = 3},
                      .n_rows = 500,
                      .part_rows = 100};
    struct written whole = do_job(&job);

    for (size_t room = 0; room < whole.n; room += 1 + whole.n / 150) {
        struct written written = {.refuse_from = room};
        struct cm_error error = {0};

        cm_check_eq(try_job(&job, &written, &error), CAPMILL_E_NO_SPACE);
        cm_check_str(error.text, "full");
        free(written.bytes);
    }
    free(whole.bytes);
}

CM_TEST(parquet, codecs_that_are_not_its_own_are_refused)
{
    struct cm_table_options options = {.schema = &made_packet_schema, .codec = CM_CODEC_DEFLATE};
    struct cm_table_encoder encoder;
    struct cm_error error = {0};

    cm_check_eq(cm_parquet_encoder_create(&options, &encoder, &error), CAPMILL_E_USAGE);
    cm_check(strstr(error.text, "deflate") != NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a core encodes of packets as JSON lines and as Avro, in MB of payload a second, beside copying the payload;
 * and base64 alone. Sizes are those of IMIX, or all alike; half of each payload can be compressed. Each part is
 * encoded, looked at and discarded, as a writer would.
 * An argument (imix, 64, 594, 1518) chooses one of the sizes. Prints one JSON object; the best and the median of several
 * rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/checked.h"
#include "format/avro.h"
#include "format/jsonl.h"
#include "simd/base64.h"
#include "simd/cpu.h"

#define ROUNDS     11
#define PART_BYTES ((size_t)4 << 20) /* of payload: what a thread would make a part of */
#define N_PARTS    8

static const struct cm_column columns[] = {
    {.name = "timestamp_ns", .type = CM_COLUMN_INT64},
    {.name = "src_ip", .type = CM_COLUMN_TEXT, .nullable = true},
    {.name = "dst_ip", .type = CM_COLUMN_TEXT, .nullable = true},
    {.name = "src_port", .type = CM_COLUMN_UINT16, .nullable = true},
    {.name = "dst_port", .type = CM_COLUMN_UINT16, .nullable = true},
    {.name = "protocol", .type = CM_COLUMN_UINT8, .nullable = true},
    {.name = "flow_id", .type = CM_COLUMN_UINT64, .nullable = true, .hex = true},
    {.name = "caplen", .type = CM_COLUMN_UINT32},
    {.name = "origlen", .type = CM_COLUMN_UINT32},
    {.name = "tcp_flags", .type = CM_COLUMN_UINT8, .nullable = true},
    {.name = "payload", .type = CM_COLUMN_BYTES, .nullable = true},
    {.name = "time", .type = CM_COLUMN_TIME_NS},
    {.name = "packet_number", .type = CM_COLUMN_UINT64},
    {.name = "interface", .type = CM_COLUMN_TEXT, .nullable = true},
    {.name = "community_id", .type = CM_COLUMN_TEXT, .nullable = true},
};
enum { N_COLUMNS = CM_ARRAY_COUNT(columns), PAYLOAD = 10 };
static const struct cm_table_schema schema = {"Packet", columns, N_COLUMNS};

/* Eight parts' worth of rows, so that payload comes from beyond the caches as after a read. */
struct workload {
    uint8_t *payload;
    uint64_t numbers[N_COLUMNS][CM_TABLE_MAX_ROWS];
    struct cm_span spans[N_COLUMNS][CM_TABLE_MAX_ROWS];
    struct cm_column_values values[N_PARTS][N_COLUMNS];
    struct cm_table_rows rows[N_PARTS];
    size_t n_payload;
};

/* Of this process on a processor: what others do at the same time counts less. */
static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static uint32_t random_below(uint64_t *state, uint32_t n)
{
    *state = *state * UINT64_C(6364136223846793005) + 1;
    return (uint32_t)((*state >> 32) * n >> 32);
}

static void fail(const char *text)
{
    fprintf(stderr, "text_bench: %s\n", text);
    exit(1);
}

static uint32_t draw_size(uint64_t *state, uint32_t fixed)
{
    const uint32_t dice = random_below(state, 12);

    return fixed != 0 ? fixed : dice < 7 ? 64 : dice < 11 ? 594 : 1518;
}

static struct cm_span text_span(const char *text)
{
    return (struct cm_span){(const uint8_t *)text, (uint32_t)strlen(text)};
}

static void fill_row(struct workload *work, uint32_t row, uint8_t *payload, uint32_t size, uint64_t *state)
{
    static const char *const addresses[] = {"10.0.0.1",        "192.168.100.200",          "172.16.254.3",
                                            "2001:db8::1:2:3", "fe80::a00:27ff:fe4e:66a1", "8.8.8.8"};
    const uint64_t numbers[N_COLUMNS] = {[0] = UINT64_C(1700000000000000000) + row * UINT64_C(1234),
                                         [3] = random_below(state, 65536),
                                         [4] = 443,
                                         [5] = 6,
                                         [6] = (uint64_t)random_below(state, UINT32_MAX) << 32 | row,
                                         [7] = size,
                                         [8] = size,
                                         [9] = 16,
                                         [11] = UINT64_C(1700000000000000000) + row * UINT64_C(1234),
                                         [12] = row + 1};

    for (size_t i = 0; i < N_COLUMNS; i++)
        work->numbers[i][row] = numbers[i];
    work->spans[1][row] = text_span(addresses[random_below(state, CM_ARRAY_COUNT(addresses))]);
    work->spans[2][row] = text_span(addresses[random_below(state, CM_ARRAY_COUNT(addresses))]);
    work->spans[PAYLOAD][row] = (struct cm_span){payload, size};
    work->spans[13][row] = text_span("eth0");
    work->spans[14][row] = text_span("1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
    for (uint32_t i = 0; i < size; i++)
        payload[i] =
            (uint8_t)(i < size / 2 ? random_below(state, 256) : (uint8_t) "GET / HTTP/1.1\r\n"[i % 16]);
}

/* Rows until each part has its bytes of payload. */
static void fill(struct workload *work, uint32_t fixed_size)
{
    uint64_t state = 1;
    uint32_t row = 0;

    work->n_payload = 0;
    for (size_t part = 0; part < N_PARTS; part++) {
        const uint32_t first = row;
        size_t n = 0;

        while (n < PART_BYTES && row < CM_TABLE_MAX_ROWS * (part + 1) / N_PARTS) {
            const uint32_t size = draw_size(&state, fixed_size);

            fill_row(work, row++, work->payload + work->n_payload + n, size, &state);
            n += size;
        }
        for (size_t i = 0; i < N_COLUMNS; i++)
            work->values[part][i] = columns[i].type == CM_COLUMN_TEXT || columns[i].type == CM_COLUMN_BYTES
                                        ? (struct cm_column_values){.spans = work->spans[i] + first}
                                        : (struct cm_column_values){.numbers = work->numbers[i] + first};
        work->rows[part] = (struct cm_table_rows){row - first, work->values[part]};
        work->n_payload += n;
    }
}

static int compare_doubles(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static void show(const char *name, const char *sizes, double seconds[ROUNDS], const struct workload *work,
                 double n_out)
{
    const double megabytes = (double)work->n_payload / 1e6;

    qsort(seconds, ROUNDS, sizeof(seconds[0]), compare_doubles);
    printf("  \"%s_%s\": {\"best_MB_s\": %.0f, \"median_MB_s\": %.0f, \"out_per_payload\": %.2f},\n", name,
           sizes, megabytes / seconds[0], megabytes / seconds[ROUNDS / 2], n_out / (double)work->n_payload);
}

static enum capmill_status count(void *context, const void *bytes, size_t n, struct cm_error *error)
{
    *(uint64_t *)context += n;
    return CAPMILL_OK;
}

static void measure(struct workload *work, const char *name, const char *sizes,
                    struct cm_table_encoder *encoder)
{
    uint64_t n_out = 0;
    const struct cm_table_put put = {&n_out, count};
    struct cm_table_file *file;
    struct cm_table_part *part;
    double seconds[ROUNDS];
    void *local;

    if (encoder->open(encoder->context, &local, NULL) != CAPMILL_OK)
        fail("an encoder was not opened");
    for (int round = 0; round < ROUNDS; round++) {
        const double start = cpu_seconds();

        n_out = 0;
        if (encoder->begin(encoder->context, &put, &file, NULL) != CAPMILL_OK)
            fail("a file was not begun");
        for (size_t i = 0; i < N_PARTS; i++)
            if (encoder->encode(encoder->context, local, &work->rows[i], &part, NULL) != CAPMILL_OK ||
                encoder->add(file, part, NULL) != CAPMILL_OK)
                fail("a part was not encoded");
        encoder->end(file, NULL);
        seconds[round] = cpu_seconds() - start;
    }
    if (n_out == 0)
        fail("nothing was written");
    encoder->close(encoder->context, local);
    encoder->destroy(encoder->context);
    show(name, sizes, seconds, work, (double)n_out);
}

static void measure_jsonl(struct workload *work, const char *name, const char *sizes, enum cm_codec codec,
                          bool compress_payload)
{
    const struct cm_table_options options = {
        .schema = &schema, .codec = codec, .compress_payload = compress_payload};
    struct cm_table_encoder encoder;

    if (cm_jsonl_encoder_create(&options, &encoder, NULL) == CAPMILL_OK)
        measure(work, name, sizes, &encoder);
}

static void measure_avro(struct workload *work, const char *name, const char *sizes, enum cm_codec codec)
{
    const struct cm_table_options options = {.schema = &schema, .codec = codec};
    struct cm_table_encoder encoder;

    if (cm_avro_encoder_create(&options, &encoder, NULL) == CAPMILL_OK)
        measure(work, name, sizes, &encoder);
}

/* The payload alone into memory that is used again: value by value as base64, or copied where `encode` is NULL. */
static void measure_payload(struct workload *work, const char *name, const char *sizes,
                            cm_base64_encode *encode)
{
    char *out = malloc(cm_base64_length(PART_BYTES) * 2);
    double seconds[ROUNDS];
    size_t n_out = 0;

    if (out == NULL)
        fail("out of memory");
    for (int round = 0; round < ROUNDS; round++) {
        const double start = cpu_seconds();

        n_out = 0;
        for (size_t part = 0; part < N_PARTS; part++) {
            char *at = out;

            for (uint32_t row = 0; row < work->rows[part].n_rows; row++) {
                const struct cm_span *span = &work->values[part][PAYLOAD].spans[row];

                if (encode != NULL) {
                    at = encode(span->bytes, span->n, at);
                } else {
                    memcpy(at, span->bytes, span->n);
                    at += span->n;
                }
            }
            n_out += (size_t)(at - out);
        }
        seconds[round] = cpu_seconds() - start;
    }
    if (n_out < work->n_payload || out[0] == 0)
        fail("nothing was written");
    free(out);
    show(name, sizes, seconds, work, (double)n_out);
}

int main(int argc, char **argv)
{
    static const struct {
        uint32_t fixed;
        const char *name;
    } sizes[] = {{0, "imix"}, {64, "64"}, {594, "594"}, {1518, "1518"}};
    struct workload *work = calloc(1, sizeof(*work));

    if (work == NULL || (work->payload = malloc((PART_BYTES + 2048) * N_PARTS)) == NULL)
        fail("out of memory");
    printf("{\n");
    for (size_t i = 0; i < CM_ARRAY_COUNT(sizes); i++) {
        if (argc > 1 && strcmp(argv[1], sizes[i].name) != 0)
            continue;
        fill(work, sizes[i].fixed);
        measure_payload(work, "memcpy", sizes[i].name, NULL);
        measure_payload(work, "base64_portable", sizes[i].name, cm_base64_portable);
        if (cm_base64_choose(cm_cpu_features()) != cm_base64_portable)
            measure_payload(work, "base64_this_processor", sizes[i].name,
                            cm_base64_choose(cm_cpu_features()));
        measure_jsonl(work, "jsonl", sizes[i].name, CM_CODEC_NONE, false);
        measure_jsonl(work, "jsonl_compressed_payload", sizes[i].name, CM_CODEC_NONE, true);
        measure_jsonl(work, "jsonl_zstd", sizes[i].name, CM_CODEC_ZSTD, false);
        measure_jsonl(work, "jsonl_gzip", sizes[i].name, CM_CODEC_GZIP, false);
        measure_avro(work, "avro_null", sizes[i].name, CM_CODEC_NONE);
        measure_avro(work, "avro_snappy", sizes[i].name, CM_CODEC_SNAPPY);
        measure_avro(work, "avro_zstandard", sizes[i].name, CM_CODEC_ZSTD);
        measure_avro(work, "avro_deflate", sizes[i].name, CM_CODEC_DEFLATE);
    }
    printf("  \"rows_of_the_last\": %u\n}\n", work->rows[0].n_rows);
    free(work->payload);
    free(work);
    return 0;
}

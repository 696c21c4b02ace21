/* SPDX-License-Identifier: Apache-2.0 */
/* What turning rows into tables costs, on one thread: encoding (any thread's share), adding and ending row groups
 * (the share of the one that writes). Packets of a given number of flows in the usual mix of lengths (7 of 64, 4 of
 * 594 and 1 of 1518 bytes), with the columns that packets have by default; payload is half random, half not. Bytes
 * go nowhere. Prints one JSON object; the best of several rounds.
 *
 *     table_bench [FLOWS] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/checked.h"
#include "codec/codec.h"
#include "format/parquet.h"

#define PART_ROWS 4096u
#define N_PARTS   16u /* different ones: 64 Ki rows, 23 MB of payload */
#define ROUNDS    15
#define PAYLOAD   11 /* its column */

static const struct cm_column columns[] = {
    {.name = "timestamp_ns", .type = CM_COLUMN_INT64, .habit = CM_HABIT_RISES, .order = true},
    {.name = "time", .type = CM_COLUMN_TIME_NS, .habit = CM_HABIT_RISES, .order = true},
    {.name = "src_ip", .type = CM_COLUMN_TEXT, .nullable = true},
    {.name = "dst_ip", .type = CM_COLUMN_TEXT, .nullable = true},
    {.name = "src_port", .type = CM_COLUMN_UINT16, .nullable = true},
    {.name = "dst_port", .type = CM_COLUMN_UINT16, .nullable = true},
    {.name = "protocol", .type = CM_COLUMN_UINT8, .nullable = true},
    {.name = "flow_id", .type = CM_COLUMN_UINT64, .nullable = true},
    {.name = "caplen", .type = CM_COLUMN_UINT32},
    {.name = "origlen", .type = CM_COLUMN_UINT32},
    {.name = "tcp_flags", .type = CM_COLUMN_UINT8, .nullable = true},
    {.name = "payload", .type = CM_COLUMN_BYTES, .habit = CM_HABIT_DIFFERS},
    {.name = "packet_number", .type = CM_COLUMN_UINT64, .habit = CM_HABIT_RISES},
    {.name = "interface", .type = CM_COLUMN_TEXT, .nullable = true},
    {.name = "community_id", .type = CM_COLUMN_TEXT, .nullable = true},
};
#define N_COLUMNS CM_ARRAY_COUNT(columns)

struct rows {
    uint8_t present[N_COLUMNS][PART_ROWS];
    uint64_t numbers[N_COLUMNS][PART_ROWS];
    struct cm_span spans[N_COLUMNS][PART_ROWS];
    struct cm_column_values values[N_COLUMNS];
    char texts[PART_ROWS][3][48];
    uint8_t *payload;
    size_t n_payload;
};

/* Of this thread's processor, so that neighbours count less. */
static uint64_t now_ns(void)
{
    return (uint64_t)clock() * (1000000000u / CLOCKS_PER_SEC);
}

static uint64_t mix(uint64_t x)
{
    x = (x + 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static void fatal(const char *what)
{
    fprintf(stderr, "table_bench: %s\n", what);
    exit(1);
}

static struct cm_span print_address(char *text, uint64_t x)
{
    int n = snprintf(text, 48, "10.%u.%u.%u", (unsigned)(x & 3), (unsigned)(x >> 8 & 255),
                     (unsigned)(x >> 16 & 255));

    return (struct cm_span){(const uint8_t *)text, (uint32_t)n};
}

static struct cm_span print_id(char *text, uint64_t x)
{
    int n = snprintf(text, 48, "1:%013llx%014llx=", (unsigned long long)(x & 0xfffffffffffffu),
                     (unsigned long long)(mix(x) & 0xffffffffffffffu));

    return (struct cm_span){(const uint8_t *)text, (uint32_t)n};
}

static uint32_t put_payload(struct rows *rows, uint32_t row, uint64_t x)
{
    uint32_t n = x % 12 < 7 ? 64 : x % 12 < 11 ? 594 : 1518;
    uint8_t *p = rows->payload + rows->n_payload;

    for (uint32_t i = 0; i < n; i += 8) {
        uint64_t word = i / 32 % 2 == 0 ? mix(x + i) : 0x2020202020202020u + i;

        memcpy(p + i, &word, n - i < 8 ? n - i : 8);
    }
    rows->spans[PAYLOAD][row] = (struct cm_span){p, n};
    rows->n_payload += n;
    return n;
}

static void fill_row(struct rows *rows, uint32_t row, uint64_t number, uint64_t n_flows)
{
    uint64_t x = mix(number), flow = mix((x >> 8) % n_flows * ((x >> 36) % n_flows) / n_flows);
    bool is_ip = x % 50 != 0, forth = x % 3 != 0, tcp = flow % 4 != 0;
    uint64_t ports[2] = {1024 + flow % 60000, flow % 5 == 0 ? 53 : 443};
    static const char interface[] = "eth0";
    uint64_t time = 1700000000000000000u + number * 1700 + x % 1500;

    for (size_t c = 0; c < N_COLUMNS; c++) {
        bool there = !columns[c].nullable || is_ip || c == 13;

        rows->present[c][row] = there && (c != 10 || tcp);
    }
    rows->numbers[0][row] = rows->numbers[1][row] = time;
    rows->spans[2][row] = print_address(rows->texts[row][0], forth ? flow : flow >> 32);
    rows->spans[3][row] = print_address(rows->texts[row][1], forth ? flow >> 32 : flow);
    rows->numbers[4][row] = is_ip ? ports[!forth] : 0;
    rows->numbers[5][row] = is_ip ? ports[forth] : 0;
    rows->numbers[6][row] = is_ip ? (tcp ? 6 : 17) : 0;
    rows->numbers[7][row] = is_ip ? flow : 0;
    rows->numbers[8][row] = rows->numbers[9][row] = put_payload(rows, row, x);
    rows->numbers[10][row] = is_ip && tcp ? (x % 8 == 0 ? 0x18 : 0x10) : 0;
    rows->numbers[12][row] = number + 1;
    rows->spans[13][row] = (struct cm_span){(const uint8_t *)interface, 4};
    rows->spans[14][row] = print_id(rows->texts[row][2], flow);
}

static struct rows *make_rows(uint32_t part, uint64_t n_flows)
{
    struct rows *rows = calloc(1, sizeof(*rows));

    if (rows == NULL || (rows->payload = malloc((size_t)PART_ROWS * 1518 + 8)) == NULL)
        fatal("no memory");
    for (uint32_t row = 0; row < PART_ROWS; row++)
        fill_row(rows, row, (uint64_t)part * PART_ROWS + row, n_flows);
    for (size_t c = 0; c < N_COLUMNS; c++)
        rows->values[c] = (struct cm_column_values){columns[c].nullable ? rows->present[c] : NULL,
                                                    rows->numbers[c], rows->spans[c]};
    return rows;
}

static enum capmill_status swallow(void *context, const void *bytes, size_t n, struct cm_error *error)
{
    *(uint64_t *)context += n;
    return CAPMILL_OK;
}

struct cost {
    double encode_ns, add_ns, end_ns; /* a row */
    uint64_t n_file;
};

/* The parts of all rows, `repeats` times into one file. */
static struct cost measure_once(struct cm_table_encoder *encoder, struct rows **rows, size_t first_column)
{
    struct cm_table_part *parts[N_PARTS];
    struct cm_error error = {0};
    struct cost cost = {0, 0, 0, 0};
    struct cm_table_put put = {&cost.n_file, swallow};
    struct cm_table_file *file;
    void *local;
    uint64_t start;

    if (encoder->open(encoder->context, &local, &error) != CAPMILL_OK ||
        encoder->begin(encoder->context, &put, &file, &error) != CAPMILL_OK)
        fatal(error.text);
    start = now_ns();
    for (uint32_t i = 0; i < N_PARTS; i++) {
        struct cm_table_rows given = {PART_ROWS, rows[i]->values + first_column};

        if (encoder->encode(encoder->context, local, &given, &parts[i], &error) != CAPMILL_OK)
            fatal(error.text);
    }
    cost.encode_ns = (double)(now_ns() - start) / (N_PARTS * PART_ROWS);
    start = now_ns();
    for (uint32_t i = 0; i < N_PARTS; i++)
        if (encoder->add(file, parts[i], &error) != CAPMILL_OK)
            fatal(error.text);
    cost.add_ns = (double)(now_ns() - start) / (N_PARTS * PART_ROWS);
    start = now_ns();
    if (encoder->end(file, &error) != CAPMILL_OK)
        fatal(error.text);
    cost.end_ns = (double)(now_ns() - start) / (N_PARTS * PART_ROWS);
    encoder->close(encoder->context, local);
    return cost;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double best(double *values)
{
    qsort(values, ROUNDS, sizeof(values[0]), compare_doubles);
    return values[0];
}

/* `n` columns from `first` on. */
static void measure(const char *name, struct rows **rows, enum cm_codec codec, size_t first, size_t n,
                    double n_payload)
{
    const struct cm_table_schema schema = {"Packet", columns + first, n};
    struct cm_table_options options = {.schema = &schema, .codec = codec};
    double encode[ROUNDS], add[ROUNDS], end[ROUNDS], per_row;
    struct cm_table_encoder encoder;
    struct cm_error error = {0};
    uint64_t n_file = 0;

    if (cm_parquet_encoder_create(&options, &encoder, &error) != CAPMILL_OK)
        fatal(error.text);
    for (int round = 0; round < ROUNDS; round++) {
        struct cost cost = measure_once(&encoder, rows, first);

        encode[round] = cost.encode_ns, add[round] = cost.add_ns, end[round] = cost.end_ns;
        n_file = cost.n_file;
    }
    encoder.destroy(encoder.context);
    per_row = best(encode);
    printf("  \"%s_%s\": {\"encode_ns_a_row\": %.1f, \"add_ns_a_row\": %.1f, \"end_ns_a_row\": %.1f, "
           "\"file_bytes_a_row\": %.1f",
           name, cm_codec_name(codec), per_row, best(add), best(end), (double)n_file / (N_PARTS * PART_ROWS));
    if (n_payload != 0)
        printf(", \"payload_megabytes_per_second\": %.0f", n_payload * 1000 / per_row);
    printf("},\n");
}

/* What a codec alone takes for the same payload, in blocks of a page. */
static void measure_codec(struct rows **rows, enum cm_codec codec)
{
    struct cm_compressor *compressor;
    struct cm_error error = {0};
    double speed[ROUNDS];
    void *out;

    if (cm_compressor_create(codec, 0, &compressor, &error) != CAPMILL_OK)
        fatal(error.text);
    out = malloc(cm_compressor_bound(compressor, 1 << 20));
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = now_ns(), n_in = 0;

        for (uint32_t i = 0; i < N_PARTS; i++)
            for (size_t at = 0, n; at < rows[i]->n_payload; at += n, n_in += n) {
                size_t n_out;

                n = (size_t)cm_min_u64(1 << 20, rows[i]->n_payload - at);
                if (cm_compress(compressor, rows[i]->payload + at, n, out,
                                cm_compressor_bound(compressor, 1 << 20), &n_out, &error) != CAPMILL_OK)
                    fatal(error.text);
            }
        speed[round] = (double)n_in * 1000 / (double)(now_ns() - start);
    }
    printf("  \"%s_alone_megabytes_per_second\": %.0f,\n", cm_codec_name(codec), best(speed));
    cm_compressor_destroy(compressor);
    free(out);
}

int main(int argc, char **argv)
{
    static const enum cm_codec codecs[] = {CM_CODEC_NONE, CM_CODEC_SNAPPY, CM_CODEC_LZ4, CM_CODEC_ZSTD};
    uint64_t n_flows = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000;
    struct rows *rows[N_PARTS];
    double n_payload = 0;

    if (n_flows == 0)
        fatal("FLOWS is a number from 1 on");
    for (uint32_t i = 0; i < N_PARTS; i++) {
        rows[i] = make_rows(i, n_flows);
        n_payload += (double)rows[i]->n_payload;
    }
    n_payload /= N_PARTS * PART_ROWS;
    printf("{\n  \"flows\": %llu, \"payload_bytes_a_row\": %.0f,\n", (unsigned long long)n_flows, n_payload);
    for (size_t i = 0; i < CM_ARRAY_COUNT(codecs); i++) {
        if (!cm_codec_available(codecs[i]))
            continue;
        measure("all", rows, codecs[i], 0, N_COLUMNS, 0);
        measure("before_payload", rows, codecs[i], 0, PAYLOAD, 0);
        measure("payload", rows, codecs[i], PAYLOAD, 1, n_payload);
        measure("after_payload", rows, codecs[i], PAYLOAD + 1, N_COLUMNS - PAYLOAD - 1, 0);
        measure_codec(rows, codecs[i]);
    }
    printf("  \"rounds\": %d\n}\n", ROUNDS);
    return 0;
}

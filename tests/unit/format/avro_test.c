/* SPDX-License-Identifier: Apache-2.0 */
/* Files are what the Avro specification says, to the byte; those of other readers: differential/. */
#include "format/avro.h"

#include "base/endian.h"
#include "unit/format/table_bytes.h"

static struct cm_table_encoder make(const struct cm_table_options *options)
{
    struct cm_table_encoder encoder;
    struct cm_error error = {0};

    cm_check_that(cm_avro_encoder_create(options, &encoder, &error) == CAPMILL_OK, "%s", error.text);
    cm_check_str(encoder.extension, ".avro");
    return encoder;
}

/* Reading, as the specification's "Binary Encoding" says it. */
struct reader {
    const uint8_t *at, *end;
};

static int64_t take_long(struct reader *reader)
{
    uint64_t value = 0;

    for (unsigned shift = 0;; shift += 7) {
        cm_check(reader->at < reader->end && shift < 64);
        value |= (uint64_t)(*reader->at & 0x7f) << shift;
        if ((*reader->at++ & 0x80) == 0)
            break;
    }
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static struct reader take_bytes(struct reader *reader)
{
    const int64_t n = take_long(reader);
    struct reader bytes = {reader->at, reader->at + n};

    cm_check(n >= 0 && n <= reader->end - reader->at);
    reader->at += n;
    return bytes;
}

static void check_is(struct reader bytes, const char *expected)
{
    const size_t n = (size_t)(bytes.end - bytes.at);

    cm_check_that(n == strlen(expected) && memcmp(bytes.at, expected, n) == 0, "%.*s, expected %s", (int)n,
                  (const char *)bytes.at, expected);
}

/* The header, from magic to sync marker. */
struct header {
    struct reader schema, codec;
    struct reader notes[4][2];
    unsigned n_notes;
    const uint8_t *sync;
};

static struct header take_header(struct reader *reader)
{
    struct header header = {0};
    int64_t n_entries;

    cm_check(reader->end - reader->at > 4);
    cm_check_mem(reader->at, "Obj\x01", 4);
    reader->at += 4;
    n_entries = take_long(reader);
    for (int64_t i = 0; i < n_entries; i++) {
        struct reader key = take_bytes(reader), value = take_bytes(reader);

        if (i == 0) {
            check_is(key, "avro.schema");
            header.schema = value;
        } else if (i == 1) {
            check_is(key, "avro.codec");
            header.codec = value;
        } else {
            header.notes[header.n_notes][0] = key;
            header.notes[header.n_notes++][1] = value;
        }
    }
    cm_check_eq(take_long(reader), 0);
    header.sync = reader->at;
    cm_check(reader->end - reader->at >= 16);
    reader->at += 16;
    return header;
}

/* The rows' bytes of the next block, and how many rows. */
static struct reader take_block(struct reader *reader, const uint8_t *sync, int64_t *n_rows_ret)
{
    struct reader block;

    *n_rows_ret = take_long(reader);
    block = take_bytes(reader);
    cm_check(reader->end - reader->at >= 16);
    cm_check_mem(reader->at, sync, 16);
    reader->at += 16;
    return block;
}

/* The bytes of the only block. */
static void check_block(const struct table_bytes *out, int64_t n_rows, const void *expected, size_t n)
{
    struct reader reader = {out->bytes, out->bytes + out->n};
    struct header header = take_header(&reader);
    int64_t n_found;
    struct reader block = take_block(&reader, header.sync, &n_found);

    cm_check_eq(n_found, n_rows);
    cm_check(reader.at == reader.end);
    cm_check_eq(block.end - block.at, n);
    cm_check_mem(block.at, expected, n);
}

static void check_column(const struct cm_column *column, const struct cm_column_values *values,
                         uint32_t n_rows, const void *expected, size_t n)
{
    const struct cm_table_schema schema = {"Row", column, 1};
    const struct cm_table_options options = {.schema = &schema};
    const struct cm_table_rows rows = {n_rows, values};
    struct cm_table_encoder encoder = make(&options);
    struct table_bytes out = table_encode(&encoder, &rows, 1);

    check_block(&out, n_rows, expected, n);
    free(out.bytes);
}

#define CHECK_COLUMN(column, values, n_rows, expected)                                                       \
    check_column(column, values, n_rows, expected, sizeof(expected) - 1)

static const struct cm_column packet_columns[] = {
    {.name = "timestamp_ns", .type = CM_COLUMN_INT64},
    {.name = "src_ip", .doc = "\"Source\"", .type = CM_COLUMN_TEXT, .nullable = true},
    {.name = "src_port", .type = CM_COLUMN_UINT16, .nullable = true},
    {.name = "ttl", .type = CM_COLUMN_UINT8},
    {.name = "flow_id", .type = CM_COLUMN_UINT64, .nullable = true, .hex = true},
    {.name = "caplen", .type = CM_COLUMN_UINT32},
    {.name = "time", .doc = "When", .type = CM_COLUMN_TIME_NS, .nullable = true},
    {.name = "payload", .type = CM_COLUMN_BYTES},
};
static const struct cm_table_schema packets = {"Packet", packet_columns, CM_ARRAY_COUNT(packet_columns)};

CM_TEST(avro, schema_for_files_and_for_people)
{
    char *text;

    cm_check_eq(cm_avro_schema_text(&packets, false, &text, NULL), CAPMILL_OK);
    cm_check_str(text, "{\"type\":\"record\",\"name\":\"Packet\",\"namespace\":\"capmill\",\"fields\":["
                       "{\"name\":\"timestamp_ns\",\"type\":\"long\"},"
                       "{\"name\":\"src_ip\",\"type\":[\"null\",\"string\"],\"default\":null,"
                       "\"doc\":\"\\\"Source\\\"\"},"
                       "{\"name\":\"src_port\",\"type\":[\"null\",\"int\"],\"default\":null},"
                       "{\"name\":\"ttl\",\"type\":\"int\"},"
                       "{\"name\":\"flow_id\",\"type\":[\"null\",\"long\"],\"default\":null},"
                       "{\"name\":\"caplen\",\"type\":\"long\"},"
                       "{\"name\":\"time\",\"type\":[\"null\",{\"type\":\"long\",\"logicalType\":"
                       "\"timestamp-nanos\"}],\"default\":null,\"doc\":\"When\"},"
                       "{\"name\":\"payload\",\"type\":\"bytes\"}]}");
    free(text);
    cm_check_eq(
        cm_avro_schema_text(&(struct cm_table_schema){"Packet", packet_columns, 2}, true, &text, NULL),
        CAPMILL_OK);
    cm_check_str(text, "{\n"
                       "  \"type\": \"record\",\n"
                       "  \"name\": \"Packet\",\n"
                       "  \"namespace\": \"capmill\",\n"
                       "  \"fields\": [\n"
                       "    {\"name\": \"timestamp_ns\", \"type\": \"long\"},\n"
                       "    {\"name\": \"src_ip\", \"type\": [\"null\", \"string\"], \"default\": null, "
                       "\"doc\": \"\\\"Source\\\"\"}\n"
                       "  ]\n"
                       "}\n");
    free(text);
}

CM_TEST(avro, header_holds_schema_codec_and_notes)
{
    static const struct cm_table_note notes[] = {{"capmill.version", "1"}, {"source", "a.pcap"}};
    const struct cm_table_options options = {.schema = &packets, .notes = notes, .n_notes = 2};
    struct cm_table_encoder encoder = make(&options);
    struct table_bytes out = table_encode(&encoder, NULL, 0);
    struct reader reader = {out.bytes, out.bytes + out.n};
    struct header header = take_header(&reader);
    char *schema;

    cm_check_eq(cm_avro_schema_text(&packets, false, &schema, NULL), CAPMILL_OK);
    check_is(header.schema, schema);
    check_is(header.codec, "null");
    cm_check_eq(header.n_notes, 2);
    check_is(header.notes[0][0], "capmill.version");
    check_is(header.notes[0][1], "1");
    check_is(header.notes[1][0], "source");
    check_is(header.notes[1][1], "a.pcap");
    cm_check(reader.at == reader.end); /* a file of no rows ends behind its header */
    free(schema);
    free(out.bytes);
}

/* The marker of a file without rows. */
static void take_marker(const struct cm_table_options *options, uint8_t marker_ret[16])
{
    struct cm_table_encoder encoder = make(options);
    struct table_bytes out = table_encode(&encoder, NULL, 0);
    struct reader reader = {out.bytes, out.bytes + out.n};
    struct header header = take_header(&reader);

    memcpy(marker_ret, header.sync, 16);
    free(out.bytes);
}

CM_TEST(avro, marker_follows_from_what_the_file_is)
{
    static const struct cm_table_schema fewer = {"Packet", packet_columns, 3};
    static const struct cm_table_note one[] = {{"source", "a.pcap"}}, other[] = {{"source", "b.pcap"}};
    const struct cm_table_options options[] = {
        {.schema = &packets, .notes = one, .n_notes = 1},
        {.schema = &packets, .notes = one, .n_notes = 1, .codec = CM_CODEC_NONE}, /* the same */
        {.schema = &packets, .notes = other, .n_notes = 1},
        {.schema = &packets},
        {.schema = &fewer},
        {.schema = &packets, .codec = CM_CODEC_DEFLATE}};
    const size_t n = CM_ARRAY_COUNT(options) - !cm_codec_available(CM_CODEC_DEFLATE);
    uint8_t markers[CM_ARRAY_COUNT(options)][16];

    for (size_t i = 0; i < n; i++) {
        take_marker(&options[i], markers[i]);
        for (size_t k = 0; k < i; k++)
            cm_check_that((memcmp(markers[i], markers[k], 16) == 0) == (k == 0 && i == 1), "%zu and %zu", i,
                          k);
    }
}

/* The examples of the specification, and both ends of 64 bits. */
CM_TEST(avro, longs_in_zigzag)
{
    const struct cm_column column = {.name = "n", .type = CM_COLUMN_INT64};
    const uint64_t numbers[] = {0,
                                (uint64_t)-1,
                                1,
                                (uint64_t)-2,
                                2,
                                (uint64_t)-64,
                                64,
                                (uint64_t)-65,
                                63,
                                (uint64_t)INT64_MAX,
                                (uint64_t)INT64_MIN};

    CHECK_COLUMN(&column, &(struct cm_column_values){.numbers = numbers}, 11,
                 "\x00\x01\x02\x03\x04\x7f\x80\x01\x81\x01\x7e"
                 "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                 "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
}

CM_TEST(avro, unsigned_numbers_and_times)
{
    const uint64_t numbers[] = {UINT64_MAX, UINT64_C(1) << 63, 255};

    /* as its bits: -1 and the least long there is */
    CHECK_COLUMN((&(const struct cm_column){.name = "n", .type = CM_COLUMN_UINT64}),
                 &(struct cm_column_values){.numbers = numbers}, 3,
                 "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\xfe\x03");
    CHECK_COLUMN((&(const struct cm_column){.name = "n", .type = CM_COLUMN_UINT8}),
                 &(struct cm_column_values){.numbers = numbers + 2}, 1, "\xfe\x03");
    CHECK_COLUMN((&(const struct cm_column){.name = "n", .type = CM_COLUMN_UINT32}),
                 &(struct cm_column_values){.numbers = (const uint64_t[]){UINT32_MAX}}, 1,
                 "\xfe\xff\xff\xff\x1f");
    CHECK_COLUMN((&(const struct cm_column){.name = "n", .type = CM_COLUMN_TIME_NS}),
                 &(struct cm_column_values){.numbers = (const uint64_t[]){1000000000}}, 1,
                 "\x80\xa8\xd6\xb9\x07");
}

CM_TEST(avro, strings_and_bytes)
{
    const struct cm_span spans[] = {SPAN("foo"), {NULL, 0}, SPAN("\x00\xff")};

    CHECK_COLUMN((&(const struct cm_column){.name = "n", .type = CM_COLUMN_TEXT}),
                 &(struct cm_column_values){.spans = spans}, 2,
                 "\x06"
                 "foo\x00");
    CHECK_COLUMN((&(const struct cm_column){.name = "n", .type = CM_COLUMN_BYTES}),
                 &(struct cm_column_values){.spans = spans}, 3,
                 "\x06"
                 "foo\x00\x04\x00\xff");
}

CM_TEST(avro, unions_of_null_and_a_value)
{
    const struct cm_span spans[] = {{NULL, 0}, SPAN("a")};
    const uint64_t numbers[] = {0, 1};
    const uint8_t present[] = {0, 1};

    CHECK_COLUMN((&(const struct cm_column){.name = "n", .type = CM_COLUMN_TEXT, .nullable = true}),
                 (&(struct cm_column_values){.spans = spans, .present = present}), 2, "\x00\x02\x02\x61");
    CHECK_COLUMN((&(const struct cm_column){.name = "n", .type = CM_COLUMN_UINT64, .nullable = true}),
                 (&(struct cm_column_values){.numbers = numbers, .present = present}), 2, "\x00\x02\x02");
    /* all have a value */
    CHECK_COLUMN((&(const struct cm_column){.name = "n", .type = CM_COLUMN_UINT64, .nullable = true}),
                 (&(struct cm_column_values){.numbers = numbers}), 2, "\x02\x00\x02\x02");
}

CM_TEST(avro, strings_are_utf_8_whatever_was_given)
{
    const struct cm_column column = {.name = "n", .type = CM_COLUMN_TEXT};
    const struct cm_span spans[] = {SPAN("Gr\xc3\xbc\xc3\x9f"
                                         "e"),
                                    SPAN("a\xff\x62"), SPAN("eight by\xe2\x82")};
    static uint8_t wrong[100];
    static uint8_t expected[302] = {0xd8, 0x04}; /* 300 */

    CHECK_COLUMN(&column, &(struct cm_column_values){.spans = spans}, 3,
                 "\x0eGr\xc3\xbc\xc3\x9f"
                 "e\x0a"
                 "a\xef\xbf\xbd"
                 "b\x16"
                 "eight by\xef\xbf\xbd");
    memset(wrong, 0xff, sizeof(wrong));
    for (size_t i = 2; i < sizeof(expected); i += 3)
        memcpy(expected + i, "\xef\xbf\xbd", 3);
    check_column(&column, &(struct cm_column_values){.spans = &(struct cm_span){wrong, sizeof(wrong)}}, 1,
                 expected, sizeof(expected));
}

/* A column of bytes of several sizes, larger than a block and smaller, in two parts. */
static void check_sizes(enum cm_codec codec, const char *name)
{
    static const uint32_t sizes[] = {0, 1,        5,   40,   60,   63,    100,    256 << 10,
                                     3, 16 << 20, 100, 8190, 1000, 70000, 200000, 9};
    enum { N = CM_ARRAY_COUNT(sizes), MOST = 16 << 20 };
    const struct cm_column column = {.name = "b", .type = CM_COLUMN_BYTES};
    const struct cm_table_schema schema = {"Row", &column, 1};
    const struct cm_table_options options = {.schema = &schema, .codec = codec};
    uint8_t *bytes = malloc(MOST), *rows_bytes = malloc(2 * MOST);
    struct cm_span spans[N];
    const struct cm_column_values first = {.spans = spans}, second = {.spans = spans + 1};
    const struct cm_table_rows parts[] = {{1, &first}, {0, &first}, {N - 1, &second}};
    struct cm_table_encoder encoder;
    struct table_bytes out;
    struct reader reader;
    struct header header;
    uint32_t state = 1;
    size_t row = 0, n_blocks = 0;

    if (!cm_codec_available(codec))
        cm_skip("no %s in this build", cm_codec_name(codec));
    cm_check(bytes != NULL && rows_bytes != NULL);
    for (size_t i = 0; i < MOST; i++) /* half of it can be compressed */
        bytes[i] = (uint8_t)((state = state * 1664525u + 1013904223u) >> (i % 8192 < 4096 ? 24 : 31));
    for (size_t i = 0; i < N; i++)
        spans[i] = (struct cm_span){bytes + (sizes[i] < MOST ? i * 777 : 0), sizes[i]};
    encoder = make(&options);
    out = table_encode(&encoder, parts, 3);
    reader = (struct reader){out.bytes, out.bytes + out.n};
    header = take_header(&reader);
    check_is(header.codec, name);
    for (; reader.at < reader.end; n_blocks++) {
        int64_t n_rows;
        struct reader block = take_block(&reader, header.sync, &n_rows), rows;
        size_t n_plain = 0, n_sum = codec == CM_CODEC_SNAPPY ? 4 : 0;

        cm_check(n_rows > 0 && (size_t)n_rows <= N - row);
        for (int64_t i = 0; i < n_rows; i++) {
            const uint32_t size = sizes[row + (size_t)i];

            n_plain += size + (size < 64 ? 1u : size < 8192 ? 2u : size < 1 << 20 ? 3u : 4u);
        }
        cm_check(block.end - block.at >= (ptrdiff_t)n_sum);
        cm_check(cm_decompress(codec == CM_CODEC_GZIP ? CM_CODEC_DEFLATE : codec, block.at,
                               (size_t)(block.end - block.at) - n_sum, rows_bytes, n_plain));
        if (n_sum != 0) { /* bit by bit */
            uint32_t sum = UINT32_MAX;

            for (size_t i = 0; i < n_plain; i++) {
                sum ^= rows_bytes[i];
                for (unsigned bit = 0; bit < 8; bit++)
                    sum = sum >> 1 ^ (sum & 1 ? 0xedb88320u : 0);
            }
            cm_check_eq(cm_load_be32(block.end - 4), ~sum);
        }
        rows = (struct reader){rows_bytes, rows_bytes + n_plain};
        for (; n_rows > 0; n_rows--, row++) {
            struct reader value = take_bytes(&rows);

            cm_check_eq(value.end - value.at, sizes[row]);
            cm_check_mem(value.at, spans[row].bytes, sizes[row]);
        }
        cm_check(rows.at == rows.end);
    }
    cm_check_eq(row, N);
    cm_check_that(n_blocks >= 4 && n_blocks < N, "%zu blocks", n_blocks);
    free(out.bytes);
    free(bytes);
    free(rows_bytes);
}

CM_TEST(avro, bytes_of_every_size)
{
    check_sizes(CM_CODEC_NONE, "null");
}

CM_TEST(avro, bytes_of_every_size_with_deflate)
{
    check_sizes(CM_CODEC_DEFLATE, "deflate");
}

CM_TEST(avro, gzip_is_taken_for_deflate)
{
    check_sizes(CM_CODEC_GZIP, "deflate");
}

CM_TEST(avro, bytes_of_every_size_with_snappy)
{
    check_sizes(CM_CODEC_SNAPPY, "snappy");
}

CM_TEST(avro, bytes_of_every_size_with_zstandard)
{
    check_sizes(CM_CODEC_ZSTD, "zstandard");
}

/* As many rows as a part may have become blocks of a sensible size. */
CM_TEST(avro, blocks_hold_many_rows_and_not_too_many)
{
    static uint64_t numbers[CM_TABLE_MAX_ROWS];
    const struct cm_column columns[] = {{.name = "a", .type = CM_COLUMN_INT64},
                                        {.name = "b", .type = CM_COLUMN_INT64}};
    const struct cm_table_schema schema = {"Row", columns, 2};
    const struct cm_table_options options = {.schema = &schema};
    const struct cm_column_values values[] = {{.numbers = numbers}, {.numbers = numbers}};
    const struct cm_table_rows rows = {CM_TABLE_MAX_ROWS, values};
    struct cm_table_encoder encoder = make(&options);
    struct table_bytes out;
    struct reader reader;
    struct header header;
    uint64_t row = 0;

    for (size_t i = 0; i < CM_TABLE_MAX_ROWS; i++)
        numbers[i] = (uint64_t)INT64_MAX - i;
    out = table_encode(&encoder, &rows, 1);
    reader = (struct reader){out.bytes, out.bytes + out.n};
    header = take_header(&reader);
    while (reader.at < reader.end) {
        int64_t n_rows;
        struct reader block = take_block(&reader, header.sync, &n_rows);
        const bool is_last = reader.at == reader.end;

        cm_check(block.end - block.at <= 1 << 20 && (is_last || block.end - block.at >= 64 << 10));
        for (; n_rows > 0; n_rows--, row++) {
            cm_check_eq(take_long(&block), INT64_MAX - (int64_t)row);
            cm_check_eq(take_long(&block), INT64_MAX - (int64_t)row);
        }
        cm_check(block.at == block.end);
    }
    cm_check_eq(row, CM_TABLE_MAX_ROWS);
    free(out.bytes);
}

static void check_refused(const struct cm_table_options *options, enum capmill_status status,
                          const char *text)
{
    struct cm_table_encoder encoder;
    struct cm_error error = {0};

    cm_check_eq(cm_avro_encoder_create(options, &encoder, &error), status);
    cm_check_str(error.text, text);
}

CM_TEST(avro, what_avro_does_not_have_is_refused)
{
    static const struct cm_column with_dash = {.name = "src-ip", .type = CM_COLUMN_TEXT};
    static const struct cm_column with_digit = {.name = "2nd", .type = CM_COLUMN_TEXT};
    static const struct cm_table_schema dash = {"Row", &with_dash, 1}, digit = {"Row", &with_digit, 1};
    static const struct cm_table_schema nameless = {"", packet_columns, 1};
    static const struct cm_table_note own[] = {{"avro.codec", "null"}};

    check_refused(&(struct cm_table_options){.schema = &packets, .codec = CM_CODEC_LZ4},
                  CAPMILL_E_UNSUPPORTED, "Avro has the codecs null, deflate, snappy and zstandard, not lz4");
    check_refused(&(struct cm_table_options){.schema = &dash}, CAPMILL_E_USAGE,
                  "'src-ip' is no name of a field in Avro: letters, digits and _, no digit first");
    check_refused(&(struct cm_table_options){.schema = &digit}, CAPMILL_E_USAGE,
                  "'2nd' is no name of a field in Avro: letters, digits and _, no digit first");
    check_refused(&(struct cm_table_options){.schema = &nameless}, CAPMILL_E_USAGE,
                  "'' is no name of a record in Avro");
    check_refused(&(struct cm_table_options){.schema = &packets, .notes = own, .n_notes = 1}, CAPMILL_E_USAGE,
                  "a note of an Avro file may not be called 'avro.codec'");
}

CM_TEST(avro, failures_are_answers_and_leave_nothing_behind)
{
    const struct cm_column column = {.name = "n", .type = CM_COLUMN_INT64};
    const struct cm_table_schema schema = {"Row", &column, 1};
    const struct cm_table_options options = {.schema = &schema};
    const uint64_t numbers[] = {1, 2};
    const struct cm_table_rows rows = {2, &(struct cm_column_values){.numbers = numbers}};
    struct cm_table_encoder encoder = make(&options);

    table_check_failures(&encoder, &rows);
}

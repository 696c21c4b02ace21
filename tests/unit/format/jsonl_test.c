/* SPDX-License-Identifier: Apache-2.0 */
/* Rows are the JSON lines that jsonl.h promises, to the byte. */
#include "format/jsonl.h"

#include "base/endian.h"
#include "unit/format/table_bytes.h"

static struct cm_table_encoder make(const struct cm_table_options *options)
{
    struct cm_table_encoder encoder;
    struct cm_error error = {0};

    cm_check_that(cm_jsonl_encoder_create(options, &encoder, &error) == CAPMILL_OK, "%s", error.text);
    return encoder;
}

/* One column and its rows. */
static struct table_bytes encode_column(const struct cm_column *column, const struct cm_column_values *values,
                                        uint32_t n_rows, bool wide_as_text)
{
    const struct cm_table_schema schema = {"Row", column, 1};
    const struct cm_table_options options = {.schema = &schema, .wide_numbers_as_text = wide_as_text};
    const struct cm_table_rows rows = {n_rows, values};
    struct cm_table_encoder encoder = make(&options);

    return table_encode(&encoder, &rows, 1);
}

static void check_column(const struct cm_column *column, const struct cm_column_values *values,
                         uint32_t n_rows, bool wide_as_text, const char *expected)
{
    struct table_bytes out = encode_column(column, values, n_rows, wide_as_text);

    table_check(&out, expected, strlen(expected));
    free(out.bytes);
}

static void check_text(const char *text, size_t n, const char *expected)
{
    const struct cm_column column = {.name = "t", .type = CM_COLUMN_TEXT};
    /* in memory of its own, so that a sanitizer sees a step outside */
    uint8_t *copy = malloc(n + (n == 0));
    const struct cm_span span = {copy, (uint32_t)n};
    const struct cm_column_values values = {.spans = &span};
    char line[256];

    cm_check(copy != NULL);
    memcpy(copy, text, n);
    snprintf(line, sizeof(line), "{\"t\":\"%s\"}\n", expected);
    check_column(&column, &values, 1, false, line);
    free(copy);
}

#define CHECK_TEXT(text, expected) check_text(text, sizeof(text) - 1, expected)

static const struct cm_column packet_columns[] = {
    {.name = "timestamp_ns", .type = CM_COLUMN_INT64},
    {.name = "src_ip", .type = CM_COLUMN_TEXT, .nullable = true},
    {.name = "src_port", .type = CM_COLUMN_UINT16, .nullable = true},
    {.name = "flow_id", .type = CM_COLUMN_UINT64, .nullable = true, .hex = true},
    {.name = "caplen", .type = CM_COLUMN_UINT32},
    {.name = "tcp_flags", .type = CM_COLUMN_UINT8, .nullable = true},
    {.name = "time", .type = CM_COLUMN_TIME_NS},
    {.name = "payload", .type = CM_COLUMN_BYTES, .nullable = true},
};
static const struct cm_table_schema packets = {"Packet", packet_columns, CM_ARRAY_COUNT(packet_columns)};

static const uint64_t stamps[] = {(uint64_t)-1, 1700000000123456789u}, ports[] = {443, 0};
static const uint64_t flows[] = {0x0123456789abcdef, 0}, lengths[] = {4294967295u, 0}, flags[] = {18, 0};
static const uint64_t times[] = {0, 1709210096123456789u};
static const struct cm_span addresses[] = {SPAN("192.168.100.200"), {NULL, 0}};
static const struct cm_span payloads[] = {SPAN("\x00\xff\x10"), {NULL, 0}};
static const uint8_t only_first[] = {1, 0};
static const struct cm_column_values packet_values[] = {
    {.numbers = stamps},
    {.spans = addresses, .present = only_first},
    {.numbers = ports, .present = only_first},
    {.numbers = flows, .present = only_first},
    {.numbers = lengths},
    {.numbers = flags, .present = only_first},
    {.numbers = times},
    {.spans = payloads, .present = only_first},
};
static const struct cm_table_rows two_packets = {2, packet_values};
static const char two_lines[] =
    "{\"timestamp_ns\":-1,\"src_ip\":\"192.168.100.200\",\"src_port\":443,\"flow_id\":\"0123456789abcdef\","
    "\"caplen\":4294967295,\"tcp_flags\":18,\"time\":\"1970-01-01T00:00:00.000000000Z\",\"payload\":\"AP8Q\"}"
    "\n"
    "{\"timestamp_ns\":1700000000123456789,\"caplen\":0,\"time\":\"2024-02-29T12:34:56.123456789Z\"}\n";

CM_TEST(jsonl, a_row_is_an_object_on_a_line_without_what_is_absent)
{
    const struct cm_table_options options = {.schema = &packets};
    struct cm_table_encoder encoder = make(&options);
    struct table_bytes out;

    cm_check_str(encoder.extension, ".jsonl");
    out = table_encode(&encoder, &two_packets, 1);
    table_check(&out, two_lines, strlen(two_lines));
    free(out.bytes);
}

CM_TEST(jsonl, parts_follow_each_other_and_no_rows_are_no_bytes)
{
    const struct cm_table_options options = {.schema = &packets};
    const struct cm_table_rows parts[] = {{0, packet_values}, {1, packet_values}, {0, packet_values}};
    struct cm_table_encoder encoder = make(&options);
    struct table_bytes out = table_encode(&encoder, parts, 3);

    table_check(&out, two_lines, (size_t)(strchr(two_lines, '\n') + 1 - two_lines));
    free(out.bytes);
    encoder = make(&options);
    out = table_encode(&encoder, parts, 1);
    cm_check_eq(out.n, 0);
    free(out.bytes);
}

CM_TEST(jsonl, rows_without_any_value_and_tables_without_columns)
{
    const struct cm_column column = {.name = "n", .type = CM_COLUMN_UINT8, .nullable = true};
    const uint64_t numbers[] = {0, 7, 0};
    const uint8_t present[] = {0, 1, 0};
    const struct cm_column_values values = {.numbers = numbers, .present = present};
    const struct cm_table_schema none = {"Row", &column, 0};
    const struct cm_table_options options = {.schema = &none};
    const struct cm_table_rows rows = {2, NULL};
    struct cm_table_encoder encoder = make(&options);
    struct table_bytes out = table_encode(&encoder, &rows, 1);

    table_check(&out, "{}\n{}\n", 6);
    free(out.bytes);
    check_column(&column, &values, 3, false, "{}\n{\"n\":7}\n{}\n");
}

/* Every number of digits, at both ends of it. */
CM_TEST(jsonl, numbers_of_every_length)
{
    const struct cm_column column = {.name = "n", .type = CM_COLUMN_UINT64};
    uint64_t numbers[64];
    uint32_t n = 0;
    char expected[4096];
    size_t at = 0;

    numbers[n++] = 0;
    for (uint64_t power = 1;; power *= 10) {
        numbers[n++] = power;
        if (power > 1)
            numbers[n++] = power - 1;
        numbers[n++] = power + power / 7;
        if (power > UINT64_MAX / 10)
            break;
    }
    numbers[n++] = UINT64_MAX;
    numbers[n++] = UINT32_MAX;
    numbers[n++] = (uint64_t)UINT32_MAX + 1;
    for (uint32_t i = 0; i < n; i++)
        at += (size_t)snprintf(expected + at, sizeof(expected) - at, "{\"n\":%" PRIu64 "}\n", numbers[i]);
    check_column(&column, &(struct cm_column_values){.numbers = numbers}, n, false, expected);
}

CM_TEST(jsonl, signed_numbers)
{
    const struct cm_column column = {.name = "n", .type = CM_COLUMN_INT64};
    const uint64_t numbers[] = {(uint64_t)INT64_MIN, (uint64_t)INT64_MAX, (uint64_t)-10, 10};

    check_column(&column, &(struct cm_column_values){.numbers = numbers}, 4, false,
                 "{\"n\":-9223372036854775808}\n{\"n\":9223372036854775807}\n{\"n\":-10}\n{\"n\":10}\n");
}

CM_TEST(jsonl, wide_numbers_are_text_where_that_was_asked_for)
{
    const struct cm_column is_signed = {.name = "n", .type = CM_COLUMN_INT64};
    const struct cm_column is_unsigned = {.name = "n", .type = CM_COLUMN_UINT64};
    const uint64_t exact = UINT64_C(1) << 53;
    const uint64_t numbers[] = {exact, exact + 1, 0 - exact, 0 - exact - 1};
    const struct cm_column_values values = {.numbers = numbers};

    check_column(&is_signed, &values, 4, true,
                 "{\"n\":9007199254740992}\n{\"n\":\"9007199254740993\"}\n"
                 "{\"n\":-9007199254740992}\n{\"n\":\"-9007199254740993\"}\n");
    check_column(
        &is_unsigned, &values, 3, true,
        "{\"n\":9007199254740992}\n{\"n\":\"9007199254740993\"}\n{\"n\":\"18437736874454810624\"}\n");
    check_column(&is_signed, &values, 2, false, "{\"n\":9007199254740992}\n{\"n\":9007199254740993}\n");
}

CM_TEST(jsonl, times_of_other_seconds_and_of_the_same)
{
    const struct cm_column column = {.name = "t", .type = CM_COLUMN_TIME_NS};
    const uint64_t numbers[] = {1000000000, 1999999999, 1000000001, UINT64_MAX, 0};

    check_column(&column, &(struct cm_column_values){.numbers = numbers}, 5, false,
                 "{\"t\":\"1970-01-01T00:00:01.000000000Z\"}\n{\"t\":\"1970-01-01T00:00:01.999999999Z\"}\n"
                 "{\"t\":\"1970-01-01T00:00:01.000000001Z\"}\n{\"t\":\"2554-07-21T23:34:33.709551615Z\"}\n"
                 "{\"t\":\"1970-01-01T00:00:00.000000000Z\"}\n");
}

CM_TEST(jsonl, text_is_escaped_where_rfc_8259_says_so)
{
    CHECK_TEXT("", "");
    CHECK_TEXT("plain", "plain");
    CHECK_TEXT("plain text of some words, ~ and \x7f", "plain text of some words, ~ and \x7f");
    CHECK_TEXT("say \"hello\" \\ /", "say \\\"hello\\\" \\\\ /");
    CHECK_TEXT("\b\f\n\r\t", "\\b\\f\\n\\r\\t");
    CHECK_TEXT("\x01\x1f\x1b", "\\u0001\\u001f\\u001b");
    CHECK_TEXT("a\0b", "a\\u0000b");
    CHECK_TEXT("12345678\"12345678", "12345678\\\"12345678");
    CHECK_TEXT("1234567\"", "1234567\\\"");
}

/* Every byte below U+0080 in every place of a word of eight. */
CM_TEST(jsonl, what_must_be_escaped_is_seen_wherever_it_stands)
{
    for (unsigned byte = 0; byte < 0x80; byte++)
        for (unsigned place = 0; place < 17; place++) {
            char text[17], expected[32], shown[8];

            memset(text, 'x', sizeof(text));
            text[place] = (char)byte;
            if (byte == '"' || byte == '\\')
                snprintf(shown, sizeof(shown), "\\%c", byte);
            else if (byte == 8 || byte == 9 || byte == 10 || byte == 12 || byte == 13)
                snprintf(shown, sizeof(shown), "\\%c", "btn?fr"[byte - 8]);
            else
                snprintf(shown, sizeof(shown), byte < 0x20 ? "\\u%04x" : "%c", byte);
            snprintf(expected, sizeof(expected), "%.*s%s%.*s", (int)place, "xxxxxxxxxxxxxxxxx", shown,
                     (int)(16 - place), "xxxxxxxxxxxxxxxxx");
            check_text(text, sizeof(text), expected);
        }
}

#define FFFD "\xef\xbf\xbd"

CM_TEST(jsonl, text_that_is_not_utf_8_becomes_replacement_characters)
{
    CHECK_TEXT("Gr\xc3\xbc\xc3\x9f\x65, \xe2\x82\xac, \xf0\x9f\x98\x80",
               "Gr\xc3\xbc\xc3\x9f\x65, \xe2\x82\xac, \xf0\x9f\x98\x80");
    CHECK_TEXT("\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80", "\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80");
    CHECK_TEXT("\x80", FFFD);
    CHECK_TEXT("a\xff\x62", "a" FFFD "b");
    CHECK_TEXT("\xc0\xaf", FFFD FFFD);          /* overlong */
    CHECK_TEXT("\xe0\x80\xaf", FFFD FFFD FFFD); /* overlong */
    CHECK_TEXT("\xf0\x80\x80\xaf", FFFD FFFD FFFD FFFD);
    CHECK_TEXT("\xed\xa0\x80", FFFD FFFD FFFD);          /* a surrogate */
    CHECK_TEXT("\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD); /* beyond U+10FFFF */
    CHECK_TEXT("\xf5\x80", FFFD FFFD);
    CHECK_TEXT("\xe2\x82", FFFD); /* cut off: one beginning, one replacement */
    CHECK_TEXT("\xf0\x9f\x98", FFFD);
    CHECK_TEXT("\xf0\x9f\x98\"", FFFD "\\\"");
    CHECK_TEXT("\xc3", FFFD);
    CHECK_TEXT("\xc3\xc3\xbc", FFFD "\xc3\xbc");
    /* The Unicode Standard, table 3-11 */
    CHECK_TEXT("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", FFFD FFFD FFFD FFFD "A");
}

CM_TEST(jsonl, names_are_escaped_and_may_be_long)
{
    static const char name[] = "a name of more than thirty-two characters, \"so to say\", and then some";
    const struct cm_column columns[] = {{.name = name, .type = CM_COLUMN_UINT8},
                                        {.name = "exactly_thirty_with_comma_ok", .type = CM_COLUMN_UINT8}};
    const struct cm_table_schema schema = {"Row", columns, 2};
    const struct cm_table_options options = {.schema = &schema};
    const uint64_t numbers[] = {1, 2};
    const struct cm_column_values values[] = {{.numbers = numbers}, {.numbers = numbers}};
    const struct cm_table_rows rows = {2, values};
    static const char expected[] =
        "{\"a name of more than thirty-two characters, \\\"so to say\\\", and then some\":1,"
        "\"exactly_thirty_with_comma_ok\":1}\n"
        "{\"a name of more than thirty-two characters, \\\"so to say\\\", and then some\":2,"
        "\"exactly_thirty_with_comma_ok\":2}\n";
    struct cm_table_encoder encoder = make(&options);
    struct table_bytes out = table_encode(&encoder, &rows, 1);

    table_check(&out, expected, strlen(expected));
    free(out.bytes);
}

/* "{"b":"AAAA...AA=="}": the ends are looked at, and that all between is zeroes. */
CM_TEST(jsonl, bytes_of_every_size)
{
    static const size_t sizes[] = {1, 256 << 10, 16 << 20};
    const struct cm_column column = {.name = "b", .type = CM_COLUMN_BYTES};

    for (size_t i = 0; i < CM_ARRAY_COUNT(sizes); i++) {
        uint8_t *bytes = calloc(1, sizes[i]);
        const struct cm_span span = {bytes, (uint32_t)sizes[i]};
        struct table_bytes out;
        size_t n_letters = (sizes[i] * 8 + 5) / 6;

        cm_check(bytes != NULL);
        out = encode_column(&column, &(struct cm_column_values){.spans = &span}, 1, false);
        cm_check_eq(out.n, 6 + (sizes[i] + 2) / 3 * 4 + 3);
        cm_check_mem(out.bytes, "{\"b\":\"", 6);
        for (size_t k = 0; k < n_letters; k++)
            cm_check_that(out.bytes[6 + k] == 'A', "character %zu of %zu", k, n_letters);
        cm_check_mem(out.bytes + out.n - 5, "==\"}\n", 5);
        free(out.bytes);
        free(bytes);
    }
    check_column(&column, &(struct cm_column_values){.spans = &(struct cm_span){NULL, 0}}, 1, false,
                 "{\"b\":\"\"}\n");
}

/* So many lines that a part is several members or frames. */
static void check_codec(enum cm_codec codec, const char *extension)
{
    enum { N_ROWS = 60000, TEXT_BYTES = 200 };
    static uint8_t text[TEXT_BYTES];
    static struct cm_span spans[N_ROWS];
    static char expected[TEXT_BYTES + 16];
    const struct cm_column column = {.name = "t", .type = CM_COLUMN_TEXT};
    const struct cm_table_schema schema = {"Row", &column, 1};
    const struct cm_table_options options = {.schema = &schema, .codec = codec};
    const struct cm_column_values values = {.spans = spans};
    const struct cm_table_rows parts[] = {{N_ROWS, &values}, {0, &values}, {1, &values}};
    const size_t n_line = (size_t)snprintf(expected, sizeof(expected), "{\"t\":\"%*s\"}\n", TEXT_BYTES, "");
    struct cm_table_encoder encoder;
    struct table_bytes out;
    char *plain = malloc((N_ROWS + 1) * n_line);
    size_t n_plain = 0;

    if (!cm_codec_available(codec))
        cm_skip("no %s in this build", cm_codec_name(codec));
    memset(text, ' ', sizeof(text));
    for (uint32_t i = 0; i < N_ROWS; i++)
        spans[i] = (struct cm_span){text, TEXT_BYTES};
    encoder = make(&options);
    cm_check_str(encoder.extension, extension);
    out = table_encode(&encoder, parts, 3);
    cm_check(plain != NULL && out.n < N_ROWS * n_line / 20);
    /* member for member, from the front */
    for (size_t at = 0; at < out.n;) {
        size_t end = at + 1, n_lines;

        /* a member begins as the first one does, and nothing within these does */
        while (end < out.n && (out.n - end < 4 || memcmp(out.bytes + end, out.bytes, 4) != 0))
            end++;
        /* gzip says its length at the end (RFC 1952, section 2.3.1); of zstd a wrong length is refused at once */
        n_lines = codec == CM_CODEC_GZIP ? cm_load_le32(out.bytes + end - 4) / n_line : 1;
        while (n_lines < N_ROWS &&
               !cm_decompress(codec, out.bytes + at, end - at, plain + n_plain, n_lines * n_line))
            n_lines++;
        cm_check_that(n_lines < N_ROWS, "the member at %zu cannot be read", at);
        n_plain += n_lines * n_line;
        at = end;
    }
    cm_check_eq(n_plain, (N_ROWS + 1) * n_line);
    for (size_t i = 0; i <= N_ROWS; i++)
        cm_check_mem(plain + i * n_line, expected, n_line);
    free(plain);
    free(out.bytes);
}

CM_TEST(jsonl, gzip_members)
{
    check_codec(CM_CODEC_GZIP, ".jsonl.gz");
}

CM_TEST(jsonl, zstd_frames)
{
    check_codec(CM_CODEC_ZSTD, ".jsonl.zst");
}

static void check_refused(const struct cm_table_options *options, const char *text)
{
    struct cm_table_encoder encoder;
    struct cm_error error = {0};

    cm_check_eq(cm_jsonl_encoder_create(options, &encoder, &error), CAPMILL_E_UNSUPPORTED);
    cm_check_str(error.text, text);
}

CM_TEST(jsonl, other_codecs_are_refused)
{
    check_refused(&(struct cm_table_options){.schema = &packets, .codec = CM_CODEC_SNAPPY},
                  "JSON lines are compressed with gzip or zstd, not with snappy");
    check_refused(&(struct cm_table_options){.schema = &packets, .codec = CM_CODEC_LZ4},
                  "JSON lines are compressed with gzip or zstd, not with lz4");
    check_refused(&(struct cm_table_options){.schema = &packets, .codec = CM_CODEC_DEFLATE},
                  "JSON lines are compressed with gzip or zstd, not with deflate");
    if (!cm_codec_available(CM_CODEC_ZSTD))
        check_refused(&(struct cm_table_options){.schema = &packets, .compress_payload = true},
                      "codec zstd: this capmill was built without libzstd, which it needs");
}

/* Of the letters of base64, the six bits. */
static unsigned six_bits(char letter)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    return (unsigned)(strchr(letters, letter) - letters);
}

CM_TEST(jsonl, compressed_payloads_are_zstd_frames_in_base64)
{
    static uint8_t long_value[100000];
    const struct cm_column column = {.name = "b", .type = CM_COLUMN_BYTES};
    const struct cm_table_schema schema = {"Row", &column, 1};
    const struct cm_table_options options = {.schema = &schema, .compress_payload = true};
    const struct cm_span spans[] = {SPAN("some bytes"), {NULL, 0}, {long_value, sizeof(long_value)}};
    const struct cm_table_rows rows = {3, &(struct cm_column_values){.spans = spans}};
    static uint8_t frame[1000], value[sizeof(long_value)];
    struct cm_table_encoder encoder;
    struct table_bytes out;
    const char *at;

    if (!cm_codec_available(CM_CODEC_ZSTD))
        cm_skip("no zstd in this build");
    encoder = make(&options);
    out = table_encode(&encoder, &rows, 1);
    cm_check(out.n < 1000);
    at = (const char *)out.bytes;
    for (size_t i = 0; i < 3; i++) {
        size_t n = 0;

        cm_check_mem(at, "{\"b\":\"", 6);
        for (at += 6; *at != '"'; at += 4) {
            const unsigned bits = six_bits(at[0]) << 18 | six_bits(at[1]) << 12 |
                                  (at[2] != '=' ? six_bits(at[2]) << 6 : 0) |
                                  (at[3] != '=' ? six_bits(at[3]) : 0);

            frame[n++] = (uint8_t)(bits >> 16);
            if (at[2] != '=')
                frame[n++] = (uint8_t)(bits >> 8);
            if (at[3] != '=')
                frame[n++] = (uint8_t)bits;
        }
        cm_check(cm_decompress(CM_CODEC_ZSTD, frame, n, value, spans[i].n));
        if (spans[i].n != 0)
            cm_check_mem(value, spans[i].bytes, spans[i].n);
        cm_check_mem(at, "\"}\n", 3);
        at += 3;
    }
    free(out.bytes);
}

CM_TEST(jsonl, failures_are_answers_and_leave_nothing_behind)
{
    const struct cm_table_options options = {.schema = &packets};
    struct cm_table_encoder encoder = make(&options);

    table_check_failures(&encoder, &two_packets);
}

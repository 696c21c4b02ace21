/* SPDX-License-Identifier: Apache-2.0 */
/* JSON stays JSON whatever bytes go in; addresses and flags read as their RFCs have them. */
#include <stdlib.h>

#include "cli/json.h"
#include "cli/packet_words.h"
#include "cli/printer.h"

#include "unit/check.h"

struct capture {
    FILE *file;
    struct cm_printer printer;
    char text[4096];
};

static void capture_begin(struct capture *capture)
{
    capture->file = tmpfile();
    cm_check(capture->file != NULL);
    cm_printer_init(&capture->printer, capture->file);
}

static const char *capture_end(struct capture *capture)
{
    size_t n_bytes;

    cm_check_eq(cm_printer_finish(&capture->printer, NULL), CAPMILL_OK);
    rewind(capture->file);
    n_bytes = fread(capture->text, 1, sizeof(capture->text) - 1, capture->file);
    capture->text[n_bytes] = 0;
    fclose(capture->file);
    return capture->text;
}

static void check_json_text(const char *text, const char *expected)
{
    struct capture capture;
    struct cm_json json;

    capture_begin(&capture);
    cm_json_init(&json, &capture.printer, true);
    cm_json_array_begin(&json, NULL);
    cm_json_text(&json, NULL, text);
    cm_json_array_end(&json);
    cm_check_str(capture_end(&capture), expected);
}

CM_TEST(cli_text, json_escapes_what_json_wants_escaped)
{
    check_json_text("plain", "[\"plain\"]\n");
    check_json_text("", "[\"\"]\n");
    check_json_text(NULL, "[null]\n");
    check_json_text("a\"b\\c/d", "[\"a\\\"b\\\\c/d\"]\n");
    check_json_text("\x01\n\t\x1f\x7f", "[\"\\u0001\\u000a\\u0009\\u001f\\u007f\"]\n");
}

CM_TEST(cli_text, json_keeps_utf8_and_replaces_what_is_none)
{
    check_json_text("\xc2\xa2\xe2\x82\xac\xf0\x9f\x98\x80", "[\"\xc2\xa2\xe2\x82\xac\xf0\x9f\x98\x80\"]\n");
    check_json_text("\xc2\x80\xc2\x9f\xc2\xa0", "[\"\\u0080\\u009f\xc2\xa0\"]\n"); /* C1 */
    check_json_text("\xff", "[\"\\ufffd\"]\n");
    check_json_text("a\x80z", "[\"a\\ufffdz\"]\n");
    check_json_text("\xc3", "[\"\\ufffd\"]\n");                                  /* cut off */
    check_json_text("\xe2\x82", "[\"\\ufffd\\ufffd\"]\n");                       /* cut off */
    check_json_text("\xc0\xaf", "[\"\\ufffd\\ufffd\"]\n");                       /* overlong */
    check_json_text("\xe0\x80\xaf", "[\"\\ufffd\\ufffd\\ufffd\"]\n");            /* overlong */
    check_json_text("\xed\xa0\x80", "[\"\\ufffd\\ufffd\\ufffd\"]\n");            /* surrogate */
    check_json_text("\xf4\x90\x80\x80", "[\"\\ufffd\\ufffd\\ufffd\\ufffd\"]\n"); /* beyond U+10FFFF */
    check_json_text("\xf0\x9f\x98\"", "[\"\\ufffd\\ufffd\\ufffd\\\"\"]\n");
}

CM_TEST(cli_text, json_puts_commas_and_indents)
{
    struct capture capture;
    struct cm_json json;

    capture_begin(&capture);
    cm_json_init(&json, &capture.printer, false);
    cm_json_object_begin(&json, NULL);
    cm_json_array_begin(&json, "none");
    cm_json_array_end(&json);
    cm_json_array_begin(&json, "some");
    cm_json_count(&json, NULL, UINT64_MAX);
    cm_json_bool(&json, NULL, false);
    cm_json_array_end(&json);
    cm_json_seconds(&json, "late", 49800);
    cm_json_time(&json, "first", 1);
    cm_json_rate(&json, "rate", 0.5);
    cm_json_object_end(&json);
    cm_check_str(capture_end(&capture),
                 "{\n  \"none\": [],\n  \"some\": [\n    18446744073709551615,\n    false\n  ],\n"
                 "  \"late\": 0.000049800,\n  \"first\": \"1970-01-01T00:00:00.000000001Z\",\n"
                 "  \"first_ns\": 1,\n  \"rate\": 0.500\n}\n");
}

static void check_foreign(const char *text, const char *expected)
{
    struct capture capture;

    capture_begin(&capture);
    cm_printer_foreign(&capture.printer, text);
    cm_check_str(capture_end(&capture), expected);
}

CM_TEST(cli_text, foreign_text_cannot_move_the_cursor)
{
    check_foreign("", "");
    check_foreign("a\x1b[2Jb\r\nc\x7f\xc3\xa9", "a\\x1b[2Jb\\x0d\\x0ac\\x7f\xc3\xa9");
    check_foreign("a\xc2\x9bKb", "a\\xc2\\x9bKb"); /* CSI */
    check_foreign("\xc2\x80\xc2\x9f\xc2\xa0", "\\xc2\\x80\\xc2\\x9f\xc2\xa0");
    check_foreign("\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80");
}

CM_TEST(cli_text, foreign_bytes_that_are_no_utf8_are_spelled_out)
{
    check_foreign("a\x9bKb", "a\\x9bKb"); /* CSI where a terminal takes bytes for Latin-1 */
    check_foreign("\xff", "\\xff");
    check_foreign("z\xc2", "z\\xc2");                 /* cut off */
    check_foreign("\xe2\x82z", "\\xe2\\x82z");        /* cut off */
    check_foreign("\xc0\x9b[", "\\xc0\\x9b[");        /* overlong */
    check_foreign("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* surrogate */
    check_foreign("\xc2\x1b[2J", "\\xc2\\x1b[2J");    /* half a character hides no control */
}

CM_TEST(cli_text, first_failed_write_is_kept)
{
    struct cm_error error = {0};
    struct cm_printer printer;
    FILE *file = fopen("/dev/full", "w");

    if (file == NULL)
        cm_skip("no /dev/full");
    cm_printer_init(&printer, file);
    for (int i = 0; i < 100000; i++)
        cm_printer_text(&printer, "more than any buffer holds, ");
    cm_check(!cm_printer_ok(&printer));
    cm_check_eq(cm_printer_finish(&printer, &error), CAPMILL_E_NO_SPACE);
    cm_check(strstr(error.text, "standard output") != NULL);
    fclose(file);
}

static void check_ipv6(const char *expected, const uint8_t address[16])
{
    char text[CM_ADDRESS_TEXT_BYTES];

    cm_check_str(cm_address_text(6, address, text), expected);
}

CM_TEST(cli_text, ipv6_as_rfc_5952)
{
    check_ipv6("::", (uint8_t[16]){0});
    check_ipv6("::1", (uint8_t[16]){[15] = 1});
    check_ipv6("1::", (uint8_t[16]){[1] = 1});
    check_ipv6("2001:db8::1", (uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = 1});
    check_ipv6("2001:db8:0:1:1:1:1:1",
               (uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1});
    check_ipv6("2001:db8::1:0:0:1", (uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [9] = 1, [15] = 1});
    check_ipv6("2001:0:0:1::1", (uint8_t[16]){0x20, 0x01, [7] = 1, [15] = 1});
    check_ipv6("::ffff:192.0.2.1", (uint8_t[16]){[10] = 0xff, 0xff, 192, 0, 2, 1});
    check_ipv6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
               (uint8_t[16]){255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255});
    check_ipv6("0:1:1:1:1:1:1:1", (uint8_t[16]){0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1});
    check_ipv6("0:0:1:1:1::", (uint8_t[16]){[5] = 1, [7] = 1, [9] = 1});
}

CM_TEST(cli_text, endpoints_protocols_and_flags)
{
    char endpoint[CM_ENDPOINT_TEXT_BYTES], protocol[CM_PROTOCOL_TEXT_BYTES], flags[CM_TCP_FLAGS_TEXT_BYTES];
    const uint8_t v4[4] = {255, 255, 255, 255}, v6[16] = {[15] = 1};

    cm_check_str(cm_endpoint_text(4, v4, 6, 65535, endpoint), "255.255.255.255:65535");
    cm_check_str(cm_endpoint_text(4, v4, 1, 0, endpoint), "255.255.255.255");
    cm_check_str(cm_endpoint_text(6, v6, 17, 53, endpoint), "[::1]:53");
    cm_check_str(cm_protocol_text(132, protocol), "sctp");
    cm_check_str(cm_protocol_text(255, protocol), "255");
    cm_check_str(cm_tcp_flags_text(0, flags), "");
    cm_check_str(cm_tcp_flags_text(0x12, flags), "SYN+ACK");
    cm_check_str(cm_tcp_flags_text(0xff, flags), "FIN+SYN+RST+PSH+ACK+URG+ECE+CWR");
}

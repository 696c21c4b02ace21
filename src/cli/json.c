/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON that --json and --progress json write (RFC 8259). Nothing here reads JSON. */
#include "cli/json.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/quantity.h"
#include "base/time_text.h"
#include "base/utf8.h"

void cm_json_init(struct cm_json *json, struct cm_printer *printer, bool one_line)
{
    *json = (struct cm_json){.printer = printer, .one_line = one_line};
}

static void print_indent(struct cm_json *json)
{
    if (json->one_line)
        return;
    cm_printer_text(json->printer, "\n");
    for (unsigned i = 0; i < json->depth; i++)
        cm_printer_text(json->printer, "  ");
}

static void print_string(struct cm_printer *printer, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    cm_printer_text(printer, "\"");
    while (*p != 0) {
        size_t length = cm_utf8_length(p);

        if (length == 0) {
            cm_printer_text(printer, "\\ufffd");
            length = 1;
        } else if (*p == '"' || *p == '\\') {
            cm_printer_format(printer, "\\%c", *p);
        } else if (cm_utf8_is_control(p)) {
            cm_printer_format(printer, "\\u%04x", p[length - 1]); /* of U+0080..U+009F it is the last byte */
        } else {
            cm_printer_bytes(printer, (const char *)p, length);
        }
        p += length;
    }
    cm_printer_text(printer, "\"");
}

/* Everything that stands before a value. */
static void begin_value(struct cm_json *json, const char *key)
{
    if (json->has_members[json->depth])
        cm_printer_text(json->printer, ",");
    if (json->depth > 0)
        print_indent(json);
    json->has_members[json->depth] = true;
    if (key != NULL) {
        print_string(json->printer, key);
        cm_printer_text(json->printer, json->one_line ? ":" : ": ");
    }
}

static void begin_level(struct cm_json *json, const char *key, const char *bracket)
{
    begin_value(json, key);
    cm_printer_text(json->printer, bracket);
    assert(json->depth < CM_JSON_MAX_DEPTH);
    json->depth++;
    json->has_members[json->depth] = false;
}

static void end_level(struct cm_json *json, const char *bracket)
{
    bool was_empty = !json->has_members[json->depth];

    assert(json->depth > 0);
    json->depth--;
    if (!was_empty)
        print_indent(json);
    cm_printer_text(json->printer, bracket);
    if (json->depth == 0)
        cm_printer_text(json->printer, "\n");
}

void cm_json_object_begin(struct cm_json *json, const char *key)
{
    begin_level(json, key, "{");
}

void cm_json_object_end(struct cm_json *json)
{
    end_level(json, "}");
}

void cm_json_array_begin(struct cm_json *json, const char *key)
{
    begin_level(json, key, "[");
}

void cm_json_array_end(struct cm_json *json)
{
    end_level(json, "]");
}

void cm_json_text(struct cm_json *json, const char *key, const char *text)
{
    begin_value(json, key);
    if (text == NULL)
        cm_printer_text(json->printer, "null");
    else
        print_string(json->printer, text);
}

void cm_json_count(struct cm_json *json, const char *key, uint64_t value)
{
    begin_value(json, key);
    cm_printer_format(json->printer, "%" PRIu64, value);
}

void cm_json_bool(struct cm_json *json, const char *key, bool value)
{
    begin_value(json, key);
    cm_printer_text(json->printer, value ? "true" : "false");
}

void cm_json_seconds(struct cm_json *json, const char *key, uint64_t ns)
{
    char text[CM_QUANTITY_TEXT_BYTES];

    begin_value(json, key);
    cm_printer_text(json->printer, cm_seconds_text(ns, text));
}

void cm_json_rate(struct cm_json *json, const char *key, double value)
{
    begin_value(json, key);
    cm_printer_format(json->printer, "%.3f", value);
}

void cm_json_time(struct cm_json *json, const char *key, uint64_t time_ns)
{
    char text[CM_TIME_TEXT_BYTES];
    char key_ns[48];

    assert(strlen(key) + sizeof("_ns") <= sizeof(key_ns));
    cm_json_text(json, key, cm_time_text(time_ns, text));
    snprintf(key_ns, sizeof(key_ns), "%.40s_ns", key);
    cm_json_count(json, key_ns, time_ns);
}

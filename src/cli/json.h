/* SPDX-License-Identifier: Apache-2.0 */
/* JSON written as it goes, indented or on one line. It puts the commas and escapes; the caller closes what it
 * opens. */
#ifndef CM_CLI_JSON_H
#define CM_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/printer.h"

#define CM_JSON_MAX_DEPTH 16

struct cm_json {
    struct cm_printer *printer;
    bool one_line;
    unsigned depth;
    bool has_members[CM_JSON_MAX_DEPTH + 1];
};

void cm_json_init(struct cm_json *json, struct cm_printer *printer, bool one_line);

/* `key` is the member's name, NULL inside an array or for the outermost value. After the outermost value a
 * line ends. */
void cm_json_object_begin(struct cm_json *json, const char *key);
void cm_json_object_end(struct cm_json *json);
void cm_json_array_begin(struct cm_json *json, const char *key);
void cm_json_array_end(struct cm_json *json);

/* Any bytes: valid UTF-8 stays, control characters are escaped, each byte that is part of no valid character
 * becomes U+FFFD, so that the result is always JSON. NULL is null. */
void cm_json_text(struct cm_json *json, const char *key, const char *text);
void cm_json_count(struct cm_json *json, const char *key, uint64_t value);
void cm_json_bool(struct cm_json *json, const char *key, bool value);
/* Nanoseconds as a number of seconds with nine decimals, exactly. */
void cm_json_seconds(struct cm_json *json, const char *key, uint64_t ns);
/* A number with three decimals; must be finite. */
void cm_json_rate(struct cm_json *json, const char *key, double value);
/* A point in time: "KEY": RFC 3339 text, and "KEY_ns": nanoseconds since 1970. */
void cm_json_time(struct cm_json *json, const char *key, uint64_t time_ns);

#endif

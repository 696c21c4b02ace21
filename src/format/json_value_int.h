/* SPDX-License-Identifier: Apache-2.0 */
/* Values as JSON text (RFC 8259), written without a look at the room: the caller has reserved the greatest
 * lengths given here. Each function answers where its text ends. For this room alone. */
#ifndef CM_FORMAT_JSON_VALUE_INT_H
#define CM_FORMAT_JSON_VALUE_INT_H

#include <stddef.h>
#include <stdint.h>

#define CM_JSON_NUMBER_MOST 20 /* "18446744073709551615", "-9223372036854775808" */
#define CM_JSON_HEX_DIGITS  16
#define CM_JSON_TIME_CHARS  30 /* "2024-02-29T12:34:56.123456789Z" */
#define CM_JSON_TEXT_GROWTH 6  /* a control byte becomes "\u001f" */

char *cm_json_unsigned(uint64_t value, char *out);
char *cm_json_signed(int64_t value, char *out);
/* 16 digits, lower case. */
char *cm_json_hex(uint64_t value, char *out);

/* The second that was written last: packets of one second share all but nine digits of their times. */
struct cm_json_clock {
    uint64_t second;
    char text[20]; /* "2024-02-29T12:34:56." */
};

void cm_json_clock_init(struct cm_json_clock *clock);
char *cm_json_put_time(struct cm_json_clock *clock, uint64_t time_ns, char *out);

/* What stands between quotation marks; bytes that are not UTF-8 become U+FFFD (utf8_repair.h). */
char *cm_json_put_text(const uint8_t *text, size_t n, char *out);

#endif

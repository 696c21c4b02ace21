/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time, nanoseconds since 1970 in UTC, as text and back. No clock is read and no time zone is
 * looked up. */
#ifndef CM_BASE_TIME_TEXT_H
#define CM_BASE_TIME_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text_fault.h"

/* A point in time taken apart in the Gregorian calendar, UTC. */
struct cm_calendar {
    unsigned year; /* 1970 to 2554: what 64 bits of nanoseconds hold */
    unsigned month, day;
    unsigned hour, minute, second;
    uint32_t nanosecond;
};

void cm_calendar_of(uint64_t time_ns, struct cm_calendar *calendar_ret);
/* False where the date does not exist or does not fit. A second of 60 (leap) is the first of the next
 * minute. */
bool cm_calendar_to_ns(const struct cm_calendar *calendar, uint64_t *time_ns_ret);

#define CM_TIME_TEXT_BYTES 32

/* "2024-02-29T12:34:56.123456789Z" (RFC 3339), always nine digits */
const char *cm_time_text(uint64_t time_ns, char text_ret[CM_TIME_TEXT_BYTES]);
/* "20240229T123456Z": the part of a slice's file name that tells when it starts */
const char *cm_time_slice_text(uint64_t time_ns, char text_ret[CM_TIME_TEXT_BYTES]);

/* RFC 3339 date and time: "2024-02-29T12:34:56.5+01:00"; a space may stand for the T; without an offset it is
 * UTC; a date alone is its midnight. At most nine digits of a second. False, *time_ns_ret untouched, and the
 * reason in `fault` (may be NULL) where it is none, or lies before 1970 or after 2554. */
bool cm_time_parse(const char *text, uint64_t *time_ns_ret, struct cm_text_fault *fault);

#endif

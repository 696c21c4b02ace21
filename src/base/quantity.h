/* SPDX-License-Identifier: Apache-2.0 */
/* Counts, sizes and durations as people type and read them. Points in time are in time_text.h. */
#ifndef CM_BASE_QUANTITY_H
#define CM_BASE_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text_fault.h"

/* The parsers take the whole text and nothing around it (no spaces, no sign). On failure they answer false,
 * leave `*_ret` alone and say in `fault` (may be NULL) where and why. */

/* Decimal digits: "0" to "18446744073709551615". */
bool cm_count_parse(const char *text, uint64_t *count_ret, struct cm_text_fault *fault);
/* The same of `n` bytes at `text`, up to a limit. The place of a number beyond it is where it begins. */
struct cm_number_limit {
    uint64_t most;
    const char *beyond; /* static: what is said of greater numbers */
};
bool cm_number_parse(const char *text, size_t n, const struct cm_number_limit *limit, uint64_t *number_ret,
                     struct cm_text_fault *fault);
/* "443", "1024-2047": two numbers with '-', the second not below the first; one number is both. */
bool cm_range_parse(const char *text, size_t n, const struct cm_number_limit *limit, uint64_t *first_ret,
                    uint64_t *last_ret, struct cm_text_fault *fault);
/* A number, perhaps with a fraction, and perhaps a unit of 1024: "4096", "64K", "1.5G", "2T", also "64KiB",
 * "64kB". A fraction of a byte is dropped. */
bool cm_size_parse(const char *text, uint64_t *bytes_ret, struct cm_text_fault *fault);
/* A number, perhaps with a fraction, and a unit: "10ms", "30s", "5m", "1h", "1d", "250us", "100ns"; bare
 * numbers are seconds. A fraction of a nanosecond is dropped. */
bool cm_duration_parse(const char *text, uint64_t *ns_ret, struct cm_text_fault *fault);

#define CM_QUANTITY_TEXT_BYTES 32

/* "17 bytes", "1.00 GiB": three digits and a unit of 1024. */
const char *cm_size_text(uint64_t bytes, char text_ret[CM_QUANTITY_TEXT_BYTES]);
/* "0 s", "49.8 µs", "12.3 s", "4 h 05 min": for reading, not for reading back. */
const char *cm_duration_text(uint64_t ns, char text_ret[CM_QUANTITY_TEXT_BYTES]);
/* "1,620,000" */
const char *cm_count_text(uint64_t count, char text_ret[CM_QUANTITY_TEXT_BYTES]);
/* Nanoseconds as seconds with nine decimals, exactly: "12.345678901". */
const char *cm_seconds_text(uint64_t ns, char text_ret[CM_QUANTITY_TEXT_BYTES]);

#endif

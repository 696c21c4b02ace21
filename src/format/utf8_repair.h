/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 for formats that allow nothing else: names of files and interfaces may hold any bytes. What is not UTF-8
 * becomes U+FFFD, one for each longest beginning of a character (The Unicode Standard, section 3.9, U+FFFD
 * substitution of maximal subparts), as most decoders do it. */
#ifndef CM_FORMAT_UTF8_REPAIR_H
#define CM_FORMAT_UTF8_REPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CM_UTF8_REPLACEMENT "\xef\xbf\xbd"
/* A byte may become this many. */
#define CM_UTF8_REPAIR_GROWTH 3

/* How many of the `n` bytes (not 0) at `text` are one character, or are one U+FFFD where *valid_ret is false. */
size_t cm_utf8_step(const uint8_t *text, size_t n, bool *valid_ret);

/* Whether all of it is UTF-8. */
bool cm_utf8_is_valid(const uint8_t *text, size_t n);

/* Copy `n` bytes and put them right; `out` has room for CM_UTF8_REPAIR_GROWTH times as many. Answers where they
 * end. */
uint8_t *cm_utf8_repair(const uint8_t *text, size_t n, uint8_t *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Telling characters from other bytes (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). */
#include "format/utf8_repair.h"

#include <string.h>

#include "base/endian.h"

size_t cm_utf8_step(const uint8_t *text, size_t n, bool *valid_ret)
{
    const uint8_t first = text[0];
    /* what the second byte may be; the others are 80 to bf */
    const uint8_t least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const uint8_t most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    const size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    size_t i = 1;

    *valid_ret = first < 0x80;
    if (length == 1 || first < 0xc2 || first > 0xf4 || n < 2 || text[1] < least || text[1] > most)
        return 1;
    for (i = 2; i < length && i < n && (text[i] & 0xc0) == 0x80; i++)
        ;
    *valid_ret = i == length;
    return i;
}

#define NOT_ASCII UINT64_C(0x8080808080808080)

/* Bytes at the beginning that are ASCII, by eights; what is left of a text of eight or more is looked at by its
 * last eight. */
static size_t skip_ascii(const uint8_t *text, size_t n)
{
    size_t i = 0;

    while (n - i >= 8 && (cm_load_u64(text + i) & NOT_ASCII) == 0)
        i += 8;
    return n >= 8 && n - i < 8 && (cm_load_u64(text + n - 8) & NOT_ASCII) == 0 ? n : i;
}

bool cm_utf8_is_valid(const uint8_t *text, size_t n)
{
    bool valid = true;

    for (size_t i = skip_ascii(text, n); i < n && valid;)
        i += cm_utf8_step(text + i, n - i, &valid);
    return valid;
}

uint8_t *cm_utf8_repair(const uint8_t *text, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n;) {
        bool valid;
        const size_t length = cm_utf8_step(text + i, n - i, &valid);
        const size_t n_out = valid ? length : strlen(CM_UTF8_REPLACEMENT);

        memcpy(out, valid ? (const char *)text + i : CM_UTF8_REPLACEMENT, n_out);
        out += n_out;
        i += length;
    }
    return out;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as text, without the C library's formatting: tables of addresses run to millions of rows. */
#include "base/address_text.h"

#include <string.h>

#include "base/endian.h"

static char *put_decimal(char *out, uint8_t value)
{
    if (value >= 100)
        *out++ = (char)('0' + value / 100);
    if (value >= 10)
        *out++ = (char)('0' + value / 10 % 10);
    *out++ = (char)('0' + value % 10);
    return out;
}

static char *put_dotted(char *out, const uint8_t address[4])
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            *out++ = '.';
        out = put_decimal(out, address[i]);
    }
    return out;
}

/* RFC 5952, section 4.1: no leading zeros; 4.3: lower case. */
static char *put_group(char *out, uint16_t group)
{
    static const char digits[] = "0123456789abcdef";
    int shift = 12;

    while (shift > 0 && group >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        *out++ = digits[group >> shift & 15];
    return out;
}

size_t cm_ipv4_text(const uint8_t address[4], char text_ret[CM_IPV4_TEXT_BYTES])
{
    char *out = put_dotted(text_ret, address);

    *out = 0;
    return (size_t)(out - text_ret);
}

size_t cm_ipv6_text(const uint8_t address[16], char text_ret[CM_IPV6_TEXT_BYTES])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    int best_at = -1, best_n = 1; /* section 4.2.2: one group of zeros alone is not shortened */
    char *out = text_ret;

    if (memcmp(address, mapped, sizeof(mapped)) == 0) { /* section 5 */
        memcpy(out, "::ffff:", 7);
        out = put_dotted(out + 7, address + 12);
        *out = 0;
        return (size_t)(out - text_ret);
    }
    /* section 4.2.3: the longest run of zeros, the first of equals */
    for (int at = 0; at < 8;) {
        int n = 0;

        while (at + n < 8 && cm_load_be16(address + 2 * (at + n)) == 0)
            n++;
        if (n > best_n) {
            best_at = at;
            best_n = n;
        }
        at += n + 1;
    }
    for (int at = 0; at < 8; at++) {
        if (at == best_at) {
            *out++ = ':';
            *out++ = ':';
            at += best_n - 1;
            continue;
        }
        if (at > 0 && out[-1] != ':')
            *out++ = ':';
        out = put_group(out, cm_load_be16(address + 2 * at));
    }
    *out = 0;
    return (size_t)(out - text_ret);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as RFC 5952 wants them, and read back. */
#include "base/address_text.h"

#include <stdlib.h>

#include "base/endian.h"
#include "unit/check.h"

#define check_ipv6(expected, ...)                                                                            \
    do {                                                                                                     \
        static const uint16_t groups[8] = {__VA_ARGS__};                                                     \
        check_ipv6_groups(groups, expected);                                                                 \
    } while (0)

static void check_ipv6_groups(const uint16_t groups[8], const char *expected)
{
    char text[CM_IPV6_TEXT_BYTES];
    uint8_t address[16];

    for (int i = 0; i < 8; i++) {
        address[2 * i] = (uint8_t)(groups[i] >> 8);
        address[2 * i + 1] = (uint8_t)groups[i];
    }
    cm_check_eq(cm_ipv6_text(address, text), strlen(expected));
    cm_check_str(text, expected);
}

CM_TEST(address_text, ipv6_canonical_form)
{
    check_ipv6("::", 0, 0, 0, 0, 0, 0, 0, 0);
    check_ipv6("::1", 0, 0, 0, 0, 0, 0, 0, 1);
    check_ipv6("1::", 1, 0, 0, 0, 0, 0, 0, 0);
    check_ipv6("2001:db8::1", 0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    check_ipv6("2001:db8::2:1", 0x2001, 0xdb8, 0, 0, 0, 0, 2, 1);
    check_ipv6("2001:db8:0:1:1:1:1:1", 0x2001, 0xdb8, 0, 1, 1, 1, 1, 1); /* RFC 5952, section 4.2.2 */
    check_ipv6("2001:0:0:1::1", 0x2001, 0, 0, 1, 0, 0, 0, 1);            /* 4.2.3: the longer run */
    check_ipv6("2001:db8::1:0:0:1", 0x2001, 0xdb8, 0, 0, 1, 0, 0, 1);    /* 4.2.3: the first of equals */
    check_ipv6("1:2:3:4:5:6:7:8", 1, 2, 3, 4, 5, 6, 7, 8);
    check_ipv6("1:2:3:4:5:6::", 1, 2, 3, 4, 5, 6, 0, 0);
    check_ipv6("::3:4:5:6:7:8", 0, 0, 3, 4, 5, 6, 7, 8);
    check_ipv6("0:2:3:4:5:6:7:0", 0, 2, 3, 4, 5, 6, 7, 0);
    check_ipv6("a:bc:def:1000::f", 0xa, 0xbc, 0xdef, 0x1000, 0, 0, 0, 0xf);
    check_ipv6("::ffff:192.0.2.1", 0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201);
    check_ipv6("::fffe:c000:201", 0, 0, 0, 0, 0, 0xfffe, 0xc000, 0x0201);
    check_ipv6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff,
               0xffff, 0xffff);
}

/* What is written must read back; two zeros in a row are never left. Read by hand here: no system
 * resolver. */
CM_TEST(address_text, ipv6_reads_back)
{
    uint32_t state = 7;

    for (int round = 0; round < 20000; round++) {
        uint16_t groups[8], read[8] = {0};
        uint8_t address[16];
        char text[CM_IPV6_TEXT_BYTES];
        const char *in = text;
        int n = 0, gap = -1;

        for (int i = 0; i < 8; i++) {
            state = state * 1664525u + 1013904223u;
            groups[i] = state & 0x80000000 ? 0 : (uint16_t)(state >> (state >> 28));
            address[2 * i] = (uint8_t)(groups[i] >> 8);
            address[2 * i + 1] = (uint8_t)groups[i];
        }
        if (groups[5] == 0xffff)
            continue;
        cm_ipv6_text(address, text);
        while (*in != 0 && n < 8) {
            char *end;

            if (in[0] == ':' && in[1] == ':') {
                gap = n;
                in += 2;
                continue;
            }
            if (*in == ':')
                in++;
            read[n++] = (uint16_t)strtoul(in, &end, 16);
            cm_check(end > in && end - in <= 4);
            in = end;
        }
        cm_check_eq(*in, 0);
        if (gap >= 0) {
            cm_check(n <= 6);
            memmove(read + 8 - (n - gap), read + gap, (size_t)(n - gap) * sizeof(read[0]));
            memset(read + gap, 0, (size_t)(8 - n) * sizeof(read[0]));
        } else {
            cm_check_eq(n, 8);
        }
        cm_check_mem(read, groups, sizeof(groups));
    }
}

CM_TEST(address_text, ipv4)
{
    static const uint8_t address[4] = {192, 0, 20, 255};
    static const uint8_t zeros[4] = {0, 0, 0, 0};
    char text[CM_IPV4_TEXT_BYTES];

    cm_check_eq(cm_ipv4_text(address, text), 12);
    cm_check_str(text, "192.0.20.255");
    cm_check_eq(cm_ipv4_text(zeros, text), 7);
    cm_check_str(text, "0.0.0.0");
    for (unsigned value = 0; value < 256; value++) {
        const uint8_t all[4] = {(uint8_t)value, (uint8_t)value, (uint8_t)value, (uint8_t)value};
        char expected[CM_IPV4_TEXT_BYTES];

        snprintf(expected, sizeof(expected), "%u.%u.%u.%u", value, value, value, value);
        cm_check_eq(cm_ipv4_text(all, text), strlen(expected));
        cm_check_str(text, expected);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Telling UTF-8 from other bytes, and controls from what can be shown. What takes their place is the business of whoever
 * shows them. */
#include "base/utf8.h"

size_t cm_utf8_length(const unsigned char *p)
{
    unsigned char least = 0x80, most = 0xbf;
    size_t length;

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (p[0] == 0xe0)
        least = 0xa0;
    else if (p[0] == 0xed)
        most = 0x9f;
    else if (p[0] == 0xf0)
        least = 0x90;
    else if (p[0] == 0xf4)
        most = 0x8f;
    if (p[1] < least || p[1] > most)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    }
    return length;
}

bool cm_utf8_is_control(const unsigned char *p)
{
    return p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0);
}

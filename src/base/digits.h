/* SPDX-License-Identifier: Apache-2.0 */
/* Characters and words of texts that people type, as ASCII has them whatever the locale. */
#ifndef CM_BASE_DIGITS_H
#define CM_BASE_DIGITS_H

#include <stdbool.h>
#include <stddef.h>

static inline bool cm_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline char cm_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* 0 to 15; -1 where it is no hexadecimal digit, of either case. */
static inline int cm_hex_value(char c)
{
    if (cm_is_digit(c))
        return c - '0';
    c = cm_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Whether the `n` bytes at `text` are `word`, which is in lower case, whatever case they are in. */
static inline bool cm_is_word(const char *text, size_t n, const char *word)
{
    size_t i = 0;

    while (i < n && word[i] != 0 && cm_lower(text[i]) == word[i])
        i++;
    return i == n && word[i] == 0;
}

#endif

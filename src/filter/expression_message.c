/* SPDX-License-Identifier: Apache-2.0 */
/* Shows what is wrong in a filter text: a sentence, the text or the part of it around the place, and a caret
 * under the place. Counts characters, not bytes. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "filter/expression_int.h"

#define SHOWN 70 /* characters; with the two blanks in front they stay within a line of 80 */
#define CUT   "..."

/* A whole message: origin, fault, the part of the text and its caret, and what stands between them. */
static_assert(CM_EXPRESSION_ORIGIN_BYTES + sizeof(((struct cm_expression_fault *)0)->text) + 4 * SHOWN +
                      2 * sizeof(CUT) + SHOWN + sizeof(": \n  \n  ^") <=
                  CM_ERROR_TEXT_BYTES,
              "the caret must fit too");

void cm_expression_fault_set(struct cm_expression_fault *fault, uint32_t at, const char *format, ...)
{
    va_list arguments;

    if (fault->is_set)
        return;
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof(fault->text), format, arguments);
    va_end(arguments);
    fault->is_set = true;
    fault->at = at;
}

/* Bytes of the character at a place; one where it is no UTF-8. */
static size_t character_length(const char *text)
{
    unsigned char first = (unsigned char)text[0];
    size_t n = first >= 0xf0 && first < 0xf8 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;

    if (first >= 0xf8)
        return 1;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 1;
    return n;
}

/* Each character as it can be shown: none that moves the cursor, and '?' for what is no UTF-8. */
static size_t put_character(char *line, const char *text, size_t length)
{
    unsigned char first = (unsigned char)text[0];

    memcpy(line, text, length);
    if (length == 1 && (first < 32 || first == 127 || first >= 128))
        line[0] = strchr("\t\r\n", first) != NULL ? ' ' : '?';
    return length;
}

const char *cm_expression_origin(char shown[CM_EXPRESSION_ORIGIN_BYTES], const char *origin)
{
    size_t n = strlen(origin), from;

    if (n < CM_EXPRESSION_ORIGIN_BYTES)
        return origin;
    from = n - (CM_EXPRESSION_ORIGIN_BYTES - sizeof(CUT));
    while (((unsigned char)origin[from] & 0xc0) == 0x80)
        from++; /* not in the middle of a character */
    snprintf(shown, CM_EXPRESSION_ORIGIN_BYTES, CUT "%s", origin + from);
    return shown;
}

enum capmill_status cm_expression_fault_tell(struct cm_error *error, const char *origin, const char *text,
                                             const struct cm_expression_fault *fault)
{
    char line[4 * SHOWN + 2 * sizeof(CUT)], shown[CM_EXPRESSION_ORIGIN_BYTES];
    size_t n_characters = 0, column = 0, from = 0, to, n = 0, i = 0, caret;
    size_t end = strlen(text);

    for (size_t at = 0; at < end; at += character_length(text + at)) {
        column += at < fault->at;
        n_characters++;
    }
    to = n_characters;
    if (n_characters > SHOWN) { /* the place in the middle, where there is as much on both sides */
        from = column < SHOWN / 2 ? 0 : column - SHOWN / 2;
        if (from + SHOWN > n_characters)
            from = n_characters - SHOWN;
        to = from + SHOWN;
    }
    caret = column - from;
    if (from > 0) {
        memcpy(line, CUT, strlen(CUT));
        n = strlen(CUT);
        from += strlen(CUT); /* they stand for as many characters: the caret stays where it is */
    }
    for (size_t at = 0; at < end; i++) {
        size_t length = character_length(text + at);

        if (i >= from && i < (to < n_characters ? to - strlen(CUT) : to))
            n += put_character(line + n, text + at, length);
        at += length;
    }
    if (to < n_characters) {
        memcpy(line + n, CUT, strlen(CUT));
        n += strlen(CUT);
    }
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s: %s\n  %.*s\n  %*s^",
                        cm_expression_origin(shown, origin), fault->text, (int)n, line, (int)caret, "");
}

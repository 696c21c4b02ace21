/* SPDX-License-Identifier: Apache-2.0 */
/* Refusing and warning of wishes in one form, and taking "A=B" apart. Not for what the sides mean. */
#include <stdarg.h>
#include <stdio.h>

#include "transform/transform_int.h"

/* "ORIGIN: 'VALUE' what is to be said" */
static void put_sentence(const struct capmill_word *word, const char *format, va_list arguments,
                         char text_ret[CM_ERROR_TEXT_BYTES])
{
    const char *origin = cm_transform_origin(word->origin);
    int n = word->value == NULL
                ? snprintf(text_ret, CM_ERROR_TEXT_BYTES, "%.300s: ", origin)
                : snprintf(text_ret, CM_ERROR_TEXT_BYTES, "%.300s: '%.200s' ", origin, word->value);

    vsnprintf(text_ret + n, (size_t)(CM_ERROR_TEXT_BYTES - n), format, arguments);
}

enum capmill_status cm_wish_refuse(const struct capmill_word *word, struct cm_error *error,
                                   const char *format, ...)
{
    char text[CM_ERROR_TEXT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    put_sentence(word, format, arguments, text);
    va_end(arguments);
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s", text);
}

enum capmill_status cm_wish_refuse_at(const struct capmill_word *word, const char *noun, const char *part,
                                      const struct cm_text_fault *fault, struct cm_error *error)
{
    return cm_wish_refuse(word, error, "is no %s: %s at column %zu", noun, fault->what,
                          (size_t)(part - word->value) + fault->at + 1);
}

void cm_wish_warn(const struct cm_transform_options *options, const struct capmill_word *word,
                  const char *format, ...)
{
    char text[CM_ERROR_TEXT_BYTES];
    va_list arguments;

    if (options->warn == NULL)
        return;
    va_start(arguments, format);
    put_sentence(word, format, arguments, text);
    va_end(arguments);
    options->warn(options->warn_context, text);
}

enum capmill_status cm_wish_split(const struct capmill_word *word, const char *example,
                                  struct cm_wish_sides *sides_ret, struct cm_error *error)
{
    const char *equal = strchr(word->value, '=');

    if (equal == NULL || equal == word->value || equal[1] == 0)
        return cm_wish_refuse(word, error, "is no rule: expected OLD=NEW, as in %s", example);
    sides_ret->left = word->value;
    sides_ret->n_left = (size_t)(equal - word->value);
    sides_ret->right = equal + 1;
    sides_ret->n_right = strlen(equal + 1);
    return CAPMILL_OK;
}

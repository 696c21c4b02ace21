/* SPDX-License-Identifier: Apache-2.0 */
/* Refusing and warning of wishes in one form, and taking "A=B" apart. Not for what the sides mean. */
#include <stdarg.h>
#include <stdio.h>

#include "transform/transform_int.h"

static const char *origin_of(const struct capmill_word *word)
{
    return word->origin != NULL ? word->origin : "transform";
}

enum capmill_status cm_wish_refuse(const struct capmill_word *word, struct cm_error *error,
                                   const char *format, ...)
{
    char text[CM_ERROR_TEXT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s: %s: %s", origin_of(word), word->value, text);
}

void cm_wish_warn(const struct cm_transform_options *options, const char *format, ...)
{
    char text[CM_ERROR_TEXT_BYTES];
    va_list arguments;

    if (options->warn == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    options->warn(options->warn_context, text);
}

enum capmill_status cm_wish_split(const struct capmill_word *word, const char *example,
                                  struct cm_wish_sides *sides_ret, struct cm_error *error)
{
    const char *equal = strchr(word->value, '=');

    if (equal == NULL || equal == word->value || equal[1] == 0)
        return cm_wish_refuse(word, error, "expected OLD=NEW, as in %s", example);
    sides_ret->left = word->value;
    sides_ret->n_left = (size_t)(equal - word->value);
    sides_ret->right = equal + 1;
    sides_ret->n_right = strlen(equal + 1);
    return CAPMILL_OK;
}

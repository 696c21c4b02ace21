/* SPDX-License-Identifier: Apache-2.0 */
/* The error record: filled once, where the cause is known; carried upwards unchanged or with context in
 * front. Not for printing: only cli/ prints. */
#ifndef CM_BASE_ERROR_H
#define CM_BASE_ERROR_H

#include <stdarg.h>

#include "capmill/errors.h"

#define CM_ERROR_TEXT_BYTES 1024

/* One failure. Plain data: copy it freely. Zeroed means "no error". */
struct cm_error {
    enum capmill_status status;
    int system_code;                /* errno or GetLastError(), 0 where the system had no part in it */
    char text[CM_ERROR_TEXT_BYTES]; /* one sentence without a final full stop: what, where, what to do */
};

/* gcc's name for the C standard's formats, which the formats of Windows are not. */
#if defined(__GNUC__) && !defined(__clang__)
#define CM_PRINTF(format_at, first_at) __attribute__((format(gnu_printf, format_at, first_at)))
#elif defined(__GNUC__)
#define CM_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#else
#define CM_PRINTF(format_at, first_at)
#endif

/* Record a failure and return its status, so that `return cm_error_set(...)` reads as one step. The first
 * failure wins: a record that already holds one is left as it is. `error` may be NULL. */
enum capmill_status cm_error_set(struct cm_error *error, enum capmill_status status, int system_code,
                                 const char *format, ...) CM_PRINTF(4, 5);

/* Put "CONTEXT: " in front of the text; does nothing where there is no failure. Returns the status. */
enum capmill_status cm_error_context(struct cm_error *error, const char *format, ...) CM_PRINTF(2, 3);

#endif

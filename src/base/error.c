/* SPDX-License-Identifier: Apache-2.0 */
/* Filling error records and naming status codes. Not for deciding what a failure means to a job
 * (pipeline/). */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

const char *capmill_status_name(enum capmill_status status)
{
    switch (status) {
    case CAPMILL_OK:
        return "ok";
    case CAPMILL_AGAIN:
        return "again";
    case CAPMILL_END:
        return "end";
    case CAPMILL_E_USAGE:
        return "wrong usage";
    case CAPMILL_E_MEMORY:
        return "out of memory";
    case CAPMILL_E_IO:
        return "input/output error";
    case CAPMILL_E_NOT_FOUND:
        return "not found";
    case CAPMILL_E_PERMISSION:
        return "permission denied";
    case CAPMILL_E_EXISTS:
        return "exists already";
    case CAPMILL_E_NO_SPACE:
        return "no space";
    case CAPMILL_E_CLOSED:
        return "closed by its reader";
    case CAPMILL_E_FORMAT:
        return "not a readable capture";
    case CAPMILL_E_UNSUPPORTED:
        return "not supported";
    case CAPMILL_E_DAMAGED:
        return "damaged input";
    case CAPMILL_E_INTERRUPTED:
        return "interrupted";
    case CAPMILL_E_CHANGED:
        return "input changed while read";
    case CAPMILL_E_INTERNAL:
        return "internal error";
    }
    return "unknown status";
}

enum capmill_status cm_error_set(struct cm_error *error, enum capmill_status status, int system_code,
                                 const char *format, ...)
{
    va_list arguments;

    if (error == NULL || error->status < 0)
        return status;
    error->status = status;
    error->system_code = system_code;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return status;
}

enum capmill_status cm_error_context(struct cm_error *error, const char *format, ...)
{
    char context[CM_ERROR_TEXT_BYTES];
    va_list arguments;
    size_t n_context;
    size_t n_kept;

    if (error == NULL || error->status >= 0)
        return error == NULL ? CAPMILL_OK : error->status;
    va_start(arguments, format);
    vsnprintf(context, sizeof(context) - 2, format, arguments);
    va_end(arguments);
    n_context = strlen(context);
    memcpy(context + n_context, ": ", 2);
    n_context += 2;
    n_kept = strlen(error->text);
    if (n_kept > sizeof(error->text) - 1 - n_context)
        n_kept = sizeof(error->text) - 1 - n_context;
    memmove(error->text + n_context, error->text, n_kept);
    memcpy(error->text, context, n_context);
    error->text[n_context + n_kept] = 0;
    return error->status;
}

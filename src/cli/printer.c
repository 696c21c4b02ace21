/* SPDX-License-Identifier: Apache-2.0 */
/* Writing results so that a full disk or a closed pipe is noticed. What is written is decided in show_*.c. */
#include "cli/printer.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"

void cm_printer_init(struct cm_printer *printer, FILE *file)
{
    *printer = (struct cm_printer){.file = file};
}

bool cm_printer_ok(const struct cm_printer *printer)
{
    return printer->failed_code == 0;
}

static void note_failure(struct cm_printer *printer)
{
    if (printer->failed_code == 0)
        printer->failed_code = errno != 0 ? errno : EIO;
}

void cm_printer_bytes(struct cm_printer *printer, const char *bytes, size_t n_bytes)
{
    if (!cm_printer_ok(printer) || n_bytes == 0 || printer->file == NULL)
        return;
    errno = 0;
    if (fwrite(bytes, 1, n_bytes, printer->file) != n_bytes)
        note_failure(printer);
}

void cm_printer_text(struct cm_printer *printer, const char *text)
{
    cm_printer_bytes(printer, text, strlen(text));
}

void cm_printer_format(struct cm_printer *printer, const char *format, ...)
{
    va_list arguments;

    if (!cm_printer_ok(printer) || printer->file == NULL)
        return;
    errno = 0;
    va_start(arguments, format);
    if (vfprintf(printer->file, format, arguments) < 0)
        note_failure(printer);
    va_end(arguments);
}

void cm_printer_foreign(struct cm_printer *printer, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    const unsigned char *plain = p;

    while (*p != 0) {
        size_t length = cm_utf8_length(p);

        if (length > 0 && !cm_utf8_is_control(p)) {
            p += length;
            continue;
        }
        cm_printer_bytes(printer, (const char *)plain, (size_t)(p - plain));
        plain = p + (length > 0 ? length : 1);
        while (p < plain)
            cm_printer_format(printer, "\\x%02x", *p++);
    }
    cm_printer_bytes(printer, (const char *)plain, (size_t)(p - plain));
}

enum capmill_status cm_printer_finish(struct cm_printer *printer, struct cm_error *error)
{
    if (cm_printer_ok(printer) && printer->file != NULL) {
        errno = 0;
        if (fflush(printer->file) != 0)
            note_failure(printer);
    }
    if (cm_printer_ok(printer))
        return CAPMILL_OK;
    if (printer->failed_code == EPIPE)
        return cm_error_set(error, CAPMILL_E_CLOSED, printer->failed_code,
                            "the reader of standard output went away");
    return cm_error_set(error, printer->failed_code == ENOSPC ? CAPMILL_E_NO_SPACE : CAPMILL_E_IO,
                        printer->failed_code, "cannot write to standard output: %s",
                        strerror(printer->failed_code));
}

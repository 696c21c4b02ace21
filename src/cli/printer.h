/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output as results are written to it: the first failed write is remembered and everything after it
 * is dropped, so that callers print freely and ask once at the end. */
#ifndef CM_CLI_PRINTER_H
#define CM_CLI_PRINTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

struct cm_printer {
    FILE *file;
    int failed_code; /* errno of the first failed write; 0: none failed */
};

/* `file` NULL: what is printed goes nowhere. */
void cm_printer_init(struct cm_printer *printer, FILE *file);
bool cm_printer_ok(const struct cm_printer *printer);
void cm_printer_bytes(struct cm_printer *printer, const char *bytes, size_t n_bytes);
void cm_printer_text(struct cm_printer *printer, const char *text);
void cm_printer_format(struct cm_printer *printer, const char *format, ...) CM_PRINTF(2, 3);
/* Text that came from a file or a file's name: the bytes of control characters (C0, DEL, C1) and bytes that
 * are no UTF-8 appear as \xNN, so that a name cannot move the cursor of a terminal or fake a line. */
void cm_printer_foreign(struct cm_printer *printer, const char *text);
/* Flush. CAPMILL_OK; CAPMILL_E_CLOSED where the reader went away; else the error says why. */
enum capmill_status cm_printer_finish(struct cm_printer *printer, struct cm_error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Completions for shells, written from the tables of options.h. */
#ifndef CM_CLI_COMPLETION_H
#define CM_CLI_COMPLETION_H

#include "cli/options.h"
#include "cli/printer.h"

/* The shells' names, "bash|zsh|fish". */
extern const char cm_completion_shells[];
/* The script of one of them, for the shell to load. */
void cm_completion_print(const char *shell, struct cm_printer *printer);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Help texts and man pages, written from the tables of options.h. */
#ifndef CM_CLI_USAGE_H
#define CM_CLI_USAGE_H

#include "cli/options.h"
#include "cli/printer.h"

/* `command` NULL: the whole program. */
void cm_usage_help(const struct cm_command *command, struct cm_printer *printer);
/* A page for man(1): capmill(1), or capmill-COMMAND(1). */
void cm_usage_man(const struct cm_command *command, struct cm_printer *printer);

#endif

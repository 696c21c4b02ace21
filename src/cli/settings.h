/* SPDX-License-Identifier: Apache-2.0 */
/* From settings, wherever they were given, to the members of struct cm_typed. */
#ifndef CM_CLI_SETTINGS_H
#define CM_CLI_SETTINGS_H

#include "cli/options.h"

/* `typed` has its command, settings and inputs: checks that they belong to the command, stores each setting
 * by its option, and checks what single ones cannot tell. */
enum capmill_status cm_settings_apply(struct cm_typed *typed, struct cm_error *error);

#endif

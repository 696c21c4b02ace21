/* SPDX-License-Identifier: Apache-2.0 */
/* What the process itself can be asked and told: stop requests, terminals, closed pipes. */
#ifndef CM_OS_PROCESS_H
#define CM_OS_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"

/* First thing in main: *argv becomes UTF-8 (where the system has it otherwise, a new one, never freed), and
 * writing to a pipe without a reader fails as a write instead of ending the process. CAPMILL_E_MEMORY, or
 * CAPMILL_E_IO where a standard stream is missing and the null device cannot take its place. */
enum capmill_status cm_process_init(int *argc, char ***argv);

/* From now on SIGINT and SIGTERM (Ctrl-C, Ctrl-Break) set *flag to the signal's number (2 for all of them on
 * Windows) and wake nobody; a second one ends the process at once. SIGPIPE and SIGXFSZ are ignored (writes
 * fail with a status instead). NULL: the first one stops nobody any more. From the main thread. */
void cm_process_catch_stop(_Atomic int *flag);
bool cm_process_stderr_is_terminal(void);
bool cm_process_stdout_is_terminal(void);
/* Columns of the terminal behind stderr; 80 where unknown. */
unsigned cm_process_terminal_columns(void);

#endif

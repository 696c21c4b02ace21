/* SPDX-License-Identifier: Apache-2.0 */
/* What a program around the library asks of its system: signals and terminals. */
#include "os/process.h"

#include "pipeline/run_int.h"

enum capmill_status capmill_program_init(int *argc, char ***argv)
{
    return cm_process_init(argc, argv);
}

void capmill_catch_stop_signals(struct capmill_run *run)
{
    cm_process_catch_stop(run == NULL ? NULL : &run->state.stop);
}

bool capmill_stderr_is_terminal(void)
{
    return cm_process_stderr_is_terminal();
}

unsigned capmill_stderr_columns(void)
{
    return cm_process_terminal_columns();
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What goes to standard error: notes, warnings, progress, the closing report. Results go to standard output
 * (show.h). */
#ifndef CM_CLI_MESSAGES_H
#define CM_CLI_MESSAGES_H

#include "cli/options.h"
#include "cli/printer.h"

struct cm_messages {
    struct cm_printer printer;
    bool quiet;
    bool progress_on_terminal; /* a line that is drawn over */
    bool progress_as_json;
    bool from_the_start;    /* draw even where the run is over in a moment */
    unsigned drawn_columns; /* of the progress line that stands there now; 0: none */
};

void cm_messages_init(struct cm_messages *messages, const struct cm_typed *typed);

/* For struct capmill_job; `context` is a struct cm_messages. */
void cm_messages_on_message(void *context, enum capmill_message_level level, const char *text);
void cm_messages_on_progress(void *context, const struct capmill_progress *progress);

/* Take the progress line away. */
void cm_messages_clear(struct cm_messages *messages);
/* "capmill: TEXT", also where it is quiet. */
void cm_messages_failure(struct cm_messages *messages, const char *text);
/* What can be done about it, after a failure that has an answer; `command` NULL where none is known. */
void cm_messages_hint(struct cm_messages *messages, enum capmill_status status,
                      const struct cm_command *command);
/* After a run that was done: a line for commands that write, and with --verbose the table of stages. */
void cm_messages_closing_report(struct cm_messages *messages, const struct cm_typed *typed,
                                const struct capmill_report *report);

#endif

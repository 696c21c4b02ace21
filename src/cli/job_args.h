/* SPDX-License-Identifier: Apache-2.0 */
/* What was typed → what it means: a job for libcapmill. */
#ifndef CM_CLI_JOB_ARGS_H
#define CM_CLI_JOB_ARGS_H

#include "cli/messages.h"
#include "cli/options.h"

/* A job and what it points to beside `typed`, which must outlive it. */
struct cm_job_args {
    struct capmill_job job;
    char *recipe_text;
    size_t n_file_lines; /* of it, which came from the recipe's file */
};

/* Reads the recipe file, if one was named. Zeroed or finished before; cm_job_args_fini takes any result. */
enum capmill_status cm_job_args_init(struct cm_job_args *args, struct cm_typed *typed,
                                     struct cm_messages *messages, struct cm_error *error);
/* What the library says of a recipe begins with the number of a line. Where that line is no line of a file, but
 * was typed or stood in the configuration, its origin takes the number's place in `text`. */
void cm_job_args_explain(const struct cm_job_args *args, const struct cm_typed *typed, char *text,
                         size_t text_bytes);
void cm_job_args_fini(struct cm_job_args *args);

#endif

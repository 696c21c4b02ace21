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
};

/* Reads the recipe file, if one was named. Zeroed or finished before; cm_job_args_fini takes any result. */
enum capmill_status cm_job_args_init(struct cm_job_args *args, struct cm_typed *typed,
                                     struct cm_messages *messages, struct cm_error *error);
void cm_job_args_fini(struct cm_job_args *args);

#endif

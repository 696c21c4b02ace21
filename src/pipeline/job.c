/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs as callers describe them, and what this build is. */
#include <stddef.h>
#include <string.h>

#include "capmill/capmill.h"
#include "capmill_version.h"
#include "os/aio.h"

const char *capmill_version(void)
{
    return CAPMILL_VERSION_TEXT;
}

const char *capmill_build_features(void)
{
    bool uring = cm_aio_available(CM_AIO_URING);
    bool iocp = cm_aio_available(CM_AIO_IOCP);

    /* one constant text for each case: nothing to free, nothing shared between threads */
    if (uring)
        return "io_uring: yes\nIOCP: no (not on this system)\n";
    if (iocp)
        return "io_uring: no (not on this system)\nIOCP: yes\n";
    return "io_uring: no (built without it, or the system forbids it)\nIOCP: no (not on this system)\n";
}

void capmill_job_init(struct capmill_job *job, enum capmill_command command)
{
    memset(job, 0, sizeof(*job));
    job->struct_bytes = sizeof(*job);
    job->command = command;
}

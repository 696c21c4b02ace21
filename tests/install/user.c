/* SPDX-License-Identifier: Apache-2.0 */
/* A program of somebody else: prints the version of libcapmill and the number of packets of a capture.
 * Compiled by install_test.sh against installed files only. */
#include <capmill/capmill.h>
#include <inttypes.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    const struct capmill_capture_info *captures;
    const char *inputs[] = {argc > 1 ? argv[1] : ""};
    struct capmill_job job;
    struct capmill_run *run;
    enum capmill_status status;
    char reason[512];

    capmill_job_init(&job, CAPMILL_INFO);
    job.inputs = inputs;
    job.n_inputs = 1;
    status = capmill_run_create(&job, &run, reason, sizeof(reason));
    if (status >= 0)
        status = capmill_run_execute(run, reason, sizeof(reason));
    if (status < 0)
        fprintf(stderr, "%s: %s\n", capmill_status_name(status), reason);
    else if (capmill_run_captures(run, &captures) == 1)
        printf("%s %" PRIu64 "\n", capmill_version(), captures[0].n_packets);
    capmill_run_destroy(run);
    return status < 0;
}

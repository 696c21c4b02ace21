/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs as callers describe them, and what this build is. */
#include <stddef.h>
#include <string.h>

#include "capmill/capmill.h"
#include "capmill_version.h"
#include "codec/codec.h"
#include "filter/filter.h"
#include "os/aio.h"
#include "transform/transform.h"

const char *capmill_version(void)
{
    return CAPMILL_VERSION_TEXT;
}

const char *capmill_build_feature(size_t i)
{
    switch (i) {
    case 0:
        return cm_aio_available(CM_AIO_URING)  ? "io_uring: yes"
               : cm_aio_available(CM_AIO_IOCP) ? "io_uring: no (not on this system)"
                                               : "io_uring: no (built without it, or the system forbids it)";
    case 1:
        return cm_aio_available(CM_AIO_IOCP) ? "IOCP: yes" : "IOCP: no (not on this system)";
    case 2:
        return cm_filter_expression_feature();
    case 3:
        return cm_filter_payload_feature();
    case 4:
        return cm_transform_anonymize_feature();
    case 5:
        return cm_codec_feature(CM_CODEC_SNAPPY);
    case 6:
        return cm_codec_feature(CM_CODEC_ZSTD);
    case 7:
        return cm_codec_feature(CM_CODEC_GZIP);
    case 8:
        return cm_codec_feature(CM_CODEC_LZ4);
    default:
        return NULL;
    }
}

void capmill_job_init(struct capmill_job *job, enum capmill_command command)
{
    memset(job, 0, sizeof(*job));
    job->struct_bytes = sizeof(*job);
    job->command = command;
}

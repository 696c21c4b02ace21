/* SPDX-License-Identifier: Apache-2.0 */
/* A stream over memory. */
#include "os/stream.h"

#include <errno.h>
#include <stdint.h>

#include "os/linux/system_linux.h"

enum capmill_status cm_stream_open_bytes(const void *bytes, size_t n, FILE **stream_ret,
                                         struct cm_error *error)
{
    /* declared for writing too, which mode "r" does not do */
    *stream_ret = fmemopen((void *)(uintptr_t)bytes, n, "rb");
    return *stream_ret != NULL ? CAPMILL_OK : cm_system_fail(error, errno, "open a stream over memory", NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of the C library, for libraries that read from nothing else. Not for inputs and outputs of ours
 * (os/file.h). */
#ifndef CM_OS_STREAM_H
#define CM_OS_STREAM_H

#include <stdio.h>

#include "base/error.h"

/* A stream to read that holds `n` bytes, at least 1, which stay the caller's and must stay as they are until it is
 * closed, with fclose. Any thread. */
enum capmill_status cm_stream_open_bytes(const void *bytes, size_t n, FILE **stream_ret,
                                         struct cm_error *error);

#endif

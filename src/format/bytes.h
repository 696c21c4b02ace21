/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that grow at their end, for what writes formats. Not for formats that are read. */
#ifndef CM_FORMAT_BYTES_H
#define CM_FORMAT_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Zeroed at first. */
struct cm_bytes {
    uint8_t *data;
    size_t n;
    size_t capacity;
};

/* Room for `more` bytes behind out->n. */
enum capmill_status cm_bytes_reserve(struct cm_bytes *out, size_t more, struct cm_error *error);
enum capmill_status cm_bytes_append(struct cm_bytes *out, const void *data, size_t n, struct cm_error *error);
void cm_bytes_free(struct cm_bytes *bytes); /* zeroes it too */

#endif

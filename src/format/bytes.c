/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that grow at their end. Grows by half, which wastes less than doubling where buffers become large. */
#include "format/bytes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static enum capmill_status no_memory(size_t n, struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "cannot get %" PRIu64 " bytes of memory for the output",
                        (uint64_t)n);
}

enum capmill_status cm_bytes_reserve(struct cm_bytes *out, size_t more, struct cm_error *error)
{
    size_t capacity;
    uint8_t *data;

    if (more <= out->capacity - out->n)
        return CAPMILL_OK;
    if (more > SIZE_MAX / 4 || out->n > SIZE_MAX / 4)
        return no_memory(more, error);
    capacity = out->n + more + out->capacity / 2 + 256;
    data = realloc(out->data, capacity);
    if (data == NULL)
        return no_memory(capacity, error);
    out->data = data;
    out->capacity = capacity;
    return CAPMILL_OK;
}

enum capmill_status cm_bytes_append(struct cm_bytes *out, const void *data, size_t n, struct cm_error *error)
{
    enum capmill_status status = cm_bytes_reserve(out, n, error);

    if (status == CAPMILL_OK && n != 0) {
        memcpy(out->data + out->n, data, n);
        out->n += n;
    }
    return status;
}

void cm_bytes_free(struct cm_bytes *bytes)
{
    free(bytes->data);
    memset(bytes, 0, sizeof(*bytes));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine of os/aio.h gives to the front (aio.c). Only for src/os/. */
#ifndef CM_OS_AIO_INT_H
#define CM_OS_AIO_INT_H

#include "os/aio.h"

/* The calls of one open queue; the same contracts as in os/aio.h. */
struct cm_aio_calls {
    void (*close)(struct cm_aio *aio);
    enum capmill_status (*read)(struct cm_aio *aio, struct cm_file *file, uint64_t offset, void *buffer,
                                size_t n, uint64_t tag, struct cm_error *error);
    size_t (*wait)(struct cm_aio *aio, struct cm_aio_done *done, size_t capacity);
};

/* Every engine's queue begins with this. */
struct cm_aio {
    const struct cm_aio_calls *calls;
};

struct cm_aio_backend {
    bool (*available)(void);
    enum capmill_status (*open)(unsigned depth, void *buffers, size_t buffers_bytes, struct cm_aio **aio_ret,
                                struct cm_error *error);
};

extern const struct cm_aio_backend cm_aio_threads_backend;
/* The engine that only this system has; NULL for the others. Defined in linux/ and windows/. */
const struct cm_aio_backend *cm_aio_system_backend(enum cm_aio_engine engine);

#endif

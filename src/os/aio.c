/* SPDX-License-Identifier: Apache-2.0 */
/* The front of os/aio.h: finds the engine and passes calls on. How reads are done is the engines' affair. */
#include "os/aio_int.h"

#include <stddef.h>

static const struct cm_aio_backend *find_backend(enum cm_aio_engine engine)
{
    const struct cm_aio_backend *backend =
        engine == CM_AIO_THREADS ? &cm_aio_threads_backend : cm_aio_system_backend(engine);

    return backend != NULL && backend->available() ? backend : NULL;
}

bool cm_aio_available(enum cm_aio_engine engine)
{
    return find_backend(engine) != NULL;
}

enum capmill_status cm_aio_open(enum cm_aio_engine engine, unsigned depth, void *buffers,
                                size_t buffers_bytes, struct cm_aio **aio_ret, struct cm_error *error)
{
    static const char *const names[] = {"io_uring", "an I/O completion port", "a pool of threads"};
    const struct cm_aio_backend *backend = find_backend(engine);

    *aio_ret = NULL;
    if (backend == NULL)
        return cm_error_set(
            error, CAPMILL_E_UNSUPPORTED, 0,
            "cannot read through %s: this system or this build does not have it; choose another way "
            "of reading",
            names[engine]);
    return backend->open(depth == 0 ? 1 : depth, buffers, buffers_bytes, aio_ret, error);
}

void cm_aio_close(struct cm_aio *aio)
{
    if (aio != NULL)
        aio->calls->close(aio);
}

enum capmill_status cm_aio_read(struct cm_aio *aio, struct cm_file *file, uint64_t offset, void *buffer,
                                size_t n, uint64_t tag, struct cm_error *error)
{
    return aio->calls->read(aio, file, offset, buffer, n, tag, error);
}

size_t cm_aio_wait(struct cm_aio *aio, struct cm_aio_done *done, size_t capacity)
{
    return capacity == 0 ? 0 : aio->calls->wait(aio, done, capacity);
}

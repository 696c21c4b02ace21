/* SPDX-License-Identifier: Apache-2.0 */
/* Several reads of files in flight at once: io_uring with registered buffers, IOCP, or a pool of threads that
 * read, behind one interface. One thread owns a queue; the queue owns nothing but its own slots. */
#ifndef CM_OS_AIO_H
#define CM_OS_AIO_H

#include "os/file.h"

enum cm_aio_engine { CM_AIO_URING, CM_AIO_IOCP, CM_AIO_THREADS };

struct cm_aio;

struct cm_aio_done {
    uint64_t tag;    /* as submitted */
    size_t n_bytes;  /* read; fewer than asked only at the end of the file */
    int system_code; /* 0, or why the read failed */
};

/* Whether this machine and this build can do it (kernel, seccomp, liburing). Cheap enough to ask at plan
 * time. */
bool cm_aio_available(enum cm_aio_engine engine);
/* `depth` reads in flight at most. `buffers`: one block of memory that every read goes into, registered once
 * with the kernel where the engine can (NULL: none). */
enum capmill_status cm_aio_open(enum cm_aio_engine engine, unsigned depth, void *buffers,
                                size_t buffers_bytes, struct cm_aio **aio_ret, struct cm_error *error);
/* Waits for reads in flight, then frees. NULL accepted. */
void cm_aio_close(struct cm_aio *aio);
/* CAPMILL_AGAIN when `depth` reads are in flight. The buffer is the queue's until its completion is
 * popped. */
enum capmill_status cm_aio_read(struct cm_aio *aio, struct cm_file *file, uint64_t offset, void *buffer,
                                size_t n, uint64_t tag, struct cm_error *error);
/* Wait for at least one completion and take up to `capacity`; 0 only when nothing is in flight. */
size_t cm_aio_wait(struct cm_aio *aio, struct cm_aio_done *done, size_t capacity);

#endif

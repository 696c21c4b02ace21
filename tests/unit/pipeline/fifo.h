/* SPDX-License-Identifier: Apache-2.0 */
/* A FIFO with a thread at its other end, for tests on systems that have them. Not a test. */
#ifndef CM_TESTS_FIFO_H
#define CM_TESTS_FIFO_H

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/thread.h"
#include "unit/check.h"

struct fifo {
    char path[1024];
    struct cm_thread *thread;
    const uint8_t *bytes; /* fed in */
    size_t n;
    bool stays_open; /* after the bytes, until fifo_close */
    uint8_t *taken;  /* taken out */
    size_t n_taken;
    size_t limit;       /* close after this many; SIZE_MAX: none */
    bool reads_nothing; /* until fifo_close */
    _Atomic bool closing;
};

static inline void fifo_wait(struct fifo *fifo)
{
    while (!atomic_load(&fifo->closing))
        poll(NULL, 0, 1);
}

static inline void fifo_feed_main(void *context)
{
    struct fifo *fifo = context;
    int fd = open(fifo->path, O_WRONLY);
    size_t done = 0;
    size_t step = 1;

    if (fd < 0)
        return;
    while (done < fifo->n && !atomic_load(&fifo->closing)) {
        size_t n = fifo->n - done < step ? fifo->n - done : step;
        ssize_t wrote = write(fd, fifo->bytes + done, n);

        if (wrote <= 0)
            break;
        done += (size_t)wrote;
        step = step * 7 % 65521; /* pieces of all lengths */
    }
    if (fifo->stays_open)
        fifo_wait(fifo);
    close(fd);
}

static inline void fifo_take_main(void *context)
{
    struct fifo *fifo = context;
    int fd = open(fifo->path, O_RDONLY);
    size_t capacity = 0;
    ssize_t n = 0;

    if (fd < 0)
        return;
    if (fifo->reads_nothing)
        fifo_wait(fifo);
    do {
        fifo->n_taken += (size_t)n;
        if (fifo->n_taken + 65536 > capacity) {
            capacity = 2 * (fifo->n_taken + 65536);
            fifo->taken = realloc(fifo->taken, capacity);
        }
        if (fifo->taken == NULL || fifo->n_taken >= fifo->limit)
            break;
        n = read(fd, fifo->taken + fifo->n_taken, 65536);
    } while (n > 0);
    close(fd);
}

static inline void fifo_open(struct fifo *fifo, void (*other_end)(void *context))
{
    struct cm_error error = {0};

    signal(SIGPIPE, SIG_IGN);
    unlink(fifo->path);
    cm_check_eq(mkfifo(fifo->path, 0600), 0);
    atomic_store(&fifo->closing, false);
    fifo->taken = NULL;
    fifo->n_taken = 0;
    cm_check_eq(cm_thread_start("fifo", other_end, fifo, &fifo->thread, &error), CAPMILL_OK);
}

/* Waits for the other end, also where nobody has opened ours. */
static inline void fifo_close(struct fifo *fifo)
{
    int fd;

    atomic_store(&fifo->closing, true);
    fd = open(fifo->path, O_RDWR | O_NONBLOCK);
    if (fd >= 0)
        close(fd);
    cm_thread_join(fifo->thread);
    unlink(fifo->path);
}

#endif

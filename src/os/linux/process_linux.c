/* SPDX-License-Identifier: Apache-2.0 */
/* Stop signals and terminals of POSIX. Not for stopping a run: that is the reader of the flag. */
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A signal handler gets no context, so this one pointer has to live at file scope. Stored before the handlers
 * are installed; read by the handler. */
static _Atomic(_Atomic int *) stop_flag;

static void on_stop(int number)
{
    _Atomic int *flag = atomic_load_explicit(&stop_flag, memory_order_acquire);
    struct sigaction otherwise = {.sa_handler = SIG_DFL};

    /* The next one, of either kind, takes its default action: the user means it. */
    sigaction(SIGINT, &otherwise, NULL);
    sigaction(SIGTERM, &otherwise, NULL);
    if (flag != NULL)
        atomic_store(flag, number);
}

enum capmill_status cm_process_init(int *argc, char ***argv)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    /* A file opened where a standard stream is missing would be taken for it. */
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
            return CAPMILL_E_IO;
    }
    (void)argc; /* arguments are bytes here, and paths are taken as they come */
    (void)argv;
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL);
    return CAPMILL_OK;
}

void cm_process_catch_stop(_Atomic int *flag)
{
    /* No SA_RESTART: a main thread that sleeps in a system call comes back and sees the flag. */
    struct sigaction stop = {.sa_handler = flag == NULL ? SIG_DFL : on_stop};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    atomic_store_explicit(&stop_flag, flag, memory_order_release);
    sigemptyset(&stop.sa_mask);
    sigaddset(&stop.sa_mask, SIGINT);
    sigaddset(&stop.sa_mask, SIGTERM);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL);
}

bool cm_process_stderr_is_terminal(void)
{
    return isatty(STDERR_FILENO) == 1;
}

bool cm_process_stdout_is_terminal(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

unsigned cm_process_terminal_columns(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

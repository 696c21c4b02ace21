/* SPDX-License-Identifier: Apache-2.0 */
/* Threads and locks of pthreads, and waiting on a word by futex. Not for deciding how many threads a run
 * uses. */
#include "os/thread.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os/linux/cgroup_linux.h"
#include "os/linux/system_linux.h"

struct cm_thread {
    pthread_t handle;
    cm_thread_main run;
    void *context;
    char name[16];
};

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(struct cm_mutex), "a mutex fits the caller's storage");
_Static_assert(sizeof(pthread_cond_t) <= sizeof(struct cm_condition),
               "a condition fits the caller's storage");
_Static_assert(sizeof(_Atomic uint32_t) == sizeof(uint32_t), "a futex is a plain 32-bit word");

static void *thread_entry(void *argument)
{
    struct cm_thread *thread = argument;

    pthread_setname_np(pthread_self(), thread->name);
    thread->run(thread->context);
    return NULL;
}

/* Everything that can wait goes to the main thread. Faults cannot: blocked, they would kill the process
 * before the handler that guards mapped files saw them. */
static void fill_blocked_signals(sigset_t *set)
{
    static const int faults[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPROF};

    sigfillset(set);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        sigdelset(set, faults[i]);
}

enum capmill_status cm_thread_start(const char *name, cm_thread_main run, void *context,
                                    struct cm_thread **thread_ret, struct cm_error *error)
{
    struct cm_thread *thread = calloc(1, sizeof(*thread));
    sigset_t blocked, before;
    int code;

    *thread_ret = NULL;
    if (thread == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, ENOMEM, "no memory to start thread \"%s\"", name);
    thread->run = run;
    thread->context = context;
    snprintf(thread->name, sizeof(thread->name), "%s", name);
    fill_blocked_signals(&blocked);
    pthread_sigmask(SIG_SETMASK, &blocked,
                    &before); /* inherited, so that no signal can slip in at its start */
    code = pthread_create(&thread->handle, NULL, thread_entry, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0) {
        free(thread);
        if (code == EAGAIN)
            return cm_error_set(
                error, CAPMILL_E_MEMORY, code,
                "cannot start thread \"%s\": the system allows no more threads or has no memory; use "
                "fewer threads or raise the limit (ulimit -u)",
                name);
        return cm_system_fail(error, code, "start thread", name);
    }
    *thread_ret = thread;
    return CAPMILL_OK;
}

void cm_thread_join(struct cm_thread *thread)
{
    if (thread == NULL)
        return;
    pthread_join(thread->handle, NULL);
    free(thread);
}

/* CPUs in the affinity mask. The mask grows until the kernel's fits: CPU_SETSIZE (1024) is too small for
 * some. */
static unsigned count_affine_cpus(void)
{
    for (size_t n_cpus = 1024; n_cpus <= 1024 * 1024; n_cpus *= 4) {
        size_t n_bytes = CPU_ALLOC_SIZE(n_cpus);
        cpu_set_t *set = CPU_ALLOC(n_cpus);
        int count = 0, rc;

        if (set == NULL)
            break;
        rc = sched_getaffinity(0, n_bytes, set);
        if (rc == 0)
            count = CPU_COUNT_S(n_bytes, set);
        CPU_FREE(set);
        if (rc == 0)
            return count > 0 ? (unsigned)count : 1;
        if (errno != EINVAL)
            break;
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}

unsigned cm_cpu_count(void)
{
    unsigned n_affine = count_affine_cpus();
    unsigned n_quota = cm_cgroup_cpu_limit("/proc/self");

    return n_quota < n_affine ? n_quota : n_affine;
}

void cm_thread_yield(void)
{
    sched_yield();
}

static pthread_mutex_t *as_mutex(struct cm_mutex *mutex)
{
    return (pthread_mutex_t *)(void *)mutex;
}

static pthread_cond_t *as_condition(struct cm_condition *condition)
{
    return (pthread_cond_t *)(void *)condition;
}

void cm_mutex_init(struct cm_mutex *mutex)
{
    memset(mutex, 0, sizeof(*mutex));
    pthread_mutex_init(as_mutex(mutex), NULL);
}

void cm_mutex_fini(struct cm_mutex *mutex)
{
    pthread_mutex_destroy(as_mutex(mutex));
}

void cm_mutex_lock(struct cm_mutex *mutex)
{
    pthread_mutex_lock(as_mutex(mutex));
}

void cm_mutex_unlock(struct cm_mutex *mutex)
{
    pthread_mutex_unlock(as_mutex(mutex));
}

void cm_condition_init(struct cm_condition *condition)
{
    memset(condition, 0, sizeof(*condition));
    pthread_cond_init(as_condition(condition), NULL);
}

void cm_condition_fini(struct cm_condition *condition)
{
    pthread_cond_destroy(as_condition(condition));
}

void cm_condition_wait(struct cm_condition *condition, struct cm_mutex *mutex)
{
    pthread_cond_wait(as_condition(condition), as_mutex(mutex));
}

void cm_condition_wake_one(struct cm_condition *condition)
{
    pthread_cond_signal(as_condition(condition));
}

void cm_condition_wake_all(struct cm_condition *condition)
{
    pthread_cond_broadcast(as_condition(condition));
}

void cm_word_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    struct timespec limit = {(time_t)(timeout_ns / 1000000000u), (long)(timeout_ns % 1000000000u)};

    /* The kernel compares and sleeps in one step against cm_word_wake_*: a change of the word before the wake
     * cannot be missed. EAGAIN, EINTR and ETIMEDOUT all mean "look again". */
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout_ns == UINT64_MAX ? NULL : &limit, NULL, 0);
}

void cm_word_wake_one(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void cm_word_wake_all(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

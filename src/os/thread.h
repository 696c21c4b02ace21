/* SPDX-License-Identifier: Apache-2.0 */
/* Threads, locks, and waiting on a 32-bit word (futex, WaitOnAddress). No thread-local storage: context is
 * passed. */
#ifndef CM_OS_THREAD_H
#define CM_OS_THREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct cm_thread;
typedef void (*cm_thread_main)(void *context);

/* `name` (at most 15 bytes) shows in ps and debuggers. Signals stay with the main thread. */
enum capmill_status cm_thread_start(const char *name, cm_thread_main run, void *context,
                                    struct cm_thread **thread_ret, struct cm_error *error);
void cm_thread_join(struct cm_thread *thread); /* waits, frees; NULL accepted */
/* CPUs this process may use (affinity and cgroup quota); at least 1. */
unsigned cm_cpu_count(void);
void cm_thread_yield(void);
static inline void cm_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

/* A lock in the caller's storage; zeroed is unlocked. Not recursive. */
struct cm_mutex {
    union {
        void *align;
        unsigned char bytes[64];
    } storage;
};
void cm_mutex_init(struct cm_mutex *mutex);
void cm_mutex_fini(struct cm_mutex *mutex);
void cm_mutex_lock(struct cm_mutex *mutex);
void cm_mutex_unlock(struct cm_mutex *mutex);

struct cm_condition {
    union {
        void *align;
        unsigned char bytes[64];
    } storage;
};
void cm_condition_init(struct cm_condition *condition);
void cm_condition_fini(struct cm_condition *condition);
void cm_condition_wait(struct cm_condition *condition, struct cm_mutex *mutex);
void cm_condition_wake_one(struct cm_condition *condition);
void cm_condition_wake_all(struct cm_condition *condition);

/* Sleep while *word == expected, until woken or `timeout_ns` passed (UINT64_MAX: no limit). May return early
 * for no reason: look at the word again. Burns no CPU. */
void cm_word_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns);
void cm_word_wake_one(_Atomic uint32_t *word);
void cm_word_wake_all(_Atomic uint32_t *word);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Threads, SRW locks, condition variables, and waiting on a word by WaitOnAddress. Not for deciding how many
 * threads a run uses. */
#include "os/thread.h"
#include "os/windows/system_windows.h"

#include <limits.h>
#include <process.h>
#include <stdlib.h>
#include <string.h>

struct cm_thread {
    HANDLE handle;
    cm_thread_main run;
    void *context;
    wchar_t name[16];
};

_Static_assert(sizeof(SRWLOCK) <= sizeof(struct cm_mutex), "a lock fits the caller's storage");
_Static_assert(sizeof(CONDITION_VARIABLE) <= sizeof(struct cm_condition),
               "a condition fits the caller's storage");
_Static_assert(sizeof(_Atomic uint32_t) == sizeof(uint32_t), "the system compares plain 32-bit words");

/* SetThreadDescription came with Windows 10 1607; mingw-w64 does not declare it. */
typedef HRESULT(WINAPI *describe_thread)(HANDLE thread, PCWSTR name);

static void name_this_thread(const wchar_t *name)
{
    HMODULE module = GetModuleHandleW(L"kernel32.dll");
    FARPROC found = module == NULL ? NULL : GetProcAddress(module, "SetThreadDescription");
    describe_thread describe;

    memcpy(&describe, &found, sizeof(describe));
    if (describe != NULL)
        describe(GetCurrentThread(), name);
}

static unsigned __stdcall thread_entry(void *argument)
{
    struct cm_thread *thread = argument;

    name_this_thread(thread->name);
    thread->run(thread->context);
    return 0;
}

enum capmill_status cm_thread_start(const char *name, cm_thread_main run, void *context,
                                    struct cm_thread **thread_ret, struct cm_error *error)
{
    struct cm_thread *thread = calloc(1, sizeof(*thread));

    *thread_ret = NULL;
    if (thread == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, ERROR_NOT_ENOUGH_MEMORY,
                            "no memory to start thread \"%s\"", name);
    thread->run = run;
    thread->context = context;
    for (size_t i = 0; i + 1 < sizeof(thread->name) / sizeof(thread->name[0]) && name[i] != 0; i++)
        thread->name[i] = (wchar_t)(unsigned char)name[i];
    /* Not CreateThread: the C library keeps state per thread. */
    thread->handle = (HANDLE)_beginthreadex(NULL, 0, thread_entry, thread, 0, NULL);
    if (thread->handle == NULL) {
        DWORD code = GetLastError();
        free(thread);
        return cm_error_set(error, CAPMILL_E_MEMORY, (int)code,
                            "cannot start thread \"%s\": the system has no memory for it; use fewer threads",
                            name);
    }
    *thread_ret = thread;
    return CAPMILL_OK;
}

void cm_thread_join(struct cm_thread *thread)
{
    if (thread == NULL)
        return;
    WaitForSingleObject(thread->handle, INFINITE);
    CloseHandle(thread->handle);
    free(thread);
}

/* CPUs that the job's hard rate limit stands for, rounded up; UINT_MAX without one. */
static unsigned job_cpu_limit(unsigned n_cpus)
{
    JOBOBJECT_CPU_RATE_CONTROL_INFORMATION rate = {0};
    const DWORD hard = JOB_OBJECT_CPU_RATE_CONTROL_ENABLE | JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP;

    if (!QueryInformationJobObject(NULL, JobObjectCpuRateControlInformation, &rate, sizeof(rate), NULL) ||
        (rate.ControlFlags & hard) != hard || rate.CpuRate == 0)
        return UINT_MAX;
    return (unsigned)(((uint64_t)n_cpus * rate.CpuRate + 9999) /
                      10000); /* in hundredths of a per cent of them all */
}

unsigned cm_cpu_count(void)
{
    unsigned n_all = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    unsigned n = n_all, limit;
    DWORD_PTR own, all;

    /* The mask covers one processor group of at most 64; it is complete on machines with one group. */
    if (GetActiveProcessorGroupCount() == 1 && GetProcessAffinityMask(GetCurrentProcess(), &own, &all) &&
        own != 0)
        n = (unsigned)__builtin_popcountll(own);
    limit = job_cpu_limit(n_all);
    if (limit < n)
        n = limit;
    return n > 0 ? n : 1;
}

void cm_thread_yield(void)
{
    SwitchToThread();
}

static SRWLOCK *as_lock(struct cm_mutex *mutex)
{
    return (SRWLOCK *)(void *)mutex;
}

static CONDITION_VARIABLE *as_condition(struct cm_condition *condition)
{
    return (CONDITION_VARIABLE *)(void *)condition;
}

void cm_mutex_init(struct cm_mutex *mutex)
{
    memset(mutex, 0, sizeof(*mutex));
    InitializeSRWLock(as_lock(mutex));
}

void cm_mutex_fini(struct cm_mutex *mutex)
{
    (void)mutex;
}

void cm_mutex_lock(struct cm_mutex *mutex)
{
    AcquireSRWLockExclusive(as_lock(mutex));
}

void cm_mutex_unlock(struct cm_mutex *mutex)
{
    ReleaseSRWLockExclusive(as_lock(mutex));
}

void cm_condition_init(struct cm_condition *condition)
{
    memset(condition, 0, sizeof(*condition));
    InitializeConditionVariable(as_condition(condition));
}

void cm_condition_fini(struct cm_condition *condition)
{
    (void)condition;
}

void cm_condition_wait(struct cm_condition *condition, struct cm_mutex *mutex)
{
    SleepConditionVariableSRW(as_condition(condition), as_lock(mutex), INFINITE, 0);
}

void cm_condition_wake_one(struct cm_condition *condition)
{
    WakeConditionVariable(as_condition(condition));
}

void cm_condition_wake_all(struct cm_condition *condition)
{
    WakeAllConditionVariable(as_condition(condition));
}

void cm_word_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    /* Rounded up: a wait of less than a millisecond must not become a busy loop. */
    uint64_t ms = timeout_ns / 1000000 + (timeout_ns % 1000000 != 0);

    WaitOnAddress((volatile void *)(uintptr_t)word, &expected, sizeof(expected),
                  timeout_ns == UINT64_MAX ? INFINITE
                  : ms < INFINITE          ? (DWORD)ms
                                           : INFINITE - 1);
}

void cm_word_wake_one(_Atomic uint32_t *word)
{
    WakeByAddressSingle((void *)(uintptr_t)word);
}

void cm_word_wake_all(_Atomic uint32_t *word)
{
    WakeByAddressAll((void *)(uintptr_t)word);
}

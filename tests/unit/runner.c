/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the tests that unit/check.h registered, where Criterion is not installed: all of them, or those whose
 * "suite/name" or "suite" is an argument. Not for benchmarks; no isolation between tests, which must not need
 * it. */
#include "unit/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

enum outcome { PASSED, FAILED, SKIPPED };

static struct cm_test *first_test;
static struct cm_test **last_test = &first_test;

/* Where a failed check of this thread goes on; NULL in threads that a test started. */
static _Thread_local jmp_buf *way_out;

/* Called before main by each test of each file; kept in the order of the file. */
void cm_test_register(struct cm_test *test)
{
    *last_test = test;
    last_test = &test->next;
}

static __attribute__((noreturn)) void leave(enum outcome outcome)
{
    fflush(stdout);
    /* A jump onto the stack of another thread is not possible: the whole run ends. */
    if (way_out == NULL)
        _Exit(1);
    longjmp(*way_out, outcome);
}

void cm_test_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;

    printf("    %s:%d: ", file, line);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    leave(FAILED);
}

void cm_test_skip(const char *format, ...)
{
    va_list arguments;

    printf("    skipped: ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    leave(SKIPPED);
}

static bool is_wanted(const struct cm_test *test, int n_names, char **names)
{
    char whole[512];

    snprintf(whole, sizeof(whole), "%s/%s", test->suite, test->name);
    for (int i = 0; i < n_names; i++)
        if (strcmp(names[i], whole) == 0 || strcmp(names[i], test->suite) == 0)
            return true;
    return n_names == 0;
}

static enum outcome run_one(const struct cm_test *test)
{
    jmp_buf buffer;
    int code = setjmp(buffer);

    if (code != 0) {
        way_out = NULL;
        return code == SKIPPED ? SKIPPED : FAILED;
    }
    way_out = &buffer;
    test->run();
    way_out = NULL;
    return PASSED;
}

int main(int argc, char **argv)
{
    static const char *const words[] = {"passed", "FAILED", "skipped"};
    unsigned counts[3] = {0};

    for (const struct cm_test *test = first_test; test != NULL; test = test->next) {
        enum outcome outcome;

        if (!is_wanted(test, argc - 1, argv + 1))
            continue;
        printf("%s/%s\n", test->suite, test->name); /* first, so that a crash shows whose it is */
        fflush(stdout);
        outcome = run_one(test);
        printf("%s/%s: %s\n", test->suite, test->name, words[outcome]);
        fflush(stdout);
        counts[outcome]++;
    }
    printf("%u passed, %u failed, %u skipped\n", counts[PASSED], counts[FAILED], counts[SKIPPED]);
    if (argc > 1 && counts[PASSED] + counts[FAILED] + counts[SKIPPED] == 0) {
        printf("no test has such a name\n");
        return 1;
    }
    return counts[FAILED] > 0;
}

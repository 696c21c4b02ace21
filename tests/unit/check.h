/* SPDX-License-Identifier: Apache-2.0 */
/* The assertions of the unit tests: Criterion where it is installed, a small runner (unit/runner.c)
 * elsewhere, so that the same files run under Windows. A test file includes this and nothing of either. */
#ifndef CM_TESTS_CHECK_H
#define CM_TESTS_CHECK_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef CAPMILL_HAVE_CRITERION
#include <criterion/criterion.h>
#define CM_TEST(suite, name)          Test(suite, name)
#define cm_check_that(condition, ...) cr_assert((condition), __VA_ARGS__)
#define cm_skip(...)                  cr_skip_test(__VA_ARGS__)
#else
struct cm_test {
    const char *suite;
    const char *name;
    void (*run)(void);
    struct cm_test *next;
};
void cm_test_register(struct cm_test *test);
__attribute__((noreturn)) void cm_test_fail(const char *file, int line, const char *format, ...);
__attribute__((noreturn)) void cm_test_skip(const char *format, ...);
#define CM_TEST(suite_, name_)                                                                               \
    static void test_##suite_##_##name_(void);                                                               \
    __attribute__((constructor)) static void register_##suite_##_##name_(void)                               \
    {                                                                                                        \
        static struct cm_test test = {#suite_, #name_, test_##suite_##_##name_, NULL};                       \
        cm_test_register(&test);                                                                             \
    }                                                                                                        \
    static void test_##suite_##_##name_(void)
#define cm_check_that(condition, ...)                                                                        \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            cm_test_fail(__FILE__, __LINE__, __VA_ARGS__);                                                   \
    } while (0)
#define cm_skip(...) cm_test_skip(__VA_ARGS__)
#endif

#define cm_check(condition) cm_check_that((condition), "%s", #condition)
/* Integers of any type; shown as signed 64 bits. */
#define cm_check_eq(actual, expected)                                                                        \
    do {                                                                                                     \
        long long check_a = (long long)(actual), check_e = (long long)(expected);                            \
        cm_check_that(check_a == check_e, "%s is %lld, expected %lld", #actual, check_a, check_e);           \
    } while (0)
#define cm_check_str(actual, expected)                                                                       \
    do {                                                                                                     \
        const char *check_a = (actual), *check_e = (expected);                                               \
        cm_check_that(strcmp(check_a, check_e) == 0, "%s is \"%s\", expected \"%s\"", #actual, check_a,      \
                      check_e);                                                                              \
    } while (0)
#define cm_check_mem(actual, expected, n)                                                                    \
    cm_check_that(memcmp((actual), (expected), (n)) == 0, "%s differs from %s", #actual, #expected)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Paths that are one file, whether it is there or not. */
#include "unit/os/temporary_folder.h"

CM_TEST(same_path, of_what_is_there_and_what_is_not)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"there", "there", true},
        {"there", "./there", true},
        {"there", ".//./there", true},
        {"there", "other", false},
        {"new", "./new", true},
        {"./new", "inner/../new", true},
        {"new", "newer", false},
        {"new", "there", false},
        {"new", "inner/new", false},
        {"inner/new", "inner//new", true},
        {"no/where", "./no/where", false},
        {"inner", "./inner", true},
        {"new", "New", CM_PATH_IS_WINDOWS},
    };
    struct temporary_folder folder;

    temporary_open(&folder);
    temporary_write(temporary_path(&folder, "there"), "x", 1);
    temporary_write(temporary_path(&folder, "other"), "x", 1);
    cm_check_eq(cm_folder_create(temporary_path(&folder, "inner"), NULL), CAPMILL_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *a = temporary_path(&folder, cases[i].a), *b = temporary_path(&folder, cases[i].b);

        cm_check_that(cm_path_is_same(a, b) == cases[i].same, "%s and %s", cases[i].a, cases[i].b);
        cm_check_that(cm_path_is_same(b, a) == cases[i].same, "%s and %s", cases[i].b, cases[i].a);
    }
    cm_check(cm_path_is_same("not there", "./not there")); /* in the folder we are in */
    cm_check_eq(cm_path_remove(temporary_path(&folder, "inner"), NULL), CAPMILL_OK);
    temporary_close(&folder);
}

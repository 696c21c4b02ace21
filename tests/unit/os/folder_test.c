/* SPDX-License-Identifier: Apache-2.0 */
/* Lists and patterns: what matches, and in which order. */
#include "unit/os/temporary_folder.h"

static bool matches(const char *pattern, const char *name)
{
    return cm_glob_match(pattern, strlen(pattern), name);
}

CM_TEST(glob, table_of_matches)
{
    static const struct {
        const char *pattern;
        const char *name;
        bool expected;
    } rows[] = {
        {"*", "a", true},
        {"*", "", true},
        {"*", ".hidden", false},
        {"?hidden", ".hidden", false},
        {"[.]hidden", ".hidden", false},
        {".*", ".hidden", true},
        {"*.pcap", "a.pcap", true},
        {"*.pcap", "a.pcapng", false},
        {"*.pcap*", "a.pcapng", true},
        {"a*b*c", "aXbYc", true},
        {"a*b*c", "aXbYcZ", false},
        {"a*b*c", "abcbc", true},
        {"**a", "bba", true},
        {"?", "a", true},
        {"?", "", false},
        {"?", "ab", false},
        {"?", "ä", true},
        {"??", "ä", false},
        {"*ä?", "xäy", true},
        {"[abc]", "b", true},
        {"[abc]", "d", false},
        {"[a-c]x", "bx", true},
        {"[!a-c]", "b", false},
        {"[^a-c]", "d", true},
        {"[]]", "]", true},
        {"[!]]", "a", true},
        {"[a-]", "-", true},
        {"[à-ü]", "ä", true},
        {"[ä]", "a", false},
        {"[a", "[a", true},
        {"[", "[", true},
        {"x[", "x[", true},
        {"a[b", "ab", false},
        {"cap_[0-9][0-9].pcap", "cap_07.pcap", true},
        {"cap_[0-9][0-9].pcap", "cap_7.pcap", false},
        {"\xff?", "\xff\xfe", true},
        {"?", "\xc3", true},
        {"", "", true},
        {"", "a", false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cm_check_that(matches(rows[i].pattern, rows[i].name) == rows[i].expected,
                      "\"%s\" on \"%s\" is not %d", rows[i].pattern, rows[i].name, rows[i].expected);
    cm_check(matches("\\*", "*") != CM_PATH_IS_WINDOWS); /* no escapes where \ separates */
    cm_check(!matches("\\*", "a"));
    cm_check(matches("A*", "ab") == CM_PATH_IS_WINDOWS);
}

CM_TEST(glob, many_stars_take_no_exponential_time)
{
    char pattern[401], name[2001];

    for (size_t i = 0; i < 400; i += 2)
        memcpy(pattern + i, "*a", 2);
    pattern[400] = 0;
    memset(name, 'a', 2000);
    name[2000] = 0;
    cm_check(matches(pattern, name));
    pattern[399] = 'b';
    cm_check(!matches(pattern, name));
}

static void make(struct temporary_folder *folder, const char *name)
{
    temporary_write(temporary_path(folder, name), "x", 1);
}

static void check_names(struct temporary_folder *folder, char **paths, size_t n, const char *const *names,
                        size_t n_names)
{
    for (size_t i = 0; i < n && i < n_names; i++)
        cm_check_str(paths[i], temporary_path(folder, names[i]));
    cm_check_eq(n, n_names);
    cm_check(paths[n] == NULL);
}

CM_TEST(folder, lists_regular_files_in_byte_order)
{
    static const char *const expected[] = {"Z", "a b", "a1", "a10", "a2", "b", "é"};
    struct temporary_folder folder;
    char **paths;
    size_t n;

    temporary_open(&folder);
    cm_check_eq(cm_folder_list(folder.path, &paths, &n, NULL), CAPMILL_OK);
    cm_check(n == 0 && paths != NULL);
    free(paths);
    make(&folder, "é");
    make(&folder, "b");
    make(&folder, "a10");
    make(&folder, "a2");
    make(&folder, ".hidden");
    make(&folder, "Z");
    make(&folder, "a b");
    make(&folder, "a1");
    cm_check_eq(cm_folder_create(temporary_path(&folder, "sub"), NULL), CAPMILL_OK);
    cm_check_eq(cm_folder_create(temporary_path(&folder, "sub"), NULL), CAPMILL_OK); /* there already */
    cm_check_eq(cm_folder_create(temporary_path(&folder, "b"), NULL), CAPMILL_E_EXISTS);
    make(&folder, "sub/inner");
    cm_check_eq(cm_folder_list(folder.path, &paths, &n, NULL), CAPMILL_OK);
    check_names(&folder, paths, n, expected, 7);
    free(paths);
    cm_path_remove(temporary_path(&folder, "sub/inner"), NULL);
    cm_path_remove(temporary_path(&folder, "sub"), NULL);
    cm_check(cm_folder_list(temporary_path(&folder, "b"), &paths, &n, NULL) < 0);
    cm_check_eq(cm_folder_list(temporary_path(&folder, "absent"), &paths, &n, NULL), CAPMILL_E_NOT_FOUND);
    temporary_close(&folder);
}

CM_TEST(folder, patterns_in_any_component)
{
    static const char *const all[] = {"d1/a.pcap", "d1/c.pcap", "d2/b.pcap"};
    static const char *const one[] = {"d2/b.pcap"};
    struct temporary_folder folder;
    struct cm_error error = {0};
    char **paths;
    size_t n;

    temporary_open(&folder);
    cm_folder_create(temporary_path(&folder, "d1"), NULL);
    cm_folder_create(temporary_path(&folder, "d2"), NULL);
    make(&folder, "d2/b.pcap");
    make(&folder, "d1/c.pcap");
    make(&folder, "d1/a.pcap");
    make(&folder, "d1/x.txt");
    make(&folder, "d3.pcap");

    cm_check_eq(cm_glob(temporary_path(&folder, "d?/*.pcap"), &paths, &n, NULL), CAPMILL_OK);
    check_names(&folder, paths, n, all, 3);
    free(paths);
    cm_check_eq(cm_glob(temporary_path(&folder, "d[12]/[!x].p*p"), &paths, &n, NULL), CAPMILL_OK);
    check_names(&folder, paths, n, all, 3);
    free(paths);
    cm_check_eq(cm_glob(temporary_path(&folder, "*/b.pcap"), &paths, &n, NULL), CAPMILL_OK);
    check_names(&folder, paths, n, one, 1);
    free(paths);
    cm_check_eq(cm_glob(temporary_path(&folder, "*/none*"), &paths, &n, &error), CAPMILL_E_NOT_FOUND);
    cm_check_that(strstr(error.text, "no file matches") != NULL, "%s", error.text);
    cm_check_eq(cm_glob("no such folder/*", &paths, &n, NULL), CAPMILL_E_NOT_FOUND);

    cm_path_remove(temporary_path(&folder, "d1/a.pcap"), NULL);
    cm_path_remove(temporary_path(&folder, "d1/c.pcap"), NULL);
    cm_path_remove(temporary_path(&folder, "d1/x.txt"), NULL);
    cm_path_remove(temporary_path(&folder, "d2/b.pcap"), NULL);
    cm_path_remove(temporary_path(&folder, "d1"), NULL);
    cm_path_remove(temporary_path(&folder, "d2"), NULL);
    temporary_close(&folder);
}

CM_TEST(path, the_same_before_it_is_there)
{
    static const struct {
        const char *a, *b;
        bool expected;
    } rows[] = {
        {"x", "x", true},         {"x", "y", false},     {"x", "./x", true},      {"x", "sub/../x", true},
        {"x/", "x", true},        {"x", "sub/x", false}, {"no/x", "no//x", true}, {"no/x", "no/y", false},
        {"no/x", "nor/x", false}, {"sub", "sub/", true}, {"sub", "sub/.", true},  {"there", "./there", true},
        {"there", "x", false},    {"x", "there", false},
    };
    struct temporary_folder folder;

    temporary_open(&folder);
    cm_check_eq(cm_folder_create(temporary_path(&folder, "sub"), NULL), CAPMILL_OK);
    temporary_write(temporary_path(&folder, "there"), "x", 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *a = temporary_path(&folder, rows[i].a);
        const char *b = temporary_path(&folder, rows[i].b);

        cm_check_that(cm_path_is_same(a, b) == rows[i].expected, "%s and %s are not %d", rows[i].a, rows[i].b,
                      rows[i].expected);
        /* in the current folder, which has none of them */
        if (strncmp(rows[i].a, "sub", 3) != 0 && strncmp(rows[i].b, "sub", 3) != 0)
            cm_check_that(cm_path_is_same(rows[i].a, rows[i].b) == rows[i].expected, "%s and %s", rows[i].a,
                          rows[i].b);
    }
    cm_check_eq(cm_path_remove(temporary_path(&folder, "sub"), NULL), CAPMILL_OK);
    temporary_close(&folder);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A file written from its beginning to its end: all of it or nothing under its name, whatever the sizes and however
 * often it rests; inputs and folders are refused. */
#include "sink/ordered_file.h"

#include "unit/os/temporary_folder.h"

static const struct cm_output_rules plain = {0};
static const struct cm_output_rules replacing = {.replace = true};

static void check_content(const char *path, const unsigned char *pattern, size_t n)
{
    unsigned char *bytes = malloc(n + 2);
    struct cm_file *file;
    struct cm_error error = {0};
    size_t n_read = 0;

    cm_check_that(cm_file_open_read(path, 0, &file, &error) == CAPMILL_OK, "%s", error.text);
    cm_check(cm_file_read_at(file, 0, bytes, n + 1, &n_read, &error) >= 0);
    cm_check_eq(n_read, n);
    cm_check_mem(bytes, pattern, n);
    cm_file_close(file);
    free(bytes);
}

CM_TEST(ordered_file, holds_what_was_put_in_its_order)
{
    /* around the buffer's 64 KiB, and beyond */
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 3, 200000, 0, 65530, 7, 131072};
    struct temporary_folder folder;
    unsigned char *pattern = temporary_pattern(1u << 20);

    temporary_open(&folder);
    for (unsigned rests = 0; rests < 3; rests++) {
        const char *path = temporary_path(&folder, "out");
        struct cm_ordered_file *file;
        struct cm_error error = {0};
        size_t at = 0;

        cm_check_that(cm_ordered_file_open(path, &replacing, rests == 1, &file, &error) == CAPMILL_OK, "%s",
                      error.text);
        cm_check_str(cm_ordered_file_path(file), path);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            cm_check_eq(cm_ordered_file_put(file, pattern + at, sizes[i], &error), CAPMILL_OK);
            at += sizes[i];
            cm_check_eq(cm_ordered_file_bytes(file), at);
            if (rests > 0 && i % rests == 0)
                cm_check_eq(cm_ordered_file_rest(file, &error), CAPMILL_OK);
            if (rests == 2)
                cm_check_eq(cm_ordered_file_rest(file, &error), CAPMILL_OK); /* twice is as good */
        }
        cm_check_eq(cm_ordered_file_commit(file, &error), CAPMILL_OK);
        cm_ordered_file_close(file);
        check_content(path, pattern, at);
        cm_check_eq(temporary_count(&folder), 1);
    }
    free(pattern);
    temporary_close(&folder);
}

CM_TEST(ordered_file, without_a_commit_there_is_none)
{
    struct temporary_folder folder;
    const char *path;
    struct cm_ordered_file *file;
    struct cm_error error = {0};

    temporary_open(&folder);
    path = temporary_path(&folder, "out");
    temporary_write(path, "before", 6);
    cm_check_eq(cm_ordered_file_open(path, &replacing, false, &file, &error), CAPMILL_OK);
    cm_check_eq(cm_ordered_file_put(file, "after", 5, &error), CAPMILL_OK);
    cm_check_eq(cm_ordered_file_flush(file, &error), CAPMILL_OK);
    cm_ordered_file_close(file);
    cm_check(temporary_holds(path, "before"));
    cm_check_eq(temporary_count(&folder), 1);
    cm_ordered_file_close(NULL);
    temporary_close(&folder);
}

CM_TEST(ordered_file, an_empty_one_is_a_file)
{
    struct temporary_folder folder;
    const char *path;
    struct cm_ordered_file *file;
    struct cm_error error = {0};

    temporary_open(&folder);
    path = temporary_path(&folder, "out");
    cm_check_eq(cm_ordered_file_open(path, &plain, false, &file, &error), CAPMILL_OK);
    cm_check_eq(cm_ordered_file_commit(file, &error), CAPMILL_OK);
    cm_ordered_file_close(file);
    cm_check(temporary_holds(path, ""));
    temporary_close(&folder);
}

static bool is_that(void *context, const struct cm_file_facts *facts)
{
    const struct cm_file_facts *input = context;

    return memcmp(input->identity, facts->identity, sizeof(facts->identity)) == 0;
}

CM_TEST(ordered_file, refuses_what_is_there_inputs_and_folders)
{
    struct temporary_folder folder;
    struct cm_file_facts facts;
    struct cm_output_rules keeping = {.replace = true, .is_input = is_that, .context = &facts};
    struct cm_ordered_file *file = NULL;
    const char *path;
    struct cm_error error = {0};

    temporary_open(&folder);
    path = temporary_path(&folder, "in");
    temporary_write(path, "input", 5);
    cm_check_eq(cm_ordered_file_open(path, &plain, false, &file, &error), CAPMILL_E_EXISTS);
    cm_check_eq(cm_path_facts(path, &facts, NULL), CAPMILL_OK);
    error = (struct cm_error){0};
    cm_check_eq(cm_ordered_file_open(path, &keeping, false, &file, &error), CAPMILL_E_USAGE);
    cm_check(strstr(error.text, "is one of the inputs") != NULL && strstr(error.text, path) != NULL);
    error = (struct cm_error){0};
    cm_check_eq(cm_ordered_file_open(folder.path, &replacing, false, &file, &error), CAPMILL_E_USAGE);
    cm_check(strstr(error.text, "is a folder") != NULL);
    error = (struct cm_error){0};
    cm_check_eq(cm_ordered_file_open(temporary_path(&folder, "none/out"), &replacing, false, &file, &error) <
                    0,
                true);
    cm_check(file == NULL && temporary_holds(path, "input"));
    cm_check_eq(temporary_count(&folder), 1);
    temporary_close(&folder);
}

CM_TEST(ordered_file, streams_are_known_by_what_they_are)
{
    struct temporary_folder folder;

    temporary_open(&folder);
    cm_check(cm_output_is_stream("-"));
    cm_check(!cm_output_is_stream(folder.path));
    cm_check(!cm_output_is_stream(temporary_path(&folder, "not there")));
    temporary_write(temporary_path(&folder, "file"), "", 0);
    cm_check(!cm_output_is_stream(temporary_path(&folder, "file")));
    temporary_close(&folder);
}

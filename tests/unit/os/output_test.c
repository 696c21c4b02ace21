/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs appear whole or not at all, on every system; and the names of temporaries. */
#include "unit/os/temporary_folder.h"

#include "os/output_int.h"

static struct cm_output *create(const char *path, bool replace)
{
    struct cm_output *output;
    struct cm_error error = {0};

    cm_check_that(cm_output_create(path, replace, &output, &error) == CAPMILL_OK, "%s", error.text);
    return output;
}

static void write_text(struct cm_output *output, const char *text)
{
    struct cm_error error = {0};

    cm_check_that(cm_file_write(cm_output_file(output), text, strlen(text), &error) == CAPMILL_OK, "%s",
                  error.text);
}

CM_TEST(output, appears_only_when_committed)
{
    struct temporary_folder folder;
    struct cm_output *output;
    struct cm_file_facts facts;
    const char *path;

    temporary_open(&folder);
    path = temporary_path(&folder, "äöü out.pcap");
    output = create(path, false);
    write_text(output, "hello");
    cm_check_eq(cm_path_facts(path, &facts, NULL), CAPMILL_E_NOT_FOUND);
    cm_check_eq(temporary_count(&folder), 1);
    cm_check_eq(cm_output_commit(output, true, NULL), CAPMILL_OK);
    cm_check(temporary_holds(path, "hello"));
    cm_output_destroy(output);
    cm_check(temporary_holds(path, "hello"));
    cm_check_eq(temporary_count(&folder), 1);
    temporary_close(&folder);
}

CM_TEST(output, uncommitted_leaves_the_old_file_and_no_debris)
{
    struct temporary_folder folder;
    struct cm_output *output;
    const char *path;

    temporary_open(&folder);
    path = temporary_path(&folder, "a");
    temporary_write(path, "old", 3);
    output = create(path, true);
    write_text(output, "new and longer");
    cm_output_destroy(output);
    cm_check(temporary_holds(path, "old"));
    cm_check_eq(temporary_count(&folder), 1);
    temporary_close(&folder);
}

CM_TEST(output, replaces_only_when_asked)
{
    struct temporary_folder folder;
    struct cm_output *output = NULL;
    struct cm_error error = {0};
    const char *path;

    temporary_open(&folder);
    path = temporary_path(&folder, "a");
    temporary_write(path, "old", 3);
    cm_check_eq(cm_output_create(path, false, &output, &error), CAPMILL_E_EXISTS);
    cm_check(output == NULL);
    cm_check_that(strstr(error.text, path) != NULL, "%s", error.text);
    output = create(path, true);
    write_text(output, "new");
    cm_check_eq(cm_output_commit(output, false, NULL), CAPMILL_OK);
    cm_output_destroy(output);
    cm_check(temporary_holds(path, "new"));
    cm_check_eq(temporary_count(&folder), 1);
    temporary_close(&folder);
}

CM_TEST(output, file_that_came_meanwhile_is_not_overwritten)
{
    struct temporary_folder folder;
    struct cm_output *late;
    struct cm_error error = {0};
    const char *path;

    temporary_open(&folder);
    path = temporary_path(&folder, "a");
    late = create(path, false);
    write_text(late, "late");
    temporary_write(path, "first", 5);
    cm_check_eq(cm_output_commit(late, false, &error), CAPMILL_E_EXISTS);
    cm_output_destroy(late);
    cm_check(temporary_holds(path, "first"));
    cm_check_eq(temporary_count(&folder), 1);
    temporary_close(&folder);
}

CM_TEST(output, folders_and_missing_folders_are_refused)
{
    struct temporary_folder folder;
    struct cm_output *output;
    struct cm_error error = {0};

    temporary_open(&folder);
    cm_check_eq(cm_output_create(folder.path, true, &output, &error), CAPMILL_E_USAGE);
    memset(&error, 0, sizeof(error));
    cm_check_eq(cm_output_create(temporary_path(&folder, "x/"), true, &output, &error), CAPMILL_E_USAGE);
    memset(&error, 0, sizeof(error));
    cm_check_eq(cm_output_create(temporary_path(&folder, "absent/a"), true, &output, &error),
                CAPMILL_E_NOT_FOUND);
    cm_check_that(strstr(error.text, "create it first") != NULL, "%s", error.text);
    cm_check_eq(temporary_count(&folder), 0);
    temporary_close(&folder);
}

CM_TEST(output, rests_and_wakes_where_it_was)
{
    struct temporary_folder folder;
    struct cm_output *output;
    const char *path;

    temporary_open(&folder);
    path = temporary_path(&folder, "a");
    output = create(path, false);
    write_text(output, "one ");
    cm_check_eq(cm_output_rest(output, NULL), CAPMILL_OK);
    cm_check_eq(cm_output_rest(output, NULL), CAPMILL_OK);
    cm_check(cm_output_file(output) == NULL);
    cm_check_eq(cm_output_wake(output, NULL), CAPMILL_OK);
    write_text(output, "two ");
    cm_check_eq(cm_file_write_at(cm_output_file(output), 0, "O", 1, NULL), CAPMILL_OK);
    cm_check_eq(cm_output_rest(output, NULL), CAPMILL_OK);
    cm_check_eq(cm_output_wake(output, NULL), CAPMILL_OK);
    write_text(output, "three");
    cm_check_eq(cm_output_rest(output, NULL), CAPMILL_OK);
    cm_check_eq(cm_output_commit(output, false, NULL), CAPMILL_OK); /* also from its rest */
    cm_output_destroy(output);
    cm_check(temporary_holds(path, "One two three"));
    temporary_close(&folder);
}

CM_TEST(output, resting_output_is_not_debris)
{
    struct temporary_folder folder;
    struct cm_output *resting, *other;
    const char *path;

    temporary_open(&folder);
    path = temporary_path(&folder, "a");
    resting = create(path, true);
    write_text(resting, "rested");
    cm_check_eq(cm_output_rest(resting, NULL), CAPMILL_OK);
    other = create(path, true); /* looks for debris of the same output */
    cm_check_eq(temporary_count(&folder), 2);
    cm_output_destroy(other);
    cm_check_eq(cm_output_commit(resting, false, NULL), CAPMILL_OK);
    cm_output_destroy(resting);
    cm_check(temporary_holds(path, "rested"));
    temporary_close(&folder);
}

CM_TEST(output, thousands_at_rest_hold_no_descriptors)
{
    enum { n_outputs = 1200 }; /* more than the usual 1024 descriptors */
    static struct cm_output *outputs[n_outputs];
    struct temporary_folder folder;
    char name[32];

    temporary_open(&folder);
    for (int i = 0; i < n_outputs; i++) {
        snprintf(name, sizeof(name), "slice%04d", i);
        cm_check_eq(cm_output_create_unswept(temporary_path(&folder, name), false, &outputs[i], NULL),
                    CAPMILL_OK);
        write_text(outputs[i], name);
        cm_check_eq(cm_output_rest(outputs[i], NULL), CAPMILL_OK);
    }
    for (int i = 0; i < n_outputs; i++) {
        cm_check_eq(cm_output_commit(outputs[i], false, NULL), CAPMILL_OK);
        cm_output_destroy(outputs[i]);
    }
    for (int i = 0; i < n_outputs; i += 97) {
        snprintf(name, sizeof(name), "slice%04d", i);
        cm_check(temporary_holds(temporary_path(&folder, name), name));
    }
    cm_check_eq(temporary_count(&folder), n_outputs);
    temporary_close(&folder);
}

CM_TEST(output, temporary_that_vanished_is_noticed)
{
    struct temporary_folder folder;
    struct cm_output *output;
    struct cm_error error = {0};

    temporary_open(&folder);
    output = create(temporary_path(&folder, "a"), false);
    cm_check_eq(cm_output_rest(output, NULL), CAPMILL_OK);
    cm_folder_walk(folder.path, temporary_remove_entry, &folder, NULL);
    cm_check_eq(temporary_count(&folder), 0);
    cm_check_eq(cm_output_wake(output, &error), CAPMILL_E_CHANGED);
    cm_output_destroy(output);
    temporary_close(&folder);
}

CM_TEST(output, debris_is_swept_only_when_its_owner_is_gone_and_the_name_is_ours)
{
    /* No process has the first number; the last three are other outputs', or nobody's. */
    static const char *const names[] = {
        ".a.capmill-7ffffff0-1-2.tmp",
        ".b.capmill-7ffffff0-1-2.tmp",
        ".a.capmill-7ffffff0-1.tmp",
        ".a.capmill-7ffffff0-1-2.tmp.pcap",
    };
    struct temporary_folder folder;
    struct cm_file_facts facts;

    temporary_open(&folder);
    for (size_t i = 0; i < 4; i++)
        temporary_write(temporary_path(&folder, names[i]), "x", 1);
    cm_check_eq(temporary_count(&folder), 4);
    cm_output_destroy(create(temporary_path(&folder, "a"), false));
    cm_check_eq(temporary_count(&folder), 3);
    cm_check_eq(cm_path_facts(temporary_path(&folder, names[0]), &facts, NULL), CAPMILL_E_NOT_FOUND);
    temporary_close(&folder);
}

CM_TEST(output, one_sweep_for_all_slices)
{
    static const char *const names[] = {
        ".cap_1.capmill-7ffffff0-1-2.tmp",
        ".cap_2.pcap.capmill-7ffffff0-1-3.tmp",
        ".cap.capmill-7ffffff0-1-4.tmp",
        ".other_1.capmill-7ffffff0-1-5.tmp",
        ".cap_3.capmill-old.capmill-7ffffff0-1-6.tmp",
    };
    struct temporary_folder folder;
    struct cm_file_facts facts;
    struct cm_output *resting;

    temporary_open(&folder);
    for (size_t i = 0; i < 5; i++)
        temporary_write(temporary_path(&folder, names[i]), "x", 1);
    resting = create(temporary_path(&folder, "cap_9"), false);
    cm_check_eq(cm_output_rest(resting, NULL), CAPMILL_OK);
    cm_output_sweep(temporary_path(&folder, "cap_"));
    cm_check_eq(temporary_count(&folder), 3);
    cm_check_eq(cm_path_facts(temporary_path(&folder, names[2]), &facts, NULL), CAPMILL_OK);
    cm_check_eq(cm_path_facts(temporary_path(&folder, names[3]), &facts, NULL), CAPMILL_OK);
    cm_output_sweep(temporary_path(&folder, ""));
    cm_check_eq(temporary_count(&folder), 1);
    cm_check_eq(cm_output_commit(resting, false, NULL), CAPMILL_OK);
    cm_output_destroy(resting);
    cm_output_sweep("no such folder/x");
    temporary_close(&folder);
}

CM_TEST(output, a_tree_of_partitions_is_swept)
{
    static const char debris[] = ".part-00000.parquet.capmill-7ffffff0-1-2.tmp";
    static const char *const folders[] = {"dt=1", "dt=1/hr=2", "dt=3", "dt=3/hr=4", "empty=5", "plain"};
    static const bool stays[] = {false, false, true, true, true, true};
    struct temporary_folder folder;
    struct cm_file_facts facts;
    char name[128];

    temporary_open(&folder);
    for (size_t i = 0; i < 6; i++)
        cm_check_eq(cm_folder_create(temporary_path(&folder, folders[i]), NULL), CAPMILL_OK);
    temporary_write(temporary_path(&folder, debris), "x", 1);
    for (size_t i = 0; i < 6; i++) {
        if (i == 0 || i == 4) /* nothing in it but a folder; nothing */
            continue;
        snprintf(name, sizeof(name), "%s/%s", folders[i], debris);
        temporary_write(temporary_path(&folder, name), "x", 1);
    }
    temporary_write(temporary_path(&folder, "dt=3/hr=4/foreign"), "x", 1);
    cm_output_sweep_tree(folder.path, "part-", 2);
    for (size_t i = 0; i < 6; i++) {
        snprintf(name, sizeof(name), "%s/%s", folders[i], debris);
        cm_check_eq(cm_path_facts(temporary_path(&folder, name), &facts, NULL) == CAPMILL_OK, i == 5);
        cm_check_eq(cm_path_facts(temporary_path(&folder, folders[i]), &facts, NULL) == CAPMILL_OK, stays[i]);
    }
    cm_check(cm_path_facts(temporary_path(&folder, debris), &facts, NULL) != CAPMILL_OK);
    cm_output_sweep_tree("no such folder", "part-", 2);

    snprintf(name, sizeof(name), "plain/%s", debris);
    cm_path_remove(temporary_path(&folder, name), NULL);
    cm_path_remove(temporary_path(&folder, "dt=3/hr=4/foreign"), NULL);
    for (size_t i = 6; i > 0; i--)
        cm_path_remove(temporary_path(&folder, folders[i - 1]), NULL);
    temporary_close(&folder);
}

CM_TEST(output, names_of_temporaries_are_read_back)
{
    static const struct cm_output_owner owners[] = {{1, 0}, {UINT64_MAX, UINT64_MAX}, {4711, 99}};
    char name[256], temporary[CM_OUTPUT_NAME_BYTES], other[256];

    for (size_t length = 1; length < sizeof(name); length += length < 180 ? 37 : 1) {
        for (size_t i = 0; i < 3; i++) {
            struct cm_output_owner got = {7, 7};

            memset(name, 'n', length);
            name[length] = 0;
            strcpy(other, name);
            other[length - 1] = 'm';
            cm_output_name_make(name, &owners[i], 0xffffffff, temporary);
            cm_check(strlen(temporary) < CM_OUTPUT_NAME_BYTES);
            cm_check_that(cm_output_name_parse(temporary, name, false, &got), "%s", temporary);
            cm_check(got.pid == owners[i].pid && got.start == owners[i].start);
            cm_check(!cm_output_name_parse(temporary, other, false, &got));
            temporary[strlen(temporary) - 1] = 0;
            cm_check(!cm_output_name_parse(temporary, name, false, &got));
        }
    }
}

CM_TEST(output, longest_name_that_the_system_takes_works)
{
    struct temporary_folder folder;
    char name[256];

    memset(name, 'y', 250);
    name[250] = 0;
    temporary_open(&folder);
    temporary_write(temporary_path(&folder, name), "long", 4);
    cm_check(temporary_holds(temporary_path(&folder, name), "long"));
    temporary_close(&folder);
}

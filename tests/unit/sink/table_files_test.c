/* SPDX-License-Identifier: Apache-2.0 */
/* Parts go to the files they belong to, in order; files end at their size, take turns with descriptors and stay
 * within their memory; and what is given up leaves nothing. Names and manifests: table_commit_test.c. */
#include "sink/table_files.h"

#include "base/checked.h"
#include "unit/sink/made_letters.h"

static struct cm_table_files *open_files(const struct made_encoder *encoder, const char *path,
                                         const char *partition, uint64_t max_file_bytes,
                                         uint64_t memory_bytes, struct cm_error *error)
{
    struct cm_table_files_options options = {.path = path,
                                             .is_dataset = partition != NULL || max_file_bytes > 0,
                                             .encoder = &encoder->table,
                                             .max_file_bytes = max_file_bytes,
                                             .memory_bytes = memory_bytes,
                                             .manifest = {.format = "letters", .partition = partition}};
    struct cm_table_files *files = NULL;

    cm_check_eq(cm_table_files_create(&options, &files, error), error->status);
    return files;
}

static enum capmill_status add(struct cm_table_files *files, struct made_encoder *encoder, const char *key,
                               char letter, uint32_t n, struct cm_error *error)
{
    enum capmill_status status = cm_table_files_add(files, key, made_part(encoder, letter, n), 0, 1, error);

    cm_check_eq(status, error->status);
    cm_check_eq(encoder->n_parts, 0); /* it takes the part, whatever comes */
    return status;
}

static void check_gone(const struct made_encoder *encoder)
{
    cm_check_eq(encoder->n_parts, 0);
    cm_check_eq(encoder->n_files, 0);
}

CM_TEST(table_files, one_file)
{
    struct temporary_folder folder;
    struct made_encoder encoder;
    struct cm_error error = {0};
    struct cm_table_files *files;
    const char *path;

    temporary_open(&folder);
    made_encoder_init(&encoder);
    path = temporary_path(&folder, "out.letters");
    files = open_files(&encoder, path, NULL, 0, 1000, &error);
    cm_check_eq(add(files, &encoder, "", 'a', 3, &error), CAPMILL_OK);
    cm_check_eq(add(files, &encoder, "", 'b', 2, &error), CAPMILL_OK);
    cm_check_eq(cm_table_files_finish(files, &error), CAPMILL_OK);
    cm_check_eq(cm_table_files_rows(files), 5);
    cm_check_eq(cm_table_files_bytes(files), 7);
    cm_check_eq(cm_table_files_count(files), 1);
    cm_check_str(cm_table_files_path(files), path);
    cm_check_eq(cm_table_files_commit(files, &error), CAPMILL_OK);
    cm_table_files_destroy(files);
    cm_check(temporary_holds(path, "(aaabb)"));
    cm_check_eq(temporary_count(&folder), 1);
    check_gone(&encoder);
    temporary_close(&folder);
}

CM_TEST(table_files, partitions_in_any_order)
{
    static const char *const keys[] = {"dt=2/hr=1", "dt=1/hr=9", "dt=2/hr=0", "dt=1"};
    static const char *const expected[] = {"(aei)", "(bfj)", "(cgk)", "(dhl)"};
    struct temporary_folder folder;
    struct made_encoder encoder;
    struct cm_error error = {0};
    struct cm_table_files *files;
    char path[600], name[700];

    temporary_open(&folder);
    made_encoder_init(&encoder);
    for (unsigned slash = 0; slash < 2; slash++) { /* a slash at the end of the path changes nothing */
        snprintf(path, sizeof(path), "%s/set%u%s", folder.path, slash, slash ? "/" : "");
        files = open_files(&encoder, path, "dt/hr", 0, 1000, &error);
        for (unsigned i = 0; i < 12; i++)
            cm_check_eq(add(files, &encoder, keys[i % 4], (char)('a' + i), 1, &error), CAPMILL_OK);
        cm_check_eq(cm_table_files_finish(files, &error), CAPMILL_OK);
        cm_check_eq(cm_table_files_count(files), 4);
        cm_check_eq(cm_table_files_commit(files, &error), CAPMILL_OK);
        cm_table_files_destroy(files);
        for (unsigned i = 0; i < 4; i++) {
            snprintf(name, sizeof(name), "%s/set%u/%s/part-00000.letters", folder.path, slash, keys[i]);
            cm_check_that(temporary_holds(name, expected[i]), "%s", name);
        }
        cm_check_eq(tree_count(path).n_files, 5);
    }
    check_gone(&encoder);
    tree_close(&folder);
}

/* A file ends with the part that reaches the size; the next begins another. */
CM_TEST(table_files, end_at_their_size)
{
    static const char *const expected[] = {"(aaaabbbb)", "(ccccccccc)", "(d)"};
    struct temporary_folder folder;
    struct made_encoder encoder;
    struct cm_error error = {0};
    struct cm_table_files *files;
    const char *path;
    char name[700];

    temporary_open(&folder);
    made_encoder_init(&encoder);
    path = temporary_path(&folder, "set");
    files = open_files(&encoder, path, NULL, 9, 1000, &error);
    cm_check_eq(add(files, &encoder, "", 'a', 4, &error), CAPMILL_OK);
    cm_check_eq(add(files, &encoder, "", 'b', 4, &error), CAPMILL_OK);
    cm_check_eq(encoder.n_files, 0); /* ended as it was full, not with the next part */
    cm_check_eq(add(files, &encoder, "", 'c', 9, &error), CAPMILL_OK);
    cm_check_eq(add(files, &encoder, "", 'd', 1, &error), CAPMILL_OK);
    cm_check_eq(cm_table_files_finish(files, &error), CAPMILL_OK);
    cm_check_eq(cm_table_files_commit(files, &error), CAPMILL_OK);
    cm_check_eq(cm_table_files_count(files), 3);
    cm_table_files_destroy(files);
    for (unsigned i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "%s/set/part-%05u.letters", folder.path, i);
        cm_check_that(temporary_holds(name, expected[i]), "%s", name);
    }
    cm_check_eq(tree_count(path).n_files, 4);
    check_gone(&encoder);
    tree_close(&folder);
}

/* --- bounds --- */

static void count_note(void *context, const char *path)
{
    (void)path;
    ++*(unsigned *)context;
}

/* The largest row group ends first, until the rest fits; that is told once. */
CM_TEST(table_files, stay_within_their_memory)
{
    struct temporary_folder folder;
    struct made_encoder encoder;
    struct cm_error error = {0};
    struct cm_table_files *files;
    unsigned n_notes = 0;
    char path[600];
    struct cm_table_files_options options = {.path = path,
                                             .is_dataset = true,
                                             .encoder = &encoder.table,
                                             .memory_bytes = 100,
                                             .manifest = {.format = "letters", .partition = "p"},
                                             .on_small_groups = count_note,
                                             .context = &n_notes};

    temporary_open(&folder);
    made_encoder_init(&encoder);
    snprintf(path, sizeof(path), "%s/set", folder.path);
    cm_check_eq(cm_table_files_create(&options, &files, &error), CAPMILL_OK);
    cm_check_eq(add(files, &encoder, "p=1", 'a', 60, &error), CAPMILL_OK);
    cm_check_eq(add(files, &encoder, "p=2", 'b', 40, &error), CAPMILL_OK);
    cm_check_eq(encoder.n_flushes, 0); /* just what is allowed */
    cm_check_eq(n_notes, 0);
    cm_check_eq(add(files, &encoder, "p=3", 'c', 30, &error), CAPMILL_OK);
    cm_check_eq(encoder.n_flushes, 1); /* p=1: 70 are left */
    cm_check_eq(add(files, &encoder, "p=3", 'c', 15, &error), CAPMILL_OK);
    cm_check_eq(encoder.n_flushes, 1);
    cm_check_eq(add(files, &encoder, "p=1", 'a', 16, &error), CAPMILL_OK);
    cm_check_eq(encoder.n_flushes, 2); /* p=3 */
    cm_check_eq(add(files, &encoder, "p=4", 'd', 1000, &error), CAPMILL_OK);
    cm_check_eq(encoder.n_flushes, 3); /* at once, and no other */
    cm_check_eq(n_notes, 1);
    cm_check_eq(cm_table_files_finish(files, &error), CAPMILL_OK);
    cm_check_eq(cm_table_files_commit(files, &error), CAPMILL_OK);
    cm_check_eq(cm_table_files_rows(files), 60 + 40 + 30 + 15 + 16 + 1000);
    cm_check_eq(cm_table_files_bytes(files), 1161 + 2 * 4);
    cm_table_files_destroy(files);
    tree_close(&folder);
}

/* 300 partitions are not 300 descriptors, also where their row groups end early while they rest. */
CM_TEST(table_files, take_turns_with_descriptors)
{
    enum { N = 300, ROUNDS = 4 };
    struct temporary_folder folder;
    struct made_encoder encoder;
    struct cm_error error = {0};
    unsigned before = 0;
    struct cm_table_files *files;
    char path[600], name[700];

    /* where the system lists them */
    if (cm_folder_walk("/proc/self/fd", temporary_count_entry, &before, NULL) != CAPMILL_OK)
        cm_skip("descriptors cannot be counted here");
    temporary_open(&folder);
    if (folder.path[0] != '/') { /* another system's list, shown by what runs us */
        temporary_close(&folder);
        cm_skip("descriptors cannot be counted here");
    }
    made_encoder_init(&encoder);
    snprintf(path, sizeof(path), "%s/set", folder.path);
    /* groups of 100000 bytes: none fits the buffer of a file, so that each is written when it ends */
    files = open_files(&encoder, path, "p", 0, UINT64_C(100000) * N / 2, &error);
    for (unsigned i = 0; i < N * ROUNDS; i++) {
        unsigned now = 0;
        char key[32];

        snprintf(key, sizeof(key), "p=%u", i % N);
        cm_check_eq(add(files, &encoder, key, (char)('a' + i / N), 100000, &error), CAPMILL_OK);
        cm_check_eq(cm_folder_walk("/proc/self/fd", temporary_count_entry, &now, NULL), CAPMILL_OK);
        cm_check_that(now <= before + 64, "%u descriptors more", now - before);
    }
    cm_check(encoder.n_flushes >= N * ROUNDS / 2);
    cm_check_eq(cm_table_files_finish(files, &error), CAPMILL_OK);
    cm_check_eq(cm_table_files_commit(files, &error), CAPMILL_OK);
    cm_check_eq(cm_table_files_count(files), N);
    cm_table_files_destroy(files);
    for (unsigned i = 0; i < N; i++) {
        struct cm_file_facts facts;

        snprintf(name, sizeof(name), "%s/p=%u/part-00000.letters", path, i);
        cm_check_eq(cm_path_facts(name, &facts, NULL), CAPMILL_OK);
        cm_check_eq(facts.size_bytes, 100000 * ROUNDS + 2);
    }
    check_gone(&encoder);
    tree_close(&folder);
}

/* --- giving up --- */

/* After any number of parts, with any call that fails: neither files nor folders, and nothing is alive. */
CM_TEST(table_files, given_up_leave_nothing)
{
    for (unsigned i = 0; i < 72; i++) {
        struct temporary_folder folder;
        struct made_encoder encoder;
        struct cm_error error = {0};
        struct cm_table_files *files;
        enum capmill_status status = CAPMILL_OK;
        unsigned kind = i % 6, at = i / 6;
        unsigned *fail_in[] = {&encoder.fail_add_in, &encoder.fail_begin_in, &encoder.fail_end_in,
                               &encoder.fail_flush_in};
        char path[600], there[700];

        temporary_open(&folder);
        made_encoder_init(&encoder);
        snprintf(path, sizeof(path), "%s/set", folder.path);
        snprintf(there, sizeof(there), "%s/a=1", path);
        if (i % 4 == 0) { /* folders that were there stay */
            cm_check_eq(cm_folder_create(path, &error), CAPMILL_OK);
            cm_check_eq(cm_folder_create(there, &error), CAPMILL_OK);
        }
        if (kind < 4)
            *fail_in[kind] = at + 1;
        files = open_files(&encoder, path, "a/b", 50, 60, &error);
        for (unsigned k = 0; k < (kind < 4 ? 40 : at) && status >= 0; k++) {
            char key[32];

            snprintf(key, sizeof(key), "a=%u/b=%u", k % 3, k % 5);
            status = add(files, &encoder, key, 'x', 11 + k % 7, &error);
        }
        if (status >= 0 && kind != 4)
            status = cm_table_files_finish(files, &error);
        cm_check_that(kind >= 4 || (status < 0) == (*fail_in[kind] == 0), "case %u: %d", i, (int)status);
        cm_table_files_destroy(files);
        check_gone(&encoder);
        cm_check_eq(tree_count(folder.path).n_files, 0);
        cm_check_eq(tree_count(folder.path).n_folders, i % 4 == 0 ? 2 : 0);
        tree_close(&folder);
    }
}

CM_TEST(table_files, that_cannot_be_opened_leave_nothing)
{
    struct temporary_folder folder;
    struct made_encoder encoder;
    struct cm_error error = {0};
    const char *path;

    temporary_open(&folder);
    made_encoder_init(&encoder);
    path = temporary_path(&folder, "there");
    temporary_write(path, "x", 1);
    cm_check(open_files(&encoder, path, NULL, 0, 0, &error) == NULL); /* without force */
    cm_check_eq(error.status, CAPMILL_E_EXISTS);
    error = (struct cm_error){0};
    cm_check(open_files(&encoder, path, "p", 0, 0, &error) == NULL); /* a file is no folder */
    cm_check_eq(error.status, CAPMILL_E_IO);
    cm_check(strstr(error.text, "needs a folder") != NULL);
    error = (struct cm_error){0};
    encoder.fail_begin_in = 1;
    cm_check(open_files(&encoder, temporary_path(&folder, "new"), NULL, 0, 0, &error) == NULL);
    cm_check_eq(error.status, CAPMILL_E_MEMORY);
    error = (struct cm_error){0};
    cm_check(open_files(&encoder, temporary_path(&folder, "no/where"), "p", 0, 0, &error) == NULL);
    cm_check(error.status < 0);
    cm_table_files_destroy(NULL);
    check_gone(&encoder);
    cm_check_eq(temporary_count(&folder), 1);
    cm_check(temporary_holds(path, "x"));
    temporary_close(&folder);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Names at the end of a table: what a run before left is replaced or taken away, whether it ended or was killed;
 * what is nobody's stays. How files are filled: table_files_test.c. */
#include "base/checked.h"
#include "unit/sink/made_letters.h"

struct commit_case {
    struct temporary_folder folder;
    struct made_encoder encoder;
    char set[600];
    char joined[4][900];
    unsigned n_joined;
};

static void open_case(struct commit_case *the)
{
    memset(the, 0, sizeof(*the));
    temporary_open(&the->folder);
    made_encoder_init(&the->encoder);
    snprintf(the->set, sizeof(the->set), "%s/set", the->folder.path);
}

static void close_case(struct commit_case *the)
{
    cm_check_eq(the->encoder.n_parts, 0);
    cm_check_eq(the->encoder.n_files, 0);
    tree_close(&the->folder);
}

/* Valid until three more were made. */
static const char *in_set(struct commit_case *the, const char *name)
{
    char *joined = the->joined[the->n_joined++ % 4];

    snprintf(joined, sizeof(the->joined[0]), "%s/%s", the->set, name);
    return joined;
}

static bool is_there(const char *path)
{
    struct cm_file_facts facts;

    return cm_path_facts(path, &facts, NULL) == CAPMILL_OK;
}

struct row_of {
    const char *key;
    char letter;
};

/* Write a data set with a part of one row for each of `rows`; `sidecar` may be NULL. */
static enum capmill_status write_set(struct commit_case *the, const struct row_of *rows, size_t n, bool force,
                                     const char *sidecar, struct cm_error *error)
{
    struct cm_table_files_options options = {.path = the->set,
                                             .is_dataset = true,
                                             .rules = {.replace = force},
                                             .encoder = &the->encoder.table,
                                             .sidecar = sidecar,
                                             .sidecar_extension = ".schema",
                                             .memory_bytes = 1000,
                                             .manifest = {.format = "letters", .partition = "p"}};
    struct cm_table_files *files = NULL;
    enum capmill_status status;

    *error = (struct cm_error){0};
    status = cm_table_files_create(&options, &files, error);
    for (size_t i = 0; i < n && status >= 0; i++)
        status =
            cm_table_files_add(files, rows[i].key, made_part(&the->encoder, rows[i].letter, 1), 7, 9, error);
    if (status >= 0)
        status = cm_table_files_finish(files, error);
    if (status >= 0)
        status = cm_table_files_commit(files, error);
    cm_table_files_destroy(files);
    cm_check_eq(status, error->status);
    return status;
}

static const struct row_of two[] = {{"p=1", 'a'}, {"p=2/q=5", 'b'}};
static const struct row_of other[] = {{"p=1", 'c'}, {"p=3", 'd'}};

CM_TEST(table_commit, the_manifest_says_what_is_there)
{
    static const char expected[] =
        "{\n  \"manifest_version\": 1,\n  \"format\": \"letters\",\n  \"codec\": null,\n"
        "  \"partition\": \"p\",\n  \"schema\": null,\n  \"rows\": 2,\n  \"bytes\": 6,\n  \"metadata\": {\n  "
        "},\n  \"inputs\": "
        "[\n  ],\n"
        "  \"files\": [\n    {\"path\": \"p=1/part-00000.letters\", \"rows\": 1, \"bytes\": 3, "
        "\"min_time_ns\": 7, "
        "\"max_time_ns\": 9},\n    {\"path\": \"p=2/q=5/part-00000.letters\", \"rows\": 1, \"bytes\": 3, "
        "\"min_time_ns\": 7, \"max_time_ns\": 9}\n  ]\n}\n";
    struct commit_case the;
    struct cm_error error;

    open_case(&the);
    cm_check_eq(write_set(&the, two, 2, false, NULL, &error), CAPMILL_OK);
    cm_check(temporary_holds(in_set(&the, "_manifest.json"), expected));
    cm_check_eq(tree_count(the.set).n_files, 3);
    close_case(&the);
}

CM_TEST(table_commit, one_that_is_there_is_refused_or_replaced)
{
    struct commit_case the;
    struct cm_error error;

    open_case(&the);
    cm_check_eq(write_set(&the, two, 2, false, NULL, &error), CAPMILL_OK);
    temporary_write(in_set(&the, "p=2/mine.txt"), "mine", 4);
    cm_check_eq(write_set(&the, other, 2, false, NULL, &error), CAPMILL_E_EXISTS);
    cm_check(strstr(error.text, "holds a table already") != NULL);
    cm_check_eq(tree_count(the.set).n_files, 4);
    cm_check_eq(write_set(&the, other, 2, true, NULL, &error), CAPMILL_OK);
    cm_check(temporary_holds(in_set(&the, "p=1/part-00000.letters"), "(c)"));
    cm_check(temporary_holds(in_set(&the, "p=3/part-00000.letters"), "(d)"));
    /* what the run before wrote and this one did not is gone, and its folder; what is not ours stays */
    cm_check(!is_there(in_set(&the, "p=2/q=5")));
    cm_check(temporary_holds(in_set(&the, "p=2/mine.txt"), "mine"));
    cm_check_eq(tree_count(the.set).n_files, 4);
    cm_check_eq(write_set(&the, two, 1, true, NULL, &error), CAPMILL_OK);
    cm_check(!is_there(in_set(&the, "p=3")) && is_there(in_set(&the, "p=1")));
    close_case(&the);
}

/* A file of that name which no manifest lists is somebody's. */
CM_TEST(table_commit, a_file_in_the_way_is_refused)
{
    struct commit_case the;
    struct cm_error error;

    open_case(&the);
    cm_check_eq(cm_folder_create(the.set, NULL), CAPMILL_OK);
    cm_check_eq(cm_folder_create(in_set(&the, "p=1"), NULL), CAPMILL_OK);
    temporary_write(in_set(&the, "p=1/part-00000.letters"), "theirs", 6);
    cm_check_eq(write_set(&the, two, 2, false, NULL, &error), CAPMILL_E_EXISTS);
    cm_check(temporary_holds(in_set(&the, "p=1/part-00000.letters"), "theirs"));
    cm_check_eq(tree_count(the.set).n_files, 1);
    cm_check_eq(tree_count(the.set).n_folders, 1);
    cm_check_eq(write_set(&the, two, 2, true, NULL, &error), CAPMILL_OK);
    cm_check(temporary_holds(in_set(&the, "p=1/part-00000.letters"), "(a)"));
    close_case(&the);
}

static void write_journal(struct commit_case *the, const char *name, const char *path)
{
    struct cm_manifest_file file = {path, 1, 3, 7, 9};
    struct cm_manifest manifest = {.format = "letters", .files = &file, .n_files = 1};
    size_t n;
    char *text = cm_manifest_text(&manifest, &n);

    temporary_write(in_set(the, name), text, n);
    free(text);
}

/* Killed while it gave names: the journal tells of files that no manifest lists yet. */
CM_TEST(table_commit, what_a_killed_run_left_is_known_by_its_journal)
{
    for (unsigned has_manifest = 0; has_manifest < 2; has_manifest++) {
        struct commit_case the;
        struct cm_error error;

        open_case(&the);
        if (has_manifest)
            cm_check_eq(write_set(&the, other, 2, false, NULL, &error), CAPMILL_OK);
        else
            cm_check_eq(cm_folder_create(the.set, NULL), CAPMILL_OK);
        cm_check_eq(cm_folder_create(in_set(&the, "p=9"), NULL), CAPMILL_OK);
        temporary_write(in_set(&the, "p=9/part-00000.letters"), "(z)", 3);
        write_journal(&the, "_manifest.next.json", "p=9/part-00000.letters");

        cm_check_eq(write_set(&the, two, 2, false, NULL, &error), CAPMILL_E_EXISTS);
        cm_check_eq(write_set(&the, two, 2, true, NULL, &error), CAPMILL_OK);
        cm_check(!is_there(in_set(&the, "p=9")) && !is_there(in_set(&the, "p=3")));
        cm_check(!is_there(in_set(&the, "_manifest.next.json")));
        cm_check_eq(tree_count(the.set).n_files, 3);
        close_case(&the);
    }
}

/* Killed before that: its temporaries lie in the folders of partitions. */
CM_TEST(table_commit, debris_of_a_killed_run_is_swept)
{
    /* no process has this number */
    static const char debris[] = "p=1/.part-00000.letters.capmill-7ffffff0-1-2.tmp";
    static const char late[] = "p=1/.part-00007.letters.capmill-7ffffff0-1-9.tmp";
    static const char mine[] = "p=1/.mine.capmill-7ffffff0-1-2.tmp";
    struct commit_case the;
    struct cm_error error;

    open_case(&the);
    cm_check_eq(cm_folder_create(the.set, NULL), CAPMILL_OK);
    cm_check_eq(cm_folder_create(in_set(&the, "p=1"), NULL), CAPMILL_OK);
    temporary_write(in_set(&the, debris), "x", 1);
    temporary_write(in_set(&the, late), "x", 1);
    temporary_write(in_set(&the, mine), "x", 1);
    cm_check_eq(write_set(&the, two, 2, false, NULL, &error), CAPMILL_OK);
    cm_check(!is_there(in_set(&the, debris)) && !is_there(in_set(&the, late)));
    cm_check(is_there(in_set(&the, mine)));
    close_case(&the);
}

/* What is told of other folders is believed of none. */
CM_TEST(table_commit, a_hostile_manifest_removes_nothing)
{
    static const char *const names[] = {"_manifest.json", "_manifest.next.json"};

    for (size_t i = 0; i < CM_ARRAY_COUNT(names); i++) {
        struct commit_case the;
        struct cm_error error;

        open_case(&the);
        cm_check_eq(cm_folder_create(the.set, NULL), CAPMILL_OK);
        temporary_write(temporary_path(&the.folder, "victim"), "alive", 5);
        write_journal(&the, names[i], "../victim");
        cm_check_eq(write_set(&the, two, 2, true, NULL, &error), CAPMILL_E_FORMAT);
        cm_check(temporary_holds(temporary_path(&the.folder, "victim"), "alive"));
        cm_check_eq(tree_count(the.set).n_files, 1);
        close_case(&the);
    }
}

/* Listed twice, or gone already: nothing to complain of. */
CM_TEST(table_commit, a_manifest_may_lie)
{
    struct commit_case the;
    struct cm_error error;

    open_case(&the);
    cm_check_eq(write_set(&the, two, 2, false, NULL, &error), CAPMILL_OK);
    write_journal(&the, "_manifest.next.json", "p=2/q=5/part-00000.letters");
    cm_check_eq(write_set(&the, other, 2, true, NULL, &error), CAPMILL_OK);
    write_journal(&the, "_manifest.json", "nobody/has/this");
    cm_check_eq(write_set(&the, other, 1, true, NULL, &error), CAPMILL_OK);
    close_case(&the);
}

static bool is_that(void *context, const struct cm_file_facts *facts)
{
    const struct cm_file_facts *input = context;

    return memcmp(input->identity, facts->identity, sizeof(facts->identity)) == 0;
}

/* A part whose name an input has is an input. */
CM_TEST(table_commit, inputs_are_never_written_to)
{
    struct cm_file_facts facts;
    struct commit_case the;
    struct cm_table_files_options options;
    struct cm_table_files *files;
    struct cm_error error = {0};

    open_case(&the);
    options = (struct cm_table_files_options){.path = the.set,
                                              .is_dataset = true,
                                              .rules = {true, false, NULL, is_that, &facts},
                                              .encoder = &the.encoder.table,
                                              .memory_bytes = 1000,
                                              .manifest = {.format = "letters"}};
    cm_check_eq(cm_folder_create(the.set, NULL), CAPMILL_OK);
    temporary_write(in_set(&the, "part-00000.letters"), "input", 5);
    cm_check_eq(cm_path_facts(in_set(&the, "part-00000.letters"), &facts, NULL), CAPMILL_OK);
    cm_check_eq(cm_table_files_create(&options, &files, &error), CAPMILL_OK);
    cm_check_eq(cm_table_files_add(files, "", made_part(&the.encoder, 'a', 1), 1, 1, &error),
                CAPMILL_E_USAGE);
    cm_table_files_destroy(files);
    cm_check(temporary_holds(in_set(&the, "part-00000.letters"), "input"));
    close_case(&the);
}

/* --- beside the files --- */

CM_TEST(table_commit, a_schema_lies_beside_the_files)
{
    struct commit_case the;
    struct cm_error error;

    open_case(&the);
    cm_check_eq(write_set(&the, two, 2, false, "{}", &error), CAPMILL_OK);
    cm_check(temporary_holds(in_set(&the, "_schema.schema"), "{}"));
    cm_check_eq(write_set(&the, two, 2, true, "{1}", &error), CAPMILL_OK);
    cm_check(temporary_holds(in_set(&the, "_schema.schema"), "{1}"));
    close_case(&the);
}

CM_TEST(table_commit, a_schema_lies_beside_one_file)
{
    static const char *const names[][2] = {{"a.letters", "a.schema"}, {"a.other", "a.other.schema"}};

    for (size_t i = 0; i < CM_ARRAY_COUNT(names); i++) {
        for (unsigned commits = 0; commits < 2; commits++) {
            struct commit_case the;
            struct cm_table_files *files;
            struct cm_error error = {0};
            struct cm_table_files_options options;

            open_case(&the);
            options = (struct cm_table_files_options){.path = temporary_path(&the.folder, names[i][0]),
                                                      .encoder = &the.encoder.table,
                                                      .sidecar = "{}",
                                                      .sidecar_extension = ".schema",
                                                      .memory_bytes = 1000};
            cm_check_that(cm_table_files_create(&options, &files, &error) == CAPMILL_OK, "%s", error.text);
            cm_check_eq(cm_table_files_finish(files, &error), CAPMILL_OK);
            if (commits)
                cm_check_eq(cm_table_files_commit(files, &error), CAPMILL_OK);
            cm_table_files_destroy(files);
            cm_check_eq(temporary_count(&the.folder), 2 * commits);
            if (commits)
                cm_check_that(temporary_holds(temporary_path(&the.folder, names[i][1]), "{}"), "%s",
                              names[i][1]);
            close_case(&the);
        }
    }
}

/* --- no rows --- */

CM_TEST(table_commit, without_rows)
{
    struct commit_case the;
    struct cm_error error;
    struct cm_table_files *files;
    struct cm_table_files_options options;

    open_case(&the);
    cm_check_eq(write_set(&the, two, 0, false, NULL, &error), CAPMILL_OK);
    cm_check_eq(tree_count(the.set).n_files, 1); /* the manifest: no partition, no file */
    options = (struct cm_table_files_options){.path = the.set,
                                              .is_dataset = true,
                                              .rules = {.replace = true},
                                              .encoder = &the.encoder.table,
                                              .max_file_bytes = 10,
                                              .manifest = {.format = "letters"}};
    cm_check_eq(cm_table_files_create(&options, &files, &error), CAPMILL_OK);
    cm_check_eq(cm_table_files_finish(files, &error), CAPMILL_OK);
    cm_check_eq(cm_table_files_commit(files, &error), CAPMILL_OK);
    cm_table_files_destroy(files);
    cm_check(temporary_holds(in_set(&the, "part-00000.letters"), "()"));
    close_case(&the);
}

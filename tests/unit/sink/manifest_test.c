/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests: what is written is read again, and what others may have put in one never names a file outside of its
 * folder. */
#include "sink/manifest.h"

#include "base/checked.h"
#include "unit/os/temporary_folder.h"

static const struct cm_manifest_file files[] = {
    {"dt=2024-02-29/hr=12/part-00000.parquet", 10, 2000, 5, 9},
    {"name=tést%2F/part-00000.parquet", 1, 30, UINT64_MAX, 0},
};
static const struct cm_manifest_input inputs[] = {
    {"a \"quoted\"\\\n.pcap", 100, 0x1234, true},
    {"-", 0, 0, false},
};
static const struct cm_table_note notes[] = {{"capmill.version", "1"}, {"capmill.filter", "port=80"}};

static struct cm_manifest whole(void)
{
    return (struct cm_manifest){.format = "parquet",
                                .codec = "zstd",
                                .notes = notes,
                                .n_notes = 2,
                                .partition = "dt/hr",
                                .files = files,
                                .n_files = 2,
                                .inputs = inputs,
                                .n_inputs = 2};
}

CM_TEST(manifest, its_text)
{
    static const char expected[] =
        "{\n  \"manifest_version\": 1,\n  \"format\": \"parquet\",\n  \"codec\": \"zstd\",\n"
        "  \"partition\": \"dt/hr\",\n  \"schema\": null,\n  \"rows\": 11,\n  \"bytes\": 2030,\n  "
        "\"metadata\": {\n"
        "    \"capmill.version\": \"1\",\n    \"capmill.filter\": \"port=80\"\n  },\n  \"inputs\": [\n"
        "    {\"path\": \"a \\\"quoted\\\"\\\\\\u000a.pcap\", \"bytes\": 100, "
        "\"sampled_xxh3_64\": \"0000000000001234\"},\n    {\"path\": \"-\"}\n  ],\n  \"files\": [\n"
        "    {\"path\": \"dt=2024-02-29/hr=12/part-00000.parquet\", \"rows\": 10, \"bytes\": 2000, "
        "\"min_time_ns\": 5, \"max_time_ns\": 9},\n"
        "    {\"path\": \"name=tést%2F/part-00000.parquet\", \"rows\": 1, \"bytes\": 30}\n  ]\n}\n";
    struct cm_manifest manifest = whole();
    size_t n = 0;
    char *text = cm_manifest_text(&manifest, &n);

    cm_check_str(text, expected);
    cm_check_eq(n, strlen(text));
    free(text);
}

static enum capmill_status read_text(struct temporary_folder *folder, const char *text, size_t n,
                                     char ***paths_ret, size_t *n_ret, struct cm_error *error)
{
    const char *path = temporary_path(folder, "_manifest.json");

    temporary_write(path, text, n);
    *error = (struct cm_error){0};
    return cm_manifest_read_paths(path, paths_ret, n_ret, error);
}

CM_TEST(manifest, what_was_written_is_read_again)
{
    struct temporary_folder folder;
    struct cm_manifest manifest = whole();
    struct cm_error error;
    char **paths;
    size_t n, n_paths;
    char *text;

    temporary_open(&folder);
    for (size_t n_files = 0; n_files <= 2; n_files++) {
        manifest.n_files = n_files;
        text = cm_manifest_text(&manifest, &n);
        cm_check_eq(read_text(&folder, text, n, &paths, &n_paths, &error), CAPMILL_OK);
        cm_check_eq(n_paths, n_files);
        for (size_t i = 0; i < n_files; i++)
            cm_check_str(paths[i], files[i].path);
        cm_manifest_free_paths(paths, n_paths);
        free(text);
    }
    temporary_close(&folder);
}

/* More files than the first room for them, and the names of inputs are none of them. */
CM_TEST(manifest, of_many_files)
{
    enum { N = 3000 };
    struct temporary_folder folder;
    struct cm_manifest_file *many = calloc(N, sizeof(*many));
    struct cm_manifest manifest = whole();
    char(*names)[32] = malloc(N * sizeof(*names));
    struct cm_error error;
    char **paths;
    size_t n, n_paths;
    char *text;

    temporary_open(&folder);
    for (size_t i = 0; i < N; i++) {
        snprintf(names[i], sizeof(names[i]), "p=%zu/part-00000.avro", i);
        many[i].path = names[i];
    }
    manifest.files = many;
    manifest.n_files = N;
    text = cm_manifest_text(&manifest, &n);
    cm_check_eq(read_text(&folder, text, n, &paths, &n_paths, &error), CAPMILL_OK);
    cm_check_eq(n_paths, N);
    for (size_t i = 0; i < N; i++)
        cm_check_str(paths[i], names[i]);
    cm_manifest_free_paths(paths, n_paths);
    free(text);
    free(names);
    free(many);
    temporary_close(&folder);
}

CM_TEST(manifest, none_is_not_found)
{
    struct temporary_folder folder;
    struct cm_error error = {0};
    char **paths = NULL;
    size_t n = 1;

    temporary_open(&folder);
    cm_check_eq(cm_manifest_read_paths(temporary_path(&folder, "none"), &paths, &n, &error),
                CAPMILL_E_NOT_FOUND);
    cm_check(paths == NULL && n == 0 && error.status == 0);
    cm_check_eq(cm_manifest_read_paths(folder.path, &paths, &n, &error) < 0, true); /* a folder */
    cm_check(paths == NULL && n == 0);
    temporary_close(&folder);
}

/* A file of a hostile manifest would be removed by --force. */
CM_TEST(manifest, names_outside_of_its_folder_are_refused)
{
    static const char *const hostile[] = {
        "../up",
        "..",
        "a/../../up",
        "a/..",
        "./a",
        ".",
        "a/./b",
        "/etc/passwd",
        "//host/share",
        "a//b",
        "a/",
        "",
        "C:/windows",
        "C:file",
        "file:stream",
        "\\\\host\\share",
        "a\\..\\up",
        "..\\up",
        "\\u002e\\u002e/up",
        "a\\/b",
        "a\\\"b",
    };
    struct temporary_folder folder;

    temporary_open(&folder);
    for (size_t i = 0; i < CM_ARRAY_COUNT(hostile); i++) {
        char text[512];
        struct cm_error error;
        char **paths = NULL;
        size_t n = 1;

        snprintf(text, sizeof(text),
                 "{\n  \"manifest_version\": 1,\n  \"files\": [\n    {\"path\": \"good\"},\n"
                 "    {\"path\": \"%s\", \"rows\": 1}\n  ]\n}\n",
                 hostile[i]);
        cm_check_that(read_text(&folder, text, strlen(text), &paths, &n, &error) == CAPMILL_E_FORMAT,
                      "'%s' was taken", hostile[i]);
        cm_check(paths == NULL && n == 0 && error.status == CAPMILL_E_FORMAT);
        cm_check(strstr(error.text, "_manifest.json") != NULL);
    }
    temporary_close(&folder);
}

CM_TEST(manifest, what_is_none_of_ours_is_refused)
{
    static const char *const others[] = {
        "",
        "{}",
        "[]\n",
        "{\n  \"manifest_version\": 1,\n",
        "{\n  \"manifest_version\": 12,\n  \"files\": [\n    {\"path\": \"a\"}\n  ]\n}\n",
        "{\n  \"manifest_version\": 2,\n  \"files\": [\n    {\"path\": \"a\"}\n  ]\n}\n",
        "{\"manifest_version\": 1, \"files\": [{\"path\": \"a\"}]}",
        "\xef\xbb\xbf{\n  \"manifest_version\": 1,\n  \"files\": [\n    {\"path\": \"a\"}\n  ]\n}\n",
    };
    struct temporary_folder folder;

    temporary_open(&folder);
    for (size_t i = 0; i < CM_ARRAY_COUNT(others); i++) {
        struct cm_error error;
        char **paths = NULL;
        size_t n = 1;

        cm_check_that(read_text(&folder, others[i], strlen(others[i]), &paths, &n, &error) ==
                          CAPMILL_E_FORMAT,
                      "'%s' was taken", others[i]);
        cm_check(paths == NULL && n == 0);
    }
    temporary_close(&folder);
}

/* Cut anywhere, or with a zero in it, it lists what it still lists, or is refused; never anything else. */
CM_TEST(manifest, cut_and_broken_ones)
{
    struct temporary_folder folder;
    struct cm_manifest manifest = whole();
    size_t n;
    char *text = cm_manifest_text(&manifest, &n);

    temporary_open(&folder);
    for (size_t cut = 0; cut < 2 * n; cut++) {
        char kept = text[cut % n];
        struct cm_error error;
        char **paths = NULL;
        size_t n_paths = 1;
        enum capmill_status status;

        if (cut >= n)
            text[cut - n] = 0;
        status = read_text(&folder, text, cut < n ? cut : n, &paths, &n_paths, &error);
        cm_check(status == CAPMILL_OK || status == CAPMILL_E_FORMAT);
        cm_check(n_paths <= 2);
        for (size_t i = 0; i < n_paths; i++)
            cm_check_str(paths[i], files[i].path);
        cm_manifest_free_paths(paths, n_paths);
        text[cut % n] = kept;
    }
    free(text);
    temporary_close(&folder);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests as they are written, read back, and refused. */
#include "sink/manifest.h"

#include <stdlib.h>

#include "unit/check.h"

#define BEGIN "{\n  \"manifest_version\": 1,\n"
#define FILES "  \"files\": [\n"

CM_TEST(manifest_paths, text)
{
    static const struct cm_table_note notes[] = {{"capmill.version", "1"}, {"capmill.filter", "a\n\"b\\"}};
    static const struct cm_manifest_input inputs[] = {{"a.pcap", 24, 0xabc, true},
                                                      {"b\xff.pcap", 0, 0, false}};
    static const struct cm_manifest_file files[] = {{"dt=2024-02-29/part-00000.avro", 3, 400, 5, 6},
                                                    {"dt=2024-03-01/part-00000.avro", 1, 20, UINT64_MAX, 0}};
    static const struct cm_manifest manifest = {.format = "avro",
                                                .codec = "none",
                                                .notes = notes,
                                                .n_notes = 2,
                                                .partition = "dt",
                                                .schema = "_schema.avsc",
                                                .inputs = inputs,
                                                .n_inputs = 2,
                                                .files = files,
                                                .n_files = 2};
    static const char expected[] = BEGIN
        "  \"format\": \"avro\",\n  \"codec\": \"none\",\n  \"partition\": \"dt\",\n"
        "  \"schema\": \"_schema.avsc\",\n  \"rows\": 4,\n  \"bytes\": 420,\n"
        "  \"metadata\": {\n    \"capmill.version\": \"1\",\n"
        "    \"capmill.filter\": \"a\\u000a\\\"b\\\\\"\n  },\n"
        "  \"inputs\": [\n"
        "    {\"path\": \"a.pcap\", \"bytes\": 24, \"sampled_xxh3_64\": \"0000000000000abc\"},\n"
        "    {\"path\": \"b\xef\xbf\xbd.pcap\"}\n  ],\n" FILES
        "    {\"path\": \"dt=2024-02-29/part-00000.avro\", \"rows\": 3, \"bytes\": 400, \"min_time_ns\": "
        "5, \"max_time_ns\": 6},\n"
        "    {\"path\": \"dt=2024-03-01/part-00000.avro\", \"rows\": 1, \"bytes\": 20}\n  ]\n}\n";
    size_t n = 0, n_paths = 0;
    char *text = cm_manifest_text(&manifest, &n);
    char **paths = NULL;

    cm_check(text != NULL);
    cm_check_str(text, expected);
    cm_check_eq(n, sizeof(expected) - 1);
    cm_check_eq(cm_manifest_text_paths(text, &paths, &n_paths), CAPMILL_OK);
    cm_check_eq(n_paths, 3);
    cm_check_str(paths[0], "_schema.avsc");
    cm_check_str(paths[1], files[0].path);
    cm_check_str(paths[2], files[1].path);
    cm_manifest_free_paths(paths, n_paths);
    free(text);
}

CM_TEST(manifest_paths, what_is_listed_is_removed_and_so_stays_below)
{
    static const char *const refused[] = {
        "",
        "{}",
        "{\n  \"manifest_version\": 2,\n" FILES "  ]\n}\n",
        BEGIN "}\n",
        BEGIN FILES "    {\"path\": \"../a\"}\n  ]\n}\n",
        BEGIN FILES "    {\"path\": \"a/../../b\"}\n  ]\n}\n",
        BEGIN FILES "    {\"path\": \"/a\"}\n  ]\n}\n",
        BEGIN FILES "    {\"path\": \"a/\"}\n  ]\n}\n",
        BEGIN FILES "    {\"path\": \"./a\"}\n  ]\n}\n",
        BEGIN FILES "    {\"path\": \"\"}\n  ]\n}\n",
        BEGIN FILES "    {\"path\": \"C:a\"}\n  ]\n}\n",
        BEGIN FILES "    {\"path\": \"a\\\\b\"}\n  ]\n}\n",
        BEGIN FILES "    {\"path\": \"a\\u002fb\"}\n  ]\n}\n",
        BEGIN FILES "    {\"path\": \"good\"},\n    {\"path\": \"cut\n  ]\n}\n",
        BEGIN "  \"schema\": \"../a\",\n" FILES "  ]\n}\n",
    };
    char **paths = NULL;
    size_t n = 7;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        cm_check_that(cm_manifest_text_paths(refused[i], &paths, &n) == CAPMILL_E_FORMAT, "%s", refused[i]);
        cm_check(paths == NULL && n == 0);
    }
    cm_check_eq(cm_manifest_text_paths(BEGIN "  \"schema\": null,\n" FILES "  ]\n}\n", &paths, &n),
                CAPMILL_OK);
    cm_check_eq(n, 0);
    cm_manifest_free_paths(paths, n);
    cm_check_eq(cm_manifest_text_paths(BEGIN FILES "    {\"path\": \"a=..b/c..\"}\n  ]\n}\n", &paths, &n),
                CAPMILL_OK);
    cm_check_eq(n, 1);
    cm_check_str(paths[0], "a=..b/c..");
    cm_manifest_free_paths(paths, n);
}

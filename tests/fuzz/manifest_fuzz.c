/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the manifest of a data set. Whatever a text lists stays below its folder, as what is listed is
 * removed; and what is written is read back, whatever the names of inputs and files are. */
#include <stdlib.h>
#include <string.h>

#include "format/utf8_repair.h"
#include "fuzz/fuzz.h"
#include "sink/manifest.h"

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Said otherwise than in manifest.c: a walk that never leaves the folder, by names that every system takes. */
static bool is_below(const char *path)
{
    size_t n = strlen(path);

    if (n == 0 || path[0] == '/' || path[n - 1] == '/' || strstr(path, "//") != NULL)
        return false;
    for (const char *at = path; at != NULL; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, "..", 2) == 0 && (at[2] == 0 || at[2] == '/'))
            return false;
        if (at[0] == '.' && (at[1] == 0 || at[1] == '/'))
            return false;
    }
    return strchr(path, '\\') == NULL && strchr(path, ':') == NULL;
}

static void read_text(const char *text)
{
    char **paths;
    size_t n;
    enum capmill_status status = cm_manifest_text_paths(text, &paths, &n);

    require(status == CAPMILL_OK || status == CAPMILL_E_FORMAT);
    require(status == CAPMILL_OK || (paths == NULL && n == 0));
    for (size_t i = 0; i < n; i++)
        require(is_below(paths[i]));
    cm_manifest_free_paths(paths, n);
}

/* Whether a name stands in a manifest as it is. */
static bool is_plain(const char *name)
{
    for (const char *at = name; *at != 0; at++) {
        if ((uint8_t)*at < 0x20 || *at == '"' || *at == '\\')
            return false;
    }
    return cm_utf8_is_valid((const uint8_t *)name, strlen(name));
}

static void write_and_read(const char *name)
{
    const struct cm_table_note note = {"capmill.inputs", name};
    const struct cm_manifest_input input = {.path = name};
    const struct cm_manifest_file files[2] = {{"part-00000.avro", 1, 2, 3, 4}, {name, 5, 6, 1, 0}};
    const struct cm_manifest manifest = {.format = "avro",
                                         .codec = "none",
                                         .notes = &note,
                                         .n_notes = 1,
                                         .schema = "_schema.avsc",
                                         .inputs = &input,
                                         .n_inputs = 1,
                                         .files = files,
                                         .n_files = 2};
    size_t n_text = 0;
    char *text = cm_manifest_text(&manifest, &n_text);
    char **paths;
    size_t n;
    enum capmill_status status;

    require(text != NULL && strlen(text) == n_text && cm_utf8_is_valid((const uint8_t *)text, n_text));
    status = cm_manifest_text_paths(text, &paths, &n);
    if (is_plain(name) && is_below(name)) {
        require(status == CAPMILL_OK && n == 3);
        require(strcmp(paths[0], "_schema.avsc") == 0 && strcmp(paths[1], "part-00000.avro") == 0);
        require(strcmp(paths[2], name) == 0);
    } else if (status == CAPMILL_OK) {
        /* put right to another name */
        require(n == 3 && is_below(paths[2]) && !cm_utf8_is_valid((const uint8_t *)name, strlen(name)));
    }
    cm_manifest_free_paths(paths, n);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    /* a copy of just this size, so that a byte read behind it is noticed */
    char *text = malloc(n + 1);

    require(text != NULL);
    if (n > 0)
        memcpy(text, bytes, n);
    text[n] = 0;
    read_text(text);
    write_and_read(text);
    free(text);
    return 0;
}

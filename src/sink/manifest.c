/* SPDX-License-Identifier: Apache-2.0 */
/* Writing manifests, and reading again which files one lists. Not a reader of JSON: what others wrote is refused. */
#include "sink/manifest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "format/utf8_repair.h"

/* Of a million files with long names; more is not ours. */
#define MAX_MANIFEST_BYTES (256u * 1024 * 1024)
/* How the lines begin by which a manifest and its files are known again. No string in it has a line break. */
#define FIRST_LINES "{\n  \"manifest_version\": 1,\n"
#define SCHEMA_LINE "\n  \"schema\": \""
#define FILES_LINE  "\n  \"files\": ["
#define FILE_LINE   "\n    {\"path\": \""

struct text {
    char *bytes;
    size_t n, capacity;
    bool failed;
};

static void put(struct text *text, const char *bytes, size_t n)
{
    if (text->failed || !CM_GROW(text->bytes, text->capacity, text->n + n + 1, 4096)) {
        text->failed = true;
        return;
    }
    memcpy(text->bytes + text->n, bytes, n);
    text->n += n;
    text->bytes[text->n] = 0;
}

CM_PRINTF(2, 3) static void put_format(struct text *text, const char *format, ...)
{
    char line[256];
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (n < 0 || (size_t)n >= sizeof(line))
        text->failed = true;
    else
        put(text, line, (size_t)n);
}

/* RFC 8259, sections 7 and 8.1: what is no UTF-8 in the name of an input is replaced. */
static void put_string(struct text *text, const char *string)
{
    size_t left = strlen(string);

    put(text, "\"", 1);
    while (left > 0) {
        bool is_valid;
        size_t n = cm_utf8_step((const uint8_t *)string, left, &is_valid);

        if (*string == '"' || *string == '\\')
            put(text, "\\", 1);
        if ((uint8_t)*string < 0x20)
            put_format(text, "\\u%04x", (uint8_t)*string);
        else if (is_valid)
            put(text, string, n);
        else
            put(text, CM_UTF8_REPLACEMENT, strlen(CM_UTF8_REPLACEMENT));
        string += n;
        left -= n;
    }
    put(text, "\"", 1);
}

static void put_named(struct text *text, const char *name, const char *value)
{
    put_format(text, "  \"%s\": ", name);
    if (value != NULL)
        put_string(text, value);
    else
        put(text, "null", 4);
    put(text, ",\n", 2);
}

static void put_notes(struct text *text, const struct cm_manifest *manifest)
{
    put_format(text, "  \"metadata\": {");
    for (size_t i = 0; i < manifest->n_notes; i++) {
        put_format(text, i == 0 ? "\n    " : ",\n    ");
        put_string(text, manifest->notes[i].key);
        put(text, ": ", 2);
        put_string(text, manifest->notes[i].value);
    }
    put_format(text, "\n  },\n");
}

static void put_files(struct text *text, const struct cm_manifest *manifest)
{
    put_format(text, "  \"files\": [");
    for (size_t i = 0; i < manifest->n_files; i++) {
        const struct cm_manifest_file *file = &manifest->files[i];

        put_format(text, i == 0 ? "\n    {\"path\": " : ",\n    {\"path\": ");
        put_string(text, file->path);
        put_format(text, ", \"rows\": %" PRIu64 ", \"bytes\": %" PRIu64, file->n_rows, file->n_bytes);
        if (file->min_ns <= file->max_ns)
            put_format(text, ", \"min_time_ns\": %" PRIu64 ", \"max_time_ns\": %" PRIu64, file->min_ns,
                       file->max_ns);
        put(text, "}", 1);
    }
    put_format(text, "\n  ]\n");
}

static void put_inputs(struct text *text, const struct cm_manifest *manifest)
{
    put_format(text, "  \"inputs\": [");
    for (size_t i = 0; i < manifest->n_inputs; i++) {
        const struct cm_manifest_input *input = &manifest->inputs[i];

        put_format(text, i == 0 ? "\n    {\"path\": " : ",\n    {\"path\": ");
        put_string(text, input->path);
        if (input->has_hash)
            put_format(text, ", \"bytes\": %" PRIu64 ", \"sampled_xxh3_64\": \"%016" PRIx64 "\"",
                       input->n_bytes, input->hash);
        put(text, "}", 1);
    }
    put_format(text, "\n  ],\n");
}

char *cm_manifest_text(const struct cm_manifest *manifest, size_t *n_ret)
{
    struct text text = {0};
    uint64_t n_rows = 0;
    uint64_t n_bytes = 0;

    for (size_t i = 0; i < manifest->n_files; i++) {
        n_rows += manifest->files[i].n_rows;
        n_bytes += manifest->files[i].n_bytes;
    }
    put(&text, FIRST_LINES, sizeof(FIRST_LINES) - 1);
    put_named(&text, "format", manifest->format);
    put_named(&text, "codec", manifest->codec);
    put_named(&text, "partition", manifest->partition);
    put_named(&text, "schema", manifest->schema);
    put_format(&text, "  \"rows\": %" PRIu64 ",\n  \"bytes\": %" PRIu64 ",\n", n_rows, n_bytes);
    put_notes(&text, manifest);
    put_inputs(&text, manifest);
    put_files(&text, manifest);
    put_format(&text, "}\n");
    if (text.failed) {
        free(text.bytes);
        return NULL;
    }
    *n_ret = text.n;
    return text.bytes;
}

/* --- reading --- */

static enum capmill_status not_ours(const char *path, struct cm_error *error)
{
    return cm_error_set(
        error, CAPMILL_E_FORMAT, 0,
        "%s is no manifest of capmill, and says which files may be replaced; remove it or write "
        "to another folder",
        path);
}

static enum capmill_status read_all(const char *path, char **text_ret, struct cm_error *error)
{
    struct cm_file_facts facts;
    struct cm_file *file = NULL;
    char *text = NULL;
    size_t n = 0;
    enum capmill_status status = cm_file_open_read(path, 0, &file, error);

    if (status >= 0)
        status = cm_file_facts(file, &facts, error);
    if (status >= 0 && (facts.type != CM_FILE_REGULAR || facts.size_bytes > MAX_MANIFEST_BYTES))
        status = not_ours(path, error);
    if (status >= 0) {
        text = malloc((size_t)facts.size_bytes + 1);
        status = text == NULL ? cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to read %s", path)
                              : cm_file_read_at(file, 0, text, (size_t)facts.size_bytes, &n, error);
    }
    cm_file_close(file);
    if (status < 0) {
        free(text);
        return status;
    }
    text[n] = 0;
    *text_ret = text;
    return CAPMILL_OK;
}

/* Whether a path stays below the folder: no root, no drive, no step up. */
static bool stays_below(const char *path)
{
    const char *component = path;

    if (path[0] == 0)
        return false;
    for (;;) {
        size_t n = strcspn(component, "/");

        if (n == 0 || (n == 1 && component[0] == '.') || (n == 2 && memcmp(component, "..", 2) == 0))
            return false;
        if (component[n] == 0)
            break;
        component += n + 1;
    }
    return strpbrk(path, "\\:") == NULL;
}

struct paths {
    char **all;
    size_t n, capacity;
};

/* Add the string that begins at `text`, up to its closing quote. Names that need escapes were never written by
 * us. */
static enum capmill_status take_path(struct paths *paths, const char *text)
{
    size_t n = strcspn(text, "\"\n");
    char *path;

    if (text[n] != '"' || memchr(text, '\\', n) != NULL)
        return CAPMILL_E_FORMAT;
    if (!CM_GROW(paths->all, paths->capacity, paths->n + 1, 64) || (path = malloc(n + 1)) == NULL)
        return CAPMILL_E_MEMORY;
    memcpy(path, text, n);
    path[n] = 0;
    if (!stays_below(path)) {
        free(path);
        return CAPMILL_E_FORMAT;
    }
    paths->all[paths->n++] = path;
    return CAPMILL_OK;
}

void cm_manifest_free_paths(char **paths, size_t n)
{
    for (size_t i = 0; i < n && paths != NULL; i++)
        free(paths[i]);
    free(paths);
}

enum capmill_status cm_manifest_text_paths(const char *text, char ***paths_ret, size_t *n_ret)
{
    const char *schema = strstr(text, SCHEMA_LINE);
    const char *files = strstr(text, FILES_LINE);
    struct paths paths = {0};
    enum capmill_status status = CAPMILL_OK;

    *paths_ret = NULL;
    *n_ret = 0;
    if (strncmp(text, FIRST_LINES, sizeof(FIRST_LINES) - 1) != 0 || files == NULL)
        return CAPMILL_E_FORMAT;
    if (schema != NULL && schema < files)
        status = take_path(&paths, schema + sizeof(SCHEMA_LINE) - 1);
    for (const char *line = files; status >= 0 && (line = strstr(line, FILE_LINE)) != NULL;) {
        line += sizeof(FILE_LINE) - 1;
        status = take_path(&paths, line);
    }
    if (status < 0) {
        cm_manifest_free_paths(paths.all, paths.n);
        return status;
    }
    *paths_ret = paths.all;
    *n_ret = paths.n;
    return CAPMILL_OK;
}

enum capmill_status cm_manifest_read_paths(const char *manifest_path, char ***paths_ret, size_t *n_ret,
                                           struct cm_error *error)
{
    struct cm_file_facts facts;
    char *text = NULL;
    enum capmill_status status;

    *paths_ret = NULL;
    *n_ret = 0;
    if (cm_path_facts(manifest_path, &facts, NULL) < 0)
        return CAPMILL_E_NOT_FOUND;
    status = read_all(manifest_path, &text, error);
    if (status < 0)
        return status;
    status = cm_manifest_text_paths(text, paths_ret, n_ret);
    free(text);
    if (status == CAPMILL_E_MEMORY)
        return cm_error_set(error, status, 0, "no memory for what %s lists", manifest_path);
    return status < 0 ? not_ours(manifest_path, error) : status;
}

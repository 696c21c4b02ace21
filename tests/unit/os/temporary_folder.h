/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of its own for each test, and files in it. Not a test. */
#ifndef CM_TESTS_TEMPORARY_FOLDER_H
#define CM_TESTS_TEMPORARY_FOLDER_H

#include <stdlib.h>

#include "os/clock.h"
#include "os/file.h"
#include "os/folder_int.h"

#include "unit/check.h"

struct temporary_folder {
    char path[512];
    char joined[4][1024]; /* results of temporary_path, used in turn */
    unsigned n_joined;
};

static inline void temporary_open(struct temporary_folder *folder)
{
    const char *place = getenv("TMPDIR");
    struct cm_error error = {0};

    memset(folder, 0, sizeof(*folder));
    if (place == NULL)
        place = getenv("TEMP");
    /* A space and letters beyond ASCII in every path of every test. */
    snprintf(folder->path, sizeof(folder->path), "%s/capmill tést %" PRIx64, place == NULL ? "/tmp" : place,
             (uint64_t)cm_clock_utc_ns() ^ (uint64_t)(uintptr_t)folder);
    cm_check_that(cm_folder_create(folder->path, &error) == CAPMILL_OK, "%s", error.text);
}

/* Valid until three more were made. */
static inline const char *temporary_path(struct temporary_folder *folder, const char *name)
{
    char *joined = folder->joined[folder->n_joined++ % 4];

    snprintf(joined, sizeof(folder->joined[0]), "%s/%s", folder->path, name);
    return joined;
}

static inline bool temporary_remove_entry(void *context, const char *name, enum cm_file_type type)
{
    struct temporary_folder *folder = context;

    if (type != CM_FILE_FOLDER)
        cm_path_remove(temporary_path(folder, name), NULL);
    return true;
}

/* Removes files right inside; folders inside are the test's to remove. */
static inline void temporary_close(struct temporary_folder *folder)
{
    cm_folder_walk(folder->path, temporary_remove_entry, folder, NULL);
    cm_check_eq(cm_path_remove(folder->path, NULL), CAPMILL_OK);
}

static inline bool temporary_count_entry(void *context, const char *name, enum cm_file_type type)
{
    (void)name;
    (void)type;
    ++*(unsigned *)context;
    return true;
}

/* All entries, hidden ones too. */
static inline unsigned temporary_count(struct temporary_folder *folder)
{
    unsigned n = 0;

    cm_check_eq(cm_folder_walk(folder->path, temporary_count_entry, &n, NULL), CAPMILL_OK);
    return n;
}

static inline void temporary_write(const char *path, const void *bytes, size_t n)
{
    struct cm_output *output;
    struct cm_error error = {0};

    cm_check_that(cm_output_create(path, true, &output, &error) == CAPMILL_OK, "%s", error.text);
    cm_check_that(cm_file_write(cm_output_file(output), bytes, n, &error) == CAPMILL_OK, "%s", error.text);
    cm_check_that(cm_output_commit(output, false, &error) == CAPMILL_OK, "%s", error.text);
    cm_output_destroy(output);
}

/* Whether the file holds just this text. */
static inline bool temporary_holds(const char *path, const char *text)
{
    struct cm_file *file;
    char bytes[4096];
    size_t n = 0;

    if (cm_file_open_read(path, 0, &file, NULL) != CAPMILL_OK)
        return false;
    cm_file_read_at(file, 0, bytes, sizeof(bytes), &n, NULL);
    cm_file_close(file);
    return n == strlen(text) && memcmp(bytes, text, n) == 0;
}

/* `n` bytes in which every place is told from every other near it. */
static inline unsigned char *temporary_pattern(size_t n)
{
    unsigned char *bytes = malloc(n + 1);

    cm_check(bytes != NULL);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)((i * 2654435761u) >> 13);
    return bytes;
}

#endif

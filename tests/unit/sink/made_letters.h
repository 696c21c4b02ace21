/* SPDX-License-Identifier: Apache-2.0 */
/* An encoder whose parts are letters, which counts what is alive, fails where it is told to, and holds its row
 * groups as real ones do; and folders with folders in them. Not a test. */
#ifndef CM_TESTS_SINK_MADE_LETTERS_H
#define CM_TESTS_SINK_MADE_LETTERS_H

#include "sink/table_files.h"
#include "unit/os/temporary_folder.h"

struct made_part {
    struct cm_table_part part;
    char letter;
};

struct made_encoder {
    struct cm_table_encoder table;
    unsigned n_parts, n_files; /* alive */
    unsigned n_flushes;
    unsigned fail_add_in, fail_begin_in, fail_end_in, fail_flush_in; /* calls; 0: never */
};

struct cm_table_file {
    struct made_encoder *encoder;
    struct cm_table_put put;
    char *held;
    size_t n_held;
};

static inline bool is_due(unsigned *calls_left)
{
    return *calls_left > 0 && --*calls_left == 0;
}

static inline struct cm_table_part *made_part(struct made_encoder *encoder, char letter, uint32_t n)
{
    struct made_part *part = malloc(sizeof(*part));

    cm_check(part != NULL);
    *part = (struct made_part){{n, n}, letter};
    encoder->n_parts++;
    return &part->part;
}

static inline void made_discard(void *context, struct cm_table_part *part)
{
    if (part != NULL)
        ((struct made_encoder *)context)->n_parts--;
    free(part);
}

static inline enum capmill_status made_begin(void *context, const struct cm_table_put *put,
                                             struct cm_table_file **file_ret, struct cm_error *error)
{
    struct made_encoder *encoder = context;
    struct cm_table_file *file = calloc(1, sizeof(*file));

    if (is_due(&encoder->fail_begin_in)) {
        free(file);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "cannot begin");
    }
    file->encoder = encoder;
    file->put = *put;
    encoder->n_files++;
    *file_ret = file;
    return put->put(put->context, "(", 1, error);
}

static inline enum capmill_status made_add(struct cm_table_file *file, struct cm_table_part *part,
                                           struct cm_error *error)
{
    char letter = ((struct made_part *)part)->letter;
    uint32_t n = part->n_rows;

    made_discard(file->encoder, part);
    if (is_due(&file->encoder->fail_add_in))
        return cm_error_set(error, CAPMILL_E_NO_SPACE, 0, "cannot add");
    file->held = realloc(file->held, file->n_held + n + 1);
    memset(file->held + file->n_held, letter, n);
    file->n_held += n;
    return CAPMILL_OK;
}

static inline uint64_t made_held(const struct cm_table_file *file)
{
    return file->n_held;
}

static inline enum capmill_status made_flush(struct cm_table_file *file, struct cm_error *error)
{
    size_t n = file->n_held;

    file->encoder->n_flushes++;
    if (is_due(&file->encoder->fail_flush_in))
        return cm_error_set(error, CAPMILL_E_NO_SPACE, 0, "cannot flush");
    file->n_held = 0;
    return file->put.put(file->put.context, file->held, n, error);
}

static inline void made_drop(struct cm_table_file *file)
{
    if (file == NULL)
        return;
    file->encoder->n_files--;
    free(file->held);
    free(file);
}

static inline enum capmill_status made_end(struct cm_table_file *file, struct cm_error *error)
{
    enum capmill_status status = is_due(&file->encoder->fail_end_in)
                                     ? cm_error_set(error, CAPMILL_E_NO_SPACE, 0, "cannot end")
                                     : file->put.put(file->put.context, file->held, file->n_held, error);

    if (status >= 0)
        status = file->put.put(file->put.context, ")", 1, error);
    made_drop(file);
    return status;
}

static inline void made_encoder_init(struct made_encoder *encoder)
{
    memset(encoder, 0, sizeof(*encoder));
    encoder->table = (struct cm_table_encoder){.extension = ".letters",
                                               .context = encoder,
                                               .discard = made_discard,
                                               .begin = made_begin,
                                               .add = made_add,
                                               .held_bytes = made_held,
                                               .flush = made_flush,
                                               .end = made_end,
                                               .drop = made_drop};
}

/* --- folders in folders --- */

struct tree {
    const char *path;
    unsigned n_files, n_folders;
    bool removes;
};

static inline bool tree_visit(void *context, const char *name, enum cm_file_type type)
{
    struct tree *tree = context;
    char path[1200];
    struct tree below = {.path = path, .removes = tree->removes};

    snprintf(path, sizeof(path), "%s/%s", tree->path, name);
    if (type == CM_FILE_FOLDER) {
        cm_check_eq(cm_folder_walk(path, tree_visit, &below, NULL), CAPMILL_OK);
        tree->n_folders += 1 + below.n_folders;
        tree->n_files += below.n_files;
    } else {
        tree->n_files++;
    }
    if (tree->removes)
        cm_check_eq(cm_path_remove(path, NULL), CAPMILL_OK);
    return true;
}

/* How many files and folders lie below, hidden ones too. */
static inline struct tree tree_count(const char *path)
{
    struct tree tree = {.path = path};

    cm_check_eq(cm_folder_walk(path, tree_visit, &tree, NULL), CAPMILL_OK);
    return tree;
}

static inline void tree_close(struct temporary_folder *folder)
{
    struct tree tree = {.path = folder->path, .removes = true};

    cm_check_eq(cm_folder_walk(folder->path, tree_visit, &tree, NULL), CAPMILL_OK);
    cm_check_eq(cm_path_remove(folder->path, NULL), CAPMILL_OK);
}

#endif

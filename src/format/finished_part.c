/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of finished parts, and files that take them one after the other. Not for what stands in them. */
#include "format/finished_part_int.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"

struct cm_table_file {
    struct cm_table_put put;
};

enum capmill_status cm_finished_reserve(struct cm_finished_part **part, uint64_t more, struct cm_error *error)
{
    const size_t n = *part != NULL ? (*part)->n : 0;
    struct cm_finished_part *moved;
    uint64_t room;

    if (*part != NULL && (*part)->room - n >= more)
        return CAPMILL_OK;
    /* half as much again, so that a part of many blocks moves a few times only */
    if (!cm_add_u64(more, n + n / 2, &room) || room > SIZE_MAX / 2)
        moved = NULL;
    else
        moved = realloc(*part, sizeof(*moved) + (size_t)room);
    if (moved == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0,
                            "cannot get %" PRIu64 " bytes of memory for rows of a table", more);
    if (*part == NULL) {
        moved->head = (struct cm_table_part){0};
        moved->n = 0;
    }
    moved->room = (size_t)room;
    *part = moved;
    return CAPMILL_OK;
}

struct cm_table_part *cm_finished_close(struct cm_finished_part *part, uint32_t n_rows)
{
    struct cm_finished_part *smaller = realloc(part, sizeof(*part) + part->n);

    if (smaller != NULL) {
        part = smaller;
        part->room = part->n;
    }
    part->head.n_rows = n_rows;
    part->head.n_bytes = sizeof(*part) + part->room;
    return &part->head;
}

void cm_finished_discard(void *context, struct cm_table_part *part)
{
    free(part); /* it is the first member of what was allocated */
}

enum capmill_status cm_finished_begin(const struct cm_table_put *put, const void *header, size_t n,
                                      struct cm_table_file **file_ret, struct cm_error *error)
{
    struct cm_table_file *file = malloc(sizeof(*file));
    enum capmill_status status = CAPMILL_OK;

    *file_ret = NULL;
    if (file == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for an output");
    file->put = *put;
    if (n != 0)
        status = put->put(put->context, header, n, error);
    if (status < 0) {
        free(file);
        return status;
    }
    *file_ret = file;
    return CAPMILL_OK;
}

static enum capmill_status add(struct cm_table_file *file, struct cm_table_part *part, struct cm_error *error)
{
    const struct cm_finished_part *finished = (const struct cm_finished_part *)part;
    enum capmill_status status = CAPMILL_OK;

    if (finished->n != 0)
        status = file->put.put(file->put.context, finished->bytes, finished->n, error);
    free(part);
    return status;
}

static uint64_t held_bytes(const struct cm_table_file *file)
{
    return 0;
}

static enum capmill_status flush(struct cm_table_file *file, struct cm_error *error)
{
    return CAPMILL_OK;
}

static enum capmill_status end(struct cm_table_file *file, struct cm_error *error)
{
    free(file);
    return CAPMILL_OK;
}

static void drop(struct cm_table_file *file)
{
    free(file);
}

void cm_finished_encoder(struct cm_table_encoder *encoder)
{
    encoder->discard = cm_finished_discard;
    encoder->add = add;
    encoder->held_bytes = held_bytes;
    encoder->flush = flush;
    encoder->end = end;
    encoder->drop = drop;
}

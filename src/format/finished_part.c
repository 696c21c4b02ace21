/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of finished parts, and files that take them one after the other. Not for what stands in them. */
#include "format/finished_part_int.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"

/* A part of more is not kept: such a one comes from a packet of unusual size, and most others need less. */
#define MOST_KEPT_BYTES ((size_t)64 << 20)

struct cm_table_file {
    struct cm_table_put put;
    struct cm_finished_spares *spares;
    const void *when_empty; /* what a file without rows is */
    size_t n_when_empty;
};

/* Each exchange pairs with the other function's: who takes a part sees what its last owner left in it. */
static struct cm_finished_part *take_spare(struct cm_finished_spares *spares)
{
    struct cm_finished_part *part = NULL;

    for (size_t i = 0; i < CM_FINISHED_SPARES && part == NULL; i++)
        /* relaxed: a look, so that empty slots cost no exchange */
        if (atomic_load_explicit(&spares->slots[i], memory_order_relaxed) != NULL)
            part = atomic_exchange_explicit(&spares->slots[i], NULL, memory_order_acq_rel);
    return part;
}

static void keep_spare(struct cm_finished_spares *spares, struct cm_finished_part *part)
{
    if (part->room > MOST_KEPT_BYTES) {
        free(part);
        return;
    }
    for (size_t i = 0; i < CM_FINISHED_SPARES && part != NULL; i++)
        if (atomic_load_explicit(&spares->slots[i], memory_order_relaxed) == NULL)
            part = atomic_exchange_explicit(&spares->slots[i], part, memory_order_acq_rel);
    free(part); /* there was no empty slot */
}

void cm_finished_spares_fini(struct cm_finished_spares *spares)
{
    struct cm_finished_part *part;

    while ((part = take_spare(spares)) != NULL)
        free(part);
}

static enum capmill_status no_memory(uint64_t n, struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_MEMORY, 0,
                        "cannot get %" PRIu64 " bytes of memory for rows of a table", n);
}

enum capmill_status cm_finished_take(struct cm_finished_spares *spares, uint64_t n,
                                     struct cm_finished_part **part_ret, struct cm_error *error)
{
    struct cm_finished_part *part = take_spare(spares);

    if (part != NULL && part->room < n) { /* nothing in it is worth a copy */
        free(part);
        part = NULL;
    }
    *part_ret = part;
    if (part == NULL) {
        /* an eighth more, so that the next part fits as well */
        if (n > SIZE_MAX / 2 || (part = malloc(sizeof(*part) + (size_t)(n + n / 8))) == NULL)
            return no_memory(n, error);
        part->room = (size_t)(n + n / 8);
        part->n_touched = 0;
    }
    part->head = (struct cm_table_part){0};
    part->n = 0;
    *part_ret = part;
    return CAPMILL_OK;
}

enum capmill_status cm_finished_reserve(struct cm_finished_part **part, uint64_t more, struct cm_error *error)
{
    const size_t n = (*part)->n;
    struct cm_finished_part *moved;
    uint64_t room;

    if ((*part)->room - n >= more)
        return CAPMILL_OK;
    /* half as much again, so that a part of many blocks moves a few times only */
    if (!cm_add_u64(more, (uint64_t)n + n / 2, &room) || room > SIZE_MAX / 2)
        return no_memory(more, error);
    moved = realloc(*part, sizeof(*moved) + (size_t)room);
    if (moved == NULL)
        return no_memory(room, error);
    moved->room = (size_t)room;
    *part = moved;
    return CAPMILL_OK;
}

struct cm_table_part *cm_finished_close(struct cm_finished_part *part, uint32_t n_rows)
{
    if (part->n > part->n_touched)
        part->n_touched = part->n;
    part->head.n_rows = n_rows;
    part->head.n_bytes = sizeof(*part) + part->n_touched;
    return &part->head;
}

void cm_finished_discard(void *context, struct cm_table_part *part)
{
    if (part != NULL)
        keep_spare(context, (struct cm_finished_part *)part);
}

enum capmill_status cm_finished_begin(struct cm_finished_spares *spares, const struct cm_table_put *put,
                                      const void *header, size_t n, struct cm_table_file **file_ret,
                                      struct cm_error *error)
{
    struct cm_table_file *file = malloc(sizeof(*file));
    enum capmill_status status = CAPMILL_OK;

    *file_ret = NULL;
    if (file == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for an output");
    *file = (struct cm_table_file){.put = *put, .spares = spares};
    if (n != 0)
        status = put->put(put->context, header, n, error);
    if (status < 0) {
        free(file);
        return status;
    }
    *file_ret = file;
    return CAPMILL_OK;
}

void cm_finished_when_empty(struct cm_table_file *file, const void *bytes, size_t n)
{
    file->when_empty = bytes;
    file->n_when_empty = n;
}

static enum capmill_status add(struct cm_table_file *file, struct cm_table_part *part, struct cm_error *error)
{
    const struct cm_finished_part *finished = (const struct cm_finished_part *)part;
    enum capmill_status status = CAPMILL_OK;

    file->n_when_empty = 0;
    if (finished->n != 0)
        status = file->put.put(file->put.context, finished->bytes, finished->n, error);
    cm_finished_discard(file->spares, part);
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
    enum capmill_status status = CAPMILL_OK;

    if (file->n_when_empty != 0)
        status = file->put.put(file->put.context, file->when_empty, file->n_when_empty, error);
    free(file);
    return status;
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

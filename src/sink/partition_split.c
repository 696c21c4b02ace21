/* SPDX-License-Identifier: Apache-2.0 */
/* Dividing rows among folders. Not for what a folder is (partition.c), nor for the files in it (table_files.c). */
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "sink/partition_int.h"

struct cm_partition_split {
    uint32_t *first; /* by folder: its first row */
    uint32_t *count; /* and how many it has */
    size_t first_capacity;
    uint32_t *folder; /* by row */
    uint32_t *order;  /* rows by folder, those of a folder in their order */
    size_t folder_capacity;
    uint32_t *slots; /* folder + 1 by hash of its values */
    size_t n_slots;  /* a power of two */
    /* the rows of one folder */
    struct split_column {
        uint8_t *present;
        uint64_t *numbers;
        struct cm_span *spans;
    } * columns;
    struct cm_column_values *values;
    size_t n_columns, n_rows;
};

struct cm_partition_split *cm_partition_split_create(void)
{
    return calloc(1, sizeof(struct cm_partition_split));
}

static void free_columns(struct cm_partition_split *split)
{
    for (size_t i = 0; i < split->n_columns && split->columns != NULL; i++) {
        free(split->columns[i].present);
        free(split->columns[i].numbers);
        free(split->columns[i].spans);
    }
    free(split->columns);
    free(split->values);
    split->columns = NULL;
    split->values = NULL;
    split->n_rows = 0;
}

void cm_partition_split_destroy(struct cm_partition_split *split)
{
    if (split == NULL)
        return;
    free_columns(split);
    free(split->first);
    free(split->count);
    free(split->folder);
    free(split->order);
    free(split->slots);
    free(split);
}

static bool make_room(struct cm_partition_split *split, size_t n_columns, uint32_t n_rows)
{
    bool good;

    if (split->n_columns == n_columns && split->n_rows >= n_rows)
        return true;
    free_columns(split);
    split->n_columns = n_columns;
    split->columns = calloc(n_columns, sizeof(*split->columns));
    split->values = calloc(n_columns, sizeof(*split->values));
    good = split->columns != NULL && split->values != NULL;
    for (size_t i = 0; i < n_columns && good; i++) {
        split->columns[i].present = malloc(n_rows);
        split->columns[i].numbers = malloc(n_rows * sizeof(uint64_t));
        split->columns[i].spans = malloc(n_rows * sizeof(struct cm_span));
        good = split->columns[i].present != NULL && split->columns[i].numbers != NULL &&
               split->columns[i].spans != NULL;
    }
    if (good)
        split->n_rows = n_rows;
    else
        free_columns(split);
    return good;
}

static bool make_tables(struct cm_partition_split *split, uint32_t n_rows)
{
    size_t n_slots = 64;

    if (!CM_GROW_BOTH(split->folder, split->order, split->folder_capacity, n_rows, 4096))
        return false;
    while (n_slots < 2 * (size_t)n_rows)
        n_slots *= 2;
    if (n_slots > split->n_slots) {
        free(split->slots);
        split->slots = malloc(n_slots * sizeof(*split->slots));
        split->n_slots = split->slots == NULL ? 0 : n_slots;
    }
    if (split->slots == NULL)
        return false;
    memset(split->slots, 0, split->n_slots * sizeof(*split->slots));
    return true;
}

/* The folder of a row, one more than `*n` where it is new. False: no memory. */
static bool find_folder(const struct cm_partition *partition, struct cm_partition_split *split,
                        const struct cm_table_rows *rows, uint32_t row, uint32_t *n, uint32_t *folder_ret)
{
    size_t slot = cm_partition_hash(partition, rows, row) & (split->n_slots - 1);

    for (; split->slots[slot] != 0; slot = (slot + 1) & (split->n_slots - 1)) {
        *folder_ret = split->slots[slot] - 1;
        if (cm_partition_same(partition, rows, split->first[*folder_ret], row))
            return true;
    }
    if (!CM_GROW_BOTH(split->first, split->count, split->first_capacity, (size_t)*n + 1, 16))
        return false;
    split->first[*n] = row;
    split->count[*n] = 0;
    *folder_ret = (*n)++;
    split->slots[slot] = *n;
    return true;
}

/* Which folder each row belongs to, counted in order of their first rows; answers how many, 0: no memory. */
static uint32_t number_folders(const struct cm_partition *partition, struct cm_partition_split *split,
                               const struct cm_table_rows *rows)
{
    uint32_t n = 0;
    uint32_t at = 0;
    uint32_t sum = 0;

    if (!make_tables(split, rows->n_rows))
        return 0;
    for (uint32_t row = 0; row < rows->n_rows; row++) {
        /* mostly that of the row before */
        if ((n == 0 || !cm_partition_same(partition, rows, split->first[at], row)) &&
            !find_folder(partition, split, rows, row, &n, &at))
            return 0;
        split->folder[row] = at;
        split->count[at]++;
    }
    /* rows by folder: `count` holds where each begins, then where it ends */
    for (uint32_t folder = 0; folder < n; folder++) {
        uint32_t count = split->count[folder];

        split->count[folder] = sum;
        sum += count;
    }
    for (uint32_t row = 0; row < rows->n_rows; row++)
        split->order[split->count[split->folder[row]]++] = row;
    return n;
}

static void gather(const struct cm_partition_split *split, const struct cm_table_rows *rows, uint32_t folder,
                   struct cm_table_rows *rows_ret)
{
    uint32_t begin = folder == 0 ? 0 : split->count[folder - 1];
    uint32_t n = split->count[folder] - begin;
    const uint32_t *order = split->order + begin;

    for (size_t c = 0; c < split->n_columns; c++) {
        const struct cm_column_values *from = &rows->columns[c];
        const struct split_column *to = &split->columns[c];

        for (uint32_t i = 0; i < n && from->present != NULL; i++)
            to->present[i] = from->present[order[i]];
        for (uint32_t i = 0; i < n && from->spans != NULL; i++)
            to->spans[i] = from->spans[order[i]];
        for (uint32_t i = 0; i < n && from->spans == NULL; i++)
            to->numbers[i] = from->numbers[order[i]];
        split->values[c] = (struct cm_column_values){from->present != NULL ? to->present : NULL,
                                                     from->spans == NULL ? to->numbers : NULL,
                                                     from->spans != NULL ? to->spans : NULL};
    }
    *rows_ret = (struct cm_table_rows){n, split->values};
}

enum capmill_status cm_partition_rows(const struct cm_partition *partition, struct cm_partition_split *split,
                                      const struct cm_table_schema *schema, const struct cm_table_rows *rows,
                                      enum capmill_status (*each)(void *context,
                                                                  const struct cm_partition_rows *part,
                                                                  struct cm_error *error),
                                      void *context, struct cm_error *error)
{
    char key[CM_PARTITION_KEY_BYTES] = "";
    struct cm_partition_rows part = {.key = key, .rows = *rows};
    enum capmill_status status = CAPMILL_OK;
    uint32_t n;

    if (rows->n_rows == 0)
        return CAPMILL_OK;
    if (partition == NULL)
        return each(context, &part, error);
    n = number_folders(partition, split, rows);
    if (n == 0 || (n > 1 && !make_room(split, schema->n_columns, rows->n_rows)))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to divide rows among folders");
    for (uint32_t folder = 0; folder < n && status >= 0; folder++) {
        status = cm_partition_key(partition, rows, split->first[folder], key, error);
        if (status >= 0 && n > 1)
            gather(split, rows, folder, &part.rows);
        if (status >= 0)
            status = each(context, &part, error);
    }
    return status;
}

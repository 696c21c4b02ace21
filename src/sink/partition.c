/* SPDX-License-Identifier: Apache-2.0 */
/* Folders by values of rows. Not for the files in them (table_files.c). */
#include "sink/partition.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/time_text.h"

#define HOUR_NS UINT64_C(3600000000000)
#define DAY_NS  (24 * HOUR_NS)

enum part_kind { PART_DAY, PART_HOUR, PART_VALUE };

struct part {
    enum part_kind kind;
    char *name;
    size_t column; /* in the schema */
};

struct cm_partition {
    struct part parts[CM_PARTITION_MAX_COLUMNS];
    size_t n;
    const struct cm_table_schema *schema;
};

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

static char *copy_name(const char *text, size_t n)
{
    char *copy = malloc(n + 1);

    if (copy != NULL) {
        memcpy(copy, text, n);
        copy[n] = 0;
    }
    return copy;
}

static bool is_word(const char *text, size_t n, const char *word)
{
    return strlen(word) == n && memcmp(text, word, n) == 0;
}

size_t cm_partition_names(const char *text, const char *time_column,
                          char *names_ret[CM_PARTITION_MAX_COLUMNS])
{
    size_t n = 0;

    while (n < CM_PARTITION_MAX_COLUMNS) {
        size_t n_word = strcspn(text, "/");
        bool is_time = is_word(text, n_word, "dt") || is_word(text, n_word, "hr");
        const char *name = is_time ? time_column : text;
        size_t n_name = is_time ? strlen(time_column) : n_word;
        bool known = false;

        for (size_t i = 0; i < n; i++)
            known = known || is_word(name, n_name, names_ret[i]);
        if (!known) {
            names_ret[n] = copy_name(name, n_name);
            if (names_ret[n] == NULL)
                return n;
            n++;
        }
        text += n_word;
        if (*text == 0)
            return n;
        text++;
    }
    return n;
}

static bool find_column(const struct cm_table_schema *schema, const char *name, size_t n, size_t *column_ret)
{
    for (size_t i = 0; i < schema->n_columns; i++) {
        if (is_word(name, n, schema->columns[i].name)) {
            *column_ret = i;
            return true;
        }
    }
    return false;
}

/* Values that are folders, not values that every packet has another of. */
static bool makes_folders(const struct cm_column *column)
{
    return column->habit == CM_HABIT_REPEATS && column->type != CM_COLUMN_BYTES &&
           column->type != CM_COLUMN_TIME_NS;
}

static enum capmill_status add_part(struct cm_partition *partition, const char *text, size_t n,
                                    const char *origin, const char *time_column, struct cm_error *error)
{
    struct part part = {.kind = is_word(text, n, "dt")   ? PART_DAY
                                : is_word(text, n, "hr") ? PART_HOUR
                                                         : PART_VALUE};
    bool is_time = part.kind != PART_VALUE;

    if (partition->n == CM_PARTITION_MAX_COLUMNS)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s: more than %d columns", origin,
                            CM_PARTITION_MAX_COLUMNS);
    if (!find_column(partition->schema, is_time ? time_column : text, is_time ? strlen(time_column) : n,
                     &part.column))
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%s: '%.*s' is neither dt, hr nor a column of these rows", origin,
                            n < 80 ? (int)n : 80, text);
    if (!is_time && !makes_folders(&partition->schema->columns[part.column]))
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%s: '%.*s' has too many values for a folder each; take dt, hr, or a column such "
                            "as protocol",
                            origin, n < 80 ? (int)n : 80, text);
    for (size_t i = 0; i < partition->n; i++) {
        if (is_word(text, n, partition->parts[i].name))
            return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s: '%.*s' is there twice", origin,
                                n < 80 ? (int)n : 80, text);
    }
    part.name = copy_name(text, n);
    if (part.name == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the columns of %s", origin);
    partition->parts[partition->n++] = part;
    return CAPMILL_OK;
}

enum capmill_status cm_partition_create(const char *text, const char *origin,
                                        const struct cm_table_schema *schema, const char *time_column,
                                        struct cm_partition **partition_ret, struct cm_error *error)
{
    struct cm_partition *partition = calloc(1, sizeof(*partition));
    enum capmill_status status = CAPMILL_OK;

    if (partition == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the columns of %s", origin);
    partition->schema = schema;
    for (;;) {
        size_t n = strcspn(text, "/");

        status = add_part(partition, text, n, origin, time_column, error);
        if (status < 0 || text[n] == 0)
            break;
        text += n + 1;
    }
    if (status < 0)
        cm_partition_destroy(partition);
    else
        *partition_ret = partition;
    return status;
}

void cm_partition_destroy(struct cm_partition *partition)
{
    if (partition == NULL)
        return;
    for (size_t i = 0; i < partition->n; i++)
        free(partition->parts[i].name);
    free(partition);
}

bool cm_partition_tells(const struct cm_partition *partition, const char *column)
{
    for (size_t i = 0; partition != NULL && i < partition->n; i++) {
        if (partition->parts[i].kind == PART_VALUE && strcmp(partition->parts[i].name, column) == 0)
            return true;
    }
    return false;
}

/* --- keys --- */

static bool is_present(const struct cm_column_values *values, uint32_t row)
{
    return values->present == NULL || values->present[row] != 0;
}

static bool same_span(const struct cm_span *a, const struct cm_span *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->bytes, b->bytes, a->n) == 0);
}

static bool same_part(const struct part *part, const struct cm_column_values *values, uint32_t a, uint32_t b)
{
    if (is_present(values, a) != is_present(values, b))
        return false;
    if (values->spans != NULL)
        return same_span(&values->spans[a], &values->spans[b]);
    switch (part->kind) {
    case PART_DAY:
        return values->numbers[a] / DAY_NS == values->numbers[b] / DAY_NS;
    case PART_HOUR:
        /* of the day; with dt beside it of that day */
        return values->numbers[a] % DAY_NS / HOUR_NS == values->numbers[b] % DAY_NS / HOUR_NS;
    case PART_VALUE:
        break;
    }
    return values->numbers[a] == values->numbers[b];
}

static bool same_folder(const struct cm_partition *partition, const struct cm_table_rows *rows, uint32_t a,
                        uint32_t b)
{
    for (size_t i = 0; i < partition->n; i++) {
        if (!same_part(&partition->parts[i], &rows->columns[partition->parts[i].column], a, b))
            return false;
    }
    return true;
}

/* What a name of a folder may have in it on every system; the rest is %XX, as Hive writes it. */
static bool is_plain(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           byte == '-' || byte == '_' || byte == '.' || byte >= 0x80;
}

/* Answers the length, or one that does not fit. */
static size_t put_text(char *out, size_t room, const struct cm_span *span)
{
    size_t used = 0;

    for (uint32_t i = 0; i < span->n && used + 4 <= room; i++)
        used += (size_t)snprintf(out + used, room - used, is_plain(span->bytes[i]) ? "%c" : "%%%02X",
                                 span->bytes[i]);
    return used + 4 <= room ? used : room;
}

static size_t put_value(const struct part *part, const struct cm_column_values *values, uint32_t row,
                        char *out, size_t room)
{
    uint64_t number;
    char stamp[CM_TIME_TEXT_BYTES];

    /* what Hive and its heirs read as null */
    if (!is_present(values, row) || (values->spans != NULL && values->spans[row].n == 0))
        return (size_t)snprintf(out, room, "__HIVE_DEFAULT_PARTITION__");
    if (values->spans != NULL)
        return put_text(out, room, &values->spans[row]);
    number = values->numbers[row];
    switch (part->kind) {
    case PART_DAY:
        cm_time_slice_text(number, stamp); /* YYYYMMDDTHHMMSSZ */
        return (size_t)snprintf(out, room, "%.4s-%.2s-%.2s", stamp, stamp + 4, stamp + 6);
    case PART_HOUR:
        return (size_t)snprintf(out, room, "%02u", (unsigned)(number % DAY_NS / HOUR_NS));
    case PART_VALUE:
        break;
    }
    return (size_t)snprintf(out, room, "%" PRIu64, number);
}

static enum capmill_status make_key(const struct cm_partition *partition, const struct cm_table_rows *rows,
                                    uint32_t row, char key_ret[CM_PARTITION_KEY_BYTES],
                                    struct cm_error *error)
{
    size_t n = 0;

    key_ret[0] = 0;
    for (size_t i = 0; i < partition->n; i++) {
        const struct part *part = &partition->parts[i];

        n += (size_t)snprintf(key_ret + n, CM_PARTITION_KEY_BYTES - n, "%s%s=", i > 0 ? "/" : "", part->name);
        if (n < CM_PARTITION_KEY_BYTES)
            n += put_value(part, &rows->columns[part->column], row, key_ret + n, CM_PARTITION_KEY_BYTES - n);
        if (n >= CM_PARTITION_KEY_BYTES)
            return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                                "a value of column %s is too long for the name of a folder", part->name);
    }
    return CAPMILL_OK;
}

/* --- splitting --- */

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

/* Of the values that make a row's folder. They come from captures, which may be made to collide; then a block
 * costs what a search through its folders does, and folders are bounded (table_files.c). */
static uint64_t hash_row(const struct cm_partition *partition, const struct cm_table_rows *rows, uint32_t row)
{
    uint64_t hash = 0;

    for (size_t i = 0; i < partition->n; i++) {
        const struct part *part = &partition->parts[i];
        const struct cm_column_values *values = &rows->columns[part->column];
        uint64_t word = is_present(values, row);

        if (values->spans != NULL) {
            for (uint32_t k = 0; k < values->spans[row].n; k++)
                word = (word ^ values->spans[row].bytes[k]) * UINT64_C(0x100000001b3);
        } else if (part->kind == PART_VALUE) {
            word += values->numbers[row];
        } else {
            word += part->kind == PART_DAY ? values->numbers[row] / DAY_NS
                                           : values->numbers[row] % DAY_NS / HOUR_NS;
        }
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    }
    return hash >> 32;
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
    size_t slot = hash_row(partition, rows, row) & (split->n_slots - 1);

    for (; split->slots[slot] != 0; slot = (slot + 1) & (split->n_slots - 1)) {
        *folder_ret = split->slots[slot] - 1;
        if (same_folder(partition, rows, split->first[*folder_ret], row))
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
        if ((n == 0 || !same_folder(partition, rows, split->first[at], row)) &&
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
        status = make_key(partition, rows, split->first[folder], key, error);
        if (status >= 0 && n > 1)
            gather(split, rows, folder, &part.rows);
        if (status >= 0)
            status = each(context, &part, error);
    }
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a folder is made of, and its name. Dividing rows among folders: partition_split.c. */
#include "sink/partition_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

bool cm_partition_same(const struct cm_partition *partition, const struct cm_table_rows *rows, uint32_t a,
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

enum capmill_status cm_partition_key(const struct cm_partition *partition, const struct cm_table_rows *rows,
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

uint64_t cm_partition_hash(const struct cm_partition *partition, const struct cm_table_rows *rows,
                           uint32_t row)
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

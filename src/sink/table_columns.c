/* SPDX-License-Identifier: Apache-2.0 */
/* Working out the columns of a table. Not for their values. */
#include "sink/table_columns_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

static enum capmill_status no_memory(const struct cm_table_columns *columns, struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for output %s", columns->options->path);
}

static size_t column_of(const struct cm_table_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->n_columns; i++) {
        if (strcmp(schema->columns[i].name, name) == 0)
            return i;
    }
    return SIZE_MAX;
}

static bool is_column(const struct cm_table_columns *columns, const char *name)
{
    const struct cm_column *known;
    bool is_default;

    for (size_t i = 0; (known = columns->options->of_flows ? cm_flow_column_known(i, &is_default)
                                                           : cm_packet_column_known(i, &is_default)) != NULL;
         i++) {
        if (strcmp(known->name, name) == 0)
            return true;
    }
    return false;
}

/* The names that were asked for, or those of the default set, and behind them what only folders tell; what is no
 * column is left for the partition to refuse. */
static enum capmill_status list_columns(struct cm_table_columns *columns, char **more, size_t n_more,
                                        const char ***names_ret, size_t *n_ret, struct cm_error *error)
{
    const struct cm_table_output_options *options = columns->options;
    const char *const *asked = options->of_flows ? options->flows.names : options->packets.names;
    size_t n_asked = options->of_flows ? options->flows.n_names : options->packets.n_names;
    const char **names = NULL;
    size_t n = 0, capacity = 0;

    for (size_t i = 0;; i++) {
        bool is_default = true;
        const struct cm_column *known;
        const char *name;

        if (asked != NULL) {
            name = i < n_asked ? asked[i] : NULL;
        } else {
            known = options->of_flows ? cm_flow_column_known(i, &is_default)
                                      : cm_packet_column_known(i, &is_default);
            name = known != NULL ? known->name : NULL;
        }
        if (name == NULL)
            break;
        if (!is_default)
            continue;
        if (!CM_GROW(names, capacity, n + 1 + n_more, 32)) {
            free(names);
            return no_memory(columns, error);
        }
        names[n++] = name;
    }
    columns->schema.n_columns = n; /* those of the files, for now */
    for (size_t m = 0; m < n_more; m++) {
        bool there = !is_column(columns, more[m]);

        for (size_t i = 0; i < n; i++)
            there = there || strcmp(names[i], more[m]) == 0;
        if (!there && names != NULL)
            names[n++] = more[m];
    }
    *names_ret = names;
    *n_ret = n;
    return CAPMILL_OK;
}

static enum capmill_status make_rows(struct cm_table_columns *columns, const char *const *names, size_t n,
                                     struct cm_error *error)
{
    struct cm_packet_columns_options packets = columns->options->packets;
    struct cm_flow_rows_options flows = columns->options->flows;
    enum capmill_status status;

    packets.names = flows.names = names;
    packets.n_names = flows.n_names = n;
    if (columns->options->of_flows) {
        status = cm_flow_rows_create(&flows, &columns->flows, error);
        if (status >= 0)
            columns->whole = cm_flow_rows_schema(columns->flows);
    } else {
        status = cm_packet_columns_create(&packets, &columns->packets, error);
        if (status >= 0)
            columns->whole = cm_packet_columns_schema(columns->packets);
    }
    return status;
}

/* The files have what was asked for, but for what their folder tells. */
static enum capmill_status make_schema(struct cm_table_columns *columns, struct cm_error *error)
{
    size_t n_asked = columns->schema.n_columns;
    size_t n = 0;

    columns->schema_columns = calloc(n_asked + 1, sizeof(*columns->schema_columns));
    columns->schema_from = calloc(n_asked + 1, sizeof(*columns->schema_from));
    if (columns->schema_columns == NULL || columns->schema_from == NULL)
        return no_memory(columns, error);
    for (size_t i = 0; i < n_asked && i < columns->whole->n_columns; i++) {
        if (cm_partition_tells(columns->partition, columns->whole->columns[i].name))
            continue;
        columns->schema_columns[n] = columns->whole->columns[i];
        columns->schema_from[n++] = i;
    }
    if (n == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%s: every column is told by the folders, and none is left for the files",
                            columns->options->partition_origin);
    columns->schema = (struct cm_table_schema){columns->whole->record_name, columns->schema_columns, n};
    return CAPMILL_OK;
}

/* Names of columns that the files need not have, but whoever divides and describes them: each one allocation. */
static size_t list_more(const struct cm_table_columns *columns, const char *time_name, const char *last_name,
                        char *more_ret[CM_PARTITION_MAX_COLUMNS + 2])
{
    const struct cm_table_output_options *options = columns->options;
    const char *const times[] = {time_name, last_name};
    size_t n = options->partition != NULL ? cm_partition_names(options->partition, time_name, more_ret) : 0;

    /* a manifest tells the times of each file */
    for (size_t i = 0; i < 2 && (options->partition != NULL || options->max_file_bytes > 0); i++) {
        size_t n_name = strlen(times[i]) + 1;
        bool there = false;

        for (size_t k = 0; k < n; k++)
            there = there || strcmp(more_ret[k], times[i]) == 0;
        if (there || (more_ret[n] = malloc(n_name)) == NULL)
            continue;
        memcpy(more_ret[n++], times[i], n_name);
    }
    return n;
}

enum capmill_status cm_table_columns_make(const struct cm_table_output_options *options,
                                          struct cm_table_columns *columns, struct cm_error *error)
{
    const char *time_name = options->of_flows ? "first_ns" : "timestamp_ns";
    const char *last_name = options->of_flows ? "last_ns" : "timestamp_ns";
    char *more[CM_PARTITION_MAX_COLUMNS + 2];
    const char **names = NULL;
    size_t n_more;
    size_t n = 0;
    enum capmill_status status;

    *columns = (struct cm_table_columns){.options = options};
    n_more = list_more(columns, time_name, last_name, more);
    status = list_columns(columns, more, n_more, &names, &n, error);

    if (status >= 0)
        status = make_rows(columns, names, n, error);
    if (status >= 0 && options->partition != NULL)
        status = cm_partition_create(options->partition, options->partition_origin, columns->whole, time_name,
                                     &columns->partition, error);
    if (status >= 0)
        status = make_schema(columns, error);
    if (status >= 0) {
        columns->time_column = column_of(columns->whole, time_name);
        columns->last_time_column = column_of(columns->whole, last_name);
        if (columns->last_time_column == SIZE_MAX)
            columns->time_column = SIZE_MAX;
    }
    free(names);
    for (size_t i = 0; i < n_more; i++)
        free(more[i]);
    return status;
}

void cm_table_columns_free(struct cm_table_columns *columns)
{
    cm_partition_destroy(columns->partition);
    cm_packet_columns_destroy(columns->packets);
    cm_flow_rows_destroy(columns->flows);
    free(columns->schema_columns);
    free(columns->schema_from);
}

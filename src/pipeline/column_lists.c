/* SPDX-License-Identifier: Apache-2.0 */
/* Taking lists of columns apart. */
#include "pipeline/column_lists.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/grow.h"

static const char *origin_of(const struct capmill_word *word)
{
    return word->origin != NULL ? word->origin : "columns";
}

/* Copy a word to `*at` and list its names. */
static enum capmill_status split(const struct capmill_word *word, char **at, const char ***names, size_t *n,
                                 size_t *capacity, struct cm_error *error)
{
    size_t n_word = strlen(word->value);
    char *name = *at;

    memcpy(name, word->value, n_word + 1);
    *at += n_word + 1;
    for (;;) {
        size_t n_name = strcspn(name, ",");
        bool last = name[n_name] == 0;

        if (n_name == 0)
            return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s '%.80s': a name of a column is missing",
                                origin_of(word), word->value);
        if (!CM_GROW(*names, *capacity, *n + 1, 16))
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a list of columns");
        name[n_name] = 0;
        (*names)[(*n)++] = name;
        if (last)
            return CAPMILL_OK;
        name += n_name + 1;
    }
}

static size_t text_bytes(const struct capmill_word *words, size_t n)
{
    size_t n_bytes = 0;

    for (size_t i = 0; i < n; i++)
        n_bytes += words[i].value != NULL ? strlen(words[i].value) + 1 : 0;
    return n_bytes;
}

enum capmill_status cm_column_lists_make(const struct capmill_job *job, struct cm_column_lists *lists_ret,
                                         struct cm_error *error)
{
    const struct capmill_table *table = &job->table;
    size_t capacity = 0;
    char *at;
    enum capmill_status status = CAPMILL_OK;

    *lists_ret = (struct cm_column_lists){0};
    at = lists_ret->text = malloc(text_bytes(table->columns, table->n_columns) +
                                  text_bytes(table->flow_columns, table->n_flow_columns) + 1);
    if (at == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a list of columns");
    for (size_t i = 0; i < table->n_columns && status >= 0; i++) {
        if (table->columns[i].value != NULL)
            status =
                split(&table->columns[i], &at, &lists_ret->packets, &lists_ret->n_packets, &capacity, error);
    }
    capacity = 0;
    for (size_t i = 0; i < table->n_flow_columns && status >= 0; i++) {
        if (table->flow_columns[i].value != NULL)
            status =
                split(&table->flow_columns[i], &at, &lists_ret->flows, &lists_ret->n_flows, &capacity, error);
    }
    if (status < 0)
        cm_column_lists_free(lists_ret);
    return status;
}

static bool wants_flows(const char *name, size_t n)
{
    static const char *const names[] = {"flow_packets", "flow_bytes", "flow_first_ns", "flow_last_ns",
                                        "flow_direction"};

    for (size_t i = 0; i < CM_ARRAY_COUNT(names); i++) {
        if (strlen(names[i]) == n && memcmp(names[i], name, n) == 0)
            return true;
    }
    return false;
}

bool cm_column_lists_want_flows(const struct cm_column_lists *lists, const char *partition)
{
    for (size_t i = 0; i < lists->n_packets; i++) {
        if (wants_flows(lists->packets[i], strlen(lists->packets[i])))
            return true;
    }
    while (partition != NULL) {
        size_t n = strcspn(partition, "/");

        if (wants_flows(partition, n))
            return true;
        partition = partition[n] == 0 ? NULL : partition + n + 1;
    }
    return false;
}

void cm_column_lists_free(struct cm_column_lists *lists)
{
    free(lists->packets);
    free(lists->flows);
    free(lists->text);
    *lists = (struct cm_column_lists){0};
}

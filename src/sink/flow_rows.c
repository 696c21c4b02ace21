/* SPDX-License-Identifier: Apache-2.0 */
/* Flows as rows: which columns were chosen, updates on their way to the sessions, and sessions that ended as rows.
 * When a flow ends is flow/sessions.c's, what is in a column flow_values.c's. */
#include "sink/flow_rows.h"

#include <stdlib.h>
#include <string.h>

#include "sink/column_choice.h"
#include "sink/flow_rows_int.h"

#define ROWS 8192u

struct cm_flow_updates {
    uint32_t n;
    struct cm_session_update updates[];
};

struct cm_flow_rows {
    struct cm_table_schema schema;
    struct cm_column *columns;
    const struct cm_flow_column **known; /* of each: its row in the table */
    struct cm_flow_values *values;       /* of each; arrays of ROWS, in `memory` */
    struct cm_column_values *shown;
    uint8_t *memory;
    size_t n;
    struct cm_sessions *sessions;
    const struct cm_session *taken[ROWS];
};

const struct cm_column *cm_flow_column_known(size_t i, bool *is_default_ret)
{
    if (i >= cm_n_flow_columns)
        return NULL;
    *is_default_ret = true;
    return &cm_flow_column_table[i].column;
}

static bool is_text(const struct cm_column *column)
{
    return column->type == CM_COLUMN_TEXT;
}

static size_t row_bytes(const struct cm_column *column)
{
    return (is_text(column) ? sizeof(struct cm_span) + CM_FLOW_TEXT_BYTES : sizeof(uint64_t)) +
           (column->nullable ? sizeof(uint8_t) : 0);
}

/* Answers where the column's arrays end; what has the widest elements comes first. */
static uint8_t *carve(const struct cm_column *column, uint8_t *memory, struct cm_flow_values *values)
{
    if (is_text(column)) {
        values->spans = (struct cm_span *)(void *)memory;
        memory += ROWS * sizeof(*values->spans);
        values->chars = (char *)memory;
        memory += (size_t)ROWS * CM_FLOW_TEXT_BYTES;
    } else {
        values->numbers = (uint64_t *)(void *)memory;
        memory += ROWS * sizeof(*values->numbers);
    }
    if (column->nullable) {
        values->present = memory;
        memory += ROWS;
    }
    return memory;
}

static bool set_columns(struct cm_flow_rows *flows, const size_t *places, bool bloom_flow_id)
{
    size_t n_bytes = 0;
    uint8_t *at;

    for (size_t i = 0; i < flows->n; i++) {
        flows->known[i] = &cm_flow_column_table[places[i]];
        flows->columns[i] = flows->known[i]->column;
        flows->columns[i].bloom = bloom_flow_id && strcmp(flows->columns[i].name, "flow_id") == 0;
        n_bytes += row_bytes(&flows->columns[i]) * ROWS;
    }
    at = flows->memory = malloc(n_bytes);
    if (flows->memory == NULL)
        return false;
    for (size_t i = 0; i < flows->n; i++)
        at = carve(&flows->columns[i], at, &flows->values[i]);
    flows->schema =
        (struct cm_table_schema){.record_name = "Flow", .columns = flows->columns, .n_columns = flows->n};
    return true;
}

static bool create_arrays(struct cm_flow_rows *flows)
{
    flows->columns = calloc(flows->n, sizeof(*flows->columns));
    flows->known = calloc(flows->n, sizeof(const struct cm_flow_column *));
    flows->values = calloc(flows->n, sizeof(*flows->values));
    flows->shown = calloc(flows->n, sizeof(*flows->shown));
    return flows->columns != NULL && flows->known != NULL && flows->values != NULL && flows->shown != NULL;
}

enum capmill_status cm_flow_rows_create(const struct cm_flow_rows_options *options,
                                        struct cm_flow_rows **flows_ret, struct cm_error *error)
{
    static const struct cm_column_list list = {cm_flow_column_known, "flow"};
    const struct cm_sessions_options sessions = {.unidirectional = options->unidirectional,
                                                 .idle_ns = options->idle_ns,
                                                 .active_ns = options->active_ns,
                                                 .memory_bytes = options->memory_bytes};
    struct cm_flow_rows *flows = NULL;
    enum capmill_status status;
    size_t *places = NULL;
    size_t n = 0;

    status = cm_columns_choose(&list, options->names, options->n_names, &places, &n, error);
    if (status < 0)
        goto cleanup;
    flows = calloc(1, sizeof(*flows));
    if (flows != NULL)
        flows->n = n;
    if (flows == NULL || !create_arrays(flows) || !set_columns(flows, places, options->bloom_flow_id)) {
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for %zu columns of flows", n);
        goto cleanup;
    }
    status = cm_sessions_create(&sessions, &flows->sessions, error);
    if (status < 0)
        goto cleanup;
    *flows_ret = flows;
    flows = NULL;
cleanup:
    cm_flow_rows_destroy(flows);
    free(places);
    return status;
}

void cm_flow_rows_destroy(struct cm_flow_rows *flows)
{
    if (flows == NULL)
        return;
    cm_sessions_destroy(flows->sessions);
    free(flows->columns);
    free(flows->known);
    free(flows->values);
    free(flows->shown);
    free(flows->memory);
    free(flows);
}

const struct cm_table_schema *cm_flow_rows_schema(const struct cm_flow_rows *flows)
{
    return &flows->schema;
}

uint64_t cm_flow_rows_ended_early(const struct cm_flow_rows *flows)
{
    return cm_sessions_ended_early(flows->sessions);
}

enum capmill_status cm_flow_updates_make(const struct cm_flow_rows *flows,
                                         const struct cm_packet_rows *packets,
                                         struct cm_flow_updates **updates_ret, struct cm_error *error)
{
    struct cm_flow_updates *updates =
        malloc(sizeof(*updates) + (size_t)packets->n * sizeof(updates->updates[0]));

    if (updates == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for the flows of %u packets",
                            packets->n);
    updates->n = cm_sessions_make_updates(flows->sessions, packets->packets, packets->headers, packets->n,
                                          updates->updates);
    *updates_ret = updates;
    return CAPMILL_OK;
}

enum capmill_status cm_flow_rows_add(struct cm_flow_rows *flows, const struct cm_flow_updates *updates,
                                     struct cm_error *error)
{
    if (updates == NULL)
        return cm_sessions_end(flows->sessions, error);
    return cm_sessions_add(flows->sessions, updates->updates, updates->n, error);
}

enum capmill_status cm_flow_rows_next(struct cm_flow_rows *flows, struct cm_table_rows *rows_ret,
                                      struct cm_error *error)
{
    const uint32_t n = cm_sessions_take(flows->sessions, flows->taken, ROWS);

    if (n == 0)
        return CAPMILL_END;
    for (size_t i = 0; i < flows->n; i++) {
        struct cm_flow_values *values = &flows->values[i];

        values->n_absent = 0;
        flows->known[i]->fill(flows->taken, n, values);
        flows->shown[i] = (struct cm_column_values){.present = values->n_absent > 0 ? values->present : NULL,
                                                    .numbers = values->numbers,
                                                    .spans = values->spans};
    }
    *rows_ret = (struct cm_table_rows){n, flows->shown};
    return CAPMILL_OK;
}

size_t cm_flow_rows_waiting(const struct cm_flow_rows *flows)
{
    return cm_sessions_waiting(flows->sessions);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* From blocks of packets to the files of a table. What columns mean, how they are encoded and which file they go
 * to is known elsewhere. */
#include "sink/table_output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/grow.h"
#include "format/avro.h"
#include "format/jsonl.h"
#include "format/parquet.h"
#include "sink/partition.h"
#include "sink/turns.h"

/* Encoded blocks that may wait for a slow disk or reader, at most: some for each of many threads. More than that
 * only makes memory of what a cache would hold. The one whose turn it is never waits, so less is no deadlock. */
#define MOST_AHEAD_BYTES (64u * 1024 * 1024)

/* Rows of flows that are encoded together, but at the end. */
#define LEAST_FLOW_ROWS 4096u

struct cm_table_output {
    struct cm_table_output_options options;
    struct cm_packet_columns *columns; /* of packets, with those that only folders tell */
    struct cm_flow_rows *flows;
    const struct cm_table_schema *whole; /* of rows as they are made */
    struct cm_table_schema schema;       /* of the files */
    struct cm_column *schema_columns;
    size_t *schema_from; /* of each: its column in `whole` */
    size_t time_column;  /* in `whole`; SIZE_MAX: none */
    size_t last_time_column;
    struct cm_partition *partition;
    struct cm_table_encoder encoder;
    char *sidecar;
    struct cm_table_files *files;
    struct cm_turns *turns;
    /* of the thread that writes: rows of flows are made there */
    void *writer_local;
};

/* A part on its way to its file. */
struct piece {
    struct cm_table_part *part;
    uint64_t min_ns, max_ns;
    char key[CM_PARTITION_KEY_BYTES];
};

/* What one block became. */
struct item {
    struct piece *pieces;
    size_t n, capacity;
    struct cm_flow_updates *updates;
};

struct local {
    struct cm_packet_columns_local *columns;
    void *encoder;
    struct cm_partition_split *split;
    struct cm_column_values *values; /* of the schema's columns */
    /* while rows are being encoded */
    struct cm_table_output *output;
    struct item *item;
};

static enum capmill_status no_memory(const struct cm_table_output *output, struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for output %s", output->options.path);
}

/* --- rows to parts --- */

static void time_bounds(const struct cm_table_output *output, const struct cm_table_rows *rows,
                        uint64_t *min_ret, uint64_t *max_ret)
{
    uint64_t min_ns = UINT64_MAX;
    uint64_t max_ns = 0;

    for (uint32_t i = 0; i < rows->n_rows && output->time_column != SIZE_MAX; i++) {
        min_ns = cm_min_u64(min_ns, rows->columns[output->time_column].numbers[i]);
        max_ns = cm_max_u64(max_ns, rows->columns[output->last_time_column].numbers[i]);
    }
    *min_ret = min_ns;
    *max_ret = max_ns;
}

static enum capmill_status encode_rows(void *context, const struct cm_partition_rows *part,
                                       struct cm_error *error)
{
    struct local *local = context;
    struct cm_table_output *output = local->output;
    struct item *item = local->item;
    struct cm_table_rows rows = {part->rows.n_rows, local->values};
    struct piece *piece;

    if (!CM_GROW(item->pieces, item->capacity, item->n + 1, 1))
        return no_memory(output, error);
    piece = &item->pieces[item->n];
    snprintf(piece->key, sizeof(piece->key), "%s", part->key);
    time_bounds(output, &part->rows, &piece->min_ns, &piece->max_ns);
    for (size_t i = 0; i < output->schema.n_columns; i++)
        local->values[i] = part->rows.columns[output->schema_from[i]];
    if (output->encoder.encode(output->encoder.context, local->encoder, &rows, &piece->part, error) < 0)
        return error->status;
    item->n++;
    return CAPMILL_OK;
}

static void discard_item(void *context, void *what)
{
    struct cm_table_output *output = context;
    struct item *item = what;

    if (item == NULL)
        return;
    for (size_t i = 0; i < item->n; i++)
        output->encoder.discard(output->encoder.context, item->pieces[i].part);
    free(item->pieces);
    free(item->updates);
    free(item);
}

static uint64_t item_bytes(const struct item *item, uint32_t n_packets)
{
    uint64_t n_bytes = sizeof(*item) + item->n * sizeof(*item->pieces) +
                       (item->updates != NULL ? (uint64_t)n_packets * CM_FLOW_UPDATE_BYTES : 0);

    for (size_t i = 0; i < item->n; i++)
        n_bytes += item->pieces[i].part->n_bytes;
    return n_bytes;
}

enum capmill_status cm_table_output_take(struct cm_table_output *output, void *context, uint64_t sequence,
                                         const struct cm_packet_rows *packets, struct cm_error *error)
{
    struct local *local = context;
    struct item *item = calloc(1, sizeof(*item));
    struct cm_table_rows rows;
    enum capmill_status status = CAPMILL_OK;

    if (item == NULL)
        return no_memory(output, error);
    local->output = output;
    local->item = item;
    if (packets->n == 0) {
        ;
    } else if (output->flows != NULL) {
        status = cm_flow_updates_make(output->flows, packets, &item->updates, error);
    } else {
        status = cm_packet_columns_fill(output->columns, local->columns, packets, &rows, error);
        if (status >= 0)
            status = cm_partition_rows(output->partition, local->split, output->whole, &rows, encode_rows,
                                       local, error);
    }
    if (status < 0) {
        discard_item(output, item);
        return status;
    }
    return cm_turns_put(output->turns, sequence, item, item_bytes(item, packets->n), error);
}

/* --- the writing side --- */

static enum capmill_status add_pieces(struct cm_table_output *output, struct item *item,
                                      struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    for (size_t i = 0; i < item->n; i++) {
        struct piece *piece = &item->pieces[i];

        if (status >= 0)
            status = cm_table_files_add(output->files, piece->key, piece->part, piece->min_ns, piece->max_ns,
                                        error);
        else
            output->encoder.discard(output->encoder.context, piece->part);
    }
    item->n = 0;
    return status;
}

/* What flows have ended by these updates; NULL: all. */
static enum capmill_status add_flows(struct cm_table_output *output, const struct cm_flow_updates *updates,
                                     struct cm_error *error)
{
    struct local *local = output->writer_local;
    struct item item = {0};
    enum capmill_status status = cm_flow_rows_add(output->flows, updates, error);

    local->output = output;
    local->item = &item;
    /* a few at a time would make pages of a few rows */
    if (updates != NULL && cm_flow_rows_waiting(output->flows) < LEAST_FLOW_ROWS)
        return status;
    while (status == CAPMILL_OK) {
        struct cm_table_rows rows;

        status = cm_flow_rows_next(output->flows, &rows, error);
        if (status != CAPMILL_OK)
            break;
        status = cm_partition_rows(output->partition, local->split, output->whole, &rows, encode_rows, local,
                                   error);
        if (status >= 0)
            status = add_pieces(output, &item, error);
    }
    for (size_t i = 0; i < item.n; i++)
        output->encoder.discard(output->encoder.context, item.pieces[i].part);
    free(item.pieces);
    return status < 0 ? status : CAPMILL_OK;
}

static enum capmill_status work(void *context, void *what, struct cm_error *error)
{
    struct cm_table_output *output = context;
    struct item *item = what;
    enum capmill_status status = add_pieces(output, item, error);

    if (status >= 0 && item->updates != NULL)
        status = add_flows(output, item->updates, error);
    discard_item(output, item);
    return status;
}

enum capmill_status cm_table_output_finish(struct cm_table_output *output, struct cm_error *error)
{
    enum capmill_status status = cm_turns_finish(output->turns, error);

    if (status >= 0 && output->flows != NULL)
        status = add_flows(output, NULL, error);
    return status < 0 ? status : cm_table_files_finish(output->files, error);
}

enum capmill_status cm_table_output_commit(struct cm_table_output *output, struct cm_error *error)
{
    return cm_table_files_commit(output->files, error);
}

void cm_table_output_abort(struct cm_table_output *output)
{
    cm_turns_abort(output->turns);
}

const struct cm_table_files *cm_table_output_files(const struct cm_table_output *output)
{
    return output->files;
}

uint64_t cm_table_output_ended_early(const struct cm_table_output *output)
{
    return output->flows != NULL ? cm_flow_rows_ended_early(output->flows) : 0;
}

/* --- threads --- */

enum capmill_status cm_table_output_open(struct cm_table_output *output, void **local_ret,
                                         struct cm_error *error)
{
    struct local *local = calloc(1, sizeof(*local));
    enum capmill_status status = CAPMILL_OK;

    if (local == NULL)
        return no_memory(output, error);
    if (output->columns != NULL)
        local->columns = cm_packet_columns_local_create(output->columns);
    local->split = cm_partition_split_create();
    local->values = calloc(output->schema.n_columns + 1, sizeof(*local->values));
    if ((output->columns != NULL && local->columns == NULL) || local->split == NULL || local->values == NULL)
        status = no_memory(output, error);
    if (status >= 0 && output->encoder.open != NULL)
        status = output->encoder.open(output->encoder.context, &local->encoder, error);
    if (status < 0)
        cm_table_output_close(output, local);
    else
        *local_ret = local;
    return status < 0 ? status : CAPMILL_OK;
}

void cm_table_output_close(struct cm_table_output *output, void *context)
{
    struct local *local = context;

    if (local == NULL)
        return;
    cm_packet_columns_local_destroy(local->columns);
    if (output->encoder.close != NULL)
        output->encoder.close(output->encoder.context, local->encoder);
    cm_partition_split_destroy(local->split);
    free(local->values);
    free(local);
}

/* --- set-up --- */

static size_t column_of(const struct cm_table_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->n_columns; i++) {
        if (strcmp(schema->columns[i].name, name) == 0)
            return i;
    }
    return SIZE_MAX;
}

static bool is_column(const struct cm_table_output *output, const char *name)
{
    const struct cm_column *known;
    bool is_default;

    for (size_t i = 0; (known = output->options.of_flows ? cm_flow_column_known(i, &is_default)
                                                         : cm_packet_column_known(i, &is_default)) != NULL;
         i++) {
        if (strcmp(known->name, name) == 0)
            return true;
    }
    return false;
}

/* The names that were asked for, or those of the default set, and behind them what only folders tell; what is no
 * column is left for the partition to refuse. */
static enum capmill_status list_columns(struct cm_table_output *output, char **more, size_t n_more,
                                        const char ***names_ret, size_t *n_ret, struct cm_error *error)
{
    const struct cm_table_output_options *options = &output->options;
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
            return no_memory(output, error);
        }
        names[n++] = name;
    }
    output->schema.n_columns = n; /* those of the files, for now */
    for (size_t m = 0; m < n_more; m++) {
        bool there = !is_column(output, more[m]);

        for (size_t i = 0; i < n; i++)
            there = there || strcmp(names[i], more[m]) == 0;
        if (!there && names != NULL)
            names[n++] = more[m];
    }
    *names_ret = names;
    *n_ret = n;
    return CAPMILL_OK;
}

static enum capmill_status make_rows(struct cm_table_output *output, const char *const *names, size_t n,
                                     struct cm_error *error)
{
    struct cm_packet_columns_options packets = output->options.packets;
    struct cm_flow_rows_options flows = output->options.flows;
    enum capmill_status status;

    packets.names = flows.names = names;
    packets.n_names = flows.n_names = n;
    if (output->options.of_flows) {
        status = cm_flow_rows_create(&flows, &output->flows, error);
        if (status >= 0)
            output->whole = cm_flow_rows_schema(output->flows);
    } else {
        status = cm_packet_columns_create(&packets, &output->columns, error);
        if (status >= 0)
            output->whole = cm_packet_columns_schema(output->columns);
    }
    return status;
}

/* The files have what was asked for, but for what their folder tells. */
static enum capmill_status make_schema(struct cm_table_output *output, struct cm_error *error)
{
    size_t n_asked = output->schema.n_columns;
    size_t n = 0;

    output->schema_columns = calloc(n_asked + 1, sizeof(*output->schema_columns));
    output->schema_from = calloc(n_asked + 1, sizeof(*output->schema_from));
    if (output->schema_columns == NULL || output->schema_from == NULL)
        return no_memory(output, error);
    for (size_t i = 0; i < n_asked && i < output->whole->n_columns; i++) {
        if (cm_partition_tells(output->partition, output->whole->columns[i].name))
            continue;
        output->schema_columns[n] = output->whole->columns[i];
        output->schema_from[n++] = i;
    }
    if (n == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%s: every column is told by the folders, and none is left for the files",
                            output->options.partition_origin);
    output->schema = (struct cm_table_schema){output->whole->record_name, output->schema_columns, n};
    return CAPMILL_OK;
}

static enum capmill_status set_up_columns(struct cm_table_output *output, struct cm_error *error)
{
    const char *time_name = output->options.of_flows ? "first_ns" : "timestamp_ns";
    const char *last_name = output->options.of_flows ? "last_ns" : "timestamp_ns";
    const char *text = output->options.partition;
    char *more[CM_PARTITION_MAX_COLUMNS + 2];
    const char **names = NULL;
    size_t n_more = text != NULL ? cm_partition_names(text, time_name, more) : 0;
    size_t n = 0;
    enum capmill_status status = list_columns(output, more, n_more, &names, &n, error);

    if (status >= 0)
        status = make_rows(output, names, n, error);
    if (status >= 0 && text != NULL)
        status = cm_partition_create(text, output->options.partition_origin, output->whole, time_name,
                                     &output->partition, error);
    if (status >= 0)
        status = make_schema(output, error);
    if (status >= 0) {
        output->time_column = column_of(output->whole, time_name);
        output->last_time_column = column_of(output->whole, last_name);
        if (output->last_time_column == SIZE_MAX)
            output->time_column = SIZE_MAX;
    }
    free(names);
    for (size_t i = 0; i < n_more; i++)
        free(more[i]);
    return status;
}

static enum capmill_status make_encoder(struct cm_table_output *output, struct cm_error *error)
{
    struct cm_table_options encoding = output->options.encoding;
    enum capmill_status status = CAPMILL_E_INTERNAL;

    encoding.schema = &output->schema;
    switch (output->options.format) {
    case CM_TABLE_PARQUET:
        return cm_parquet_encoder_create(&encoding, &output->encoder, error);
    case CM_TABLE_AVRO:
        status = cm_avro_encoder_create(&encoding, &output->encoder, error);
        if (status >= 0)
            status = cm_avro_schema_text(&output->schema, true, &output->sidecar, error);
        return status;
    case CM_TABLE_JSONL:
        return cm_jsonl_encoder_create(&encoding, &output->encoder, error);
    }
    return status;
}

static void on_small_groups(void *context, const char *path)
{
    struct cm_table_output *output = context;
    char text[256];

    snprintf(text, sizeof(text),
             "%.150s: row groups end before they are full, as --memory does not allow for more", path);
    if (output->options.note != NULL)
        output->options.note(output->options.context, text);
}

static bool is_dataset(const struct cm_table_output_options *options)
{
    return options->partition != NULL || options->max_file_bytes > 0;
}

static const char *format_name(enum cm_table_format format)
{
    return format == CM_TABLE_PARQUET ? "parquet" : format == CM_TABLE_AVRO ? "avro" : "jsonl";
}

static enum capmill_status open_files(struct cm_table_output *output, struct cm_error *error)
{
    const struct cm_table_output_options *options = &output->options;
    struct cm_table_files_options files = {
        .path = options->path,
        .is_dataset = is_dataset(options),
        .rules = options->rules,
        .encoder = &output->encoder,
        .sidecar = output->sidecar,
        .sidecar_extension = CM_AVRO_SIDECAR,
        .max_file_bytes = options->max_file_bytes,
        /* a quarter is for blocks that wait, half for flows that have not ended */
        .memory_bytes = options->memory_bytes / 4 * (options->of_flows ? 1 : 3),
        .manifest = {.format = format_name(options->format),
                     .codec = cm_codec_name(options->encoding.codec),
                     .notes = options->encoding.notes,
                     .n_notes = options->encoding.n_notes,
                     .partition = options->partition,
                     .inputs = options->inputs,
                     .n_inputs = options->n_inputs},
        .on_small_groups = on_small_groups,
        .context = output,
    };

    return cm_table_files_create(&files, &output->files, error);
}

/* Whether a table in parts can be there. */
static enum capmill_status check_folder(const char *path, struct cm_error *error)
{
    struct cm_file_facts facts;

    if (cm_output_is_stream(path))
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%s cannot be a table in parts (--partition, --max-file-size): name a folder",
                            strcmp(path, "-") == 0 ? "standard output" : path);
    if (cm_path_facts(path, &facts, NULL) == CAPMILL_OK && facts.type != CM_FILE_FOLDER)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%s is a file; a table in parts (--partition, --max-file-size) needs a folder",
                            path);
    return CAPMILL_OK;
}

/* All but the files. */
static enum capmill_status set_up(struct cm_table_output *output, struct cm_error *error)
{
    const struct cm_table_output_options *options = &output->options;
    enum capmill_status status = set_up_columns(output, error);

    if (status >= 0 && make_encoder(output, error) < 0)
        return cm_error_context(error, "output %s", options->path);
    return status < 0 || !is_dataset(options) ? status : check_folder(options->path, error);
}

enum capmill_status cm_table_output_check(const struct cm_table_output_options *options,
                                          bool *wants_flows_ret, struct cm_error *error)
{
    struct cm_table_output *output = calloc(1, sizeof(*output));
    void *local = NULL;
    enum capmill_status status;

    if (output == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for output %s", options->path);
    output->options = *options;
    status = set_up(output, error);
    /* what a thread needs to encode, a compressor say, is part of it */
    if (status >= 0 && cm_table_output_open(output, &local, error) < 0)
        status = cm_error_context(error, "output %s", options->path);
    *wants_flows_ret =
        status >= 0 && output->columns != NULL && cm_packet_columns_want_flows(output->columns);
    cm_table_output_close(output, local);
    cm_table_output_destroy(output);
    return status < 0 ? status : CAPMILL_OK;
}

static uint64_t ahead_bytes(const struct cm_table_output_options *options)
{
    return cm_min_u64(MOST_AHEAD_BYTES, options->memory_bytes / 4);
}

enum capmill_status cm_table_output_create(const struct cm_table_output_options *options,
                                           struct cm_table_output **output_ret, struct cm_error *error)
{
    struct cm_table_output *output = calloc(1, sizeof(*output));
    struct cm_turns_options turns = {.name = "cm-table",
                                     .own_thread = options->n_threads > 1,
                                     .context = output,
                                     .work = work,
                                     .discard = discard_item,
                                     .limit_bytes = ahead_bytes(options)};
    enum capmill_status status;

    if (output == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for output %s", options->path);
    output->options = *options;
    status = set_up(output, error);
    if (status >= 0)
        status = open_files(output, error);
    if (status >= 0 && options->of_flows)
        status = cm_table_output_open(output, &output->writer_local, error);
    if (status >= 0)
        status = cm_turns_create(&turns, &output->turns, error);
    if (status < 0)
        cm_table_output_destroy(output);
    else
        *output_ret = output;
    return status < 0 ? status : CAPMILL_OK;
}

void cm_table_output_destroy(struct cm_table_output *output)
{
    if (output == NULL)
        return;
    cm_turns_destroy(output->turns); /* first: its thread uses the rest */
    cm_table_output_close(output, output->writer_local);
    cm_table_files_destroy(output->files);
    if (output->encoder.destroy != NULL)
        output->encoder.destroy(output->encoder.context);
    cm_partition_destroy(output->partition);
    cm_packet_columns_destroy(output->columns);
    cm_flow_rows_destroy(output->flows);
    free(output->schema_columns);
    free(output->schema_from);
    free(output->sidecar);
    free(output);
}

bool cm_table_output_wants_headers(const struct cm_table_output *output)
{
    return output->flows != NULL || cm_packet_columns_want_headers(output->columns);
}

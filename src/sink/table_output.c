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
#include "sink/table_columns_int.h"
#include "sink/turns.h"

/* Encoded blocks that may wait for a slow disk or reader, at most: some for each of many threads. More than that
 * only makes memory of what a cache would hold. The one whose turn it is never waits, so less is no deadlock. */
#define MOST_AHEAD_BYTES (64u * 1024 * 1024)

/* Rows of flows that are encoded together, but at the end. */
#define LEAST_FLOW_ROWS 4096u

struct cm_table_output {
    struct cm_table_output_options options;
    struct cm_table_columns columns;
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

    for (uint32_t i = 0; i < rows->n_rows && output->columns.time_column != SIZE_MAX; i++) {
        min_ns = cm_min_u64(min_ns, rows->columns[output->columns.time_column].numbers[i]);
        max_ns = cm_max_u64(max_ns, rows->columns[output->columns.last_time_column].numbers[i]);
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
    for (size_t i = 0; i < output->columns.schema.n_columns; i++)
        local->values[i] = part->rows.columns[output->columns.schema_from[i]];
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
    } else if (output->columns.flows != NULL) {
        status = cm_flow_updates_make(output->columns.flows, packets, &item->updates, error);
    } else {
        status = cm_packet_columns_fill(output->columns.packets, local->columns, packets, &rows, error);
        if (status >= 0)
            status = cm_partition_rows(output->columns.partition, local->split, output->columns.whole, &rows,
                                       encode_rows, local, error);
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
    enum capmill_status status = cm_flow_rows_add(output->columns.flows, updates, error);

    local->output = output;
    local->item = &item;
    /* a few at a time would make pages of a few rows */
    if (updates != NULL && cm_flow_rows_waiting(output->columns.flows) < LEAST_FLOW_ROWS)
        return status;
    while (status == CAPMILL_OK) {
        struct cm_table_rows rows;

        status = cm_flow_rows_next(output->columns.flows, &rows, error);
        if (status != CAPMILL_OK)
            break;
        status = cm_partition_rows(output->columns.partition, local->split, output->columns.whole, &rows,
                                   encode_rows, local, error);
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

    if (status >= 0 && output->columns.flows != NULL)
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
    return output->columns.flows != NULL ? cm_flow_rows_ended_early(output->columns.flows) : 0;
}

/* --- threads --- */

enum capmill_status cm_table_output_open(struct cm_table_output *output, void **local_ret,
                                         struct cm_error *error)
{
    struct local *local = calloc(1, sizeof(*local));
    enum capmill_status status = CAPMILL_OK;

    if (local == NULL)
        return no_memory(output, error);
    if (output->columns.packets != NULL)
        local->columns = cm_packet_columns_local_create(output->columns.packets);
    local->split = cm_partition_split_create();
    local->values = calloc(output->columns.schema.n_columns + 1, sizeof(*local->values));
    if ((output->columns.packets != NULL && local->columns == NULL) || local->split == NULL ||
        local->values == NULL)
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

static enum capmill_status make_encoder(struct cm_table_output *output, struct cm_error *error)
{
    struct cm_table_options encoding = output->options.encoding;
    enum capmill_status status = CAPMILL_E_INTERNAL;

    encoding.schema = &output->columns.schema;
    switch (output->options.format) {
    case CM_TABLE_PARQUET:
        return cm_parquet_encoder_create(&encoding, &output->encoder, error);
    case CM_TABLE_AVRO:
        status = cm_avro_encoder_create(&encoding, &output->encoder, error);
        if (status >= 0)
            status = cm_avro_schema_text(&output->columns.schema, true, &output->sidecar, error);
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
    enum capmill_status status = cm_table_columns_make(&output->options, &output->columns, error);

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
    *wants_flows_ret = status >= 0 && output->columns.packets != NULL &&
                       cm_packet_columns_want_flows(output->columns.packets);
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
    cm_table_columns_free(&output->columns);
    free(output->sidecar);
    free(output);
}

bool cm_table_output_wants_headers(const struct cm_table_output *output)
{
    return output->columns.flows != NULL || cm_packet_columns_want_headers(output->columns.packets);
}

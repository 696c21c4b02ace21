/* SPDX-License-Identifier: Apache-2.0 */
/* Translating a job's tables, and trying them before any work. */
#include "pipeline/table_wish.h"

#include "pipeline/outputs.h"

#define DEFAULT_IDLE_NS   UINT64_C(60000000000)
#define DEFAULT_ACTIVE_NS UINT64_C(1800000000000)
/* What a table that is only tried may take. */
#define TRIAL_BYTES (1024u * 1024)

enum cm_codec cm_table_codec(enum capmill_codec codec)
{
    switch (codec) {
    case CAPMILL_CODEC_DEFAULT:
        break;
    case CAPMILL_CODEC_NONE:
        return CM_CODEC_NONE;
    case CAPMILL_CODEC_SNAPPY:
        return CM_CODEC_SNAPPY;
    case CAPMILL_CODEC_ZSTD:
        return CM_CODEC_ZSTD;
    case CAPMILL_CODEC_GZIP:
        return CM_CODEC_GZIP;
    case CAPMILL_CODEC_LZ4:
        return CM_CODEC_LZ4;
    }
    return CM_CODEC_DEFAULT;
}

static enum cm_table_format table_format(enum capmill_format format)
{
    return format == CAPMILL_FORMAT_PARQUET ? CM_TABLE_PARQUET
           : format == CAPMILL_FORMAT_AVRO  ? CM_TABLE_AVRO
                                            : CM_TABLE_JSONL;
}

/* 0: the default; UINT64_MAX: never, which is 0 to the flows. */
static uint64_t timeout_of(uint64_t timeout_ns, uint64_t default_ns)
{
    return timeout_ns == 0 ? default_ns : timeout_ns == UINT64_MAX ? 0 : timeout_ns;
}

/* The level that is meant for a codec: among tables that have levels there may be some that have none. */
static int level_of(const struct capmill_job *job, enum cm_codec codec)
{
    bool any_has = false;

    for (size_t i = 0; i < job->n_outputs; i++)
        any_has = any_has || (cm_format_is_table(cm_output_format(&job->outputs[i])) &&
                              cm_codec_has_levels(cm_table_codec(cm_output_codec(job, &job->outputs[i]))));
    return any_has && !cm_codec_has_levels(codec) ? 0 : job->table.compression_level;
}

void cm_table_wish(const struct capmill_job *job, const struct capmill_output *output,
                   const struct cm_column_lists *lists, struct cm_table_output_options *options_ret)
{
    const struct capmill_table *table = &job->table;

    *options_ret = (struct cm_table_output_options){
        .path = output->path,
        .format = table_format(cm_output_format(output)),
        .encoding = {.codec = cm_table_codec(cm_output_codec(job, output)),
                     .level = level_of(job, cm_table_codec(cm_output_codec(job, output))),
                     .row_group_bytes = table->row_group_bytes,
                     .row_group_rows = table->row_group_rows,
                     .compress_payload = output->compress_payload || table->compress_payload,
                     .wide_numbers_as_text = table->wide_numbers_as_text},
        .of_flows = cm_output_has_rows_of_flows(job, output),
        .packets = {.names = lists->packets,
                    .n_names = lists->n_packets,
                    .unidirectional = job->unidirectional,
                    .bloom_flow_id = table->bloom_filter},
        .flows = {.names = lists->flows,
                  .n_names = lists->n_flows,
                  .unidirectional = job->unidirectional,
                  .bloom_flow_id = table->bloom_filter,
                  .idle_ns = timeout_of(table->idle_timeout_ns, DEFAULT_IDLE_NS),
                  .active_ns = timeout_of(table->active_timeout_ns, DEFAULT_ACTIVE_NS)},
        .partition = table->partition.value,
        .partition_origin = table->partition.origin != NULL ? table->partition.origin : "partition",
        .max_file_bytes = table->max_file_bytes,
    };
}

/* --- trying --- */

static enum capmill_status try_packets(const char *const *names, size_t n, struct cm_error *error)
{
    const struct cm_packet_columns_options options = {.names = names, .n_names = n};
    struct cm_packet_columns *columns = NULL;
    enum capmill_status status = cm_packet_columns_create(&options, &columns, error);

    cm_packet_columns_destroy(columns);
    return status;
}

static enum capmill_status try_flows(const char *const *names, size_t n, struct cm_error *error)
{
    const struct cm_flow_rows_options options = {.names = names, .n_names = n, .memory_bytes = TRIAL_BYTES};
    struct cm_flow_rows *flows = NULL;
    enum capmill_status status = cm_flow_rows_create(&options, &flows, error);

    cm_flow_rows_destroy(flows);
    return status;
}

/* A list of columns, whether or not an output takes it. Of what is wrong, where it was said. */
static enum capmill_status check_list(enum capmill_status (*try_names)(const char *const *names, size_t n,
                                                                       struct cm_error *error),
                                      const char *const *names, const struct capmill_word *const *words,
                                      size_t n, struct cm_error *error)
{
    for (size_t i = 1; i <= n; i++) {
        if (try_names(names, i, error) < 0)
            return cm_error_context(error, "%.300s",
                                    words[i - 1]->origin != NULL ? words[i - 1]->origin : "columns");
    }
    return CAPMILL_OK;
}

static enum capmill_status check_table(const struct capmill_job *job, const struct capmill_output *output,
                                       const struct cm_column_lists *lists, bool *wants_flows_ret,
                                       struct cm_error *error)
{
    struct cm_table_output_options options;

    cm_table_wish(job, output, lists, &options);
    options.flows.memory_bytes = TRIAL_BYTES;
    options.memory_bytes = TRIAL_BYTES;
    options.n_threads = 1;
    return cm_table_output_check(&options, wants_flows_ret, error);
}

enum capmill_status cm_tables_check(const struct capmill_job *job, bool *want_flows_ret,
                                    struct cm_error *error)
{
    struct cm_column_lists lists;
    bool any_wants = false;
    enum capmill_status status = cm_column_lists_make(job, &lists, error);

    if (status >= 0)
        status = check_list(try_packets, lists.packets, lists.packet_words, lists.n_packets, error);
    if (status >= 0)
        status = check_list(try_flows, lists.flows, lists.flow_words, lists.n_flows, error);
    for (size_t i = 0; i < job->n_outputs && status >= 0; i++) {
        bool wants = false;

        if (cm_format_is_table(cm_output_format(&job->outputs[i])))
            status = check_table(job, &job->outputs[i], &lists, &wants, error);
        any_wants = any_wants || wants;
    }
    cm_column_lists_free(&lists);
    if (want_flows_ret != NULL)
        *want_flows_ret = any_wants;
    return status < 0 ? status : CAPMILL_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what a job says of its outputs. Nothing is opened here. */
#include "pipeline/outputs.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "codec/codec.h"
#include "pipeline/table_wish.h"
#include "sink/ordered_file.h"

static const struct {
    const char *extension;
    enum capmill_format format;
    enum capmill_codec codec; /* that it says */
} extensions[] = {
    {".pcap", CAPMILL_FORMAT_PCAP, CAPMILL_CODEC_DEFAULT},
    {".cap", CAPMILL_FORMAT_PCAP, CAPMILL_CODEC_DEFAULT},
    {".dmp", CAPMILL_FORMAT_PCAP, CAPMILL_CODEC_DEFAULT},
    {".pcapng", CAPMILL_FORMAT_PCAPNG, CAPMILL_CODEC_DEFAULT},
    {".parquet", CAPMILL_FORMAT_PARQUET, CAPMILL_CODEC_DEFAULT},
    {".avro", CAPMILL_FORMAT_AVRO, CAPMILL_CODEC_DEFAULT},
    {".jsonl", CAPMILL_FORMAT_JSONL, CAPMILL_CODEC_DEFAULT},
    {".ndjson", CAPMILL_FORMAT_JSONL, CAPMILL_CODEC_DEFAULT},
    {".json", CAPMILL_FORMAT_JSONL, CAPMILL_CODEC_DEFAULT},
    {".jsonl.gz", CAPMILL_FORMAT_JSONL, CAPMILL_CODEC_GZIP},
    {".ndjson.gz", CAPMILL_FORMAT_JSONL, CAPMILL_CODEC_GZIP},
    {".json.gz", CAPMILL_FORMAT_JSONL, CAPMILL_CODEC_GZIP},
    {".jsonl.zst", CAPMILL_FORMAT_JSONL, CAPMILL_CODEC_ZSTD},
    {".ndjson.zst", CAPMILL_FORMAT_JSONL, CAPMILL_CODEC_ZSTD},
    {".json.zst", CAPMILL_FORMAT_JSONL, CAPMILL_CODEC_ZSTD},
};

static char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

/* In any case: X.PARQUET is no capture. */
static bool ends_with(const char *text, const char *end)
{
    size_t n_text = strlen(text);
    size_t n_end = strlen(end);

    if (n_text < n_end)
        return false;
    for (size_t i = 0; i < n_end; i++) {
        if (lower(text[n_text - n_end + i]) != end[i])
            return false;
    }
    return true;
}

enum capmill_format cm_output_format(const struct capmill_output *output)
{
    if (output->format != CAPMILL_FORMAT_AUTO)
        return output->format;
    for (size_t i = 0; i < CM_ARRAY_COUNT(extensions); i++) {
        if (ends_with(output->path, extensions[i].extension))
            return extensions[i].format;
    }
    return CAPMILL_FORMAT_AUTO;
}

/* What Parquet is compressed with where nobody says: snappy, which every reader has, or the nearest that this
 * build has. */
static enum capmill_codec parquet_codec(void)
{
    return cm_codec_available(CM_CODEC_SNAPPY) ? CAPMILL_CODEC_SNAPPY
           : cm_codec_available(CM_CODEC_ZSTD) ? CAPMILL_CODEC_ZSTD
           : cm_codec_available(CM_CODEC_GZIP) ? CAPMILL_CODEC_GZIP
                                               : CAPMILL_CODEC_NONE;
}

/* As the output, its extension or the job names it. */
static enum capmill_codec named_codec(const struct capmill_job *job, const struct capmill_output *output)
{
    enum capmill_format format = cm_output_format(output);

    if (output->codec != CAPMILL_CODEC_DEFAULT)
        return output->codec;
    for (size_t i = 0; i < CM_ARRAY_COUNT(extensions) && format == CAPMILL_FORMAT_JSONL; i++) {
        if (ends_with(output->path, extensions[i].extension) && extensions[i].codec != CAPMILL_CODEC_DEFAULT)
            return extensions[i].codec;
    }
    if (job->table.codec != CAPMILL_CODEC_DEFAULT)
        return job->table.codec;
    /* in the formats that compress blocks the word is for these */
    if (format != CAPMILL_FORMAT_JSONL && (output->compress_payload || job->table.compress_payload))
        return CAPMILL_CODEC_ZSTD;
    return CAPMILL_CODEC_DEFAULT;
}

enum capmill_codec cm_output_codec(const struct capmill_job *job, const struct capmill_output *output)
{
    enum capmill_codec codec = named_codec(job, output);

    if (codec != CAPMILL_CODEC_DEFAULT)
        return codec;
    return cm_output_format(output) == CAPMILL_FORMAT_PARQUET ? parquet_codec() : CAPMILL_CODEC_NONE;
}

bool cm_output_codec_is_substitute(const struct capmill_job *job, const struct capmill_output *output)
{
    return cm_output_format(output) == CAPMILL_FORMAT_PARQUET &&
           named_codec(job, output) == CAPMILL_CODEC_DEFAULT && parquet_codec() != CAPMILL_CODEC_SNAPPY;
}

bool cm_output_has_rows_of_flows(const struct capmill_job *job, const struct capmill_output *output)
{
    return (output->rows != CAPMILL_ROWS_DEFAULT ? output->rows : job->table.rows) == CAPMILL_ROWS_FLOWS;
}

bool cm_job_has_tables(const struct capmill_job *job)
{
    for (size_t i = 0; i < job->n_outputs; i++) {
        if (cm_format_is_table(cm_output_format(&job->outputs[i])))
            return true;
    }
    return false;
}

bool cm_job_is_one_capture(const struct capmill_job *job)
{
    return job->n_outputs == 1 && !cm_job_has_tables(job);
}

bool cm_job_writes_a_stream(const struct capmill_job *job)
{
    for (size_t i = 0; i < job->n_outputs; i++) {
        if (cm_output_is_stream(job->outputs[i].path))
            return true;
    }
    return false;
}

struct cm_writer_wish cm_output_wish(const struct capmill_job *job, const struct capmill_output *output)
{
    struct cm_writer_wish wish = {.application = "capmill"};
    enum capmill_format format = cm_output_format(output);

    if (format == CAPMILL_FORMAT_PCAP)
        wish.kind = CM_WRITER_KIND_PCAP;
    else if (format == CAPMILL_FORMAT_PCAPNG)
        wish.kind = CM_WRITER_KIND_PCAPNG;
    if (job->nanoseconds)
        wish.units = CM_WRITER_UNITS_NANO;
    else if (job->microseconds)
        wish.units = CM_WRITER_UNITS_MICRO;
    return wish;
}

/* --- what does not go together --- */

static const char *format_text(enum capmill_format format)
{
    switch (format) {
    case CAPMILL_FORMAT_PARQUET:
        return "Parquet";
    case CAPMILL_FORMAT_AVRO:
        return "Avro";
    case CAPMILL_FORMAT_JSONL:
        return "JSON lines";
    case CAPMILL_FORMAT_PCAP:
        return "pcap";
    case CAPMILL_FORMAT_PCAPNG:
        return "pcapng";
    case CAPMILL_FORMAT_AUTO:
        break;
    }
    return "a capture";
}

static const char *codecs_text(enum capmill_format format)
{
    return format == CAPMILL_FORMAT_AVRO ? "none, snappy, zstd and gzip (deflate)" : "none, zstd and gzip";
}

static bool format_has(enum capmill_format format, enum capmill_codec codec)
{
    switch (codec) {
    case CAPMILL_CODEC_DEFAULT:
    case CAPMILL_CODEC_NONE:
    case CAPMILL_CODEC_ZSTD:
    case CAPMILL_CODEC_GZIP:
        return true;
    case CAPMILL_CODEC_SNAPPY:
        return format != CAPMILL_FORMAT_JSONL;
    case CAPMILL_CODEC_LZ4:
        return format == CAPMILL_FORMAT_PARQUET;
    }
    return false;
}

/* Tables were asked for in detail, and none is written: a name whose extension says nothing became a capture. */
static const char *meant_for_tables(const struct capmill_job *job)
{
    return job->table.partition.value != NULL ? "--partition"
           : job->table.max_file_bytes > 0    ? "--max-file-size"
           : job->table.n_columns > 0         ? "--columns"
           : job->table.n_flow_columns > 0    ? "--flow-columns"
                                              : NULL;
}

static enum capmill_status check_any_table(const struct capmill_job *job, struct cm_error *error)
{
    const char *option = meant_for_tables(job);
    const char *path;

    if (option == NULL || job->n_outputs == 0 || cm_job_has_tables(job))
        return CAPMILL_OK;
    path = job->outputs[0].path;
    return cm_error_set(error, CAPMILL_E_USAGE, 0,
                        "output %s is %s, and %s is for tables; name a format (-o parquet=%s)", path,
                        format_text(cm_output_format(&job->outputs[0])), option, path);
}

static enum capmill_status check_output(const struct capmill_job *job, const struct capmill_output *output,
                                        struct cm_error *error)
{
    enum capmill_format format = cm_output_format(output);
    bool is_table = cm_format_is_table(format);
    enum capmill_codec codec = is_table ? cm_output_codec(job, output) : CAPMILL_CODEC_DEFAULT;

    if (!is_table && (output->codec != CAPMILL_CODEC_DEFAULT || output->rows != CAPMILL_ROWS_DEFAULT ||
                      output->compress_payload))
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "output %s is %s: codecs and kinds of rows are for tables", output->path,
                            format_text(format));
    if (!format_has(format, codec))
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "output %s: %s has no codec %s, but %s", output->path,
                            format_text(format), cm_codec_name(cm_table_codec(codec)), codecs_text(format));
    return CAPMILL_OK;
}

static bool same_path(const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return true;
    return !cm_output_is_stream(a) && !cm_output_is_stream(b) && cm_path_is_same(a, b);
}

/* The schema beside a file of Avro; NULL where there is none. One allocation. */
static char *schema_path(const struct capmill_job *job, const struct capmill_output *output)
{
    bool in_parts = cm_job_tables_are_data_sets(job);

    if (in_parts || cm_output_format(output) != CAPMILL_FORMAT_AVRO || cm_output_is_stream(output->path))
        return NULL;
    return cm_table_sidecar_path(output->path, ".avro", CM_AVRO_SIDECAR);
}

/* Whether two outputs, or what is written beside them, would be one file. */
static enum capmill_status check_two(const struct capmill_job *job, const struct capmill_output *a,
                                     const struct capmill_output *b, struct cm_error *error)
{
    char *schema_a = schema_path(job, a);
    char *schema_b = schema_path(job, b);
    enum capmill_status status = CAPMILL_OK;

    if (same_path(a->path, b->path))
        status =
            cm_error_set(error, CAPMILL_E_USAGE, 0,
                         "outputs %s and %s are the same; each needs a path of its own", a->path, b->path);
    else if ((schema_a != NULL && same_path(schema_a, b->path)) ||
             (schema_b != NULL && same_path(schema_b, a->path)) ||
             (schema_a != NULL && schema_b != NULL && same_path(schema_a, schema_b)))
        status = cm_error_set(error, CAPMILL_E_USAGE, 0,
                              "outputs %s and %s do not go together: the schema of one, %s, would be written "
                              "over; name one of them otherwise",
                              a->path, b->path, schema_a != NULL ? schema_a : schema_b);
    free(schema_a);
    free(schema_b);
    return status;
}

enum capmill_status cm_outputs_check(const struct capmill_job *job, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    for (size_t i = 0; i < job->n_outputs && status >= 0; i++) {
        status = check_output(job, &job->outputs[i], error);
        for (size_t k = 0; k < i && status >= 0; k++)
            status = check_two(job, &job->outputs[k], &job->outputs[i], error);
    }
    if (status >= 0 && job->slice_ns != 0 && job->n_outputs > 0 && !cm_job_is_one_capture(job)) {
        bool any_capture = false;

        for (size_t i = 0; i < job->n_outputs; i++)
            any_capture = any_capture || !cm_format_is_table(cm_output_format(&job->outputs[i]));
        if (!any_capture)
            status =
                cm_error_set(error, CAPMILL_E_USAGE, 0,
                             "slices are captures, and no output is one; cut tables with --partition dt/hr");
    }
    if (status >= 0)
        status = check_any_table(job, error);
    return status < 0 ? status : cm_tables_check(job, NULL, error);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what a job says of its outputs. Nothing is opened here. */
#include "pipeline/outputs.h"

#include <string.h>

#include "base/checked.h"
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

static bool ends_with(const char *text, const char *end)
{
    size_t n_text = strlen(text);
    size_t n_end = strlen(end);

    return n_text >= n_end && strcmp(text + n_text - n_end, end) == 0;
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

enum capmill_codec cm_output_codec(const struct capmill_job *job, const struct capmill_output *output)
{
    enum capmill_format format = cm_output_format(output);

    if (output->codec != CAPMILL_CODEC_DEFAULT)
        return output->codec;
    for (size_t i = 0; i < CM_ARRAY_COUNT(extensions) && format == CAPMILL_FORMAT_JSONL; i++) {
        if (ends_with(output->path, extensions[i].extension) && extensions[i].codec != CAPMILL_CODEC_DEFAULT)
            return extensions[i].codec;
    }
    /* in the formats that compress blocks the word is for these */
    if (format != CAPMILL_FORMAT_JSONL && (output->compress_payload || job->table.compress_payload))
        return CAPMILL_CODEC_ZSTD;
    return CAPMILL_CODEC_DEFAULT;
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

static const char *codec_text(enum capmill_codec codec)
{
    static const char *const names[] = {"default", "none", "snappy", "zstd", "gzip", "lz4"};

    return codec < CM_ARRAY_COUNT(names) ? names[codec] : "?";
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

static enum capmill_status check_output(const struct capmill_job *job, const struct capmill_output *output,
                                        struct cm_error *error)
{
    enum capmill_format format = cm_output_format(output);
    bool is_table = cm_format_is_table(format);
    bool in_parts = job->table.partition.value != NULL || job->table.max_file_bytes > 0;

    if (!is_table && (output->codec != CAPMILL_CODEC_DEFAULT || output->rows != CAPMILL_ROWS_DEFAULT ||
                      output->compress_payload))
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "output %s is %s: codecs and kinds of rows are for tables", output->path,
                            format_text(format));
    if (is_table && !format_has(format, output->codec))
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "output %s: %s has no codec %s", output->path,
                            format_text(format), codec_text(output->codec));
    if (!is_table && in_parts && job->n_outputs == 1)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "output %s is %s, and --partition and --max-file-size are for tables; name a "
                            "format (-o parquet=%s), or cut captures with --slice",
                            output->path, format_text(format), output->path);
    return CAPMILL_OK;
}

/* Two devices of one identity are as good as two: what cannot be taken back is written as it is asked for. */
static bool same_file(const char *a, const char *b)
{
    return strcmp(a, b) == 0 || (!cm_output_is_stream(a) && !cm_output_is_stream(b) && cm_path_is_same(a, b));
}

enum capmill_status cm_outputs_check(const struct capmill_job *job, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    for (size_t i = 0; i < job->n_outputs && status >= 0; i++) {
        status = check_output(job, &job->outputs[i], error);
        for (size_t k = 0; k < i && status >= 0; k++) {
            if (same_file(job->outputs[i].path, job->outputs[k].path))
                status = cm_error_set(error, CAPMILL_E_USAGE, 0,
                                      "outputs %s and %s are the same; each needs a path of its own",
                                      job->outputs[k].path, job->outputs[i].path);
        }
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
    return status;
}

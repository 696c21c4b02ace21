/* SPDX-License-Identifier: Apache-2.0 */
/* What the outputs of a job are: formats by name or extension, and what does not go together, told before any
 * work. */
#ifndef CM_PIPELINE_OUTPUTS_H
#define CM_PIPELINE_OUTPUTS_H

#include "format/capture_writer.h"
#include "pipeline/run_int.h"

/* As the job says, or by the extension of the path; AUTO: a capture as the inputs are. */
enum capmill_format cm_output_format(const struct capmill_output *output);
static inline bool cm_format_is_table(enum capmill_format format)
{
    return format >= CAPMILL_FORMAT_PARQUET;
}
bool cm_job_has_tables(const struct capmill_job *job);
/* Tables are folders of files. */
static inline bool cm_job_tables_are_data_sets(const struct capmill_job *job)
{
    return job->table.partition.value != NULL || job->table.max_file_bytes > 0;
}
/* One capture is written, by places; else everything goes over a fan-out. */
bool cm_job_is_one_capture(const struct capmill_job *job);
/* Any output is written as it comes, so that nothing of it can be taken back. */
bool cm_job_writes_a_stream(const struct capmill_job *job);
bool cm_output_has_rows_of_flows(const struct capmill_job *job, const struct capmill_output *output);

/* The codec of a table, with what the extension, the job and this build say; never DEFAULT. */
enum capmill_codec cm_output_codec(const struct capmill_job *job, const struct capmill_output *output);
/* Whether it is another than the format's usual one, for want of that in this build. */
bool cm_output_codec_is_substitute(const struct capmill_job *job, const struct capmill_output *output);

enum capmill_status cm_outputs_check(const struct capmill_job *job, struct cm_error *error);

struct cm_writer_wish cm_output_wish(const struct capmill_job *job, const struct capmill_output *output);

#endif

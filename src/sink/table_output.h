/* SPDX-License-Identifier: Apache-2.0 */
/* A table as an output: packets in output order, in blocks, become rows of packets or of flows, are encoded by
 * whichever thread has them, and written in order by a thread of the output. */
#ifndef CM_SINK_TABLE_OUTPUT_H
#define CM_SINK_TABLE_OUTPUT_H

#include "sink/flow_rows.h"
#include "sink/packet_columns.h"
#include "sink/table_files.h"

/* The extension of the schema that is written beside Avro. */
#define CM_AVRO_SIDECAR ".avsc"

enum cm_table_format { CM_TABLE_PARQUET, CM_TABLE_AVRO, CM_TABLE_JSONL };

/* Everything that it points to outlives the output. */
struct cm_table_output_options {
    const char *path; /* a file, "-", or the folder of a data set */
    enum cm_table_format format;
    struct cm_output_rules rules;
    struct cm_table_options encoding; /* but for the schema; its codec is named */
    bool of_flows;                    /* rows of flows, as `flows` says; else of packets, as `packets` does */
    struct cm_packet_columns_options packets;
    struct cm_flow_rows_options flows;
    const char *partition;        /* "dt/hr"; NULL: none */
    const char *partition_origin; /* what a refusal begins with */
    uint64_t max_file_bytes;      /* 0: any size */
    unsigned n_threads;           /* that take blocks; with more than one the output has another to write */
    uint64_t memory_bytes;        /* for blocks that wait to be written, and for row groups */
    const struct cm_manifest_input *inputs;
    size_t n_inputs;
    void (*note)(void *context, const char *text); /* something worth telling a person. Any thread */
    void *context;
};

struct cm_table_output;

/* Whether there can be such an output: its columns, partitions, codec and level. Nothing is opened.
 * *wants_flows_ret: it takes facts of flows with each packet. */
enum capmill_status cm_table_output_check(const struct cm_table_output_options *options,
                                          bool *wants_flows_ret, struct cm_error *error);
enum capmill_status cm_table_output_create(const struct cm_table_output_options *options,
                                           struct cm_table_output **output_ret, struct cm_error *error);
/* Without a commit before, nothing of it stays. NULL accepted. */
void cm_table_output_destroy(struct cm_table_output *output);

bool cm_table_output_wants_headers(const struct cm_table_output *output);

/* State of a thread that takes blocks; `close` one thread at a time, NULL accepted. */
enum capmill_status cm_table_output_open(struct cm_table_output *output, void **local_ret,
                                         struct cm_error *error);
void cm_table_output_close(struct cm_table_output *output, void *local);
/* Block number `sequence`, as cm_taker.take. Waits while too much lies ahead of what is written. */
enum capmill_status cm_table_output_take(struct cm_table_output *output, void *local, uint64_t sequence,
                                         const struct cm_packet_rows *packets, struct cm_error *error);
/* All blocks were taken: write what is left. */
enum capmill_status cm_table_output_finish(struct cm_table_output *output, struct cm_error *error);
enum capmill_status cm_table_output_commit(struct cm_table_output *output, struct cm_error *error);
/* A thread failed: nobody waits for anybody any more. Any thread. */
void cm_table_output_abort(struct cm_table_output *output);

const struct cm_table_files *cm_table_output_files(const struct cm_table_output *output); /* for the report */
uint64_t cm_table_output_ended_early(const struct cm_table_output *output); /* flows, for want of memory */

#endif

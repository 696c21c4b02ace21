/* SPDX-License-Identifier: Apache-2.0 */
/* One capture among several outputs: blocks of packets are encoded by whichever thread has them and written in
 * order. A capture that is the only output goes by places instead (core/outlet.h), which saves a copy. */
#ifndef CM_PIPELINE_FAN_CAPTURE_H
#define CM_PIPELINE_FAN_CAPTURE_H

#include "pipeline/written.h"
#include "sink/file_outlet.h"
#include "sink/packet_columns.h"

struct cm_fan_capture;

struct cm_fan_capture_options {
    const char *path;
    const struct cm_writer_wish *wish;
    struct cm_inputs *inputs;
    struct cm_transform *transform;       /* NULL: none */
    struct cm_file_outlet_options outlet; /* but for path, threads and functions */
    unsigned n_threads;
    uint64_t memory_bytes; /* for blocks that wait to be written */
};

enum capmill_status cm_fan_capture_create(const struct cm_fan_capture_options *options,
                                          struct cm_fan_capture **capture_ret, struct cm_error *error);
void cm_fan_capture_destroy(struct cm_fan_capture *capture); /* NULL accepted */
/* As cm_taker: `*ticket_ret` is for take, or for drop. `first_ns`: of the earliest packet of the run; NULL: none has
 * come yet. */
enum capmill_status cm_fan_capture_settle(struct cm_fan_capture *capture,
                                          const struct cm_ordered_block *block, const uint64_t *first_ns,
                                          void **ticket_ret, struct cm_error *error);
enum capmill_status cm_fan_capture_take(struct cm_fan_capture *capture, const struct cm_ordered_block *block,
                                        const struct cm_packet_rows *packets, void *ticket,
                                        struct cm_error *error);
void cm_fan_capture_drop(struct cm_fan_capture *capture, void *ticket); /* NULL accepted */
enum capmill_status cm_fan_capture_finish(struct cm_fan_capture *capture, struct cm_error *error);
enum capmill_status cm_fan_capture_commit(struct cm_fan_capture *capture, struct cm_error *error);
void cm_fan_capture_abort(struct cm_fan_capture *capture);
/* For the report. */
const struct cm_written *cm_fan_capture_written(const struct cm_fan_capture *capture);
const struct cm_file_outlet *cm_fan_capture_outlet(const struct cm_fan_capture *capture);

#endif

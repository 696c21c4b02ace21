/* SPDX-License-Identifier: Apache-2.0 */
/* The written capture of a sort: the bridge between what orders packets (sort/) and what knows the bytes of
 * captures (format/). */
#ifndef CM_PIPELINE_WRITTEN_H
#define CM_PIPELINE_WRITTEN_H

#include "core/outlet.h"
#include "format/capture_writer.h"
#include "pipeline/inputs.h"

struct cm_written {
    struct cm_writer *writer;
    struct cm_inputs *inputs;
    struct cm_encoder encoder;
    struct cm_bytes preamble; /* header, interfaces and what else each file of a sliced output begins with */
    struct cm_bytes event_bytes;
    bool header_made;
    enum cm_capture_kind kind;
    bool big_endian;
    bool is_sliced;
};

/* `wish` as far as the user had one; kinds and units that follow from the inputs are worked out here. */
enum capmill_status cm_written_open(struct cm_written *written, struct cm_inputs *inputs,
                                    const struct cm_writer_wish *wish, bool is_sliced,
                                    struct cm_error *error);
void cm_written_close(struct cm_written *written);
/* For the outlet: what a file begins with. */
enum capmill_status cm_written_header(void *context, const uint8_t **bytes_ret, size_t *n_ret,
                                      struct cm_error *error);

#endif

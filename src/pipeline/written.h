/* SPDX-License-Identifier: Apache-2.0 */
/* The written capture of a sort: the bridge between what orders packets (sort/) and what knows the bytes of
 * captures (format/). */
#ifndef CM_PIPELINE_WRITTEN_H
#define CM_PIPELINE_WRITTEN_H

#include <stdatomic.h>

#include "core/outlet.h"
#include "format/capture_writer.h"
#include "pipeline/inputs.h"
#include "transform/transform.h"

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

    /* changes on the way */
    struct cm_transform *transform; /* NULL: none; borrowed */
    bool changes_packets, changes_lengths, changes_times;
    bool keeps_record_bytes; /* records keep their lengths, whatever changes in them */
    bool has_first;
    uint64_t
        first_ns; /* of the earliest packet, read; written under the lock of whoever settles the order, before
                          anything that needs it is encoded */
    /* times that did not fit, into 64 bits and into the seconds of pcap; relaxed: sums for the report */
    _Atomic uint64_t n_saturated, n_beyond_pcap;
};

/* `wish` as far as the user had one; kinds and units that follow from the inputs are worked out here.
 * `transform`: what changes on the way; NULL: nothing; outlives it. */
enum capmill_status cm_written_open(struct cm_written *written, struct cm_inputs *inputs,
                                    const struct cm_writer_wish *wish, struct cm_transform *transform,
                                    bool is_sliced, struct cm_error *error);
void cm_written_close(struct cm_written *written);
/* For the outlet: what a file begins with. */
enum capmill_status cm_written_header(void *context, const uint8_t **bytes_ret, size_t *n_ret,
                                      struct cm_error *error);

#endif

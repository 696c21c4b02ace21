/* SPDX-License-Identifier: Apache-2.0 */
/* The written capture of a sort: the bridge between what orders packets (sort/) and what knows the bytes of
 * captures (format/). */
#ifndef CM_PIPELINE_WRITTEN_H
#define CM_PIPELINE_WRITTEN_H

#include <stdatomic.h>

#include "core/ordered.h"
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
/* Known before any packet is: the time of the earliest. */
void cm_written_set_first(struct cm_written *written, uint64_t first_ns);

/* --- in steps, for packets that go to several outputs --- */

/* The packet in a record as it is written: changed where the transform says so, into `room` bytes at `scratch`
 * (at least cm_written_room of them). `local`: the encoder's, of this thread (NULL where it has no open).
 * place, interface and link type are the record's. */
enum capmill_status cm_written_render(struct cm_written *written, void *local, const struct cm_record *record,
                                      uint8_t *scratch, size_t room, struct cm_packet *packet_ret,
                                      struct cm_error *error);
/* 0 where packets are written as they are. */
size_t cm_written_room(const struct cm_written *written, const struct cm_record *record);
/* Length of a record with a packet rendered so, and the record itself. */
size_t cm_written_bytes_as(const struct cm_written *written, const struct cm_record *record,
                           const struct cm_packet *packet);
void cm_written_put_as(struct cm_written *written, const struct cm_record *record,
                       const struct cm_packet *packet, uint8_t *out);

/* For the outlet: what a file begins with. */
enum capmill_status cm_written_header(void *context, const uint8_t **bytes_ret, size_t *n_ret,
                                      struct cm_error *error);

#endif

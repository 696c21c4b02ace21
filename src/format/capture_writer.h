/* SPDX-License-Identifier: Apache-2.0 */
/* Records and blocks of written captures: what each packet becomes as bytes, and how long that is. No files, no threads;
 * after cm_writer_open everything but cm_writer_event is read-only and may be called by several threads. */
#ifndef CM_FORMAT_CAPTURE_WRITER_H
#define CM_FORMAT_CAPTURE_WRITER_H

#include "format/layout.h"

/* What is to be written. */
struct cm_writer_options {
    enum cm_capture_kind kind;
    bool big_endian;
    bool nanoseconds;          /* pcap: nanosecond magic */
    uint16_t link_type;        /* pcap */
    uint16_t link_type_high;   /* pcap */
    uint32_t snaplen;          /* pcap */
    const char *application;   /* pcapng: shb_userappl, e.g. "capmill 0.1.0"; NULL: none */
};

/* A packet to be written: its descriptor's essentials, small enough for an index entry to be turned into one. */
struct cm_written_packet {
    const uint8_t *record;     /* the whole record or block as read */
    uint32_t record_bytes;
    uint32_t interface;        /* index in its input's table */
    uint32_t input;
};

/* One input as the writer sees it. */
struct cm_writer_input {
    const struct cm_layout *layout;         /* as set up at the beginning of the input; for pcapng byte order comes from
                                               each interface's section */
    const struct cm_interfaces *interfaces; /* may grow while events are written */
    uint32_t *output_interface;             /* filled by the writer: output interface id by index, grows */
    uint32_t n_output_interface;
};

struct cm_writer;

/* `inputs` stays the caller's and is added to before its packets come. */
enum capmill_status cm_writer_open(const struct cm_writer_options *options, struct cm_writer **writer_ret,
                                   struct cm_error *error);
void cm_writer_close(struct cm_writer *writer);
enum capmill_status cm_writer_add_input(struct cm_writer *writer, uint32_t input, const struct cm_layout *layout,
                                        const struct cm_interfaces *interfaces, struct cm_error *error);

/* The file header, or section header block. Appends to `out`, a growing buffer of the caller. */
struct cm_bytes {
    uint8_t *data;
    size_t n;
    size_t capacity;
};
void cm_bytes_free(struct cm_bytes *bytes);
enum capmill_status cm_writer_header(struct cm_writer *writer, struct cm_bytes *out, struct cm_error *error);

/* Events in output order, by one thread: appends the blocks that they become (possibly none) to `out`. An interface gets
 * its output id here; one whose block equals, byte for byte, one that another section or input brought is not written a
 * second time but shares its id (mergecap does the same). Sections become none of their own: names, secrets, statistics,
 * custom and unknown blocks are carried, with interface ids and byte order adapted where the block's layout is known, and
 * dropped (counted by cm_writer_dropped) where it is not and the byte order differs. For pcap: nothing is written. */
enum capmill_status cm_writer_interface(struct cm_writer *writer, uint32_t input, uint32_t interface,
                                        struct cm_bytes *out, struct cm_error *error);
enum capmill_status cm_writer_metadata(struct cm_writer *writer, uint32_t input, uint32_t section,
                                       const uint8_t *block, size_t n, struct cm_bytes *out, struct cm_error *error);
uint64_t cm_writer_dropped(const struct cm_writer *writer);

/* Length of a packet as written. Same order, kind and units as read: its length as read. */
size_t cm_writer_packet_bytes(const struct cm_writer *writer, const struct cm_written_packet *packet);
/* Write it at `out` (room for cm_writer_packet_bytes); answers the length. Times that the written form cannot hold are
 * written as the nearest that it can. */
size_t cm_writer_packet(const struct cm_writer *writer, const struct cm_written_packet *packet, uint8_t *out);
/* True where every packet of `input` is written as its record's bytes unchanged: then runs of neighbours may be copied
 * together. */
bool cm_writer_verbatim(const struct cm_writer *writer, uint32_t input);

#endif

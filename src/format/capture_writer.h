/* SPDX-License-Identifier: Apache-2.0 */
/* Records and blocks of written captures: what each packet becomes as bytes, and how long that is. No files,
 * no threads.
 *
 * Order of calls: cm_writer_options_derive, cm_writer_open, cm_writer_add_input for every input,
 * cm_writer_section for the first section header of input 0 (where it is pcapng), cm_writer_header; then, in
 * output order, cm_writer_interface for every interface before its packets (for a pcap input once, interface
 * 0), cm_writer_metadata, and packets. cm_writer_packet_bytes, cm_writer_packet and cm_writer_verbatim may be
 * called by several threads, also while one thread makes the calls for events: all as soon as the inputs are
 * added and the packet's interface is in its input's table; cm_writer_packet for pcapng only once
 * cm_writer_interface made the interface known. */
#ifndef CM_FORMAT_CAPTURE_WRITER_H
#define CM_FORMAT_CAPTURE_WRITER_H

#include "format/bytes.h"
#include "format/layout.h"

/* What is to be written. */
struct cm_writer_options {
    enum cm_capture_kind kind;
    bool big_endian;
    bool nanoseconds;        /* pcap: nanosecond magic */
    uint16_t link_type;      /* pcap */
    uint16_t link_type_high; /* pcap */
    uint32_t snaplen;        /* pcap */
    const char *application; /* pcapng: shb_userappl, e.g. "capmill 0.1.0"; NULL: the first input's, if any.
                                Copied. */
    int32_t zone_offset;     /* pcap: thiszone and sigfigs, as the first input has them */
    uint32_t sigfigs;
    bool
        keep_simple_packets; /* pcapng: simple packet blocks of the input's interface 0, which is the output's
                                 interface 0 where there is one input, stay what they are as long as neither
                                 growth nor times change them; all others become enhanced packet blocks */
    uint32_t growth_bytes;   /* packets may become longer by so much: raises the written snap lengths that are
                              limits, of files and interfaces; 0: none does */
    bool retimed;            /* times will change: simple packet blocks become enhanced ones */
    bool
        bytes_change; /* bytes or lengths of packets will change: hashes of them, which would not be true, are
                              left out of every packet that is written as changed; else they stay */
};

/* A packet to be written: its descriptor's essentials, small enough for an index entry to be turned into
 * one. */
struct cm_written_packet {
    const uint8_t *record; /* the whole record or block as read */
    uint32_t record_bytes;
    uint32_t interface; /* index in its input's table */
    uint32_t input;
    uint64_t time_ns; /* used only for a record that carries no time (simple packet block) where the written
                         one does */
};

/* One input as the writer sees it. */
struct cm_writer_input {
    const struct cm_layout *layout; /* as set up at the beginning of the input; for pcapng byte order comes
                                       from each interface's section */
    const struct cm_interfaces *interfaces; /* may grow while events are written */
};

/* What the user asked for. Zeroed: let the inputs decide. */
enum cm_writer_kind_wish { CM_WRITER_KIND_AUTO = 0, CM_WRITER_KIND_PCAP = 1, CM_WRITER_KIND_PCAPNG = 2 };
enum cm_writer_units_wish { CM_WRITER_UNITS_AUTO = 0, CM_WRITER_UNITS_MICRO = 1, CM_WRITER_UNITS_NANO = 2 };
struct cm_writer_wish {
    enum cm_writer_kind_wish kind;
    enum cm_writer_units_wish units; /* matters for pcap only: pcapng keeps the units of each interface */
    const char *application;
};

/* Whether an interface's units are finer than the microseconds of a usual pcap file. */
bool cm_writer_finer_than_micro(const struct cm_time_units *units);

/* Options from the inputs as far as they are known now: byte order of the first; its kind, but pcapng where
 * link types are mixed; the greatest snaplen (0, no limit, is the greatest: 262144 in pcap); nanoseconds if
 * an interface has units finer than microseconds. CAPMILL_E_UNSUPPORTED, naming two link types, where pcap
 * was asked for and link types are mixed. Without any input: a pcap file of Ethernet in microseconds, where
 * nothing else is wished. */
enum capmill_status cm_writer_options_derive(const struct cm_writer_input *inputs, uint32_t n_inputs,
                                             const struct cm_writer_wish *wish,
                                             struct cm_writer_options *options_ret, struct cm_error *error);

struct cm_writer;

/* Options are copied. */
enum capmill_status cm_writer_open(const struct cm_writer_options *options, struct cm_writer **writer_ret,
                                   struct cm_error *error);
void cm_writer_close(struct cm_writer *writer); /* NULL accepted */
/* `input` is the number by which packets and events name it, given once. `layout` is copied, `interfaces`
 * borrowed. */
enum capmill_status cm_writer_add_input(struct cm_writer *writer, uint32_t input,
                                        const struct cm_layout *layout,
                                        const struct cm_interfaces *interfaces, struct cm_error *error);

/* A section header block of `input` was met. Before cm_writer_header the options of the first one of input 0
 * are kept for the written section header (but its application name gives way to ours); all other calls do
 * nothing. */
enum capmill_status cm_writer_section(struct cm_writer *writer, uint32_t input, const uint8_t *block,
                                      size_t n, struct cm_error *error);
/* The file header, or section header block. Appends to `out`, a growing buffer of the caller. */
enum capmill_status cm_writer_header(struct cm_writer *writer, struct cm_bytes *out, struct cm_error *error);

/* Events in output order, by one thread: appends the blocks that they become (possibly none) to `out`. An
 * interface gets its output id here; the k-th of equal ones (byte for byte, as written) within a section
 * shares the id of the k-th that other sections or inputs brought, and is not written a second time (mergecap
 * does the same). Sections become none of their own: names, secrets, statistics, custom and unknown blocks
 * are carried, with interface ids and byte order adapted where the block's layout is known, and dropped
 * (counted by cm_writer_dropped) where it is not and the byte order differs. Names and secrets that were
 * written already, byte for byte, are not written again. Custom blocks that are not to be copied (type
 * 0x40000bad) are dropped and counted. For pcap nothing is written; an interface of another link type than
 * the file's is then CAPMILL_E_UNSUPPORTED. */
enum capmill_status cm_writer_interface(struct cm_writer *writer, uint32_t input, uint32_t interface,
                                        struct cm_bytes *out, struct cm_error *error);
enum capmill_status cm_writer_metadata(struct cm_writer *writer, uint32_t input, uint32_t section,
                                       const uint8_t *block, size_t n, struct cm_bytes *out,
                                       struct cm_error *error);
/* How many blocks and options could not be carried, so far; those that a pcap file has no place for are not
 * counted. */
uint64_t cm_writer_dropped(const struct cm_writer *writer);

/* Length of a packet as written. Same order, kind and units as read: its length as read. Never depends on
 * which output ids interfaces got, so it may be asked as soon as the input is known. */
size_t cm_writer_packet_bytes(const struct cm_writer *writer, const struct cm_written_packet *packet);
/* Write it at `out` (room for cm_writer_packet_bytes); answers the length. Times that the written form cannot
 * hold are written as the nearest that it can. */
size_t cm_writer_packet(const struct cm_writer *writer, const struct cm_written_packet *packet, uint8_t *out);

/* --- packets that change on the way --- */

/* The packet inside a record, whatever the format. */
struct cm_record_body {
    const uint8_t *data;
    uint32_t caplen, origlen;
    uint16_t link_type;
    bool has_time; /* false: a simple packet block; changed, it is written as an enhanced one, with
                      cm_written_packet.time_ns where the change brings no time */
};
/* Every length is checked against record_bytes; what does not fit is cut. `data` is never NULL. Any thread, as
 * cm_writer_packet_bytes. */
void cm_writer_body(const struct cm_writer *writer, const struct cm_written_packet *packet,
                    struct cm_record_body *body_ret);

/* What a packet becomes. */
struct cm_packet_change {
    uint32_t caplen, origlen;
    bool has_time;    /* the record gets this time */
    uint64_t time_ns; /* times that the written form cannot hold become the nearest that it can */
};
/* Length as written with `caplen` bytes of packet in place of its own. Counts nothing; never depends on output
 * ids. */
size_t cm_writer_changed_bytes(const struct cm_writer *writer, const struct cm_written_packet *packet,
                               uint32_t caplen);
/* Where in that record the packet's bytes begin. */
size_t cm_writer_data_offset(const struct cm_writer *writer, const struct cm_written_packet *packet);
/* Write the record at `out` around the change->caplen bytes that the caller has put at data offset already, in
 * the input's byte order where its link type has fields in that of the file: header in front, padding, options
 * (hashes as cm_writer_options.bytes_change says) and trailer behind. Answers the length, which is what
 * cm_writer_changed_bytes said. */
size_t cm_writer_changed_packet(const struct cm_writer *writer, const struct cm_written_packet *packet,
                                const struct cm_packet_change *change, uint8_t *out);

/* What becomes of what stands beside the packets. Zeroed: everything is carried. */
struct cm_writer_cover {
    void *context;
    bool hide; /* comments, secrets, and blocks and options whose content is not known are dropped and counted
                  (cm_writer_hidden); host names become pseudonyms */
    void (*ipv4)(void *context,
                 uint8_t address[4]); /* of name records and interface options; NULL: as they are */
    void (*ipv6)(void *context, uint8_t address[16]);
    void (*mac)(void *context, uint8_t address[6]);
    void (*name)(void *context, const char *name, size_t n, char text_ret[24]); /* where `hide` */
    uint64_t (*time)(void *context, uint64_t time_ns); /* of statistics blocks; NULL: as they are */
};
/* Before cm_writer_section and cm_writer_header. Copied. */
void cm_writer_set_cover(struct cm_writer *writer, const struct cm_writer_cover *cover);
uint64_t cm_writer_hidden(const struct cm_writer *writer); /* blocks and options dropped by `hide` */

/* True where cm_writer_packet writes every packet of `input` as its record's bytes unchanged, and neither times
 * nor growth are announced: then runs of neighbours may be copied together. Never for pcapng, whose blocks name
 * interfaces. */
bool cm_writer_verbatim(const struct cm_writer *writer, uint32_t input);

#endif

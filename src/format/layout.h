/* SPDX-License-Identifier: Apache-2.0 */
/* What must be known of a capture to frame its records: kind, byte order, units, interfaces. Plain data and
 * one append-only table; how files are read and which thread frames is not known here. */
#ifndef CM_FORMAT_LAYOUT_H
#define CM_FORMAT_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The greatest captured length of one packet that we believe, as libpcap (MAXIMUM_SNAPLEN) and libwiretap
 * (WTAP_MAX_PACKET_SIZE_STANDARD) do; a longer one is damage. */
#define CM_MAX_PACKET_BYTES 262144u
/* D-Bus messages (LINKTYPE_DBUS) and a few others may be as long as this, in both libraries. */
#define CM_MAX_PACKET_BYTES_LONG (128u * 1024 * 1024)
/* The greatest pcapng block that we believe (libwiretap: MAX_BLOCK_SIZE is 16 MiB for other blocks). */
#define CM_MAX_BLOCK_BYTES (16u * 1024 * 1024)

enum cm_capture_kind { CM_CAPTURE_PCAP = 1, CM_CAPTURE_PCAPNG = 2 };

enum cm_pcap_variant {
    CM_PCAP_STANDARD = 0,
    CM_PCAP_MODIFIED =
        1,             /* Kuznetzov: 24-byte record header (magic 0xa1b2cd34; the patch of April 1999 has the
                          standard magic) or 28 bytes (September 1999); told by looking at the records */
    CM_PCAP_NOKIA = 2, /* 20-byte record header, standard magic: told by looking at the records */
    CM_PCAP_IXIA = 3,  /* lcap, hardware and software: 4 bytes follow the file header */
    CM_PCAP_AIX = 4,   /* version 2.2, ifType numbers for link types (mapped), nanoseconds */
};

/* Units of an interface's timestamps: ticks of 10^-exponent or 2^-exponent seconds, from `offset_s` after
 * 1970. */
struct cm_time_units {
    uint8_t exponent;
    bool binary;
    int64_t offset_s;
};

/* An interface of one input, in the order found. For pcap exactly one, made from the file header. */
struct cm_interface {
    uint16_t link_type;      /* LINKTYPE_ */
    uint16_t link_type_high; /* upper 16 bits of a pcap header's link type (FCS length), kept for writing */
    uint32_t snaplen;        /* as the file says; 0: no limit */
    struct cm_time_units units;
    uint32_t section; /* number of its section in the input, from 0 */
    uint32_t id;      /* within its section */
    bool big_endian;  /* of `block` */
    uint8_t *block;   /* the whole interface description block; NULL for pcap; owned by the table */
    uint32_t block_bytes;
    char name[32]; /* if_name, cut to fit; "" where there is none */
};

/* The interfaces of one input. Appended by the one thread that frames in order; others read what was complete
 * when they were handed the table's pointer (entries never move). Freed by fini. */
struct cm_interfaces {
    uint32_t n;
    uint32_t n_sections;
    struct cm_interface **index; /* n pointers; a replaced array stays readable until fini */
    uint32_t index_capacity;
    struct cm_interface_index *replaced;
    uint64_t block_bytes; /* of all kept blocks: bounded, so that a hostile file cannot fill the memory */
};
void cm_interfaces_init(struct cm_interfaces *table);
void cm_interfaces_fini(struct cm_interfaces *table);
/* Copies `*interface` and `block` (may be NULL). At most 1,000,000 interfaces with 256 MiB of blocks: then
 * CAPMILL_E_FORMAT. */
enum capmill_status cm_interfaces_append(struct cm_interfaces *table, const struct cm_interface *interface,
                                         const uint8_t *block, uint32_t block_bytes, struct cm_error *error);
/* NULL where there is no such entry. */
const struct cm_interface *cm_interfaces_get(const struct cm_interfaces *table, uint32_t index);

/* The state of framing at some place of one input. Copying it is how a range takes over where its section
 * began. */
struct cm_layout {
    enum cm_capture_kind kind;
    bool big_endian;
    /* pcap */
    enum cm_pcap_variant variant;
    bool nanoseconds;
    bool lengths_swapped; /* files before version 2.3 (2.3: maybe) have origlen first */
    bool lengths_maybe_swapped;
    uint8_t record_header_bytes; /* 16, 20, 24 or 28 */
    uint16_t version_major, version_minor;
    uint32_t file_header_bytes; /* 24, or 28 with IXIA */
    int32_t zone_offset;        /* thiszone and sigfigs as found, kept for writing */
    uint32_t sigfigs;
    uint16_t link_type;
    uint32_t snaplen;
    uint32_t max_packet_bytes; /* a longer captured length is damage */
    /* pcapng */
    uint32_t section;         /* number of the current section, from 0 */
    uint32_t first_interface; /* index in the table of the section's interface 0 */
    uint32_t n_interfaces;    /* of the section so far */
    uint64_t last_time_ns;    /* of the packet before, for records that carry no time */
    uint64_t framed_to;       /* offset up to which this state has framed: set by cm_layout_open and _frame */
    bool last_time_unknown;  /* framing went on elsewhere than at framed_to, and no timed packet came since */
    bool section_unreadable; /* of a version that we do not know: its blocks are skipped, as damage */
    struct cm_interfaces *interfaces; /* borrowed */
    bool table_frozen; /* ranges that start in mid-file may not append: a new section or interface ends
                          framing with CM_FRAME_UNSETTLED and the file is framed by one chain instead */
};

enum cm_frame_result {
    CM_FRAME_MORE = 0, /* the record at *used_ret is not all here: *wanted_ret bytes from there on are needed;
                          0 only with at_end: *used_ret is n and the input is over */
    CM_FRAME_FULL = 1, /* the batch has no room for another packet or event; call again with an empty one */
    CM_FRAME_DAMAGE =
        2, /* at *used_ret stands no sound record: *reason_ret says why; go on with cm_layout_resync */
    CM_FRAME_UNSETTLED = 3, /* only with table_frozen: at *used_ret stands what changes the table, a packet of
                               an interface that the table does not have, or a packet without a time where the
                               packet before it is not known */
    CM_FRAME_LIMIT = 4,     /* the next record starts at or after the limit */
};

struct cm_batch;

/* Look at the beginning of an input and set up `layout` (its `interfaces` must point to an initialised table)
 * and, for pcap, its one interface. `n` bytes of the file from offset 0 are at hand; `at_end`: there are no
 * more. CAPMILL_AGAIN asks for more (never more than 64 KiB). *header_bytes_ret: where the first record or
 * block stands; 0 for pcapng, whose section header is framed like any block so that its event stays in band.
 * What is not a capture is CAPMILL_E_FORMAT, what is one that we do not read CAPMILL_E_UNSUPPORTED, both with
 * its name where known ("gzip", "ERF", "snoop", ...); an empty file is CAPMILL_E_FORMAT. `path` is for the
 * sentence. */
enum capmill_status cm_layout_open(struct cm_layout *layout, const char *path, const uint8_t *bytes, size_t n,
                                   bool at_end, size_t *header_bytes_ret, struct cm_error *error);

/* Frame records from bytes[0..n), which stand at `offset` of the input, appending packets and events to
 * `batch`, until one of the results above. Records that start at or after `limit` (an offset of the input)
 * are left alone. *used_ret: bytes that were framed whole. `at_end`: no bytes follow these; a record cut by
 * the end is then damage. Memory for pcapng interfaces may run out: then the answer is CM_FRAME_DAMAGE with
 * error set.
 *
 * pcap. A record is sound when its captured length is at most max_packet_bytes; one longer than the snaplen
 * or than its original length is (as in capinfos), and so is any time. A record header of zeros alone is a
 * hole in the file, and damage: it says nothing that could be lost, and sparse or preallocated files are full
 * of them. (Were one accepted where its neighbour is not, a sort could bring two together and lose them.)
 *
 * pcapng. Block lengths that are no multiple of four are rounded up (libwiretap does so). A length below 12,
 * above CM_MAX_BLOCK_BYTES, an unknown byte-order magic, or a cut block is damage. Where the length at the
 * end of a block differs from that at its head and something sound follows at the length of the head, the
 * block is taken and an event DAMAGE of 0 bytes tells; else it is damage. Damage inside a block of sound
 * length (a captured length beyond the block, an undescribed interface, a fixed part cut short, a section
 * version that we do not know) skips that block alone: it becomes an event DAMAGE with the block's bytes, and
 * framing goes on. */
enum cm_frame_result cm_layout_frame(struct cm_layout *layout, const uint8_t *bytes, size_t n,
                                     uint64_t offset, uint64_t limit, bool at_end, struct cm_batch *batch,
                                     size_t *used_ret, size_t *wanted_ret, const char **reason_ret,
                                     struct cm_error *error);

/* Find the first place >= bytes where a plausible record begins and a chain of plausible headers longer than
 * one greatest record follows (or one that ends exactly with the input, when at_end; a last record cut by the
 * end counts: rules in resync.c). The place found is one that cm_layout_frame takes, so calling this at a
 * damaged record always leads past it. A pure function of the bytes and the layout, linear in n whatever the
 * bytes. CAPMILL_OK and *skip_ret; CAPMILL_AGAIN when the bytes at hand decide nothing (drop *skip_ret bytes,
 * which are not it, and come back with at least *wanted_ret bytes beyond these n, or with at_end);
 * CAPMILL_END when at_end and there is none. With CM_RESYNC_BYTES at hand it answers CAPMILL_OK or drops
 * some. Needs 128 KiB of stack. */
#define CM_RESYNC_BYTES (1024u * 1024)
enum capmill_status cm_layout_resync(const struct cm_layout *layout, const uint8_t *bytes, size_t n,
                                     bool at_end, size_t *skip_ret, size_t *wanted_ret);

/* "pcap" or "pcapng"; and which of the family: "", "modified", "nokia", "ixia" or "aix". Never NULL. */
const char *cm_layout_format_name(const struct cm_layout *layout);
const char *cm_layout_variant_name(const struct cm_layout *layout);

/* Ticks of an interface to nanoseconds since 1970, saturating (sets *saturated_ret). */
uint64_t cm_time_to_ns(const struct cm_time_units *units, uint64_t ticks, bool *saturated_ret);

#endif

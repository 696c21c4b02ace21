/* SPDX-License-Identifier: Apache-2.0 */
/* What must be known of a capture to frame its records: kind, byte order, units, interfaces. Plain data; how
 * files are read and which thread frames is not known here. */
#ifndef CM_FORMAT_LAYOUT_H
#define CM_FORMAT_LAYOUT_H

#include "format/interfaces.h"

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

/* Look at the beginning of an input and set up `layout` (its `interfaces` must point to an initialised table)
 * and, for pcap, its one interface. `n` bytes of the file from offset 0 are at hand; `at_end`: there are no
 * more. CAPMILL_AGAIN asks for more (never more than 64 KiB). *header_bytes_ret: where the first record or
 * block stands; 0 for pcapng, whose section header is framed like any block so that its event stays in band.
 * What is not a capture is CAPMILL_E_FORMAT, what is one that we do not read CAPMILL_E_UNSUPPORTED, both with
 * its name where known ("gzip", "ERF", "snoop", ...); an empty file is CAPMILL_E_FORMAT. `path` is for the
 * sentence. */
enum capmill_status cm_layout_open(struct cm_layout *layout, const char *path, const uint8_t *bytes, size_t n,
                                   bool at_end, size_t *header_bytes_ret, struct cm_error *error);

/* "pcap" or "pcapng"; and which of the family: "", "modified", "nokia", "ixia" or "aix". Never NULL. */
const char *cm_layout_format_name(const struct cm_layout *layout);
const char *cm_layout_variant_name(const struct cm_layout *layout);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of the pcapng format: block types, option codes, fixed lengths. For the reader and the writer; no
 * code here. Named as in draft-ietf-opsawg-pcapng, sections 4 and 10. */
#ifndef CM_FORMAT_BLOCK_TYPES_H
#define CM_FORMAT_BLOCK_TYPES_H

#define CM_PCAPNG_BYTE_ORDER_MAGIC 0x1a2b3c4du

enum cm_block_type {
    CM_BLOCK_INTERFACE = 0x00000001u,       /* interface description (IDB) */
    CM_BLOCK_PACKET_OBSOLETE = 0x00000002u, /* packet block (PB), replaced by the enhanced one */
    CM_BLOCK_PACKET_SIMPLE = 0x00000003u,   /* simple packet (SPB): no time, no interface */
    CM_BLOCK_NAMES = 0x00000004u,           /* name resolution (NRB) */
    CM_BLOCK_STATISTICS = 0x00000005u,      /* interface statistics (ISB) */
    CM_BLOCK_PACKET_ENHANCED = 0x00000006u, /* enhanced packet (EPB) */
    CM_BLOCK_JOURNAL = 0x00000009u,         /* systemd journal export */
    CM_BLOCK_SECRETS = 0x0000000au,         /* decryption secrets (DSB) */
    CM_BLOCK_CUSTOM = 0x00000badu,          /* custom, may be copied */
    CM_BLOCK_CUSTOM_NO_COPY = 0x40000badu,  /* custom, not to be copied by programs that change the file */
    CM_BLOCK_SECTION = 0x0a0d0d0au,         /* section header (SHB); the same in both byte orders */
};

/* Every block: type, total length, body, total length again; padded to four bytes. */
#define CM_BLOCK_HEADER_BYTES  8u
#define CM_BLOCK_TRAILER_BYTES 4u
#define CM_BLOCK_MIN_BYTES     12u
/* The fixed part of each block up to its packet data or options, counted from the block's first byte. */
#define CM_BLOCK_SECTION_FIXED   24u /* ..., byte-order magic, major, minor, section length (8) */
#define CM_BLOCK_INTERFACE_FIXED 16u /* ..., link type, reserved, snaplen */
#define CM_BLOCK_ENHANCED_FIXED  28u /* ..., interface, time high, time low, captured, original */
#define CM_BLOCK_SIMPLE_FIXED    12u /* ..., original */
#define CM_BLOCK_OBSOLETE_FIXED                                                                              \
    28u /* ..., interface (2), drops (2), time high, time low, captured, original */
#define CM_BLOCK_STATISTICS_FIXED 20u /* ..., interface, time high, time low */
#define CM_BLOCK_SECRETS_FIXED    16u /* ..., secrets type, secrets length */
#define CM_BLOCK_CUSTOM_FIXED     12u /* ..., private enterprise number */
#define CM_BLOCK_NAMES_FIXED      8u  /* name records follow at once */

/* Options: code, length of the value without padding, value padded to four bytes. */
#define CM_OPTION_HEADER_BYTES 4u
enum cm_option_code {
    CM_OPTION_END = 0,
    CM_OPTION_COMMENT = 1,
    CM_OPTION_SECTION_HARDWARE = 2,
    CM_OPTION_SECTION_OS = 3,
    CM_OPTION_SECTION_APPLICATION = 4,
    CM_OPTION_INTERFACE_NAME = 2,
    CM_OPTION_INTERFACE_DESCRIPTION = 3,
    CM_OPTION_INTERFACE_IPV4 = 4, /* address, mask */
    CM_OPTION_INTERFACE_IPV6 = 5, /* address, prefix length */
    CM_OPTION_INTERFACE_MAC = 6,
    CM_OPTION_INTERFACE_EUI64 = 7,
    CM_OPTION_INTERFACE_TIME_RESOLUTION = 9, /* one byte: bit 7 set: 2^-n, clear: 10^-n seconds */
    CM_OPTION_INTERFACE_FILTER = 11,
    CM_OPTION_INTERFACE_OS = 12,
    CM_OPTION_INTERFACE_FCS_LENGTH = 13,
    CM_OPTION_INTERFACE_TIME_OFFSET = 14, /* signed 64-bit seconds */
    CM_OPTION_INTERFACE_HARDWARE = 15,
    CM_OPTION_PACKET_FLAGS = 2,
    CM_OPTION_PACKET_HASH = 3,
    CM_OPTION_PACKET_DROPS = 4,
    CM_OPTION_PACKET_VERDICT = 7,
    CM_OPTION_STATISTICS_START = 2,
    CM_OPTION_STATISTICS_END = 3,
    CM_OPTION_NAMES_SERVER = 2, /* name of the server that knew the names, and its addresses */
    CM_OPTION_NAMES_IPV4 = 3,
    CM_OPTION_NAMES_IPV6 = 4,
    CM_OPTION_CUSTOM_TEXT = 2988,
    CM_OPTION_CUSTOM_BYTES = 2989,
    CM_OPTION_CUSTOM_TEXT_NO_COPY = 19372,
    CM_OPTION_CUSTOM_BYTES_NO_COPY = 19373,
};

/* Records of a name resolution block: an address, then names that end in zero. */
enum cm_name_record {
    CM_NAME_RECORD_END = 0,
    CM_NAME_RECORD_IPV4 = 1,
    CM_NAME_RECORD_IPV6 = 2,
    CM_NAME_RECORD_EUI48 = 3,
    CM_NAME_RECORD_EUI64 = 4,
};

/* Microseconds since 1970, where an interface says nothing else. */
#define CM_PCAPNG_DEFAULT_EXPONENT 6u

#endif

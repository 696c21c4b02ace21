/* SPDX-License-Identifier: Apache-2.0 */
/* The pcap file header: magic, version, link type. Records are framed in pcap.c. */
#include <string.h>

#include "base/endian.h"
#include "format/pcap.h"

#define MAGIC_MICRO    0xa1b2c3d4u
#define MAGIC_NANO     0xa1b23c4du
#define MAGIC_MODIFIED 0xa1b2cd34u
/* Ixia's lcap: one more field after the file header, the number of bytes of all records */
#define MAGIC_IXIA_HARDWARE 0x1c0001acu /* nanoseconds */
#define MAGIC_IXIA_SOFTWARE 0x1c0001abu /* microseconds */
#define IXIA_FIELD_BYTES    4u

/* DG/UX writes this as its major version, with the lengths in the old order. */
#define DGUX_MAJOR_VERSION 543

/* RFC 1573 ifType numbers, which AIX writes in place of LINKTYPE_ values. */
static const struct {
    uint32_t if_type;
    uint16_t link_type;
} aix_link_types[] = {
    {6, 1},   /* Ethernet */
    {9, 6},   /* token ring */
    {15, 10}, /* FDDI */
    {24, 0},  /* loopback */
};

struct magic {
    uint32_t value;
    bool big_endian;
};

static bool is_known(uint32_t magic)
{
    return magic == MAGIC_MICRO || magic == MAGIC_NANO || magic == MAGIC_MODIFIED ||
           magic == MAGIC_IXIA_HARDWARE || magic == MAGIC_IXIA_SOFTWARE;
}

static bool read_magic(const uint8_t *bytes, struct magic *magic_ret)
{
    magic_ret->value = cm_load_u32_as(bytes, false);
    magic_ret->big_endian = false;
    if (is_known(magic_ret->value))
        return true;
    magic_ret->value = cm_load_u32_as(bytes, true);
    magic_ret->big_endian = true;
    return is_known(magic_ret->value);
}

bool cm_pcap_is_magic(const uint8_t *bytes)
{
    struct magic magic;

    return read_magic(bytes, &magic);
}

static void recognise_aix(struct cm_layout *layout, uint32_t magic, uint32_t network)
{
    if (magic != MAGIC_MICRO || layout->version_major != 2 || layout->version_minor != 2)
        return;
    for (size_t i = 0; i < sizeof(aix_link_types) / sizeof(aix_link_types[0]); i++) {
        if (network == aix_link_types[i].if_type) {
            layout->variant = CM_PCAP_AIX;
            layout->nanoseconds = true;
            layout->link_type = aix_link_types[i].link_type;
        }
    }
}

enum capmill_status cm_pcap_open(struct cm_layout *layout, const char *path, const uint8_t *bytes, size_t n,
                                 bool at_end, size_t *header_bytes_ret, struct cm_error *error)
{
    struct cm_interface interface = {0};
    struct magic magic;
    uint32_t network;
    bool looks_decide; /* the magic leaves the record header open */

    if (n < CM_PCAP_FILE_HEADER_BYTES) {
        if (!at_end)
            return CAPMILL_AGAIN;
        return cm_error_set(error, CAPMILL_E_FORMAT, 0, "%s: pcap file header cut: %u of %u bytes are there",
                            path, (unsigned)n, CM_PCAP_FILE_HEADER_BYTES);
    }
    read_magic(bytes, &magic);
    layout->kind = CM_CAPTURE_PCAP;
    layout->big_endian = magic.big_endian;
    layout->nanoseconds = magic.value == MAGIC_NANO || magic.value == MAGIC_IXIA_HARDWARE;
    layout->record_header_bytes = 16;
    layout->file_header_bytes = CM_PCAP_FILE_HEADER_BYTES;
    layout->version_major = cm_load_u16_as(bytes + 4, magic.big_endian);
    layout->version_minor = cm_load_u16_as(bytes + 6, magic.big_endian);
    layout->zone_offset = (int32_t)cm_load_u32_as(bytes + 8, magic.big_endian);
    layout->sigfigs = cm_load_u32_as(bytes + 12, magic.big_endian);
    layout->snaplen = cm_load_u32_as(bytes + 16, magic.big_endian);
    network = cm_load_u32_as(bytes + 20, magic.big_endian);
    /* The upper half says how long the frame check sequence is, and has bits that are reserved. Where those
     * are not zero libwiretap refuses the file and libpcap masks them; we read it: the records say whether it
     * makes sense. */
    layout->link_type = (uint16_t)network;

    if (layout->version_major != 2 && layout->version_major != DGUX_MAJOR_VERSION)
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                            "%s: pcap of version %u.%u; versions 2.x are read", path, layout->version_major,
                            layout->version_minor);
    if (magic.value == MAGIC_IXIA_HARDWARE || magic.value == MAGIC_IXIA_SOFTWARE) {
        layout->variant = CM_PCAP_IXIA;
        layout->file_header_bytes += IXIA_FIELD_BYTES;
        if (n < layout->file_header_bytes) {
            if (!at_end)
                return CAPMILL_AGAIN;
            return cm_error_set(error, CAPMILL_E_FORMAT, 0,
                                "%s: pcap file header (Ixia) cut: %u of %u bytes are there", path,
                                (unsigned)n, layout->file_header_bytes);
        }
    }
    layout->lengths_swapped = layout->version_major == DGUX_MAJOR_VERSION || layout->version_minor < 3;
    layout->lengths_maybe_swapped = layout->version_major == 2 && layout->version_minor == 3;
    recognise_aix(layout, magic.value, network);
    layout->max_packet_bytes = cm_pcap_max_packet_bytes(layout->link_type);

    looks_decide = magic.value == MAGIC_MODIFIED ||
                   (magic.value == MAGIC_MICRO && !layout->lengths_swapped && !layout->lengths_maybe_swapped);
    if (looks_decide &&
        !cm_pcap_guess_variant(layout, magic.value == MAGIC_MODIFIED, bytes + layout->file_header_bytes,
                               n - layout->file_header_bytes, at_end))
        return CAPMILL_AGAIN;

    interface.link_type = layout->link_type;
    interface.link_type_high = (uint16_t)(network >> 16);
    interface.snaplen = layout->snaplen;
    interface.units.exponent = layout->nanoseconds ? 9 : 6;
    interface.big_endian = layout->big_endian;
    layout->n_interfaces = 1;
    layout->framed_to = layout->file_header_bytes;
    *header_bytes_ret = layout->file_header_bytes;
    return cm_interfaces_append(layout->interfaces, &interface, NULL, 0, error);
}

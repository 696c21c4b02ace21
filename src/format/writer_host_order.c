/* SPDX-License-Identifier: Apache-2.0 */
/* Link headers whose numbers are in the byte order of the machine that captured them. Readers (libpcap's
 * swap_pseudo_headers, libwiretap) take that to be the order of the file or section, so a capture that is
 * written in the other order must have them turned round, or every such packet would be misread. */
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "format/writer_int.h"

enum {
    LINKTYPE_LINUX_SLL = 113,
    LINKTYPE_USB_LINUX = 189,
    LINKTYPE_USB_LINUX_MMAPPED = 220,
    LINKTYPE_NFLOG = 239,
    LINKTYPE_LINUX_SLL2 = 276,
};

static void reverse(uint8_t *data, uint32_t caplen, uint32_t at, uint32_t n)
{
    if (caplen < n || at > caplen - n)
        return;
    for (uint32_t i = 0; i < n / 2; i++) {
        uint8_t byte = data[at + i];
        data[at + i] = data[at + n - 1 - i];
        data[at + n - 1 - i] = byte;
    }
}

/* Cooked captures: the header is in network order, but the id of a CAN frame behind it is not. */
static void reverse_can_id(uint8_t *data, uint32_t caplen, uint32_t protocol_at, uint32_t header_bytes)
{
    uint16_t protocol;

    if (caplen < header_bytes)
        return;
    protocol = cm_load_be16(data + protocol_at);
    if (protocol == 0x000c || protocol == 0x000d) /* CAN, CAN FD */
        reverse(data, caplen, header_bytes, 4);
}

/* The kernel's usbmon header: 48 bytes, or 64 where it was read through a mapping. */
static void reverse_usb(uint8_t *data, uint32_t caplen, bool from_big, bool mapped)
{
    enum { TRANSFER_TYPE_AT = 9, ISOCHRONOUS = 0, DESCRIPTOR_BYTES = 16 };
    static const struct {
        uint8_t at, n;
    } fields[] = {{0, 8}, {12, 2}, {16, 8}, {24, 4}, {28, 4}, {32, 4}, {36, 4}},
      mapped_fields[] = {{48, 4}, {52, 4}, {56, 4}, {60, 4}};
    uint32_t header_bytes = mapped ? 64 : 48, n_descriptors = 0;

    for (size_t i = 0; i < CM_ARRAY_COUNT(fields); i++)
        reverse(data, caplen, fields[i].at, fields[i].n);
    for (size_t i = 0; mapped && i < CM_ARRAY_COUNT(mapped_fields); i++)
        reverse(data, caplen, mapped_fields[i].at, mapped_fields[i].n);
    if (caplen < 48 || data[TRANSFER_TYPE_AT] != ISOCHRONOUS)
        return;
    n_descriptors = cm_load_u32_as(data + 44, from_big);
    reverse(data, caplen, 40, 4); /* errors and descriptors, in place of the setup packet */
    reverse(data, caplen, 44, 4);
    for (uint32_t at = header_bytes; n_descriptors-- > 0 && at < caplen; at += DESCRIPTOR_BYTES) {
        reverse(data, caplen, at, 4); /* status, offset, length */
        reverse(data, caplen, at + 4, 4);
        reverse(data, caplen, at + 8, 4);
    }
}

/* Attributes of length and type in host order; their values are in network order. */
static void reverse_nflog(uint8_t *data, uint32_t caplen, bool from_big)
{
    enum { HEADER_BYTES = 4, ATTRIBUTE_BYTES = 4 };
    uint32_t at = HEADER_BYTES;

    if (caplen < HEADER_BYTES || data[1] != 0) /* only version 0 is defined */
        return;
    while (caplen - at >= ATTRIBUTE_BYTES) {
        uint32_t n = cm_load_u16_as(data + at, from_big);

        reverse(data, caplen, at, 2);
        reverse(data, caplen, at + 2, 2);
        if (n < ATTRIBUTE_BYTES || cm_align_up(n, 4) > caplen - at)
            return;
        at += (uint32_t)cm_align_up(n, 4);
    }
}

static void reverse_link_header(uint16_t link_type, bool from_big, uint8_t *data, uint32_t caplen)
{
    switch (link_type) {
    case LINKTYPE_LINUX_SLL:
        reverse_can_id(data, caplen, 14, 16);
        break;
    case LINKTYPE_LINUX_SLL2:
        reverse_can_id(data, caplen, 0, 20);
        break;
    case LINKTYPE_USB_LINUX:
    case LINKTYPE_USB_LINUX_MMAPPED:
        reverse_usb(data, caplen, from_big, link_type == LINKTYPE_USB_LINUX_MMAPPED);
        break;
    case LINKTYPE_NFLOG:
        reverse_nflog(data, caplen, from_big);
        break;
    default:
        break;
    }
}

void cm_record_turn_data(uint16_t link_type, bool from_big, bool to_big, uint8_t *data, uint32_t caplen)
{
    if (from_big != to_big)
        reverse_link_header(link_type, from_big, data, caplen);
}

void cm_record_store_data(const struct cm_record_view *view, bool to_big, uint8_t *out)
{
    if (view->caplen == 0)
        return;
    memcpy(out, view->data, view->caplen);
    cm_record_turn_data(view->link_type, view->big_endian, to_big, out, view->caplen);
}

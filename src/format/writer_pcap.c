/* SPDX-License-Identifier: Apache-2.0 */
/* Writing pcap files: the file header and standard 16-byte records, from records of any kind that is read
 * (draft-ietf-opsawg-pcap). Variants of pcap are read but never written. */
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "format/block_types.h"
#include "format/writer_int.h"

#define FILE_HEADER_BYTES   24u
#define RECORD_HEADER_BYTES CM_WRITTEN_PCAP_HEADER_BYTES
#define MAGIC_MICROSECONDS  0xa1b2c3d4u
#define MAGIC_NANOSECONDS   0xa1b23c4du
#define NS_PER_S            UINT64_C(1000000000)

bool cm_writer_pcap_verbatim(const struct cm_writer_options *options, const struct cm_layout *layout)
{
    return layout->kind == CM_CAPTURE_PCAP && layout->record_header_bytes == RECORD_HEADER_BYTES &&
           layout->big_endian == options->big_endian && layout->nanoseconds == options->nanoseconds &&
           !layout->lengths_swapped && !layout->lengths_maybe_swapped;
}

enum capmill_status cm_writer_pcap_header(const struct cm_writer_options *options, struct cm_bytes *out,
                                          struct cm_error *error)
{
    enum capmill_status status = cm_bytes_reserve(out, FILE_HEADER_BYTES, error);
    bool big = options->big_endian;
    uint8_t *header;

    if (status != CAPMILL_OK)
        return status;
    header = out->data + out->n;
    cm_store_u32_as(header, options->nanoseconds ? MAGIC_NANOSECONDS : MAGIC_MICROSECONDS, big);
    cm_store_u16_as(header + 4, 2, big);
    cm_store_u16_as(header + 6, 4, big);
    cm_store_u32_as(header + 8, (uint32_t)options->zone_offset, big);
    cm_store_u32_as(header + 12, options->sigfigs, big);
    cm_store_u32_as(header + 16, cm_writer_raised_snaplen(options, options->snaplen), big);
    cm_store_u32_as(header + 20, (uint32_t)options->link_type_high << 16 | options->link_type, big);
    out->n += FILE_HEADER_BYTES;
    return CAPMILL_OK;
}

/* The captured length is what the framer gave the record, which is what decided between the two length fields
 * where files of version 2.3 and older may have them in the other order. */
void cm_record_view_pcap(const struct cm_layout *layout, const uint8_t *record, uint32_t record_bytes,
                         struct cm_record_view *view_ret)
{
    uint32_t header = layout->record_header_bytes, first, second;
    bool big = layout->big_endian;

    memset(view_ret, 0, sizeof(*view_ret));
    view_ret->big_endian = big;
    view_ret->link_type = layout->link_type;
    if (header < RECORD_HEADER_BYTES || record_bytes < header)
        return;
    first = cm_load_u32_as(record + 8, big);
    second = cm_load_u32_as(record + 12, big);
    view_ret->data = record + header;
    view_ret->caplen = record_bytes - header;
    if (layout->lengths_swapped || (layout->lengths_maybe_swapped && first != view_ret->caplen))
        view_ret->origlen = first;
    else
        view_ret->origlen = second;
    view_ret->has_time = true;
    view_ret->seconds = cm_load_u32_as(record, big);
    view_ret->fraction = cm_load_u32_as(record + 4, big);
}

size_t cm_writer_pcap_packet_bytes(const struct cm_writer_input_state *input,
                                   const struct cm_written_packet *packet)
{
    struct cm_record_view view;

    cm_record_view(input, packet, &view);
    return RECORD_HEADER_BYTES + (size_t)view.caplen;
}

/* Seconds and fraction as they will be written. Times past the field's end (2106) become the last that fits.
 */
static void split_time(uint64_t time_ns, bool nanoseconds, uint32_t *seconds_ret, uint32_t *fraction_ret)
{
    uint64_t seconds = time_ns / NS_PER_S;
    uint32_t ns = (uint32_t)(time_ns % NS_PER_S);

    if (seconds > UINT32_MAX) {
        seconds = UINT32_MAX;
        ns = (uint32_t)NS_PER_S - 1;
    }
    *seconds_ret = (uint32_t)seconds;
    *fraction_ret = nanoseconds ? ns : ns / 1000;
}

/* `time_ns` as it will be written: the nearest there is. */
static void split_nearest(uint64_t time_ns, bool nanoseconds, uint32_t *seconds_ret, uint32_t *fraction_ret)
{
    split_time(nanoseconds ? time_ns : cm_add_saturating_u64(time_ns, 500), nanoseconds, seconds_ret,
               fraction_ret);
}

static void time_of(const struct cm_writer *writer, const struct cm_writer_input_state *input,
                    const struct cm_written_packet *packet, const struct cm_record_view *view,
                    uint32_t *seconds_ret, uint32_t *fraction_ret)
{
    bool nanoseconds = writer->options.nanoseconds, saturated = false;

    if (input->layout.kind == CM_CAPTURE_PCAP) {
        if (input->layout.nanoseconds == nanoseconds) {
            *seconds_ret = view->seconds;
            *fraction_ret = view->fraction;
        } else {
            /* a fraction of a second or more does occur: carry it over */
            split_time(view->seconds * NS_PER_S +
                           view->fraction * (uint64_t)(input->layout.nanoseconds ? 1 : 1000),
                       nanoseconds, seconds_ret, fraction_ret);
        }
    } else if (view->has_time) {
        const struct cm_interface *interface = cm_writer_interface_get(input, packet->interface);

        split_time(cm_time_to_ns(&interface->units, view->ticks, &saturated), nanoseconds, seconds_ret,
                   fraction_ret);
    } else {
        split_time(packet->time_ns, nanoseconds, seconds_ret, fraction_ret);
    }
}

static void store_record_header(uint8_t *out, uint32_t seconds, uint32_t fraction, uint32_t caplen,
                                uint32_t origlen, bool big)
{
    cm_store_u32_as(out, seconds, big);
    cm_store_u32_as(out + 4, fraction, big);
    cm_store_u32_as(out + 8, caplen, big);
    cm_store_u32_as(out + 12, origlen, big);
}

size_t cm_writer_pcap_packet(const struct cm_writer *writer, const struct cm_writer_input_state *input,
                             const struct cm_written_packet *packet, uint8_t *out)
{
    bool big = writer->options.big_endian;
    uint32_t seconds, fraction;
    struct cm_record_view view;

    cm_record_view(input, packet, &view);
    time_of(writer, input, packet, &view, &seconds, &fraction);
    store_record_header(out, seconds, fraction, view.caplen, view.origlen, big);
    cm_record_store_data(&view, big, out + RECORD_HEADER_BYTES);
    return RECORD_HEADER_BYTES + (size_t)view.caplen;
}

size_t cm_writer_pcap_changed_packet(const struct cm_writer *writer,
                                     const struct cm_writer_input_state *input,
                                     const struct cm_written_packet *packet,
                                     const struct cm_packet_change *change, uint8_t *out)
{
    bool big = writer->options.big_endian;
    uint32_t seconds, fraction;
    struct cm_record_view view;

    cm_record_view(input, packet, &view);
    if (change->has_time)
        split_nearest(change->time_ns, writer->options.nanoseconds, &seconds, &fraction);
    else
        time_of(writer, input, packet, &view, &seconds, &fraction);
    store_record_header(out, seconds, fraction, change->caplen, change->origlen, big);
    cm_record_turn_data(view.link_type, view.big_endian, big, out + RECORD_HEADER_BYTES, change->caplen);
    return RECORD_HEADER_BYTES + (size_t)change->caplen;
}

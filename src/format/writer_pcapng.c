/* SPDX-License-Identifier: Apache-2.0 */
/* Writing pcapng files: the section header, and packets as enhanced packet blocks, from records of any kind
 * that is read (draft-ietf-opsawg-pcapng). Other blocks are in writer_blocks.c. */
#include <assert.h>
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "format/block_types.h"
#include "format/writer_int.h"

#define NS_PER_S          1000000000
#define DROPS_UNKNOWN     0xffffu /* of the obsolete packet block */
#define DROPS_OPTION      12u     /* option header and a 64-bit number */
#define ENHANCED_OVERHEAD (CM_BLOCK_ENHANCED_FIXED + CM_BLOCK_TRAILER_BYTES)
#define SIMPLE_OVERHEAD   (CM_BLOCK_SIMPLE_FIXED + CM_BLOCK_TRAILER_BYTES)

__extension__ typedef __int128 wide_int; /* products of times and units */

static size_t store_text_option(uint8_t *out, uint16_t code, const char *text, size_t n, bool big)
{
    size_t padded = cm_align_up(n, 4);

    cm_store_u16_as(out, code, big);
    cm_store_u16_as(out + 2, (uint16_t)n, big);
    memcpy(out + 4, text, n);
    memset(out + 4 + n, 0, padded - n);
    return CM_OPTION_HEADER_BYTES + padded;
}

enum capmill_status cm_writer_pcapng_header(struct cm_writer *writer, struct cm_bytes *out,
                                            struct cm_error *error)
{
    size_t name_bytes = writer->application == NULL ? 0 : strlen(writer->application);
    size_t n = CM_BLOCK_SECTION_FIXED;
    bool big = writer->options.big_endian;
    enum capmill_status status;
    uint8_t *block;

    if (name_bytes > UINT16_MAX)
        name_bytes = UINT16_MAX;
    status = cm_bytes_reserve(out, n + writer->section_options.n + name_bytes + 16, error);
    if (status != CAPMILL_OK)
        return status;
    block = out->data + out->n;
    cm_store_u32_as(block, CM_BLOCK_SECTION, big);
    cm_store_u32_as(block + 8, CM_PCAPNG_BYTE_ORDER_MAGIC, big);
    cm_store_u16_as(block + 12, 1, big);
    cm_store_u16_as(block + 14, 0, big);
    cm_store_u64_as(block + 16, UINT64_MAX, big); /* section length -1: not known */
    if (writer->section_options.n != 0)
        memcpy(block + n, writer->section_options.data, writer->section_options.n);
    n += writer->section_options.n;
    if (name_bytes != 0)
        n +=
            store_text_option(block + n, CM_OPTION_SECTION_APPLICATION, writer->application, name_bytes, big);
    if (n != CM_BLOCK_SECTION_FIXED) {
        memset(block + n, 0, CM_OPTION_HEADER_BYTES);
        n += CM_OPTION_HEADER_BYTES;
    }
    n += CM_BLOCK_TRAILER_BYTES;
    cm_store_u32_as(block + 4, (uint32_t)n, big);
    cm_store_u32_as(block + n - CM_BLOCK_TRAILER_BYTES, (uint32_t)n, big);
    out->n += n;
    return CAPMILL_OK;
}

uint64_t cm_ticks_from_ns(const struct cm_time_units *units, uint64_t time_ns, bool nearest)
{
    wide_int since = (wide_int)time_ns - (wide_int)units->offset_s * NS_PER_S, ticks;

    if (since <= 0)
        return 0;
    if (units->binary) {
        wide_int seconds = since / NS_PER_S, rest = since % NS_PER_S;

        if (units->exponent > 63 || seconds > ((wide_int)1 << (64 - units->exponent)))
            return UINT64_MAX;
        ticks = (seconds << units->exponent) +
                ((rest << units->exponent) + (nearest ? NS_PER_S / 2 : 0)) / NS_PER_S;
    } else if (units->exponent <= 9) {
        wide_int divisor = 1;
        for (unsigned i = units->exponent; i < 9; i++)
            divisor *= 10;
        ticks = (since + (nearest ? divisor / 2 : 0)) / divisor;
    } else {
        ticks = since;
        for (unsigned i = 9; i < units->exponent && ticks <= (wide_int)UINT64_MAX; i++)
            ticks *= 10;
    }
    return ticks > (wide_int)UINT64_MAX ? UINT64_MAX : (uint64_t)ticks;
}

/* Enhanced and obsolete blocks have the same fixed length. */
static void view_block_with_time(const uint8_t *record, size_t n, bool big, struct cm_record_view *view)
{
    size_t end = n - CM_BLOCK_TRAILER_BYTES, options_at;

    view->has_time = true;
    view->ticks = (uint64_t)cm_load_u32_as(record + 12, big) << 32 | cm_load_u32_as(record + 16, big);
    view->caplen = (uint32_t)cm_min_u64(cm_load_u32_as(record + 20, big), end - CM_BLOCK_ENHANCED_FIXED);
    view->origlen = cm_load_u32_as(record + 24, big);
    view->data = record + CM_BLOCK_ENHANCED_FIXED;
    options_at = CM_BLOCK_ENHANCED_FIXED + cm_align_up(view->caplen, 4);
    if (options_at < end) {
        view->options = record + options_at;
        view->options_bytes = end - options_at;
    }
}

void cm_record_view_pcapng(const struct cm_interface *interface, const uint8_t *record, uint32_t record_bytes,
                           struct cm_record_view *view_ret)
{
    bool big = interface->big_endian;
    uint32_t type;

    static_assert(CM_BLOCK_ENHANCED_FIXED == CM_BLOCK_OBSOLETE_FIXED, "one view for both");
    memset(view_ret, 0, sizeof(*view_ret));
    view_ret->big_endian = big;
    view_ret->link_type = interface->link_type;
    if (record_bytes < SIMPLE_OVERHEAD)
        return;
    type = cm_load_u32_as(record, big);
    if (type == CM_BLOCK_PACKET_SIMPLE) {
        view_ret->origlen = cm_load_u32_as(record + 8, big);
        view_ret->caplen = (uint32_t)cm_min_u64(view_ret->origlen, record_bytes - SIMPLE_OVERHEAD);
        if (interface->snaplen != 0 && interface->snaplen < view_ret->caplen)
            view_ret->caplen = interface->snaplen;
        view_ret->data = record + CM_BLOCK_SIMPLE_FIXED;
    } else if ((type == CM_BLOCK_PACKET_ENHANCED || type == CM_BLOCK_PACKET_OBSOLETE) &&
               record_bytes >= ENHANCED_OVERHEAD) {
        view_block_with_time(record, record_bytes, big, view_ret);
        view_ret->drops = DROPS_UNKNOWN;
        if (type == CM_BLOCK_PACKET_OBSOLETE)
            view_ret->drops = cm_load_u16_as(record + 10, big);
    } else {
        return;
    }
    view_ret->type = type;
}

/* What becomes of a pcapng input's block. */
enum treatment { COPY, COPY_WITH_ID, REWRITE, REWRITE_SIMPLE };

static enum treatment treatment_of(const struct cm_writer *writer, const struct cm_interface *interface,
                                   const struct cm_written_packet *packet)
{
    bool same_order = interface->big_endian == writer->options.big_endian;
    uint32_t type;

    if (packet->record_bytes < SIMPLE_OVERHEAD)
        return REWRITE;
    type = cm_load_u32_as(packet->record, interface->big_endian);
    if (type == CM_BLOCK_PACKET_ENHANCED && same_order && !writer->cover.hide &&
        packet->record_bytes >= ENHANCED_OVERHEAD)
        return COPY_WITH_ID;
    if (type == CM_BLOCK_PACKET_SIMPLE && writer->options.keep_simple_packets && packet->interface == 0)
        return same_order ? COPY : REWRITE_SIMPLE;
    return REWRITE;
}

/* The drop count of an obsolete block goes in front of its options, which need not be walked for that. */
static size_t drops_bytes(const struct cm_record_view *view)
{
    if (view->type != CM_BLOCK_PACKET_OBSOLETE || view->drops == DROPS_UNKNOWN)
        return 0;
    return DROPS_OPTION + (view->options_bytes == 0 ? CM_OPTION_HEADER_BYTES : 0);
}

static size_t store_drops(uint8_t *out, const struct cm_record_view *view, bool big)
{
    cm_store_u16_as(out, CM_OPTION_PACKET_DROPS, big);
    cm_store_u16_as(out + 2, 8, big);
    cm_store_u64_as(out + 4, view->drops, big);
    if (view->options_bytes == 0)
        memset(out + DROPS_OPTION, 0, CM_OPTION_HEADER_BYTES);
    return drops_bytes(view);
}

/* Options as they will stand in the written block; `out` NULL: only their length, padded. */
static size_t carry_options(const struct cm_writer *writer, const struct cm_record_view *view, bool changed,
                            uint8_t *out, struct cm_left_out *left_out)
{
    size_t padded = cm_align_up(view->options_bytes, 4);
    struct cm_options_way way = {.from_big = view->big_endian,
                                 .to_big = writer->options.big_endian,
                                 .changed = changed && writer->options.bytes_change,
                                 .cover = cm_writer_cover_of(writer)};

    if (view->options_bytes == 0)
        return 0;
    if (changed || writer->cover.hide || way.from_big != way.to_big)
        return cm_options_convert(CM_OPTIONS_PACKET, view->options, view->options_bytes, &way, out, left_out);
    if (out != NULL) {
        memcpy(out, view->options, view->options_bytes);
        memset(out + view->options_bytes, 0, padded - view->options_bytes);
    }
    return padded;
}

size_t cm_writer_pcapng_packet_bytes(const struct cm_writer *writer,
                                     const struct cm_writer_input_state *input,
                                     const struct cm_written_packet *packet)
{
    const struct cm_interface *interface;
    struct cm_left_out left_out = {0};
    struct cm_record_view view;

    if (input->layout.kind == CM_CAPTURE_PCAP) {
        cm_record_view_pcap(&input->layout, packet->record, packet->record_bytes, &view);
        return ENHANCED_OVERHEAD + cm_align_up(view.caplen, 4);
    }
    interface = cm_writer_interface_get(input, packet->interface);
    switch (treatment_of(writer, interface, packet)) {
    case COPY:
    case COPY_WITH_ID:
        return packet->record_bytes;
    case REWRITE_SIMPLE:
        cm_record_view_pcapng(interface, packet->record, packet->record_bytes, &view);
        return SIMPLE_OVERHEAD + cm_align_up(view.caplen, 4);
    case REWRITE:
        break;
    }
    cm_record_view_pcapng(interface, packet->record, packet->record_bytes, &view);
    return ENHANCED_OVERHEAD + cm_align_up(view.caplen, 4) + drops_bytes(&view) +
           carry_options(writer, &view, false, NULL, &left_out);
}

size_t cm_writer_pcapng_changed_bytes(const struct cm_writer *writer,
                                      const struct cm_writer_input_state *input,
                                      const struct cm_written_packet *packet, uint32_t caplen)
{
    struct cm_left_out left_out = {0};
    struct cm_record_view view;

    cm_record_view(input, packet, &view);
    return ENHANCED_OVERHEAD + cm_align_up(caplen, 4) + drops_bytes(&view) +
           carry_options(writer, &view, true, NULL, &left_out);
}

/* Type and both lengths. Also for a block that is copied: one is read whose lengths differ, or are no
 * multiple of four. */
static size_t finish_block(uint8_t *out, size_t n, uint32_t type, bool big)
{
    n += CM_BLOCK_TRAILER_BYTES;
    cm_store_u32_as(out, type, big);
    cm_store_u32_as(out + 4, (uint32_t)n, big);
    cm_store_u32_as(out + n - CM_BLOCK_TRAILER_BYTES, (uint32_t)n, big);
    return n;
}

static size_t store_data(uint8_t *out, const struct cm_record_view *view, bool big)
{
    size_t padded = cm_align_up(view->caplen, 4);

    cm_record_store_data(view, big, out);
    memset(out + view->caplen, 0, padded - view->caplen);
    return padded;
}

/* The fixed part of an enhanced packet block. */
static void store_enhanced(uint8_t *out, uint32_t id, uint64_t ticks, uint32_t caplen, uint32_t origlen,
                           bool big)
{
    cm_store_u32_as(out + 8, id, big);
    cm_store_u32_as(out + 12, (uint32_t)(ticks >> 32), big);
    cm_store_u32_as(out + 16, (uint32_t)ticks, big);
    cm_store_u32_as(out + 20, caplen, big);
    cm_store_u32_as(out + 24, origlen, big);
}

/* What stands behind the packet's n bytes of an enhanced packet block; answers the block's length. */
static size_t store_rest(const struct cm_writer *writer, const struct cm_record_view *view, bool changed,
                         uint8_t *out, size_t n)
{
    struct cm_left_out left_out = {0};

    if (drops_bytes(view) != 0)
        n += store_drops(out + n, view, writer->options.big_endian);
    n += carry_options(writer, view, changed, out + n, &left_out);
    cm_writer_count(writer, &left_out);
    return finish_block(out, n, CM_BLOCK_PACKET_ENHANCED, writer->options.big_endian);
}

/* The record's own time, in the ticks of its interface as written. */
static uint64_t ticks_of(const struct cm_writer_input_state *input, const struct cm_written_packet *packet,
                         const struct cm_record_view *view)
{
    if (input->layout.kind == CM_CAPTURE_PCAP)
        return view->seconds * (uint64_t)(input->layout.nanoseconds ? NS_PER_S : 1000000) + view->fraction;
    if (view->has_time)
        return view->ticks;
    return cm_ticks_from_ns(&cm_writer_interface_get(input, packet->interface)->units, packet->time_ns,
                            false);
}

static size_t rewrite(const struct cm_writer *writer, const struct cm_writer_input_state *input,
                      uint32_t output_id, const struct cm_written_packet *packet, uint8_t *out)
{
    bool big = writer->options.big_endian;
    struct cm_record_view view;

    cm_record_view(input, packet, &view);
    store_enhanced(out, output_id, ticks_of(input, packet, &view), view.caplen, view.origlen, big);
    return store_rest(writer, &view, false, out,
                      CM_BLOCK_ENHANCED_FIXED + store_data(out + CM_BLOCK_ENHANCED_FIXED, &view, big));
}

size_t cm_writer_pcapng_changed_packet(const struct cm_writer *writer,
                                       const struct cm_writer_input_state *input,
                                       const struct cm_written_packet *packet,
                                       const struct cm_packet_change *change, uint8_t *out)
{
    size_t padded = cm_align_up(change->caplen, 4);
    uint8_t *data = out + CM_BLOCK_ENHANCED_FIXED;
    bool big = writer->options.big_endian;
    struct cm_record_view view;
    uint32_t output_id;
    uint64_t ticks;

    cm_writer_output_id(input, packet->interface, &output_id);
    cm_record_view(input, packet, &view);
    if (!change->has_time) {
        ticks = ticks_of(input, packet, &view);
    } else if (input->layout.kind == CM_CAPTURE_PCAP) {
        struct cm_time_units units = {.exponent = input->layout.nanoseconds ? 9 : 6};

        ticks = cm_ticks_from_ns(&units, change->time_ns, true);
    } else {
        ticks = cm_ticks_from_ns(&cm_writer_interface_get(input, packet->interface)->units, change->time_ns,
                                 true);
    }
    store_enhanced(out, output_id, ticks, change->caplen, change->origlen, big);
    cm_record_turn_data(view.link_type, view.big_endian, big, data, change->caplen);
    memset(data + change->caplen, 0, padded - change->caplen);
    return store_rest(writer, &view, true, out, CM_BLOCK_ENHANCED_FIXED + padded);
}

size_t cm_writer_pcapng_packet(const struct cm_writer *writer, const struct cm_writer_input_state *input,
                               const struct cm_written_packet *packet, uint8_t *out)
{
    const struct cm_interface *interface = cm_writer_interface_get(input, packet->interface);
    bool big = writer->options.big_endian;
    struct cm_record_view view;
    uint32_t output_id;

    cm_writer_output_id(input, packet->interface, &output_id);
    if (input->layout.kind == CM_CAPTURE_PCAP)
        return rewrite(writer, input, output_id, packet, out);
    switch (treatment_of(writer, interface, packet)) {
    case COPY:
        memcpy(out, packet->record, packet->record_bytes);
        return finish_block(out, packet->record_bytes - CM_BLOCK_TRAILER_BYTES, CM_BLOCK_PACKET_SIMPLE, big);
    case COPY_WITH_ID:
        memcpy(out, packet->record, packet->record_bytes);
        cm_store_u32_as(out + 8, output_id, big);
        return finish_block(out, packet->record_bytes - CM_BLOCK_TRAILER_BYTES, CM_BLOCK_PACKET_ENHANCED,
                            big);
    case REWRITE_SIMPLE:
        cm_record_view_pcapng(interface, packet->record, packet->record_bytes, &view);
        cm_store_u32_as(out + 8, view.origlen, big);
        return finish_block(out, CM_BLOCK_SIMPLE_FIXED + store_data(out + CM_BLOCK_SIMPLE_FIXED, &view, big),
                            CM_BLOCK_PACKET_SIMPLE, big);
    case REWRITE:
        break;
    }
    return rewrite(writer, input, output_id, packet, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The door of the capture writer: keeps its inputs, remembers what was written already, and hands each packet
 * and block to the file of the format that is written. */
#include "format/capture_writer.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "format/block_types.h"
#include "format/writer_int.h"

/* Names and secrets are remembered to recognise them when another section brings them again. Past this they
 * are written without looking: repeated ones cost space, not meaning, and memory stays bounded for a capture
 * that is full of them. */
#define KEPT_METADATA_BYTES (32u * 1024 * 1024)

/* A section header can hold no more (the reader's limit for blocks), less what stands around its options. */
#define SECTION_OPTIONS_BYTES (CM_MAX_BLOCK_BYTES - 128u * 1024)

enum capmill_status cm_writer_open(const struct cm_writer_options *options, struct cm_writer **writer_ret,
                                   struct cm_error *error)
{
    struct cm_writer *writer = calloc(1, sizeof(*writer));

    *writer_ret = NULL;
    if (writer == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "cannot get memory for a capture writer");
    writer->options = *options;
    writer->options.application = NULL;
    /* Where times change a packet needs one. A simple packet's length is told by its interface's snaplen,
     * which growth raises. */
    writer->options.keep_simple_packets &= !options->retimed && options->growth_bytes == 0;
    writer->tally = calloc(1, sizeof(*writer->tally));
    if (writer->tally == NULL)
        goto no_memory;
    if (options->application != NULL) {
        size_t n = strlen(options->application) + 1;

        writer->application = malloc(n);
        if (writer->application == NULL)
            goto no_memory;
        memcpy(writer->application, options->application, n);
    }
    *writer_ret = writer;
    return CAPMILL_OK;

no_memory:
    cm_writer_close(writer);
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "cannot get memory for a capture writer");
}

static void free_inputs(struct cm_writer *writer)
{
    for (unsigned k = 0; k < CM_SLABS; k++) {
        /* relaxed: nobody else has the writer any more */
        struct cm_writer_input_state *slab =
            atomic_load_explicit(&writer->inputs.slab[k], memory_order_relaxed);

        for (uint64_t i = 0; slab != NULL && i < (uint64_t)CM_SLAB_FIRST_COUNT << k; i++)
            cm_slabs_free(&slab[i].output_ids);
    }
    cm_slabs_free(&writer->inputs);
}

void cm_writer_close(struct cm_writer *writer)
{
    if (writer == NULL)
        return;
    free_inputs(writer);
    for (uint32_t i = 0; i < writer->n_classes; i++)
        free(writer->classes[i].ids);
    free(writer->classes);
    free(writer->counts);
    free(writer->metadata);
    cm_writer_map_free(&writer->classes_by_hash);
    cm_writer_map_free(&writer->counts_by_key);
    cm_writer_map_free(&writer->metadata_by_hash);
    cm_bytes_free(&writer->section_options);
    cm_bytes_free(&writer->kept);
    free(writer->application);
    free(writer->tally);
    free(writer);
}

enum capmill_status cm_writer_add_input(struct cm_writer *writer, uint32_t input,
                                        const struct cm_layout *layout,
                                        const struct cm_interfaces *interfaces, struct cm_error *error)
{
    struct cm_writer_input_state *state = cm_slabs_make(&writer->inputs, input, sizeof(*state));

    if (state == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "cannot get memory for input %u", input);
    state->layout = *layout;
    state->table = interfaces;
    state->otherwise.big_endian = layout->big_endian;
    state->otherwise.units.exponent = layout->nanoseconds ? 9 : 6;
    state->verbatim =
        writer->options.kind == CM_CAPTURE_PCAP && cm_writer_pcap_verbatim(&writer->options, layout);
    state->present = true;
    return CAPMILL_OK;
}

/* Options of a section header that we keep, in our byte order and without their end: all, or all but the
 * application. */
static void keep_section_options(struct cm_writer *writer, const uint8_t *options, size_t n, bool from_big,
                                 struct cm_left_out *left_out)
{
    bool big = writer->options.big_endian;
    struct cm_options_way way = {.from_big = from_big, .to_big = big, .cover = cm_writer_cover_of(writer)};
    uint8_t *to = writer->section_options.data;
    size_t converted = cm_options_convert(CM_OPTIONS_SECTION, options, n, &way, to, left_out), at = 0,
           kept = 0;

    /* the list is sound now, in our order: walk it in place */
    while (converted - at >= CM_OPTION_HEADER_BYTES) {
        uint16_t code = cm_load_u16_as(to + at, big);
        size_t n_bytes =
            CM_OPTION_HEADER_BYTES + ((cm_load_u16_as(to + at + 2, big) + (size_t)3) & ~(size_t)3);

        if (code == CM_OPTION_END)
            break;
        if (code != CM_OPTION_SECTION_APPLICATION || writer->application == NULL) {
            memmove(to + kept, to + at, n_bytes);
            kept += n_bytes;
        }
        at += n_bytes;
    }
    writer->section_options.n = kept;
}

enum capmill_status cm_writer_section(struct cm_writer *writer, uint32_t input, const uint8_t *block,
                                      size_t n, struct cm_error *error)
{
    size_t options_bytes;
    struct cm_left_out left_out = {0};
    enum capmill_status status;

    if (writer->options.kind != CM_CAPTURE_PCAPNG || writer->section_seen || writer->header_written ||
        input != 0)
        return CAPMILL_OK;
    writer->section_seen = true;
    if (n < CM_BLOCK_SECTION_FIXED + CM_BLOCK_TRAILER_BYTES)
        return CAPMILL_OK;
    options_bytes = n - CM_BLOCK_SECTION_FIXED - CM_BLOCK_TRAILER_BYTES;
    if (options_bytes > SECTION_OPTIONS_BYTES) {
        cm_writer_count_dropped(writer, 1);
        return CAPMILL_OK;
    }
    status = cm_bytes_reserve(&writer->section_options, options_bytes, error);
    if (status != CAPMILL_OK || options_bytes == 0)
        return status;
    keep_section_options(writer, block + CM_BLOCK_SECTION_FIXED, options_bytes,
                         cm_load_u32_as(block + 8, true) == CM_PCAPNG_BYTE_ORDER_MAGIC, &left_out);
    cm_writer_count(writer, &left_out);
    return CAPMILL_OK;
}

enum capmill_status cm_writer_header(struct cm_writer *writer, struct cm_bytes *out, struct cm_error *error)
{
    writer->header_written = true;
    if (writer->options.kind == CM_CAPTURE_PCAP)
        return cm_writer_pcap_header(&writer->options, out, error);
    return cm_writer_pcapng_header(writer, out, error);
}

/* The first interface at or after `section`, of those that events made known: sections follow each other in
 * the table. */
static const struct cm_interface *first_of_section(const struct cm_writer_input_state *input,
                                                   uint32_t section, uint32_t *index_ret)
{
    uint32_t low = 0, high = input->n_interfaces;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (cm_writer_interface_get(input, middle)->section < section)
            low = middle + 1;
        else
            high = middle;
    }
    *index_ret = low;
    return low == input->n_interfaces ? NULL : cm_writer_interface_get(input, low);
}

/* The output id of interface `id` of a section, and its units. */
static bool output_id_of(const struct cm_writer_input_state *input, uint32_t section, uint32_t id,
                         uint32_t *id_ret, const struct cm_time_units **units_ret)
{
    const struct cm_interface *interface;
    uint32_t first;

    if (first_of_section(input, section, &first) == NULL || id >= input->n_interfaces - first)
        return false;
    interface = cm_writer_interface_get(input, first + id);
    *units_ret = &interface->units;
    return interface->section == section && interface->id == id &&
           cm_writer_output_id(input, first + id, id_ret);
}

/* Take the block at out->data[start..] back if it was written before; remember it otherwise. */
static enum capmill_status once_only(struct cm_writer *writer, size_t start, struct cm_bytes *out,
                                     struct cm_error *error)
{
    size_t n = out->n - start;
    const uint8_t *block = out->data + start;
    uint64_t hash = cm_writer_hash(block, n);
    struct cm_written_block *added;
    uint32_t at = 0, found;
    enum capmill_status status;

    while (cm_writer_map_next(&writer->metadata_by_hash, hash, &at, &found)) {
        const struct cm_written_block *known = &writer->metadata[found];

        if (known->n == n && memcmp(writer->kept.data + known->offset, block, n) == 0) {
            out->n = start;
            return CAPMILL_OK;
        }
    }
    if (writer->kept.n + n > KEPT_METADATA_BYTES)
        return CAPMILL_OK;
    status = cm_writer_grow((void **)&writer->metadata, writer->n_metadata, &writer->metadata_capacity,
                            sizeof(*writer->metadata), error);
    if (status != CAPMILL_OK)
        return status;
    added = &writer->metadata[writer->n_metadata];
    added->hash = hash;
    added->offset = writer->kept.n;
    added->n = n;
    status = cm_bytes_append(&writer->kept, block, n, error);
    if (status == CAPMILL_OK)
        status = cm_writer_map_add(&writer->metadata_by_hash, hash, writer->n_metadata, error);
    if (status == CAPMILL_OK)
        writer->n_metadata++;
    return status;
}

static bool may_be_metadata(uint32_t type)
{
    switch (type) {
    case CM_BLOCK_SECTION:
    case CM_BLOCK_INTERFACE:
    case CM_BLOCK_PACKET_OBSOLETE:
    case CM_BLOCK_PACKET_SIMPLE:
    case CM_BLOCK_PACKET_ENHANCED:
        return false;
    default:
        return true;
    }
}

enum capmill_status cm_writer_metadata(struct cm_writer *writer, uint32_t input, uint32_t section,
                                       const uint8_t *block, size_t n, struct cm_bytes *out,
                                       struct cm_error *error)
{
    const struct cm_writer_input_state *from = cm_writer_input_get(writer, input);
    const struct cm_interface *of_section;
    uint32_t type, id = 0, index;
    const struct cm_time_units *units = NULL;
    struct cm_left_out left_out = {0};
    enum capmill_status status;
    size_t start = out->n;
    bool from_big;

    if (from == NULL || !from->present)
        return cm_error_set(error, CAPMILL_E_INTERNAL, 0,
                            "a block of input %u, which the writer was not told of", input);
    if (writer->options.kind != CM_CAPTURE_PCAPNG)
        return CAPMILL_OK;
    of_section = first_of_section(from, section, &index);
    from_big = of_section != NULL && of_section->section == section ? of_section->big_endian
                                                                    : from->layout.big_endian;
    if (n >= CM_BLOCK_MIN_BYTES)
        from_big = cm_writer_block_order(block, n, from_big);
    if (n < CM_BLOCK_MIN_BYTES || !may_be_metadata(type = cm_load_u32_as(block, from_big)) ||
        (type == CM_BLOCK_STATISTICS &&
         (n < CM_BLOCK_STATISTICS_FIXED + CM_BLOCK_TRAILER_BYTES ||
          !output_id_of(from, section, cm_load_u32_as(block + CM_BLOCK_HEADER_BYTES, from_big), &id,
                        &units)))) {
        cm_writer_count_dropped(writer, 1);
        return CAPMILL_OK;
    }
    status = cm_writer_block_metadata(writer, from_big, id, units, block, n, out, &left_out, error);
    if (status == CAPMILL_OK && out->n != start && (type == CM_BLOCK_NAMES || type == CM_BLOCK_SECRETS))
        status = once_only(writer, start, out, error);
    if (status != CAPMILL_OK)
        out->n = start;
    cm_writer_count(writer, &left_out);
    return status;
}

void cm_writer_set_cover(struct cm_writer *writer, const struct cm_writer_cover *cover)
{
    writer->cover = *cover;
    writer->covers = cover->hide || cover->ipv4 != NULL || cover->ipv6 != NULL || cover->mac != NULL ||
                     cover->time != NULL;
}

uint64_t cm_writer_dropped(const struct cm_writer *writer)
{
    return atomic_load_explicit(&writer->tally->dropped, memory_order_relaxed);
}

uint64_t cm_writer_hidden(const struct cm_writer *writer)
{
    return atomic_load_explicit(&writer->tally->hidden, memory_order_relaxed);
}

size_t cm_writer_packet_bytes(const struct cm_writer *writer, const struct cm_written_packet *packet)
{
    const struct cm_writer_input_state *input = cm_writer_input_get(writer, packet->input);

    if (input->verbatim)
        return packet->record_bytes;
    if (writer->options.kind == CM_CAPTURE_PCAP)
        return cm_writer_pcap_packet_bytes(input, packet);
    return cm_writer_pcapng_packet_bytes(writer, input, packet);
}

size_t cm_writer_packet(const struct cm_writer *writer, const struct cm_written_packet *packet, uint8_t *out)
{
    const struct cm_writer_input_state *input = cm_writer_input_get(writer, packet->input);

    if (input->verbatim) {
        memcpy(out, packet->record, packet->record_bytes);
        return packet->record_bytes;
    }
    if (writer->options.kind == CM_CAPTURE_PCAP)
        return cm_writer_pcap_packet(writer, input, packet, out);
    return cm_writer_pcapng_packet(writer, input, packet, out);
}

void cm_writer_body(const struct cm_writer *writer, const struct cm_written_packet *packet,
                    struct cm_record_body *body_ret)
{
    struct cm_record_view view;

    cm_record_view(cm_writer_input_get(writer, packet->input), packet, &view);
    body_ret->data = view.data != NULL ? view.data : packet->record;
    body_ret->caplen = view.caplen;
    body_ret->origlen = view.origlen;
    body_ret->link_type = view.link_type;
    body_ret->has_time = view.has_time;
}

size_t cm_writer_changed_bytes(const struct cm_writer *writer, const struct cm_written_packet *packet,
                               uint32_t caplen)
{
    if (writer->options.kind == CM_CAPTURE_PCAP)
        return CM_WRITTEN_PCAP_HEADER_BYTES + (size_t)caplen;
    return cm_writer_pcapng_changed_bytes(writer, cm_writer_input_get(writer, packet->input), packet, caplen);
}

size_t cm_writer_data_offset(const struct cm_writer *writer, const struct cm_written_packet *packet)
{
    (void)packet;
    return writer->options.kind == CM_CAPTURE_PCAP ? CM_WRITTEN_PCAP_HEADER_BYTES : CM_BLOCK_ENHANCED_FIXED;
}

size_t cm_writer_changed_packet(const struct cm_writer *writer, const struct cm_written_packet *packet,
                                const struct cm_packet_change *change, uint8_t *out)
{
    const struct cm_writer_input_state *input = cm_writer_input_get(writer, packet->input);

    if (writer->options.kind == CM_CAPTURE_PCAP)
        return cm_writer_pcap_changed_packet(writer, input, packet, change, out);
    return cm_writer_pcapng_changed_packet(writer, input, packet, change, out);
}

bool cm_writer_verbatim(const struct cm_writer *writer, uint32_t input)
{
    const struct cm_writer_input_state *state = cm_writer_input_get(writer, input);

    return state != NULL && state->verbatim && !writer->options.retimed && writer->options.growth_bytes == 0;
}

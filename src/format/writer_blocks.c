/* SPDX-License-Identifier: Apache-2.0 */
/* pcapng blocks that are no packets, from the byte order and ids of an input to those of the output
 * (draft-ietf-opsawg- pcapng, section 4). What is known to be the same already is for the caller to
 * recognise. */
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "format/block_types.h"
#include "format/writer_int.h"

/* Type and length that read as one number in both byte orders are rare; a known type settles those that are
 * known. */
bool cm_writer_block_order(const uint8_t *block, size_t n, bool otherwise)
{
    bool little = cm_align_up(cm_load_u32_as(block + 4, false), 4) == n;
    bool big = cm_align_up(cm_load_u32_as(block + 4, true), 4) == n;
    uint32_t type = cm_load_u32_as(block, true);

    if (little != big)
        return big;
    if (type != 0 && type <= 0x40000badu && (type <= 0xffff || type == CM_BLOCK_CUSTOM_NO_COPY))
        return true;
    type = cm_load_u32_as(block, false);
    if (type != 0 && type <= 0x40000badu && (type <= 0xffff || type == CM_BLOCK_CUSTOM_NO_COPY))
        return false;
    return otherwise;
}

/* Begin a block at the end of `out`: its type, zeros for its length, room for `body_bytes` and the trailer.
 */
static enum capmill_status begin(struct cm_bytes *out, bool big, uint32_t type, size_t body_bytes,
                                 uint8_t **body_ret, struct cm_error *error)
{
    enum capmill_status status = cm_bytes_reserve(
        out, CM_BLOCK_HEADER_BYTES + cm_align_up(body_bytes, 4) + CM_BLOCK_TRAILER_BYTES, error);

    if (status != CAPMILL_OK)
        return status;
    cm_store_u32_as(out->data + out->n, type, big);
    *body_ret = out->data + out->n + CM_BLOCK_HEADER_BYTES;
    return CAPMILL_OK;
}

/* Pad the body, set both lengths, and make the block part of `out`. */
static void finish(struct cm_bytes *out, bool big, size_t body_bytes)
{
    uint8_t *block = out->data + out->n;
    size_t padded = cm_align_up(body_bytes, 4), n = CM_BLOCK_HEADER_BYTES + padded + CM_BLOCK_TRAILER_BYTES;

    memset(block + CM_BLOCK_HEADER_BYTES + body_bytes, 0, padded - body_bytes);
    cm_store_u32_as(block + 4, (uint32_t)n, big);
    cm_store_u32_as(block + n - CM_BLOCK_TRAILER_BYTES, (uint32_t)n, big);
    out->n += n;
}

/* A block as it is, but with both lengths right: one is read whose lengths differ, or are no multiple of
 * four. */
static enum capmill_status copy(struct cm_bytes *out, bool big, const uint8_t *block, size_t n,
                                struct cm_error *error)
{
    enum capmill_status status = cm_bytes_append(out, block, n, error);

    if (status == CAPMILL_OK) {
        cm_store_u32_as(out->data + out->n - n + 4, (uint32_t)n, big);
        cm_store_u32_as(out->data + out->n - CM_BLOCK_TRAILER_BYTES, (uint32_t)n, big);
    }
    return status;
}

/* An interface of a pcap file. FCS length: libpcap's LT_FCS_LENGTH_PRESENT and LT_FCS_LENGTH, in units of 16
 * bits; the option counts bits (section 4.2). */
static enum capmill_status describe_pcap(const struct cm_writer *writer, const struct cm_interface *interface,
                                         bool nanoseconds, struct cm_bytes *out, struct cm_error *error)
{
    bool big = writer->options.big_endian;
    bool has_fcs = (interface->link_type_high & 0x0400) != 0;
    uint8_t *body;
    size_t n = 8;
    enum capmill_status status = begin(out, big, CM_BLOCK_INTERFACE, n + 8 + 8 + 4, &body, error);

    if (status != CAPMILL_OK)
        return status;
    cm_store_u16_as(body, interface->link_type, big);
    cm_store_u16_as(body + 2, 0, big);
    cm_store_u32_as(body + 4, cm_writer_raised_snaplen(&writer->options, interface->snaplen), big);
    if (nanoseconds) {
        cm_store_u16_as(body + n, CM_OPTION_INTERFACE_TIME_RESOLUTION, big);
        cm_store_u16_as(body + n + 2, 1, big);
        memset(body + n + 4, 0, 4);
        body[n + 4] = 9;
        n += 8;
    }
    if (has_fcs) {
        cm_store_u16_as(body + n, CM_OPTION_INTERFACE_FCS_LENGTH, big);
        cm_store_u16_as(body + n + 2, 1, big);
        memset(body + n + 4, 0, 4);
        body[n + 4] = (uint8_t)((interface->link_type_high >> 12) * 16);
        n += 8;
    }
    if (n != 8) {
        memset(body + n, 0, 4);
        n += 4;
    }
    finish(out, big, n);
    return CAPMILL_OK;
}

enum capmill_status cm_writer_block_interface(const struct cm_writer *writer,
                                              const struct cm_interface *interface, bool nanoseconds,
                                              struct cm_bytes *out, struct cm_left_out *left_out,
                                              struct cm_error *error)
{
    struct cm_options_way way = {.from_big = interface->big_endian,
                                 .to_big = writer->options.big_endian,
                                 .cover = cm_writer_cover_of(writer)};
    const uint8_t *block = interface->block;
    size_t n = interface->block_bytes, options_bytes;
    bool big = writer->options.big_endian;
    enum capmill_status status;
    uint32_t snaplen;
    uint8_t *body;

    if (block == NULL || n < CM_BLOCK_INTERFACE_FIXED + CM_BLOCK_TRAILER_BYTES)
        return describe_pcap(writer, interface, nanoseconds, out, error);
    snaplen = cm_writer_raised_snaplen(&writer->options, cm_load_u32_as(block + 12, interface->big_endian));
    if (way.from_big == way.to_big && way.cover == NULL) {
        status = copy(out, big, block, n, error);
        if (status == CAPMILL_OK)
            cm_store_u32_as(out->data + out->n - n + 12, snaplen, big);
        return status;
    }
    options_bytes = n - CM_BLOCK_INTERFACE_FIXED - CM_BLOCK_TRAILER_BYTES;
    status = begin(out, big, CM_BLOCK_INTERFACE, 8 + options_bytes, &body, error);
    if (status != CAPMILL_OK)
        return status;
    cm_store_u16_as(body, cm_load_u16_as(block + 8, interface->big_endian), big);
    cm_store_u16_as(body + 2, cm_load_u16_as(block + 10, interface->big_endian), big);
    cm_store_u32_as(body + 4, snaplen, big);
    finish(out, big,
           8 + cm_options_convert(CM_OPTIONS_INTERFACE, block + CM_BLOCK_INTERFACE_FIXED, options_bytes, &way,
                                  body + 8, left_out));
    return CAPMILL_OK;
}

/* Name records (section 4.5): type and length are numbers, values are addresses and strings. A list without
 * its end, or with a record that does not fit, is ended there; what follows cannot be told from options. */
static size_t convert_names(const uint8_t *records, size_t n, const struct cm_options_way *way, uint8_t *out,
                            struct cm_left_out *left_out)
{
    size_t at = 0;

    while (n - at >= 4) {
        uint16_t type = cm_load_u16_as(records + at, way->from_big);
        size_t value_bytes = cm_load_u16_as(records + at + 2, way->from_big);
        size_t padded = cm_align_up(value_bytes, 4);

        if (type == 0) {
            memset(out + at, 0, 4);
            at += 4;
            return at + cm_options_convert(CM_OPTIONS_NAMES, records + at, n - at, way, out + at, left_out);
        }
        if (padded > n - at - 4)
            break;
        cm_store_u16_as(out + at, type, way->to_big);
        cm_store_u16_as(out + at + 2, (uint16_t)value_bytes, way->to_big);
        memcpy(out + at + 4, records + at + 4, padded);
        at += 4 + padded;
    }
    left_out->dropped++;
    if (n - at >= 4) {
        memset(out + at, 0, 4);
        at += 4;
    }
    return at;
}

/* The body of a block in the other byte order at `out` (room for body_bytes). False where it cannot be done.
 */
static bool convert_body(uint32_t type, const uint8_t *body, size_t n, const struct cm_options_way *way,
                         uint32_t output_id, uint8_t *out, size_t *n_ret, struct cm_left_out *left_out)
{
    bool from_big = way->from_big, to_big = way->to_big;

    switch (type) {
    case CM_BLOCK_NAMES:
        *n_ret = convert_names(body, n, way, out, left_out);
        return true;
    case CM_BLOCK_STATISTICS:
        cm_store_u32_as(out, output_id, to_big);
        cm_store_u32_as(out + 4, cm_load_u32_as(body + 4, from_big), to_big);
        cm_store_u32_as(out + 8, cm_load_u32_as(body + 8, from_big), to_big);
        if (way->cover != NULL)
            cm_cover_time(way, out + 4);
        *n_ret = 12 + cm_options_convert(CM_OPTIONS_STATISTICS, body + 12, n - 12, way, out + 12, left_out);
        return true;
    case CM_BLOCK_SECRETS: {
        size_t secrets = cm_load_u32_as(body + 4, from_big), padded = cm_align_up(secrets, 4);

        if (secrets > n - 8 || padded > n - 8)
            return false;
        cm_store_u32_as(out, cm_load_u32_as(body, from_big), to_big);
        cm_store_u32_as(out + 4, (uint32_t)secrets, to_big);
        memcpy(out + 8, body + 8, padded);
        *n_ret = 8 + padded +
                 cm_options_convert(CM_OPTIONS_SECRETS, body + 8 + padded, n - 8 - padded, way,
                                    out + 8 + padded, left_out);
        return true;
    }
    case CM_BLOCK_CUSTOM:
        /* Section 5.4: the enterprise number is converted; data and options of the block are left alone. */
        cm_store_u32_as(out, cm_load_u32_as(body, from_big), to_big);
        memcpy(out + 4, body + 4, n - 4);
        *n_ret = n;
        return true;
    case CM_BLOCK_JOURNAL: /* text, and lengths that are little-endian in every section */
        memcpy(out, body, n);
        *n_ret = n;
        return true;
    default:
        return false;
    }
}

static size_t least_body(uint32_t type)
{
    switch (type) {
    case CM_BLOCK_STATISTICS:
        return CM_BLOCK_STATISTICS_FIXED - CM_BLOCK_HEADER_BYTES;
    case CM_BLOCK_SECRETS:
        return CM_BLOCK_SECRETS_FIXED - CM_BLOCK_HEADER_BYTES;
    case CM_BLOCK_CUSTOM:
        return CM_BLOCK_CUSTOM_FIXED - CM_BLOCK_HEADER_BYTES;
    default:
        return 0;
    }
}

/* Whether a block's content is known so well that nothing in it tells what is to be hidden. */
static bool may_be_told(uint32_t type)
{
    return type == CM_BLOCK_NAMES || type == CM_BLOCK_STATISTICS;
}

enum capmill_status cm_writer_block_metadata(const struct cm_writer *writer, bool from_big,
                                             uint32_t output_id, const struct cm_time_units *units,
                                             const uint8_t *block, size_t n, struct cm_bytes *out,
                                             struct cm_left_out *left_out, struct cm_error *error)
{
    struct cm_options_way way = {.from_big = from_big,
                                 .to_big = writer->options.big_endian,
                                 .cover = cm_writer_cover_of(writer),
                                 .units = units};
    uint32_t type = cm_load_u32_as(block, from_big);
    const uint8_t *from = block + CM_BLOCK_HEADER_BYTES;
    size_t body_bytes = n - CM_BLOCK_MIN_BYTES, written;
    enum capmill_status status;
    uint8_t *body;

    if (writer->cover.hide && !may_be_told(type)) {
        left_out->hidden++;
        return CAPMILL_OK;
    }
    if (type == CM_BLOCK_CUSTOM_NO_COPY || body_bytes < least_body(type)) {
        left_out->dropped++;
        return CAPMILL_OK;
    }
    if (way.cover != NULL && type == CM_BLOCK_NAMES)
        return cm_cover_names(writer, from_big, from, body_bytes, out, left_out, error);
    if (from_big == way.to_big && (way.cover == NULL || type != CM_BLOCK_STATISTICS)) {
        status = copy(out, way.to_big, block, n, error);
        if (status == CAPMILL_OK && type == CM_BLOCK_STATISTICS)
            cm_store_u32_as(out->data + out->n - n + 8, output_id, way.to_big);
        return status;
    }
    status = begin(out, way.to_big, type, body_bytes, &body, error);
    if (status != CAPMILL_OK)
        return status;
    if (convert_body(type, from, body_bytes, &way, output_id, body, &written, left_out))
        finish(out, way.to_big, written);
    else
        left_out->dropped++;
    return CAPMILL_OK;
}

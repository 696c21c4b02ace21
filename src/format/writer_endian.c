/* SPDX-License-Identifier: Apache-2.0 */
/* pcapng options from one byte order to the other, each by the layout of its value (draft-ietf-opsawg-pcapng,
 * sections 3.5 and 4). Not for blocks: those are in writer_blocks.c and writer_pcapng.c. */
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "format/block_types.h"
#include "format/writer_int.h"

/* How the bytes of a value are grouped into numbers. */
enum value_layout {
    VALUE_UNKNOWN = 0,
    VALUE_BYTES, /* strings, addresses, single bytes */
    VALUE_U16S,
    VALUE_U32S,
    VALUE_U64,
    VALUE_CUSTOM,  /* enterprise number, then bytes that only their owner understands (section 5.4) */
    VALUE_FILTER,  /* a byte; where it is 1, BPF instructions follow */
    VALUE_VERDICT, /* a byte; where it is 1 or 2, a 64-bit number follows */
    VALUE_NO_COPY, /* its owner asks not to copy it into changed files (section 5.2) */
};

static const uint8_t interface_values[] = {
    [2] = VALUE_BYTES,   [3] = VALUE_BYTES,  [4] = VALUE_BYTES,  [5] = VALUE_BYTES, [6] = VALUE_BYTES,
    [7] = VALUE_BYTES,   [8] = VALUE_U64,    [9] = VALUE_BYTES,  [10] = VALUE_U16S, /* two offsets in minutes
                                                                                     */
    [11] = VALUE_FILTER, [12] = VALUE_BYTES, [13] = VALUE_BYTES, [14] = VALUE_U64,  [15] = VALUE_BYTES,
    [16] = VALUE_U64,    [17] = VALUE_U64,
};
static const uint8_t packet_values[] = {
    [2] = VALUE_U32S, [3] = VALUE_BYTES,   [4] = VALUE_U64,  [5] = VALUE_U64,
    [6] = VALUE_U32S, [7] = VALUE_VERDICT, [8] = VALUE_U32S, /* process, thread */
};
static const uint8_t statistics_values[] = {
    [2] = VALUE_U32S, [3] = VALUE_U32S, /* times: high word, low word */
    [4] = VALUE_U64,  [5] = VALUE_U64,  [6] = VALUE_U64, [7] = VALUE_U64, [8] = VALUE_U64,
};
static const uint8_t byte_values[] = {[2] = VALUE_BYTES, [3] = VALUE_BYTES, [4] = VALUE_BYTES};

static enum value_layout layout_in(const uint8_t *values, size_t n, uint16_t code)
{
    return code < n ? (enum value_layout)values[code] : VALUE_UNKNOWN;
}

static enum value_layout layout_of(enum cm_option_list list, uint16_t code)
{
    switch (code) {
    case CM_OPTION_COMMENT:
        return VALUE_BYTES;
    case CM_OPTION_CUSTOM_TEXT:
    case CM_OPTION_CUSTOM_BYTES:
        return VALUE_CUSTOM;
    case CM_OPTION_CUSTOM_TEXT_NO_COPY:
    case CM_OPTION_CUSTOM_BYTES_NO_COPY:
        return VALUE_NO_COPY;
    default:
        break;
    }
    switch (list) {
    case CM_OPTIONS_INTERFACE:
        return layout_in(interface_values, sizeof(interface_values), code);
    case CM_OPTIONS_PACKET:
        return layout_in(packet_values, sizeof(packet_values), code);
    case CM_OPTIONS_STATISTICS:
        return layout_in(statistics_values, sizeof(statistics_values), code);
    case CM_OPTIONS_SECTION:
    case CM_OPTIONS_NAMES:
        return layout_in(byte_values, sizeof(byte_values), code);
    case CM_OPTIONS_SECRETS:
        break;
    }
    return VALUE_UNKNOWN;
}

static void reverse_groups(uint8_t *value, size_t n, size_t group_bytes)
{
    for (size_t at = 0; at + group_bytes <= n; at += group_bytes) {
        for (size_t i = 0; i < group_bytes / 2; i++) {
            uint8_t byte = value[at + i];
            value[at + i] = value[at + group_bytes - 1 - i];
            value[at + group_bytes - 1 - i] = byte;
        }
    }
}

/* Turn the numbers of a value round in place. A value whose length does not go with its layout stays as it
 * is: a reader has to refuse it either way. */
static void reverse_value(enum value_layout layout, uint8_t *value, size_t n)
{
    switch (layout) {
    case VALUE_U16S:
        if (n == 4)
            reverse_groups(value, n, 2);
        break;
    case VALUE_U32S:
        if (n == 4 || n == 8)
            reverse_groups(value, n, 4);
        break;
    case VALUE_U64:
        if (n == 8)
            reverse_groups(value, n, 8);
        break;
    case VALUE_CUSTOM:
        if (n >= 4)
            reverse_groups(value, 4, 4);
        break;
    case VALUE_FILTER:
        /* BPF instructions: a 16-bit code, two jumps of one byte, a 32-bit operand */
        if (n > 1 && value[0] == 1 && (n - 1) % 8 == 0) {
            for (size_t at = 1; at < n; at += 8) {
                reverse_groups(value + at, 2, 2);
                reverse_groups(value + at + 4, 4, 4);
            }
        }
        break;
    case VALUE_VERDICT:
        if (n == 9 && (value[0] == 1 || value[0] == 2))
            reverse_groups(value + 1, 8, 8);
        break;
    case VALUE_UNKNOWN:
    case VALUE_BYTES:
    case VALUE_NO_COPY:
        break;
    }
}

static size_t write_end(uint8_t *out)
{
    if (out != NULL)
        memset(out, 0, CM_OPTION_HEADER_BYTES);
    return CM_OPTION_HEADER_BYTES;
}

/* One option at `out`, its value padded. */
static void store_option(enum cm_option_list list, enum value_layout layout, uint16_t code,
                         const uint8_t *value, size_t n, const struct cm_options_way *way, uint8_t *out)
{
    uint8_t *stored = out + CM_OPTION_HEADER_BYTES;

    cm_store_u16_as(out, code, way->to_big);
    cm_store_u16_as(out + 2, (uint16_t)n, way->to_big);
    memcpy(stored, value, n);
    memset(stored + n, 0, cm_align_up(n, 4) - n);
    if (way->from_big != way->to_big)
        reverse_value(layout, stored, n);
    if (way->cover != NULL)
        cm_cover_option(way, list, code, stored, n);
}

/* True where the option is left out, and counted. */
static bool is_left_out(enum cm_option_list list, enum value_layout layout, uint16_t code,
                        const uint8_t *value, size_t n, const struct cm_options_way *way,
                        struct cm_left_out *left_out)
{
    if (way->cover != NULL && cm_cover_hides_option(way->cover, list, code, value, n)) {
        left_out->hidden++;
        return true;
    }
    if (layout == VALUE_NO_COPY || (layout == VALUE_UNKNOWN && way->from_big != way->to_big) ||
        (way->changed && list == CM_OPTIONS_PACKET && code == CM_OPTION_PACKET_HASH)) {
        left_out->dropped++;
        return true;
    }
    return false;
}

size_t cm_options_convert(enum cm_option_list list, const uint8_t *options, size_t n,
                          const struct cm_options_way *way, uint8_t *out, struct cm_left_out *left_out)
{
    size_t at = 0, written = 0;

    while (n - at >= CM_OPTION_HEADER_BYTES) {
        const uint8_t *value = options + at + CM_OPTION_HEADER_BYTES;
        uint16_t code = cm_load_u16_as(options + at, way->from_big);
        size_t value_bytes = cm_load_u16_as(options + at + 2, way->from_big);
        size_t padded = cm_align_up(value_bytes, 4);
        enum value_layout layout;

        if (code == CM_OPTION_END)
            return written + write_end(out == NULL ? NULL : out + written);
        if (padded > n - at - CM_OPTION_HEADER_BYTES)
            break;
        layout = layout_of(list, code);
        if (!is_left_out(list, layout, code, value, value_bytes, way, left_out)) {
            if (out != NULL)
                store_option(list, layout, code, value, value_bytes, way, out + written);
            written += CM_OPTION_HEADER_BYTES + padded;
        }
        at += CM_OPTION_HEADER_BYTES + padded;
    }
    if (at == n)
        return written; /* no end of options: allowed where the block ends */
    left_out->dropped++;
    if (written != 0 && n - written >= CM_OPTION_HEADER_BYTES)
        written += write_end(out == NULL ? NULL : out + written);
    return written;
}

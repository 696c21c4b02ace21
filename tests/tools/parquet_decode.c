/* SPDX-License-Identifier: Apache-2.0 */
/* What Parquet is encoded with, taken apart: Thrift's compact protocol, runs, deltas, bloom filters. Written from
 * the documents of the formats and not from the encoder. */
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "tools/parquet_read.h"

/* ---- Thrift, compact protocol ---- */

static uint8_t read_byte(struct parquet_cursor *cursor)
{
    if (cursor->at == cursor->end) {
        cursor->bad = true;
        return 0;
    }
    return *cursor->at++;
}

static uint64_t read_varint(struct parquet_cursor *cursor)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = read_byte(cursor);

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    cursor->bad = true;
    return 0;
}

static int64_t read_zigzag(struct parquet_cursor *cursor)
{
    uint64_t value = read_varint(cursor);

    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static void read_value(struct parquet_read *read, struct parquet_cursor *cursor, struct thrift_node *node,
                       bool is_item, unsigned depth);

static struct thrift_node *append(struct parquet_read *read, struct thrift_node *parent,
                                  struct thrift_node **last)
{
    struct thrift_node *node = parquet_take(read, sizeof(*node));

    if (*last == NULL)
        parent->first = node;
    else
        (*last)->next = node;
    parent->n++;
    return *last = node;
}

static void read_struct(struct parquet_read *read, struct parquet_cursor *cursor, struct thrift_node *node,
                        unsigned depth)
{
    struct thrift_node *last = NULL;
    int id = 0;

    for (;;) {
        uint8_t head = read_byte(cursor);
        struct thrift_node *field;

        if (head == 0 || cursor->bad)
            return;
        id = head >> 4 == 0 ? (int)read_zigzag(cursor) : id + (head >> 4);
        field = append(read, node, &last);
        field->id = id;
        field->type = head & 15;
        read_value(read, cursor, field, false, depth + 1);
    }
}

static void read_list(struct parquet_read *read, struct parquet_cursor *cursor, struct thrift_node *node,
                      unsigned depth)
{
    struct thrift_node *last = NULL;
    uint8_t head = read_byte(cursor);
    uint64_t n = head >> 4 == 15 ? read_varint(cursor) : head >> 4;

    for (uint64_t i = 0; i < n && !cursor->bad; i++) {
        struct thrift_node *item = append(read, node, &last);

        item->type = head & 15;
        read_value(read, cursor, item, true, depth + 1);
    }
}

static void read_value(struct parquet_read *read, struct parquet_cursor *cursor, struct thrift_node *node,
                       bool is_item, unsigned depth)
{
    if (depth > 20) {
        cursor->bad = true;
        return;
    }
    switch (node->type) {
    case 1:
    case 2: /* a truth value: of a field in its type, of an item in a byte */
        node->number = is_item ? read_byte(cursor) == 1 : node->type == 1;
        break;
    case 3:
        node->number = (int8_t)read_byte(cursor);
        break;
    case 4:
    case 5:
    case 6:
        node->number = read_zigzag(cursor);
        break;
    case 8: {
        uint64_t n = read_varint(cursor);

        if (n > (uint64_t)(cursor->end - cursor->at)) {
            cursor->bad = true;
            break;
        }
        node->bytes = (struct cm_span){cursor->at, (uint32_t)n};
        cursor->at += n;
        break;
    }
    case 9:
        read_list(read, cursor, node, depth);
        break;
    case 12:
        read_struct(read, cursor, node, depth);
        break;
    default:
        cursor->bad = true;
    }
}

struct thrift_node *thrift_read(struct parquet_read *memory, const uint8_t *bytes, size_t n,
                                size_t *n_used_ret)
{
    struct parquet_cursor cursor = {bytes, bytes + n, false};
    struct thrift_node *root = parquet_take(memory, sizeof(*root));

    root->type = 12;
    read_struct(memory, &cursor, root, 0);
    *n_used_ret = (size_t)(cursor.at - bytes);
    return cursor.bad ? NULL : root;
}

const struct thrift_node *thrift_field(const struct thrift_node *node, int id)
{
    const struct thrift_node *field = node == NULL ? NULL : node->first;

    while (field != NULL && field->id != id)
        field = field->next;
    return field;
}

/* ---- encodings ---- */

/* Bits from the lowest of the first byte on. */
static uint64_t take_bits(const uint8_t *bytes, uint64_t at, unsigned width)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < width; i++)
        value |= (uint64_t)(bytes[(at + i) / 8] >> (at + i) % 8 & 1) << i;
    return value;
}

/* All bytes are used, and nothing but bits that fill up the last eight values is left. */
bool parquet_read_runs(const uint8_t *bytes, size_t n, unsigned width, uint32_t *values, size_t n_values)
{
    struct parquet_cursor cursor = {bytes, bytes + n, false};
    size_t made = 0;

    while (made < n_values) {
        uint64_t head = read_varint(&cursor), count = head >> 1;
        size_t n_bytes = (head & 1) != 0 ? (size_t)count * width : (width + 7) / 8;

        if (cursor.bad || count == 0 || n_bytes > (size_t)(cursor.end - cursor.at))
            return false;
        if ((head & 1) != 0) {
            if (count > (n_values - made + 7) / 8)
                return false;
            for (uint64_t i = 0; i < count * 8 && made < n_values; i++)
                values[made++] = (uint32_t)take_bits(cursor.at, i * width, width);
        } else {
            uint32_t value = (uint32_t)take_bits(cursor.at, 0, (width + 7) / 8 * 8);

            if (count > n_values - made || (width < 32 && value >> width != 0))
                return false;
            while (count-- > 0)
                values[made++] = value;
        }
        cursor.at += n_bytes;
    }
    return cursor.at == cursor.end;
}

bool parquet_read_deltas(const uint8_t *bytes, size_t n, unsigned width, uint64_t *values, size_t n_values)
{
    struct parquet_cursor cursor = {bytes, bytes + n, false};
    uint64_t block = read_varint(&cursor), miniblocks = read_varint(&cursor), total = read_varint(&cursor);
    uint64_t value = (uint64_t)read_zigzag(&cursor), mask = width == 4 ? UINT32_MAX : UINT64_MAX;
    uint64_t in_miniblock;
    size_t made = 0;

    if (cursor.bad || total != n_values || block % 128 != 0 || miniblocks == 0 ||
        block / miniblocks % 32 != 0)
        return false;
    in_miniblock = block / miniblocks;
    if (n_values != 0)
        values[made++] = value & mask;
    while (made < n_values) {
        uint64_t least = (uint64_t)read_zigzag(&cursor);
        const uint8_t *widths = cursor.at;

        if (cursor.bad || miniblocks > (uint64_t)(cursor.end - cursor.at))
            return false;
        cursor.at += miniblocks;
        for (uint64_t m = 0; m < miniblocks; m++) {
            size_t n_bytes = (size_t)(in_miniblock * widths[m] / 8);

            if (made == n_values && widths[m] != 0)
                return false;
            if (widths[m] > width * 8 || n_bytes > (size_t)(cursor.end - cursor.at))
                return false;
            for (uint64_t i = 0; i < in_miniblock && made < n_values; i++) {
                value += least + take_bits(cursor.at, i * widths[m], widths[m]);
                values[made++] = value & mask;
            }
            cursor.at += n_bytes;
        }
    }
    return cursor.at == cursor.end;
}

bool parquet_bloom_has(const uint8_t *bits, size_t n, uint64_t hash)
{
    static const uint32_t salt[8] = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                     0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};
    const uint8_t *block = bits + ((hash >> 32) * (n / 32) >> 32) * 32;

    for (unsigned i = 0; i < 8; i++)
        if ((cm_load_u32_as(block + i * 4, false) >> ((uint32_t)hash * salt[i] >> 27) & 1) == 0)
            return false;
    return true;
}

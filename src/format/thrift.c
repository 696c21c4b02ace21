/* SPDX-License-Identifier: Apache-2.0 */
/* Thrift's compact protocol: variable-length numbers, and fields that name their distance to the one before.
 * Section names are those of thrift-compact-protocol.md. */
#include "format/thrift.h"

#include <assert.h>
#include <string.h>

#define MAX_VARINT_BYTES 10
#define SHORT_LIST       15 /* from it on a list's length does not fit its first byte */

/* Room for `n` bytes; NULL where it cannot be had, now or before. */
static uint8_t *reserve(struct cm_thrift *thrift, size_t n)
{
    if (thrift->failed || cm_bytes_reserve(&thrift->out, n, NULL) != CAPMILL_OK) {
        thrift->failed = true;
        return NULL;
    }
    return thrift->out.data + thrift->out.n;
}

static void append_byte(struct cm_thrift *thrift, unsigned value)
{
    uint8_t *p = reserve(thrift, 1);

    if (p != NULL) {
        *p = (uint8_t)value;
        thrift->out.n++;
    }
}

static void append_varint(struct cm_thrift *thrift, uint64_t value)
{
    uint8_t *p = reserve(thrift, MAX_VARINT_BYTES);
    size_t n = 0;

    if (p == NULL)
        return;
    for (; value >= 0x80; value >>= 7)
        p[n++] = (uint8_t)(value | 0x80);
    p[n++] = (uint8_t)value;
    thrift->out.n += n;
}

/* "Integer encoding": small numbers of either sign become small ones. */
static void append_zigzag(struct cm_thrift *thrift, int64_t value)
{
    append_varint(thrift, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

static void append_binary(struct cm_thrift *thrift, const void *bytes, size_t n)
{
    uint8_t *p;

    append_varint(thrift, n);
    p = reserve(thrift, n);
    if (p != NULL && n != 0) {
        memcpy(p, bytes, n);
        thrift->out.n += n;
    }
}

/* "Struct encoding": the short form where the distance has four bits. */
static void append_field(struct cm_thrift *thrift, int16_t id, enum cm_thrift_type type)
{
    int16_t *last = &thrift->last_id[thrift->depth];
    int distance = id - *last;

    assert(distance > 0);
    if (distance <= 15) {
        append_byte(thrift, (unsigned)distance << 4 | (unsigned)type);
    } else {
        append_byte(thrift, (unsigned)type);
        append_zigzag(thrift, id);
    }
    *last = id;
}

static void enter(struct cm_thrift *thrift)
{
    assert(thrift->depth + 1 < CM_THRIFT_MAX_DEPTH);
    thrift->last_id[++thrift->depth] = 0;
}

void cm_thrift_begin(struct cm_thrift *thrift)
{
    thrift->out.n = 0;
    thrift->failed = false;
    thrift->depth = 0;
    enter(thrift);
}

void cm_thrift_end(struct cm_thrift *thrift)
{
    assert(thrift->depth > 0);
    append_byte(thrift, 0);
    thrift->depth--;
}

enum capmill_status cm_thrift_status(const struct cm_thrift *thrift, struct cm_error *error)
{
    return thrift->failed ? cm_error_set(error, CAPMILL_E_MEMORY, 0,
                                         "cannot get memory for the metadata of a Parquet file")
                          : CAPMILL_OK;
}

void cm_thrift_bool(struct cm_thrift *thrift, int16_t id, bool value)
{
    append_field(thrift, id, value ? CM_THRIFT_TRUE : CM_THRIFT_FALSE);
}

void cm_thrift_i8(struct cm_thrift *thrift, int16_t id, int8_t value)
{
    append_field(thrift, id, CM_THRIFT_I8);
    append_byte(thrift, (uint8_t)value);
}

void cm_thrift_i32(struct cm_thrift *thrift, int16_t id, int32_t value)
{
    append_field(thrift, id, CM_THRIFT_I32);
    append_zigzag(thrift, value);
}

void cm_thrift_i64(struct cm_thrift *thrift, int16_t id, int64_t value)
{
    append_field(thrift, id, CM_THRIFT_I64);
    append_zigzag(thrift, value);
}

void cm_thrift_binary(struct cm_thrift *thrift, int16_t id, const void *bytes, size_t n)
{
    append_field(thrift, id, CM_THRIFT_BINARY);
    append_binary(thrift, bytes, n);
}

void cm_thrift_text(struct cm_thrift *thrift, int16_t id, const char *text)
{
    cm_thrift_binary(thrift, id, text, strlen(text));
}

void cm_thrift_struct(struct cm_thrift *thrift, int16_t id)
{
    append_field(thrift, id, CM_THRIFT_STRUCT);
    enter(thrift);
}

void cm_thrift_empty_struct(struct cm_thrift *thrift, int16_t id)
{
    cm_thrift_struct(thrift, id);
    cm_thrift_end(thrift);
}

void cm_thrift_list(struct cm_thrift *thrift, int16_t id, enum cm_thrift_type type, size_t n)
{
    append_field(thrift, id, CM_THRIFT_LIST);
    append_byte(thrift, (unsigned)(n < SHORT_LIST ? n : SHORT_LIST) << 4 | (unsigned)type);
    if (n >= SHORT_LIST)
        append_varint(thrift, n);
}

/* Items are not fields: a truth value is a byte of its own, 1 or 2. */
void cm_thrift_item_bool(struct cm_thrift *thrift, bool value)
{
    append_byte(thrift, value ? CM_THRIFT_TRUE : CM_THRIFT_FALSE);
}

void cm_thrift_item_i32(struct cm_thrift *thrift, int32_t value)
{
    append_zigzag(thrift, value);
}

void cm_thrift_item_i64(struct cm_thrift *thrift, int64_t value)
{
    append_zigzag(thrift, value);
}

void cm_thrift_item_binary(struct cm_thrift *thrift, const void *bytes, size_t n)
{
    append_binary(thrift, bytes, n);
}

void cm_thrift_item_struct(struct cm_thrift *thrift)
{
    enter(thrift);
}

void cm_thrift_items(struct cm_thrift *thrift, const void *bytes, size_t n)
{
    uint8_t *p = reserve(thrift, n);

    if (p != NULL && n != 0) {
        memcpy(p, bytes, n);
        thrift->out.n += n;
    }
}

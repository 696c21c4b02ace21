/* SPDX-License-Identifier: Apache-2.0 */
/* Least and greatest values of pages and row groups (parquet.thrift, Statistics and ColumnOrder): numbers in the
 * order of their type, texts by their bytes and cut where they are long. */
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "format/parquet_int.h"

/* Signed numbers in an order of unsigned ones. */
static uint64_t rank(const struct cm_parquet_column *column, uint64_t value)
{
    return column->is_signed ? value ^ (uint64_t)1 << 63 : value;
}

void cm_parquet_bounds_numbers(const struct cm_parquet_column *column, const uint64_t *values, size_t n,
                               struct cm_parquet_bounds *bounds_ret)
{
    uint64_t flip = column->is_signed ? (uint64_t)1 << 63 : 0, least = UINT64_MAX, greatest = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t value = values[i] ^ flip;

        least = value < least ? value : least;
        greatest = value > greatest ? value : greatest;
    }
    bounds_ret->known = n != 0;
    bounds_ret->least = least ^ flip;
    bounds_ret->greatest = greatest ^ flip;
}

static int compare_bytes(const uint8_t *a, uint32_t n_a, const uint8_t *b, uint32_t n_b)
{
    uint32_t n = n_a < n_b ? n_a : n_b;
    int order = n == 0 ? 0 : memcmp(a, b, n);

    return order != 0 ? order : (n_a > n_b) - (n_a < n_b);
}

/* Where the character begins that holds the byte before `n`; one of at most four bytes. */
static uint32_t character_before(const uint8_t *bytes, uint32_t n)
{
    uint32_t at = n - 1;

    while (at > 0 && n - at < 4 && (bytes[at] & 0xc0) == 0x80)
        at--;
    return at;
}

static uint32_t encode(uint32_t point, uint8_t out[4])
{
    uint32_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t lead[5] = {0, 0x00, 0xc0, 0xe0, 0xf0};

    for (uint32_t i = n; i-- > 1; point >>= 6)
        out[i] = (uint8_t)(0x80 | (point & 0x3f));
    out[0] = (uint8_t)(lead[n] | point);
    return n;
}

/* The code point of a character of `n` bytes that is UTF-8; UINT32_MAX where it is not, also
 * where it could be shorter: its next one would then be less by its bytes. */
static uint32_t decode(const uint8_t *p, uint32_t n)
{
    static const uint8_t lead[5] = {0, 0x00, 0xc0, 0xe0, 0xf0}, mask[5] = {0, 0x80, 0xe0, 0xf0, 0xf8};
    uint8_t shortest[4];
    uint32_t point;

    if (n == 0 || n > 4 || (p[0] & mask[n]) != lead[n])
        return UINT32_MAX;
    point = p[0] & (uint8_t)~mask[n];
    for (uint32_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return UINT32_MAX;
        point = point << 6 | (p[i] & 0x3f);
    }
    return encode(point, shortest) == n ? point : UINT32_MAX;
}

/* The next character, which is greater by its bytes too; 0 where there is none. */
static uint32_t next_point(uint32_t point)
{
    if (point >= 0x10ffff) /* the last one, or no character */
        return 0;
    return point == 0xd7ff ? 0xe000 : point + 1; /* surrogates are no characters */
}

/* How many bytes of a long text are kept: whole characters. */
static uint32_t cut_length(const uint8_t *bytes)
{
    uint32_t n = CM_PARQUET_BOUND_BYTES;

    if ((bytes[n] & 0xc0) == 0x80) {
        uint32_t begin = character_before(bytes, n);

        if (begin != 0 && bytes[begin] >= 0xc0)
            n = begin;
    }
    return n;
}

static void cut_least(struct cm_span value, struct cm_parquet_text_bound *bound_ret)
{
    bound_ret->exact = value.n <= CM_PARQUET_BOUND_BYTES;
    bound_ret->n = (uint8_t)(bound_ret->exact ? value.n : cut_length(value.bytes));
    if (bound_ret->n != 0)
        memcpy(bound_ret->bytes, value.bytes, bound_ret->n);
}

/* Make the last character that has a next one that next one, and end behind it. False where there is none. */
static bool raise(struct cm_parquet_text_bound *bound)
{
    for (uint32_t n = bound->n; n > 0;) {
        uint32_t begin = character_before(bound->bytes, n), n_next;
        uint32_t next = next_point(decode(bound->bytes + begin, n - begin));
        uint8_t character[4];

        n_next = next == 0 ? 0 : encode(next, character);
        if (n_next != 0 && begin + n_next <= CM_PARQUET_BOUND_BYTES) {
            memcpy(bound->bytes + begin, character, n_next);
            bound->n = (uint8_t)(begin + n_next);
            return true;
        }
        n = begin;
    }
    return false;
}

static bool cut_greatest(struct cm_span value, struct cm_parquet_text_bound *bound_ret)
{
    cut_least(value, bound_ret);
    return bound_ret->exact || raise(bound_ret);
}

void cm_parquet_bounds_texts(const struct cm_span *values, size_t n, struct cm_parquet_bounds *bounds_ret)
{
    size_t least = 0, greatest = 0;

    bounds_ret->known = n != 0;
    if (n == 0)
        return;
    for (size_t i = 1; i < n; i++) {
        if (compare_bytes(values[i].bytes, values[i].n, values[least].bytes, values[least].n) < 0)
            least = i;
        else if (compare_bytes(values[i].bytes, values[i].n, values[greatest].bytes, values[greatest].n) > 0)
            greatest = i;
    }
    cut_least(values[least], &bounds_ret->text[0]);
    bounds_ret->known = cut_greatest(values[greatest], &bounds_ret->text[1]);
}

int cm_parquet_bounds_compare(const struct cm_parquet_column *column, const struct cm_parquet_bounds *a,
                              const struct cm_parquet_bounds *b, bool greatest)
{
    if (column->type == CM_PARQUET_BYTE_ARRAY) {
        const struct cm_parquet_text_bound *x = &a->text[greatest], *y = &b->text[greatest];

        return compare_bytes(x->bytes, x->n, y->bytes, y->n);
    } else {
        uint64_t x = rank(column, greatest ? a->greatest : a->least);
        uint64_t y = rank(column, greatest ? b->greatest : b->least);

        return (x > y) - (x < y);
    }
}

void cm_parquet_bounds_merge(const struct cm_parquet_column *column, struct cm_parquet_bounds *into,
                             const struct cm_parquet_bounds *from)
{
    bool less = cm_parquet_bounds_compare(column, from, into, false) < 0;
    bool more = cm_parquet_bounds_compare(column, from, into, true) > 0;

    if (column->type == CM_PARQUET_BYTE_ARRAY) {
        if (less)
            into->text[0] = from->text[0];
        if (more)
            into->text[1] = from->text[1];
    } else {
        into->least = less ? from->least : into->least;
        into->greatest = more ? from->greatest : into->greatest;
    }
}

struct cm_span cm_parquet_bound_bytes(const struct cm_parquet_column *column,
                                      const struct cm_parquet_bounds *bounds, bool greatest, uint8_t room[8])
{
    if (column->type == CM_PARQUET_BYTE_ARRAY)
        return (struct cm_span){bounds->text[greatest].bytes, bounds->text[greatest].n};
    cm_store_u64_as(room, greatest ? bounds->greatest : bounds->least, false);
    return (struct cm_span){room, column->width};
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Captures made byte by byte for the reading tests. Not the product's writer: a test of a reader should not
 * believe it. */
#ifndef CM_TESTS_CAPTURE_BYTES_H
#define CM_TESTS_CAPTURE_BYTES_H

#include <stdbool.h>
#include <stdlib.h>

#include "base/endian.h"
#include "tools/frame_drive.h"
#include "unit/check.h"

struct made {
    uint8_t *bytes;
    size_t n;
    size_t capacity;
    bool big;
};

static inline uint8_t *made_room(struct made *made, size_t n)
{
    if (made->n + n > made->capacity) {
        made->capacity = 2 * (made->n + n);
        made->bytes = realloc(made->bytes, made->capacity);
        if (made->bytes == NULL)
            abort();
    }
    memset(made->bytes + made->n, 0, n);
    made->n += n;
    return made->bytes + made->n - n;
}

static inline void made_free(struct made *made)
{
    free(made->bytes);
    memset(made, 0, sizeof(*made));
}

static inline void put8(struct made *made, uint8_t v)
{
    *made_room(made, 1) = v;
}

static inline void put16(struct made *made, uint16_t v)
{
    cm_store_u16_as(made_room(made, 2), v, made->big);
}

static inline void put32(struct made *made, uint32_t v)
{
    cm_store_u32_as(made_room(made, 4), v, made->big);
}

static inline void put64(struct made *made, uint64_t v)
{
    cm_store_u64_as(made_room(made, 8), v, made->big);
}

static inline void put_bytes(struct made *made, const void *bytes, size_t n)
{
    if (n > 0)
        memcpy(made_room(made, n), bytes, n);
}

/* Bytes that look like nothing: no four of them are a small number. */
static inline void put_noise(struct made *made, size_t n, uint32_t seed)
{
    uint8_t *p = made_room(made, n);

    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        p[i] = (uint8_t)(seed >> 24 | 0x40);
    }
}

static inline void put_pcap_header(struct made *made, uint32_t magic, uint16_t minor, uint32_t network)
{
    put32(made, magic);
    put16(made, 2);
    put16(made, minor);
    put32(made, 0);
    put32(made, 0);
    put32(made, 65535);
    put32(made, network);
}

/* A record of a 16-byte header; payload is noise. */
static inline void put_record(struct made *made, uint32_t seconds, uint32_t fraction, uint32_t caplen,
                              uint32_t origlen)
{
    put32(made, seconds);
    put32(made, fraction);
    put32(made, caplen);
    put32(made, origlen);
    put_noise(made, caplen, seconds + caplen);
}

/* pcapng: begin a block, put its body, end it. Answers where it begins. */
static inline size_t begin_block(struct made *made, uint32_t type)
{
    size_t at = made->n;

    put32(made, type);
    put32(made, 0);
    return at;
}

static inline void end_block(struct made *made, size_t at)
{
    uint32_t n;

    while (made->n % 4 != at % 4)
        put8(made, 0);
    n = (uint32_t)(made->n + 4 - at);
    cm_store_u32_as(made->bytes + at + 4, n, made->big);
    put32(made, n);
}

static inline size_t put_section(struct made *made, uint16_t major, uint16_t minor)
{
    size_t at = begin_block(made, 0x0a0d0d0a);

    put32(made, 0x1a2b3c4d);
    put16(made, major);
    put16(made, minor);
    put64(made, UINT64_MAX);
    end_block(made, at);
    return at;
}

static inline void put_option(struct made *made, uint16_t code, const void *value, uint16_t n)
{
    put16(made, code);
    put16(made, n);
    put_bytes(made, value, n);
    while (n++ % 4 != 0)
        put8(made, 0);
}

/* `resolution` 0: no option. */
static inline size_t put_interface(struct made *made, uint16_t link_type, uint32_t snaplen,
                                   uint8_t resolution, int64_t offset_s)
{
    size_t at = begin_block(made, 1);

    put16(made, link_type);
    put16(made, 0);
    put32(made, snaplen);
    if (resolution != 0)
        put_option(made, 9, &resolution, 1);
    if (offset_s != 0) {
        put16(made, 14);
        put16(made, 8);
        put64(made, (uint64_t)offset_s);
    }
    if (resolution != 0 || offset_s != 0)
        put32(made, 0);
    end_block(made, at);
    return at;
}

static inline size_t put_enhanced(struct made *made, uint32_t interface, uint64_t ticks, uint32_t caplen,
                                  uint32_t origlen)
{
    size_t at = begin_block(made, 6);

    put32(made, interface);
    put32(made, (uint32_t)(ticks >> 32));
    put32(made, (uint32_t)ticks);
    put32(made, caplen);
    put32(made, origlen);
    put_noise(made, caplen, (uint32_t)ticks);
    end_block(made, at);
    return at;
}

static inline size_t put_simple(struct made *made, uint32_t origlen, uint32_t room)
{
    size_t at = begin_block(made, 3);

    put32(made, origlen);
    put_noise(made, room, origlen);
    end_block(made, at);
    return at;
}

static inline const struct cm_packet *nth_packet(const struct cm_driven *driven, size_t n)
{
    for (size_t i = 0; i < driven->n_items; i++)
        if (driven->items[i].event.type == 0 && n-- == 0)
            return &driven->items[i].packet;
    cm_check_that(false, "there is no such packet");
    abort();
}

static inline const struct cm_event *nth_event(const struct cm_driven *driven, enum cm_event_type type,
                                               size_t n)
{
    for (size_t i = 0; i < driven->n_items; i++)
        if (driven->items[i].event.type == type && n-- == 0)
            return &driven->items[i].event;
    cm_check_that(false, "there is no such event");
    abort();
}

/* Frame it at once, then in feeds of 1, 7 and 4096 bytes (large captures: 4096 alone): all must say the
 * same. */
static inline void drive_all_ways(struct cm_driven *driven, const struct made *made)
{
    static const size_t feeds[] = {4096, 7, 1};

    cm_drive(driven, "made", made->bytes, made->n, 0);
    for (size_t i = 0; i < (made->n > 64 * 1024 ? 1 : 3); i++) {
        struct cm_driven other;
        size_t at;

        cm_drive(&other, "made", made->bytes, made->n, feeds[i]);
        cm_check_that(cm_driven_equal(driven, &other, &at), "fed %zu bytes at a time, item %zu differs",
                      feeds[i], at);
        cm_driven_free(&other);
    }
}

#endif

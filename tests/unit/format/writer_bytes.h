/* SPDX-License-Identifier: Apache-2.0 */
/* Records and blocks built byte by byte, and a writer set up in one line, for the writer's tests. */
#ifndef CM_TESTS_WRITER_BYTES_H
#define CM_TESTS_WRITER_BYTES_H

#include <stdlib.h>

#include "base/endian.h"
#include "format/block_types.h"
#include "format/capture_writer.h"

#include "unit/check.h"

struct built {
    uint8_t data[4096];
    size_t n;
    size_t block; /* where the open block begins */
    bool big;
};

static inline void put_bytes(struct built *to, const void *bytes, size_t n)
{
    memcpy(to->data + to->n, bytes, n);
    to->n += n;
}

static inline void put_u16(struct built *to, uint16_t value)
{
    cm_store_u16_as(to->data + to->n, value, to->big);
    to->n += 2;
}

static inline void put_u32(struct built *to, uint32_t value)
{
    cm_store_u32_as(to->data + to->n, value, to->big);
    to->n += 4;
}

static inline void put_u64(struct built *to, uint64_t value)
{
    cm_store_u64_as(to->data + to->n, value, to->big);
    to->n += 8;
}

static inline void put_padding(struct built *to)
{
    while ((to->n - to->block) % 4 != 0)
        to->data[to->n++] = 0;
}

static inline void begin_block(struct built *to, uint32_t type)
{
    to->block = to->n;
    put_u32(to, type);
    put_u32(to, 0);
}

static inline void end_block(struct built *to)
{
    put_padding(to);
    cm_store_u32_as(to->data + to->block + 4, (uint32_t)(to->n - to->block + 4), to->big);
    put_u32(to, (uint32_t)(to->n - to->block + 4));
}

static inline void put_option(struct built *to, uint16_t code, const void *value, uint16_t n)
{
    put_u16(to, code);
    put_u16(to, n);
    put_bytes(to, value, n);
    put_padding(to);
}

static inline void put_option_u32(struct built *to, uint16_t code, uint32_t value)
{
    put_u16(to, code);
    put_u16(to, 4);
    put_u32(to, value);
}

static inline void put_option_u64(struct built *to, uint16_t code, uint64_t value)
{
    put_u16(to, code);
    put_u16(to, 8);
    put_u64(to, value);
}

static inline void put_option_end(struct built *to)
{
    put_u32(to, 0);
}

/* Everything of an enhanced packet block up to its options. */
static inline void begin_enhanced(struct built *to, uint32_t interface, uint64_t ticks, const void *data,
                                  uint32_t caplen, uint32_t origlen)
{
    begin_block(to, CM_BLOCK_PACKET_ENHANCED);
    put_u32(to, interface);
    put_u32(to, (uint32_t)(ticks >> 32));
    put_u32(to, (uint32_t)ticks);
    put_u32(to, caplen);
    put_u32(to, origlen);
    put_bytes(to, data, caplen);
    put_padding(to);
}

static inline void put_record(struct built *to, uint32_t seconds, uint32_t fraction, uint32_t first,
                              uint32_t second)
{
    put_u32(to, seconds);
    put_u32(to, fraction);
    put_u32(to, first);
    put_u32(to, second);
}

/* A writer with one input; more may be added by hand. */
struct written {
    struct cm_writer *writer;
    struct cm_interfaces table;
    struct cm_layout layout;
    struct cm_bytes out;
    struct cm_error error;
};

static inline void open_writer(struct written *with, enum cm_capture_kind from, bool from_big,
                               const struct cm_writer_options *options)
{
    memset(with, 0, sizeof(*with));
    cm_interfaces_init(&with->table);
    with->layout.kind = from;
    with->layout.big_endian = from_big;
    with->layout.record_header_bytes = 16;
    cm_check_eq(cm_writer_open(options, &with->writer, &with->error), CAPMILL_OK);
}

static inline void add_input(struct written *with)
{
    cm_check_eq(cm_writer_add_input(with->writer, 0, &with->layout, &with->table, &with->error), CAPMILL_OK);
}

/* An interface of `table` in microseconds; block may be NULL. */
static inline void add_interface(struct cm_interfaces *table, uint32_t section, uint32_t id, bool big,
                                 struct cm_time_units units, const struct built *block)
{
    struct cm_interface interface = {
        .link_type = 1, .snaplen = 65535, .units = units, .section = section, .id = id, .big_endian = big};
    struct cm_error error = {0};

    cm_check_eq(cm_interfaces_append(table, &interface, block == NULL ? NULL : block->data,
                                     block == NULL ? 0 : (uint32_t)block->n, &error),
                CAPMILL_OK);
}

#define MICRO ((struct cm_time_units){.exponent = 6})
#define NANO  ((struct cm_time_units){.exponent = 9})

/* Write one packet into memory of exactly its length (so that an overrun is seen) and compare. */
static inline void check_packet(const struct written *with, uint32_t interface, uint64_t time_ns,
                                const struct built *record, const struct built *expected)
{
    uint8_t *exact_record = malloc(record->n), *exact;
    struct cm_written_packet packet = {.record = exact_record,
                                       .record_bytes = (uint32_t)record->n,
                                       .interface = interface,
                                       .time_ns = time_ns};
    size_t n;

    memcpy(exact_record, record->data, record->n);
    n = cm_writer_packet_bytes(with->writer, &packet);
    cm_check_eq(n, expected->n);
    exact = malloc(n);
    cm_check_eq(cm_writer_packet(with->writer, &packet, exact), n);
    for (size_t i = 0; i < n; i++)
        cm_check_that(exact[i] == expected->data[i], "byte %zu is %02x, expected %02x", i, exact[i],
                      expected->data[i]);
    free(exact);
    free(exact_record);
}

static inline void check_out(struct written *with, const struct built *expected)
{
    cm_check_eq(with->out.n, expected->n);
    for (size_t i = 0; i < expected->n; i++)
        cm_check_that(with->out.data[i] == expected->data[i], "byte %zu is %02x, expected %02x", i,
                      with->out.data[i], expected->data[i]);
    with->out.n = 0;
}

static inline void close_writer(struct written *with)
{
    cm_writer_close(with->writer);
    cm_interfaces_fini(&with->table);
    cm_bytes_free(&with->out);
}

#endif

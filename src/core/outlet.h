/* SPDX-License-Identifier: Apache-2.0 */
/* Where ordered bytes go, and what turns records into them: two tables of functions, so that a stage that
 * decides the order (sort/, synth by way of pipeline/) need know neither files nor formats. */
#ifndef CM_CORE_OUTLET_H
#define CM_CORE_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/batch.h"

/* A stretch of an output that belongs to whoever reserved it. */
struct cm_place {
    void *file;      /* the outlet's */
    uint64_t offset; /* of the first byte not written yet; the writer moves it on */
    uint64_t n_left; /* bytes that are still to be written there */
};

struct cm_outlet {
    void *context;
    /* Make ready whatever takes a packet of this time: a new slice gets its header now, before the events
     * that come before its first packet are turned into bytes. Same callers as reserve, which does it too. */
    enum capmill_status (*prepare)(void *context, uint64_t time_ns, struct cm_error *error);
    /* Take the next `n_bytes` of the output. In output order, one caller at a time (the stage locks).
     * `time_ns` is the time of the first packet in them and picks the slice. */
    enum capmill_status (*reserve)(void *context, uint64_t time_ns, uint64_t n_bytes,
                                   struct cm_place *place_ret, struct cm_error *error);
    /* Write the next `n` bytes of a place. Any thread; several places at a time. May wait until the places
     * before are written (pipes): they must be written by other threads, or before, by this one. */
    enum capmill_status (*write)(void *context, struct cm_place *place, const void *bytes, size_t n,
                                 struct cm_error *error);
    /* Where slices change: the first time of the next slice after the one that holds `time_ns`; UINT64_MAX:
     * never. */
    uint64_t (*slice_end)(void *context, uint64_t time_ns);
};

/* A record about to be written. */
struct cm_record {
    const uint8_t *bytes;
    uint64_t time_ns;
    uint32_t n_bytes;
    uint32_t interface; /* index in its input's table */
    uint32_t input;
};

struct cm_encoder {
    void *context;
    bool verbatim; /* every record is written as the bytes it was read as, so that nobody need ask `length` or
                      `encode` */
    /* A state for each thread that encodes. Both may be NULL: then `local` is NULL. `close` is called for one
     * thread at a time. */
    enum capmill_status (*open)(void *context, void **local_ret, struct cm_error *error);
    void (*close)(void *context, void *local);
    size_t (*length)(void *context, const struct cm_record *record); /* any thread */
    /* Writes the `n` bytes at `out` that `length` said. CAPMILL_E_CHANGED where the record has become another
     * length since, which is possible where bytes are read twice; nothing is written beyond `n` then either. */
    enum capmill_status (*encode)(void *context, void *local, const struct cm_record *record, size_t n,
                                  uint8_t *out, struct cm_error *error);
    /* The written time of a packet, which picks its slice; never decreasing in `time_ns`. NULL: its own. Asked
     * by one caller at a time, like `event`. */
    uint64_t (*time)(void *context, uint64_t time_ns);
    /* With `time`: the earliest time of the packets that are settled next, of those that have one where any
     * has. The first that is told is the earliest of all. Same caller. */
    void (*first)(void *context, uint64_t time_ns);
    /* What an event (section, interface, metadata) becomes: bytes to be written before the packets that come
     * after it; borrowed until the next call. In output order, one caller at a time. */
    enum capmill_status (*event)(void *context, uint32_t input, const struct cm_event *event,
                                 const uint8_t **bytes_ret, size_t *n_ret, struct cm_error *error);
};

#endif

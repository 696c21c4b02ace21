/* SPDX-License-Identifier: Apache-2.0 */
/* Framing a whole capture that lies in memory, in one go or in small feeds, into a list of what was found.
 * For tests and the dump tool; the product frames in src/decode. */
#ifndef CM_TESTS_FRAME_DRIVE_H
#define CM_TESTS_FRAME_DRIVE_H

#include "core/batch.h"
#include "format/records.h"

/* A packet, or an event where event.type is not 0. Pointers into the bytes are gone: a checksum stands for
 * them. */
struct cm_driven_item {
    struct cm_packet packet; /* data is NULL */
    struct cm_event event;   /* record is NULL */
    uint64_t checksum;       /* of the record's bytes */
};

struct cm_driven {
    enum capmill_status status; /* of cm_layout_open, or of framing where memory ran out */
    struct cm_error error;
    struct cm_layout layout;
    struct cm_interfaces interfaces;
    size_t header_bytes;
    struct cm_driven_item *items;
    size_t n_items;
    size_t capacity;
    size_t n_packets;
    uint64_t damaged_bytes;
    size_t n_damages;
};

/* `feed_bytes` 0: all at once. Each feed lies in memory of its exact length, so that a sanitizer sees every
 * byte read beyond it. Aborts where the framer breaks a promise of layout.h (it runs under the fuzzers). */
void cm_drive(struct cm_driven *driven, const char *path, const uint8_t *bytes, size_t n, size_t feed_bytes);
void cm_driven_free(struct cm_driven *driven);

/* Do both say the same? *at_ret: the first item that differs. */
bool cm_driven_equal(const struct cm_driven *a, const struct cm_driven *b, size_t *at_ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold for any bytes that are taken for a capture; shared by the targets of the two formats. */
#ifndef CM_FUZZ_FRAMING_H
#define CM_FUZZ_FRAMING_H

#include <stdio.h>
#include <stdlib.h>

#include "tools/frame_drive.h"

/* cm_drive checks the promises of each call (packets inside the buffer, progress, bounds); here the whole: it
 * adds up, and how the bytes were fed does not matter. */
static inline void check_framing(const uint8_t *bytes, size_t n)
{
    struct cm_driven whole, fed;
    uint64_t next_place;
    size_t feed_bytes = n > 0 ? 1 + bytes[n - 1] % 97u : 1;
    size_t differs_at;

    cm_drive(&whole, "input", bytes, n, 0);
    cm_drive(&fed, "input", bytes, n, feed_bytes);
    if (!cm_driven_equal(&whole, &fed, &differs_at)) {
        fprintf(stderr, "fed %zu bytes at a time, item %zu differs\n", feed_bytes, differs_at);
        abort();
    }
    /* packets, blocks and damage follow each other without a gap from the first record to the end of the
     * input */
    next_place = whole.header_bytes;
    for (size_t i = 0; i < whole.n_items; i++) {
        const struct cm_driven_item *item = &whole.items[i];
        uint64_t n_bytes = item->event.type != 0 ? item->event.n_bytes : item->packet.record_bytes;
        uint64_t at = item->event.type != 0 ? item->event.place : item->packet.place;

        if (item->event.type != 0 && n_bytes == 0)
            continue; /* a remark about the block at its place */
        if (at != next_place) {
            fprintf(stderr, "item %zu is at %llu, expected at %llu\n", i, (unsigned long long)at,
                    (unsigned long long)next_place);
            abort();
        }
        next_place = at + n_bytes;
    }
    if (whole.status == CAPMILL_OK && next_place != n) {
        fprintf(stderr, "framing ends at %llu of %zu\n", (unsigned long long)next_place, n);
        abort();
    }
    cm_driven_free(&whole);
    cm_driven_free(&fed);
}

#endif

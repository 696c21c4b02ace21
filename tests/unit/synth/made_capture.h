/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of synth/: make a recipe's capture in memory and walk its records with a reader of a few lines,
 * so that nothing of what is tested is also what tests it. */
#ifndef CM_TESTS_DRAWN_CAPTURE_H
#define CM_TESTS_DRAWN_CAPTURE_H

#include <stdbool.h>
#include <stdlib.h>

#include "base/endian.h"
#include "synth/synth.h"
#include "unit/check.h"

struct made_capture {
    struct cm_recipe recipe;
    uint64_t n_packets;
    uint32_t block_packets; /* of every block but the last */
    uint64_t n_blocks;
    size_t n;
    uint8_t *bytes;
};

struct made_packet {
    uint64_t time_ns;
    uint32_t caplen;
    uint32_t origlen;
    const uint8_t *data;
};

static inline struct cm_synth *made_synth(const char *text)
{
    struct cm_error error = {0};
    struct cm_recipe recipe;
    struct cm_synth *synth = NULL;

    cm_check_that(cm_recipe_parse(text, &recipe, &error) == CAPMILL_OK, "%s", error.text);
    cm_check_that(cm_synth_create(&recipe, &synth, &error) == CAPMILL_OK, "%s", error.text);
    return synth;
}

/* Blocks are made from the last to the first with `backwards`: the bytes must not depend on it. */
static inline struct made_capture made_capture(const char *text, bool backwards)
{
    struct made_capture made = {0};
    struct cm_error error = {0};
    struct cm_synth *synth = made_synth(text);
    uint8_t *scratch = malloc(cm_synth_scratch_bytes(synth));
    uint8_t *block = malloc(cm_synth_block_capacity(synth));
    uint8_t header[CM_SYNTH_HEADER_CAPACITY];
    uint64_t expected;

    cm_check_eq(cm_recipe_parse(text, &made.recipe, &error), CAPMILL_OK);
    made.n_packets = cm_synth_n_packets(synth);
    made.block_packets = cm_synth_block_packets(synth, 0);
    made.n_blocks = cm_synth_n_blocks(synth);
    made.n = (size_t)cm_synth_file_bytes(synth);
    made.bytes = malloc(made.n);
    cm_check(scratch != NULL && block != NULL && made.bytes != NULL);
    expected = cm_synth_header(synth, header);
    memcpy(made.bytes, header, (size_t)expected);
    for (uint64_t i = 0; i < made.n_blocks; i++) {
        cm_check_eq(cm_synth_block_offset(synth, i), expected);
        expected += cm_synth_block_bytes(synth, i);
    }
    cm_check_eq(expected, made.n);
    for (uint64_t i = 0; i < made.n_blocks; i++) {
        uint64_t which = backwards ? made.n_blocks - 1 - i : i;
        size_t n;

        /* What lies in scratch and buffer from before must not matter either. */
        memset(scratch, (int)(0x5a + i), cm_synth_scratch_bytes(synth));
        memset(block, (int)(0xa5 + i), cm_synth_block_capacity(synth));
        n = cm_synth_block(synth, which, scratch, block);
        cm_check_eq(n, cm_synth_block_bytes(synth, which));
        memcpy(made.bytes + cm_synth_block_offset(synth, which), block, n);
    }
    free(scratch);
    free(block);
    cm_synth_destroy(synth);
    return made;
}

static inline void made_free(struct made_capture *made)
{
    free(made->bytes);
    made->bytes = NULL;
}

static inline size_t made_first(const struct made_capture *made)
{
    return made->recipe.pcapng ? 60 : 24;
}

/* The record at *at; moves past it. False at the end. Checks what every record must have. */
static inline bool made_next(const struct made_capture *made, size_t *at, struct made_packet *packet_ret)
{
    const struct cm_recipe *r = &made->recipe;
    const uint8_t *p = made->bytes + *at;
    bool big = r->big_endian;
    uint32_t padded, second, fraction;
    uint64_t ticks;

    if (*at == made->n)
        return false;
    cm_check(made->n - *at > 32);
    if (!r->pcapng) {
        second = cm_load_u32_as(p, big);
        fraction = cm_load_u32_as(p + 4, big);
        cm_check(fraction < (r->nanoseconds ? 1000000000u : 1000000u));
        packet_ret->time_ns =
            (uint64_t)second * 1000000000 + (uint64_t)fraction * (r->nanoseconds ? 1 : 1000);
        packet_ret->caplen = cm_load_u32_as(p + 8, big);
        packet_ret->origlen = cm_load_u32_as(p + 12, big);
        packet_ret->data = p + 16;
        *at += 16 + packet_ret->caplen;
    } else {
        cm_check_eq(cm_load_u32_as(p, big), 6);
        cm_check_eq(cm_load_u32_as(p + 8, big), 0);
        ticks = (uint64_t)cm_load_u32_as(p + 12, big) << 32 | cm_load_u32_as(p + 16, big);
        packet_ret->time_ns = ticks * (r->nanoseconds ? 1 : 1000);
        packet_ret->caplen = cm_load_u32_as(p + 20, big);
        packet_ret->origlen = cm_load_u32_as(p + 24, big);
        packet_ret->data = p + 28;
        padded = (packet_ret->caplen + 3) & ~3u;
        cm_check_eq(cm_load_u32_as(p + 4, big), 32 + padded);
        cm_check(*at + 32 + padded <= made->n);
        cm_check_eq(cm_load_u32_as(p + 28 + padded, big), 32 + padded);
        for (uint32_t i = packet_ret->caplen; i < padded; i++)
            cm_check_eq(packet_ret->data[i], 0);
        *at += 32 + padded;
    }
    cm_check(*at <= made->n);
    cm_check_eq(packet_ret->caplen, packet_ret->origlen < r->snaplen ? packet_ret->origlen : r->snaplen);
    return true;
}

#endif

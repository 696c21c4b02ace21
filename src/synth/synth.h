/* SPDX-License-Identifier: Apache-2.0 */
/* The door of synth/: synthetic captures as a pure function of a recipe. The capture is a row of blocks; each
 * block can be made alone, by any thread, in any order, and its place in the file is known beforehand. Not
 * for writing files. */
#ifndef CM_SYNTH_SYNTH_H
#define CM_SYNTH_SYNTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Shares are parts per million: 10 % is 100,000. */
#define CM_SYNTH_PPM 1000000u

/* Flow tuples are unique up to this number (see src/synth/endpoints.h). */
#define CM_SYNTH_MAX_FLOWS   (1u << 27)
#define CM_SYNTH_MAX_PACKETS (UINT64_C(1) << 42)

#define CM_RECIPE_MIX_ENTRIES 32

enum cm_recipe_mix_kind { CM_RECIPE_MIX_LIST, CM_RECIPE_MIX_UNIFORM };
enum cm_recipe_order { CM_RECIPE_SORTED, CM_RECIPE_DISPLACED, CM_RECIPE_SHUFFLED };
enum cm_recipe_payload { CM_RECIPE_RANDOM, CM_RECIPE_ZERO, CM_RECIPE_TEXT };

/* Sizes are bytes of a frame as recorded: link header on, without the frame check sequence. */
struct cm_recipe_mix {
    enum cm_recipe_mix_kind kind;
    uint32_t from, to; /* UNIFORM: both included */
    uint32_t n;        /* LIST */
    struct {
        uint32_t bytes;
        uint32_t weight;
    } entries[CM_RECIPE_MIX_ENTRIES];
};

/* What a recipe says; every number an integer, so that it means the same on every machine. docs/generate.md
 * explains the keys. Plain data: copy it freely. */
struct cm_recipe {
    uint64_t size_bytes; /* of the file; 0: n_packets counts */
    uint64_t n_packets;
    uint64_t seed;
    uint64_t start_ns;
    bool pcapng;
    bool nanoseconds;
    bool big_endian;
    uint32_t snaplen;

    struct cm_recipe_mix sizes;
    uint32_t flows;
    uint32_t popularity_thousandths; /* Zipf exponent */
    uint32_t weight_tcp, weight_udp, weight_icmp;
    uint32_t ipv6_ppm, vlan_ppm, qinq_ppm;

    bool rate_in_bits; /* rate counts bits a second, else packets a second */
    uint64_t rate;
    uint32_t gap_share_ppm; /* share of the capture's time that is quiet */
    uint64_t gap_length_ns;
    enum cm_recipe_order order;
    uint32_t displaced_ppm;
    uint64_t displaced_by_ns;

    bool conversations;
    uint32_t retransmit_ppm, reorder_ppm, reset_ppm;
    enum cm_recipe_payload payload;
};

/* The recipe that an empty text stands for. */
void cm_recipe_init(struct cm_recipe *recipe);
/* Parse "key = value" lines, '#' begins a comment. Starts from cm_recipe_init; a later line replaces an
 * earlier one. A mistake is CAPMILL_E_USAGE with the line's number and what was expected there. */
enum capmill_status cm_recipe_parse(const char *text, struct cm_recipe *recipe, struct cm_error *error);
/* One key, as from a command line. The recipe is unchanged on failure. */
enum capmill_status cm_recipe_set(struct cm_recipe *recipe, const char *key, const char *value,
                                  struct cm_error *error);
/* The recipe as canonical text that parses to the same recipe. Answers the length without the final 0; writes
 * at most `capacity` bytes, the last of them 0. */
size_t cm_recipe_format(const struct cm_recipe *recipe, char *text, size_t capacity);
/* Names and one-line explanations of the keys, in order; NULL past the last. Static. */
const char *cm_recipe_key(size_t index, const char **expects_ret);

/* A recipe worked out: read-only once made, shared by any number of threads. */
struct cm_synth;
/* Checks what no single key can tell (contradictions, times that the format cannot hold). Takes some
 * milliseconds and a few MiB, whatever the capture's size. */
enum capmill_status cm_synth_create(const struct cm_recipe *recipe, struct cm_synth **synth_ret,
                                    struct cm_error *error);
void cm_synth_destroy(struct cm_synth *synth); /* NULL accepted */

uint64_t cm_synth_n_packets(const struct cm_synth *synth);
uint64_t cm_synth_file_bytes(const struct cm_synth *synth);
uint64_t cm_synth_n_blocks(const struct cm_synth *synth);

/* The capture's header, at offset 0. */
#define CM_SYNTH_HEADER_CAPACITY 128
size_t cm_synth_header(const struct cm_synth *synth, uint8_t header_ret[CM_SYNTH_HEADER_CAPACITY]);

/* Where block `block` stands in the file, how long it is, and how many packets are in it. Answered without
 * making it. */
uint64_t cm_synth_block_offset(const struct cm_synth *synth, uint64_t block);
size_t cm_synth_block_bytes(const struct cm_synth *synth, uint64_t block);
uint32_t cm_synth_block_packets(const struct cm_synth *synth, uint64_t block);

/* What a thread that makes blocks must bring: scratch memory (malloc alignment), and a buffer that is
 * somewhat larger than the largest block, because packets are made in place, whole, before they are cut. */
size_t cm_synth_scratch_bytes(const struct cm_synth *synth);
size_t cm_synth_block_capacity(const struct cm_synth *synth);
/* Make block `block` (< n_blocks) at `out`; answers cm_synth_block_bytes(). Cannot fail. Any thread, with
 * scratch and `out` of its own; neither keeps anything from call to call. */
size_t cm_synth_block(const struct cm_synth *synth, uint64_t block, void *scratch, uint8_t *out);

#endif

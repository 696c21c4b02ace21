/* SPDX-License-Identifier: Apache-2.0 */
/* When each packet of a synthetic capture was seen: pure functions of its number. Not for bytes of
 * records. */
#ifndef CM_SYNTH_TIMELINE_H
#define CM_SYNTH_TIMELINE_H

#include <stdint.h>

#include "synth/synth.h"

struct cm_synth_timeline {
    enum cm_recipe_order order;
    uint64_t start_ns;
    uint64_t tick_ns; /* what the file can tell apart */
    /* Packet n has the interval [n, n + 1) * interval for its own and is placed in it at random; 32.32 fixed
     * point. */
    uint64_t interval;
    uint64_t jitter; /* greatest random part: one tick less than the interval, so that neighbours differ */
    uint64_t gap_ns;
    uint64_t packets_per_gap; /* 0: no gaps */
    uint64_t displaced_threshold;
    uint64_t displaced_by_ns;
    /* shuffle: numbers are laid out in `rows` * `columns` >= n_packets */
    uint64_t n_packets;
    uint32_t rows, columns;
    uint64_t key_time, key_gap, key_displace, key_shuffle;
};

/* `mean_frame_bits`: over the whole capture, as a fraction, for rates in bits. CAPMILL_E_USAGE where times
 * would leave what the file format can hold. */
enum capmill_status cm_synth_timeline_init(struct cm_synth_timeline *timeline, const struct cm_recipe *recipe,
                                           uint64_t n_packets, uint64_t frame_bits, uint64_t frames,
                                           struct cm_error *error);

/* Time of packet `index` in file order (< n_packets): a whole number of ticks. Never before start_ns. */
uint64_t cm_synth_timeline_time(const struct cm_synth_timeline *timeline, uint64_t index);

/* Where a shuffle puts number `index`: a bijection on 0..n_packets-1. */
uint64_t cm_synth_timeline_shuffle(const struct cm_synth_timeline *timeline, uint64_t index);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers as pure functions of a key and a counter, so that any packet can be made without those
 * before it. Not for secrets. */
#ifndef CM_SYNTH_DRAW_H
#define CM_SYNTH_DRAW_H

#include <stdint.h>

/* What a number is drawn for: the same counter gives unrelated numbers for each. */
enum cm_synth_draw_use {
    CM_SYNTH_DRAW_PLAN = 1,
    CM_SYNTH_DRAW_BLOCK,
    CM_SYNTH_DRAW_PACKET,
    CM_SYNTH_DRAW_TIME,
    CM_SYNTH_DRAW_DISPLACE,
    CM_SYNTH_DRAW_GAP,
    CM_SYNTH_DRAW_SHUFFLE,
    CM_SYNTH_DRAW_FLOW,
    CM_SYNTH_DRAW_CONVERSATION,
    CM_SYNTH_DRAW_TEXT,
};

/* The increment and finaliser of SplitMix64 (Steele, Lea, Flood, 2014): passes the usual batteries with a
 * plain counter as input, two multiplications. */
static inline uint64_t cm_synth_draw_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

#define CM_SYNTH_DRAW_STEP UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t cm_synth_draw_key(uint64_t seed, enum cm_synth_draw_use use)
{
    return cm_synth_draw_mix(cm_synth_draw_mix(seed + CM_SYNTH_DRAW_STEP) +
                             (uint64_t)use * CM_SYNTH_DRAW_STEP);
}

static inline uint64_t cm_synth_draw(uint64_t key, uint64_t counter)
{
    return cm_synth_draw_mix(key + (counter + 1) * CM_SYNTH_DRAW_STEP);
}

/* 32 random bits to 0..n-1. The bias, n / 2^32, is far below what a capture can show. */
static inline uint32_t cm_synth_draw_below(uint32_t bits, uint32_t n)
{
    return (uint32_t)(((uint64_t)bits * n) >> 32);
}

/* A row of numbers, for plans that are made in one go. */
struct cm_synth_draw_row {
    uint64_t key;
    uint64_t counter;
};

static inline uint64_t cm_synth_draw_next(struct cm_synth_draw_row *row)
{
    return cm_synth_draw(row->key, row->counter++);
}

static inline uint32_t cm_synth_draw_next_below(struct cm_synth_draw_row *row, uint32_t n)
{
    return cm_synth_draw_below((uint32_t)(cm_synth_draw_next(row) >> 32), n);
}

/* A share of parts per million as a threshold for 32 random bits: `bits < threshold`, never for 0; 64 bits
 * wide because all of them is one more than 32 bits can say. */
static inline uint64_t cm_synth_draw_threshold(uint32_t ppm)
{
    return (((uint64_t)ppm << 32) + 500000) / 1000000;
}

#endif

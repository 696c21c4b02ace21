/* SPDX-License-Identifier: Apache-2.0 */
/* The synthetic clock: rate, quiet periods, displacement, shuffling; all by arithmetic on the packet's
 * number, so that no block needs to know another. */
#include "synth/timeline.h"

#include <inttypes.h>
#include <string.h>

#include "synth/draw.h"

#define NS_PER_S       UINT64_C(1000000000)
#define SHUFFLE_ROUNDS 6
#define PCAP_END_NS    ((UINT64_C(1) << 32) * NS_PER_S)

/* Quiet periods before packet `index`: one in each run of packets_per_gap packets, before a random one of
 * them. */
static uint64_t gaps_before(const struct cm_synth_timeline *timeline, uint64_t index)
{
    uint64_t period = index / timeline->packets_per_gap;
    uint64_t rest = index - period * timeline->packets_per_gap;

    return period + (rest >= cm_synth_draw(timeline->key_gap, period) % timeline->packets_per_gap);
}

/* Time of the packet that is `index`th in time, before rounding to ticks. */
static uint64_t time_in_order(const struct cm_synth_timeline *timeline, uint64_t index)
{
    uint64_t bits = cm_synth_draw(timeline->key_time, index) >> 32;
    unsigned __int128 at = (unsigned __int128)index * timeline->interval;
    uint64_t ns;

    at += ((unsigned __int128)bits * timeline->jitter) >> 32;
    ns = timeline->start_ns + (uint64_t)(at >> 32);
    if (timeline->packets_per_gap != 0)
        ns += gaps_before(timeline, index) * timeline->gap_ns;
    return ns;
}

/* The file keeps the order in which packets arrived; a displaced one carries the time at which it was
 * sent. */
static uint64_t displace(const struct cm_synth_timeline *timeline, uint64_t index, uint64_t ns)
{
    uint64_t bits = cm_synth_draw(timeline->key_displace, index);
    uint64_t by;

    if ((bits >> 32) >= timeline->displaced_threshold)
        return ns;
    by = 1 + (uint64_t)(((unsigned __int128)(bits & UINT32_MAX) * timeline->displaced_by_ns) >> 32);
    return ns - timeline->start_ns < by ? timeline->start_ns : ns - by;
}

/* A Feistel network over a row and a column number, each added to modulo its own range: a bijection on rows *
 * columns, whatever these are. What falls outside n_packets walks on until it is inside (rarely: the grid is
 * hardly larger). */
uint64_t cm_synth_timeline_shuffle(const struct cm_synth_timeline *timeline, uint64_t index)
{
    uint32_t row, column;
    uint64_t sum;

    do {
        row = (uint32_t)(index / timeline->columns);
        column = (uint32_t)(index % timeline->columns);
        for (uint64_t round = 0; round < SHUFFLE_ROUNDS; round += 2) {
            sum = (uint64_t)row +
                  cm_synth_draw_below((uint32_t)(cm_synth_draw(timeline->key_shuffle + round, column) >> 32),
                                      timeline->rows);
            row = (uint32_t)(sum >= timeline->rows ? sum - timeline->rows : sum);
            sum = (uint64_t)column +
                  cm_synth_draw_below((uint32_t)(cm_synth_draw(timeline->key_shuffle + round + 1, row) >> 32),
                                      timeline->columns);
            column = (uint32_t)(sum >= timeline->columns ? sum - timeline->columns : sum);
        }
        index = (uint64_t)row * timeline->columns + column;
    } while (index >= timeline->n_packets);
    return index;
}

uint64_t cm_synth_timeline_time(const struct cm_synth_timeline *timeline, uint64_t index)
{
    uint64_t ns;

    if (timeline->order == CM_RECIPE_SHUFFLED)
        index = cm_synth_timeline_shuffle(timeline, index);
    ns = time_in_order(timeline, index);
    if (timeline->order == CM_RECIPE_DISPLACED)
        ns = displace(timeline, index, ns);
    return timeline->tick_ns == 1 ? ns : ns - ns % 1000;
}

static uint32_t ceil_square_root(uint64_t n)
{
    uint64_t root = 0;

    for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit >>= 1) {
        if ((root + bit) * (root + bit) <= n)
            root += bit;
    }
    return (uint32_t)(root * root < n ? root + 1 : root);
}

/* Share s of the time is quiet: active time between gaps is length * (1 - s) / s. */
static uint64_t packets_per_gap(const struct cm_recipe *recipe, uint64_t interval)
{
    unsigned __int128 active;

    if (recipe->gap_share_ppm == 0)
        return 0;
    active = ((unsigned __int128)recipe->gap_length_ns << 32) * (CM_SYNTH_PPM - recipe->gap_share_ppm) /
             recipe->gap_share_ppm / interval;
    return active == 0 ? 1 : active > UINT64_MAX ? UINT64_MAX : (uint64_t)active;
}

/* Fixed-point interval between packets; 0 where the rate is beyond 2^32 packets a nanosecond. */
static uint64_t packet_interval(const struct cm_recipe *recipe, uint64_t frame_bits, uint64_t frames)
{
    unsigned __int128 second = (unsigned __int128)NS_PER_S << 32;
    unsigned __int128 interval;

    if (!recipe->rate_in_bits)
        return (uint64_t)(second / recipe->rate);
    interval = second * frame_bits / recipe->rate / frames;
    return interval > UINT64_MAX ? UINT64_MAX : (uint64_t)interval;
}

enum capmill_status cm_synth_timeline_init(struct cm_synth_timeline *timeline, const struct cm_recipe *recipe,
                                           uint64_t n_packets, uint64_t frame_bits, uint64_t frames,
                                           struct cm_error *error)
{
    uint64_t tick;
    unsigned __int128 end;

    memset(timeline, 0, sizeof(*timeline));
    timeline->order = recipe->order;
    timeline->start_ns = recipe->start_ns;
    timeline->tick_ns = recipe->nanoseconds ? 1 : 1000;
    timeline->n_packets = n_packets;
    timeline->interval = packet_interval(recipe, frame_bits, frames);
    tick = timeline->tick_ns << 32;
    timeline->jitter = timeline->interval > tick ? timeline->interval - tick : 0;
    timeline->packets_per_gap = packets_per_gap(recipe, timeline->interval == 0 ? 1 : timeline->interval);
    timeline->gap_ns = recipe->gap_length_ns;
    timeline->displaced_threshold = cm_synth_draw_threshold(recipe->displaced_ppm);
    timeline->displaced_by_ns = recipe->displaced_by_ns;
    timeline->rows = ceil_square_root(n_packets);
    timeline->columns = (uint32_t)((n_packets + timeline->rows - 1) / timeline->rows);
    timeline->key_time = cm_synth_draw_key(recipe->seed, CM_SYNTH_DRAW_TIME);
    timeline->key_gap = cm_synth_draw_key(recipe->seed, CM_SYNTH_DRAW_GAP);
    timeline->key_displace = cm_synth_draw_key(recipe->seed, CM_SYNTH_DRAW_DISPLACE);
    timeline->key_shuffle = cm_synth_draw_key(recipe->seed, CM_SYNTH_DRAW_SHUFFLE);

    end = timeline->start_ns + (((unsigned __int128)n_packets * timeline->interval) >> 32);
    if (timeline->packets_per_gap != 0)
        end += (unsigned __int128)(n_packets / timeline->packets_per_gap + 1) * timeline->gap_ns;
    if (end >= (recipe->pcapng ? (unsigned __int128)INT64_MAX : PCAP_END_NS))
        return cm_error_set(
            error, CAPMILL_E_USAGE, 0,
            "the %" PRIu64 " packets of this recipe would last until after %s; a greater rate, "
            "shorter gaps or an earlier start would help",
            n_packets,
            recipe->pcapng ? "the year 2262" : "February 2106, which pcap cannot tell (pcapng can)");
    return CAPMILL_OK;
}

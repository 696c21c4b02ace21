/* SPDX-License-Identifier: Apache-2.0 */
/* The window by itself: when packets leave, what it holds, and when it says that a packet came too late. */
#include "sort/window.h"

#include "base/checked.h"
#include "sort/order.h"
#include "unit/check.h"
#include "unit/sort/drawn.h"

static struct cm_chunk *chunk_of(struct cm_chunk_pool *pool, uint64_t number, const uint64_t *times, size_t n)
{
    struct cm_encoder encoder = {.verbatim = true};
    struct cm_batch *batch = cm_batch_create(0);
    struct cm_segment *segment = cm_segment_create(0, 1000);
    struct cm_chunk *chunk = cm_chunk_acquire(pool);
    struct cm_ordered_packet scratch[64];
    struct cm_error error = {0};

    cm_check(batch != NULL && segment != NULL && chunk != NULL && n <= 64);
    segment->n_bytes = 1000;
    cm_batch_rest_on(batch, segment);
    for (size_t i = 0; i < n; i++)
        batch->packets[i] = (struct cm_packet){
            .data = segment->bytes, .time_ns = times[i], .place = number * 1000 + i, .record_bytes = 10};
    batch->n_packets = (uint32_t)n;
    cm_check_eq(cm_chunk_append(chunk, pool, batch, &encoder, &error), CAPMILL_OK);
    cm_sort_window_entries(chunk->entries, scratch, chunk->n);
    cm_batch_destroy(batch);
    cm_segment_release(segment);
    return chunk;
}

struct drained {
    uint64_t last_ns, last_place;
    size_t n;
};

/* Take all that may leave; in order, or the window lied. */
static enum capmill_status drain(struct cm_window *window, struct cm_chunk_pool *pool,
                                 struct drained *drained)
{
    struct cm_waiting_events waiting = {0};
    struct cm_group *group = cm_group_create();
    struct cm_error error = {0};
    enum capmill_status status;

    while ((status = cm_window_next(window, group, &waiting, &error)) == CAPMILL_OK) {
        cm_sort_window_entries(group->entries, group->scratch, group->n);
        for (size_t i = 0; i < group->n; i++) {
            const struct cm_ordered_packet *entry = &group->entries[i];

            cm_check_that(drained->n == 0 || drained->last_ns < entry->time_ns ||
                              (drained->last_ns == entry->time_ns && drained->last_place < entry->place),
                          "time %" PRIu64 " after %" PRIu64, entry->time_ns, drained->last_ns);
            drained->last_ns = entry->time_ns;
            drained->last_place = entry->place;
            drained->n++;
        }
        for (size_t i = 0; i < group->n_chunks; i++)
            cm_chunk_release(pool, group->chunks[i]);
        cm_group_reset(group);
    }
    cm_group_destroy(group);
    return status;
}

CM_TEST(window, random_chunks_come_out_in_order_or_are_refused)
{
    unsigned n_whole = 0;

    for (uint64_t i = 0; i < 300; i++) {
        uint64_t seed = i;
        struct cm_chunk_pool pool;
        uint64_t memory_bytes = drawn_in(&seed, 0, 60) * 1000;
        bool patient = drawn_in(&seed, 0, 1) == 1;
        uint64_t lateness = drawn_in(&seed, 0, 4) * 400;
        struct cm_window *window;
        struct cm_window_facts facts;
        struct drained drained = {0};
        struct cm_error error = {0};
        size_t n_in = 0;
        enum capmill_status status = CAPMILL_OK;
        uint64_t n_chunks = drawn_in(&seed, 1, 120);

        cm_check(cm_chunk_pool_init(&pool));
        window = cm_window_create(memory_bytes, patient, &pool);
        for (uint64_t c = 0; c < n_chunks && status == CAPMILL_OK; c++) {
            uint64_t times[20];
            size_t n = (size_t)drawn_in(&seed, 0, 20);

            for (size_t t = 0; t < n; t++) {
                times[t] = 10000 + c * 100 + t * 5;
                if (drawn_in(&seed, 0, 9) == 0)
                    times[t] -= drawn_in(&seed, 0, lateness);
            }
            status = cm_window_accept(window, chunk_of(&pool, c, times, n), &error);
            cm_check(status >= 0);
            if (status == CAPMILL_OK) {
                n_in += n;
                cm_check_eq(drain(window, &pool, &drained), CAPMILL_AGAIN);
                cm_window_read_facts(window, &facts);
                /* a patient one lets nothing go before it must */
                cm_check(!patient || c * 1000 > memory_bytes || drained.n == 0 ||
                         facts.peak_bytes > memory_bytes);
                /* what is allowed, the chunk that broke it, and the one that must be kept */
                cm_check_that(facts.peak_bytes <= memory_bytes + 3 * 1000, "seed %" PRIu64 ": holds %" PRIu64,
                              i, facts.peak_bytes);
            }
        }
        if (status == CAPMILL_OK) {
            cm_window_end(window);
            cm_check_eq(drain(window, &pool, &drained), CAPMILL_END);
            cm_check_that(drained.n == n_in, "seed %" PRIu64 ": %zu of %zu packets", i, drained.n, n_in);
            n_whole++;
        }
        cm_window_destroy(window);
        cm_chunk_pool_fini(&pool);
    }
    cm_check_that(n_whole > 100 && n_whole < 300, "%u of 300 came through", n_whole);
}

/* With room for it, disorder of some chunks is no reason to begin again. */
CM_TEST(window, disorder_within_the_first_look_is_never_late)
{
    for (uint64_t reach = 0; reach < 15; reach++) {
        struct cm_chunk_pool pool;
        struct cm_window *window;
        struct drained drained = {0};
        struct cm_error error = {0};

        cm_check(cm_chunk_pool_init(&pool));
        window = cm_window_create(UINT64_MAX, false, &pool);
        for (uint64_t c = 0; c < 100; c++) {
            uint64_t times[2] = {100000 + c * 100, 100000 + c * 100 - reach * 100 + 1};

            cm_check_eq(cm_window_accept(window, chunk_of(&pool, c, times, 2), &error), CAPMILL_OK);
            drain(window, &pool, &drained);
        }
        cm_check(drained.n > 0);
        cm_window_end(window);
        cm_check_eq(drain(window, &pool, &drained), CAPMILL_END);
        cm_check_eq(drained.n, 200);
        cm_window_destroy(window);
        cm_chunk_pool_fini(&pool);
    }
}

/* Equal to what is out already is not too late: it comes after in its input, too. One less is. */
CM_TEST(window, late_begins_below_the_cut)
{
    for (uint64_t less = 0; less < 2; less++) {
        struct cm_chunk_pool pool;
        struct cm_window *window;
        struct cm_window_facts facts;
        struct drained drained = {0};
        struct cm_error error = {0};
        uint64_t times[1] = {500};

        cm_check(cm_chunk_pool_init(&pool));
        window = cm_window_create(0, false, &pool);
        cm_check_eq(cm_window_accept(window, chunk_of(&pool, 0, times, 1), &error), CAPMILL_OK);
        cm_check_eq(drain(window, &pool, &drained), CAPMILL_AGAIN);
        cm_check_eq(drained.n, 0);
        times[0] = 600;
        cm_check_eq(cm_window_accept(window, chunk_of(&pool, 1, times, 1), &error), CAPMILL_OK);
        cm_check_eq(drain(window, &pool, &drained), CAPMILL_AGAIN);
        cm_check_eq(drained.n, 1);
        times[0] = 500 - less;
        cm_check_eq(cm_window_accept(window, chunk_of(&pool, 2, times, 1), &error),
                    less ? CAPMILL_AGAIN : CAPMILL_OK);
        cm_window_read_facts(window, &facts);
        cm_check_eq(facts.late_place, less ? 2000 : 0);
        cm_window_destroy(window);
        cm_chunk_pool_fini(&pool);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Batches hold their segments until they are reset, and pools hand empty ones out. */
#include "core/batch.h"

#include "unit/check.h"

CM_TEST(batch, a_new_one_is_empty_and_selects_all)
{
    struct cm_batch *batch = cm_batch_create(0);

    cm_check(batch != NULL);
    cm_check_eq(batch->n_packets, 0);
    cm_check_eq(batch->n_events, 0);
    cm_check_eq(batch->n_segments, 0);
    cm_check(batch->selected_all);
    cm_check(batch->headers == NULL);
    cm_batch_destroy(batch);
    cm_batch_destroy(NULL);
}

CM_TEST(batch, headers_have_room_for_every_packet)
{
    struct cm_batch *batch = cm_batch_create(40);

    cm_check(batch != NULL);
    cm_check(batch->headers != NULL);
    memset((void *)batch->headers, 0xff, (size_t)40 * CM_BATCH_CAPACITY);
    cm_batch_destroy(batch);
}

CM_TEST(batch, segments_stay_until_reset)
{
    struct cm_segment_pool *pool = cm_segment_pool_create(0, 4096);
    struct cm_segment *a = cm_segment_pool_acquire(pool);
    struct cm_segment *b = cm_segment_pool_acquire(pool);
    struct cm_segment *c = cm_segment_pool_acquire(pool);
    struct cm_batch *batch = cm_batch_create(0);

    cm_check(cm_batch_rest_on(batch, a));
    cm_check(cm_batch_rest_on(batch, b));
    cm_check(cm_batch_rest_on(batch, a));
    cm_check(cm_batch_rest_on(batch, b));
    cm_check(!cm_batch_rest_on(batch, c));
    cm_check_eq(a->references, 2);
    cm_check_eq(b->references, 2);
    cm_check_eq(c->references, 1);
    cm_segment_release(a);
    cm_check_eq(a->references, 1);
    cm_batch_reset(batch);
    cm_check_eq(batch->n_segments, 0);
    cm_check(cm_segment_pool_acquire(pool) == a);
    cm_check(cm_batch_rest_on(batch, a));
    cm_batch_destroy(batch);
    cm_check_eq(a->references, 1);
    cm_segment_release(a);
    cm_segment_release(b);
    cm_segment_release(c);
    cm_segment_pool_destroy(pool);
}

CM_TEST(batch, reset_forgets_origin_and_order)
{
    struct cm_batch *batch = cm_batch_create(0);

    batch->input = 3;
    batch->part = 4;
    batch->sequence = 5;
    batch->last_of_sequence = true;
    batch->watermark_ns = 6;
    batch->n_packets = 7;
    batch->n_events = 8;
    batch->n_selected = 1;
    batch->selected_all = false;
    cm_batch_reset(batch);
    cm_check_eq(batch->input, 0);
    cm_check_eq(batch->part, 0);
    cm_check_eq(batch->sequence, 0);
    cm_check(!batch->last_of_sequence);
    cm_check_eq(batch->watermark_ns, 0);
    cm_check_eq(batch->n_packets, 0);
    cm_check_eq(batch->n_events, 0);
    cm_check_eq(batch->n_selected, 0);
    cm_check(batch->selected_all);
    cm_batch_destroy(batch);
}

CM_TEST(batch, what_stays_is_all_or_what_the_selection_names)
{
    struct cm_batch *batch = cm_batch_create(0);

    cm_check_eq(cm_batch_n_selected(batch), 0);
    batch->n_packets = 9;
    batch->n_selected = 2;
    batch->selection[0] = 3;
    batch->selection[1] = 8;
    cm_check_eq(cm_batch_n_selected(batch), 9);
    cm_check_eq(cm_batch_selected(batch, 1), 1);
    batch->selected_all = false;
    cm_check_eq(cm_batch_n_selected(batch), 2);
    cm_check_eq(cm_batch_selected(batch, 0), 3);
    cm_check_eq(cm_batch_selected(batch, 1), 8);
    batch->n_selected = 0;
    cm_check_eq(cm_batch_n_selected(batch), 0);
    cm_batch_destroy(batch);
}

CM_TEST(batch, a_pool_gives_the_last_one_back_first_and_empty)
{
    struct cm_batch_pool *pool = cm_batch_pool_create(8);
    struct cm_segment *segment = cm_segment_create(0, 4096);
    struct cm_batch *a = cm_batch_pool_acquire(pool);
    struct cm_batch *b = cm_batch_pool_acquire(pool);

    cm_check(a != b);
    cm_check(a->headers != NULL && b->headers != NULL && a->headers != b->headers);
    cm_check(cm_batch_rest_on(a, segment));
    a->n_packets = 12;
    cm_batch_pool_release(pool, b);
    cm_batch_pool_release(pool, a);
    cm_check_eq(segment->references, 1);
    cm_check(cm_batch_pool_acquire(pool) == a);
    cm_check_eq(a->n_packets, 0);
    cm_check(cm_batch_pool_acquire(pool) == b);
    cm_batch_pool_release(pool, a);
    cm_batch_pool_release(pool, b);
    cm_batch_pool_destroy(pool);
    cm_batch_pool_destroy(NULL);
    cm_segment_release(segment);
}

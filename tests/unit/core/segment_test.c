/* SPDX-License-Identifier: Apache-2.0 */
/* Segments come from their pool last-in first-out, with headroom that can be written, and go back with the
 * last reference. */
#include "core/segment.h"

#include "unit/check.h"

#define HEADROOM 1000
#define N_BYTES  (64 * 1024)

CM_TEST(segment, bytes_and_headroom_are_writable_and_on_a_page_boundary)
{
    struct cm_segment_pool *pool = cm_segment_pool_create(HEADROOM, N_BYTES);
    struct cm_segment *segment = cm_segment_pool_acquire(pool);

    cm_check(segment != NULL);
    cm_check_eq((uintptr_t)segment->bytes % 4096, 0);
    cm_check_eq(segment->headroom_bytes, HEADROOM);
    cm_check_eq(segment->n_bytes, 0);
    cm_check_eq(segment->references, 1);
    memset(segment->bytes - HEADROOM, 0xa5, HEADROOM);
    memset(segment->bytes, 0x5a, N_BYTES);
    /* the header lies in front of the headroom: it must be whole */
    cm_check_eq(segment->headroom_bytes, HEADROOM);
    cm_check_eq(segment->references, 1);
    cm_segment_release(segment);
    cm_segment_pool_destroy(pool);
}

CM_TEST(segment, the_last_one_back_is_the_first_one_out)
{
    struct cm_segment_pool *pool = cm_segment_pool_create(0, N_BYTES);
    struct cm_segment *a = cm_segment_pool_acquire(pool);
    struct cm_segment *b = cm_segment_pool_acquire(pool);
    struct cm_segment *c = cm_segment_pool_acquire(pool);

    cm_check(a != b && b != c && a != c);
    cm_check_eq(cm_segment_pool_count(pool), 3);
    cm_segment_release(a);
    cm_segment_release(c);
    cm_segment_release(b);
    cm_check(cm_segment_pool_acquire(pool) == b);
    cm_check(cm_segment_pool_acquire(pool) == c);
    cm_check(cm_segment_pool_acquire(pool) == a);
    cm_check_eq(cm_segment_pool_count(pool), 3);
    cm_segment_release(a);
    cm_segment_release(b);
    cm_segment_release(c);
    cm_segment_pool_destroy(pool);
}

CM_TEST(segment, only_the_last_reference_gives_it_back)
{
    struct cm_segment_pool *pool = cm_segment_pool_create(0, N_BYTES);
    struct cm_segment *held = cm_segment_pool_acquire(pool);
    struct cm_segment *other;

    cm_segment_acquire(held);
    cm_segment_release(held);
    other = cm_segment_pool_acquire(pool);
    cm_check(other != held);
    cm_segment_release(held);
    cm_check(cm_segment_pool_acquire(pool) == held);
    cm_segment_release(held);
    cm_segment_release(other);
    cm_segment_pool_destroy(pool);
}

CM_TEST(segment, a_reused_one_starts_empty)
{
    struct cm_segment_pool *pool = cm_segment_pool_create(0, N_BYTES);
    struct cm_segment *segment = cm_segment_pool_acquire(pool);
    struct cm_segment *again;

    segment->n_bytes = 17;
    segment->offset = 99;
    segment->next = segment;
    cm_segment_release(segment);
    again = cm_segment_pool_acquire(pool);
    cm_check(again == segment);
    cm_check_eq(again->n_bytes, 0);
    cm_check_eq(again->offset, 0);
    cm_check(again->next == NULL);
    cm_check_eq(again->references, 1);
    cm_segment_release(again);
    cm_segment_pool_destroy(pool);
}

CM_TEST(segment, a_single_one_needs_no_pool)
{
    struct cm_segment *segment = cm_segment_create(HEADROOM, 3 * 1024 * 1024 + 1);

    cm_check(segment != NULL);
    memset(segment->bytes - HEADROOM, 1, HEADROOM + 3 * 1024 * 1024 + 1);
    cm_segment_acquire(segment);
    cm_segment_release(segment);
    cm_check_eq(segment->bytes[3 * 1024 * 1024], 1);
    cm_segment_release(segment);
}

CM_TEST(segment, sizes_that_cannot_be_had_are_refused)
{
    struct cm_segment_pool *pool = cm_segment_pool_create(0, SIZE_MAX / 2);

    cm_check(cm_segment_create(SIZE_MAX, 1) == NULL);
    cm_check(cm_segment_create(4096, SIZE_MAX - 4096) == NULL);
    cm_check(cm_segment_create(0, SIZE_MAX / 2) == NULL);
    cm_check(cm_segment_pool_acquire(pool) == NULL);
    cm_check_eq(cm_segment_pool_count(pool), 0);
    cm_segment_pool_destroy(pool);
    cm_segment_pool_destroy(NULL);
}

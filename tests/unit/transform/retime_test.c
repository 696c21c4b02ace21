/* SPDX-License-Identifier: Apache-2.0 */
/* New times: exact, in order, saturating. */
#include "unit/transform/make_transform.h"

#define SECOND UINT64_C(1000000000)

static struct cm_transform *retime(const char *start, const char *offset, const char *scale)
{
    struct wishes wishes = {0};

    wishes.transform.timestamp_start = (struct capmill_word){start, "--timestamp-start"};
    wishes.transform.time_offset = (struct capmill_word){offset, "--time-offset"};
    wishes.transform.time_scale = (struct capmill_word){scale, "--time-scale"};
    return make_transform(&wishes);
}

static void check_time(const char *start, const char *offset, const char *scale, uint64_t time_ns,
                       uint64_t first_ns, uint64_t expected)
{
    struct cm_transform *transform = retime(start, offset, scale);
    bool saturated = false;

    cm_check(transform != NULL);
    cm_check(cm_transform_changes_times(transform));
    cm_check(!cm_transform_changes_packets(transform));
    cm_check(!cm_transform_changes_lengths(transform));
    cm_check_eq(cm_transform_needs_first_time(transform), start != NULL || scale != NULL);
    cm_check_eq(cm_transform_time(transform, time_ns, first_ns, &saturated), expected);
    cm_check_eq(saturated, expected == 0 || expected == UINT64_MAX);
    cm_transform_destroy(transform);
}

CM_TEST(retime, start_offset_and_scale)
{
    check_time("2024-01-01T00:00:00Z", NULL, NULL, 500 * SECOND + 7, 500 * SECOND, 1704067200 * SECOND + 7);
    check_time("1704067200123", NULL, NULL, 500 * SECOND, 500 * SECOND, 1704067200 * SECOND + 123000000);
    check_time(NULL, "-1h", NULL, 4000 * SECOND, 0, 400 * SECOND);
    check_time(NULL, "+250ms", NULL, SECOND, 0, SECOND + 250000000);
    check_time(NULL, "3.5", NULL, SECOND, 0, SECOND * 9 / 2);
    check_time(NULL, NULL, "0.5", 30 * SECOND + 1, 10 * SECOND, 20 * SECOND);
    check_time(NULL, NULL, "3/2", 30 * SECOND, 10 * SECOND, 40 * SECOND);
    check_time(NULL, NULL, "10", 30 * SECOND, 10 * SECOND, 210 * SECOND);
    check_time("1000", "-0.5", "2/3", 30 * SECOND, 0, SECOND / 2 + 20 * SECOND);
}

CM_TEST(retime, saturates_at_both_ends)
{
    check_time(NULL, "-1h", NULL, SECOND, 0, 0);
    check_time(NULL, "+1h", NULL, UINT64_MAX - SECOND, 0, UINT64_MAX);
    check_time(NULL, NULL, "1000000", UINT64_MAX - 1, 0, UINT64_MAX);
    check_time(NULL, NULL, "1000000000", UINT64_MAX, 0, UINT64_MAX);
}

/* Also before the first packet, where division rounds the other way, and over distances that fill 64 bits. */
CM_TEST(retime, never_decreases)
{
    struct cm_transform *transform = retime("1000000", NULL, "2/3");
    uint64_t last = 0, first_ns = 100 * SECOND;

    for (uint64_t time_ns = first_ns - 60; time_ns < first_ns + 60; time_ns++) {
        uint64_t new_ns = cm_transform_time(transform, time_ns, first_ns, NULL);

        cm_check(new_ns >= last);
        last = new_ns;
    }
    cm_check_eq(cm_transform_time(transform, first_ns - 1, first_ns, NULL), 1000 * SECOND - 1);
    cm_check_eq(cm_transform_time(transform, first_ns + 1, first_ns, NULL), 1000 * SECOND);
    cm_check_eq(cm_transform_time(transform, first_ns + 3, first_ns, NULL), 1000 * SECOND + 2);
    cm_transform_destroy(transform);
    transform = retime(NULL, NULL, "999999999.999999999/1000000000");
    cm_check_eq(cm_transform_time(transform, UINT64_MAX, 0, NULL), UINT64_C(18446744073709551596));
    cm_transform_destroy(transform);
}

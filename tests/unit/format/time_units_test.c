/* SPDX-License-Identifier: Apache-2.0 */
/* Ticks become nanoseconds whatever the unit, and saturate where nanoseconds since 1970 end. */
#include "format/interfaces.h"

#include "unit/check.h"

static void check_ns(uint8_t exponent, bool binary, int64_t offset_s, uint64_t ticks, uint64_t ns,
                     bool saturated)
{
    struct cm_time_units units = {exponent, binary, offset_s};
    bool is_saturated;
    uint64_t got = cm_time_to_ns(&units, ticks, &is_saturated);

    cm_check_that(got == ns && is_saturated == saturated,
                  "%" PRIu64 " ticks of %s^-%u s and %" PRId64 " s: %" PRIu64 "%s, expected %" PRIu64, ticks,
                  binary ? "2" : "10", exponent, offset_s, got, is_saturated ? " (saturated)" : "", ns);
}

CM_TEST(time_units, decimal)
{
    check_ns(0, false, 0, 17, 17000000000ull, false);
    check_ns(3, false, 0, 1234, 1234000000ull, false);
    check_ns(6, false, 0, 1700000000123456ull, 1700000000123456000ull, false);
    check_ns(9, false, 0, UINT64_MAX, UINT64_MAX, false);
    check_ns(12, false, 0, 1234567, 1234, false);
    check_ns(19, false, 0, 10000000000ull, 1, false);
    check_ns(20, false, 0, 1000000000000ull, 10, false);
    check_ns(28, false, 0, UINT64_MAX, 1, false);
    check_ns(29, false, 0, UINT64_MAX, 0, false);
    check_ns(127, false, 0, UINT64_MAX, 0, false);
}

CM_TEST(time_units, binary)
{
    check_ns(0, true, 0, 3, 3000000000ull, false);
    check_ns(1, true, 0, 3, 1500000000ull, false);
    check_ns(10, true, 0, 1, 976562, false);
    check_ns(32, true, 0, 0x180000000ull, 1500000000ull, false);
    check_ns(63, true, 0, UINT64_MAX, 1999999999ull, false);
    check_ns(64, true, 0, UINT64_MAX, 999999999ull, false);
    check_ns(127, true, 0, UINT64_MAX, 0, false);
}

CM_TEST(time_units, offsets_and_saturation)
{
    check_ns(6, false, 100, 5, 100000005000ull, false);
    check_ns(6, false, -1, 1000000, 0, false);
    check_ns(6, false, -1, 999999, 0, true);
    check_ns(6, false, INT64_MIN, UINT64_MAX, 0, true);
    check_ns(6, false, INT64_MAX, 0, UINT64_MAX, true);
    check_ns(0, false, 0, UINT64_MAX, UINT64_MAX, true);
    check_ns(0, true, INT64_MAX, UINT64_MAX, UINT64_MAX, true);
    check_ns(0, false, 0, 18446744073ull, 18446744073000000000ull, false);
    check_ns(0, false, 0, 18446744074ull, UINT64_MAX, true);
    check_ns(0, false, INT64_MIN, 0x8000000000000001ull, 1000000000, false);
}

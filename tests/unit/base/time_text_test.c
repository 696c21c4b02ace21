/* SPDX-License-Identifier: Apache-2.0 */
/* The calendar holds over leap years and the whole range, and RFC 3339 is read strictly with exact places of
 * mistakes. */
#include "base/time_text.h"

#include "unit/check.h"

#define NS UINT64_C(1000000000)

static void check_text(uint64_t time_ns, const char *expected, const char *slice)
{
    char text[CM_TIME_TEXT_BYTES];
    uint64_t back = 1;

    cm_check_str(cm_time_text(time_ns, text), expected);
    cm_check(cm_time_parse(text, &back, NULL));
    cm_check_that(back == time_ns, "%s came back as %" PRIu64, expected, back);
    cm_check_str(cm_time_slice_text(time_ns, text), slice);
}

CM_TEST(time_text, known_points)
{
    check_text(0, "1970-01-01T00:00:00.000000000Z", "19700101T000000Z");
    check_text(951782400 * NS, "2000-02-29T00:00:00.000000000Z", "20000229T000000Z");
    check_text(951868799 * NS + 999999999, "2000-02-29T23:59:59.999999999Z", "20000229T235959Z");
    check_text(951868800 * NS, "2000-03-01T00:00:00.000000000Z", "20000301T000000Z");
    check_text(1709210096 * NS + 123456789, "2024-02-29T12:34:56.123456789Z", "20240229T123456Z");
    check_text(UINT64_C(4107542400) * NS, "2100-03-01T00:00:00.000000000Z", "21000301T000000Z");
    check_text(UINT64_C(4294967295) * NS, "2106-02-07T06:28:15.000000000Z", "21060207T062815Z");
    check_text(UINT64_MAX, "2554-07-21T23:34:33.709551615Z", "25540721T233433Z");
}

/* Walks the days of the whole range beside a calendar that only knows how to add one day. */
CM_TEST(time_text, every_day_follows_the_one_before)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year = 1970, month = 1, day = 1;

    for (uint64_t n = 0; n <= 213503; n++) {
        struct cm_calendar c;
        uint64_t back;

        cm_calendar_of(n * 86400 * NS + 3661 * NS, &c);
        cm_check_that(c.year == year && c.month == month && c.day == day, "day %" PRIu64 " is %u-%u-%u", n,
                      c.year, c.month, c.day);
        cm_check(c.hour == 1 && c.minute == 1 && c.second == 1 && c.nanosecond == 0);
        cm_check(cm_calendar_to_ns(&c, &back) && back == n * 86400 * NS + 3661 * NS);
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        if (++day > days[month - 1] + (month == 2 && leap)) {
            day = 1;
            if (++month > 12) {
                month = 1;
                year++;
            }
        }
    }
}

struct parse_case {
    const char *text;
    uint64_t time_ns;
};

CM_TEST(time_text, offsets_fractions_and_short_forms)
{
    static const struct parse_case cases[] = {
        {"1970-01-01", 0},
        {"1970-01-02", 86400 * NS},
        {"2024-02-29T12:34:56Z", 1709210096 * NS},
        {"2024-02-29t12:34:56z", 1709210096 * NS},
        {"2024-02-29 12:34:56", 1709210096 * NS},
        {"2024-02-29T13:34:56+01:00", 1709210096 * NS},
        {"2024-02-29T07:04:56-05:30", 1709210096 * NS},
        {"1970-01-01T00:00:00-00:01", 60 * NS},
        {"1969-12-31T23:59:00-00:01", 0},
        {"2016-12-31T23:59:60Z", UINT64_C(1483228800) * NS},
        {"1970-01-01T00:00:00.5", 500000000},
        {"1970-01-01T00:00:00.000000001Z", 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t time_ns = 1;
        cm_check_that(cm_time_parse(cases[i].text, &time_ns, NULL), "%s refused", cases[i].text);
        cm_check_that(time_ns == cases[i].time_ns, "%s is %" PRIu64, cases[i].text, time_ns);
    }
}

CM_TEST(time_text, mistakes_are_placed)
{
    static const struct {
        const char *text;
        size_t at;
    } cases[] = {
        {"", 0},
        {"2024", 4},
        {"2024-13-01", 5},
        {"2024-00-01", 5},
        {"2023-02-29", 8},
        {"2024-02-00", 8},
        {"2024-2-29", 6},
        {"2024-02-29X", 10},
        {"2024-02-29T", 11},
        {"2024-02-29T24:00:00", 11},
        {"2024-02-29T12:60:00", 14},
        {"2024-02-29T12:00:61", 17},
        {"2024-02-29T12:00", 16},
        {"2024-02-29T12:00:00.", 20},
        {"2024-02-29T12:00:00.1234567890Z", 29},
        {"2024-02-29T12:00:00+1:00", 21},
        {"2024-02-29T12:00:00+01", 22},
        {"2024-02-29T12:00:00Zz", 20},
        {"2024-02-29T12:00:00 Z", 19},
        {"1969-12-31T23:59:59Z", 0},
        {"1970-01-01T00:00:00+00:01", 0},
        {"2554-07-21T23:34:33.709551616Z", 0},
        {"9999-12-31T00:00:00Z", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cm_text_fault fault = {999, NULL};
        uint64_t time_ns = 77;
        cm_check_that(!cm_time_parse(cases[i].text, &time_ns, &fault), "%s taken", cases[i].text);
        cm_check_that(fault.at == cases[i].at, "%s is wrong at %zu: %s", cases[i].text, fault.at, fault.what);
        cm_check_eq(time_ns, 77);
    }
}

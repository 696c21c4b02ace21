/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and durations are read exactly, mistakes are placed exactly, and what is shown fits its buffer. */
#include "base/quantity.h"

#include "unit/check.h"

#define FAILS UINT64_MAX

struct parse_case {
    const char *text;
    uint64_t value; /* FAILS: refused */
    size_t fault_at;
};

static void check_cases(bool (*parse)(const char *, uint64_t *, struct cm_text_fault *),
                        const struct parse_case *cases, size_t n_cases)
{
    for (size_t i = 0; i < n_cases; i++) {
        struct cm_text_fault fault = {999, NULL};
        uint64_t value = 12345;
        bool parsed = parse(cases[i].text, &value, &fault);

        cm_check_that(parsed == (cases[i].value != FAILS), "\"%s\" was %s", cases[i].text,
                      parsed ? "taken" : "refused");
        if (parsed) {
            cm_check_that(value == cases[i].value, "\"%s\" is %" PRIu64, cases[i].text, value);
        } else {
            cm_check_that(value == 12345, "\"%s\" was refused and yet changed the value", cases[i].text);
            cm_check_that(fault.at == cases[i].fault_at, "\"%s\" is wrong at %zu, expected %zu",
                          cases[i].text, fault.at, cases[i].fault_at);
            cm_check(fault.what != NULL);
        }
        cm_check(parse(cases[i].text, &value, NULL) == parsed);
    }
}

#define CHECK_CASES(parse, cases) check_cases(parse, cases, sizeof(cases) / sizeof((cases)[0]))

CM_TEST(quantity, counts_are_digits_only)
{
    static const struct parse_case cases[] = {
        {"0", 0, 0},       {"18446744073709551614", UINT64_MAX - 1, 0},
        {"007", 7, 0},     {"18446744073709551616", FAILS, 19},
        {"", FAILS, 0},    {"-1", FAILS, 0},
        {"12x", FAILS, 2}, {"1.5", FAILS, 1},
        {" 1", FAILS, 0},  {"99999999999999999999999", FAILS, 19},
    };
    CHECK_CASES(cm_count_parse, cases);
}

CM_TEST(quantity, numbers_and_ranges_have_limits)
{
    static const struct cm_number_limit limit = {4094, "too great"};
    static const struct cm_number_limit none = {UINT64_MAX, "too great"};
    static const struct {
        const char *text;
        bool taken;
        uint64_t first, last; /* else: the place */
        const char *what;
    } ranges[] = {
        {"0", true, 0, 0, NULL},
        {"4094", true, 4094, 4094, NULL},
        {"7-4094", true, 7, 4094, NULL},
        {"4095", false, 0, 0, "too great"},
        {"7-18446744073709551616", false, 2, 0, "too great"},
        {"9-8", false, 2, 0, "the range ends before it begins"},
        {"9-", false, 2, 0, "expected a digit"},
        {"", false, 0, 0, "expected a digit"},
        {"9.", false, 1, 0, "expected - or the end"},
        {"9-9-", false, 3, 0, "expected the end of the range"},
    };
    struct cm_text_fault fault;
    uint64_t first = 5, last = 5;

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        const char *text = ranges[i].text;
        bool taken = cm_range_parse(text, strlen(text), &limit, &first, &last, &fault);

        cm_check_that(taken == ranges[i].taken, "'%s'", text);
        if (taken) {
            cm_check_eq(first, ranges[i].first);
            cm_check_eq(last, ranges[i].last);
        } else {
            cm_check_eq(fault.at, ranges[i].first);
            cm_check_str(fault.what, ranges[i].what);
        }
    }
    cm_check(cm_number_parse("18446744073709551615-", 20, &none, &first, NULL));
    cm_check_eq(first, UINT64_MAX);
    cm_check(!cm_number_parse("1-", 2, &none, &first, &fault));
    cm_check_str(fault.what, "expected nothing but digits");
    cm_check_eq(first, UINT64_MAX);
}

CM_TEST(quantity, sizes_take_units_of_1024)
{
    static const struct parse_case cases[] = {
        {"0", 0, 0},
        {"4096", 4096, 0},
        {"64K", 65536, 0},
        {"64k", 65536, 0},
        {"64KiB", 65536, 0},
        {"64kB", 65536, 0},
        {"1M", 1048576, 0},
        {"1.5G", 1610612736, 0},
        {"2T", UINT64_C(2) << 40, 0},
        {"0.5K", 512, 0},
        {"10B", 10, 0},
        {"0.999999999K", 1023, 0},
        {"16777215T", UINT64_C(16777215) << 40, 0},
        {"16777216T", FAILS, 0},
        {"16777215.999999999T", (UINT64_C(16777215) << 40) + UINT64_C(1099511626676), 0},
        {"1Q", FAILS, 1},
        {"1Ki", FAILS, 2},
        {"1 K", FAILS, 1},
        {"1.K", FAILS, 2},
        {".5K", FAILS, 0},
        {"K", FAILS, 0},
        {"1.0000000000K", FAILS, 11},
        {"1KK", FAILS, 2},
        {"", FAILS, 0},
        {"1iB", FAILS, 1},
    };
    CHECK_CASES(cm_size_parse, cases);
}

CM_TEST(quantity, durations_take_units_and_bare_seconds)
{
    static const struct parse_case cases[] = {
        {"10ms", 10000000, 0},
        {"30s", UINT64_C(30000000000), 0},
        {"5m", UINT64_C(300000000000), 0},
        {"1h", UINT64_C(3600000000000), 0},
        {"1d", UINT64_C(86400000000000), 0},
        {"120", UINT64_C(120000000000), 0},
        {"0.25", 250000000, 0},
        {"1.5h", UINT64_C(5400000000000), 0},
        {"7us", 7000, 0},
        {"7ns", 7, 0},
        {"0.5ns", 0, 0},
        {"0.000000001d", 86400, 0},
        {"18446744073", UINT64_C(18446744073000000000), 0},
        {"18446744074", FAILS, 0},
        {"213504d", FAILS, 0},
        {"1w", FAILS, 1},
        {"1M", FAILS, 1},
        {"1h30m", FAILS, 1},
        {"s", FAILS, 0},
        {"", FAILS, 0},
        {"-1s", FAILS, 0},
        {"1.s", FAILS, 2},
    };
    CHECK_CASES(cm_duration_parse, cases);
}

CM_TEST(quantity, texts_are_short_and_right)
{
    char text[CM_QUANTITY_TEXT_BYTES];

    cm_check_str(cm_size_text(0, text), "0 bytes");
    cm_check_str(cm_size_text(1, text), "1 byte");
    cm_check_str(cm_size_text(1023, text), "1023 bytes");
    cm_check_str(cm_size_text(1024, text), "1.00 KiB");
    cm_check_str(cm_size_text(1048575, text), "1.00 MiB");
    cm_check_str(cm_size_text(UINT64_C(1) << 30, text), "1.00 GiB");
    cm_check_str(cm_size_text(UINT64_C(99999) << 10, text), "97.7 MiB");
    cm_check_str(cm_size_text(UINT64_MAX, text), "16.0 EiB");

    cm_check_str(cm_duration_text(0, text), "0 s");
    cm_check_str(cm_duration_text(999, text), "999 ns");
    cm_check_str(cm_duration_text(49800, text), "49.8 µs");
    cm_check_str(cm_duration_text(999499, text), "999 µs");
    cm_check_str(cm_duration_text(999500, text), "1.00 ms");
    cm_check_str(cm_duration_text(999500000, text), "1.00 s");
    cm_check_str(cm_duration_text(UINT64_C(119400000000), text), "119 s");
    cm_check_str(cm_duration_text(UINT64_C(120000000000), text), "2 min 00 s");
    cm_check_str(cm_duration_text(UINT64_C(14700000000000), text), "4 h 05 min");
    cm_check_str(cm_duration_text(UINT64_MAX, text), "213503 d 23 h");

    cm_check_str(cm_count_text(0, text), "0");
    cm_check_str(cm_count_text(999, text), "999");
    cm_check_str(cm_count_text(1000, text), "1,000");
    cm_check_str(cm_count_text(1620000, text), "1,620,000");
    cm_check_str(cm_count_text(UINT64_MAX, text), "18,446,744,073,709,551,615");

    cm_check_str(cm_seconds_text(0, text), "0.000000000");
    cm_check_str(cm_seconds_text(UINT64_C(12345678901), text), "12.345678901");
    cm_check_str(cm_seconds_text(UINT64_MAX, text), "18446744073.709551615");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Counts, sizes and durations: text to numbers with the place of the first mistake, and numbers to short
 * text. */
#include "base/quantity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/digits.h"

#define NS_PER_SECOND UINT64_C(1000000000)

struct unit {
    const char *name;
    uint64_t factor;
};

/* Smallest unit first; the names are compared as written. */
static const struct unit duration_units[] = {
    {"ns", 1},
    {"us", 1000},
    {"ms", 1000000},
    {"s", NS_PER_SECOND},
    {"m", 60 * NS_PER_SECOND},
    {"h", 3600 * NS_PER_SECOND},
    {"d", 86400 * NS_PER_SECOND},
};

/* Nine digits are enough for a nanosecond of a second and exact in 64 bits. */
#define FRACTION_DIGITS 9
#define FRACTION_SCALE  UINT64_C(1000000000)

struct number {
    uint64_t whole;
    uint64_t fraction; /* of FRACTION_SCALE */
    size_t length;     /* bytes of the text it took */
};

static bool parse_whole(const char *text, struct number *number_ret, struct cm_text_fault *fault)
{
    uint64_t whole = 0;
    size_t at = 0;

    if (!cm_is_digit(text[0]))
        return cm_text_fault_at(fault, 0, "expected a digit");
    for (; cm_is_digit(text[at]); at++) {
        if (!cm_mul_u64(whole, 10, &whole) || !cm_add_u64(whole, (uint64_t)(text[at] - '0'), &whole))
            return cm_text_fault_at(fault, at, "the number is too large");
    }
    *number_ret = (struct number){.whole = whole, .length = at};
    return true;
}

static bool parse_number(const char *text, struct number *number_ret, struct cm_text_fault *fault)
{
    uint64_t scale = FRACTION_SCALE / 10;
    size_t at;

    if (!parse_whole(text, number_ret, fault))
        return false;
    at = number_ret->length;
    if (text[at] != '.')
        return true;
    at++;
    if (!cm_is_digit(text[at]))
        return cm_text_fault_at(fault, at, "expected a digit after the point");
    for (; cm_is_digit(text[at]); at++, scale /= 10) {
        if (scale == 0)
            return cm_text_fault_at(fault, at, "more than nine digits after the point");
        number_ret->fraction += (uint64_t)(text[at] - '0') * scale;
    }
    number_ret->length = at;
    return true;
}

/* number × factor, rounded down. Split so that the product of the fraction stays within 64 bits for any
 * factor. */
static bool scale_number(const struct number *number, uint64_t factor, uint64_t *value_ret,
                         struct cm_text_fault *fault)
{
    uint64_t value;
    uint64_t part = factor / FRACTION_SCALE * number->fraction +
                    factor % FRACTION_SCALE * number->fraction / FRACTION_SCALE;

    if (!cm_mul_u64(number->whole, factor, &value) || !cm_add_u64(value, part, &value))
        return cm_text_fault_at(fault, 0, "the number is too large");
    *value_ret = value;
    return true;
}

bool cm_count_parse(const char *text, uint64_t *count_ret, struct cm_text_fault *fault)
{
    struct number number;

    if (!parse_whole(text, &number, fault))
        return false;
    if (text[number.length] != 0)
        return cm_text_fault_at(fault, number.length, "expected nothing but digits");
    *count_ret = number.whole;
    return true;
}

/* Digits from *at on, which moves behind them. */
static bool take_number(const char *text, size_t n, size_t *at, const struct cm_number_limit *limit,
                        uint64_t *number_ret, struct cm_text_fault *fault)
{
    const size_t start = *at;
    uint64_t number = 0;

    if (*at >= n || !cm_is_digit(text[*at]))
        return cm_text_fault_at(fault, *at, "expected a digit");
    for (; *at < n && cm_is_digit(text[*at]); ++*at) {
        if (!cm_mul_u64(number, 10, &number) || !cm_add_u64(number, (uint64_t)(text[*at] - '0'), &number) ||
            number > limit->most)
            return cm_text_fault_at(fault, start, limit->beyond);
    }
    *number_ret = number;
    return true;
}

bool cm_number_parse(const char *text, size_t n, const struct cm_number_limit *limit, uint64_t *number_ret,
                     struct cm_text_fault *fault)
{
    uint64_t number;
    size_t at = 0;

    if (!take_number(text, n, &at, limit, &number, fault))
        return false;
    if (at < n)
        return cm_text_fault_at(fault, at, "expected nothing but digits");
    *number_ret = number;
    return true;
}

bool cm_range_parse(const char *text, size_t n, const struct cm_number_limit *limit, uint64_t *first_ret,
                    uint64_t *last_ret, struct cm_text_fault *fault)
{
    uint64_t first, last;
    size_t at = 0, last_at = 0;

    if (!take_number(text, n, &at, limit, &first, fault))
        return false;
    last = first;
    if (at < n && text[at] == '-') {
        last_at = ++at;
        if (!take_number(text, n, &at, limit, &last, fault))
            return false;
    }
    if (at < n)
        return cm_text_fault_at(fault, at,
                                last_at > 0 ? "expected the end of the range" : "expected - or the end");
    if (last < first)
        return cm_text_fault_at(fault, last_at, "the range ends before it begins");
    *first_ret = first;
    *last_ret = last;
    return true;
}

bool cm_size_parse(const char *text, uint64_t *bytes_ret, struct cm_text_fault *fault)
{
    static const char letters[] = "kmgt";
    struct number number;
    uint64_t factor = 1;
    const char *letter;
    size_t at;

    if (!parse_number(text, &number, fault))
        return false;
    at = number.length;
    letter = text[at] == 0 ? NULL : strchr(letters, cm_lower(text[at]));
    if (letter != NULL) {
        factor = UINT64_C(1) << (10 * (letter - letters + 1));
        at++;
        if (text[at] == 'i' && cm_lower(text[at + 1]) == 'b')
            at++;
    }
    if (cm_lower(text[at]) == 'b')
        at++;
    if (text[at] != 0)
        return cm_text_fault_at(fault, at, "expected K, M, G, T or the end");
    return scale_number(&number, factor, bytes_ret, fault);
}

bool cm_duration_parse(const char *text, uint64_t *ns_ret, struct cm_text_fault *fault)
{
    struct number number;

    if (!parse_number(text, &number, fault))
        return false;
    if (text[number.length] == 0)
        return scale_number(&number, NS_PER_SECOND, ns_ret, fault);
    for (size_t i = 0; i < CM_ARRAY_COUNT(duration_units); i++) {
        if (strcmp(text + number.length, duration_units[i].name) == 0)
            return scale_number(&number, duration_units[i].factor, ns_ret, fault);
    }
    return cm_text_fault_at(fault, number.length, "expected one of ns, us, ms, s, m, h, d or the end");
}

/* Three digits that tell, whatever the size of the value: 9.87, 98.7, 987. */
static void print_three_digits(double value, const char *unit, char text_ret[CM_QUANTITY_TEXT_BYTES])
{
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

    snprintf(text_ret, CM_QUANTITY_TEXT_BYTES, "%.*f %s", decimals, value, unit);
}

const char *cm_size_text(uint64_t bytes, char text_ret[CM_QUANTITY_TEXT_BYTES])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;

    if (bytes < 1024) {
        snprintf(text_ret, CM_QUANTITY_TEXT_BYTES, "%" PRIu64 " %s", bytes, bytes == 1 ? "byte" : "bytes");
        return text_ret;
    }
    for (; value >= 1023.5 && unit + 1 < CM_ARRAY_COUNT(units); unit++)
        value /= 1024;
    print_three_digits(value, units[unit], text_ret);
    return text_ret;
}

const char *cm_duration_text(uint64_t ns, char text_ret[CM_QUANTITY_TEXT_BYTES])
{
    uint64_t seconds = ns / NS_PER_SECOND;

    if (ns == 0)
        snprintf(text_ret, CM_QUANTITY_TEXT_BYTES, "0 s");
    else if (ns < 1000)
        snprintf(text_ret, CM_QUANTITY_TEXT_BYTES, "%" PRIu64 " ns", ns);
    else if (ns < 999500)
        print_three_digits((double)ns / 1e3, "µs", text_ret);
    else if (ns < 999500000)
        print_three_digits((double)ns / 1e6, "ms", text_ret);
    else if (seconds < 120)
        print_three_digits((double)ns / 1e9, "s", text_ret);
    else if (seconds < 3600)
        snprintf(text_ret, CM_QUANTITY_TEXT_BYTES, "%" PRIu64 " min %02" PRIu64 " s", seconds / 60,
                 seconds % 60);
    else if (seconds < 86400)
        snprintf(text_ret, CM_QUANTITY_TEXT_BYTES, "%" PRIu64 " h %02" PRIu64 " min", seconds / 3600,
                 seconds / 60 % 60);
    else
        snprintf(text_ret, CM_QUANTITY_TEXT_BYTES, "%" PRIu64 " d %02" PRIu64 " h", seconds / 86400,
                 seconds / 3600 % 24);
    return text_ret;
}

const char *cm_count_text(uint64_t count, char text_ret[CM_QUANTITY_TEXT_BYTES])
{
    char digits[CM_QUANTITY_TEXT_BYTES];
    int n_digits = snprintf(digits, sizeof(digits), "%" PRIu64, count);
    char *to = text_ret;

    for (int i = 0; i < n_digits; i++) {
        if (i > 0 && (n_digits - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = 0;
    return text_ret;
}

const char *cm_seconds_text(uint64_t ns, char text_ret[CM_QUANTITY_TEXT_BYTES])
{
    snprintf(text_ret, CM_QUANTITY_TEXT_BYTES, "%" PRIu64 ".%09" PRIu64, ns / NS_PER_SECOND,
             ns % NS_PER_SECOND);
    return text_ret;
}

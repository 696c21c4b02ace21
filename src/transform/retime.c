/* SPDX-License-Identifier: Apache-2.0 */
/* New times for old: start + (time - first) * scale + offset, in exact arithmetic. The times of packets alone;
 * what stands in packets is left. */
#include "base/digits.h"
#include "base/quantity.h"
#include "base/time_text.h"
#include "transform/transform_int.h"

/* A scale is a fraction of two numbers up to 10^18: nine digits before the point and nine behind it. A 64-bit
 * distance times that stays within 127 bits. */
#define SCALE_MAX  UINT64_C(1000000000000000000)
#define SCALE_UNIT UINT64_C(1000000000)
#define NS_PER_MS  UINT64_C(1000000)

__extension__ typedef __int128 int128; /* the one type of that width; C has no name for it */

static bool all_digits(const char *text)
{
    return text[0] != 0 && text[strspn(text, "0123456789")] == 0;
}

static enum capmill_status parse_start(const struct capmill_word *word, struct cm_retime *retime,
                                       struct cm_error *error)
{
    struct cm_text_fault fault;
    uint64_t ms;

    if (word->value[0] == '-')
        return cm_wish_refuse(word, error, "is no time: those before 1970 cannot be written");
    if (all_digits(word->value)) {
        if (!cm_count_parse(word->value, &ms, &fault) || !cm_mul_u64(ms, NS_PER_MS, &retime->start_ns))
            return cm_wish_refuse(word, error, "is no time: they end in the year 2554");
    } else if (!cm_time_parse(word->value, &retime->start_ns, &fault)) {
        return cm_wish_refuse_at(word, "time", word->value, &fault, error);
    }
    retime->has_start = true;
    return CAPMILL_OK;
}

static enum capmill_status parse_offset(const struct capmill_word *word, struct cm_retime *retime,
                                        struct cm_error *error)
{
    const char *text = word->value;
    struct cm_text_fault fault;
    bool sign = text[0] == '-' || text[0] == '+';

    retime->offset_negative = text[0] == '-';
    if (!cm_duration_parse(text + sign, &retime->offset_ns, &fault))
        return cm_wish_refuse_at(word, "duration", text + sign, &fault, error);
    return CAPMILL_OK;
}

/* Digits, perhaps with a point and up to nine more: as so many of SCALE_UNIT. */
static const char *parse_decimal(const char *text, bool fraction, uint64_t *value_ret)
{
    uint64_t whole = 0, part = 0, unit = SCALE_UNIT;

    if (!cm_is_digit(*text))
        return NULL;
    for (; cm_is_digit(*text); text++) {
        whole = whole * 10 + (uint64_t)(*text - '0');
        if (whole > SCALE_UNIT)
            return NULL;
    }
    if (fraction && *text == '.') {
        text++;
        if (!cm_is_digit(*text))
            return NULL;
        for (; cm_is_digit(*text); text++) {
            unit /= 10;
            if (unit == 0)
                return NULL;
            part += (uint64_t)(*text - '0') * unit;
        }
    }
    *value_ret = whole * SCALE_UNIT + part;
    return *value_ret > SCALE_MAX ? NULL : text;
}

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

static enum capmill_status parse_scale(const struct capmill_word *word, struct cm_retime *retime,
                                       struct cm_error *error)
{
    uint64_t numerator = 0, denominator = SCALE_UNIT, divisor;
    const char *text = word->value;

    if (*text == '-')
        return cm_wish_refuse(word, error, "is no scale: time cannot run backwards");
    text = parse_decimal(text, true, &numerator);
    if (text != NULL && *text == '/')
        text = parse_decimal(text + 1, false, &denominator);
    if (text == NULL || *text != 0)
        return cm_wish_refuse(
            word, error,
            "is no scale: expected a number or a fraction of up to nine digits before and after the "
            "point, as in 0.5 or 3/2");
    if (numerator == 0)
        return cm_wish_refuse(word, error,
                              "is no scale: all packets would have one time; it must be above 0");
    if (denominator == 0)
        return cm_wish_refuse(word, error, "is no scale: it divides by 0");
    divisor = greatest_divisor(numerator, denominator);
    retime->numerator = numerator / divisor;
    retime->denominator = denominator / divisor;
    return CAPMILL_OK;
}

enum capmill_status cm_retime_create(const struct cm_transform_options *options, struct cm_retime *retime_ret,
                                     struct cm_error *error)
{
    const struct capmill_transform *wishes = options->wishes;
    struct cm_retime retime = {.numerator = 1, .denominator = 1};
    enum capmill_status status = CAPMILL_OK;

    if (wishes->timestamp_start.value != NULL)
        status = parse_start(&wishes->timestamp_start, &retime, error);
    if (status == CAPMILL_OK && wishes->time_offset.value != NULL)
        status = parse_offset(&wishes->time_offset, &retime, error);
    if (status == CAPMILL_OK && wishes->time_scale.value != NULL)
        status = parse_scale(&wishes->time_scale, &retime, error);
    if (status != CAPMILL_OK)
        return status;
    if (wishes->time_offset.value != NULL && retime.offset_ns == 0)
        cm_wish_warn(options, &wishes->time_offset, "has no effect");
    if (wishes->time_scale.value != NULL && retime.numerator == retime.denominator)
        cm_wish_warn(options, &wishes->time_scale, "has no effect");
    retime.active = retime.has_start || retime.offset_ns != 0 || retime.numerator != retime.denominator;
    *retime_ret = retime;
    return CAPMILL_OK;
}

bool cm_transform_changes_times(const struct cm_transform *transform)
{
    return transform->retime.active;
}

bool cm_transform_makes_nanoseconds(const struct cm_transform *transform)
{
    const struct cm_retime *retime = &transform->retime;

    return retime->active && (retime->numerator % retime->denominator != 0 || retime->offset_ns % 1000 != 0 ||
                              (retime->has_start && retime->start_ns % 1000 != 0));
}

bool cm_transform_needs_first_time(const struct cm_transform *transform)
{
    return transform->retime.has_start || transform->retime.numerator != transform->retime.denominator;
}

/* Rounded down, also below 0, so that the result never decreases. */
static int128 scale(int128 distance, uint64_t numerator, uint64_t denominator)
{
    int128 product, quotient;

    if (numerator == denominator)
        return distance;
    product = distance * numerator;
    if (denominator == 1)
        return product;
    quotient = product / denominator;
    return product % denominator < 0 ? quotient - 1 : quotient;
}

uint64_t cm_transform_time(const struct cm_transform *transform, uint64_t time_ns, uint64_t first_ns,
                           bool *saturated_ret)
{
    const struct cm_retime *retime = &transform->retime;
    int128 time = time_ns;

    if (cm_transform_needs_first_time(transform))
        time = (int128)(retime->has_start ? retime->start_ns : first_ns) +
               scale((int128)time_ns - first_ns, retime->numerator, retime->denominator);
    time += retime->offset_negative ? -(int128)retime->offset_ns : (int128)retime->offset_ns;
    if (time >= 0 && time <= (int128)UINT64_MAX)
        return (uint64_t)time;
    if (saturated_ret != NULL)
        *saturated_ret = true;
    return time < 0 ? 0 : UINT64_MAX;
}

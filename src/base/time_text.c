/* SPDX-License-Identifier: Apache-2.0 */
/* The calendar of UTC in whole numbers, and RFC 3339. Not for durations (quantity.h). */
#include "base/time_text.h"

#include <stdio.h>

#include "base/checked.h"

#define NS_PER_SECOND   UINT64_C(1000000000)
#define SECONDS_PER_DAY 86400

/* Days are counted in eras of 400 years that begin on 1 March, so that the leap day is the last day of its
 * year. */
#define DAYS_PER_ERA        146097
#define DAYS_FROM_0_TO_1970 719468 /* from 0000-03-01 to 1970-01-01 */

static int64_t days_from_date(int64_t year, unsigned month, unsigned day)
{
    int64_t march_year = month <= 2 ? year - 1 : year;
    int64_t era = march_year / 400;
    int64_t year_of_era = march_year - era * 400;
    int64_t day_of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           DAYS_FROM_0_TO_1970;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

void cm_calendar_of(uint64_t time_ns, struct cm_calendar *calendar_ret)
{
    uint64_t seconds = time_ns / NS_PER_SECOND;
    unsigned second_of_day = (unsigned)(seconds % SECONDS_PER_DAY);
    uint64_t day = seconds / SECONDS_PER_DAY + DAYS_FROM_0_TO_1970;
    uint64_t era = day / DAYS_PER_ERA;
    unsigned day_of_era = (unsigned)(day % DAYS_PER_ERA);
    /* 1460 days before the end of a fourth year, 36524 of a century, 146096 of the era: the days that leap
     * years add */
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned march_month = (5 * day_of_year + 2) / 153;

    calendar_ret->month = march_month < 10 ? march_month + 3 : march_month - 9;
    calendar_ret->year = (unsigned)(era * 400) + year_of_era + (calendar_ret->month <= 2);
    calendar_ret->day = day_of_year - (153 * march_month + 2) / 5 + 1;
    calendar_ret->hour = second_of_day / 3600;
    calendar_ret->minute = second_of_day / 60 % 60;
    calendar_ret->second = second_of_day % 60;
    calendar_ret->nanosecond = (uint32_t)(time_ns % NS_PER_SECOND);
}

/* As cm_calendar_to_ns, for a clock that is `offset_seconds` ahead of UTC. */
static bool calendar_to_ns(const struct cm_calendar *calendar, int64_t offset_seconds, uint64_t *time_ns_ret)
{
    int64_t seconds;
    uint64_t ns;

    if (calendar->month < 1 || calendar->month > 12 || calendar->day < 1 || calendar->year > 9999 ||
        calendar->day > days_in_month(calendar->year, calendar->month) || calendar->hour > 23 ||
        calendar->minute > 59 || calendar->second > 60 || calendar->nanosecond >= NS_PER_SECOND)
        return false;
    seconds = days_from_date(calendar->year, calendar->month, calendar->day) * SECONDS_PER_DAY +
              (int64_t)(calendar->hour * 3600 + calendar->minute * 60 + calendar->second) - offset_seconds;
    if (seconds < 0 || !cm_mul_u64((uint64_t)seconds, NS_PER_SECOND, &ns) ||
        !cm_add_u64(ns, calendar->nanosecond, &ns))
        return false;
    *time_ns_ret = ns;
    return true;
}

bool cm_calendar_to_ns(const struct cm_calendar *calendar, uint64_t *time_ns_ret)
{
    return calendar_to_ns(calendar, 0, time_ns_ret);
}

const char *cm_time_text(uint64_t time_ns, char text_ret[CM_TIME_TEXT_BYTES])
{
    struct cm_calendar c;

    cm_calendar_of(time_ns, &c);
    snprintf(text_ret, CM_TIME_TEXT_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%09uZ", c.year % 10000, c.month,
             c.day, c.hour, c.minute, c.second, (unsigned)c.nanosecond);
    return text_ret;
}

const char *cm_time_slice_text(uint64_t time_ns, char text_ret[CM_TIME_TEXT_BYTES])
{
    struct cm_calendar c;

    cm_calendar_of(time_ns, &c);
    snprintf(text_ret, CM_TIME_TEXT_BYTES, "%04u%02u%02uT%02u%02u%02uZ", c.year % 10000, c.month, c.day,
             c.hour, c.minute, c.second);
    return text_ret;
}

/* A place in a text that is read from left to right. */
struct cursor {
    const char *text;
    size_t at;
    struct cm_text_fault *fault;
};

static bool take_digits(struct cursor *cursor, unsigned n_digits, unsigned *value_ret)
{
    unsigned value = 0;

    for (unsigned i = 0; i < n_digits; i++, cursor->at++) {
        char c = cursor->text[cursor->at];
        if (c < '0' || c > '9')
            return cm_text_fault_at(cursor->fault, cursor->at, "expected a digit");
        value = value * 10 + (unsigned)(c - '0');
    }
    *value_ret = value;
    return true;
}

static bool take_char(struct cursor *cursor, char c, const char *what)
{
    if (cursor->text[cursor->at] != c)
        return cm_text_fault_at(cursor->fault, cursor->at, what);
    cursor->at++;
    return true;
}

/* Digits within `least` and `most`, the fault placed at their start. */
static bool take_field(struct cursor *cursor, unsigned n_digits, unsigned least, unsigned most,
                       const char *what, unsigned *value_ret)
{
    size_t start = cursor->at;

    if (!take_digits(cursor, n_digits, value_ret))
        return false;
    if (*value_ret < least || *value_ret > most)
        return cm_text_fault_at(cursor->fault, start, what);
    return true;
}

static bool take_date(struct cursor *cursor, struct cm_calendar *c)
{
    size_t day_at;

    if (!take_digits(cursor, 4, &c->year) || !take_char(cursor, '-', "expected - after the year") ||
        !take_field(cursor, 2, 1, 12, "expected a month from 01 to 12", &c->month) ||
        !take_char(cursor, '-', "expected - after the month"))
        return false;
    day_at = cursor->at;
    if (!take_digits(cursor, 2, &c->day))
        return false;
    if (c->day < 1 || c->day > days_in_month(c->year, c->month))
        return cm_text_fault_at(cursor->fault, day_at, "this month has no such day");
    return true;
}

static bool take_fraction(struct cursor *cursor, struct cm_calendar *c)
{
    uint32_t scale = NS_PER_SECOND / 10;
    unsigned digit;

    cursor->at++;
    do {
        if (!take_digits(cursor, 1, &digit))
            return false;
        if (scale == 0)
            return cm_text_fault_at(cursor->fault, cursor->at - 1, "more than nine digits of a second");
        c->nanosecond += digit * scale;
        scale /= 10;
    } while (cursor->text[cursor->at] >= '0' && cursor->text[cursor->at] <= '9');
    return true;
}

static bool take_clock(struct cursor *cursor, struct cm_calendar *c)
{
    if (!take_field(cursor, 2, 0, 23, "expected an hour from 00 to 23", &c->hour) ||
        !take_char(cursor, ':', "expected : after the hour") ||
        !take_field(cursor, 2, 0, 59, "expected a minute from 00 to 59", &c->minute) ||
        !take_char(cursor, ':', "expected : after the minute") ||
        !take_field(cursor, 2, 0, 60, "expected a second from 00 to 60", &c->second))
        return false;
    return cursor->text[cursor->at] != '.' || take_fraction(cursor, c);
}

static bool take_offset(struct cursor *cursor, int64_t *offset_seconds_ret)
{
    char c = cursor->text[cursor->at];
    unsigned hours, minutes;

    *offset_seconds_ret = 0;
    if (c == 'Z' || c == 'z') {
        cursor->at++;
        return true;
    }
    if (c != '+' && c != '-')
        return true;
    cursor->at++;
    if (!take_field(cursor, 2, 0, 23, "expected hours from 00 to 23", &hours) ||
        !take_char(cursor, ':', "expected : after the hours of the offset") ||
        !take_field(cursor, 2, 0, 59, "expected minutes from 00 to 59", &minutes))
        return false;
    *offset_seconds_ret = (c == '-' ? -1 : 1) * (int64_t)(hours * 3600 + minutes * 60);
    return true;
}

bool cm_time_parse(const char *text, uint64_t *time_ns_ret, struct cm_text_fault *fault)
{
    struct cursor cursor = {text, 0, fault};
    struct cm_calendar calendar = {0};
    int64_t offset_seconds = 0;

    if (!take_date(&cursor, &calendar))
        return false;
    if (text[cursor.at] != 0) {
        char c = text[cursor.at];
        if (c != 'T' && c != 't' && c != ' ')
            return cm_text_fault_at(fault, cursor.at, "expected T and a time of day");
        cursor.at++;
        if (!take_clock(&cursor, &calendar) || !take_offset(&cursor, &offset_seconds))
            return false;
        if (text[cursor.at] != 0)
            return cm_text_fault_at(fault, cursor.at, "expected Z, an offset such as +01:00, or the end");
    }
    if (!calendar_to_ns(&calendar, offset_seconds, time_ns_ret))
        return cm_text_fault_at(fault, 0, "the time lies before 1970 or after 2554");
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities with units and points in time, from text and back. Not for keys and their meaning (recipe.c). */
#include "synth/recipe_values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_S   UINT64_C(1000000000)
#define S_PER_DAY  86400
#define MAX_DIGITS 9 /* decimals */

const struct cm_recipe_unit cm_recipe_size_units[] = {{"T", UINT64_C(1) << 40},
                                                      {"G", UINT64_C(1) << 30},
                                                      {"M", UINT64_C(1) << 20},
                                                      {"K", 1024},
                                                      {"", 1},
                                                      {NULL, 0}};

const struct cm_recipe_unit cm_recipe_duration_units[] = {{"d", S_PER_DAY *NS_PER_S},
                                                          {"h", 3600 * NS_PER_S},
                                                          {"m", 60 * NS_PER_S},
                                                          {"s", NS_PER_S},
                                                          {"ms", 1000000},
                                                          {"us", 1000},
                                                          {"ns", 1},
                                                          {"", NS_PER_S},
                                                          {NULL, 0}};

const struct cm_recipe_unit cm_recipe_share_units[] = {{"%", 10000}, {NULL, 0}};

const struct cm_recipe_unit cm_recipe_packet_rate_units[] = {
    {"Gpps", NS_PER_S}, {"Mpps", 1000000}, {"kpps", 1000}, {"pps", 1}, {NULL, 0}};

const struct cm_recipe_unit cm_recipe_bit_rate_units[] = {
    {"Tbit", 1000 * NS_PER_S}, {"Gbit", NS_PER_S}, {"Mbit", 1000000}, {"kbit", 1000}, {"bit", 1}, {NULL, 0}};

const struct cm_recipe_unit cm_recipe_thousandth_units[] = {{"", 1000}, {NULL, 0}};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool cm_recipe_read_quantity(const char *text, const struct cm_recipe_unit *units, uint64_t *value_ret)
{
    unsigned __int128 whole = 0, part = 0, scale = 1, value;
    unsigned n_digits = 0, n_decimals = 0;

    for (; is_digit(*text); text++, n_digits++) {
        whole = whole * 10 + (unsigned)(*text - '0');
        if (whole > UINT64_MAX)
            return false;
    }
    if (*text == '.') {
        for (text++; is_digit(*text); text++, n_decimals++) {
            if (n_decimals == MAX_DIGITS)
                return false;
            part = part * 10 + (unsigned)(*text - '0');
            scale *= 10;
        }
        if (n_decimals == 0)
            return false;
    }
    if (n_digits == 0)
        return false;
    while (*text == ' ')
        text++;
    while (units->name != NULL && strcmp(units->name, text) != 0)
        units++;
    if (units->name == NULL)
        return false;
    if (part * units->worth % scale != 0)
        return false;
    value = whole * units->worth + part * units->worth / scale;
    if (value > UINT64_MAX)
        return false;
    *value_ret = (uint64_t)value;
    return true;
}

void cm_recipe_write_quantity(uint64_t value, const struct cm_recipe_unit *units, char *text, size_t capacity)
{
    const struct cm_recipe_unit *unit;
    size_t n;

    for (unit = units; unit->name != NULL; unit++) {
        if (value != 0 && value % unit->worth == 0) {
            snprintf(text, capacity, "%" PRIu64 "%s", value / unit->worth, unit->name);
            return;
        }
    }
    if (value == 0) {
        snprintf(text, capacity, "0%s",
                 units[0].worth == 10000             ? "%"
                 : units == cm_recipe_duration_units ? "s"
                                                     : "");
        return;
    }
    /* Only the two tables that hold one unit come here: parts per million as percent, thousandths as plain
     * number. */
    unit = units;
    snprintf(text, capacity, "%" PRIu64 ".%0*" PRIu64, value / unit->worth, unit->worth == 10000 ? 4 : 3,
             value % unit->worth);
    n = strlen(text);
    while (n > 0 && text[n - 1] == '0')
        n--;
    snprintf(text + n, capacity - n, "%s", unit->name);
}

/* Days from 1970-01-01 to a date of the Gregorian calendar: years begin in March, so that the leap day comes
 * last. */
static int64_t days_of_date(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

/* Exactly `n` digits; moves *text past them. */
static bool read_digits(const char **text, unsigned n, unsigned *value_ret)
{
    *value_ret = 0;
    for (; n > 0; n--, (*text)++) {
        if (!is_digit(**text))
            return false;
        *value_ret = *value_ret * 10 + (unsigned)(**text - '0');
    }
    return true;
}

static bool read_char(const char **text, const char *allowed)
{
    if (**text == 0 || strchr(allowed, **text) == NULL)
        return false;
    (*text)++;
    return true;
}

static bool read_fraction(const char **text, uint64_t *ns_ret)
{
    uint64_t worth = NS_PER_S;

    *ns_ret = 0;
    if (**text != '.')
        return true;
    for ((*text)++; is_digit(**text); (*text)++) {
        worth /= 10;
        if (worth == 0)
            return false;
        *ns_ret += worth * (unsigned)(**text - '0');
    }
    return worth < NS_PER_S;
}

static bool read_offset(const char **text, int64_t *seconds_ret)
{
    unsigned hours, minutes;
    bool west = **text == '-';

    *seconds_ret = 0;
    if (read_char(text, "Zz"))
        return true;
    if (!read_char(text, "+-") || !read_digits(text, 2, &hours) || !read_char(text, ":") ||
        !read_digits(text, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *seconds_ret = (int64_t)(hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

bool cm_recipe_read_time(const char *text, uint64_t *ns_ret)
{
    static const struct cm_recipe_unit milliseconds[] = {{"", 1000000}, {NULL, 0}};
    unsigned year, month, day, hour, minute, second;
    uint64_t fraction_ns;
    int64_t offset, seconds;

    if (cm_recipe_read_quantity(text, milliseconds, ns_ret))
        return true;
    if (!read_digits(&text, 4, &year) || !read_char(&text, "-") || !read_digits(&text, 2, &month) ||
        !read_char(&text, "-") || !read_digits(&text, 2, &day) || !read_char(&text, "Tt ") ||
        !read_digits(&text, 2, &hour) || !read_char(&text, ":") || !read_digits(&text, 2, &minute) ||
        !read_char(&text, ":") || !read_digits(&text, 2, &second) || !read_fraction(&text, &fraction_ns) ||
        !read_offset(&text, &offset) || *text != 0)
        return false;
    if (year < 1970 || year > 2500 || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month) || hour > 23 || minute > 59 || second > 59)
        return false;
    seconds = days_of_date(year, month, day) * S_PER_DAY + hour * 3600 + minute * 60 + second - offset;
    if (seconds < 0)
        return false;
    *ns_ret = (uint64_t)seconds * NS_PER_S + fraction_ns;
    return true;
}

void cm_recipe_write_time(uint64_t ns, char *text, size_t capacity)
{
    uint64_t seconds = ns / NS_PER_S, of_day = seconds % S_PER_DAY;
    int64_t day = (int64_t)(seconds / S_PER_DAY);
    unsigned year = 1970, month = 1;
    char fraction[16] = "";

    /* A recipe has one time: walking the years is fast enough and plain. */
    while (day >= days_of_date(year + 1, 1, 1))
        year++;
    day -= days_of_date(year, 1, 1);
    while (day >= days_in_month(year, month))
        day -= days_in_month(year, month++);
    if (ns % NS_PER_S != 0)
        snprintf(fraction, sizeof(fraction), ".%09" PRIu64, ns % NS_PER_S);
    snprintf(text, capacity, "%04u-%02u-%02uT%02u:%02u:%02u%sZ", year, month, (unsigned)day + 1,
             (unsigned)(of_day / 3600), (unsigned)(of_day / 60 % 60), (unsigned)(of_day % 60), fraction);
}

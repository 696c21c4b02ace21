/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities with units of their own and points in time, from text and back. Not for keys and their meaning
 * (recipe.c), nor for sizes and durations, which base/quantity.h reads. */
#include "synth/recipe_values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/digits.h"
#include "base/quantity.h"
#include "base/time_text.h"

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

bool cm_recipe_read_quantity(const char *text, const struct cm_recipe_unit *units, uint64_t *value_ret)
{
    unsigned __int128 whole = 0, part = 0, scale = 1, value;
    unsigned n_digits = 0, n_decimals = 0;

    for (; cm_is_digit(*text); text++, n_digits++) {
        whole = whole * 10 + (unsigned)(*text - '0');
        if (whole > UINT64_MAX)
            return false;
    }
    if (*text == '.') {
        for (text++; cm_is_digit(*text); text++, n_decimals++) {
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

bool cm_recipe_read_time(const char *text, uint64_t *ns_ret)
{
    uint64_t milliseconds;

    if (cm_count_parse(text, &milliseconds, NULL))
        return cm_mul_u64(milliseconds, 1000000, ns_ret);
    return cm_time_parse(text, ns_ret, NULL);
}

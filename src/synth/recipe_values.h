/* SPDX-License-Identifier: Apache-2.0 */
/* The texts that recipe values are written in, both ways. Not for keys and their meaning (recipe.c). */
#ifndef CM_SYNTH_RECIPE_VALUES_H
#define CM_SYNTH_RECIPE_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A unit's name and what one of it is worth. Tables end with a NULL name and go from great to small. */
struct cm_recipe_unit {
    const char *name;
    uint64_t worth;
};

extern const struct cm_recipe_unit cm_recipe_size_units[];     /* bytes; K M G T, 1024 */
extern const struct cm_recipe_unit cm_recipe_duration_units[]; /* nanoseconds; bare: seconds */
extern const struct cm_recipe_unit cm_recipe_share_units[];    /* parts per million; % */
extern const struct cm_recipe_unit cm_recipe_packet_rate_units[];
extern const struct cm_recipe_unit cm_recipe_bit_rate_units[];
extern const struct cm_recipe_unit cm_recipe_thousandth_units[]; /* plain decimal numbers */

/* "1.5G" and the like: digits, up to nine decimals, a unit of the table. False where it is not that, does not
 * fit or is no whole multiple of what the table counts. */
bool cm_recipe_read_quantity(const char *text, const struct cm_recipe_unit *units, uint64_t *value_ret);
/* Written with the greatest unit that divides it, decimals only for share and thousandth units. */
void cm_recipe_write_quantity(uint64_t value, const struct cm_recipe_unit *units, char *text,
                              size_t capacity);

/* RFC 3339 or whole milliseconds since 1970. */
bool cm_recipe_read_time(const char *text, uint64_t *ns_ret);

#endif

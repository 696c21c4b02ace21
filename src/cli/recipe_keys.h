/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a recipe, for [generate] of a configuration and for completions. What they mean and which values
 * they take only the library knows; a test compares the names with its own. */
#ifndef CM_CLI_RECIPE_KEYS_H
#define CM_CLI_RECIPE_KEYS_H

#include <stddef.h>

struct cm_recipe_key {
    const char *name;   /* as in a recipe, with - */
    const char *sample; /* its default, as TOML */
    const char *help;   /* a phrase */
};
extern const struct cm_recipe_key cm_recipe_keys[];
extern const size_t cm_n_recipe_keys;

#endif

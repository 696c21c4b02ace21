/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that load a configuration. */
#ifndef CM_CLI_CONFIG_INT_H
#define CM_CLI_CONFIG_INT_H

#include "cli/config.h"

/* Zeroed memory that lives as long as the configuration. NULL: there is none, and `error` says so. */
void *cm_config_alloc(struct cm_config *config, size_t n, size_t bytes, struct cm_error *error);
/* "PATH:LINE:COLUMN KEY" for a value. NULL as above. */
const char *cm_config_origin(struct cm_config *config, const struct cm_toml_value *value, const char *key,
                             struct cm_error *error);

/* CAPMILL_E_USAGE: a value of the wrong type. `expected` is "a string or an integer". */
enum capmill_status cm_config_refuse_type(const struct cm_config *config, const struct cm_toml_value *value,
                                          const char *key, const char *expected, struct cm_error *error);
/* CAPMILL_E_USAGE: a part of a filter with nothing in it, which `lacking` ("value") would be. */
enum capmill_status cm_config_refuse_empty(const struct cm_config *config, const struct cm_toml_value *value,
                                           const char *key, const char *lacking, struct cm_error *error);
/* CAPMILL_E_USAGE: an unknown key of `table` ("[filter]", "a rule"), with what may have been meant;
 * `nearest` NULL: nothing is near. */
enum capmill_status cm_config_refuse_key(const struct cm_config *config, const struct cm_toml_value *item,
                                         const char *table, const char *nearest, struct cm_error *error);
enum capmill_status cm_config_boolean(const struct cm_config *config, const struct cm_toml_value *item,
                                      bool *boolean_ret, struct cm_error *error);

/* The texts that a value gives to an option: one, or the items of an array where the option is repeatable, or
 * A=B of each entry of a table. `take` stores one. */
struct cm_config_taker {
    enum capmill_status (*take)(void *context, const char *text, const char *origin, struct cm_error *error);
    void *context;
};
enum capmill_status cm_config_texts(struct cm_config *config, const struct cm_option *option,
                                    const struct cm_toml_value *item, struct cm_config_taker taker,
                                    struct cm_error *error);
/* One value of this kind as text. */
enum capmill_status cm_config_text(struct cm_config *config, enum cm_value_kind kind,
                                   const struct cm_toml_value *value, const char *key, const char **text_ret,
                                   const char **origin_ret, struct cm_error *error);

/* Everything that an item of a table says about an option, as settings. */
enum capmill_status cm_config_add(struct cm_config *config, const struct cm_option *option,
                                  const struct cm_toml_value *item, bool negate, struct cm_error *error);
enum capmill_status cm_config_add_setting(struct cm_config *config, const struct cm_setting *setting,
                                          struct cm_error *error);
/* The option whose key in `section` this is; NULL: none. */
const struct cm_option *cm_config_option(enum cm_section section, const char *key);

/* CAPMILL_E_USAGE where a key that is unknown here is one of another table, which is then named; else
 * CAPMILL_OK. `where` is "[filter]". */
enum capmill_status cm_config_check_home(const struct cm_config *config, const struct cm_toml_value *item,
                                         const char *where, struct cm_error *error);

/* [filter] */
enum capmill_status cm_config_filter(struct cm_config *config, const struct cm_toml_value *table,
                                     struct cm_error *error);

/* [export] */
enum capmill_status cm_config_export(struct cm_config *config, const struct cm_toml_value *table,
                                     struct cm_error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file: TOML whose keys are the options of the table (options.h), the inputs, rules of filters
 * in groups, and rules of truncation. docs/config.md is its description for people. */
#ifndef CM_CLI_CONFIG_H
#define CM_CLI_CONFIG_H

#include "cli/options.h"
#include "cli/printer.h"
#include "toml/toml.h"

/* What a file says. Whether its settings belong to the command is not asked: one file may serve several. */
struct cm_config {
    const char *path;
    struct cm_toml_value *root;       /* holds the texts of values */
    const struct cm_command *command; /* NULL: none is named */
    const char *command_origin;

    struct cm_setting *settings;
    size_t n_settings, capacity;
    const char **inputs;
    const char **input_origins;
    size_t n_inputs;
    const struct capmill_filter_group *groups; /* beside the rules of [filter] itself, which are settings */
    size_t n_groups;
    struct capmill_truncate_rule *truncate;
    size_t n_truncate;

    void **owned; /* what was allocated for the above */
    size_t n_owned;
};

/* CAPMILL_E_USAGE with "PATH:LINE:COLUMN" for what makes no sense; the system's refusals as they are. */
enum capmill_status cm_config_load(const char *path, struct cm_config **config_ret, struct cm_error *error);
void cm_config_destroy(struct cm_config *config); /* NULL accepted */

/* All that was given, as a file that would say the same; with typed->verbose the defaults of the rest too.
 * CAPMILL_E_USAGE, and nothing is printed, where a value is no UTF-8, which TOML cannot hold, or
 * a key is none of a recipe. */
enum capmill_status cm_config_print(const struct cm_typed *typed, struct cm_printer *printer,
                                    struct cm_error *error);
/* Every key there is: config.example.toml. */
void cm_config_print_example(struct cm_printer *printer);

#endif

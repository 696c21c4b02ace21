/* SPDX-License-Identifier: Apache-2.0 */
/* For the files that hold rows of the option table: the rows of each, and the setters that several share. Not
 * for users of the table (options.h). */
#ifndef CM_CLI_OPTION_TABLES_H
#define CM_CLI_OPTION_TABLES_H

#include "base/text_fault.h"
#include "cli/options.h"

/* One subject's rows. */
struct cm_option_table {
    const struct cm_option *rows;
    size_t n;
};
extern const struct cm_option_table cm_result_options;
extern const struct cm_option_table cm_filter_options;
extern const struct cm_option_table cm_change_options;
extern const struct cm_option_table cm_output_options;
extern const struct cm_option_table cm_export_options;
extern const struct cm_option_table cm_run_options;

/* Both names of a row. */
#define CM_NAMED(text) .name = text, .dashed = "--" text
/* A row of a flag: a member of struct cm_typed that becomes true. */
#define CM_FLAG(member) .set = cm_set_flag, .what = offsetof(struct cm_typed, member)

#define CM_SETTER(name)                                                                                      \
    enum capmill_status name(const struct cm_setting *setting, struct cm_typed *typed, struct cm_error *error)

CM_SETTER(cm_set_flag);
/* Adds the value to the list of words that the row's `what` says. */
CM_SETTER(cm_add_word);

/* What a setter says of a value that makes no sense. Always CAPMILL_E_USAGE. */
enum capmill_status cm_setting_refuse(const struct cm_setting *setting, const struct cm_text_fault *fault,
                                      struct cm_error *error);
/* The place of the value among the words of the option's argument. */
enum capmill_status cm_setting_choice(const struct cm_setting *setting, int *index_ret,
                                      struct cm_error *error);
enum capmill_status cm_setting_count(const struct cm_setting *setting, uint64_t least, uint64_t most,
                                     uint64_t *count_ret, struct cm_error *error);
enum capmill_status cm_setting_size(const struct cm_setting *setting, uint64_t *bytes_ret,
                                    struct cm_error *error);
/* The place of the first `value_bytes` of `value` among the words of "a|b|c"; -1 where it is none of them. */
int cm_choice_index(const char *choices, const char *value, size_t value_bytes);

#endif

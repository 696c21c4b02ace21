/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a table's known columns are wanted, by name. For packets and flows alike. */
#ifndef CM_SINK_COLUMN_CHOICE_H
#define CM_SINK_COLUMN_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "format/table_encoder.h"

/* The columns that there are, and whether each is wanted where nobody names any; NULL after the last. */
struct cm_column_list {
    const struct cm_column *(*known)(size_t i, bool *is_default_ret);
    const char *row; /* "packet": what one row is, for messages */
};

/* Places in the list of the `n_names` columns wanted, in their order; `names` NULL: the default ones.
 * `*places_ret` is freed with free(). CAPMILL_E_USAGE where a name is not known, or is there twice. */
enum capmill_status cm_columns_choose(const struct cm_column_list *list, const char *const *names,
                                      size_t n_names, size_t **places_ret, size_t *n_ret,
                                      struct cm_error *error);

#endif

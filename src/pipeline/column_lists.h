/* SPDX-License-Identifier: Apache-2.0 */
/* Names of columns as a job lists them: words with commas, taken apart. */
#ifndef CM_PIPELINE_COLUMN_LISTS_H
#define CM_PIPELINE_COLUMN_LISTS_H

#include "base/error.h"
#include "capmill/capmill.h"

struct cm_column_lists {
    const char **packets; /* NULL: the default set */
    size_t n_packets;
    const char **flows; /* NULL: all */
    size_t n_flows;
    char *text; /* that they point to */
};

/* CAPMILL_E_USAGE where a name is empty. Whether there is such a column is told by who has it. */
enum capmill_status cm_column_lists_make(const struct capmill_job *job, struct cm_column_lists *lists_ret,
                                         struct cm_error *error);
/* Whether a column of packets, or one that folders are made by (`partition`, NULL accepted), tells of all packets
 * of its flow, which takes a pass before. */
bool cm_column_lists_want_flows(const struct cm_column_lists *lists, const char *partition);
void cm_column_lists_free(struct cm_column_lists *lists);

#endif

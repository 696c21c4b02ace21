/* SPDX-License-Identifier: Apache-2.0 */
/* What a job says of its tables, in the words of sink/, and whether there can be such tables at all. Not for what
 * follows from inputs. */
#ifndef CM_PIPELINE_TABLE_WISH_H
#define CM_PIPELINE_TABLE_WISH_H

#include "pipeline/column_lists.h"
#include "sink/table_output.h"

enum cm_codec cm_table_codec(enum capmill_codec codec);

/* Everything but what the run adds: rules, notes, inputs, threads, memory and whom to call. Strings are the
 * job's and those of `lists`. */
void cm_table_wish(const struct capmill_job *job, const struct capmill_output *output,
                   const struct cm_column_lists *lists, struct cm_table_output_options *options_ret);

/* Before an input is opened: columns, partitions, codecs and levels of all tables. *want_flows_ret (NULL
 * accepted): a column of packets tells of all packets of its flow, which takes a pass before. */
enum capmill_status cm_tables_check(const struct capmill_job *job, bool *want_flows_ret,
                                    struct cm_error *error);

#endif

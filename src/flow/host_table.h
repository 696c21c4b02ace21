/* SPDX-License-Identifier: Apache-2.0 */
/* Every address with what it sent and received, exactly, made from a finished flow table: so packets pay
 * nothing for it. Spills like the flow table. */
#ifndef CM_FLOW_HOST_TABLE_H
#define CM_FLOW_HOST_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "flow/seed.h"
#include "flow/table.h"

struct cm_host_counts {
    uint64_t n_packets_sent;
    uint64_t n_bytes_sent;
    uint64_t n_packets_received;
    uint64_t n_bytes_received;
};

struct cm_host_record {
    uint64_t address[2]; /* IPv4 in its mapped form */
    uint64_t spare;      /* 0 */
    struct cm_host_counts counts;
};

struct cm_host_table; /* one thread at a time */

/* `temp_dir` (NULL: the system's) must outlive the table; `seed` is copied. */
enum capmill_status cm_host_table_create(size_t memory_bytes, const char *temp_dir,
                                         const struct cm_flow_seed *seed, struct cm_host_table **table_ret,
                                         struct cm_error *error);
void cm_host_table_destroy(struct cm_host_table *table); /* NULL accepted */
/* Count both ends of a flow. */
enum capmill_status cm_host_table_add(struct cm_host_table *table, const struct cm_flow_record *flow,
                                      struct cm_error *error);
/* Hand every address to `each`, once, in no promised order. Ends the adding. */
enum capmill_status cm_host_table_each(struct cm_host_table *table,
                                       void (*each)(void *context, const struct cm_host_record *host),
                                       void *context, struct cm_error *error);

#endif

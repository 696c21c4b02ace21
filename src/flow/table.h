/* SPDX-License-Identifier: Apache-2.0 */
/* The flow table: every flow with its counts, exactly, whatever the number of threads that filled it and
 * whether it fit in memory. Filled per thread, united, then walked in order of flow ids. For mere numbers of
 * flows see tally.h. */
#ifndef CM_FLOW_TABLE_H
#define CM_FLOW_TABLE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/batch.h"
#include "flow/key.h"
#include "flow/seed.h"

/* What is counted. [0]: packets from the low to the high endpoint (key.h), [1]: back. */
struct cm_flow_counts {
    uint64_t n_packets[2];
    uint64_t n_bytes[2]; /* lengths on the wire */
    uint64_t first_ns;   /* of packets that have a time; none has: UINT64_MAX and last_ns 0 */
    uint64_t last_ns;
    uint64_t first_place; /* of the first packet by (time, input, place); packets without time come last */
    uint32_t first_input;
    uint8_t tcp_flags; /* OR of all */
    uint8_t first;     /* enum cm_flow_first, of that first packet */
    uint8_t icmp_type; /* of that first packet, with CM_FLOW_FIRST_ICMP */
    uint8_t icmp_code;
};
static_assert(sizeof(struct cm_flow_counts) == 64, "counts of a flow fill one cache line");

enum cm_flow_first { CM_FLOW_FIRST_FROM_HIGH = 1, CM_FLOW_FIRST_ICMP = 2 };

struct cm_flow_record {
    uint64_t flow_id;
    struct cm_flow_key key;
    struct cm_flow_counts counts;
};

struct cm_flow_table_options {
    bool unidirectional;
    size_t memory_bytes;             /* beyond it flows go to scratch files */
    const char *temp_dir;            /* for those; NULL: the system's; must outlive the table */
    const struct cm_flow_seed *seed; /* copied; sharing it makes uniting fast */
};

struct cm_flow_table; /* one thread at a time */

enum capmill_status cm_flow_table_create(const struct cm_flow_table_options *options,
                                         struct cm_flow_table **table_ret, struct cm_error *error);
void cm_flow_table_destroy(struct cm_flow_table *table); /* NULL accepted */
/* Empty it, ready to be filled again; keeps what memory a small capture needs. */
void cm_flow_table_clear(struct cm_flow_table *table);

/* Count the selected packets of a batch that has headers. */
enum capmill_status cm_flow_table_add(struct cm_flow_table *table, const struct cm_batch *batch,
                                      struct cm_error *error);
/* Unite: `into` holds both, `from` is empty then. Same options but for memory. Either may have been sorted:
 * `into` is open for more afterwards. */
enum capmill_status cm_flow_table_absorb(struct cm_flow_table *into, struct cm_flow_table *from,
                                         struct cm_error *error);
/* Put what it holds in order, for walks. Counting more afterwards is an error of the caller. */
enum capmill_status cm_flow_table_sort(struct cm_flow_table *table, struct cm_error *error);
/* How often flows were spilled; for tests and reports. */
size_t cm_flow_table_spills(const struct cm_flow_table *table);

/* Walk over a sorted table in order of (flow id, key), each flow once. One walk at a time; the table stays as
 * it is, and may be walked again. */
struct cm_flow_walk;
enum capmill_status cm_flow_walk_open(struct cm_flow_table *table, struct cm_flow_walk **walk_ret,
                                      struct cm_error *error);
/* CAPMILL_OK and a record that stays valid until the next call; CAPMILL_END. */
enum capmill_status cm_flow_walk_next(struct cm_flow_walk *walk, const struct cm_flow_record **record_ret,
                                      struct cm_error *error);
void cm_flow_walk_close(struct cm_flow_walk *walk); /* NULL accepted */

#endif

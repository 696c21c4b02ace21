/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of each flow once all packets were seen, for columns of packets that tell of their flow: exact,
 * within a memory budget. Gathered by one thread each into parts of their own, united once, and then asked by
 * all. The same whatever the threads and who saw what. For flows that end, see sessions.h. */
#ifndef CM_FLOW_FLOW_FACTS_H
#define CM_FLOW_FLOW_FACTS_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "core/packet.h"
#include "wire/headers.h"

struct cm_flow_facts {
    uint64_t n_packets, n_bytes; /* both directions; lengths on the wire */
    /* least and greatest; a packet without a time of its own has that of the one before it (core/packet.h) */
    uint64_t first_ns, last_ns;
    bool first_from_high; /* its first packet went from the high endpoint to the low one (flow/key.h) */
    uint32_t first_input; /* the first packet is the least by (time, input, place) */
    uint64_t first_place;
};
static_assert(sizeof(struct cm_flow_facts) == 48, "a million flows, a million times this");

struct cm_flow_facts_table;

/* `memory_bytes` for everything it holds. NULL: no memory. */
struct cm_flow_facts_table *cm_flow_facts_create(unsigned n_threads, uint64_t memory_bytes,
                                                 bool unidirectional);
void cm_flow_facts_destroy(struct cm_flow_facts_table *table); /* NULL accepted */
/* `n` packets with their headers and the numbers of their inputs; those without a flow do not matter. `thread` is
 * the caller's number, and its alone. CAPMILL_E_MEMORY beyond the budget, saying what would do as far as can be
 * told. */
enum capmill_status cm_flow_facts_add(struct cm_flow_facts_table *table, unsigned thread,
                                      const struct cm_packet *packets, const struct cm_headers *headers,
                                      const uint32_t *inputs, uint32_t n, struct cm_error *error);
/* When all have added. */
enum capmill_status cm_flow_facts_unite(struct cm_flow_facts_table *table, struct cm_error *error);
/* Begin again, when what was added is not to be believed. */
void cm_flow_facts_reset(struct cm_flow_facts_table *table);
uint64_t cm_flow_facts_held_bytes(const struct cm_flow_facts_table *table);
/* After uniting; any thread. NULL: the packet has no flow, or one that was not seen. */
const struct cm_flow_facts *cm_flow_facts_find(const struct cm_flow_facts_table *table,
                                               const struct cm_packet *packet,
                                               const struct cm_headers *headers);

#endif

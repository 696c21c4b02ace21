/* SPDX-License-Identifier: Apache-2.0 */
/* How many packets each flow has, for a filter that asks for a least number: exact, within a memory budget.
 * Counted by one thread each into parts of their own, united once, and then asked by all. */
#ifndef CM_FLOW_FLOW_SIZES_H
#define CM_FLOW_FLOW_SIZES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "flow/key.h"

struct cm_flow_sizes;

/* `memory_bytes` for everything it holds; counting beyond that is CAPMILL_E_MEMORY, saying how much would do
 * as far as can be told. NULL: no memory. */
struct cm_flow_sizes *cm_flow_sizes_create(unsigned n_threads, uint64_t memory_bytes);
void cm_flow_sizes_destroy(struct cm_flow_sizes *counts); /* NULL accepted */
/* One more packet of this flow; `thread` is the caller's number, and its alone. */
enum capmill_status cm_flow_sizes_add(struct cm_flow_sizes *counts, unsigned thread,
                                      const struct cm_flow_key *key, struct cm_error *error);
/* When all have counted: unite. */
enum capmill_status cm_flow_sizes_finish(struct cm_flow_sizes *counts, struct cm_error *error);
/* Begin again, when what was counted is not to be believed. */
void cm_flow_sizes_reset(struct cm_flow_sizes *counts);
uint64_t cm_flow_sizes_held_bytes(const struct cm_flow_sizes *counts);
/* After finish; any thread. 0: not seen. */
uint64_t cm_flow_sizes_of(const struct cm_flow_sizes *counts, const struct cm_flow_key *key);

#endif

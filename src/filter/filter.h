/* SPDX-License-Identifier: Apache-2.0 */
/* The door of stage 3: which packets of a batch stay. Rules are compiled once into a filter that all threads
 * share read-only; evaluating narrows the batch's selection and changes nothing else.
 *
 * A filter is up to two operators: one that runs before headers are decoded, for what needs none (the
 * expression, times, lengths), and one after it. A packet that the first drops is never decoded. */
#ifndef CM_FILTER_FILTER_H
#define CM_FILTER_FILTER_H

#include "capmill/rules.h"
#include "core/stage.h"
#include "flow/flow_sizes.h"

struct cm_filter;

struct cm_filter_options {
    const struct capmill_filter *rules; /* borrowed for the call */
    bool unidirectional;                /* flow ids of one direction */
    /* Captured length of a packet as it will be written; NULL: as it was read. Any thread. */
    uint32_t (*written_caplen)(void *context, const struct cm_packet *packet);
    void *length_context; /* outlives the filter */
    /* Told once for each rule that can match nothing or is of no effect, and, later and from any thread, once
     * for each link type that the expression cannot be compiled for. Outlives the filter. NULL: not told. */
    void (*warn)(void *context, const char *text);
    void *warn_context;
};

/* Check and compile. No input need be open. CAPMILL_E_USAGE with one sentence that begins with the rule's
 * origin (an expression: further lines with the expression and a caret under the column). *filter_ret is NULL
 * where the rules keep every packet. */
enum capmill_status cm_filter_create(const struct cm_filter_options *options, struct cm_filter **filter_ret,
                                     struct cm_error *error);
void cm_filter_destroy(struct cm_filter *filter); /* NULL accepted */

/* Whether the expression, if there is one, can be compiled for a link type: compiles it. CAPMILL_E_USAGE and
 * the reason where not; packets of that link type then do not match it. Any thread. */
enum capmill_status cm_filter_check_link(struct cm_filter *filter, uint16_t link_type,
                                         struct cm_error *error);

/* False: this filter has no such operator. `early` runs before the decode operator, `late` after it. */
bool cm_filter_early(struct cm_filter *filter, struct cm_operator *operator_ret);
bool cm_filter_late(struct cm_filter *filter, struct cm_operator *operator_ret);

/* Keeps packets of flows of which `counts` has seen at least `n_packets` (needs headers). `counts` outlives
 * it and is complete. In the caller's storage. */
struct cm_flow_filter {
    const struct cm_flow_sizes *counts;
    uint64_t n_packets;
    bool unidirectional;
};
struct cm_operator cm_flow_filter_operator(struct cm_flow_filter *flow_filter);

/* "hyperscan: yes (5.4.0)" and the like for --version; static. */
const char *cm_filter_expression_feature(void);
const char *cm_filter_payload_feature(void);

#endif

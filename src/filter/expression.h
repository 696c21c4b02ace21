/* SPDX-License-Identifier: Apache-2.0 */
/* The filter language of tcpdump (pcap-filter(7)): our own parser finds what is wrong and in which column,
 * libpcap's compiler makes a BPF program for each link type, and the evaluator runs it over a batch. Without
 * libpcap in the build, every compilation answers that it is absent. */
#ifndef CM_FILTER_EXPRESSION_H
#define CM_FILTER_EXPRESSION_H

#include "base/error.h"
#include "core/batch.h"

struct cm_expression;

/* Check the text and compile it for Ethernet or, where it makes sense only elsewhere, for another link type:
 * CAPMILL_E_USAGE says origin, what is wrong and what was expected, and shows the text with a caret. Threads:
 * any, but libpcap may look up host names over the network. */
enum capmill_status cm_expression_create(const char *text, const char *origin,
                                         struct cm_expression **expression_ret, struct cm_error *error);
void cm_expression_destroy(struct cm_expression *expression); /* NULL accepted */

struct cm_bpf_program; /* ready to be run (bpf_program.h); read-only */
/* The program for a link type, compiled when first asked for; NULL and the reason where there is none. Any
 * thread. Borrowed. */
const struct cm_bpf_program *cm_expression_program(struct cm_expression *expression, uint16_t link_type,
                                                   struct cm_error *error);
/* "libpcap: yes", or why there is none; static. */
const char *cm_expression_library(void);

#endif

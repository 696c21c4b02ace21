/* SPDX-License-Identifier: Apache-2.0 */
/* libpcap's compiler, or that there is none: pcap_compiler.c and pcap_compiler_absent.c, of which the build takes
 * one. */
#ifndef CM_FILTER_PCAP_COMPILER_INT_H
#define CM_FILTER_PCAP_COMPILER_INT_H

#include "base/error.h"
#include "filter/bpf_program.h"

/* 256 as libpcap has it. */
#define CM_PCAP_REASON_BYTES 256

struct cm_pcap_code {
    struct cm_bpf_instruction *instructions; /* from malloc */
    size_t n;
    /* where there is no program: CAPMILL_E_USAGE: the text is refused for this link type; else memory ran out or the
     * system failed, which says nothing of the text */
    enum capmill_status status;
};

bool cm_pcap_compiler_is_there(void);
const char *cm_pcap_compiler_library(void); /* see cm_expression_library */
/* Compile a text for a LINKTYPE_ value. False: why not, in code_ret->status and, as libpcap says it, in the
 * reason. Any thread. */
bool cm_pcap_compile(const char *text, uint16_t link_type, struct cm_pcap_code *code_ret,
                     char reason_ret[CM_PCAP_REASON_BYTES]);

#endif

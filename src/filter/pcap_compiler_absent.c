/* SPDX-License-Identifier: Apache-2.0 */
/* In place of pcap_compiler.c where the build has no libpcap. */
#include <stdio.h>

#include "filter/pcap_compiler_int.h"

bool cm_pcap_compiler_is_there(void)
{
    return false;
}

const char *cm_pcap_compiler_library(void)
{
    return "libpcap: no (not in this build)";
}

bool cm_pcap_compile(const char *text, uint16_t link_type, struct cm_pcap_code *code_ret,
                     char reason_ret[CM_PCAP_REASON_BYTES])
{
    (void)text;
    (void)link_type;
    code_ret->status = CAPMILL_E_UNSUPPORTED;
    snprintf(reason_ret, CM_PCAP_REASON_BYTES,
             "this build has no libpcap, which compiles filter expressions");
    return false;
}

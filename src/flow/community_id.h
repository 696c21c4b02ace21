/* SPDX-License-Identifier: Apache-2.0 */
/* Community ID version 1 with seed 0, the flow identifier that other tools share
 * (github.com/corelight/community-id-spec). */
#ifndef CM_FLOW_COMMUNITY_ID_H
#define CM_FLOW_COMMUNITY_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A packet, or the first packet of a flow, as the specification looks at it. */
struct cm_community_tuple {
    uint8_t ip_version; /* 4 or 6 */
    uint8_t protocol;
    const uint8_t *src, *dst;    /* 4 or 16 bytes in network order */
    uint16_t src_port, dst_port; /* used for TCP, UDP and SCTP */
    bool has_icmp;               /* type and code are known; used for ICMP and ICMPv6 */
    uint8_t icmp_type, icmp_code;
};

/* "1:", 28 characters, and the final zero. */
#define CM_COMMUNITY_ID_TEXT 31

/* An ICMP tuple without type (a fragment, a cut packet) is hashed without ports, as other protocols without
 * ports are. */
void cm_community_id(const struct cm_community_tuple *tuple, char text_ret[CM_COMMUNITY_ID_TEXT]);
/* Several, at much less than the price of as many single ones; `texts_ret` have room for CM_COMMUNITY_ID_TEXT
 * each. */
void cm_community_ids(const struct cm_community_tuple *tuples, size_t n, char *const *texts_ret);

#endif

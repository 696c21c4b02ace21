/* SPDX-License-Identifier: Apache-2.0 */
/* PPP in its framings, and Cisco HDLC, which shares lines and capture types with it. */
#include "wire/headers_int.h"

#define PPP_IPV4          0x0021
#define PPP_IPV6          0x0057
#define PPP_MPLS          0x0281
#define PPP_MPLS_UPSTREAM 0x0283

void cm_walk_ppp(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;
    uint32_t protocol;

    if (!cm_walk_has(walk, 1))
        return;
    if (p[0] & 1) { /* RFC 1661, section 6.5: the field may be compressed to one byte, which then is odd */
        protocol = p[0];
        walk->at += 1;
    } else {
        if (!cm_walk_has(walk, 2))
            return;
        protocol = cm_load_be16(p);
        walk->at += 2;
    }
    switch (protocol) {
    case PPP_IPV4:
        cm_walk_eth_type(walk, CM_ETH_IPV4);
        break;
    case PPP_IPV6:
        cm_walk_eth_type(walk, CM_ETH_IPV6);
        break;
    case PPP_MPLS:
        cm_walk_eth_type(walk, CM_ETH_MPLS);
        break;
    case PPP_MPLS_UPSTREAM:
        cm_walk_eth_type(walk, CM_ETH_MPLS_UPSTREAM);
        break;
    default:
        break;
    }
}

/* Address, control, Ethernet type. */
void cm_walk_chdlc(struct cm_walk *walk)
{
    uint16_t type;

    if (!cm_walk_has(walk, 4))
        return;
    type = cm_load_be16(walk->data + walk->at + 2);
    walk->at += 4;
    if (type >= CM_ETH_LEAST)
        cm_walk_eth_type(walk, type);
}

/* RFC 1662, section 3.1; address and control may be left out (RFC 1661, section 6.6). */
void cm_walk_ppp_framed(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;

    if (!cm_walk_has(walk, 1))
        return;
    if (p[0] == 0x0f || p[0] == 0x8f) {
        cm_walk_chdlc(walk);
        return;
    }
    if (p[0] == 0xff) {
        if (!cm_walk_has(walk, 2))
            return;
        walk->at += 2;
    }
    cm_walk_ppp(walk);
}

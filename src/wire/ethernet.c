/* SPDX-License-Identifier: Apache-2.0 */
/* Ethernet and what Ethernet types lead to: tags, labels, LLC and SNAP, PPPoE, ARP. */
#include "wire/headers_int.h"

#define ETHERNET_BYTES       14
#define TAG_BYTES            4
#define LABEL_BYTES          4
#define LLC_BYTES            3
#define SNAP_BYTES           8
#define PPPOE_BYTES          6
#define ETHERNET_MAX_PAYLOAD 1500

#define SAP_IP         0x06
#define SAP_SNAP       0xaa
#define LLC_UNNUMBERED 0x03

#define OUI_ETHERNET  0x000000 /* RFC 1042: the protocol is an Ethernet type */
#define OUI_BRIDGED   0x0000f8 /* 802.1H: the same, for bridges */
#define OUI_APPLETALK 0x080007

static bool count_tag(struct cm_walk *walk)
{
    if (walk->headers->n_tags >= CM_WALK_MAX_TAGS) {
        cm_walk_bad(walk);
        return false;
    }
    walk->headers->n_tags++;
    return true;
}

/* One VLAN tag behind a type field that announced it: its control information, then the next type. */
static bool tag(struct cm_walk *walk, uint16_t *type_ret)
{
    struct cm_headers *headers = walk->headers;
    const uint8_t *p = walk->data + walk->at;

    if (!cm_walk_has(walk, TAG_BYTES) || !count_tag(walk))
        return false;
    if (!(headers->flags & CM_HEADERS_VLAN)) {
        headers->flags |= CM_HEADERS_VLAN;
        headers->vlan = cm_load_be16(p);
    } else if (!(headers->flags & CM_HEADERS_QINQ)) {
        headers->flags |= CM_HEADERS_QINQ;
        headers->vlan_inner = cm_load_be16(p);
    }
    *type_ret = cm_load_be16(p + 2);
    walk->at += TAG_BYTES;
    return true;
}

/* A tag of another make: `n` bytes, of which the last two are the next type. */
static bool other_tag(struct cm_walk *walk, uint32_t n, uint16_t *type_ret)
{
    if (!cm_walk_has(walk, n) || !count_tag(walk))
        return false;
    *type_ret = cm_load_be16(walk->data + walk->at + n - 2);
    walk->at += n;
    return true;
}

/* 802.1AE, section 9: passed where the frame is authenticated but in the clear. */
static bool macsec(struct cm_walk *walk, uint16_t *type_ret)
{
    uint8_t bits;

    if (!cm_walk_has(walk, 1))
        return false;
    bits = walk->data[walk->at];
    if (bits & 0x8c) /* version, encrypted, changed */
        return false;
    return other_tag(walk, bits & 0x20 ? 16 : 8, type_ret);
}

static bool is_vlan(uint16_t type)
{
    return type == CM_ETH_VLAN || type == CM_ETH_QINQ || type == CM_ETH_QINQ_9100 || type == CM_ETH_QINQ_9200;
}

/* Bytes of the tag that `type` announced, up to the end of the type that it announces, of which `left` are at `p`;
 * 0: it is none, or MACsec's. */
static uint32_t tag_bytes(uint16_t type, const uint8_t *p, uint32_t left)
{
    if (is_vlan(type))
        return TAG_BYTES;
    switch (type) {
    case CM_ETH_E_TAG:
        return 8;
    case CM_ETH_VN_TAG:
        return 6;
    case CM_ETH_METADATA: /* version, number of words, words; not less than tells the number */
        return left < 2 ? 2 : 4 + p[1] * 4u;
    default:
        return 0;
    }
}

/* Pass one tag that `*type` announced and put the type that it announces there. False: none, or no
 * further. */
static bool pass_tag(struct cm_walk *walk, uint16_t *type)
{
    uint32_t n;

    if (is_vlan(*type))
        return tag(walk, type);
    if (*type == CM_ETH_MACSEC)
        return macsec(walk, type);
    n = tag_bytes(*type, walk->data + walk->at, cm_walk_left(walk));
    return n != 0 && other_tag(walk, n, type);
}

bool cm_wire_next_tag(const uint8_t *data, uint32_t caplen, uint32_t *type_at, bool *is_vlan_ret)
{
    uint32_t at = *type_at, left, n;
    uint16_t type;

    if (at > caplen || caplen - at < 2)
        return false;
    type = cm_load_be16(data + at);
    left = caplen - at - 2;
    n = tag_bytes(type, data + at + 2, left);
    if (n == 0 || n > left)
        return false;
    *is_vlan_ret = is_vlan(type);
    *type_at = at + n;
    return true;
}

/* RFC 3032, section 2.1: the lowest bit of the third byte marks the last label. */
bool cm_walk_labels(struct cm_walk *walk)
{
    bool last = false;

    while (!last) {
        if (!cm_walk_has(walk, LABEL_BYTES) || !count_tag(walk))
            return false;
        walk->headers->flags |= CM_HEADERS_MPLS;
        last = walk->data[walk->at + 2] & 1;
        walk->at += LABEL_BYTES;
    }
    return true;
}

/* A label says nothing of what it carries; IP is told by its version, which pseudowires avoid (RFC 4928). */
static void mpls(struct cm_walk *walk)
{
    uint8_t version;

    if (!cm_walk_labels(walk) || !cm_walk_has(walk, 1))
        return;
    version = walk->data[walk->at] >> 4;
    if (version == 4 || version == 6)
        cm_walk_ip(walk);
}

/* RFC 2516, section 4. */
static void pppoe(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;

    if (!cm_walk_has(walk, PPPOE_BYTES))
        return;
    if (p[0] != 0x11 || p[1] != 0) {
        cm_walk_bad(walk);
        return;
    }
    walk->at += PPPOE_BYTES;
    cm_walk_shorten(walk, cm_load_be16(p + 4));
    cm_walk_ppp(walk);
    walk->headers->eth_type = CM_ETH_PPPOE; /* whatever PPP carries */
}

/* RFC 8300, section 2.2. */
static void nsh(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;
    uint32_t n;

    if (!cm_walk_has(walk, 8))
        return;
    n = (p[1] & 63) * 4u;
    if (p[0] >> 6 != 0 || n < 8) {
        cm_walk_bad(walk);
        return;
    }
    if (!cm_walk_has(walk, n))
        return;
    walk->at += n;
    if (p[3] == 1)
        cm_walk_ipv4(walk);
    else if (p[3] == 2)
        cm_walk_ipv6(walk);
    else if (p[3] == 3)
        cm_walk_inner(walk, CM_INNER_ETHERNET);
}

/* Another Ethernet frame behind a header of `n` bytes. */
static void whole_frame(struct cm_walk *walk, uint32_t n)
{
    if (!cm_walk_has(walk, n))
        return;
    walk->at += n;
    cm_walk_inner(walk, CM_INNER_ETHERNET);
}

void cm_walk_llc(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;

    if (!cm_walk_has(walk, LLC_BYTES) || p[2] != LLC_UNNUMBERED)
        return;
    if (p[0] == SAP_SNAP && p[1] == SAP_SNAP) {
        uint32_t oui;

        if (!cm_walk_has(walk, SNAP_BYTES))
            return;
        oui = cm_load_be32(p + 2) & 0xffffff;
        walk->at += SNAP_BYTES;
        if (oui == OUI_ETHERNET || oui == OUI_BRIDGED || oui == OUI_APPLETALK)
            cm_walk_eth_type(walk, cm_load_be16(p + 6));
    } else if (p[0] == SAP_IP) {
        walk->at += LLC_BYTES;
        cm_walk_eth_type(walk, CM_ETH_IPV4);
    }
}

void cm_walk_eth_type(struct cm_walk *walk, uint16_t type)
{
    struct cm_headers *headers = walk->headers;

    headers->eth_type = type;
    while (pass_tag(walk, &type))
        headers->eth_type = type;
    switch (type) {
    case CM_ETH_IPV4:
        cm_walk_ipv4(walk);
        break;
    case CM_ETH_IPV6:
        cm_walk_ipv6(walk);
        break;
    case CM_ETH_ARP:
    case CM_ETH_RARP:
        headers->l3_offset = (uint16_t)walk->at;
        break;
    case CM_ETH_MPLS:
    case CM_ETH_MPLS_UPSTREAM:
        mpls(walk);
        break;
    case CM_ETH_PPPOE:
        pppoe(walk);
        break;
    case CM_ETH_PPP:
        cm_walk_ppp(walk);
        headers->eth_type = CM_ETH_PPP;
        break;
    case CM_ETH_NSH:
        nsh(walk);
        break;
    case CM_ETH_PBB:
        whole_frame(walk, 4);
        break;
    case CM_ETH_FABRIC_PATH:
        whole_frame(walk, 2);
        break;
    default:
        if (type < CM_ETH_LEAST)
            headers->eth_type = 0;
        if (type <= ETHERNET_MAX_PAYLOAD) {
            cm_walk_shorten(walk, type);
            cm_walk_llc(walk);
        }
        break;
    }
}

void cm_walk_ethernet(struct cm_walk *walk)
{
    uint16_t type;

    if (!cm_walk_has(walk, ETHERNET_BYTES))
        return;
    type = cm_load_be16(walk->data + walk->at + CM_ETHERNET_TYPE_AT);
    walk->at += ETHERNET_BYTES;
    cm_walk_eth_type(walk, type);
}

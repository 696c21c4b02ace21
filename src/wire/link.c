/* SPDX-License-Identifier: Apache-2.0 */
/* Link types, each down to its network header. A new one is a case in walker_of and, where it has a header of its
 * own, a function here. */
#include "wire/headers_int.h"

/* Families of BSD's loopback header: IPv6 has the number of the capturing system. */
static void address_family(struct cm_walk *walk, uint32_t family)
{
    switch (family) {
    case 2:
        cm_walk_eth_type(walk, CM_ETH_IPV4);
        break;
    case 10: /* Linux */
    case 23: /* Windows */
    case 24: /* NetBSD, OpenBSD, BSD/OS */
    case 28: /* FreeBSD */
    case 30: /* Darwin */
        cm_walk_eth_type(walk, CM_ETH_IPV6);
        break;
    default:
        break;
    }
}

/* A family of 32 bits in the byte order of the machine that captured: only one reading is a small number. */
static void null_loopback(struct cm_walk *walk)
{
    uint32_t family;

    if (!cm_walk_has(walk, 4))
        return;
    family = cm_load_le32(walk->data + walk->at);
    if (family > UINT16_MAX)
        family = __builtin_bswap32(family);
    walk->at += 4;
    address_family(walk, family);
}

/* The "cooked" headers of Linux: 16 bytes with the type last, or 20 with the type first. */
static void linux_cooked(struct cm_walk *walk, uint32_t bytes, uint32_t type_at)
{
    uint16_t type;

    if (!cm_walk_has(walk, bytes))
        return;
    type = cm_load_be16(walk->data + walk->at + type_at);
    walk->at += bytes;
    if (type == 4) /* 802.2 frames: LLC follows */
        cm_walk_llc(walk);
    else if (type >= CM_ETH_LEAST)
        cm_walk_eth_type(walk, type);
}

/* Frame control, two addresses, LLC. */
static void fddi(struct cm_walk *walk)
{
    if (!cm_walk_has(walk, 13))
        return;
    if ((walk->data[walk->at] & 0xf0) == 0x50) { /* asynchronous frames of LLC */
        walk->at += 13;
        cm_walk_llc(walk);
    }
}

/* Access and frame control, two addresses, a route where the source address has its group bit, LLC. */
static void token_ring(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;
    uint32_t n = 14;

    if (!cm_walk_has(walk, n))
        return;
    if (p[1] >> 6 != 1)
        return;
    if (p[8] & 0x80) {
        if (!cm_walk_has(walk, 15))
            return;
        n += p[14] & 31;
    }
    if (!cm_walk_has(walk, n))
        return;
    walk->at += n;
    cm_walk_llc(walk);
}

/* Family, version, resource; then attributes in the capturing machine's byte order, of which number 9 is the
 * packet. */
static void nflog(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;
    uint8_t family;
    bool big;

    if (!cm_walk_has(walk, 8) || p[1] != 0)
        return;
    family = p[0];
    walk->at += 4;
    big = p[6] == 0 && p[7] != 0; /* the first attribute's type, a small number */
    for (;;) {
        uint32_t n;
        uint16_t type;

        if (!cm_walk_has(walk, 4))
            return;
        p = walk->data + walk->at;
        n = cm_load_u16_as(p, big);
        type = cm_load_u16_as(p + 2, big);
        if (n < 4) {
            cm_walk_bad(walk);
            return;
        }
        if (type == 9) {
            walk->at += 4;
            cm_walk_shorten(walk, n - 4);
            address_family(walk, family);
            return;
        }
        n = (n + 3) & ~3u;
        if (!cm_walk_has(walk, n))
            return;
        walk->at += n;
    }
}

/* RFC 2427, section 3: a Q.922 address, whose last byte has its lowest bit set, an unnumbered frame, and what
 * follows. */
static void frame_relay(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;
    uint32_t n = 2;

    if (!cm_walk_has(walk, 4))
        return;
    while (n < 4 && !(p[n - 1] & 1))
        n++;
    if (!cm_walk_has(walk, n + 2))
        return;
    walk->at += n;
    p += n;
    if (p[0] != 0x03) { /* Cisco: an Ethernet type in its place */
        walk->at += 2;
        if (cm_load_be16(p) >= CM_ETH_LEAST)
            cm_walk_eth_type(walk, cm_load_be16(p));
        return;
    }
    walk->at += 1;
    if (p[1] == 0x00) { /* padding */
        if (!cm_walk_has(walk, 2))
            return;
        walk->at += 1;
        p += 1;
    }
    walk->at += 1;
    if (p[1] == 0xcc) {
        cm_walk_eth_type(walk, CM_ETH_IPV4);
    } else if (p[1] == 0x8e) {
        cm_walk_eth_type(walk, CM_ETH_IPV6);
    } else if (p[1] == 0x80) { /* SNAP without LLC */
        if (!cm_walk_has(walk, 5) || p[2] != 0 || p[3] != 0 || p[4] != 0)
            return;
        walk->at += 5;
        cm_walk_eth_type(walk, cm_load_be16(p + 5));
    }
}

/* Solaris: 24 bytes, family second. */
static void ipnet(struct cm_walk *walk)
{
    uint8_t family;

    if (!cm_walk_has(walk, 24))
        return;
    family = walk->data[walk->at + 1];
    walk->at += 24;
    if (family == 2)
        cm_walk_eth_type(walk, CM_ETH_IPV4);
    else if (family == 26)
        cm_walk_eth_type(walk, CM_ETH_IPV6);
}

/* A global routing header of 40 bytes, then RFC 4391, section 6: type and two reserved bytes. */
static void ip_over_infiniband(struct cm_walk *walk)
{
    uint16_t type;

    if (!cm_walk_has(walk, 44))
        return;
    type = cm_load_be16(walk->data + walk->at + 40);
    walk->at += 44;
    if (type >= CM_ETH_LEAST)
        cm_walk_eth_type(walk, type);
}

/* LINKTYPE_ values of a DLT_ that a header within the packet names. They agree, but for a few that differ by
 * system. */
static uint16_t link_type_of_dlt(uint32_t dlt)
{
    return dlt > UINT16_MAX ? UINT16_MAX : (uint16_t)dlt;
}

/* Per-packet information: version, flags, length, DLT_, all little endian. */
static void ppi(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;
    uint32_t n, dlt;

    if (!cm_walk_has(walk, 8))
        return;
    n = cm_load_le16(p + 2);
    dlt = cm_load_le32(p + 4);
    if (n < 8) {
        cm_walk_bad(walk);
        return;
    }
    if (!cm_walk_has(walk, n))
        return;
    walk->at += n;
    if (dlt != CM_LINK_PPI && dlt != CM_LINK_PKTAP)
        cm_walk_link(walk, link_type_of_dlt(dlt));
}

/* Apple's packet tap: length, record type (1: a packet), DLT_, all little endian. */
static void pktap(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;
    uint32_t n, dlt;

    if (!cm_walk_has(walk, 12))
        return;
    n = cm_load_le32(p);
    dlt = cm_load_le32(p + 8);
    if (n < 12) {
        cm_walk_bad(walk);
        return;
    }
    if (!cm_walk_has(walk, n))
        return;
    walk->at += n;
    if (dlt != CM_LINK_PPI && dlt != CM_LINK_PKTAP)
        cm_walk_link(walk, link_type_of_dlt(dlt));
}

#define COOKED_TYPE_AT 14

static void linux_cooked_1(struct cm_walk *walk)
{
    linux_cooked(walk, 16, COOKED_TYPE_AT);
}

static void linux_cooked_2(struct cm_walk *walk)
{
    linux_cooked(walk, 20, 0);
}

/* A byte for the direction. */
static void ppp_with_direction(struct cm_walk *walk)
{
    if (!cm_walk_has(walk, 1))
        return;
    walk->at += 1;
    cm_walk_ppp_framed(walk);
}

/* The direction stands in place of the address, which is then left out with control. */
static void ppp_of_pppd(struct cm_walk *walk)
{
    if (!cm_walk_has(walk, 1))
        return;
    walk->at += 1;
    if (cm_walk_left(walk) > 0 && walk->data[walk->at] == 0x03)
        walk->at += 1;
    cm_walk_ppp_framed(walk);
}

/* The type in front of it was not captured: there is no such field. */
static void ppp_over_ethernet(struct cm_walk *walk)
{
    struct cm_headers *headers = walk->headers;

    cm_walk_eth_type(walk, CM_ETH_PPPOE);
    headers->eth_type = headers->ip_version == 4 ? CM_ETH_IPV4 : headers->ip_version == 6 ? CM_ETH_IPV6 : 0;
}

static void ieee80211(struct cm_walk *walk)
{
    cm_walk_ieee80211(walk, false);
}

/* What decodes this link type; NULL: it is carried, not decoded. */
static inline void (*walker_of(uint16_t link_type))(struct cm_walk *walk)
{
    switch (link_type) {
    case CM_LINK_ETHERNET:
        return cm_walk_ethernet;
    case CM_LINK_NULL:
    case CM_LINK_LOOP:
        return null_loopback;
    case CM_LINK_RAW:
    case CM_LINK_RAW_OLD:
    case CM_LINK_RAW_OPENBSD:
    case CM_LINK_IPV4:
    case CM_LINK_IPV6:
        return cm_walk_ip;
    case CM_LINK_LINUX_SLL:
        return linux_cooked_1;
    case CM_LINK_LINUX_SLL2:
        return linux_cooked_2;
    case CM_LINK_PPP:
    case CM_LINK_PPP_HDLC:
    case CM_LINK_C_HDLC:
        return cm_walk_ppp_framed;
    case CM_LINK_PPP_PPPD:
        return ppp_of_pppd;
    case CM_LINK_PPP_WITH_DIR:
        return ppp_with_direction;
    case CM_LINK_PPP_ETHER:
        return ppp_over_ethernet;
    case CM_LINK_IEEE802_11:
        return ieee80211;
    case CM_LINK_RADIOTAP:
        return cm_walk_radiotap;
    case CM_LINK_PRISM:
        return cm_walk_prism;
    case CM_LINK_AVS:
        return cm_walk_avs;
    case CM_LINK_FDDI:
        return fddi;
    case CM_LINK_IEEE802_5:
        return token_ring;
    case CM_LINK_FRELAY:
        return frame_relay;
    case CM_LINK_IPNET:
        return ipnet;
    case CM_LINK_IPOIB:
        return ip_over_infiniband;
    case CM_LINK_PPI:
        return ppi;
    case CM_LINK_NFLOG:
        return nflog;
    case CM_LINK_PKTAP:
        return pktap;
    default:
        return NULL;
    }
}

void cm_walk_link(struct cm_walk *walk, uint16_t link_type)
{
    void (*walker)(struct cm_walk *) = walker_of(link_type);

    if (walker != NULL)
        walker(walk);
}

bool cm_wire_link_is_known(uint16_t link_type)
{
    return walker_of(link_type) != NULL;
}

uint32_t cm_wire_type_offset(uint16_t link_type)
{
    switch (link_type) {
    case CM_LINK_ETHERNET:
        return CM_ETHERNET_TYPE_AT;
    case CM_LINK_LINUX_SLL:
        return COOKED_TYPE_AT;
    default: /* that of Linux cooked v2 stands far from what follows */
        return CM_NO_OFFSET;
    }
}

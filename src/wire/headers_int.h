/* SPDX-License-Identifier: Apache-2.0 */
/* The general decoder's walk through one packet, shared by the files of this room. Each step is entered with
 * `at` on the first byte of its header and calls the step that follows. */
#ifndef CM_WIRE_HEADERS_INT_H
#define CM_WIRE_HEADERS_INT_H

#include "base/endian.h"
#include "wire/headers.h"
#include "wire/numbers.h"

/* Headers are looked for within this many bytes, so that every offset fits 16 bits and none is
 * CM_NO_OFFSET. */
#define CM_WALK_MAX_BYTES (CM_NO_OFFSET - 1u)
/* Tags and labels of one packet; real networks use up to about ten. More is taken for an attempt to keep us
 * busy. */
#define CM_WALK_MAX_TAGS 64

/* at <= end <= captured <= CM_WALK_MAX_BYTES, always. */
struct cm_walk {
    const uint8_t *data;
    uint32_t at; /* first byte not yet decoded */
    uint32_t
        end; /* first byte that does not belong to the header's packet: captured, or less by a length field */
    uint32_t captured; /* bytes at data, at most CM_WALK_MAX_BYTES */
    struct cm_headers *headers;
};

static inline uint32_t cm_walk_left(const struct cm_walk *walk)
{
    return walk->end - walk->at;
}

/* A header wants `n` bytes. When they are not there, says in the flags whose fault that is. */
static inline bool cm_walk_has(struct cm_walk *walk, uint32_t n)
{
    if (n <= cm_walk_left(walk))
        return true;
    walk->headers->flags |= walk->end < walk->captured ? CM_HEADERS_BAD : CM_HEADERS_CUT;
    return false;
}

/* What encloses the rest says that it is `n` bytes long; padding and trailers lie behind. */
static inline void cm_walk_shorten(struct cm_walk *walk, uint32_t n)
{
    if (n < cm_walk_left(walk))
        walk->end = walk->at + n;
}

static inline void cm_walk_bad(struct cm_walk *walk)
{
    walk->headers->flags |= CM_HEADERS_BAD;
}

/* ethernet.c */
#define CM_ETHERNET_TYPE_AT 12u
void cm_walk_ethernet(struct cm_walk *walk);
/* What follows a type field that says `eth_type`; notes it in the headers. */
void cm_walk_eth_type(struct cm_walk *walk, uint16_t eth_type);
void cm_walk_llc(struct cm_walk *walk);
/* Pass an MPLS label stack. False where it was cut or does not end. */
bool cm_walk_labels(struct cm_walk *walk);

/* link.c, ppp.c and ieee80211.c: the other link types */
void cm_walk_link(struct cm_walk *walk, uint16_t link_type);
/* From the PPP protocol field on. */
void cm_walk_ppp(struct cm_walk *walk);
/* From an optional address and control field on; Cisco HDLC is told by its address. */
void cm_walk_ppp_framed(struct cm_walk *walk);
void cm_walk_chdlc(struct cm_walk *walk);
void cm_walk_ieee80211(struct cm_walk *walk, bool padded);
void cm_walk_radiotap(struct cm_walk *walk);
void cm_walk_prism(struct cm_walk *walk);
void cm_walk_avs(struct cm_walk *walk);

/* ip.c */
void cm_walk_ipv4(struct cm_walk *walk);
void cm_walk_ipv6(struct cm_walk *walk);
/* By the version in the first four bits; notes the Ethernet type that goes with it. */
void cm_walk_ip(struct cm_walk *walk);

/* transport.c */
void cm_walk_transport(struct cm_walk *walk, uint8_t protocol);

/* tunnel.c: note where the inner packet begins; the walk itself ends here */
void cm_walk_gre(struct cm_walk *walk);
void cm_walk_ip_in_ip(struct cm_walk *walk, uint8_t version);
void cm_walk_etherip(struct cm_walk *walk);
/* From the first byte after a UDP header, by its ports. */
void cm_walk_udp_tunnel(struct cm_walk *walk);
void cm_walk_inner(struct cm_walk *walk, enum cm_inner_kind kind);

/* headers.c: the decoder without its fast path, which must give the same; for tests. */
void cm_wire_decode_general(uint16_t link_type, const uint8_t *data, uint32_t caplen,
                            struct cm_headers *headers_ret);

#endif

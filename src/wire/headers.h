/* SPDX-License-Identifier: Apache-2.0 */
/* From the bytes of one packet to where its headers begin and what they say. Pure functions of the bytes: no
 * state, no allocation, any thread; every length is checked against the captured bytes before it is used. */
#ifndef CM_WIRE_HEADERS_H
#define CM_WIRE_HEADERS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CM_NO_OFFSET UINT16_MAX

/* What the outermost network packet says, and where a tunnelled one begins. Offsets are bytes from the first
 * captured byte; CM_NO_OFFSET where there is none or it lies beyond the captured bytes. Values are host
 * order. */
struct cm_headers {
    /* of the innermost tag: 0x0800, 0x86dd, 0x0806, and 0x8847 or 0x8864 as they stand; 802.3 lengths and
     * unknown: 0; where the link has no such field, that of the IP version */
    uint16_t eth_type;
    uint16_t l3_offset; /* IPv4, IPv6 or ARP header */
    /* first byte after the IP header and its extension headers, of first fragments only */
    uint16_t l4_offset;
    uint16_t payload_offset; /* first byte after a TCP, UDP, UDP-Lite, SCTP, DCCP, ICMP or ICMPv6 header (8
                                bytes of the last two); may equal caplen or l3_end: nothing follows */
    uint16_t src_port;       /* TCP, UDP, SCTP (and UDP-Lite, DCCP); 0 where CM_HEADERS_PORTS is not set */
    uint16_t dst_port;
    /* inner packet of a recognised tunnel: its link or network header, see inner_kind */
    uint16_t inner_offset;
    uint16_t vlan;       /* outer VLAN tag control information; meaningful where CM_HEADERS_VLAN is set */
    uint16_t vlan_inner; /* second tag, with CM_HEADERS_QINQ */
    uint16_t flags;      /* enum cm_headers_flag */
    uint8_t ip_version;  /* 4, 6, or 0: no IP (ARP has eth_type 0x0806 and 0 here) */
    uint8_t protocol;    /* IP protocol after extension headers; meaningful where ip_version is not 0 */
    uint8_t tcp_flags;   /* byte 13 of the TCP header: CWR ECE URG ACK PSH RST SYN FIN from the top */
    uint8_t icmp_type;   /* ICMP and ICMPv6, with CM_HEADERS_ICMP */
    uint8_t icmp_code;
    uint8_t inner_kind; /* enum cm_inner_kind */
    uint8_t n_tags;     /* VLAN and other tags and MPLS labels passed */
    uint8_t reserved;
    uint32_t l3_end; /* first byte after the network packet by its own length, at most caplen; caplen where it
                        says none */
};

static_assert(sizeof(struct cm_headers) == 32,
              "cm_headers grew: two per cache line is what the hot loops count on");

enum cm_headers_flag {
    CM_HEADERS_VLAN = 1,
    CM_HEADERS_QINQ = 2,
    CM_HEADERS_MPLS = 4,
    CM_HEADERS_PORTS = 8,           /* src_port and dst_port were captured */
    CM_HEADERS_FRAGMENT = 16,       /* any fragment, the first included */
    CM_HEADERS_LATER_FRAGMENT = 32, /* a fragment after the first: no ports, no l4 header */
    CM_HEADERS_TCP_FLAGS = 64,      /* tcp_flags was captured */
    CM_HEADERS_ICMP = 128,          /* icmp_type and icmp_code were captured */
    CM_HEADERS_CUT = 256,           /* a header that should be there was cut by the captured length */
    CM_HEADERS_BAD = 512, /* a header contradicts itself (version, header length); decoding stopped there */
    CM_HEADERS_ADDRESSES = 1024, /* both addresses were captured (IPv4 options behind them may be cut) */
};

enum cm_inner_kind { CM_INNER_NONE = 0, CM_INNER_ETHERNET = 1, CM_INNER_IPV4 = 2, CM_INNER_IPV6 = 3 };

/* Decode one packet. `link_type` is a LINKTYPE_ value; one that is not known leaves every field empty. */
void cm_wire_decode(uint16_t link_type, const uint8_t *data, uint32_t caplen, struct cm_headers *headers_ret);
/* The same from the inner packet of a tunnel found by an earlier decode, as if it stood alone; all offsets
 * stay relative to `data`. False where there is none. */
bool cm_wire_decode_inner(const uint8_t *data, uint32_t caplen, const struct cm_headers *outer,
                          struct cm_headers *headers_ret);
/* Follow inner packets to the innermost (at most 8 deep). */
void cm_wire_decode_innermost(uint16_t link_type, const uint8_t *data, uint32_t caplen,
                              struct cm_headers *headers_ret);

/* Whether a link type is decoded at all. */
bool cm_wire_link_is_known(uint16_t link_type);
/* Where the type of what follows stands in a link header that has it in front of that: Ethernet, Linux cooked;
 * CM_NO_OFFSET for others. */
uint32_t cm_wire_type_offset(uint16_t link_type);
/* From a type field at *type_at to the next one behind the tag that it announces, with a VLAN id in its first two
 * bytes or without. False, and *type_at stays: there is no tag, it is not all captured, or it is MACsec's, behind
 * which nothing can be changed without its being noticed. */
bool cm_wire_next_tag(const uint8_t *data, uint32_t caplen, uint32_t *type_at, bool *is_vlan_ret);

/* IP protocols that begin with two ports, which are decoded. */
#define CM_WIRE_PORT_PROTOCOLS 5
extern const uint8_t cm_wire_port_protocols[CM_WIRE_PORT_PROTOCOLS];
/* The place of a protocol in that list; -1: it has none. */
static inline int cm_wire_port_protocol_index(uint8_t protocol)
{
    for (int i = 0; i < CM_WIRE_PORT_PROTOCOLS; i++)
        if (cm_wire_port_protocols[i] == protocol)
            return i;
    return -1;
}
static inline bool cm_wire_has_ports(uint8_t protocol)
{
    return cm_wire_port_protocol_index(protocol) >= 0;
}

/* Addresses in network order: 4 or 16 bytes, by ip_version. NULL where CM_HEADERS_ADDRESSES is not set. */
static inline const uint8_t *cm_headers_source(const struct cm_headers *headers, const uint8_t *data)
{
    if (!(headers->flags & CM_HEADERS_ADDRESSES))
        return NULL;
    return data + headers->l3_offset + (headers->ip_version == 4 ? 12 : 8);
}

static inline const uint8_t *cm_headers_destination(const struct cm_headers *headers, const uint8_t *data)
{
    if (!(headers->flags & CM_HEADERS_ADDRESSES))
        return NULL;
    return data + headers->l3_offset + (headers->ip_version == 4 ? 16 : 24);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The registered numbers that packet headers carry and we act on: link types, Ethernet types, IP protocols,
 * UDP ports. Names for people are in names.h. */
#ifndef CM_WIRE_NUMBERS_H
#define CM_WIRE_NUMBERS_H

/* LINKTYPE_ values of tcpdump.org's registry, and the DLT_ values that old files carry in their place. */
enum cm_link_type {
    CM_LINK_NULL = 0,
    CM_LINK_ETHERNET = 1,
    CM_LINK_IEEE802_5 = 6,
    CM_LINK_PPP = 9,
    CM_LINK_FDDI = 10,
    CM_LINK_RAW_OLD = 12,     /* DLT_RAW of most systems */
    CM_LINK_RAW_OPENBSD = 14, /* DLT_RAW of OpenBSD */
    CM_LINK_PPP_HDLC = 50,
    CM_LINK_PPP_ETHER = 51,
    CM_LINK_RAW = 101,
    CM_LINK_C_HDLC = 104,
    CM_LINK_IEEE802_11 = 105,
    CM_LINK_FRELAY = 107,
    CM_LINK_LOOP = 108,
    CM_LINK_LINUX_SLL = 113,
    CM_LINK_PRISM = 119,
    CM_LINK_RADIOTAP = 127,
    CM_LINK_AVS = 163,
    CM_LINK_PPP_PPPD = 166,
    CM_LINK_PPI = 192,
    CM_LINK_PPP_WITH_DIR = 204,
    CM_LINK_IPNET = 226,
    CM_LINK_IPV4 = 228,
    CM_LINK_IPV6 = 229,
    CM_LINK_NFLOG = 239,
    CM_LINK_IPOIB = 242,
    CM_LINK_PKTAP = 258,
    CM_LINK_LINUX_SLL2 = 276,
};

enum cm_eth_type {
    CM_ETH_LEAST = 0x0600, /* smaller values are 802.3 lengths */
    CM_ETH_IPV4 = 0x0800,
    CM_ETH_ARP = 0x0806,
    CM_ETH_ERSPAN_3 = 0x22eb,
    CM_ETH_BRIDGED = 0x6558, /* transparent Ethernet bridging: an Ethernet frame */
    CM_ETH_RARP = 0x8035,
    CM_ETH_VLAN = 0x8100,
    CM_ETH_IPV6 = 0x86dd,
    CM_ETH_PPP = 0x880b,
    CM_ETH_MPLS = 0x8847,
    CM_ETH_MPLS_UPSTREAM = 0x8848,
    CM_ETH_PPPOE_DISCOVERY = 0x8863,
    CM_ETH_PPPOE = 0x8864,
    CM_ETH_EAPOL = 0x888e,
    CM_ETH_QINQ = 0x88a8,
    CM_ETH_ERSPAN = 0x88be,
    CM_ETH_LLDP = 0x88cc,
    CM_ETH_MACSEC = 0x88e5,
    CM_ETH_PBB = 0x88e7,         /* 802.1ah: a service tag, then a whole frame */
    CM_ETH_FABRIC_PATH = 0x8903, /* Cisco: a tag, then a whole frame */
    CM_ETH_METADATA = 0x8909,    /* Cisco: security group tag */
    CM_ETH_VN_TAG = 0x8926,
    CM_ETH_E_TAG = 0x893f, /* 802.1BR */
    CM_ETH_NSH = 0x894f,
    CM_ETH_QINQ_9100 = 0x9100, /* before 802.1ad settled on 0x88a8 */
    CM_ETH_QINQ_9200 = 0x9200,
};

enum cm_ip_protocol {
    CM_PROTOCOL_HOP_BY_HOP = 0,
    CM_PROTOCOL_ICMP = 1,
    CM_PROTOCOL_IGMP = 2,
    CM_PROTOCOL_IPV4 = 4,
    CM_PROTOCOL_TCP = 6,
    CM_PROTOCOL_UDP = 17,
    CM_PROTOCOL_DCCP = 33,
    CM_PROTOCOL_IPV6 = 41,
    CM_PROTOCOL_ROUTING = 43,
    CM_PROTOCOL_FRAGMENT = 44,
    CM_PROTOCOL_GRE = 47,
    CM_PROTOCOL_ESP = 50,
    CM_PROTOCOL_AH = 51,
    CM_PROTOCOL_ICMPV6 = 58,
    CM_PROTOCOL_NO_NEXT = 59,
    CM_PROTOCOL_DESTINATION = 60,
    CM_PROTOCOL_ETHERIP = 97,
    CM_PROTOCOL_SCTP = 132,
    CM_PROTOCOL_MOBILITY = 135,
    CM_PROTOCOL_UDP_LITE = 136,
    CM_PROTOCOL_HIP = 139,
    CM_PROTOCOL_SHIM6 = 140,
    CM_PROTOCOL_ETHERNET = 143,
};

enum cm_tunnel_port {
    CM_PORT_GTP_U = 2152,
    CM_PORT_VXLAN =
        4789, /* the registered port alone: 8472, which old Linux used, carries other things too */
    CM_PORT_GENEVE = 6081,
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Names of registered numbers. The tables hold what shows up in captures, not whole registries. */
#include "wire/names.h"

#include <string.h>

#include "base/checked.h"
#include "wire/numbers.h"

struct name {
    uint16_t number;
    const char *text;
};

/* All three ascend, for the search. */
static const struct name protocols[] = {
    {0, "hopopt"},     {1, "icmp"},      {2, "igmp"},       {4, "ipip"},     {5, "st"},     {6, "tcp"},
    {8, "egp"},        {9, "igp"},       {12, "pup"},       {17, "udp"},     {22, "idp"},   {27, "rdp"},
    {33, "dccp"},      {41, "ipv6"},     {43, "route6"},    {44, "frag6"},   {46, "rsvp"},  {47, "gre"},
    {50, "esp"},       {51, "ah"},       {58, "icmp6"},     {59, "nonext6"}, {60, "opts6"}, {88, "eigrp"},
    {89, "ospf"},      {94, "nos"},      {97, "etherip"},   {98, "encap"},   {103, "pim"},  {108, "ipcomp"},
    {112, "vrrp"},     {113, "pgm"},     {115, "l2tp"},     {124, "isis"},   {132, "sctp"}, {133, "fc"},
    {135, "mobility"}, {136, "udplite"}, {137, "mpls"},     {138, "manet"},  {139, "hip"},  {140, "shim6"},
    {141, "wesp"},     {142, "rohc"},    {143, "ethernet"},
};

static const struct name eth_types[] = {
    {CM_ETH_IPV4, "ipv4"},
    {CM_ETH_ARP, "arp"},
    {0x0842, "wol"},
    {0x2000, "cdp"},
    {CM_ETH_ERSPAN_3, "erspan3"},
    {0x22f0, "avtp"},
    {0x22f3, "trill"},
    {0x4305, "batman"},
    {0x6002, "mop-rc"},
    {0x6003, "decnet"},
    {CM_ETH_BRIDGED, "teb"},
    {CM_ETH_RARP, "rarp"},
    {0x809b, "appletalk"},
    {0x80f3, "aarp"},
    {CM_ETH_VLAN, "vlan"},
    {0x8137, "ipx"},
    {CM_ETH_IPV6, "ipv6"},
    {0x8808, "pause"},
    {0x8809, "slow"},
    {CM_ETH_PPP, "ppp"},
    {CM_ETH_MPLS, "mpls"},
    {CM_ETH_MPLS_UPSTREAM, "mpls-upstream"},
    {CM_ETH_PPPOE_DISCOVERY, "pppoe-discovery"},
    {CM_ETH_PPPOE, "pppoe"},
    {0x887b, "homeplug"},
    {CM_ETH_EAPOL, "eapol"},
    {0x8892, "profinet"},
    {0x8899, "realtek"},
    {0x88a2, "aoe"},
    {0x88a4, "ethercat"},
    {CM_ETH_QINQ, "qinq"},
    {0x88b8, "goose"},
    {0x88ba, "sv"},
    {CM_ETH_ERSPAN, "erspan"},
    {CM_ETH_LLDP, "lldp"},
    {0x88cd, "sercos"},
    {0x88e1, "homeplug-av"},
    {0x88e3, "mrp"},
    {0x88e5, "macsec"},
    {0x88e7, "pbb"},
    {0x88f7, "ptp"},
    {0x88fb, "prp"},
    {0x8902, "cfm"},
    {0x8906, "fcoe"},
    {0x890d, "80211-encap"},
    {0x8914, "fip"},
    {0x8915, "roce"},
    {0x892f, "hsr"},
    {0x893f, "e-tag"},
    {0x894f, "nsh"},
    {0x9000, "loopback"},
    {CM_ETH_QINQ_9100, "qinq-9100"},
    {CM_ETH_QINQ_9200, "qinq-9200"},
};

static const struct name link_types[] = {
    {0, "NULL"},
    {1, "ETHERNET"},
    {2, "EXP_ETHERNET"},
    {3, "AX25"},
    {6, "IEEE802_5"},
    {7, "ARCNET_BSD"},
    {8, "SLIP"},
    {9, "PPP"},
    {10, "FDDI"},
    {12, "RAW"},
    {14, "RAW"},
    {50, "PPP_HDLC"},
    {51, "PPP_ETHER"},
    {99, "SYMANTEC_FIREWALL"},
    {100, "ATM_RFC1483"},
    {101, "RAW"},
    {104, "C_HDLC"},
    {105, "IEEE802_11"},
    {107, "FRELAY"},
    {108, "LOOP"},
    {109, "ENC"},
    {113, "LINUX_SLL"},
    {114, "LTALK"},
    {117, "PFLOG"},
    {119, "IEEE802_11_PRISM"},
    {122, "IP_OVER_FC"},
    {123, "SUNATM"},
    {127, "IEEE802_11_RADIOTAP"},
    {129, "ARCNET_LINUX"},
    {138, "APPLE_IP_OVER_IEEE1394"},
    {139, "MTP2_WITH_PHDR"},
    {140, "MTP2"},
    {141, "MTP3"},
    {142, "SCCP"},
    {143, "DOCSIS"},
    {144, "LINUX_IRDA"},
    {147, "USER0"},
    {148, "USER1"},
    {149, "USER2"},
    {150, "USER3"},
    {151, "USER4"},
    {152, "USER5"},
    {153, "USER6"},
    {154, "USER7"},
    {155, "USER8"},
    {156, "USER9"},
    {157, "USER10"},
    {158, "USER11"},
    {159, "USER12"},
    {160, "USER13"},
    {161, "USER14"},
    {162, "USER15"},
    {163, "IEEE802_11_AVS"},
    {165, "BACNET_MS_TP"},
    {166, "PPP_PPPD"},
    {169, "GPRS_LLC"},
    {170, "GPF_T"},
    {171, "GPF_F"},
    {177, "LINUX_LAPD"},
    {182, "MFR"},
    {187, "BLUETOOTH_HCI_H4"},
    {189, "USB_LINUX"},
    {192, "PPI"},
    {195, "IEEE802_15_4_WITHFCS"},
    {196, "SITA"},
    {197, "ERF"},
    {201, "BLUETOOTH_HCI_H4_WITH_PHDR"},
    {202, "AX25_KISS"},
    {203, "LAPD"},
    {204, "PPP_WITH_DIR"},
    {205, "C_HDLC_WITH_DIR"},
    {206, "FRELAY_WITH_DIR"},
    {209, "IPMB_LINUX"},
    {215, "IEEE802_15_4_NONASK_PHY"},
    {220, "USB_LINUX_MMAPPED"},
    {224, "FC_2"},
    {225, "FC_2_WITH_FRAME_DELIMS"},
    {226, "IPNET"},
    {227, "CAN_SOCKETCAN"},
    {228, "IPV4"},
    {229, "IPV6"},
    {230, "IEEE802_15_4_NOFCS"},
    {231, "DBUS"},
    {235, "DVB_CI"},
    {236, "MUX27010"},
    {237, "STANAG_5066_D_PDU"},
    {239, "NFLOG"},
    {240, "NETANALYZER"},
    {241, "NETANALYZER_TRANSPARENT"},
    {242, "IPOIB"},
    {243, "MPEG_2_TS"},
    {244, "NG40"},
    {245, "NFC_LLCP"},
    {247, "INFINIBAND"},
    {248, "SCTP"},
    {249, "USBPCAP"},
    {250, "RTAC_SERIAL"},
    {251, "BLUETOOTH_LE_LL"},
    {253, "NETLINK"},
    {254, "BLUETOOTH_LINUX_MONITOR"},
    {255, "BLUETOOTH_BREDR_BB"},
    {256, "BLUETOOTH_LE_LL_WITH_PHDR"},
    {257, "PROFIBUS_DL"},
    {258, "PKTAP"},
    {259, "EPON"},
    {260, "IPMI_HPM_2"},
    {261, "ZWAVE_R1_R2"},
    {262, "ZWAVE_R3"},
    {263, "WATTSTOPPER_DLM"},
    {264, "ISO_14443"},
    {265, "RDS"},
    {266, "USB_DARWIN"},
    {267, "OPENFLOW"},
    {268, "SDLC"},
    {270, "LORATAP"},
    {271, "VSOCK"},
    {272, "NORDIC_BLE"},
    {273, "DOCSIS31_XRA31"},
    {274, "ETHERNET_MPACKET"},
    {275, "DISPLAYPORT_AUX"},
    {276, "LINUX_SLL2"},
    {277, "SERCOS_MONITOR"},
    {278, "OPENVIZSLA"},
    {279, "EBHSCR"},
    {280, "VPP_DISPATCH"},
    {281, "DSA_TAG_BRCM"},
    {282, "DSA_TAG_BRCM_PREPEND"},
    {283, "IEEE802_15_4_TAP"},
    {284, "DSA_TAG_DSA"},
    {285, "DSA_TAG_EDSA"},
    {286, "ELEE"},
    {287, "Z_WAVE_SERIAL"},
    {288, "USB_2_0"},
    {289, "ATSC_ALP"},
    {290, "ETW"},
};

static const char *find(const struct name *names, size_t n, uint16_t number)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (names[middle].number == number)
            return names[middle].text;
        if (names[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const char *cm_wire_protocol_name(uint8_t protocol)
{
    return find(protocols, CM_ARRAY_COUNT(protocols), protocol);
}

const char *cm_wire_eth_type_name(uint16_t eth_type)
{
    return find(eth_types, CM_ARRAY_COUNT(eth_types), eth_type);
}

const char *cm_wire_link_type_name(uint16_t link_type)
{
    return find(link_types, CM_ARRAY_COUNT(link_types), link_type);
}

size_t cm_wire_format_tcp_flags(uint8_t tcp_flags, char text_ret[CM_WIRE_TCP_FLAGS_TEXT])
{
    static const char letters[] = "FSRP.UEW"; /* from the lowest bit */
    size_t n = 0;

    if (tcp_flags == 0) {
        memcpy(text_ret, "none", 5);
        return 4;
    }
    for (unsigned bit = 0; bit < 8; bit++)
        if (tcp_flags >> bit & 1)
            text_ret[n++] = letters[bit];
    text_ret[n] = 0;
    return n;
}

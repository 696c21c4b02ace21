/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the filter language as libpcap 1.10 has them, and the names that stand for numbers after some of
 * them. Not for how they may follow each other. */
#include "filter/expression_int.h"

#include <string.h>

/* Sorted by the bytes of the text, for the search. */
static const struct cm_expression_word words[] = {
    {"aarp", CM_X_PROTOCOL, CM_P_AARP},
    {"action", CM_X_PF_ACTION, 0},
    {"addr1", CM_X_DIRECTION, CM_D_ADDRESS},
    {"addr2", CM_X_DIRECTION, CM_D_ADDRESS},
    {"addr3", CM_X_DIRECTION, CM_D_ADDRESS},
    {"addr4", CM_X_DIRECTION, CM_D_ADDRESS},
    {"address1", CM_X_DIRECTION, CM_D_ADDRESS},
    {"address2", CM_X_DIRECTION, CM_D_ADDRESS},
    {"address3", CM_X_DIRECTION, CM_D_ADDRESS},
    {"address4", CM_X_DIRECTION, CM_D_ADDRESS},
    {"ah", CM_X_PROTOCOL, CM_P_AH},
    {"and", CM_X_AND, 0},
    {"arp", CM_X_PROTOCOL, CM_P_ARP},
    {"atalk", CM_X_PROTOCOL, CM_P_ATALK},
    {"bcc", CM_X_ATM_TYPE, 0},
    {"broadcast", CM_X_CAST, 0},
    {"byte", CM_X_BYTE, 0},
    {"carp", CM_X_PROTOCOL, CM_P_CARP},
    {"clnp", CM_X_PROTOCOL, CM_P_CLNP},
    {"connectmsg", CM_X_ATM_TYPE, 0},
    {"csnp", CM_X_PROTOCOL, CM_P_ISIS_PART},
    {"decnet", CM_X_PROTOCOL, CM_P_DECNET},
    {"dir", CM_X_DIR, 0},
    {"direction", CM_X_DIR, 0},
    {"dpc", CM_X_MTP3_FIELD, 16383},
    {"dst", CM_X_DIRECTION, CM_D_DST},
    {"es-is", CM_X_PROTOCOL, CM_P_ESIS},
    {"esis", CM_X_PROTOCOL, CM_P_ESIS},
    {"esp", CM_X_PROTOCOL, CM_P_ESP},
    {"ether", CM_X_PROTOCOL, CM_P_LINK},
    {"fddi", CM_X_PROTOCOL, CM_P_LINK},
    {"fisu", CM_X_MTP2_TYPE, 0},
    {"gateway", CM_X_GATEWAY, 0},
    {"geneve", CM_X_GENEVE, 0xffffff},
    {"greater", CM_X_LENGTH_LIMIT, 0},
    {"hdpc", CM_X_MTP3_FIELD, 16383},
    {"hfisu", CM_X_MTP2_TYPE, 0},
    {"hlssu", CM_X_MTP2_TYPE, 0},
    {"hmsu", CM_X_MTP2_TYPE, 0},
    {"hopc", CM_X_MTP3_FIELD, 16383},
    {"host", CM_X_HOST, 0},
    {"hsio", CM_X_MTP3_FIELD, 255},
    {"hsls", CM_X_MTP3_FIELD, 15},
    {"icmp", CM_X_PROTOCOL, CM_P_ICMP},
    {"icmp-echo", CM_X_NUMBER, 8},
    {"icmp-echoreply", CM_X_NUMBER, 0},
    {"icmp-ireq", CM_X_NUMBER, 15},
    {"icmp-ireqreply", CM_X_NUMBER, 16},
    {"icmp-maskreply", CM_X_NUMBER, 18},
    {"icmp-maskreq", CM_X_NUMBER, 17},
    {"icmp-paramprob", CM_X_NUMBER, 12},
    {"icmp-redirect", CM_X_NUMBER, 5},
    {"icmp-routeradvert", CM_X_NUMBER, 9},
    {"icmp-routersolicit", CM_X_NUMBER, 10},
    {"icmp-sourcequench", CM_X_NUMBER, 4},
    {"icmp-timxceed", CM_X_NUMBER, 11},
    {"icmp-tstamp", CM_X_NUMBER, 13},
    {"icmp-tstampreply", CM_X_NUMBER, 14},
    {"icmp-unreach", CM_X_NUMBER, 3},
    {"icmp6", CM_X_PROTOCOL, CM_P_ICMPV6},
    {"icmp6-certpathadvert", CM_X_NUMBER, 149},
    {"icmp6-certpathsolicit", CM_X_NUMBER, 148},
    {"icmp6-destinationunreach", CM_X_NUMBER, 1},
    {"icmp6-echo", CM_X_NUMBER, 128},
    {"icmp6-echoreply", CM_X_NUMBER, 129},
    {"icmp6-homeagentdiscoveryreply", CM_X_NUMBER, 145},
    {"icmp6-homeagentdiscoveryrequest", CM_X_NUMBER, 144},
    {"icmp6-ineighbordiscoveryadvert", CM_X_NUMBER, 142},
    {"icmp6-ineighbordiscoverysolicit", CM_X_NUMBER, 141},
    {"icmp6-mobileprefixadvert", CM_X_NUMBER, 147},
    {"icmp6-mobileprefixsolicit", CM_X_NUMBER, 146},
    {"icmp6-multicastlistenerdone", CM_X_NUMBER, 132},
    {"icmp6-multicastlistenerquery", CM_X_NUMBER, 130},
    {"icmp6-multicastlistenerreportv1", CM_X_NUMBER, 131},
    {"icmp6-multicastlistenerreportv2", CM_X_NUMBER, 143},
    {"icmp6-multicastrouteradvert", CM_X_NUMBER, 151},
    {"icmp6-multicastroutersolicit", CM_X_NUMBER, 152},
    {"icmp6-multicastrouterterm", CM_X_NUMBER, 153},
    {"icmp6-neighboradvert", CM_X_NUMBER, 136},
    {"icmp6-neighborsolicit", CM_X_NUMBER, 135},
    {"icmp6-nodeinformationquery", CM_X_NUMBER, 139},
    {"icmp6-nodeinformationresponse", CM_X_NUMBER, 140},
    {"icmp6-packettoobig", CM_X_NUMBER, 2},
    {"icmp6-parameterproblem", CM_X_NUMBER, 4},
    {"icmp6-redirect", CM_X_NUMBER, 137},
    {"icmp6-routeradvert", CM_X_NUMBER, 134},
    {"icmp6-routerrenum", CM_X_NUMBER, 138},
    {"icmp6-routersolicit", CM_X_NUMBER, 133},
    {"icmp6-timeexceeded", CM_X_NUMBER, 3},
    {"icmp6code", CM_X_NUMBER, 1},
    {"icmp6type", CM_X_NUMBER, 0},
    {"icmpcode", CM_X_NUMBER, 1},
    {"icmptype", CM_X_NUMBER, 0},
    {"ifindex", CM_X_IFINDEX, 0},
    {"ifname", CM_X_PF_NAME, 0},
    {"igmp", CM_X_PROTOCOL, CM_P_IGMP},
    {"igrp", CM_X_PROTOCOL, CM_P_IGRP},
    {"iih", CM_X_PROTOCOL, CM_P_ISIS_PART},
    {"ilmic", CM_X_ATM_TYPE, 0},
    {"inbound", CM_X_BOUND, 0},
    {"ip", CM_X_PROTOCOL, CM_P_IP},
    {"ip6", CM_X_PROTOCOL, CM_P_IPV6},
    {"ipx", CM_X_PROTOCOL, CM_P_IPX},
    {"is-is", CM_X_PROTOCOL, CM_P_ISIS},
    {"isis", CM_X_PROTOCOL, CM_P_ISIS},
    {"iso", CM_X_PROTOCOL, CM_P_ISO},
    {"l1", CM_X_PROTOCOL, CM_P_ISIS_PART},
    {"l2", CM_X_PROTOCOL, CM_P_ISIS_PART},
    {"lane", CM_X_ATM_TYPE, 0},
    {"lat", CM_X_PROTOCOL, CM_P_LAT},
    {"len", CM_X_LEN, 0},
    {"length", CM_X_LEN, 0},
    {"less", CM_X_LENGTH_LIMIT, 0},
    {"link", CM_X_PROTOCOL, CM_P_LINK},
    {"llc", CM_X_LLC, 0},
    {"lsp", CM_X_PROTOCOL, CM_P_ISIS_PART},
    {"lssu", CM_X_MTP2_TYPE, 0},
    {"lsu", CM_X_MTP2_TYPE, 0},
    {"mask", CM_X_MASK, 0},
    {"metac", CM_X_ATM_TYPE, 0},
    {"metaconnect", CM_X_ATM_TYPE, 0},
    {"mopdl", CM_X_PROTOCOL, CM_P_MOPDL},
    {"moprc", CM_X_PROTOCOL, CM_P_MOPRC},
    {"mpls", CM_X_MPLS, 0xfffff},
    {"msu", CM_X_MTP2_TYPE, 0},
    {"multicast", CM_X_CAST, 0},
    {"net", CM_X_NET, 0},
    {"netbeui", CM_X_PROTOCOL, CM_P_NETBEUI},
    {"not", CM_X_NOT, 0},
    {"oam", CM_X_ATM_TYPE, 0},
    {"oamf4", CM_X_ATM_TYPE, 0},
    {"oamf4ec", CM_X_ATM_TYPE, 0},
    {"oamf4sc", CM_X_ATM_TYPE, 0},
    {"on", CM_X_PF_NAME, 0},
    {"opc", CM_X_MTP3_FIELD, 16383},
    {"or", CM_X_OR, 0},
    {"outbound", CM_X_BOUND, 0},
    {"pim", CM_X_PROTOCOL, CM_P_PIM},
    {"port", CM_X_PORT, 0},
    {"portrange", CM_X_PORTRANGE, 0},
    {"ppp", CM_X_PROTOCOL, CM_P_LINK},
    {"pppoed", CM_X_PPPOED, 0},
    {"pppoes", CM_X_PPPOES, 0xffff},
    {"proto", CM_X_PROTO, 0},
    {"protochain", CM_X_PROTOCHAIN, 0},
    {"psnp", CM_X_PROTOCOL, CM_P_ISIS_PART},
    {"ra", CM_X_DIRECTION, CM_D_ADDRESS},
    {"radio", CM_X_PROTOCOL, CM_P_RADIO},
    {"rarp", CM_X_PROTOCOL, CM_P_RARP},
    {"reason", CM_X_PF_REASON, 0},
    {"rnr", CM_X_PF_NUMBER, 0},
    {"rset", CM_X_PF_NAME, 0},
    {"rulenum", CM_X_PF_NUMBER, 0},
    {"ruleset", CM_X_PF_NAME, 0},
    {"sc", CM_X_ATM_TYPE, 0},
    {"sca", CM_X_PROTOCOL, CM_P_SCA},
    {"sctp", CM_X_PROTOCOL, CM_P_SCTP},
    {"sio", CM_X_MTP3_FIELD, 255},
    {"slip", CM_X_PROTOCOL, CM_P_LINK},
    {"sls", CM_X_MTP3_FIELD, 15},
    {"snp", CM_X_PROTOCOL, CM_P_ISIS_PART},
    {"src", CM_X_DIRECTION, CM_D_SRC},
    {"srnr", CM_X_PF_NUMBER, 1},
    {"stp", CM_X_PROTOCOL, CM_P_STP},
    {"subrulenum", CM_X_PF_NUMBER, 1},
    {"subtype", CM_X_SUBTYPE, 0},
    {"ta", CM_X_DIRECTION, CM_D_ADDRESS},
    {"tcp", CM_X_PROTOCOL, CM_P_TCP},
    {"tcp-ack", CM_X_NUMBER, 0x10},
    {"tcp-cwr", CM_X_NUMBER, 0x80},
    {"tcp-ece", CM_X_NUMBER, 0x40},
    {"tcp-fin", CM_X_NUMBER, 0x01},
    {"tcp-push", CM_X_NUMBER, 0x08},
    {"tcp-rst", CM_X_NUMBER, 0x04},
    {"tcp-syn", CM_X_NUMBER, 0x02},
    {"tcp-urg", CM_X_NUMBER, 0x20},
    {"tcpflags", CM_X_NUMBER, 13},
    {"tr", CM_X_PROTOCOL, CM_P_LINK},
    {"type", CM_X_TYPE, 0},
    {"udp", CM_X_PROTOCOL, CM_P_UDP},
    {"vci", CM_X_ATM_FIELD, 0},
    {"vlan", CM_X_VLAN, 4095},
    {"vpi", CM_X_ATM_FIELD, 0},
    {"vrrp", CM_X_PROTOCOL, CM_P_VRRP},
    {"wlan", CM_X_PROTOCOL, CM_P_LINK},
};

const struct cm_expression_word *cm_expression_word_find(const char *text, size_t n)
{
    size_t low = 0, high = sizeof(words) / sizeof(words[0]);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strncmp(words[middle].text, text, n);

        if (order == 0 && words[middle].text[n] == '\0')
            return &words[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle; /* also a longer word that begins so */
    }
    return NULL;
}

/* Names in one string, each between blanks; those of one number stand in one group. */
static const char *const name_tables[] = {
    [CM_NAMES_80211_TYPE] = " data mgt management ctl control ",
    [CM_NAMES_80211_MANAGEMENT] =
        " assocreq assoc-req assocresp assoc-resp reassocreq reassoc-req reassocresp reassoc-resp probereq "
        "probe-req proberesp probe-resp beacon atim disassoc disassociation auth authentication deauth "
        "deauthentication ",
    [CM_NAMES_80211_CONTROL] = " ps-poll rts cts ack cf-end cf-end-ack ",
    [CM_NAMES_80211_DATA] =
        " data data-cf-ack data-cf-poll data-cf-ack-poll null cf-ack cf-poll cf-ack-poll qos-data "
        "qos-data-cf-ack qos-data-cf-poll qos-data-cf-ack-poll qos qos-cf-poll qos-cf-ack-poll ",
    [CM_NAMES_80211_DIR] = " nods tods fromds dstods ",
    [CM_NAMES_LLC] = " i s u rr rnr rej ui ua disc dm sabme test xid frmr ",
    [CM_NAMES_PF_REASON] =
        " match bad-offset fragment short normalize memory bad-timestamp congestion "
        "ip-option proto-cksum state-mismatch state-insert state-limit src-limit synproxy ",
    [CM_NAMES_PF_ACTION] = " pass accept drop block scrub noscrub nat nonat binat nobinat rdr nordr "
                           "synproxy-drop ",
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

int cm_expression_name_find(enum cm_expression_names names, const char *text, size_t n)
{
    int number = 0;

    for (const char *name = name_tables[names] + 1; *name != '\0'; number++) {
        size_t length = strcspn(name, " "), i = 0;

        while (i < n && i < length && lower(text[i]) == name[i])
            i++;
        if (i == n && i == length)
            return number;
        name += length + 1;
    }
    return -1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Names of registered numbers. The tables hold what shows up in captures, not whole registries. */
#include "wire/names.h"

#include <string.h>

#include "base/checked.h"
#include "base/digits.h"
#include "base/quantity.h"
#include "wire/numbers.h"

struct name {
    uint16_t number;
    const char *text;
};

/* Both ascend, for the search. */
static const struct name protocols[] = {
    {0, "hopopt"},     {1, "icmp"},      {2, "igmp"},       {4, "ipip"},     {5, "st"},     {6, "tcp"},
    {8, "egp"},        {9, "igp"},       {12, "pup"},       {17, "udp"},     {22, "idp"},   {27, "rdp"},
    {33, "dccp"},      {41, "ipv6"},     {43, "route6"},    {44, "frag6"},   {46, "rsvp"},  {47, "gre"},
    {50, "esp"},       {51, "ah"},       {58, "icmpv6"},    {59, "nonext6"}, {60, "opts6"}, {88, "eigrp"},
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

/* Beside ours. */
static const struct name other_protocols[] = {
    {CM_PROTOCOL_ICMP, "icmp4"},
    {CM_PROTOCOL_ICMPV6, "icmp6"},
    {CM_PROTOCOL_ICMPV6, "ipv6-icmp"},
};

static bool find_protocol(const struct name *names, size_t n_names, const char *text, size_t n,
                          uint8_t *protocol_ret)
{
    for (size_t i = 0; i < n_names; i++) {
        if (cm_is_word(text, n, names[i].text)) {
            *protocol_ret = (uint8_t)names[i].number;
            return true;
        }
    }
    return false;
}

bool cm_wire_protocol_parse(const char *text, size_t n, uint8_t *protocol_ret, struct cm_text_fault *fault)
{
    static const struct cm_number_limit limit = {UINT8_MAX, "a number beyond 255"};
    uint64_t number;

    if (n == 0)
        return cm_text_fault_at(fault, 0, "expected a name or a number");
    if (cm_is_digit(text[0])) {
        if (!cm_number_parse(text, n, &limit, &number, fault))
            return false;
        *protocol_ret = (uint8_t)number;
        return true;
    }
    if (find_protocol(protocols, CM_ARRAY_COUNT(protocols), text, n, protocol_ret) ||
        find_protocol(other_protocols, CM_ARRAY_COUNT(other_protocols), text, n, protocol_ret))
        return true;
    return cm_text_fault_at(fault, 0, "a name that is not known; numbers from 0 to 255 are taken too");
}

bool cm_wire_ports_parse(const char *text, size_t n, uint16_t *first_ret, uint16_t *last_ret,
                         struct cm_text_fault *fault)
{
    static const struct cm_number_limit limit = {UINT16_MAX, "a number beyond 65535"};
    uint64_t first, last;

    if (!cm_range_parse(text, n, &limit, &first, &last, fault))
        return false;
    *first_ret = (uint16_t)first;
    *last_ret = (uint16_t)last;
    return true;
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

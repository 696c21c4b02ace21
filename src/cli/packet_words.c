/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints, protocol numbers and TCP flags to text. */
#include "cli/packet_words.h"

#include <stdio.h>

#include "base/address_text.h"
#include "base/checked.h"

const char *cm_address_text(uint8_t ip_version, const uint8_t *address, char text_ret[CM_ADDRESS_TEXT_BYTES])
{
    if (ip_version == 4)
        cm_ipv4_text(address, text_ret);
    else
        cm_ipv6_text(address, text_ret);
    return text_ret;
}

const char *cm_endpoint_text(uint8_t ip_version, const uint8_t *address, uint8_t protocol, uint16_t port,
                             char text_ret[CM_ENDPOINT_TEXT_BYTES])
{
    char text[CM_ADDRESS_TEXT_BYTES];

    cm_address_text(ip_version, address, text);
    if (!cm_protocol_has_ports(protocol))
        snprintf(text_ret, CM_ENDPOINT_TEXT_BYTES, "%s", text);
    else
        snprintf(text_ret, CM_ENDPOINT_TEXT_BYTES, ip_version == 4 ? "%s:%u" : "[%s]:%u", text, port);
    return text_ret;
}

/* Assigned Internet Protocol Numbers; those that captures are full of. */
static const struct {
    uint8_t number;
    bool has_ports;
    const char *name;
} protocols[] = {
    {1, false, "icmp"},  {2, false, "igmp"},   {4, false, "ipip"},    {6, true, "tcp"},
    {17, true, "udp"},   {33, true, "dccp"},   {41, false, "ipv6"},   {47, false, "gre"},
    {50, false, "esp"},  {51, false, "ah"},    {58, false, "icmpv6"}, {89, false, "ospf"},
    {103, false, "pim"}, {112, false, "vrrp"}, {132, true, "sctp"},   {136, true, "udplite"},
};

bool cm_protocol_has_ports(uint8_t protocol)
{
    for (size_t i = 0; i < CM_ARRAY_COUNT(protocols); i++) {
        if (protocols[i].number == protocol)
            return protocols[i].has_ports;
    }
    return false;
}

const char *cm_protocol_text(uint8_t protocol, char text_ret[CM_PROTOCOL_TEXT_BYTES])
{
    for (size_t i = 0; i < CM_ARRAY_COUNT(protocols); i++) {
        if (protocols[i].number == protocol)
            return protocols[i].name;
    }
    snprintf(text_ret, CM_PROTOCOL_TEXT_BYTES, "%u", protocol);
    return text_ret;
}

const char *cm_tcp_flags_text(uint8_t flags, char text_ret[CM_TCP_FLAGS_TEXT_BYTES])
{
    /* RFC 9293 section 3.1, bit 0 first */
    static const char *const names[8] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
    size_t used = 0;

    text_ret[0] = 0;
    for (unsigned bit = 0; bit < 8; bit++) {
        if ((flags >> bit & 1) != 0)
            used += (size_t)snprintf(text_ret + used, CM_TCP_FLAGS_TEXT_BYTES - used, "%s%s",
                                     used > 0 ? "+" : "", names[bit]);
    }
    return text_ret;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and protocol numbers to text. Names of hosts are never looked up. */
#include "cli/address_text.h"

#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"

static void print_ipv4(const uint8_t *a, char *text, size_t text_bytes)
{
    snprintf(text, text_bytes, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
}

#define N_GROUPS 8

/* RFC 5952 section 4.2: the longest run of two or more zero groups, the first where two are equal, becomes
 * "::". */
static void find_zero_run(const uint16_t groups[N_GROUPS], unsigned *start_ret, unsigned *length_ret)
{
    unsigned start = 0, length = 0;

    for (unsigned i = 0; i < N_GROUPS; i++) {
        unsigned run = 0;
        while (i + run < N_GROUPS && groups[i + run] == 0)
            run++;
        if (run > length) {
            start = i;
            length = run;
        }
    }
    *start_ret = start;
    *length_ret = length >= 2 ? length : 0;
}

static void print_ipv6(const uint8_t *a, char text_ret[CM_ADDRESS_TEXT_BYTES])
{
    static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};
    uint16_t groups[N_GROUPS];
    unsigned run_start, run_length;
    size_t used = 0;

    if (memcmp(a, mapped_prefix, sizeof(mapped_prefix)) == 0) {
        memcpy(text_ret, "::ffff:", 7);
        print_ipv4(a + sizeof(mapped_prefix), text_ret + 7, CM_ADDRESS_TEXT_BYTES - 7);
        return;
    }
    for (unsigned i = 0; i < N_GROUPS; i++)
        groups[i] = cm_load_be16(a + 2 * i);
    find_zero_run(groups, &run_start, &run_length);
    for (unsigned i = 0; i < N_GROUPS;) {
        if (run_length > 0 && i == run_start) {
            used += (size_t)snprintf(text_ret + used, CM_ADDRESS_TEXT_BYTES - used, "::");
            i += run_length;
            continue;
        }
        used +=
            (size_t)snprintf(text_ret + used, CM_ADDRESS_TEXT_BYTES - used, "%s%x",
                             i > 0 && !(run_length > 0 && i == run_start + run_length) ? ":" : "", groups[i]);
        i++;
    }
}

const char *cm_address_text(uint8_t ip_version, const uint8_t *address, char text_ret[CM_ADDRESS_TEXT_BYTES])
{
    if (ip_version == 4)
        print_ipv4(address, text_ret, CM_ADDRESS_TEXT_BYTES);
    else
        print_ipv6(address, text_ret);
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

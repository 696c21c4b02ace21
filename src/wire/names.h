/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of packet headers as people write and read them: protocols, ports, Ethernet types, TCP flags.
 * Addresses: base/address_text.h and address_parse.h. Any thread. */
#ifndef CM_WIRE_NAMES_H
#define CM_WIRE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text_fault.h"

/* Room for the text and its final zero. */
#define CM_WIRE_TCP_FLAGS_TEXT 9

/* Short lower-case names ("tcp", "icmpv6", "vlan"); NULL where we have none. */
const char *cm_wire_protocol_name(uint8_t protocol);
const char *cm_wire_eth_type_name(uint16_t eth_type);

/* `n` bytes at `text`, whole. On failure false, *_ret are left alone, and `fault` (may be NULL) says where and why.
 * An IP protocol: a number, a name of ours or another usual one, in any case: "17", "TCP", "icmp6", "ipv6-icmp". */
bool cm_wire_protocol_parse(const char *text, size_t n, uint8_t *protocol_ret, struct cm_text_fault *fault);
/* "443", "1024-2047" */
bool cm_wire_ports_parse(const char *text, size_t n, uint16_t *first_ret, uint16_t *last_ret,
                         struct cm_text_fault *fault);

/* tcpdump's letters in its order, F S R P . U E W, the dot for ACK; "none". Returns the length. */
size_t cm_wire_format_tcp_flags(uint8_t tcp_flags, char text_ret[CM_WIRE_TCP_FLAGS_TEXT]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of packet headers as people write them: protocols, Ethernet types, link types, TCP flags,
 * addresses. Not for reading such texts (filters do that). Any thread. */
#ifndef CM_WIRE_NAMES_H
#define CM_WIRE_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Room for the text and its final zero. */
#define CM_WIRE_IPV4_TEXT      16
#define CM_WIRE_IPV6_TEXT      46
#define CM_WIRE_TCP_FLAGS_TEXT 9

/* Short lower-case names ("tcp", "icmp6", "vlan"); NULL where we have none. */
const char *cm_wire_protocol_name(uint8_t protocol);
const char *cm_wire_eth_type_name(uint16_t eth_type);

/* tcpdump's letters in its order, F S R P . U E W, the dot for ACK; "none". Returns the length. */
size_t cm_wire_format_tcp_flags(uint8_t tcp_flags, char text_ret[CM_WIRE_TCP_FLAGS_TEXT]);

/* Addresses in network order. IPv6 in the one form of RFC 5952; IPv4-mapped ones with their dotted part.
 * Returns the length. */
size_t cm_wire_format_ipv4(const uint8_t address[4], char text_ret[CM_WIRE_IPV4_TEXT]);
size_t cm_wire_format_ipv6(const uint8_t address[16], char text_ret[CM_WIRE_IPV6_TEXT]);

#endif

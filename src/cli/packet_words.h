/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, endpoints and protocol numbers as people read them. */
#ifndef CM_CLI_PACKET_WORDS_H
#define CM_CLI_PACKET_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#define CM_ADDRESS_TEXT_BYTES   48 /* 8 groups of 4 digits, or ::ffff: and an IPv4 address */
#define CM_ENDPOINT_TEXT_BYTES  64 /* "[ADDRESS]:65535" */
#define CM_PROTOCOL_TEXT_BYTES  16
#define CM_TCP_FLAGS_TEXT_BYTES 40

/* Dotted decimal, or IPv6 as RFC 5952 has it. `address` is 4 or 16 bytes in network order. */
const char *cm_address_text(uint8_t ip_version, const uint8_t *address, char text_ret[CM_ADDRESS_TEXT_BYTES]);
/* With the port where the protocol has ports. */
const char *cm_endpoint_text(uint8_t ip_version, const uint8_t *address, uint8_t protocol, uint16_t port,
                             char text_ret[CM_ENDPOINT_TEXT_BYTES]);
bool cm_protocol_has_ports(uint8_t protocol);
/* "tcp", or the number. */
const char *cm_protocol_text(uint8_t protocol, char text_ret[CM_PROTOCOL_TEXT_BYTES]);
/* "SYN+ACK"; "" where none is set. */
const char *cm_tcp_flags_text(uint8_t flags, char text_ret[CM_TCP_FLAGS_TEXT_BYTES]);

#endif

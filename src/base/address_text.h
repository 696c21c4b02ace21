/* SPDX-License-Identifier: Apache-2.0 */
/* Network addresses as text. Names of hosts are never looked up. Not for reading such texts. Any thread. */
#ifndef CM_BASE_ADDRESS_TEXT_H
#define CM_BASE_ADDRESS_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Room for the text and its final zero. */
#define CM_IPV4_TEXT_BYTES 16
#define CM_IPV6_TEXT_BYTES 46

/* Addresses in network order. IPv6 in the one form of RFC 5952; IPv4-mapped ones with their dotted part.
 * Returns the length. */
size_t cm_ipv4_text(const uint8_t address[4], char text_ret[CM_IPV4_TEXT_BYTES]);
size_t cm_ipv6_text(const uint8_t address[16], char text_ret[CM_IPV6_TEXT_BYTES]);

#endif

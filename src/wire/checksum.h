/* SPDX-License-Identifier: Apache-2.0 */
/* Sums that packets carry: the Internet checksum (RFC 1071) of IPv4, TCP, UDP, ICMP and ICMPv6, and SCTP's
 * CRC32c. Callers have checked that the bytes are there. Results are numbers in host order, to be stored big
 * endian (SCTP's little endian); the `fill` functions do that. Any thread. */
#ifndef CM_WIRE_CHECKSUM_H
#define CM_WIRE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One's complement sum of big-endian 16-bit words (an odd last byte is a high half), folded to 16 bits and
 * added to `seed`, which is another such sum or a few: an intermediate result, not inverted. */
uint32_t cm_wire_sum(const uint8_t *bytes, size_t n, uint32_t seed);
/* The checksum: the inverted sum, folded. 0 says that bytes which contain their checksum are right. */
uint16_t cm_wire_checksum(const uint8_t *bytes, size_t n, uint32_t seed);

/* Over an IPv4 header by its own length, at least 20 bytes; what its checksum field holds does not count. */
uint16_t cm_wire_checksum_ipv4(const uint8_t *header);
void cm_wire_fill_ipv4(uint8_t *header);
bool cm_wire_verify_ipv4(const uint8_t *header);

/* Where the checksum stands in a header of `protocol`: TCP, UDP, UDP-Lite, DCCP, ICMP, ICMPv6; 0 for all
 * others. */
unsigned cm_wire_checksum_at(uint8_t protocol);
/* Sum of the pseudo header (RFC 9293, section 3.1; RFC 8200, section 8.1) to seed the sum of the transport:
 * addresses of the IPv4 or IPv6 header at `ip`, told by its version. With a routing header not yet used up
 * the last address counts, which is the caller's to put there. */
uint32_t cm_wire_sum_pseudo(const uint8_t *ip, uint8_t protocol, uint32_t l4_bytes);
/* Checksum of the whole transport packet l4[0..n), not of a fragment; `ip` is its IPv4 or IPv6 header. What
 * the checksum field holds does not count. UDP's 0 comes as 0xffff. For protocols of cm_wire_checksum_at
 * alone; `n` reaches past the field. UDP-Lite and DCCP sum what their coverage field says. */
uint16_t cm_wire_checksum_l4(const uint8_t *ip, uint8_t protocol, const uint8_t *l4, size_t n);
/* The same with the sum of the pseudo header given: of addresses, protocol and length (ICMP: 0). */
uint16_t cm_wire_checksum_l4_seeded(uint32_t seed, uint8_t protocol, const uint8_t *l4, size_t n);
/* How many of `n` bytes the checksum covers, its pseudo header apart: UDP-Lite and DCCP say so themselves. At
 * least up to the end of its field. */
size_t cm_wire_coverage(uint8_t protocol, const uint8_t *l4, size_t n);
void cm_wire_fill_l4(const uint8_t *ip, uint8_t protocol, uint8_t *l4, size_t n);
/* True also for UDP over IPv4 that carries no checksum (0). */
bool cm_wire_verify_l4(const uint8_t *ip, uint8_t protocol, const uint8_t *l4, size_t n);

/* Continues from `before`, the value of the bytes in front; 0 to begin. */
uint32_t cm_wire_crc32c(const uint8_t *bytes, size_t n, uint32_t before);
/* SCTP packets, at least 12 bytes; what the checksum field holds does not count. */
uint32_t cm_wire_checksum_sctp(const uint8_t *sctp, size_t n);
void cm_wire_fill_sctp(uint8_t *sctp, size_t n);
bool cm_wire_verify_sctp(const uint8_t *sctp, size_t n);

#endif

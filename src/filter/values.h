/* SPDX-License-Identifier: Apache-2.0 */
/* The words of rules as numbers: one value each, strictly, with the place of the mistake. Lists and what
 * rules do with the numbers: rules_set.h; ports: wire/names.h. Any thread. */
#ifndef CM_FILTER_VALUES_H
#define CM_FILTER_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text_fault.h"

/* All take `n` bytes at `text`, whole; on failure they answer false, leave *_ret alone and say in `fault` (may
 * be NULL) where and why. */

/* What a protocol rule may name: an IP protocol in packets of either or one IP version, or ARP. */
enum cm_value_protocol_kind { CM_VALUE_PROTOCOL, CM_VALUE_ARP, CM_VALUE_IPV4, CM_VALUE_IPV6 };
struct cm_value_protocol {
    enum cm_value_protocol_kind kind;
    uint8_t number; /* of CM_VALUE_PROTOCOL */
};
/* "tcp", "17", "icmp6", "arp", "ip", "ip6"; any case. */
bool cm_value_protocol(const char *text, size_t n, struct cm_value_protocol *protocol_ret,
                       struct cm_text_fault *fault);

/* 16 hexadecimal digits. */
bool cm_value_flow_id(const char *text, size_t n, uint64_t *id_ret, struct cm_text_fault *fault);

/* RFC 3339, or epoch milliseconds where there is nothing but digits; *is_number_ret says which. */
bool cm_value_time(const char *text, size_t n, uint64_t *time_ns_ret, bool *is_number_ret,
                   struct cm_text_fault *fault);

/* A packet's TCP flags match where (flags & mask) == wanted, or with `any` where (flags & mask) != 0. */
struct cm_value_tcp_flags {
    uint8_t mask, wanted;
    bool any;
};
/* "SYN+ACK", "SYN+FIN:any", "SYN:exact", "NONE"; any case. */
bool cm_value_tcp_flags(const char *text, size_t n, struct cm_value_tcp_flags *flags_ret,
                        struct cm_text_fault *fault);
static inline bool cm_value_tcp_flags_match(const struct cm_value_tcp_flags *flags, uint8_t tcp_flags)
{
    return flags->any ? (tcp_flags & flags->mask) != 0 : (tcp_flags & flags->mask) == flags->wanted;
}

bool cm_value_length(const char *text, size_t n, uint64_t *bytes_ret, struct cm_text_fault *fault);

/* Hexadecimal bytes, perhaps after 0x, perhaps with spaces or colons between them: "de ad be ef". Writes at
 * most n / 2 bytes. */
bool cm_value_bytes(const char *text, size_t n, uint8_t *bytes_ret, size_t *n_ret,
                    struct cm_text_fault *fault);

/* The next element of a list with commas, without the blanks around it, from *at on, which moves behind it.
 * False at the end; an empty list has one empty element. Begin with *at = 0. */
bool cm_value_next(const char *list, size_t *at, const char **text_ret, size_t *n_ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Network addresses, prefixes and hardware addresses from text, strictly: nothing is looked up, nothing is
 * guessed. The other way: address_text.h. Any thread. */
#ifndef CM_BASE_ADDRESS_PARSE_H
#define CM_BASE_ADDRESS_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text_fault.h"

/* Network order; the first 4 or all 16 bytes, the others 0. */
struct cm_address {
    uint8_t version; /* 4 or 6 */
    uint8_t bytes[16];
};

struct cm_prefix {
    struct cm_address address; /* no bits beyond n_bits are set */
    uint8_t n_bits;            /* at most 32 or 128 */
};

/* All take `n` bytes at `text`, whole and with nothing around them. On failure they answer false, leave *_ret
 * alone (but see cm_prefix_parse) and say in `fault` (may be NULL) where and why. */

/* "10.0.0.1": four decimal numbers without leading zeros. "2001:db8::1": RFC 4291, section 2.2, any case, no
 * zone. "::ffff:10.0.0.1" is the IPv4 address. */
bool cm_address_parse(const char *text, size_t n, struct cm_address *address_ret,
                      struct cm_text_fault *fault);
/* An address, or an address and its number of bits: "10.0.0.0/8". "::ffff:10.0.0.0/104" is "10.0.0.0/8"; with
 * fewer than 96 bits it would be no IPv4 prefix and stays IPv6. Where bits beyond the prefix are set, the
 * fault's text is cm_prefix_beyond and *prefix_ret the prefix without them, for the refusal to name. */
bool cm_prefix_parse(const char *text, size_t n, struct cm_prefix *prefix_ret, struct cm_text_fault *fault);
extern const char cm_prefix_beyond[];
/* Six pairs of hexadecimal digits, parted by ':' or by '-'. */
bool cm_mac_parse(const char *text, size_t n, uint8_t mac_ret[6], struct cm_text_fault *fault);

#define CM_PREFIX_TEXT_BYTES 52 /* an IPv6 address, '/', three digits, the final zero */
/* "10.0.0.0/8"; a whole address stands without its length. Returns the length of the text. */
size_t cm_prefix_text(const struct cm_prefix *prefix, char text_ret[CM_PREFIX_TEXT_BYTES]);

#endif

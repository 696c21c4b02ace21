/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses from text. Written out, because what systems bring for it differs in what it accepts (leading
 * zeros, fewer than four numbers, zones) and never says where the mistake is. */
#include "base/address_parse.h"

#include <stdio.h>
#include <string.h>

#include "base/address_text.h"
#include "base/digits.h"

const char cm_prefix_beyond[] = "bits beyond the prefix are set";

/* A text that is read from left to right. */
struct cursor {
    const char *text;
    size_t n;
    size_t at;
    struct cm_text_fault *fault;
};

/* The character at the cursor; 0 at the end, which no address contains. */
static char peek(const struct cursor *cursor)
{
    return cursor->at < cursor->n ? cursor->text[cursor->at] : 0;
}

static bool fail(struct cursor *cursor, size_t at, const char *what)
{
    return cm_text_fault_at(cursor->fault, at, what);
}

/* A decimal number to `most`, without leading zeros: some programs take those for octal. */
static bool take_decimal(struct cursor *cursor, unsigned most, const char *too_large, unsigned *value_ret)
{
    const size_t start = cursor->at;
    unsigned value = 0;

    if (!cm_is_digit(peek(cursor)))
        return fail(cursor, start, "expected a digit");
    for (; cm_is_digit(peek(cursor)); cursor->at++) {
        value = value * 10 + (unsigned)(peek(cursor) - '0');
        if (value > most)
            return fail(cursor, start, too_large);
    }
    if (cursor->text[start] == '0' && cursor->at > start + 1)
        return fail(cursor, start, "a number with a leading zero");
    *value_ret = value;
    return true;
}

static bool take_ipv4(struct cursor *cursor, uint8_t bytes_ret[4])
{
    for (int i = 0; i < 4; i++) {
        unsigned value;

        if (i > 0) {
            if (peek(cursor) != '.')
                return fail(cursor, cursor->at, "expected four numbers with points between them");
            cursor->at++;
        }
        if (!take_decimal(cursor, 255, "a number beyond 255", &value))
            return false;
        bytes_ret[i] = (uint8_t)value;
    }
    return true;
}

/* Whether what follows is decimal digits and a point: the dotted end of an IPv6 address. */
static bool is_dotted(const struct cursor *cursor)
{
    size_t at = cursor->at;

    while (at < cursor->n && cm_is_digit(cursor->text[at]))
        at++;
    return at > cursor->at && at < cursor->n && cursor->text[at] == '.';
}

static bool take_group(struct cursor *cursor, uint8_t bytes_ret[2])
{
    const size_t start = cursor->at;
    unsigned value = 0;

    for (; cm_hex_value(peek(cursor)) >= 0; cursor->at++) {
        if (cursor->at == start + 4)
            return fail(cursor, start, "a group of more than four hexadecimal digits");
        value = value << 4 | (unsigned)cm_hex_value(peek(cursor));
    }
    if (cursor->at == start)
        return fail(cursor, start, "expected a hexadecimal digit");
    bytes_ret[0] = (uint8_t)(value >> 8);
    bytes_ret[1] = (uint8_t)value;
    return true;
}

#define NO_GAP 16u

/* Groups up to the end of the address or to what is none of it, which the caller finds. */
static bool take_ipv6(struct cursor *cursor, uint8_t bytes_ret[16])
{
    uint8_t bytes[16] = {0};
    unsigned n = 0, gap = NO_GAP; /* where :: stands */

    if (peek(cursor) == ':' && cursor->at + 1 < cursor->n && cursor->text[cursor->at + 1] == ':') {
        gap = 0;
        cursor->at += 2;
    }
    while (gap != n || cm_hex_value(peek(cursor)) >= 0) {
        const size_t start = cursor->at;

        if (n == 16 || (gap != NO_GAP && n == 14))
            return fail(cursor, start, "more than eight groups");
        if (is_dotted(cursor)) {
            if (n + 4 > 16 || (gap != NO_GAP && n + 4 > 14))
                return fail(cursor, start, "more than eight groups");
            if (!take_ipv4(cursor, bytes + n))
                return false;
            n += 4;
            break;
        }
        if (!take_group(cursor, bytes + n))
            return false;
        n += 2;
        if (peek(cursor) != ':')
            break;
        cursor->at++;
        if (peek(cursor) == ':') {
            if (gap != NO_GAP)
                return fail(cursor, cursor->at - 1, "a second ::");
            if (n == 16)
                return fail(cursor, cursor->at - 1, "more than eight groups");
            gap = n;
            cursor->at++;
        }
    }
    if (gap == NO_GAP && n < 16)
        return fail(cursor, cursor->at, "fewer than eight groups, and no ::");
    if (gap == NO_GAP)
        gap = 16;
    memset(bytes_ret, 0, 16);
    memcpy(bytes_ret, bytes, gap);
    memcpy(bytes_ret + 16 - (n - gap), bytes + gap, n - gap);
    return true;
}

/* Either family, up to what belongs to no address; mapped addresses stay IPv6 here. */
static bool take_address(struct cursor *cursor, struct cm_address *address_ret)
{
    const char *text = cursor->text + cursor->at;
    const size_t n = cursor->n - cursor->at;

    memset(address_ret, 0, sizeof(*address_ret));
    if (n == 0)
        return fail(cursor, cursor->at, "expected an address");
    if (memchr(text, ':', n) == NULL) {
        address_ret->version = 4;
        return take_ipv4(cursor, address_ret->bytes);
    }
    address_ret->version = 6;
    return take_ipv6(cursor, address_ret->bytes);
}

static bool take_end(struct cursor *cursor, const char *what)
{
    if (cursor->at == cursor->n)
        return true;
    if (peek(cursor) == '%')
        return fail(cursor, cursor->at, "a zone, which no packet carries");
    return fail(cursor, cursor->at, what);
}

static bool is_mapped(const struct cm_address *address)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

    return address->version == 6 && memcmp(address->bytes, mapped, sizeof(mapped)) == 0;
}

static void unmap(struct cm_address *address)
{
    address->version = 4;
    memcpy(address->bytes, address->bytes + 12, 4);
    memset(address->bytes + 4, 0, 12);
}

bool cm_address_parse(const char *text, size_t n, struct cm_address *address_ret, struct cm_text_fault *fault)
{
    struct cursor cursor = {text, n, 0, fault};
    struct cm_address address;

    if (!take_address(&cursor, &address) || !take_end(&cursor, "expected the end of the address"))
        return false;
    if (is_mapped(&address))
        unmap(&address);
    *address_ret = address;
    return true;
}

/* Clears the bits from `n_bits` on. True where there were none. */
static bool clear_beyond(uint8_t bytes[16], unsigned n_bits)
{
    bool none = true;

    for (unsigned i = n_bits / 8; i < 16; i++) {
        const uint8_t kept = i == n_bits / 8 ? (uint8_t)(0xff00 >> n_bits % 8) : 0;

        none &= (bytes[i] & (uint8_t)~kept) == 0;
        bytes[i] &= kept;
    }
    return none;
}

bool cm_prefix_parse(const char *text, size_t n, struct cm_prefix *prefix_ret, struct cm_text_fault *fault)
{
    struct cursor cursor = {text, n, 0, fault};
    struct cm_prefix prefix;
    size_t length_at = n;
    unsigned n_bits;
    bool is_whole;

    if (!take_address(&cursor, &prefix.address))
        return false;
    n_bits = prefix.address.version == 4 ? 32 : 128;
    if (peek(&cursor) == '/') {
        length_at = ++cursor.at;
        if (!take_decimal(&cursor, n_bits,
                          n_bits == 32 ? "a prefix of more than 32 bits" : "a prefix of more than 128 bits",
                          &n_bits))
            return false;
    }
    if (!take_end(&cursor, length_at < n ? "expected the end of the prefix" : "expected / or the end"))
        return false;
    if (is_mapped(&prefix.address) && n_bits >= 96) {
        unmap(&prefix.address);
        n_bits -= 96;
    }
    is_whole = clear_beyond(prefix.address.bytes, n_bits);
    prefix.n_bits = (uint8_t)n_bits;
    *prefix_ret = prefix;
    return is_whole || cm_text_fault_at(fault, length_at, cm_prefix_beyond);
}

bool cm_mac_parse(const char *text, size_t n, uint8_t mac_ret[6], struct cm_text_fault *fault)
{
    struct cursor cursor = {text, n, 0, fault};
    uint8_t mac[6];
    char between = ':';

    for (unsigned i = 0; i < 6; i++) {
        unsigned value = 0;

        if (i == 1 && peek(&cursor) == '-')
            between = '-';
        if (i > 0) {
            if (peek(&cursor) != between)
                return fail(&cursor, cursor.at,
                            "expected six pairs of hexadecimal digits with : or - between them");
            cursor.at++;
        }
        for (unsigned digit = 0; digit < 2; digit++, cursor.at++) {
            if (cm_hex_value(peek(&cursor)) < 0)
                return fail(&cursor, cursor.at, "expected a hexadecimal digit");
            value = value << 4 | (unsigned)cm_hex_value(peek(&cursor));
        }
        mac[i] = (uint8_t)value;
    }
    if (cursor.at < n)
        return fail(&cursor, cursor.at, "expected the end of the address");
    memcpy(mac_ret, mac, sizeof(mac));
    return true;
}

size_t cm_prefix_text(const struct cm_prefix *prefix, char text_ret[CM_PREFIX_TEXT_BYTES])
{
    const bool is_ipv4 = prefix->address.version == 4;
    size_t n = is_ipv4 ? cm_ipv4_text(prefix->address.bytes, text_ret)
                       : cm_ipv6_text(prefix->address.bytes, text_ret);

    if (prefix->n_bits < (is_ipv4 ? 32 : 128))
        n += (size_t)snprintf(text_ret + n, CM_PREFIX_TEXT_BYTES - n, "/%u", prefix->n_bits);
    return n;
}

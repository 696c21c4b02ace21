/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a rule from its text. */
#include "filter/values.h"

#include <string.h>

#include "base/checked.h"
#include "base/digits.h"
#include "base/quantity.h"
#include "base/time_text.h"
#include "wire/names.h"

#define NS_PER_MS UINT64_C(1000000)

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* --- protocols --- */

struct protocol_word {
    const char *word;
    enum cm_value_protocol_kind kind;
};

/* What is no IP protocol. */
static const struct protocol_word protocol_words[] = {
    {"arp", CM_VALUE_ARP},   {"ip", CM_VALUE_IPV4},  {"ip4", CM_VALUE_IPV4},
    {"ipv4", CM_VALUE_IPV4}, {"ip6", CM_VALUE_IPV6},
};

bool cm_value_protocol(const char *text, size_t n, struct cm_value_protocol *protocol_ret,
                       struct cm_text_fault *fault)
{
    uint8_t number = 0;

    for (size_t i = 0; i < CM_ARRAY_COUNT(protocol_words); i++) {
        if (cm_is_word(text, n, protocol_words[i].word)) {
            *protocol_ret = (struct cm_value_protocol){protocol_words[i].kind, 0};
            return true;
        }
    }
    /* the number's own name would be protocol 41, which is not what most people mean */
    if (cm_is_word(text, n, "ipv6"))
        return cm_text_fault_at(fault, 0, "ip6 is IP version 6, 41 is IPv6 inside IP; expected one of them");
    if (!cm_wire_protocol_parse(text, n, &number, fault))
        return false;
    *protocol_ret = (struct cm_value_protocol){CM_VALUE_PROTOCOL, number};
    return true;
}

/* --- flow ids, lengths --- */

bool cm_value_flow_id(const char *text, size_t n, uint64_t *id_ret, struct cm_text_fault *fault)
{
    uint64_t id = 0;

    for (size_t i = 0; i < n; i++) {
        if (cm_hex_value(text[i]) < 0)
            return cm_text_fault_at(fault, i, "expected a hexadecimal digit");
        if (i == 16)
            return cm_text_fault_at(fault, i, "more than 16 hexadecimal digits");
        id = id << 4 | (uint64_t)cm_hex_value(text[i]);
    }
    if (n < 16)
        return cm_text_fault_at(fault, n, "fewer than 16 hexadecimal digits");
    *id_ret = id;
    return true;
}

bool cm_value_length(const char *text, size_t n, uint64_t *bytes_ret, struct cm_text_fault *fault)
{
    static const struct cm_number_limit limit = {UINT64_MAX, "the number is too large"};

    return cm_number_parse(text, n, &limit, bytes_ret, fault);
}

/* --- times --- */

bool cm_value_time(const char *text, size_t n, uint64_t *time_ns_ret, bool *is_number_ret,
                   struct cm_text_fault *fault)
{
    char copy[64]; /* longer than any time */
    size_t n_digits = 0;
    uint64_t ms;

    while (n_digits < n && cm_is_digit(text[n_digits]))
        n_digits++;
    if (n_digits > 0 && n_digits == n) {
        static const struct cm_number_limit limit = {UINT64_MAX / NS_PER_MS, "the time lies after 2554"};

        if (!cm_number_parse(text, n, &limit, &ms, fault))
            return false;
        *time_ns_ret = ms * NS_PER_MS;
        *is_number_ret = true;
        return true;
    }
    if (n >= sizeof(copy))
        return cm_text_fault_at(fault, sizeof(copy) - 1, "too long for a time");
    memcpy(copy, text, n);
    copy[n] = 0;
    if (!cm_time_parse(copy, time_ns_ret, fault))
        return false;
    *is_number_ret = false;
    return true;
}

/* --- TCP flags --- */

static const char *const flag_names[8] = {"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"};

static bool flag_of(const char *text, size_t n, uint8_t *flag_ret)
{
    for (unsigned i = 0; i < 8; i++) {
        if (cm_is_word(text, n, flag_names[i])) {
            *flag_ret = (uint8_t)(1u << i);
            return true;
        }
    }
    return false;
}

static size_t word_end(const char *text, size_t n, size_t at)
{
    while (at < n && text[at] != '+' && text[at] != ':')
        at++;
    return at;
}

bool cm_value_tcp_flags(const char *text, size_t n, struct cm_value_tcp_flags *flags_ret,
                        struct cm_text_fault *fault)
{
    struct cm_value_tcp_flags flags = {0, 0, false};
    size_t at = 0, end = word_end(text, n, 0);
    bool is_none = cm_is_word(text, end, "none"), is_exact = is_none;

    for (; !is_none; at = end + 1, end = word_end(text, n, at)) {
        uint8_t flag;

        if (!flag_of(text + at, end - at, &flag))
            return cm_text_fault_at(fault, at, "expected one of FIN, SYN, RST, PSH, ACK, URG, ECE, CWR");
        flags.wanted |= flag;
        if (end == n || text[end] == ':')
            break;
    }
    if (end < n && text[end] == '+')
        return cm_text_fault_at(fault, end, "NONE stands alone");
    if (end < n) {
        if (cm_is_word(text + end + 1, n - end - 1, "exact"))
            is_exact = true;
        else if (cm_is_word(text + end + 1, n - end - 1, "any") && !is_none)
            flags.any = true;
        else
            return cm_text_fault_at(fault, end + 1,
                                    is_none ? "expected exact or nothing" : "expected any or exact");
    }
    flags.mask = is_exact ? 0xff : flags.wanted;
    *flags_ret = flags;
    return true;
}

/* --- bytes --- */

bool cm_value_bytes(const char *text, size_t n, uint8_t *bytes_ret, size_t *n_ret,
                    struct cm_text_fault *fault)
{
    size_t at = 0, n_bytes = 0;

    if (n >= 2 && text[0] == '0' && cm_lower(text[1]) == 'x')
        at = 2;
    while (at < n) {
        if (n_bytes > 0 && (is_blank(text[at]) || text[at] == ':')) {
            at++;
            continue;
        }
        if (cm_hex_value(text[at]) < 0)
            return cm_text_fault_at(fault, at, "expected a hexadecimal digit");
        if (at + 1 >= n || cm_hex_value(text[at + 1]) < 0)
            return cm_text_fault_at(fault, at + 1, "expected the second digit of a byte");
        bytes_ret[n_bytes++] = (uint8_t)(cm_hex_value(text[at]) << 4 | cm_hex_value(text[at + 1]));
        at += 2;
    }
    if (n_bytes == 0)
        return cm_text_fault_at(fault, at, "expected a hexadecimal digit");
    if (text[n - 1] == ':')
        return cm_text_fault_at(fault, n, "expected a byte after the colon");
    *n_ret = n_bytes;
    return true;
}

/* --- lists --- */

bool cm_value_next(const char *list, size_t *at, const char **text_ret, size_t *n_ret)
{
    size_t begin = *at, end;

    if (begin > 0 && list[begin - 1] == 0)
        return false;
    while (is_blank(list[begin]))
        begin++;
    end = begin;
    while (list[end] != 0 && list[end] != ',')
        end++;
    *at = end + 1;
    while (end > begin && is_blank(list[end - 1]))
        end--;
    *text_ret = list + begin;
    *n_ret = end - begin;
    return true;
}

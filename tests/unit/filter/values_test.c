/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a rule: what is taken and what it means, what is refused and where. */
#include "filter/values.h"

#include "base/checked.h"
#include "unit/refused.h"

CM_TEST(filter_values, protocols)
{
    static const struct {
        const char *text;
        int kind;
        unsigned number;
    } taken[] = {
        {"tcp", CM_VALUE_PROTOCOL, 6},
        {"TCP", CM_VALUE_PROTOCOL, 6},
        {"udp", CM_VALUE_PROTOCOL, 17},
        {"icmp", CM_VALUE_PROTOCOL, 1},
        {"icmp6", CM_VALUE_PROTOCOL, 58},
        {"icmpv6", CM_VALUE_PROTOCOL, 58},
        {"ipv6-icmp", CM_VALUE_PROTOCOL, 58},
        {"sctp", CM_VALUE_PROTOCOL, 132},
        {"gre", CM_VALUE_PROTOCOL, 47},
        {"esp", CM_VALUE_PROTOCOL, 50},
        {"ah", CM_VALUE_PROTOCOL, 51},
        {"igmp", CM_VALUE_PROTOCOL, 2},
        {"ospf", CM_VALUE_PROTOCOL, 89},
        {"0", CM_VALUE_PROTOCOL, 0},
        {"255", CM_VALUE_PROTOCOL, 255},
        {"41", CM_VALUE_PROTOCOL, 41},
        {"arp", CM_VALUE_ARP, 0},
        {"ip", CM_VALUE_IPV4, 0},
        {"ip4", CM_VALUE_IPV4, 0},
        {"IPv4", CM_VALUE_IPV4, 0},
        {"ip6", CM_VALUE_IPV6, 0},
    };
    static const char unknown[] = "a name that is not known; numbers from 0 to 255 are taken too";
    static const struct refused refused[] = {
        {"", 0, "expected a name or a number"},
        {"256", 0, "a number beyond 255"},
        {"99999999999999999999999", 0, "a number beyond 255"},
        {"6x", 1, "expected nothing but digits"},
        {"tcpx", 0, unknown},
        {"tc", 0, unknown},
        {"-1", 0, unknown},
        {"http", 0, unknown},
        {"ipv6", 0, "ip6 is IP version 6, 41 is IPv6 inside IP; expected one of them"},
    };
    struct cm_value_protocol protocol;

    for (size_t i = 0; i < CM_ARRAY_COUNT(taken); i++) {
        char *text = exact(taken[i].text);

        cm_check_that(cm_value_protocol(text, strlen(taken[i].text), &protocol, NULL), "'%s'", taken[i].text);
        cm_check_eq(protocol.kind, taken[i].kind);
        cm_check_eq(protocol.number, taken[i].number);
        free(text);
    }
    check_refused(refused, cm_value_protocol(text, n, &protocol, &fault));
}

CM_TEST(filter_values, flow_ids)
{
    static const struct refused refused[] = {
        {"", 0, "fewer than 16 hexadecimal digits"},
        {"0123456789abcde", 15, "fewer than 16 hexadecimal digits"},
        {"0123456789abcdef0", 16, "more than 16 hexadecimal digits"},
        {"0x23456789abcdef", 1, "expected a hexadecimal digit"},
        {"0123456789abcdeg", 15, "expected a hexadecimal digit"},
    };
    uint64_t id = 0;

    cm_check(cm_value_flow_id("0123456789abcDEF", 16, &id, NULL));
    cm_check(id == UINT64_C(0x0123456789abcdef));
    check_refused(refused, cm_value_flow_id(text, n, &id, &fault));
}

CM_TEST(filter_values, times)
{
    static const struct refused refused[] = {
        {"", 0, "expected a digit"},
        {"18446744073710", 0, "the time lies after 2554"},
        {"99999999999999999999999", 0, "the time lies after 2554"},
        {"1700000000.5", 4, "expected - after the year"},
        {"-5", 0, "expected a digit"},
        {"2024-13-01", 5, "expected a month from 01 to 12"},
        {"2024-01-01,2024-01-02", 10, "expected T and a time of day"},
        {"2024-01-01T00:00:00.0000000000000000000000000000000000000000000000000000", 63,
         "too long for a time"},
    };
    bool is_number = false;
    uint64_t time_ns = 0;

    cm_check(cm_value_time("1700000000123", 13, &time_ns, &is_number, NULL));
    cm_check(is_number && time_ns == UINT64_C(1700000000123000000));
    cm_check(cm_value_time("18446744073709", 14, &time_ns, &is_number, NULL));
    cm_check(time_ns == UINT64_C(18446744073709000000));
    cm_check(cm_value_time("0", 1, &time_ns, &is_number, NULL));
    cm_check_eq(time_ns, 0);
    cm_check(cm_value_time("2023-11-14T22:13:20.123+00:00", 29, &time_ns, &is_number, NULL));
    cm_check(!is_number && time_ns == UINT64_C(1700000000123000000));
    cm_check(cm_value_time("2023-11-14", 10, &time_ns, &is_number, NULL));
    cm_check(time_ns == UINT64_C(1699920000000000000));
    check_refused(refused, cm_value_time(text, n, &time_ns, &is_number, &fault));
}

CM_TEST(filter_values, tcp_flags)
{
    static const struct {
        const char *text;
        unsigned mask, wanted;
        bool any;
    } taken[] = {
        {"SYN", 0x02, 0x02, false},        {"syn+ack", 0x12, 0x12, false},
        {"SYN+FIN:any", 0x03, 0x03, true}, {"SYN:exact", 0xff, 0x02, false},
        {"Syn:EXACT", 0xff, 0x02, false},  {"RST", 0x04, 0x04, false},
        {"PSH", 0x08, 0x08, false},        {"URG", 0x20, 0x20, false},
        {"ECE", 0x40, 0x40, false},        {"CWR", 0x80, 0x80, false},
        {"SYN+SYN", 0x02, 0x02, false},    {"NONE", 0xff, 0, false},
        {"none:exact", 0xff, 0, false},    {"FIN+SYN+RST+PSH+ACK+URG+ECE+CWR", 0xff, 0xff, false},
    };
    static const char names[] = "expected one of FIN, SYN, RST, PSH, ACK, URG, ECE, CWR";
    static const struct refused refused[] = {
        {"", 0, names},
        {"SYNC", 0, names},
        {"SYN+", 4, names},
        {"+SYN", 0, names},
        {"SYN++ACK", 4, names},
        {"SYN|ACK", 0, names},
        {"SYN+NONE", 4, names},
        {"NONE+SYN", 4, "NONE stands alone"},
        {":any", 0, names},
        {"SYN:", 4, "expected any or exact"},
        {"SYN:all", 4, "expected any or exact"},
        {"SYN:any:exact", 4, "expected any or exact"},
        {"NONE:any", 5, "expected exact or nothing"},
    };
    struct cm_value_tcp_flags flags;

    for (size_t i = 0; i < CM_ARRAY_COUNT(taken); i++) {
        char *text = exact(taken[i].text);

        cm_check_that(cm_value_tcp_flags(text, strlen(taken[i].text), &flags, NULL), "'%s'", taken[i].text);
        cm_check_eq(flags.mask, taken[i].mask);
        cm_check_eq(flags.wanted, taken[i].wanted);
        cm_check_eq(flags.any, taken[i].any);
        free(text);
    }
    check_refused(refused, cm_value_tcp_flags(text, n, &flags, &fault));
}

CM_TEST(filter_values, bytes)
{
    static const struct {
        const char *text;
        size_t n;
        const char *bytes;
    } taken[] = {
        {"de", 1, "\xde"},
        {"DEADbeef", 4, "\xde\xad\xbe\xef"},
        {"0xdead", 2, "\xde\xad"},
        {"de ad be ef", 4, "\xde\xad\xbe\xef"},
        {"de:ad:be:ef", 4, "\xde\xad\xbe\xef"},
        {"00", 1, "\0"},
        {"de ad ", 2, "\xde\xad"},
    };
    static const struct refused refused[] = {
        {"", 0, "expected a hexadecimal digit"},           {"0x", 2, "expected a hexadecimal digit"},
        {"d", 1, "expected the second digit of a byte"},   {"dea", 3, "expected the second digit of a byte"},
        {"d e", 1, "expected the second digit of a byte"}, {"dg", 1, "expected the second digit of a byte"},
        {"hello", 0, "expected a hexadecimal digit"},      {" de", 0, "expected a hexadecimal digit"},
        {"de:", 3, "expected a byte after the colon"},
    };
    uint8_t bytes[64];
    size_t n_bytes;

    for (size_t i = 0; i < CM_ARRAY_COUNT(taken); i++) {
        char *text = exact(taken[i].text);

        n_bytes = 0;
        cm_check_that(cm_value_bytes(text, strlen(taken[i].text), bytes, &n_bytes, NULL), "'%s'",
                      taken[i].text);
        cm_check_eq(n_bytes, taken[i].n);
        cm_check_mem(bytes, taken[i].bytes, n_bytes);
        free(text);
    }
    check_refused(refused, cm_value_bytes(text, n, bytes, &n_bytes, &fault));
}

CM_TEST(filter_values, lists)
{
    static const struct {
        const char *list, *elements[5];
    } cases[] = {
        {"", {""}},          {"a", {"a"}},
        {"a,b", {"a", "b"}}, {" a , b ", {"a", "b"}},
        {"a,", {"a", ""}},   {",a", {"", "a"}},
        {",", {"", ""}},     {"a b,c", {"a b", "c"}},
        {"  ", {""}},        {"a,,b", {"a", "", "b"}},
    };

    for (size_t i = 0; i < CM_ARRAY_COUNT(cases); i++) {
        const char *text;
        size_t at = 0, n, n_elements = 0;

        while (cm_value_next(cases[i].list, &at, &text, &n)) {
            const char *expected = cases[i].elements[n_elements++];

            cm_check_that(expected != NULL && strlen(expected) == n && memcmp(text, expected, n) == 0,
                          "'%s': '%.*s'", cases[i].list, (int)n, text);
        }
        cm_check_that(cases[i].elements[n_elements] == NULL, "'%s' has more", cases[i].list);
    }
}

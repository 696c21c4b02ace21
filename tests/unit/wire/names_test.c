/* SPDX-License-Identifier: Apache-2.0 */
/* Names and flags as text. */
#include "wire/names.h"

#include "unit/refused.h"

CM_TEST(names, tcp_flags)
{
    char text[CM_WIRE_TCP_FLAGS_TEXT];

    cm_check_eq(cm_wire_format_tcp_flags(0x12, text), 2);
    cm_check_str(text, "S.");
    cm_wire_format_tcp_flags(0, text);
    cm_check_str(text, "none");
    cm_check_eq(cm_wire_format_tcp_flags(0xff, text), 8);
    cm_check_str(text, "FSRP.UEW");
}

/* The search needs tables in order: each number that has a name must be found. */
CM_TEST(names, tables)
{
    unsigned n_protocols = 0, n_eth_types = 0;

    for (unsigned number = 0; number <= UINT8_MAX; number++)
        n_protocols += cm_wire_protocol_name((uint8_t)number) != NULL;
    for (unsigned number = 0; number <= UINT16_MAX; number++)
        n_eth_types += cm_wire_eth_type_name((uint16_t)number) != NULL;
    cm_check_eq(n_protocols, 45);
    cm_check_eq(n_eth_types, 53);
    cm_check_str(cm_wire_protocol_name(6), "tcp");
    cm_check_str(cm_wire_protocol_name(58), "icmpv6");
    cm_check(cm_wire_protocol_name(200) == NULL);
    cm_check_str(cm_wire_eth_type_name(0x86dd), "ipv6");
}

CM_TEST(names, ports)
{
    static const struct {
        const char *text;
        unsigned first, last;
    } taken[] = {{"0", 0, 0},           {"443", 443, 443}, {"65535", 65535, 65535}, {"1024-2047", 1024, 2047},
                 {"0-65535", 0, 65535}, {"80-80", 80, 80}, {"080", 80, 80}};
    static const struct refused refused[] = {
        {"", 0, "expected a digit"},
        {"70000", 0, "a number beyond 65535"},
        {"65536", 0, "a number beyond 65535"},
        {"80-70000", 3, "a number beyond 65535"},
        {"80-", 3, "expected a digit"},
        {"-80", 0, "expected a digit"},
        {"20-10", 3, "the range ends before it begins"},
        {"80:90", 2, "expected - or the end"},
        {"80-90-100", 5, "expected the end of the range"},
        {"http", 0, "expected a digit"},
        {"80 ", 2, "expected - or the end"},
    };
    uint16_t first, last;

    for (size_t i = 0; i < CM_ARRAY_COUNT(taken); i++) {
        char *text = exact(taken[i].text);

        cm_check_that(cm_wire_ports_parse(text, strlen(taken[i].text), &first, &last, NULL), "'%s'",
                      taken[i].text);
        cm_check_eq(first, taken[i].first);
        cm_check_eq(last, taken[i].last);
        free(text);
    }
    check_refused(refused, cm_wire_ports_parse(text, n, &first, &last, &fault));
}

CM_TEST(names, protocols)
{
    static const struct {
        const char *text;
        uint8_t number;
    } taken[] = {{"tcp", 6},  {"TCP", 6},   {"Icmp6", 58}, {"icmpv6", 58}, {"ipv6-icmp", 58}, {"icmp4", 1},
                 {"icmp", 1}, {"ipv6", 41}, {"0", 0},      {"255", 255},   {"UDPLite", 136},  {"sctp", 132}};
    static const char unknown[] = "a name that is not known; numbers from 0 to 255 are taken too";
    static const struct refused refused[] = {
        {"", 0, "expected a name or a number"},
        {"256", 0, "a number beyond 255"},
        {"6x", 1, "expected nothing but digits"},
        {"tcpx", 0, unknown},
        {"tc", 0, unknown},
        {"-1", 0, unknown},
    };
    uint8_t number;

    for (size_t i = 0; i < CM_ARRAY_COUNT(taken); i++) {
        char *text = exact(taken[i].text);

        cm_check_that(cm_wire_protocol_parse(text, strlen(taken[i].text), &number, NULL), "'%s'",
                      taken[i].text);
        cm_check_eq(number, taken[i].number);
        free(text);
    }
    check_refused(refused, cm_wire_protocol_parse(text, n, &number, &fault));
    for (unsigned i = 0; i <= UINT8_MAX; i++) { /* whatever we write is read */
        const char *name = cm_wire_protocol_name((uint8_t)i);

        if (name != NULL) {
            cm_check(cm_wire_protocol_parse(name, strlen(name), &number, NULL));
            cm_check_eq(number, i);
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Names and flags as text. */
#include "wire/names.h"

#include <stdlib.h>

#include "unit/check.h"

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

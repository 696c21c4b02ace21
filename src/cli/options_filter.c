/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the option table: which packets are kept. Their values go to the library as they were typed; only
 * it checks them. */
#include "base/checked.h"
#include "cli/option_tables.h"

static CM_SETTER(set_rule)
{
    typed->rules[typed->n_rules++] = (struct capmill_filter_rule){
        .field = (enum capmill_filter_field)setting->option->what,
        .negate = setting->negate,
        .value = setting->value,
        .origin = setting->origin,
    };
    return CAPMILL_OK;
}

static CM_SETTER(set_min_flow_packets)
{
    return cm_setting_count(setting, 0, UINT64_MAX, &typed->min_flow_packets, error);
}

/* --not is no setting: it changes the next one, which is done where words are read (options.c). */

#define COMMON .section = CM_SECTION_FILTER, .commands = CM_FOR_READING, .group = CM_GROUP_FILTER
#define RULE(field_)                                                                                         \
    COMMON, .repeatable = true, .negatable = true, .set = set_rule, .what = CAPMILL_FILTER_##field_

static const struct cm_option rows[] = {
    {CM_NAMED("proto"), .argument = "PROTO", .kind = CM_VALUE_COUNT, RULE(PROTO),
     .sample = "[\"tcp\", \"udp\", 132]",
     .usual = "tcp udp icmp icmpv6 igmp sctp gre esp ah ipip ipv6 ospf pim vrrp dccp udplite", .between = ',',
     .help = "Keep packets of these IP protocols: names or numbers, separated by commas"},
    {CM_NAMED("src-ip"), .argument = "ADDRESS", .kind = CM_VALUE_WORD, RULE(SRC_IP),
     .sample = "\"10.0.0.0/8\"",
     .help = "Keep packets from these addresses or prefixes, IPv4 or IPv6, separated by commas"},
    {CM_NAMED("dst-ip"), .argument = "ADDRESS", .kind = CM_VALUE_WORD, RULE(DST_IP),
     .sample = "[\"192.0.2.1\", \"2001:db8::/32\"]", .help = "Keep packets to these addresses or prefixes"},
    {CM_NAMED("ip"), .argument = "ADDRESS", .kind = CM_VALUE_WORD, RULE(IP), .sample = "\"198.51.100.0/24\"",
     .help = "Keep packets from or to these addresses or prefixes"},
    {CM_NAMED("src-port"), .argument = "PORT", .kind = CM_VALUE_COUNT, RULE(SRC_PORT),
     .sample = "\"1024-65535\"",
     .help = "Keep packets from these ports or ranges, such as 443 or 8000-8099, separated by commas"},
    {CM_NAMED("dst-port"), .argument = "PORT", .kind = CM_VALUE_COUNT, RULE(DST_PORT),
     .sample = "[80, 443, \"8000-8099\"]", .help = "Keep packets to these ports or ranges"},
    {CM_NAMED("port"), .argument = "PORT", .kind = CM_VALUE_COUNT, RULE(PORT), .sample = "443",
     .help = "Keep packets from or to these ports or ranges"},
    {CM_NAMED("flow-id"), .argument = "HEX", .kind = CM_VALUE_WORD, RULE(FLOW_ID),
     .sample = "\"0123456789abcdef\"",
     .help = "Keep packets of these flows: 16 hexadecimal digits each, as stats shows them, separated by "
             "commas"},
    {CM_NAMED("from"), .argument = "TIME", .kind = CM_VALUE_TIME, RULE(FROM),
     .sample = "2024-02-29T12:00:00Z",
     .help = "Keep packets of this time or later: RFC 3339, or milliseconds since 1970"},
    {CM_NAMED("to"), .argument = "TIME", .kind = CM_VALUE_TIME, RULE(TO), .sample = "2024-02-29T13:00:00Z",
     .help = "Keep packets before this time"},
    {CM_NAMED("tcp-flags"), .argument = "FLAGS", .kind = CM_VALUE_WORD, RULE(TCP_FLAGS),
     .sample = "\"SYN+ACK\"", .usual = "SYN ACK FIN RST PSH URG ECE CWR", .between = '+',
     .help = "Keep TCP packets with all of these flags set, such as SYN+ACK; with :any one of them, with "
             ":exact these and no other"},
    {CM_NAMED("min-len"), .argument = "BYTES", .kind = CM_VALUE_COUNT, RULE(MIN_LEN), .sample = "64",
     .help = "Keep packets of at least BYTES as written"},
    {CM_NAMED("max-len"), .argument = "BYTES", .kind = CM_VALUE_COUNT, RULE(MAX_LEN), .sample = "1514",
     .help = "Keep packets of at most BYTES as written"},
    {CM_NAMED("payload-bytes"), .argument = "HEX", .kind = CM_VALUE_WORD, RULE(PAYLOAD_BYTES),
     .sample = "\"474554202f\"",
     .help = "Keep packets with these bytes, in hexadecimal, anywhere in the payload of their transport "
             "protocol"},
    {CM_NAMED("payload-regex"), .argument = "REGEX", .kind = CM_VALUE_WORD, RULE(PAYLOAD_REGEX),
     .sample = "'^(GET|POST) /admin'",
     .help = "Keep packets whose payload has a match of this regular expression"},
    {CM_NAMED("filter"), .argument = "EXPR", .kind = CM_VALUE_WORD, RULE(EXPRESSION), .key = "expression",
     .sample = "\"tcp port 80 and not vlan\"",
     .help = "Keep packets that match an expression in the language of tcpdump, such as 'tcp port 80'; an "
             "empty one "
             "matches every packet"},
    {CM_NAMED("not"), .section = CM_SECTION_NONE, .commands = CM_FOR_READING, .group = CM_GROUP_FILTER,
     .help = "Make the filter option that follows an exclusion: --not --port 22 drops what --port 22 keeps"},
    {CM_NAMED("min-flow-packets"), .argument = "N", .kind = CM_VALUE_COUNT, COMMON, .sample = "2",
     .help = "Keep packets of flows that have at least N packets after all other filters",
     .set = set_min_flow_packets},
    {CM_NAMED("unidirectional"), COMMON,
     .help = "Take the two directions of a flow as two flows, also for --flow-id, --min-flow-packets and "
             "flows in "
             "tables",
     CM_FLAG(unidirectional)},
    {CM_NAMED("decap"), COMMON,
     .help = "Look at the innermost packet of a tunnel (GRE, VXLAN, GTP-U, IP in IP), not at the outer one",
     CM_FLAG(decap)},
};
const struct cm_option_table cm_filter_options = {rows, CM_ARRAY_COUNT(rows)};

/* SPDX-License-Identifier: Apache-2.0 */
/* Which packets a job keeps: rules in the user's own words, with where each stood, so that a refusal can name
 * it. The words are checked by capmill_run_create, before any input is opened. */
#ifndef CAPMILL_RULES_H
#define CAPMILL_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a rule looks at: its type. docs/filters.md says what each matches. */
enum capmill_filter_field {
    CAPMILL_FILTER_PROTO = 1, /* IP protocols, by name or number: "tcp", "17", "tcp,udp" */
    CAPMILL_FILTER_SRC_IP,    /* addresses and prefixes: "10.0.0.0/8", "2001:db8::1" */
    CAPMILL_FILTER_DST_IP,
    CAPMILL_FILTER_IP,       /* source or destination */
    CAPMILL_FILTER_SRC_PORT, /* ports and ranges: "443", "1024-2047" */
    CAPMILL_FILTER_DST_PORT,
    CAPMILL_FILTER_PORT,      /* source or destination */
    CAPMILL_FILTER_FLOW_ID,   /* 16 hexadecimal digits each */
    CAPMILL_FILTER_FROM,      /* time >= : RFC 3339 or epoch milliseconds */
    CAPMILL_FILTER_TO,        /* time < */
    CAPMILL_FILTER_TCP_FLAGS, /* "SYN+ACK", "SYN+FIN:any", "SYN:exact" */
    CAPMILL_FILTER_MIN_LEN,   /* captured length, as it will be after truncation */
    CAPMILL_FILTER_MAX_LEN,
    CAPMILL_FILTER_PAYLOAD_BYTES, /* hexadecimal, anywhere in the transport payload */
    CAPMILL_FILTER_PAYLOAD_REGEX, /* a regular expression, anywhere in the transport payload */
    CAPMILL_FILTER_EXPRESSION     /* the language of tcpdump */
};
#define CAPMILL_FILTER_FIELDS 16

struct capmill_filter_rule {
    enum capmill_filter_field field;
    bool negate;       /* an exclusion */
    const char *value; /* UTF-8 */
    /* where it stands: "--src-ip", "config.toml:12:10 src_ip"; begins the refusal; NULL: the field's name does */
    const char *origin;
};

/* AND: every type among the rules matches - one at least of its rules that are no exclusions, and none that
 * are - and every group does. OR: one type or one group does. NOT: the opposite of AND. A group without rules
 * and groups matches everything (NOT: nothing). */
enum capmill_filter_op { CAPMILL_FILTER_AND = 0, CAPMILL_FILTER_OR, CAPMILL_FILTER_NOT };

struct capmill_filter_group {
    enum capmill_filter_op op;
    const struct capmill_filter_rule *rules;
    size_t n_rules;
    const struct capmill_filter_group *groups; /* to CAPMILL_FILTER_DEPTH levels */
    size_t n_groups;
    const char *origin; /* of the group; NULL for the command line */
};
#define CAPMILL_FILTER_DEPTH 64

/* Zeroed: every packet is kept. */
struct capmill_filter {
    struct capmill_filter_group rules;
    uint64_t min_flow_packets; /* then: packets of flows with fewer are not kept; 0 and 1 keep all. Packets of
                                  no flow (no complete IP header) are not kept from 2 on */
    bool decap;                /* headers, flows and payload are those of the innermost packet of a tunnel */
};

#ifdef __cplusplus
}
#endif

#endif

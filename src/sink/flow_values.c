/* SPDX-License-Identifier: Apache-2.0 */
/* The columns that a table of flows has, and their values from sessions. The source is who sent the session's first
 * packet; forward is from there. */
#include <string.h>

#include "base/checked.h"
#include "flow/community_id.h"
#include "sink/flow_rows_int.h"
#include "sink/table_time.h"

/* Places in the pairs of a session. */
static inline unsigned forward(const struct cm_session *session)
{
    return session->bits & CM_SESSION_FROM_HIGH;
}

static inline unsigned reverse(const struct cm_session *session)
{
    return 1 - forward(session);
}

/* --- numbers --- */

__attribute__((always_inline)) static inline void
fill_numbers(const struct cm_session *const *sessions, uint32_t n, struct cm_flow_values *values,
             uint64_t (*value_of)(const struct cm_session *session))
{
    for (uint32_t i = 0; i < n; i++)
        values->numbers[i] = value_of(sessions[i]);
}

/* Those whose sessions lack `bit` have none. */
__attribute__((always_inline)) static inline void
fill_numbers_with(const struct cm_session *const *sessions, uint32_t n, struct cm_flow_values *values,
                  unsigned bit, uint64_t (*value_of)(const struct cm_session *session))
{
    for (uint32_t i = 0; i < n; i++) {
        const bool present = (sessions[i]->bits & bit) != 0;

        values->numbers[i] = present ? value_of(sessions[i]) : 0;
        values->present[i] = present;
        values->n_absent += !present;
    }
}

/* A column of numbers is a filler around `value_of`. */
#define NUMBERS(name)                                                                                        \
    static void fill_##name(const struct cm_session *const *sessions, uint32_t n,                            \
                            struct cm_flow_values *values)                                                   \
    {                                                                                                        \
        fill_numbers(sessions, n, values, name##_of);                                                        \
    }
#define NUMBERS_WITH(name, bit)                                                                              \
    static void fill_##name(const struct cm_session *const *sessions, uint32_t n,                            \
                            struct cm_flow_values *values)                                                   \
    {                                                                                                        \
        fill_numbers_with(sessions, n, values, bit, name##_of);                                              \
    }

static inline uint64_t flow_id_of(const struct cm_session *session)
{
    return session->flow_id;
}
NUMBERS(flow_id)

/* key.h: the ports stand at the top of the last word, low then high. */
static inline uint64_t port_of(const struct cm_session *session, bool is_high)
{
    return (uint16_t)(session->key.words[4] >> (is_high ? 32 : 48));
}

static inline uint64_t src_port_of(const struct cm_session *session)
{
    return port_of(session, forward(session) != 0);
}
NUMBERS_WITH(src_port, CM_SESSION_PORTS)

static inline uint64_t dst_port_of(const struct cm_session *session)
{
    return port_of(session, forward(session) == 0);
}
NUMBERS_WITH(dst_port, CM_SESSION_PORTS)

static inline uint64_t protocol_of(const struct cm_session *session)
{
    return (uint8_t)(session->key.words[4] >> CM_FLOW_KEY_SPARE_BITS);
}
NUMBERS(protocol)

static inline uint64_t first_ns_of(const struct cm_session *session)
{
    return cm_table_time(session->first_ns);
}
NUMBERS(first_ns)

static inline uint64_t last_ns_of(const struct cm_session *session)
{
    return cm_table_time(session->last_ns);
}
NUMBERS(last_ns)

static inline uint64_t duration_ns_of(const struct cm_session *session)
{
    return session->last_ns - session->first_ns;
}
NUMBERS(duration_ns)

static inline uint64_t packets_of(const struct cm_session *session)
{
    return session->n_packets[0] + session->n_packets[1];
}
NUMBERS(packets)

static inline uint64_t bytes_of(const struct cm_session *session)
{
    return session->n_bytes[0] + session->n_bytes[1];
}
NUMBERS(bytes)

static inline uint64_t packets_forward_of(const struct cm_session *session)
{
    return session->n_packets[forward(session)];
}
NUMBERS(packets_forward)

static inline uint64_t packets_reverse_of(const struct cm_session *session)
{
    return session->n_packets[reverse(session)];
}
NUMBERS(packets_reverse)

static inline uint64_t bytes_forward_of(const struct cm_session *session)
{
    return session->n_bytes[forward(session)];
}
NUMBERS(bytes_forward)

static inline uint64_t bytes_reverse_of(const struct cm_session *session)
{
    return session->n_bytes[reverse(session)];
}
NUMBERS(bytes_reverse)

static inline uint64_t tcp_flags_of(const struct cm_session *session)
{
    return session->tcp_flags[0] | session->tcp_flags[1];
}
NUMBERS_WITH(tcp_flags, CM_SESSION_TCP_FLAGS)

static inline uint64_t tcp_flags_forward_of(const struct cm_session *session)
{
    return session->tcp_flags[forward(session)];
}
NUMBERS_WITH(tcp_flags_forward, CM_SESSION_TCP_FLAGS)

static inline uint64_t tcp_flags_reverse_of(const struct cm_session *session)
{
    return session->tcp_flags[reverse(session)];
}
NUMBERS_WITH(tcp_flags_reverse, CM_SESSION_TCP_FLAGS)

static inline uint64_t icmp_type_of(const struct cm_session *session)
{
    return session->icmp_type;
}
NUMBERS_WITH(icmp_type, CM_SESSION_ICMP)

static inline uint64_t icmp_code_of(const struct cm_session *session)
{
    return session->icmp_code;
}
NUMBERS_WITH(icmp_code, CM_SESSION_ICMP)

/* --- texts --- */

static uint32_t put_address(const struct cm_flow_endpoints *endpoints, bool is_high, char *text)
{
    const uint8_t *address = is_high ? endpoints->high : endpoints->low;

    return (uint32_t)(endpoints->ip_version == 4 ? cm_ipv4_text(address, text) : cm_ipv6_text(address, text));
}

static void fill_addresses(const struct cm_session *const *sessions, uint32_t n,
                           struct cm_flow_values *values, bool is_source)
{
    for (uint32_t i = 0; i < n; i++) {
        const bool is_high = is_source == (forward(sessions[i]) != 0);
        char *text = values->chars + (size_t)i * CM_FLOW_TEXT_BYTES;
        struct cm_flow_endpoints endpoints;

        cm_flow_key_split(&sessions[i]->key, &endpoints);
        values->spans[i] = (struct cm_span){(const uint8_t *)text, put_address(&endpoints, is_high, text)};
    }
}

static void fill_src_ip(const struct cm_session *const *sessions, uint32_t n, struct cm_flow_values *values)
{
    fill_addresses(sessions, n, values, true);
}

static void fill_dst_ip(const struct cm_session *const *sessions, uint32_t n, struct cm_flow_values *values)
{
    fill_addresses(sessions, n, values, false);
}

/* Community IDs are made this many at once, which keeps what is in between small. */
#define COMMUNITY_IDS 64u

static void fill_some_community_ids(const struct cm_session *const *sessions, uint32_t n,
                                    struct cm_flow_values *values, uint32_t first)
{
    struct cm_flow_endpoints endpoints[COMMUNITY_IDS];
    struct cm_community_tuple tuples[COMMUNITY_IDS];
    char *texts[COMMUNITY_IDS];

    for (uint32_t i = 0; i < n; i++) {
        const struct cm_session *session = sessions[first + i];
        const bool is_from_high = forward(session) != 0;

        cm_flow_key_split(&session->key, &endpoints[i]);
        tuples[i] = (struct cm_community_tuple){
            .ip_version = endpoints[i].ip_version,
            .protocol = endpoints[i].protocol,
            .src = is_from_high ? endpoints[i].high : endpoints[i].low,
            .dst = is_from_high ? endpoints[i].low : endpoints[i].high,
            .src_port = (uint16_t)src_port_of(session),
            .dst_port = (uint16_t)dst_port_of(session),
            .has_icmp = (session->bits & CM_SESSION_ICMP) != 0,
            .icmp_type = session->icmp_type,
            .icmp_code = session->icmp_code,
        };
        texts[i] = values->chars + (size_t)(first + i) * CM_FLOW_TEXT_BYTES;
        values->spans[first + i] = (struct cm_span){(const uint8_t *)texts[i], CM_COMMUNITY_ID_TEXT - 1};
    }
    cm_community_ids(tuples, n, texts);
}

static void fill_community_id(const struct cm_session *const *sessions, uint32_t n,
                              struct cm_flow_values *values)
{
    for (uint32_t first = 0; first < n; first += COMMUNITY_IDS)
        fill_some_community_ids(sessions, n - first < COMMUNITY_IDS ? n - first : COMMUNITY_IDS, values,
                                first);
}

static void fill_end_reason(const struct cm_session *const *sessions, uint32_t n,
                            struct cm_flow_values *values)
{
    static const char *const reasons[] = {[CM_SESSION_IDLE] = "idle",
                                          [CM_SESSION_ACTIVE] = "active",
                                          [CM_SESSION_OVER] = "end",
                                          [CM_SESSION_MEMORY] = "memory"};

    for (uint32_t i = 0; i < n; i++) {
        const char *reason = reasons[sessions[i]->end];

        values->spans[i] = (struct cm_span){(const uint8_t *)reason, (uint32_t)strlen(reason)};
    }
}

/* --- the table --- */

#define COLUMN(name_, type_, habit_, ...)                                                                    \
    .column = {.name = name_, .type = CM_COLUMN_##type_, .habit = CM_HABIT_##habit_, __VA_ARGS__}

/* In brackets what the Elastic Common Schema and Zeek's conn.log call it, where they have the same. */
const struct cm_flow_column cm_flow_column_table[] = {
    {COLUMN("flow_id", UINT64, DIFFERS, .hex = true,
            .doc = "XXH3-64 of addresses, ports and protocol, the same in tables of packets"),
     .fill = fill_flow_id},
    {COLUMN("community_id", TEXT, DIFFERS,
            .doc = "Community ID version 1 with seed 0 (network.community_id, community_id)"),
     .fill = fill_community_id},
    {COLUMN("src_ip", TEXT, REPEATS, .doc = "who sent the flow's first packet (source.ip, id.orig_h)"),
     .fill = fill_src_ip},
    {COLUMN("dst_ip", TEXT, REPEATS, .doc = "whom that packet was for (destination.ip, id.resp_h)"),
     .fill = fill_dst_ip},
    {COLUMN("src_port", UINT16, REPEATS, .nullable = true,
            .doc = "port of the source; NULL: no ports (source.port, id.orig_p)"),
     .fill = fill_src_port},
    {COLUMN("dst_port", UINT16, REPEATS, .nullable = true,
            .doc = "port of the destination; NULL: no ports (destination.port, id.resp_p)"),
     .fill = fill_dst_port},
    {COLUMN("protocol", UINT8, REPEATS, .doc = "IP protocol number (network.iana_number)"),
     .fill = fill_protocol},
    {COLUMN("first_ns", INT64, RISES, .order = true,
            .doc = "least time of a packet, nanoseconds since 1970, UTC"),
     .fill = fill_first_ns},
    {COLUMN("last_ns", INT64, RISES, .order = true,
            .doc = "greatest time of a packet, nanoseconds since 1970, UTC"),
     .fill = fill_last_ns},
    {COLUMN("first", TIME_NS, RISES, .order = true, .doc = "first_ns as a point in time (event.start, ts)"),
     .fill = fill_first_ns},
    {COLUMN("last", TIME_NS, RISES, .order = true, .doc = "last_ns as a point in time (event.end)"),
     .fill = fill_last_ns},
    {COLUMN("duration_ns", UINT64, DIFFERS, .doc = "from the first to the last (event.duration, duration)"),
     .fill = fill_duration_ns},
    {COLUMN("packets", UINT64, REPEATS, .doc = "packets, both directions (network.packets)"),
     .fill = fill_packets},
    {COLUMN("bytes", UINT64, REPEATS, .doc = "bytes on the wire, both directions (network.bytes)"),
     .fill = fill_bytes},
    {COLUMN("packets_forward", UINT64, REPEATS, .doc = "packets from the source (source.packets, orig_pkts)"),
     .fill = fill_packets_forward},
    {COLUMN("packets_reverse", UINT64, REPEATS,
            .doc = "packets to the source (destination.packets, resp_pkts)"),
     .fill = fill_packets_reverse},
    {COLUMN("bytes_forward", UINT64, REPEATS,
            .doc = "bytes on the wire from the source, with link headers (source.bytes)"),
     .fill = fill_bytes_forward},
    {COLUMN("bytes_reverse", UINT64, REPEATS,
            .doc = "bytes on the wire to the source, with link headers (destination.bytes)"),
     .fill = fill_bytes_reverse},
    {COLUMN("tcp_flags", UINT8, REPEATS, .nullable = true, .doc = "flags of all its TCP headers, or-ed"),
     .fill = fill_tcp_flags},
    {COLUMN("tcp_flags_forward", UINT8, REPEATS, .nullable = true, .doc = "of those from the source"),
     .fill = fill_tcp_flags_forward},
    {COLUMN("tcp_flags_reverse", UINT8, REPEATS, .nullable = true, .doc = "of those to the source"),
     .fill = fill_tcp_flags_reverse},
    {COLUMN("icmp_type", UINT8, REPEATS, .nullable = true, .doc = "type of its first ICMP or ICMPv6 message"),
     .fill = fill_icmp_type},
    {COLUMN("icmp_code", UINT8, REPEATS, .nullable = true, .doc = "code of its first ICMP or ICMPv6 message"),
     .fill = fill_icmp_code},
    {COLUMN("end_reason", TEXT, REPEATS,
            .doc = "why the row ends: idle or active for too long, end of the packets, memory"),
     .fill = fill_end_reason},
};
const size_t cm_n_flow_columns = CM_ARRAY_COUNT(cm_flow_column_table);

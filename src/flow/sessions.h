/* SPDX-License-Identifier: Apache-2.0 */
/* Flows in the order of their packets, each until it ends: it was idle or active for too long, memory ran out, or
 * there are no more packets. A flow that goes on after its end is another session. In two steps: packets become
 * updates (any thread), updates are added in order (one thread at a time). Which sessions come out, and in which
 * order, follows from the packets and the options alone. For counts of whole captures see table.h. */
#ifndef CM_FLOW_SESSIONS_H
#define CM_FLOW_SESSIONS_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "core/packet.h"
#include "flow/key.h"
#include "wire/headers.h"

/* Time is what the packets say: the clock is the greatest time seen so far, so that a packet that comes late does
 * not turn it back. A flow is idle since the clock's time at its last packet. A record without a time of its own
 * counts with that of the record before it (core/packet.h). */
struct cm_sessions_options {
    bool unidirectional;
    uint64_t idle_ns;   /* without a packet for longer than this: ended; 0: never */
    uint64_t active_ns; /* a packet this long after the first, or later, begins another session; 0: never */
    uint64_t memory_bytes; /* beyond it those idle longest end early */
};

enum cm_session_end {
    CM_SESSION_IDLE = 1,
    CM_SESSION_ACTIVE,
    CM_SESSION_OVER, /* no more packets */
    CM_SESSION_MEMORY,
};

/* Of packets; of a session what its first packet has, but for TCP flags, which any may have. */
enum cm_session_bit {
    CM_SESSION_FROM_HIGH = 1, /* key.h */
    CM_SESSION_PORTS = 2,     /* they were captured */
    CM_SESSION_TCP_FLAGS = 4,
    CM_SESSION_ICMP = 8,
};

/* What a packet does to its flow. */
struct cm_session_update {
    struct cm_flow_key key;
    uint64_t hash;
    uint64_t time_ns;
    uint32_t n_bytes; /* on the wire */
    uint8_t bits;     /* enum cm_session_bit */
    uint8_t tcp_flags, icmp_type, icmp_code;
};
static_assert(sizeof(struct cm_session_update) == 64, "an update is a cache line");

/* [0]: from the low endpoint to the high one, [1]: back. */
struct cm_session {
    struct cm_flow_key key;
    uint64_t touched_ns; /* the clock at its last packet */
    uint32_t before, after;
    uint32_t tag;
    uint8_t tcp_flags[2]; /* OR of all */
    uint8_t bits;         /* enum cm_session_bit */
    uint8_t end;          /* enum cm_session_end */
    uint64_t n_packets[2];
    uint64_t n_bytes[2];        /* lengths on the wire */
    uint64_t first_ns, last_ns; /* least and greatest time */
    uint64_t flow_id;           /* set when it ends */
    uint8_t icmp_type, icmp_code;
};
static_assert(sizeof(struct cm_session) == 128,
              "a session is two cache lines: who it is, and what it counts");

struct cm_sessions;

enum capmill_status cm_sessions_create(const struct cm_sessions_options *options,
                                       struct cm_sessions **sessions_ret, struct cm_error *error);
void cm_sessions_destroy(struct cm_sessions *sessions); /* NULL accepted */

/* Any thread. Answers how many of `n` packets have a flow; as many updates are there then, in their order. */
uint32_t cm_sessions_make_updates(const struct cm_sessions *sessions, const struct cm_packet *packets,
                                  const struct cm_headers *headers, uint32_t n,
                                  struct cm_session_update *updates_ret);
/* Add updates in order. Sessions that ended wait until they are taken, in memory beyond the bound: let no more than
 * some thousand wait. */
enum capmill_status cm_sessions_add(struct cm_sessions *sessions, const struct cm_session_update *updates,
                                    uint32_t n, struct cm_error *error);
/* There are no more packets: all end, in order of (first time, flow id). */
enum capmill_status cm_sessions_end(struct cm_sessions *sessions, struct cm_error *error);
/* Sessions that ended and were not taken yet, at most `most`: in the order of the packets that showed it; those
 * that one packet showed idle by (last time, first time, flow id). Borrowed until the next call of this or of
 * cm_sessions_add. 0: no more. */
uint32_t cm_sessions_take(struct cm_sessions *sessions, const struct cm_session **taken_ret, uint32_t most);
size_t cm_sessions_waiting(const struct cm_sessions *sessions);       /* ended, not taken yet */
uint64_t cm_sessions_ended_early(const struct cm_sessions *sessions); /* for want of memory */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: records in blocks that never move, found by an index of (tag, number), in a list by the time of their
 * last packet. That list is the whole of the time-outs: its front is idle longest, so expiry looks at the front
 * and nowhere else, and want of memory takes from there too. */
#include "flow/sessions.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/grow.h"
#include "flow/flow_id.h"
#include "flow/key_set.h"

/* Records come in blocks of this many: half a MiB. */
#define BLOCK_LOG2     12
#define BLOCK_SESSIONS (1u << BLOCK_LOG2)

/* What a session takes in all: its record, its part of the index at its emptiest and while that is there twice, and
 * what puts sessions in order when many end at once. */
#define SESSION_BYTES 208u
/* However little memory is allowed: fewer would cut every flow to pieces. */
#define LEAST_SESSIONS 1024u
#define MOST_SESSIONS  (UINT32_C(1) << 30)

#define FIRST_SLOTS_LOG2 11
#define NOBODY           UINT32_MAX

/* The tag is the top half of the hash, and the place its top bits, so that the index grows without a look at the
 * records. */
struct slot {
    uint32_t tag;
    uint32_t number_from_1; /* 0: free */
};

/* A session that ended, on its way to its place among others. */
struct rank {
    uint64_t keys[3];
    uint32_t number, place; /* `place` in the list decides where all keys are the same */
};

struct cm_sessions {
    struct cm_sessions_options options;
    struct cm_flow_seed seed;
    uint64_t clock_ns;
    uint64_t n_early;
    uint32_t n_live, most_live;

    struct cm_session **blocks;
    size_t n_blocks, blocks_room;
    uint32_t n_used; /* records of the blocks that were ever used */
    uint32_t *spare; /* numbers of records that are free again */
    size_t n_spare, spare_room;

    struct slot *slots;
    unsigned slots_log2;

    uint32_t front, back; /* of the list: idle longest, idle least */

    uint32_t *ended; /* numbers, from `n_taken` on not taken */
    size_t n_ended, ended_room, n_taken, n_released;
    struct rank *ranks;
    size_t ranks_room;
};

static enum capmill_status no_memory(const struct cm_sessions *sessions, struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for %u flows", sessions->n_live);
}

static inline struct cm_session *session_at(const struct cm_sessions *sessions, uint32_t number)
{
    return &sessions->blocks[number >> BLOCK_LOG2][number & (BLOCK_SESSIONS - 1)];
}

enum capmill_status cm_sessions_create(const struct cm_sessions_options *options,
                                       struct cm_sessions **sessions_ret, struct cm_error *error)
{
    struct cm_sessions *sessions = calloc(1, sizeof(*sessions));
    uint64_t most = options->memory_bytes / SESSION_BYTES;

    if (sessions == NULL ||
        (sessions->slots = calloc((size_t)1 << FIRST_SLOTS_LOG2, sizeof(*sessions->slots))) == NULL) {
        cm_sessions_destroy(sessions);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for flows");
    }
    most = cm_max_u64(LEAST_SESSIONS, cm_min_u64(most, MOST_SESSIONS));
    sessions->options = *options;
    sessions->most_live = (uint32_t)most;
    sessions->slots_log2 = FIRST_SLOTS_LOG2;
    sessions->front = sessions->back = NOBODY;
    cm_flow_seed_make(&sessions->seed);
    *sessions_ret = sessions;
    return CAPMILL_OK;
}

void cm_sessions_destroy(struct cm_sessions *sessions)
{
    if (sessions == NULL)
        return;
    for (size_t i = 0; i < sessions->n_blocks; i++)
        free(sessions->blocks[i]);
    free(sessions->blocks);
    free(sessions->spare);
    free(sessions->slots);
    free(sessions->ended);
    free(sessions->ranks);
    free(sessions);
}

uint64_t cm_sessions_ended_early(const struct cm_sessions *sessions)
{
    return sessions->n_early;
}

/* --- updates --- */

static inline void make_update(const struct cm_flow_seed *seed, const struct cm_packet *packet,
                               const struct cm_headers *headers, enum cm_flow_direction direction,
                               struct cm_session_update *update)
{
    update->hash = cm_key_set_hash(seed, update->key.words, CM_FLOW_KEY_WORDS);
    update->time_ns = packet->time_ns;
    update->n_bytes = packet->origlen;
    update->bits = (uint8_t)((direction == CM_FLOW_FROM_HIGH ? CM_SESSION_FROM_HIGH : 0) |
                             (headers->flags & CM_HEADERS_PORTS ? CM_SESSION_PORTS : 0) |
                             (headers->flags & CM_HEADERS_TCP_FLAGS ? CM_SESSION_TCP_FLAGS : 0) |
                             (headers->flags & CM_HEADERS_ICMP ? CM_SESSION_ICMP : 0));
    update->tcp_flags = headers->flags & CM_HEADERS_TCP_FLAGS ? headers->tcp_flags : 0;
    update->icmp_type = headers->flags & CM_HEADERS_ICMP ? headers->icmp_type : 0;
    update->icmp_code = headers->flags & CM_HEADERS_ICMP ? headers->icmp_code : 0;
}

uint32_t cm_sessions_make_updates(const struct cm_sessions *sessions, const struct cm_packet *packets,
                                  const struct cm_headers *headers, uint32_t n,
                                  struct cm_session_update *updates_ret)
{
    /* copied: who adds writes beside them with every packet */
    const bool unidirectional = sessions->options.unidirectional;
    const struct cm_flow_seed seed = sessions->seed;
    uint32_t n_updates = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct cm_session_update *update = &updates_ret[n_updates];
        enum cm_flow_direction direction;

        if (cm_flow_key_make(&packets[i], &headers[i], unidirectional, &update->key, &direction) ==
            CM_FLOW_NONE)
            continue;
        make_update(&seed, &packets[i], &headers[i], direction, update);
        n_updates++;
    }
    return n_updates;
}

/* --- the index --- */

static inline uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

static inline size_t home_of(const struct cm_sessions *sessions, uint32_t tag)
{
    return tag >> (32 - sessions->slots_log2);
}

static inline size_t slots_mask(const struct cm_sessions *sessions)
{
    return ((size_t)1 << sessions->slots_log2) - 1;
}

static inline bool is_key(const struct cm_session *session, const struct cm_flow_key *key)
{
    uint64_t difference = 0;

    for (unsigned i = 0; i < CM_FLOW_KEY_WORDS; i++)
        difference |= session->key.words[i] ^ key->words[i];
    return difference == 0;
}

/* NOBODY: the flow has no session. */
static inline uint32_t find(const struct cm_sessions *sessions, const struct cm_session_update *update)
{
    const uint32_t tag = tag_of(update->hash);
    const size_t mask = slots_mask(sessions);

    for (size_t at = home_of(sessions, tag);; at = (at + 1) & mask) {
        const struct slot slot = sessions->slots[at];

        if (slot.number_from_1 == 0)
            return NOBODY;
        if (slot.tag == tag && is_key(session_at(sessions, slot.number_from_1 - 1), &update->key))
            return slot.number_from_1 - 1;
    }
}

static void put_slot(struct cm_sessions *sessions, struct slot slot)
{
    const size_t mask = slots_mask(sessions);
    size_t at = home_of(sessions, slot.tag);

    while (sessions->slots[at].number_from_1 != 0)
        at = (at + 1) & mask;
    sessions->slots[at] = slot;
}

/* Room for one more; past five eighths chains grow long. */
static bool grow_index(struct cm_sessions *sessions)
{
    const size_t n_before = (size_t)1 << sessions->slots_log2;
    struct slot *before = sessions->slots, *grown;

    if (sessions->n_live < n_before / 8 * 5)
        return true;
    grown = calloc(n_before * 2, sizeof(*grown));
    if (grown == NULL)
        return false;
    sessions->slots = grown;
    sessions->slots_log2++;
    for (size_t i = 0; i < n_before; i++)
        if (before[i].number_from_1 != 0)
            put_slot(sessions, before[i]);
    free(before);
    return true;
}

/* Whoever stands behind the gap and may stand in it moves up, so that no walk ends too early. */
static void remove_slot(struct cm_sessions *sessions, uint32_t tag, uint32_t number)
{
    const size_t mask = slots_mask(sessions);
    size_t gap = home_of(sessions, tag);

    while (sessions->slots[gap].number_from_1 != number + 1)
        gap = (gap + 1) & mask;
    for (size_t at = (gap + 1) & mask; sessions->slots[at].number_from_1 != 0; at = (at + 1) & mask) {
        const size_t home = home_of(sessions, sessions->slots[at].tag);

        if (((at - home) & mask) >= ((at - gap) & mask)) {
            sessions->slots[gap] = sessions->slots[at];
            gap = at;
        }
    }
    sessions->slots[gap] = (struct slot){0, 0};
}

/* --- the list --- */

static void append(struct cm_sessions *sessions, struct cm_session *session, uint32_t number)
{
    session->before = sessions->back;
    session->after = NOBODY;
    if (sessions->back == NOBODY)
        sessions->front = number;
    else
        session_at(sessions, sessions->back)->after = number;
    sessions->back = number;
}

static void unlink_session(struct cm_sessions *sessions, const struct cm_session *session)
{
    if (session->before == NOBODY)
        sessions->front = session->after;
    else
        session_at(sessions, session->before)->after = session->after;
    if (session->after == NOBODY)
        sessions->back = session->before;
    else
        session_at(sessions, session->after)->before = session->before;
}

/* --- ends --- */

/* Out of index and list, and to those that wait to be taken. Room in `ended` was made. */
static void end_session(struct cm_sessions *sessions, uint32_t number, enum cm_session_end reason)
{
    struct cm_session *session = session_at(sessions, number);

    remove_slot(sessions, session->tag, number);
    unlink_session(sessions, session);
    session->end = (uint8_t)reason;
    session->flow_id = cm_flow_id(&session->key);
    sessions->n_live--;
    sessions->ended[sessions->n_ended++] = number;
}

static bool reserve_ended(struct cm_sessions *sessions, size_t n_more)
{
    return CM_GROW(sessions->ended, sessions->ended_room, sessions->n_ended + n_more, 1024);
}

static int compare_ranks(const void *left, const void *right)
{
    const struct rank *a = left, *b = right;

    for (unsigned i = 0; i < 3; i++)
        if (a->keys[i] != b->keys[i])
            return a->keys[i] < b->keys[i] ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* Those that ended from `first` on, in order: when all is over by (first time, flow id, last time), else by (last
 * time, first time, flow id). */
static bool sort_ended(struct cm_sessions *sessions, size_t first, bool is_over)
{
    const size_t n = sessions->n_ended - first;

    if (n < 2)
        return true;
    if (!CM_GROW(sessions->ranks, sessions->ranks_room, n, 64))
        return false;
    for (size_t i = 0; i < n; i++) {
        const uint32_t number = sessions->ended[first + i];
        const struct cm_session *session = session_at(sessions, number);

        sessions->ranks[i] =
            is_over
                ? (struct rank){{session->first_ns, session->flow_id, session->last_ns}, number, (uint32_t)i}
                : (struct rank){{session->last_ns, session->first_ns, session->flow_id}, number, (uint32_t)i};
    }
    qsort(sessions->ranks, n, sizeof(*sessions->ranks), compare_ranks);
    for (size_t i = 0; i < n; i++)
        sessions->ended[first + i] = sessions->ranks[i].number;
    return true;
}

static inline bool is_front_idle(const struct cm_sessions *sessions)
{
    return sessions->front != NOBODY &&
           sessions->clock_ns - session_at(sessions, sessions->front)->touched_ns > sessions->options.idle_ns;
}

static bool end_idle(struct cm_sessions *sessions)
{
    const size_t first = sessions->n_ended;

    while (is_front_idle(sessions)) {
        if (!reserve_ended(sessions, 1))
            return false;
        end_session(sessions, sessions->front, CM_SESSION_IDLE);
    }
    return sort_ended(sessions, first, false);
}

/* --- begin and go on --- */

/* A record that is free; NOBODY: no memory. */
static uint32_t take_record(struct cm_sessions *sessions)
{
    if (sessions->n_spare > 0)
        return sessions->spare[--sessions->n_spare];
    if (sessions->n_used == sessions->n_blocks * BLOCK_SESSIONS) {
        if (!CM_GROW(sessions->blocks, sessions->blocks_room, sessions->n_blocks + 1, 16) ||
            /* so that giving back needs no memory */
            !CM_GROW(sessions->spare, sessions->spare_room, (sessions->n_blocks + 1) * BLOCK_SESSIONS,
                     BLOCK_SESSIONS))
            return NOBODY;
        sessions->blocks[sessions->n_blocks] = malloc(BLOCK_SESSIONS * sizeof(struct cm_session));
        if (sessions->blocks[sessions->n_blocks] == NULL)
            return NOBODY;
        sessions->n_blocks++;
    }
    return sessions->n_used++;
}

/* The first packet of a session, apart from what is counted of every packet. NOBODY: no memory. */
static uint32_t begin(struct cm_sessions *sessions, const struct cm_session_update *update)
{
    struct cm_session *session;
    uint32_t number;

    if (sessions->n_live >= sessions->most_live) {
        if (!reserve_ended(sessions, 1))
            return NOBODY;
        end_session(sessions, sessions->front, CM_SESSION_MEMORY);
        sessions->n_early++;
    }
    if (!grow_index(sessions) || (number = take_record(sessions)) == NOBODY)
        return NOBODY;
    session = session_at(sessions, number);
    *session = (struct cm_session){.key = update->key,
                                   .tag = tag_of(update->hash),
                                   .bits = update->bits,
                                   .first_ns = update->time_ns,
                                   .last_ns = update->time_ns,
                                   .icmp_type = update->icmp_type,
                                   .icmp_code = update->icmp_code};
    put_slot(sessions, (struct slot){session->tag, number + 1});
    append(sessions, session, number);
    sessions->n_live++;
    return number;
}

static inline void count(struct cm_session *session, const struct cm_session_update *update)
{
    const unsigned way = update->bits & CM_SESSION_FROM_HIGH;

    session->n_packets[way]++;
    session->n_bytes[way] += update->n_bytes;
    session->tcp_flags[way] |= update->tcp_flags;
    session->bits |= update->bits & CM_SESSION_TCP_FLAGS;
    session->first_ns = cm_min_u64(session->first_ns, update->time_ns);
    session->last_ns = cm_max_u64(session->last_ns, update->time_ns);
}

static inline bool is_active_too_long(const struct cm_sessions *sessions, const struct cm_session *session,
                                      uint64_t time_ns)
{
    return sessions->options.active_ns != 0 && time_ns > session->first_ns &&
           time_ns - session->first_ns >= sessions->options.active_ns;
}

static inline bool add_one(struct cm_sessions *sessions, const struct cm_session_update *update)
{
    struct cm_session *session;
    uint32_t number;

    if (update->time_ns > sessions->clock_ns)
        sessions->clock_ns = update->time_ns;
    if (sessions->options.idle_ns != 0 && is_front_idle(sessions) && !end_idle(sessions))
        return false;
    number = find(sessions, update);
    if (number != NOBODY && is_active_too_long(sessions, session_at(sessions, number), update->time_ns)) {
        if (!reserve_ended(sessions, 1))
            return false;
        end_session(sessions, number, CM_SESSION_ACTIVE);
        number = NOBODY;
    }
    if (number == NOBODY && (number = begin(sessions, update)) == NOBODY)
        return false;
    session = session_at(sessions, number);
    count(session, update);
    session->touched_ns = sessions->clock_ns;
    if (number != sessions->back) {
        unlink_session(sessions, session);
        append(sessions, session, number);
    }
    return true;
}

/* Records of sessions that were shown to the caller and are not needed any more. */
static void release_taken(struct cm_sessions *sessions)
{
    while (sessions->n_released < sessions->n_taken)
        sessions->spare[sessions->n_spare++] = sessions->ended[sessions->n_released++];
    if (sessions->n_released == sessions->n_ended)
        sessions->n_released = sessions->n_taken = sessions->n_ended = 0;
}

enum capmill_status cm_sessions_add(struct cm_sessions *sessions, const struct cm_session_update *updates,
                                    uint32_t n, struct cm_error *error)
{
    release_taken(sessions);
    for (uint32_t i = 0; i < n; i++)
        if (CM_UNLIKELY(!add_one(sessions, &updates[i])))
            return no_memory(sessions, error);
    return CAPMILL_OK;
}

enum capmill_status cm_sessions_end(struct cm_sessions *sessions, struct cm_error *error)
{
    size_t first;

    release_taken(sessions);
    first = sessions->n_ended;
    if (!reserve_ended(sessions, sessions->n_live))
        return no_memory(sessions, error);
    while (sessions->front != NOBODY)
        end_session(sessions, sessions->front, CM_SESSION_OVER);
    return sort_ended(sessions, first, true) ? CAPMILL_OK : no_memory(sessions, error);
}

size_t cm_sessions_waiting(const struct cm_sessions *sessions)
{
    return sessions->n_ended - sessions->n_taken;
}

uint32_t cm_sessions_take(struct cm_sessions *sessions, const struct cm_session **taken_ret, uint32_t most)
{
    uint32_t n = 0;

    release_taken(sessions);
    while (n < most && sessions->n_taken < sessions->n_ended)
        taken_ret[n++] = session_at(sessions, sessions->ended[sessions->n_taken++]);
    return n;
}

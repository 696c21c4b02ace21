/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of flows: two key sets a thread (IPv4 flows take half the memory), of one seed, so that uniting walks them
 * in one order; they number the flows, whose facts lie in blocks that never move. All threads share one budget;
 * who grows asks before. */
#include "flow/flow_facts.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/grow.h"
#include "base/quantity.h"
#include "flow/key_set.h"

/* Words of a slot: the key, then the number of the flow's facts. */
#define WORDS4   (CM_FLOW_KEY4_WORDS + 1u)
#define WORDS6   (CM_FLOW_KEY_WORDS + 1u)
#define OCCUPIED UINT64_C(1)

/* Facts come in blocks of this many: 192 KiB, of which a thread wastes one at most. */
#define BLOCK_LOG2  12
#define BLOCK_FACTS (1u << BLOCK_LOG2)
#define BLOCK_BYTES (BLOCK_FACTS * sizeof(struct cm_flow_facts))

/* Slots of so many packets are asked for before the first of them is looked at, so that misses overlap. */
#define CHUNK 64u

/* Of one thread; on cache lines of its own, because its numbers change with every packet. */
struct part {
    _Alignas(64) struct cm_key_set flows4;
    struct cm_key_set flows6;
    struct cm_flow_facts **blocks;
    size_t n_blocks, blocks_room;
    size_t n; /* facts in use */
};

/* A packet on its way to its flow. */
struct arrival {
    struct cm_flow_key key; /* of IPv4 flows the narrow form, in the first words */
    uint64_t hash;
    uint32_t packet;
    uint8_t family; /* enum cm_flow_family */
    uint8_t direction;
};

struct cm_flow_facts_table {
    unsigned n_parts;
    bool unidirectional;
    uint64_t memory_bytes;
    _Atomic uint64_t held_bytes; /* by all parts; a sum, nothing is made visible by it */
    struct part *parts;          /* united: the first has all */
    void *parts_memory;
};

static uint64_t part_bytes(const struct part *part)
{
    return cm_key_set_bytes(&part->flows4) + cm_key_set_bytes(&part->flows6) + part->n_blocks * BLOCK_BYTES;
}

static void count_held(struct cm_flow_facts_table *table)
{
    uint64_t held = 0;

    for (unsigned i = 0; i < table->n_parts; i++)
        held += part_bytes(&table->parts[i]);
    atomic_store_explicit(&table->held_bytes, held, memory_order_relaxed);
}

static void free_blocks(struct part *part)
{
    for (size_t i = 0; i < part->n_blocks; i++)
        free(part->blocks[i]);
    part->n_blocks = part->n = 0;
}

struct cm_flow_facts_table *cm_flow_facts_create(unsigned n_threads, uint64_t memory_bytes,
                                                 bool unidirectional)
{
    struct cm_flow_facts_table *table = calloc(1, sizeof(*table));
    struct cm_flow_seed seed;
    size_t n_bytes;

    if (table == NULL || !cm_mul_size(n_threads, sizeof(struct part), &n_bytes) ||
        (table->parts_memory = calloc(1, n_bytes + _Alignof(struct part))) == NULL) {
        free(table);
        return NULL;
    }
    table->parts = (struct part *)cm_align_up((size_t)(uintptr_t)table->parts_memory, _Alignof(struct part));
    table->memory_bytes = memory_bytes;
    table->unidirectional = unidirectional;
    cm_flow_seed_make(&seed);
    for (; table->n_parts < n_threads; table->n_parts++) {
        struct part *part = &table->parts[table->n_parts];

        if (cm_key_set_init(&part->flows4, WORDS4, CM_FLOW_KEY4_WORDS, &seed, NULL) < 0 ||
            cm_key_set_init(&part->flows6, WORDS6, CM_FLOW_KEY_WORDS, &seed, NULL) < 0) {
            table->n_parts++;
            cm_flow_facts_destroy(table);
            return NULL;
        }
    }
    count_held(table);
    return table;
}

void cm_flow_facts_destroy(struct cm_flow_facts_table *table)
{
    if (table == NULL)
        return;
    for (unsigned i = 0; i < table->n_parts; i++) {
        struct part *part = &table->parts[i];

        cm_key_set_fini(&part->flows4);
        cm_key_set_fini(&part->flows6);
        free_blocks(part);
        free(part->blocks);
    }
    free(table->parts_memory);
    free(table);
}

static void clear_part(struct part *part)
{
    cm_key_set_clear(&part->flows4);
    cm_key_set_clear(&part->flows6);
    free_blocks(part);
}

void cm_flow_facts_reset(struct cm_flow_facts_table *table)
{
    for (unsigned i = 0; i < table->n_parts; i++)
        clear_part(&table->parts[i]);
    count_held(table);
}

/* --- memory --- */

/* A thread has seen `n` flows and may not grow. What would do can only be told for the flows seen so far. */
static enum capmill_status too_much(const struct cm_flow_facts_table *table, size_t n, uint64_t needed_bytes,
                                    struct cm_error *error)
{
    char flows[CM_QUANTITY_TEXT_BYTES], needed[CM_QUANTITY_TEXT_BYTES], allowed[CM_QUANTITY_TEXT_BYTES];

    return cm_error_set(
        error, CAPMILL_E_MEMORY, 0,
        "columns that tell of a packet's whole flow take %s for the first %s flows, and %s is "
        "allowed for them; allow more with --memory",
        cm_size_text(needed_bytes, needed), cm_count_text(n, flows),
        cm_size_text(table->memory_bytes, allowed));
}

/* Ask for `more` bytes. */
static enum capmill_status claim(struct cm_flow_facts_table *table, const struct part *part, uint64_t more,
                                 struct cm_error *error)
{
    const uint64_t held = atomic_fetch_add_explicit(&table->held_bytes, more, memory_order_relaxed);

    if (held + more <= table->memory_bytes)
        return CAPMILL_OK;
    atomic_fetch_sub_explicit(&table->held_bytes, more, memory_order_relaxed);
    return too_much(table, part->n, held + more, error);
}

static void give_back(struct cm_flow_facts_table *table, uint64_t n_bytes)
{
    atomic_fetch_sub_explicit(&table->held_bytes, n_bytes, memory_order_relaxed);
}

/* Room for one more in a set of the part. While it grows, it is there twice. */
static enum capmill_status grow_set(struct cm_flow_facts_table *table, const struct part *part,
                                    struct cm_key_set *set, struct cm_error *error)
{
    const uint64_t before = cm_key_set_bytes(set), more = cm_key_set_peak_bytes(set, 1) - before;
    enum capmill_status status = claim(table, part, more, error);

    if (status < 0)
        return status;
    status = cm_key_set_reserve(set, 1, error);
    /* the old slots went back, or the new ones were not had */
    give_back(table, status < 0 ? more : before + more - cm_key_set_bytes(set));
    return status;
}

static enum capmill_status grow_facts(struct cm_flow_facts_table *table, struct part *part,
                                      struct cm_error *error)
{
    const enum capmill_status status = claim(table, part, BLOCK_BYTES, error);

    if (status < 0)
        return status;
    if (!CM_GROW(part->blocks, part->blocks_room, part->n_blocks + 1, 16) ||
        (part->blocks[part->n_blocks] = malloc(BLOCK_BYTES)) == NULL) {
        give_back(table, BLOCK_BYTES);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for %zu flows", part->n + 1);
    }
    part->n_blocks++;
    return CAPMILL_OK;
}

/* Room for one more flow in a set and for its facts. */
static inline enum capmill_status reserve(struct cm_flow_facts_table *table, struct part *part,
                                          struct cm_key_set *set, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    if (CM_UNLIKELY(!cm_key_set_has_room(set, 1)))
        status = grow_set(table, part, set, error);
    if (CM_UNLIKELY(status == CAPMILL_OK && part->n == part->n_blocks * BLOCK_FACTS))
        status = grow_facts(table, part, error);
    return status;
}

/* --- facts --- */

static inline struct cm_flow_facts *facts_at(const struct part *part, uint64_t number)
{
    return &part->blocks[number >> BLOCK_LOG2][number & (BLOCK_FACTS - 1)];
}

static inline bool is_earlier(const struct cm_flow_facts *a, const struct cm_flow_facts *b)
{
    if (a->first_ns != b->first_ns)
        return a->first_ns < b->first_ns;
    if (a->first_input != b->first_input)
        return a->first_input < b->first_input;
    return a->first_place < b->first_place;
}

static inline void merge(struct cm_flow_facts *into, const struct cm_flow_facts *from)
{
    into->n_packets += from->n_packets;
    into->n_bytes += from->n_bytes;
    into->last_ns = cm_max_u64(into->last_ns, from->last_ns);
    if (is_earlier(from, into)) {
        into->first_ns = from->first_ns;
        into->first_input = from->first_input;
        into->first_place = from->first_place;
        into->first_from_high = from->first_from_high;
    }
}

/* `facts` to those of the flow with this key, for which there is room. */
static inline void put(struct part *part, struct cm_key_set *set, const uint64_t *key, uint64_t hash,
                       const struct cm_flow_facts *facts, unsigned n_words, unsigned n_key_words)
{
    uint64_t *entry = cm_key_set_take(set, key, hash, n_words, n_key_words);

    if ((entry[n_key_words - 1] & CM_KEY_SET_FLAGS) == 0) {
        entry[n_key_words - 1] |= OCCUPIED;
        entry[n_words - 1] = part->n++;
        *facts_at(part, entry[n_words - 1]) = *facts;
    } else {
        merge(facts_at(part, entry[n_words - 1]), facts);
    }
}

/* --- adding --- */

/* The keys of some packets. Answers how many have a flow. */
static uint32_t arrive(const struct cm_flow_facts_table *table, const struct part *part,
                       const struct cm_packet *packets, const struct cm_headers *headers, uint32_t n,
                       struct arrival *arrivals)
{
    uint32_t n_arrived = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct arrival *arrival = &arrivals[n_arrived];
        enum cm_flow_direction direction;

        arrival->family = (uint8_t)cm_flow_key_make(&packets[i], &headers[i], table->unidirectional,
                                                    &arrival->key, &direction);
        if (arrival->family == CM_FLOW_NONE)
            continue;
        if (arrival->family == CM_FLOW_IPV4) {
            struct cm_flow_key4 key4;

            cm_flow_key_narrow(&arrival->key, &key4);
            memcpy(arrival->key.words, key4.words, sizeof(key4.words));
            arrival->hash = cm_key_set_hash(&part->flows4.seed, arrival->key.words, CM_FLOW_KEY4_WORDS);
            cm_key_set_prefetch(&part->flows4, arrival->hash, WORDS4);
        } else {
            arrival->hash = cm_key_set_hash(&part->flows6.seed, arrival->key.words, CM_FLOW_KEY_WORDS);
            cm_key_set_prefetch(&part->flows6, arrival->hash, WORDS6);
        }
        arrival->packet = i;
        arrival->direction = (uint8_t)direction;
        n_arrived++;
    }
    return n_arrived;
}

static inline struct cm_flow_facts facts_of(const struct cm_packet *packet, uint32_t input, bool from_high)
{
    return (struct cm_flow_facts){.n_packets = 1,
                                  .n_bytes = packet->origlen,
                                  .first_ns = packet->time_ns,
                                  .last_ns = packet->time_ns,
                                  .first_from_high = from_high,
                                  .first_input = input,
                                  .first_place = packet->place};
}

static enum capmill_status add_some(struct cm_flow_facts_table *table, struct part *part,
                                    const struct cm_packet *packets, const struct cm_headers *headers,
                                    const uint32_t *inputs, uint32_t n, struct cm_error *error)
{
    struct arrival arrivals[CHUNK];
    const uint32_t n_arrived = arrive(table, part, packets, headers, n, arrivals);

    for (uint32_t i = 0; i < n_arrived; i++) {
        const struct arrival *arrival = &arrivals[i];
        const struct cm_flow_facts facts = facts_of(&packets[arrival->packet], inputs[arrival->packet],
                                                    arrival->direction == CM_FLOW_FROM_HIGH);
        struct cm_key_set *set = arrival->family == CM_FLOW_IPV4 ? &part->flows4 : &part->flows6;
        const enum capmill_status status = reserve(table, part, set, error);

        if (CM_UNLIKELY(status < 0))
            return status;
        if (arrival->family == CM_FLOW_IPV4)
            put(part, set, arrival->key.words, arrival->hash, &facts, WORDS4, CM_FLOW_KEY4_WORDS);
        else
            put(part, set, arrival->key.words, arrival->hash, &facts, WORDS6, CM_FLOW_KEY_WORDS);
    }
    return CAPMILL_OK;
}

enum capmill_status cm_flow_facts_add(struct cm_flow_facts_table *table, unsigned thread,
                                      const struct cm_packet *packets, const struct cm_headers *headers,
                                      const uint32_t *inputs, uint32_t n, struct cm_error *error)
{
    for (uint32_t i = 0; i < n; i += CHUNK) {
        const uint32_t n_some = n - i < CHUNK ? n - i : CHUNK;
        const enum capmill_status status =
            add_some(table, &table->parts[thread], packets + i, headers + i, inputs + i, n_some, error);

        if (status < 0)
            return status;
    }
    return CAPMILL_OK;
}

/* --- uniting --- */

static inline enum capmill_status absorb(struct cm_flow_facts_table *table, struct part *into,
                                         struct cm_key_set *into_set, const struct part *from,
                                         const struct cm_key_set *from_set, unsigned n_words,
                                         unsigned n_key_words, struct cm_error *error)
{
    const uint64_t *end = from_set->slots + from_set->capacity * n_words;

    for (const uint64_t *entry = from_set->slots; entry < end; entry += n_words) {
        enum capmill_status status;

        if ((entry[n_key_words - 1] & CM_KEY_SET_FLAGS) == 0)
            continue;
        status = reserve(table, into, into_set, error);
        if (status < 0)
            return status;
        put(into, into_set, entry, cm_key_set_hash(&into_set->seed, entry, n_key_words),
            facts_at(from, entry[n_words - 1]), n_words, n_key_words);
    }
    return CAPMILL_OK;
}

enum capmill_status cm_flow_facts_unite(struct cm_flow_facts_table *table, struct cm_error *error)
{
    struct part *all = &table->parts[0];

    for (unsigned i = 1; i < table->n_parts; i++) {
        struct part *part = &table->parts[i];
        enum capmill_status status;

        if (part->n > all->n) { /* the smaller one moves */
            const struct part swapped = *all;

            *all = *part;
            *part = swapped;
        }
        status = absorb(table, all, &all->flows4, part, &part->flows4, WORDS4, CM_FLOW_KEY4_WORDS, error);
        if (status >= 0)
            status = absorb(table, all, &all->flows6, part, &part->flows6, WORDS6, CM_FLOW_KEY_WORDS, error);
        if (status < 0)
            return status;
        clear_part(part);
        count_held(table);
    }
    return CAPMILL_OK;
}

/* --- asking --- */

const struct cm_flow_facts *cm_flow_facts_find(const struct cm_flow_facts_table *table,
                                               const struct cm_packet *packet,
                                               const struct cm_headers *headers)
{
    const struct part *all = &table->parts[0];
    enum cm_flow_direction direction;
    const uint64_t *entry;
    struct cm_flow_key key;
    struct cm_flow_key4 key4;
    uint64_t hash;

    switch (cm_flow_key_make(packet, headers, table->unidirectional, &key, &direction)) {
    case CM_FLOW_IPV4:
        cm_flow_key_narrow(&key, &key4);
        hash = cm_key_set_hash(&all->flows4.seed, key4.words, CM_FLOW_KEY4_WORDS);
        entry = cm_key_set_find(&all->flows4, key4.words, hash, WORDS4, CM_FLOW_KEY4_WORDS);
        return entry == NULL ? NULL : facts_at(all, entry[WORDS4 - 1]);
    case CM_FLOW_IPV6:
        hash = cm_key_set_hash(&all->flows6.seed, key.words, CM_FLOW_KEY_WORDS);
        entry = cm_key_set_find(&all->flows6, key.words, hash, WORDS6, CM_FLOW_KEY_WORDS);
        return entry == NULL ? NULL : facts_at(all, entry[WORDS6 - 1]);
    default:
        return NULL;
    }
}

uint64_t cm_flow_facts_held_bytes(const struct cm_flow_facts_table *table)
{
    return atomic_load_explicit(&table->held_bytes, memory_order_relaxed);
}

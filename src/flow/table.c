/* SPDX-License-Identifier: Apache-2.0 */
/* The flow table: two key sets (IPv4 and IPv6) that number the flows, and one cache line of counts per flow.
 * As in tally.c packets are taken in chunks, so that misses overlap: slots are prefetched, then counts, then
 * all are updated. */
#include "flow/table.h"

#include <stdlib.h>
#include <string.h>

#include "flow/counts.h"
#include "flow/counts_pool.h"
#include "flow/flow_id.h"
#include "flow/key_set.h"
#include "flow/record_sort.h"
#include "flow/runs.h"

#define CHUNK 128u /* as in tally.c */

/* Words of a slot: the key, the flow id (set only when the table is put in order), the number of its counts.
 * Once packed and sorted the flow id comes first, since that is the order. */
#define EXTRA_WORDS 2u
#define SLOT4_WORDS (CM_FLOW_KEY4_WORDS + EXTRA_WORDS)
#define SLOT6_WORDS (CM_FLOW_KEY_WORDS + EXTRA_WORDS)
#define OCCUPIED    UINT64_C(1)

#define RECORD_WORDS     (sizeof(struct cm_flow_record) / sizeof(uint64_t))
#define RECORD_KEY_WORDS (1 + CM_FLOW_KEY_WORDS)
static_assert(sizeof(struct cm_flow_record) == RECORD_WORDS * sizeof(uint64_t), "records are whole words");
static_assert(RECORD_WORDS <= CM_RECORD_WORDS_MAX, "runs take records of so many words");

/* Keys of one family out of a chunk, and the counts they led to. */
struct chunk4 {
    unsigned n;
    struct cm_flow_key4 keys[CHUNK];
    uint64_t hashes[CHUNK];
    struct cm_flow_counts *counts[CHUNK];
    uint16_t packets[CHUNK]; /* index in the batch */
    uint8_t directions[CHUNK];
};
struct chunk6 {
    unsigned n;
    struct cm_flow_key keys[CHUNK];
    uint64_t hashes[CHUNK];
    struct cm_flow_counts *counts[CHUNK];
    uint16_t packets[CHUNK];
    uint8_t directions[CHUNK];
};

struct cm_flow_table {
    struct cm_flow_table_options options;
    struct cm_key_set flows4, flows6;
    struct cm_counts_pool pool;
    bool sorted;          /* slots are packed, in order, flow id first */
    struct cm_runs *runs; /* NULL until the first spill */
    size_t n_spills;
    struct chunk4 chunk4;
    struct chunk6 chunk6;
};

struct cm_flow_walk {
    struct cm_flow_table *table;
    struct cm_run_walk *runs; /* NULL: everything is in memory */
    size_t at4, at6;
    struct cm_flow_record record;
};

/* Records come as words from runs: through copies, because they are not declared as what they hold. */
static void merge_records(uint64_t *into, const uint64_t *from)
{
    struct cm_flow_counts a, b;

    memcpy(&a, into + RECORD_KEY_WORDS, sizeof(a));
    memcpy(&b, from + RECORD_KEY_WORDS, sizeof(b));
    cm_flow_counts_merge(&a, &b);
    memcpy(into + RECORD_KEY_WORDS, &a, sizeof(a));
}

static const struct cm_run_shape record_shape = {RECORD_WORDS, RECORD_KEY_WORDS, merge_records};

/* --- life --- */

enum capmill_status cm_flow_table_create(const struct cm_flow_table_options *options,
                                         struct cm_flow_table **table_ret, struct cm_error *error)
{
    struct cm_flow_table *table = calloc(1, sizeof(*table));
    enum capmill_status status;

    *table_ret = NULL;
    if (table == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for flows");
    table->options = *options;
    table->options.seed = NULL; /* the sets have it */
    status = cm_key_set_init(&table->flows4, SLOT4_WORDS, CM_FLOW_KEY4_WORDS, options->seed, error);
    if (status == CAPMILL_OK)
        status = cm_key_set_init(&table->flows6, SLOT6_WORDS, CM_FLOW_KEY_WORDS, options->seed, error);
    if (status != CAPMILL_OK) {
        cm_flow_table_destroy(table);
        return status;
    }
    *table_ret = table;
    return CAPMILL_OK;
}

void cm_flow_table_destroy(struct cm_flow_table *table)
{
    if (table == NULL)
        return;
    cm_key_set_fini(&table->flows4);
    cm_key_set_fini(&table->flows6);
    cm_counts_pool_fini(&table->pool);
    cm_runs_destroy(table->runs);
    free(table);
}

/* Everything in memory, not the runs. */
static void clear_memory(struct cm_flow_table *table)
{
    if (table->flows4.n > 0)
        cm_key_set_clear(&table->flows4);
    if (table->flows6.n > 0)
        cm_key_set_clear(&table->flows6);
    cm_counts_pool_clear(&table->pool);
    table->sorted = false;
}

void cm_flow_table_clear(struct cm_flow_table *table)
{
    clear_memory(table);
    cm_runs_destroy(table->runs);
    table->runs = NULL;
    table->n_spills = 0;
}

size_t cm_flow_table_spills(const struct cm_flow_table *table)
{
    return table->n_spills;
}

/* --- order --- */

/* Pack a set and bring its slots into order of (flow id, key). */
static void sort_set(struct cm_key_set *set)
{
    const unsigned n_words = set->n_words, n_key_words = set->n_key_words;

    cm_key_set_pack(set);
    for (uint64_t *slot = set->slots, *end = slot + set->n * n_words; slot < end; slot += n_words) {
        struct cm_flow_key4 key4;
        struct cm_flow_key key;
        uint64_t flow_id;

        if (n_key_words == CM_FLOW_KEY4_WORDS) {
            memcpy(&key4, slot, sizeof(key4));
            flow_id = cm_flow_id4(&key4);
        } else {
            memcpy(&key, slot, sizeof(key));
            flow_id = cm_flow_id(&key);
        }
        memmove(slot + 1, slot, n_key_words * sizeof(uint64_t));
        slot[0] = flow_id;
    }
    cm_record_sort(set->slots, set->n, n_words, 1 + n_key_words);
}

static void record_from_slot4(const struct cm_flow_table *table, const uint64_t *slot,
                              struct cm_flow_record *record)
{
    struct cm_flow_key4 key4 = {{slot[1], slot[2] & ~CM_KEY_SET_FLAGS}};

    record->flow_id = slot[0];
    cm_flow_key_widen(&key4, &record->key);
    record->counts = *cm_counts_pool_at(&table->pool, slot[SLOT4_WORDS - 1]);
}

static void record_from_slot6(const struct cm_flow_table *table, const uint64_t *slot,
                              struct cm_flow_record *record)
{
    record->flow_id = slot[0];
    memcpy(&record->key, slot + 1, sizeof(record->key));
    record->key.words[CM_FLOW_KEY_WORDS - 1] &= ~CM_KEY_SET_FLAGS;
    record->counts = *cm_counts_pool_at(&table->pool, slot[SLOT6_WORDS - 1]);
}

/* The order by flow id visits counts in no order at all: ask for those that come some steps later. */
#define WALK_AHEAD 16

static inline void prefetch_counts(const struct cm_flow_table *table, const struct cm_key_set *set, size_t at)
{
    if (at < set->n)
        __builtin_prefetch(cm_counts_pool_at(&table->pool, set->slots[(at + 1) * set->n_words - 1]));
}

static bool record_is_before(const struct cm_flow_record *a, const struct cm_flow_record *b)
{
    if (a->flow_id != b->flow_id)
        return a->flow_id < b->flow_id;
    for (unsigned i = 0; i < CM_FLOW_KEY_WORDS; i++)
        if (a->key.words[i] != b->key.words[i])
            return a->key.words[i] < b->key.words[i];
    return false;
}

/* Next of the two sorted families. False at the end. */
static bool memory_next(const struct cm_flow_table *table, size_t *at4, size_t *at6,
                        struct cm_flow_record *record)
{
    const uint64_t *slot4 = table->flows4.slots + *at4 * SLOT4_WORDS;
    const uint64_t *slot6 = table->flows6.slots + *at6 * SLOT6_WORDS;
    const bool any4 = *at4 < table->flows4.n, any6 = *at6 < table->flows6.n;
    struct cm_flow_record other;

    if (!any4 && !any6)
        return false;
    prefetch_counts(table, &table->flows4, *at4 + WALK_AHEAD);
    prefetch_counts(table, &table->flows6, *at6 + WALK_AHEAD);
    if (any4 && any6 && slot4[0] == slot6[0]) {
        record_from_slot4(table, slot4, record);
        record_from_slot6(table, slot6, &other);
        if (record_is_before(record, &other)) {
            ++*at4;
        } else {
            *record = other;
            ++*at6;
        }
    } else if (any4 && (!any6 || slot4[0] < slot6[0])) {
        record_from_slot4(table, slot4, record);
        ++*at4;
    } else {
        record_from_slot6(table, slot6, record);
        ++*at6;
    }
    return true;
}

/* --- memory --- */

static void sort_memory(struct cm_flow_table *table)
{
    if (table->sorted)
        return;
    sort_set(&table->flows4);
    sort_set(&table->flows6);
    table->sorted = true;
}

/* Write all flows in memory out as one run. */
static enum capmill_status spill(struct cm_flow_table *table, struct cm_error *error)
{
    struct cm_flow_record record;
    uint64_t words[RECORD_WORDS];
    size_t at4 = 0, at6 = 0;
    enum capmill_status status;

    if (table->pool.n == 0)
        return CAPMILL_OK;
    if (table->runs == NULL && (table->runs = cm_runs_create(&record_shape, table->options.temp_dir)) == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for spilled flows");
    sort_memory(table);
    status = cm_runs_begin(table->runs, error);
    while (status == CAPMILL_OK && memory_next(table, &at4, &at6, &record)) {
        memcpy(words, &record, sizeof(words));
        status = cm_runs_put(table->runs, words, 1, error);
    }
    if (status == CAPMILL_OK)
        status = cm_runs_end(table->runs, error);
    clear_memory(table);
    table->n_spills++;
    return status;
}

/* Room for one more chunk of flows, `n4` and `n6` of the families: by growing, or by spilling where growing
 * would exceed the memory allowed. */
static enum capmill_status make_room(struct cm_flow_table *table, size_t n4, size_t n6,
                                     struct cm_error *error)
{
    enum capmill_status status;

    if (cm_key_set_peak_bytes(&table->flows4, n4) + cm_key_set_peak_bytes(&table->flows6, n6) +
                cm_counts_pool_bytes(&table->pool, n4 + n6) >
            table->options.memory_bytes &&
        (status = spill(table, error)) != CAPMILL_OK)
        return status;
    if ((status = cm_key_set_reserve(&table->flows4, n4, error)) != CAPMILL_OK ||
        (status = cm_key_set_reserve(&table->flows6, n6, error)) != CAPMILL_OK)
        return status;
    if (!cm_counts_pool_reserve(&table->pool, n4 + n6))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for %zu flows", table->pool.n);
    return CAPMILL_OK;
}

/* --- counting --- */

/* From a chunk's keys to their counts. Counts of new flows are made. */
static inline void locate(struct cm_key_set *set, struct cm_counts_pool *pool, const uint64_t *keys,
                          unsigned n, uint64_t *hashes, struct cm_flow_counts **counts_ret, unsigned n_words,
                          unsigned n_key_words)
{
    const struct cm_flow_seed seed = set->seed;

    for (unsigned i = 0; i < n; i++) {
        hashes[i] = cm_key_set_hash(&seed, keys + i * n_key_words, n_key_words);
        cm_key_set_prefetch(set, hashes[i], n_words);
    }
    for (unsigned i = 0; i < n; i++) {
        uint64_t *slot = cm_key_set_take(set, keys + i * n_key_words, hashes[i], n_words, n_key_words);

        if (CM_UNLIKELY((slot[n_key_words - 1] & CM_KEY_SET_FLAGS) == 0)) {
            slot[n_key_words - 1] |= OCCUPIED;
            slot[n_words - 1] = pool->n;
            cm_flow_counts_init(cm_counts_pool_at(pool, pool->n++));
        }
        counts_ret[i] = cm_counts_pool_at(pool, slot[n_words - 1]);
        __builtin_prefetch(counts_ret[i], 1);
    }
}

static enum capmill_status locate_chunk(struct cm_flow_table *table, struct cm_error *error)
{
    struct chunk4 *chunk4 = &table->chunk4;
    struct chunk6 *chunk6 = &table->chunk6;
    enum capmill_status status = make_room(table, chunk4->n, chunk6->n, error);

    if (status != CAPMILL_OK)
        return status;
    locate(&table->flows4, &table->pool, chunk4->keys[0].words, chunk4->n, chunk4->hashes, chunk4->counts,
           SLOT4_WORDS, CM_FLOW_KEY4_WORDS);
    locate(&table->flows6, &table->pool, chunk6->keys[0].words, chunk6->n, chunk6->hashes, chunk6->counts,
           SLOT6_WORDS, CM_FLOW_KEY_WORDS);
    return CAPMILL_OK;
}

/* Put a packet's key into the chunk. */
static inline void note_packet(struct cm_flow_table *table, const struct cm_batch *batch, uint16_t at)
{
    const struct cm_packet *packet = &batch->packets[at];
    const struct cm_headers *headers = &batch->headers[at];
    const bool unidirectional = table->options.unidirectional;
    struct chunk4 *chunk4 = &table->chunk4;
    struct chunk6 *chunk6 = &table->chunk6;
    enum cm_flow_direction direction = CM_FLOW_FROM_LOW;
    enum cm_flow_family family;

    if (CM_LIKELY(headers->ip_version == 4 && (headers->flags & CM_HEADERS_ADDRESSES))) {
        direction = cm_flow_key4_make(packet, headers, unidirectional, &chunk4->keys[chunk4->n]);
        family = CM_FLOW_IPV4;
    } else {
        struct cm_flow_key *key = &chunk6->keys[chunk6->n];

        family = cm_flow_key_make(packet, headers, unidirectional, key, &direction);
        if (family == CM_FLOW_IPV4)
            cm_flow_key_narrow(key, &chunk4->keys[chunk4->n]);
    }
    if (family == CM_FLOW_IPV4) {
        chunk4->packets[chunk4->n] = at;
        chunk4->directions[chunk4->n++] = (uint8_t)direction;
    } else if (family == CM_FLOW_IPV6) {
        chunk6->packets[chunk6->n] = at;
        chunk6->directions[chunk6->n++] = (uint8_t)direction;
    }
}

enum capmill_status cm_flow_table_add(struct cm_flow_table *table, const struct cm_batch *batch,
                                      struct cm_error *error)
{
    const uint32_t n = cm_batch_n_selected(batch);
    struct chunk4 *chunk4 = &table->chunk4;
    struct chunk6 *chunk6 = &table->chunk6;

    assert(!table->sorted);
    for (uint32_t begin = 0; begin < n; begin += CHUNK) {
        const uint32_t end = n - begin < CHUNK ? n : begin + CHUNK;
        enum capmill_status status;

        chunk4->n = chunk6->n = 0;
        for (uint32_t i = begin; i < end; i++)
            note_packet(table, batch, (uint16_t)cm_batch_selected(batch, i));
        if ((status = locate_chunk(table, error)) != CAPMILL_OK)
            return status;
        for (unsigned i = 0; i < chunk4->n; i++)
            cm_flow_counts_add(chunk4->counts[i], &batch->packets[chunk4->packets[i]],
                               &batch->headers[chunk4->packets[i]], batch->input, chunk4->directions[i]);
        for (unsigned i = 0; i < chunk6->n; i++)
            cm_flow_counts_add(chunk6->counts[i], &batch->packets[chunk6->packets[i]],
                               &batch->headers[chunk6->packets[i]], batch->input, chunk6->directions[i]);
    }
    return CAPMILL_OK;
}

/* --- uniting --- */

/* The chunk's keys came with counts of their own: add those. */
static enum capmill_status merge_chunk(struct cm_flow_table *into, const struct cm_flow_counts *const *from4,
                                       const struct cm_flow_counts *const *from6, struct cm_error *error)
{
    enum capmill_status status = locate_chunk(into, error);

    if (status != CAPMILL_OK)
        return status;
    for (unsigned i = 0; i < into->chunk4.n; i++)
        cm_flow_counts_merge(into->chunk4.counts[i], from4[i]);
    for (unsigned i = 0; i < into->chunk6.n; i++)
        cm_flow_counts_merge(into->chunk6.counts[i], from6[i]);
    into->chunk4.n = into->chunk6.n = 0;
    return CAPMILL_OK;
}

/* Add all flows in memory of `from`. In hash order, unless `from` is sorted; see key_set.h. */
static enum capmill_status merge_memory(struct cm_flow_table *into, const struct cm_flow_table *from,
                                        struct cm_error *error)
{
    const struct cm_flow_counts *from4[CHUNK] = {NULL}, *from6[CHUNK] = {NULL};
    const unsigned key_at = from->sorted ? 1 : 0; /* the flow id is in front then */
    const size_t end4 = from->sorted ? from->flows4.n : from->flows4.capacity;
    const size_t end6 = from->sorted ? from->flows6.n : from->flows6.capacity;
    enum capmill_status status = CAPMILL_OK;

    into->chunk4.n = into->chunk6.n = 0;
    for (size_t i = 0; i < end4 && status == CAPMILL_OK; i++) {
        const uint64_t *slot = from->flows4.slots + i * SLOT4_WORDS;

        if ((slot[key_at + CM_FLOW_KEY4_WORDS - 1] & CM_KEY_SET_FLAGS) == 0)
            continue;
        memcpy(&into->chunk4.keys[into->chunk4.n], slot + key_at, sizeof(struct cm_flow_key4));
        from4[into->chunk4.n] = cm_counts_pool_at(&from->pool, slot[SLOT4_WORDS - 1]);
        __builtin_prefetch(from4[into->chunk4.n++]);
        if (into->chunk4.n == CHUNK)
            status = merge_chunk(into, from4, from6, error);
    }
    for (size_t i = 0; i < end6 && status == CAPMILL_OK; i++) {
        const uint64_t *slot = from->flows6.slots + i * SLOT6_WORDS;

        if ((slot[key_at + CM_FLOW_KEY_WORDS - 1] & CM_KEY_SET_FLAGS) == 0)
            continue;
        memcpy(&into->chunk6.keys[into->chunk6.n], slot + key_at, sizeof(struct cm_flow_key));
        from6[into->chunk6.n] = cm_counts_pool_at(&from->pool, slot[SLOT6_WORDS - 1]);
        __builtin_prefetch(from6[into->chunk6.n++]);
        if (into->chunk6.n == CHUNK)
            status = merge_chunk(into, from4, from6, error);
    }
    return status == CAPMILL_OK ? merge_chunk(into, from4, from6, error) : status;
}

static void swap_memory(struct cm_flow_table *a, struct cm_flow_table *b)
{
    struct cm_key_set flows4 = a->flows4, flows6 = a->flows6;
    struct cm_counts_pool pool = a->pool;
    bool sorted = a->sorted;

    a->flows4 = b->flows4;
    a->flows6 = b->flows6;
    a->pool = b->pool;
    a->sorted = b->sorted;
    b->flows4 = flows4;
    b->flows6 = flows6;
    b->pool = pool;
    b->sorted = sorted;
}

/* Make a sorted table one that can be counted into again. */
static enum capmill_status reopen(struct cm_flow_table *table, struct cm_error *error)
{
    struct cm_flow_table_options options = table->options;
    struct cm_flow_table *fresh = NULL;
    enum capmill_status status;

    if (!table->sorted)
        return CAPMILL_OK;
    options.seed = &table->flows4.seed;
    if ((status = cm_flow_table_create(&options, &fresh, error)) != CAPMILL_OK)
        return status;
    swap_memory(table, fresh);
    status = merge_memory(table, fresh, error);
    cm_flow_table_destroy(fresh);
    return status;
}

static enum capmill_status absorb_runs(struct cm_flow_table *into, struct cm_flow_table *from,
                                       struct cm_error *error)
{
    if (from->runs == NULL)
        return CAPMILL_OK;
    if (into->runs == NULL) {
        into->runs = from->runs;
        from->runs = NULL;
        return CAPMILL_OK;
    }
    return cm_runs_move(into->runs, from->runs, error);
}

enum capmill_status cm_flow_table_absorb(struct cm_flow_table *into, struct cm_flow_table *from,
                                         struct cm_error *error)
{
    enum capmill_status status = absorb_runs(into, from, error);

    if (status == CAPMILL_OK && into->pool.n < from->pool.n)
        swap_memory(into, from); /* the smaller one moves */
    if (status == CAPMILL_OK && from->pool.n > 0) {
        status = reopen(into, error);
        if (status == CAPMILL_OK)
            status = merge_memory(into, from, error);
    }
    into->n_spills += from->n_spills;
    cm_flow_table_clear(from);
    return status;
}

/* --- walking --- */

enum capmill_status cm_flow_table_sort(struct cm_flow_table *table, struct cm_error *error)
{
    if (table->runs != NULL)
        return spill(table, error);
    sort_memory(table);
    return CAPMILL_OK;
}

enum capmill_status cm_flow_walk_open(struct cm_flow_table *table, struct cm_flow_walk **walk_ret,
                                      struct cm_error *error)
{
    struct cm_flow_walk *walk = calloc(1, sizeof(*walk));
    enum capmill_status status = CAPMILL_OK;

    *walk_ret = NULL;
    if (walk == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for a walk over flows");
    walk->table = table;
    if (table->runs != NULL)
        status = cm_run_walk_open(table->runs, table->options.memory_bytes, &walk->runs, error);
    if (status != CAPMILL_OK) {
        cm_flow_walk_close(walk);
        return status;
    }
    *walk_ret = walk;
    return CAPMILL_OK;
}

enum capmill_status cm_flow_walk_next(struct cm_flow_walk *walk, const struct cm_flow_record **record_ret,
                                      struct cm_error *error)
{
    const uint64_t *words;
    enum capmill_status status;

    *record_ret = &walk->record;
    if (walk->runs == NULL)
        return memory_next(walk->table, &walk->at4, &walk->at6, &walk->record) ? CAPMILL_OK : CAPMILL_END;
    status = cm_run_walk_next(walk->runs, &words, error);
    if (status == CAPMILL_OK)
        memcpy(&walk->record, words, sizeof(walk->record));
    return status;
}

void cm_flow_walk_close(struct cm_flow_walk *walk)
{
    if (walk == NULL)
        return;
    cm_run_walk_close(walk->runs);
    free(walk);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Counting distinct flows and addresses. The trick: an address can only be new when a flow is first seen in a
 * direction, and the flow's own entry remembers which directions were seen; so a packet of a known flow costs
 * one probe.
 *
 * Packets are taken in chunks: first all keys and hashes are made and the places prefetched, then all are
 * looked up, so that the misses of a large table overlap instead of adding up. */
#include "flow/tally.h"

#include <stdlib.h>
#include <string.h>

#include "flow/cardinality.h"
#include "flow/flow_id.h"
#include "flow/key.h"
#include "flow/key_set.h"
#include "flow/record_sort.h"
#include "flow/runs.h"

/* As many misses as a core keeps in flight are some tens; the chunk's keys stay in the first-level cache. */
#define CHUNK 128u

/* Flags of a flow: the directions seen. Of an address: as what it was seen. Either makes an entry
 * occupied. */
#define SEEN(direction) (UINT64_C(1) << (direction))
#define IS_SOURCE       UINT64_C(1)
#define IS_DESTINATION  UINT64_C(2)

enum kind { ADDRESSES4 = 0, FLOWS4, ADDRESSES6, FLOWS6, N_KINDS };

/* Words of the kinds' keys, which are their whole entries. */
#define ADDRESS4_WORDS 1u
#define ADDRESS6_WORDS 3u
static const unsigned kind_words[N_KINDS] = {ADDRESS4_WORDS, CM_FLOW_KEY4_WORDS, ADDRESS6_WORDS,
                                             CM_FLOW_KEY_WORDS};

/* Entries of one key from two runs. */
static void merge1(uint64_t *into, const uint64_t *from)
{
    into[0] |= from[0];
}
static void merge2(uint64_t *into, const uint64_t *from)
{
    into[1] |= from[1];
}
static void merge3(uint64_t *into, const uint64_t *from)
{
    into[2] |= from[2];
}
static void merge5(uint64_t *into, const uint64_t *from)
{
    into[4] |= from[4];
}
static const struct cm_run_shape kind_shapes[N_KINDS] = {
    {ADDRESS4_WORDS, ADDRESS4_WORDS, merge1},
    {CM_FLOW_KEY4_WORDS, CM_FLOW_KEY4_WORDS, merge2},
    {ADDRESS6_WORDS, ADDRESS6_WORDS, merge3},
    {CM_FLOW_KEY_WORDS, CM_FLOW_KEY_WORDS, merge5},
};

/* What a chunk of packets brings. */
struct chunk {
    unsigned n_flows4, n_flows6, n_addresses4, n_addresses6;
    struct cm_flow_key4 flows4[CHUNK];
    struct cm_flow_key flows6[CHUNK];
    uint64_t addresses4[2 * CHUNK][ADDRESS4_WORDS]; /* flags set */
    uint64_t addresses6[2 * CHUNK][ADDRESS6_WORDS];
    uint64_t hashes[2 * CHUNK];
};

struct estimates {
    struct cm_cardinality flows, sources, destinations;
};

struct cm_tally {
    struct cm_tally_options options;
    struct cm_key_set sets[N_KINDS];
    struct cm_runs *runs[N_KINDS]; /* NULL until the first spill */
    size_t n_spills;
    struct estimates *estimates; /* in place of all above */
    struct chunk chunk;
};

enum capmill_status cm_tally_create(const struct cm_tally_options *options, struct cm_tally **tally_ret,
                                    struct cm_error *error)
{
    struct cm_tally *tally = calloc(1, sizeof(*tally));
    enum capmill_status status = CAPMILL_OK;

    *tally_ret = NULL;
    if (tally == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for flows");
    tally->options = *options;
    tally->options.seed = NULL; /* the sets have it */
    if (options->approximate) {
        tally->estimates = calloc(1, sizeof(*tally->estimates));
        if (tally->estimates == NULL)
            status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for estimates");
    }
    for (unsigned kind = 0; kind < N_KINDS && !options->approximate && status == CAPMILL_OK; kind++)
        status =
            cm_key_set_init(&tally->sets[kind], kind_words[kind], kind_words[kind], options->seed, error);
    if (status != CAPMILL_OK) {
        cm_tally_destroy(tally);
        return status;
    }
    *tally_ret = tally;
    return CAPMILL_OK;
}

void cm_tally_destroy(struct cm_tally *tally)
{
    if (tally == NULL)
        return;
    for (unsigned kind = 0; kind < N_KINDS; kind++) {
        cm_key_set_fini(&tally->sets[kind]);
        cm_runs_destroy(tally->runs[kind]);
    }
    free(tally->estimates);
    free(tally);
}

void cm_tally_clear(struct cm_tally *tally)
{
    if (tally->estimates != NULL) {
        memset(tally->estimates, 0, sizeof(*tally->estimates));
        return;
    }
    for (unsigned kind = 0; kind < N_KINDS; kind++) {
        if (tally->sets[kind].n > 0)
            cm_key_set_clear(&tally->sets[kind]);
        cm_runs_destroy(tally->runs[kind]);
        tally->runs[kind] = NULL;
    }
    tally->n_spills = 0;
}

size_t cm_tally_spills(const struct cm_tally *tally)
{
    return tally->n_spills;
}

/* --- memory --- */

static enum capmill_status spill_kind(struct cm_tally *tally, enum kind kind, struct cm_error *error)
{
    struct cm_key_set *set = &tally->sets[kind];
    enum capmill_status status;

    if (set->n == 0)
        return CAPMILL_OK;
    if (tally->runs[kind] == NULL)
        tally->runs[kind] = cm_runs_create(&kind_shapes[kind], tally->options.temp_dir);
    if (tally->runs[kind] == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for spilled flows");
    cm_key_set_pack(set);
    cm_record_sort(set->slots, set->n, set->n_words, set->n_key_words);
    status = cm_runs_begin(tally->runs[kind], error);
    if (status == CAPMILL_OK)
        status = cm_runs_put(tally->runs[kind], set->slots, set->n, error);
    if (status == CAPMILL_OK)
        status = cm_runs_end(tally->runs[kind], error);
    cm_key_set_clear(set);
    return status;
}

static enum capmill_status spill(struct cm_tally *tally, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    for (unsigned kind = 0; kind < N_KINDS && status == CAPMILL_OK; kind++)
        status = spill_kind(tally, (enum kind)kind, error);
    tally->n_spills++;
    return status;
}

static bool fits(const struct cm_tally *tally, enum kind kind, size_t n_more)
{
    size_t bytes = cm_key_set_peak_bytes(&tally->sets[kind], n_more);

    for (unsigned other = 0; other < N_KINDS; other++)
        if (other != kind)
            bytes += cm_key_set_bytes(&tally->sets[other]);
    return bytes <= tally->options.memory_bytes;
}

/* Room for `n_more` keys of a kind: by growing, or by spilling where growing would exceed the memory
 * allowed. */
static enum capmill_status make_room(struct cm_tally *tally, enum kind kind, size_t n_more,
                                     struct cm_error *error)
{
    if (CM_LIKELY(cm_key_set_has_room(&tally->sets[kind], n_more)))
        return CAPMILL_OK;
    if (!fits(tally, kind, n_more)) {
        enum capmill_status status = spill(tally, error);

        if (status != CAPMILL_OK)
            return status;
    }
    return cm_key_set_reserve(&tally->sets[kind], n_more, error);
}

/* --- exact counting --- */

static void note_address(struct chunk *chunk, uint64_t first, uint64_t second, uint64_t flag)
{
    if (cm_flow_words_are_mapped(first, second)) {
        chunk->addresses4[chunk->n_addresses4++][0] = second << 32 | flag;
    } else {
        uint64_t *address = chunk->addresses6[chunk->n_addresses6++];

        address[0] = first;
        address[1] = second;
        address[2] = flag;
    }
}

/* Keys carry the packet's direction in their flags until here. */
static void take_flows4(struct cm_tally *tally)
{
    struct chunk *chunk = &tally->chunk;
    struct cm_key_set *set = &tally->sets[FLOWS4];

    for (unsigned i = 0; i < chunk->n_flows4; i++) {
        const uint64_t *key = chunk->flows4[i].words;
        uint64_t seen = key[1] & CM_KEY_SET_FLAGS;
        uint64_t *entry = cm_key_set_take(set, key, chunk->hashes[i], CM_FLOW_KEY4_WORDS, CM_FLOW_KEY4_WORDS);

        if (CM_UNLIKELY((entry[1] & seen) == 0)) {
            bool from_low = seen == SEEN(CM_FLOW_FROM_LOW);

            entry[1] |= seen;
            chunk->addresses4[chunk->n_addresses4++][0] =
                (key[0] & ~(uint64_t)UINT32_MAX) | (from_low ? IS_SOURCE : IS_DESTINATION);
            chunk->addresses4[chunk->n_addresses4++][0] =
                key[0] << 32 | (from_low ? IS_DESTINATION : IS_SOURCE);
        }
    }
}

static void take_flows6(struct cm_tally *tally)
{
    struct chunk *chunk = &tally->chunk;
    struct cm_key_set *set = &tally->sets[FLOWS6];

    for (unsigned i = 0; i < chunk->n_flows6; i++) {
        const uint64_t *key = chunk->flows6[i].words;
        uint64_t seen = key[4] & CM_KEY_SET_FLAGS;
        uint64_t *entry = cm_key_set_take(set, key, chunk->hashes[i], CM_FLOW_KEY_WORDS, CM_FLOW_KEY_WORDS);

        if (CM_UNLIKELY((entry[4] & seen) == 0)) {
            bool from_low = seen == SEEN(CM_FLOW_FROM_LOW);

            entry[4] |= seen;
            note_address(chunk, key[0], key[1], from_low ? IS_SOURCE : IS_DESTINATION);
            note_address(chunk, key[2], key[3], from_low ? IS_DESTINATION : IS_SOURCE);
        }
    }
}

/* Hash `n` keys and ask for their slots. */
static inline void prepare(const struct cm_key_set *set, const uint64_t *keys, unsigned n,
                           uint64_t *hashes_ret, unsigned n_words)
{
    const struct cm_flow_seed seed = set->seed;

    for (unsigned i = 0; i < n; i++) {
        hashes_ret[i] = cm_key_set_hash(&seed, keys + i * n_words, n_words);
        cm_key_set_prefetch(set, hashes_ret[i], n_words);
    }
}

/* Take `n` keys with their flags. */
static inline void unite(struct cm_key_set *set, const uint64_t *keys, unsigned n, const uint64_t *hashes,
                         unsigned n_words)
{
    for (unsigned i = 0; i < n; i++) {
        const uint64_t *key = keys + i * n_words;
        uint64_t *entry = cm_key_set_take(set, key, hashes[i], n_words, n_words);

        entry[n_words - 1] |= key[n_words - 1] & CM_KEY_SET_FLAGS;
    }
}

static enum capmill_status take_addresses(struct cm_tally *tally, struct cm_error *error)
{
    struct chunk *chunk = &tally->chunk;
    enum capmill_status status;

    if (chunk->n_addresses4 > 0) {
        if ((status = make_room(tally, ADDRESSES4, chunk->n_addresses4, error)) != CAPMILL_OK)
            return status;
        prepare(&tally->sets[ADDRESSES4], chunk->addresses4[0], chunk->n_addresses4, chunk->hashes,
                ADDRESS4_WORDS);
        unite(&tally->sets[ADDRESSES4], chunk->addresses4[0], chunk->n_addresses4, chunk->hashes,
              ADDRESS4_WORDS);
    }
    if (chunk->n_addresses6 > 0) {
        if ((status = make_room(tally, ADDRESSES6, chunk->n_addresses6, error)) != CAPMILL_OK)
            return status;
        prepare(&tally->sets[ADDRESSES6], chunk->addresses6[0], chunk->n_addresses6, chunk->hashes,
                ADDRESS6_WORDS);
        unite(&tally->sets[ADDRESSES6], chunk->addresses6[0], chunk->n_addresses6, chunk->hashes,
              ADDRESS6_WORDS);
    }
    return CAPMILL_OK;
}

static enum capmill_status take_chunk(struct cm_tally *tally, struct cm_error *error)
{
    struct chunk *chunk = &tally->chunk;
    enum capmill_status status;

    if (chunk->n_flows4 > 0) {
        if ((status = make_room(tally, FLOWS4, chunk->n_flows4, error)) != CAPMILL_OK)
            return status;
        prepare(&tally->sets[FLOWS4], chunk->flows4[0].words, chunk->n_flows4, chunk->hashes,
                CM_FLOW_KEY4_WORDS);
        take_flows4(tally);
    }
    if (chunk->n_flows6 > 0) {
        if ((status = make_room(tally, FLOWS6, chunk->n_flows6, error)) != CAPMILL_OK)
            return status;
        prepare(&tally->sets[FLOWS6], chunk->flows6[0].words, chunk->n_flows6, chunk->hashes,
                CM_FLOW_KEY_WORDS);
        take_flows6(tally);
    }
    return take_addresses(tally, error);
}

/* --- estimating --- */

static void estimate_address(struct estimates *estimates, uint64_t first, uint64_t second, uint64_t flag)
{
    cm_cardinality_add(flag == IS_SOURCE ? &estimates->sources : &estimates->destinations,
                       cm_flow_address_hash(first, second));
}

static void estimate_chunk(struct cm_tally *tally)
{
    struct chunk *chunk = &tally->chunk;

    for (unsigned i = 0; i < chunk->n_flows4; i++)
        cm_flow_key_widen(&chunk->flows4[i], &chunk->flows6[chunk->n_flows6++]);
    for (unsigned i = 0; i < chunk->n_flows6; i++) {
        const uint64_t *key = chunk->flows6[i].words;
        bool from_low = (key[4] & CM_KEY_SET_FLAGS) == SEEN(CM_FLOW_FROM_LOW);

        cm_cardinality_add(&tally->estimates->flows, cm_flow_id(&chunk->flows6[i]));
        estimate_address(tally->estimates, key[0], key[1], from_low ? IS_SOURCE : IS_DESTINATION);
        estimate_address(tally->estimates, key[2], key[3], from_low ? IS_DESTINATION : IS_SOURCE);
    }
}

/* --- */

/* The slow form: IPv6, and IPv4 in its clothes. */
static void note_flow6(struct cm_tally *tally, const struct cm_packet *packet,
                       const struct cm_headers *headers)
{
    struct chunk *chunk = &tally->chunk;
    struct cm_flow_key *key = &chunk->flows6[chunk->n_flows6];
    enum cm_flow_direction direction;
    enum cm_flow_family family =
        cm_flow_key_make(packet, headers, tally->options.unidirectional, key, &direction);

    if (family == CM_FLOW_NONE)
        return;
    key->words[4] |= SEEN(direction);
    if (family == CM_FLOW_IPV4)
        cm_flow_key_narrow(key, &chunk->flows4[chunk->n_flows4++]);
    else
        chunk->n_flows6++;
}

enum capmill_status cm_tally_add(struct cm_tally *tally, const struct cm_batch *batch, struct cm_error *error)
{
    struct chunk *chunk = &tally->chunk;
    const uint32_t n = cm_batch_n_selected(batch);
    const bool unidirectional = tally->options.unidirectional;

    for (uint32_t begin = 0; begin < n; begin += CHUNK) {
        const uint32_t end = n - begin < CHUNK ? n : begin + CHUNK;
        enum capmill_status status;

        chunk->n_flows4 = chunk->n_flows6 = chunk->n_addresses4 = chunk->n_addresses6 = 0;
        for (uint32_t i = begin; i < end; i++) {
            const uint32_t at = cm_batch_selected(batch, i);
            const struct cm_headers *headers = &batch->headers[at];

            if (CM_LIKELY(headers->ip_version == 4 && (headers->flags & CM_HEADERS_ADDRESSES))) {
                struct cm_flow_key4 *key = &chunk->flows4[chunk->n_flows4++];
                enum cm_flow_direction direction =
                    cm_flow_key4_make(&batch->packets[at], headers, unidirectional, key);

                key->words[1] |= SEEN(direction);
            } else {
                note_flow6(tally, &batch->packets[at], headers);
            }
        }
        if (tally->estimates != NULL) {
            estimate_chunk(tally);
            continue;
        }
        status = take_chunk(tally, error);
        if (status != CAPMILL_OK)
            return status;
    }
    return CAPMILL_OK;
}

/* --- uniting and counting --- */

static void swap_sets(struct cm_key_set *a, struct cm_key_set *b)
{
    struct cm_key_set swapped = *a;

    *a = *b;
    *b = swapped;
}

/* Both walks below go over the slots of `other`, that is in hash order, in which the slots of `set` lie as
 * well: memory is read in sequence. How many are new is counted first, because room for all of them would
 * often be twice the room needed (threads see the same flows), and growing midway would crowd the slots
 * behind the walk. */
static inline size_t count_new(const struct cm_key_set *set, const struct cm_key_set *other, unsigned n_words)
{
    size_t n_new = 0;

    for (const uint64_t *entry = other->slots, *end = entry + other->capacity * n_words; entry < end;
         entry += n_words)
        if ((entry[n_words - 1] & CM_KEY_SET_FLAGS) != 0 &&
            cm_key_set_find(set, entry, cm_key_set_hash(&set->seed, entry, n_words), n_words, n_words) ==
                NULL)
            n_new++;
    return n_new;
}

static inline void take_all(struct cm_key_set *set, const struct cm_key_set *other, unsigned n_words)
{
    for (const uint64_t *entry = other->slots, *end = entry + other->capacity * n_words; entry < end;
         entry += n_words) {
        uint64_t *same;

        if ((entry[n_words - 1] & CM_KEY_SET_FLAGS) == 0)
            continue;
        same = cm_key_set_take(set, entry, cm_key_set_hash(&set->seed, entry, n_words), n_words, n_words);
        same[n_words - 1] |= entry[n_words - 1] & CM_KEY_SET_FLAGS;
    }
}

static enum capmill_status absorb_kind(struct cm_tally *into, struct cm_tally *from, enum kind kind,
                                       struct cm_error *error)
{
    struct cm_key_set *set = &into->sets[kind], *other = &from->sets[kind];
    const unsigned n_words = kind_words[kind];
    enum capmill_status status;
    size_t n_new;

    if (set->n < other->n)
        swap_sets(set, other); /* the smaller one moves */
    if (other->n == 0)
        return CAPMILL_OK;
    n_new = other->n;
    if (!cm_key_set_has_room(set, n_new))
        n_new = n_words == CM_FLOW_KEY4_WORDS ? count_new(set, other, CM_FLOW_KEY4_WORDS)
                                              : count_new(set, other, n_words);
    if (!cm_key_set_has_room(set, n_new) && !fits(into, kind, n_new)) {
        into->n_spills++;
        if ((status = spill_kind(into, kind, error)) != CAPMILL_OK)
            return status;
        swap_sets(set, other);
        return CAPMILL_OK;
    }
    if ((status = cm_key_set_reserve(set, n_new, error)) != CAPMILL_OK)
        return status;
    if (n_words == CM_FLOW_KEY4_WORDS)
        take_all(set, other, CM_FLOW_KEY4_WORDS);
    else
        take_all(set, other, n_words);
    return CAPMILL_OK;
}

static enum capmill_status absorb_runs(struct cm_tally *into, struct cm_tally *from, enum kind kind,
                                       struct cm_error *error)
{
    if (from->runs[kind] == NULL)
        return CAPMILL_OK;
    if (into->runs[kind] == NULL) {
        into->runs[kind] = from->runs[kind];
        from->runs[kind] = NULL;
        return CAPMILL_OK;
    }
    return cm_runs_move(into->runs[kind], from->runs[kind], error);
}

enum capmill_status cm_tally_absorb(struct cm_tally *into, struct cm_tally *from, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    if (into->estimates != NULL) {
        cm_cardinality_merge(&into->estimates->flows, &from->estimates->flows);
        cm_cardinality_merge(&into->estimates->sources, &from->estimates->sources);
        cm_cardinality_merge(&into->estimates->destinations, &from->estimates->destinations);
    }
    for (unsigned kind = 0; kind < N_KINDS && into->estimates == NULL && status == CAPMILL_OK; kind++) {
        status = absorb_runs(into, from, (enum kind)kind, error);
        if (status == CAPMILL_OK)
            status = absorb_kind(into, from, (enum kind)kind, error);
    }
    into->n_spills += from->n_spills;
    cm_tally_clear(from);
    return status;
}

static void count_entry(enum kind kind, uint64_t flags, struct cm_tally_counts *counts)
{
    if (kind == FLOWS4 || kind == FLOWS6) {
        counts->n_flows++;
    } else {
        counts->n_src_addresses += (flags & IS_SOURCE) != 0;
        counts->n_dst_addresses += (flags & IS_DESTINATION) != 0;
    }
}

static void count_set(const struct cm_key_set *set, enum kind kind, struct cm_tally_counts *counts)
{
    if (kind == FLOWS4 || kind == FLOWS6) {
        counts->n_flows += set->n;
        return;
    }
    for (size_t i = 0; i < set->capacity; i++)
        count_entry(kind, set->slots[i * set->n_words + set->n_key_words - 1] & CM_KEY_SET_FLAGS, counts);
}

/* Some keys are in runs: put the rest there too, and merge. */
static enum capmill_status count_runs(struct cm_tally *tally, enum kind kind, struct cm_tally_counts *counts,
                                      struct cm_error *error)
{
    struct cm_run_walk *walk = NULL;
    const uint64_t *record;
    enum capmill_status status = spill_kind(tally, kind, error);

    if (status == CAPMILL_OK)
        status = cm_run_walk_open(tally->runs[kind], tally->options.memory_bytes, &walk, error);
    while (status == CAPMILL_OK && (status = cm_run_walk_next(walk, &record, error)) == CAPMILL_OK)
        count_entry(kind, record[kind_words[kind] - 1] & CM_KEY_SET_FLAGS, counts);
    cm_run_walk_close(walk);
    return status == CAPMILL_END ? CAPMILL_OK : status;
}

enum capmill_status cm_tally_count(struct cm_tally *tally, struct cm_tally_counts *counts_ret,
                                   struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    memset(counts_ret, 0, sizeof(*counts_ret));
    if (tally->estimates != NULL) {
        counts_ret->n_flows = cm_cardinality_estimate(&tally->estimates->flows);
        counts_ret->n_src_addresses = cm_cardinality_estimate(&tally->estimates->sources);
        counts_ret->n_dst_addresses = cm_cardinality_estimate(&tally->estimates->destinations);
        return CAPMILL_OK;
    }
    for (unsigned kind = 0; kind < N_KINDS && status == CAPMILL_OK; kind++) {
        if (tally->runs[kind] == NULL)
            count_set(&tally->sets[kind], (enum kind)kind, counts_ret);
        else
            status = count_runs(tally, (enum kind)kind, counts_ret, error);
    }
    return status;
}

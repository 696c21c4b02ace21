/* SPDX-License-Identifier: Apache-2.0 */
/* The tuple cache: two ways a set, IPv4 and IPv6 apart because their texts differ so much in length. What is
 * remembered may be asked for until the next call, so a tuple that was given in this call is not overwritten:
 * where both ways of a set were given, the newcomer goes to memory beside the cache.
 *
 * Whoever makes a capture can send all its tuples to one set. That costs what no cache would cost, for those
 * packets, and nothing more: the hash needs no secret. */
#include "sink/tuple_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/address_text.h"
#include "base/checked.h"
#include "flow/flow_id.h"
#include "flow/seed.h"
#include "os/memory.h"

/* Two or three cache lines a tuple: the text is at most the Community ID and two addresses. */
#define TUPLE4_BYTES 128u
#define TUPLE6_BYTES 192u
static_assert(sizeof(struct cm_tuple) + CM_COMMUNITY_ID_TEXT + 2 * CM_IPV4_TEXT_BYTES <= TUPLE4_BYTES,
              "an IPv4 tuple has room for its texts");
static_assert(sizeof(struct cm_tuple) + CM_COMMUNITY_ID_TEXT + 2 * CM_IPV6_TEXT_BYTES <= TUPLE6_BYTES,
              "an IPv6 tuple has room for its texts");

/* 16384 tuples are 2 MiB of IPv4, a second-level cache; a link's traffic within some thousand packets has fewer.
 * More would be read from memory no faster than short texts are made. */
#define SETS_LOG2 13
#define WAYS      2u
#define TUPLES    (WAYS << SETS_LOG2)

/* Tuples beside the cache come in blocks of this many. */
#define BLOCK_TUPLES 1024u
#define MAX_BLOCKS   (CM_TABLE_MAX_ROWS / BLOCK_TUPLES)

/* A family's tuples. */
struct family {
    uint8_t *tuples; /* NULL until the family is met */
    uint32_t tuple_bytes;
    uint8_t n_key_words;
};

struct raw_key {
    uint64_t words[CM_FLOW_KEY_WORDS];
    uint64_t hash;
};

struct cm_tuple_cache {
    unsigned wants;
    bool unidirectional;
    uint32_t call;
    struct family ipv4, ipv6;
    uint8_t *blocks[MAX_BLOCKS]; /* of TUPLE6_BYTES each, for both families */
    uint32_t n_beside;           /* tuples in them, of this call */
    struct raw_key keys[CM_TUPLE_BURST];
    /* tuples of this look-up that want their Community ID, which several get at once */
    struct cm_community_tuple communities[CM_TUPLE_BURST];
    char *community_texts[CM_TUPLE_BURST];
    uint32_t n_communities;
};

struct cm_tuple_cache *cm_tuple_cache_create(unsigned wants, bool unidirectional)
{
    struct cm_tuple_cache *cache = calloc(1, sizeof(*cache));

    if (cache == NULL)
        return NULL;
    cache->wants = wants;
    cache->unidirectional = unidirectional;
    cache->ipv4 = (struct family){NULL, TUPLE4_BYTES, CM_FLOW_KEY4_WORDS};
    cache->ipv6 = (struct family){NULL, TUPLE6_BYTES, CM_FLOW_KEY_WORDS};
    return cache;
}

static void family_fini(struct family *family)
{
    if (family->tuples != NULL)
        cm_memory_unmap(family->tuples, (size_t)TUPLES * family->tuple_bytes);
    family->tuples = NULL;
}

void cm_tuple_cache_destroy(struct cm_tuple_cache *cache)
{
    if (cache == NULL)
        return;
    family_fini(&cache->ipv4);
    family_fini(&cache->ipv6);
    for (unsigned i = 0; i < MAX_BLOCKS; i++)
        free(cache->blocks[i]);
    free(cache);
}

void cm_tuple_cache_begin(struct cm_tuple_cache *cache)
{
    cache->n_beside = 0;
    if (++cache->call != 0)
        return;
    /* after four thousand million calls numbers begin again: nothing old may look as if it were of this one */
    family_fini(&cache->ipv4);
    family_fini(&cache->ipv6);
    cache->call = 1;
}

/* --- keys --- */

/* The Community ID of ICMP has the message's type and code in it; others have zeros there. */
static inline uint64_t icmp_bits(const struct cm_headers *headers)
{
    if (!(headers->flags & CM_HEADERS_ICMP))
        return 0;
    return 1u << 16 | (uint64_t)headers->icmp_type << 8 | headers->icmp_code;
}

static inline uint64_t ports_and_protocol(const struct cm_headers *headers)
{
    return (uint64_t)headers->src_port << 48 | (uint64_t)headers->dst_port << 32 |
           (uint64_t)headers->protocol << CM_FLOW_KEY_SPARE_BITS;
}

static inline uint64_t hash4(const uint64_t *words)
{
    return cm_flow_fold(
        cm_flow_product(words[0] ^ UINT64_C(0xa0761d6478bd642f), words[1] ^ UINT64_C(0xe7037ed1a0b428db)));
}

static inline uint64_t hash6(const uint64_t *words)
{
    return cm_flow_fold(cm_flow_product(words[0] ^ words[4] ^ UINT64_C(0xa0761d6478bd642f),
                                        words[1] ^ UINT64_C(0xe7037ed1a0b428db)) +
                        cm_flow_product(words[2] ^ UINT64_C(0x8ebc6af09c88c6e3),
                                        words[3] ^ words[4] ^ UINT64_C(0x589965cc75374cc3)));
}

static inline struct cm_tuple *set_of(const struct family *family, uint64_t hash)
{
    return (struct cm_tuple *)(void *)(family->tuples +
                                       (hash >> (64 - SETS_LOG2)) * WAYS * family->tuple_bytes);
}

static bool family_open(struct family *family)
{
    if (family->tuples == NULL)
        family->tuples = cm_memory_map((size_t)TUPLES * family->tuple_bytes);
    return family->tuples != NULL;
}

static inline void prefetch_set(const struct family *family, uint64_t hash)
{
    const char *set = (const char *)set_of(family, hash);

    __builtin_prefetch(set);
    __builtin_prefetch(set + family->tuple_bytes);
}

/* The key of a packet with addresses; they were captured, by that flag. */
static inline bool make_key(struct cm_tuple_cache *cache, const struct cm_packet *packet,
                            const struct cm_headers *headers, struct raw_key *key)
{
    const bool is_ipv4 = headers->ip_version == 4;
    const uint8_t *addresses = packet->data + headers->l3_offset + (is_ipv4 ? 12 : 8);
    struct family *family = is_ipv4 ? &cache->ipv4 : &cache->ipv6;
    uint64_t last = ports_and_protocol(headers);

    if (cache->wants & CM_TUPLE_COMMUNITY_ID)
        last |= icmp_bits(headers);
    if (is_ipv4) {
        key->words[0] = cm_load_be64(addresses);
        key->words[1] = last;
        key->hash = hash4(key->words);
    } else {
        for (unsigned i = 0; i < 4; i++)
            key->words[i] = cm_load_be64(addresses + 8 * i);
        key->words[4] = last;
        key->hash = hash6(key->words);
    }
    if (CM_UNLIKELY(!family_open(family)))
        return false;
    prefetch_set(family, key->hash);
    return true;
}

static inline bool is_same(const struct cm_tuple *tuple, const struct raw_key *key, unsigned n_key_words)
{
    uint64_t difference = 0;

    for (unsigned i = 0; i < n_key_words; i++)
        difference |= tuple->key[i] ^ key->words[i];
    return difference == 0 && tuple->last_call != 0;
}

/* --- making --- */

/* Its text follows when the look-up ends: the tuple was given in this call and stays till then. */
static void want_community_id(struct cm_tuple_cache *cache, struct cm_tuple *tuple,
                              const struct cm_packet *packet, const struct cm_headers *headers,
                              bool is_ipv4_flow)
{
    /* the last four bytes of a mapped address are the IPv4 address */
    const unsigned skipped = is_ipv4_flow && headers->ip_version == 6 ? 12 : 0;
    const uint32_t at = cache->n_communities++;

    cache->community_texts[at] = tuple->text + tuple->src_bytes + tuple->dst_bytes;
    cache->communities[at] = (struct cm_community_tuple){
        .ip_version = is_ipv4_flow ? 4 : 6,
        .protocol = headers->protocol,
        .src = cm_headers_source(headers, packet->data) + skipped,
        .dst = cm_headers_destination(headers, packet->data) + skipped,
        .src_port = headers->src_port,
        .dst_port = headers->dst_port,
        .has_icmp = (headers->flags & CM_HEADERS_ICMP) != 0,
        .icmp_type = headers->icmp_type,
        .icmp_code = headers->icmp_code,
    };
    tuple->community_id_bytes = CM_COMMUNITY_ID_TEXT - 1;
}

static void put_addresses(struct cm_tuple *tuple, const struct cm_packet *packet,
                          const struct cm_headers *headers)
{
    const uint8_t *src = cm_headers_source(headers, packet->data);
    const uint8_t *dst = cm_headers_destination(headers, packet->data);
    char *text = tuple->text;

    if (headers->ip_version == 4) {
        tuple->src_bytes = (uint8_t)cm_ipv4_text(src, text);
        tuple->dst_bytes = (uint8_t)cm_ipv4_text(dst, text + tuple->src_bytes);
    } else {
        tuple->src_bytes = (uint8_t)cm_ipv6_text(src, text);
        tuple->dst_bytes = (uint8_t)cm_ipv6_text(dst, text + tuple->src_bytes);
    }
}

static void make(struct cm_tuple_cache *cache, const struct cm_packet *packet,
                 const struct cm_headers *headers, const struct raw_key *key, unsigned n_key_words,
                 struct cm_tuple *tuple)
{
    enum cm_flow_direction direction = CM_FLOW_FROM_LOW;
    struct cm_flow_key flow;
    bool is_ipv4_flow = true;

    memset(tuple, 0, sizeof(*tuple));
    memcpy(tuple->key, key->words, n_key_words * sizeof(key->words[0]));
    tuple->last_call = cache->call;
    if (cache->wants & (CM_TUPLE_FLOW_ID | CM_TUPLE_DIRECTION | CM_TUPLE_COMMUNITY_ID)) {
        is_ipv4_flow =
            cm_flow_key_make(packet, headers, cache->unidirectional, &flow, &direction) == CM_FLOW_IPV4;
        tuple->direction = (uint8_t)direction;
    }
    if (cache->wants & CM_TUPLE_FLOW_ID)
        tuple->flow_id = cm_flow_id(&flow);
    if (cache->wants & CM_TUPLE_ADDRESSES)
        put_addresses(tuple, packet, headers);
    if (cache->wants & CM_TUPLE_COMMUNITY_ID)
        want_community_id(cache, tuple, packet, headers, is_ipv4_flow);
}

/* A tuple that no other packet will find; NULL: no memory. */
static struct cm_tuple *take_beside(struct cm_tuple_cache *cache)
{
    uint8_t **block = &cache->blocks[cache->n_beside / BLOCK_TUPLES];
    const uint32_t at = cache->n_beside % BLOCK_TUPLES;

    assert(cache->n_beside < CM_TABLE_MAX_ROWS);
    if (*block == NULL && (*block = malloc((size_t)BLOCK_TUPLES * TUPLE6_BYTES)) == NULL)
        return NULL;
    cache->n_beside++;
    return (struct cm_tuple *)(void *)(*block + (size_t)at * TUPLE6_BYTES);
}

/* --- finding --- */

static inline struct cm_tuple *find(struct cm_tuple_cache *cache, const struct family *family,
                                    const struct cm_packet *packet, const struct cm_headers *headers,
                                    const struct raw_key *key, unsigned n_key_words)
{
    struct cm_tuple *first = set_of(family, key->hash), *victim;
    struct cm_tuple *second = (struct cm_tuple *)(void *)((uint8_t *)first + family->tuple_bytes);

    if (CM_LIKELY(is_same(first, key, n_key_words))) {
        first->last_call = cache->call;
        return first;
    }
    if (is_same(second, key, n_key_words)) {
        second->last_call = cache->call;
        return second;
    }
    victim = first->last_call <= second->last_call ? first : second;
    if (victim->last_call == cache->call && (victim = take_beside(cache)) == NULL)
        return NULL;
    make(cache, packet, headers, key, n_key_words, victim);
    return victim;
}

bool cm_tuple_cache_look_up(struct cm_tuple_cache *cache, const struct cm_packet *packets,
                            const struct cm_headers *headers, uint32_t n, const struct cm_tuple **tuples_ret)
{
    assert(n <= CM_TUPLE_BURST);
    cache->n_communities = 0;
    for (uint32_t i = 0; i < n; i++)
        if ((headers[i].flags & CM_HEADERS_ADDRESSES) &&
            !make_key(cache, &packets[i], &headers[i], &cache->keys[i]))
            return false;
    for (uint32_t i = 0; i < n; i++) {
        tuples_ret[i] = NULL;
        if (!(headers[i].flags & CM_HEADERS_ADDRESSES))
            continue;
        if (headers[i].ip_version == 4)
            tuples_ret[i] =
                find(cache, &cache->ipv4, &packets[i], &headers[i], &cache->keys[i], CM_FLOW_KEY4_WORDS);
        else
            tuples_ret[i] =
                find(cache, &cache->ipv6, &packets[i], &headers[i], &cache->keys[i], CM_FLOW_KEY_WORDS);
        if (CM_UNLIKELY(tuples_ret[i] == NULL))
            return false;
    }
    cm_community_ids(cache->communities, cache->n_communities, cache->community_texts);
    return true;
}

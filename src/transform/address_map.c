/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and prefixes and what they become: the rules, checked against each other, in two hash tables by
 * prefix, one for each IP version. Rules do not overlap, so that at most one matches and the order in which
 * prefix lengths are tried does not matter. Not for where addresses stand (address_places.c). */
#include <stdlib.h>

#include "transform/transform_int.h"

struct entry {
    uint32_t ipv4, new_ipv4; /* where these are IPv4 addresses, as numbers */
    uint8_t used, n_bits;
    uint8_t from[16];
    struct cm_address to; /* host bits 0 */
};

/* Open addressing with at least half of the places empty. */
struct table {
    struct entry *entries;
    uint32_t mask;
    unsigned n_lengths;
    uint8_t lengths[129]; /* that occur */
};

struct cm_address_map {
    struct table ipv4, ipv6;
    bool crosses_from_ipv4, crosses_from_ipv6;
};

struct rule {
    const struct capmill_word *word;
    struct cm_prefix from, to;
    uint8_t place[16]; /* `from` among all addresses, IPv4 as IPv4-mapped: rules are compared there */
    uint8_t place_bits;
};

/* --- lookup --- */

static inline uint32_t hash_ipv4(uint32_t key, unsigned n_bits)
{
    uint32_t hash = (key + n_bits) * 0x9e3779b1u;

    return hash ^ hash >> 15;
}

static inline uint32_t hash_ipv6(uint64_t high, uint64_t low, unsigned n_bits)
{
    uint64_t hash = (high ^ (low + n_bits) * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd6e8feb86659fd93);

    return (uint32_t)(hash >> 32);
}

static inline uint32_t mask_ipv4(unsigned n_bits)
{
    return n_bits == 0 ? 0 : UINT32_MAX << (32 - n_bits);
}

static inline void mask_ipv6(unsigned n_bits, uint64_t mask_ret[2])
{
    mask_ret[0] = n_bits >= 64 ? UINT64_MAX : n_bits == 0 ? 0 : UINT64_MAX << (64 - n_bits);
    mask_ret[1] = n_bits <= 64 ? 0 : UINT64_MAX << (128 - n_bits);
}

static inline const struct entry *find_ipv4(const struct table *table, uint32_t address)
{
    for (unsigned i = 0; i < table->n_lengths; i++) {
        unsigned n_bits = table->lengths[i];
        uint32_t key = address & mask_ipv4(n_bits);

        for (uint32_t at = hash_ipv4(key, n_bits) & table->mask; table->entries[at].used;
             at = (at + 1) & table->mask) {
            const struct entry *entry = &table->entries[at];

            if (entry->ipv4 == key && entry->n_bits == n_bits)
                return entry;
        }
    }
    return NULL;
}

static const struct entry *find_ipv6(const struct table *table, uint64_t high, uint64_t low)
{
    for (unsigned i = 0; i < table->n_lengths; i++) {
        unsigned n_bits = table->lengths[i];
        uint64_t mask[2], key[2];

        mask_ipv6(n_bits, mask);
        key[0] = high & mask[0];
        key[1] = low & mask[1];
        for (uint32_t at = hash_ipv6(key[0], key[1], n_bits) & table->mask; table->entries[at].used;
             at = (at + 1) & table->mask) {
            const struct entry *entry = &table->entries[at];

            if (cm_load_be64(entry->from) == key[0] && cm_load_be64(entry->from + 8) == key[1] &&
                entry->n_bits == n_bits)
                return entry;
        }
    }
    return NULL;
}

static bool find_for_ipv4(const struct cm_address_map *map, const uint8_t *address,
                          struct cm_address *new_ret)
{
    uint32_t number = cm_load_be32(address);
    const struct entry *entry = find_ipv4(&map->ipv4, number);
    unsigned at;

    if (entry == NULL)
        return false;
    *new_ret = entry->to;
    at = new_ret->version == 4 ? 0 : 12;
    cm_store_be32(new_ret->bytes + at,
                  cm_load_be32(new_ret->bytes + at) | (number & ~mask_ipv4(entry->n_bits)));
    return true;
}

static bool find_for_ipv6(const struct cm_address_map *map, const uint8_t *address,
                          struct cm_address *new_ret)
{
    uint64_t high = cm_load_be64(address), low = cm_load_be64(address + 8), mask[2];
    const struct entry *entry = find_ipv6(&map->ipv6, high, low);

    if (entry == NULL)
        return false;
    *new_ret = entry->to;
    mask_ipv6(entry->n_bits, mask);
    high &= ~mask[0];
    low &= ~mask[1];
    if (new_ret->version == 4) {
        cm_store_be32(new_ret->bytes, cm_load_be32(new_ret->bytes) | (uint32_t)low);
    } else {
        cm_store_be64(new_ret->bytes, cm_load_be64(new_ret->bytes) | high);
        cm_store_be64(new_ret->bytes + 8, cm_load_be64(new_ret->bytes + 8) | low);
    }
    return true;
}

bool cm_address_map_find_ipv4(const struct cm_address_map *map, uint32_t *address)
{
    const struct entry *entry = find_ipv4(&map->ipv4, *address);

    if (entry == NULL)
        return true;
    *address = entry->new_ipv4 | (*address & ~mask_ipv4(entry->n_bits));
    return entry->to.version == 4;
}

bool cm_address_map_find(const struct cm_address_map *map, uint8_t version, const uint8_t *address,
                         struct cm_address *new_ret)
{
    if (version == 4) {
        if (find_for_ipv4(map, address, new_ret))
            return true;
        new_ret->version = 4;
        memcpy(new_ret->bytes, address, 4);
        return false;
    }
    if (cm_ipv6_is_mapped(address) && find_for_ipv4(map, address + 12, new_ret)) {
        if (new_ret->version == 4) {
            uint8_t ipv4[4];

            memcpy(ipv4, new_ret->bytes, 4);
            new_ret->version = 6;
            cm_ipv6_from_ipv4(new_ret->bytes, ipv4);
        }
        return true;
    }
    if (find_for_ipv6(map, address, new_ret))
        return true;
    new_ret->version = 6;
    memcpy(new_ret->bytes, address, 16);
    return false;
}

bool cm_address_map_crosses(const struct cm_address_map *map, uint8_t from)
{
    return from == 4 ? map->crosses_from_ipv4 : map->crosses_from_ipv6;
}

/* --- rules --- */

static unsigned width(const struct cm_prefix *prefix)
{
    return prefix->address.version == 4 ? 32 : 128;
}

static enum capmill_status parse_side(const struct capmill_word *word, const char *text, size_t n,
                                      struct cm_prefix *prefix_ret, struct cm_error *error)
{
    struct cm_text_fault fault;
    char prefix_text[CM_PREFIX_TEXT_BYTES];

    if (cm_prefix_parse(text, n, prefix_ret, &fault))
        return CAPMILL_OK;
    if (fault.what == cm_prefix_beyond) {
        cm_prefix_text(prefix_ret, prefix_text);
        return cm_wish_refuse(word, error,
                              "is no rule: %.*s has bits set beyond its prefix: %s is the prefix", (int)n,
                              text, prefix_text);
    }
    return cm_wish_refuse_at(word, "rule", text, &fault, error);
}

static enum capmill_status parse_rule(const struct capmill_word *word, struct rule *rule,
                                      struct cm_error *error)
{
    char from_text[CM_PREFIX_TEXT_BYTES], to_text[CM_PREFIX_TEXT_BYTES];
    struct cm_wish_sides sides;
    enum capmill_status status = cm_wish_split(word, "10.0.0.0/8=192.0.0.0/8", &sides, error);
    unsigned from_hosts, to_hosts;

    rule->word = word;
    if (status == CAPMILL_OK)
        status = parse_side(word, sides.left, sides.n_left, &rule->from, error);
    if (status == CAPMILL_OK)
        status = parse_side(word, sides.right, sides.n_right, &rule->to, error);
    if (status != CAPMILL_OK)
        return status;
    from_hosts = width(&rule->from) - rule->from.n_bits;
    to_hosts = width(&rule->to) - rule->to.n_bits;
    if (from_hosts != to_hosts) {
        cm_prefix_text(&rule->from, from_text);
        cm_prefix_text(&rule->to, to_text);
        return cm_wish_refuse(
            word, error,
            "is no rule: %s leaves %u bits to hosts and %s leaves %u; both sides must leave as many",
            from_text, from_hosts, to_text, to_hosts);
    }
    if (rule->from.address.version == 4) {
        cm_ipv6_from_ipv4(rule->place, rule->from.address.bytes);
        rule->place_bits = (uint8_t)(rule->from.n_bits + 96);
    } else {
        memcpy(rule->place, rule->from.address.bytes, 16);
        rule->place_bits = rule->from.n_bits;
    }
    return CAPMILL_OK;
}

static int compare_places(const void *left, const void *right)
{
    const struct rule *a = left, *b = right;
    int order = memcmp(a->place, b->place, 16);

    if (order != 0)
        return order;
    if (a->place_bits != b->place_bits)
        return a->place_bits < b->place_bits ? -1 : 1;
    return (a->word > b->word) - (a->word < b->word);
}

static bool covers(const struct rule *wide, const struct rule *narrow)
{
    uint64_t mask[2];

    mask_ipv6(wide->place_bits, mask);
    return ((cm_load_be64(wide->place) ^ cm_load_be64(narrow->place)) & mask[0]) == 0 &&
           ((cm_load_be64(wide->place + 8) ^ cm_load_be64(narrow->place + 8)) & mask[1]) == 0;
}

/* Of rules in order of place, one that overlaps any overlaps its neighbour. */
static enum capmill_status check_overlaps(const struct rule *rules, size_t n, struct cm_error *error)
{
    for (size_t i = 1; i < n; i++) {
        const struct rule *first = &rules[i - 1], *second = &rules[i];
        char first_text[CM_PREFIX_TEXT_BYTES], second_text[CM_PREFIX_TEXT_BYTES];

        if (!covers(first, second))
            continue;
        if (first->word > second->word) { /* the later one is refused */
            first = &rules[i];
            second = &rules[i - 1];
        }
        cm_prefix_text(&first->from, first_text);
        cm_prefix_text(&second->from, second_text);
        if (first->place_bits == second->place_bits)
            return cm_wish_refuse(second->word, error, "replaces %s, as does '%.200s' before it", second_text,
                                  first->word->value);
        return cm_wish_refuse(second->word, error, "replaces %s, which overlaps %s of '%.200s' before it",
                              second_text, first_text, first->word->value);
    }
    return CAPMILL_OK;
}

static bool is_identity(const struct rule *rule)
{
    return rule->from.address.version == rule->to.address.version &&
           memcmp(rule->from.address.bytes, rule->to.address.bytes, 16) == 0;
}

static bool reserve(struct table *table, size_t n)
{
    size_t capacity = 4;

    while (capacity < 2 * n)
        capacity *= 2;
    table->entries = calloc(capacity, sizeof(*table->entries));
    table->mask = (uint32_t)capacity - 1;
    return table->entries != NULL;
}

static void insert(struct table *table, const struct rule *rule)
{
    const uint8_t *from = rule->from.address.bytes;
    uint8_t n_bits = rule->from.n_bits;
    uint32_t at = rule->from.address.version == 4
                      ? hash_ipv4(cm_load_be32(from), n_bits)
                      : hash_ipv6(cm_load_be64(from), cm_load_be64(from + 8), n_bits);
    struct entry *entry;

    for (at &= table->mask; table->entries[at].used; at = (at + 1) & table->mask)
        ;
    entry = &table->entries[at];
    memcpy(entry->from, from, 16);
    if (rule->from.address.version == 4)
        entry->ipv4 = cm_load_be32(from);
    if (rule->to.address.version == 4)
        entry->new_ipv4 = cm_load_be32(rule->to.address.bytes);
    entry->used = 1;
    entry->n_bits = n_bits;
    entry->to = rule->to.address;
    if (memchr(table->lengths, n_bits, table->n_lengths) == NULL)
        table->lengths[table->n_lengths++] = n_bits;
}

static struct cm_address_map *compile(const struct rule *rules, size_t n)
{
    struct cm_address_map *map = calloc(1, sizeof(*map));

    if (map == NULL || !reserve(&map->ipv4, n) || !reserve(&map->ipv6, n)) {
        cm_address_map_destroy(map);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        bool is_ipv4 = rules[i].from.address.version == 4;

        if (is_identity(&rules[i]))
            continue;
        insert(is_ipv4 ? &map->ipv4 : &map->ipv6, &rules[i]);
        if (rules[i].from.address.version != rules[i].to.address.version)
            *(is_ipv4 ? &map->crosses_from_ipv4 : &map->crosses_from_ipv6) = true;
    }
    return map;
}

enum capmill_status cm_address_map_create(const struct capmill_word *words, size_t n,
                                          const struct cm_transform_options *options,
                                          struct cm_address_map **map_ret, struct cm_error *error)
{
    struct rule *rules = calloc(n == 0 ? 1 : n, sizeof(*rules));
    enum capmill_status status = CAPMILL_OK;
    size_t n_effective = 0;

    *map_ret = NULL;
    if (rules == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for %zu address rules", n);
    for (size_t i = 0; i < n && status == CAPMILL_OK; i++)
        status = parse_rule(&words[i], &rules[i], error);
    if (status == CAPMILL_OK) {
        qsort(rules, n, sizeof(*rules), compare_places);
        status = check_overlaps(rules, n, error);
    }
    if (status == CAPMILL_OK) {
        for (size_t i = 0; i < n; i++) {
            if (is_identity(&rules[i]))
                cm_wish_warn(options, rules[i].word, "has no effect");
            else
                n_effective++;
        }
        if (n_effective > 0) {
            *map_ret = compile(rules, n);
            if (*map_ret == NULL)
                status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for %zu address rules", n);
        }
    }
    free(rules);
    return status;
}

void cm_address_map_destroy(struct cm_address_map *map)
{
    if (map == NULL)
        return;
    free(map->ipv4.entries);
    free(map->ipv6.entries);
    free(map);
}

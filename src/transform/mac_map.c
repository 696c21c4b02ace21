/* SPDX-License-Identifier: Apache-2.0 */
/* Hardware addresses of Ethernet and what they become; where they stand: Ethernet headers (those inside tunnels
 * too), Linux cooked headers, ARP. Options of neighbour discovery are found by icmp_places.c. */
#include <stdlib.h>

#include "transform/transform_int.h"

struct entry {
    uint64_t from; /* the number that the six bytes make; EMPTY */
    uint8_t to[6];
};
#define EMPTY UINT64_MAX

struct cm_mac_map {
    uint32_t mask;
    struct entry entries[]; /* open addressing, at least half empty */
};

static uint64_t number_of(const uint8_t mac[6])
{
    return (uint64_t)cm_load_be16(mac) << 32 | cm_load_be32(mac + 2);
}

static uint32_t hash(uint64_t number)
{
    return (uint32_t)((number * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

/* The entry of `number`, or the empty place where it belongs. */
static uint32_t place_of(const struct cm_mac_map *map, uint64_t number)
{
    uint32_t at = hash(number) & map->mask;

    while (map->entries[at].from != number && map->entries[at].from != EMPTY)
        at = (at + 1) & map->mask;
    return at;
}

static enum capmill_status parse_side(const struct capmill_word *word, const char *text, size_t n,
                                      uint8_t mac_ret[6], struct cm_error *error)
{
    struct cm_text_fault fault;

    if (cm_mac_parse(text, n, mac_ret, &fault))
        return CAPMILL_OK;
    return cm_wish_refuse_at(word, "rule", text, &fault, error);
}

static enum capmill_status add(struct cm_mac_map *map, const struct capmill_word *word, uint64_t *number_ret,
                               bool *identity_ret, struct cm_error *error)
{
    struct cm_wish_sides sides;
    uint8_t from[6], to[6];
    enum capmill_status status = cm_wish_split(word, "00:11:22:33:44:55=02:00:00:00:00:01", &sides, error);
    uint32_t at;

    if (status == CAPMILL_OK)
        status = parse_side(word, sides.left, sides.n_left, from, error);
    if (status == CAPMILL_OK)
        status = parse_side(word, sides.right, sides.n_right, to, error);
    if (status != CAPMILL_OK)
        return status;
    at = place_of(map, number_of(from));
    if (map->entries[at].from != EMPTY)
        return cm_wish_refuse(word, error, "replaces %.*s, as does a rule before it", (int)sides.n_left,
                              sides.left);
    map->entries[at].from = *number_ret = number_of(from);
    memcpy(map->entries[at].to, to, 6);
    *identity_ret = memcmp(from, to, 6) == 0;
    return CAPMILL_OK;
}

enum capmill_status cm_mac_map_create(const struct capmill_word *words, size_t n,
                                      const struct cm_transform_options *options, struct cm_mac_map **map_ret,
                                      struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;
    struct cm_mac_map *map;
    size_t capacity = 4, n_effective = 0;

    *map_ret = NULL;
    if (n == 0)
        return CAPMILL_OK;
    while (capacity < 2 * n)
        capacity *= 2;
    map = malloc(sizeof(*map) + capacity * sizeof(map->entries[0]));
    if (map == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for %zu hardware addresses", n);
    map->mask = (uint32_t)capacity - 1;
    for (size_t i = 0; i < capacity; i++)
        map->entries[i].from = EMPTY;
    for (size_t i = 0; i < n && status == CAPMILL_OK; i++) {
        uint64_t number;
        bool identity = false;

        status = add(map, &words[i], &number, &identity, error);
        if (status != CAPMILL_OK)
            break;
        if (identity)
            cm_wish_warn(options, &words[i], "has no effect");
        else
            n_effective++;
    }
    if (status == CAPMILL_OK && n_effective > 0)
        *map_ret = map;
    else
        free(map);
    return status;
}

void cm_mac_map_destroy(struct cm_mac_map *map)
{
    free(map);
}

bool cm_mac_map_find(const struct cm_mac_map *map, const uint8_t mac[6], uint8_t new_ret[6])
{
    uint32_t at = place_of(map, number_of(mac));

    if (map->entries[at].from == EMPTY)
        return false;
    memcpy(new_ret, map->entries[at].to, 6);
    return true;
}

void cm_change_mac(struct cm_change *change, uint32_t at)
{
    uint8_t mac[6];

    if (change->transform->macs != NULL && cm_mac_map_find(change->transform->macs, change->bytes + at, mac))
        cm_change_put(change, at, mac, 6);
}

static void change_arp(struct cm_change *change, const struct cm_headers *headers)
{
    uint32_t at = headers->l3_offset, left = headers->l3_end - at, protocol;

    if (left < 8 || change->bytes[at + 4] != 6)
        return;
    protocol = change->bytes[at + 5];
    for (unsigned i = 0; i < 2; i++) {
        uint32_t place = 8 + i * (6 + protocol);

        if (place + 6 <= left)
            cm_change_mac(change, at + place);
    }
}

/* The one address of a Linux cooked header, where it has six bytes. */
static void change_cooked(struct cm_change *change, bool second_version)
{
    uint32_t n_at = second_version ? 11 : 5, at = second_version ? 12 : 6;

    if (change->caplen >= at + 6 && change->bytes[n_at] == 6)
        cm_change_mac(change, at);
}

void cm_change_macs(struct cm_change *change)
{
    if (change->transform->macs == NULL)
        return;
    if (change->link_type == CM_LINK_LINUX_SLL || change->link_type == CM_LINK_LINUX_SLL2)
        change_cooked(change, change->link_type == CM_LINK_LINUX_SLL2);
    else if (change->link_type != CM_LINK_ETHERNET && cm_link_has_macs(change->link_type) &&
             cm_wire_link_is_known(change->link_type))
        cm_change_reason(change, CM_REASON_MAC_LINK_TYPE);
    for (unsigned i = 0; i < change->n_layers; i++) {
        const struct cm_layer *layer = &change->layers[i];
        const struct cm_headers *headers = &layer->headers;

        if (layer->ethernet_at != CM_NO_PLACE) {
            for (unsigned side = 0; side < 2; side++) {
                if (layer->ethernet_at + side * 6 + 6 <= change->caplen)
                    cm_change_mac(change, layer->ethernet_at + side * 6);
                else
                    cm_change_reason(change, CM_REASON_CUT);
            }
        }
        if (headers->l3_offset != CM_NO_OFFSET &&
            (headers->eth_type == CM_ETH_ARP || headers->eth_type == CM_ETH_RARP))
            change_arp(change, headers);
    }
}

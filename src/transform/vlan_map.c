/* SPDX-License-Identifier: Apache-2.0 */
/* VLAN ids and what they become, in every tag of every Ethernet header; priorities and the drop bit stay. */
#include <stdlib.h>

#include "base/quantity.h"
#include "transform/transform_int.h"

/* 4095 is reserved; 0 says that a tag has a priority alone. */
static enum capmill_status parse_id(const struct capmill_word *word, const char *text, size_t n,
                                    uint16_t *id_ret, struct cm_error *error)
{
    static const struct cm_number_limit limit = {4094, "a number beyond 4094"};
    struct cm_text_fault fault;
    uint64_t id;

    if (!cm_number_parse(text, n, &limit, &id, &fault))
        return cm_wish_refuse_at(word, "rule", text, &fault, error);
    *id_ret = (uint16_t)id;
    return CAPMILL_OK;
}

enum capmill_status cm_vlan_map_create(const struct capmill_word *words, size_t n,
                                       const struct cm_transform_options *options,
                                       struct cm_vlan_map **map_ret, struct cm_error *error)
{
    struct cm_vlan_map *map;
    enum capmill_status status = CAPMILL_OK;
    size_t n_effective = 0;
    bool given[4096] = {false};

    *map_ret = NULL;
    if (n == 0)
        return CAPMILL_OK;
    map = malloc(sizeof(*map));
    if (map == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for VLAN rules");
    for (unsigned i = 0; i < 4096; i++)
        map->ids[i] = (uint16_t)i;
    for (size_t i = 0; i < n && status == CAPMILL_OK; i++) {
        struct cm_wish_sides sides;
        uint16_t from = 0, to = 0;

        status = cm_wish_split(&words[i], "100=200", &sides, error);
        if (status == CAPMILL_OK)
            status = parse_id(&words[i], sides.left, sides.n_left, &from, error);
        if (status == CAPMILL_OK)
            status = parse_id(&words[i], sides.right, sides.n_right, &to, error);
        if (status == CAPMILL_OK && given[from])
            status = cm_wish_refuse(&words[i], error, "replaces %u, as does a rule before it", from);
        if (status != CAPMILL_OK)
            break;
        given[from] = true;
        map->ids[from] = to;
        if (from == to)
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

static void change_tags(struct cm_change *change, uint32_t at)
{
    const struct cm_vlan_map *map = change->transform->vlans;
    uint32_t next = at;
    bool is_vlan;

    for (; cm_wire_next_tag(change->bytes, change->caplen, &next, &is_vlan); at = next) {
        uint16_t control = cm_load_be16(change->bytes + at + 2);

        if (is_vlan)
            cm_change_put16(change, at + 2, (uint16_t)((control & 0xf000) | map->ids[control & 0x0fff]));
    }
}

void cm_change_vlans(struct cm_change *change)
{
    if (change->transform->vlans == NULL)
        return;
    if (change->link_type == CM_LINK_LINUX_SLL)
        change_tags(change, cm_wire_type_offset(CM_LINK_LINUX_SLL));
    for (unsigned i = 0; i < change->n_layers; i++)
        if (change->layers[i].ethernet_at != CM_NO_PLACE)
            change_tags(change, change->layers[i].ethernet_at + 12);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the questions of a tree over lists of packets: each question is a loop of its own that narrows a
 * list, without a branch on the answer; ALL hands the list on, ANY takes out what is decided. Nothing here
 * allocates but the walk. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "filter/bpf_program.h"
#include "filter/rules_tree.h"
#include "flow/flow_id.h"
#include "flow/key.h"
#include "wire/headers.h"
#include "wire/numbers.h"

/* Keep list[i] where `condition` holds: written always, counted where it stays, so that no predictor has to
 * know the traffic. `negate` is 0 or 1. The list may be read and written at once: n_kept never passes i. */
#define NARROW(condition)                                                                                    \
    do {                                                                                                     \
        uint32_t n_kept = 0;                                                                                 \
        for (uint32_t i = 0; i < n; i++) {                                                                   \
            const uint16_t at = list[i];                                                                     \
            list[n_kept] = at;                                                                               \
            n_kept += (uint32_t)((condition) != negate);                                                     \
        }                                                                                                    \
        return n_kept;                                                                                       \
    } while (0)

static uint32_t narrow_times(const struct cm_rules_node *leaf, const struct cm_batch *batch, uint16_t *list,
                             uint32_t n)
{
    const struct cm_packet *packets = batch->packets;
    const uint64_t bound = leaf->set.bound;
    /* t < bound is the opposite of t >= bound */
    const bool negate = leaf->negate != (leaf->set.field == CAPMILL_FILTER_TO);

    NARROW((packets[at].time_ns >= bound));
}

static uint32_t narrow_lengths(const struct cm_rules_node *leaf, const struct cm_rules_walk *walk,
                               const struct cm_batch *batch, uint16_t *list, uint32_t n)
{
    const struct cm_packet *packets = batch->packets;
    const bool is_most = leaf->set.field == CAPMILL_FILTER_MAX_LEN;
    const uint64_t bound = leaf->set.bound;

    if (walk->written_caplen != NULL && is_most) {
        const bool negate = leaf->negate;
        NARROW((walk->written_caplen(walk->length_context, &packets[at]) <= bound));
    }
    if (walk->written_caplen != NULL) {
        const bool negate = leaf->negate;
        NARROW((walk->written_caplen(walk->length_context, &packets[at]) >= bound));
    }
    if (is_most) {
        const bool negate = leaf->negate;
        NARROW((packets[at].caplen <= bound));
    } else {
        const bool negate = leaf->negate;
        NARROW((packets[at].caplen >= bound));
    }
}

static inline unsigned protocol_place(const struct cm_headers *headers)
{
    if (headers->ip_version == 4)
        return CM_RULES_ROW_IPV4 * 256u + headers->protocol;
    if (headers->ip_version == 6)
        return CM_RULES_ROW_IPV6 * 256u + headers->protocol;
    return headers->eth_type == CM_ETH_ARP ? CM_RULES_COLUMN_ARP : 0;
}

static uint32_t narrow_protocols(const struct cm_rules_node *leaf, const struct cm_batch *batch,
                                 uint16_t *list, uint32_t n)
{
    const struct cm_headers *headers = batch->headers;
    const uint8_t *table = leaf->set.table;
    const bool negate = leaf->negate;

    NARROW((table[protocol_place(&headers[at])] != 0));
}

static uint32_t narrow_tcp_flags(const struct cm_rules_node *leaf, const struct cm_batch *batch,
                                 uint16_t *list, uint32_t n)
{
    const struct cm_headers *headers = batch->headers;
    const uint8_t *table = leaf->set.table;
    const bool negate = leaf->negate;

    NARROW(((headers[at].flags & CM_HEADERS_TCP_FLAGS) != 0 && table[headers[at].tcp_flags] != 0));
}

/* --- ports and addresses: source, destination or either --- */

#define SOURCE      1u
#define DESTINATION 2u

static unsigned ends_of(enum capmill_filter_field field)
{
    switch (field) {
    case CAPMILL_FILTER_SRC_PORT:
    case CAPMILL_FILTER_SRC_IP:
        return SOURCE;
    case CAPMILL_FILTER_DST_PORT:
    case CAPMILL_FILTER_DST_IP:
        return DESTINATION;
    default:
        return SOURCE | DESTINATION;
    }
}

static inline bool port_in_range(const struct cm_headers *headers, unsigned ends, uint16_t first,
                                 uint16_t width)
{
    const bool has = (headers->flags & CM_HEADERS_PORTS) != 0;
    const bool src = (ends & SOURCE) != 0 && (uint16_t)(headers->src_port - first) <= width;
    const bool dst = (ends & DESTINATION) != 0 && (uint16_t)(headers->dst_port - first) <= width;

    return has & (src | dst);
}

static inline bool port_in_set(const struct cm_headers *headers, unsigned ends,
                               const struct cm_rules_set *set)
{
    const bool has = (headers->flags & CM_HEADERS_PORTS) != 0;
    const bool src = (ends & SOURCE) != 0 && cm_rules_set_has_port(set, headers->src_port);
    const bool dst = (ends & DESTINATION) != 0 && cm_rules_set_has_port(set, headers->dst_port);

    return has & (src | dst);
}

static inline uint32_t narrow_ports_of(const struct cm_rules_node *leaf, const struct cm_batch *batch,
                                       uint16_t *list, uint32_t n, unsigned ends)
{
    const struct cm_headers *headers = batch->headers;
    const struct cm_rules_set *set = &leaf->set;
    const uint16_t first = set->first_port, width = (uint16_t)(set->last_port - set->first_port);
    const bool negate = leaf->negate;

    if (set->one_range)
        NARROW(port_in_range(&headers[at], ends, first, width));
    NARROW(port_in_set(&headers[at], ends, set));
}

static uint32_t narrow_ports(const struct cm_rules_node *leaf, const struct cm_batch *batch, uint16_t *list,
                             uint32_t n)
{
    switch (ends_of(leaf->set.field)) { /* constants for the compiler */
    case SOURCE:
        return narrow_ports_of(leaf, batch, list, n, SOURCE);
    case DESTINATION:
        return narrow_ports_of(leaf, batch, list, n, DESTINATION);
    default:
        return narrow_ports_of(leaf, batch, list, n, SOURCE | DESTINATION);
    }
}

static inline bool address6_in_set(const struct cm_rules_set *set, const uint8_t *address)
{
    const uint64_t first = cm_load_be64(address), second = cm_load_be64(address + 8);

    if (cm_flow_words_are_mapped(first, second) && cm_rules_set_has4(set, (uint32_t)second))
        return true;
    return cm_rules_set_has6(set, (cm_rules_u128)first << 64 | second);
}

static inline bool address_in_set(const struct cm_rules_set *set, const struct cm_packet *packet,
                                  const struct cm_headers *headers, unsigned ends)
{
    const uint8_t *ip = packet->data + headers->l3_offset;

    if (!(headers->flags & CM_HEADERS_ADDRESSES))
        return false;
    if (headers->ip_version == 4)
        return ((ends & SOURCE) != 0 && cm_rules_set_has4(set, cm_load_be32(ip + 12))) ||
               ((ends & DESTINATION) != 0 && cm_rules_set_has4(set, cm_load_be32(ip + 16)));
    return ((ends & SOURCE) != 0 && address6_in_set(set, ip + 8)) ||
           ((ends & DESTINATION) != 0 && address6_in_set(set, ip + 24));
}

static inline uint32_t narrow_addresses_of(const struct cm_rules_node *leaf, const struct cm_batch *batch,
                                           uint16_t *list, uint32_t n, unsigned ends)
{
    const struct cm_headers *headers = batch->headers;
    const struct cm_packet *packets = batch->packets;
    const struct cm_rules_set *set = &leaf->set;
    const bool negate = leaf->negate;

    NARROW(address_in_set(set, &packets[at], &headers[at], ends));
}

static uint32_t narrow_addresses(const struct cm_rules_node *leaf, const struct cm_batch *batch,
                                 uint16_t *list, uint32_t n)
{
    switch (ends_of(leaf->set.field)) {
    case SOURCE:
        return narrow_addresses_of(leaf, batch, list, n, SOURCE);
    case DESTINATION:
        return narrow_addresses_of(leaf, batch, list, n, DESTINATION);
    default:
        return narrow_addresses_of(leaf, batch, list, n, SOURCE | DESTINATION);
    }
}

/* --- flow ids --- */

static inline bool flow_in_set(const struct cm_rules_set *set, const struct cm_packet *packet,
                               const struct cm_headers *headers, bool unidirectional)
{
    enum cm_flow_direction direction;
    struct cm_flow_key4 key4;
    struct cm_flow_key key;

    if (!(headers->flags & CM_HEADERS_ADDRESSES))
        return false;
    if (CM_LIKELY(headers->ip_version == 4)) {
        cm_flow_key4_make(packet, headers, unidirectional, &key4);
        return cm_rules_set_has_id(set, cm_flow_id4(&key4));
    }
    if (cm_flow_key_make(packet, headers, unidirectional, &key, &direction) == CM_FLOW_NONE)
        return false;
    return cm_rules_set_has_id(set, cm_flow_id(&key));
}

static uint32_t narrow_flow_ids(const struct cm_rules_node *leaf, const struct cm_rules_walk *walk,
                                const struct cm_batch *batch, uint16_t *list, uint32_t n)
{
    const bool negate = leaf->negate;

    NARROW(flow_in_set(&leaf->set, &batch->packets[at], &batch->headers[at], walk->unidirectional));
}

/* Take the `n_part` packets at `part` out of the `n` at `list`. Through marks: walking both lists side by side
 * would make each step wait for the one before. */
static uint32_t subtract(struct cm_rules_walk *walk, uint16_t *list, uint32_t n, const uint16_t *part,
                         uint32_t n_part)
{
    uint8_t *marks = walk->marks;
    uint32_t n_kept = 0;

    for (uint32_t i = 0; i < n_part; i++)
        marks[part[i]] = 1;
    for (uint32_t i = 0; i < n; i++) {
        const uint16_t at = list[i];

        list[n_kept] = at;
        n_kept += 1u - marks[at];
    }
    for (uint32_t i = 0; i < n_part; i++)
        marks[part[i]] = 0;
    return n_kept;
}

/* --- expressions --- */

static const struct cm_bpf_program *program_of(const struct cm_rules_node *leaf, struct cm_rules_walk *walk,
                                               uint16_t link_type)
{
    struct cm_rules_program *known = &walk->programs[leaf->expression_number][link_type % CM_RULES_PROGRAMS];
    struct cm_error error = {0};

    if (known->link_type == link_type)
        return known->program;
    known->link_type = link_type;
    known->program = cm_expression_program(leaf->expression, link_type, &error);
    if (known->program == NULL && error.status != CAPMILL_E_USAGE) { /* the text is not to blame */
        walk->failed = true;
        walk->failure = error;
    } else if (known->program == NULL && walk->no_program != NULL) {
        walk->no_program(walk->no_program_context, leaf->expression_number, link_type, error.text);
    }
    return known->program;
}

/* Of packets of one link type. */
static uint32_t narrow_by_program(const struct cm_bpf_program *program, bool negate,
                                  struct cm_rules_walk *walk, const struct cm_batch *batch, uint16_t *list,
                                  uint32_t n)
{
    uint32_t n_matched;

    if (program == NULL) /* none of them matches */
        return negate ? n : 0;
    if (!negate)
        return cm_bpf_program_select(program, batch->packets, list, n);
    memcpy(walk->matched, list, n * sizeof(*list));
    n_matched = cm_bpf_program_select(program, batch->packets, walk->matched, n);
    return subtract(walk, list, n, walk->matched, n_matched);
}

static uint32_t narrow_expression(const struct cm_rules_node *leaf, struct cm_rules_walk *walk,
                                  const struct cm_batch *batch, uint16_t *list, uint32_t n)
{
    uint32_t n_kept = 0, end;

    for (uint32_t begin = 0; begin < n; begin = end) {
        const uint16_t link_type = batch->packets[list[begin]].link_type;
        uint32_t n_here;

        for (end = begin + 1; end < n && batch->packets[list[end]].link_type == link_type;)
            end++;
        n_here = narrow_by_program(program_of(leaf, walk, link_type), leaf->negate, walk, batch, list + begin,
                                   end - begin);
        memmove(list + n_kept, list + begin, n_here * sizeof(*list));
        n_kept += n_here;
    }
    return n_kept;
}

/* --- payload --- */

static uint64_t payload_answers(struct cm_rules_walk *walk, const struct cm_batch *batch, uint16_t at)
{
    const struct cm_headers *headers = &batch->headers[at];
    const struct cm_packet *packet = &batch->packets[at];
    const uint32_t end = headers->l3_end < packet->caplen ? headers->l3_end : packet->caplen;

    if (walk->scanned[at / 64] >> at % 64 & 1)
        return walk->answers[at];
    walk->scanned[at / 64] |= UINT64_C(1) << at % 64;
    walk->answers[at] = 0;
    if (headers->payload_offset != CM_NO_OFFSET && headers->payload_offset < end &&
        !cm_payload_scan(walk->tree->payload, walk->scanner, packet->data + headers->payload_offset,
                         end - headers->payload_offset, &walk->answers[at]))
        walk->failed = true;
    return walk->answers[at];
}

static uint32_t narrow_payload(const struct cm_rules_node *leaf, struct cm_rules_walk *walk,
                               const struct cm_batch *batch, uint16_t *list, uint32_t n)
{
    const bool negate = leaf->negate;

    NARROW(((payload_answers(walk, batch, at) >> leaf->question & 1) != 0));
}

/* --- the tree --- */

static uint32_t narrow_leaf(const struct cm_rules_node *leaf, struct cm_rules_walk *walk,
                            const struct cm_batch *batch, uint16_t *list, uint32_t n)
{
    switch (leaf->set.field) {
    case CAPMILL_FILTER_FROM:
    case CAPMILL_FILTER_TO:
        return narrow_times(leaf, batch, list, n);
    case CAPMILL_FILTER_MIN_LEN:
    case CAPMILL_FILTER_MAX_LEN:
        return narrow_lengths(leaf, walk, batch, list, n);
    case CAPMILL_FILTER_PROTO:
        return narrow_protocols(leaf, batch, list, n);
    case CAPMILL_FILTER_TCP_FLAGS:
        return narrow_tcp_flags(leaf, batch, list, n);
    case CAPMILL_FILTER_SRC_PORT:
    case CAPMILL_FILTER_DST_PORT:
    case CAPMILL_FILTER_PORT:
        return narrow_ports(leaf, batch, list, n);
    case CAPMILL_FILTER_SRC_IP:
    case CAPMILL_FILTER_DST_IP:
    case CAPMILL_FILTER_IP:
        return narrow_addresses(leaf, batch, list, n);
    case CAPMILL_FILTER_FLOW_ID:
        return narrow_flow_ids(leaf, walk, batch, list, n);
    case CAPMILL_FILTER_PAYLOAD_BYTES:
    case CAPMILL_FILTER_PAYLOAD_REGEX:
        return narrow_payload(leaf, walk, batch, list, n);
    case CAPMILL_FILTER_EXPRESSION:
        return narrow_expression(leaf, walk, batch, list, n);
    }
    return 0;
}

static uint32_t narrow_all(const struct cm_rules_node *node, struct cm_rules_walk *walk,
                           const struct cm_batch *batch, uint16_t *list, uint32_t n)
{
    for (size_t i = 0; i < node->n_children && n > 0; i++)
        n = cm_rules_narrow(node->children[i], walk, batch, list, n);
    return n;
}

/* The two lists of a node's level: its children use those of lower ones. */
static uint16_t *list_of(struct cm_rules_walk *walk, const struct cm_rules_node *node, unsigned which)
{
    return walk->lists[2 * (node->depth - 1u) + which];
}

/* Leaves in `undecided` (of the node's level) the packets for which no child matches, and answers their
 * number. */
static uint32_t undecided_by(const struct cm_rules_node *node, struct cm_rules_walk *walk,
                             const struct cm_batch *batch, const uint16_t *list, uint32_t n)
{
    uint16_t *undecided = list_of(walk, node, 0), *matched = list_of(walk, node, 1);
    uint32_t n_undecided = n;

    memcpy(undecided, list, n * sizeof(*list));
    for (size_t i = 0; i < node->n_children && n_undecided > 0; i++) {
        uint32_t n_matched;

        memcpy(matched, undecided, n_undecided * sizeof(*matched));
        n_matched = cm_rules_narrow(node->children[i], walk, batch, matched, n_undecided);
        n_undecided = subtract(walk, undecided, n_undecided, matched, n_matched);
    }
    return n_undecided;
}

uint32_t cm_rules_narrow(const struct cm_rules_node *node, struct cm_rules_walk *walk,
                         const struct cm_batch *batch, uint16_t *list, uint32_t n)
{
    uint16_t *copy;
    uint32_t n_other;

    if (node->kind == CM_RULES_LEAF)
        return narrow_leaf(node, walk, batch, list, n);
    if (node->n_children == 0)
        return node->negate ? 0 : n;
    if (node->kind == CM_RULES_ALL && !node->negate)
        return narrow_all(node, walk, batch, list, n);
    copy = list_of(walk, node, 0);
    if (node->kind == CM_RULES_ALL) {
        memcpy(copy, list, n * sizeof(*list));
        n_other = narrow_all(node, walk, batch, copy, n);
        return subtract(walk, list, n, copy, n_other);
    }
    n_other = undecided_by(node, walk, batch, list, n);
    if (node->negate) {
        memcpy(list, copy, n_other * sizeof(*list));
        return n_other;
    }
    return subtract(walk, list, n, copy, n_other);
}

/* --- the walk --- */

enum capmill_status cm_rules_walk_init(struct cm_rules_walk *walk, const struct cm_rules_tree *tree,
                                       const struct cm_rules_node *node, struct cm_error *error)
{
    walk->tree = tree;
    walk->n_lists = 2 * (size_t)node->depth;
    if (walk->n_lists > 0 && (walk->lists = calloc(walk->n_lists, sizeof(*walk->lists))) == NULL)
        goto no_memory;
    if (tree->n_expressions > 0) {
        walk->programs = calloc(tree->n_expressions, sizeof(*walk->programs));
        if (walk->programs == NULL)
            goto no_memory;
        for (size_t i = 0; i < tree->n_expressions; i++)
            for (unsigned k = 0; k < CM_RULES_PROGRAMS; k++)
                walk->programs[i][k].link_type = UINT32_MAX;
    }
    if (tree->payload != NULL)
        return cm_payload_open(tree->payload, &walk->scanner, error);
    return CAPMILL_OK;
no_memory:
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for a thread of the filter");
}

void cm_rules_walk_fini(struct cm_rules_walk *walk)
{
    free(walk->lists);
    free(walk->programs);
    cm_payload_close(walk->scanner);
    memset(walk, 0, sizeof(*walk));
}

void cm_rules_walk_begin(struct cm_rules_walk *walk)
{
    memset(walk->scanned, 0, sizeof(walk->scanned));
}

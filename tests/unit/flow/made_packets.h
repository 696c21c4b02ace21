/* SPDX-License-Identifier: Apache-2.0 */
/* Packets for tests of flows: batches with headers filled in by hand, random but the same every time, and a
 * model that says by sorting and comparing bytes what tables must find. Shares no code with src/flow/. */
#ifndef CM_TESTS_DRAWN_PACKETS_H
#define CM_TESTS_DRAWN_PACKETS_H

#include <stdlib.h>

#include "core/batch.h"
#include "unit/check.h"
#include "wire/headers.h"

#define XXH_INLINE_ALL
#include "xxhash.h"

#define DRAWN_BYTES 60u

/* One packet as the tests think of it. */
struct made_packet {
    uint8_t ip_version; /* 0: ARP */
    uint8_t protocol;
    uint8_t src[16], dst[16]; /* 4 or 16 bytes by ip_version */
    uint16_t src_port, dst_port;
    uint8_t tcp_flags, icmp_type, icmp_code;
    uint16_t header_flags, packet_flags, eth_type;
    uint32_t input, interface;
    uint32_t origlen, caplen;
    uint64_t sequence, time_ns, place;
    bool dropped; /* not selected */
};

struct made_source {
    uint64_t state;
    uint32_t n_addresses; /* of each family */
    uint32_t n_ports;
};

static inline uint64_t made_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint32_t made_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)(made_random(state) % n);
}

/* An address of the version; IPv6 ones are mapped IPv4 ones now and then, and start with the same bytes as
 * IPv4 ones. */
static inline void made_address(struct made_source *source, uint8_t version, uint8_t address[16])
{
    const uint32_t number = made_below(&source->state, source->n_addresses);
    const uint8_t v4[4] = {(uint8_t)(10 + number % 190), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                           (uint8_t)number};

    memset(address, 0, 16);
    if (version == 4) {
        memcpy(address, v4, 4);
    } else if (made_below(&source->state, 3) == 0) {
        address[10] = address[11] = 0xff;
        memcpy(address + 12, v4, 4);
    } else {
        memcpy(address, v4, 4);
        memcpy(address + 12, v4, 4);
    }
}

static inline void made_next(struct made_source *source, struct made_packet *packet)
{
    static const uint8_t protocols[] = {6, 6, 6, 17, 17, 1, 132, 47, 0};
    uint64_t *state = &source->state;

    memset(packet, 0, sizeof(*packet));
    packet->ip_version = made_below(state, 20) == 0 ? 0 : made_below(state, 3) == 0 ? 6 : 4;
    packet->origlen = 20 + made_below(state, 6000);
    packet->caplen = packet->origlen < 96 ? packet->origlen : 96;
    if (packet->ip_version == 0) {
        packet->eth_type = made_below(state, 2) == 0 ? 0x0806 : made_below(state, 2) == 0 ? 0x88cc : 0;
        return;
    }
    packet->eth_type = packet->ip_version == 4 ? 0x0800 : 0x86dd;
    packet->protocol = protocols[made_below(state, sizeof(protocols))];
    if (packet->protocol == 1 && packet->ip_version == 6)
        packet->protocol = 58;
    packet->header_flags = made_below(state, 40) == 0 ? CM_HEADERS_CUT : CM_HEADERS_ADDRESSES;
    made_address(source, packet->ip_version, packet->src);
    made_address(source, packet->ip_version, packet->dst);
    if (!(packet->header_flags & CM_HEADERS_ADDRESSES))
        return;
    if (made_below(state, 30) == 0) {
        packet->header_flags |= CM_HEADERS_FRAGMENT | CM_HEADERS_LATER_FRAGMENT;
    } else if (packet->protocol == 6 || packet->protocol == 17 || packet->protocol == 132) {
        packet->header_flags |= CM_HEADERS_PORTS;
        packet->src_port = (uint16_t)(1000 + made_below(state, source->n_ports));
        packet->dst_port = (uint16_t)(1000 + made_below(state, source->n_ports));
        if (packet->protocol == 6) {
            packet->header_flags |= CM_HEADERS_TCP_FLAGS;
            packet->tcp_flags = (uint8_t)(1u << made_below(state, 8));
        }
    } else if (packet->protocol == 1 || packet->protocol == 58) {
        packet->header_flags |= CM_HEADERS_ICMP;
        packet->icmp_type = (uint8_t)made_below(state, 20);
        packet->icmp_code = (uint8_t)made_below(state, 4);
    }
}

/* `n` packets in sequences of some hundreds, of `n_inputs` inputs, partly disordered, some without time or
 * unselected. */
static inline struct made_packet *made_capture(size_t n, uint32_t n_inputs, uint32_t n_addresses,
                                               uint32_t n_ports)
{
    struct made_source source = {.state = 7, .n_addresses = n_addresses, .n_ports = n_ports};
    struct made_packet *packets = calloc(n, sizeof(*packets));
    uint64_t time_ns = UINT64_C(1600000000000000000), place = 24;
    uint64_t sequence = 0;

    cm_check(packets != NULL);
    for (size_t i = 0; i < n; i++) {
        struct made_packet *packet = &packets[i];

        made_next(&source, packet);
        packet->input = (uint32_t)(i * n_inputs / n);
        if (i > 0 && packet->input != packets[i - 1].input) {
            sequence = 0;
            place = 24;
        } else if (made_below(&source.state, 300) == 0) {
            sequence++;
        }
        packet->sequence = sequence;
        packet->place = place;
        place += 16 + packet->caplen;
        /* many equal times, so that places decide who was first */
        time_ns += made_below(&source.state, 3) * 1000;
        packet->time_ns =
            made_below(&source.state, 10) == 0 ? time_ns - made_below(&source.state, 50000) : time_ns;
        if (made_below(&source.state, 50) == 0)
            packet->packet_flags = CM_PACKET_NO_TIME;
        packet->interface = made_below(&source.state, 100) == 0 ? made_below(&source.state, 5) : 0;
        packet->dropped = made_below(&source.state, 25) == 0;
    }
    return packets;
}

struct made_batch {
    struct cm_batch batch;
    struct cm_headers headers[CM_BATCH_CAPACITY];
    uint8_t bytes[CM_BATCH_CAPACITY][DRAWN_BYTES];
};

static inline struct made_batch *made_batch_create(void)
{
    struct made_batch *made = calloc(1, sizeof(*made));

    cm_check(made != NULL);
    made->batch.headers = made->headers;
    return made;
}

static inline void made_batch_put(struct made_batch *made, const struct made_packet *from)
{
    const uint32_t at = made->batch.n_packets++;
    struct cm_packet *packet = &made->batch.packets[at];
    struct cm_headers *headers = &made->headers[at];
    uint8_t *bytes = made->bytes[at];

    memset(packet, 0, sizeof(*packet));
    memset(headers, 0, sizeof(*headers));
    memset(bytes, 0xee, DRAWN_BYTES);
    packet->data = bytes;
    packet->time_ns = from->time_ns;
    packet->place = from->place;
    packet->caplen = from->caplen;
    packet->origlen = from->origlen;
    packet->flags = from->packet_flags;
    packet->interface = from->interface;
    headers->l3_offset = 14;
    headers->eth_type = from->eth_type;
    headers->ip_version = from->ip_version;
    headers->protocol = from->protocol;
    headers->flags = from->header_flags;
    headers->src_port = from->src_port;
    headers->dst_port = from->dst_port;
    headers->tcp_flags = from->tcp_flags;
    headers->icmp_type = from->icmp_type;
    headers->icmp_code = from->icmp_code;
    if (from->ip_version == 4) {
        memcpy(bytes + 14 + 12, from->src, 4);
        memcpy(bytes + 14 + 16, from->dst, 4);
    } else if (from->ip_version == 6) {
        memcpy(bytes + 14 + 8, from->src, 16);
        memcpy(bytes + 14 + 24, from->dst, 16);
    }
    if (!from->dropped)
        made->batch.selection[made->batch.n_selected++] = (uint16_t)at;
}

/* Begin a batch with what the packet's place in the input says. */
static inline void made_batch_begin(struct made_batch *made, const struct made_packet *first)
{
    made->batch.n_packets = made->batch.n_selected = made->batch.n_events = 0;
    made->batch.selected_all = false;
    made->batch.input = first->input;
    made->batch.sequence = first->sequence;
}

/* Fill a batch from packets[*at] on: packets of one input and sequence, at most `limit`. Steps *at. False at
 * the end. */
static inline bool made_batch_fill(struct made_batch *made, const struct made_packet *packets, size_t n,
                                   size_t *at, uint32_t limit)
{
    const struct made_packet *first = &packets[*at];

    if (*at >= n)
        return false;
    made_batch_begin(made, first);
    while (*at < n && made->batch.n_packets < limit && packets[*at].input == first->input &&
           packets[*at].sequence == first->sequence)
        made_batch_put(made, &packets[(*at)++]);
    made->batch.selected_all = made->batch.n_selected == made->batch.n_packets;
    return true;
}

/* --- the model --- */

struct model_flow {
    uint8_t bytes[37]; /* what the flow id hashes */
    uint8_t n_bytes_hashed;
    uint8_t n_low; /* bytes of the low endpoint */
    uint8_t protocol;
    bool first_from_high;
    bool has_icmp;
    uint8_t icmp_type, icmp_code, tcp_flags;
    uint64_t flow_id;
    uint64_t n_packets[2], n_bytes[2]; /* from low, from high */
    bool timed;
    uint64_t first_ns, last_ns;
    uint64_t rank_ns, rank_place; /* of the first packet */
    uint32_t rank_input;
};

static inline unsigned model_endpoint(uint8_t version, const uint8_t address[16], uint16_t port,
                                      uint8_t bytes[18])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    unsigned n = 0;

    if (version == 4) {
        memcpy(bytes, address, n = 4);
    } else if (memcmp(address, mapped, 12) == 0) {
        memcpy(bytes, address + 12, n = 4);
    } else {
        memcpy(bytes, address, n = 16);
    }
    bytes[n] = (uint8_t)(port >> 8);
    bytes[n + 1] = (uint8_t)port;
    return n + 2;
}

/* False: the packet has no flow. */
static inline bool model_flow_of(const struct made_packet *packet, bool unidirectional,
                                 struct model_flow *flow)
{
    uint8_t src[18], dst[18];
    unsigned n_src, n_dst;
    bool from_high;
    int order;

    memset(flow, 0, sizeof(*flow));
    if (!(packet->header_flags & CM_HEADERS_ADDRESSES))
        return false;
    n_src = model_endpoint(packet->ip_version, packet->src, packet->src_port, src);
    n_dst = model_endpoint(packet->ip_version, packet->dst, packet->dst_port, dst);
    order = memcmp(src, dst, n_src < n_dst ? n_src : n_dst);
    from_high = !unidirectional && (order > 0 || (order == 0 && n_src > n_dst));
    memcpy(flow->bytes, from_high ? dst : src, from_high ? n_dst : n_src);
    flow->n_low = (uint8_t)(from_high ? n_dst : n_src);
    memcpy(flow->bytes + flow->n_low, from_high ? src : dst, from_high ? n_src : n_dst);
    flow->bytes[n_src + n_dst] = flow->protocol = packet->protocol;
    flow->n_bytes_hashed = (uint8_t)(n_src + n_dst + 1);
    flow->flow_id = XXH3_64bits(flow->bytes, flow->n_bytes_hashed);
    flow->first_from_high = from_high;
    flow->tcp_flags = packet->tcp_flags;
    flow->has_icmp = (packet->header_flags & CM_HEADERS_ICMP) != 0;
    flow->icmp_type = packet->icmp_type;
    flow->icmp_code = packet->icmp_code;
    flow->n_packets[from_high] = 1;
    flow->n_bytes[from_high] = packet->origlen;
    flow->timed = !(packet->packet_flags & CM_PACKET_NO_TIME);
    flow->first_ns = flow->last_ns = flow->timed ? packet->time_ns : 0;
    flow->rank_ns = flow->timed ? packet->time_ns : UINT64_MAX;
    flow->rank_input = packet->input;
    flow->rank_place = packet->place;
    return true;
}

static inline int model_compare(const void *left, const void *right)
{
    const struct model_flow *a = left, *b = right;
    int order;

    if (a->flow_id != b->flow_id)
        return a->flow_id < b->flow_id ? -1 : 1;
    order = memcmp(a->bytes, b->bytes, sizeof(a->bytes));
    if (order != 0)
        return order;
    if (a->rank_ns != b->rank_ns)
        return a->rank_ns < b->rank_ns ? -1 : 1;
    if (a->rank_input != b->rank_input)
        return a->rank_input < b->rank_input ? -1 : 1;
    return a->rank_place < b->rank_place ? -1 : a->rank_place > b->rank_place;
}

/* All flows of the packets kept, by flow id. */
static inline struct model_flow *model_flows(const struct made_packet *packets, size_t n, bool unidirectional,
                                             size_t *n_ret)
{
    struct model_flow *flows = calloc(n + 1, sizeof(*flows));
    size_t n_seen = 0, n_flows = 0;

    cm_check(flows != NULL);
    for (size_t i = 0; i < n; i++)
        if (!packets[i].dropped && model_flow_of(&packets[i], unidirectional, &flows[n_seen]))
            n_seen++;
    qsort(flows, n_seen, sizeof(*flows), model_compare);
    for (size_t i = 0; i < n_seen; i++) {
        struct model_flow *flow = &flows[n_flows - (n_flows > 0)];

        if (n_flows == 0 || flow->n_bytes_hashed != flows[i].n_bytes_hashed ||
            memcmp(flow->bytes, flows[i].bytes, sizeof(flow->bytes)) != 0) {
            flows[n_flows++] = flows[i];
            continue;
        }
        for (unsigned way = 0; way < 2; way++) {
            flow->n_packets[way] += flows[i].n_packets[way];
            flow->n_bytes[way] += flows[i].n_bytes[way];
        }
        flow->tcp_flags |= flows[i].tcp_flags;
        if (flows[i].timed && flows[i].last_ns > flow->last_ns)
            flow->last_ns = flows[i].last_ns;
    }
    *n_ret = n_flows;
    return flows;
}

struct model_host {
    uint8_t bytes[16];
    uint8_t n; /* 4 or 16 */
    uint64_t n_packets_sent, n_bytes_sent, n_packets_received, n_bytes_received;
};

static inline int model_compare_hosts(const void *left, const void *right)
{
    const struct model_host *a = left, *b = right;

    return a->n != b->n ? a->n - b->n : memcmp(a->bytes, b->bytes, 16);
}

/* Every address with what it sent and received; by packets, not by flows. */
static inline struct model_host *model_hosts(const struct made_packet *packets, size_t n, size_t *n_ret)
{
    struct model_host *hosts = calloc(2 * n + 1, sizeof(*hosts));
    size_t n_seen = 0, n_hosts = 0;

    cm_check(hosts != NULL);
    for (size_t i = 0; i < n; i++) {
        const struct made_packet *packet = &packets[i];
        uint8_t bytes[18];

        if (packet->dropped || !(packet->header_flags & CM_HEADERS_ADDRESSES))
            continue;
        hosts[n_seen].n = (uint8_t)(model_endpoint(packet->ip_version, packet->src, 0, bytes) - 2);
        memcpy(hosts[n_seen].bytes, bytes, hosts[n_seen].n);
        hosts[n_seen].n_packets_sent = 1;
        hosts[n_seen++].n_bytes_sent = packet->origlen;
        hosts[n_seen].n = (uint8_t)(model_endpoint(packet->ip_version, packet->dst, 0, bytes) - 2);
        memcpy(hosts[n_seen].bytes, bytes, hosts[n_seen].n);
        hosts[n_seen].n_packets_received = 1;
        hosts[n_seen++].n_bytes_received = packet->origlen;
    }
    qsort(hosts, n_seen, sizeof(*hosts), model_compare_hosts);
    for (size_t i = 0; i < n_seen; i++) {
        struct model_host *host = &hosts[n_hosts - (n_hosts > 0)];

        if (n_hosts == 0 || model_compare_hosts(host, &hosts[i]) != 0) {
            hosts[n_hosts++] = hosts[i];
            continue;
        }
        host->n_packets_sent += hosts[i].n_packets_sent;
        host->n_bytes_sent += hosts[i].n_bytes_sent;
        host->n_packets_received += hosts[i].n_packets_received;
        host->n_bytes_received += hosts[i].n_bytes_received;
    }
    *n_ret = n_hosts;
    return hosts;
}

#endif

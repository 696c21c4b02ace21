/* SPDX-License-Identifier: Apache-2.0 */
/* Who talks to whom in flow number n: a pure function of n, unique for every n, without a table of flows. */
#ifndef CM_SYNTH_ENDPOINTS_H
#define CM_SYNTH_ENDPOINTS_H

#include <stdint.h>

#include "base/checked.h"
#include "synth/draw.h"
#include "synth/synth.h"

/* Host numbers stand in the lower bits of addresses: clients are 10.0.0.0/8 and fdca:9017::/64, servers
 * 172.16.0.0/12 and 2001:db8::/64. */
struct cm_synth_endpoints {
    uint32_t client;
    uint32_t server;
    uint16_t client_port; /* 32768 and above: never a port that means a tunnel */
    uint16_t server_port;
    uint16_t vlan;
    uint16_t vlan_outer;
    uint8_t hops; /* routers passed, taken from the time to live */
    uint64_t key; /* what else is drawn for this flow */
};

/* Each client has up to eight flows, which differ in the lowest three bits of the server's host number: pairs
 * of addresses are unique even where there are no ports. */
struct cm_synth_endpoint_space {
    uint32_t n_clients;
    uint32_t n_servers; /* groups of eight */
    uint64_t key;
};

#define CM_SYNTH_ENDPOINT_CLIENTS (1u << 24)
#define CM_SYNTH_ENDPOINT_SERVERS (1u << 17)

static inline struct cm_synth_endpoint_space cm_synth_endpoint_space(uint64_t seed, uint64_t n_flows)
{
    struct cm_synth_endpoint_space space;

    space.n_clients = (uint32_t)cm_min_u64(n_flows / 8 + 1, CM_SYNTH_ENDPOINT_CLIENTS);
    space.n_servers = (uint32_t)cm_min_u64(n_flows / 64 + 1, CM_SYNTH_ENDPOINT_SERVERS);
    space.key = cm_synth_draw_key(seed, CM_SYNTH_DRAW_FLOW);
    return space;
}

/* A bijection on 24 bits, so that neighbouring numbers are not neighbouring addresses. */
static inline uint32_t cm_synth_endpoint_scatter(uint32_t x)
{
    x = (x * 0x9e3779b1u) & 0xffffff;
    x ^= x >> 12;
    x = (x * 0x85ebca6bu) & 0xffffff;
    return x ^ (x >> 11);
}

/* `flow` wraps at CM_SYNTH_MAX_FLOWS; `udp` chooses among other server ports. */
static inline struct cm_synth_endpoints cm_synth_endpoints(const struct cm_synth_endpoint_space *space,
                                                           uint64_t flow, int udp)
{
    static const uint16_t tcp_ports[4] = {443, 80, 8080, 5201};
    static const uint16_t udp_ports[4] = {443, 3478, 5201, 27015};
    uint32_t n = (uint32_t)flow & (CM_SYNTH_MAX_FLOWS - 1);
    uint32_t row = n / space->n_clients;
    uint64_t bits = cm_synth_draw(space->key, n);
    struct cm_synth_endpoints ends;

    ends.client = cm_synth_endpoint_scatter(n - row * space->n_clients);
    ends.server = (cm_synth_draw_below((uint32_t)bits, space->n_servers) << 3) | row;
    ends.client_port = (uint16_t)(32768 + row * 4096 + ((bits >> 32) & 4095));
    ends.server_port = (udp ? udp_ports : tcp_ports)[(bits >> 44) & 3];
    ends.vlan = (uint16_t)(100 + ((bits >> 46) & 63));
    ends.vlan_outer = (uint16_t)(2000 + ((bits >> 52) & 15));
    ends.hops = (uint8_t)((bits >> 56) & 15);
    ends.key = bits;
    return ends;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Writing one frame. The payload is written first and summed on the way (or its sum looked up), then each
 * header with its checksum computed from the numbers that go into it: no byte is read back. */
#include "synth/frame.h"

#include <string.h>

#include "base/endian.h"
#include "synth/draw.h"
#include "wire/numbers.h"

#define TCP_WINDOW       65535
#define TCP_WINDOW_SHIFT 7 /* 8 MiB: no sender of ours ever fills it */
#define IP_DONT_FRAGMENT 0x4000

static uint32_t fold(uint64_t sum)
{
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint32_t)((sum & 0xffff) + (sum >> 16));
}

/* RFC 1071, section 2 (B): a sum of words read in the other byte order is the byte-swapped sum. */
static uint32_t fold_swapped(uint64_t little_endian_sum)
{
    return __builtin_bswap16((uint16_t)fold(little_endian_sum));
}

/* Random bytes and their sum in one pass: each word is a fold of one product of the counter, which is as fast
 * as copying from memory that is not in the first-level cache, and does not compress. The products of
 * different words are independent, so that they overlap. */
static uint64_t fill_random(uint8_t *out, uint32_t n, uint64_t key)
{
    uint64_t sum = 0, state = key;
    uint32_t i;

    for (i = 0; i + 8 <= n; i += 8) {
        unsigned __int128 product;
        uint64_t word;

        state += CM_SYNTH_DRAW_STEP;
        product = (unsigned __int128)state * (state ^ UINT64_C(0xd6e8feb86659fd93));
        word = (uint64_t)product ^ (uint64_t)(product >> 64);
        cm_store_u64_as(out + i, word, false);
        sum += (word & UINT32_MAX) + (word >> 32);
    }
    if (i < n) {
        uint64_t word = cm_synth_draw_mix(state) & ((UINT64_C(1) << (8 * (n - i))) - 1);

        cm_store_u64_as(out + i, word, false);
        sum += (word & UINT32_MAX) + (word >> 32);
    }
    return sum;
}

static uint64_t fill_text(uint8_t *out, uint32_t n, uint64_t key,
                          const struct cm_synth_frame_payload *payload)
{
    uint32_t word =
        (uint32_t)(key >> 32) % (CM_SYNTH_FRAME_TEXT_BYTES / 4); /* of 16 bits, in the first half */
    uint64_t sum;

    memcpy(out, payload->text + 2 * word, n);
    sum = (uint32_t)(payload->sums[word + n / 2] - payload->sums[word]);
    if (n % 2 != 0)
        sum += payload->text[2 * word + n - 1];
    return sum;
}

/* Sum of the payload as little-endian 16-bit words. */
static uint64_t fill_payload(uint8_t *out, uint32_t n, uint64_t key,
                             const struct cm_synth_frame_payload *payload)
{
    switch (payload->kind) {
    case CM_RECIPE_ZERO:
        memset(out, 0, n);
        return 0;
    case CM_RECIPE_TEXT:
        return fill_text(out, n, key, payload);
    case CM_RECIPE_RANDOM:
        break;
    }
    return fill_random(out, n, key);
}

/* Locally administered: 02-00 and the host number for clients, 02-01 for servers. */
static void write_mac(uint8_t *out, uint32_t host, bool server)
{
    cm_store_be16(out, server ? 0x0201 : 0x0200);
    cm_store_be32(out + 2, host);
}

static uint8_t *write_link(const struct cm_synth_frame *frame, uint8_t *out)
{
    const struct cm_synth_endpoints *ends = &frame->ends;

    write_mac(out, frame->from_server ? ends->client : ends->server, !frame->from_server);
    write_mac(out + 6, frame->from_server ? ends->server : ends->client, frame->from_server);
    out += 12;
    if (frame->class.n_tags == 2) {
        cm_store_be32(out, (uint32_t)CM_ETH_QINQ << 16 | ends->vlan_outer);
        out += 4;
    }
    if (frame->class.n_tags != 0) {
        cm_store_be32(out, (uint32_t)CM_ETH_VLAN << 16 | ends->vlan);
        out += 4;
    }
    cm_store_be16(out, frame->class.ipv6 ? CM_ETH_IPV6 : CM_ETH_IPV4);
    return out + 2;
}

static uint8_t ip_protocol(struct cm_synth_frame_class class)
{
    switch (class.protocol) {
    case CM_SYNTH_FRAME_TCP:
        return CM_PROTOCOL_TCP;
    case CM_SYNTH_FRAME_UDP:
        return CM_PROTOCOL_UDP;
    default:
        return class.ipv6 ? CM_PROTOCOL_ICMPV6 : CM_PROTOCOL_ICMP;
    }
}

/* The network headers answer the sum of the addresses, for the pseudo header. */
static uint64_t write_ipv4(const struct cm_synth_frame *frame, uint8_t *out, uint32_t total_bytes)
{
    uint32_t client = 0x0a000000u | frame->ends.client, server = 0xac100000u | frame->ends.server;
    uint32_t ttl_protocol = (uint32_t)(64 - frame->ends.hops) << 8 | ip_protocol(frame->class);
    uint64_t addresses = (uint64_t)client + server;
    uint64_t sum = addresses + 0x4500 + total_bytes + frame->ip_id + IP_DONT_FRAGMENT + ttl_protocol;

    cm_store_be32(out, 0x45000000u | total_bytes);
    cm_store_be32(out + 4, (uint32_t)frame->ip_id << 16 | IP_DONT_FRAGMENT);
    cm_store_be32(out + 8, ttl_protocol << 16 | (~fold(sum) & 0xffff));
    cm_store_be32(out + 12, frame->from_server ? server : client);
    cm_store_be32(out + 16, frame->from_server ? client : server);
    return addresses;
}

static uint64_t write_ipv6(const struct cm_synth_frame *frame, uint8_t *out, uint32_t payload_bytes)
{
    const uint64_t client_net = UINT64_C(0xfdca901700000000), server_net = UINT64_C(0x20010db800000000);
    uint64_t client = frame->ends.client, server = frame->ends.server;
    uint32_t flow_label = (uint32_t)frame->ends.key & 0xfffff;

    cm_store_be32(out, 0x60000000u | flow_label);
    cm_store_be32(out + 4,
                  payload_bytes << 16 | (uint32_t)ip_protocol(frame->class) << 8 | (64u - frame->ends.hops));
    cm_store_be64(out + 8, frame->from_server ? server_net : client_net);
    cm_store_be64(out + 16, frame->from_server ? server : client);
    cm_store_be64(out + 24, frame->from_server ? client_net : server_net);
    cm_store_be64(out + 32, frame->from_server ? client : server);
    return (client_net >> 32) + (server_net >> 32) + client + server;
}

static void write_tcp(const struct cm_synth_frame *frame, uint8_t *out, uint64_t sum)
{
    uint32_t client = frame->ends.client_port, server = frame->ends.server_port;
    uint32_t ports = frame->from_server ? server << 16 | client : client << 16 | server;
    uint32_t words = frame->syn_options ? 7 : 5;
    uint32_t control = words << 28 | (uint32_t)frame->tcp_flags << 16 | TCP_WINDOW;
    uint32_t ack = (frame->tcp_flags & CM_SYNTH_TCP_ACK) ? frame->ack : 0;

    if (frame->syn_options) {
        uint32_t mss = 2u << 24 | 4u << 16 | frame->mss,
                 scale = 1u << 24 | 3u << 16 | 3u << 8 | TCP_WINDOW_SHIFT;

        cm_store_be32(out + 20, mss);
        cm_store_be32(out + 24, scale);
        sum += (uint64_t)mss + scale;
    }
    sum += (uint64_t)ports + frame->seq + ack + control;
    cm_store_be32(out, ports);
    cm_store_be32(out + 4, frame->seq);
    cm_store_be32(out + 8, ack);
    cm_store_be32(out + 12, control);
    cm_store_be32(out + 16, (~fold(sum) & 0xffff) << 16);
}

static void write_udp(const struct cm_synth_frame *frame, uint8_t *out, uint64_t sum, uint32_t udp_bytes)
{
    uint32_t client = frame->ends.client_port, server = frame->ends.server_port;
    uint32_t ports = frame->from_server ? server << 16 | client : client << 16 | server;
    uint32_t checksum = ~fold(sum + ports + udp_bytes) & 0xffff;

    cm_store_be32(out, ports);
    cm_store_be32(out + 4, udp_bytes << 16 | (checksum == 0 ? 0xffff : checksum)); /* RFC 768: 0 means none */
}

/* Echo requests from the client, replies from the server. */
static void write_icmp(const struct cm_synth_frame *frame, uint8_t *out, uint64_t sum)
{
    uint32_t type = frame->class.ipv6 ? (frame->from_server ? 129 : 128) : (frame->from_server ? 0 : 8);
    uint32_t rest = (uint32_t)frame->ends.client_port << 16 | frame->icmp_sequence;

    cm_store_be32(out, type << 24 | (~fold(sum + (type << 8) + rest) & 0xffff));
    cm_store_be32(out + 4, rest);
}

void cm_synth_frame_write(const struct cm_synth_frame *frame, const struct cm_synth_frame_payload *payload,
                          uint8_t *out)
{
    struct cm_synth_frame_class class = frame->class;
    uint32_t headers =
        cm_synth_frame_header_bytes(class) + (frame->syn_options ? CM_SYNTH_FRAME_SYN_OPTIONS : 0);
    uint8_t *l3 = write_link(frame, out);
    uint8_t *l4 = l3 + (class.ipv6 ? 40 : 20);
    uint32_t l4_bytes = frame->bytes - (uint32_t)(l4 - out);
    uint64_t sum, addresses;

    sum = fold_swapped(fill_payload(out + headers, frame->bytes - headers, frame->payload_key, payload));
    addresses = class.ipv6 ? write_ipv6(frame, l3, l4_bytes) : write_ipv4(frame, l3, l4_bytes + 20);
    if (class.protocol != CM_SYNTH_FRAME_ICMP || class.ipv6) /* ICMP of IPv4 alone has no pseudo header */
        sum += addresses + ip_protocol(class) + l4_bytes;
    switch (class.protocol) {
    case CM_SYNTH_FRAME_TCP:
        write_tcp(frame, l4, sum);
        break;
    case CM_SYNTH_FRAME_UDP:
        write_udp(frame, l4, sum, l4_bytes);
        break;
    default:
        write_icmp(frame, l4, sum);
        break;
    }
}

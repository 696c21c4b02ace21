/* SPDX-License-Identifier: Apache-2.0 */
/* What decoding the headers of a packet costs while its bytes are in cache, by kind of packet; and the
 * Internet checksum per byte. Prints one JSON object; the best and the median of several rounds, in
 * nanoseconds. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/endian.h"
#include "wire/checksum.h"
#include "wire/headers.h"
#include "wire/numbers.h"

#define N_PACKETS    1024 /* 128 KiB of them: a second-level cache, as behind a reader of small blocks */
#define PACKET_BYTES 128
#define ROUNDS       15
#define PASSES       400

enum kind { IPV4_TCP, IPV4_UDP, IPV6_TCP, VLAN_TCP, QINQ_TCP, VXLAN_UDP, N_KINDS };

static const char *const kind_names[N_KINDS] = {"ipv4_tcp", "ipv4_udp", "ipv6_tcp",
                                                "vlan_tcp", "qinq_tcp", "vxlan"};

struct workload {
    uint8_t *bytes;
    struct cm_headers headers[N_PACKETS];
};

static uint64_t now_ns(void)
{
    struct timespec now;

    timespec_get(&now, TIME_UTC);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void build(uint8_t *p, enum kind kind)
{
    bool ipv6 = kind == IPV6_TCP, udp = kind == IPV4_UDP || kind == VXLAN_UDP;
    unsigned at = 12, n_tags = kind == VLAN_TCP ? 1 : kind == QINQ_TCP ? 2 : 0;

    memset(p, 0, PACKET_BYTES);
    for (unsigned i = 0; i < n_tags; i++, at += 4)
        cm_store_be16(p + at, i + 1 < n_tags ? CM_ETH_QINQ : CM_ETH_VLAN);
    cm_store_be16(p + at, ipv6 ? CM_ETH_IPV6 : CM_ETH_IPV4);
    p += at + 2;
    if (ipv6) {
        p[0] = 0x60;
        cm_store_be16(p + 4, (uint16_t)(PACKET_BYTES - at - 2 - 40));
        p[6] = CM_PROTOCOL_TCP;
        p += 40;
    } else {
        p[0] = 0x45;
        cm_store_be16(p + 2, (uint16_t)(PACKET_BYTES - at - 2));
        p[9] = udp ? CM_PROTOCOL_UDP : CM_PROTOCOL_TCP;
        p += 20;
    }
    cm_store_be16(p, 40000);
    cm_store_be16(p + 2, kind == VXLAN_UDP ? CM_PORT_VXLAN : 443);
    if (udp) {
        cm_store_be16(p + 4, 64);
        p[8] = 0x08;
    } else {
        p[12] = 0x50;
        p[13] = 0x10;
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Check what is timed: each packet's ports, so that a decoder that does nothing would not look fast. */
static void check(const struct workload *work)
{
    for (unsigned i = 0; i < N_PACKETS; i++)
        if (work->headers[i].src_port != 40000) {
            fprintf(stderr, "headers_bench: packet %u was not decoded\n", i);
            exit(1);
        }
}

static void measure_headers(struct workload *work, const char *name)
{
    double ns[ROUNDS];

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = now_ns();

        for (int pass = 0; pass < PASSES; pass++)
            for (unsigned i = 0; i < N_PACKETS; i++)
                cm_wire_decode(CM_LINK_ETHERNET, work->bytes + (size_t)i * PACKET_BYTES, PACKET_BYTES,
                               &work->headers[i]);
        ns[round] = (double)(now_ns() - start) / ((double)PASSES * N_PACKETS);
        check(work);
    }
    qsort(ns, ROUNDS, sizeof(ns[0]), compare_doubles);
    printf("  \"%s_ns\": {\"best\": %.2f, \"median\": %.2f},\n", name, ns[0], ns[ROUNDS / 2]);
}

static void measure_checksum(const uint8_t *bytes, size_t n, const char *name)
{
    double ns[ROUNDS];
    uint32_t sum = 0;
    size_t times = (64u << 20) / n;

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = now_ns();

        for (size_t i = 0; i < times; i++)
            sum = cm_wire_sum(bytes, n, sum);
        ns[round] = (double)(now_ns() - start) / (double)times;
    }
    qsort(ns, ROUNDS, sizeof(ns[0]), compare_doubles);
    printf("  \"%s_ns\": {\"best\": %.2f, \"median\": %.2f, \"sum\": %u},\n", name, ns[0], ns[ROUNDS / 2],
           sum);
}

int main(void)
{
    struct workload *work = calloc(1, sizeof(*work));
    uint32_t state = 1;

    if (work == NULL || (work->bytes = malloc((size_t)N_PACKETS * PACKET_BYTES)) == NULL)
        return 1;
    printf("{\n");
    for (int kind = 0; kind < N_KINDS; kind++) {
        for (size_t i = 0; i < N_PACKETS; i++)
            build(work->bytes + i * PACKET_BYTES, (enum kind)kind);
        measure_headers(work, kind_names[kind]);
    }
    /* six TCP to three UDP to one tagged, a fifth of them IPv6, in no order: what branches cost in traffic */
    for (size_t i = 0; i < N_PACKETS; i++) {
        uint32_t dice;

        state = state * 1664525u + 1013904223u;
        dice = (state >> 16) % 10;
        build(work->bytes + i * PACKET_BYTES, dice < 4   ? IPV4_TCP
                                              : dice < 6 ? IPV6_TCP
                                              : dice < 9 ? IPV4_UDP
                                                         : VLAN_TCP);
    }
    measure_headers(work, "mixed");
    measure_checksum(work->bytes, 64, "sum_64_bytes");
    measure_checksum(work->bytes, 1480, "sum_1480_bytes");
    printf("  \"packets\": %d\n}\n", N_PACKETS);
    free(work->bytes);
    free(work);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule costs per packet while the headers of a batch are in cache: typical rules, through the filter's
 * operators as a run calls them. Prints one JSON object; the best and the median of several rounds, in
 * nanoseconds for each packet that came in, and how many of 512 stayed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/checked.h"
#include "base/endian.h"
#include "filter/filter.h"
#include "wire/headers.h"

#define N_BATCHES    4 /* 4 × (24 KiB of descriptors, 16 of headers, 256 of packets): a second-level cache */
#define PACKET_BYTES 512
#define ROUNDS       11
#define PASSES       200

struct workload {
    struct cm_batch batches[N_BATCHES];
    struct cm_headers headers[N_BATCHES][CM_BATCH_CAPACITY];
    uint8_t bytes[N_BATCHES][CM_BATCH_CAPACITY][PACKET_BYTES];
};

static uint64_t now_ns(void)
{
    struct timespec now;

    timespec_get(&now, TIME_UTC);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint32_t random_below(uint64_t *state, uint32_t n)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((*state >> 33) % n);
}

/* IPv4 and a fifth IPv6, two thirds TCP, 200 hosts, ports mostly high; payload of letters. */
static void build(uint8_t *p, uint64_t *state)
{
    const bool ipv6 = random_below(state, 5) == 0, udp = random_below(state, 3) == 0;
    uint8_t *l4 = p + 14 + (ipv6 ? 40 : 20);

    for (unsigned i = 0; i < PACKET_BYTES; i++)
        p[i] = (uint8_t)('a' + random_below(state, 26));
    cm_store_be16(p + 12, ipv6 ? 0x86dd : 0x0800);
    if (ipv6) {
        cm_store_be32(p + 14, 0x60000000);
        cm_store_be16(p + 18, PACKET_BYTES - 54);
        p[20] = udp ? 17 : 6;
        memset(p + 22, 0, 32);
        cm_store_be32(p + 22, 0x20010db8);
        cm_store_be32(p + 38, 0x20010db8);
        p[37] = (uint8_t)random_below(state, 200);
        p[53] = (uint8_t)random_below(state, 200);
    } else {
        memset(p + 14, 0, 12);
        p[14] = 0x45;
        cm_store_be16(p + 16, PACKET_BYTES - 14);
        p[23] = udp ? 17 : 6;
        cm_store_be32(p + 26, 0x0a000000 + random_below(state, 200));
        cm_store_be32(p + 30, 0x0a000000 + random_below(state, 200));
    }
    cm_store_be16(l4, (uint16_t)(1024 + random_below(state, 60000)));
    cm_store_be16(l4 + 2, (uint16_t)(random_below(state, 4) == 0 ? 443 : 1024 + random_below(state, 60000)));
    if (!udp) {
        l4[12] = 0x50;
        l4[13] = random_below(state, 20) == 0 ? 2 : 16;
    }
}

static int compare_doubles(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static void fail(const char *text)
{
    fprintf(stderr, "filter_bench: %s\n", text);
    exit(1);
}

static uint32_t pass(struct workload *work, const struct cm_operator *operators, void *const *locals,
                     unsigned n)
{
    uint32_t n_kept = 0;

    for (unsigned b = 0; b < N_BATCHES; b++) {
        struct cm_batch *batch = &work->batches[b];

        batch->selected_all = true;
        for (unsigned i = 0; i < n; i++)
            if (operators[i].process(operators[i].shared, locals[i], batch, NULL) < 0)
                fail("an operator failed");
        n_kept += cm_batch_n_selected(batch);
    }
    return n_kept;
}

static void measure(struct workload *work, const char *name, const struct capmill_filter_rule *rules,
                    size_t n_rules, enum capmill_filter_op op)
{
    const struct capmill_filter words = {.rules = {.op = op, .rules = rules, .n_rules = n_rules}};
    const struct cm_filter_options options = {.rules = &words};
    struct cm_filter *filter;
    struct cm_operator operators[2];
    struct cm_error error = {0};
    void *locals[2];
    unsigned n = 0;
    uint32_t n_kept = 0;
    double ns[ROUNDS];

    if (cm_filter_create(&options, &filter, &error) < 0) {
        fprintf(stderr, "filter_bench: %s left out: %s\n", name, error.text);
        return;
    }
    n += cm_filter_early(filter, &operators[n]);
    n += cm_filter_late(filter, &operators[n]);
    for (unsigned i = 0; i < n; i++)
        if (operators[i].open(operators[i].shared, 0, &locals[i], NULL) < 0)
            fail("an operator was not opened");
    for (int round = 0; round < ROUNDS; round++) {
        const uint64_t start = now_ns();

        for (int k = 0; k < PASSES; k++)
            n_kept = pass(work, operators, locals, n);
        ns[round] = (double)(now_ns() - start) / ((double)PASSES * N_BATCHES * CM_BATCH_CAPACITY);
    }
    qsort(ns, ROUNDS, sizeof(ns[0]), compare_doubles);
    printf("  \"%s_ns\": {\"best\": %.2f, \"median\": %.2f, \"kept_of_512\": %u},\n", name, ns[0],
           ns[ROUNDS / 2], n_kept / N_BATCHES);
    for (unsigned i = 0; i < n; i++)
        operators[i].close(operators[i].shared, locals[i]);
    cm_filter_destroy(filter);
}

#define RULE(field_, value_)                                                                                 \
    {                                                                                                        \
        CAPMILL_FILTER_##field_, false, value_, #field_                                                      \
    }
#define NO_RULE(field_, value_)                                                                              \
    {                                                                                                        \
        CAPMILL_FILTER_##field_, true, value_, #field_                                                       \
    }
#define MEASURE_AS(op, name, ...)                                                                            \
    do {                                                                                                     \
        const struct capmill_filter_rule rules_[] = {__VA_ARGS__};                                           \
        measure(work, name, rules_, CM_ARRAY_COUNT(rules_), op);                                             \
    } while (0)
#define MEASURE(name, ...) MEASURE_AS(CAPMILL_FILTER_AND, name, __VA_ARGS__)

/* "10.1.0.0,10.1.2.0,...": every second /24. */
static char *many_prefixes(unsigned n)
{
    char *text = malloc(n * 24 + 1);
    size_t at = 0;

    if (text == NULL)
        fail("out of memory");
    for (unsigned i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, 24, "%s%u.%u.%u.0/24", i > 0 ? "," : "", 10 + i / 32768 % 200,
                               i / 128 % 256, i % 128 * 2);
    return text;
}

int main(void)
{
    struct workload *work = calloc(1, sizeof(*work));
    uint64_t state = 1;
    char *many = many_prefixes(10000);

    if (work == NULL)
        fail("out of memory");
    for (unsigned b = 0; b < N_BATCHES; b++) {
        struct cm_batch *batch = &work->batches[b];

        batch->headers = work->headers[b];
        batch->n_packets = CM_BATCH_CAPACITY;
        for (unsigned i = 0; i < CM_BATCH_CAPACITY; i++) {
            build(work->bytes[b][i], &state);
            batch->packets[i] = (struct cm_packet){.data = work->bytes[b][i],
                                                   .time_ns = UINT64_C(1700000000000000000) + i,
                                                   .caplen = PACKET_BYTES,
                                                   .origlen = PACKET_BYTES,
                                                   .link_type = 1};
            cm_wire_decode(1, work->bytes[b][i], PACKET_BYTES, &work->headers[b][i]);
        }
    }
    printf("{\n");
    MEASURE("from_all_stay", RULE(FROM, "2020-01-01"));
    MEASURE("proto_tcp", RULE(PROTO, "tcp"));
    MEASURE("proto_all_stay", RULE(PROTO, "tcp,udp"));
    MEASURE("port_443", RULE(PORT, "443"));
    MEASURE("ports_listed", RULE(PORT, "80,443,8000-8999"));
    MEASURE("tcp_flags", RULE(TCP_FLAGS, "SYN"));
    MEASURE("src_ip_one", RULE(SRC_IP, "10.0.0.1"));
    MEASURE("ip_prefix", RULE(IP, "10.0.0.0/25"));
    MEASURE("ip_10000_prefixes", RULE(IP, many));
    MEASURE("ip6_prefix", RULE(IP, "2001:db8::/64"));
    MEASURE("tcp_443_of_net", RULE(PROTO, "tcp"), RULE(PORT, "443"), RULE(IP, "10.0.0.0/25"));
    MEASURE("not_443", NO_RULE(PORT, "443"));
    MEASURE_AS(CAPMILL_FILTER_OR, "or_of_three", RULE(PORT, "443"), RULE(TCP_FLAGS, "SYN"),
               RULE(IP, "10.0.0.7"));
    MEASURE("flow_id", RULE(FLOW_ID, "0123456789abcdef"));
    MEASURE("expression_tcp_443", RULE(EXPRESSION, "tcp port 443"));
    MEASURE("payload_bytes", RULE(PAYLOAD_BYTES, "deadbeef"));
    MEASURE("payload_regex", RULE(PAYLOAD_REGEX, "qu[a-f]ck[0-9]"));
    MEASURE("tcp_443_payload_regex", RULE(PROTO, "tcp"), RULE(PORT, "443"),
            RULE(PAYLOAD_REGEX, "qu[a-f]ck[0-9]"));
    printf("  \"packet_bytes\": %d\n}\n", PACKET_BYTES);
    free(many);
    free(work);
    return 0;
}

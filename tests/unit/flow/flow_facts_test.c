/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of flows: exact whoever saw which packet, the first packet by its time and place, and refused with a sentence
 * where memory ends. */
#include "flow/flow_facts.h"

#include <stdlib.h>

#include "base/endian.h"
#include "unit/check.h"

#define FRAME_BYTES 54u

struct made {
    struct cm_packet *packets;
    struct cm_headers *headers;
    uint32_t *inputs, *flows; /* of each: the flow's number, as it was made */
    uint8_t *bytes;
    uint32_t n;
};

static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)((*state >> 33) % below);
}

/* A header of IPv4, or for every third flow of IPv6, at the front of the packet; UDP's ports. */
static void make_packet(struct made *made, uint32_t i, uint32_t flow, bool back, uint64_t time_ns)
{
    uint8_t *bytes = made->bytes + (size_t)i * FRAME_BYTES;
    const bool is_ipv6 = flow % 3 == 0;
    uint8_t *src = bytes + (is_ipv6 ? 8 : 12), *dst = src + (is_ipv6 ? 16 : 4);

    memset(bytes, 0, FRAME_BYTES);
    cm_store_be32(back ? dst : src, 0x0a000000 + flow); /* lower than the other */
    cm_store_be32(back ? src : dst, 0x14000000);
    made->headers[i] = (struct cm_headers){.ip_version = is_ipv6 ? 6 : 4,
                                           .protocol = 17,
                                           .src_port = back ? 53 : 999,
                                           .dst_port = back ? 999 : 53,
                                           .flags = CM_HEADERS_ADDRESSES | CM_HEADERS_PORTS};
    made->packets[i] = (struct cm_packet){
        .data = bytes, .time_ns = time_ns, .place = i, .caplen = FRAME_BYTES, .origlen = 100 + i % 7};
    made->flows[i] = flow;
    made->inputs[i] = 0;
}

static struct made made_create(uint32_t n)
{
    const struct made made = {.packets = calloc(n, sizeof(struct cm_packet)),
                              .headers = calloc(n, sizeof(struct cm_headers)),
                              .inputs = calloc(n, sizeof(uint32_t)),
                              .flows = calloc(n, sizeof(uint32_t)),
                              .bytes = malloc((size_t)n * FRAME_BYTES),
                              .n = n};

    cm_check(made.packets != NULL && made.headers != NULL && made.inputs != NULL && made.flows != NULL &&
             made.bytes != NULL);
    return made;
}

static void made_free(struct made *made)
{
    free(made->packets);
    free(made->headers);
    free(made->inputs);
    free(made->flows);
    free(made->bytes);
}

static void add(struct cm_flow_facts_table *table, unsigned thread, const struct made *made, uint32_t first,
                uint32_t n)
{
    struct cm_error error = {0};

    cm_check_that(cm_flow_facts_add(table, thread, made->packets + first, made->headers + first,
                                    made->inputs + first, n, &error) == CAPMILL_OK,
                  "%s", error.text);
}

static const struct cm_flow_facts *find(const struct cm_flow_facts_table *table, const struct made *made,
                                        uint32_t i)
{
    return cm_flow_facts_find(table, &made->packets[i], &made->headers[i]);
}

/* --- against a model --- */

static bool is_first(const struct made *made, uint32_t a, uint32_t b)
{
    if (made->packets[a].time_ns != made->packets[b].time_ns)
        return made->packets[a].time_ns < made->packets[b].time_ns;
    if (made->inputs[a] != made->inputs[b])
        return made->inputs[a] < made->inputs[b];
    return made->packets[a].place < made->packets[b].place;
}

static void check_flow(const struct cm_flow_facts_table *table, const struct made *made, uint32_t flow)
{
    uint64_t n_packets = 0, n_bytes = 0, last_ns = 0;
    uint32_t first = UINT32_MAX;
    const struct cm_flow_facts *facts;

    for (uint32_t i = 0; i < made->n; i++) {
        if (made->flows[i] != flow)
            continue;
        n_packets++;
        n_bytes += made->packets[i].origlen;
        last_ns = made->packets[i].time_ns > last_ns ? made->packets[i].time_ns : last_ns;
        if (first == UINT32_MAX || is_first(made, i, first))
            first = i;
    }
    if (first == UINT32_MAX)
        return;
    facts = find(table, made, first);
    cm_check(facts != NULL);
    cm_check_eq(facts->n_packets, n_packets);
    cm_check_eq(facts->n_bytes, n_bytes);
    cm_check_eq(facts->first_ns, made->packets[first].time_ns);
    cm_check_eq(facts->last_ns, last_ns);
    cm_check_eq(facts->first_from_high, made->headers[first].src_port == 53);
}

#define FLOWS 400u

/* Times and inputs of which many are the same, so that places decide. */
static struct made made_traffic(uint32_t n)
{
    struct made made = made_create(n);
    uint64_t state = 5;

    for (uint32_t i = 0; i < n; i++) {
        make_packet(&made, i, draw(&state, 2) ? draw(&state, FLOWS) : draw(&state, 9), draw(&state, 2),
                    1000 + draw(&state, 40));
        made.inputs[i] = draw(&state, 3);
    }
    return made;
}

static void check_threads(const struct made *made, unsigned n_threads, uint32_t piece)
{
    struct cm_flow_facts_table *table = cm_flow_facts_create(n_threads, UINT64_C(64) << 20, false);
    uint64_t state = n_threads;

    cm_check(table != NULL);
    for (int round = 0; round < 2; round++) { /* the second after a reset */
        for (uint32_t at = 0; at < made->n; at += piece)
            add(table, draw(&state, n_threads), made, at, made->n - at < piece ? made->n - at : piece);
        cm_check_eq(cm_flow_facts_unite(table, NULL), CAPMILL_OK);
        for (uint32_t flow = 0; flow < FLOWS; flow++)
            check_flow(table, made, flow);
        cm_flow_facts_reset(table);
        cm_check(find(table, made, 0) == NULL);
    }
    cm_flow_facts_destroy(table);
}

CM_TEST(flow_facts, the_same_whoever_saw_which_packet)
{
    struct made made = made_traffic(20000);

    check_threads(&made, 1, 20000);
    check_threads(&made, 2, 1);
    check_threads(&made, 3, 63);
    check_threads(&made, 8, 65);
    made_free(&made);
}

CM_TEST(flow_facts, one_way_flows_and_packets_without_a_flow)
{
    struct made made = made_create(4);
    struct cm_flow_facts_table *both = cm_flow_facts_create(1, 1 << 20, false);
    struct cm_flow_facts_table *one = cm_flow_facts_create(1, 1 << 20, true);

    make_packet(&made, 0, 1, true, 50);
    make_packet(&made, 1, 1, false, 60);
    make_packet(&made, 2, 2, false, 70); /* ARP, say */
    made.headers[2].flags = 0;
    make_packet(&made, 3, 4, false, 70);
    add(both, 0, &made, 0, 3);
    add(one, 0, &made, 0, 3);
    cm_check_eq(cm_flow_facts_unite(both, NULL), CAPMILL_OK);
    cm_check_eq(cm_flow_facts_unite(one, NULL), CAPMILL_OK);
    cm_check_eq(find(both, &made, 0)->n_packets, 2);
    cm_check(find(both, &made, 0) == find(both, &made, 1));
    cm_check(find(both, &made, 1)->first_from_high);
    cm_check_eq(find(one, &made, 0)->n_packets, 1);
    cm_check(!find(one, &made, 0)->first_from_high && !find(one, &made, 1)->first_from_high);
    cm_check_eq(find(one, &made, 1)->first_ns, 60);
    cm_check(find(both, &made, 2) == NULL && find(both, &made, 3) == NULL);
    cm_flow_facts_destroy(both);
    cm_flow_facts_destroy(one);
    cm_flow_facts_destroy(NULL);
    made_free(&made);
}

/* --- memory --- */

CM_TEST(flow_facts, memory_is_bounded)
{
    const uint32_t n = 100000;
    struct made made = made_create(n);
    struct cm_flow_facts_table *table = cm_flow_facts_create(2, UINT64_C(4) << 20, false);
    struct cm_error error = {0};
    enum capmill_status status = CAPMILL_OK;
    uint32_t at = 0;

    for (uint32_t i = 0; i < n; i++)
        make_packet(&made, i, i, false, i);
    for (; at < n && status == CAPMILL_OK; at += 100)
        status = cm_flow_facts_add(table, at / 100 % 2, made.packets + at, made.headers + at,
                                   made.inputs + at, 100, &error);
    cm_check_eq(status, CAPMILL_E_MEMORY);
    cm_check_that(at > 15000 && at < 60000, "%u flows", at);
    cm_check_that(strstr(error.text, "allow more with --memory") != NULL &&
                      strstr(error.text, "4.00 MiB is allowed") != NULL,
                  "%s", error.text);
    /* as much again after a reset */
    cm_flow_facts_reset(table);
    add(table, 1, &made, 0, 10000);
    cm_check_eq(cm_flow_facts_unite(table, NULL), CAPMILL_OK);
    cm_check_eq(find(table, &made, 9999)->first_ns, 9999);
    cm_flow_facts_destroy(table);
    made_free(&made);
}

CM_TEST(flow_facts, a_million_flows)
{
    const uint32_t n = 1000000;
    struct made made = made_create(n);
    struct cm_flow_facts_table *table = cm_flow_facts_create(2, UINT64_C(512) << 20, false);

    for (uint32_t i = 0; i < n; i++)
        make_packet(&made, i, i, i % 2, i);
    add(table, 0, &made, 0, 600000);
    add(table, 1, &made, 400000, 600000); /* 200,000 twice */
    cm_check_eq(cm_flow_facts_unite(table, NULL), CAPMILL_OK);
    for (uint32_t i = 0; i < n; i++) {
        const struct cm_flow_facts *facts = find(table, &made, i);

        cm_check(facts != NULL && facts->n_packets == (i >= 400000 && i < 600000 ? 2 : 1) &&
                 facts->first_place == i && facts->first_from_high == i % 2);
    }
    cm_flow_facts_destroy(table);
    made_free(&made);
}

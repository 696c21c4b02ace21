/* SPDX-License-Identifier: Apache-2.0 */
/* What changing a packet costs while its bytes are in cache: nothing but a copy, then each kind of change, on
 * Ethernet/IPv4/TCP of one size and in the mix that is usual for such figures (7 of 64, 4 of 594 and 1 of 1518
 * bytes). Prints one JSON object; the best and the median of several rounds, in nanoseconds a packet. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/endian.h"
#include "transform/transform.h"
#include "wire/checksum.h"
#include "wire/numbers.h"

#define N_PACKETS  384 /* within a second-level cache in the mix */
#define SLOT_BYTES 2048
#define ROUNDS     15
#define PASSES     300

struct workload {
    uint8_t *in;
    uint8_t *out;
    uint32_t caplen[N_PACKETS];
};

static uint64_t now_ns(void)
{
    struct timespec now;

    timespec_get(&now, TIME_UTC);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void build(uint8_t *p, uint32_t bytes, uint32_t number)
{
    for (uint32_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(i * 31 + number);
    cm_store_be16(p + 12, CM_ETH_IPV4);
    p += 14;
    memset(p, 0, 40);
    p[0] = 0x45;
    cm_store_be16(p + 2, (uint16_t)(bytes - 14));
    p[8] = 64;
    p[9] = CM_PROTOCOL_TCP;
    cm_store_be32(p + 12, 0x0a000000 | (number * 2654435761u) >> 20);
    cm_store_be32(p + 16, 0x0a010000 | (number * 2246822519u) >> 20);
    cm_wire_fill_ipv4(p);
    cm_store_be16(p + 20, 40000);
    cm_store_be16(p + 22, 443);
    p[32] = 0x50;
    p[33] = 0x10;
    cm_wire_fill_l4(p, CM_PROTOCOL_TCP, p + 20, bytes - 34);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void report(const char *name, double *ns)
{
    qsort(ns, ROUNDS, sizeof(ns[0]), compare_doubles);
    printf("  \"%s_ns\": {\"best\": %.2f, \"median\": %.2f},\n", name, ns[0], ns[ROUNDS / 2]);
}

static void measure_copy(struct workload *work, const char *name)
{
    double ns[ROUNDS];

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = now_ns();

        for (int pass = 0; pass < PASSES; pass++)
            for (size_t i = 0; i < N_PACKETS; i++)
                memcpy(work->out + i * SLOT_BYTES, work->in + i * SLOT_BYTES, work->caplen[i]);
        ns[round] = (double)(now_ns() - start) / ((double)PASSES * N_PACKETS);
    }
    report(name, ns);
}

/* Check what is timed: sums are right, and packets changed where they should have. */
static void check(const struct workload *work, const char *name, bool changes)
{
    for (size_t i = 0; i < N_PACKETS; i++) {
        const uint8_t *p = work->out + i * SLOT_BYTES;

        if ((memcmp(p, work->in + i * SLOT_BYTES, work->caplen[i]) != 0) != changes ||
            !cm_wire_verify_ipv4(p + 14) ||
            !cm_wire_verify_l4(p + 14, CM_PROTOCOL_TCP, p + 34, work->caplen[i] - 34)) {
            fprintf(stderr, "transform_bench: %s: packet %zu is wrong\n", name, i);
            exit(1);
        }
    }
}

static void measure(struct workload *work, const char *size, const char *name,
                    const struct capmill_transform *wishes, bool changes)
{
    static const uint8_t key[CM_TRANSFORM_KEY_BYTES] = {1, 2, 3};
    struct cm_transform_options options = {.wishes = wishes,
                                           .key = wishes->anonymize.value != NULL ? key : NULL};
    struct cm_transform *transform;
    struct cm_transform_local *local;
    struct cm_error error = {0};
    char text[64];
    double ns[ROUNDS];

    if (cm_transform_create(&options, &transform, &error) != CAPMILL_OK) {
        fprintf(stderr, "transform_bench: %s\n", error.text);
        return; /* built without what it takes */
    }
    local = cm_transform_local_create(transform);
    if (local == NULL)
        exit(1);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = now_ns();

        for (int pass = 0; pass < PASSES; pass++)
            for (size_t i = 0; i < N_PACKETS; i++) {
                struct cm_transform_packet packet = {work->in + i * SLOT_BYTES, work->caplen[i],
                                                     work->caplen[i], CM_LINK_ETHERNET};
                struct cm_transform_result result;

                cm_transform_packet(local, &packet, work->out + i * SLOT_BYTES, SLOT_BYTES, &result);
            }
        ns[round] = (double)(now_ns() - start) / ((double)PASSES * N_PACKETS);
    }
    check(work, name, changes);
    snprintf(text, sizeof(text), "%s_%s", size, name);
    report(text, ns);
    cm_transform_local_destroy(local);
    cm_transform_destroy(transform);
}

static void measure_size(struct workload *work, const char *size)
{
    const struct capmill_word map[] = {{"10.0.0.0/8=172.0.0.0/8", "map"}};
    const struct capmill_word other[] = {{"192.0.2.0/24=198.51.100.0/24", "map"}};
    const struct capmill_word port[] = {{"443=8443", "port"}};
    char text[64];

    snprintf(text, sizeof(text), "%s_copy", size);
    measure_copy(work, text);
    measure(work, size, "map_unmatched", &(struct capmill_transform){.replace_ip = other, .n_replace_ip = 1},
            false);
    measure(work, size, "map", &(struct capmill_transform){.replace_ip = map, .n_replace_ip = 1}, true);
    measure(work, size, "map_port",
            &(struct capmill_transform){
                .replace_ip = map, .n_replace_ip = 1, .replace_port = port, .n_replace_port = 1},
            true);
    measure(work, size, "anonymize", &(struct capmill_transform){.anonymize = {"key", "key"}}, true);
    measure(work, size, "fix", &(struct capmill_transform){.checksums = CAPMILL_CHECKSUMS_FIX}, false);
}

int main(void)
{
    static const uint32_t mix[12] = {64, 594, 64, 64, 594, 64, 1518, 64, 594, 64, 594, 64};
    struct workload *work = calloc(1, sizeof(*work));

    if (work == NULL || (work->in = calloc(N_PACKETS, SLOT_BYTES)) == NULL ||
        (work->out = calloc(N_PACKETS, SLOT_BYTES)) == NULL)
        return 1;
    printf("{\n");
    for (uint32_t i = 0; i < N_PACKETS; i++) {
        work->caplen[i] = 64;
        build(work->in + (size_t)i * SLOT_BYTES, 64, i);
    }
    measure_size(work, "64_bytes");
    for (uint32_t i = 0; i < N_PACKETS; i++) {
        work->caplen[i] = mix[i % 12];
        build(work->in + (size_t)i * SLOT_BYTES, mix[i % 12], i);
    }
    measure_size(work, "mix");
    printf("  \"packets\": %d\n}\n", N_PACKETS);
    free(work->in);
    free(work->out);
    free(work);
    return 0;
}

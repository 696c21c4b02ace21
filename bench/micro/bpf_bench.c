/* SPDX-License-Identifier: Apache-2.0 */
/* How long one filter expression takes a packet: our evaluator on one packet after the other and on batches, and
 * libpcap's bpf_filter(), on packets that lie in cache and on packets that do not. Prints one line of JSON for
 * each expression. Both must keep the same packets, or the program ends with 1. */
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "filter/bpf_program.h"

#define N_WARM 512u
#define N_COLD (1u << 17) /* with 2 KiB to each: 256 MiB, beyond every cache */
#define STRIDE 2048u
#define ROUNDS 2000u

static uint64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* Nine in ten are IPv4, of TCP and UDP, from and to hosts of 10.0.0.0/16; one in ten IPv6. */
static void fill(struct cm_packet *packet, uint8_t *data, uint64_t *random)
{
    uint32_t kind = next_random(random) % 10;
    uint8_t *ports = data + 34;

    memset(data, 0, 80);
    data[12] = 8;
    data[14] = 0x45;
    data[23] = kind < 6 ? 6 : 17;
    data[26] = data[30] = 10;
    data[28] = (uint8_t)next_random(random);
    data[29] = (uint8_t)next_random(random);
    data[32] = (uint8_t)next_random(random);
    data[33] = (uint8_t)next_random(random);
    if (kind == 9) {
        data[12] = 0x86;
        data[13] = 0xdd;
        data[14] = 0x60;
        data[20] = 6;
        ports = data + 54;
    }
    ports[1] = (uint8_t)(next_random(random) % 4 == 0 ? 80 : next_random(random));
    ports[2] = (uint8_t)(next_random(random));
    packet->data = data;
    packet->caplen = packet->origlen = 60 + next_random(random) % 80;
}

static uint32_t by_libpcap(const struct bpf_program *code, const struct cm_packet *packets, uint32_t n)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n; i++)
        kept += bpf_filter(code->bf_insns, packets[i].data, packets[i].origlen, packets[i].caplen) != 0;
    return kept;
}

static uint32_t one_by_one(const struct cm_bpf_program *program, const struct cm_packet *packets, uint32_t n)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n; i++)
        kept += cm_bpf_program_run(program, packets[i].data, packets[i].caplen, packets[i].origlen) != 0;
    return kept;
}

static uint32_t by_batches(const struct cm_bpf_program *program, const struct cm_packet *packets, uint32_t n)
{
    uint16_t selection[512];
    uint32_t kept = 0;

    for (uint32_t from = 0; from < n; from += 512) {
        for (uint32_t i = 0; i < 512; i++)
            selection[i] = (uint16_t)i;
        kept += cm_bpf_program_select(program, packets + from, selection, 512);
    }
    return kept;
}

struct figure {
    double libpcap_ns, single_ns, batch_ns;
    uint32_t kept;
};

static struct figure measure(const struct bpf_program *code, const struct cm_bpf_program *program,
                             const struct cm_packet *packets, uint32_t n, uint32_t rounds)
{
    struct figure best = {1e9, 1e9, 1e9, 0};

    for (uint32_t repetition = 0; repetition < 5; repetition++) {
        uint32_t kept[3] = {0};
        uint64_t start = now_ns(), at;

        for (uint32_t i = 0; i < rounds; i++)
            kept[0] += by_libpcap(code, packets, n);
        at = now_ns();
        if ((double)(at - start) / n / rounds < best.libpcap_ns)
            best.libpcap_ns = (double)(at - start) / n / rounds;
        start = now_ns();
        for (uint32_t i = 0; i < rounds; i++)
            kept[1] += one_by_one(program, packets, n);
        at = now_ns();
        if ((double)(at - start) / n / rounds < best.single_ns)
            best.single_ns = (double)(at - start) / n / rounds;
        start = now_ns();
        for (uint32_t i = 0; i < rounds; i++)
            kept[2] += by_batches(program, packets, n);
        at = now_ns();
        if ((double)(at - start) / n / rounds < best.batch_ns)
            best.batch_ns = (double)(at - start) / n / rounds;
        if (kept[0] != kept[1] || kept[0] != kept[2]) {
            fprintf(stderr, "kept %u, %u and %u packets\n", kept[0], kept[1], kept[2]);
            exit(1);
        }
        best.kept = kept[0] / rounds;
    }
    return best;
}

static void bench(const char *name, const char *expression, const struct cm_packet *warm,
                  const struct cm_packet *cold)
{
    pcap_t *handle = pcap_open_dead(DLT_EN10MB, 262144);
    struct bpf_program code;
    struct cm_bpf_program *program;
    struct figure figure;

    if (handle == NULL || pcap_compile(handle, &code, expression, 1, PCAP_NETMASK_UNKNOWN) != 0 ||
        (program = cm_bpf_program_create((const struct cm_bpf_instruction *)code.bf_insns, code.bf_len)) ==
            NULL) {
        fprintf(stderr, "%s: cannot be compiled\n", expression);
        exit(1);
    }
    figure = measure(&code, program, warm, N_WARM, ROUNDS);
    printf("{\"bench\": \"bpf\", \"expression\": \"%s\", \"instructions\": %u, \"warm\": {\"kept\": %u, "
           "\"bpf_filter_ns\": %.2f, \"run_ns\": %.2f, \"select_ns\": %.2f}",
           name, code.bf_len, figure.kept, figure.libpcap_ns, figure.single_ns, figure.batch_ns);
    figure = measure(&code, program, cold, N_COLD, 1);
    printf(", \"cold\": {\"kept\": %u, \"bpf_filter_ns\": %.2f, \"run_ns\": %.2f, \"select_ns\": %.2f}}\n",
           figure.kept, figure.libpcap_ns, figure.single_ns, figure.batch_ns);
    cm_bpf_program_destroy(program);
    pcap_freecode(&code);
    pcap_close(handle);
}

int main(void)
{
    static char hosts[4096];
    struct cm_packet *warm = calloc(N_WARM, sizeof(*warm)), *cold = calloc(N_COLD, sizeof(*cold));
    uint8_t *warm_data = malloc(N_WARM * 160u), *cold_data = malloc((size_t)N_COLD * STRIDE);
    uint64_t random = 1;
    size_t n = 0;

    if (warm == NULL || cold == NULL || warm_data == NULL || cold_data == NULL)
        return 1;
    for (uint32_t i = 0; i < N_WARM; i++)
        fill(&warm[i], warm_data + i * 160u, &random);
    for (uint32_t i = 0; i < N_COLD; i++)
        fill(&cold[i], cold_data + (size_t)i * STRIDE + next_random(&random) % 64, &random);
    for (unsigned i = 0; i < 100; i++)
        n += (size_t)snprintf(hosts + n, sizeof(hosts) - n, "%shost 10.0.%u.%u", i == 0 ? "" : " or ",
                              next_random(&random) % 256, next_random(&random) % 256);
    bench("ip", "ip", warm, cold);
    bench("ip proto 6", "ip proto 6", warm, cold);
    bench("ip proto 17 and greater 100", "ip proto 17 and greater 100", warm, cold);
    bench("tcp port 80", "tcp port 80", warm, cold);
    bench("port 80 or port 443", "port 80 or port 443", warm, cold);
    bench("16 instructions", "tcp and (port 80 or port 443) and not net 192.168.0.0/16 and greater 64", warm,
          cold);
    bench("100 hosts", hosts, warm, cold);
    bench("len > 100", "len > 100", warm, cold);
    bench("tcp[((tcp[12]&0xf0)>>2):4]=0x47455420", "tcp[((tcp[12]&0xf0)>>2):4]=0x47455420", warm, cold);
    free(warm);
    free(cold);
    free(warm_data);
    free(cold_data);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A test tool: does our evaluator keep the packets that libpcap keeps? `bpf_compare [-e EXPRESSION] FILE...`: every
 * capture with the expressions of unit/filter/expression_list.h, or with one, in one process. libpcap opens the
 * file, compiles as `tcpdump -r` does and runs bpf_filter(); ours compiles by link type and selects in batches.
 * Prints a line for each difference and a sum. Exit status 0: none; 1: some; 77: no capture could be read. */
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter/bpf_program.h"
#include "filter/expression.h"
#include "unit/filter/expression_list.h"

#define MAX_LINKS 64
#define BATCH     512

static const char *const listed[] = {
#define X(expression) expression,
    CM_RIGHT_EXPRESSIONS(X)
#undef X
};

/* One expression for one link type, by libpcap and by us. */
struct pair {
    bool is_compiled;
    struct bpf_program theirs;
    struct cm_expression *expression;
    const struct cm_bpf_program *ours;
};

struct link {
    int dlt;
    struct pair *pairs;
};

struct capture {
    struct cm_packet *packets;
    size_t n, capacity;
};

struct sums {
    uint64_t n_files, n_packets, n_compared, n_kept, n_differences;
};

/* The number that files have for libpcap's. */
static uint16_t link_type_of(int dlt)
{
    switch (dlt) {
    case DLT_RAW:
        return 101;
    case DLT_ATM_RFC1483:
        return 100;
    case DLT_ATM_CLIP:
        return 106;
    case DLT_SLIP_BSDOS:
        return 102;
    case DLT_PPP_BSDOS:
        return 103;
    case DLT_PFSYNC:
        return 246;
    default:
        return (uint16_t)dlt;
    }
}

static void *need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

/* False: libpcap does not open it. What it reads of a damaged file is compared. */
static bool read_capture(pcap_t *handle, struct capture *capture)
{
    struct pcap_pkthdr *header;
    const u_char *data;

    while (pcap_next_ex(handle, &header, &data) == 1) {
        struct cm_packet *packet;
        uint8_t *copy = need(malloc(header->caplen + 1)); /* of its own length, for the sanitizer */

        if (capture->n == capture->capacity) {
            capture->capacity = capture->capacity == 0 ? 1024 : 2 * capture->capacity;
            capture->packets = need(realloc(capture->packets, capture->capacity * sizeof(*packet)));
        }
        memcpy(copy + 1, data, header->caplen);
        packet = &capture->packets[capture->n++];
        memset(packet, 0, sizeof(*packet));
        packet->data = copy + 1;
        packet->caplen = header->caplen;
        packet->origlen = header->len;
    }
    return capture->n > 0;
}

static void free_capture(struct capture *capture)
{
    for (size_t i = 0; i < capture->n; i++)
        free((void *)(uintptr_t)(capture->packets[i].data - 1));
    free(capture->packets);
    memset(capture, 0, sizeof(*capture));
}

static void compile(pcap_t *handle, const char *text, struct pair *pair, struct sums *sums)
{
    struct cm_error error = {0};
    uint16_t link_type = link_type_of(pcap_datalink(handle));

    pair->is_compiled = pcap_compile(handle, &pair->theirs, text, 1, 0) == 0;
    if (cm_expression_create(text, "-e", &pair->expression, &error) == CAPMILL_OK)
        pair->ours = cm_expression_program(pair->expression, link_type, &error);
    if (pair->is_compiled != (pair->ours != NULL)) {
        printf("link type %u: '%s' is %s by us alone: %s\n", link_type, text,
               pair->ours == NULL ? "refused" : "taken",
               pair->ours == NULL ? error.text : pcap_geterr(handle));
        sums->n_differences++;
    }
}

static struct pair *pairs_of(struct link *links, pcap_t *handle, const char *const *texts, size_t n,
                             struct sums *sums)
{
    size_t i = 0;

    while (i < MAX_LINKS && links[i].pairs != NULL && links[i].dlt != pcap_datalink(handle))
        i++;
    if (i == MAX_LINKS)
        abort();
    if (links[i].pairs == NULL) {
        links[i].dlt = pcap_datalink(handle);
        links[i].pairs = need(calloc(n, sizeof(*links[i].pairs)));
        for (size_t j = 0; j < n; j++)
            compile(handle, texts[j], &links[i].pairs[j], sums);
    }
    return links[i].pairs;
}

static void compare(const char *path, const char *text, const struct pair *pair,
                    const struct capture *capture, struct sums *sums)
{
    uint16_t selection[BATCH];

    for (size_t from = 0; from < capture->n; from += BATCH) {
        const struct cm_packet *packets = capture->packets + from;
        uint32_t n = capture->n - from < BATCH ? (uint32_t)(capture->n - from) : BATCH, kept, at = 0;

        for (uint32_t i = 0; i < n; i++)
            selection[i] = (uint16_t)i;
        kept = cm_bpf_program_select(pair->ours, packets, selection, n);
        for (uint32_t i = 0; i < n; i++) {
            bool ours = at < kept && selection[at] == i;
            bool theirs = bpf_filter(pair->theirs.bf_insns, packets[i].data, packets[i].origlen,
                                     packets[i].caplen) != 0;

            at += ours;
            sums->n_kept += theirs;
            if (ours != theirs) {
                printf("%s: packet %zu: '%s' keeps it by %s alone\n", path, from + i + 1, text,
                       ours ? "us" : "libpcap");
                sums->n_differences++;
            }
        }
    }
    sums->n_compared += capture->n;
}

int main(int argc, char **argv)
{
    bool has_one = argc > 2 && strcmp(argv[1], "-e") == 0;
    const char *const *texts = has_one ? (const char *const *)(argv + 2) : listed;
    size_t n = has_one ? 1 : sizeof(listed) / sizeof(listed[0]);
    static struct link links[MAX_LINKS];
    struct capture capture = {0};
    struct sums sums = {0};

    for (int i = has_one ? 3 : 1; i < argc; i++) {
        char reason[PCAP_ERRBUF_SIZE];
        pcap_t *handle = pcap_open_offline(argv[i], reason);

        if (handle == NULL)
            continue;
        if (read_capture(handle, &capture)) {
            const struct pair *pairs = pairs_of(links, handle, texts, n, &sums);

            for (size_t j = 0; j < n; j++)
                if (pairs[j].is_compiled && pairs[j].ours != NULL)
                    compare(argv[i], texts[j], &pairs[j], &capture, &sums);
            sums.n_files++;
            sums.n_packets += capture.n;
        }
        free_capture(&capture);
        pcap_close(handle);
    }
    for (size_t i = 0; i < MAX_LINKS && links[i].pairs != NULL; i++) {
        for (size_t j = 0; j < n; j++) {
            cm_expression_destroy(links[i].pairs[j].expression);
            if (links[i].pairs[j].is_compiled)
                pcap_freecode(&links[i].pairs[j].theirs);
        }
        free(links[i].pairs);
    }
    printf("%" PRIu64 " files, %" PRIu64 " packets, %" PRIu64 " comparisons, %" PRIu64 " kept, %" PRIu64
           " differences\n",
           sums.n_files, sums.n_packets, sums.n_compared, sums.n_kept, sums.n_differences);
    return sums.n_files == 0 ? 77 : sums.n_differences > 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* libpcap's compiler as `tcpdump -r` calls it, without a file or a device. Its parser and lexer keep all they know
 * in the call since 1.8, so threads may compile at once. */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter/pcap_compiler_int.h"
#include "os/stream.h"

/* What a kept packet's program returns, which nobody looks at; as tcpdump's own. */
#define SNAPSHOT_BYTES 262144

static_assert(sizeof(struct cm_bpf_instruction) == sizeof(struct bpf_insn), "libpcap's layout");
static_assert(CM_PCAP_REASON_BYTES == PCAP_ERRBUF_SIZE, "libpcap's size");

bool cm_pcap_compiler_is_there(void)
{
    return true;
}

const char *cm_pcap_compiler_library(void)
{
    return "libpcap: yes";
}

/* libpcap's optimiser takes a time that grows with about the cube of the program: half a second at 6000
 * instructions, half a minute at four times as many. A longer program is run as it was first made. */
#define OPTIMISED_INSTRUCTIONS 6000

/* Texts up to this many bytes make no longer programs. */
#define SHORT_BYTES 512

/* The numbers in files and those of libpcap's functions are the same but where systems disagreed once. */
static int dlt_of(uint16_t link_type)
{
    static const struct {
        uint16_t link_type;
        int dlt;
    } other[] = {
        {50, DLT_PPP_SERIAL},   {51, DLT_PPP_ETHER}, {99, DLT_SYMANTEC_FIREWALL},
        {100, DLT_ATM_RFC1483}, {101, DLT_RAW},      {102, DLT_SLIP_BSDOS},
        {103, DLT_PPP_BSDOS},   {106, DLT_ATM_CLIP}, {107, DLT_FRELAY},
        {246, DLT_PFSYNC},      {258, DLT_PKTAP},
    };

    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        if (other[i].link_type == link_type)
            return other[i].dlt;
    return link_type;
}

/* A capture without packets, of a machine of this byte order or of the other. */
static pcap_t *open_empty_capture(uint32_t link_type, bool swapped, struct cm_error *error)
{
    const struct pcap_file_header head = {
        .magic = swapped ? 0xd4c3b2a1 : 0xa1b2c3d4,
        .version_major = swapped ? 0x0200 : 2,
        .version_minor = swapped ? 0x0400 : 4,
        .snaplen = swapped ? __builtin_bswap32(SNAPSHOT_BYTES) : SNAPSHOT_BYTES,
        .linktype = swapped ? __builtin_bswap32(link_type) : link_type,
    };
    char reason[PCAP_ERRBUF_SIZE];
    pcap_t *handle;
    FILE *stream;

    if (cm_stream_open_bytes(&head, sizeof(head), &stream, error) < 0)
        return NULL;
    handle = pcap_fopen_offline(stream, reason); /* which has read all of it */
    if (handle == NULL) {
        fclose(stream);
        cm_error_set(error, CAPMILL_E_IO, 0, "libpcap does not open an empty capture of link type %u: %s",
                     link_type, reason);
    }
    return handle;
}

/* Loopback headers hold the number that IPv6 has on the system that captured. Of files libpcap takes the numbers
 * of all systems, else that of this system alone: another program, which may keep other packets, so that it is no
 * way out where the file cannot be had. */
static pcap_t *open_handle(uint16_t link_type, bool swapped, struct cm_error *error)
{
    const int dlt = dlt_of(link_type);
    pcap_t *handle;

    if (dlt == DLT_NULL || dlt == DLT_LOOP || dlt == DLT_ENC)
        return open_empty_capture(link_type, swapped, error);
    handle = pcap_open_dead(dlt, SNAPSHOT_BYTES);
    if (handle == NULL)
        cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory");
    return handle;
}

static bool compile(const char *text, uint16_t link_type, bool swapped, struct cm_pcap_code *code_ret,
                    char reason_ret[CM_PCAP_REASON_BYTES])
{
    struct cm_error error = {0};
    pcap_t *handle = open_handle(link_type, swapped, &error);
    struct bpf_program code = {0};
    bool is_done = false, is_long = false;

    if (handle == NULL) {
        code_ret->status = error.status;
        snprintf(reason_ret, CM_PCAP_REASON_BYTES, "%s", error.text);
        return false;
    }
    if (strlen(text) > SHORT_BYTES && pcap_compile(handle, &code, text, 0, 0) == 0) {
        is_long = code.bf_len > OPTIMISED_INSTRUCTIONS;
        pcap_freecode(&code);
    }
    /* the mask of no network, which `tcpdump -r` gives: `ip broadcast` is then 0.0.0.0 and 255.255.255.255 */
    if (pcap_compile(handle, &code, text, !is_long, 0) != 0) {
        code_ret->status = CAPMILL_E_USAGE;
        snprintf(reason_ret, CM_PCAP_REASON_BYTES, "%s", pcap_geterr(handle));
    } else {
        code_ret->n = code.bf_len;
        code_ret->instructions = calloc(code.bf_len, sizeof(*code_ret->instructions));
        is_done = code_ret->instructions != NULL;
        code_ret->status = is_done ? CAPMILL_OK : CAPMILL_E_MEMORY;
        snprintf(reason_ret, CM_PCAP_REASON_BYTES, "out of memory");
        if (is_done)
            memcpy(code_ret->instructions, code.bf_insns, code.bf_len * sizeof(*code_ret->instructions));
        pcap_freecode(&code);
    }
    pcap_close(handle);
    return is_done;
}

/* The first two bytes of a loopback header are 0 where it was written by a big-endian machine: the number of a
 * protocol is small. One program for both, which begins with the question. */
static bool join_orders(struct cm_pcap_code *little, const struct cm_pcap_code *big)
{
    enum {
        LOAD_HALF = BPF_LD | BPF_H | BPF_ABS,
        JUMP_EQUAL = BPF_JMP | BPF_JEQ | BPF_K,
        JUMP = BPF_JMP | BPF_JA
    };
    const struct cm_bpf_instruction question[3] = {
        {.code = LOAD_HALF}, {.code = JUMP_EQUAL, .jf = 1}, {.code = JUMP, .k = (uint32_t)little->n}};
    struct cm_bpf_instruction *joined = calloc(3 + little->n + big->n, sizeof(*joined));

    if (joined == NULL)
        return false;
    memcpy(joined, question, sizeof(question));
    memcpy(joined + 3, little->instructions, little->n * sizeof(*joined));
    memcpy(joined + 3 + little->n, big->instructions, big->n * sizeof(*joined));
    free(little->instructions);
    little->instructions = joined;
    little->n += 3 + big->n;
    return true;
}

bool cm_pcap_compile(const char *text, uint16_t link_type, struct cm_pcap_code *code_ret,
                     char reason_ret[CM_PCAP_REASON_BYTES])
{
    const uint16_t one = 1;
    const bool is_little = *(const uint8_t *)&one == 1;
    const int dlt = dlt_of(link_type);
    struct cm_pcap_code big = {0};
    bool is_done = true;

    if (dlt != DLT_NULL && dlt != DLT_ENC)
        return compile(text, link_type, false, code_ret, reason_ret);
    /* headers in the byte order of the machine that captured, which its file has too */
    if (!compile(text, link_type, !is_little, code_ret, reason_ret))
        return false;
    if (!compile(text, link_type, is_little, &big, reason_ret)) {
        is_done = false;
        code_ret->status = big.status;
    } else if (big.n != code_ret->n ||
               memcmp(big.instructions, code_ret->instructions, big.n * sizeof(*big.instructions)) != 0) {
        is_done = join_orders(code_ret, &big);
        if (!is_done) {
            code_ret->status = CAPMILL_E_MEMORY;
            snprintf(reason_ret, CM_PCAP_REASON_BYTES, "out of memory");
        }
    }
    free(big.instructions);
    if (!is_done) {
        free(code_ret->instructions);
        code_ret->instructions = NULL;
        code_ret->n = 0;
    }
    return is_done;
}

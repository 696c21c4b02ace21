/* SPDX-License-Identifier: Apache-2.0 */
/* libpcap's compiler as `tcpdump -r` calls it, without a file or a device. Its parser and lexer keep all they know
 * in the call since 1.8, so threads may compile at once. */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter/pcap_compiler_int.h"

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
    return pcap_lib_version();
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

/* A file without packets, which libpcap owns from then on. NULL: none can be made. */
static pcap_t *open_empty_file(uint32_t link_type)
{
    const struct pcap_file_header head = {
        .magic = 0xa1b2c3d4,
        .version_major = 2,
        .version_minor = 4,
        .snaplen = SNAPSHOT_BYTES,
        .linktype = link_type,
    };
    char reason[PCAP_ERRBUF_SIZE];
    FILE *file = tmpfile();
    pcap_t *handle = NULL;

    if (file == NULL)
        return NULL;
    if (fwrite(&head, sizeof(head), 1, file) == 1 && fseek(file, 0, SEEK_SET) == 0)
        handle = pcap_fopen_offline(file, reason);
    if (handle == NULL)
        fclose(file);
    return handle;
}

/* Loopback headers hold the number that IPv6 has on the system that captured. Of files libpcap takes the numbers
 * of all systems, else that of this system alone. */
static pcap_t *open_handle(uint16_t link_type)
{
    const int dlt = dlt_of(link_type);
    pcap_t *handle = dlt == DLT_NULL || dlt == DLT_LOOP || dlt == DLT_ENC ? open_empty_file(link_type) : NULL;

    return handle != NULL ? handle : pcap_open_dead(dlt, SNAPSHOT_BYTES);
}

bool cm_pcap_compile(const char *text, uint16_t link_type, struct cm_pcap_code *code_ret,
                     char reason_ret[CM_PCAP_REASON_BYTES])
{
    pcap_t *handle = open_handle(link_type);
    struct bpf_program code = {0};
    bool is_done = false, is_long = false;

    snprintf(reason_ret, CM_PCAP_REASON_BYTES, "out of memory");
    if (handle == NULL)
        return false;
    if (strlen(text) > SHORT_BYTES && pcap_compile(handle, &code, text, 0, 0) == 0) {
        is_long = code.bf_len > OPTIMISED_INSTRUCTIONS;
        pcap_freecode(&code);
    }
    /* the mask of no network, which `tcpdump -r` gives: `ip broadcast` is then 0.0.0.0 and 255.255.255.255 */
    if (pcap_compile(handle, &code, text, !is_long, 0) != 0) {
        snprintf(reason_ret, CM_PCAP_REASON_BYTES, "%s", pcap_geterr(handle));
    } else {
        code_ret->n = code.bf_len;
        code_ret->instructions = calloc(code.bf_len, sizeof(*code_ret->instructions));
        is_done = code_ret->instructions != NULL;
        if (is_done)
            memcpy(code_ret->instructions, code.bf_insns, code.bf_len * sizeof(*code_ret->instructions));
        pcap_freecode(&code);
    }
    pcap_close(handle);
    return is_done;
}

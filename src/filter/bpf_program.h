/* SPDX-License-Identifier: Apache-2.0 */
/* Classic BPF programs, checked once and translated into a form that runs fast: the same answer as libpcap's
 * bpf_filter() for every packet, which is what the tests hold it to. Knows no libpcap. */
#ifndef CM_FILTER_BPF_PROGRAM_H
#define CM_FILTER_BPF_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/packet.h"

/* An instruction as classic BPF has it (McCanne and Jacobson, 1993; the layout of struct bpf_insn). */
struct cm_bpf_instruction {
    uint16_t code;
    uint8_t jt, jf;
    uint32_t k;
};

/* Above this many instructions a program is refused; libpcap's own limit on what it compiles lies below. */
#define CM_BPF_MAX_INSTRUCTIONS (1u << 20)
/* Loads at this offset and above ask a kernel, not the packet: here they are outside every packet. */
#define CM_BPF_ANCILLARY 0xfffff000u

struct cm_bpf_program;
/* NULL where it is no valid program (a jump out of it, an unknown code, a scratch cell that is not there, a
 * constant division by zero, no return at the end), or there is no memory. Backward jumps are allowed, as
 * libpcap makes them for `ip6 protochain`; a packet that keeps a program in a loop for longer than any packet
 * has bytes does not match. */
struct cm_bpf_program *cm_bpf_program_create(const struct cm_bpf_instruction *instructions, size_t n);
void cm_bpf_program_destroy(struct cm_bpf_program *program); /* NULL accepted */
/* 0: the packet does not match. `origlen` is what `len` means. Any thread. */
uint32_t cm_bpf_program_run(const struct cm_bpf_program *program, const uint8_t *data, uint32_t caplen,
                            uint32_t origlen);
/* Keep of the `n` indices in `selection` those of packets that match, in their order; returns how many. The
 * first bytes of packets further on are fetched meanwhile, so this is the way for a batch. Any thread. */
uint32_t cm_bpf_program_select(const struct cm_bpf_program *program, const struct cm_packet *packets,
                               uint16_t *selection, uint32_t n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Classic BPF programs, checked once and translated into a form that runs fast: the same answer as libpcap's
 * bpf_filter() for every packet, which is what the tests hold it to. Knows no libpcap. */
#ifndef CM_FILTER_BPF_PROGRAM_H
#define CM_FILTER_BPF_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An instruction as classic BPF has it (McCanne and Jacobson, 1993; the layout of struct bpf_insn). */
struct cm_bpf_instruction {
    uint16_t code;
    uint8_t jt, jf;
    uint32_t k;
};

struct cm_bpf_program;
/* NULL where it is no valid program (a jump out of it, an unknown code, a scratch cell that is not there, no
 * return at the end, loads from the kernel's ancillary area), or there is no memory. */
struct cm_bpf_program *cm_bpf_program_create(const struct cm_bpf_instruction *instructions, size_t n);
void cm_bpf_program_destroy(struct cm_bpf_program *program); /* NULL accepted */
/* 0: the packet does not match. `origlen` is what `len` means. Any thread. */
uint32_t cm_bpf_program_run(const struct cm_bpf_program *program, const uint8_t *data, uint32_t caplen,
                            uint32_t origlen);

#endif

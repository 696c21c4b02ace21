/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a translation (bpf_translate.c) and what they share: comparisons are found (bpf_nodes.c), then
 * joined to chains (bpf_chains.c). */
#ifndef CM_FILTER_BPF_TRANSLATE_INT_H
#define CM_FILTER_BPF_TRANSLATE_INT_H

#include "filter/bpf_program_int.h"

/* What is known wherever an instruction begins, on all ways there. */
struct cm_bpf_knowledge {
    bool reached;
    uint32_t caplen; /* the packet has at least as many bytes */
    /* where A is what was loaded from the packet: LD_..._ABS or _IND (relative to X as it is now), else 0 */
    uint16_t load;
    uint32_t k;
    uint32_t keep; /* the bits kept of it */
};

/* A comparison with a constant of something that can be read from the packet. */
struct cm_bpf_node {
    uint16_t load; /* LD_..._ABS, LD_..._IND, LD_LEN; 0: A as it is */
    uint32_t k;
    uint32_t keep;
    uint32_t mask, low, span;
    uint32_t yes, no; /* instructions */
    bool is_sure;     /* the packet is known to be long enough */
};

struct cm_bpf_translation {
    const struct cm_bpf_instruction *in;
    uint32_t n;
    bool has_back; /* jumps back: nothing is known of any place, and there are no chains */
    struct cm_bpf_knowledge *known;
    bool *needs_a;   /* the operation at an instruction reads A as an earlier one left it */
    uint32_t *entry; /* the operation to jump to for an instruction */
    bool *is_seen;
    uint32_t *stack;
    uint32_t n_stack;
    struct cm_bpf_program *program;
    uint32_t max_tests, max_ops;
};

static inline uint32_t cm_bpf_load_size(uint16_t load)
{
    switch (load) {
    case CM_BPF_LD_W_ABS:
    case CM_BPF_LD_W_IND:
        return 4;
    case CM_BPF_LD_H_ABS:
    case CM_BPF_LD_H_IND:
        return 2;
    default:
        return 1;
    }
}

static inline bool cm_bpf_is_absolute(uint16_t code)
{
    return code == CM_BPF_LD_W_ABS || code == CM_BPF_LD_H_ABS || code == CM_BPF_LD_B_ABS;
}

static inline bool cm_bpf_is_indexed(uint16_t code)
{
    return code == CM_BPF_LD_W_IND || code == CM_BPF_LD_H_IND || code == CM_BPF_LD_B_IND;
}

static inline bool cm_bpf_is_branch_k(uint16_t code)
{
    return code == CM_BPF_JEQ_K || code == CM_BPF_JGT_K || code == CM_BPF_JGE_K || code == CM_BPF_JSET_K;
}

static inline bool cm_bpf_is_branch(uint16_t code)
{
    return CM_BPF_CLASS(code) == CM_BPF_JMP && code != CM_BPF_JA;
}

/* The instruction past jumps that only lead on. Forward only, so it ends. */
static inline uint32_t cm_bpf_resolve(const struct cm_bpf_translation *t, uint32_t at)
{
    while (!t->has_back && t->in[at].code == CM_BPF_JA)
        at += 1 + t->in[at].k;
    return at;
}

/* --- what is known, and comparisons (bpf_nodes.c) --- */

/* Fill known: needed by all that follows. */
void cm_bpf_find_known(struct cm_bpf_translation *t);
/* Fill needs_a. */
void cm_bpf_find_needs(struct cm_bpf_translation *t);
/* The comparison that begins at an instruction, if one does. */
bool cm_bpf_node_at(const struct cm_bpf_translation *t, uint32_t at, struct cm_bpf_node *node);
/* The same where the way there leads from another comparison, so that A is what that one left: libpcap lets ways
 * that compare with the same constants share the instructions for it. */
bool cm_bpf_node_after(const struct cm_bpf_translation *t, uint32_t at, const struct cm_bpf_node *before,
                       struct cm_bpf_node *node);

/* --- chains (bpf_chains.c) --- */

/* Where packets come by, from the start on: chains where there can be some. Each is one more operation of the
 * program, with its tests and sets; `entry` then leads to it. Not for programs that jump back. */
void cm_bpf_make_chains(struct cm_bpf_translation *t);

#endif

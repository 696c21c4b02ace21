/* SPDX-License-Identifier: Apache-2.0 */
/* What a BPF program compares, and what is known where it does: which field of the packet is in A, and how long
 * the packet is at least. One pass forward and one backward over the instructions. */
#include <string.h>

#include "filter/bpf_translate_int.h"

static void arrive(struct cm_bpf_translation *t, uint32_t at, const struct cm_bpf_knowledge *with)
{
    struct cm_bpf_knowledge *here = &t->known[at];

    if (!here->reached) {
        *here = *with;
        return;
    }
    if (with->caplen < here->caplen)
        here->caplen = with->caplen;
    if (with->load != here->load || with->k != here->k || with->keep != here->keep)
        here->load = 0;
}

/* What an instruction changes of what is known. */
static void learn(const struct cm_bpf_instruction *in, struct cm_bpf_knowledge *known)
{
    switch (CM_BPF_CLASS(in->code)) {
    case CM_BPF_LD:
        known->load = 0;
        if (!cm_bpf_is_absolute(in->code) && !cm_bpf_is_indexed(in->code))
            return;
        if (cm_bpf_is_absolute(in->code)) {
            uint32_t end = in->k + cm_bpf_load_size(in->code);

            if (end < in->k)
                return; /* outside every packet: nothing comes after it */
            if (end > known->caplen)
                known->caplen = end;
        }
        known->load = in->code;
        known->k = in->k;
        known->keep = UINT32_MAX;
        return;
    case CM_BPF_LDX:
        if (cm_bpf_is_indexed(known->load))
            known->load = 0;
        if (in->code == CM_BPF_LDX_MSH && in->k >= known->caplen && in->k != UINT32_MAX)
            known->caplen = in->k + 1;
        return;
    case CM_BPF_ALU:
        if (in->code == CM_BPF_AND_K && known->load != 0)
            known->keep &= in->k;
        else
            known->load = 0;
        return;
    case CM_BPF_MISC:
        if (in->code == CM_BPF_TXA || cm_bpf_is_indexed(known->load))
            known->load = 0;
        return;
    default:
        return;
    }
}

void cm_bpf_find_known(struct cm_bpf_translation *t)
{
    struct cm_bpf_knowledge nothing = {.reached = true};

    if (t->has_back) {
        for (uint32_t i = 0; i < t->n; i++)
            t->known[i] = nothing;
        return;
    }
    arrive(t, 0, &nothing);
    for (uint32_t i = 0; i < t->n; i++) {
        const struct cm_bpf_instruction *in = &t->in[i];
        struct cm_bpf_knowledge after = t->known[i];

        if (!after.reached || CM_BPF_CLASS(in->code) == CM_BPF_RET)
            continue;
        learn(in, &after);
        if (in->code == CM_BPF_JA) {
            arrive(t, i + 1 + in->k, &after);
        } else if (cm_bpf_is_branch(in->code)) {
            arrive(t, i + 1 + in->jt, &after);
            arrive(t, i + 1 + in->jf, &after);
        } else {
            arrive(t, i + 1, &after);
        }
    }
}

static void set_comparison(const struct cm_bpf_translation *t, uint32_t at, struct cm_bpf_node *node)
{
    const struct cm_bpf_instruction *in = &t->in[at];

    node->yes = cm_bpf_resolve(t, at + 1 + in->jt);
    node->no = cm_bpf_resolve(t, at + 1 + in->jf);
    node->mask = UINT32_MAX;
    switch (in->code) {
    case CM_BPF_JEQ_K:
        node->low = in->k;
        node->span = 0;
        break;
    case CM_BPF_JGE_K:
        node->low = in->k;
        node->span = UINT32_MAX - in->k;
        break;
    case CM_BPF_JGT_K:
        node->low = in->k + 1;
        node->span = UINT32_MAX - in->k - 1;
        if (in->k == UINT32_MAX) { /* nothing is greater */
            node->low = 0;
            node->span = UINT32_MAX;
            node->yes = node->no;
        }
        break;
    default: /* JSET: not 0 */
        node->mask = in->k;
        node->low = 1;
        node->span = UINT32_MAX - 1;
        break;
    }
}

bool cm_bpf_node_at(const struct cm_bpf_translation *t, uint32_t at, struct cm_bpf_node *node)
{
    const struct cm_bpf_instruction *in = t->in + at;
    const struct cm_bpf_knowledge *known = &t->known[at];

    memset(node, 0, sizeof(*node));
    node->keep = UINT32_MAX;
    if (cm_bpf_is_branch_k(in->code)) {
        node->load = known->load;
        if (known->load != 0) {
            node->k = known->k;
            node->keep = known->keep;
            node->is_sure = cm_bpf_is_absolute(known->load);
        }
        set_comparison(t, at, node);
        return true;
    }
    if (!cm_bpf_is_absolute(in->code) && !cm_bpf_is_indexed(in->code) && in->code != CM_BPF_LD_LEN)
        return false;
    node->load = in->code;
    node->k = in->k;
    node->is_sure =
        cm_bpf_is_absolute(in->code) && (uint64_t)in->k + cm_bpf_load_size(in->code) <= known->caplen;
    if (++at < t->n && t->in[at].code == CM_BPF_AND_K)
        node->keep = t->in[at++].k;
    if (at >= t->n || !cm_bpf_is_branch_k(t->in[at].code))
        return false;
    set_comparison(t, at, node);
    return true;
}

bool cm_bpf_node_after(const struct cm_bpf_translation *t, uint32_t at, const struct cm_bpf_node *before,
                       struct cm_bpf_node *node)
{
    if (!cm_bpf_node_at(t, at, node))
        return false;
    if (node->load == 0) {
        node->load = before->load;
        node->k = before->k;
        node->keep = before->keep;
    }
    return true;
}

/* Backwards, as all jumps go forward. An operation made of a node that loads does not need A. */
void cm_bpf_find_needs(struct cm_bpf_translation *t)
{
    struct cm_bpf_node node;

    for (uint32_t i = t->n; i-- > 0;) {
        const struct cm_bpf_instruction *in = &t->in[i];
        bool *needs = &t->needs_a[i];

        if (cm_bpf_node_at(t, i, &node)) {
            /* what stands in A afterwards was put there by this one */
            *needs = node.load == 0;
            continue;
        }
        switch (CM_BPF_CLASS(in->code)) {
        case CM_BPF_LD:
            *needs = false;
            break;
        case CM_BPF_LDX:
        case CM_BPF_STX:
            *needs = t->needs_a[i + 1];
            break;
        case CM_BPF_JMP:
            *needs = in->code != CM_BPF_JA || t->has_back || t->needs_a[i + 1 + in->k];
            break;
        case CM_BPF_RET:
            *needs = in->code == CM_BPF_RET_A;
            break;
        case CM_BPF_MISC:
            *needs = in->code == CM_BPF_TAX;
            break;
        default:
            *needs = true;
            break;
        }
    }
}

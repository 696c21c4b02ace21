/* SPDX-License-Identifier: Apache-2.0 */
/* Translates a checked BPF program into operations that do the work of several instructions. Each instruction
 * keeps an operation of its own, so that every jump has a place to go to; the way a packet usually takes is then
 * covered by chains: tests of which all must pass, read without stops in between once the packet is known to be
 * long enough for all of them. A packet that is shorter takes the single operations, where each load is checked
 * as the language demands. Runs once a program; not for the loop over packets. */
#include <stdlib.h>

#include "filter/bpf_translate_int.h"

static uint16_t test_code(const struct cm_bpf_node *node)
{
    switch (node->load) {
    case CM_BPF_LD_W_ABS:
        return node->is_sure ? CM_OP_TEST_W_SURE : CM_OP_TEST_W;
    case CM_BPF_LD_H_ABS:
        return node->is_sure ? CM_OP_TEST_H_SURE : CM_OP_TEST_H;
    case CM_BPF_LD_B_ABS:
        return node->is_sure ? CM_OP_TEST_B_SURE : CM_OP_TEST_B;
    case CM_BPF_LD_W_IND:
        return CM_OP_TEST_W_IND;
    case CM_BPF_LD_H_IND:
        return CM_OP_TEST_H_IND;
    case CM_BPF_LD_B_IND:
        return CM_OP_TEST_B_IND;
    case CM_BPF_LD_LEN:
        return CM_OP_TEST_LEN;
    default:
        return CM_OP_TEST_A;
    }
}

static void put_plain(struct cm_bpf_translation *t, uint32_t at)
{
    static const struct {
        uint16_t from, to;
    } codes[] = {
        {CM_BPF_RET_K, CM_OP_RET_K},
        {CM_BPF_RET_A, CM_OP_RET_A},
        {CM_BPF_LD_W_ABS, CM_OP_LD_W},
        {CM_BPF_LD_H_ABS, CM_OP_LD_H},
        {CM_BPF_LD_B_ABS, CM_OP_LD_B},
        {CM_BPF_LD_W_IND, CM_OP_LD_W_IND},
        {CM_BPF_LD_H_IND, CM_OP_LD_H_IND},
        {CM_BPF_LD_B_IND, CM_OP_LD_B_IND},
        {CM_BPF_LD_LEN, CM_OP_LD_LEN},
        {CM_BPF_LD_IMM, CM_OP_LD_IMM},
        {CM_BPF_LD_MEM, CM_OP_LD_MEM},
        {CM_BPF_LDX_LEN, CM_OP_LDX_LEN},
        {CM_BPF_LDX_IMM, CM_OP_LDX_IMM},
        {CM_BPF_LDX_MEM, CM_OP_LDX_MEM},
        {CM_BPF_LDX_MSH, CM_OP_LDX_MSH},
        {CM_BPF_STORE_A, CM_OP_ST},
        {CM_BPF_STORE_X, CM_OP_STX},
        {CM_BPF_ADD_K, CM_OP_ADD_K},
        {CM_BPF_SUB_K, CM_OP_ADD_K},
        {CM_BPF_MUL_K, CM_OP_MUL_K},
        {CM_BPF_DIV_K, CM_OP_DIV_K},
        {CM_BPF_OR_K, CM_OP_OR_K},
        {CM_BPF_AND_K, CM_OP_AND_K},
        {CM_BPF_LSH_K, CM_OP_LSH_K},
        {CM_BPF_RSH_K, CM_OP_RSH_K},
        {CM_BPF_NEG, CM_OP_NEG},
        {CM_BPF_MOD_K, CM_OP_MOD_K},
        {CM_BPF_XOR_K, CM_OP_XOR_K},
        {CM_BPF_ADD_X, CM_OP_ADD_X},
        {CM_BPF_SUB_X, CM_OP_SUB_X},
        {CM_BPF_MUL_X, CM_OP_MUL_X},
        {CM_BPF_DIV_X, CM_OP_DIV_X},
        {CM_BPF_OR_X, CM_OP_OR_X},
        {CM_BPF_AND_X, CM_OP_AND_X},
        {CM_BPF_LSH_X, CM_OP_LSH_X},
        {CM_BPF_RSH_X, CM_OP_RSH_X},
        {CM_BPF_MOD_X, CM_OP_MOD_X},
        {CM_BPF_XOR_X, CM_OP_XOR_X},
        {CM_BPF_JA, CM_OP_JA},
        {CM_BPF_JEQ_X, CM_OP_JEQ_X},
        {CM_BPF_JGT_X, CM_OP_JGT_X},
        {CM_BPF_JGE_X, CM_OP_JGE_X},
        {CM_BPF_JSET_X, CM_OP_JSET_X},
        {CM_BPF_TAX, CM_OP_TAX},
        {CM_BPF_TXA, CM_OP_TXA},
    };
    const struct cm_bpf_instruction *in = &t->in[at];
    struct cm_bpf_op *op = &t->program->ops[at];
    struct cm_bpf_node node;

    if (cm_bpf_node_at(t, at, &node)) {
        op->code = test_code(&node);
        op->k = node.k;
        op->mask = node.mask;
        op->low = node.low;
        op->span = node.span;
        op->keep = node.keep;
        op->yes = node.yes;
        op->no = node.no;
        return;
    }
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (codes[i].from == in->code)
            op->code = codes[i].to;
    op->k = in->k;
    if (in->code == CM_BPF_SUB_K)
        op->k = 0u - in->k;
    /* what C leaves open and libpcap's evaluator therefore leaves to the CPU, which looks at five bits */
    if (in->code == CM_BPF_LSH_K || in->code == CM_BPF_RSH_K)
        op->k &= 31;
    if (in->code == CM_BPF_JA) {
        op->yes = cm_bpf_resolve(t, at + 1 + in->k);
        if (op->yes <= at)
            op->code = CM_OP_JA_BACK;
    } else if (cm_bpf_is_branch(in->code)) {
        op->yes = cm_bpf_resolve(t, at + 1 + in->jt);
        op->no = cm_bpf_resolve(t, at + 1 + in->jf);
    }
    if (in->code == CM_BPF_LD_MEM || in->code == CM_BPF_LDX_MEM)
        t->program->uses_cells = true;
}

static bool jumps_back(const struct cm_bpf_instruction *in, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (in[i].code == CM_BPF_JA && i + 1 + in[i].k <= i)
            return true;
    return false;
}

static bool drops(const struct cm_bpf_op *op)
{
    return op->code == CM_OP_RET_K && op->k == 0;
}

static void find_sieve(struct cm_bpf_program *program)
{
    const struct cm_bpf_op *first = &program->ops[program->start];
    const struct cm_bpf_op *next;
    bool stays_where_failed;

    if (first->code != CM_OP_CHAIN)
        return;
    stays_where_failed = !drops(&program->ops[first->no]);
    if (stays_where_failed && !drops(&program->ops[first->yes]))
        return;
    next = &program->ops[stays_where_failed ? first->no : first->yes];
    program->sieve = (struct cm_bpf_sieve){.is_used = true,
                                           .stays_where_failed = stays_where_failed,
                                           .decides = next->code == CM_OP_RET_K && next->k != 0,
                                           .caplen = first->k,
                                           .first = first->low,
                                           .n = first->span,
                                           .next = (uint32_t)(next - program->ops)};
}

static void translate(struct cm_bpf_translation *t)
{
    struct cm_bpf_program *program = t->program;

    cm_bpf_find_known(t);
    cm_bpf_find_needs(t);
    for (uint32_t i = 0; i < t->n; i++) {
        t->entry[i] = i;
        put_plain(t, i);
        program->reads_packet |= cm_bpf_is_absolute(t->in[i].code) || cm_bpf_is_indexed(t->in[i].code) ||
                                 t->in[i].code == CM_BPF_LDX_MSH;
    }
    program->n_ops = t->n;
    if (!t->has_back)
        cm_bpf_make_chains(t);
    for (uint32_t i = 0; i < program->n_ops; i++) {
        program->ops[i].yes = t->entry[program->ops[i].yes];
        program->ops[i].no = t->entry[program->ops[i].no];
    }
    program->start = t->entry[cm_bpf_resolve(t, 0)];
    find_sieve(program);
}

struct cm_bpf_program *cm_bpf_program_create(const struct cm_bpf_instruction *instructions, size_t n)
{
    struct cm_bpf_translation t = {.in = instructions, .n = (uint32_t)n};
    struct cm_bpf_program *program;

    if (!cm_bpf_check(instructions, n))
        return NULL;
    program = calloc(1, sizeof(*program));
    if (program == NULL)
        return NULL;
    /* A chain begins where another ends: few tests are in two. The limit bounds what a program built to
     * have many can cost; beyond it the single operations do. */
    t.max_tests = 4 * t.n + 16;
    t.max_ops = 2 * t.n;
    t.program = program;
    t.has_back = jumps_back(instructions, t.n);
    program->ops = calloc(t.max_ops, sizeof(*program->ops));
    program->tests = calloc(t.max_tests, sizeof(*program->tests));
    t.known = calloc(n, sizeof(*t.known));
    t.needs_a = calloc(n, sizeof(*t.needs_a));
    t.entry = calloc(n, sizeof(*t.entry));
    t.is_seen = calloc(n, sizeof(*t.is_seen));
    t.stack = calloc(n, sizeof(*t.stack));
    if (program->ops != NULL && program->tests != NULL && t.known != NULL && t.needs_a != NULL &&
        t.entry != NULL && t.is_seen != NULL && t.stack != NULL) {
        translate(&t);
    } else {
        cm_bpf_program_destroy(program);
        program = NULL;
    }
    free(t.known);
    free(t.needs_a);
    free(t.entry);
    free(t.is_seen);
    free(t.stack);
    return program;
}

void cm_bpf_program_destroy(struct cm_bpf_program *program)
{
    if (program == NULL)
        return;
    free(program->ops);
    free(program->tests);
    free(program->sets);
    free(program->table);
    free(program);
}

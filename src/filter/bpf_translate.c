/* SPDX-License-Identifier: Apache-2.0 */
/* Translates a checked BPF program into operations that do the work of several instructions. Each instruction
 * keeps an operation of its own, so that every jump has a place to go to; the way a packet usually takes is then
 * covered by chains: tests of which all must pass, read without stops in between once the packet is known to be
 * long enough for all of them. A packet that is shorter takes the single operations, where each load is checked
 * as the language demands. Runs once a program; not for the loop over packets. */
#include <stdlib.h>
#include <string.h>

#include "filter/bpf_program_int.h"

/* What is known wherever an instruction begins, on all ways there. */
struct knowledge {
    bool reached;
    uint32_t caplen; /* the packet has at least as many bytes */
    /* where A is what was loaded from the packet: LD_..._ABS or _IND (relative to X as it is now), else 0 */
    uint16_t load;
    uint32_t k;
    uint32_t keep; /* the bits kept of it */
};

/* A comparison with a constant of something that can be read from the packet. */
struct node {
    uint16_t load; /* LD_..._ABS, LD_..._IND, LD_LEN; 0: A as it is */
    uint32_t k;
    uint32_t keep;
    uint32_t mask, low, span;
    uint32_t yes, no; /* instructions */
    bool is_sure;     /* the packet is known to be long enough */
};

struct translation {
    const struct cm_bpf_instruction *in;
    uint32_t n;
    bool has_back; /* jumps back: nothing is known of any place, and there are no chains */
    struct knowledge *known;
    bool *needs_a;   /* the operation at an instruction reads A as an earlier one left it */
    uint32_t *entry; /* the operation to jump to for an instruction */
    bool *is_seen;
    uint32_t *stack;
    uint32_t n_stack;
    struct cm_bpf_program *program;
    uint32_t max_tests, max_ops;
};

static uint32_t load_size(uint16_t load)
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

static bool is_absolute(uint16_t code)
{
    return code == CM_BPF_LD_W_ABS || code == CM_BPF_LD_H_ABS || code == CM_BPF_LD_B_ABS;
}

static bool is_indexed(uint16_t code)
{
    return code == CM_BPF_LD_W_IND || code == CM_BPF_LD_H_IND || code == CM_BPF_LD_B_IND;
}

static bool is_branch_k(uint16_t code)
{
    return code == CM_BPF_JEQ_K || code == CM_BPF_JGT_K || code == CM_BPF_JGE_K || code == CM_BPF_JSET_K;
}

static bool is_branch(uint16_t code)
{
    return CM_BPF_CLASS(code) == CM_BPF_JMP && code != CM_BPF_JA;
}

/* Past jumps that only lead on. Forward only, so it ends. */
static uint32_t resolve(const struct translation *t, uint32_t at)
{
    while (!t->has_back && t->in[at].code == CM_BPF_JA)
        at += 1 + t->in[at].k;
    return at;
}

static void arrive(struct translation *t, uint32_t at, const struct knowledge *with)
{
    struct knowledge *here = &t->known[at];

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
static void learn(const struct cm_bpf_instruction *in, struct knowledge *known)
{
    switch (CM_BPF_CLASS(in->code)) {
    case CM_BPF_LD:
        known->load = 0;
        if (!is_absolute(in->code) && !is_indexed(in->code))
            return;
        if (is_absolute(in->code)) {
            uint32_t end = in->k + load_size(in->code);

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
        if (is_indexed(known->load))
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
        if (in->code == CM_BPF_TXA || is_indexed(known->load))
            known->load = 0;
        return;
    default:
        return;
    }
}

static void find_out(struct translation *t)
{
    struct knowledge nothing = {.reached = true};

    if (t->has_back) {
        for (uint32_t i = 0; i < t->n; i++)
            t->known[i] = nothing;
        return;
    }
    arrive(t, 0, &nothing);
    for (uint32_t i = 0; i < t->n; i++) {
        const struct cm_bpf_instruction *in = &t->in[i];
        struct knowledge after = t->known[i];

        if (!after.reached || CM_BPF_CLASS(in->code) == CM_BPF_RET)
            continue;
        learn(in, &after);
        if (in->code == CM_BPF_JA) {
            arrive(t, i + 1 + in->k, &after);
        } else if (is_branch(in->code)) {
            arrive(t, i + 1 + in->jt, &after);
            arrive(t, i + 1 + in->jf, &after);
        } else {
            arrive(t, i + 1, &after);
        }
    }
}

static void set_comparison(const struct translation *t, uint32_t at, struct node *node)
{
    const struct cm_bpf_instruction *in = &t->in[at];

    node->yes = resolve(t, at + 1 + in->jt);
    node->no = resolve(t, at + 1 + in->jf);
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

/* The comparison that begins at an instruction, if one does. */
static bool node_at(const struct translation *t, uint32_t at, struct node *node)
{
    const struct cm_bpf_instruction *in = t->in + at;
    const struct knowledge *known = &t->known[at];

    memset(node, 0, sizeof(*node));
    node->keep = UINT32_MAX;
    if (is_branch_k(in->code)) {
        node->load = known->load;
        if (known->load != 0) {
            node->k = known->k;
            node->keep = known->keep;
            node->is_sure = is_absolute(known->load);
        }
        set_comparison(t, at, node);
        return true;
    }
    if (!is_absolute(in->code) && !is_indexed(in->code) && in->code != CM_BPF_LD_LEN)
        return false;
    node->load = in->code;
    node->k = in->k;
    node->is_sure = is_absolute(in->code) && (uint64_t)in->k + load_size(in->code) <= known->caplen;
    if (++at < t->n && t->in[at].code == CM_BPF_AND_K)
        node->keep = t->in[at++].k;
    if (at >= t->n || !is_branch_k(t->in[at].code))
        return false;
    set_comparison(t, at, node);
    return true;
}

/* The same where the way there leads from another comparison, so that A is what that one left: libpcap lets ways
 * that compare with the same constants share the instructions for it. */
static bool node_after(const struct translation *t, uint32_t at, const struct node *before, struct node *node)
{
    if (!node_at(t, at, node))
        return false;
    if (node->load == 0) {
        node->load = before->load;
        node->k = before->k;
        node->keep = before->keep;
    }
    return true;
}

/* Backwards, as all jumps go forward. An operation made of a node that loads does not need A. */
static void find_needs(struct translation *t)
{
    struct node node;

    for (uint32_t i = t->n; i-- > 0;) {
        const struct cm_bpf_instruction *in = &t->in[i];
        bool *needs = &t->needs_a[i];

        if (node_at(t, i, &node)) {
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

/* --- one operation for each instruction --- */

static uint16_t test_code(const struct node *node)
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

static void put_plain(struct translation *t, uint32_t at)
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
    struct node node;

    if (node_at(t, at, &node)) {
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
        op->yes = resolve(t, at + 1 + in->k);
        if (op->yes <= at)
            op->code = CM_OP_JA_BACK;
    } else if (is_branch(in->code)) {
        op->yes = resolve(t, at + 1 + in->jt);
        op->no = resolve(t, at + 1 + in->jf);
    }
    if (in->code == CM_BPF_LD_MEM || in->code == CM_BPF_LDX_MEM)
        t->program->uses_cells = true;
}

/* --- chains --- */

/* Tests that all must pass to go on, else the way leads to `leave`. */
struct chain {
    uint32_t first, n; /* in program->tests */
    uint32_t leave, next;
    uint32_t caplen; /* bytes the packet must have, behind an IPv4 header where that is the base */
};

/* Where both ways are one, the test is of no effect; leave those to the operations. */
static bool fits(const struct node *node, bool indexed)
{
    if (node->load == 0 || node->load == CM_BPF_LD_LEN || is_indexed(node->load) != indexed)
        return false;
    return node->yes != node->no && node->span != UINT32_MAX && node->k <= UINT32_MAX - 8;
}

static void put_test(struct translation *t, const struct node *node, bool turned, struct chain *chain)
{
    struct cm_bpf_test *test = &t->program->tests[t->program->n_tests++];
    uint32_t size = load_size(node->load), end = node->k + size;

    /* four bytes that end with the field, or the first four of the packet */
    test->offset = end >= 4 ? end - 4 : 0;
    test->shift = end >= 4 ? 0 : 8 * (4 - end);
    test->mask = node->mask & node->keep & (size == 4 ? UINT32_MAX : (1u << 8 * size) - 1);
    test->low = node->low;
    test->span = node->span;
    if (turned) { /* the values that did not pass are a range too, on the circle of 32-bit numbers */
        test->low = node->low + node->span + 1;
        test->span = UINT32_MAX - node->span - 1;
    }
    if (end < 4)
        end = 4;
    if (end > chain->caplen)
        chain->caplen = end;
    chain->n++;
}

/* Follow from `at` while one way of each test leads to the same place. Shortened to where A is not needed. */
static bool follow(struct translation *t, uint32_t at, uint32_t leave, bool indexed, struct chain *chain_ret)
{
    struct chain chain = {.first = t->program->n_tests, .leave = leave}, good = {0};
    struct node node, before = {0};

    if (t->needs_a[leave])
        return false;
    while (node_after(t, at, &before, &node) && fits(&node, indexed) &&
           (node.no == leave || node.yes == leave) && t->program->n_tests < t->max_tests) {
        bool turned = node.yes == leave;

        before = node;
        put_test(t, &node, turned, &chain);
        at = chain.next = turned ? node.no : node.yes;
        if (!t->needs_a[at])
            good = chain;
    }
    t->program->n_tests = chain.first + good.n;
    *chain_ret = good;
    return good.n > 0;
}

/* The longer of the two chains that begin with a test. */
static bool make_chain(struct translation *t, uint32_t at, bool indexed, struct chain *chain_ret)
{
    struct chain by_no, by_yes;
    struct node node;
    bool has_no, has_yes;

    if (!node_at(t, at, &node) || !fits(&node, indexed))
        return false;
    has_no = follow(t, at, node.no, indexed, &by_no);
    t->program->n_tests -= has_no ? by_no.n : 0;
    has_yes = follow(t, at, node.yes, indexed, &by_yes);
    if (has_yes && (!has_no || by_yes.n > by_no.n)) {
        *chain_ret = by_yes;
        return true;
    }
    t->program->n_tests -= has_yes ? by_yes.n : 0;
    return has_no && follow(t, at, node.no, indexed, chain_ret);
}

/* A set costs one multiplication and one or two loads from a table: below this many constants the tests one by
 * one, whose loads the CPU does together, are as fast. */
#define SET_FROM 6

static bool is_in_set(const struct cm_bpf_test *test)
{
    return test->span == UINT32_MAX - 1; /* passes for all values but one: low - 1 */
}

static bool same_field(const struct cm_bpf_test *a, const struct cm_bpf_test *b)
{
    return is_in_set(a) && is_in_set(b) && a->offset == b->offset && a->shift == b->shift &&
           a->mask == b->mask;
}

static void put_value(uint32_t *table, uint32_t hash_shift, uint32_t empty, uint32_t value)
{
    uint32_t at = value * CM_BPF_HASH >> hash_shift, last = UINT32_MAX >> hash_shift;

    while (table[at] != empty && table[at] != value)
        at = (at + 1) & last;
    table[at] = value;
}

/* Take the tests of one field out of the chain into a set. False: no memory, nothing changed. */
static bool put_set(struct translation *t, struct chain *chain, uint32_t from, uint32_t n_values)
{
    struct cm_bpf_program *program = t->program;
    struct cm_bpf_test *tests = program->tests + chain->first, field = tests[from];
    struct cm_bpf_set *set, *sets = realloc(program->sets, (program->n_sets + 1) * sizeof(*sets));
    uint32_t bits = 5, left = 0, *table;
    bool *is_taken;

    if (sets == NULL)
        return false;
    program->sets = sets;
    while (1u << bits < 4 * n_values)
        bits++;
    is_taken = calloc((size_t)n_values + 1, sizeof(*is_taken));
    if (is_taken == NULL)
        return false;
    table = realloc(program->table, (program->n_table + (1u << bits)) * sizeof(*table));
    if (table == NULL) {
        free(is_taken);
        return false;
    }
    program->table = table;
    set = &sets[program->n_sets++];
    *set = (struct cm_bpf_set){field.offset, field.shift, field.mask, 32 - bits, 0, program->n_table};
    /* of n + 1 values one at least is none of n */
    for (uint32_t i = 0; i < chain->n; i++)
        if (same_field(&tests[i], &field) && tests[i].low - 1 <= n_values)
            is_taken[tests[i].low - 1] = true;
    while (is_taken[set->empty])
        set->empty++;
    free(is_taken);
    table += program->n_table;
    program->n_table += 1u << bits;
    for (uint32_t i = 0; i < 1u << bits; i++)
        table[i] = set->empty;
    for (uint32_t i = 0; i < chain->n; i++) {
        if (same_field(&tests[i], &field))
            put_value(table, set->hash_shift, set->empty, tests[i].low - 1);
        else
            tests[left++] = tests[i];
    }
    chain->n = left;
    return true;
}

static uint16_t make_sets(struct translation *t, struct chain *chain)
{
    const struct cm_bpf_test *tests = t->program->tests + chain->first;
    uint16_t n_sets = 0;
    uint32_t i = 0;

    while (i < chain->n && n_sets < UINT16_MAX) {
        uint32_t n_values = 0;

        for (uint32_t j = i; j < chain->n && n_values < SET_FROM; j++)
            n_values += same_field(&tests[i], &tests[j]);
        if (n_values == SET_FROM) {
            for (uint32_t j = n_values = 0; j < chain->n; j++)
                n_values += same_field(&tests[i], &tests[j]);
            if (put_set(t, chain, i, n_values)) {
                n_sets++;
                continue; /* another test stands at i now */
            }
        }
        i++;
    }
    t->program->n_tests = chain->first + chain->n;
    return n_sets;
}

static void push(struct translation *t, uint32_t at)
{
    if (!t->is_seen[at]) {
        t->is_seen[at] = true;
        t->stack[t->n_stack++] = at;
    }
}

static struct cm_bpf_op *put_chain_op(struct translation *t, uint32_t at, const struct chain *chain)
{
    struct cm_bpf_op *op = &t->program->ops[t->program->n_ops];

    *op = (struct cm_bpf_op){.code = CM_OP_CHAIN, .k = chain->caplen, .low = chain->first, .span = chain->n};
    op->yes = chain->next;
    op->no = chain->leave;
    op->keep = at;
    t->entry[at] = t->program->n_ops++;
    push(t, chain->next);
    push(t, chain->leave);
    return op;
}

/* Where packets come by, from the start on: chains where there can be some. */
static void make_chains(struct translation *t)
{
    struct chain chain;
    struct node node;

    push(t, resolve(t, 0));
    while (t->n_stack > 0) {
        uint32_t at = t->stack[--t->n_stack];
        const struct cm_bpf_instruction *in = &t->in[at];

        if (t->program->n_ops < t->max_ops && make_chain(t, at, false, &chain)) {
            if (chain.n > 1) {
                struct cm_bpf_op *op = put_chain_op(t, at, &chain);

                op->n_sets = make_sets(t, &chain);
                op->span = chain.n;
                op->mask = t->program->n_sets - op->n_sets;
                op->code = op->n_sets > 0 ? CM_OP_CHAIN_SETS : CM_OP_CHAIN;
                continue;
            }
            t->program->n_tests = chain.first;
        }
        if (in->code == CM_BPF_LDX_MSH && t->program->n_ops < t->max_ops &&
            make_chain(t, at + 1, true, &chain)) {
            if (chain.caplen > in->k) {
                struct cm_bpf_op *op = put_chain_op(t, at, &chain);

                op->code = CM_OP_MSH_CHAIN;
                op->mask = in->k;
                continue;
            }
            t->program->n_tests = chain.first;
        }
        if (node_at(t, at, &node)) {
            push(t, node.yes);
            push(t, node.no);
        } else if (in->code == CM_BPF_JA) {
            push(t, resolve(t, at));
        } else if (is_branch(in->code)) {
            push(t, resolve(t, at + 1 + in->jt));
            push(t, resolve(t, at + 1 + in->jf));
        } else if (CM_BPF_CLASS(in->code) != CM_BPF_RET) {
            push(t, at + 1);
        }
    }
}

static bool jumps_back(const struct cm_bpf_instruction *in, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (in[i].code == CM_BPF_JA && i + 1 + in[i].k <= i)
            return true;
    return false;
}

static void translate(struct translation *t)
{
    struct cm_bpf_program *program = t->program;

    find_out(t);
    find_needs(t);
    for (uint32_t i = 0; i < t->n; i++) {
        t->entry[i] = i;
        put_plain(t, i);
        program->reads_packet |=
            is_absolute(t->in[i].code) || is_indexed(t->in[i].code) || t->in[i].code == CM_BPF_LDX_MSH;
    }
    program->n_ops = t->n;
    if (!t->has_back)
        make_chains(t);
    for (uint32_t i = 0; i < program->n_ops; i++) {
        program->ops[i].yes = t->entry[program->ops[i].yes];
        program->ops[i].no = t->entry[program->ops[i].no];
    }
    program->start = t->entry[resolve(t, 0)];
}

struct cm_bpf_program *cm_bpf_program_create(const struct cm_bpf_instruction *instructions, size_t n)
{
    struct translation t = {.in = instructions, .n = (uint32_t)n};
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

/* SPDX-License-Identifier: Apache-2.0 */
/* Chains: tests of which all must pass, found by following the ways of a program from comparison to comparison;
 * of those of one field with many constants, a set is made. */
#include <stdlib.h>

#include "filter/bpf_translate_int.h"

/* Tests that all must pass to go on, else the way leads to `leave`. */
struct chain {
    uint32_t first, n; /* in program->tests */
    uint32_t leave, next;
    uint32_t caplen; /* bytes the packet must have, behind an IPv4 header where that is the base */
};

/* Where both ways are one, the test is of no effect; leave those to the operations. */
static bool fits(const struct cm_bpf_node *node, bool indexed)
{
    if (node->load == 0 || node->load == CM_BPF_LD_LEN || cm_bpf_is_indexed(node->load) != indexed)
        return false;
    return node->yes != node->no && node->span != UINT32_MAX && node->k <= UINT32_MAX - 8;
}

static void put_test(struct cm_bpf_translation *t, const struct cm_bpf_node *node, bool turned,
                     struct chain *chain)
{
    struct cm_bpf_test *test = &t->program->tests[t->program->n_tests++];
    uint32_t size = cm_bpf_load_size(node->load), end = node->k + size;

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
static bool follow(struct cm_bpf_translation *t, uint32_t at, uint32_t leave, bool indexed,
                   struct chain *chain_ret)
{
    struct chain chain = {.first = t->program->n_tests, .leave = leave}, good = {0};
    struct cm_bpf_node node, before = {0};

    if (t->needs_a[leave])
        return false;
    while (cm_bpf_node_after(t, at, &before, &node) && fits(&node, indexed) &&
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
static bool make_chain(struct cm_bpf_translation *t, uint32_t at, bool indexed, struct chain *chain_ret)
{
    struct chain by_no, by_yes;
    struct cm_bpf_node node;
    bool has_no, has_yes;

    if (!cm_bpf_node_at(t, at, &node) || !fits(&node, indexed))
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
static bool put_set(struct cm_bpf_translation *t, struct chain *chain, uint32_t from, uint32_t n_values)
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

static uint16_t make_sets(struct cm_bpf_translation *t, struct chain *chain)
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

static void push(struct cm_bpf_translation *t, uint32_t at)
{
    if (!t->is_seen[at]) {
        t->is_seen[at] = true;
        t->stack[t->n_stack++] = at;
    }
}

static struct cm_bpf_op *put_chain_op(struct cm_bpf_translation *t, uint32_t at, const struct chain *chain)
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

void cm_bpf_make_chains(struct cm_bpf_translation *t)
{
    struct chain chain;
    struct cm_bpf_node node;

    const uint32_t start = cm_bpf_resolve(t, 0);

    push(t, start);
    while (t->n_stack > 0) {
        uint32_t at = t->stack[--t->n_stack];
        const struct cm_bpf_instruction *in = &t->in[at];

        if (t->program->n_ops < t->max_ops && make_chain(t, at, false, &chain)) {
            if (chain.n > 1 || at == start) { /* at the start one test can be a sieve */
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
        if (cm_bpf_node_at(t, at, &node)) {
            push(t, node.yes);
            push(t, node.no);
        } else if (in->code == CM_BPF_JA) {
            push(t, cm_bpf_resolve(t, at));
        } else if (cm_bpf_is_branch(in->code)) {
            push(t, cm_bpf_resolve(t, at + 1 + in->jt));
            push(t, cm_bpf_resolve(t, at + 1 + in->jf));
        } else if (CM_BPF_CLASS(in->code) != CM_BPF_RET) {
            push(t, at + 1);
        }
    }
}

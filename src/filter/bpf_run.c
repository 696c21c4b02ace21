/* SPDX-License-Identifier: Apache-2.0 */
/* Runs translated BPF programs over packets. One function holds the loop over packets and all operations, each
 * of which jumps to the next by itself: the branch predictor then sees each place by itself. */
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "filter/bpf_program_int.h"

/* How many packets ahead their first bytes are asked for. A packet takes 5 to 20 ns here and memory answers in
 * about 90 ns: less than 6 leaves some of the wait, more than 16 pushes lines out again before their turn. */
#define AHEAD 10

/* Jumps back that one packet may take beyond its length before the program is taken for endless. */
#define SPARE_JUMPS 65536u

static inline bool passes(uint32_t value, const struct cm_bpf_op *op)
{
    return (value & op->mask) - op->low <= op->span;
}

static inline uint32_t fails(const uint8_t *data, const struct cm_bpf_test *test)
{
    return ((cm_load_be32(data + test->offset) >> test->shift) & test->mask) - test->low > test->span;
}

/* Up to this many tests are read without a look at the outcome of each: the loads go on side by side, and there
 * is one branch to predict in place of one for each. */
#define TOGETHER 4

static inline bool all_pass(const uint8_t *data, const struct cm_bpf_test *test, uint32_t n)
{
    uint32_t failed = 0;

    for (; n > TOGETHER; n -= TOGETHER, test += TOGETHER) {
        for (uint32_t i = 0; i < TOGETHER; i++)
            failed |= fails(data, test + i);
        if (failed)
            return false;
    }
    for (uint32_t i = 0; i < n; i++)
        failed |= fails(data, test + i);
    return !failed;
}

static inline bool in_none(const uint8_t *data, const struct cm_bpf_set *set, uint32_t n, const uint32_t *all)
{
    for (const struct cm_bpf_set *end = set + n; set != end; set++) {
        uint32_t value = (cm_load_be32(data + set->offset) >> set->shift) & set->mask;
        const uint32_t *table = all + set->first;
        uint32_t at = value * CM_BPF_HASH >> set->hash_shift;
        uint32_t last = UINT32_MAX >> set->hash_shift;

        if (value == set->empty)
            continue;
        for (; table[at] != set->empty; at = (at + 1) & last)
            if (table[at] == value)
                return false;
    }
    return true;
}

static inline void fetch(const uint8_t *data)
{
    __builtin_prefetch(data);
    __builtin_prefetch(data + 63); /* headers rarely lie in one line alone */
}

/* From the operation `first` on, narrows `selection`; *value_ret is what the program returned for the last
 * packet. */
static uint32_t run(const struct cm_bpf_program *program, uint32_t first, const struct cm_packet *packets,
                    uint16_t *selection, uint32_t n, uint32_t *value_ret)
{
    static const void *const places[] = {
#define X(name) &&op_##name,
        CM_BPF_OPS(X)
#undef X
    };
    const struct cm_bpf_op *const ops = program->ops, *const start = ops + first, *op;
    const struct cm_packet *packet;
    const uint8_t *data;
    uint32_t cells[CM_BPF_CELLS] = {0};
    uint32_t kept = 0, i = 0, value = 0, a, x, caplen, n_back;
    const uint32_t n_ahead = program->reads_packet && n > AHEAD ? n - AHEAD : 0;

    for (uint32_t ahead = 1; n_ahead > 0 && ahead < n && ahead < AHEAD; ahead++)
        fetch(packets[selection[ahead]].data);

#define GO(next)                                                                                             \
    do {                                                                                                     \
        op = (next);                                                                                         \
        goto *places[op->code];                                                                              \
    } while (0)
#define GO_ON() GO(op + 1)
/* Two jumps rather than one to a chosen place: the way taken is predicted before the operation is known. */
#define BRANCH(condition)                                                                                    \
    do {                                                                                                     \
        if (condition)                                                                                       \
            GO(ops + op->yes);                                                                               \
        else                                                                                                 \
            GO(ops + op->no);                                                                                \
    } while (0)
#define RETURN(result)                                                                                       \
    do {                                                                                                     \
        value = (result);                                                                                    \
        goto done;                                                                                           \
    } while (0)
/* Bytes k to k + size of the packet; the sum cannot wrap in 64 bits. */
#define NEED(first, size)                                                                                    \
    do {                                                                                                     \
        if ((uint64_t)(first) + (size) > caplen)                                                             \
            RETURN(0);                                                                                       \
    } while (0)

    if (n == 0)
        goto end;
begin:
    packet = &packets[selection[i]];
    if (i < n_ahead)
        fetch(packets[selection[i + AHEAD]].data);
    data = packet->data;
    caplen = packet->caplen;
    a = x = n_back = 0;
    if (program->uses_cells)
        memset(cells, 0, sizeof(cells));
    GO(start);

done:
    selection[kept] = selection[i];
    kept += value != 0;
    if (++i < n)
        goto begin;
end:
    *value_ret = value;
    return kept;

op_RET_K:
    RETURN(op->k);
op_RET_A:
    RETURN(a);
op_LD_W:
    NEED(op->k, 4);
    a = cm_load_be32(data + op->k);
    GO_ON();
op_LD_H:
    NEED(op->k, 2);
    a = cm_load_be16(data + op->k);
    GO_ON();
op_LD_B:
    NEED(op->k, 1);
    a = data[op->k];
    GO_ON();
op_LD_W_IND:
    NEED((uint64_t)x + op->k, 4);
    a = cm_load_be32(data + x + op->k);
    GO_ON();
op_LD_H_IND:
    NEED((uint64_t)x + op->k, 2);
    a = cm_load_be16(data + x + op->k);
    GO_ON();
op_LD_B_IND:
    NEED((uint64_t)x + op->k, 1);
    a = data[x + op->k];
    GO_ON();
op_LD_LEN:
    a = packet->origlen;
    GO_ON();
op_LD_IMM:
    a = op->k;
    GO_ON();
op_LD_MEM:
    a = cells[op->k];
    GO_ON();
op_LDX_LEN:
    x = packet->origlen;
    GO_ON();
op_LDX_IMM:
    x = op->k;
    GO_ON();
op_LDX_MEM:
    x = cells[op->k];
    GO_ON();
op_LDX_MSH:
    NEED(op->k, 1);
    x = (data[op->k] & 15u) * 4;
    GO_ON();
op_ST:
    cells[op->k] = a;
    GO_ON();
op_STX:
    cells[op->k] = x;
    GO_ON();
op_ADD_K:
    a += op->k;
    GO_ON();
op_MUL_K:
    a *= op->k;
    GO_ON();
op_DIV_K:
    a /= op->k;
    GO_ON();
op_MOD_K:
    a %= op->k;
    GO_ON();
op_OR_K:
    a |= op->k;
    GO_ON();
op_AND_K:
    a &= op->k;
    GO_ON();
op_XOR_K:
    a ^= op->k;
    GO_ON();
op_LSH_K:
    a <<= op->k; /* below 32: the translation sees to it */
    GO_ON();
op_RSH_K:
    a >>= op->k;
    GO_ON();
op_NEG:
    a = 0u - a;
    GO_ON();
op_ADD_X:
    a += x;
    GO_ON();
op_SUB_X:
    a -= x;
    GO_ON();
op_MUL_X:
    a *= x;
    GO_ON();
op_DIV_X:
    if (x == 0)
        RETURN(0);
    a /= x;
    GO_ON();
op_MOD_X:
    if (x == 0)
        RETURN(0);
    a %= x;
    GO_ON();
op_OR_X:
    a |= x;
    GO_ON();
op_AND_X:
    a &= x;
    GO_ON();
op_XOR_X:
    a ^= x;
    GO_ON();
op_LSH_X:
    a = x < 32 ? a << x : 0;
    GO_ON();
op_RSH_X:
    a = x < 32 ? a >> x : 0;
    GO_ON();
op_JA:
    GO(ops + op->yes);
op_JA_BACK:
    if (n_back++ >= SPARE_JUMPS + caplen / 2)
        RETURN(0);
    GO(ops + op->yes);
op_JEQ_X:
    BRANCH(a == x);
op_JGT_X:
    BRANCH(a > x);
op_JGE_X:
    BRANCH(a >= x);
op_JSET_X:
    BRANCH((a & x) != 0);
op_TAX:
    x = a;
    GO_ON();
op_TXA:
    a = x;
    GO_ON();
op_TEST_A:
    BRANCH(passes(a, op));
op_TEST_LEN:
    a = packet->origlen & op->keep;
    BRANCH(passes(a, op));
op_TEST_W:
    NEED(op->k, 4);
op_TEST_W_SURE:
    a = cm_load_be32(data + op->k) & op->keep;
    BRANCH(passes(a, op));
op_TEST_H:
    NEED(op->k, 2);
op_TEST_H_SURE:
    a = cm_load_be16(data + op->k) & op->keep;
    BRANCH(passes(a, op));
op_TEST_B:
    NEED(op->k, 1);
op_TEST_B_SURE:
    a = data[op->k] & op->keep;
    BRANCH(passes(a, op));
op_TEST_W_IND:
    NEED((uint64_t)x + op->k, 4);
    a = cm_load_be32(data + x + op->k) & op->keep;
    BRANCH(passes(a, op));
op_TEST_H_IND:
    NEED((uint64_t)x + op->k, 2);
    a = cm_load_be16(data + x + op->k) & op->keep;
    BRANCH(passes(a, op));
op_TEST_B_IND:
    NEED((uint64_t)x + op->k, 1);
    a = data[x + op->k] & op->keep;
    BRANCH(passes(a, op));
op_CHAIN:
    if (caplen < op->k)
        GO(ops + op->keep);
    BRANCH(all_pass(data, program->tests + op->low, op->span));
op_CHAIN_SETS:
    if (caplen < op->k)
        GO(ops + op->keep);
    BRANCH((op->span == 0 || all_pass(data, program->tests + op->low, op->span)) &&
           in_none(data, program->sets + op->mask, op->n_sets, program->table));
op_MSH_CHAIN:
    if (caplen < op->k) /* reaches behind the shortest header, which is behind its first byte */
        GO(ops + op->keep);
    x = (data[op->mask] & 15u) * 4;
    if (caplen - op->k < x)
        GO(ops + op->keep);
    BRANCH(all_pass(data + x, program->tests + op->low, op->span));
#undef GO
#undef GO_ON
#undef BRANCH
#undef RETURN
#undef NEED
}

uint32_t cm_bpf_program_run(const struct cm_bpf_program *program, const uint8_t *data, uint32_t caplen,
                            uint32_t origlen)
{
    struct cm_packet packet;
    uint16_t selection = 0;
    uint32_t value;

    packet.data = data;
    packet.caplen = caplen;
    packet.origlen = origlen;
    run(program, program->start, &packet, &selection, 1, &value);
    return value;
}

/* Narrows `selection` up to the first packet that is too short, of which the number is answered (n: none is).
 * Called with a constant for `n_tests`: the loop over them is gone then. */
__attribute__((always_inline)) static inline uint32_t
sieve_by(const struct cm_bpf_program *program, uint32_t n_tests, const struct cm_packet *packets,
         uint16_t *selection, uint32_t n, uint32_t *kept_ret)
{
    const struct cm_bpf_test *tests = program->tests + program->sieve.first;
    const uint32_t caplen = program->sieve.caplen;
    const bool stays_where_failed = program->sieve.stays_where_failed;
    uint32_t kept = 0, i;

    for (i = 0; i < n; i++) {
        const uint16_t at = selection[i];
        const struct cm_packet *packet = &packets[at];

        if (i + AHEAD < n)
            fetch(packets[selection[i + AHEAD]].data);
        if (CM_UNLIKELY(packet->caplen < caplen))
            break;
        selection[kept] = at;
        kept += all_pass(packet->data, tests, n_tests) != stays_where_failed;
    }
    *kept_ret = kept;
    return i;
}

static uint32_t sieve(const struct cm_bpf_program *program, const struct cm_packet *packets,
                      uint16_t *selection, uint32_t n, uint32_t *kept_ret)
{
    switch (program->sieve.n) {
    case 1:
        return sieve_by(program, 1, packets, selection, n, kept_ret);
    case 2:
        return sieve_by(program, 2, packets, selection, n, kept_ret);
    default:
        return sieve_by(program, program->sieve.n, packets, selection, n, kept_ret);
    }
}

uint32_t cm_bpf_program_select(const struct cm_bpf_program *program, const struct cm_packet *packets,
                               uint16_t *selection, uint32_t n)
{
    uint32_t value, kept = 0, n_sieved = 0, n_rest;

    if (program->sieve.is_used)
        n_sieved = sieve(program, packets, selection, n, &kept);
    if (kept > 0 && !program->sieve.decides)
        kept = run(program, program->sieve.next, packets, selection, kept, &value);
    if (n_sieved == n)
        return kept;
    /* all of them where there is no sieve, else from the first that was too short for it on */
    n_rest = run(program, program->start, packets, selection + n_sieved, n - n_sieved, &value);
    memmove(selection + kept, selection + n_sieved, n_rest * sizeof(*selection));
    return kept + n_rest;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The translated form of a BPF program: what bpf_translate.c makes and bpf_run.c runs. */
#ifndef CM_FILTER_BPF_PROGRAM_INT_H
#define CM_FILTER_BPF_PROGRAM_INT_H

#include "filter/bpf_program.h"

#define CM_BPF_CELLS 16

/* The parts of an instruction's code. */
#define CM_BPF_CLASS(code) ((code)&0x07)
enum { CM_BPF_LD, CM_BPF_LDX, CM_BPF_ST, CM_BPF_STX, CM_BPF_ALU, CM_BPF_JMP, CM_BPF_RET, CM_BPF_MISC };

/* Whole codes: class, and size and mode or operation and source. */
enum {
    CM_BPF_LD_W_ABS = 0x20,
    CM_BPF_LD_H_ABS = 0x28,
    CM_BPF_LD_B_ABS = 0x30,
    CM_BPF_LD_W_IND = 0x40,
    CM_BPF_LD_H_IND = 0x48,
    CM_BPF_LD_B_IND = 0x50,
    CM_BPF_LD_LEN = 0x80,
    CM_BPF_LD_IMM = 0x00,
    CM_BPF_LD_MEM = 0x60,
    CM_BPF_LDX_LEN = 0x81,
    CM_BPF_LDX_IMM = 0x01,
    CM_BPF_LDX_MEM = 0x61,
    CM_BPF_LDX_MSH = 0xb1, /* 4 * (the low half of a byte): the length of an IPv4 header */
    CM_BPF_STORE_A = 0x02,
    CM_BPF_STORE_X = 0x03,
    CM_BPF_ADD_K = 0x04,
    CM_BPF_SUB_K = 0x14,
    CM_BPF_MUL_K = 0x24,
    CM_BPF_DIV_K = 0x34,
    CM_BPF_OR_K = 0x44,
    CM_BPF_AND_K = 0x54,
    CM_BPF_LSH_K = 0x64,
    CM_BPF_RSH_K = 0x74,
    CM_BPF_NEG = 0x84,
    CM_BPF_MOD_K = 0x94,
    CM_BPF_XOR_K = 0xa4,
    CM_BPF_ADD_X = 0x0c,
    CM_BPF_SUB_X = 0x1c,
    CM_BPF_MUL_X = 0x2c,
    CM_BPF_DIV_X = 0x3c,
    CM_BPF_OR_X = 0x4c,
    CM_BPF_AND_X = 0x5c,
    CM_BPF_LSH_X = 0x6c,
    CM_BPF_RSH_X = 0x7c,
    CM_BPF_MOD_X = 0x9c,
    CM_BPF_XOR_X = 0xac,
    CM_BPF_JA = 0x05,
    CM_BPF_JEQ_K = 0x15,
    CM_BPF_JGT_K = 0x25,
    CM_BPF_JGE_K = 0x35,
    CM_BPF_JSET_K = 0x45,
    CM_BPF_JEQ_X = 0x1d,
    CM_BPF_JGT_X = 0x2d,
    CM_BPF_JGE_X = 0x3d,
    CM_BPF_JSET_X = 0x4d,
    CM_BPF_RET_K = 0x06,
    CM_BPF_RET_A = 0x16,
    CM_BPF_TAX = 0x07,
    CM_BPF_TXA = 0x87,
};

/* What an operation does. One for each instruction, then those that stand for several. X(name) */
/* clang-format off */
#define CM_BPF_OPS(X) \
    X(RET_K) X(RET_A) X(LD_W) X(LD_H) X(LD_B) X(LD_W_IND) X(LD_H_IND) X(LD_B_IND) X(LD_LEN) X(LD_IMM) \
    X(LD_MEM) X(LDX_LEN) X(LDX_IMM) X(LDX_MEM) X(LDX_MSH) X(ST) X(STX) X(ADD_K) X(MUL_K) X(DIV_K) X(OR_K) \
    X(AND_K) X(LSH_K) X(RSH_K) X(NEG) X(MOD_K) X(XOR_K) X(ADD_X) X(SUB_X) X(MUL_X) X(DIV_X) X(OR_X) \
    X(AND_X) X(LSH_X) X(RSH_X) X(MOD_X) X(XOR_X) X(JA) X(JA_BACK) X(JEQ_X) X(JGT_X) X(JGE_X) X(JSET_X) \
    X(TAX) X(TXA) X(TEST_A) X(TEST_LEN) X(TEST_W) X(TEST_H) X(TEST_B) X(TEST_W_IND) X(TEST_H_IND) \
    X(TEST_B_IND) X(TEST_W_SURE) X(TEST_H_SURE) X(TEST_B_SURE) X(CHAIN) X(CHAIN_SETS) X(MSH_CHAIN)
/* clang-format on */

enum cm_bpf_op_code {
#define X(name) CM_OP_##name,
    CM_BPF_OPS(X)
#undef X
};

/* One operation. A test takes a value, keeps `keep` of it (that is then in A), and passes where
 * ((value & mask) - low) <= span: every comparison with a constant is of this form. */
struct cm_bpf_op {
    uint16_t code;
    uint16_t n_sets; /* CHAIN_SETS */
    uint32_t k;      /* a constant; an offset. CHAIN: the packet must have as many bytes, else: `keep` */
    uint32_t mask;
    uint32_t low;  /* CHAIN: its first test; CHAIN_SETS: tests follow */
    uint32_t span; /* CHAIN: how many tests */
    uint32_t yes;  /* the operation that comes next: CHAIN: where all tests pass */
    uint32_t no;
    uint32_t keep; /* CHAIN: the operation that does it step by step */
};

/* A test in a chain: of the four bytes at an offset, big-endian, shifted down. */
struct cm_bpf_test {
    uint32_t offset;
    uint32_t shift;
    uint32_t mask;
    uint32_t low;
    uint32_t span;
};

/* "None of these constants": an open hash table, at most a quarter full. A chain's sets follow each other. */
struct cm_bpf_set {
    uint32_t offset;
    uint32_t shift;
    uint32_t mask;
    uint32_t hash_shift; /* 32 - the logarithm of the table's size */
    uint32_t empty;      /* stands in free places; is none of the constants */
    uint32_t first;      /* of the table, in `table` */
};

/* The first chain of a program, where one of its two ways drops the packet: all packets of a batch go through it
 * before the first of them goes on. */
struct cm_bpf_sieve {
    bool is_used;
    bool stays_where_failed; /* those that pass are dropped, rather than those that do not */
    bool decides;            /* nothing comes behind it */
    uint32_t caplen;         /* for packets of fewer bytes it cannot be asked */
    uint32_t first, n;       /* tests */
    uint32_t next;           /* the operation where packets that stay go on */
};

#define CM_BPF_HASH 2654435761u /* 2^32 divided by the golden ratio (Knuth, volume 3, 6.4) */

struct cm_bpf_program {
    struct cm_bpf_op *ops; /* one for each instruction, then chains */
    struct cm_bpf_test *tests;
    struct cm_bpf_set *sets;
    uint32_t *table;
    uint32_t n_ops, n_tests, n_sets, n_table;
    uint32_t start;
    struct cm_bpf_sieve sieve;
    bool reads_packet; /* its bytes, not its length alone */
    bool uses_cells;   /* scratch cells must be zeroed for each packet */
};

/* Whether it is a valid program (bpf_check.c). */
bool cm_bpf_check(const struct cm_bpf_instruction *instructions, size_t n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Whether instructions are a valid classic BPF program: after this check the evaluator looks at the packet's
 * length and nothing else. Not for what a program means. */
#include "filter/bpf_program_int.h"

static bool is_known(uint16_t code)
{
    switch (code) {
    case CM_BPF_LD_W_ABS:
    case CM_BPF_LD_H_ABS:
    case CM_BPF_LD_B_ABS:
    case CM_BPF_LD_W_IND:
    case CM_BPF_LD_H_IND:
    case CM_BPF_LD_B_IND:
    case CM_BPF_LD_LEN:
    case CM_BPF_LD_IMM:
    case CM_BPF_LD_MEM:
    case CM_BPF_LDX_LEN:
    case CM_BPF_LDX_IMM:
    case CM_BPF_LDX_MEM:
    case CM_BPF_LDX_MSH:
    case CM_BPF_STORE_A:
    case CM_BPF_STORE_X:
    case CM_BPF_ADD_K:
    case CM_BPF_SUB_K:
    case CM_BPF_MUL_K:
    case CM_BPF_DIV_K:
    case CM_BPF_OR_K:
    case CM_BPF_AND_K:
    case CM_BPF_LSH_K:
    case CM_BPF_RSH_K:
    case CM_BPF_NEG:
    case CM_BPF_MOD_K:
    case CM_BPF_XOR_K:
    case CM_BPF_ADD_X:
    case CM_BPF_SUB_X:
    case CM_BPF_MUL_X:
    case CM_BPF_DIV_X:
    case CM_BPF_OR_X:
    case CM_BPF_AND_X:
    case CM_BPF_LSH_X:
    case CM_BPF_RSH_X:
    case CM_BPF_MOD_X:
    case CM_BPF_XOR_X:
    case CM_BPF_JA:
    case CM_BPF_JEQ_K:
    case CM_BPF_JGT_K:
    case CM_BPF_JGE_K:
    case CM_BPF_JSET_K:
    case CM_BPF_JEQ_X:
    case CM_BPF_JGT_X:
    case CM_BPF_JGE_X:
    case CM_BPF_JSET_X:
    case CM_BPF_RET_K:
    case CM_BPF_RET_A:
    case CM_BPF_TAX:
    case CM_BPF_TXA:
        return true;
    default:
        return false;
    }
}

static bool is_sound(const struct cm_bpf_instruction *instruction, uint32_t at, uint32_t n)
{
    uint32_t next = at + 1;

    if (!is_known(instruction->code))
        return false;
    switch (CM_BPF_CLASS(instruction->code)) {
    case CM_BPF_LD:
    case CM_BPF_LDX:
        return (instruction->code != CM_BPF_LD_MEM && instruction->code != CM_BPF_LDX_MEM) ||
               instruction->k < CM_BPF_CELLS;
    case CM_BPF_ST:
    case CM_BPF_STX:
        return instruction->k < CM_BPF_CELLS;
    case CM_BPF_ALU:
        return (instruction->code != CM_BPF_DIV_K && instruction->code != CM_BPF_MOD_K) ||
               instruction->k != 0;
    case CM_BPF_JMP:
        if (instruction->code == CM_BPF_JA)
            return next + instruction->k < n; /* wraps for backward jumps, which go to 0 at the lowest */
        return next + instruction->jt < n && next + instruction->jf < n;
    default:
        return true;
    }
}

bool cm_bpf_check(const struct cm_bpf_instruction *instructions, size_t n)
{
    if (instructions == NULL || n == 0 || n > CM_BPF_MAX_INSTRUCTIONS)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!is_sound(&instructions[i], (uint32_t)i, (uint32_t)n))
            return false;
    return CM_BPF_CLASS(instructions[n - 1].code) == CM_BPF_RET;
}

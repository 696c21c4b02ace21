/* SPDX-License-Identifier: Apache-2.0 */
/* BPF programs by hand: what each operation answers, at the packet's end too, and which programs are refused.
 * bpf_random_test.c holds the evaluator against libpcap's. */
#include "filter/bpf_program.h"
#include "unit/check.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t run(const struct cm_bpf_instruction *in, size_t n, const uint8_t *data, uint32_t caplen)
{
    struct cm_bpf_program *program = cm_bpf_program_create(in, n);
    uint32_t value;

    cm_check(program != NULL);
    value = cm_bpf_program_run(program, data, caplen, 1000);
    cm_bpf_program_destroy(program);
    return value;
}
#define RUN(data, caplen, ...)                                                                               \
    run((const struct cm_bpf_instruction[]){__VA_ARGS__},                                                    \
        N(((const struct cm_bpf_instruction[]){__VA_ARGS__})), (data), (caplen))

static const uint8_t ten[10] = {0x45, 1, 2, 3, 0x84, 5, 6, 7, 8, 9};

CM_TEST(bpf_program, loads_end_with_the_packet)
{
    cm_check_eq(RUN(ten, 10, {0x20, 0, 0, 6}, {0x16, 0, 0, 0}), 0x06070809);
    cm_check_eq(RUN(ten, 10, {0x20, 0, 0, 7}, {0x06, 0, 0, 1}), 0);
    cm_check_eq(RUN(ten, 10, {0x28, 0, 0, 8}, {0x16, 0, 0, 0}), 0x0809);
    cm_check_eq(RUN(ten, 10, {0x28, 0, 0, 9}, {0x06, 0, 0, 1}), 0);
    cm_check_eq(RUN(ten, 10, {0x30, 0, 0, 9}, {0x16, 0, 0, 0}), 9);
    cm_check_eq(RUN(ten, 10, {0x30, 0, 0, 10}, {0x06, 0, 0, 1}), 0);
    cm_check_eq(RUN(ten, 10, {0x20, 0, 0, 0xffffffff}, {0x06, 0, 0, 1}), 0);
    cm_check_eq(RUN(ten, 10, {0x30, 0, 0, 0xfffff004}, {0x06, 0, 0, 1}), 0); /* the kernel's, not ours */
    cm_check_eq(RUN(ten, 0, {0x30, 0, 0, 0}, {0x06, 0, 0, 1}), 0);
}

CM_TEST(bpf_program, indexed_loads_do_not_wrap)
{
    cm_check_eq(RUN(ten, 10, {0x01, 0, 0, 0xffffffff}, {0x50, 0, 0, 2}, {0x06, 0, 0, 1}), 0);
    cm_check_eq(RUN(ten, 10, {0x01, 0, 0, 4}, {0x40, 0, 0, 0xfffffffe}, {0x06, 0, 0, 1}), 0);
    cm_check_eq(RUN(ten, 10, {0x01, 0, 0, 4}, {0x48, 0, 0, 4}, {0x16, 0, 0, 0}), 0x0809);
    cm_check_eq(RUN(ten, 10, {0xb1, 0, 0, 4}, {0x87, 0, 0, 0}, {0x16, 0, 0, 0}), 16);
    cm_check_eq(RUN(ten, 10, {0xb1, 0, 0, 10}, {0x06, 0, 0, 1}), 0);
}

CM_TEST(bpf_program, arithmetic_is_of_32_bits)
{
    cm_check_eq(RUN(ten, 10, {0x00, 0, 0, 1}, {0x14, 0, 0, 2}, {0x16, 0, 0, 0}), 0xffffffffu);
    cm_check_eq(
        RUN(ten, 10, {0x00, 0, 0, 1}, {0x01, 0, 0, 32}, {0x6c, 0, 0, 0}, {0x44, 0, 0, 4}, {0x16, 0, 0, 0}),
        4);
    cm_check_eq(RUN(ten, 10, {0x00, 0, 0, 1}, {0x3c, 0, 0, 0}, {0x06, 0, 0, 1}), 0); /* by X, which is 0 */
    cm_check_eq(RUN(ten, 10, {0x00, 0, 0, 1}, {0x9c, 0, 0, 0}, {0x06, 0, 0, 1}), 0);
    cm_check_eq(RUN(ten, 10, {0x00, 0, 0, 5}, {0x84, 0, 0, 0}, {0x16, 0, 0, 0}), 0xfffffffbu);
    cm_check_eq(RUN(ten, 10, {0x80, 0, 0, 0}, {0x16, 0, 0, 0}), 1000);
    cm_check_eq(RUN(ten, 10, {0x00, 0, 0, 7}, {0x02, 0, 0, 15}, {0x00, 0, 0, 1}, {0x61, 0, 0, 15},
                    {0x0c, 0, 0, 0}, {0x16, 0, 0, 0}),
                8);
}

/* The second test is part of a chain for packets long enough for both. In a shorter packet the first answers
 * before the load of the second fails. */
CM_TEST(bpf_program, chains_answer_as_single_steps_do)
{
    static const struct cm_bpf_instruction in[] = {{0x30, 0, 0, 1}, {0x15, 2, 0, 1}, {0x30, 0, 0, 20},
                                                   {0x15, 0, 1, 7}, {0x06, 0, 0, 5}, {0x06, 0, 0, 0}};
    uint8_t data[21] = {0, 1};

    cm_check_eq(run(in, N(in), data, 2), 5);
    data[1] = 0;
    cm_check_eq(run(in, N(in), data, 2), 0);
    cm_check_eq(run(in, N(in), data, 21), 0);
    data[20] = 7;
    cm_check_eq(run(in, N(in), data, 21), 5);
    cm_check_eq(run(in, N(in), data, 20), 0);
}

/* Enough constants for a table, 0 among them, and of a field that is cut off by its mask. */
CM_TEST(bpf_program, many_constants)
{
    struct cm_bpf_instruction in[64] = {{0x28, 0, 0, 2}};
    uint8_t data[4] = {0};
    struct cm_bpf_program *program;

    for (unsigned i = 0; i < 40; i++)
        in[1 + i] = (struct cm_bpf_instruction){0x15, (uint8_t)(40 - i), 0, i * i};
    in[40].jf = 0;
    in[41] = (struct cm_bpf_instruction){0x06, 0, 0, 0};
    in[42] = (struct cm_bpf_instruction){0x06, 0, 0, 9};
    program = cm_bpf_program_create(in, 43);
    cm_check(program != NULL);
    for (unsigned value = 0; value < 65536; value++) {
        unsigned root = 0;

        while (root * root < value && root < 40)
            root++;
        data[2] = (uint8_t)(value >> 8);
        data[3] = (uint8_t)value;
        cm_check_eq(cm_bpf_program_run(program, data, 4, 4), root < 40 && root * root == value ? 9 : 0);
    }
    cm_check_eq(cm_bpf_program_run(program, data, 3, 4), 0);
    cm_bpf_program_destroy(program);
}

CM_TEST(bpf_program, an_endless_program_ends)
{
    cm_check_eq(RUN(ten, 10, {0x04, 0, 0, 1}, {0x05, 0, 0, 0xfffffffe}, {0x06, 0, 0, 1}), 0);
    /* and a loop that ends is run to its end */
    cm_check_eq(RUN(ten, 10, {0x04, 0, 0, 1}, {0x35, 1, 0, 1000}, {0x05, 0, 0, 0xfffffffd}, {0x16, 0, 0, 0}),
                1000);
}

#define REFUSED(...)                                                                                         \
    cm_check(cm_bpf_program_create((const struct cm_bpf_instruction[]){__VA_ARGS__},                         \
                                   N(((const struct cm_bpf_instruction[]){__VA_ARGS__}))) == NULL)

CM_TEST(bpf_program, wrong_programs_are_refused)
{
    cm_check(cm_bpf_program_create(NULL, 0) == NULL);
    REFUSED({0x00, 0, 0, 0});                                   /* no return */
    REFUSED({0x15, 0, 1, 0}, {0x06, 0, 0, 0});                  /* out of it */
    REFUSED({0x05, 0, 0, 1}, {0x06, 0, 0, 0});                  /* out of it */
    REFUSED({0x05, 0, 0, 0xfffffffe}, {0x06, 0, 0, 0});         /* before it */
    REFUSED({0x60, 0, 0, 16}, {0x06, 0, 0, 0});                 /* no such cell */
    REFUSED({0x03, 0, 0, 16}, {0x06, 0, 0, 0});                 /* no such cell */
    REFUSED({0x34, 0, 0, 0}, {0x06, 0, 0, 0});                  /* division by zero */
    REFUSED({0x94, 0, 0, 0}, {0x06, 0, 0, 0});                  /* and its remainder */
    REFUSED({0xff, 0, 0, 0}, {0x06, 0, 0, 0});                  /* no such instruction */
    REFUSED({0x120, 0, 0, 0}, {0x06, 0, 0, 0});                 /* nor one with more bits */
    REFUSED({0xb0, 0, 0, 0}, {0x06, 0, 0, 0}, {0x06, 0, 0, 0}); /* 4 * half a byte, into A */
    cm_bpf_program_destroy(NULL);
}

CM_TEST(bpf_program, selecting_keeps_the_order)
{
    static const struct cm_bpf_instruction in[] = {
        {0x80, 0, 0, 0}, {0x54, 0, 0, 3}, {0x15, 0, 1, 1}, {0x06, 0, 0, 1}, {0x06, 0, 0, 0}};
    struct cm_bpf_program *program = cm_bpf_program_create(in, N(in));
    static struct cm_packet packets[512];
    uint16_t selection[512];
    uint32_t n = 0, kept;

    cm_check(program != NULL);
    for (uint32_t i = 0; i < 512; i++) {
        packets[i].data = ten;
        packets[i].caplen = 10;
        packets[i].origlen = i;
        if (i % 5 != 0)
            selection[n++] = (uint16_t)i;
    }
    kept = cm_bpf_program_select(program, packets, selection, n);
    for (uint32_t i = 0, at = 0; i < 512; i++) {
        if (i % 5 != 0 && i % 4 == 1)
            cm_check_eq(selection[at++], i);
        if (i == 511)
            cm_check_eq(at, kept);
    }
    cm_check_eq(cm_bpf_program_select(program, packets, selection, 0), 0);
    cm_bpf_program_destroy(program);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The evaluator against libpcap's bpf_filter(): random programs, and the programs of all right expressions, on
 * packets that are nearly right, cut anywhere, or noise. */
#include "filter/bpf_program.h"
#include "unit/check.h"
#include "unit/filter/expression_list.h"

#ifdef CAPMILL_HAVE_PCAP
#include <pcap/pcap.h>
#include <stdlib.h>

static uint64_t state = 88172645463325252u;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 20) % below;
}

/* A frame of a kind that the expressions ask for, some bytes of it changed, in memory of its own length. */
static uint32_t make_packet(uint8_t *packet)
{
    static const uint8_t frames[][64] = {
        {[12] = 8, 0, 0x45, [16] = 0, 60, [22] = 64, 6, [26] = 10, 0,           0, 1,
         10,       0, 0,    2,        0,  80,        4, 0,         [46] = 0x50, 2},
        {[12] = 8, 0, 0x46, [22] = 64, 17, [26] = 10, 0, 0, 2, 10, 0, 0, 3, [38] = 0, 53, 1, 0xbb},
        {[12] = 0x86, 0xdd, 0x60, [20] = 6, 64, 0xfe, 0x80, [37] = 1, [53] = 1, 0, 22, 0, 80},
        {[12] = 0x81, 0, 0, 100, 8, 0, 0x45, [27] = 6, [30] = 10, 0, 0, 1, [38] = 0, 80},
        {[12] = 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, [28] = 10, 0, 0, 1, [38] = 10, 0, 0, 2},
        {[12] = 0x88, 0x47, 0, 0x3e, 0x81, 64, 0x45, [27] = 6},
        {[12] = 0x88, 0x64, 0x11, 0, 0, 12, 0, 40, 0, 0x21, 0x45, [31] = 6},
        {[12] = 8, 0, 0x45, [23] = 1, [34] = 8, 0},
        {[12] = 0, 60, 0x42, 0x42, 3},
        {[0] = 0x45, [9] = 6, [12] = 10, 0, 0, 1, [20] = 0, 80},
    };
    uint32_t caplen = 64;

    if (draw(8) == 0)
        for (uint32_t i = 0; i < 64; i++)
            packet[i] = (uint8_t)draw(256);
    else
        memcpy(packet, frames[draw(10)], 64);
    for (uint32_t n = draw(4); n > 0; n--)
        packet[draw(64)] = (uint8_t)(draw(2) ? draw(256) : draw(8));
    if (draw(3) == 0)
        caplen = draw(65);
    return caplen;
}

/* Of so few packets some batches have none that is cut and some many: both ways through a batch are taken. */
#define BATCH 20u

/* Each by itself, and those of a batch that were not left out before. */
static void compare_batch(const struct cm_bpf_program *program, const struct bpf_insn *code, const char *name)
{
    uint8_t *exact[BATCH], packet[64];
    struct cm_packet packets[BATCH];
    uint16_t selection[BATCH], expected[BATCH];
    uint32_t n = 0, n_expected = 0, n_kept;

    for (uint16_t i = 0; i < BATCH; i++) {
        uint32_t caplen = make_packet(packet), origlen = caplen + (draw(2) ? draw(1500) : 0);
        uint32_t ours, theirs;

        exact[i] = malloc(caplen + 1); /* a byte in front: the end is what a sanitizer watches */
        cm_check(exact[i] != NULL);
        memcpy(exact[i] + 1, packet, caplen);
        packets[i] = (struct cm_packet){.data = exact[i] + 1, .caplen = caplen, .origlen = origlen};
        ours = cm_bpf_program_run(program, exact[i] + 1, caplen, origlen);
        theirs = bpf_filter(code, exact[i] + 1, origlen, caplen);
        cm_check_that(ours == theirs, "%s, packet of %u bytes: %u, not %u", name, caplen, ours, theirs);
        if (draw(4) == 0)
            continue;
        selection[n++] = i;
        if (theirs != 0)
            expected[n_expected++] = i;
    }
    n_kept = cm_bpf_program_select(program, packets, selection, n);
    cm_check_that(n_kept == n_expected, "%s: %u of a batch, not %u", name, n_kept, n_expected);
    for (uint32_t i = 0; i < n_kept; i++)
        cm_check_that(selection[i] == expected[i], "%s: packet %u, not %u", name, selection[i], expected[i]);
    for (uint32_t i = 0; i < BATCH; i++)
        free(exact[i]);
}

static void compare(const struct bpf_insn *code, unsigned n, const char *name)
{
    struct cm_bpf_program *program = cm_bpf_program_create((const struct cm_bpf_instruction *)code, n);

    cm_check_that(program != NULL, "%s: refused", name);
    for (unsigned i = 0; i < 30; i++)
        compare_batch(program, code, name);
    cm_bpf_program_destroy(program);
}

/* Loads, comparisons and the rest in the share that makes programs go somewhere; scratch cells are written
 * before they are read, which libpcap's own code does too and its evaluator relies on. */
static unsigned make_program(struct bpf_insn *code)
{
    static const uint16_t codes[] = {0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x80, 0x00, 0x60, 0x81, 0x01,
                                     0x61, 0xb1, 0x02, 0x03, 0x04, 0x14, 0x24, 0x34, 0x44, 0x54, 0x64,
                                     0x74, 0x84, 0x94, 0xa4, 0x0c, 0x1c, 0x2c, 0x3c, 0x4c, 0x5c, 0x6c,
                                     0x7c, 0x9c, 0xac, 0x1d, 0x2d, 0x3d, 0x4d, 0x07, 0x87, 0x05};
    static const uint16_t tests[] = {0x15, 0x15, 0x15, 0x25, 0x35, 0x45};
    static const uint32_t values[] = {0,      1,          6,      17,         80,        0x800,
                                      0x86dd, 0x0a000001, 0x1fff, 0xffffffff, 0x80000000};
    unsigned n = 20 + draw(60), cells = 4, first = 0;

    if (draw(2)) { /* first a test that ends where the packet is dropped, as most expressions begin */
        bool turned = draw(4) == 0;

        code[first++] = (struct bpf_insn){0x28, 0, 0, 12};
        code[first++] = (struct bpf_insn){0x15, 0, 0, 0x800};
        *(turned ? &code[1].jt : &code[1].jf) = (u_char)(n - 1);
    }
    for (unsigned i = 0; i < cells; i++)
        code[first++] = (struct bpf_insn){i & 1 ? 0x03 : 0x02, 0, 0, i};
    for (unsigned i = first; i < n; i++) {
        struct bpf_insn *in = &code[i];
        unsigned left = n - i; /* to the last but one, which returns */

        in->jt = in->jf = 0;
        in->k = draw(2) ? values[draw(11)] : draw(256);
        switch (draw(5)) {
        case 0:
            in->code = codes[draw(sizeof(codes) / sizeof(codes[0]))];
            break;
        case 1:
        case 2:
            in->code = (uint16_t)(0x20 + 8 * draw(3));
            in->k = draw(20) == 0 ? draw(70) : draw(4) == 0 ? 12 : draw(40);
            break;
        default:
            in->code = tests[draw(6)];
            in->jt = (u_char)draw(draw(2) ? left : left < 3 ? left : 3);
            in->jf = (u_char)draw(draw(2) ? left : left < 3 ? left : 3);
            break;
        }
        if ((in->code & 7) < 2 && (in->code & 0xe0) == 0x40)
            in->k = draw(64);
        if (in->code == 0xb1)
            in->k = draw(30);
        if (in->code == 0x60 || in->code == 0x61 || in->code == 0x02 || in->code == 0x03)
            in->k = draw(cells);
        if (in->code == 0x64 || in->code == 0x74)
            in->k &= 31;
        if (in->code == 0x34 || in->code == 0x94)
            in->k |= 1;
        if (in->code == 0x05)
            in->k = draw(left);
        if (in->code == 0x1d || in->code == 0x2d || in->code == 0x3d || in->code == 0x4d)
            in->jt = (u_char)draw(left);
    }
    code[n] = (struct bpf_insn){0x06, 0, 0, 5};
    code[n + 1] = (struct bpf_insn){draw(4) ? 0x06 : 0x16, 0, 0, 0};
    return n + 2;
}

CM_TEST(bpf_random, programs_at_random)
{
    struct bpf_insn code[100];

    for (unsigned i = 0; i < 4000; i++) {
        char name[32];
        unsigned n = make_program(code);

        snprintf(name, sizeof(name), "program %u", i);
        cm_check(bpf_validate(code, (int)n));
        compare(code, n, name);
    }
}

CM_TEST(bpf_random, programs_of_expressions)
{
    static const char *const expressions[] = {
#define X(expression) expression,
        CM_RIGHT_EXPRESSIONS(X)
#undef X
    };
    static const int links[] = {
        DLT_EN10MB, DLT_RAW, DLT_IEEE802_11_RADIO, DLT_LINUX_SLL, DLT_PFLOG, DLT_SUNATM, DLT_MTP2, DLT_FDDI,
        DLT_PPP,    DLT_NULL};
    unsigned n_compiled = 0;

    for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++)
        for (size_t j = 0; j < sizeof(links) / sizeof(links[0]); j++)
            for (int optimize = 0; optimize < 2; optimize++) {
                pcap_t *handle = pcap_open_dead(links[j], 262144);
                struct bpf_program program;

                if (pcap_compile(handle, &program, expressions[i], optimize, 0) == 0) {
                    compare(program.bf_insns, program.bf_len, expressions[i]);
                    pcap_freecode(&program);
                    n_compiled++;
                }
                pcap_close(handle);
            }
    cm_check(n_compiled > 2000);
}
#else
CM_TEST(bpf_random, needs_libpcap)
{
    cm_skip("no libpcap");
}
#endif

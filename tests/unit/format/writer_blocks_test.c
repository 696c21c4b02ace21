/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces are shared or kept apart as their sections say; blocks that are no packets are carried, once
 * where once is enough, with ids and byte order adapted. */
#include "unit/format/writer_bytes.h"

static struct cm_writer_options pcapng_options(bool big)
{
    return (struct cm_writer_options){.kind = CM_CAPTURE_PCAPNG, .big_endian = big};
}

/* An interface block; `speed` tells one from another. */
static struct built interface_block(bool big, uint64_t speed)
{
    struct built block = {.big = big};

    begin_block(&block, CM_BLOCK_INTERFACE);
    put_u16(&block, 1);
    put_u16(&block, 0);
    put_u32(&block, 65535);
    put_option_u64(&block, 8, speed);
    put_option_end(&block);
    end_block(&block);
    return block;
}

static void put_all_interface_options(struct built *to)
{
    put_option(to, 1, "comment", 7);
    put_option(to, 2, "eth0", 4);
    put_option(to, 4, "\xc0\xa8\x01\x01\xff\xff\xff\x00", 8);
    put_option(to, 6, "\x00\x01\x02\x03\x04\x05", 6);
    put_option_u64(to, 8, 1000000000);
    put_option(to, 9, "\x09", 1);
    put_u16(to, 10);
    put_u16(to, 4);
    put_u16(to, 60);
    put_u16(to, 61);
    put_option(to, 11, "\x00tcp", 4);
    put_u16(to, 11);
    put_u16(to, 9);
    put_bytes(to, "\x01", 1);
    put_u16(to, 0x28);
    put_bytes(to, "\x02\x03", 2);
    put_u32(to, 0x0800);
    put_padding(to);
    put_option(to, 13, "\x04", 1);
    put_option_u64(to, 14, (uint64_t)-5);
    put_option_u64(to, 16, 77);
    put_u16(to, CM_OPTION_CUSTOM_TEXT);
    put_u16(to, 8);
    put_u32(to, 32473);
    put_bytes(to, "text", 4);
    put_option_end(to);
}

CM_TEST(writer_blocks, interface_options_turn_their_byte_order)
{
    for (int from = 0; from <= 1; from++) {
        struct cm_writer_options options = pcapng_options(!from);
        struct built block = {.big = from}, expected = {.big = !from};
        struct written with;

        begin_block(&block, CM_BLOCK_INTERFACE);
        put_u16(&block, 113);
        put_u16(&block, 0);
        put_u32(&block, 0x10203);
        put_all_interface_options(&block);
        end_block(&block);
        begin_block(&expected, CM_BLOCK_INTERFACE);
        put_u16(&expected, 113);
        put_u16(&expected, 0);
        put_u32(&expected, 0x10203);
        put_all_interface_options(&expected);
        end_block(&expected);
        open_writer(&with, CM_CAPTURE_PCAPNG, from, &options);
        add_interface(&with.table, 0, 0, from, MICRO, &block);
        add_input(&with);
        cm_check_eq(cm_writer_interface(with.writer, 0, 0, &with.out, &with.error), CAPMILL_OK);
        check_out(&with, &expected);
        cm_check_eq(cm_writer_dropped(with.writer), 0);
        close_writer(&with);
    }
}

/* Tell the writer of interface `index` and check whether a block is written. */
static void check_interface(struct written *with, uint32_t input, uint32_t index,
                            const struct built *expected)
{
    cm_check_eq(cm_writer_interface(with->writer, input, index, &with->out, &with->error), CAPMILL_OK);
    check_out(with, expected == NULL ? &(struct built){0} : expected);
}

/* The id that a packet of the interface is written with. */
static uint32_t output_id(const struct written *with, uint32_t input, uint32_t interface, bool big)
{
    struct built block = {.big = big};
    uint8_t out[64];

    begin_enhanced(&block, 4711, 0, "", 0, 0);
    end_block(&block);
    cm_writer_packet(
        with->writer,
        &(struct cm_written_packet){
            .record = block.data, .record_bytes = (uint32_t)block.n, .input = input, .interface = interface},
        out);
    return cm_load_u32_as(out + 8, false);
}

CM_TEST(writer_blocks, equal_interfaces_are_shared_between_sections_and_inputs_but_not_within_one)
{
    struct cm_writer_options options = pcapng_options(false);
    struct built a = interface_block(false, 1), b = interface_block(false, 2),
                 big_a = interface_block(true, 1);
    struct cm_layout other = {.kind = CM_CAPTURE_PCAPNG, .big_endian = true};
    struct cm_interfaces other_table;
    struct written with;
    static const uint32_t ids[] = {0, 1, 2, 0, 1, 2, 3};

    open_writer(&with, CM_CAPTURE_PCAPNG, false, &options);
    cm_interfaces_init(&other_table);
    /* section 0: a, a, b; section 1: a, a, b, a */
    add_interface(&with.table, 0, 0, false, MICRO, &a);
    add_interface(&with.table, 0, 1, false, MICRO, &a);
    add_interface(&with.table, 0, 2, false, MICRO, &b);
    add_interface(&with.table, 1, 0, false, MICRO, &a);
    add_interface(&with.table, 1, 1, false, MICRO, &a);
    add_interface(&with.table, 1, 2, false, MICRO, &b);
    add_interface(&with.table, 1, 3, false, MICRO, &a);
    add_input(&with);
    /* another input, in the other byte order: a */
    add_interface(&other_table, 0, 0, true, MICRO, &big_a);
    cm_check_eq(cm_writer_add_input(with.writer, 7, &other, &other_table, &with.error), CAPMILL_OK);

    check_interface(&with, 0, 0, &a);
    check_interface(&with, 0, 1, &a);
    check_interface(&with, 7, 0, NULL);
    check_interface(&with, 0, 2, &b);
    check_interface(&with, 0, 3, NULL);
    check_interface(&with, 0, 4, NULL);
    check_interface(&with, 0, 5, NULL);
    check_interface(&with, 0, 6, &a);
    check_interface(&with, 0, 6, NULL); /* told twice, written once */
    for (uint32_t i = 0; i < 7; i++)
        cm_check_eq(output_id(&with, 0, i, false), ids[i]);
    cm_check_eq(output_id(&with, 7, 0, true), 0);
    close_writer(&with);
    cm_interfaces_fini(&other_table);
}

CM_TEST(writer_blocks, many_interfaces_each_keep_their_id)
{
    enum { N = 3000 };
    struct cm_writer_options options = pcapng_options(false);
    struct written with;

    open_writer(&with, CM_CAPTURE_PCAPNG, false, &options);
    for (uint32_t i = 0; i < N; i++) {
        struct built block =
            interface_block(false, i % 1000); /* each of 1000 kinds three times in one section */
        add_interface(&with.table, 0, i, false, MICRO, &block);
    }
    add_input(&with);
    for (uint32_t i = 0; i < N; i++)
        cm_check_eq(cm_writer_interface(with.writer, 0, i, &with.out, &with.error), CAPMILL_OK);
    for (uint32_t i = 0; i < N; i++)
        cm_check_eq(output_id(&with, 0, i, false), i);
    cm_check_eq(with.out.n, N * interface_block(false, 0).n);
    close_writer(&with);
}

CM_TEST(writer_blocks, pcap_inputs_with_equal_headers_share_one_interface)
{
    struct cm_writer_options options = pcapng_options(false);
    struct cm_layout layout = {.kind = CM_CAPTURE_PCAP, .record_header_bytes = 16};
    struct cm_interfaces tables[3];
    struct written with;

    open_writer(&with, CM_CAPTURE_PCAP, false, &options);
    for (uint32_t i = 0; i < 3; i++) {
        cm_interfaces_init(&tables[i]);
        layout.nanoseconds = i == 2;
        add_interface(&tables[i], 0, 0, false, i == 2 ? NANO : MICRO, NULL);
        cm_check_eq(cm_writer_add_input(with.writer, i, &layout, &tables[i], &with.error), CAPMILL_OK);
    }
    cm_check_eq(cm_writer_interface(with.writer, 0, 0, &with.out, &with.error), CAPMILL_OK);
    cm_check_eq(with.out.n, 20);
    cm_check_eq(cm_writer_interface(with.writer, 1, 0, &with.out, &with.error), CAPMILL_OK);
    cm_check_eq(with.out.n, 20);
    cm_check_eq(cm_writer_interface(with.writer, 2, 0, &with.out, &with.error), CAPMILL_OK);
    cm_check_eq(with.out.n, 20 + 32); /* other units are another interface */
    close_writer(&with);
    for (uint32_t i = 0; i < 3; i++)
        cm_interfaces_fini(&tables[i]);
}

/* Hand over one block of section 0 of input 0 and check what becomes of it (NULL: nothing), and how much is
 * dropped. */
static void check_block(struct written *with, uint32_t section, const struct built *block,
                        const struct built *expected, uint64_t n_dropped)
{
    uint64_t before = cm_writer_dropped(with->writer);
    uint8_t *exact = malloc(block->n == 0 ? 1 : block->n);

    memcpy(exact, block->data, block->n);
    cm_check_eq(cm_writer_metadata(with->writer, 0, section, exact, block->n, &with->out, &with->error),
                CAPMILL_OK);
    free(exact);
    check_out(with, expected == NULL ? &(struct built){0} : expected);
    cm_check_eq(cm_writer_dropped(with->writer) - before, n_dropped);
}

static struct built statistics(bool big, uint32_t id)
{
    struct built block = {.big = big};

    begin_block(&block, CM_BLOCK_STATISTICS);
    put_u32(&block, id);
    put_u32(&block, 1);
    put_u32(&block, 2);
    put_u16(&block, 2);
    put_u16(&block, 8);
    put_u32(&block, 0x4c396);
    put_u32(&block, 0x656a8973);
    put_option_u64(&block, 4, 100);
    put_option_end(&block);
    end_block(&block);
    return block;
}

static struct built names(bool big, bool with_end)
{
    struct built block = {.big = big};

    begin_block(&block, CM_BLOCK_NAMES);
    put_option(&block, 1, "\x7f\x00\x00\x01localhost\x00", 14);
    put_option(&block, 2, "0123456789abcdefname\x00", 21);
    if (with_end) {
        put_option_end(&block);
        put_option(&block, 2, "resolver", 8);
        put_option(&block, 3, "\x01\x02\x03\x04", 4);
        put_option_end(&block);
    }
    end_block(&block);
    return block;
}

static struct built secrets(bool big, uint32_t n_claimed)
{
    struct built block = {.big = big};

    begin_block(&block, CM_BLOCK_SECRETS);
    put_u32(&block, 0x544c534b);
    put_u32(&block, n_claimed);
    put_bytes(&block, "CLIENT_RANDOM", 13);
    put_padding(&block);
    put_option(&block, 1, "comment", 7);
    put_option_end(&block);
    end_block(&block);
    return block;
}

static struct built custom(bool big, uint32_t type)
{
    struct built block = {.big = big};

    begin_block(&block, type);
    put_u32(&block, 32473);
    put_bytes(&block, "\x01\x02\x03\x04\x05", 5);
    end_block(&block);
    return block;
}

static struct built other(bool big, uint32_t type)
{
    struct built block = {.big = big};

    begin_block(&block, type);
    put_bytes(&block, "MESSAGE=hello\n", 14);
    end_block(&block);
    return block;
}

CM_TEST(writer_blocks, metadata_is_carried_in_every_pair_of_byte_orders)
{
    for (int i = 0; i < 4; i++) {
        bool from = i & 1, to = i & 2, same = from == to;
        struct cm_writer_options options = pcapng_options(to);
        struct built interface = interface_block(from, 1), more = interface_block(from, 2);
        struct built in, out;
        struct written with;

        open_writer(&with, CM_CAPTURE_PCAPNG, from, &options);
        add_interface(&with.table, 0, 0, from, MICRO, &interface);
        add_interface(&with.table, 2, 0, from, MICRO, &more); /* section 1 has none */
        add_interface(&with.table, 2, 1, from, MICRO, &interface);
        add_input(&with);
        for (uint32_t k = 0; k < 3; k++)
            cm_check_eq(cm_writer_interface(with.writer, 0, k, &with.out, &with.error), CAPMILL_OK);
        with.out.n = 0;

        in = statistics(from, 0), out = statistics(to, 0);
        check_block(&with, 0, &in, &out, 0);
        check_block(&with, 0, &in, &out, 0); /* statistics are no names: written as often as they come */
        out = statistics(to, 1);
        check_block(&with, 2, &in, &out, 0);
        in = statistics(from, 1), out = statistics(to, 0);
        check_block(&with, 2, &in, &out, 0);
        check_block(&with, 0, &in, NULL, 1); /* no such interface */
        check_block(&with, 1, &in, NULL, 1); /* no interfaces at all */
        in = statistics(from, UINT32_MAX);
        check_block(&with, 2, &in, NULL, 1);

        in = names(from, true), out = names(to, true);
        check_block(&with, 0, &in, &out, 0);
        check_block(&with, 2, &in, NULL, 0); /* once is enough */
        in = secrets(from, 13), out = secrets(to, 13);
        check_block(&with, 0, &in, &out, 0);
        check_block(&with, 1, &in, NULL, 0);
        in = custom(from, CM_BLOCK_CUSTOM), out = custom(to, CM_BLOCK_CUSTOM);
        check_block(&with, 0, &in, &out, 0);
        check_block(&with, 0, &in, &out, 0);
        in = custom(from, CM_BLOCK_CUSTOM_NO_COPY);
        check_block(&with, 0, &in, NULL, 1);
        in = other(from, CM_BLOCK_JOURNAL), out = other(to, CM_BLOCK_JOURNAL);
        check_block(&with, 0, &in, &out, 0);
        in = other(from, 0x80001234), out = other(to, 0x80001234);
        check_block(&with, 0, &in, same ? &out : NULL, !same);
        close_writer(&with);
    }
}

CM_TEST(writer_blocks, broken_metadata_is_cut_or_dropped_where_it_must_be_understood)
{
    struct cm_writer_options options = pcapng_options(true);
    struct built in = names(false, false), out = {.big = true}, empty = {0};
    struct written with;

    open_writer(&with, CM_CAPTURE_PCAPNG, false, &options);
    add_input(&with);
    out = names(true, false);
    check_block(&with, 0, &in, &out, 1); /* the list has no end, and no room for one */
    in.data[10] = 200;                   /* the first record is longer than the block */
    begin_block((out.n = 0, &out), CM_BLOCK_NAMES);
    put_option_end(&out);
    end_block(&out);
    check_block(&with, 0, &in, &out, 1);
    in = secrets(false, 0xfffffffe);
    check_block(&with, 0, &in, NULL, 1);
    in = secrets(false, 200);
    check_block(&with, 0, &in, NULL, 1);
    begin_block((in = empty, &in), CM_BLOCK_SECRETS);
    end_block(&in);
    check_block(&with, 0, &in, NULL, 1);
    begin_block((in = empty, &in), CM_BLOCK_CUSTOM);
    end_block(&in);
    check_block(&with, 0, &in, NULL, 1);
    begin_block((in = empty, &in), CM_BLOCK_STATISTICS);
    end_block(&in);
    check_block(&with, 0, &in, NULL, 1);
    in = interface_block(false, 1); /* no metadata */
    check_block(&with, 0, &in, NULL, 1);
    in.n = 8;
    check_block(&with, 0, &in, NULL, 1);
    close_writer(&with);
}

CM_TEST(writer_blocks, a_length_that_reads_the_same_both_ways_does_not_hide_the_byte_order)
{
    enum { N = 0x00010100 };
    for (int from = 0; from <= 1; from++) {
        struct cm_writer_options options = pcapng_options(!from);
        uint8_t *block = calloc(1, N);
        struct written with;

        open_writer(&with, CM_CAPTURE_PCAPNG, !from, &options); /* the file begins in the other order */
        add_input(&with);
        cm_store_u32_as(block, CM_BLOCK_CUSTOM, from);
        cm_store_u32_as(block + 4, N, from);
        cm_store_u32_as(block + 8, 32473, from);
        cm_store_u32_as(block + N - 4, N, from);
        cm_check_eq(cm_writer_metadata(with.writer, 0, 0, block, N, &with.out, &with.error), CAPMILL_OK);
        cm_check_eq(with.out.n, N);
        cm_check_eq(cm_load_u32_as(with.out.data, !from), CM_BLOCK_CUSTOM);
        cm_check_eq(cm_load_u32_as(with.out.data + 8, !from), 32473);
        free(block);
        close_writer(&with);
    }
}

CM_TEST(writer_blocks, nothing_is_written_to_pcap)
{
    struct cm_writer_options options = {.kind = CM_CAPTURE_PCAP, .link_type = 1};
    struct built in = names(false, true);
    struct written with;

    open_writer(&with, CM_CAPTURE_PCAPNG, false, &options);
    add_input(&with);
    check_block(&with, 0, &in, NULL, 0);
    close_writer(&with);
}

CM_TEST(writer_blocks, lengths_that_differ_or_are_not_rounded_are_put_right)
{
    struct cm_writer_options options = pcapng_options(false);
    struct built in = names(false, true), out = in, interface = interface_block(false, 1),
                 expected = interface;
    struct written with;

    open_writer(&with, CM_CAPTURE_PCAPNG, false, &options);
    cm_store_u32_as(interface.data + 4, (uint32_t)interface.n - 2, false);
    cm_store_u32_as(interface.data + interface.n - 4, 0, false);
    add_interface(&with.table, 0, 0, false, MICRO, &interface);
    add_input(&with);
    check_interface(&with, 0, 0, &expected);
    cm_store_u32_as(in.data + 4, (uint32_t)in.n - 3, false);
    cm_store_u32_as(in.data + in.n - 4, 99, false);
    check_block(&with, 0, &in, &out, 0);
    close_writer(&with);
}

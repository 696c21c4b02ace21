/* SPDX-License-Identifier: Apache-2.0 */
/* What is written to pcapng files: section header, and packets of every record that is read, in both byte
 * orders. */
#include "unit/format/writer_bytes.h"

static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7};

static struct cm_writer_options pcapng_options(bool big)
{
    return (struct cm_writer_options){.kind = CM_CAPTURE_PCAPNG, .big_endian = big};
}

static void begin_section(struct built *to)
{
    begin_block(to, CM_BLOCK_SECTION);
    put_u32(to, CM_PCAPNG_BYTE_ORDER_MAGIC);
    put_u16(to, 1);
    put_u16(to, 0);
    put_u64(to, UINT64_MAX);
}

CM_TEST(writer_pcapng, section_header_without_options_has_none)
{
    struct cm_writer_options options = pcapng_options(true);
    struct built expected = {.big = true};
    struct written with;

    open_writer(&with, CM_CAPTURE_PCAP, true, &options);
    cm_check_eq(cm_writer_header(with.writer, &with.out, &with.error), CAPMILL_OK);
    begin_section(&expected);
    end_block(&expected);
    cm_check_eq(expected.n, 28);
    check_out(&with, &expected);
    close_writer(&with);
}

CM_TEST(writer_pcapng, section_header_keeps_the_first_inputs_options_but_not_its_application)
{
    for (int from = 0; from <= 1; from++) {
        for (int to = 0; to <= 1; to++) {
            struct cm_writer_options options = pcapng_options(to);
            struct built section = {.big = from}, expected = {.big = to}, later = {.big = from};
            struct written with;

            options.application = "capmill 9";
            open_writer(&with, CM_CAPTURE_PCAPNG, from, &options);
            add_input(&with);
            begin_section(&section);
            put_option(&section, CM_OPTION_COMMENT, "first", 5);
            put_option(&section, CM_OPTION_SECTION_HARDWARE, "hw", 2);
            put_option(&section, CM_OPTION_SECTION_APPLICATION, "other program", 13);
            put_option(&section, CM_OPTION_SECTION_OS, "os", 2);
            put_option_end(&section);
            end_block(&section);
            begin_section(&later);
            put_option(&later, CM_OPTION_COMMENT, "later", 5);
            put_option_end(&later);
            end_block(&later);
            cm_check_eq(cm_writer_section(with.writer, 1, later.data, later.n, &with.error), CAPMILL_OK);
            cm_check_eq(cm_writer_section(with.writer, 0, section.data, section.n, &with.error), CAPMILL_OK);
            cm_check_eq(cm_writer_section(with.writer, 0, later.data, later.n, &with.error), CAPMILL_OK);
            cm_check_eq(cm_writer_header(with.writer, &with.out, &with.error), CAPMILL_OK);

            begin_section(&expected);
            put_option(&expected, CM_OPTION_COMMENT, "first", 5);
            put_option(&expected, CM_OPTION_SECTION_HARDWARE, "hw", 2);
            put_option(&expected, CM_OPTION_SECTION_OS, "os", 2);
            put_option(&expected, CM_OPTION_SECTION_APPLICATION, "capmill 9", 9);
            put_option_end(&expected);
            end_block(&expected);
            check_out(&with, &expected);
            cm_check_eq(cm_writer_dropped(with.writer), 0);
            close_writer(&with);
        }
    }
}

CM_TEST(writer_pcapng, broken_section_options_are_cut_and_counted)
{
    struct cm_writer_options options = pcapng_options(false);
    struct built section = {0}, expected = {0};
    struct written with;

    open_writer(&with, CM_CAPTURE_PCAPNG, false, &options);
    add_input(&with);
    begin_section(&section);
    put_option(&section, CM_OPTION_SECTION_APPLICATION, "kept", 4);
    put_u16(&section, CM_OPTION_SECTION_OS);
    put_u16(&section, 5000);
    put_u32(&section, 0x12345678);
    end_block(&section);
    cm_check_eq(cm_writer_section(with.writer, 0, section.data, section.n, &with.error), CAPMILL_OK);
    cm_check_eq(cm_writer_header(with.writer, &with.out, &with.error), CAPMILL_OK);
    begin_section(&expected);
    put_option(&expected, CM_OPTION_SECTION_APPLICATION, "kept", 4);
    put_option_end(&expected);
    end_block(&expected);
    check_out(&with, &expected);
    cm_check_eq(cm_writer_dropped(with.writer), 1);
    close_writer(&with);
}

CM_TEST(writer_pcapng, pcap_records_become_an_interface_and_enhanced_packets)
{
    for (int i = 0; i < 8; i++) {
        bool from = i & 1, to = i & 2, nanoseconds = i & 4;
        struct cm_writer_options options = pcapng_options(to);
        struct built record = {.big = from}, expected = {.big = to}, interface = {.big = to};
        struct cm_interface described = {
            .link_type = 1, .link_type_high = 0x2400, .snaplen = 96, .units = nanoseconds ? NANO : MICRO};
        struct written with;

        open_writer(&with, CM_CAPTURE_PCAP, from, &options);
        with.layout.nanoseconds = nanoseconds;
        cm_check_eq(cm_interfaces_append(&with.table, &described, NULL, 0, &with.error), CAPMILL_OK);
        add_input(&with);
        begin_block(&interface, CM_BLOCK_INTERFACE);
        put_u16(&interface, 1);
        put_u16(&interface, 0);
        put_u32(&interface, 96);
        if (nanoseconds)
            put_option(&interface, CM_OPTION_INTERFACE_TIME_RESOLUTION, "\x09", 1);
        put_option(&interface, CM_OPTION_INTERFACE_FCS_LENGTH, "\x20", 1); /* two 16-bit units, in bits */
        put_option_end(&interface);
        end_block(&interface);
        cm_check_eq(cm_writer_interface(with.writer, 0, 0, &with.out, &with.error), CAPMILL_OK);
        check_out(&with, &interface);

        put_record(&record, 3000000000u, 999, 7, 1500);
        put_bytes(&record, data, 7);
        begin_enhanced(&expected, 0, UINT64_C(3000000000) * (nanoseconds ? 1000000000 : 1000000) + 999, data,
                       7, 1500);
        end_block(&expected);
        cm_check(!cm_writer_verbatim(with.writer, 0));
        check_packet(&with, 0, 0, &record, &expected);
        close_writer(&with);
    }
}

/* Every option that a packet may have, with the number of `code` in the builder's byte order. */
static void put_all_packet_options(struct built *to, bool no_copy)
{
    put_option(to, CM_OPTION_COMMENT, "comment", 7);
    put_option_u32(to, 2, 0x01020304);
    put_option(to, 3, "\x02\xec\x1d\x87\x97", 5);
    put_option_u64(to, 4, 0x0102030405060708);
    put_option_u64(to, 5, 0x1112131415161718);
    put_option_u32(to, 6, 77);
    put_u16(to, 7);
    put_u16(to, 9);
    put_bytes(to, "\x02", 1);
    put_u64(to, 0x0a);
    put_padding(to);
    put_option(to, 7, "\x00\x01\x02", 3);
    put_u16(to, 8);
    put_u16(to, 8);
    put_u32(to, 1234);
    put_u32(to, 5678);
    put_u16(to, CM_OPTION_CUSTOM_BYTES);
    put_u16(to, 7);
    put_u32(to, 32473);
    put_bytes(to, "\x01\x02\x03", 3);
    put_padding(to);
    if (no_copy) {
        put_option(to, CM_OPTION_CUSTOM_TEXT_NO_COPY, "\x00\x00\x7e\xd9mine", 8);
        put_option(to, 4711, "?", 1);
    }
    put_option_end(to);
}

CM_TEST(writer_pcapng, enhanced_packets_turn_their_byte_order_with_all_known_options)
{
    for (int from = 0; from <= 1; from++) {
        struct cm_writer_options options = pcapng_options(!from);
        struct built block = {.big = from}, expected = {.big = !from};
        struct written with;

        open_writer(&with, CM_CAPTURE_PCAPNG, from, &options);
        add_interface(&with.table, 0, 0, from, MICRO, NULL);
        add_input(&with);
        begin_enhanced(&block, 0, 0x0102030405060708, data, 7, 100);
        put_all_packet_options(&block, true);
        end_block(&block);
        begin_enhanced(&expected, 0, 0x0102030405060708, data, 7, 100);
        put_all_packet_options(&expected, false);
        end_block(&expected);
        check_packet(&with, 0, 0, &block, &expected);
        cm_check_eq(cm_writer_dropped(with.writer), 2); /* not to be copied; of unknown layout */
        close_writer(&with);
    }
}

CM_TEST(writer_pcapng, enhanced_packets_of_the_same_byte_order_stay_but_for_their_interface)
{
    for (int big = 0; big <= 1; big++) {
        struct cm_writer_options options = pcapng_options(big);
        struct built block = {.big = big}, expected = {.big = big}, first = {.big = big},
                     second = {.big = big};
        struct written with;

        open_writer(&with, CM_CAPTURE_PCAPNG, big, &options);
        begin_block(&first, CM_BLOCK_INTERFACE);
        put_u64(&first, 1);
        end_block(&first);
        begin_block(&second, CM_BLOCK_INTERFACE);
        put_u64(&second, 2);
        end_block(&second);
        add_interface(&with.table, 0, 0, big, MICRO, &first);
        add_interface(&with.table, 1, 0, big, MICRO, &second); /* another section: id 0 again */
        add_input(&with);
        cm_check_eq(cm_writer_interface(with.writer, 0, 0, &with.out, &with.error), CAPMILL_OK);
        cm_check_eq(cm_writer_interface(with.writer, 0, 1, &with.out, &with.error), CAPMILL_OK);

        begin_enhanced(&block, 0, 5, data, 5, 5);
        put_all_packet_options(&block, true);
        put_u32(&block, 0xdeadbeef); /* after the end of options; not ours to judge */
        end_block(&block);
        expected = block;
        check_packet(&with, 0, 0, &block, &expected);
        cm_store_u32_as(expected.data + 8, 1, big);
        check_packet(&with, 1, 0, &block, &expected);
        cm_check_eq(cm_writer_dropped(with.writer), 0);
        close_writer(&with);
    }
}

CM_TEST(writer_pcapng, broken_options_are_cut_where_they_must_be_understood)
{
    struct cm_writer_options options = pcapng_options(true);
    struct built block = {0}, expected = {.big = true}, only_broken = {0}, without = {.big = true};
    struct written with;

    open_writer(&with, CM_CAPTURE_PCAPNG, false, &options);
    add_interface(&with.table, 0, 0, false, MICRO, NULL);
    add_input(&with);
    begin_enhanced(&block, 0, 5, data, 5, 5);
    put_option_u32(&block, 2, 9);
    put_u16(&block, CM_OPTION_COMMENT);
    put_u16(&block, 9); /* one byte more than there is */
    put_bytes(&block, "too long", 8);
    end_block(&block);
    begin_enhanced(&expected, 0, 5, data, 5, 5);
    put_option_u32(&expected, 2, 9);
    put_option_end(&expected);
    end_block(&expected);
    check_packet(&with, 0, 0, &block, &expected);
    cm_check_eq(cm_writer_dropped(with.writer), 1);

    begin_enhanced(&only_broken, 0, 5, data, 5, 5);
    put_u32(&only_broken, 0xffffffff);
    end_block(&only_broken);
    begin_enhanced(&without, 0, 5, data, 5, 5);
    end_block(&without);
    check_packet(&with, 0, 0, &only_broken, &without);
    cm_check_eq(cm_writer_dropped(with.writer), 2);
    close_writer(&with);
}

static void begin_obsolete(struct built *to, uint16_t drops)
{
    begin_block(to, CM_BLOCK_PACKET_OBSOLETE);
    put_u16(to, 0);
    put_u16(to, drops);
    put_u32(to, 1);
    put_u32(to, 2);
    put_u32(to, 7);
    put_u32(to, 70);
    put_bytes(to, data, 7);
    put_padding(to);
}

CM_TEST(writer_pcapng, obsolete_packets_become_enhanced_ones_with_their_drop_count)
{
    for (int i = 0; i < 4; i++) {
        bool from = i & 1, to = i & 2;
        struct cm_writer_options options = pcapng_options(to);
        struct built plain = {.big = from}, unknown = {.big = from}, with_options = {.big = from};
        struct built expected = {.big = to}, expected_unknown = {.big = to}, expected_options = {.big = to};
        struct written with;

        open_writer(&with, CM_CAPTURE_PCAPNG, from, &options);
        add_interface(&with.table, 0, 0, from, MICRO, NULL);
        add_input(&with);

        begin_obsolete(&plain, 513);
        end_block(&plain);
        begin_enhanced(&expected, 0, UINT64_C(0x100000002), data, 7, 70);
        put_option_u64(&expected, CM_OPTION_PACKET_DROPS, 513);
        put_option_end(&expected);
        end_block(&expected);
        check_packet(&with, 0, 0, &plain, &expected);

        begin_obsolete(&unknown, 0xffff);
        end_block(&unknown);
        begin_enhanced(&expected_unknown, 0, UINT64_C(0x100000002), data, 7, 70);
        end_block(&expected_unknown);
        check_packet(&with, 0, 0, &unknown, &expected_unknown);

        begin_obsolete(&with_options, 0);
        put_option_u32(&with_options, CM_OPTION_PACKET_FLAGS, 1);
        put_option_end(&with_options);
        end_block(&with_options);
        begin_enhanced(&expected_options, 0, UINT64_C(0x100000002), data, 7, 70);
        put_option_u64(&expected_options, CM_OPTION_PACKET_DROPS, 0);
        put_option_u32(&expected_options, CM_OPTION_PACKET_FLAGS, 1);
        put_option_end(&expected_options);
        end_block(&expected_options);
        check_packet(&with, 0, 0, &with_options, &expected_options);
        close_writer(&with);
    }
}

static void put_simple(struct built *to, uint32_t origlen)
{
    begin_block(to, CM_BLOCK_PACKET_SIMPLE);
    put_u32(to, origlen);
    put_bytes(to, data, 7);
    end_block(to);
}

CM_TEST(writer_pcapng, simple_packets_stay_where_they_may)
{
    for (int i = 0; i < 4; i++) {
        bool from = i & 1, to = i & 2;
        struct cm_writer_options options = pcapng_options(to);
        struct built block = {.big = from}, expected = {.big = to};
        struct written with;

        options.keep_simple_packets = true;
        open_writer(&with, CM_CAPTURE_PCAPNG, from, &options);
        add_interface(&with.table, 0, 0, from, MICRO, NULL);
        add_input(&with);
        put_simple(&block, 7);
        put_simple(&expected, 7);
        check_packet(&with, 0, 99, &block, &expected);
        close_writer(&with);
    }
}

static void check_simple_time(struct cm_time_units units, uint64_t time_ns, uint64_t ticks)
{
    struct cm_writer_options options = pcapng_options(false);
    struct built block = {0}, expected = {0};
    struct written with;

    open_writer(&with, CM_CAPTURE_PCAPNG, false, &options);
    add_interface(&with.table, 0, 0, false, units, NULL);
    add_input(&with);
    put_simple(&block, 7);
    begin_enhanced(&expected, 0, ticks, data, 7, 7);
    end_block(&expected);
    check_packet(&with, 0, time_ns, &block, &expected);
    close_writer(&with);
}

CM_TEST(writer_pcapng, simple_packets_become_enhanced_ones_elsewhere_in_their_interfaces_units)
{
    check_simple_time(MICRO, UINT64_C(1700000000123456789), UINT64_C(1700000000123456));
    check_simple_time(NANO, UINT64_C(1700000000123456789), UINT64_C(1700000000123456789));
    check_simple_time((struct cm_time_units){.exponent = 0}, UINT64_C(1700000000999999999), 1700000000);
    check_simple_time((struct cm_time_units){.exponent = 12}, 5, 5000);
    check_simple_time((struct cm_time_units){.exponent = 12}, UINT64_MAX, UINT64_MAX);
    check_simple_time((struct cm_time_units){.exponent = 127}, 1, UINT64_MAX);
    check_simple_time((struct cm_time_units){.exponent = 10, .binary = true}, UINT64_C(1500000000), 1536);
    check_simple_time((struct cm_time_units){.exponent = 63, .binary = true}, UINT64_C(1500000000),
                      UINT64_C(0xc000000000000000));
    check_simple_time((struct cm_time_units){.exponent = 63, .binary = true}, UINT64_C(2000000000),
                      UINT64_MAX);
    check_simple_time((struct cm_time_units){.exponent = 6, .offset_s = 5}, UINT64_C(7000001000), 2000001);
    check_simple_time((struct cm_time_units){.exponent = 6, .offset_s = 9}, UINT64_C(7000001000), 0);
    check_simple_time((struct cm_time_units){.exponent = 6, .offset_s = -2}, UINT64_C(7000001000), 9000001);
    check_simple_time((struct cm_time_units){.exponent = 9, .offset_s = INT64_MIN}, UINT64_MAX, UINT64_MAX);
    check_simple_time((struct cm_time_units){.exponent = 9, .offset_s = INT64_MAX}, UINT64_MAX, 0);
}

CM_TEST(writer_pcapng, simple_packets_are_as_long_as_snaplen_and_block_allow)
{
    struct cm_writer_options options = pcapng_options(false);
    struct cm_interface interface = {.link_type = 1, .snaplen = 6, .units = MICRO};
    struct built block = {0}, expected = {0};
    struct written with;

    open_writer(&with, CM_CAPTURE_PCAPNG, false, &options);
    cm_check_eq(cm_interfaces_append(&with.table, &interface, NULL, 0, &with.error), CAPMILL_OK);
    add_interface(&with.table, 1, 0, false, MICRO, NULL);
    add_input(&with);
    put_simple(&block, 5000);
    begin_enhanced(&expected, 0, 0, data, 6, 5000);
    end_block(&expected);
    check_packet(&with, 0, 0, &block, &expected);
    expected.n = 0;
    begin_enhanced(&expected, 0, 0, "\1\2\3\4\5\6\7\0", 8, 5000); /* all that the block holds */
    end_block(&expected);
    check_packet(&with, 1, 0, &block, &expected);
    close_writer(&with);
}

CM_TEST(writer_pcapng, blocks_that_are_shorter_than_they_say_are_cut_not_overrun)
{
    struct cm_writer_options options = pcapng_options(true);
    struct built block = {0}, expected = {.big = true}, tiny = {0}, nothing = {.big = true};
    struct written with;

    open_writer(&with, CM_CAPTURE_PCAPNG, false, &options);
    add_interface(&with.table, 0, 0, false, MICRO, NULL);
    add_input(&with);
    begin_enhanced(&block, 0, 5, data, 7, 7);
    put_option_u32(&block, 2, 9);
    end_block(&block);
    cm_store_u32_as(block.data + 20, 0xfffffffd, false);
    begin_enhanced(&expected, 0, 5, block.data + 28, 16, 7);
    end_block(&expected);
    check_packet(&with, 0, 0, &block, &expected);
    begin_block(&tiny, CM_BLOCK_PACKET_ENHANCED);
    end_block(&tiny);
    begin_enhanced(&nothing, 0, 0, data, 0, 0);
    end_block(&nothing);
    check_packet(&with, 0, 0, &tiny, &nothing);
    close_writer(&with);
}

CM_TEST(writer_pcapng, lengths_that_differ_or_are_not_rounded_are_put_right)
{
    struct cm_writer_options options = pcapng_options(false);
    struct built block = {0}, expected = {0};
    struct written with;

    options.keep_simple_packets = true;
    open_writer(&with, CM_CAPTURE_PCAPNG, false, &options);
    add_interface(&with.table, 0, 0, false, MICRO, NULL);
    add_input(&with);
    begin_enhanced(&block, 0, 5, data, 7, 7);
    end_block(&block);
    expected = block;
    cm_store_u32_as(block.data + 4, (uint32_t)block.n - 1, false);
    cm_store_u32_as(block.data + block.n - 4, 99, false);
    check_packet(&with, 0, 0, &block, &expected);
    block.n = expected.n = 0;
    put_simple(&block, 7);
    expected = block;
    cm_store_u32_as(block.data + 4, (uint32_t)block.n - 1, false);
    cm_store_u32_as(block.data + block.n - 4, 99, false);
    check_packet(&with, 0, 0, &block, &expected);
    close_writer(&with);
}

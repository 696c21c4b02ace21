/* SPDX-License-Identifier: Apache-2.0 */
/* What is written to pcap files: headers, records of every variant, times from every kind of units. */
#include "unit/format/writer_bytes.h"

static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7};

static struct cm_writer_options pcap_options(bool big, bool nanoseconds)
{
    return (struct cm_writer_options){.kind = CM_CAPTURE_PCAP,
                                      .big_endian = big,
                                      .nanoseconds = nanoseconds,
                                      .link_type = 1,
                                      .snaplen = 65535};
}

CM_TEST(writer_pcap, file_header_has_every_field_in_its_byte_order)
{
    for (int big = 0; big <= 1; big++) {
        struct cm_writer_options options = pcap_options(big, big);
        struct built expected = {.big = big};
        struct written with;

        options.link_type_high = 0x2400;
        options.zone_offset = -3600;
        options.sigfigs = 6;
        open_writer(&with, CM_CAPTURE_PCAP, big, &options);
        cm_check_eq(cm_writer_header(with.writer, &with.out, &with.error), CAPMILL_OK);
        put_u32(&expected, big ? 0xa1b23c4d : 0xa1b2c3d4);
        put_u16(&expected, 2);
        put_u16(&expected, 4);
        put_u32(&expected, (uint32_t)-3600);
        put_u32(&expected, 6);
        put_u32(&expected, 65535);
        put_u32(&expected, 0x24000001);
        check_out(&with, &expected);
        close_writer(&with);
    }
}

/* One record of `layout` and what it becomes. */
static void check_record(struct cm_layout layout, const struct cm_writer_options *options,
                         const struct built *record, const struct built *expected, bool verbatim)
{
    struct written with;

    open_writer(&with, CM_CAPTURE_PCAP, layout.big_endian, options);
    with.layout = layout;
    add_interface(&with.table, 0, 0, layout.big_endian, layout.nanoseconds ? NANO : MICRO, NULL);
    add_input(&with);
    cm_check_eq(cm_writer_verbatim(with.writer, 0), verbatim);
    cm_check_eq(cm_writer_interface(with.writer, 0, 0, &with.out, &with.error), CAPMILL_OK);
    cm_check_eq(with.out.n, 0);
    check_packet(&with, 0, 0, record, expected);
    close_writer(&with);
}

CM_TEST(writer_pcap, records_stay_as_they_are_or_only_turn_their_byte_order)
{
    for (int from = 0; from <= 1; from++) {
        for (int to = 0; to <= 1; to++) {
            struct cm_writer_options options = pcap_options(to, false);
            struct cm_layout layout = {
                .kind = CM_CAPTURE_PCAP, .big_endian = from, .record_header_bytes = 16};
            struct built record = {.big = from}, expected = {.big = to};

            /* a fraction of a second and more is no time, but it is what was there */
            put_record(&record, 0xfffffffe, 1234567, 7, 1500);
            put_bytes(&record, data, 7);
            put_record(&expected, 0xfffffffe, 1234567, 7, 1500);
            put_bytes(&expected, data, 7);
            check_record(layout, &options, &record, &expected, from == to);
        }
    }
}

CM_TEST(writer_pcap, variants_become_standard_records)
{
    static const struct {
        enum cm_pcap_variant variant;
        uint8_t header_bytes;
    } variants[] = {{CM_PCAP_MODIFIED, 24}, {CM_PCAP_NOKIA, 20}};

    for (int i = 0; i < 2; i++) {
        struct cm_writer_options options = pcap_options(true, false);
        struct cm_layout layout = {.kind = CM_CAPTURE_PCAP,
                                   .big_endian = true,
                                   .variant = variants[i].variant,
                                   .record_header_bytes = variants[i].header_bytes};
        struct built record = {.big = true}, expected = {.big = true};

        put_record(&record, 10, 20, 7, 8);
        for (int k = 16; k < variants[i].header_bytes; k++)
            put_bytes(&record, "\xee", 1);
        put_bytes(&record, data, 7);
        put_record(&expected, 10, 20, 7, 8);
        put_bytes(&expected, data, 7);
        check_record(layout, &options, &record, &expected, false);
    }
}

CM_TEST(writer_pcap, ixia_records_are_standard_ones)
{
    struct cm_writer_options options = pcap_options(false, true);
    struct cm_layout layout = {.kind = CM_CAPTURE_PCAP,
                               .variant = CM_PCAP_IXIA,
                               .nanoseconds = true,
                               .record_header_bytes = 16,
                               .file_header_bytes = 28};
    struct built record = {0};

    put_record(&record, 10, 20, 7, 7);
    put_bytes(&record, data, 7);
    check_record(layout, &options, &record, &record, true);
}

CM_TEST(writer_pcap, swapped_lengths_are_put_right)
{
    struct cm_writer_options options = pcap_options(false, false);
    struct cm_layout layout = {.kind = CM_CAPTURE_PCAP, .record_header_bytes = 16, .lengths_swapped = true};
    struct built record = {0}, expected = {0}, unswapped = {0};

    put_record(&record, 10, 20, 60, 7);
    put_bytes(&record, data, 7);
    put_record(&expected, 10, 20, 7, 60);
    put_bytes(&expected, data, 7);
    check_record(layout, &options, &record, &expected, false);

    /* version 2.3 has both kinds: the captured length is the one that the record has */
    layout.lengths_swapped = false;
    layout.lengths_maybe_swapped = true;
    check_record(layout, &options, &record, &expected, false);
    put_record(&unswapped, 10, 20, 7, 60);
    put_bytes(&unswapped, data, 7);
    check_record(layout, &options, &unswapped, &expected, false);
}

static void check_time(bool from_ns, bool to_ns, uint32_t seconds, uint32_t fraction,
                       uint32_t expected_seconds, uint32_t expected_fraction)
{
    struct cm_writer_options options = pcap_options(false, to_ns);
    struct cm_layout layout = {.kind = CM_CAPTURE_PCAP, .record_header_bytes = 16, .nanoseconds = from_ns};
    struct built record = {0}, expected = {0};

    put_record(&record, seconds, fraction, 1, 1);
    put_bytes(&record, data, 1);
    put_record(&expected, expected_seconds, expected_fraction, 1, 1);
    put_bytes(&expected, data, 1);
    check_record(layout, &options, &record, &expected, from_ns == to_ns);
}

CM_TEST(writer_pcap, resolution_changes_truncate_carry_and_saturate)
{
    check_time(false, true, 5, 123456, 5, 123456000);
    check_time(true, false, 5, 123456789, 5, 123456);
    check_time(true, false, 5, 999999999, 5, 999999);
    check_time(false, true, 5, 2500000, 7, 500000000);
    check_time(false, true, UINT32_MAX, 999999, UINT32_MAX, 999999000);
    check_time(false, true, UINT32_MAX, 1000000, UINT32_MAX, 999999999);
    check_time(true, false, UINT32_MAX, UINT32_MAX, UINT32_MAX, 999999);
}

/* One enhanced packet block in `units` and the time it gets in pcap. */
static void check_ticks(struct cm_time_units units, uint64_t ticks, bool big, bool nanoseconds,
                        uint32_t seconds, uint32_t fraction)
{
    struct cm_writer_options options = pcap_options(false, nanoseconds);
    struct built block = {.big = big}, expected = {0};
    struct written with;

    open_writer(&with, CM_CAPTURE_PCAPNG, big, &options);
    add_interface(&with.table, 0, 0, big, units, NULL);
    add_input(&with);
    cm_check(!cm_writer_verbatim(with.writer, 0));
    begin_enhanced(&block, 0, ticks, data, 7, 9);
    put_option(&block, CM_OPTION_COMMENT, "lost in pcap", 12);
    put_option_end(&block);
    end_block(&block);
    put_record(&expected, seconds, fraction, 7, 9);
    put_bytes(&expected, data, 7);
    check_packet(&with, 0, 0, &block, &expected); /* before its event: the table is asked */
    cm_check_eq(cm_writer_interface(with.writer, 0, 0, &with.out, &with.error), CAPMILL_OK);
    check_packet(&with, 0, 0, &block, &expected);
    close_writer(&with);
}

CM_TEST(writer_pcap, ticks_of_any_units_become_seconds_and_fractions)
{
    for (int big = 0; big <= 1; big++) {
        check_ticks(MICRO, UINT64_C(1234567890654321), big, false, 1234567890, 654321);
        check_ticks(NANO, UINT64_C(1234567890654321987), big, true, 1234567890, 654321987);
        check_ticks(NANO, UINT64_C(1234567890654321987), big, false, 1234567890, 654321);
        check_ticks((struct cm_time_units){.exponent = 10, .binary = true}, 1024 * 7 + 512, big, false, 7,
                    500000);
        check_ticks((struct cm_time_units){.exponent = 0}, 77, big, true, 77, 0);
        check_ticks((struct cm_time_units){.exponent = 6, .offset_s = 1000}, 5, big, true, 1000, 5000);
        check_ticks((struct cm_time_units){.exponent = 6, .offset_s = -1000}, 5, big, true, 0, 0);
        check_ticks(MICRO, (UINT64_C(1) << 32) * 1000000, big, false, UINT32_MAX, 999999);
        check_ticks((struct cm_time_units){.exponent = 0}, UINT64_MAX, big, true, UINT32_MAX, 999999999);
    }
}

CM_TEST(writer_pcap, simple_packets_take_the_time_of_their_descriptor)
{
    struct cm_writer_options options = pcap_options(false, false);
    struct built block = {.big = true}, expected = {0};
    struct written with;

    open_writer(&with, CM_CAPTURE_PCAPNG, true, &options);
    add_interface(&with.table, 0, 0, true, MICRO, NULL);
    add_input(&with);
    begin_block(&block, CM_BLOCK_PACKET_SIMPLE);
    put_u32(&block, 7);
    put_bytes(&block, data, 7);
    end_block(&block);
    put_record(&expected, 3, 4, 7, 7);
    put_bytes(&expected, data, 7);
    check_packet(&with, 0, UINT64_C(3000004999), &block, &expected);
    close_writer(&with);
}

CM_TEST(writer_pcap, blocks_that_are_shorter_than_they_say_are_cut_not_overrun)
{
    struct cm_writer_options options = pcap_options(false, false);
    struct built block = {0}, expected = {0}, tiny = {0}, nothing = {0};
    struct written with;

    open_writer(&with, CM_CAPTURE_PCAPNG, false, &options);
    add_interface(&with.table, 0, 0, false, MICRO, NULL);
    add_input(&with);
    begin_enhanced(&block, 0, 1000000, data, 4, 4);
    end_block(&block);
    cm_store_u32_as(block.data + 20, 0xffffffff, false); /* captured length */
    put_record(&expected, 1, 0, 4, 4);
    put_bytes(&expected, data, 4);
    check_packet(&with, 0, 0, &block, &expected);
    begin_block(&tiny, CM_BLOCK_PACKET_ENHANCED);
    end_block(&tiny);
    put_record(&nothing, 0, 0, 0, 0);
    check_packet(&with, 0, 0, &tiny, &nothing);
    close_writer(&with);
}

CM_TEST(writer_pcap, a_second_link_type_is_refused_by_name)
{
    struct cm_writer_options options = pcap_options(false, false);
    struct cm_interface interface = {.link_type = 113, .units = MICRO};
    struct written with;

    open_writer(&with, CM_CAPTURE_PCAPNG, false, &options);
    cm_check_eq(cm_interfaces_append(&with.table, &interface, NULL, 0, &with.error), CAPMILL_OK);
    add_input(&with);
    cm_check_eq(cm_writer_interface(with.writer, 0, 0, &with.out, &with.error), CAPMILL_E_UNSUPPORTED);
    cm_check_str(with.error.text,
                 "a pcap file holds one link type, and the input has LINUX_SLL after ETHERNET; "
                 "pcapng can hold both");
    close_writer(&with);
}

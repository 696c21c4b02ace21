/* SPDX-License-Identifier: Apache-2.0 */
/* Link headers in the file's byte order are turned round with the file; all other bytes, and all bytes of all
 * other link types, stay. */
#include "unit/format/writer_bytes.h"

/* One packet of `link_type` from each byte order to the other, through pcap and pcapng. */
static void check_turned(uint16_t link_type, const struct built packets[2])
{
    for (int i = 0; i < 4; i++) {
        bool from = i & 1, pcapng = i & 2;
        const struct built *data = &packets[from], *turned = &packets[!from];
        struct cm_writer_options options = {.kind = pcapng ? CM_CAPTURE_PCAPNG : CM_CAPTURE_PCAP,
                                            .big_endian = !from,
                                            .link_type = link_type};
        struct cm_interface interface = {.link_type = link_type, .units = MICRO, .big_endian = from};
        struct built record = {.big = from}, expected = {.big = !from}, same = {.big = from};
        struct written with;

        open_writer(&with, options.kind, from, &options);
        with.layout.link_type = link_type;
        cm_check_eq(cm_interfaces_append(&with.table, &interface, NULL, 0, &with.error), CAPMILL_OK);
        add_input(&with);
        if (pcapng) {
            begin_enhanced(&record, 0, 5, data->data, (uint32_t)data->n, 99);
            put_option_end(&record);
            end_block(&record);
            begin_enhanced(&expected, 0, 5, turned->data, (uint32_t)data->n, 99);
            put_option_end(&expected);
            end_block(&expected);
        } else {
            put_record(&record, 1, 2, (uint32_t)data->n, 99);
            put_bytes(&record, data->data, data->n);
            put_record(&expected, 1, 2, (uint32_t)data->n, 99);
            put_bytes(&expected, turned->data, data->n);
        }
        check_packet(&with, 0, 0, &record, &expected);
        close_writer(&with);

        /* the same byte order: untouched */
        options.big_endian = from;
        open_writer(&with, options.kind, from, &options);
        with.layout.link_type = link_type;
        cm_check_eq(cm_interfaces_append(&with.table, &interface, NULL, 0, &with.error), CAPMILL_OK);
        add_input(&with);
        same = record;
        check_packet(&with, 0, 0, &record, &same);
        close_writer(&with);
    }
}

/* Check the packets in full, and cut at every length. */
static void check_all_cuts(uint16_t link_type, struct built packets[2])
{
    size_t whole = packets[0].n;

    cm_check_eq(packets[1].n, whole);
    check_turned(link_type, packets);
    /* a cut number is left alone on both sides, so only cuts where no number is cut can be compared; none may
     * overrun */
    for (size_t n = 0; n < whole; n++) {
        struct cm_writer_options options = {
            .kind = CM_CAPTURE_PCAP, .big_endian = true, .link_type = link_type};
        struct built record = {0};
        struct written with;
        uint8_t *exact_record = malloc(16 + n), *exact = malloc(16 + n);
        struct cm_written_packet packet = {.record = exact_record, .record_bytes = (uint32_t)(16 + n)};

        open_writer(&with, CM_CAPTURE_PCAP, false, &options);
        with.layout.link_type = link_type;
        add_interface(&with.table, 0, 0, false, MICRO, NULL);
        add_input(&with);
        put_record(&record, 1, 2, (uint32_t)n, 99);
        put_bytes(&record, packets[0].data, n);
        memcpy(exact_record, record.data, record.n);
        cm_check_eq(cm_writer_packet(with.writer, &packet, exact), 16 + n);
        free(exact_record);
        free(exact);
        close_writer(&with);
    }
}

CM_TEST(writer_host_order, can_ids_in_cooked_captures)
{
    for (int version = 1; version <= 2; version++) {
        struct built packets[2] = {{.big = false}, {.big = true}};

        for (int big = 0; big <= 1; big++) {
            if (version == 2)
                put_bytes(&packets[big], "\x00\x0d", 2);
            put_bytes(&packets[big], "cooked capture", 14);
            if (version == 1)
                put_bytes(&packets[big], "\x00\x0c", 2);
            else
                put_bytes(&packets[big], "more", 4);
            put_u32(&packets[big], 0x123);
            put_bytes(&packets[big], "\x08\0\0\0payload!", 12);
        }
        check_all_cuts(version == 1 ? 113 : 276, packets);
    }
}

CM_TEST(writer_host_order, other_protocols_in_cooked_captures_stay)
{
    struct built packets[2] = {{.big = false}, {.big = true}};

    for (int big = 0; big <= 1; big++)
        put_bytes(&packets[big], "cooked capture\x08\x00\x45\x00\x00\x14 and so on", 30);
    check_all_cuts(113, packets);
    check_all_cuts(1, packets);
}

CM_TEST(writer_host_order, nflog_attributes)
{
    struct built packets[2] = {{.big = false}, {.big = true}};

    for (int big = 0; big <= 1; big++) {
        struct built *to = &packets[big];

        put_bytes(to, "\x02\x00\x00\x05", 4);
        put_u16(to, 8);
        put_u16(to, 1);
        put_bytes(to, "\x08\x00\x03\x00", 4);
        put_u16(to, 7);
        put_u16(to, 10);
        put_bytes(to, "abc\0", 4);
        put_u16(to, 900); /* longer than the packet: the last */
        put_u16(to, 9);
        put_bytes(to, "\x45\x00\x00\x14payload", 11);
    }
    check_all_cuts(239, packets);
}

CM_TEST(writer_host_order, nflog_of_an_unknown_version_stays)
{
    struct built packets[2] = {{.big = false}, {.big = true}};

    for (int big = 0; big <= 1; big++)
        put_bytes(&packets[big], "\x02\x01\x00\x05\x08\x00\x01\x00\x08\x00\x03\x00", 12);
    check_all_cuts(239, packets);
}

CM_TEST(writer_host_order, usb_headers_with_setup_and_with_descriptors)
{
    for (int mapped = 0; mapped <= 1; mapped++) {
        for (int isochronous = 0; isochronous <= 1; isochronous++) {
            struct built packets[2] = {{.big = false}, {.big = true}};

            for (int big = 0; big <= 1; big++) {
                struct built *to = &packets[big];

                put_u64(to, 0x0102030405060708);
                put_bytes(to, isochronous ? "S\x00\x81\x02" : "S\x02\x81\x02", 4);
                put_u16(to, 3);
                put_bytes(to, "-=", 2);
                put_u64(to, 1700000000);
                put_u32(to, 999999);
                put_u32(to, (uint32_t)-115);
                put_u32(to, 64);
                put_u32(to, 32);
                if (isochronous) {
                    put_u32(to, 1);
                    put_u32(to, 2);
                } else {
                    put_bytes(to, "\x80\x06\x00\x01\x00\x00\x12\x00", 8);
                }
                for (int i = 0; mapped && i < 4; i++)
                    put_u32(to, 0x10000 + (uint32_t)i);
                for (int i = 0; isochronous && i < 2; i++) {
                    put_u32(to, 1);
                    put_u32(to, 2);
                    put_u32(to, 3);
                    put_bytes(to, "pad!", 4);
                }
                put_bytes(to, "data of the transfer", 20);
            }
            check_all_cuts(mapped ? 220 : 189, packets);
        }
    }
}

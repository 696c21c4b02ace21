/* SPDX-License-Identifier: Apache-2.0 */
/* pcap files of every variant and byte order are framed; damaged ones give their sound records. */
#include "unit/format/capture_bytes.h"

#define MICRO    0xa1b2c3d4u
#define NANO     0xa1b23c4du
#define MODIFIED 0xa1b2cd34u
#define IXIA_HW  0x1c0001acu
#define IXIA_SW  0x1c0001abu

static void check_two_packets(const struct cm_driven *d, uint64_t unit_ns, size_t header_bytes)
{
    cm_check_eq(d->status, CAPMILL_OK);
    cm_check_eq(d->n_items, 2);
    cm_check_eq(d->n_packets, 2);
    cm_check_eq(nth_packet(d, 0)->time_ns, 1700000001ull * 1000000000 + 250 * unit_ns);
    cm_check_eq(nth_packet(d, 0)->caplen, 60);
    cm_check_eq(nth_packet(d, 0)->origlen, 60);
    cm_check_eq(nth_packet(d, 0)->place, d->header_bytes);
    cm_check_eq(nth_packet(d, 0)->record_before, header_bytes);
    cm_check_eq(nth_packet(d, 0)->record_bytes, header_bytes + 60);
    cm_check_eq(nth_packet(d, 0)->link_type, 1);
    cm_check_eq(nth_packet(d, 1)->time_ns, 0xfffffffeull * 1000000000 + 999 * unit_ns);
    cm_check_eq(nth_packet(d, 1)->caplen, 0);
    cm_check_eq(nth_packet(d, 1)->origlen, 1514);
    cm_check_eq(nth_packet(d, 1)->place, d->header_bytes + header_bytes + 60);
}

static void put_variant_record(struct made *m, uint32_t seconds, uint32_t fraction, uint32_t caplen,
                               uint32_t origlen, const void *extra, size_t n_extra)
{
    put32(m, seconds);
    put32(m, fraction);
    put32(m, caplen);
    put32(m, origlen);
    put_bytes(m, extra, n_extra);
    put_noise(m, caplen, seconds);
}

CM_TEST(pcap, standard_and_ixia_in_both_orders_and_units)
{
    static const struct {
        uint32_t magic;
        uint64_t unit_ns;
        bool extra;
    } forms[] = {{MICRO, 1000, false}, {NANO, 1, false}, {IXIA_HW, 1, true}, {IXIA_SW, 1000, true}};

    for (size_t i = 0; i < 8; i++) {
        struct made m = {.big = i >= 4};
        struct cm_driven d;

        put_pcap_header(&m, forms[i % 4].magic, 4, 1);
        if (forms[i % 4].extra)
            put32(&m, 92);
        put_record(&m, 1700000001, 250, 60, 60);
        put_record(&m, 0xfffffffe, 999, 0, 1514);
        drive_all_ways(&d, &m);
        check_two_packets(&d, forms[i % 4].unit_ns, 16);
        cm_check_eq(d.layout.big_endian, i >= 4);
        cm_check_eq(d.header_bytes, forms[i % 4].extra ? 28 : 24);
        cm_check_str(cm_layout_variant_name(&d.layout), forms[i % 4].extra ? "ixia" : "");
        cm_check_str(cm_layout_format_name(&d.layout), "pcap");
        cm_check_eq(d.interfaces.n, 1);
        cm_check_eq(cm_interfaces_get(&d.interfaces, 0)->units.exponent, forms[i % 4].unit_ns == 1 ? 9 : 6);
        cm_driven_free(&d);
        made_free(&m);
    }
}

CM_TEST(pcap, modified_header_of_24_bytes_with_either_magic)
{
    for (int i = 0; i < 4; i++) {
        struct made m = {.big = i % 2 == 1};
        struct made extra = {.big = m.big};
        struct cm_driven d;

        put32(&extra, 2);     /* interface index */
        put16(&extra, 0x800); /* protocol */
        put8(&extra, 0);      /* packet type */
        put8(&extra, 0x77);   /* padding */
        put_pcap_header(&m, i < 2 ? MODIFIED : MICRO, 4, 1);
        put_variant_record(&m, 1700000001, 250, 60, 60, extra.bytes, extra.n);
        put_variant_record(&m, 0xfffffffe, 999, 0, 1514, extra.bytes, extra.n);
        drive_all_ways(&d, &m);
        cm_check_str(cm_layout_variant_name(&d.layout), "modified");
        check_two_packets(&d, 1000, 24);
        cm_driven_free(&d);
        made_free(&m);
        made_free(&extra);
    }
}

CM_TEST(pcap, modified_header_of_28_bytes)
{
    struct made m = {0}, extra = {0};
    struct cm_driven d;

    put32(&extra, 2);
    put16(&extra, 0x800);
    put32(&extra, 0);
    put16(&extra, 0);
    put_pcap_header(&m, MODIFIED, 4, 1);
    put_variant_record(&m, 1700000001, 250, 60, 60, extra.bytes, extra.n);
    put_variant_record(&m, 0xfffffffe, 999, 0, 1514, extra.bytes, extra.n);
    drive_all_ways(&d, &m);
    check_two_packets(&d, 1000, 28);
    cm_driven_free(&d);
    made_free(&m);
    made_free(&extra);
}

CM_TEST(pcap, nokia_header_is_told_by_the_records)
{
    for (int big = 0; big < 2; big++) {
        struct made m = {.big = big == 1};
        struct made extra = {.big = m.big};
        struct cm_driven d;

        put32(&extra, 0x9fbfb601);
        put_pcap_header(&m, MICRO, 4, 1);
        put_variant_record(&m, 1700000001, 250, 60, 60, extra.bytes, extra.n);
        put_variant_record(&m, 0xfffffffe, 999, 0, 1514, extra.bytes, extra.n);
        drive_all_ways(&d, &m);
        cm_check_str(cm_layout_variant_name(&d.layout), "nokia");
        check_two_packets(&d, 1000, 20);
        cm_driven_free(&d);
        made_free(&m);
        made_free(&extra);
    }
}

CM_TEST(pcap, first_record_of_a_stream_is_enough)
{
    struct made m = {0};
    struct cm_interfaces table;
    struct cm_layout layout = {.interfaces = &table};
    size_t header_bytes;

    cm_interfaces_init(&table);
    put_pcap_header(&m, MICRO, 4, 1);
    put_record(&m, 1700000000, 0, 60, 60);
    cm_check_eq(cm_layout_open(&layout, "-", m.bytes, m.n, false, &header_bytes, NULL), CAPMILL_OK);
    cm_check_eq(layout.record_header_bytes, 16);
    cm_interfaces_fini(&table);
    made_free(&m);
}

CM_TEST(pcap, lengths_of_old_versions_are_the_other_way_round)
{
    static const struct {
        uint16_t minor;
        uint32_t first, second, caplen, origlen;
    } cases[] = {
        {2, 1514, 60, 60, 1514}, {3, 1514, 60, 60, 1514}, {3, 60, 1514, 60, 1514}, {4, 60, 1514, 60, 1514}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct made m = {0};
        struct cm_driven d;

        put_pcap_header(&m, MICRO, cases[i].minor, 1);
        for (int k = 0; k < 3; k++) {
            put32(&m, 1700000000);
            put32(&m, 1);
            put32(&m, cases[i].first);
            put32(&m, cases[i].second);
            put_noise(&m, 60, 1);
        }
        drive_all_ways(&d, &m);
        cm_check_eq(d.n_packets, 3);
        cm_check_eq(d.n_damages, 0);
        cm_check_eq(nth_packet(&d, 2)->caplen, cases[i].caplen);
        cm_check_eq(nth_packet(&d, 2)->origlen, cases[i].origlen);
        cm_driven_free(&d);
        made_free(&m);
    }
}

CM_TEST(pcap, aix_link_types_and_nanoseconds)
{
    struct made m = {.big = true};
    struct cm_driven d;

    put_pcap_header(&m, MICRO, 2, 6);
    put32(&m, 1000);
    put32(&m, 999999999);
    put32(&m, 64);
    put32(&m, 60);
    put_noise(&m, 60, 1);
    drive_all_ways(&d, &m);
    cm_check_str(cm_layout_variant_name(&d.layout), "aix");
    cm_check_eq(nth_packet(&d, 0)->link_type, 1);
    cm_check_eq(nth_packet(&d, 0)->time_ns, 1000999999999ull);
    cm_driven_free(&d);
    made_free(&m);
}

CM_TEST(pcap, link_type_is_16_bits_and_the_rest_is_kept)
{
    struct made m = {0};
    struct cm_driven d;

    put_pcap_header(&m, MICRO, 4, 0x24300001u);
    put_record(&m, 1, 0, 1, 1);
    drive_all_ways(&d, &m);
    cm_check_eq(nth_packet(&d, 0)->link_type, 1);
    cm_check_eq(cm_interfaces_get(&d.interfaces, 0)->link_type_high, 0x2430);
    cm_driven_free(&d);
    made_free(&m);
}

CM_TEST(pcap, lengths_beyond_snaplen_or_original_are_sound)
{
    struct made m = {0};
    struct cm_driven d;

    put_pcap_header(&m, MICRO, 4, 1);
    put_record(&m, 1, 0, 60, 60);
    put_record(&m, 2, 5000000, 70000, 70000);
    put_record(&m, 3, 0, 80, 60);
    put_record(&m, 4, 0, CM_MAX_PACKET_BYTES, UINT32_MAX);
    drive_all_ways(&d, &m);
    cm_check_eq(d.n_packets, 4);
    cm_check_eq(d.n_damages, 0);
    cm_check_eq(nth_packet(&d, 1)->time_ns, 7000000000ull); /* a fraction of 5 seconds carries */
    cm_driven_free(&d);
    made_free(&m);
}

CM_TEST(pcap, long_packets_only_where_the_link_type_has_them)
{
    for (int dbus = 0; dbus < 2; dbus++) {
        struct made m = {0};
        struct cm_driven d;

        put_pcap_header(&m, MICRO, 4, dbus ? 231 : 1);
        put_record(&m, 1, 0, CM_MAX_PACKET_BYTES + 1, CM_MAX_PACKET_BYTES + 1);
        cm_drive(&d, "made", m.bytes, m.n, 0);
        cm_check_eq(d.n_packets, dbus);
        cm_check_eq(d.n_damages, !dbus);
        cm_driven_free(&d);
        made_free(&m);
    }
}

CM_TEST(pcap, every_truncation_gives_the_sound_prefix)
{
    struct made m = {0};
    size_t ends[5];

    put_pcap_header(&m, MICRO, 4, 1);
    for (size_t i = 0; i < 5; i++) {
        put_record(&m, 1700000000, (uint32_t)i, 20 + 9 * (uint32_t)i, 100);
        ends[i] = m.n;
    }
    for (size_t n = 0; n <= m.n; n++) {
        struct made cut = {.bytes = m.bytes, .n = n};
        size_t whole = 0;
        struct cm_driven d;

        drive_all_ways(&d, &cut);
        while (whole < 5 && ends[whole] <= n)
            whole++;
        if (n < 24) {
            cm_check_eq(d.status, CAPMILL_E_FORMAT);
        } else {
            bool clean = n == 24 || (whole > 0 && ends[whole - 1] == n);

            cm_check_eq(d.n_packets, whole);
            cm_check_eq(d.n_damages, !clean);
            cm_check_eq(d.damaged_bytes, clean ? 0 : n - (whole == 0 ? 24 : ends[whole - 1]));
        }
        cm_driven_free(&d);
    }
    made_free(&m);
}

CM_TEST(pcap, hostile_lengths_are_damage_and_what_follows_is_found)
{
    static const uint32_t hostile[] = {CM_MAX_PACKET_BYTES + 1, 0x7fffffff, 0x80000000, 0xfffffff0,
                                       0xffffffff};

    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        struct made m = {0};
        struct cm_driven d;
        size_t bad;

        put_pcap_header(&m, MICRO, 4, 1);
        put_record(&m, 1, 0, 60, 60);
        bad = m.n;
        put_record(&m, 2, 0, 100, 100);
        for (uint32_t k = 0; k < 10; k++)
            put_record(&m, 3 + k, 0, 60 + k, 60 + k);
        cm_store_u32_as(m.bytes + bad + 8, hostile[i], false);
        drive_all_ways(&d, &m);
        cm_check_eq(d.n_packets, 11);
        cm_check_eq(d.n_damages, 1);
        cm_check_eq(d.damaged_bytes, 116);
        cm_check_eq(nth_event(&d, CM_EVENT_DAMAGE, 0)->place, bad);
        cm_check_eq(nth_packet(&d, 1)->time_ns, 3000000000ull);
        cm_driven_free(&d);
        made_free(&m);
    }
}

CM_TEST(pcap, hole_of_zeros_is_damage)
{
    for (size_t zeros = 17; zeros < 5000; zeros = zeros * 3 + 1) {
        struct made m = {0};
        struct cm_driven d;

        put_pcap_header(&m, MICRO, 4, 1);
        put_record(&m, 1, 0, 60, 60);
        made_room(&m, zeros + 15);
        for (uint32_t k = 0; k < 3; k++)
            put_record(&m, 1700000003 + k, 600000, 60, 60);
        drive_all_ways(&d, &m);
        cm_check_eq(d.n_packets, 4);
        cm_check_eq(d.n_damages, 1);
        cm_check_eq(d.damaged_bytes, zeros + 15);
        cm_driven_free(&d);
        made_free(&m);
    }
}

CM_TEST(pcap, zeros_at_the_end)
{
    for (size_t zeros = 1; zeros <= 64; zeros++) {
        struct made m = {0};
        struct cm_driven d;

        put_pcap_header(&m, MICRO, 4, 1);
        put_record(&m, 1, 0, 60, 60);
        made_room(&m, zeros);
        drive_all_ways(&d, &m);
        cm_check_eq(d.n_packets, 1);
        cm_check_eq(d.damaged_bytes, zeros);
        cm_driven_free(&d);
        made_free(&m);
    }
}

CM_TEST(pcap, batches_end_at_capacity_and_at_the_limit)
{
    static struct cm_batch batch;
    struct made m = {0};
    struct cm_interfaces table;
    struct cm_layout layout = {.interfaces = &table};
    size_t header_bytes, used, wanted;
    const char *reason;

    cm_interfaces_init(&table);
    put_pcap_header(&m, MICRO, 4, 1);
    for (uint32_t i = 0; i < CM_BATCH_CAPACITY + 8; i++)
        put_record(&m, i, 0, 4, 4);
    cm_check_eq(cm_layout_open(&layout, "made", m.bytes, m.n, true, &header_bytes, NULL), CAPMILL_OK);
    cm_check_eq(cm_layout_frame(&layout, m.bytes + 24, m.n - 24, 24, UINT64_MAX, true, &batch, &used, &wanted,
                                &reason, NULL),
                CM_FRAME_FULL);
    cm_check_eq(batch.n_packets, CM_BATCH_CAPACITY);
    cm_check_eq(used, CM_BATCH_CAPACITY * 20);
    cm_check_eq(batch.packets[7].time_ns, 7000000000ull);
    cm_check(batch.packets[7].data == m.bytes + 24 + 7 * 20 + 16);
    /* the record that starts before the limit belongs to us, the one at the limit does not */
    for (uint64_t limit = 24; limit <= 24 + 60; limit++) {
        batch.n_packets = 0;
        cm_check_eq(cm_layout_frame(&layout, m.bytes + 24, m.n - 24, 24, limit, true, &batch, &used, &wanted,
                                    &reason, NULL),
                    CM_FRAME_LIMIT);
        cm_check_eq(batch.n_packets, (limit - 24 + 19) / 20);
    }
    cm_interfaces_fini(&table);
    made_free(&m);
}

CM_TEST(pcap, versions_other_than_2_are_refused_with_their_number)
{
    struct made m = {.big = true};
    struct cm_driven d;

    put_pcap_header(&m, NANO, 7, 1);
    cm_store_u16_as(m.bytes + 4, 3, true);
    cm_drive(&d, "odd.pcap", m.bytes, m.n, 0);
    cm_check_eq(d.status, CAPMILL_E_UNSUPPORTED);
    cm_check(strstr(d.error.text, "odd.pcap") != NULL && strstr(d.error.text, "3.7") != NULL);
    cm_driven_free(&d);
    made_free(&m);
}

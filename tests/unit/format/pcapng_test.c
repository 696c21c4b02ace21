/* SPDX-License-Identifier: Apache-2.0 */
/* pcapng blocks are framed in both byte orders; damage inside a block of sound length costs that block
 * alone. */
#include "unit/format/capture_bytes.h"

CM_TEST(pcapng, all_packet_blocks_in_both_orders)
{
    for (int big = 0; big < 2; big++) {
        struct made m = {.big = big == 1};
        struct cm_driven d;
        size_t section, interface, enhanced, simple, obsolete;

        section = put_section(&m, 1, 0);
        interface = put_interface(&m, 113, 100, 0, 0);
        enhanced = put_enhanced(&m, 0, 1700000000123456ull, 61, 1514);
        simple = put_simple(&m, 90, 90);
        obsolete = begin_block(&m, 2);
        put16(&m, 0);
        put16(&m, 5); /* drops */
        put32(&m, 0);
        put32(&m, 7);
        put32(&m, 3);
        put32(&m, 4);
        put_noise(&m, 3, 1);
        end_block(&m, obsolete);
        drive_all_ways(&d, &m);
        cm_check_eq(d.status, CAPMILL_OK);
        cm_check_eq(d.n_packets, 3);
        cm_check_eq(d.n_items, 5);
        cm_check_eq(d.layout.big_endian, big);
        cm_check_eq(nth_event(&d, CM_EVENT_SECTION, 0)->place, section);
        cm_check_eq(nth_event(&d, CM_EVENT_INTERFACE, 0)->place, interface);
        cm_check_eq(nth_event(&d, CM_EVENT_INTERFACE, 0)->interface, 0);

        cm_check_eq(nth_packet(&d, 0)->place, enhanced);
        cm_check_eq(nth_packet(&d, 0)->time_ns, 1700000000123456000ull);
        cm_check_eq(nth_packet(&d, 0)->caplen, 61);
        cm_check_eq(nth_packet(&d, 0)->origlen, 1514);
        cm_check_eq(nth_packet(&d, 0)->record_before, 28);
        cm_check_eq(nth_packet(&d, 0)->record_bytes, 28 + 64 + 4);
        cm_check_eq(nth_packet(&d, 0)->link_type, 113);

        cm_check_eq(nth_packet(&d, 1)->place, simple);
        cm_check_eq(nth_packet(&d, 1)->flags, CM_PACKET_NO_TIME);
        cm_check_eq(nth_packet(&d, 1)->time_ns, 1700000000123456000ull);
        cm_check_eq(nth_packet(&d, 1)->caplen, 90);
        cm_check_eq(nth_packet(&d, 1)->record_before, 12);

        cm_check_eq(nth_packet(&d, 2)->place, obsolete);
        cm_check_eq(nth_packet(&d, 2)->time_ns, 7000);
        cm_check_eq(nth_packet(&d, 2)->caplen, 3);
        cm_check_eq(nth_packet(&d, 2)->origlen, 4);
        cm_driven_free(&d);
        made_free(&m);
    }
}

CM_TEST(pcapng, simple_packets_take_the_least_of_three_lengths)
{
    static const struct {
        uint32_t snaplen, origlen, room, caplen;
    } cases[] = {{0, 60, 60, 60}, {40, 60, 40, 40}, {40, 60, 60, 40}, {0, 1000, 60, 60}, {0, 58, 60, 58}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct made m = {0};
        struct cm_driven d;

        put_section(&m, 1, 0);
        put_interface(&m, 1, cases[i].snaplen, 0, 0);
        put_simple(&m, cases[i].origlen, cases[i].room);
        drive_all_ways(&d, &m);
        cm_check_eq(nth_packet(&d, 0)->caplen, cases[i].caplen);
        cm_check_eq(nth_packet(&d, 0)->origlen, cases[i].origlen);
        cm_check_eq(nth_packet(&d, 0)->time_ns, 0);
        cm_driven_free(&d);
        made_free(&m);
    }
}

CM_TEST(pcapng, sections_bring_their_own_order_interfaces_and_times)
{
    struct made m = {0};
    struct cm_driven d;

    put_section(&m, 1, 2);
    put_interface(&m, 1, 0, 9, 0);
    put_interface(&m, 101, 0, 0, -3600);
    put_enhanced(&m, 1, 3600 * 1000000ull, 4, 4);
    m.big = true;
    put_section(&m, 1, 0);
    put_interface(&m, 228, 0, 0x80 | 10, 0);
    put_simple(&m, 4, 4);
    put_enhanced(&m, 0, 1536, 4, 4);
    drive_all_ways(&d, &m);
    cm_check_eq(d.n_packets, 3);
    cm_check_eq(d.n_damages, 0);
    cm_check_eq(d.interfaces.n, 3);
    cm_check_eq(d.interfaces.n_sections, 2);
    cm_check_eq(nth_packet(&d, 0)->interface, 1);
    cm_check_eq(nth_packet(&d, 0)->link_type, 101);
    cm_check_eq(nth_packet(&d, 0)->time_ns, 0);
    cm_check_eq(nth_packet(&d, 1)->time_ns, 0); /* no packet before it in its section */
    cm_check_eq(nth_packet(&d, 1)->interface, 2);
    cm_check_eq(nth_packet(&d, 2)->time_ns, 1500000000);
    cm_check_eq(cm_interfaces_get(&d.interfaces, 2)->section, 1);
    cm_check_eq(cm_interfaces_get(&d.interfaces, 2)->id, 0);
    cm_check(cm_interfaces_get(&d.interfaces, 2)->big_endian);
    cm_driven_free(&d);
    made_free(&m);
}

CM_TEST(pcapng, interface_names_and_blocks_are_kept)
{
    /* the 63rd byte is in the middle of a letter */
    static const char name[] = "a name that is longer than all the sixty-three bytes there are\xc3\xbc!";
    struct made m = {0};
    struct cm_driven d;
    size_t at, n;

    put_section(&m, 1, 0);
    at = begin_block(&m, 1);
    put16(&m, 1);
    put16(&m, 0);
    put32(&m, 65535);
    put_option(&m, 2, name, sizeof(name) - 1);
    put_option(&m, 4711, "ignored", 7);
    put_option(&m, 9, "\x09", 1);
    end_block(&m, at); /* without an end of options */
    n = m.n - at;
    drive_all_ways(&d, &m);
    cm_check_eq(d.n_damages, 0);
    cm_check_eq(strlen(cm_interfaces_get(&d.interfaces, 0)->name), 62);
    cm_check_eq(memcmp(cm_interfaces_get(&d.interfaces, 0)->name, name, 62), 0);
    cm_check_eq(cm_interfaces_get(&d.interfaces, 0)->units.exponent, 9);
    cm_check_eq(cm_interfaces_get(&d.interfaces, 0)->snaplen, 65535);
    cm_check_eq(cm_interfaces_get(&d.interfaces, 0)->block_bytes, n);
    cm_check_mem(cm_interfaces_get(&d.interfaces, 0)->block, m.bytes + at, n);
    cm_driven_free(&d);
    made_free(&m);
}

CM_TEST(pcapng, option_beyond_the_block_keeps_the_interface_and_tells)
{
    struct made m = {0};
    struct cm_driven d;
    size_t at;

    put_section(&m, 1, 0);
    at = begin_block(&m, 1);
    put16(&m, 1);
    put16(&m, 0);
    put32(&m, 0);
    put_option(&m, 9, "\x09", 1);
    put16(&m, 2);
    put16(&m, 400);
    end_block(&m, at);
    put_enhanced(&m, 0, 5, 4, 4);
    drive_all_ways(&d, &m);
    cm_check_eq(d.n_packets, 1);
    cm_check_eq(nth_packet(&d, 0)->time_ns, 5);
    cm_check_eq(d.n_damages, 1);
    cm_check_eq(d.damaged_bytes, 0);
    cm_driven_free(&d);
    made_free(&m);
}

CM_TEST(pcapng, other_blocks_are_metadata_in_their_place)
{
    static const uint32_t types[] = {4, 5, 9, 10, 0xbad, 0x40000bad, 0x204, 0x80000001, 0};
    struct made m = {0};
    struct cm_driven d;

    put_section(&m, 1, 0);
    put_interface(&m, 1, 0, 0, 0);
    for (size_t i = 0; i < 9; i++) {
        size_t at = begin_block(&m, types[i]);

        put_noise(&m, 4 * i, 1);
        end_block(&m, at);
        put_enhanced(&m, 0, i, 4, 4);
    }
    drive_all_ways(&d, &m);
    cm_check_eq(d.n_packets, 9);
    cm_check_eq(d.n_items, 20);
    for (size_t i = 0; i < 9; i++) {
        cm_check_eq(d.items[2 + 2 * i].event.type, CM_EVENT_METADATA);
        cm_check_eq(d.items[2 + 2 * i].event.n_bytes, 12 + 4 * i);
        cm_check_eq(d.items[3 + 2 * i].packet.time_ns, 1000 * i);
    }
    cm_driven_free(&d);
    made_free(&m);
}

CM_TEST(pcapng, damage_inside_a_block_costs_that_block)
{
    for (int kind = 0; kind < 4; kind++) {
        struct made m = {0};
        struct cm_driven d;
        size_t bad;

        put_section(&m, 1, 0);
        put_interface(&m, 1, 0, 0, 0);
        put_enhanced(&m, 0, 1, 4, 4);
        bad = m.n;
        switch (kind) {
        case 0: /* captured length beyond the block */
            put_enhanced(&m, 0, 2, 100, 100);
            cm_store_u32_as(m.bytes + bad + 20, 101, false);
            break;
        case 1: /* and near 2^32 */
            put_enhanced(&m, 0, 2, 100, 100);
            cm_store_u32_as(m.bytes + bad + 20, 0xffffffe4, false);
            break;
        case 2: /* an interface that was not described */
            put_enhanced(&m, 1, 2, 100, 100);
            break;
        default: /* fixed part cut short */
            begin_block(&m, 6);
            put64(&m, 0);
            end_block(&m, bad);
        }
        put_enhanced(&m, 0, 3, 4, 4);
        drive_all_ways(&d, &m);
        cm_check_eq(d.n_packets, 2);
        cm_check_eq(d.n_damages, 1);
        cm_check_eq(nth_event(&d, CM_EVENT_DAMAGE, 0)->place, bad);
        cm_check_eq(d.damaged_bytes, kind == 3 ? 20 : 132);
        cm_check_eq(nth_packet(&d, 1)->time_ns, 3000);
        cm_driven_free(&d);
        made_free(&m);
    }
}

CM_TEST(pcapng, two_lengths_of_one_block)
{
    struct made m = {0};
    struct cm_driven d;
    size_t first, second;

    put_section(&m, 1, 0);
    put_interface(&m, 1, 0, 0, 0);
    first = put_enhanced(&m, 0, 1, 100, 100);
    second = put_enhanced(&m, 0, 2, 100, 100);
    put_enhanced(&m, 0, 3, 100, 100);
    put_enhanced(&m, 0, 4, 100, 100);
    cm_store_u32_as(m.bytes + second - 4, 9999, false); /* the trailer lies: the block is taken */
    drive_all_ways(&d, &m);
    cm_check_eq(d.n_packets, 4);
    cm_check_eq(d.n_damages, 1);
    cm_check_eq(d.damaged_bytes, 0);
    cm_driven_free(&d);

    cm_store_u32_as(m.bytes + second - 4, 132, false);
    cm_store_u32_as(m.bytes + first + 4, 100, false); /* the head lies: no block follows there */
    drive_all_ways(&d, &m);
    cm_check_eq(d.n_packets, 3);
    cm_check_eq(d.n_damages, 1);
    cm_check_eq(d.damaged_bytes, 132);
    cm_check_eq(nth_packet(&d, 0)->time_ns, 2000);
    cm_driven_free(&d);
    made_free(&m);
}

CM_TEST(pcapng, impossible_block_lengths_are_damage)
{
    static const uint32_t lengths[] = {0, 1, 8, CM_MAX_BLOCK_BYTES + 1, 0x80000000, 0xfffffffd, 0xffffffff};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct made m = {0};
        struct cm_driven d;
        size_t bad;

        put_section(&m, 1, 0);
        put_interface(&m, 1, 0, 0, 0);
        bad = put_enhanced(&m, 0, 1, 100, 100);
        put_enhanced(&m, 0, 2, 100, 100);
        cm_store_u32_as(m.bytes + bad + 4, lengths[i], false);
        drive_all_ways(&d, &m);
        cm_check_eq(d.n_packets, 1);
        cm_check_eq(d.n_damages, 1);
        cm_check_eq(d.damaged_bytes, 132);
        cm_driven_free(&d);
        made_free(&m);
    }
}

CM_TEST(pcapng, unpadded_block_lengths_are_rounded_up)
{
    struct made m = {0};
    struct cm_driven d;
    size_t at;

    put_section(&m, 1, 0);
    put_interface(&m, 1, 0, 0, 0);
    at = put_enhanced(&m, 0, 1, 61, 61);
    cm_store_u32_as(m.bytes + at + 4, 28 + 61 + 4, false);
    cm_store_u32_as(m.bytes + m.n - 4, 28 + 61 + 4, false);
    put_enhanced(&m, 0, 2, 61, 61);
    drive_all_ways(&d, &m);
    cm_check_eq(d.n_packets, 2);
    cm_check_eq(d.n_damages, 0);
    cm_driven_free(&d);
    made_free(&m);
}

CM_TEST(pcapng, sections_of_unknown_version_are_skipped_to_their_end)
{
    struct made m = {0};
    struct cm_driven d;

    put_section(&m, 1, 0);
    put_interface(&m, 1, 0, 0, 0);
    put_enhanced(&m, 0, 1, 4, 4);
    put_section(&m, 2, 0);
    put_interface(&m, 101, 0, 0, 0);
    put_enhanced(&m, 0, 2, 4, 4);
    put_section(&m, 1, 0);
    put_interface(&m, 113, 0, 0, 0);
    put_enhanced(&m, 0, 3, 4, 4);
    drive_all_ways(&d, &m);
    cm_check_eq(d.n_packets, 2);
    cm_check_eq(d.n_damages, 3);
    cm_check_eq(d.damaged_bytes, 28 + 20 + 36);
    cm_check_eq(nth_packet(&d, 1)->link_type, 113);
    cm_check_eq(nth_packet(&d, 1)->interface, 1);
    cm_driven_free(&d);
    made_free(&m);
}

CM_TEST(pcapng, unknown_version_at_the_beginning_is_refused)
{
    struct made m = {.big = true};
    struct cm_driven d;

    put_section(&m, 1, 1);
    cm_drive(&d, "new.pcapng", m.bytes, m.n, 0);
    cm_check_eq(d.status, CAPMILL_E_UNSUPPORTED);
    cm_check(strstr(d.error.text, "1.1") != NULL);
    cm_driven_free(&d);
    made_free(&m);
}

CM_TEST(pcapng, every_truncation_gives_the_sound_prefix)
{
    struct made m = {.big = true};
    size_t ends[6];

    put_section(&m, 1, 0);
    ends[0] = m.n;
    put_interface(&m, 1, 0, 9, 17);
    ends[1] = m.n;
    for (size_t i = 2; i < 6; i++) {
        put_enhanced(&m, 0, i, 10 * (uint32_t)i, 100);
        ends[i] = m.n;
    }
    for (size_t n = 0; n <= m.n; n++) {
        struct made cut = {.bytes = m.bytes, .n = n};
        size_t whole = 0;
        struct cm_driven d;

        drive_all_ways(&d, &cut);
        while (whole < 6 && ends[whole] <= n)
            whole++;
        if (n < 16) {
            cm_check_eq(d.status, CAPMILL_E_FORMAT);
        } else {
            bool clean = whole > 0 && ends[whole - 1] == n;

            cm_check_eq(d.n_items, whole + !clean);
            cm_check_eq(d.n_damages, !clean);
        }
        cm_driven_free(&d);
    }
    made_free(&m);
}

/* A range that begins in mid-file: a copy of the state, the table frozen. */
struct range {
    struct made made;
    struct cm_interfaces table;
    struct cm_layout layout;
    struct cm_batch batch;
    size_t used;
};

static void begin_range(struct range *r)
{
    size_t header_bytes, wanted;
    const char *reason;

    memset(r, 0, sizeof(*r));
    cm_interfaces_init(&r->table);
    r->layout.interfaces = &r->table;
    put_section(&r->made, 1, 0);
    put_interface(&r->made, 1, 0, 0, 0);
    put_enhanced(&r->made, 0, 1000, 4, 4);
    cm_check_eq(cm_layout_open(&r->layout, "made", r->made.bytes, r->made.n, false, &header_bytes, NULL),
                CAPMILL_OK);
    cm_check_eq(cm_layout_frame(&r->layout, r->made.bytes, r->made.n, 0, UINT64_MAX, false, &r->batch,
                                &r->used, &wanted, &reason, NULL),
                CM_FRAME_MORE);
    cm_check_eq(r->batch.n_packets, 1);
    r->layout.table_frozen = true;
    r->batch.n_packets = r->batch.n_events = 0;
    r->made.n = 0;
}

static enum cm_frame_result frame_range(struct range *r, uint64_t offset)
{
    size_t wanted;
    const char *reason;

    r->batch.n_packets = r->batch.n_events = 0;
    return cm_layout_frame(&r->layout, r->made.bytes, r->made.n, offset, UINT64_MAX, true, &r->batch,
                           &r->used, &wanted, &reason, NULL);
}

static void end_range(struct range *r)
{
    cm_interfaces_fini(&r->table);
    made_free(&r->made);
}

CM_TEST(pcapng, frozen_table_ends_at_what_changes_it)
{
    for (int kind = 0; kind < 3; kind++) {
        static struct range r;
        size_t at;

        begin_range(&r);
        put_enhanced(&r.made, 0, 1001, 4, 4);
        at = r.made.n;
        if (kind == 0)
            put_section(&r.made, 1, 0);
        else if (kind == 1)
            put_interface(&r.made, 1, 0, 0, 0);
        else
            put_enhanced(&r.made, 1, 1001, 4, 4);
        cm_check_eq(frame_range(&r, 1 << 20), CM_FRAME_UNSETTLED);
        cm_check_eq(r.used, at);
        cm_check_eq(r.batch.n_packets, 1);
        cm_check_eq(r.batch.n_events, 0);
        cm_check_eq(r.table.n, 1);
        end_range(&r);
    }
}

CM_TEST(pcapng, frozen_range_settles_simple_packets_only_after_a_timed_one)
{
    static struct range r;

    begin_range(&r);
    put_simple(&r.made, 4, 4);
    cm_check_eq(frame_range(&r, 1 << 20), CM_FRAME_UNSETTLED);
    cm_check_eq(r.used, 0);
    end_range(&r);

    begin_range(&r);
    put_enhanced(&r.made, 0, 1001, 4, 4);
    put_simple(&r.made, 4, 4);
    cm_check_eq(frame_range(&r, 1 << 20), CM_FRAME_MORE);
    cm_check_eq(r.batch.n_packets, 2);
    cm_check_eq(r.batch.packets[1].time_ns, 1001000);
    end_range(&r);

    /* where framing goes on exactly where it stopped, the packet before is known */
    begin_range(&r);
    put_simple(&r.made, 4, 4);
    cm_check_eq(frame_range(&r, r.layout.framed_to), CM_FRAME_MORE);
    cm_check_eq(r.batch.packets[0].time_ns, 1000000);
    end_range(&r);
}

CM_TEST(pcapng, many_events_fill_a_batch_and_nothing_is_lost)
{
    struct made m = {0};
    struct cm_driven d;

    put_section(&m, 1, 0);
    for (int i = 0; i < 1000; i++)
        put_interface(&m, (uint16_t)i, 0, 0, 0);
    put_enhanced(&m, 999, 1, 4, 4);
    cm_drive(&d, "made", m.bytes, m.n, 0);
    cm_check_eq(d.n_items, 1002);
    cm_check_eq(nth_packet(&d, 0)->link_type, 999);
    for (uint32_t i = 0; i < 1000; i++)
        cm_check_eq(cm_interfaces_get(&d.interfaces, i)->link_type, i);
    cm_check(cm_interfaces_get(&d.interfaces, 1000) == NULL);
    cm_driven_free(&d);
    made_free(&m);
}

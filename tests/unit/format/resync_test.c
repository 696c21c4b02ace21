/* SPDX-License-Identifier: Apache-2.0 */
/* After garbage the next sound record is found, a capture inside a payload is not taken for records, and
 * hostile bytes cost no more time than others. */
#include <time.h>

#include "unit/format/capture_bytes.h"

#define LONGEST_CHAIN_BYTES (CM_MAX_PACKET_BYTES + 1024)

static struct cm_layout pcap_layout(bool big)
{
    struct cm_layout layout = {.kind = CM_CAPTURE_PCAP,
                               .big_endian = big,
                               .record_header_bytes = 16,
                               .max_packet_bytes = CM_MAX_PACKET_BYTES,
                               .snaplen = 65535,
                               .link_type = 1};

    return layout;
}

static struct cm_layout pcapng_layout(bool big)
{
    struct cm_layout layout = {
        .kind = CM_CAPTURE_PCAPNG, .big_endian = big, .max_packet_bytes = CM_MAX_PACKET_BYTES};

    return layout;
}

static void put_some_records(struct made *m, size_t n_bytes, uint32_t caplen)
{
    size_t end = m->n + n_bytes;

    for (uint32_t i = 0; m->n < end; i++)
        put_record(m, 1700000000 + i, i % 1000000, caplen + i % 7, caplen + i % 7);
}

CM_TEST(resync, garbage_between_records_is_skipped_exactly)
{
    /* from one header's length on: pcap has no magic, and a header that is shifted by some bytes may look
     * like one */
    for (size_t garbage = 16; garbage < 600000; garbage = garbage * 5 + 3) {
        struct made m = {.big = garbage % 2 == 0};
        struct cm_driven d;
        size_t n_before;

        put_pcap_header(&m, 0xa1b2c3d4, 4, 1);
        put_some_records(&m, 5000, 100);
        n_before = m.n;
        put_noise(&m, garbage, 77);
        put_some_records(&m, 400000, 300);
        drive_all_ways(&d, &m);
        cm_check_eq(d.n_damages, 1);
        cm_check_eq(nth_event(&d, CM_EVENT_DAMAGE, 0)->place, n_before);
        cm_check_eq(d.damaged_bytes, garbage);
        cm_driven_free(&d);
        made_free(&m);
    }
}

CM_TEST(resync, pcapng_blocks_are_found_again)
{
    for (size_t garbage = 1; garbage < 600000; garbage = garbage * 5 + 3) {
        struct made m = {.big = garbage % 2 == 0};
        struct cm_driven d;

        put_section(&m, 1, 0);
        put_interface(&m, 1, 0, 0, 0);
        put_enhanced(&m, 0, 1, 60, 60);
        put_noise(&m, garbage, 77);
        for (uint32_t i = 0; i < 3000; i++)
            put_enhanced(&m, 0, i, 100 + i % 9, 200);
        drive_all_ways(&d, &m);
        cm_check_eq(d.n_packets, 3001);
        cm_check_eq(d.n_damages, 1);
        cm_check_eq(d.damaged_bytes, garbage);
        cm_driven_free(&d);
        made_free(&m);
    }
}

CM_TEST(resync, capture_inside_a_payload_is_not_taken_for_records)
{
    /* one greatest packet, full of the records of another capture; the search begins inside it */
    struct made inner = {0}, m = {0};
    struct cm_layout layout = pcap_layout(false);
    size_t skip, wanted, after;

    put_some_records(&inner, CM_MAX_PACKET_BYTES, 90);
    put32(&m, 1700000000);
    put32(&m, 1);
    put32(&m, CM_MAX_PACKET_BYTES);
    put32(&m, CM_MAX_PACKET_BYTES);
    put_bytes(&m, inner.bytes, CM_MAX_PACKET_BYTES);
    after = m.n;
    put_some_records(&m, LONGEST_CHAIN_BYTES, 500);
    cm_check_eq(cm_layout_resync(&layout, m.bytes + 16, m.n - 16, false, &skip, &wanted), CAPMILL_OK);
    cm_check_eq(16 + skip, after);
    made_free(&inner);
    made_free(&m);
}

CM_TEST(resync, pcapng_inside_a_payload_is_not_taken_for_blocks)
{
    struct made inner = {0}, m = {0};
    struct cm_layout layout = pcapng_layout(false);
    size_t skip, wanted, at, after;

    while (inner.n < CM_MAX_PACKET_BYTES)
        put_enhanced(&inner, 0, inner.n, 90, 90);
    at = put_enhanced(&m, 0, 1, CM_MAX_PACKET_BYTES, CM_MAX_PACKET_BYTES);
    memcpy(m.bytes + at + 28, inner.bytes, CM_MAX_PACKET_BYTES);
    after = m.n;
    while (m.n < after + LONGEST_CHAIN_BYTES)
        put_enhanced(&m, 0, m.n, 500, 500);
    cm_check_eq(cm_layout_resync(&layout, m.bytes + 28, m.n - 28, false, &skip, &wanted), CAPMILL_OK);
    cm_check_eq(28 + skip, after);
    made_free(&inner);
    made_free(&m);
}

CM_TEST(resync, short_chains_count_only_at_the_end)
{
    struct made m = {0};
    struct cm_layout layout = pcap_layout(false);
    size_t skip, wanted, first;

    put_noise(&m, 1000, 3);
    first = m.n;
    put_record(&m, 1700000000, 1, 1500, 1500);
    cm_check_eq(cm_layout_resync(&layout, m.bytes, m.n, false, &skip, &wanted), CAPMILL_AGAIN);
    cm_check_eq(skip, first);
    cm_check(wanted > 0);
    cm_check_eq(cm_layout_resync(&layout, m.bytes, m.n, true, &skip, &wanted), CAPMILL_OK);
    cm_check_eq(skip, first);
    /* fewer bytes than a header after one record prove nothing, after two they do */
    put_noise(&m, 5, 1);
    cm_check_eq(cm_layout_resync(&layout, m.bytes, m.n, true, &skip, &wanted), CAPMILL_END);
    cm_check_eq(skip, m.n);
    m.n -= 5;
    put_record(&m, 1700000000, 1, 1500, 1500);
    put_noise(&m, 5, 1);
    cm_check_eq(cm_layout_resync(&layout, m.bytes, m.n, true, &skip, &wanted), CAPMILL_OK);
    cm_check_eq(skip, first);
    /* a whole header whose record is cut does after one */
    m.n = first;
    put_record(&m, 1700000000, 1, 1500, 1500);
    put_record(&m, 1700000000, 1, 1500, 1500);
    m.n -= 20;
    cm_check_eq(cm_layout_resync(&layout, m.bytes, m.n, true, &skip, &wanted), CAPMILL_OK);
    cm_check_eq(skip, first);
    /* but is no record on its own */
    cm_check_eq(cm_layout_resync(&layout, m.bytes + first + 1516, m.n - first - 1516, true, &skip, &wanted),
                CAPMILL_END);
    made_free(&m);
}

CM_TEST(resync, zeros_hold_no_record)
{
    struct made m = {0};
    struct cm_layout layout = pcap_layout(false), ng = pcapng_layout(false);
    size_t skip, wanted;

    made_room(&m, 3 * CM_MAX_PACKET_BYTES);
    cm_check_eq(cm_layout_resync(&layout, m.bytes, m.n, true, &skip, &wanted), CAPMILL_END);
    cm_check_eq(cm_layout_resync(&ng, m.bytes, m.n, true, &skip, &wanted), CAPMILL_END);
    cm_check_eq(cm_layout_resync(&layout, m.bytes, m.n, false, &skip, &wanted), CAPMILL_AGAIN);
    cm_check_eq(skip, m.n - 15);
    made_free(&m);
}

CM_TEST(resync, answer_does_not_depend_on_how_much_is_at_hand)
{
    struct made m = {0};
    struct cm_layout layout = pcap_layout(false);
    size_t skip, wanted, first, dropped = 0, at_hand = 1000;
    enum capmill_status status;

    put_noise(&m, 123457, 9);
    first = m.n;
    put_some_records(&m, 2 * LONGEST_CHAIN_BYTES, 1400);
    while ((status = cm_layout_resync(&layout, m.bytes + dropped, at_hand, false, &skip, &wanted)) ==
           CAPMILL_AGAIN) {
        dropped += skip;
        at_hand = at_hand - skip + wanted;
        cm_check(at_hand <= CM_RESYNC_BYTES && dropped + at_hand <= m.n);
    }
    cm_check_eq(status, CAPMILL_OK);
    cm_check_eq(dropped + skip, first);
    made_free(&m);
}

/* Chains of the shortest records, each nearly as long as one that would be believed, that fail at their end:
 * without marks every record would be walked through some 15,000 times. */
#define HOSTILE_BYTES (8u * 1024 * 1024)

static void check_hostile(struct cm_layout layout, const struct made *m)
{
    size_t skip, wanted;
    clock_t begun = clock();

    cm_check_eq(cm_layout_resync(&layout, m->bytes, m->n, true, &skip, &wanted), CAPMILL_END);
    /* some 0.05 s; quadratic: tens of seconds */
    cm_check_that((double)(clock() - begun) / CLOCKS_PER_SEC < 4.0, "not linear: %.1f s",
                  (double)(clock() - begun) / CLOCKS_PER_SEC);
}

CM_TEST(resync, hostile_pcap_takes_linear_time)
{
    struct made m = {0};

    while (m.n < HOSTILE_BYTES) {
        size_t end = m.n + CM_MAX_PACKET_BYTES - 64;

        while (m.n < end) {
            uint8_t *p = made_room(&m, 17);

            p[4] = p[5] = 0xff; /* a fraction that makes sense only when read from here */
            p[8] = p[12] = 1;
        }
        memset(made_room(&m, 40), 0xff, 40);
    }
    check_hostile(pcap_layout(false), &m);
    made_free(&m);
}

CM_TEST(resync, hostile_pcapng_takes_linear_time)
{
    struct made m = {0};

    while (m.n < HOSTILE_BYTES) {
        size_t end = m.n + CM_MAX_PACKET_BYTES - 64;

        while (m.n < end) {
            /* sections that change the byte order again and again, and the shortest blocks */
            if (m.n % 1000 == 0) {
                m.big = !m.big;
                put_section(&m, 1, 0);
            }
            end_block(&m, begin_block(&m, 4));
        }
        put_noise(&m, 21, 1);
    }
    check_hostile(pcapng_layout(false), &m);
    made_free(&m);
}

CM_TEST(resync, every_place_of_a_capture_leads_to_the_next_record)
{
    struct made m = {.big = true};
    struct cm_layout layout = pcap_layout(true);
    size_t begins[40], n_begins = 0, next = 0;

    for (uint32_t i = 0; i < 40; i++) {
        begins[n_begins++] = m.n;
        put_record(&m, 1700000000 + i, i, 40 + i, 80);
    }
    for (size_t at = 0; at < begins[38]; at++) {
        size_t skip, wanted;

        if (at > begins[next])
            next++;
        cm_check_eq(cm_layout_resync(&layout, m.bytes + at, m.n - at, true, &skip, &wanted), CAPMILL_OK);
        cm_check_eq(at + skip, begins[next]);
    }
    made_free(&m);
}

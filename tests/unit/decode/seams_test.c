/* SPDX-License-Identifier: Apache-2.0 */
/* Whenever no seam is disproved, ranges framed apart found what one chain finds: packets, events and damage,
 * whatever the capture, its damage, the size of ranges and segments, and the order of the results. */
#include "unit/decode/memory_source.h"

#define LINK_ETHERNET 1
#define BEGIN_S       1700000000u

static uint32_t drawn_length(uint64_t *seed)
{
    switch (drawn_in(seed, 0, 39)) {
    case 0:
        return 0;
    case 1:
        return (uint32_t)drawn_in(seed, 9000, 70000);
    case 2:
        return drawn_in(seed, 0, 9) == 0 ? 262144 : 65535;
    default:
        return (uint32_t)drawn_in(seed, 1, 1500);
    }
}

static void make_pcap(struct made *made, uint64_t *seed, size_t n_bytes)
{
    bool nanoseconds = drawn_in(seed, 0, 1) == 1;

    made->big = drawn_in(seed, 0, 1) == 1;
    put_pcap_header(made, nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, 4, LINK_ETHERNET);
    while (made->n < n_bytes) {
        uint32_t caplen = drawn_length(seed);

        put_record(made, BEGIN_S + (uint32_t)(made->n >> 12), (uint32_t)drawn_in(seed, 0, 999999), caplen,
                   caplen + (drawn_in(seed, 0, 7) == 0 ? 100 : 0) + (caplen == 0));
    }
}

static void make_pcapng(struct made *made, uint64_t *seed, size_t n_bytes)
{
    bool settled = drawn_in(seed, 0, 3) != 0; /* nothing in mid-file that ranges do not know */
    uint32_t n_interfaces = 0;
    size_t at;

    made->big = drawn_in(seed, 0, 1) == 1;
    put_section(made, 1, 0);
    while (n_interfaces == 0 || drawn_in(seed, 0, 2) == 0) {
        put_interface(made, LINK_ETHERNET, 0, (uint8_t)drawn_in(seed, 0, 9), 0);
        n_interfaces++;
    }
    while (made->n < n_bytes) {
        switch (drawn_in(seed, 0, 59)) {
        case 0:
            if (!settled && drawn_in(seed, 0, 7) == 0) {
                put_interface(made, LINK_ETHERNET, 0, 9, 0);
                n_interfaces++;
            }
            break;
        case 1:
            if (!settled && drawn_in(seed, 0, 15) == 0) {
                made->big = drawn_in(seed, 0, 1) == 1;
                put_section(made, 1, 0);
                put_interface(made, LINK_ETHERNET, 0, 6, 0);
                n_interfaces = 1;
            }
            break;
        case 2:
            put_simple(made, 60, 60);
            break;
        case 3:
            at = begin_block(made, 5); /* interface statistics */
            put32(made, 0);
            put64(made, 1);
            end_block(made, at);
            break;
        case 4:
            at = begin_block(made, 0x80000001); /* of a type that nobody knows */
            put_noise(made, (size_t)drawn_in(seed, 0, 3000), 7);
            end_block(made, at);
            break;
        default: {
            uint32_t caplen = drawn_length(seed);

            put_enhanced(made, (uint32_t)drawn_in(seed, 0, n_interfaces - 1),
                         UINT64_C(1700000000000000) + made->n, caplen, caplen);
        }
        }
    }
}

/* A packet whose payload is itself a capture: `n_bytes` of records. */
static void put_capture_inside(struct made *made, uint64_t *seed, bool pcapng, size_t n_bytes)
{
    struct made inner = {.big = made->big};
    size_t at;

    while (inner.n < n_bytes) {
        if (pcapng)
            put_enhanced(&inner, 0, inner.n, (uint32_t)drawn_in(seed, 60, 1500), 1500);
        else
            put_record(&inner, BEGIN_S, 5, (uint32_t)drawn_in(seed, 60, 1500), 1500);
    }
    if (pcapng) {
        at = begin_block(made, 6);
        put32(made, 0);
        put64(made, 1);
        put32(made, (uint32_t)inner.n);
        put32(made, (uint32_t)inner.n);
        put_bytes(made, inner.bytes, inner.n);
        end_block(made, at);
    } else {
        put32(made, BEGIN_S);
        put32(made, 1);
        put32(made, (uint32_t)inner.n);
        put32(made, (uint32_t)inner.n);
        put_bytes(made, inner.bytes, inner.n);
    }
    made_free(&inner);
}

static void do_damage(struct made *made, uint64_t *seed)
{
    uint64_t n = drawn_in(seed, 1, 4);

    while (n-- > 0) {
        size_t at = (size_t)drawn_in(seed, 200, made->n - 1);
        size_t hole = (size_t)cm_min_u64(drawn_in(seed, 1, 200000), made->n - at);

        switch (drawn_in(seed, 0, 5)) {
        case 0:
            made->bytes[at] ^= (uint8_t)drawn_in(seed, 1, 255);
            break;
        case 1:
            for (size_t i = 0; i < 16 && at + i < made->n; i++)
                made->bytes[at + i] = (uint8_t)drawn(seed);
            break;
        case 2:
            memset(made->bytes + at, 0, hole);
            break;
        case 3:
            memset(made->bytes + at, 0xff, hole);
            break;
        case 4:
            put_noise(made, hole, 11);
            break;
        default: {
            /* bytes that were lost */
            size_t lost = (size_t)cm_min_u64(drawn_in(seed, 1, 5000), made->n - at);

            memmove(made->bytes + at, made->bytes + at + lost, made->n - at - lost);
            made->n -= lost;
        }
        }
    }
}

static void check_alike(const struct framed *apart, const struct framed *chain,
                        const struct cm_seams *apart_seams, const struct cm_seams *chain_seams, uint64_t seed)
{
    const struct cm_damage *damages, *expected;
    uint64_t n_damages, n_expected, n_bytes, n_expected_bytes;
    size_t n = cm_seams_damages(apart_seams, &damages, &n_damages, &n_bytes);

    cm_check_that(apart->n == chain->n, "seed %" PRIu64 ": %zu packets apart, %zu as a chain", seed, apart->n,
                  chain->n);
    for (size_t i = 0; i < apart->n; i++)
        cm_check_that(memcmp(&apart->packets[i], &chain->packets[i], sizeof(apart->packets[i])) == 0,
                      "seed %" PRIu64 ": packet %zu at %" PRIu64 " or %" PRIu64 " differs", seed, i,
                      apart->packets[i].place, chain->packets[i].place);
    cm_check_that(apart->n_events == chain->n_events, "seed %" PRIu64 ": events", seed);
    cm_check_that(n == cm_seams_damages(chain_seams, &expected, &n_expected, &n_expected_bytes),
                  "seed %" PRIu64 ": located damages", seed);
    cm_check_that(n_damages == n_expected && n_bytes == n_expected_bytes,
                  "seed %" PRIu64 ": %" PRIu64 " damages of %" PRIu64 " bytes, %" PRIu64 " of %" PRIu64
                  " as a chain",
                  seed, n_damages, n_bytes, n_expected, n_expected_bytes);
    for (size_t i = 0; i < n; i++)
        cm_check_that(damages[i].place == expected[i].place && damages[i].n_bytes == expected[i].n_bytes &&
                          strcmp(damages[i].reason, expected[i].reason) == 0,
                      "seed %" PRIu64 ": damage %zu at %" PRIu64 " or %" PRIu64, seed, i, damages[i].place,
                      expected[i].place);
    for (size_t i = 1; i < n; i++)
        cm_check_that(damages[i - 1].place <= damages[i].place, "seed %" PRIu64 ": order of damages", seed);
    cm_check_eq(cm_seams_packets(apart_seams), apart->n);
    cm_check_eq(cm_seams_packets(chain_seams), chain->n);
    cm_check_eq(cm_seams_landing(apart_seams), cm_seams_landing(chain_seams));
}

/* Every byte is a packet's, a block's, a header's, or damage: nothing is lost without a word. */
static void check_whole(const struct framed *chain, const struct cm_seams *seams, size_t n_bytes, bool pcap,
                        uint64_t seed)
{
    const struct cm_damage *damages;
    uint64_t n_damages, damaged_bytes;
    uint64_t sum = 24;

    cm_seams_damages(seams, &damages, &n_damages, &damaged_bytes);
    for (size_t i = 0; i < chain->n; i++)
        sum += chain->packets[i].record_bytes;
    if (pcap)
        cm_check_that(sum + damaged_bytes == n_bytes,
                      "seed %" PRIu64 ": %" PRIu64 " bytes of packets, %" PRIu64 " damaged, %zu in all", seed,
                      sum, damaged_bytes, n_bytes);
}

/* One capture in ranges of one size. Answers whether the seams were proved. */
static bool compare(const struct made *made, uint64_t range_bytes, size_t look_bytes, uint64_t seed)
{
    struct cm_seams *chain_seams = cm_seams_create();
    struct cm_seams *other_seams = cm_seams_create();
    struct cm_seams *apart_seams = cm_seams_create();
    struct framed chain, other, apart;
    bool proved;

    cm_check(framed_as_chain(&chain, chain_seams, made->bytes, made->n, range_bytes, seed));
    check_whole(&chain, chain_seams, made->n, cm_load_u32(made->bytes) != 0x0a0d0d0a, seed);
    /* how a chain is cut into ranges changes nothing either */
    cm_check(framed_as_chain(&other, other_seams, made->bytes, made->n, UINT64_MAX / 2, seed + 1));
    check_alike(&other, &chain, other_seams, other_seams, seed);
    proved = framed_apart(&apart, apart_seams, made->bytes, made->n, look_bytes, range_bytes, seed + 2);
    if (proved)
        check_alike(&apart, &chain, apart_seams, chain_seams, seed);
    framed_free(&chain);
    framed_free(&other);
    framed_free(&apart);
    cm_seams_destroy(chain_seams);
    cm_seams_destroy(other_seams);
    cm_seams_destroy(apart_seams);
    return proved;
}

/* Ranges of 4 to 64 KiB, but no more than some dozen of them: each looks ahead by a greatest record. */
static uint64_t drawn_range(uint64_t *seed, size_t n)
{
    static const uint64_t sizes[] = {4096, 8192, 16384, 65536, 300000};
    uint64_t range = sizes[drawn_in(seed, 0, 4)];

    return cm_max_u64(range, n / 24 + drawn_in(seed, 0, 100));
}

static unsigned compare_many(uint64_t first_seed, unsigned n, bool pcapng, bool damaged)
{
    unsigned n_proved = 0;

    for (uint64_t i = first_seed; i < first_seed + n; i++) {
        struct made made = {0};
        uint64_t seed = i;
        size_t n_bytes = (size_t)drawn_in(&seed, 0, 3) == 0 ? (size_t)drawn_in(&seed, 200, 20000)
                                                            : (size_t)drawn_in(&seed, 20000, 700000);

        if (pcapng)
            make_pcapng(&made, &seed, n_bytes);
        else
            make_pcap(&made, &seed, n_bytes);
        if (drawn_in(&seed, 0, 3) == 0) {
            put_capture_inside(&made, &seed, pcapng, 150000);
            for (uint32_t more = 0; more < 50; more++) {
                if (pcapng)
                    put_enhanced(&made, 0, 1, 1000, 1000);
                else
                    put_record(&made, BEGIN_S, more, 1000, 1000);
            }
        }
        if (damaged && made.n > 300)
            do_damage(&made, &seed);
        n_proved +=
            compare(&made, drawn_range(&seed, made.n), drawn_in(&seed, 0, 3) == 0 ? 2000 : 256 * 1024, i);
        made_free(&made);
    }
    return n_proved;
}

CM_TEST(seams, sound_pcap)
{
    unsigned n_proved = compare_many(1000, 40, false, false);

    cm_check_that(n_proved >= 20, "only %u of 40 were proved: the comparison says little", n_proved);
}

CM_TEST(seams, damaged_pcap)
{
    unsigned n_proved = compare_many(2000, 60, false, true);

    cm_check_that(n_proved >= 20, "only %u of 60 were proved: the comparison says little", n_proved);
}

CM_TEST(seams, sound_pcapng)
{
    unsigned n_proved = compare_many(3000, 40, true, false);

    cm_check_that(n_proved >= 4, "only %u of 40 were proved: the comparison says little", n_proved);
}

CM_TEST(seams, damaged_pcapng)
{
    unsigned n_proved = compare_many(4000, 60, true, true);

    cm_check_that(n_proved >= 4, "only %u of 60 were proved: the comparison says little", n_proved);
}

/* A hole that covers whole ranges. No range begins so shortly before it that the search for a record would
 * find too short a chain there: nothing to disprove. */
CM_TEST(seams, a_hole_of_zeros_over_several_ranges_is_one_damage)
{
    struct made made = {0};
    struct cm_seams *seams = cm_seams_create();
    const struct cm_damage *damages;
    uint64_t n_damages, n_bytes;
    struct framed apart;

    put_pcap_header(&made, 0xa1b2c3d4, 4, LINK_ETHERNET);
    for (uint32_t i = 0; i < 8000; i++)
        put_record(&made, BEGIN_S + i, 0, 184, 184);
    memset(made.bytes + 24 + 200 * 1250, 0, 200 * 3750); /* 250 KB to 1 MB */
    cm_check(compare(&made, 300000, 256 * 1024, 5));
    cm_check(framed_apart(&apart, seams, made.bytes, made.n, 256 * 1024, 300000, 6));
    cm_check_eq(apart.n, 8000 - 3750);
    cm_check_eq(cm_seams_damages(seams, &damages, &n_damages, &n_bytes), 1);
    cm_check_eq(n_damages, 1);
    cm_check_eq(damages[0].place, 24 + 200 * 1250);
    cm_check_eq(damages[0].n_bytes, 200 * 3750);
    cm_check_eq(n_bytes, 200 * 3750);
    framed_free(&apart);
    cm_seams_destroy(seams);
    made_free(&made);
}

CM_TEST(seams, what_ranges_apart_cannot_know_disproves_them)
{
    static const size_t places[] = {0, 300, 999};

    for (size_t i = 0; i < CM_ARRAY_COUNT(places); i++) {
        struct made made = {0};

        put_section(&made, 1, 0);
        put_interface(&made, LINK_ETHERNET, 0, 9, 0);
        for (size_t p = 0; p < 1000; p++) {
            put_enhanced(&made, 0, p, 1000, 1000);
            if (p == places[i])
                put_interface(&made, LINK_ETHERNET, 0, 9, 0);
        }
        cm_check(!compare(&made, 65536, 256 * 1024, i));
        made_free(&made);
    }
}

/* More damages than a range locates: counted all the same, and the same both ways. */
CM_TEST(seams, damages_beyond_those_located_are_counted)
{
    struct made made = {0};
    struct cm_seams *seams = cm_seams_create();
    const struct cm_damage *damages;
    uint64_t n_damages, n_bytes;
    struct framed apart;

    put_section(&made, 1, 0);
    put_interface(&made, LINK_ETHERNET, 0, 9, 0);
    for (uint32_t i = 0; i < 3000; i++) {
        size_t at = put_enhanced(&made, 0, i, 100, 100);

        if (i % 3 == 1)
            cm_store_u32_as(made.bytes + at + 20, 5000, made.big); /* beyond its block */
    }
    framed_apart(&apart, seams, made.bytes, made.n, 256 * 1024, made.n, 7);
    cm_check_eq(apart.n, 2000);
    cm_check_eq(cm_seams_damages(seams, &damages, &n_damages, &n_bytes), CM_RANGE_DAMAGES);
    cm_check_eq(n_damages, 1000);
    cm_check_eq(n_bytes, 1000 * 132);
    cm_check_eq(apart.n_damages, 1000);
    framed_free(&apart);
    cm_seams_destroy(seams);
    made_free(&made);
}

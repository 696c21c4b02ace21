/* SPDX-License-Identifier: Apache-2.0 */
/* Captures are what their recipes say: same bytes whatever the order of making, sound headers and checksums,
 * sizes, shares, disorder. */
#include <math.h>

#include "synth/draw.h"
#include "unit/synth/made_capture.h"
#include "wire/checksum.h"
#include "wire/headers.h"

/* Decode one whole packet and check every checksum in it. */
static struct cm_headers check_packet(const struct made_packet *packet)
{
    struct cm_headers headers;
    const uint8_t *ip, *l4;

    cm_wire_decode(1, packet->data, packet->caplen, &headers);
    cm_check(headers.ip_version == 4 || headers.ip_version == 6);
    cm_check_eq(headers.flags & (CM_HEADERS_CUT | CM_HEADERS_BAD | CM_HEADERS_FRAGMENT), 0);
    cm_check(headers.flags & CM_HEADERS_ADDRESSES);
    cm_check_eq(headers.inner_kind, CM_INNER_NONE);
    ip = packet->data + headers.l3_offset;
    l4 = packet->data + headers.l4_offset;
    if (headers.ip_version == 4) {
        cm_check(cm_wire_verify_ipv4(ip));
        cm_check_eq(cm_load_be16(ip + 2), packet->caplen - headers.l3_offset);
    } else {
        cm_check_eq(cm_load_be16(ip + 4), packet->caplen - headers.l4_offset);
    }
    cm_check(cm_wire_verify_l4(ip, headers.protocol, l4, packet->caplen - headers.l4_offset));
    if (headers.protocol == 17)
        cm_check(cm_load_be16(l4 + 6) != 0 && cm_load_be16(l4 + 4) == packet->caplen - headers.l4_offset);
    return headers;
}

static void check_same_bytes(const char *text)
{
    struct made_capture a = made_capture(text, false), b = made_capture(text, true);

    cm_check(a.n_blocks > 2);
    cm_check_eq(a.n, b.n);
    cm_check_mem(a.bytes, b.bytes, a.n);
    made_free(&a);
    made_free(&b);
}

CM_TEST(generate, same_bytes_in_any_order_of_blocks)
{
    check_same_bytes("size = 7M\norder = displaced");
    check_same_bytes("size = 7M\norder = shuffled\nformat = pcapng\npayload = text");
    check_same_bytes("size = 7M\ntcp = conversations");
    check_same_bytes(
        "size = 7M\ntcp = conversations\norder = displaced\ndisplaced-by = 20ms\ntcp-retransmit = 5%");
    check_same_bytes("size = 7M\npacket-sizes = 64\nsnaplen = 50\norder = shuffled\ntcp = conversations");
}

CM_TEST(generate, seeds_give_other_bytes)
{
    struct made_capture a = made_capture("packets = 500\nseed = 1", false);
    struct made_capture b = made_capture("packets = 500\nseed = 2", false);

    cm_check(a.n != b.n || memcmp(a.bytes, b.bytes, a.n) != 0);
    made_free(&a);
    made_free(&b);
}

static uint64_t hash_bytes(const uint8_t *bytes, size_t n)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static void check_hash(const char *text, uint64_t expected)
{
    struct made_capture made = made_capture(text, false);
    uint64_t hash = hash_bytes(made.bytes, made.n);

    cm_check_that(hash == expected, "%s: hash is 0x%016" PRIx64, text, hash);
    made_free(&made);
}

/* Recipes are published with checksums of what they give: a change here is a change for everybody who has
 * such a file. It also holds compilers and systems to one another. */
CM_TEST(generate, bytes_are_these_on_every_machine)
{
    check_hash("size = 3M\nipv6 = 20%\nvlan = 20%\nqinq = 10%\norder = displaced",
               UINT64_C(0x442a471def096eeb));
    check_hash(
        "size = 3M\nformat = pcapng\nbyte-order = big\nresolution = ns\norder = shuffled\nflows = 1000000",
        UINT64_C(0xa1be3cefdec69381));
    check_hash("size = 3M\ntcp = conversations\npayload = text\ntcp-retransmit = 2%\ntcp-reorder = 2%",
               UINT64_C(0xcfc70b59ebcbde37));
}

/* Every packet sound; answers how many. */
static uint64_t check_all(const char *text)
{
    struct made_capture made = made_capture(text, false);
    struct made_packet packet;
    uint64_t n = 0;

    for (size_t at = made_first(&made); made_next(&made, &at, &packet); n++)
        check_packet(&packet);
    cm_check_eq(n, made.n_packets);
    made_free(&made);
    return n;
}

CM_TEST(generate, every_packet_is_sound)
{
    check_all("size = 2M");
    check_all("size = 2M\npacket-sizes = uniform 42-1600\nipv6 = 50%\nvlan = 30%\nqinq = 30%");
    check_all("size = 2M\npacket-sizes = uniform 42-130\nipv6 = 50%\nvlan = 30%\nqinq = 30%\npayload = text");
    check_all("size = 2M\npacket-sizes = uniform 42-130\nipv6 = 50%\nvlan = 30%\nqinq = 30%\npayload = zero");
    check_all("size = 20M\npacket-sizes = uniform 65000-65535\nipv6 = 50%\nqinq = 30%\npayload = text");
    check_all("size = 20M\npacket-sizes = 65535\nipv6 = 50%\nqinq = 30%");
    check_all("size = 2M\nformat = pcapng\nbyte-order = big\npacket-sizes = uniform 60-90");
    check_all(
        "size = 2M\nformat = pcapng\nresolution = ns\nbyte-order = little\ntcp = conversations\nipv6 = 40%");
    check_all("size = 5M\npacket-sizes = 65535\ntcp = conversations\nprotocols = tcp");
    check_all("size = 1M\npacket-sizes = 42\ntcp = conversations\nprotocols = tcp:1,icmp:1\nvlan = 100%");
    cm_check_eq(check_all("packets = 1"), 1);
    cm_check_eq(check_all("packets = 9999\ntcp = conversations\norder = shuffled"), 9999);
}

/* Recipes nobody thought of: each key takes one of some values at random. */
CM_TEST(generate, keys_go_together_in_any_way)
{
    static const char *const lines[][6] = {
        {"seed = 3", "seed = 0", "seed = 18446744073709551615"},
        {"format = pcap", "format = pcapng"},
        {"resolution = us", "resolution = ns"},
        {"byte-order = little", "byte-order = big"},
        {"packet-sizes = imix", "packet-sizes = 42", "packet-sizes = uniform 42-200",
         "packet-sizes = 65535:1,42:300", "packet-sizes = 100,101,102,103"},
        {"flows = 18", "flows = 1000", "flows = 134217728"},
        {"popularity = 0", "popularity = 1", "popularity = 4"},
        {"protocols = tcp", "protocols = tcp:1,udp:1,icmp:1", "protocols = tcp:90,icmp:10",
         "protocols = udp:1,tcp:8"},
        {"ipv6 = 0%", "ipv6 = 100%", "ipv6 = 0.0001%", "ipv6 = 50%"},
        {"vlan = 0%", "vlan = 50%", "vlan = 0.001%"},
        {"qinq = 0%", "qinq = 50%", "qinq = 0.001%"},
        {"rate = 1Mpps", "rate = 1000Gpps", "rate = 1kbit", "rate = 100Gbit", "rate = 999999999999pps"},
        {"gap-share = 0%", "gap-share = 50%", "gap-share = 99%"},
        {"gap-length = 1ns", "gap-length = 1s"},
        {"order = sorted", "order = displaced", "order = shuffled"},
        {"displaced = 0%", "displaced = 100%", "displaced = 10%"},
        {"displaced-by = 1ns", "displaced-by = 1d", "displaced-by = 10us"},
        {"tcp = stateless", "tcp = conversations"},
        {"tcp-retransmit = 0%", "tcp-retransmit = 100%", "tcp-retransmit = 10%"},
        {"tcp-reorder = 0%", "tcp-reorder = 100%", "tcp-reorder = 10%"},
        {"tcp-reset = 0%", "tcp-reset = 100%"},
        {"payload = random", "payload = zero", "payload = text"},
    };
    struct cm_synth_draw_row row = {cm_synth_draw_key(2024, CM_SYNTH_DRAW_PLAN), 0};

    for (int i = 0; i < 60; i++) {
        char text[2048] = "";
        size_t n = 0;

        for (size_t k = 0; k < sizeof(lines) / sizeof(lines[0]); k++) {
            uint32_t n_values = 0;

            while (n_values < 6 && lines[k][n_values] != NULL)
                n_values++;
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\n",
                                  lines[k][cm_synth_draw_next_below(&row, n_values)]);
        }
        snprintf(text + n, sizeof(text) - n, "packets = %" PRIu32 "\n",
                 1 + cm_synth_draw_next_below(&row, 5000));
        check_all(text);
    }
}

CM_TEST(generate, a_size_is_met_within_one_packet)
{
    static const uint64_t sizes[] = {4000, 65536, 1000003, 2097152, 5000000, 20971520};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (int conversations = 0; conversations < 2; conversations++) {
            char text[256];
            struct cm_synth *synth;

            snprintf(text, sizeof(text), "size = %" PRIu64 "\ntcp = %s\norder = displaced", sizes[i],
                     conversations ? "conversations" : "stateless");
            synth = made_synth(text);
            cm_check(cm_synth_file_bytes(synth) <= sizes[i]);
            cm_check(cm_synth_file_bytes(synth) + 16 + 1518 > sizes[i]);
            cm_synth_destroy(synth);
        }
    }
}

/* The greatest captures are laid out as fast as the smallest. */
CM_TEST(generate, hundreds_of_gigabytes_are_laid_out_at_once)
{
    struct cm_synth *synth = made_synth("size = 800G\nflows = 100000000\norder = shuffled\nresolution = ns");
    uint64_t last = cm_synth_n_blocks(synth) - 1;
    uint64_t bytes = UINT64_C(800) << 30;
    void *scratch = malloc(cm_synth_scratch_bytes(synth));
    uint8_t *out = malloc(cm_synth_block_capacity(synth));

    cm_check(cm_synth_file_bytes(synth) <= bytes && cm_synth_file_bytes(synth) + 1600 > bytes);
    cm_check_eq(cm_synth_block(synth, last, scratch, out), cm_synth_block_bytes(synth, last));
    cm_check_eq(cm_synth_block_offset(synth, last) + cm_synth_block_bytes(synth, last),
                cm_synth_file_bytes(synth));
    free(scratch);
    free(out);
    cm_synth_destroy(synth);
}

static void check_near(const char *what, uint64_t count, uint64_t n, double share, double tolerance)
{
    double seen = (double)count / (double)n;

    cm_check_that(fabs(seen - share) <= tolerance, "%s: %g of all, expected %g", what, seen, share);
}

CM_TEST(generate, shares_are_as_asked)
{
    struct made_capture made =
        made_capture("size = 20M\nprotocols = tcp:60,udp:30,icmp:10\nipv6 = 40%\nvlan = 25%\n"
                     "qinq = 5%\npacket-sizes = 100:1,600:2,1500:1",
                     false);
    uint64_t tcp = 0, udp = 0, icmp = 0, ipv6 = 0, vlan = 0, qinq = 0, small = 0, middle = 0,
             n = made.n_packets;
    struct made_packet packet;

    for (size_t at = made_first(&made); made_next(&made, &at, &packet);) {
        struct cm_headers headers = check_packet(&packet);

        tcp += headers.protocol == 6;
        udp += headers.protocol == 17;
        icmp += (headers.flags & CM_HEADERS_ICMP) != 0;
        ipv6 += headers.ip_version == 6;
        vlan += headers.n_tags == 1;
        qinq += headers.n_tags == 2;
        small += packet.caplen == 100;
        middle += packet.caplen == 600;
    }
    check_near("tcp", tcp, n, 0.6, 0.002);
    check_near("udp", udp, n, 0.3, 0.002);
    check_near("icmp", icmp, n, 0.1, 0.002);
    check_near("ipv6", ipv6, n, 0.4, 0.002);
    check_near("vlan", vlan, n, 0.25, 0.002);
    check_near("qinq", qinq, n, 0.05, 0.002);
    check_near("100 bytes", small, n, 0.25, 0.002);
    check_near("600 bytes", middle, n, 0.5, 0.002);
    made_free(&made);
}

CM_TEST(generate, imix_of_one_gigabyte_has_1_61_million_packets)
{
    struct cm_synth *synth = made_synth("size = 1G\npacket-sizes = imix");

    cm_check(cm_synth_n_packets(synth) > 1600000 && cm_synth_n_packets(synth) < 1640000);
    cm_synth_destroy(synth);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x < y ? -1 : x > y;
}

/* All times in file order. */
static uint64_t *list_times(const struct made_capture *made)
{
    uint64_t *times = malloc((size_t)made->n_packets * sizeof(*times));
    struct made_packet packet;
    uint64_t n = 0;

    cm_check(times != NULL);
    for (size_t at = made_first(made); made_next(made, &at, &packet);)
        times[n++] = packet.time_ns;
    return times;
}

CM_TEST(generate, displaced_share_shows_as_packets_behind_the_latest)
{
    struct made_capture made = made_capture(
        "packets = 60000\nrate = 1Mpps\norder = displaced\ndisplaced = 10%\ndisplaced-by = 50us", false);
    uint64_t *times = list_times(&made);
    uint64_t latest = 0, n_late = 0, n_late_at_seams = 0;

    for (uint64_t i = 0; i < made.n_packets; i++) {
        n_late += times[i] < latest;
        if (times[i] < latest) {
            cm_check(latest - times[i] <= 51000);
            /* behind a packet of the block before */
            n_late_at_seams += i >= made.block_packets && times[i] < times[i - i % made.block_packets - 1];
        }
        latest = times[i] > latest ? times[i] : latest;
    }
    /* Of those displaced by up to 50 intervals about one in fifty stays in its own. */
    check_near("late", n_late, made.n_packets, 0.1 * 49 / 50, 0.006);
    cm_check(n_late_at_seams > 0);
    free(times);
    made_free(&made);
}

CM_TEST(generate, shuffled_times_are_those_of_the_sorted_capture)
{
    struct made_capture shuffled = made_capture("packets = 30000\norder = shuffled", false);
    struct made_capture sorted = made_capture("packets = 30000", false);
    uint64_t *a = list_times(&shuffled), *b = list_times(&sorted);
    uint64_t n_falls = 0;

    for (uint64_t i = 1; i < 30000; i++)
        n_falls += a[i] < a[i - 1];
    check_near("falls", n_falls, 30000, 0.5, 0.02);
    qsort(a, 30000, sizeof(*a), compare_u64);
    for (uint64_t i = 0; i < 30000; i++) {
        cm_check_eq(a[i], b[i]);
        cm_check(i == 0 || b[i] > b[i - 1]);
    }
    free(a);
    free(b);
    made_free(&shuffled);
    made_free(&sorted);
}

/* A snap length cuts what is kept and nothing else. */
CM_TEST(generate, a_snaplen_cuts_the_same_packets)
{
    struct made_capture whole = made_capture("packets = 5000\nipv6 = 30%", false);
    struct made_capture cut = made_capture("packets = 5000\nipv6 = 30%\nsnaplen = 65", false);
    struct made_packet a, b;
    uint64_t n = 0;

    /* Blocks hold other numbers of packets only when mean sizes differ: a snap length makes them longer. */
    cm_check(cut.block_packets >= whole.block_packets);
    for (size_t at = made_first(&cut); made_next(&cut, &at, &b); n++)
        cm_check(b.caplen == (b.origlen < 65 ? b.origlen : 65));
    cm_check_eq(n, 5000);
    n = 0;
    for (size_t at = made_first(&whole); made_next(&whole, &at, &a);)
        n++;
    cm_check_eq(n, 5000);
    made_free(&whole);
    made_free(&cut);
}

/* Address pairs either way round, with ports: how many flows does the capture have? */
static uint64_t count_flows(const char *text)
{
    struct made_capture made = made_capture(text, false);
    uint64_t *keys = malloc((size_t)made.n_packets * sizeof(*keys));
    struct made_packet packet;
    uint64_t n = 0, n_flows = 0;

    cm_check(keys != NULL);
    for (size_t at = made_first(&made); made_next(&made, &at, &packet);) {
        struct cm_headers headers = check_packet(&packet);
        uint32_t address_bytes = headers.ip_version == 4 ? 4 : 16;
        const uint8_t *src = cm_headers_source(&headers, packet.data);
        const uint8_t *dst = cm_headers_destination(&headers, packet.data);

        keys[n++] = hash_bytes(src, address_bytes) + hash_bytes(dst, address_bytes) +
                    (uint64_t)headers.src_port * headers.dst_port + ((uint64_t)headers.protocol << 40);
    }
    qsort(keys, (size_t)n, sizeof(*keys), compare_u64);
    for (uint64_t i = 0; i < n; i++)
        n_flows += i == 0 || keys[i] != keys[i - 1];
    free(keys);
    made_free(&made);
    return n_flows;
}

CM_TEST(generate, flows_are_as_many_as_asked)
{
    cm_check_eq(
        count_flows(
            "packets = 20000\nflows = 500\npopularity = 0\nipv6 = 30%\nvlan = 30%\npacket-sizes = 64"),
        500);
    cm_check_eq(count_flows("packets = 2000\nflows = 1\nprotocols = udp"), 1);
    cm_check_eq(count_flows("packets = 5000\nflows = 3"), 3);
}

static void check_refused(const char *text, const char *expected)
{
    struct cm_error error = {0};
    struct cm_recipe recipe;
    struct cm_synth *synth = NULL;

    cm_check_eq(cm_recipe_parse(text, &recipe, &error), CAPMILL_OK);
    cm_check_eq(cm_synth_create(&recipe, &synth, &error), CAPMILL_E_USAGE);
    cm_check(synth == NULL);
    cm_check_that(strstr(error.text, expected) != NULL, "\"%s\" lacks \"%s\"", error.text, expected);
}

CM_TEST(generate, contradictions_are_refused)
{
    check_refused("vlan = 60%\nqinq = 50%", "vlan and qinq");
    check_refused("gap-share = 100%", "gap-share");
    check_refused("flows = 2", "flows = 2 is too few");
    check_refused("tcp = conversations\nprotocols = udp", "needs tcp in protocols");
    check_refused("tcp = conversations\nprotocols = udp:100000,tcp:1", "greater share of tcp");
    check_refused("size = 24", "no room for a packet");
    check_refused("rate = 1pps\nsize = 4T", "2106");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes are read, refused with a place and a reason, and written so that they read the same. */
#include <stdlib.h>

#include "synth/recipe_values.h"
#include "synth/synth.h"
#include "unit/check.h"

static void check_refused(const char *text, const char *expected)
{
    struct cm_error error = {0};
    struct cm_recipe recipe;

    cm_check_eq(cm_recipe_parse(text, &recipe, &error), CAPMILL_E_USAGE);
    cm_check_eq(error.status, CAPMILL_E_USAGE);
    cm_check_that(strstr(error.text, expected) != NULL, "\"%s\" lacks \"%s\"", error.text, expected);
}

static void check_round_trip(const char *text)
{
    struct cm_error error = {0};
    struct cm_recipe first, second;
    char once[4096], twice[4096];

    cm_check_that(cm_recipe_parse(text, &first, &error) == CAPMILL_OK, "%s: %s", text, error.text);
    cm_check(cm_recipe_format(&first, once, sizeof(once)) < sizeof(once));
    cm_check_that(cm_recipe_parse(once, &second, &error) == CAPMILL_OK, "%s: %s", once, error.text);
    cm_recipe_format(&second, twice, sizeof(twice));
    cm_check_str(twice, once);
    cm_check_mem(&first, &second, sizeof(first));
}

CM_TEST(recipe, values_comments_and_blanks)
{
    struct cm_error error = {0};
    struct cm_recipe r;
    const char *text =
        "# a comment\n\n  size = 1.5M   # the file\r\nseed=18446744073709551615\n"
        "start = 2024-02-29T23:59:59.25+01:30\nformat = pcapng\nresolution = ns\nbyte-order = big\n"
        "snaplen = 96\npacket-sizes = 64:7, 594:4 ,1518\nflows = 134217728\npopularity = 0.85\n"
        "protocols = udp:3, tcp\nipv6 = 12.5%\nvlan = 0.01%\nqinq = 99.99%\nrate = 2.5Gbit\n"
        "gap-share = 20%\ngap-length = 1.5ms\norder = shuffled\ndisplaced = 100%\n"
        "displaced-by = 2m\ntcp = conversations\ntcp-retransmit = 1%\ntcp-reorder = 2%\n"
        "tcp-reset = 3%\npayload = text";

    cm_check_that(cm_recipe_parse(text, &r, &error) == CAPMILL_OK, "%s", error.text);
    cm_check_eq(r.size_bytes, 1572864);
    cm_check(r.seed == UINT64_MAX);
    cm_check_eq(r.start_ns, INT64_C(1709245799250000000)); /* 2024-02-29T22:29:59.25Z */
    cm_check(r.pcapng && r.nanoseconds && r.big_endian && r.conversations);
    cm_check_eq(r.snaplen, 96);
    cm_check_eq(r.sizes.n, 3);
    cm_check_eq(r.sizes.entries[1].bytes, 594);
    cm_check_eq(r.sizes.entries[1].weight, 4);
    cm_check_eq(r.sizes.entries[2].weight, 1);
    cm_check_eq(r.flows, 134217728);
    cm_check_eq(r.popularity_thousandths, 850);
    cm_check_eq(r.weight_tcp, 1);
    cm_check_eq(r.weight_udp, 3);
    cm_check_eq(r.weight_icmp, 0);
    cm_check_eq(r.ipv6_ppm, 125000);
    cm_check_eq(r.vlan_ppm, 100);
    cm_check_eq(r.qinq_ppm, 999900);
    cm_check(r.rate_in_bits);
    cm_check_eq(r.rate, INT64_C(2500000000));
    cm_check_eq(r.gap_share_ppm, 200000);
    cm_check_eq(r.gap_length_ns, 1500000);
    cm_check_eq(r.order, CM_RECIPE_SHUFFLED);
    cm_check_eq(r.displaced_ppm, 1000000);
    cm_check_eq(r.displaced_by_ns, INT64_C(120000000000));
    cm_check_eq(r.retransmit_ppm, 10000);
    cm_check_eq(r.reorder_ppm, 20000);
    cm_check_eq(r.reset_ppm, 30000);
    cm_check_eq(r.payload, CM_RECIPE_TEXT);
}

CM_TEST(recipe, size_and_packets_replace_each_other)
{
    struct cm_recipe r;

    cm_check_eq(cm_recipe_parse("size = 1G\npackets = 7", &r, NULL), CAPMILL_OK);
    cm_check_eq(r.size_bytes, 0);
    cm_check_eq(r.n_packets, 7);
    cm_check_eq(cm_recipe_set(&r, "size", "2K", NULL), CAPMILL_OK);
    cm_check_eq(r.size_bytes, 2048);
    cm_check_eq(r.n_packets, 0);
}

CM_TEST(recipe, mistakes_are_refused_with_line_and_expectation)
{
    check_refused("size = 1G\nflos = 3\n",
                  "recipe line 2: there is no recipe key 'flos'; the keys are size, packets");
    check_refused("\n\nflows = many",
                  "recipe line 3: recipe key 'flows' wants a number of flows from 1 to 134217728");
    check_refused("just words", "recipe line 1: expected 'key = value', found 'just words'");
    check_refused("a-key-that-is-much-too-long-to-be-one = 3", "expected 'key = value'");
    check_refused("size = 0", "'size'");
    check_refused("size = -1", "'size'");
    check_refused("size = 1X", "'size'");
    check_refused("size = 17000000T", "'size'");
    check_refused("size = 99999999999999999999999999999999999999999999", "'size'");
    check_refused("size = 0.3", "'size'"); /* less than a byte */
    check_refused("size =", "'size'");
    check_refused("packets = 0", "'packets'");
    check_refused("seed = 18446744073709551616", "'seed'");
    check_refused("snaplen = 0", "'snaplen'");
    check_refused("snaplen = 262145", "'snaplen'");
    check_refused("flows = 134217729", "'flows'");
    check_refused("packet-sizes = 41", "'packet-sizes'");
    check_refused("packet-sizes = 65536", "'packet-sizes'");
    check_refused("packet-sizes = 64:0", "'packet-sizes'");
    check_refused("packet-sizes = 64:1,", "'packet-sizes'");
    check_refused("packet-sizes = uniform 100-99", "'packet-sizes'");
    check_refused("packet-sizes = uniform 100", "'packet-sizes'");
    check_refused("packet-sizes = imixx", "'packet-sizes'");
    check_refused("protocols = tcp:1,tcp:2", "'protocols'");
    check_refused("protocols = tcpx:1", "'protocols'");
    check_refused("protocols = sctp:1", "'protocols'");
    check_refused("protocols =", "'protocols'");
    check_refused("ipv6 = 100.0001%", "'ipv6'");
    check_refused("ipv6 = 0.5", "'ipv6'");
    check_refused("ipv6 = 0.00001%", "'ipv6'"); /* finer than a part per million */
    check_refused("popularity = 4.001", "'popularity'");
    check_refused("rate = 5", "'rate'");
    check_refused("rate = 0pps", "'rate'");
    check_refused("displaced-by = 0us", "'displaced-by'");
    check_refused("order = random", "'order' wants sorted, displaced or shuffled, not 'random'");
    check_refused("start = 2023-02-29T00:00:00Z", "'start'");
    check_refused("start = 2024-01-01T24:00:00Z", "'start'");
    check_refused("start = 1969-12-31T23:59:59Z", "'start'");
    check_refused("start = 2024-01-01T00:00:00 CET", "'start'");
    check_refused("start = 99999999999999999999", "'start'");
}

CM_TEST(recipe, a_refused_value_changes_nothing)
{
    struct cm_recipe before, after;
    const char *expects;

    cm_recipe_parse("packets = 9", &before, NULL);
    for (size_t i = 0; cm_recipe_key(i, NULL) != NULL; i++) {
        after = before;
        cm_check_eq(cm_recipe_set(&after, cm_recipe_key(i, &expects), "!", NULL), CAPMILL_E_USAGE);
        cm_check_mem(&before, &after, sizeof(before));
        cm_check(strlen(expects) > 5);
    }
}

CM_TEST(recipe, written_text_reads_the_same)
{
    check_round_trip("");
    check_round_trip("packets = 12345");
    check_round_trip("size = 1000000007\nseed = 0\nstart = 1999-12-31T23:59:59.999999999Z");
    check_round_trip("packet-sizes = uniform 42-65535\npopularity = 0\nrate = 1234567pps");
    check_round_trip("packet-sizes = 64:1000000,65535:999999\nrate = 1kbit\npopularity = 1.005");
    check_round_trip("ipv6 = 0.0001%\nvlan = 33.3333%\ngap-length = 1ns\ndisplaced-by = 1d");
    check_round_trip("packet-sizes = imix-classic\nprotocols = icmp\norder = displaced\npayload = zero");
    check_round_trip("format = pcapng\nresolution = ns\nbyte-order = big\ntcp = conversations\nsnaplen = 1");
}

CM_TEST(recipe, the_longest_list_still_fits)
{
    char text[1024] = "packet-sizes = ";

    for (int i = 0; i < CM_RECIPE_MIX_ENTRIES; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d:%d", i == 0 ? "" : ",", 60000 + i,
                 1000000);
    check_round_trip(text);
    snprintf(text + strlen(text), sizeof(text) - strlen(text), ",64:1");
    check_refused(text, "at most 32");
}

CM_TEST(recipe, text_is_cut_not_overrun)
{
    struct cm_recipe r;
    char text[64];
    size_t whole;

    cm_recipe_init(&r);
    whole = cm_recipe_format(&r, NULL, 0);
    cm_check(whole > 200);
    memset(text, 'x', sizeof(text));
    cm_check_eq(cm_recipe_format(&r, text, 40), whole);
    cm_check_eq(strlen(text), 39);
    cm_check_eq(text[40], 'x');
}

CM_TEST(recipe, times_are_dates_or_milliseconds)
{
    uint64_t a, b;

    cm_check(cm_recipe_read_time("2000-02-29T12:34:56Z", &a));
    cm_check(cm_recipe_read_time("951827696000", &b));
    cm_check_eq(a, b);
}

CM_TEST(recipe, every_dataset_reads_and_can_be_worked_out)
{
    static const char *const names[] = {"sample-10mb", "imix-1g",    "imix-1g-million-flows", "shuffled-4g",
                                        "small-64b",   "large-1518", "tcp-conversations",     "ipv6-vlan",
                                        "late-50ms",   "gaps"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[1024], text[8192];
        struct cm_error error = {0};
        struct cm_recipe recipe;
        struct cm_synth *synth;
        FILE *file;

        snprintf(path, sizeof(path), "%s/%s.recipe", CM_DATASETS_FOLDER, names[i]);
        file = fopen(path, "rb");
        if (file == NULL) {
            cm_skip("%s is not there", path);
            return;
        }
        text[fread(text, 1, sizeof(text) - 1, file)] = 0;
        fclose(file);
        cm_check_that(cm_recipe_parse(text, &recipe, &error) == CAPMILL_OK, "%s: %s", names[i], error.text);
        cm_check_that(cm_synth_create(&recipe, &synth, &error) == CAPMILL_OK, "%s: %s", names[i], error.text);
        cm_check(cm_synth_file_bytes(synth) <= recipe.size_bytes);
        cm_check(cm_synth_file_bytes(synth) > recipe.size_bytes - 1600);
        cm_synth_destroy(synth);
        check_round_trip(text);
    }
}

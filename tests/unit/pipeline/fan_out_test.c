/* SPDX-License-Identifier: Apache-2.0 */
/* Several outputs of one run are, byte for byte, what runs of one output each make, whatever the threads, the way of
 * reading and the order: captures that go by places alone go over blocks together. */
#include "unit/pipeline/made_exports.h"

static const struct way few_ways[] = {
    {CAPMILL_IO_READ, 1}, {CAPMILL_IO_READ, 3}, {CAPMILL_IO_MMAP, 2}, {CAPMILL_IO_URING, 4}};

static const struct named_output outputs[] = {
    {"a.pcapng", {.format = CAPMILL_FORMAT_AUTO}},
    {"b.jsonl", {.format = CAPMILL_FORMAT_AUTO}},
    {"c.capture", {.format = CAPMILL_FORMAT_PCAPNG}},
    {"d.flows", {.format = CAPMILL_FORMAT_JSONL, .rows = CAPMILL_ROWS_FLOWS}},
    {"e.avro", {.format = CAPMILL_FORMAT_AUTO}},
    {"f.parquet",
     {.codec = CAPMILL_CODEC_NONE}}, /* behind those: its row groups are as long as memory allows */
    {"g.pcap", {.format = CAPMILL_FORMAT_AUTO}}, /* last: not of mixed link types */
};
#define N_TABLES          3u /* without packets there are no slices, but tables */
#define N_WITHOUT_PARQUET 5u
#define N_WITHOUT_PCAP    6u
#define N_OUTPUTS         7u

/* Each output alone by one thread, then all of them in all ways. */
static void compare(struct temporary_folder *folder, const struct export_case *the, const char *what)
{
    char single[600], all[600];

    snprintf(single, sizeof(single), "%s", make_folder(folder, "single"));
    snprintf(all, sizeof(all), "%s", make_folder(folder, "all"));
    for (size_t i = 0; i < the->n_outputs; i++) {
        struct ran ran;

        write_outputs(the, single, i, 1, &few_ways[0], &ran);
        cm_check_that(ran.status == CAPMILL_OK, "%s, %s: %s", what, the->outputs[i].name, ran.text);
    }
    for (size_t w = 0; w < sizeof(few_ways) / sizeof(few_ways[0]); w++) {
        char name[200];
        struct ran ran;

        if (!way_is_there(&few_ways[w]))
            continue;
        snprintf(name, sizeof(name), "%s, way %zu", what, w);
        write_outputs(the, all, 0, the->n_outputs, &few_ways[w], &ran);
        cm_check_that(ran.status == CAPMILL_OK, "%s: %s", name, ran.text);
        cm_check(check_same_files(all, single, name) >= N_TABLES);
        remove_below(all);
    }
    remove_below(single);
    cm_check_eq(cm_path_remove(single, NULL), CAPMILL_OK);
    cm_check_eq(cm_path_remove(all, NULL), CAPMILL_OK);
}

/* --- what jobs ask for --- */

static const struct capmill_filter_rule only_udp[] = {{.field = CAPMILL_FILTER_PROTO, .value = "udp"}};
static const struct capmill_filter_rule nothing[] = {{.field = CAPMILL_FILTER_MIN_LEN, .value = "200000"}};
static const struct capmill_word addresses[] = {{"10.0.0.0/8=fd00::/104", "--replace-ip"}};

static void keep_udp(struct capmill_job *job)
{
    job->filter.rules.rules = only_udp;
    job->filter.rules.n_rules = 1;
}

static void keep_nothing(struct capmill_job *job)
{
    job->filter.rules.rules = nothing;
    job->filter.rules.n_rules = 1;
    job->transform.timestamp_start = (struct capmill_word){"7200000", "--timestamp-start"};
}

static void change(struct capmill_job *job)
{
    job->transform.replace_ip = addresses;
    job->transform.n_replace_ip = 1;
    job->transform.max_payload_bytes = (struct capmill_word){"100", "--max-payload-bytes"};
    job->transform.timestamp_start = (struct capmill_word){"7000", "--timestamp-start"};
}

static void change_few(struct capmill_job *job)
{
    change(job);
    keep_udp(job);
    job->nanoseconds = true;
}

static void cut_slices(struct capmill_job *job)
{
    job->slice_ns = 3000000000;
    job->by_time = true;
}

static void cut_changed_slices(struct capmill_job *job)
{
    cut_slices(job);
    job->transform.time_offset = (struct capmill_word){"1500ms", "--time-offset"};
    job->transform.time_scale = (struct capmill_word){"2", "--time-scale"};
}

static void cut_slices_of_nothing(struct capmill_job *job)
{
    cut_slices(job);
    keep_nothing(job);
}

static void keep_large_flows(struct capmill_job *job)
{
    job->filter.min_flow_packets = 20;
}

static const struct {
    const char *name;
    void (*set)(struct capmill_job *job);
} wishes[] = {
    {"plain", NULL},
    {"udp", keep_udp},
    {"nothing kept", keep_nothing},
    {"changed", change},
    {"changed udp", change_few},
    {"slices", cut_slices},
    {"changed slices", cut_changed_slices},
    {"slices of nothing", cut_slices_of_nothing},
    {"large flows", keep_large_flows},
};
#define N_WISHES (sizeof(wishes) / sizeof(wishes[0]))

/* Every `step`th wish; sort and export by turns, `exports`: whether the first exports. */
static void compare_wishes(const char *const *inputs, size_t n_inputs, size_t n_outputs,
                           struct temporary_folder *folder, const char *name, bool exports, size_t step)
{
    for (size_t i = 0; i < N_WISHES; i += step) {
        bool sorts = exports == (i % 2 == 1);
        struct export_case the = {
            inputs, n_inputs, sorts ? CAPMILL_SORT : CAPMILL_EXPORT, wishes[i].set, outputs, n_outputs, 0};
        char what[100];

        snprintf(what, sizeof(what), "%s, %s, %s", name, wishes[i].name, sorts ? "sort" : "export");
        compare(folder, &the, what);
    }
}

/* 5000 packets, more than a block, over 15 seconds, some late. */
static const char small[] = "packets = 5000\nflows = 60\nprotocols = tcp:50,udp:40,icmp:10\nrate = 333pps\n"
                            "order = displaced\ndisplaced = 10%\ndisplaced-by = 2s\nipv6 = 20%\n";

CM_TEST(fan_out, of_one_pcap)
{
    struct temporary_folder folder;
    char in[600];
    const char *inputs[] = {in};

    temporary_open(&folder);
    snprintf(in, sizeof(in), "%s/in.pcap", folder.path);
    generate_capture(in, small);
    compare_wishes(inputs, 1, N_OUTPUTS, &folder, "pcap", false, 3);
    temporary_close(&folder);
}

/* Two that overlap in time, of two formats: merged by index where they keep their order. */
CM_TEST(fan_out, of_two_that_overlap)
{
    struct temporary_folder folder;
    char in[2][600], recipe[400];
    const char *inputs[] = {in[0], in[1]};

    temporary_open(&folder);
    snprintf(in[0], sizeof(in[0]), "%s/in.pcap", folder.path);
    snprintf(in[1], sizeof(in[1]), "%s/in.pcapng", folder.path);
    snprintf(recipe, sizeof(recipe), "%spackets = 2500\n", small);
    generate_capture(in[0], recipe);
    snprintf(recipe, sizeof(recipe),
             "%spackets = 2500\nformat = pcapng\nseed = 2\nstart = 2024-01-01T00:00:02Z\n", small);
    generate_capture(in[1], recipe);
    compare_wishes(inputs, 2, N_OUTPUTS, &folder, "overlapping", true, 1);
    temporary_close(&folder);
}

/* Sections, interfaces, names, statistics and two link types: their blocks come before the same packets. */
CM_TEST(fan_out, of_sections_and_interfaces)
{
    struct temporary_folder folder;
    struct made made = {0};
    char in[600];
    const char *inputs[] = {in};

    temporary_open(&folder);
    snprintf(in, sizeof(in), "%s/in.pcapng", folder.path);
    made_sections(&made, START_S * 1000000, 3000, 113);
    temporary_write(in, made.bytes, made.n);
    compare_wishes(inputs, 1, N_WITHOUT_PCAP, &folder, "sections", false, 1);
    made_free(&made);
    temporary_close(&folder);
}

/* More packets without a time than a block takes, before the first that has one: it is that one's time that all move
 * with. */
CM_TEST(fan_out, of_many_packets_without_a_time)
{
    struct temporary_folder folder;
    struct made made = {0};
    char in[600];
    const char *inputs[] = {in};

    temporary_open(&folder);
    snprintf(in, sizeof(in), "%s/in.pcapng", folder.path);
    made_pcapng(&made);
    made_interface(&made, 1);
    for (unsigned i = 0; i < 9000; i++)
        made_simple_packet(&made, 60);
    for (unsigned i = 0; i < 100; i++)
        made_packet(&made, 0, START_S * 1000000 + i * 1000, 60, i);
    temporary_write(in, made.bytes, made.n);
    for (unsigned sorts = 0; sorts < 2; sorts++) {
        struct export_case the = {inputs,         1, sorts ? CAPMILL_SORT : CAPMILL_EXPORT, change, outputs,
                                  N_WITHOUT_PCAP, 0};

        compare(&folder, &the, "without a time");
    }
    made_free(&made);
    temporary_close(&folder);
}

/* Some ranges for each thread, as they are and merged. */
CM_TEST(fan_out, of_many_ranges)
{
    struct temporary_folder folder;
    char in[2][600];
    const char *inputs[] = {in[0], in[1]};

    temporary_open(&folder);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(in[i], sizeof(in[i]), "%s/in%u.pcap", folder.path, i);
        generate_capture(in[i], i == 0 ? "size = 5M\norder = shuffled\n" : "size = 4500K\nseed = 3\n");
    }
    for (size_t n_inputs = 1; n_inputs <= 2; n_inputs++) {
        struct export_case the = {inputs, n_inputs, CAPMILL_EXPORT, NULL, outputs, N_OUTPUTS, 0};

        compare(&folder, &the, n_inputs == 1 ? "as read" : "merged");
    }
    temporary_close(&folder);
}

/* Further out of order than the window may hold: brought together again in the order of an index. */
CM_TEST(fan_out, of_an_index)
{
    static void (*const some[])(struct capmill_job *) = {NULL, change_few, cut_changed_slices};
    struct temporary_folder folder;
    char in[2][600];
    const char *inputs[] = {in[0], in[1]};

    temporary_open(&folder);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(in[i], sizeof(in[i]), "%s/in%u.pcap", folder.path, i);
        generate_capture(in[i], i == 0 ? "size = 6M\nrate = 1kpps\n" : "size = 5M\nrate = 1kpps\nseed = 3\n");
    }
    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        struct export_case the = {inputs,           2, CAPMILL_SORT, some[i], outputs, N_WITHOUT_PARQUET,
                                  UINT64_C(8) << 20};
        struct ran ran;

        compare(&folder, &the, "index");
        write_outputs(&the, make_folder(&folder, "method"), 0, 2, &few_ways[1], &ran);
        cm_check_eq(ran.status, CAPMILL_OK);
        cm_check_str(ran.report.method, "index");
        remove_below(temporary_path(&folder, "method"));
        cm_check_eq(cm_path_remove(temporary_path(&folder, "method"), NULL), CAPMILL_OK);
    }
    temporary_close(&folder);
}

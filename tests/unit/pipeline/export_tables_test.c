/* SPDX-License-Identifier: Apache-2.0 */
/* What tables need beyond the packets at hand: lists of columns, passes before the one that writes, and notes of
 * where they came from. */
#include "unit/pipeline/made_exports.h"

static const struct named_output rows[] = {{"rows.jsonl", {.format = CAPMILL_FORMAT_AUTO}}};

struct tables {
    struct temporary_folder folder;
    char in[600], out[600];
    const char *inputs[1];
    struct export_case the;
    struct ran ran;
    struct made text; /* of rows.jsonl, ended by a zero */
};

static void open_tables(struct tables *tables, const char *recipe)
{
    memset(tables, 0, sizeof(*tables));
    temporary_open(&tables->folder);
    snprintf(tables->in, sizeof(tables->in), "%s/in.pcap", tables->folder.path);
    snprintf(tables->out, sizeof(tables->out), "%s", make_folder(&tables->folder, "out"));
    if (recipe != NULL)
        generate_capture(tables->in, recipe);
    tables->inputs[0] = tables->in;
    tables->the = (struct export_case){tables->inputs, 1, CAPMILL_EXPORT, NULL, rows, 1, 0};
}

static void close_tables(struct tables *tables)
{
    remove_below(tables->out);
    cm_check_eq(cm_path_remove(tables->out, NULL), CAPMILL_OK);
    made_free(&tables->text);
    temporary_close(&tables->folder);
}

static void run_tables(struct tables *tables, void (*set)(struct capmill_job *job), const struct way *way)
{
    char path[700];

    remove_below(tables->out);
    tables->the.set = set;
    write_outputs(&tables->the, tables->out, 0, tables->the.n_outputs, way, &tables->ran);
    snprintf(path, sizeof(path), "%s/rows.jsonl", tables->out);
    if (tables->ran.status != CAPMILL_OK || !file_is_there(path))
        return;
    if (tables->ran.report.files_written == 0) {
        file_read(path, &tables->text);
        made_add(&tables->text, "", 1);
    }
}

/* The number behind "name": of the next line of a text; false: there are no more lines. */
static bool next_number(const struct made *text, size_t *at, const char *name, uint64_t *number_ret)
{
    const char *begin = (const char *)text->bytes + *at;
    const char *end = memchr(begin, '\n', text->n - *at);
    char line[400], member[64];
    const char *found;

    if (end == NULL)
        return false;
    *at += (size_t)(end - begin) + 1;
    snprintf(line, sizeof(line), "%.*s", (int)(end - begin), begin);
    snprintf(member, sizeof(member), "\"%s\":", name);
    found = strstr(line, member);
    cm_check_that(found != NULL, "no %s in %s", name, line);
    found += strlen(member);
    *number_ret = strtoull(found + (*found == '"'), NULL, *found == '"' ? 16 : 10);
    return true;
}

/* --- where packets come from --- */

#define N_RECORDS 6000u

static const struct capmill_word origin_columns[] = {{"file,packet_number,file_offset,caplen", NULL}};
static const struct capmill_filter_rule long_ones[] = {{.field = CAPMILL_FILTER_MIN_LEN, .value = "100"}};

static void ask_for_origins(struct capmill_job *job)
{
    job->table.columns = origin_columns;
    job->table.n_columns = 1;
    job->filter.rules.rules = long_ones;
    job->filter.rules.n_rules = 1;
}

static void ask_for_sorted_origins(struct capmill_job *job)
{
    ask_for_origins(job);
    job->by_time = true;
}

/* Two captures that overlap: what is filtered away has its number and its place, too. */
CM_TEST(export_tables, rows_name_the_records_that_they_are_of)
{
    static uint64_t offsets[2][N_RECORDS];
    static uint32_t lengths[2][N_RECORDS];
    struct tables tables;
    struct made made = {0};
    char paths[2][600];
    const char *inputs[] = {paths[0], paths[1]};
    uint64_t n_kept = 0;

    open_tables(&tables, NULL);
    for (unsigned i = 0; i < 2; i++) {
        made.n = 0;
        made_pcap(&made, 1);
        for (uint32_t k = 0; k < N_RECORDS; k++) {
            offsets[i][k] = made.n;
            lengths[i][k] = 40 + (k * 37 + i) % 300;
            n_kept += lengths[i][k] >= 100;
            made_record(&made, START_S * 1000000 + k * 100 + i * 50 - (k % 9 == 4 ? 300 : 0), lengths[i][k],
                        k);
        }
        snprintf(paths[i], sizeof(paths[i]), "%s/in%u.pcap", tables.folder.path, i);
        temporary_write(paths[i], made.bytes, made.n);
    }
    tables.the.inputs = inputs;
    for (size_t n_inputs = 1; n_inputs <= 2; n_inputs++) {
        for (size_t w = 0; w < 6; w++) {
            uint64_t seen[2] = {0};
            uint64_t number, offset, length, last = 0;
            size_t at[3] = {0}, line = 0;

            tables.the.n_inputs = n_inputs;
            run_tables(&tables, w % 2 ? ask_for_origins : ask_for_sorted_origins, &ways[w]);
            cm_check_that(tables.ran.status == CAPMILL_OK, "%s", tables.ran.text);
            while (next_number(&tables.text, &at[0], "packet_number", &number)) {
                const char *text = (const char *)tables.text.bytes + line;
                unsigned i = memcmp(strchr(text, ',') - 9, "in0.pcap\"", 9) == 0 ? 0 : 1;

                cm_check(next_number(&tables.text, &at[1], "file_offset", &offset));
                cm_check(next_number(&tables.text, &at[2], "caplen", &length));
                cm_check(number >= 1 && number <= N_RECORDS);
                cm_check_eq(offset, offsets[i][number - 1]);
                cm_check_eq(length, lengths[i][number - 1]);
                if (n_inputs == 1 && w % 2) /* as it was read */
                    cm_check(number > last);
                last = number;
                seen[i]++;
                line = at[0];
            }
            cm_check_eq(seen[0] + seen[1], tables.ran.report.rows_written);
            cm_check(n_inputs == 1 ? seen[1] == 0 : seen[0] + seen[1] == n_kept);
        }
    }
    made_free(&made);
    close_tables(&tables);
}

/* --- facts of flows --- */

static const struct capmill_word fact_columns[] = {
    {"packet_number,flow_id", "--columns"}, {NULL, NULL}, {"flow_packets,flow_bytes,origlen", "--columns"}};

static void ask_for_facts(struct capmill_job *job)
{
    job->table.columns = fact_columns;
    job->table.n_columns = 3;
}

static const struct capmill_filter_rule small_ones[] = {{.field = CAPMILL_FILTER_MAX_LEN, .value = "600"}};

static void ask_for_facts_of_some(struct capmill_job *job)
{
    ask_for_facts(job);
    job->filter.rules.rules = small_ones;
    job->filter.rules.n_rules = 1;
}

struct flow_sum {
    uint64_t id, n_packets;
};

static int compare_sums(const void *a, const void *b)
{
    const struct flow_sum *left = a, *right = b;

    return left->id != right->id ? (left->id < right->id ? -1 : 1) : 0;
}

/* Each row says how many rows its flow has: of the packets that were kept, all of them, from the first row on. */
static void check_facts(const struct tables *tables)
{
    struct flow_sum *sums = malloc((tables->text.n / 8 + 1) * sizeof(*sums));
    size_t id_at = 0, count_at = 0;
    size_t n = 0;

    while (next_number(&tables->text, &id_at, "flow_id", &sums[n].id)) {
        cm_check(next_number(&tables->text, &count_at, "flow_packets", &sums[n].n_packets));
        n++;
    }
    cm_check(n > 1000);
    qsort(sums, n, sizeof(*sums), compare_sums);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && sums[end].id == sums[i].id; end++)
            cm_check_eq(sums[end].n_packets, sums[i].n_packets);
        cm_check_eq(sums[i].n_packets, end - i);
    }
    free(sums);
}

CM_TEST(export_tables, facts_of_flows_are_of_the_packets_that_are_written)
{
    struct tables tables;

    open_tables(&tables, "size = 5M\nflows = 200\n");
    for (size_t w = 0; w < 4; w++) {
        run_tables(&tables, ask_for_facts, &ways[w]);
        cm_check_that(tables.ran.status == CAPMILL_OK, "%s", tables.ran.text);
        check_facts(&tables);
        /* read twice, told once */
        cm_check_eq(tables.ran.report.packets_read, tables.ran.report.rows_written);
        run_tables(&tables, ask_for_facts_of_some, &ways[w]);
        cm_check_that(tables.ran.status == CAPMILL_OK, "%s", tables.ran.text);
        cm_check(tables.ran.report.rows_written < tables.ran.report.packets_read);
        check_facts(&tables);
    }
    close_tables(&tables);
}

static void part_by_direction(struct capmill_job *job)
{
    job->table.partition = (struct capmill_word){"flow_direction", "--partition"};
}

static const struct capmill_word direction[] = {{"packet_number,flow_direction", "--columns"}};

static void part_by_named_direction(struct capmill_job *job)
{
    part_by_direction(job);
    job->table.columns = direction;
    job->table.n_columns = 1;
}

/* A column that only folders tell takes the pass before, too. */
CM_TEST(export_tables, folders_by_facts_of_flows)
{
    struct tables tables;
    char named[600], path[700];

    open_tables(&tables, "packets = 3000\nflows = 20\ntcp = conversations\n");
    snprintf(named, sizeof(named), "%s", make_folder(&tables.folder, "named"));
    run_tables(&tables, part_by_named_direction, &ways[1]);
    cm_check_that(tables.ran.status == CAPMILL_OK, "%s", tables.ran.text);
    cm_check_eq(count_files(tables.out), 3); /* two directions and the manifest */
    run_tables(&tables, part_by_direction, &ways[1]);
    cm_check_that(tables.ran.status == CAPMILL_OK, "%s", tables.ran.text);
    cm_check_eq(count_files(tables.out), 3);
    snprintf(path, sizeof(path), "%s/rows.jsonl/flow_direction=__HIVE_DEFAULT_PARTITION__", tables.out);
    cm_check(!file_is_there(path));
    cm_check_eq(cm_path_remove(named, NULL), CAPMILL_OK);
    close_tables(&tables);
}

/* --- the earliest packet --- */

static const struct capmill_word times[] = {{"time", "--columns"}};

static void begin_at_zero(struct capmill_job *job)
{
    job->table.columns = times;
    job->table.n_columns = 1;
    job->transform.timestamp_start = (struct capmill_word){"1970-01-01T00:00:00Z", "--timestamp-start"};
}

/* In the order of the input the earliest is not the first. */
CM_TEST(export_tables, times_move_from_the_earliest_packet)
{
    struct tables tables;

    open_tables(&tables, "size = 5M\norder = shuffled\n");
    for (size_t w = 0; w < 4; w++) {
        static const char earliest[] = "{\"time\":\"1970-01-01T00:00:00.000000000Z\"}\n";
        const char *text, *found;

        run_tables(&tables, begin_at_zero, &ways[w]);
        cm_check_that(tables.ran.status == CAPMILL_OK, "%s", tables.ran.text);
        text = (const char *)tables.text.bytes;
        found = strstr(text, earliest);
        cm_check_that(found != NULL && found != text, "%.80s", text);
        /* a minute is more than all of it takes: nothing was moved from another */
        cm_check(strstr(text, "T00:01") == NULL && strstr(text, "\"1969-") == NULL);
    }
    close_tables(&tables);
}

/* --- lists of columns --- */

static struct capmill_word list[2];

static void ask_for_list(struct capmill_job *job)
{
    job->table.columns = list;
    job->table.n_columns = 2;
}

static void ask_for_flow_list(struct capmill_job *job)
{
    job->table.rows = CAPMILL_ROWS_FLOWS;
    job->table.flow_columns = list;
    job->table.n_flow_columns = 2;
}

CM_TEST(export_tables, wrong_lists_of_columns_are_refused)
{
    static const struct {
        const char *first, *second, *words;
    } cases[] = {
        {"", NULL, "a name of a column is missing"},
        {"timestamp_ns,", NULL, "a name of a column is missing"},
        {"timestamp_ns", ",", "a name of a column is missing"},
        {"a,,b", NULL, "a name of a column is missing"},
        {"nobody_knows_this", NULL, "nobody_knows_this"},
        {"flow_id,flow_id", NULL, "flow_id"},
        {"flow_id", "flow_id", "flow_id"},
    };
    struct tables tables;

    open_tables(&tables, "packets = 10\n");
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        const char *words = cases[i / 2].words;

        list[0] = (struct capmill_word){cases[i / 2].first, "--columns"};
        list[1] = (struct capmill_word){cases[i / 2].second, NULL};
        run_tables(&tables, i % 2 ? ask_for_flow_list : ask_for_list, &ways[0]);
        cm_check_that(tables.ran.status == CAPMILL_E_USAGE && strstr(tables.ran.text, words) != NULL,
                      "%s: %d %s", cases[i / 2].first, (int)tables.ran.status, tables.ran.text);
        cm_check_eq(count_files(tables.out), 0);
    }
    close_tables(&tables);
}

CM_TEST(export_tables, columns_come_in_the_order_of_the_lists)
{
    struct tables tables;

    open_tables(&tables, "packets = 2\n");
    list[0] = (struct capmill_word){"origlen,packet_number", NULL};
    list[1] = (struct capmill_word){"caplen", NULL};
    run_tables(&tables, ask_for_list, &ways[0]);
    cm_check_that(tables.ran.status == CAPMILL_OK, "%s", tables.ran.text);
    cm_check_that(strncmp((const char *)tables.text.bytes, "{\"origlen\":", 11) == 0 &&
                      strstr((const char *)tables.text.bytes, ",\"packet_number\":1") != NULL,
                  "%.100s", (const char *)tables.text.bytes);
    close_tables(&tables);
}

/* --- notes --- */

static const struct capmill_filter_rule inner[] = {
    {.field = CAPMILL_FILTER_PORT, .value = "80"},
    {.field = CAPMILL_FILTER_PORT, .negate = true, .value = "81"}};
static const struct capmill_filter_group group = {.op = CAPMILL_FILTER_OR, .rules = inner, .n_rules = 2};
static const struct capmill_filter_rule outer[] = {{.field = CAPMILL_FILTER_MIN_LEN, .value = "20"}};
static const struct capmill_word port_words[] = {{"80=8080", NULL}, {"443=8443", NULL}};

static void ask_for_notes(struct capmill_job *job)
{
    job->filter.rules.rules = outer;
    job->filter.rules.n_rules = 1;
    job->filter.rules.groups = &group;
    job->filter.rules.n_groups = 1;
    job->filter.min_flow_packets = 2;
    job->transform.replace_port = port_words;
    job->transform.n_replace_port = 2;
    job->transform.time_offset = (struct capmill_word){"1s", NULL};
    job->table.max_file_bytes = 1u << 20;
}

static const char *manifest_of(struct tables *tables)
{
    char path[700];

    snprintf(path, sizeof(path), "%s/rows.jsonl/_manifest.json", tables->out);
    cm_check(file_is_there(path));
    file_read(path, &tables->text);
    made_add(&tables->text, "", 1);
    return (const char *)tables->text.bytes;
}

CM_TEST(export_tables, manifests_say_what_was_asked_for)
{
    struct tables tables;
    const char *text;
    char hash[40], member[700];

    open_tables(&tables, "packets = 3000\nflows = 20\n");
    run_tables(&tables, ask_for_notes, &ways[1]);
    cm_check_that(tables.ran.status == CAPMILL_OK, "%s", tables.ran.text);
    text = manifest_of(&tables);
    cm_check_that(strstr(text, "\"capmill.filter\": \"min-len=20 or(port=80 not(port=81)) "
                               "min-flow-packets=2\"") != NULL,
                  "%s", text);
    cm_check_that(strstr(text, "\"capmill.changes\": \"time-offset=1s replace-port=80=8080 "
                               "replace-port=443=8443\"") != NULL,
                  "%s", text);
    snprintf(member, sizeof(member), "\"capmill.version\": \"%s\"", capmill_version());
    cm_check(strstr(text, member) != NULL);
    snprintf(member, sizeof(member), "{\"path\": \"%s\", \"bytes\": ", tables.in);
    cm_check_that(CM_PATH_IS_WINDOWS || strstr(text, member) != NULL, "%s", text);
    cm_check(strstr(text, "\"sampled_xxh3_64\": \"") != NULL);
    snprintf(hash, sizeof(hash), "%.35s", strstr(text, "\"sampled_xxh3_64\""));
    /* the same capture has the same hash, whatever is made of it; another has another */
    run_tables(&tables, ask_for_notes, &ways[0]);
    cm_check(strstr(manifest_of(&tables), hash) != NULL);
    generate_capture(tables.in, "packets = 3000\nflows = 20\nseed = 2\n");
    run_tables(&tables, ask_for_notes, &ways[1]);
    cm_check(strstr(manifest_of(&tables), hash) == NULL);
    close_tables(&tables);
}

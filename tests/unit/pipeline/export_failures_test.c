/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever goes wrong with one of several outputs, none of them appears, what was there stays as it was, and the
 * first reason is told; inputs are never outputs, and no two outputs are one. */
#include "unit/pipeline/made_exports.h"

/* Every kind of output. */
static const struct named_output outputs[] = {
    {"a.pcap", {.format = CAPMILL_FORMAT_AUTO}},
    {"b.jsonl", {.format = CAPMILL_FORMAT_AUTO}},
    {"c.parquet", {.format = CAPMILL_FORMAT_AUTO}},
    {"d.flows", {.format = CAPMILL_FORMAT_AVRO, .rows = CAPMILL_ROWS_FLOWS}},
    {"e.pcapng", {.format = CAPMILL_FORMAT_AUTO}},
};
#define N_OUTPUTS (sizeof(outputs) / sizeof(outputs[0]))

struct failing {
    struct temporary_folder folder;
    char in[600], out[600];
    struct made input;
    const char *inputs[1];
    struct export_case the;
};

static void in_parts(struct capmill_job *job)
{
    job->table.partition = (struct capmill_word){"dt/hr/protocol", "--partition"};
    job->table.max_file_bytes = 20000;
}

static void open_failing(struct failing *failing, const char *recipe)
{
    memset(failing, 0, sizeof(*failing));
    temporary_open(&failing->folder);
    snprintf(failing->in, sizeof(failing->in), "%s/in.pcap", failing->folder.path);
    snprintf(failing->out, sizeof(failing->out), "%s", make_folder(&failing->folder, "out"));
    generate_capture(failing->in, recipe);
    file_read(failing->in, &failing->input);
    failing->inputs[0] = failing->in;
    failing->the = (struct export_case){failing->inputs, 1, CAPMILL_EXPORT, NULL, outputs, N_OUTPUTS, 0};
}

/* `n_left`: files that were in the folder of outputs before. */
static void close_failing(struct failing *failing, unsigned n_left)
{
    struct made now = {0};

    file_read(failing->in, &now);
    check_same_bytes(&now, &failing->input, "the input");
    cm_check_eq(count_files(failing->out), n_left);
    remove_below(failing->out);
    cm_check_eq(cm_path_remove(failing->out, NULL), CAPMILL_OK);
    made_free(&now);
    made_free(&failing->input);
    temporary_close(&failing->folder);
}

static const char small[] = "packets = 3000\n";

CM_TEST(export_failures, one_that_is_there_keeps_all_away)
{
    for (size_t i = 0; i < N_OUTPUTS; i++) {
        struct failing failing;
        char path[700];
        struct ran ran;

        open_failing(&failing, small);
        snprintf(path, sizeof(path), "%s/%s", failing.out, outputs[i].name);
        temporary_write(path, "before", 6);
        write_outputs(&failing.the, failing.out, 0, N_OUTPUTS, &ways[1], &ran);
        cm_check_eq(ran.status, CAPMILL_E_EXISTS);
        cm_check_that(strstr(ran.text, outputs[i].name) != NULL, "%s", ran.text);
        cm_check(temporary_holds(path, "before"));
        close_failing(&failing, 1);
    }
}

static void force(struct capmill_job *job)
{
    job->force = true;
}

static void force_in_parts(struct capmill_job *job)
{
    force(job);
    in_parts(job);
}

CM_TEST(export_failures, an_input_is_never_an_output)
{
    for (size_t i = 0; i < N_OUTPUTS; i++) {
        struct failing failing;
        struct named_output named[N_OUTPUTS];
        struct ran ran;

        open_failing(&failing, small);
        memcpy(named, outputs, sizeof(outputs));
        named[i].name = "../out/../in.pcap"; /* by another way */
        if (named[i].kind.format == CAPMILL_FORMAT_AUTO)
            named[i].kind.format = i == 0   ? CAPMILL_FORMAT_PCAP
                                   : i == 1 ? CAPMILL_FORMAT_JSONL
                                   : i == 2 ? CAPMILL_FORMAT_PARQUET
                                            : CAPMILL_FORMAT_PCAPNG;
        failing.the.outputs = named;
        failing.the.set = force;
        write_outputs(&failing.the, failing.out, 0, N_OUTPUTS, &ways[1], &ran);
        cm_check_that(ran.status == CAPMILL_E_USAGE, "output %zu: %d %s", i, (int)ran.status, ran.text);
        cm_check_that(strstr(ran.text, "is one of the inputs") != NULL, "%s", ran.text);
        close_failing(&failing, 0);
    }
}

/* The same path, the same file by another path, and a file that is not there yet by another path. */
CM_TEST(export_failures, two_outputs_are_never_one)
{
    static const char *const pairs[][2] = {
        {"x.jsonl", "x.jsonl"},          {"x.jsonl", "./x.jsonl"},     {"x.jsonl", "../out/x.jsonl"},
        {"x.jsonl", ".//x.jsonl"},       {"new.jsonl", "./new.jsonl"}, {"new.jsonl", "../out/new.jsonl"},
        {"./new.jsonl", ".//new.jsonl"},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        for (unsigned between = 0; between < 2; between++) { /* another output between them */
            const struct named_output named[] = {{pairs[i][0], {.rows = CAPMILL_ROWS_FLOWS}},
                                                 between ? (struct named_output){"y.pcap", {.path = NULL}}
                                                         : (struct named_output){pairs[i][1], {.path = NULL}},
                                                 {pairs[i][1], {.path = NULL}}};
            struct failing failing;
            char path[700];
            struct ran ran;

            open_failing(&failing, small);
            snprintf(path, sizeof(path), "%s/x.jsonl", failing.out);
            temporary_write(path, "before", 6);
            failing.the.outputs = named;
            failing.the.set = force;
            write_outputs(&failing.the, failing.out, 0, 2 + between, &ways[1], &ran);
            cm_check_that(ran.status == CAPMILL_E_USAGE && strstr(ran.text, "are the same") != NULL,
                          "%s and %s: %d %s", pairs[i][0], pairs[i][1], (int)ran.status, ran.text);
            cm_check(temporary_holds(path, "before"));
            close_failing(&failing, 1);
        }
    }
}

/* Files of one name in two folders are two, and so are two names. */
CM_TEST(export_failures, two_outputs_that_look_alike_are_two)
{
    static const struct named_output named[] = {
        {"a/x.jsonl", {.path = NULL}}, {"b/x.jsonl", {.path = NULL}}, {"a/X.jsonl", {.path = NULL}}};
    struct failing failing;
    char path[700];
    struct ran ran;
    size_t n = CM_PATH_IS_WINDOWS ? 2 : 3;

    open_failing(&failing, small);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%c", failing.out, 'a' + i);
        cm_check_eq(cm_folder_create(path, NULL), CAPMILL_OK);
    }
    failing.the.outputs = named;
    write_outputs(&failing.the, failing.out, 0, n, &ways[1], &ran);
    cm_check_that(ran.status == CAPMILL_OK, "%s", ran.text);
    close_failing(&failing, (unsigned)n);
}

/* A disk that is full, behind each of the outputs in turn, early and late, with and without threads of their own. */
CM_TEST(export_failures, a_full_disk_behind_one)
{
    static const struct way some[] = {{CAPMILL_IO_READ, 1}, {CAPMILL_IO_READ, 2}, {CAPMILL_IO_MMAP, 8}};

    if (!file_is_there("/dev/full"))
        cm_skip("no device that is always full");
    for (size_t i = 0; i < N_OUTPUTS; i++) {
        for (size_t k = 0; k < 6; k++) {
            struct failing failing;
            struct named_output named[N_OUTPUTS];
            char full[1200] = "";
            struct ran ran;

            open_failing(&failing, k % 2 ? "packets = 3000\n" : "size = 9M\norder = shuffled\n");
            if (failing.out[0] != '/') { /* the device is of another system, which runs us */
                close_failing(&failing, 0);
                cm_skip("no device that is always full");
            }
            memcpy(named, outputs, sizeof(outputs));
            for (const char *at = failing.out; *at != 0; at++) /* back to the root, from any depth */
                strcat(full, *at == '/' ? "../" : "");
            strcat(full, "dev/full");
            named[i].name = full;
            if (named[i].kind.format == CAPMILL_FORMAT_AUTO)
                named[i].kind.format = i == 0   ? CAPMILL_FORMAT_PCAP
                                       : i == 1 ? CAPMILL_FORMAT_JSONL
                                       : i == 2 ? CAPMILL_FORMAT_PARQUET
                                                : CAPMILL_FORMAT_PCAPNG;
            failing.the.outputs = named;
            failing.the.command = k < 4 ? CAPMILL_EXPORT : CAPMILL_SORT;
            write_outputs(&failing.the, failing.out, 0, N_OUTPUTS, &some[k / 2], &ran);
            cm_check_that(ran.status == CAPMILL_E_NO_SPACE, "output %zu, %zu: %d %s", i, k, (int)ran.status,
                          ran.text);
            close_failing(&failing, 0);
        }
    }
}

static void be_strict(struct capmill_job *job)
{
    job->strict = true;
}

static void be_strict_in_parts(struct capmill_job *job)
{
    be_strict(job);
    in_parts(job);
}

/* Damage at the end of an input is found when all is written already. */
CM_TEST(export_failures, damage_found_late)
{
    for (unsigned parts = 0; parts < 2; parts++) {
        for (size_t w = 0; w < 4; w++) {
            struct failing failing;
            struct ran ran;

            open_failing(&failing, "size = 5M\n");
            memset(made_add(&failing.input, NULL, 300), 0xee, 300);
            temporary_write(failing.in, failing.input.bytes, failing.input.n);
            failing.the.set = parts ? be_strict_in_parts : be_strict;
            write_outputs(&failing.the, failing.out, 0, N_OUTPUTS, &ways[w], &ran);
            cm_check_that(ran.status == CAPMILL_E_DAMAGED, "%d %s", (int)ran.status, ran.text);
            close_failing(&failing, 0);
        }
    }
}

static void stop_at_once(void *context, const struct capmill_progress *progress)
{
    (void)progress;
    capmill_run_stop(*(struct capmill_run **)context);
}

/* Stopped before it began, and from within its own progress. */
CM_TEST(export_failures, a_stop_leaves_nothing)
{
    for (unsigned k = 0; k < 8; k++) {
        struct failing failing;
        char paths[N_OUTPUTS][700];
        struct capmill_output list[N_OUTPUTS];
        struct capmill_job job;
        struct capmill_run *run;
        char text[512];

        open_failing(&failing, "size = 5M\n");
        for (size_t i = 0; i < N_OUTPUTS; i++) {
            snprintf(paths[i], sizeof(paths[i]), "%s/%s", failing.out, outputs[i].name);
            list[i] = outputs[i].kind;
            list[i].path = paths[i];
        }
        capmill_job_init(&job, k % 2 ? CAPMILL_EXPORT : CAPMILL_SORT);
        job.inputs = failing.inputs;
        job.n_inputs = 1;
        job.outputs = list;
        job.n_outputs = N_OUTPUTS;
        job.n_threads = 1 + k;
        job.on_progress = k < 4 ? NULL : stop_at_once;
        job.progress_context = &run;
        if (k % 4 < 2)
            in_parts(&job);
        cm_check_eq(capmill_run_create(&job, &run, text, sizeof(text)), CAPMILL_OK);
        if (k < 4)
            capmill_run_stop(run);
        /* with progress alone it may have ended before the first tick */
        if (capmill_run_execute(run, text, sizeof(text)) == CAPMILL_OK) {
            cm_check(k >= 4);
            remove_below(failing.out);
        }
        capmill_run_destroy(run);
        close_failing(&failing, 0);
    }
}

/* In parts: a second run is refused, with --force it replaces, and the folders hold nothing of the first. */
CM_TEST(export_failures, a_table_in_parts_is_replaced_whole)
{
    struct failing failing;
    struct made first = {0};
    char folder[700], manifest[800];
    unsigned n_files;
    struct ran ran;

    open_failing(&failing, small);
    failing.the.set = in_parts;
    write_outputs(&failing.the, failing.out, 0, N_OUTPUTS, &ways[1], &ran);
    cm_check_that(ran.status == CAPMILL_OK, "%s", ran.text);
    n_files = count_files(failing.out);
    cm_check(n_files > 10 && ran.report.files_written >= n_files - 5);
    write_outputs(&failing.the, failing.out, 1, 1, &ways[1], &ran);
    cm_check_eq(ran.status, CAPMILL_E_EXISTS);
    cm_check_eq(count_files(failing.out), n_files);
    snprintf(folder, sizeof(folder), "%s/b.jsonl", failing.out);
    snprintf(manifest, sizeof(manifest), "%s/_manifest.json", folder);
    file_read(manifest, &first);
    generate_capture(failing.in, "packets = 10\nprotocols = udp:1\nstart = 2001-01-01T00:00:00Z\n");
    file_read(failing.in, &failing.input);
    failing.the.set = force_in_parts;
    write_outputs(&failing.the, failing.out, 1, 1, &ways[1], &ran);
    cm_check_that(ran.status == CAPMILL_OK, "%s", ran.text);
    cm_check_eq(count_files(folder), 2); /* one part and the manifest */
    made_free(&first);
    remove_below(failing.out);
    close_failing(&failing, 0);
}

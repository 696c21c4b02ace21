/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs of several kinds, jobs with several outputs, and folders compared file by file. For the tests of outputs
 * through include/capmill/ alone. Not a test. */
#ifndef CM_TESTS_MADE_EXPORTS_H
#define CM_TESTS_MADE_EXPORTS_H

#include "unit/pipeline/made_captures.h"

#define MAX_OUTPUTS 8u

/* --- inputs --- */

static inline void generate_capture(const char *path, const char *recipe)
{
    struct capmill_output output = {.path = path};
    struct capmill_job job;
    struct ran ran;

    capmill_job_init(&job, CAPMILL_GENERATE);
    job.outputs = &output;
    job.n_outputs = 1;
    job.recipe = recipe;
    job.force = true;
    ran_job(&job, &ran, NULL, NULL);
    cm_check_that(ran.status == CAPMILL_OK, "%s", ran.text);
}

/* A name record: 10.0.0.1 is "host". */
static inline void made_names(struct made *made)
{
    static const uint8_t record[] = {10, 0, 0, 1, 'h', 'o', 's', 't', 0};
    size_t at = made_block_begin(made, 4);

    made_u16(made, 1);
    made_u16(made, sizeof(record));
    made_add(made, record, sizeof(record));
    made_add(made, NULL, 3);
    made_u32(made, 0);
    made_block_end(made, at);
}

/* pcapng with two sections, two interfaces in each, one of them appearing late, names, statistics, and packets of
 * which some have no time of their own. `other_link`: the link type of the second interface of each section. */
static inline void made_sections(struct made *made, uint64_t time_us, unsigned n, uint16_t other_link)
{
    uint32_t number = 0;

    for (unsigned section = 0; section < 2; section++) {
        made_pcapng(made);
        made_interface(made, 1);
        made_names(made);
        for (unsigned i = 0; i < n; i++) {
            uint64_t late_us = i % 7 == 3 ? 900 : 0;

            if (i == n / 3)
                made_interface(made, other_link);
            made_packet(made, i > n / 3 && i % 2, time_us + (section * n + i) * 1000 - late_us, 60 + i % 900,
                        ++number);
            if (i == n / 2)
                made_statistics(made, 0, time_us + (section * n + i) * 1000);
        }
        made_statistics(made, 1, time_us + (section + 1) * n * UINT64_C(1000));
    }
}

/* --- jobs --- */

/* An output's name, and how it differs from what the name says. */
struct named_output {
    const char *name;
    struct capmill_output kind; /* but for the path */
};

struct export_case {
    const char *const *inputs;
    size_t n_inputs;
    enum capmill_command command;
    void (*set)(struct capmill_job *job); /* NULL: nothing */
    const struct named_output *outputs;
    size_t n_outputs;
    uint64_t memory_bytes; /* 0: enough for all, so that no row group ends early */
};

static inline bool is_capture_name(const struct named_output *output)
{
    return strstr(output->name, ".pcap") != NULL || output->kind.format == CAPMILL_FORMAT_PCAPNG;
}

/* Write `n` outputs of a case into a folder. */
static inline void write_outputs(const struct export_case *the, const char *folder, size_t first, size_t n,
                                 const struct way *way, struct ran *ran)
{
    char paths[MAX_OUTPUTS][1024];
    struct capmill_output outputs[MAX_OUTPUTS];
    struct capmill_job job;
    bool any_capture = false;

    cm_check(n <= MAX_OUTPUTS);
    for (size_t i = 0; i < n; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/%s", folder, the->outputs[first + i].name);
        outputs[i] = the->outputs[first + i].kind;
        outputs[i].path = paths[i];
        any_capture = any_capture || is_capture_name(&the->outputs[first + i]);
    }
    capmill_job_init(&job, the->command);
    job.inputs = the->inputs;
    job.n_inputs = the->n_inputs;
    job.outputs = outputs;
    job.n_outputs = n;
    job.io = way->io;
    job.n_threads = way->n_threads;
    job.memory_bytes = the->memory_bytes != 0 ? the->memory_bytes : UINT64_C(1) << 30;
    if (the->set != NULL)
        the->set(&job);
    if (!any_capture)
        job.slice_ns = 0; /* tables alone are not cut */
    ran_job(&job, ran, NULL, NULL);
}

/* --- folders --- */

struct compared {
    const char *actual, *expected;
    const char *what;
    unsigned n_files;
    bool only_counts, removes;
};

static inline bool compare_entry(void *context, const char *name, enum cm_file_type type)
{
    struct compared *compared = context;
    struct made bytes[2] = {{0}, {0}};
    char actual[1400], expected[1400], what[1500];
    struct compared below = {actual, expected, compared->what, 0, compared->only_counts, compared->removes};

    snprintf(actual, sizeof(actual), "%s/%s", compared->actual, name);
    snprintf(expected, sizeof(expected), "%s/%s", compared->expected, name);
    if (type == CM_FILE_FOLDER) {
        cm_check_eq(cm_folder_walk(actual, compare_entry, &below, NULL), CAPMILL_OK);
        compared->n_files += below.n_files;
    } else {
        compared->n_files++;
        if (!compared->only_counts) {
            snprintf(what, sizeof(what), "%s: %s", compared->what, name);
            cm_check_that(file_is_there(expected), "%s is there", what);
            file_read(actual, &bytes[0]);
            file_read(expected, &bytes[1]);
            check_same_bytes(&bytes[0], &bytes[1], what);
            made_free(&bytes[0]);
            made_free(&bytes[1]);
        }
    }
    if (compared->removes)
        cm_check_eq(cm_path_remove(actual, NULL), CAPMILL_OK);
    return true;
}

/* Files below a folder, hidden ones too. */
static inline unsigned count_files(const char *folder)
{
    struct compared compared = {folder, folder, "", 0, true, false};

    cm_check_eq(cm_folder_walk(folder, compare_entry, &compared, NULL), CAPMILL_OK);
    return compared.n_files;
}

static inline void remove_below(const char *folder)
{
    struct compared compared = {folder, folder, "", 0, true, true};

    cm_check_eq(cm_folder_walk(folder, compare_entry, &compared, NULL), CAPMILL_OK);
}

/* The same files with the same bytes; answers how many. */
static inline unsigned check_same_files(const char *actual, const char *expected, const char *what)
{
    struct compared compared = {actual, expected, what, 0, false, false};

    cm_check_eq(cm_folder_walk(actual, compare_entry, &compared, NULL), CAPMILL_OK);
    cm_check_that(compared.n_files == count_files(expected), "%s: %u files, expected %u", what,
                  compared.n_files, count_files(expected));
    return compared.n_files;
}

static inline const char *make_folder(struct temporary_folder *folder, const char *name)
{
    const char *path = temporary_path(folder, name);

    cm_check_eq(cm_folder_create(path, NULL), CAPMILL_OK);
    return path;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* All commands with several threads, in all ways of reading, again and again, some of them stopped in the
 * middle by another thread, some with one output of several that fails; for ThreadSanitizer above all. The results are
 * compared: every way, every time the same, and nothing of what did not come to its end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capmill/capmill.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"
#include "stress/team.h"

#define N_THREADS 4
#define N_KINDS   4 /* of sorting */
#define N_OUTPUTS 5 /* of one run */

struct place {
    char folder[256];
    char in[300];
    char reversed[300]; /* the same an hour before: in this order only an index puts them right */
    char blocks[300];   /* pcapng, of several ranges: lengths are asked while interfaces become known */
    char out[300];
    char outs[N_OUTPUTS][300];
    char schema[300]; /* beside the last of them */
    uint64_t n_packets;
    uint64_t n_blocks_packets;
};

static const char recipe[] = "size = 13M\nflows = 300\nprotocols = tcp:60,udp:30,icmp:10\norder = displaced\n"
                             "displaced = 10%\ndisplaced-by = 2ms\n";

static uint64_t hash_file(const char *path)
{
    uint64_t hash = 0xcbf29ce484222325u;
    FILE *file = fopen(path, "rb");
    unsigned char buffer[65536];
    size_t n;

    stress_check(file != NULL);
    while ((n = fread(buffer, 1, sizeof(buffer), file)) > 0)
        for (size_t i = 0; i + 8 <= n; i += 8) {
            uint64_t word;

            memcpy(&word, buffer + i, 8);
            hash = (hash ^ word) * 0x100000001b3u;
        }
    fclose(file);
    return hash;
}

struct stopper {
    struct capmill_run *run;
    uint64_t after_ns;
    _Atomic bool done;
};

static void stop_later(void *context)
{
    struct stopper *stopper = context;
    struct capmill_progress progress;
    uint64_t begin_ns = cm_clock_monotonic_ns();

    while (!atomic_load(&stopper->done) && cm_clock_monotonic_ns() - begin_ns < stopper->after_ns) {
        capmill_run_progress(stopper->run, &progress);
        cm_thread_yield();
    }
    if (!atomic_load(&stopper->done))
        capmill_run_stop(stopper->run);
}

static void drop_message(void *context, enum capmill_message_level level, const char *text)
{
    (void)level;
    (void)text;
    ++*(unsigned *)context;
}

static void count_progress(void *context, const struct capmill_progress *progress)
{
    (void)progress;
    ++*(unsigned *)context;
}

/* `stop_after_ns` 0: it is let be. */
static enum capmill_status run_to_end(struct capmill_job *job, uint64_t stop_after_ns,
                                      struct capmill_report *report_ret, char text[512])
{
    struct stopper stopper = {.after_ns = stop_after_ns};
    struct cm_thread *thread = NULL;
    struct cm_error error = {0};
    unsigned n_calls = 0;
    enum capmill_status status;

    job->n_threads = N_THREADS;
    job->on_message = drop_message;
    job->message_context = &n_calls;
    job->on_progress = count_progress;
    job->progress_context = &n_calls;
    text[0] = 0;
    status = capmill_run_create(job, &stopper.run, text, 512);
    if (status < 0)
        fprintf(stderr, "%s\n", text);
    stress_check(status == CAPMILL_OK);
    if (stop_after_ns > 0)
        stress_check(cm_thread_start("stopper", stop_later, &stopper, &thread, &error) == CAPMILL_OK);
    status = capmill_run_execute(stopper.run, text, 512);
    atomic_store(&stopper.done, true);
    cm_thread_join(thread);
    *report_ret = *capmill_run_report(stopper.run);
    stress_check(n_calls > 0);
    capmill_run_destroy(stopper.run);
    return status;
}

/* Nothing may fail. Answers whether it came to its end. */
static bool execute(struct capmill_job *job, uint64_t stop_after_ns, struct capmill_report *report_ret)
{
    char text[512];
    enum capmill_status status = run_to_end(job, stop_after_ns, report_ret, text);

    if (status < 0 && status != CAPMILL_E_INTERRUPTED)
        fprintf(stderr, "%s\n", text);
    stress_check(status == CAPMILL_OK || (status == CAPMILL_E_INTERRUPTED && stop_after_ns > 0));
    return status == CAPMILL_OK;
}

static void generate(const char *path, const char *text, uint64_t stop_after_ns,
                     struct capmill_report *report)
{
    struct capmill_output output = {.path = path};
    struct capmill_job job;

    capmill_job_init(&job, CAPMILL_GENERATE);
    job.outputs = &output;
    job.n_outputs = 1;
    job.recipe = text;
    job.force = true;
    execute(&job, stop_after_ns, report);
}

static const enum capmill_io ways[] = {CAPMILL_IO_READ, CAPMILL_IO_MMAP, CAPMILL_IO_URING};

static void one_round(struct place *place, uint64_t round, enum capmill_io io, uint64_t stop_after_ns,
                      uint64_t hashes[N_KINDS])
{
    const char *inputs[2] = {place->in, place->reversed};
    struct capmill_output output = {.path = place->out};
    struct capmill_report report;
    struct capmill_job job;

    for (int command = CAPMILL_INFO; command <= CAPMILL_STATS; command++) {
        capmill_job_init(&job, (enum capmill_command)command);
        job.inputs = inputs;
        job.n_inputs = 1 + round % 2;
        job.io = io;
        job.approximate = round % 3 == 0;
        if (execute(&job, stop_after_ns, &report))
            stress_check(report.packets_read == place->n_packets * job.n_inputs);
    }
    /* window; index; window cut into slices; pcapng */
    for (int kind = 0; kind < N_KINDS; kind++) {
        uint64_t n_packets = kind == 3 ? place->n_blocks_packets : place->n_packets;
        const char *blocks = place->blocks;

        capmill_job_init(&job, CAPMILL_SORT);
        job.inputs = kind == 3 ? &blocks : inputs;
        job.n_inputs = kind == 1 ? 2 : 1;
        job.outputs = &output;
        job.n_outputs = 1;
        job.force = true;
        job.io = io;
        job.memory_bytes = 16u << 20;
        if (kind == 2)
            job.slice_ns = UINT64_C(3600) * 24 * 1000000000;
        if (!execute(&job, stop_after_ns, &report))
            continue;
        stress_check(report.packets_written == n_packets * job.n_inputs);
        if (kind != 2) {
            uint64_t hash = hash_file(place->out);

            stress_check(hashes[kind] == 0 || hashes[kind] == hash);
            hashes[kind] = hash;
        }
    }
}

/* --- several outputs --- */

static bool is_there(const char *path)
{
    struct cm_file_facts facts;

    return cm_path_facts(path, &facts, NULL) == CAPMILL_OK;
}

/* The disk behind output `full_at` is full; N_OUTPUTS: behind none. */
static enum capmill_status fan_out(const struct place *place, struct capmill_job *job, size_t full_at,
                                   uint64_t stop_after_ns, struct capmill_report *report)
{
    struct capmill_output outputs[N_OUTPUTS] = {
        {.path = place->outs[0], .format = CAPMILL_FORMAT_PCAP},
        {.path = place->outs[1], .format = CAPMILL_FORMAT_JSONL},
        {.path = place->outs[2], .format = CAPMILL_FORMAT_PCAPNG},
        {.path = place->outs[3], .format = CAPMILL_FORMAT_PARQUET, .codec = CAPMILL_CODEC_NONE},
        {.path = place->outs[4], .format = CAPMILL_FORMAT_AVRO, .rows = CAPMILL_ROWS_FLOWS},
    };
    char text[512];
    enum capmill_status status;

    if (full_at < N_OUTPUTS)
        outputs[full_at].path = "/dev/full";
    job->outputs = outputs;
    job->n_outputs = N_OUTPUTS;
    job->memory_bytes = 64u << 20;
    status = run_to_end(job, stop_after_ns, report, text);
    if (status < 0 && status != CAPMILL_E_INTERRUPTED && status != CAPMILL_E_NO_SPACE)
        fprintf(stderr, "%s\n", text);
    return status;
}

/* What failed or was stopped leaves no name; what came to its end is what it was the time before. */
static void check_outputs(const struct place *place, enum capmill_status status, size_t full_at,
                          uint64_t stop_after_ns, uint64_t hashes[N_OUTPUTS])
{
    stress_check(status == CAPMILL_OK || status == CAPMILL_E_INTERRUPTED || status == CAPMILL_E_NO_SPACE);
    stress_check((status != CAPMILL_OK) >= (full_at < N_OUTPUTS));
    stress_check(status != CAPMILL_E_NO_SPACE || full_at < N_OUTPUTS);
    stress_check(status != CAPMILL_E_INTERRUPTED || stop_after_ns > 0);
    for (size_t i = 0; i < N_OUTPUTS; i++) {
        uint64_t hash;

        stress_check(is_there(place->outs[i]) == (status == CAPMILL_OK));
        if (status != CAPMILL_OK)
            continue;
        hash = hash_file(place->outs[i]);
        stress_check(hashes[i] == 0 || hashes[i] == hash);
        hashes[i] = hash;
        cm_path_remove(place->outs[i], NULL);
    }
    stress_check(is_there(place->schema) == (status == CAPMILL_OK));
    cm_path_remove(place->schema, NULL);
}

/* As read, merged, in order of time: alone, stopped, with a full disk, and with both. */
static void fan_round(struct place *place, uint64_t round, enum capmill_io io, uint64_t stop_after_ns,
                      uint64_t hashes[3][N_OUTPUTS])
{
    const char *inputs[2] = {place->in, place->reversed};
    bool has_full = is_there("/dev/full");

    for (unsigned kind = 0; kind < 3; kind++) {
        for (unsigned trouble = 0; trouble < 4; trouble++) {
            size_t full_at = has_full && trouble >= 2 ? (round + kind) % N_OUTPUTS : N_OUTPUTS;
            uint64_t stop_ns = trouble % 2 ? stop_after_ns * (1 + kind) : 0;
            struct capmill_report report;
            struct capmill_job job;
            enum capmill_status status;

            capmill_job_init(&job, kind == 2 ? CAPMILL_SORT : CAPMILL_EXPORT);
            job.inputs = inputs;
            job.n_inputs = kind == 0 ? 1 : 2;
            job.io = io;
            status = fan_out(place, &job, full_at, stop_ns, &report);
            check_outputs(place, status, full_at, stop_ns, hashes[kind]);
            stress_check(status != CAPMILL_OK ||
                         report.packets_written == 2 * place->n_packets * job.n_inputs);
        }
    }
}

static void clean(struct place *place)
{
    char **paths = NULL;
    size_t n = 0;

    if (cm_folder_list(place->folder, &paths, &n, NULL) == CAPMILL_OK)
        for (size_t i = 0; i < n; i++)
            cm_path_remove(paths[i], NULL);
    free(paths);
    cm_path_remove(place->folder, NULL);
}

int main(int argc, char **argv)
{
    double seconds = stress_seconds(argc, argv, 4);
    uint64_t begin_ns = cm_clock_monotonic_ns();
    const char *temporary = getenv("TMPDIR");
    struct place place = {0};
    struct capmill_report report;
    uint64_t hashes[N_KINDS] = {0};
    uint64_t fan_hashes[3][N_OUTPUTS] = {{0}};
    uint64_t round = 0;
    struct cm_error error = {0};
    bool has_uring = strcmp(capmill_build_feature(0), "io_uring: yes") == 0;

    if (temporary == NULL)
        temporary = getenv("TEMP");
    snprintf(place.folder, sizeof(place.folder), "%s/capmill-stress-%" PRIx64,
             temporary == NULL ? "/tmp" : temporary, (uint64_t)cm_clock_utc_ns());
    stress_check(cm_folder_create(place.folder, &error) == CAPMILL_OK);
    snprintf(place.in, sizeof(place.in), "%s/in.pcap", place.folder);
    snprintf(place.reversed, sizeof(place.reversed), "%s/reversed.pcap", place.folder);
    snprintf(place.blocks, sizeof(place.blocks), "%s/blocks.pcapng", place.folder);
    snprintf(place.out, sizeof(place.out), "%s/out.pcap", place.folder);
    snprintf(place.schema, sizeof(place.schema), "%s/out%d.avsc", place.folder, N_OUTPUTS - 1);
    for (int i = 0; i < N_OUTPUTS; i++)
        snprintf(place.outs[i], sizeof(place.outs[i]), "%s/out%d", place.folder, i);
    generate(place.in, recipe, 0, &report);
    place.n_packets = report.packets_written;
    {
        char earlier[512], blocks[512];

        snprintf(earlier, sizeof(earlier), "%sstart = 2020-01-01T00:00:00Z\n", recipe);
        generate(place.reversed, earlier, 0, &report);
        stress_check(report.packets_written == place.n_packets);
        snprintf(blocks, sizeof(blocks), "%sformat = pcapng\n", recipe);
        generate(place.blocks, blocks, 0, &report);
        place.n_blocks_packets = report.packets_written;
    }
    /* at least once each way, whatever the time */
    do {
        enum capmill_io io = ways[round % 3];

        if (io != CAPMILL_IO_URING || has_uring) {
            one_round(&place, round, io, 0, hashes);
            one_round(&place, round, io, 1 + round * 3000000 % 20000000, hashes);
            fan_round(&place, round, io, 1 + round * 17000000 % 60000000, fan_hashes);
            generate(place.out, recipe, 1 + round * 1000000 % 10000000, &report);
        }
        round++;
    } while (round < 3 || (double)(cm_clock_monotonic_ns() - begin_ns) < seconds * 1e9);
    printf("pipeline: %" PRIu64 " rounds of %" PRIu64 " packets\n", round, place.n_packets);
    clean(&place);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* From blocks of packets to files: the same bytes whoever takes the blocks in what order of time; what folders tell is
 * not in the files; and whoever fails or is called off leaves nothing. */
#include "sink/table_output.h"

#include "base/checked.h"
#include "os/thread.h"
#include "sink/partition.h"
#include "unit/sink/made_letters.h"
#include "unit/sink/made_rows.h"
#include "unit/sort/drawn.h"

#define N_BLOCKS  40u
#define MAX_TEAM  4u
#define START     (UINT64_C(1709208000) * 1000000000) /* 2024-02-29T12:00:00Z */
#define MINUTE_NS UINT64_C(60000000000)

struct output_case {
    struct temporary_folder folder;
    struct made_rows *made;
    uint32_t block_ends[N_BLOCKS];
    const char *interface; /* of every packet */
    unsigned n_notes;
    char path[600];
};

static const char *input_path(void *context, uint32_t input)
{
    (void)context;
    (void)input;
    return "in.pcap";
}

static const char *interface_name(void *context, uint32_t input, uint32_t interface)
{
    (void)input;
    (void)interface;
    return ((const struct output_case *)context)->interface;
}

static void count_note(void *context, const char *text)
{
    (void)text;
    ++((struct output_case *)context)->n_notes;
}

/* TCP and UDP by turns of blocks, a minute apart; one block is empty. */
static void open_case(struct output_case *the)
{
    uint64_t seed = 1;

    memset(the, 0, sizeof(*the));
    temporary_open(&the->folder);
    snprintf(the->path, sizeof(the->path), "%s/out", the->folder.path);
    the->made = made_rows_create();
    for (uint32_t b = 0; b < N_BLOCKS; b++) {
        for (uint64_t n = b == 7 ? 0 : drawn_in(&seed, 1, 30); n > 0; n--) {
            struct packet packet = {.n = 0};
            unsigned protocol = b % 4 < 2 ? 6 : 17;
            uint32_t ip;

            put_ethernet(&packet, 0x0800);
            ip = put_ipv4(&packet, protocol);
            if (protocol == 6)
                put_tcp(&packet, 1000 + (unsigned)n, 80, 2);
            else
                put_udp(&packet, 1000 + (unsigned)n, 53, 8);
            close_ipv4(&packet, ip);
            made_rows_put(the->made, CM_LINK_ETHERNET, &packet, packet.n)->time_ns =
                START + b * MINUTE_NS + n;
        }
        the->block_ends[b] = the->made->n;
    }
}

static void close_case(struct output_case *the)
{
    made_rows_destroy(the->made);
    tree_close(&the->folder);
}

static struct cm_table_output_options options_of(struct output_case *the, unsigned n_threads)
{
    return (struct cm_table_output_options){
        .path = the->path,
        .format = CM_TABLE_JSONL,
        .packets = {.context = the, .input_path = input_path, .interface_name = interface_name},
        .flows = {.memory_bytes = 1 << 20, .idle_ns = 90000000000},
        .partition_origin = "--partition",
        .n_threads = n_threads,
        .memory_bytes = 64u << 20,
        .note = count_note,
        .context = the,
    };
}

/* --- a team that takes all blocks --- */

struct taker {
    struct output_case *the;
    struct cm_table_output *output;
    struct cm_thread *thread;
    _Atomic uint32_t *next;
    uint32_t abort_at; /* block that is not taken, but all called off; N_BLOCKS: none */
    uint64_t seed;
    enum capmill_status status;
};

static void take_blocks(void *context)
{
    struct taker *taker = context;
    struct cm_error error = {0};
    void *local = NULL;
    uint32_t block;

    cm_check_eq(cm_table_output_open(taker->output, &local, &error), CAPMILL_OK);
    while (taker->status == CAPMILL_OK && (block = atomic_fetch_add(taker->next, 1)) < N_BLOCKS) {
        uint32_t first = block == 0 ? 0 : taker->the->block_ends[block - 1];
        const struct cm_packet_rows packets =
            made_rows_view(taker->the->made, first, taker->the->block_ends[block] - first);

        for (uint64_t n = drawn_in(&taker->seed, 0, 30); n > 0; n--)
            cm_thread_yield();
        if (block == taker->abort_at) {
            cm_table_output_abort(taker->output);
            break;
        }
        taker->status = cm_table_output_take(taker->output, local, block, &packets, &error);
        cm_check_eq(taker->status, error.status);
        if (taker->status != CAPMILL_OK) /* as the run does */
            cm_table_output_abort(taker->output);
    }
    cm_table_output_close(taker->output, local);
}

/* The first status that is not OK and not for having been called off, else that. */
static enum capmill_status take_all(struct output_case *the, struct cm_table_output *output,
                                    unsigned n_threads, uint32_t abort_at, uint64_t seed)
{
    struct taker takers[MAX_TEAM];
    _Atomic uint32_t next = 0;
    struct cm_error error = {0};
    enum capmill_status status = CAPMILL_OK;

    for (unsigned i = 0; i < n_threads; i++) {
        takers[i] = (struct taker){
            .the = the, .output = output, .next = &next, .abort_at = abort_at, .seed = seed * MAX_TEAM + i};
        if (i > 0)
            cm_check_eq(cm_thread_start("taking", take_blocks, &takers[i], &takers[i].thread, &error),
                        CAPMILL_OK);
    }
    take_blocks(&takers[0]);
    for (unsigned i = 0; i < n_threads; i++) {
        cm_thread_join(i > 0 ? takers[i].thread : NULL);
        if (status == CAPMILL_OK || status == CAPMILL_E_INTERRUPTED)
            status = takers[i].status != CAPMILL_OK ? takers[i].status : status;
    }
    return status;
}

static void write_table(struct output_case *the, const struct cm_table_output_options *options, uint64_t seed)
{
    struct cm_table_output *output;
    struct cm_error error = {0};

    cm_check_that(cm_table_output_create(options, &output, &error) == CAPMILL_OK, "%s", error.text);
    cm_check_eq(take_all(the, output, options->n_threads, N_BLOCKS, seed), CAPMILL_OK);
    cm_check_eq(cm_table_output_finish(output, &error), CAPMILL_OK);
    cm_check_that(cm_table_output_commit(output, &error) == CAPMILL_OK, "%s", error.text);
    if (!options->of_flows)
        cm_check_eq(cm_table_files_rows(cm_table_output_files(output)), the->made->n);
    cm_table_output_destroy(output);
}

/* All of a file, ended by a zero. */
static char *read_text(const char *path)
{
    struct cm_file *file;
    struct cm_error error = {0};
    char *text = malloc(1u << 20);
    size_t n = 0;

    cm_check_that(cm_file_open_read(path, 0, &file, &error) == CAPMILL_OK, "%s", error.text);
    cm_check(cm_file_read_at(file, 0, text, (1u << 20) - 1, &n, &error) >= 0);
    cm_file_close(file);
    text[n] = 0;
    return text;
}

CM_TEST(table_output, one_file_whoever_takes_what)
{
    for (unsigned of_flows = 0; of_flows < 2; of_flows++) {
        struct output_case the;
        struct cm_table_output_options options;
        char *expected, *actual;

        open_case(&the);
        options = options_of(&the, 1);
        options.of_flows = of_flows;
        options.rules.replace = true;
        write_table(&the, &options, 0);
        expected = read_text(the.path);
        cm_check(strlen(expected) > 1000);
        for (uint64_t seed = 0; seed < 12; seed++) {
            options.n_threads = 2 + seed % (MAX_TEAM - 1);
            write_table(&the, &options, seed);
            actual = read_text(the.path);
            cm_check_that(strcmp(actual, expected) == 0, "flows %u, seed %" PRIu64, of_flows, seed);
            free(actual);
        }
        free(expected);
        cm_check_eq(temporary_count(&the.folder), 1);
        close_case(&the);
    }
}

CM_TEST(table_output, what_folders_tell_is_not_in_the_files)
{
    struct output_case the;
    struct cm_table_output_options options;
    static const char *const names[] = {"protocol", "packet_number"};
    char path[800];
    char *text;

    open_case(&the);
    options = options_of(&the, 3);
    options.partition = "hr/protocol";
    options.packets.names = names;
    options.packets.n_names = 2;
    write_table(&the, &options, 5);
    snprintf(path, sizeof(path), "%s/hr=12/protocol=6/part-00000.jsonl", the.path);
    text = read_text(path);
    cm_check(strncmp(text, "{\"packet_number\":1}\n", 20) == 0);
    cm_check(strstr(text, "protocol") == NULL && strstr(text, "time") == NULL);
    free(text);
    /* the times of its rows, although the files do not have them: TCP ends with block 37 */
    snprintf(path, sizeof(path), "%s/_manifest.json", the.path);
    text = read_text(path);
    snprintf(path, sizeof(path), "\"min_time_ns\": %" PRIu64 ", \"max_time_ns\": %" PRIu64 "}",
             the.made->packets[the.block_ends[0] - 1].time_ns, the.made->packets[the.block_ends[36]].time_ns);
    cm_check_that(strstr(text, path) != NULL, "no %s in %s", path, text);
    free(text);
    cm_check_eq(tree_count(the.path).n_files, 3);
    close_case(&the);
}

CM_TEST(table_output, what_cannot_be_is_refused)
{
    static const char *const one[] = {"protocol"};
    struct output_case the;
    struct cm_table_output_options options;
    struct cm_table_output *output = NULL;
    struct cm_error error = {0};

    open_case(&the);
    options = options_of(&the, 2);
    options.partition = "protocol";
    options.packets.names = one;
    options.packets.n_names = 1;
    cm_check_eq(cm_table_output_create(&options, &output, &error), CAPMILL_E_USAGE);
    cm_check_that(strstr(error.text, "none is left for the files") != NULL, "%s", error.text);
    error = (struct cm_error){0};
    options = options_of(&the, 2);
    options.path = "-";
    options.partition = "dt";
    cm_check_eq(cm_table_output_create(&options, &output, &error), CAPMILL_E_USAGE);
    cm_check_that(strstr(error.text, "standard output cannot be a table in parts") != NULL, "%s", error.text);
    error = (struct cm_error){0};
    options = options_of(&the, 2);
    options.partition = "payload";
    cm_check_eq(cm_table_output_create(&options, &output, &error), CAPMILL_E_USAGE);
    cm_check_that(strncmp(error.text, "--partition: ", 13) == 0, "%s", error.text);
    cm_check(output == NULL);
    cm_table_output_destroy(NULL);
    cm_check_eq(temporary_count(&the.folder), 0);
    close_case(&the);
}

/* A value that is too long for a folder, found by whichever thread: it fails, and nothing stays. */
CM_TEST(table_output, a_block_that_cannot_be_taken)
{
    char name[CM_PARTITION_KEY_BYTES + 1];

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct output_case the;
        struct cm_table_output_options options;
        struct cm_table_output *output;
        struct cm_error error = {0};

        open_case(&the);
        the.interface = name;
        options = options_of(&the, 1 + seed % MAX_TEAM);
        options.partition = "dt/interface";
        cm_check_eq(cm_table_output_create(&options, &output, &error), CAPMILL_OK);
        cm_check_eq(take_all(&the, output, options.n_threads, N_BLOCKS, seed), CAPMILL_E_UNSUPPORTED);
        cm_table_output_destroy(output);
        cm_check_eq(temporary_count(&the.folder), 0);
        close_case(&the);
    }
}

/* A file of somebody's where one of a block's many parts belongs: found while it is written, by the one who writes. */
CM_TEST(table_output, a_file_in_the_way)
{
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct output_case the;
        struct cm_table_output_options options;
        struct cm_table_output *output;
        struct cm_error error = {0};
        char path[800];
        enum capmill_status status;

        open_case(&the);
        cm_check_eq(cm_folder_create(the.path, NULL), CAPMILL_OK);
        snprintf(path, sizeof(path), "%s/src_port=1002", the.path);
        cm_check_eq(cm_folder_create(path, NULL), CAPMILL_OK);
        strcat(path, "/part-00000.jsonl");
        temporary_write(path, "theirs", 6);
        options = options_of(&the, 1 + seed % MAX_TEAM);
        options.partition = "src_port";
        cm_check_eq(cm_table_output_create(&options, &output, &error), CAPMILL_OK);
        status = take_all(&the, output, options.n_threads, N_BLOCKS, seed);
        cm_check(status == CAPMILL_OK || status == CAPMILL_E_EXISTS);
        cm_check_eq(cm_table_output_finish(output, &error), CAPMILL_E_EXISTS);
        cm_check_that(strstr(error.text, "src_port=1002") != NULL, "%s", error.text);
        cm_table_output_destroy(output);
        cm_check(temporary_holds(path, "theirs"));
        cm_check_eq(tree_count(the.path).n_files, 1);
        cm_check_eq(tree_count(the.path).n_folders, 1);
        close_case(&the);
    }
}

/* Whoever waits for a block that will not come is called off. */
CM_TEST(table_output, called_off_at_any_block)
{
    for (uint64_t seed = 0; seed < 24; seed++) {
        struct output_case the;
        struct cm_table_output_options options;
        struct cm_table_output *output;
        struct cm_error error = {0};
        enum capmill_status status;

        open_case(&the);
        options = options_of(&the, 1 + seed % MAX_TEAM);
        options.of_flows = seed % 3 == 0;
        options.partition = seed % 2 && !options.of_flows ? "dt/hr/protocol" : NULL;
        cm_check_eq(cm_table_output_create(&options, &output, &error), CAPMILL_OK);
        status = take_all(&the, output, options.n_threads, (uint32_t)(seed * 7 % N_BLOCKS), seed);
        cm_check(status == CAPMILL_OK || status == CAPMILL_E_INTERRUPTED);
        cm_check_eq(cm_table_output_finish(output, &error), CAPMILL_E_INTERRUPTED);
        cm_table_output_destroy(output);
        cm_check_eq(temporary_count(&the.folder), 0);
        close_case(&the);
    }
}

/* Parquet's row groups end early where memory is short: that is worth a note, once. */
CM_TEST(table_output, small_row_groups_are_told_once)
{
    struct output_case the;
    struct cm_table_output_options options;

    open_case(&the);
    options = options_of(&the, 2);
    options.format = CM_TABLE_PARQUET;
    options.encoding.codec = CM_CODEC_NONE; /* which every build has */
    options.memory_bytes = 1;
    write_table(&the, &options, 1);
    cm_check_eq(the.n_notes, 1);
    close_case(&the);
}

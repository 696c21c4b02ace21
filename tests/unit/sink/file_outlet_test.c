/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs appear whole or not at all, slices are cut and named by time, and nothing that is an input is
 * written to. What needs pipes and devices stands in stream_outlet_test.c. */
#include "sink/file_outlet.h"

#include "os/thread.h"
#include "unit/os/temporary_folder.h"

#define SECOND UINT64_C(1000000000)
#define START  (UINT64_C(1700000000) * SECOND) /* 2023-11-14T22:13:20Z */

static enum capmill_status header(void *context, const uint8_t **bytes_ret, size_t *n_ret,
                                  struct cm_error *error)
{
    unsigned *n_headers = context;

    (void)error;
    if (n_headers != NULL)
        ++*n_headers;
    *bytes_ret = (const uint8_t *)"HEAD";
    *n_ret = 4;
    return CAPMILL_OK;
}

static void put(struct cm_file_outlet *outlet, uint64_t time_ns, const char *text)
{
    struct cm_outlet table = cm_file_outlet_table(outlet);
    struct cm_place place;
    struct cm_error error = {0};

    cm_check_that(table.reserve(table.context, time_ns, strlen(text), &place, &error) == CAPMILL_OK, "%s",
                  error.text);
    cm_check_that(table.write(table.context, &place, text, strlen(text), &error) == CAPMILL_OK, "%s",
                  error.text);
    cm_check_eq(place.n_left, 0);
}

static void check_file(const char *path, const char *expected)
{
    char actual[256] = "";
    struct cm_file *file;
    struct cm_error error = {0};
    size_t n = 0;

    cm_check_that(cm_file_open_read(path, 0, &file, &error) == CAPMILL_OK, "%s", error.text);
    cm_check_that(cm_file_read_at(file, 0, actual, sizeof(actual) - 1, &n, &error) >= 0, "%s", error.text);
    cm_file_close(file);
    actual[n] = 0;
    cm_check_str(actual, expected);
}

static struct cm_file_outlet *create(const struct cm_file_outlet_options *options)
{
    struct cm_file_outlet *outlet = NULL;
    struct cm_error error = {0};

    cm_check_that(cm_file_outlet_create(options, &outlet, &error) == CAPMILL_OK, "%s", error.text);
    return outlet;
}

static void commit(struct cm_file_outlet *outlet)
{
    struct cm_error error = {0};

    cm_check_that(cm_file_outlet_commit(outlet, &error) == CAPMILL_OK, "%s", error.text);
}

CM_TEST(file_outlet, one_file_appears_when_it_is_committed)
{
    struct temporary_folder folder;
    struct cm_file_outlet_options options = {.header = header, .n_threads = 2};
    struct cm_file_outlet *outlet;
    const char *const *paths;
    char path[1024];
    unsigned n_headers = 0;

    temporary_open(&folder);
    snprintf(path, sizeof(path), "%s/out.pcap", folder.path);
    options.path = path;
    options.context = &n_headers;
    outlet = create(&options);
    cm_check(!cm_file_outlet_is_stream(outlet));
    cm_check(cm_file_outlet_table(outlet).slice_end == NULL);
    put(outlet, START, "one");
    put(outlet, 0, "two");
    put(outlet, UINT64_MAX, "");
    cm_check_eq(cm_path_facts(path, &(struct cm_file_facts){0}, NULL), CAPMILL_E_NOT_FOUND);
    commit(outlet);
    check_file(path, "HEADonetwo");
    cm_check_eq(cm_file_outlet_bytes(outlet), 10);
    cm_check_eq(cm_file_outlet_paths(outlet, &paths), 1);
    cm_check_str(paths[0], path);
    cm_file_outlet_destroy(outlet);
    cm_check_eq(n_headers, 1);
    check_file(path, "HEADonetwo");
    cm_check_eq(temporary_count(&folder), 1);
    temporary_close(&folder);
}

CM_TEST(file_outlet, an_output_without_packets_has_its_header)
{
    struct temporary_folder folder;
    struct cm_file_outlet_options options = {.header = header, .n_threads = 1};
    struct cm_file_outlet *outlet;
    char path[1024];

    temporary_open(&folder);
    snprintf(path, sizeof(path), "%s/out", folder.path);
    options.path = path;
    outlet = create(&options);
    commit(outlet);
    cm_file_outlet_destroy(outlet);
    check_file(path, "HEAD");
    temporary_close(&folder);
}

CM_TEST(file_outlet, places_that_the_caller_knows_need_no_header)
{
    struct temporary_folder folder;
    struct cm_file_outlet_options options = {.n_threads = 2};
    struct cm_file_outlet *outlet;
    struct cm_outlet table;
    struct cm_place late, early;
    struct cm_error error = {0};
    char path[1024];

    temporary_open(&folder);
    snprintf(path, sizeof(path), "%s/out", folder.path);
    options.path = path;
    outlet = create(&options);
    table = cm_file_outlet_table(outlet);
    late = cm_file_outlet_place(outlet, 3, 3);
    early = cm_file_outlet_place(outlet, 0, 3);
    cm_check_eq(table.write(table.context, &late, "def", 3, &error), CAPMILL_OK);
    cm_check_eq(table.write(table.context, &early, "a", 1, &error), CAPMILL_OK);
    cm_check_eq(table.write(table.context, &early, "bc", 2, &error), CAPMILL_OK);
    cm_check_eq(table.write(table.context, &early, "x", 1, &error), CAPMILL_E_INTERNAL);
    commit(outlet);
    cm_file_outlet_destroy(outlet);
    check_file(path, "abcdef");
    temporary_close(&folder);
}

CM_TEST(file_outlet, without_a_commit_nothing_is_left)
{
    struct temporary_folder folder;
    struct cm_file_outlet_options options = {.header = header, .n_threads = 1, .replace = true};
    struct cm_file_outlet *outlet;
    char path[1024];

    temporary_open(&folder);
    snprintf(path, sizeof(path), "%s/out", folder.path);
    options.path = path;
    outlet = create(&options);
    put(outlet, START, "one");
    cm_file_outlet_destroy(outlet);
    cm_check_eq(temporary_count(&folder), 0);

    temporary_write(path, "old", 3);
    outlet = create(&options);
    put(outlet, START, "one");
    cm_file_outlet_abort(outlet);
    cm_file_outlet_destroy(outlet);
    check_file(path, "old");

    options.slice_ns = SECOND;
    outlet = create(&options);
    put(outlet, START, "one");
    put(outlet, START + SECOND, "two");
    cm_file_outlet_destroy(outlet);
    cm_check_eq(temporary_count(&folder), 1);
    cm_file_outlet_destroy(NULL);
    temporary_close(&folder);
}

CM_TEST(file_outlet, an_existing_file_is_replaced_only_on_request)
{
    struct temporary_folder folder;
    struct cm_file_outlet_options options = {.header = header, .n_threads = 1};
    struct cm_file_outlet *outlet;
    struct cm_error error = {0};
    char path[1024];

    temporary_open(&folder);
    snprintf(path, sizeof(path), "%s/out", folder.path);
    options.path = path;
    temporary_write(path, "old", 3);
    cm_check_eq(cm_file_outlet_create(&options, &outlet, &error), CAPMILL_E_EXISTS);
    check_file(path, "old");
    options.replace = true;
    outlet = create(&options);
    commit(outlet);
    cm_file_outlet_destroy(outlet);
    check_file(path, "HEAD");
    options.path = folder.path;
    memset(&error, 0, sizeof(error));
    cm_check_eq(cm_file_outlet_create(&options, &outlet, &error), CAPMILL_E_USAGE);
    temporary_close(&folder);
}

static bool is_the_input(void *context, const struct cm_file_facts *facts)
{
    const struct cm_file_facts *input = context;

    return facts->volume == input->volume && facts->identity[0] == input->identity[0] &&
           facts->identity[1] == input->identity[1];
}

CM_TEST(file_outlet, inputs_are_refused)
{
    struct temporary_folder folder;
    struct cm_file_facts facts;
    struct cm_file_outlet_options options = {
        .n_threads = 1, .replace = true, .is_input = is_the_input, .context = &facts};
    struct cm_file_outlet *outlet;
    struct cm_outlet table;
    struct cm_place place;
    struct cm_error error = {0};
    char path[1024];

    temporary_open(&folder);
    snprintf(path, sizeof(path), "%s/in_20231114T221320Z.pcap", folder.path);
    temporary_write(path, "input", 5);
    cm_check_eq(cm_path_facts(path, &facts, &error), CAPMILL_OK);
    options.path = path;
    cm_check_eq(cm_file_outlet_create(&options, &outlet, &error), CAPMILL_E_USAGE);
    cm_check(strstr(error.text, path) != NULL);

    /* also where a slice would get its name */
    snprintf(path, sizeof(path), "%s/in.pcap", folder.path);
    options.slice_ns = SECOND;
    outlet = create(&options);
    table = cm_file_outlet_table(outlet);
    memset(&error, 0, sizeof(error));
    cm_check_eq(table.reserve(table.context, START, 5, &place, &error), CAPMILL_E_USAGE);
    cm_file_outlet_destroy(outlet);
    cm_check_eq(temporary_count(&folder), 1);
    temporary_close(&folder);
}

CM_TEST(file_outlet, slices_are_cut_at_whole_multiples_and_begin_with_the_header)
{
    struct temporary_folder folder;
    struct cm_file_outlet_options options = {.header = header, .n_threads = 1, .slice_ns = 60 * SECOND};
    struct cm_file_outlet *outlet;
    struct cm_outlet table;
    const char *const *paths;
    char path[1024];

    temporary_open(&folder);
    snprintf(path, sizeof(path), "%s/out.of.pcap", folder.path);
    options.path = path;
    outlet = create(&options);
    table = cm_file_outlet_table(outlet);
    cm_check_eq(table.slice_end(table.context, START) - START, 40 * SECOND);
    cm_check_eq(table.slice_end(table.context, START + 40 * SECOND) - START, 100 * SECOND);
    cm_check(table.slice_end(table.context, UINT64_MAX) == UINT64_MAX);
    put(outlet, START, "a");
    put(outlet, START + 40 * SECOND - 1, "b");
    put(outlet, START + 40 * SECOND, "c");
    put(outlet, START + 200 * SECOND, "d");
    put(outlet, UINT64_MAX, "e");
    commit(outlet);
    cm_check_eq(cm_file_outlet_paths(outlet, &paths), 4);
    cm_check(strstr(paths[0], "/out.of_20231114T221300Z.pcap") != NULL);
    cm_check(strstr(paths[3], "/out.of_25540721T233400Z.pcap") != NULL);
    cm_file_outlet_destroy(outlet);
    check_file(temporary_path(&folder, "out.of_20231114T221300Z.pcap"), "HEADab");
    check_file(temporary_path(&folder, "out.of_20231114T221400Z.pcap"), "HEADc");
    check_file(temporary_path(&folder, "out.of_20231114T221600Z.pcap"), "HEADd");
    cm_check_eq(temporary_count(&folder), 4);
    temporary_close(&folder);
}

CM_TEST(file_outlet, short_slices_carry_the_fraction_and_folders_give_names)
{
    struct temporary_folder folder;
    struct cm_file_outlet_options options = {
        .header = header, .n_threads = 1, .slice_ns = SECOND / 4, .slice_extension = ".pcapng"};
    struct cm_file_outlet *outlet;

    temporary_open(&folder);
    options.path = folder.path;
    outlet = create(&options);
    put(outlet, START + SECOND / 4, "a");
    put(outlet, START + SECOND, "b");
    commit(outlet);
    cm_file_outlet_destroy(outlet);
    check_file(temporary_path(&folder, "capture_20231114T221320.250000000Z.pcapng"), "HEADa");
    check_file(temporary_path(&folder, "capture_20231114T221321.000000000Z.pcapng"), "HEADb");

    options.slice_stem = "eth0";
    options.slice_ns = SECOND;
    outlet = create(&options);
    commit(outlet); /* slices without packets: none */
    cm_check_eq(temporary_count(&folder), 2);
    cm_file_outlet_destroy(outlet);
    temporary_close(&folder);
}

CM_TEST(file_outlet, names_are_split_at_the_extension_of_the_last_component)
{
    static const struct {
        const char *name, *slice;
    } names[] = {{"out", "out_20231114T221320Z"}, /* names of their own: Windows drops a dot at the end */
                 {".hidden", ".hidden_20231114T221320Z"},
                 {"dot.", "dot_20231114T221320Z."},
                 {"a.b.c", "a.b_20231114T221320Z.c"}};
    struct temporary_folder folder;

    temporary_open(&folder);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct cm_file_outlet_options options = {.header = header, .n_threads = 1, .slice_ns = SECOND};
        struct cm_file_outlet *outlet;

        options.path = temporary_path(&folder, names[i].name);
        outlet = create(&options);
        put(outlet, START, "x");
        commit(outlet);
        cm_file_outlet_destroy(outlet);
        check_file(temporary_path(&folder, names[i].slice), "HEADx");
    }
    temporary_close(&folder);
}

/* --- many threads, many slices: places are reserved in order and written in any --- */

#define N_SLICES 300u
#define N_PIECES 20u

struct crew {
    struct cm_file_outlet *outlet;
    struct cm_place places[N_SLICES * N_PIECES];
    _Atomic uint32_t next;
    _Atomic uint32_t n_reserved;
    _Atomic uint32_t n_failed;
};

static void write_places(void *context)
{
    struct crew *crew = context;
    struct cm_outlet table = cm_file_outlet_table(crew->outlet);

    for (;;) {
        uint32_t i = atomic_fetch_add(&crew->next, 1);
        char text[8];

        if (i >= N_SLICES * N_PIECES)
            return;
        while (atomic_load(&crew->n_reserved) <= i)
            cm_thread_yield();
        snprintf(text, sizeof(text), "%06u", i);
        for (int k = 0; k < 2; k++)
            if (table.write(table.context, &crew->places[i], text + 3 * k, 3, NULL) != CAPMILL_OK)
                atomic_fetch_add(&crew->n_failed, 1);
    }
}

CM_TEST(file_outlet, slices_are_written_by_many_threads)
{
    struct temporary_folder folder;
    struct cm_file_outlet_options options = {.header = header, .n_threads = 3, .slice_ns = SECOND};
    struct crew *crew = calloc(1, sizeof(*crew));
    struct cm_thread *threads[3];
    struct cm_outlet table;
    struct cm_error error = {0};
    const char *const *paths;

    cm_check(crew != NULL);
    temporary_open(&folder);
    options.path = temporary_path(&folder, "out");
    crew->outlet = create(&options);
    table = cm_file_outlet_table(crew->outlet);
    for (int i = 0; i < 3; i++)
        cm_check_eq(cm_thread_start("writer", write_places, crew, &threads[i], &error), CAPMILL_OK);
    for (uint32_t i = 0; i < N_SLICES * N_PIECES; i++) {
        cm_check_that(table.reserve(table.context, START + i / N_PIECES * SECOND, 6, &crew->places[i],
                                    &error) == CAPMILL_OK,
                      "%s", error.text);
        atomic_store(&crew->n_reserved, i + 1);
    }
    for (int i = 0; i < 3; i++)
        cm_thread_join(threads[i]);
    cm_check_eq(atomic_load(&crew->n_failed), 0);
    commit(crew->outlet);
    cm_check_eq(cm_file_outlet_paths(crew->outlet, &paths), N_SLICES);
    for (uint32_t i = 0; i < N_SLICES; i++) {
        char expected[5 + 6 * N_PIECES] = "HEAD";

        for (uint32_t k = 0; k < N_PIECES; k++)
            snprintf(expected + 4 + 6 * k, sizeof(expected) - 4 - 6 * k, "%06u", i * N_PIECES + k);
        check_file(paths[i], expected);
    }
    cm_file_outlet_destroy(crew->outlet);
    free(crew);
    temporary_close(&folder);
}

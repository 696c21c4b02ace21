/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, facts, reads and writes, and mappings, on every system. */
#include "unit/os/temporary_folder.h"

#include "os/process.h"

CM_TEST(file, missing_file_is_named_and_says_what_to_do)
{
    struct temporary_folder folder;
    struct cm_file *file = (struct cm_file *)1;
    struct cm_file_facts facts;
    struct cm_error error = {0};
    const char *path;

    temporary_open(&folder);
    path = temporary_path(&folder, "nothing here.pcap");
    cm_check_eq(cm_file_open_read(path, 0, &file, &error), CAPMILL_E_NOT_FOUND);
    cm_check(file == NULL);
    cm_check_that(strstr(error.text, path) != NULL && strstr(error.text, "check the path") != NULL, "%s",
                  error.text);
    cm_check(error.system_code != 0);
    cm_check_eq(cm_path_facts(path, &facts, NULL), CAPMILL_E_NOT_FOUND);
    cm_check_eq(cm_path_remove(path, NULL), CAPMILL_E_NOT_FOUND);
    temporary_close(&folder);
}

CM_TEST(file, folder_is_refused_as_wrong_usage)
{
    struct temporary_folder folder;
    struct cm_file *file;
    struct cm_file_facts facts;
    struct cm_error error = {0};

    temporary_open(&folder);
    cm_check_eq(cm_file_open_read(folder.path, CM_FILE_SEQUENTIAL, &file, &error), CAPMILL_E_USAGE);
    cm_check_that(strstr(error.text, "it is a folder") != NULL, "%s", error.text);
    cm_check_eq(cm_path_facts(folder.path, &facts, NULL), CAPMILL_OK);
    cm_check_eq(facts.type, CM_FILE_FOLDER);
    temporary_close(&folder);
}

CM_TEST(file, overlong_path_keeps_its_reason)
{
    struct cm_error error = {0};
    struct cm_file *file;
    char path[3000];

    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = 0;
    cm_check(cm_file_open_read(path, 0, &file, &error) < 0);
    cm_check_that(strlen(error.text) < CM_ERROR_TEXT_BYTES - 1, "%s", error.text);
    cm_check(strstr(error.text, "\": ") != NULL);
}

CM_TEST(file, reads_at_places_and_in_turn_with_short_end)
{
    enum { n_bytes = 100001 };
    struct temporary_folder folder;
    unsigned char *bytes = temporary_pattern(n_bytes), *got = malloc(n_bytes);
    struct cm_file_facts facts;
    struct cm_file *file;
    size_t n;

    temporary_open(&folder);
    temporary_write(temporary_path(&folder, "a"), bytes, n_bytes);
    cm_check_eq(cm_file_open_read(temporary_path(&folder, "a"), CM_FILE_SEQUENTIAL, &file, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_facts(file, &facts, NULL), CAPMILL_OK);
    cm_check_eq(facts.type, CM_FILE_REGULAR);
    cm_check_eq(facts.size_bytes, n_bytes);
    /* Within a day of now, in the right unit and from the right epoch. */
    cm_check(llabs((long long)(facts.modified_ns - cm_clock_utc_ns())) < 86400000000000);

    cm_check_eq(cm_file_read_at(file, 777, got, 5000, &n, NULL), CAPMILL_OK);
    cm_check_eq(n, 5000);
    cm_check_mem(got, bytes + 777, n);
    cm_check_eq(cm_file_read_at(file, n_bytes - 10, got, 5000, &n, NULL), CAPMILL_OK);
    cm_check_eq(n, 10);
    cm_check_mem(got, bytes + n_bytes - 10, n);
    cm_check_eq(cm_file_read_at(file, n_bytes, got, 5000, &n, NULL), CAPMILL_END);
    cm_check_eq(n, 0);
    cm_check_eq(cm_file_read_at(file, (uint64_t)1 << 40, got, 5000, &n, NULL), CAPMILL_END);

    cm_check(cm_file_wait_readable(file, 0));
    for (size_t at = 0; at < n_bytes; at += n) {
        cm_check_eq(cm_file_read_some(file, got, 30000, &n, NULL), CAPMILL_OK);
        cm_check(n > 0 && n <= n_bytes - at);
        cm_check_mem(got, bytes + at, n);
    }
    cm_check_eq(cm_file_read_some(file, got, 30000, &n, NULL), CAPMILL_END);
    cm_file_close(file);
    temporary_close(&folder);
    free(bytes);
    free(got);
}

CM_TEST(file, direct_or_not_gives_the_same_bytes)
{
    enum { n_bytes = 3 * 4096 + 123, n_room = 4 * 4096 };
    struct temporary_folder folder;
    unsigned char *bytes = temporary_pattern(n_bytes), *block = malloc(n_room + 4096);
    unsigned char *aligned = block + (4096 - (uintptr_t)block % 4096);
    struct cm_file *file;
    size_t n;

    temporary_open(&folder);
    temporary_write(temporary_path(&folder, "a"), bytes, n_bytes);
    cm_check_eq(cm_file_open_read(temporary_path(&folder, "a"), CM_FILE_DIRECT, &file, NULL), CAPMILL_OK);
    printf("direct: %d\n", cm_file_is_direct(file));
    cm_check_eq(cm_file_read_at(file, 0, aligned, n_room, &n, NULL), CAPMILL_OK);
    cm_check_eq(n, n_bytes);
    cm_check_mem(aligned, bytes, n_bytes);
    cm_check_eq(cm_file_read_at(file, 8192, aligned, 4096, &n, NULL), CAPMILL_OK);
    cm_check_eq(n, 4096);
    cm_check_mem(aligned, bytes + 8192, n);
    cm_check_eq(cm_file_read_at(file, n_room, aligned, 4096, &n, NULL), CAPMILL_END);
    cm_file_close(file);
    temporary_close(&folder);
    free(bytes);
    free(block);
}

CM_TEST(file, identity_tells_files_apart)
{
    struct temporary_folder folder;
    struct cm_file_facts a, again, b;
    char around[1100];

    temporary_open(&folder);
    temporary_write(temporary_path(&folder, "a"), "1", 1);
    temporary_write(temporary_path(&folder, "b"), "1", 1);
    cm_check_eq(cm_path_facts(temporary_path(&folder, "a"), &a, NULL), CAPMILL_OK);
    cm_check_eq(cm_path_facts(temporary_path(&folder, "b"), &b, NULL), CAPMILL_OK);
    snprintf(around, sizeof(around), "%s/./a", folder.path);
    cm_check_eq(cm_path_facts(around, &again, NULL), CAPMILL_OK);
    cm_check_eq(a.volume, again.volume);
    cm_check_mem(a.identity, again.identity, sizeof(a.identity));
    cm_check(memcmp(a.identity, b.identity, sizeof(a.identity)) != 0);
    temporary_close(&folder);
}

CM_TEST(file, free_space_of_file_folder_and_absent_file)
{
    struct temporary_folder folder;
    uint64_t of_folder = 0, of_absent = 0;

    temporary_open(&folder);
    cm_check_eq(cm_path_free_space(folder.path, &of_folder, NULL), CAPMILL_OK);
    cm_check_eq(cm_path_free_space(temporary_path(&folder, "new.pcap"), &of_absent, NULL), CAPMILL_OK);
    cm_check(of_folder > 0 && of_absent > 0);
    cm_check(cm_path_free_space(temporary_path(&folder, "no/such/new.pcap"), &of_absent, NULL) < 0);
    temporary_close(&folder);
}

CM_TEST(file, scratch_is_read_back_and_leaves_nothing)
{
    enum { n_bytes = 70000 };
    struct temporary_folder folder;
    unsigned char *bytes = temporary_pattern(n_bytes), *got = malloc(n_bytes);
    struct cm_error error = {0};
    struct cm_file *file, *other;
    size_t n;

    temporary_open(&folder);
    cm_check_that(cm_file_open_scratch(folder.path, &file, &error) == CAPMILL_OK, "%s", error.text);
    cm_check_eq(cm_file_open_scratch(folder.path, &other, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_write_at(file, 1000000, bytes, n_bytes, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_read_at(file, 1000000, got, n_bytes, &n, NULL), CAPMILL_OK);
    cm_check_eq(n, n_bytes);
    cm_check_mem(got, bytes, n_bytes);
    cm_check_eq(cm_file_read_at(other, 0, got, n_bytes, &n, NULL), CAPMILL_END);
    cm_file_close(file);
    cm_file_close(other);
    cm_check_eq(temporary_count(&folder), 0);
    cm_check_eq(cm_file_open_scratch(NULL, &file, NULL), CAPMILL_OK);
    cm_file_close(file);
    cm_check(cm_file_open_scratch(temporary_path(&folder, "absent"), &file, &error) < 0);
    temporary_close(&folder);
    free(bytes);
    free(got);
}

CM_TEST(file, map_shows_the_whole_file)
{
    enum { n_bytes = 200003 };
    struct temporary_folder folder;
    unsigned char *bytes = temporary_pattern(n_bytes);
    struct cm_file_map *map;
    const uint8_t *mapped;
    struct cm_file *file;
    size_t n;

    temporary_open(&folder);
    temporary_write(temporary_path(&folder, "a"), bytes, n_bytes);
    cm_check_eq(cm_file_open_read(temporary_path(&folder, "a"), 0, &file, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_map_open(file, &mapped, &n, &map, NULL), CAPMILL_OK);
    cm_file_close(file); /* the mapping lives on */
    cm_check_eq(n, n_bytes);
    cm_check_mem(mapped, bytes, n_bytes);
    cm_check(!cm_file_map_broken(map));
    cm_file_map_close(map);

    temporary_write(temporary_path(&folder, "empty"), "", 0);
    cm_check_eq(cm_file_open_read(temporary_path(&folder, "empty"), 0, &file, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_map_open(file, &mapped, &n, &map, NULL), CAPMILL_OK);
    cm_check_eq(n, 0);
    cm_check(mapped != NULL);
    cm_check(!cm_file_map_broken(map));
    cm_file_map_close(map);
    cm_file_close(file);
    temporary_close(&folder);
    free(bytes);
}

CM_TEST(file, close_and_map_close_take_nothing)
{
    cm_file_close(NULL);
    cm_file_map_close(NULL);
    cm_output_destroy(NULL);
}

CM_TEST(process, columns_are_known_or_eighty)
{
    cm_check(cm_process_terminal_columns() > 0);
    if (!cm_process_stderr_is_terminal())
        cm_check_eq(cm_process_terminal_columns(), 80);
}

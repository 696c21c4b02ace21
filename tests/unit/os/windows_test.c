/* SPDX-License-Identifier: Apache-2.0 */
/* What only Windows can be asked: standard pipes and their end, share modes as locks, names in wide
 * characters. */
#include "os/windows/system_windows.h"

#include "unit/os/temporary_folder.h"

CM_TEST(windows_file, standard_pipes_are_binary_and_their_end_is_a_status)
{
    static const char text[] = "a\r\nb\nc\x1a\0d"; /* what a text mode would change or stop at */
    HANDLE out_before = GetStdHandle(STD_OUTPUT_HANDLE), in_before = GetStdHandle(STD_INPUT_HANDLE);
    struct cm_file *in, *out;
    struct cm_file_facts facts;
    struct cm_error error = {0};
    HANDLE reader, writer;
    char got[64];
    size_t n;

    cm_check(CreatePipe(&reader, &writer, NULL, 0));
    SetStdHandle(STD_OUTPUT_HANDLE, writer);
    SetStdHandle(STD_INPUT_HANDLE, reader);
    cm_check_eq(cm_file_open_stdout(&out, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_open_stdin(&in, NULL), CAPMILL_OK);
    SetStdHandle(STD_OUTPUT_HANDLE, out_before);
    SetStdHandle(STD_INPUT_HANDLE, in_before);
    cm_check_eq(cm_file_facts(in, &facts, NULL), CAPMILL_OK);
    cm_check_eq(facts.type, CM_FILE_PIPE);

    cm_check(!cm_file_wait_readable(in, 20000000));
    cm_check_eq(cm_file_write(out, text, sizeof(text), NULL), CAPMILL_OK);
    cm_check(cm_file_wait_readable(in, UINT64_MAX));
    cm_check_eq(cm_file_read_some(in, got, sizeof(got), &n, NULL), CAPMILL_OK);
    cm_check_eq(n, sizeof(text));
    cm_check_mem(got, text, n);
    cm_check_eq(cm_file_flush(out, NULL), CAPMILL_OK);

    CloseHandle(writer);
    cm_check(cm_file_wait_readable(in, UINT64_MAX));
    cm_check_eq(cm_file_read_some(in, got, sizeof(got), &n, NULL), CAPMILL_END);
    cm_check_eq(n, 0);
    CloseHandle(reader);

    cm_file_close(out);
    cm_check(CreatePipe(&reader, &writer, NULL, 0));
    SetStdHandle(STD_OUTPUT_HANDLE, writer);
    cm_check_eq(cm_file_open_stdout(&out, NULL), CAPMILL_OK);
    SetStdHandle(STD_OUTPUT_HANDLE, out_before);
    CloseHandle(reader);
    cm_check_eq(cm_file_write(out, text, sizeof(text), &error), CAPMILL_E_CLOSED);
    cm_check_that(strstr(error.text, "its reader closed it") != NULL, "%s", error.text);
    CloseHandle(writer);
    cm_file_close(out);
    cm_file_close(in);
}

CM_TEST(windows_file, null_device_takes_everything)
{
    struct cm_file *file;
    struct cm_file_facts facts;

    cm_check_eq(cm_file_open_device("NUL", &file, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_facts(file, &facts, NULL), CAPMILL_OK);
    cm_check_eq(facts.type, CM_FILE_DEVICE);
    cm_check_eq(cm_file_write(file, "x", 1, NULL), CAPMILL_OK);
    cm_file_close(file);
}

CM_TEST(windows_output, open_handle_keeps_debris_of_an_owner_we_cannot_see)
{
    static const char name[] = ".a.capmill-7ffffff0-1-2.tmp";
    struct temporary_folder folder;
    struct cm_output *output;
    HANDLE held;

    temporary_open(&folder);
    held = cm_open_handle(temporary_path(&folder, name), GENERIC_READ | GENERIC_WRITE | DELETE,
                          FILE_SHARE_READ, CREATE_NEW, 0);
    cm_check(held != INVALID_HANDLE_VALUE);
    cm_check_eq(cm_output_create(temporary_path(&folder, "a"), true, &output, NULL), CAPMILL_OK);
    cm_output_destroy(output);
    cm_check_eq(temporary_count(&folder), 1);
    CloseHandle(held);
    cm_check_eq(cm_output_create(temporary_path(&folder, "a"), true, &output, NULL), CAPMILL_OK);
    cm_output_destroy(output);
    cm_check_eq(temporary_count(&folder), 0);
    temporary_close(&folder);
}

CM_TEST(windows_output, target_that_someone_has_open_is_left_alone)
{
    struct temporary_folder folder;
    struct cm_output *output;
    struct cm_error error = {0};
    const char *path;
    HANDLE held;

    temporary_open(&folder);
    path = temporary_path(&folder, "a");
    temporary_write(path, "old", 3);
    held = cm_open_handle(path, GENERIC_READ, FILE_SHARE_READ, OPEN_EXISTING, 0);
    cm_check(held != INVALID_HANDLE_VALUE);
    cm_check_eq(cm_output_create(path, true, &output, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_write(cm_output_file(output), "new", 3, NULL), CAPMILL_OK);
    cm_check(cm_output_commit(output, false, &error) < 0);
    cm_check_that(strstr(error.text, path) != NULL, "%s", error.text);
    cm_output_destroy(output);
    CloseHandle(held);
    cm_check(temporary_holds(path, "old"));
    cm_check_eq(temporary_count(&folder), 1);
    temporary_close(&folder);
}

CM_TEST(windows_text, names_go_to_wide_and_back)
{
    static const char *const texts[] = {"", "plain.pcap", "äöü€\xf0\x9f\x90\xa7"};

    for (size_t i = 0; i < 3; i++) {
        wchar_t *wide = cm_to_wide(texts[i]);
        char *back = wide == NULL ? NULL : cm_from_wide(wide);

        cm_check(back != NULL);
        cm_check_str(back, texts[i]);
        free(wide);
        free(back);
    }
    cm_check(cm_to_wide("\xff\xfe") == NULL);

    struct cm_error error = {0};
    struct cm_file *file;
    cm_check_eq(cm_file_open_read("\xff\xfe", 0, &file, &error), CAPMILL_E_USAGE);
    cm_check_that(strstr(error.text, "not UTF-8") != NULL, "%s", error.text);
}

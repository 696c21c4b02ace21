/* SPDX-License-Identifier: Apache-2.0 */
/* synth_write RECIPE_FILE OUT [key=value...]: write a recipe's capture with one thread, block by block, for
 * tests and measurements that need data without the whole program. Not a product: users have `capmill
 * generate`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/file.h"
#include "synth/synth.h"

#define RECIPE_BYTES 65536

static enum capmill_status read_recipe(const char *path, struct cm_recipe *recipe, struct cm_error *error)
{
    struct cm_file *file = NULL;
    char *text = calloc(1, RECIPE_BYTES);
    size_t n = 0;
    enum capmill_status status;

    if (text == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory");
    status = cm_file_open_read(path, 0, &file, error);
    if (status == CAPMILL_OK)
        status = cm_file_read_at(file, 0, text, RECIPE_BYTES - 1, &n, error);
    if (status >= 0)
        status = cm_recipe_parse(text, recipe, error);
    if (status < 0)
        cm_error_context(error, "%s", path);
    cm_file_close(file);
    free(text);
    return status;
}

static enum capmill_status set_all(struct cm_recipe *recipe, int n, char **settings, struct cm_error *error)
{
    for (int i = 0; i < n; i++) {
        char *equals = strchr(settings[i], '=');
        enum capmill_status status;

        if (equals == NULL)
            return cm_error_set(error, CAPMILL_E_USAGE, 0, "expected key=value, found '%s'", settings[i]);
        *equals = 0;
        status = cm_recipe_set(recipe, settings[i], equals + 1, error);
        if (status < 0)
            return status;
    }
    return CAPMILL_OK;
}

/* `file` NULL: make the blocks and drop them, to measure the making alone. */
static enum capmill_status write_blocks(const struct cm_synth *synth, struct cm_file *file,
                                        struct cm_error *error)
{
    uint8_t header[CM_SYNTH_HEADER_CAPACITY];
    void *scratch = malloc(cm_synth_scratch_bytes(synth));
    uint8_t *out = malloc(cm_synth_block_capacity(synth));
    enum capmill_status status = CAPMILL_OK;

    if (scratch == NULL || out == NULL)
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory");
    if (status == CAPMILL_OK && file != NULL)
        status = cm_file_write_at(file, 0, header, cm_synth_header(synth, header), error);
    for (uint64_t i = 0; status == CAPMILL_OK && i < cm_synth_n_blocks(synth); i++) {
        size_t n = cm_synth_block(synth, i, scratch, out);

        if (n != cm_synth_block_bytes(synth, i))
            status = cm_error_set(error, CAPMILL_E_INTERNAL, 0, "block %" PRIu64 " has %zu bytes, not %zu", i,
                                  n, cm_synth_block_bytes(synth, i));
        else if (file != NULL)
            status = cm_file_write_at(file, cm_synth_block_offset(synth, i), out, n, error);
    }
    free(scratch);
    free(out);
    return status;
}

static enum capmill_status write_capture(const struct cm_synth *synth, const char *path,
                                         struct cm_error *error)
{
    struct cm_output *output = NULL;
    enum capmill_status status;

    if (strcmp(path, "null:") == 0)
        return write_blocks(synth, NULL, error);
    status = cm_output_create(path, true, &output, error);
    if (status == CAPMILL_OK)
        status = write_blocks(synth, cm_output_file(output), error);
    if (status == CAPMILL_OK)
        status = cm_output_commit(output, false, error);
    cm_output_destroy(output);
    return status;
}

int main(int argc, char **argv)
{
    struct cm_error error = {0};
    struct cm_recipe recipe;
    struct cm_synth *synth = NULL;
    uint64_t start_ns = cm_clock_monotonic_ns();
    enum capmill_status status;

    if (argc < 3) {
        fprintf(stderr, "usage: synth_write RECIPE_FILE OUT|null: [key=value...]\n");
        return 2;
    }
    status = read_recipe(argv[1], &recipe, &error);
    if (status >= 0)
        status = set_all(&recipe, argc - 3, argv + 3, &error);
    if (status >= 0)
        status = cm_synth_create(&recipe, &synth, &error);
    if (status >= 0)
        status = write_capture(synth, argv[2], &error);
    if (status >= 0) {
        double seconds = (double)(cm_clock_monotonic_ns() - start_ns) / 1e9;

        printf("%" PRIu64 " packets, %" PRIu64 " bytes, %" PRIu64 " blocks, %.3f s, %.2f GB/s\n",
               cm_synth_n_packets(synth), cm_synth_file_bytes(synth), cm_synth_n_blocks(synth), seconds,
               (double)cm_synth_file_bytes(synth) / 1e9 / seconds);
    } else {
        fprintf(stderr, "synth_write: %s\n", error.text);
    }
    cm_synth_destroy(synth);
    return status >= 0 ? 0 : status == CAPMILL_E_USAGE ? 2 : 1;
}

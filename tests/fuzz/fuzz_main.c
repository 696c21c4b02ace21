/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target once over each file named: the stored corpus as an ordinary test, or one finding. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"

#define MAX_INPUT_BYTES (1u << 20)

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(MAX_INPUT_BYTES);
    int status = 1;

    if (file != NULL && bytes != NULL) {
        size_t n = fread(bytes, 1, MAX_INPUT_BYTES, file);

        fprintf(stderr, "%s: %zu bytes\n", path, n);
        LLVMFuzzerTestOneInput(bytes, n);
        status = 0;
    } else {
        fprintf(stderr, "cannot read %s\n", path);
    }
    if (file != NULL)
        fclose(file);
    free(bytes);
    return status;
}

int main(int argc, char **argv)
{
    int status = 0;

    for (int i = 1; i < argc; i++)
        status |= run_file(argv[i]);
    return argc > 1 ? status : 2;
}

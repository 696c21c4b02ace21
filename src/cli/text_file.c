/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a small text file whole. What the text says is its reader's matter. */
#include "cli/text_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum capmill_status status_of(int code)
{
    return code == ENOENT ? CAPMILL_E_NOT_FOUND : code == EACCES ? CAPMILL_E_PERMISSION : CAPMILL_E_IO;
}

/* One byte more than may be there, so that a file that is too large is noticed. */
static enum capmill_status read_all(FILE *file, const char *path, const char *kind, size_t most_bytes,
                                    char *text, size_t *n_bytes_ret, struct cm_error *error)
{
    int code;

    errno = 0;
    *n_bytes_ret = fread(text, 1, most_bytes + 1, file);
    code = errno;
    if (ferror(file) != 0)
        return cm_error_set(error, CAPMILL_E_IO, code, "cannot read %s %.400s: %s", kind, path,
                            strerror(code));
    return CAPMILL_OK;
}

enum capmill_status cm_text_file_read(const char *path, const char *kind, const char *origin,
                                      size_t most_bytes, char **text_ret, size_t *n_bytes_ret,
                                      struct cm_error *error)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "rb");
    char *text = NULL;
    enum capmill_status status;

    if (file == NULL) {
        int code = errno;
        return cm_error_set(error, status_of(code), code, "cannot open %s %.400s: %s", kind, path,
                            strerror(code));
    }
    text = malloc(most_bytes + 2);
    if (text == NULL)
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a %s of %" PRIu64 " bytes", kind,
                              (uint64_t)most_bytes);
    else
        status = read_all(file, path, kind, most_bytes, text, n_bytes_ret, error);
    if (!is_stdin)
        fclose(file);
    if (status == CAPMILL_OK && *n_bytes_ret > most_bytes)
        status =
            cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s %.400s: too large for a %s", origin, path, kind);
    if (status < 0) {
        free(text);
        return status;
    }
    text[*n_bytes_ret] = 0;
    *text_ret = text;
    return CAPMILL_OK;
}

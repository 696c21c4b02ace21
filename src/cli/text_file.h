/* SPDX-License-Identifier: Apache-2.0 */
/* Small text files that a person wrote: recipes and configurations. */
#ifndef CM_CLI_TEXT_FILE_H
#define CM_CLI_TEXT_FILE_H

#include <stddef.h>

#include "base/error.h"

/* The whole file at `path`, "-" for standard input, and a zero byte behind it. `kind` says what it is
 * ("recipe") where it cannot be read; `origin` begins the refusal of one with more than `most_bytes`. The
 * text is freed by the caller. */
enum capmill_status cm_text_file_read(const char *path, const char *kind, const char *origin,
                                      size_t most_bytes, char **text_ret, size_t *n_bytes_ret,
                                      struct cm_error *error);

#endif

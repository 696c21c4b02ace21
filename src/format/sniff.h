/* SPDX-License-Identifier: Apache-2.0 */
/* Names for what is not a capture of ours, so that a refusal says what the file is. */
#ifndef CM_FORMAT_SNIFF_H
#define CM_FORMAT_SNIFF_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* As many bytes as any sign lies within. */
#define CM_SNIFF_BYTES 4096u

/* Always a failure: CAPMILL_E_UNSUPPORTED where the bytes are a compressed file or a capture in a foreign
 * format, CAPMILL_E_FORMAT where they are none, with a sentence that names what was recognised. n > 0. */
enum capmill_status cm_sniff_foreign(const char *path, const uint8_t *bytes, size_t n,
                                     struct cm_error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Names of temporaries of outputs: `.NAME.capmill-PID-START-NUMBER.tmp`, the numbers in hexadecimal. PID and
 * START (when that process started) say whose it is. Only for src/os/. */
#ifndef CM_OS_OUTPUT_INT_H
#define CM_OS_OUTPUT_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 255 is what file systems allow; a very long NAME is shortened and told apart by a hash. */
enum { CM_OUTPUT_NAME_BYTES = 256 };

struct cm_output_owner {
    uint64_t pid;
    uint64_t start; /* in whatever unit the system tells it; 0 where it does not */
};

void cm_output_name_make(const char *name, const struct cm_output_owner *owner, unsigned number,
                         char temporary[CM_OUTPUT_NAME_BYTES]);
/* Whether `candidate` is a temporary for the output `name`, or with `is_prefix` for any whose name begins so,
 * and whose. */
bool cm_output_name_parse(const char *candidate, const char *name, bool is_prefix,
                          struct cm_output_owner *owner_ret);

#endif

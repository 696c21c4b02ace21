/* SPDX-License-Identifier: Apache-2.0 */
/* The one function of a fuzz target; libFuzzer calls it, or fuzz_main.c for the stored corpus. It aborts
 * where something does not hold. */
#ifndef CM_TESTS_FUZZ_H
#define CM_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#endif
